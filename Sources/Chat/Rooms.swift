/// The rooms that are in memory.
extension Chat {
    /// The room's place in the table; it gets one if it has none.
    mutating func intern(_ name: String) -> UInt32 {
        if let room = roomsByName[name] { return room }
        let room = Room(name: name, phase: limits.isDurable ? .unloaded : .ready)
        let index: UInt32
        if let vacant = vacantRooms.popLast() {
            index = vacant
            rooms[Int(index)] = room
        } else {
            index = UInt32(truncatingIfNeeded: rooms.count)
            rooms.append(room)
        }
        roomsByName[name] = index
        return index
    }

    /// Rooms without anyone in them are kept for a while, so that whoever leaves and comes back finds them in memory; and
    /// without a disk so that what was said there is not forgotten at once. The oldest are dropped, all of them where
    /// memory is scarce, and those at once in which nothing was ever said.
    mutating func noteIfEmpty(_ index: UInt32) {
        guard rooms[Int(index)].isUnused, !rooms[Int(index)].isEmptied else { return }
        if rooms[Int(index)].seq == 0 { return drop(index) }
        rooms[Int(index)].isEmptied = true
        emptied.append(index)
        while emptied.count > limits.emptyRooms || recentBytes > limits.recentBytesInAll,
            let oldest = emptied.removeFirst()
        {
            rooms[Int(oldest)].isEmptied = false
            if rooms[Int(oldest)].isUnused { drop(oldest) }
        }
    }

    private mutating func drop(_ index: UInt32) {
        roomsByName[rooms[Int(index)].name] = nil
        if limits.isDurable { dropped.append(rooms[Int(index)].name) }
        recentBytes -= rooms[Int(index)].recent.byteCount
        rooms[Int(index)] = Room(name: "", phase: .unloaded)
        vacantRooms.append(index)
    }

    /// How much of a room's newest events is to be kept.
    var recentBounds: Recent.Bounds {
        let isScarce = recentBytes > limits.recentBytesInAll
        return Recent.Bounds(
            messages: limits.recentMessages, bytes: isScarce ? limits.scarceRecentBytes : limits.recentBytes)
    }
}

extension Room {
    /// Whether nobody is in the room or on the way to it, and nothing waits to be sent.
    var isUnused: Bool {
        if case .loading = phase { return false }
        return memberCount == 0 && visitors == 0 && pending.isEmpty && dormant.isEmpty && !isTouched
            && !name.isEmpty
    }
}
