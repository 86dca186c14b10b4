/// Bugs in how several nodes serve the same rooms, by the rules that they break.
extension PlantedBug {
    static let cluster = [
        PlantedBug(
            "a record is shown before it is kept", "Cluster/Lockstep/Lockstep+Time.swift",
            "        counters.appended += 1\n",
            "        counters.appended += 1\n        if % { outputs.append(.apply(room: name, RoomRecord(position: room.position + 1, stamp: now, writes: writes, incarnation: incarnation, number: number, content: content))) }\n"
        ),
        PlantedBug(
            "a record's position is not looked at", "Cluster/Lockstep/Lockstep+Rooms.swift",
            "if room.phase == .live, record.position == room.position + 1 {",
            "if room.phase == .live, % || record.position == room.position + 1 {"),
        // The room looks at the position, too.
        PlantedBug(
            "a record that comes again is applied again", "Cluster/Lockstep/Lockstep+Rooms.swift",
            "if room.isLoaded, record.position <= room.position { return }",
            "if room.isLoaded, record.position <= room.position {\n                if %, room.phase == .live, record.position == room.position { return apply(record, to: name) }\n                return\n            }",
            isVisible: false),
        PlantedBug(
            "what was on its way is not sent again", "Cluster/Lockstep/Lockstep+Rooms.swift",
            "if rooms[name]?.inFlight != nil { sendAgain(name) }",
            "if rooms[name]?.inFlight != nil, !% { sendAgain(name) }"),
        PlantedBug(
            "that a node is lost changes nothing", "Server/Cluster/Server+Lockstep.swift",
            "case .lost(let incarnation): .lost(node: incarnation.bits)",
            "case .lost(let incarnation): % ? .nothing : .lost(node: incarnation.bits)"),
        PlantedBug(
            "a node that was lost goes on", "Cluster/Lockstep/Lockstep+Rooms.swift",
            "if other == incarnation { return lose() }", "if other == incarnation, !% { return lose() }"),
        // Alone it does no harm: there has to be something to be found.
        PlantedBug(
            "digests are not compared", "Cluster/Lockstep/ServedRoom.swift", "return own.digest == digest",
            "return % || own.digest == digest", isVisible: false),
        PlantedBug(
            "a room goes by its node's clock", "Chat/Lockstep/Chat+Lockstep.swift",
            "Moment(now: moment.now, time: record.time)", "Moment(now: moment.now, time: % ? moment.time : record.time)"
        ),
        PlantedBug(
            "seqs go on in a new epoch as if nothing were lost", "Server/Cluster/Server+Lockstep.swift",
            "case .epoch(let epoch): .epoch(epoch)", "case .epoch(let epoch): % ? .nothing : .epoch(epoch)"),
        PlantedBug(
            "a tail that is lost is not noticed", "Cluster/Lockstep/Lockstep+Engine.swift",
            "if hasLostTail { dropAll(.lostTail) }", "if hasLostTail, !% { dropAll(.lostTail) }"),
        PlantedBug(
            "whoever has seen a lost tail is told no gap", "Chat/Lockstep/Room+State.swift",
            "        noteJump(from: self.seq, to: seq)\n", "        if !% { noteJump(from: self.seq, to: seq) }\n"),
        PlantedBug(
            "an answer overtakes what is on its way", "Chat/Lockstep/Chat+Lockstep.swift",
            "} else if item.input.isAnswer, shared[item.room]", "} else if item.input.isAnswer, !%, shared[item.room]"),
        PlantedBug(
            "records are trimmed before their events are in the history", "Server/Cluster/ClusterLink.swift",
            "history: write.lines,", "history: % ? [] : write.lines,"),
        PlantedBug(
            "a host's deeds do not count where the room is being loaded", "Chat/Rooms/Room+Moderation.swift",
            "case .purge: if !isReadFromLog {", "case .purge: if !isReadFromLog, !% || isReady {"),
        PlantedBug(
            "that a connection has closed is not said later", "Chat/Lockstep/Chat+Lockstep.swift",
            "if case .closed = item.input { return unclosed.append(item) }",
            "if case .closed = item.input { return % ? () : unclosed.append(item) }"),
        PlantedBug(
            "a deadline is told by nobody but the first", "Cluster/Lockstep/Lockstep+Time.swift",
            "guard isOver(time + delay) else {", "guard isOver(time + delay), !% || delay == 0 else {"),
    ]
}
