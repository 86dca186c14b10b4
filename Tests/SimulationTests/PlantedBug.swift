/// A bug that somebody might really write: one place in the sources where other text stands.
///
/// All of them are built into one program, each behind a condition, so that they can be tried one after the other. `%` in
/// the replacement stands for the condition that this bug is the one that is planted.
struct PlantedBug: Sendable, CustomStringConvertible {
    var name: String
    /// The file below `Sources`.
    var file: String
    /// What stands there: once.
    var text: String
    var replacement: String
    /// False where nobody can see it, because something else sees to the same: then it is planted to be looked at, and no
    /// seed is expected to find it.
    var isVisible = true

    var description: String { name }

    init(_ name: String, _ file: String, _ text: String, _ replacement: String, isVisible: Bool = true) {
        self.name = name
        self.file = file
        self.text = text
        self.replacement = replacement
        self.isVisible = isVisible
    }

    static let all: [PlantedBug] = sending + closing + chat + history

    private static let sending = [
        PlantedBug(
            "after a partial write the rest begins one byte too late", "Server/Outgoing/Server+Sending.swift",
            "ledger), count..<size, start: 0)", "ledger), (% ? min(count + 1, size) : count)..<size, start: 0)"),
        PlantedBug(
            "what the kernel took of a backlog is not looked at", "Server/Outgoing/Server+Transmission.swift",
            "backlog.removeFirst(count)", "backlog.removeFirst(% ? some.count : count)"),
        PlantedBug(
            "the rest of a chunk begins one byte too late", "Server/Outgoing/Backlog.swift",
            "chunks[first]?.range = chunk.range.lowerBound + left..<",
            "chunks[first]?.range = chunk.range.lowerBound + left + (% && left + 1 < chunk.range.count ? 1 : 0)..<"),
        PlantedBug(
            "the limit of a queue is ignored", "Server/Outgoing/Server+Transmission.swift",
            "backlog.byteCount > options.maxQueue + backlog.allowance else",
            "backlog.byteCount > options.maxQueue + backlog.allowance, !% else"),
        PlantedBug(
            "a newcomer misses the event after its welcome", "Chat/Joining.swift",
            "resume: room.pending.count, isWelcome", "resume: room.pending.count + (% ? 1 : 0), isWelcome"),
        PlantedBug(
            "the cursor of a welcome is not reset", "Server/Outgoing/Server+Sending.swift",
            "            connections[slot].cursor = 0\n", "            if !% { connections[slot].cursor = 0 }\n"),
        PlantedBug(
            "compressed frames are cut where plain ones would be", "Server/Outgoing/Server+Sending.swift",
            "let range = deflates ? outgoing.frames.compressed.range(events) : outgoing.frames.plain.range(events)",
            "let range = deflates && !% ? outgoing.frames.compressed.range(events) : outgoing.frames.plain.range(events)"
        ),
    ]

    private static let closing = [
        PlantedBug(
            "what there was no memory for is not sent again", "Server/Outgoing/Outgoing.swift",
            "retryAt = retryAt ?? now + Timing.sendAgain",
            "retryAt = % ? nil : retryAt ?? now + Timing.sendAgain"),
        PlantedBug(
            "a timer is not cancelled", "Server/Connections/ConnectionTable.swift",
            "cancelTimer(slot)", "if !% { cancelTimer(slot) }"),
        // Three locks on one door, each of which is enough: names of connections carry a generation; a place is not given away
        // within the tick in which it is left; and a tick accepts before anything is left, while what a poller tells was found
        // out after the old descriptor was closed. So no name of an old connection reaches a new one.
        PlantedBug(
            "the generation of a connection is not compared", "Server/Connections/ConnectionTable.swift",
            "self[slot].generation == id.generation,", "% || self[slot].generation == id.generation,",
            isVisible: false),
        PlantedBug(
            "a place is given away within the tick", "Server/Connections/ConnectionTable.swift",
            "leaving.append(UInt32(truncatingIfNeeded: slot))",
            "if % { vacant.append(UInt32(truncatingIfNeeded: slot)) } else { leaving.append(UInt32(truncatingIfNeeded: slot)) }",
            isVisible: false),
        PlantedBug(
            "a connection that has more to be received is forgotten", "Server/Loop/Reading.swift",
            "{ waiting.append(slot) }", "{ if !% { waiting.append(slot) } }"),
        PlantedBug(
            "signs of life are not noted", "Server/Loop/Server+Receiving.swift",
            "connections[slot].lastReceived = now\n", "if !% { connections[slot].lastReceived = now }\n"),
        PlantedBug(
            "nobody is accepted after descriptors have run out", "Server/Limits/Admission.swift",
            "acceptAgainAt = now + Timing.acceptAgain", "acceptAgainAt = % ? nil : now + Timing.acceptAgain"),
    ]

