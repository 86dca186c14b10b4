/// The expiry of events past the time for which they are kept.
extension Chat {
    /// Without a disk, expired events are forgotten here.
    mutating func expireInMemory() {
        guard !limits.rules.isDurable, let kept = limits.keptTime, moment.now >= nextExpiry else { return }
        nextExpiry = moment.now &+ Limits.expiryInterval
        for index in rooms.indices where !rooms[index].name.isEmpty {
            guard let seq = rooms[index].newest(before: moment.time - kept) else { continue }
            work.append(Work(room: UInt32(truncatingIfNeeded: index), input: .expired(through: seq)))
        }
    }

    /// The log does not keep a room's events up to a seq any longer.
    mutating func expire(_ room: UInt32, through seq: UInt64) {
        guard Int(room) < rooms.count, !rooms[Int(room)].name.isEmpty else { return }
        work.append(Work(room: room, input: .expired(through: seq)))
    }

    /// A room that is not in memory has something on the disk that is not to be kept any longer.
    mutating func loadExpiring(_ name: String, into output: inout TickOutput) {
        guard limits.rules.isDurable, RoomName.isValid(Array(name.utf8).span), roomsByName[name] == nil else { return }
        startLoading(intern(name), into: &output)
    }
}
