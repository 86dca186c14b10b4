/// A member without a connection, and when it leaves.
struct Grace: Sendable {
    var end: Int64
    var room: UInt32
    var member: UInt32
}

/// Who leaves when: a queue for each of the two durations there are, since what is added later ends later.
///
/// Who comes back is not looked for in here. The entry stays, and finds at its end that it means nobody any more.
struct Graces: Sendable {
    private var short = Queue<Grace>()
    private var long = Queue<Grace>()

    mutating func add(_ grace: Grace, duration: Int64) {
        if duration <= Limits.graceAfterGoingAway { short.append(grace) } else { long.append(grace) }
    }

    /// How many there are, those that mean nobody any more included.
    var count: Int { short.count + long.count }

    /// When the next one ends.
    var next: Int64? { [short.first?.end, long.first?.end].compactMap(\.self).min() }

    /// Takes out one that has ended by `now`.
    mutating func removeFirst(before now: Int64) -> Grace? {
        if let grace = short.first, grace.end <= now { return short.removeFirst() }
        if let grace = long.first, grace.end <= now { return long.removeFirst() }
        return nil
    }
}
