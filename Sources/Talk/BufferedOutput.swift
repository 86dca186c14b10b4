import Sockets

/// Standard output or error of a loop that goes on while nobody reads them: what is not taken at once waits.
///
/// Only so much waits. A writer of more than that waits with it, until it is taken or a signal has come: nothing is lost.
final class BufferedOutput {
    private let descriptor: Int32
    private let poller: any Poller
    private let token: UInt64
    private let signals: Int32
    private var waiting: [UInt8] = []
    private var isWatched = false
    /// Whether nobody reads it any more: the pipe is closed, or the terminal is gone.
    private(set) var isUnheard = false
    /// Why it cannot be written although somebody may read it, such as a full disk.
    private(set) var failure: SystemError?

    /// As much as a server keeps for a slow reader by default (bytes).
    private static let mostWaiting = 1 << 20

    /// - Parameters:
    ///   - token: comes back from the poller when there is something to be flushed.
    ///   - signals: is readable when a signal has come.
    init(_ descriptor: Int32, poller: any Poller, token: UInt64, signals: Int32) {
        self.descriptor = descriptor
        self.poller = poller
        self.token = token
        self.signals = signals
    }

    /// Whether all has been written, or cannot be.
    var isFlushed: Bool { waiting.isEmpty }

    func write(_ text: String) { write(Array(text.utf8)) }

    func write(_ bytes: [UInt8]) {
        guard !isUnheard, failure == nil else { return }
        waiting += bytes
        flush()
        while waiting.count > Self.mostWaiting, SharedStream.waitForRoom(descriptor, unlessReadable: signals) {
            flush()
        }
    }

    /// Writes what is taken without waiting.
    func flush() {
        var written = 0
        writing: while written < waiting.count {
            switch SharedStream.writeSome(descriptor, waiting[written...]) {
            case .sent(let count): written += count
            case .wouldBlock, .exhausted: break writing
            case .failed(let code):
                let error = SystemError(code: code, operation: "write")
                if error.isEndOfReader { isUnheard = true } else { failure = error }
                written = waiting.count
            }
        }
        waiting.removeFirst(written)
        watch(!waiting.isEmpty)
    }

    private func watch(_ wanted: Bool) {
        guard wanted != isWatched else { return }
        isWatched = wanted
        guard wanted else { return poller.remove(descriptor) }
        // poll(2) takes any descriptor.
        try? poller.add(descriptor, token: token)
        poller.setReadInterest(descriptor, false)
        poller.setWriteInterest(descriptor, true)
    }
}
