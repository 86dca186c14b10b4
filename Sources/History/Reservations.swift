/// The seqs that may have been used although their events are not on the disk.
///
/// Without `always`, people see events up to a second (or, with `never`, much) before the disk has them. A killed server loses
/// none of them: the kernel has their bytes. A power cut may, and then a seq would be used twice. So before a room uses a
/// seq, a record is on the disk that says «up to N»; it is written in large steps and synced in the background, so that it
/// costs nothing while people talk. After the machine has started anew, a room goes on behind its record. A clean stop, with
/// everything synced, removes the records.
///
/// One file for all rooms, `DIR/reserved`, one line each time; the last line of a room counts:
///
///     {"room":"lobby","seq":100000,"boot":"f39303e5-55e1-4da1-b7ac-84bb2d0e25e1"}
final class Reservations {
    /// How many seqs are reserved at once. It is also the most that a power cut leaves out.
    let step: UInt64
    /// Rooms that nobody uses are remembered up to this many; forgetting one costs it a new record when it is used again.
    private static let remembered = 10_000
    /// From this size on, a file that has doubled is written anew, without the records that later ones have superseded.
    private static let longestFile = 256 << 10

    private struct Record {
        var seq: UInt64
        /// The start of the machine in which it was written.
        var boot: String
        /// Everything the room has used is on the disk: after a clean stop the record is of no use.
        var isSettled = false
    }

    let path: String
    private let directory: String
    private let disk: any Storage
    private var boot: String?
    private var records: [String: Record] = [:]
    private var file: OpenFile?
    /// The file ends in a part of a line: the next record begins with a newline.
    private var isTorn = false
    /// A sync of the file has failed: it is not written to any more, but replaced.
    private var needsReplacing = false
    private var bytes = 0
    private var bytesWhenReplaced = 0
    /// The file is new in its folder.
    private(set) var isNew = false

    /// On the disk, written in this start of the machine: up to here a room may go on.
    private var held: [String: UInt64] = [:]
    /// Written, and waiting for the next sync; and those that the sync at work takes along.
    private var waiting: [String: UInt64] = [:]
    private var syncing: [String: UInt64] = [:]

    init(directory: String, disk: any Storage, step: UInt64) {
        self.directory = directory
        self.step = step
        path = directory + "/reserved"
        self.disk = disk
    }

    // MARK: Reading

    /// Reads the records, and syncs them: a server that was killed may not have come to that.
    func open() throws(StorageError) {
        boot = disk.bootIdentifier()
        try? disk.remove(path + ".new")
        guard let source = try disk.openExisting(path, .read) else { return }
        defer { disk.close(source) }
        guard let size = Int(exactly: try disk.size(of: source)) else { throw StorageError(.read, path, .misuse) }
        var contents = [UInt8](repeating: 0, count: size)
        let count = try disk.readAll(source, at: 0, into: &contents, range: 0..<size)
        var start = 0
        while let newline = LineScan.newline(contents.span, start..<count) {
            parse(contents.span, start..<newline)
            start = newline + 1
        }
        isTorn = start < count
        _ = try disk.sync(path)
        if let boot { held = records.filter { $0.value.boot == boot }.mapValues(\.seq) }
        bytes = count
    }

