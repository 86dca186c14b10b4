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
///     DIR/rooms/ROOM/00000000000000000001.jsonl      a room's events, one line each, named by the first one's seq
///
/// The loop itself does nothing but the write: `append` for each room, then `commit`. Syncs and reads are done by `Disk`, and
/// their results taken in by `takeResults`.
package final class Log {
    let storage: any Storage
    private let disk: any Disk
    package let folder: DataFolder
    package let policy: FsyncPolicy
    private let rules: RoomRules
    private let sizes: LogSizes
    private var rooms: [String: RoomLog] = [:]
    /// Rooms with an open file.
    private var openRooms: [RoomLog] = []
    private var uses: UInt64 = 0

    /// Rooms with lines that are to be synced or looked after, and files that are full and wait for the same.
    private var dirty: [RoomLog] = []
    private var retired: [SyncRequest.File] = []
    /// Folders whose names are to be synced, and files that are not open.
    private var folders: Set<String> = []
    /// With `never`, what has been written and is synced at the end.
    private var unsynced: Set<String> = []
    private var isSyncing = false
    private var lastTicket: UInt64 = 0
    /// When the next sync is due, in nanoseconds of the loop's clock.
    private var nextSync: Int64?
    package private(set) var metrics = LogMetrics()
    private var incidents: [LogIncident] = []

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
            try log.append(room, sizes, to: storage)
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
    private func willWrite(_ log: RoomLog) -> Bool {
        uses += 1
        log.lastUse = uses
        if log.tail != nil { return true }
        closeFiles(downTo: sizes.openFiles - 1)
        return false
    }

    /// A room's file is to be synced: also one in which lines were refused, as they may have come to the disk itself before they
    /// were cut off, and the cut has to get there, too.
    private func didWrite(_ log: RoomLog, wasOpen: Bool) {
        if let change = log.takeChange() { incidents.append(change) }
        let full = log.takeRetired()
        retired += full
        guard log.tail != nil || !full.isEmpty else { return }
        markDirty(log)
        if wasOpen, full.isEmpty { return }
        openRooms.removeAll { $0.tail == nil || $0 === log }
        if log.tail != nil { openRooms.append(log) }
        closeFiles(downTo: sizes.openFiles)
    }

    private func refuse(_ error: StorageError) -> AppendOutcome {
        metrics.refusedAppends += 1
        return .refused(error)
    }

    private func markDirty(_ log: RoomLog) {
        folders.formUnion(log.takeChangedFolders())
        guard !log.isDirty else { return }
        log.isDirty = true
        dirty.append(log)
    }

    /// Keeps the number of open files bounded. First go those to which nothing is left to be done, from the one on that was not
    /// used for longest; then those that wait to be synced. (Of such a file nothing can be saved if it loses its name.)
    private func closeFiles(downTo most: Int) {
        let passed = filesAtWork.count { $0.isRetired && $0.file != nil }
        while openRooms.count + passed + retired.count(where: { $0.file != nil }) > most {
            if let index = oldest(where: { !$0.isInHand }) {
                openRooms.remove(at: index).closeTail(storage)
            } else if let index = retired.firstIndex(where: { canClose($0.file) }) {
                if let file = retired[index].file.take() { storage.close(file) }
            } else if let index = oldest(where: { !$0.needsTail && canClose($0.tail) }) {
                openRooms.remove(at: index).closeTail(storage)
            } else {
                return
            }
        }
    }

    private func oldest(where condition: (RoomLog) -> Bool) -> Int? {
        openRooms.indices.filter { condition(openRooms[$0]) }.min { openRooms[$0].lastUse < openRooms[$1].lastUse }
    }

    /// Whether it is open, and not in the hands of the thread that syncs.
    private func canClose(_ file: OpenFile?) -> Bool { file != nil && !filesAtWork.contains { $0.file == file } }

    // MARK: The disk itself

    /// A tick's lines are written.
    ///
    /// - Parameter now: nanoseconds of the loop's clock.
    /// - Returns: with `always`, the ticket that has to come before anyone may see them.
    package func commit(now: Int64) -> UInt64? {
        guard !dirty.isEmpty else { return nil }
        if policy == .always {
            // What is at work may have begun before these lines were written: the next one brings them.
            lastTicket += 1
            syncNow(now: now)
            return lastTicket
        }
        // Files stay open until they have been looked after: where that gets to be too many, it is now.
        let isUrgent = dirty.count + retired.count > sizes.openFiles / 2
        nextSync = isUrgent ? now : nextSync ?? now + Log.syncInterval
        return nil
    }

    /// How long lines may be in the hands of the system alone, and a file without its name (ns): a second, with a tenth of it for
    /// the disk's own time.
    private static let syncInterval: Int64 = 900_000_000

    /// When `tick` has something to do.
    package var nextDeadline: Int64? { isSyncing ? nil : nextSync }

    /// Has the disk begin what is due.
    package func tick(now: Int64) {
        if let nextSync, nextSync <= now { syncNow(now: now) }
    }

    private func syncNow(now: Int64) {
        guard !isSyncing else {
            nextSync = now
            return
        }
        nextSync = nil
        guard let request = makeSyncRequest(syncs: policy != .never) else { return }
        isSyncing = true
        disk.sync(request)
    }

    private func makeSyncRequest(syncs: Bool) -> SyncRequest? {
        guard !dirty.isEmpty || !folders.isEmpty else { return nil }
        // The other half of the files that may be open is left to what is written meanwhile.
        var files = retired
        for index in files.indices.dropFirst(sizes.openFiles / 2) {
            if let file = files[index].file.take() { storage.close(file) }
        }
        for log in dirty {
            log.isDirty = false
            log.isSyncing = true
            try? log.cut(storage)
            if files.count >= sizes.openFiles / 2, !log.needsTail { log.closeTail(storage) }
            if let file = log.unsynced { files.append(file) }
        }
        let names = folders.sorted()
        filesAtWork = files
        looking = dirty
        (dirty, folders, retired) = ([], [], [])
        if !syncs { unsynced.formUnion(files.map(\.path) + names) }
        return SyncRequest(ticket: lastTicket, files: files, folders: syncs ? names : [], syncs: syncs)
    }

    /// What the request at work has.
    private var looking: [RoomLog] = []
    private var filesAtWork: [SyncRequest.File] = []

    private func synced(_ result: SyncResult, now: Int64) -> LogEvent? {
        isSyncing = false
        if let failure = takeIn(result) { return .syncFailed(failure) }
        let isLacking = !result.postponed.isEmpty || !result.replaced.isEmpty && !folders.isEmpty
        if !dirty.isEmpty || !folders.isEmpty {
            if policy == .always, result.postponed.isEmpty {
                syncNow(now: now)
            } else {
                nextSync = nextSync ?? now + (policy == .always ? Log.retryInterval : Log.syncInterval)
            }
        }
        // Lines that were in a file without a name are not on the disk before they are written again: a later ticket comes.
        return policy == .always && unsaved.isEmpty && !isLacking ? .synced(ticket: result.ticket) : nil
    }

    /// How long people wait before a folder is tried again that could not be opened to be synced (ns).
    private static let retryInterval: Int64 = 100_000_000

    /// - Returns: what could not be synced.
    private func takeIn(_ result: SyncResult) -> StorageError? {
        metrics.syncs += UInt64(result.syncs)
        metrics.syncNanoseconds += result.nanoseconds
        for log in looking { log.isSyncing = false }
        folders.formUnion(result.postponed.map(\.path))
        for file in result.replaced { rescue(file) }
        for file in filesAtWork where file.isRetired { if let file = file.file { storage.close(file) } }
        let looked = looking
        (looking, filesAtWork) = ([], [])
        for log in looked {
            if log.needsCut { markDirty(log) }
            dropIfForgotten(log)
        }
        unsaved.removeAll { !$0.isSavingLines }
        closeFiles(downTo: sizes.openFiles)
        return result.failure
    }

    private func rescue(_ file: SyncRequest.File) {
        guard let log = rooms[file.room] else { return }
        do throws(StorageError) {
            let isGone = try storage.identity(at: file.path) == nil
            guard let lines = try log.rescue(file, from: storage) else { return }
            incidents.append(.replaced(path: file.path, isGone: isGone, savedLines: lines))
            folders.formUnion(log.takeChangedFolders())
            if log.isSavingLines { unsaved.append(log) }
        } catch {
            // It is tried again with the next look.
            markDirty(log)
        }
    }

    /// Rooms whose lines were in a file that has gone.
    private var unsaved: [RoomLog] = []

    /// The rooms whose lines are to be written again.
    package var unsavedRooms: [String] { unsaved.filter(\.isSavingLines).map(\.name) }

    /// Writes what was saved of a file that has gone to a new one. Where the disk refuses, it is tried again.
    ///
    /// - Parameter room: as it is now; nil where it is not in memory any more.
    package func rewrite(_ name: String, _ room: borrowing Room?) -> AppendOutcome {
        defer { unsaved.removeAll { !$0.isSavingLines } }
        guard let log = rooms[name], log.isSavingLines else { return .written }
        if let outcome = append(room) { return outcome }
        return writeSaved(log)
    }

    private func writeSaved(_ log: RoomLog) -> AppendOutcome {
        let wasOpen = willWrite(log)
        do throws(StorageError) {
            try log.writeSaved(sizes, to: storage)
        } catch {
            didWrite(log, wasOpen: wasOpen)
            return refuse(error)
        }
        didWrite(log, wasOpen: wasOpen)
        return .written
    }

    private func append(_ room: borrowing Room?) -> AppendOutcome? {
        switch room {
        case .some(let room): append(room)
        case nil: nil
        }
    }

    // MARK: Reading

    /// Asks for something to be read.
    package func request(_ request: ReadRequest) {
        let log = rooms[request.room]
        disk.read(
            DiskReadRequest(
                request: request, folder: roomFolder(request.room), segments: log?.segments ?? [], rules: rules,
                base: folder.seqBase, syncs: policy == .always && folder.mayHoldUnsynced))
        pendingReads += 1
    }

    /// Reads that have not been answered.
    package private(set) var pendingReads = 0

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
            case .lines, .failed: break
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
        rooms[name] = RoomLog(name: name, folder: folder, segments: read.segments, needsSegment: !read.hasSnapshot)
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

    private func dropIfForgotten(_ log: RoomLog) {
        // Two views of one room's files must never be: so it stays known until nothing is left to be done to them.
        guard log.isForgotten, !log.isInHand else { return }
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
