import Bytes

/// Rooms that live through a recording again.
package struct ReplayedRooms: Sendable {
    private var rules: RoomRules
    private var rooms: [UInt32: Room] = [:]
    private var bytes: [UInt8] = []
    private var touched: Set<UInt32> = []

    package init(rules: RoomRules) { self.rules = rules }

    /// A room comes into memory.
    package mutating func begin(_ index: UInt32, name: String, lines: [UInt8]) {
        rooms[index] = Room(name: name, rules: rules, snapshot: lines.span, isWhole: true)
    }

    /// A tick's inputs.
    package mutating func update(_ work: [Chat.Work], _ bytes: [UInt8], at moment: Moment) {
        // Whatever a damaged recording says: inputs are not mixed with those of another tick.
        if !touched.isEmpty { _ = settle(failed: []) }
        self.bytes = bytes
        for item in work {
            rooms[item.room]?.apply(item.input, of: bytes.span, at: moment)
            touched.insert(item.room)
        }
    }

    /// The tick's outcome, as it comes out here.
    package mutating func settle(failed: [UInt32]) -> TickDigest {
        var digest = TickDigest()
        let bytes = bytes
        var counters = ChatCounters()
        for index in Set(failed).intersection(touched) {
            rooms[index]?.rollBack(bytes.span, counting: &counters)
        }
        defer { touched = [] }
        for index in touched {
            guard let room = rooms[index] else { continue }
            digest.add(room, at: index)
            rooms[index]?.commit(counting: &counters)
            rooms[index]?.dropOutputs()
        }
        return digest
    }
}

extension Room {
    /// Forgets what would be sent.
    fileprivate mutating func dropOutputs() {
        _ = removeSent(TickOutput.Due(room: 0, below: .max, includesShared: true), now: moment.now)
        _ = takeGraces()
        _ = takeRefusals()
        _ = takeServerChanges()
    }
}
