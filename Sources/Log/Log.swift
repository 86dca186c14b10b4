import Bytes
import Chat

/// When the history reaches the disk itself.
package enum FsyncPolicy: String, Sendable, CaseIterable {
    /// Before anyone sees it.
    case always
    /// At most a second later.
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
///     DIR/state.json                                 whether the last stop was clean, and how often it was not
///     DIR/secret                                     what others' secrets are hashed with
///     DIR/erasing/ROOM                               a mark: deleted texts are to be erased from the room's files
///     DIR/rooms/ROOM/00000000000000000001.jsonl      a room's events, one line each, named by the first one's seq
///
/// The loop itself does nothing but the write: `append` for each room, then `commit`. Syncs and reads are done by `Disk`, and
/// their results taken in by `takeResults`.
package final class Log {
    let storage: any Storage
    let disk: any Disk
    package let folder: DataFolder
    package let policy: FsyncPolicy
    let rules: RoomRules
    let sizes: LogSizes
    var rooms: [String: RoomLog] = [:]
    /// Rooms with an open file.
    var openRooms: [RoomLog] = []
    private var uses: UInt64 = 0

    /// Rooms with lines that are to be synced or looked after, and files that are full and wait for the same.
    var dirty: [RoomLog] = []
    var retired: [SyncRequest.File] = []
    /// Folders whose names are to be synced, and files that are not open.
    var folders: Set<String> = []
    /// With `never`, what has been written and is synced at the end.
    var unsynced: Set<String> = []
    var isSyncing = false
    /// What the request at work has.
    var looking: [RoomLog] = []
    var filesAtWork: [SyncRequest.File] = []
    /// Rooms whose lines were in a file that has gone.
    var unsaved: [RoomLog] = []
    var lastTicket: UInt64 = 0
    /// When the next sync is due, in nanoseconds of the loop's clock.
    var nextSync: Int64?
    package internal(set) var metrics = LogMetrics()
    var incidents: [LogIncident] = []
    /// Rooms that have begun a new segment.
    var begun: [String] = []
    /// The time of day, in milliseconds, as of the last tick; whoever drives the log sets it.
    package var time: Int64 = 0
    /// When it is looked next what is not to be kept any longer, among all rooms and among those that are not in memory, in
    /// nanoseconds of the loop's clock; and whether that is at work.
    var nextLook: Int64 = 0
    var nextSweep: Int64 = 0
    var isSweeping = false
    /// Rooms with deleted texts that were not erased before the last stop.
    var unfinished: Set<String> = []

    /// - Parameter rules: what the rooms decide by.
    package init(
        storage: any Storage, disk: any Disk, folder: DataFolder, fsync: FsyncPolicy = .everySecond, rules: RoomRules,
        sizes: LogSizes = LogSizes()
    ) {
        self.storage = storage
        self.disk = disk
        self.folder = folder
        policy = fsync
        self.rules = rules
        self.sizes = sizes
        incidents = folder.incidents
        unfinished = folder.unfinishedErasures
    }

    private func roomFolder(_ name: String) -> RoomFolder { RoomFolder(path: folder.rooms + "/" + name) }

    // MARK: Appending

    /// Writes a room's new lines: all of them or nothing.
    package func append(_ room: borrowing Room) -> AppendOutcome {
        guard isRoomName(room.name), let log = rooms[room.name] else {
            return refuse(StorageError(.append, folder.rooms + "/" + room.name, .misuse))
        }
        let wasOpen = willWrite(log)
        do throws(StorageError) {
            if room.unerased > 0 { try mark(log, deletion: room.unerased) }
            try log.append(room, sizes, to: storage)
            if log.hasBegun {
                begun.append(log.name)
                if sizes.retention.isActive { (log.expiryDue, nextLook) = (0, 0) }
            }
        } catch {
            didWrite(log, wasOpen: wasOpen)
            return refuse(error)
        }
        metrics.appends += 1
        metrics.bytesWritten += UInt64(room.unwritten.count)
        didWrite(log, wasOpen: wasOpen)
        return .written
    }

    /// - Returns: whether its file is open.
    func willWrite(_ log: RoomLog) -> Bool {
        uses += 1
        log.lastUse = uses
        if log.tail != nil { return true }
        closeFiles(downTo: sizes.openFiles - 1)
        return false
    }

    /// A room's file is to be synced: also one in which lines were refused, as they may have come to the disk itself before they
    /// were cut off, and the cut has to get there, too.
    func didWrite(_ log: RoomLog, wasOpen: Bool) {
        if let change = log.takeChange() { incidents.append(change) }
        let full = log.takeRetired()
        retired += full
        guard log.tail != nil || !full.isEmpty else { return }
        markDirty(log)
        if wasOpen, full.isEmpty { return }
        if log.tail != nil, !openRooms.contains(where: { $0 === log }) { openRooms.append(log) }
        closeFiles(downTo: sizes.openFiles)
    }

    func refuse(_ error: StorageError) -> AppendOutcome {
        metrics.refusedAppends += 1
        return .refused(error)
    }

    func markDirty(_ log: RoomLog) {
        folders.formUnion(log.takeChangedFolders())
        guard !log.isDirty else { return }
        log.isDirty = true
        dirty.append(log)
    }

    // MARK: Reading

    /// Asks for something to be read.
    ///
    /// - Parameter fold: of a search, what was done to messages that their lines do not tell.
    package func request(_ request: ReadRequest, fold: Fold? = nil) {
        let log = rooms[request.room]
        var read = DiskReadRequest(
            request: request, folder: roomFolder(request.room), segments: log?.segments ?? [], rules: rules,
            base: folder.seqBase, syncs: policy == .always && folder.mayHoldUnsynced)
        read.fold = fold
        (read.retention, read.time) = (sizes.retention, time)
        disk.read(read)
        pendingReads += 1
    }

    /// Reads that have not been answered.
    package internal(set) var pendingReads = 0

    /// Takes in what the disk has done.
    package func takeResults(now: Int64) -> [LogEvent] { disk.takeResults().compactMap { take($0, now: now) } }

    private func take(_ result: DiskResult, now: Int64) -> LogEvent? {
        switch result {
        case .synced(let result): return synced(result, now: now)
        case .read(let read):
            pendingReads -= 1
            for incident in read.incidents where reported.insert(incident).inserted { incidents.append(incident) }
            switch read.result.outcome {
            case .loaded(let room): register(room.name, read, now: now)
            // A load syncs what it tells, where it has to.
            case .failed(let error) where error.operation == .sync: return .syncFailed(error)
            case .folded(let folded): self.folded(read.result.request.room, folded, read.segments)
            case .failed where read.result.request.kind == .fold:
                folded(read.result.request.room, nil, read.segments)
            case .expired(let through, let next): expired(read.result.request.room, (through, next), now: now)
            case .failed where read.result.request.kind == .expire: expired(read.result.request.room, nil, now: now)
            case .due(_, let more): swept(more: more, now: now)
            case .failed where read.result.request.kind == .sweep: swept(more: false, now: now)
            case .lines, .found, .failed: break
            }
            return .read(read.result)
        }
    }

    /// What was found on loading, so that it is said once, however often a room is loaded.
    private var reported: Set<LogIncident> = []

    private func register(_ name: String, _ read: DiskReadResult, now: Int64) {
        if let known = rooms[name] {
            known.isForgotten = false
            return
        }
        let folder = roomFolder(name)
        let log = RoomLog(name: name, folder: folder, segments: read.segments, needsSegment: !read.hasSnapshot)
        rooms[name] = log
        (log.tailBegan, log.hasUnlisted) = (read.tailBegan, read.hasUnlisted)
        if sizes.retention.isActive { nextLook = 0 }
        log.isMarked = unfinished.contains(name)
        // What a killed process has written may still be on its way to the disk.
        guard self.folder.mayHoldUnsynced, !read.segments.isEmpty, policy != .always else { return }
        let newest = policy == .never ? read.segments[...] : read.segments.suffix(2)
        let paths = newest.map { folder.file($0.first) } + [folder.path, self.folder.rooms]
        guard policy != .never else { return unsynced.formUnion(paths) }
        folders.formUnion(paths)
        nextSync = nextSync ?? now + Log.syncInterval
    }

    // MARK: Rooms

    /// Forgets a room whose newest events nobody needs any more; it can be loaded again.
    package func forget(room name: String) {
        guard let log = rooms[name] else { return }
        log.isForgotten = true
        dropIfForgotten(log)
    }

    func dropIfForgotten(_ log: RoomLog) {
        // Two views of one room's files must never be: so it stays known until nothing is left to be done to them.
        guard log.isForgotten, !log.isInHand, log.fold == nil, !log.isExpiring else { return }
        log.closeTail(storage)
        openRooms.removeAll { $0 === log }
        if rooms[log.name] === log { rooms[log.name] = nil }
    }

    /// What the loaded rooms take on disk.
    package var bytesOnDisk: Int64 { rooms.values.reduce(0) { $0 + $1.bytes } }

    /// What a room may be called: it becomes a folder's name, so nothing else is let through here either.
    private func isRoomName(_ name: String) -> Bool { RoomName.isValid(Array(name.utf8).span) }

    // MARK: The end

    /// Brings everything to the disk, and says so in the folder.
    ///
    /// - Parameter isClean: false where something that was written is lost.
    /// - Returns: what went wrong.
    package func close(isClean: Bool = true) -> [StorageError] {
        var failures: [StorageError] = []
        for result in disk.finish() {
            if case .synced(let result) = result, let failure = takeIn(result) { failures.append(failure) }
        }
        // A file that has gone is noticed by the last look; what was in it is written again, and looked after once more.
        for _ in 0..<3 {
            for log in unsaved { _ = writeSaved(log) }
            guard failures.isEmpty, let request = makeSyncRequest(syncs: true) else { break }
            if let failure = takeIn(request.perform(on: storage)) { failures.append(failure) }
        }
        finishFolds()
        let earlier = folder.mayHoldUnsynced ? folder.lastWritten(storage) : []
        unsynced.formUnion(earlier ?? [])
        let rest = SyncRequest(ticket: 0, files: [], folders: unsynced.sorted(), syncs: true).perform(on: storage)
        failures += [rest.failure].compactMap(\.self) + rest.postponed
        failures += unsaved.filter(\.isSavingLines).map { StorageError(.append, $0.folder.path, .tookNothing) }
        let uncut = rooms.values.filter(\.needsCut).sorted { $0.name < $1.name }
        failures += uncut.map { StorageError(.truncate, $0.folder.path, .tookNothing) }
        // What could not be opened to be synced was tried three times.
        if failures.isEmpty { failures += folders.sorted().map { StorageError(.sync, $0, .tookNothing) } }
        for log in rooms.values { log.closeTail(storage) }
        rooms = [:]
        do throws(StorageError) {
            try folder.close(storage, isSynced: isClean && failures.isEmpty, isClean: earlier != nil)
        } catch {
            failures.append(error)
        }
        return failures
    }

    /// What has gone wrong or come right since the last call: a line of the server's log each.
    package func takeIncidents() -> [LogIncident] {
        defer { incidents.removeAll() }
        return incidents
    }
}

/// What the disk has done, for the loop.
package enum LogEvent: Sendable {
    case read(ReadResult)
    /// What was written before this ticket was given is on the disk itself.
    case synced(ticket: UInt64)
    /// What the system has dropped cannot be had again: the process must end, and begin with what is there.
    case syncFailed(StorageError)
}

/// Counters since the start.
package struct LogMetrics: Hashable, Sendable {
    package var appends: UInt64 = 0
    package var refusedAppends: UInt64 = 0
    package var bytesWritten: UInt64 = 0
    package var syncs: UInt64 = 0
    package var syncNanoseconds: UInt64 = 0
}
