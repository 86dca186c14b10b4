import Sockets

/// A line on standard error that is written over and over, so that whoever waits sees that something goes on.
struct ProgressLine {
    let isShown: Bool
    private var next: Int64 = 0
    private static let interval: Int64 = 200_000_000

    init(isShown: Bool) { self.isShown = isShown }

    /// - Parameter text: is asked for a few times a second only.
    mutating func show(_ text: () -> String) {
        guard isShown else { return }
        let now = Clock.monotonic
        guard now >= next else { return }
        next = now + Self.interval
        // Back to the beginning, and what is left of an earlier line goes away.
        _ = SharedStream.write(SharedStream.error, "\r\(text())\u{1B}[K")
    }

    func clear() {
        if isShown { _ = SharedStream.write(SharedStream.error, "\r\u{1B}[K") }
    }
}
