/// Lets an event into the log once a second, however often it happens.
struct LogThrottle {
    /// When it may be told again (ms).
    private var next: Int64 = .min

    /// Whether it may be told now.
    mutating func admits(now: Int64) -> Bool {
        guard now >= next else { return false }
        next = now + 1000
        return true
    }
}
