/// Where a room's log ends: found from its last bytes backwards.
struct RoomEnd {
    let room: RoomLog
    /// The segment that is looked at.
    var index: Int
    /// The end of the last line in the last segment that is to stay; nil while it has not been found.
    var keep: Int64?
    /// Damaged lines after the newest valid one: each has used a seq.
    var used: UInt64 = 0
}

extension History {
    func startLoading(_ job: ReadJob) throws(StorageError) -> ReadStep {
        let name = job.request.room
        guard History.isRoomName(name) else { throw StorageError(.open, roomsFolder + "/" + name, .misuse) }
        if let room = rooms[name] {
            room.isForgotten = false
            return collectNewest(job, room)
        }
        let room = RoomLog(
            name: name, folder: roomsFolder + "/" + name, disk: disk, segmentBytes: segmentBytes,
            repairsAreSynced: policy == .always)
        for entry in try disk.list(room.folder) ?? [] where entry.isFile {
            guard let first = Segment.first(of: entry.name) else {
                if entry.name == RoomLog.temporaryName { try? disk.remove(room.folder + "/" + entry.name) }
                continue
            }
            room.segments.append(Segment(first: first, length: entry.size, synced: entry.size, isSealed: true))
        }
        room.segments.sort { $0.first < $1.first }
        rooms[name] = room
        guard let last = room.segments.last else { return try ready(job, room) }
        room.segments[room.segments.count - 1].isSealed = false
        job.segment = last.first
        job.end = last.length
        job.phase = .findEnd(RoomEnd(room: room, index: room.segments.count - 1))
        return .goesOn
    }

    /// One step backwards: what is behind the last line that begins like an event is cut off; and the newest seq is that of
    /// the newest valid line, plus those that damaged lines after it have used.
    ///
    /// A damaged line that begins like an event stays, even as the last one: it tells how far the seqs had come, at the next
    /// start too, and a person may still read something in it.
    func findEnd(_ job: ReadJob, _ state: RoomEnd) throws(StorageError) -> ReadStep {
        var state = state
        let room = state.room
        let isLast = state.index == room.segments.count - 1
        if job.end == 0 {
            if state.keep == nil { state.keep = 0 }
            guard state.index > 0 else { return try end(job, state, newest: 0) }
            state.index -= 1
            job.segment = room.segments[state.index].first
            job.end = room.segments[state.index].length
            job.phase = .findEnd(state)
            return .goesOn
        }
        let ceiling = isLast ? EventPrefix.largestSeq + 1 : room.segments[state.index + 1].first
        // Damage is counted when the lines are collected.
        defer { job.damagedLines = 0 }
        let chunk = try readLines(job, room.path(job.segment), above: job.segment - 1, below: ceiling)
        let lines = scan.lines
        for index in lines.indices.dropFirst(chunk.context ?? Int.max).reversed() where lines[index].kind != .junk {
            if state.keep == nil { state.keep = chunk.offset + Int64(lines[index].range.upperBound) }
            let text = lines[index].range.lowerBound..<lines[index].range.upperBound - 1
            if scan.isDense(index), JSONText.isObject(readBuffer.span, text) {
                return try end(job, state, newest: lines[index].seq)
            }
            state.used += 1
        }
        job.phase = .findEnd(state)
        return .goesOn
    }

    /// The end is found: the room's files are brought in order.
    private func end(_ job: ReadJob, _ state: RoomEnd, newest: UInt64) throws(StorageError) -> ReadStep {
        let room = state.room
        let last = room.segments.count - 1
        // A segment was begun for the seq in its name, so those below it have been used.
        room.newest = max(newest + state.used, room.segments[last].first - 1)
        let torn = room.segments[last].length - (state.keep ?? 0)
        if torn > 0 {
            room.segments[last].length -= torn
            room.segments[last].needsCut = true
            room.needsRepair = true
            job.repair.tornBytes = torn
            metrics.tornBytes += UInt64(torn)
            report(.tornTail(room: room.name, bytes: torn))
            // Where the disk refuses, the room can be read all the same; the next append tries again.
            try? room.repair()
            noteRepair(room)
        }
        return try ready(job, room)
    }

    private func ready(_ job: ReadJob, _ room: RoomLog) throws(StorageError) -> ReadStep {
        let floor = reservations.floor(of: room.name)
        if floor > room.newest {
            job.repair.skippedSeqs = floor - room.newest
            report(.skippedSeqs(room: room.name, count: job.repair.skippedSeqs))
            room.newest = floor
            // On a full disk the room can be read all the same; it is tried again before the next append.
            room.needsNewSegment = true
            room.needsRepair = true
            try? room.repair()
            noteRepair(room)
        }
        room.committed = room.newest
        try syncLoaded(room)
        guard policy != .always else { return becomeReady(job, room) }
        room.reserved = reservations.use(room.name)
        if !room.needsNewSegment { reserveAhead(room) }
        job.phase = .reserve(room)
        return .goesOn
    }

    /// What a killed process has written may still be on its way to the disk.
    private func syncLoaded(_ room: RoomLog) throws(StorageError) {
        guard !room.segments.isEmpty else { return }
        room.folderNeedsSync = true
        room.parentNeedsSync = true
        // The last ones: the kernel has long written the older ones.
        let newest = room.segments.indices.suffix(8)
        for index in newest { room.segments[index].synced = 0 }
        guard policy == .always else { return markDirty(room) }
        if syncs.suspects.contains(room.name) {
            for index in newest where room.segments[index].length > 0 { room.segments[index].needsRewrite = true }
            room.needsRepair = true
            try room.repair()
            syncs.suspects.remove(room.name)
        }
        do throws(StorageError) {
            try sync(roomsFolder)
            try commit(room)
        } catch {
            syncs.suspects.insert(room.name)
            throw error
        }
    }

    func becomeReady(_ job: ReadJob, _ room: RoomLog) -> ReadStep {
        room.isReady = true
        return collectNewest(job, room)
    }

    private func collectNewest(_ job: ReadJob, _ room: RoomLog) -> ReadStep {
        job.limit = visibleNewest(room) + 1
        guard !room.segments.isEmpty else { return finishLoading(job) }
        job.ceiling = room.newest + 1
        position(job, in: room, at: room.segments.count - 1)
        return .goesOn
    }

    func finishLoading(_ job: ReadJob) -> ReadStep {
        var loaded = LoadedRoom()
        loaded.newest = job.limit - 1
        loaded.events = job.found.events.joined()
        loaded.olderMessages = job.found.messages.joined()
        loaded.repair = job.repair
        loaded.repair.damagedLines = job.damagedLines
        return .done(.loaded(loaded))
    }
}
