/// A connection's place among the timers.
struct TimerLink {
    /// When it is due (ms).
    var deadline: Int64 = 0
    fileprivate var previous: Int32 = -1
    fileprivate var next: Int32 = -1
    fileprivate var bucket: Int16 = -1

    /// Whether it will come.
    var isSet: Bool { bucket >= 0 }
}

/// One timer for each connection, in buckets of an eighth of a second around a wheel.
///
/// Setting a timer to a later time, which is what nearly always happens, is one store: the entry stays in its bucket, and
/// finds out there that it is not due yet. So a busy connection touches the wheel once in a turn, an idle server sleeps
/// until the next bucket with something in it, and a timer comes at most an eighth of a second late.
struct TimerWheel {
    private static let granularity: Int64 = 128
    private static let size = 256

    private var heads = [Int32](repeating: -1, count: TimerWheel.size)
    /// A bit for each bucket that is not empty.
    private var occupied: [UInt64] = [0, 0, 0, 0]
    /// The bucket that comes next, as a number of `granularity` since the clock's zero.
    private var position: Int64 = 0

    /// Begins at a time.
    mutating func start(now: Int64) { position = now / Self.granularity }

    /// Has the connection's timer come at `deadline`, whatever it was set to before.
    mutating func set(_ slot: Int, to deadline: Int64, in connections: inout ConnectionTable) {
        let isLater = deadline >= connections[slot].timer.deadline
        connections[slot].timer.deadline = deadline
        if connections[slot].timer.bucket >= 0 {
            if isLater { return }
            unlink(slot, in: &connections)
        }
        link(slot, in: &connections)
    }

    mutating func cancel(_ slot: Int, in connections: inout ConnectionTable) {
        if connections[slot].timer.bucket >= 0 { unlink(slot, in: &connections) }
    }

    /// How many timers are in the wheel, counted one by one.
    func count(in connections: borrowing ConnectionTable) -> Int {
        var count = 0
        for head in heads {
            var entry = head
            while entry >= 0 {
                count += 1
                entry = connections[Int(entry)].timer.next
            }
        }
        return count
    }

    /// When the next bucket is due that has something in it.
    var next: Int64? {
        let start = Int(position % Int64(Self.size))
        for offset in 0...4 {
            let word = (start / 64 + offset) % 4
            var bits = occupied[word]
            // The first word is looked at twice: from the present on, and at the end for what lies before it.
            if offset == 0 { bits &= UInt64.max << UInt64(start % 64) }
            if offset == 4 { bits &= ~(UInt64.max << UInt64(start % 64)) }
            guard bits != 0 else { continue }
            let bucket = word * 64 + bits.trailingZeroBitCount
            let distance = (bucket - start + Self.size) % Self.size
            return (position + Int64(distance) + 1) * Self.granularity
        }
        return nil
    }

    /// Takes out all that are due, into `expired`.
    mutating func advance(to now: Int64, in connections: inout ConnectionTable, expired: inout [Int]) {
        let end = now / Self.granularity
        // After a long sleep one turn of the wheel meets every bucket.
        position = max(position, end - Int64(Self.size))
        while position < end {
            var entry = heads[Int(position % Int64(Self.size))]
            position += 1
            while entry >= 0 {
                let slot = Int(entry)
                entry = connections[slot].timer.next
                unlink(slot, in: &connections)
                if connections[slot].timer.deadline <= now {
                    expired.append(slot)
                } else {
                    link(slot, in: &connections)
                }
            }
        }
    }

    private mutating func link(_ slot: Int, in connections: inout ConnectionTable) {
        // What lies beyond the wheel waits in the last bucket, and is put on from there.
        let due = connections[slot].timer.deadline / Self.granularity
        let place = min(max(due, position), position + Int64(Self.size) - 1)
        let bucket = Int(place % Int64(Self.size))
        let next = heads[bucket]
        connections[slot].timer.next = next
        connections[slot].timer.previous = -1
        connections[slot].timer.bucket = Int16(truncatingIfNeeded: bucket)
        if next >= 0 { connections[Int(next)].timer.previous = Int32(truncatingIfNeeded: slot) }
        heads[bucket] = Int32(truncatingIfNeeded: slot)
        occupied[bucket / 64] |= 1 << UInt64(bucket % 64)
    }

    private mutating func unlink(_ slot: Int, in connections: inout ConnectionTable) {
        let timer = connections[slot].timer
        let bucket = Int(timer.bucket)
        if timer.next >= 0 { connections[Int(timer.next)].timer.previous = timer.previous }
        if timer.previous >= 0 {
            connections[Int(timer.previous)].timer.next = timer.next
        } else {
            heads[bucket] = timer.next
            if timer.next < 0 { occupied[bucket / 64] &= ~(1 << UInt64(bucket % 64)) }
        }
        connections[slot].timer.next = -1
        connections[slot].timer.previous = -1
        connections[slot].timer.bucket = -1
    }
}