    private func parse(_ bytes: Span<UInt8>, _ line: Range<Int>) {
        var position = line.lowerBound
        guard EventPrefix.match(#"{"room":""#, bytes, &position, line.upperBound),
            let room = text(bytes, &position, line.upperBound),
            EventPrefix.match(#","seq":"#, bytes, &position, line.upperBound),
            let seq = EventPrefix.number(bytes, &position, line.upperBound), seq <= EventPrefix.largestSeq,
            EventPrefix.match(#","boot":""#, bytes, &position, line.upperBound),
            let boot = text(bytes, &position, line.upperBound),
            EventPrefix.match("}", bytes, &position, line.upperBound), position == line.upperBound
        else { return }
        records[room] = Record(seq: seq, boot: boot)
    }

    /// The bytes up to the closing quote, which is passed over.
    private func text(_ bytes: Span<UInt8>, _ position: inout Int, _ end: Int) -> String? {
        let start = position
        while position < end, bytes[position] != UInt8(ascii: "\"") { position += 1 }
        guard position < end else { return nil }
        let text = String(decoding: (start..<position).map { bytes[$0] }, as: UTF8.self)
        position += 1
        return text
    }

    /// The seq that a room which is loaded now goes on behind: 0 where its log is known to be complete.
    func floor(of room: String) -> UInt64 {
        guard let record = records[room], boot == nil || record.boot != boot else { return 0 }
        return record.seq
    }

    /// Up to where a room that is in use from now on may go; 0 where nothing is reserved for it.
    func use(_ room: String) -> UInt64 {
        records[room]?.isSettled = false
        return held[room] ?? 0
    }

    func isPending(_ room: String) -> Bool { waiting[room] != nil || syncing[room] != nil }

    var needsSync: Bool { !waiting.isEmpty }

    // MARK: Writing

    /// Writes a record for a room. It holds once it is synced.
    func reserve(_ room: String, after newest: UInt64) throws(StorageError) {
        let seq = min(newest + step, EventPrefix.largestSeq)
        let record = Record(seq: seq, boot: boot ?? "")
        if needsReplacing || bytes > max(Reservations.longestFile, 2 * bytesWhenReplaced) { try replace() }
        try write((isTorn ? [0x0A] : []) + Reservations.line(room, record))
        records[room] = record
        waiting[room] = seq
    }

    private static func line(_ room: String, _ record: Record) -> [UInt8] {
        Array(#"{"room":"\#(room)","seq":\#(record.seq),"boot":"\#(record.boot)"}"#.utf8) + [0x0A]
    }

    private func write(_ line: [UInt8]) throws(StorageError) {
        let target = try openFile()
        isTorn = true
        try disk.appendAll(line.span, to: target, path: path)
        isTorn = false
        bytes += line.count
    }

    private func openFile() throws(StorageError) -> OpenFile {
        if let file { return file }
        if let existing = try disk.openExisting(path, .append) {
            file = existing
            return existing
        }
        let created = try disk.open(path, .create)
        isNew = true
        file = created
        return created
    }

    /// Writes all records that are still of use to a new file. Blocks for its sync.
    private func replace() throws(StorageError) {
        let fresh = path + ".new"
        let target = try disk.open(fresh, .replace)
        defer { disk.close(target) }
        // A settled room that is used again needs a new record, once it is not in the file any more.
        records = records.filter { !$0.value.isSettled }
        held = held.filter { records[$0.key] != nil }
        let lines = records.sorted { $0.key < $1.key }.flatMap { Reservations.line($0.key, $0.value) }
        try disk.appendAll(lines.span, to: target, path: fresh)
        _ = try disk.sync(fresh)
        try disk.rename(fresh, to: path)
        closeFile()
        bytes = lines.count
        bytesWhenReplaced = bytes
        isNew = true
        isTorn = false
        // Now, and not with the next batch: one that is at work may have synced the file that has just lost its name.
        do throws(StorageError) {
            _ = try disk.sync(directory)
        } catch {
            syncing = [:]
            throw error
        }
        isNew = false
        needsReplacing = false
    }

    // MARK: Syncs

    func beginSync() {
        isNew = false
        syncing = waiting
        waiting = [:]
    }

    /// - Returns: the rooms whose records hold from now on, and up to where.
    func didSync() -> [String: UInt64] {
        defer { syncing = [:] }
        held.merge(syncing) { max($0, $1) }
        return syncing
    }

    /// Those that waited for it have to try again.
    func didFailToSync() {
        needsReplacing = true
        syncing = [:]
    }

    /// Reserves for a room, and waits for the disk: the last resort where the records written ahead did not hold in time.
    func reserveNow(_ room: String, after newest: UInt64) throws(StorageError) -> UInt64 {
        try reserve(room, after: newest)
        let seq = waiting.removeValue(forKey: room) ?? 0
        do throws(StorageError) {
            if isNew { _ = try disk.sync(directory) }
            _ = try disk.sync(path)
        } catch {
            needsReplacing = true
            throw error
        }
        isNew = false
        held[room] = seq
        return seq
    }

    /// Everything that a room has used is on the disk.
    func settle(_ room: String) {
        records[room]?.isSettled = true
        if records.count > Reservations.remembered {
            records[room] = nil
            held[room] = nil
        }
    }

    /// A clean stop: only rooms that are not settled keep their records.
    func close() throws(StorageError) {
        defer { closeFile() }
        guard records.values.contains(where: \.isSettled) else { return }
        try replace()
    }

    private func closeFile() {
        if let file { disk.close(file) }
        file = nil
    }
}
