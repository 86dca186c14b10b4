/// The rooms that are in memory.
extension Chat {
    /// The room's place in the table; it gets one if it has none.
    mutating func intern(_ name: String) -> UInt32 {
        if let room = roomsByName[name] { return room }
        var room = Room(name: name, rules: limits.rules, isLoaded: !limits.rules.isDurable)
        room.serial = nextSerial()
        room.isKeeping = isKeeping
        if !limits.rules.isDurable, !room.isOfPair { room.goOn(behind: forgottenSeq) }
        let index: UInt32
        if let vacant = vacantRooms.popLast() {
            index = vacant
            rooms[Int(index)] = room
        } else {
            index = UInt32(truncatingIfNeeded: rooms.count)
            rooms.append(room)
        }
        roomsByName[name] = index
        if !facts.isEmpty { tellFacts(to: index) }
        return index
    }

    /// Rooms without anyone in them are kept for a while, so that whoever leaves and comes back finds them in memory; and
    /// without a disk so that what was said there is not forgotten at once. The oldest are dropped, all of them where
    /// memory is scarce, and those at once in which nothing was ever said.
    mutating func noteIfEmpty(_ index: UInt32) {
        guard isUnused(index), !rooms[Int(index)].isEmptied else { return }
        if rooms[Int(index)].firstKept == 0 || rooms[Int(index)].isOfPair { return drop(index) }
        rooms[Int(index)].isEmptied = true
        emptied.append(index)
        while emptied.count > limits.emptyRooms || recentBytes > limits.recentBytesInAll,
            let oldest = emptied.removeFirst()
        {
            rooms[Int(oldest)].isEmptied = false
            if isUnused(oldest) { drop(oldest) }
        }
    }

    private func isUnused(_ index: UInt32) -> Bool {
        guard rooms[Int(index)].isUnused else { return false }
        guard let shared = shared[index] else { return true }
        return shared.steps.first == nil && watchers[rooms[Int(index)].name] == nil
            && !unclosed.contains { $0.room == index }
    }

    private mutating func drop(_ index: UInt32) {
        roomsByName[rooms[Int(index)].name] = nil
        let (isOfPair, isDurable) = (rooms[Int(index)].isOfPair, rooms[Int(index)].rules.isDurable)
        // No name of a pair's room comes again.
        if !isOfPair, rooms[Int(index)].firstKept == 0 || !isDurable {
            forgottenSeq = max(forgottenSeq, rooms[Int(index)].seq)
        }
        if isDurable { dropped.append(rooms[Int(index)].name) }
        recentBytes -= rooms[Int(index)].recent.byteCount
        shared[index] = nil
        rooms[Int(index)] = Room(name: "", rules: limits.rules, isLoaded: false)
        vacantRooms.append(index)
    }
}

extension Room {
    /// Whether nobody is in the room or on the way to it, and nothing waits to be sent.
    var isUnused: Bool {
        if case .loading = phase { return false }
        // Two strangers may be on their way.
        if let pair, !pair.isOver { return false }
        // Each node serves a room for its own connections, and all of them for members in their time of grace.
        let others = rules.isShared && present.allSatisfy(\.isElsewhere) ? present.count : 0
        return memberCount == others && visitors == 0 && unerased == 0 && pending.isEmpty && gates.isEmpty && !isTouched
            && !name.isEmpty
    }

    /// Whether there are events after `since` that only the disk has.
    func needsDisk(since: UInt64) -> Bool {
        rules.isDurable && firstKept > 0 && since < recent.droppedThrough && !recent.isFull
    }

    /// Whether a connection is here with this session.
    func hasSession(_ session: UInt128, _ id: ConnectionID) -> Bool {
        inside[id].map { sessions[session] == $0 } ?? false
    }

    /// Continues the numbering behind a seq. A client that has seen only a smaller one missed events that are kept nowhere.
    mutating func goOn(behind seq: UInt64) {
        assert(firstKept == 0 && pending.isEmpty, "a room that has begun begins anew")
        self.seq = max(self.seq, seq)
        recent.begin(behind: self.seq)
        beginTick()
    }

    /// Takes in what was read of it, with nobody in it yet.
    mutating func become(_ loaded: Room) {
        assert(memberCount == 0 && pending.isEmpty, "a room is loaded in which something has happened")
        var room = loaded
        room.serial = serial
        room.visitors = visitors
        room.isKeeping = isKeeping
        room.waiting = waiting
        room.isTouched = isTouched
        room.isEmptied = isEmptied
        self = room
    }
}
