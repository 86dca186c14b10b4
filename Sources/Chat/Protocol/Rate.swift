/// How often something may happen: so many a second in the long run, and so many at once.
package struct Rate: Sendable {
    /// Nanoseconds that one of them takes.
    let interval: Int64
    /// Nanoseconds by which it may run ahead: as many as all but one of a burst take.
    let tolerance: Int64

    /// One that was written down; nil where the interval is none.
    init?(interval: Int64, tolerance: Int64) {
        guard interval > 0 else { return nil }
        self.interval = min(interval, 1_000_000_000_000_000)
        self.tolerance = min(max(0, tolerance), 100_000_000_000_000_000)
    }

    /// - Parameters:
    ///   - perSecond: how many in the long run; more than zero.
    ///   - burst: how many at once; less than one counts as one.
    package init(perSecond: Double, burst: Double) {
        // Rounded so that it is never more than was asked for. The bounds, some days and some years, keep the sums below
        // from overflowing; the arguments of `min` are in the order that makes a bound of what is no number.
        let exact = max(1, min(1e15, 1e9 / perSecond))
        interval = Int64(exact) + (exact > Double(Int64(exact)) ? 1 : 0)
        tolerance = Int64(max(0, min(1e17, (burst - 1) * 1e9 / perSecond)))
    }
}

/// A token bucket in eight bytes: the time at which it will be full again.
///
/// This is the generic cell rate algorithm (ITU-T I.371, annex A): instead of a number of tokens that would have to be
/// refilled, it keeps the time at which the next one would be due if they came evenly.
package struct TokenBucket: Sendable {
    private var due: Int64 = 0

    package init() {}

    /// Whether nothing is missing.
    package func isFull(now: Int64) -> Bool { due <= now &* 1_000_000 }

    /// Takes `count` tokens, if there is one at least: what is missing then has to be waited for by the next. So nothing is
    /// too large to be let through at all.
    ///
    /// - Parameters:
    ///   - rate: how often they may be taken; nil is no limit.
    ///   - now: milliseconds of a clock that does not go back.
    /// - Returns: zero if they were there; else none is taken, and it is the time to wait, in milliseconds.
    package mutating func take(_ count: Int = 1, of rate: Rate?, now: Int64) -> Int64 {
        guard let rate else { return 0 }
        let now = now &* 1_000_000
        let start = max(due, now)
        let wait = start &- now &- rate.tolerance
        if wait > 0 { return (wait &+ 999_999) / 1_000_000 }
        due = start &+ Int64(count) &* rate.interval
        return 0
    }

    /// Gives a token back that was taken last.
    mutating func giveBack(of rate: Rate) { due -= rate.interval }

    /// Takes `count` tokens whether they are there or not.
    mutating func charge(_ count: Int, of rate: Rate?, now: Int64) {
        guard let rate else { return }
        due = max(due, now &* 1_000_000) &+ Int64(count) &* rate.interval
    }
}

/// A token bucket for each of many, of whom those with a full one are forgotten.
struct RateTable<Key: Hashable & Sendable>: Sendable {
    private var buckets: [Key: TokenBucket] = [:]
    /// How many there may be before full ones are looked for.
    private var limit = 1024

    var count: Int { buckets.count }

    /// Takes a token for a key; see `TokenBucket.take`.
    mutating func take(for key: Key, of rate: Rate?, now: Int64) -> Int64 {
        guard let rate else { return 0 }
        if buckets.count >= limit {
            buckets = buckets.filter { !$0.value.isFull(now: now) }
            limit = max(1024, 2 * buckets.count)
        }
        return buckets[key, default: TokenBucket()].take(of: rate, now: now)
    }

    /// Takes `count` tokens whether they are there or not.
    mutating func charge(_ count: Int, for key: Key, of rate: Rate?, now: Int64) {
        buckets[key]?.charge(count, of: rate, now: now)
    }

    /// Gives a token back that was taken last.
    mutating func giveBack(for key: Key, of rate: Rate?) {
        guard let rate else { return }
        buckets[key]?.giveBack(of: rate)
    }
}
