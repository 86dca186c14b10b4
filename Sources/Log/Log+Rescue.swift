import Chat

/// A file that has gone while it was written to: what was in it is written again.
extension Log {
    func rescue(_ file: SyncRequest.File) {
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

    func writeSaved(_ log: RoomLog) -> AppendOutcome {
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
}
