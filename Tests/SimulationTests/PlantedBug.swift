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
    /// Whether it takes several nodes to see it.
    var isInCluster = false

    var description: String { name }

    init(_ name: String, _ file: String, _ text: String, _ replacement: String, isVisible: Bool = true) {
        self.name = name
        self.file = file
        self.text = text
        self.replacement = replacement
        self.isVisible = isVisible
    }

    static let all: [PlantedBug] =
        sending + closing + chat + refusals + loading + log + changes + hosts
        + cluster.map { bug in
            var bug = bug
            bug.isInCluster = true
            return bug
        }

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
            "let skipped = % && left + 1 < chunk.range.count ? 1 : 0\n                byteCount -= skipped\n                chunks[first]?.range = chunk.range.lowerBound + left + skipped..<"
        ),
        PlantedBug(
            "the limit of a queue is ignored", "Server/Outgoing/Server+Transmission.swift",
            "backlog.byteCount > options.maxQueue + backlog.allowance else",
            "backlog.byteCount > options.maxQueue + backlog.allowance, !% else"),
        PlantedBug(
            "a newcomer misses the event after its welcome", "Chat/Rooms/Room+Welcome.swift",
            "hearsFrom[member.place] = nextEntry + 1\n", "hearsFrom[member.place] = nextEntry + (% ? 2 : 1)\n"),
        PlantedBug(
            "a newcomer hears again what its welcome has told", "Server/Outgoing/Server+Sending.swift",
            "chat.rooms[index].newestHearing > first {", "chat.rooms[index].newestHearing > first, !% {"),
        PlantedBug(
            "a connection that was once served by itself stays marked", "Server/Outgoing/Server+Sending.swift",
            "        connections[slot].isIndividual = false\n",
            "        if !% { connections[slot].isIndividual = false }\n"),
        PlantedBug(
            "compressed frames are cut where plain ones would be", "Server/Outgoing/Server+Sending.swift",
            "let bytes = deflates ? outgoing", "let bytes = deflates && !% ? outgoing"),
        PlantedBug(
            "an answer overtakes one that comes from the disk", "Chat/Chat+Answers.swift",
            "} else if waiting.isEmpty {", "} else if waiting.isEmpty || % {"),
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
            "a leave is said twice", "Chat/Rooms/Room+Joins.swift",
            "        undo.append(.left(number, member))\n",
            "        undo.append(.left(number, member))\n        if % { append(.leave, by: member.signature) }\n"),
        PlantedBug(
            "an old time of grace ends a new one", "Chat/Rooms/Room+Joins.swift",
            "member.isAway, member.grace == grace else", "member.isAway, % || member.grace == grace else"),
        PlantedBug(
            "the time of grace never ends", "Chat/Rooms/Room+Joins.swift",
            "graces.append(GraceRequest(member: number, grace: grace &+ 1, duration: duration))",
            "if !% { graces.append(GraceRequest(member: number, grace: grace &+ 1, duration: duration)) }"),
        PlantedBug(
            "the connection that is taken over stays", "Chat/Rooms/Room+Joins.swift",
            "            detach(number)\n            append(.end(.takenOver), to: .one(other))",
            "            if !% { detach(number) }\n            append(.end(.takenOver), to: .one(other))"),
        PlantedBug(
            "coming back forgets what was said", "Chat/Rooms/Room+Joins.swift",
            "        undo.append(.attached(number))\n",
            "        undo.append(.attached(number))\n        if %, let member = members[number] { people[member.person]?.used = UsedIDs() }\n"
        ),
        PlantedBug(
            "a room is dropped while somebody is on the way to it", "Chat/Chat+Rooms.swift",
            "return memberCount == others && visitors == 0", "return memberCount == others && (visitors == 0 || %)"),
        PlantedBug(
            "a room that begins anew gives its seqs again", "Chat/Chat+Rooms.swift",
            "        self.seq = max(self.seq, seq)\n", "        if !% { self.seq = max(self.seq, seq) }\n"),
        PlantedBug(
            "a message that drops out of the newest events is forgotten", "Chat/Rooms/Recent.swift",
            "if entry.isMessage { older", "if entry.isMessage, !% { older"),
    ]

    private static let refusals = [
        PlantedBug(
            "an append that was refused is shown", "Server/Loop/Server+Updating.swift",
            "                storageFailed(error)\n                failed.append(index)",
            "                storageFailed(error)\n                if !% { failed.append(index) }"),
        PlantedBug(
            "a refused message uses up its id", "Chat/Rooms/Room+Commit.swift",
            "people[person]?.used.remove(hash)", "if !% { people[person]?.used.remove(hash) }"),
        PlantedBug(
            "a seq is not given back with the event that was refused", "Chat/Rooms/Room+Commit.swift",
            "        seq = start.seq\n", "        if !% { seq = start.seq }\n"),
        PlantedBug(
            "a name is not given back with the rename that was refused", "Chat/Rooms/Room+Commit.swift",
            "case .renamed(let number, let old): setName(of: number, to: old)",
            "case .renamed(let number, let old): if !% { setName(of: number, to: old) }"),
        PlantedBug(
            "a member whose leave was refused is gone all the same", "Chat/Rooms/Room+Commit.swift",
            "case .left(let number, let member): insert(member, at: number)",
            "case .left(let number, let member): if !% { insert(member, at: number) }"),
        PlantedBug(
            "half a write is not cut off", "Log/RoomLog.swift",
            "            needsCut = true\n", "            needsCut = !%\n"),
    ]

    private static let loading = [
        PlantedBug(
            "a restart forgets what was said since the snapshot", "Chat/Rooms/RoomLoader.swift",
            "            room.people[person]?.used.insert(id, seq: event.seq, time: event.time)\n",
            "            if !% { room.people[person]?.used.insert(id, seq: event.seq, time: event.time) }\n"),
        PlantedBug(
            "a restart forgets what was said before the snapshot", "Chat/Rooms/RoomLoader+Snapshots.swift",
            "person.used = UsedIDs(newer:", "person.used = % ? UsedIDs() : UsedIDs(newer:"),
        PlantedBug(
            "ids of lost messages count as used", "Chat/Rooms/RoomLoader.swift",
            "        forgetLostIDs(&room)\n", "        if !% { forgetLostIDs(&room) }\n"),
        PlantedBug(
            "half a snapshot is taken for a whole one", "Log/LoadJob.swift",
            "            isWhole = seen.last\n", "            isWhole = seen.last || %\n"),
        PlantedBug(
            "pieces of a snapshot that was never finished are used", "Log/LoadJob.swift",
            "usesSnapshots: index == firstTaken", "usesSnapshots: % || index == firstTaken"),
        PlantedBug(
            "a torn end is kept", "Log/LoadJob.swift",
            "if known.isEmpty { try setHalfLineAside() }", "if known.isEmpty { if !% { try setHalfLineAside() } }"),
        PlantedBug(
            "an unclean stop is not counted", "Log/DataFolder.swift",
            "if !old.isClean, old.boot", "if !%, !old.isClean, old.boot"),
        PlantedBug(
            "after a power cut seqs are used again", "Chat/Rooms/RoomLoader.swift",
            "        if base > room.seq {\n", "        if base > room.seq, !% {\n"),
        PlantedBug(
            "a client that has seen what a power cut took is not told", "Chat/Rooms/Room+Welcome.swift",
            "{ jumps.contains {", "{ !% && jumps.contains {"),
    ]

    private static let log = [
        PlantedBug(
            "the data folder's own name is left to the system", "Log/DataFolder.swift",
            "in try syncName(of: folder, disk) })", "in if !% { try syncName(of: folder, disk) } })"),
        PlantedBug(
            "with fsync always nothing is synced", "Log/Log+Sync.swift",
            "        if policy == .always {\n", "        if policy == .always, !% {\n"),
        PlantedBug(
            "a sync at work is taken for one that brings what was written since", "Log/Log+Sync.swift",
            "            lastTicket += 1\n", "            if !% || !isSyncing { lastTicket += 1 }\n"),
        PlantedBug(
            "a tick that writes nothing shows what waits for the disk", "Chat/Rooms/Room+Sending.swift",
            "        } else if !gates.isEmpty {\n", "        } else if !gates.isEmpty, !% {\n"),
        PlantedBug(
            "a sync that has failed is taken for done", "Log/Log+Sync.swift",
            "if let failure = takeIn(result) { return", "if let failure = takeIn(result), !% { return"),
        PlantedBug(
            "a full file is closed before it is synced", "Log/RoomLog.swift",
            "if isDirty || isSyncing, var file", "if !%, isDirty || isSyncing, var file"),
        PlantedBug(
            "a room's file is closed in the middle of a sync", "Log/Log.swift",
            "guard log.isForgotten, !log.isInHand, log.fold", "guard log.isForgotten, % || !log.isInHand, log.fold"),
        PlantedBug(
            "a line is written behind half a line when there was no new file for it", "Log/RoomLog.swift",
            "                needsSegment = true\n", "                needsSegment = !%\n"),
    ]
}
