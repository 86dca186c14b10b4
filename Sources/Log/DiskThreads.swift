import Platform
import Synchronization

/// The two threads that sync and read.
package final class DiskThreads: Disk {
    private let syncs: Mailbox<SyncRequest>
    private let reads: Mailbox<DiskReadRequest>
    private let results: Results
    private var threads: [pthread_t] = []

    /// What is done, and not taken yet.
    private final class Results: Sendable {
        let list = Mutex<(done: [DiskResult], open: Int)>(([], 0))
        let wake: @Sendable () -> Void

        init(wake: @escaping @Sendable () -> Void) { self.wake = wake }

        func add(_ result: DiskResult) {
            list.withLock { $0.done.append(result) }
            wake()
        }
    }

    /// - Parameter wake: is called by either thread when there is a result.
    /// - Returns: nil where the system gives no threads.
    package init?(disk: any Storage, wake: @escaping @Sendable () -> Void) {
        let (syncs, reads, results) = (Mailbox<SyncRequest>(), Mailbox<DiskReadRequest>(), Results(wake: wake))
        (self.syncs, self.reads, self.results) = (syncs, reads, results)
        let syncing = startThread {
            while let request = syncs.take() { results.add(.synced(request.perform(on: disk))) }
        }
        let reading = startThread {
            var queue = ReadQueue(disk: disk)
            while true {
                // Waits where there is nothing to do; between two steps it only looks what has come.
                while let request = reads.take(waits: queue.isEmpty) { queue.add(request) }
                guard !queue.isEmpty else { return }
                if let result = queue.step() { results.add(.read(result)) }
            }
        }
        threads = [syncing, reading].compactMap(\.self)
        guard threads.count == 2 else {
            end()
            return nil
        }
    }

    deinit { end() }

    private func end() {
        syncs.close()
        reads.close()
        for thread in threads { _ = pthread_join(thread, nil) }
        threads = []
    }

    package func sync(_ request: SyncRequest) {
        results.list.withLock { $0.open += 1 }
        syncs.put(request)
    }

    package func read(_ request: DiskReadRequest) {
        results.list.withLock { $0.open += 1 }
        reads.put(request)
    }

    package func takeResults() -> [DiskResult] {
        results.list.withLock { list in
            defer { list.done = [] }
            list.open -= list.done.count
            return list.done
        }
    }

    package func finish() -> [DiskResult] {
        end()
        return takeResults()
    }
}

/// What one thread leaves for another.
private final class Mailbox<Letter: Sendable>: Sendable {
    private let letters = Mutex<(waiting: [Letter], isClosed: Bool)>(([], false))
    /// Counts letters, and the end, which is counted too.
    private let bell = Bell()

    func put(_ letter: Letter) {
        letters.withLock { $0.waiting.append(letter) }
        bell.ring()
    }

    func close() {
        letters.withLock { $0.isClosed = true }
        bell.ring()
    }

    /// The next letter; nil at the end, or where there is none and it is not to be waited for.
    func take(waits: Bool = true) -> Letter? {
        while true {
            let (letter, isClosed) = letters.withLock { box in
                (box.waiting.isEmpty ? nil : box.waiting.removeFirst(), box.isClosed)
            }
            if letter != nil || isClosed || !waits { return letter }
            bell.wait()
        }
    }
}