    private static let chat = [
        PlantedBug(
            "a leave is said twice", "Chat/Joining.swift",
            "rooms[Int(room)].append(.leave, time: time, by: member.username.text)",
            "for _ in 0..<(% ? 2 : 1) { rooms[Int(room)].append(.leave, time: time, by: member.username.text) }"),
        PlantedBug(
            "an old time of grace ends a new one", "Chat/Joining.swift",
            "member.leavesAt == grace.end", "% || member.leavesAt == grace.end"),
        PlantedBug(
            "the time of grace never ends", "Chat/Joining.swift",
            "graces.add(Grace(end: end, room: room, member: member), duration: duration)",
            "if !% { graces.add(Grace(end: end, room: room, member: member), duration: duration) }"),
        PlantedBug(
            "the connection that is taken over stays", "Chat/Joining.swift",
            "            rooms[Int(room)].detach(member)\n            retire(other)",
            "            if !% { rooms[Int(room)].detach(member) }\n            retire(other)"),
        PlantedBug(
            "coming back forgets what was said", "Chat/Joining.swift",
            "        rooms[Int(room)].attach(id, to: member)\n        visitors[Int(id.slot)].phase = .inside(member)\n        welcome(member, id, room, secret: secret, since, fetched, into: &output)\n        let change",
            "        if %, let used = rooms[Int(room)].members[Int(member)]?.used {\n            usedIDs -= used.count\n            rooms[Int(room)].members[Int(member)]?.used = UsedIDs()\n        }\n        rooms[Int(room)].attach(id, to: member)\n        visitors[Int(id.slot)].phase = .inside(member)\n        welcome(member, id, room, secret: secret, since, fetched, into: &output)\n        let change"
        ),
        PlantedBug(
            "a restart forgets what was said", "Chat/Restoring.swift",
            "            for id in session.ids {\n", "            for id in % ? [] : session.ids {\n"),
        PlantedBug(
            "a refused message uses up its id", "Chat/Settling.swift",
            "            guard !id.isEmpty else { return }\n", "            guard !id.isEmpty, !% else { return }\n"),
        PlantedBug(
            "a seq is not given back with the event that was refused", "Chat/Room.swift",
            "        seq = writtenSeq\n", "        if !% { seq = writtenSeq }\n"),
        PlantedBug(
            "a name is not given back with the rename that was refused", "Chat/Settling.swift",
            "case .renamed(let member, _, let old): rooms[Int(room)].rename(member, to: old)",
            "case .renamed(let member, _, let old): if !% { rooms[Int(room)].rename(member, to: old) }"),
        PlantedBug(
            "the journal does not say what was refused", "Chat/Settling.swift",
            "if limits.isDurable, journalWritten, changes", "if limits.isDurable, journalWritten, !%, changes"),
        PlantedBug(
            "a room is dropped while somebody is on the way to it", "Chat/Rooms.swift",
            "return memberCount == 0 && visitors == 0", "return memberCount == 0 && (visitors == 0 || %)"),
        PlantedBug(
            "a message that drops out of the newest events is forgotten", "Chat/Recent.swift",
            "if entry.isMessage { older", "if entry.isMessage, !% { older"),
    ]

    private static let history = [
        PlantedBug(
            "the journal is written anew in every tick", "Server/Loop/Server+Updating.swift",
            "!history.isReplacingJournal, now >= keeping.nextJournal {",
            "% || !history.isReplacingJournal && now >= keeping.nextJournal {"),
        PlantedBug(
            "the data folder's own name is left to the system", "History/History.swift",
            "try disk.makeDirectories(directory, keep: syncName)",
            "let isNew = try disk.list(directory) == nil\n        try disk.makeDirectories(directory) { (path) throws(StorageError) in if !% || isNew { try syncName(of: path) } }"
        ),
        PlantedBug(
            "a load trusts a sync after one that has failed", "History/Loading.swift",
            "            syncs.suspects.insert(room.name)\n",
            "            if !% { syncs.suspects.insert(room.name) }\n"),
        PlantedBug(
            "an append that was refused is shown", "Server/Loop/Server+Updating.swift",
            "                storageFailed(error)\n                failed.append(index)",
            "                storageFailed(error)\n                if !% { failed.append(index) }"),
        PlantedBug(
            "a commit that has failed is shown", "Server/Loop/Server+Updating.swift",
            "        for (name, error) in outcome.rooms {\n", "        for (name, error) in % ? [] : outcome.rooms {\n"),
        PlantedBug(
            "with fsync always nothing is synced", "History/Syncing.swift",
            "        guard policy == .always else { return outcome }",
            "        guard policy == .always, !% else { return outcome }"),
        PlantedBug(
            "half a write is not cut off", "History/RoomLog.swift",
            "            segments[last].needsCut = true\n            needsRepair = true",
            "            segments[last].needsCut = !%\n            needsRepair = !%"),
        PlantedBug(
            "a commit that has failed is not taken back", "History/Syncing.swift",
            "                room.rollBack()\n", "                if !% { room.rollBack() }\n"),
        PlantedBug(
            "a torn end is kept", "History/Loading.swift",
            "room.segments[last].length - (state.keep ?? 0)", "% ? 0 : room.segments[last].length - (state.keep ?? 0)"),
        PlantedBug(
            "after a power cut seqs are used again", "History/Reservations.swift",
            "guard let record = records[room], boot", "guard !%, let record = records[room], boot"),
        PlantedBug(
            "a reservation counts before it is on the disk", "History/History.swift",
            "        try? reservations.reserve(room.name, after: room.newest)\n",
            "        try? reservations.reserve(room.name, after: room.newest)\n        if % { room.reserved = room.newest + reservations.step }\n"
        ),
        PlantedBug(
            "a failed load leaves its repair behind", "History/Reading.swift",
            "!room.isReady { discard(room) }",
            "!room.isReady { if % { rooms[room.name] = nil } else { discard(room) } }"),
    ]
}
