/// One file of lines that mean something to the caller alone, and that is replaced as a whole now and then.
///
/// The same rule as for a room: memory says how many bytes count, and the file is cut to that before it is appended to.
final class Journal {
    let path: String
    let disk: any Storage
    /// How many bytes count.
    private(set) var length: Int64 = 0
    /// How many of them are known to be on the disk itself.
    private(set) var synced: Int64 = 0
    private var file: OpenFile?
    private var needsCut = false
    /// It was cut, and the disk itself may still have what was cut off.
    private var isCutUnsynced = false
    /// The sync that failed: until the whole file is written anew (see `RoomLog.rollBack` for the reason), nothing is taken.
    private(set) var failure: StorageError?
    /// A whole new file that becomes the journal once it is on the disk. Until then both get every line.
    private var successor: (file: OpenFile, length: Int64)?
    /// Tells one successor from the next: a sync begun for an earlier one says nothing about a later one.
    private(set) var generation = 0
    /// How many bytes the sync that is at work takes along.
    private var syncing: Int64 = 0

    init(path: String, disk: any Storage) {
        self.path = path
        self.disk = disk
    }

    var successorPath: String { path + ".new" }
    var hasSuccessor: Bool { successor != nil }
    var successorLength: Int64 { successor?.length ?? 0 }
    /// There are bytes that no sync has taken along yet.
    var isDirty: Bool { max(synced, syncing) < length || isCutUnsynced }
    var needsRepair: Bool { needsCut || failure != nil }

    /// Reads the journal, or creates it.
    ///
    /// - Returns: its whole and valid lines, and what was wrong with the others.
    func open() throws(StorageError) -> (lines: [UInt8], repair: Repair) {
        try? disk.remove(successorPath)
        file = try disk.openExisting(path, .append)
        if file == nil { file = try disk.open(path, .create) }
        var bytes = try contents(upTo: nil)
        var repair = Repair()
        let end = bytes.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
        repair.tornBytes = Int64(bytes.count - end)
        length = Int64(end)
        needsCut = repair.tornBytes > 0
        bytes.removeSubrange(end...)
        repair.damagedLines = Journal.dropDamaged(&bytes)
        return (bytes, repair)
    }

    private static func dropDamaged(_ bytes: inout [UInt8]) -> Int {
        var good: [Range<Int>] = []
        var damaged = 0
        var start = 0
        while let newline = LineScan.newline(bytes.span, start..<bytes.count) {
            if JSONText.isObject(bytes.span, start..<newline) {
                good.append(start..<newline + 1)
            } else {
                damaged += 1
            }
            start = newline + 1
        }
        if damaged > 0 { bytes = good.reduce(into: []) { $0 += bytes[$1] } }
        return damaged
    }

    private func contents(upTo end: Int64?) throws(StorageError) -> [UInt8] {
        let source = try disk.open(path, .read)
        defer { disk.close(source) }
        let size: Int64
        if let end { size = end } else { size = try disk.size(of: source) }
        guard let count = Int(exactly: size), count >= 0 else { throw StorageError(.read, path, .misuse) }
        var bytes = [UInt8](repeating: 0, count: count)
        let read = try disk.readAll(source, at: 0, into: &bytes, range: 0..<count)
        bytes.removeSubrange(read...)
        return bytes
    }

    // MARK: Writing

    /// Writes a block of whole lines, all or nothing.
    func append(_ lines: Span<UInt8>) throws(StorageError) {
        if let failure { throw failure }
        let file = try openFile()
        try cut()
        do throws(StorageError) {
            try disk.appendAll(lines, to: file, path: path)
        } catch {
            needsCut = true
            try? cut()
            throw error
        }
        length += Int64(lines.count)
        guard let next = successor else { return }
        do throws(StorageError) {
            try disk.appendAll(lines, to: next.file, path: successorPath)
            successor?.length += Int64(lines.count)
        } catch {
            // The old file has everything; the new one was only to be shorter.
            dropSuccessor()
        }
    }

    private func openFile() throws(StorageError) -> OpenFile {
        if let file { return file }
        let opened = try disk.open(path, .append)
        file = opened
        return opened
    }

    /// Brings the file in line with what counts, and writes it anew where a sync has failed.
    func repair() throws(StorageError) {
        if failure != nil {
            let bytes = try contents(upTo: length)
            try replace(with: bytes.span)
        }
        try cut()
    }

    private func cut() throws(StorageError) {
        guard needsCut else { return }
        try disk.truncate(try openFile(), to: length)
        needsCut = false
        isCutUnsynced = true
    }

    // MARK: Replacing

    /// Makes these lines the whole journal, now and at once: whoever looks after a crash sees either all or nothing of it.
    ///
    /// - Returns: how long the sync took, in nanoseconds.
    @discardableResult
    func replace(with lines: Span<UInt8>, sync: Bool = true) throws(StorageError) -> UInt64 {
        try prepare(lines)
        var nanoseconds: UInt64 = 0
        do throws(StorageError) {
            if sync { nanoseconds = try disk.sync(successorPath) }
            try succeed(syncedLength: sync ? Int64(lines.count) : 0)
        } catch {
            dropSuccessor()
            throw error
        }
        return nanoseconds
    }

    /// Writes these lines to a new file, which becomes the journal with `succeed`, once it is synced.
    func prepare(_ lines: Span<UInt8>) throws(StorageError) {
        dropSuccessor()
        let next = try disk.open(successorPath, .replace)
        successor = (next, Int64(lines.count))
        generation += 1
        do throws(StorageError) {
            try disk.appendAll(lines, to: next, path: successorPath)
        } catch {
            dropSuccessor()
            throw error
        }
    }

    /// The new file takes the journal's name.
    func succeed(syncedLength: Int64) throws(StorageError) {
        guard let next = successor else { return }
        try disk.rename(successorPath, to: path)
        successor = nil
        if let file { disk.close(file) }
        file = next.file
        length = next.length
        synced = syncedLength
        syncing = 0
        needsCut = false
        isCutUnsynced = false
        failure = nil
    }

    func dropSuccessor() {
        guard let next = successor else { return }
        successor = nil
        disk.close(next.file)
        try? disk.remove(successorPath)
    }

    // MARK: Syncs

    func beginSync() {
        syncing = length
        isCutUnsynced = false
    }

    func endSync() {
        syncing = 0
    }

    func didSync(_ upTo: Int64) {
        synced = max(synced, min(upTo, length))
    }

    /// A sync has failed after the lines were acted upon: they are kept, and written anew. One that could not even be tried
    /// is tried again.
    func didFailToSync(_ error: StorageError) {
        if error.operation == .sync { failure = error } else { isCutUnsynced = true }
    }

    /// A sync has failed and the lines are refused: they are cut off, and the rest is written anew.
    func rollBack(_ error: StorageError) {
        length = synced
        failure = error
        needsCut = true
        try? cut()
    }

    func close() {
        dropSuccessor()
        if let file { disk.close(file) }
        file = nil
    }
}
