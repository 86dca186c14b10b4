import Chat

/// What is not kept any longer goes: of rooms in memory when it is time, and of the others by and by.
extension Log {
    /// How often it is looked what has become too old, in nanoseconds; among the rooms that are not in memory; and how soon after
    /// one that could not be attended to, or where there were more than are attended to at once.
    private static let lookInterval: Int64 = 600_000_000_000
    private static let sweepInterval: Int64 = 3_600_000_000_000
    private static let lookAgainInterval: Int64 = 1_000_000_000

    /// The rooms in memory whose oldest files may have to go, for `expire`; asks for a look at the other rooms where that is due.
    ///
    /// - Parameter now: nanoseconds of the loop's clock.
    package func takeExpiring(now: Int64) -> [String] {
        guard sizes.retention.isActive, now >= nextLook else { return [] }
        nextLook = now + Log.lookInterval
        if !isSweeping, now >= nextSweep {
            isSweeping = true
            nextSweep = now + Log.sweepInterval
            var request = retentionRequest(.sweep, room: "", RoomFolder(path: folder.rooms))
            request.known = Set(rooms.keys)
            disk.read(request)
        }
        return rooms.values.filter { $0.expiryDue <= time && !$0.isForgotten }.map(\.name).sorted()
    }

    /// Has those of a room's files removed that are not to be kept any longer. It is answered by a `ReadResult` whose outcome is
    /// `expired` or `failed`.
    ///
    /// - Parameter room: as it is in memory.
    /// - Returns: the seq up to which the room is to forget its events first, so that no snapshot tells of them; nil where it is
    ///   not.
    package func expire(_ room: borrowing Room, now: Int64) -> UInt64? {
        guard let log = rooms[room.name], !log.isForgotten, !log.isExpiring else { return nil }
        // Another look comes when that is done.
        guard log.fold == nil else { return nil }
        // Where all that is in the newest file is over, it goes, too, behind one with nothing but a snapshot.
        let isOver = log.tailBegan != nil && sizes.retention.isOver(room.newestTime, now: time)
        if isOver, room.newestTime != nil {
            lookAgain(at: now)
            return room.seq
        }
        if isOver || log.segments.count > 1 && log.needsSegment {
            log.startSegment()
            guard case .written = append(room) else { return nil }
            // What was full is looked after first.
            lookAgain(at: now + Log.lookAgainInterval)
            return nil
        }
        // A start needs older files until a snapshot that is written in pieces is whole.
        guard log.hasWholeSnapshot else {
            lookAgain(at: now + 10 * Log.lookAgainInterval)
            return nil
        }
        guard log.segments.count > 1 || log.hasUnlisted, let end = firstInHand(log, now: now) else {
            log.expiryDue = room.newestTime.flatMap { newest in sizes.retention.time.map { newest + $0 } } ?? .max
            return nil
        }
        log.isExpiring = true
        log.hasUnlisted = false
        var request = retentionRequest(.expire, room: log.name, log.folder)
        (request.end, log.expiryEnd) = (end, end)
        request.retention.newestFiles += log.segments.dropLast().reduce(0) { $0 + ($1.first >= end ? $1.length : 0) }
        disk.read(request)
        return nil
    }

    /// With which seq the files begin that are to stay: the newest, and those that the thread that syncs still looks after. Another
    /// look comes when that is done.
    private func firstInHand(_ log: RoomLog, now: Int64) -> UInt64? {
        let full = (retired + filesAtWork).filter { $0.room == log.name && $0.isRetired }.map(\.first)
        if !full.isEmpty { lookAgain(at: now + Log.lookAgainInterval) }
        return (full + log.segments.suffix(1).map(\.first)).min()
    }

    private func retentionRequest(_ kind: ReadRequest.Kind, room: String, _ folder: RoomFolder) -> DiskReadRequest {
        pendingReads += 1
        var request = DiskReadRequest(
            request: ReadRequest(kind, room: room, tag: 0), folder: folder, segments: [], rules: rules,
            base: self.folder.seqBase, syncs: false)
        (request.retention, request.time) = (sizes.retention, time)
        return request
    }

    /// A room's oldest files have gone; nil where the disk has refused that.
    func expired(_ room: String, _ outcome: (through: UInt64, next: Int64?)?, now: Int64) {
        guard let log = rooms[room] else { return }
        log.isExpiring = false
        if let (through, next) = outcome {
            let gone = log.segments.dropLast().filter { $0.first <= through }
            log.segments.removeAll { gone.contains($0) }
            let paths = gone.map { log.folder.file($0.first) }
            folders.subtract(paths)
            unsynced.subtract(paths)
            // Of the newest file alone it is not known when it is over; and some may have been in hand.
            let isDone = log.expiryEnd == log.segments.last?.first
            log.expiryDue = isDone ? next ?? (sizes.retention.time == nil ? .max : 0) : 0
        } else {
            log.expiryDue = time + 60_000
        }
        // A fold may have been refused meanwhile.
        begun.append(room)
        dropIfForgotten(log)
    }

    func lookAgain(at time: Int64) {
        guard sizes.retention.isActive else { return }
        nextLook = min(nextLook, time)
    }

    /// It was looked among the rooms that are not in memory.
    func swept(more: Bool, now: Int64) {
        isSweeping = false
        guard more else { return }
        nextSweep = now
        lookAgain(at: now + 10 * Log.lookAgainInterval)
    }
}
