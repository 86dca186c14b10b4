import Bytes

/// A member without a connection, and when it leaves.
struct GracePeriod: Sendable {
    /// In milliseconds of `Moment.now`.
    var end: Int64
    var room: UInt32
    /// Tells the room from another in its place.
    var serial: UInt32
    var member: UInt64
    /// Which of the member's times of grace it is.
    var grace: UInt32
}

/// Members' times of grace: a queue for each of the two durations there are, since what is added later ends later.
///
/// A member that comes back is not looked for in here. The entry stays, and finds at its end that it means nobody any more.
struct GracePeriods: Sendable {
    private var short = Queue<GracePeriod>()
    private var long = Queue<GracePeriod>()

    mutating func add(_ grace: GracePeriod, duration: Int64) {
        if duration <= RoomRules.graceAfterGoingAway { short.append(grace) } else { long.append(grace) }
    }

    /// How many there are, those that mean nobody any more included.
    var count: Int { short.count + long.count }

    /// When the next one ends.
    var next: Int64? { [short.first?.end, long.first?.end].compactMap(\.self).min() }

    /// Takes out one that has ended by `now`.
    mutating func removeFirst(before now: Int64) -> GracePeriod? {
        if let grace = short.first, grace.end <= now { return short.removeFirst() }
        if let grace = long.first, grace.end <= now { return long.removeFirst() }
        return nil
    }
}
