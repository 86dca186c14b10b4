import Platform
import Synchronization

/// A thread that does requests one after the other, in the order in which they were made, so that their maker never waits
/// for a disk. A descriptor becomes readable when there are answers.
package final class Worker<Request: Sendable, Answer: Sendable>: Sendable {
    /// To be watched by a poller.
    package var descriptor: Int32 { shared.answered.read }

    private let shared: Shared

    /// What both threads see.
    private final class Shared: Sendable {
        let requests = Mutex<[Request]>([])
        let answers = Mutex<[Answer]>([])
        /// A byte in it means that there are requests; its end, that there will be none.
        let requested: Pipe
        /// A byte in it means that there are answers.
        let answered: Pipe

        init() throws(SystemError) {
            requested = try Pipe(waits: true)
            answered = try Pipe(waits: false)
        }
    }

    /// Starts the thread. Throws where the system has none, or no pipe.
    ///
    /// - Parameter perform: does a request; on that thread, one at a time.
    package init(_ perform: @escaping @Sendable (Request) -> Answer) throws(SystemError) {
        let shared = try Shared()
        self.shared = shared
        // Never joined: it ends with the request that it is at when the owner goes.
        let thread = startThread {
            while shared.requested.take() {
                for request in shared.requests.withLock({ takeAll(&$0) }) {
                    let answer = perform(request)
                    shared.answers.withLock { $0.append(answer) }
                    shared.answered.put()
                }
            }
        }
        guard let thread else { throw SystemError(code: EAGAIN, operation: "start a thread") }
        _ = pthread_detach(thread)
    }

    deinit { shared.requested.end() }

    /// Makes a request.
    package func ask(_ request: Request) {
        shared.requests.withLock { $0.append(request) }
        shared.requested.put()
    }

    /// The answers that have come since the last call, in the order of their requests.
    package func answers() -> [Answer] {
        _ = shared.answered.take()
        return shared.answers.withLock { takeAll(&$0) }
    }
}

/// Takes out all that there is.
private func takeAll<Element>(_ list: inout [Element]) -> [Element] {
    defer { list = [] }
    return list
}

/// A pipe that wakes a thread or a poller. It is closed with its owner.
private final class Pipe: Sendable {
    let read: Int32
    private let write: Atomic<Int32>

    /// - Parameter waits: whether `take` waits while there is nothing.
    init(waits: Bool) throws(SystemError) {
        var ends: [Int32] = [-1, -1]
        // Two descriptors into an array of two.
        let made = unsafe ends.withUnsafeMutableBufferPointer { unsafe Platform.pipe($0.baseAddress) }
        guard made == 0 else { throw .last("make a pipe") }
        read = ends[0]
        write = Atomic(ends[1])
        ends.forEach(setNonBlocking)
        if waits { _ = fcntl(read, F_SETFL, fcntl(read, F_GETFL) & ~O_NONBLOCK) }
    }

    deinit {
        end()
        _ = close(read)
    }

    /// Wakes the other end. If the pipe is full, it is awake.
    func put() {
        var byte: UInt8 = 1
        // One byte out of a local variable.
        _ = uninterrupted { unsafe Platform.write(write.load(ordering: .relaxed), &byte, 1) }
    }

    /// Takes out what has woken it; false at the end.
    func take() -> Bool {
        var bytes = [UInt8](repeating: 0, count: 256)
        // At most as many bytes as the array has.
        let count = unsafe bytes.withUnsafeMutableBytes { buffer in
            uninterrupted { unsafe Platform.read(read, buffer.baseAddress, buffer.count) }
        }
        return count > 0
    }

    /// Nothing more will come.
    func end() {
        let descriptor = write.exchange(-1, ordering: .relaxed)
        if descriptor >= 0 { _ = close(descriptor) }
    }
}
