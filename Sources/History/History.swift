/// When the history reaches the disk itself.
package enum FsyncPolicy: String, Sendable, CaseIterable {
    /// Before anyone sees it: a tick is synced as a whole by `commit`.
    case always
    /// At most a second later, beside the loop.
    case everySecond = "everysecond"
    /// When the system likes.
    case never
}

/// Whether an append holds.
package enum AppendOutcome: Hashable, Sendable {
    case written
    /// Nothing of it is in the log, or ever will be.
    case refused(StorageError)
}

/// What is said, kept.
///
///     DIR/lock                                       held by the one server that uses the folder
///     DIR/journal                                    lines that mean something to the caller alone
///     DIR/reserved                                   seqs that a power cut must not bring back
///     DIR/rooms/ROOM/00000000000000000001.jsonl      a room's events, one line each, named by the first one's seq
///
/// A tick goes: `appendJournal`, then `append` for each room, then `commit`; only then is anything sent. `tick` follows at
/// its end, and `advance` does a slice of the reading. All of it on one thread.
package final class History {
    let disk: any Storage
    let directory: String
    package let policy: FsyncPolicy
    let segmentBytes: Int64
    let openFileLimit: Int

    let journal: Journal
    let reservations: Reservations
    var rooms: [String: RoomLog] = [:]
    /// Those with an open file.
    private var openRooms: [RoomLog] = []
    private var uses: UInt64 = 0

    var syncs = SyncState()
    var reads = ReadQueue()
    /// What is read, and the lines found in it; shared by all reads, since none keeps anything of it from step to step.
    var readBuffer: [UInt8] = []
    var scan = LineScan()
    package internal(set) var metrics = HistoryMetrics()
    private var incidents: [HistoryIncident] = []

    /// - Parameters:
    ///   - directory: the data folder; created where it is missing.
    ///   - segmentBytes: a file of a room is full from this size on.
    ///   - openFiles: how many rooms' files stay open between their appends.
    ///   - reservedSeqs: how many seqs of a room a power cut may leave out at most; so seldom is there a sync for them.
    package init(
        disk: any Storage, directory: String, fsync: FsyncPolicy = .everySecond, segmentBytes: Int = 16 << 20,
        openFiles: Int = 64, reservedSeqs: UInt64 = 100_000
    ) {
        let directory = FolderPath.trimmed(directory)
        self.disk = disk
        self.directory = directory
        policy = fsync
        self.segmentBytes = Int64(max(1, segmentBytes))
        openFileLimit = max(1, openFiles)
        journal = Journal(path: directory + "/journal", disk: disk)
        reservations = Reservations(directory: directory, disk: disk, step: max(1, reservedSeqs))
    }

    var roomsFolder: String { directory + "/rooms" }

    /// Takes the folder, and reads the journal. No room is touched.
    ///
    /// - Returns: the journal's lines that are whole and valid, and what was wrong with the others.
    package func open() throws(StorageError) -> (journal: [UInt8], repair: Repair) {
        try disk.makeDirectories(directory, keep: syncName)
        try disk.lock(directory + "/lock")
        do throws(StorageError) {
            return try openFiles()
        } catch {
            journal.close()
            disk.unlock()
            throw error
        }
    }

    private func openFiles() throws(StorageError) -> (journal: [UInt8], repair: Repair) {
        _ = try disk.makeDirectory(roomsFolder)
        try reservations.open()
        let (lines, repair) = try journal.open()
        if policy != .never {
            record(try disk.sync(journal.path))
            journal.didSync(journal.length)
            record(try disk.sync(directory))
        } else {
            syncs.directoryNeedsSync = true
        }
        return (lines, repair)
    }

    /// Brings a folder's name to the disk.
    private func syncName(of folder: String) throws(StorageError) {
        do throws(StorageError) {
            _ = try disk.sync(FolderPath.above(folder))
        } catch {
            // A folder above that may not be read is the system's business.
            guard error.isPermission else { throw error }
        }
    }

    // MARK: Appending

    /// Writes a room's new lines: all of them or nothing, in one call to the disk.
    ///
    /// - Parameters:
    ///   - room: loaded before (`ReadRequest.Kind.load`).
    ///   - lines: whole event lines with their newlines, in the order of their seqs, without a gap.
    ///   - firstSeq: the seq of the first line; above every seq the room has had.
    package func append(room name: String, lines: Span<UInt8>, firstSeq: UInt64) -> AppendOutcome {
        guard let room = rooms[name], room.isReady, let lastSeq = EventPrefix.lastSeq(lines), firstSeq > room.newest,
            lastSeq >= firstSeq
        else { return refuse(StorageError(.append, roomsFolder + "/" + name, .misuse)) }
        do throws(StorageError) {
            let hadFile = room.tail != nil
            defer { if !hadFile, room.tail != nil { didOpen(room) } }
            uses += 1
            room.lastUse = uses
            if let failure = room.failure { throw failure }
            try room.repair()
            if policy != .always, lastSeq > room.reserved {
                room.reserved = try reservations.reserveNow(name, after: lastSeq)
            }
            try room.append(lines, firstSeq: firstSeq, lastSeq: lastSeq)
        } catch {
            noteRepair(room)
            if policy == .everySecond { markDirty(room) }
            return refuse(error)
        }
        metrics.appends += 1
        metrics.bytesWritten += UInt64(lines.count)
        markDirty(room)
        if policy != .always { reserveAhead(room) }
        return .written
    }

    /// Has the next record on the disk long before it is needed. Where that fails, there is `reserveNow`.
    func reserveAhead(_ room: RoomLog) {
        guard room.newest + reservations.step / 2 > room.reserved, !reservations.isPending(room.name) else { return }
        try? reservations.reserve(room.name, after: room.newest)
    }

    /// Writes lines to the journal: all of them or nothing. To be done before the rooms' appends of the same tick.
    package func appendJournal(_ lines: Span<UInt8>) -> AppendOutcome {
        do throws(StorageError) {
            try journal.append(lines)
        } catch {
            return refuse(error)
        }
        metrics.appends += 1
        metrics.bytesWritten += UInt64(lines.count)
        return .written
    }

    /// Makes these lines the whole journal. With `everySecond` the change itself comes about in the background.
    package func rewriteJournal(_ lines: Span<UInt8>) -> AppendOutcome {
        do throws(StorageError) {
            switch policy {
            case .everySecond:
                try journal.prepare(lines)
            case .always:
                record(try journal.replace(with: lines))
            case .never:
                try journal.replace(with: lines, sync: false)
            }
        } catch {
            return refuse(error)
        }
        // Until the new name is on the disk, nothing that is written to the new file is; `commit` sees to that.
        if !journal.hasSuccessor { syncs.directoryNeedsSync = true }
        metrics.bytesWritten += UInt64(lines.count)
        return .written
    }

    /// Whether lines that are to be the whole journal wait for the disk. Meanwhile the journal is as long as it was.
    package var isReplacingJournal: Bool { journal.hasSuccessor }

    /// The journal's size, by which the caller decides when to rewrite it.
    package var journalBytes: Int64 { journal.length }

    func refuse(_ error: StorageError) -> AppendOutcome {
        metrics.refusedAppends += 1
        return .refused(error)
    }

    /// Keeps the number of open files bounded: the one not used for longest is closed.
    private func didOpen(_ room: RoomLog) {
        openRooms.removeAll { $0.tail == nil || $0 === room }
        openRooms.append(room)
        guard openRooms.count > openFileLimit,
            let oldest = openRooms.indices.min(by: { openRooms[$0].lastUse < openRooms[$1].lastUse })
        else { return }
        openRooms.remove(at: oldest).closeTail()
    }

    // MARK: Rooms

    /// Forgets a room whose newest events nobody needs any more; it can be loaded again. What is not synced yet will be.
    package func forget(room name: String) {
        guard let room = rooms[name], room.isReady else { return }
        room.isForgotten = true
        dropIfForgotten(room)
    }

    func dropIfForgotten(_ room: RoomLog) {
        // Two views of one room's files must never be: so it stays known until nothing is left to be done to them.
        guard room.isForgotten, !room.needsRepair, !room.isSyncing, !room.isDirty || policy == .never
        else { return }
        if policy != .never, !room.needsNewSegment { reservations.settle(room.name) }
        discard(room)
    }

    /// Lets go of a room, and of what was still to be done to its files: a later view of them will find that out anew, and a
    /// repair by this one would cut off what that one has written.
    func discard(_ room: RoomLog) {
        room.closeTail()
        if rooms[room.name] === room { rooms[room.name] = nil }
        if syncs.repairs[room.name] === room { syncs.repairs[room.name] = nil }
        syncs.dirtyRooms.removeAll { $0 === room }
    }

    /// A room's size on disk; nil where it is not loaded.
    package func bytesOnDisk(room name: String) -> Int64? {
        rooms[name].flatMap { $0.isReady ? $0.bytes : nil }
    }

    /// What the loaded rooms and the journal take on disk.
    package var bytesOnDisk: Int64 { rooms.values.reduce(journal.length) { $0 + $1.bytes } }

    /// What a room may be called: it becomes a folder's name, so nothing else is let through here either.
    static func isRoomName(_ name: String) -> Bool {
        (1...32).contains(name.utf8.count)
            && name.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D }
    }

    // MARK: What happened

    /// What has gone wrong or come right since the last call: a line of the server's log each.
    package func takeIncidents() -> [HistoryIncident] {
        defer { incidents.removeAll() }
        return incidents
    }

    func report(_ incident: HistoryIncident) {
        // Nobody asking must not become memory; the counters go on.
        if incidents.count < 256 { incidents.append(incident) }
    }
}
