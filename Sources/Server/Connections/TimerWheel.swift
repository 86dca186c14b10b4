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
    fileprivate static let granularity: Int64 = 128
    fileprivate static let size = 256

    fileprivate var heads = [Int32](repeating: -1, count: TimerWheel.size)
    /// A bit for each bucket that is not empty.
    fileprivate var occupied: [UInt64] = [0, 0, 0, 0]
    /// The bucket that comes next, as a number of `granularity` since the clock's zero.
    fileprivate var position: Int64 = 0

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
}

extension ConnectionTable {
    /// Begins to count time.
    mutating func startTimers(now: Int64) { timers.position = now / TimerWheel.granularity }

    /// Has the connection's timer come at `deadline` (ms), whatever it was set to before.
    mutating func setTimer(_ slot: Int, to deadline: Int64) {
        let isLater = deadline >= self[slot].timer.deadline
        self[slot].timer.deadline = deadline
        if self[slot].timer.bucket >= 0 {
            if isLater { return }
            unlink(slot)
        }
        link(slot)
    }

    mutating func cancelTimer(_ slot: Int) {
        if self[slot].timer.bucket >= 0 { unlink(slot) }
    }

    /// How many timers are in the wheel, counted one by one.
    var timerCount: Int {
        var count = 0
        for head in timers.heads {
            var entry = head
            while entry >= 0 {
                count += 1
                entry = self[Int(entry)].timer.next
            }
        }
        return count
    }

    /// Takes out all timers that are due.
    ///
    /// - Returns: the places of their connections.
    mutating func takeExpired(now: Int64) -> [Int] {
        var expired: [Int] = []
        let end = now / TimerWheel.granularity
        // After a long sleep one turn of the wheel meets every bucket.
        timers.position = max(timers.position, end - Int64(TimerWheel.size))
        while timers.position < end {
            var entry = timers.heads[Int(timers.position % Int64(TimerWheel.size))]
            timers.position += 1
            while entry >= 0 {
                let slot = Int(entry)
                entry = self[slot].timer.next
                unlink(slot)
                if self[slot].timer.deadline <= now { expired.append(slot) } else { link(slot) }
            }
        }
        return expired
    }

    private mutating func link(_ slot: Int) {
        // What lies beyond the wheel waits in the last bucket, and is put on from there.
        let due = self[slot].timer.deadline / TimerWheel.granularity
        let place = min(max(due, timers.position), timers.position + Int64(TimerWheel.size) - 1)
        let bucket = Int(place % Int64(TimerWheel.size))
        let next = timers.heads[bucket]
        self[slot].timer.next = next
        self[slot].timer.previous = -1
        self[slot].timer.bucket = Int16(truncatingIfNeeded: bucket)
        if next >= 0 { self[Int(next)].timer.previous = Int32(truncatingIfNeeded: slot) }
        timers.heads[bucket] = Int32(truncatingIfNeeded: slot)
        timers.occupied[bucket / 64] |= 1 << UInt64(bucket % 64)
    }

    private mutating func unlink(_ slot: Int) {
        let timer = self[slot].timer
        let bucket = Int(timer.bucket)
        if timer.next >= 0 { self[Int(timer.next)].timer.previous = timer.previous }
        if timer.previous >= 0 {
            self[Int(timer.previous)].timer.next = timer.next
        } else {
            timers.heads[bucket] = timer.next
            if timer.next < 0 { timers.occupied[bucket / 64] &= ~(1 << UInt64(bucket % 64)) }
        }
        self[slot].timer.next = -1
        self[slot].timer.previous = -1
        self[slot].timer.bucket = -1
    }
}
