import Bytes

/// Connections that are told of new messages in other rooms.
extension Chat {
    mutating func watch(
        _ command: Command, _ range: Range<Int>, _ id: ConnectionID, _ inputs: borrowing TickInputs,
        into output: inout TickOutput
    ) throws(Refusal) {
        let text = inputs.bytes.span.extracting(range)
        try check(command.rooms.kind == .array, "The field rooms must be a list of up to 20 rooms' names.")
        var (names, isValid, at) = ([String](), true, command.rooms.range.lowerBound)
        _ = JSONScanner.elements(text, &at) { value in
            var name: [UInt8] = []
            if value.kind == .string { name.append(unescaping: value, of: text) }
            isValid = isValid && names.count < Limits.watchedRooms && RoomName.isValid(name.span)
            let room = String(decoding: name, as: UTF8.self)
            if isValid, !names.contains(room) { names.append(room) }
        }
        try check(isValid, "The field rooms must be a list of up to 20 rooms' names.")
        _ = try roomInside(id)
        let wait = peers[Int(id.slot)].history.take(of: limits.history, now: moment.now)
        guard wait == 0 else { throw .tooFast(wait) }
        setWatched(names, id)
        guard limits.rules.isShared else { return }
        // A node hears of messages at other nodes only in rooms that it serves itself.
        for name in names where isRoom(Array(name.utf8).span) { startLoading(intern(name), into: &output) }
    }

    /// Whether events for a connection may be gathered, which is for whoever sends them to do.
    mutating func pace(
        _ command: Command, _ range: Range<Int>, _ id: ConnectionID, _ inputs: borrowing TickInputs,
        into output: inout TickOutput
    ) throws(Refusal) {
        try check(command.slow.kind == .boolean, "The field slow must be true or false.")
        let room = try roomInside(id).room
        let isSlow = inputs.bytes[range.lowerBound + command.slow.range.lowerBound] == UInt8(ascii: "t")
        output.paces.append((id, room, isSlow))
    }

    mutating func setWatched(_ names: [String], _ id: ConnectionID) {
        let slot = Int(id.slot)
        if names.isEmpty, peers[slot].watched.isEmpty { return }
        for name in peers[slot].watched {
            watchers[name]?.removeAll { $0 == id }
            if watchers[name]?.isEmpty == true {
                watchers[name] = nil
                toldUnread[name] = nil
                unread.removeAll { $0.room == name }
            }
        }
        peers[slot].watched = names
        for name in names { watchers[name, default: []].append(id) }
    }

    /// A room's tick is over: notes its newest message, where somebody watches. To be called before `Room.commit`.
    mutating func noteUnread(_ index: UInt32) {
        guard !watchers.isEmpty, watchers[rooms[Int(index)].name] != nil else { return }
        guard let newest = rooms[Int(index)].newestMessage else { return }
        let name = rooms[Int(index)].name
        if let place = unread.firstIndex(where: { $0.room == name }) {
            unread[place].seq = newest
        } else {
            unread.append((name, newest))
        }
    }

    /// When the next telling is due.
    var nextUnread: Int64? { unread.map { (toldUnread[$0.room] ?? .min / 2) + Limits.watchInterval }.min() }

    /// Tells those who watch of what is new, each room at most once a second.
    mutating func tellUnread(into output: inout TickOutput) {
        guard !unread.isEmpty else { return }
        let now = moment.now
        let due = unread.filter { (toldUnread[$0.room] ?? .min / 2) + Limits.watchInterval <= now }
        unread.removeAll { item in due.contains { $0.room == item.room } }
        for item in due {
            toldUnread[item.room] = now
            let start = output.bytes.count
            output.bytes.append("{\"type\":\"unread\",\"room\":")
            output.bytes.append(quoting: item.room)
            output.bytes.append(",\"seq\":")
            output.bytes.append(decimal: item.seq)
            let range = start..<output.bytes.count
            for id in watchers[item.room] ?? [] where isHeard(id) && mayWatch(item.room, id) {
                output.answers.append((id, range))
            }
        }
    }

    /// Whether a connection's user may enter a room.
    private func mayWatch(_ name: String, _ id: ConnectionID) -> Bool {
        guard let index = roomsByName[name] else { return false }
        let user = peers[Int(id.slot)].room.flatMap { rooms[Int($0)].user(behind: id) } ?? peers[Int(id.slot)].user
        return rooms[Int(index)].admits(user, time: moment.time)
    }
}

extension Room {
    /// The seq of this tick's newest message.
    fileprivate var newestMessage: UInt64? {
        var (seq, newest) = (start.seq, UInt64?.none)
        for entry in pending[firstNew...] where entry.isEvent {
            seq += 1
            if entry.kind == .event(.message) { newest = seq }
        }
        return newest
    }
}
