/// When what was written reaches the disk itself, and which files stay open until then.
extension Log {
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
    static let syncInterval: Int64 = 900_000_000

    /// When `tick` has something to do.
    package var nextDeadline: Int64? {
        [isSyncing ? nil : nextSync, sizes.retention.isActive ? nextLook : nil].compactMap(\.self).min()
    }

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

    func makeSyncRequest(syncs: Bool) -> SyncRequest? {
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

    func synced(_ result: SyncResult, now: Int64) -> LogEvent? {
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
    func takeIn(_ result: SyncResult) -> StorageError? {
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
            startFold(log)
            dropIfForgotten(log)
        }
        unsaved.removeAll { !$0.isSavingLines }
        closeFiles(downTo: sizes.openFiles)
        return result.failure
    }

    // MARK: Open files

    /// Keeps the number of open files bounded. First go those to which nothing is left to be done, from the one on that was not
    /// used for longest; then those that wait to be synced. (Of such a file nothing can be saved if it loses its name.)
    func closeFiles(downTo most: Int) {
        openRooms.removeAll { $0.tail == nil }
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
}
