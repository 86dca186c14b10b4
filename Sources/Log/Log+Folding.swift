import Chat

/// Whether what was done to messages is being folded into their lines.
package enum FoldStart: Sendable {
    case begun
    case nothingToDo(Folded)
    /// The disk refuses, or another is at work: to be tried again.
    case refused
}

/// What was done to messages, folded into the lines of the log: by the thread that reads, in files that nothing is written to any
/// more.
extension Log {
    /// Has what was done to a room's messages folded into their lines.
    ///
    /// - Parameter erases: whether deleted texts are to be erased, from the newest file, too: a new one is begun.
    /// One that is begun is answered by a `ReadResult` whose outcome is `folded` or `failed`.
    package func fold(_ room: borrowing Room, erases: Bool) -> FoldStart {
        guard let log = rooms[room.name], log.fold == nil, !log.isExpiring else { return .refused }
        if erases, let last = log.segments.last, last.length > 0,
            log.tailBegan != nil || log.needsSegment || last.first <= room.seq
        {
            log.startSegment()
            guard case .written = append(room) else { return .refused }
        }
        let fold = room.fold(erases: erases)
        guard !fold.isEmpty else {
            if erases { unmark(log) }
            return .nothingToDo(Folded(fold) { _ in false })
        }
        log.fold = fold
        pendingReads += 1
        startFold(log)
        return .begun
    }

    /// Hands a fold over, once the files that it is about are not in the hands of the thread that syncs.
    func startFold(_ log: RoomLog) {
        guard let fold = log.fold, !log.isFolding, let tail = log.segments.last,
            !(retired + filesAtWork).contains(where: { $0.room == log.name && $0.isRetired })
        else { return }
        log.isFolding = true
        var request = DiskReadRequest(
            request: ReadRequest(.fold, room: log.name, tag: 0), folder: log.folder,
            segments: Array(log.segments.dropLast()), rules: rules, base: folder.seqBase, syncs: false)
        request.fold = fold
        request.end = tail.first
        disk.read(request)
    }

    /// A fold is done.
    func folded(_ room: String, _ folded: Folded?, _ rewritten: [Segment]) {
        guard let log = rooms[room] else { return }
        for segment in rewritten {
            guard let place = log.segments.firstIndex(where: { $0.first == segment.first }) else { continue }
            log.segments[place] = segment
        }
        (log.fold, log.isFolding) = (nil, false)
        if let folded, folded.erasedThrough >= log.newestDeletion { unmark(log) }
        if sizes.retention.isActive { nextLook = 0 }
        dropIfForgotten(log)
    }

    /// The rooms with new files since the last call: what was done to older messages is to be folded into their lines.
    package func takeBegun() -> [String] {
        defer { begun = [] }
        return begun
    }

    // MARK: After a kill

    /// Notes that a room has deleted texts in its files, so that they are erased after a kill, too.
    func mark(_ log: RoomLog, deletion seq: UInt64) throws(StorageError) {
        guard seq > log.newestDeletion else { return }
        if !log.isMarked {
            try storage.makeDirectories(folder.erasing)
            storage.close(try storage.open(folder.erasing + "/" + log.name, .appendOrCreate))
            folders.formUnion([folder.erasing, FolderPath.above(folder.erasing)])
            log.isMarked = true
        }
        log.newestDeletion = seq
    }

    private func unmark(_ log: RoomLog) {
        guard log.isMarked else { return }
        do throws(StorageError) {
            try storage.remove(folder.erasing + "/" + log.name)
            log.isMarked = false
            unfinished.remove(log.name)
        } catch {
            // It is looked at once more after the next start.
        }
    }

    /// The rooms whose deleted texts were not erased before the last stop, as far as they are not loaded yet.
    package var unfinishedErasures: [String] { unfinished.sorted() }

    /// At the end: what was begun is finished.
    func finishFolds() {
        for log in rooms.values.sorted(by: { $0.name < $1.name }) {
            guard let fold = log.fold, let tail = log.segments.last else { continue }
            let job = FoldJob(
                storage, log.folder, segments: Array(log.segments.dropLast()), fold: fold, end: tail.first)
            defer { job.close() }
            do throws(StorageError) {
                while true {
                    guard case .folded(let result)? = try job.step() else { continue }
                    folded(log.name, result, job.rewritten)
                    break
                }
            } catch {
                // The mark stays: it is done after the next start.
            }
        }
    }
}
