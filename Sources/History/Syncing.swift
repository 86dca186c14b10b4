/// What is not on the disk itself yet.
struct SyncState {
    /// Rooms with unsynced bytes or names, each once.
    var dirtyRooms: [RoomLog] = []
    /// The data folder's own names have changed.
    var directoryNeedsSync = false
    /// When `tick` first saw something unsynced that no batch has taken yet.
    var dirtySince: UInt64?
    /// What the batch in the background stands for, in its order.
    var batch: [SyncTarget] = []
    var batchRooms: [RoomLog] = []
    /// The time of the last `tick`.
    var now: UInt64 = 0
    /// Rooms whose files must be brought in order after a failure, and when that is tried next.
    var repairs: [String: RoomLog] = [:]
    var nextRepair: UInt64 = 0
    /// Rooms that could not be loaded since a sync failed: the kernel may hold their newest bytes for clean although the disk
    /// has not got them, so they are written anew before they count.
    var suspects: Set<String> = []
}

/// One path of a batch, and what is known once it is synced.
enum SyncTarget {
    case directory
    case roomsFolder([RoomLog])
    case folder(RoomLog)
    case segment(RoomLog, first: UInt64, length: Int64)
    case journal(length: Int64)
    case reservations
    case journalSuccessor(generation: Int, length: Int64)
}

/// What `commit` could not bring to the disk: all of it is taken back, and must be shown to nobody.
package struct CommitOutcome: Sendable {
    /// The journal lines of this tick are refused, and with them every room's.
    package var journal: StorageError?
    /// The rooms whose lines of this tick are refused.
    package var rooms: [(room: String, error: StorageError)] = []

    package var isGood: Bool { journal == nil && rooms.isEmpty }
}

extension History {
    func record(_ nanoseconds: UInt64) {
        metrics.syncs += 1
        metrics.lastSyncNanoseconds = nanoseconds
        metrics.totalSyncNanoseconds += nanoseconds
    }

    func markDirty(_ room: RoomLog) {
        guard !room.isDirty else { return }
        room.isDirty = true
        syncs.dirtyRooms.append(room)
    }

    func sync(_ path: String) throws(StorageError) {
        do throws(StorageError) {
            record(try disk.sync(path))
        } catch {
            metrics.failedSyncs += 1
            throw error
        }
    }

    // MARK: Always

    /// With `always`: brings everything appended since the last call to the disk, before anyone sees it. Otherwise nothing.
    ///
    /// A room whose sync fails is taken back to what it was at the last commit; all rooms are where the journal's fails.
    package func commit() -> CommitOutcome {
        var outcome = CommitOutcome()
        guard policy == .always else { return outcome }
        do throws(StorageError) {
            try commitJournal()
        } catch {
            outcome.journal = error
        }
        let rooms = syncs.dirtyRooms
        syncs.dirtyRooms.removeAll(keepingCapacity: true)
        var newRooms = rooms.contains(where: \.parentNeedsSync)
        for room in rooms {
            room.isDirty = false
            do throws(StorageError) {
                if let error = outcome.journal { throw error }
                if newRooms { try sync(roomsFolder) }
                newRooms = false
                try commit(room)
            } catch {
                room.rollBack()
                noteRepair(room)
                outcome.rooms.append((room.name, error))
            }
            dropIfForgotten(room)
        }
        metrics.refusedAppends += UInt64(outcome.rooms.count)
        return outcome
    }

    private func commitJournal() throws(StorageError) {
        guard journal.isDirty || syncs.directoryNeedsSync else { return }
        do throws(StorageError) {
            if syncs.directoryNeedsSync { try sync(directory) }
            syncs.directoryNeedsSync = false
            journal.beginSync()
            defer { journal.endSync() }
            try sync(journal.path)
            journal.didSync(journal.length)
        } catch {
            journal.rollBack(error)
            throw error
        }
    }

    /// The names before the bytes: so where anything fails, no byte counts as synced yet.
    func commit(_ room: RoomLog) throws(StorageError) {
        room.parentNeedsSync = false
        if room.folderNeedsSync { try sync(room.folder) }
        room.folderNeedsSync = false
        let unsynced = room.unsyncedSegments
        for index in unsynced { try sync(room.path(room.segments[index].first)) }
        for index in unsynced {
            room.segments[index].synced = room.segments[index].length
            room.segments[index].isCutUnsynced = false
        }
        room.committed = room.newest
    }
}
