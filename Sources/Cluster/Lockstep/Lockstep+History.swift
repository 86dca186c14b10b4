/// Snapshots, and the history that is kept beside them.
extension Lockstep {
    // MARK: Snapshots

    /// The snapshot that was asked for. The records up to it go, so what they have brought to the history comes with it.
    ///
    /// - Parameters:
    ///   - history: the events that are new or have changed since the last snapshot. Writing one again does no harm.
    ///   - expiredThrough: events up to this seq are not kept any more; 0 is none.
    package mutating func store(
        _ snapshot: [UInt8], of room: String, at position: UInt64, history: [HistoryLine], expiredThrough: UInt64
    ) {
        guard link == .up, !isLost, let served = rooms[room], served.isLoaded, position <= served.position,
            !served.isStoring, let epoch
        else { return }
        rooms[room]?.isStoring = true
        var bytes: [UInt8] = []
        bytes.append(bigEndian: UInt64(rules.count), byteCount: 4)
        bytes += rules + snapshot
        let store = EngineRequest.Store(
            epoch: epoch, position: position, snapshot: bytes, history: history, expiredThrough: expiredThrough)
        ask(.store(room: room, store), of: room)
    }

    /// Has a snapshot taken soon, however few records there are: by this node or by another that wants it, too. The wish is of the
    /// room's state, and over once one is stored that stands for what the room is now.
    package mutating func wantSnapshot(of room: String) {
        guard let served = rooms[room], served.isLoaded else { return }
        // One that is there already was made without the wish.
        let wish = max(served.position, served.snapshotPosition + 1)
        guard wish != served.wish else { return }
        rooms[room]?.wish = wish
        rooms[room]?.snapshotAt = nil
        scheduleSnapshot(of: room)
    }

    /// Has this node take a snapshot, if one is wanted and no other node does so first.
    mutating func scheduleSnapshot(of name: String, after delay: Int64 = 0) {
        guard let room = rooms[name], room.isLoaded, room.wantsSnapshot, room.snapshotAt == nil else { return }
        let at = now + delay + room.rank(of: incarnation, in: name) * Self.snapshotRankDelay
        rooms[name]?.snapshotAt = at
        wake(at: at)
    }

    /// Asks for a snapshot when it is time.
    mutating func lookAfterSnapshot(of name: String) {
        guard let room = rooms[name], let at = room.snapshotAt else { return }
        guard now >= at else { return wake(at: at) }
        rooms[name]?.snapshotAt = nil
        guard room.wantsSnapshot else { return }
        if !room.isStoring { outputs.append(.takeSnapshot(room: name)) }
        // Records bring it up again; a wish may be followed by none.
        if room.wish != nil {
            rooms[name]?.snapshotAt = now + Self.snapshotPatience
            wake(at: now + Self.snapshotPatience)
        }
    }

    /// A snapshot is there.
    mutating func noteSnapshot(of name: String, at position: UInt64, size: Int) {
        guard let room = rooms[name] else { return }
        rooms[name]?.noteSnapshot(at: position, size: size)
        if room.isLoaded, position > room.snapshotPosition { outputs.append(.stored(room: name, position: position)) }
    }

    // MARK: Reading

    /// Reads blocks of a room's history (`EngineRequest.history`). The answer comes as `Output.history` with the tag: once, whatever
    /// happens.
    package mutating func readHistory(
        of room: String, from: UInt64, descending: Bool, blocks: Int, tag: UInt64
    ) {
        read(.history(room: room, from: from, descending: descending, blocks: blocks), of: room, tag)
    }

    /// Reads how large the blocks of a room's history are; the answer comes as `Output.historySizes`.
    package mutating func readHistorySizes(of room: String, tag: UInt64) {
        read(.historySizes(room: room), of: room, tag)
    }

    private mutating func read(_ request: EngineRequest, of room: String, _ tag: UInt64) {
        if link == .up, !isLost, !hasEnded, rooms[room]?.isLoaded == true { return ask(request, of: room, tag: tag) }
        let asked = Asked(request: request, generation: 0, at: now, tag: tag)
        if let failure = asked.failure { outputs.append(failure) }
    }

    /// Reads that are on their way have failed: those of a room, or all.
    mutating func failReads(of room: String? = nil) {
        // No output follows a table's order.
        for (number, read) in asked.sorted(by: { $0.key < $1.key }) {
            guard let failure = read.failure, room == nil || room == read.request.room else { continue }
            asked[number] = nil
            outputs.append(failure)
        }
    }
}

extension Lockstep.Asked {
    /// What a read of the history comes to if it fails; nil of other requests.
    var failure: Lockstep.Output? {
        switch request {
        case .history(let room, _, _, _): .history(room: room, tag: tag, nil)
        case .historySizes(let room): .historySizes(room: room, tag: tag, nil)
        default: nil
        }
    }

    /// What a read of the history has come to; nil of other requests.
    func output(for answer: EngineAnswer) -> Lockstep.Output? {
        switch (request, answer) {
        case (.history(let room, _, _, _), .history(let history)): .history(room: room, tag: tag, history)
        case (.historySizes(let room), .historySizes(let sizes)): .historySizes(room: room, tag: tag, sizes)
        default: failure
        }
    }
}
