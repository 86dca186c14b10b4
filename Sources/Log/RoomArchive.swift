import Chat
import Platform

/// A data folder that no server uses, read room by room: so that what is in it can be moved elsewhere. The folder stays as it is.
package struct RoomArchive {
    private let storage = FileStorage()
    private let folder: DataFolder
    private let rules: RoomRules

    /// Takes the folder; a server that uses it is an error.
    ///
    /// - Parameter rules: what the rooms will be decided by.
    package init(_ path: String, rules: RoomRules) throws(StorageError) {
        let path = FolderPath.trimmed(path)
        guard try storage.identity(at: path + "/secret") != nil else {
            throw StorageError(.open, path + "/secret", code: ENOENT)
        }
        folder = try DataFolder.open(path, storage, random: [])
        self.rules = rules
    }

    /// By which secrets of others are kept.
    package var secret: [UInt8] { folder.secret }

    /// A small file of the folder; nil where there is none.
    package func read(file: String) throws(StorageError) -> [UInt8]? {
        guard let file = try storage.openExisting(folder.path + "/" + file, .read) else { return nil }
        defer { storage.close(file) }
        var bytes = [UInt8](repeating: 0, count: Int(clamping: try storage.size(of: file)))
        let count = try storage.readAll(file, at: 0, into: &bytes, range: 0..<bytes.count)
        return Array(bytes[..<count])
    }

    package func tokens() throws(StorageError) -> [TokenFile.Token] {
        try TokenFile.read(TokenFile.path(in: folder.path), storage).tokens
    }

    /// The rooms' names, in their order.
    package func rooms() throws(StorageError) -> [String] {
        try (storage.list(folder.rooms) ?? []).filter { !$0.isFile && RoomName.isValid(Array($0.name.utf8).span) }
            .map(\.name).sorted()
    }

    /// A room as it was, with nobody in it.
    package func load(_ room: String) throws(StorageError) -> Room {
        let job = LoadJob(
            storage, files(of: room), room: room, rules: rules, base: folder.seqBase, known: [], syncs: false,
            retention: Retention(), now: 0)
        defer { job.close() }
        while true {
            if case .loaded(let room) = try job.step() { return room }
        }
    }

    private func files(of room: String) -> RoomFolder { RoomFolder(path: folder.rooms + "/" + room) }

    /// A room's lines, from the oldest on.
    package func lines(of room: String) throws(StorageError) -> ArchivedLines {
        ArchivedLines(storage, files(of: room), try files(of: room).segments(storage))
    }

    /// Lets the folder go: for the next server it was stopped cleanly, as it was before.
    package func close() throws(StorageError) { try folder.close(storage, isSynced: true, isClean: true) }
}

/// A room's lines, in pieces.
package struct ArchivedLines {
    private let storage: FileStorage
    private let files: RoomFolder
    private var segments: ArraySlice<Segment>
    private var offset: Int64 = 0
    private var reader: LineReader?

    init(_ storage: FileStorage, _ files: RoomFolder, _ segments: [Segment]) {
        (self.storage, self.files, self.segments) = (storage, files, segments[...])
    }

    /// Some whole lines, with their line breaks; nil at the end.
    package mutating func next() throws(StorageError) -> [UInt8]? {
        while let segment = segments.first {
            if reader == nil { reader = try LineReader(storage, files.file(segment.first)) }
            guard offset < segment.length, var reader else {
                reader?.close()
                (reader, offset) = (nil, 0)
                segments.removeFirst()
                continue
            }
            offset = try reader.forwards(from: offset, upTo: segment.length)
            self.reader = reader
            return reader.bytes
        }
        return nil
    }
}
