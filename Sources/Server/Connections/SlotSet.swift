/// A set of places in the table of connections: a bit for each.
struct SlotSet {
    private var words: [UInt64] = []
    private(set) var count = 0

    func contains(_ slot: Int) -> Bool {
        let word = slot / 64
        return word < words.count && words[word] >> UInt64(slot % 64) & 1 == 1
    }

    /// - Returns: whether it was not in the set.
    @discardableResult
    mutating func insert(_ slot: Int) -> Bool {
        guard !contains(slot) else { return false }
        while words.count <= slot / 64 { words.append(0) }
        words[slot / 64] |= 1 << UInt64(slot % 64)
        count += 1
        return true
    }

    /// - Returns: whether it was in the set.
    @discardableResult
    mutating func remove(_ slot: Int) -> Bool {
        guard contains(slot) else { return false }
        words[slot / 64] &= ~(1 << UInt64(slot % 64))
        count -= 1
        return true
    }
}

/// Places in the table of connections, in the order in which they were put there, none of them twice.
///
/// A place that is taken out before its turn leaves its number in the line, where it is passed over: ending a
/// connection takes no search.
struct SlotQueue {
    private var line: [UInt32] = []
    private var next = 0
    private var members = SlotSet()

    var count: Int { members.count }
    var isEmpty: Bool { members.count == 0 }

    func contains(_ slot: Int) -> Bool { members.contains(slot) }

    mutating func append(_ slot: Int) {
        if members.insert(slot) { line.append(UInt32(truncatingIfNeeded: slot)) }
    }

    mutating func remove(_ slot: Int) {
        members.remove(slot)
        if isEmpty { forgetPassed() }
    }

    /// Takes out the first one.
    mutating func popFirst() -> Int? {
        while next < line.count {
            let slot = Int(line[next])
            next += 1
            if members.remove(slot) {
                // The numbers before the first one are let go of when they are the most of the line.
                if isEmpty || next >= 64 && next > line.count / 2 { forgetPassed() }
                return slot
            }
        }
        return nil
    }

    private mutating func forgetPassed() {
        if isEmpty { line.removeAll(keepingCapacity: true) } else { line.removeFirst(next) }
        next = 0
    }
}
