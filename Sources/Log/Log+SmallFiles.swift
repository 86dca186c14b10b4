/// Small files of the data folder that are read and written as a whole.
extension Log {
    /// What a file holds; nil where there is no such file.
    package func read(file name: String) throws(StorageError) -> [UInt8]? {
        let path = folder.path + "/" + name
        guard let file = try storage.openExisting(path, .read) else { return nil }
        defer { storage.close(file) }
        let size = Int(clamping: min(try storage.size(of: file), 64 << 20))
        var bytes = [UInt8](repeating: 0, count: size)
        let count = try storage.readAll(file, at: 0, into: &bytes, range: 0..<size)
        return Array(bytes[..<count])
    }

    /// Puts a file there, which is on the disk itself when this returns.
    package func replace(file name: String, with bytes: [UInt8]) throws(StorageError) {
        try DataFolder.replace(folder.path + "/" + name, with: bytes, storage)
    }

    /// Takes a file away; one that is not there is fine.
    package func remove(file name: String) throws(StorageError) {
        let path = folder.path + "/" + name
        guard try storage.identity(at: path) != nil else { return }
        try storage.remove(path)
        _ = try storage.sync(folder.path)
    }

    /// How many rooms have files.
    package var roomCount: Int {
        get throws(StorageError) { try storage.list(folder.rooms)?.count { !$0.isFile } ?? 0 }
    }

    /// Whether so little is free where the history is kept that nothing more is to be written.
    package var isShortOfSpace: Bool {
        guard let free = storage.freeBytes(at: folder.path) else { return false }
        return free < storage.reservedBytes(at: folder.path)
    }
}
