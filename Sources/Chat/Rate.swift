/// How often something may happen: so many a second in the long run, and so many at once.
package struct Rate: Sendable {
    /// Microseconds that one of them takes.
    let interval: Int64
    /// Microseconds by which it may run ahead: one less than the burst.
    let tolerance: Int64

    /// - Parameters:
    ///   - perSecond: how many in the long run; more than zero.
    ///   - burst: how many at once; at least one.
    package init(perSecond: Double, burst: Double) {
        interval = Int64(max(1, min(1e12, 1e6 / perSecond)))
        tolerance = Int64(max(0, min(1e15, (burst - 1) * 1e6 / perSecond)))
    }
}

/// A token bucket in eight bytes: the time at which it will be full again.
///
/// This is the generic cell rate algorithm (ITU-T I.371, annex A): instead of a number of tokens that would have to be
/// refilled, it keeps the time at which the next one would be due if they came evenly.
struct TokenBucket {
    private var due: Int64 = 0

    /// Takes `count` tokens.
    ///
    /// - Parameters:
    ///   - rate: how often they may be taken; nil is no limit.
    ///   - now: milliseconds of a clock that does not go back.
    /// - Returns: zero if they were there; else none is taken, and it is the time to wait, in milliseconds.
    mutating func take(_ count: Int = 1, of rate: Rate?, now: Int64) -> Int64 {
        guard let rate else { return 0 }
        let now = now &* 1000
        let start = max(due, now)
        let wait = start &- now &- rate.tolerance
        if wait > 0 { return (wait &+ 999) / 1000 }
        let cost = Int64(count).multipliedReportingOverflow(by: rate.interval)
        due = start &+ (cost.overflow ? 0 : cost.partialValue)
        return 0
    }
}
