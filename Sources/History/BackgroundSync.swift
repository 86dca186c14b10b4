extension History {
    /// A batch begins this long after the first unsynced byte; the rest of the second is the disk's.
    static let syncInterval: UInt64 = 800_000_000
    /// How often a batch at work is looked after.
    static let pollInterval: UInt64 = 10_000_000
    /// How often the repair of files is tried.
    static let repairInterval: UInt64 = 1_000_000_000

    /// To be called once at the end of each tick: collects what was synced in the background, begins the next batch when it
    /// is due, and tries to repair what has failed.
    ///
    /// - Parameter now: nanoseconds of a clock that never goes back.
    package func tick(now: UInt64) {
        syncs.now = now
        if !syncs.batch.isEmpty, let results = disk.finishedSync() { finish(results) }
        if needsRepair, now >= syncs.nextRepair {
            syncs.nextRepair = now + History.repairInterval
            repairAll()
        }
        guard hasUnsynced(policy) else {
            syncs.dirtySince = nil
            return
        }
        if syncs.dirtySince == nil { syncs.dirtySince = now }
        guard syncs.batch.isEmpty, let since = syncs.dirtySince else { return }
        let isDue = isUrgent || now >= since + History.syncInterval
        guard isDue || reservations.needsSync else { return }
        // Rooms being opened all the time must not have all the others synced all the time.
        let (paths, targets) = unsynced(isDue ? policy : .never)
        syncs.batch = targets
        if isDue { syncs.dirtySince = nil }
        // Nothing is left of a room whose file somebody has deleted.
        if paths.isEmpty { finish([]) } else { disk.beginSync(paths) }
    }

    /// When `tick` has something to do next, by the same clock; nil where it has nothing to do before the next append.
    package var nextDeadline: UInt64? {
        var deadline: UInt64?
        if !syncs.batch.isEmpty {
            deadline = syncs.now + History.pollInterval
        } else if hasUnsynced(policy) {
            deadline =
                isUrgent || reservations.needsSync ? syncs.now : (syncs.dirtySince ?? syncs.now) + History.syncInterval
        }
        guard needsRepair else { return deadline }
        return min(deadline ?? syncs.nextRepair, syncs.nextRepair)
    }

    /// A new journal waits for its name, or its name for the disk: until then, what is written to it does not count.
    private var isUrgent: Bool {
        policy == .everySecond && (journal.hasSuccessor || syncs.directoryNeedsSync)
    }

    /// Reservations are synced in the background with `never` too: they are what makes it bearable.
    private func hasUnsynced(_ policy: FsyncPolicy) -> Bool {
        if reservations.needsSync { return true }
        guard policy == .everySecond else { return false }
        return !syncs.dirtyRooms.isEmpty || journal.isDirty || journal.hasSuccessor || syncs.directoryNeedsSync
    }

    /// Everything to be synced, the names before what they stand for.
    private func unsynced(_ policy: FsyncPolicy) -> (paths: [String], targets: [SyncTarget]) {
        var work: [(path: String, target: SyncTarget)] = []
        if syncs.directoryNeedsSync || reservations.isNew { work.append((directory, .directory)) }
        syncs.directoryNeedsSync = false
        if reservations.needsSync {
            work.append((reservations.path, .reservations))
            reservations.beginSync()
        }
        guard policy == .everySecond else { return (work.map(\.path), work.map(\.target)) }
        let newRooms = syncs.dirtyRooms.filter(\.parentNeedsSync)
        if !newRooms.isEmpty { work.append((roomsFolder, .roomsFolder(newRooms))) }
        if journal.hasSuccessor {
            work.append(
                (
                    journal.successorPath,
                    .journalSuccessor(generation: journal.generation, length: journal.successorLength)
                ))
        } else if journal.isDirty {
            work.append((journal.path, .journal(length: journal.length)))
            journal.beginSync()
        }
        for room in syncs.dirtyRooms {
            if room.folderNeedsSync { work.append((room.folder, .folder(room))) }
            for index in room.segments.indices where room.segments[index].isUnsynced {
                let segment = room.segments[index]
                if segment.needsRewrite { continue }
                room.segments[index].isCutUnsynced = false
                work.append((room.path(segment.first), .segment(room, first: segment.first, length: segment.length)))
            }
        }
        for room in syncs.dirtyRooms {
            room.isDirty = false
            room.isSyncing = true
            room.folderNeedsSync = false
            room.parentNeedsSync = false
        }
        syncs.batchRooms = syncs.dirtyRooms
        syncs.dirtyRooms.removeAll(keepingCapacity: true)
        return (work.map(\.path), work.map(\.target))
    }

    private func finish(_ results: [SyncResult]) {
        let targets = syncs.batch
        syncs.batch = []
        journal.endSync()
        var directoryError: StorageError?
        for (target, result) in zip(targets, results) {
            var error = result.error
            switch target {
            case .directory: directoryError = error
            // A record in a file that has no name on the disk is none.
            case .reservations: error = error ?? directoryError
            default: break
            }
            if let error {
                metrics.failedSyncs += 1
                report(.syncFailed(error))
                fail(target, error)
            } else {
                record(result.nanoseconds)
                succeed(target)
            }
        }
        let rooms = syncs.batchRooms
        syncs.batchRooms = []
        for room in rooms {
            room.isSyncing = false
            dropIfForgotten(room)
        }
    }

    private func succeed(_ target: SyncTarget) {
        switch target {
        case .segment(let room, let first, let length):
            if let index = room.segments.firstIndex(where: { $0.first == first }) {
                room.segments[index].synced = max(room.segments[index].synced, length)
            }
        case .journal(let length):
            journal.didSync(length)
        case .journalSuccessor(let generation, let length):
            guard generation == journal.generation, journal.hasSuccessor else { return }
            do throws(StorageError) {
                try journal.succeed(syncedLength: length)
                syncs.directoryNeedsSync = true
            } catch {
                report(.syncFailed(error))
                journal.dropSuccessor()
            }
        case .reservations:
            for (name, seq) in reservations.didSync() {
                guard let room = rooms[name] else { continue }
                room.reserved = max(room.reserved, seq)
            }
        case .directory, .roomsFolder, .folder:
            break
        }
    }

    /// A failed sync of bytes means that they must be written anew. One that could not even be tried is tried again.
    private func fail(_ target: SyncTarget, _ error: StorageError) {
        let isLoss = error.operation == .sync
        switch target {
        case .segment(let room, let first, let length):
            guard let index = room.segments.firstIndex(where: { $0.first == first }) else { return }
            if isLoss {
                room.segments[index].needsRewrite = true
                room.needsRepair = true
                room.failure = error
                noteRepair(room)
            } else if error.isMissing {
                // Somebody has deleted the file; there is nothing left to be synced.
                room.segments[index].synced = length
            } else {
                room.segments[index].isCutUnsynced = true
            }
            markDirty(room)
        case .folder(let room):
            room.folderNeedsSync = !error.isMissing
            markDirty(room)
        case .roomsFolder(let rooms):
            for room in rooms {
                room.parentNeedsSync = true
                markDirty(room)
            }
        case .directory:
            syncs.directoryNeedsSync = true
        case .reservations:
            reservations.didFailToSync()
        case .journal:
            journal.didFailToSync(error)
        case .journalSuccessor:
            // Whichever it is by now: the sync went by its path, so that it may have been this one's bytes that were lost.
            journal.dropSuccessor()
        }
    }

    // MARK: Repairs

    var needsRepair: Bool { journal.needsRepair || !syncs.repairs.isEmpty }

    func noteRepair(_ room: RoomLog) {
        if room.needsRepair { syncs.repairs[room.name] = room }
    }

    private func repairAll() {
        if journal.needsRepair, (try? journal.repair()) != nil {
            syncs.directoryNeedsSync = true
            report(.repaired(path: journal.path))
        }
        // In an order that is always the same, so that a simulated run is.
        for (name, room) in syncs.repairs.sorted(by: { $0.key < $1.key }) where (try? room.repair()) != nil {
            syncs.repairs[name] = nil
            report(.repaired(path: room.folder))
            markDirty(room)
        }
    }

    // MARK: The end

    /// Brings everything to the disk, with `never` too, and gives the folder back. Nothing may be called after it.
    ///
    /// - Returns: what could not be done.
    package func closeAndSync() -> [StorageError] {
        finish(disk.waitForSync())
        var errors: [StorageError] = []
        // Again, where a journal has taken its new name, or what could not be synced was written anew.
        for _ in 0..<3 where hasUnsynced(.everySecond) || needsRepair {
            if needsRepair { repairAll() }
            errors = syncAll()
        }
        errors += syncs.repairs.values.compactMap(\.failure)
        if let failure = journal.failure { errors.append(failure) }
        for room in rooms.values where !room.isDirty && !room.needsRepair && !room.needsNewSegment {
            reservations.settle(room.name)
        }
        do throws(StorageError) { try reservations.close() } catch { errors.append(error) }
        reads.close(disk)
        journal.close()
        for room in rooms.values { room.closeTail() }
        rooms.removeAll()
        disk.unlock()
        return errors
    }

    private func syncAll() -> [StorageError] {
        let (paths, targets) = unsynced(.everySecond)
        syncs.batch = targets
        let results = paths.map { path -> SyncResult in
            do throws(StorageError) {
                return SyncResult(path: path, error: nil, nanoseconds: try disk.sync(path))
            } catch {
                return SyncResult(path: path, error: error, nanoseconds: 0)
            }
        }
        finish(results)
        return results.compactMap(\.error)
    }
}
