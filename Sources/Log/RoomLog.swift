import Chat

/// A room's log: its files, and how the next lines get there.
///
/// The rule behind all of it: memory says what counts (`Segment.length`), and the file is brought in line with it before it
/// is appended to again. So whatever fails, at whatever point, no line is ever written behind half a line, and no seq is
/// written twice.
final class RoomLog {
    let name: String
    let folder: RoomFolder
    /// In the order of their names.
    var segments: [Segment]
    /// The last segment's file while it is open, and when it was used last.
    private(set) var tail: OpenFile?
    var lastUse: UInt64 = 0
    /// Which file that is, or was before it was closed; nil where it was never open, and where it has gone.
    private var identity: FileIdentity?
    /// How far the last segment's snapshot has got; nil where it is whole.
    private var cursor: SnapshotCursor?
    private var snapshotBytes: Int64 = 0
    /// Whether the last segment has a whole snapshot. Before that no other is begun in pieces: a start would have to go back to
    /// the one before, and there may be none.
    private var isWhole: Bool
    /// The file may hold bytes past what counts, to be cut off before anything is appended.
    private(set) var needsCut = false
    /// The next lines go to a new segment, whatever the last one's size.
    private(set) var needsSegment: Bool
    /// Lines that were in a file which has gone, as they stood there: they are written again before anything else.
    private var saved: [UInt8] = []
    /// Whether the last append has begun a segment after another.
    private(set) var hasBegun = false
    /// The file was found to be gone, or changed by somebody else, before it was appended to.
    private var change: LogIncident?

    // MARK: What is to be synced

    /// It is in the list of those to be synced or looked after.
    var isDirty = false
    /// Its file is in the hands of the thread that syncs.
    var isSyncing = false
    /// Folders in which names have changed since they were synced.
    private var changedFolders: [String] = []
    /// Files that are full, and were closed to appends before they were synced.
    private var retired: [SyncRequest.File] = []
    /// What is to be folded into the lines of older files, and whether that is at work.
    var fold: Fold?
    var isFolding = false
    /// Whether a mark in the data folder says that deleted texts are to be erased, and the newest deletion.
    var isMarked = false
    var newestDeletion: UInt64 = 0
    /// The `time` of the newest file's first event; nil where it has none.
    var tailBegan: Int64?
    /// When its oldest file may have to go, a `time`; 0 where that is not known. And whether that is at work.
    var expiryDue: Int64 = 0
    var isExpiring = false
    /// With which seq the files begin that stayed the last time.
    var expiryEnd: UInt64 = 0
    /// Whether files are there that are not among the segments, as they are over.
    var hasUnlisted = false
    /// Nobody needs it any more, once it is synced.
    var isForgotten = false

    /// - Parameter needsSegment: whether the last segment is left as it is.
    init(name: String, folder: RoomFolder, segments: [Segment], needsSegment: Bool) {
        self.name = name
        self.folder = folder
        self.segments = segments
        self.needsSegment = needsSegment
        isWhole = !needsSegment
    }

    var bytes: Int64 { segments.reduce(0) { $0 + $1.length } }
    var isSavingLines: Bool { !saved.isEmpty }
    /// Whether something is left to be done to its file, which stays open until then if it can.
    var isInHand: Bool { isDirty || isSyncing || needsCut || isSavingLines }
    /// Whether more than a sync is left to be done to it, so that it has to stay open.
    var needsTail: Bool { needsCut || isSavingLines }

    /// The next lines go to a new segment.
    func startSegment() { needsSegment = true }

    /// Whether a start needs no older file than the newest.
    var hasWholeSnapshot: Bool { isWhole && cursor == nil && !needsSegment }

    func closeTail(_ disk: any Storage) {
        if let tail { disk.close(tail) }
        tail = nil
    }

    /// The last segment's file, to be synced.
    var unsynced: SyncRequest.File? {
        guard let identity, let last = segments.last else { return nil }
        return SyncRequest.File(
            room: name, path: folder.file(last.first), first: last.first, file: tail, identity: identity)
    }

    func takeChangedFolders() -> [String] {
        defer { changedFolders = [] }
        return changedFolders
    }

    func takeChange() -> LogIncident? {
        defer { change = nil }
        return change
    }

    func takeRetired() -> [SyncRequest.File] {
        defer { retired = [] }
        return retired
    }

    // MARK: Appending

    /// Writes a room's new lines: all of them or nothing.
    ///
    /// - Parameter sizes: where a segment is full, and how large a piece of a snapshot is.
    func append(_ room: borrowing Room, _ sizes: LogSizes, to disk: any Storage) throws(StorageError) {
        let lines = room.lines.span.extracting(room.unwritten)
        if isWhole, let tailBegan, let limit = sizes.retention.segmentTime, room.time - tailBegan > limit {
            needsSegment = true
        }
        try prepareTail(firstSeq: room.firstUnwrittenSeq, sizes, disk)
        // Of a room in memory a snapshot of now is written; those that were saved tell of then.
        var block = savedEvents.lines
        let savedLines = block
        var cursor = cursor
        let isNew = segments[segments.count - 1].length == 0
        hasBegun = isNew && segments.count > 1
        if isNew {
            // A segment begins with a snapshot. It tells what follows from the lines behind it, too, and says so.
            var new = SnapshotCursor()
            block = []
            let limit = isWhole && segments.count > 1 ? sizes.snapshotPiece : .max
            room.appendSnapshot(from: &new, limit: limit, to: &block)
            block += savedLines
            cursor = new
        }
        block.append(copying: lines)
        if !isNew, var next = cursor {
            room.appendSnapshot(from: &next, limit: sizes.snapshotPiece, to: &block)
            cursor = next
        }
        try write(block.span, disk)
        snapshotBytes = isNew ? 0 : snapshotBytes
        if isNew || self.cursor != nil { snapshotBytes += Int64(block.count - lines.count) }
        if isNew || self.cursor != nil { isWhole = cursor?.isDone == true }
        self.cursor = cursor?.isDone == true ? nil : cursor
        saved = []
        needsSegment = false
        if tailBegan == nil, !room.unwritten.isEmpty { tailBegan = room.time }
    }

    private func write(_ bytes: Span<UInt8>, _ disk: any Storage) throws(StorageError) {
        guard let tail else { throw StorageError(.append, folder.path, .misuse) }
        let last = segments.count - 1
        do throws(StorageError) {
            try disk.appendAll(bytes, to: tail, path: folder.file(segments[last].first))
        } catch {
            // A part of the block may be there, whole lines of it too. Cut it off now, or before the next append.
            needsCut = true
            try? cut(disk)
            throw error
        }
        segments[last].length += Int64(bytes.count)
    }

    /// Cuts off what was refused.
    func cut(_ disk: any Storage) throws(StorageError) {
        guard needsCut, let tail, let last = segments.last else { return }
        try disk.truncate(tail, to: last.length)
        needsCut = false
    }

    /// Has the file open that the next lines go to.
    private func prepareTail(firstSeq: UInt64, _ sizes: LogSizes, _ disk: any Storage) throws(StorageError) {
        if let last = segments.last, !needsSegment,
            isWhole ? last.length < max(sizes.segment, 4 * snapshotBytes) : cursor != nil
        {
            if tail == nil {
                if let file = try disk.openExisting(folder.file(last.first), .append) {
                    try take(file, disk)
                } else {
                    identity = nil
                }
            }
            if let tail {
                try cut(disk)
                let size = try disk.size(of: tail)
                if size == last.length { return }
                // Where somebody else has changed the file, it stays as it is, and what is to come goes to a new one: also the next
                // time, if there is none now. It may end with half a line.
                segments[segments.count - 1].length = size
                needsSegment = true
            }
            if last.length > 0 {
                change = .replaced(path: folder.file(last.first), isGone: tail == nil, savedLines: 0)
            }
        }
        try beginSegment(firstSeq, disk)
    }

    /// A file becomes the last segment's.
    private func take(_ file: OpenFile, _ disk: any Storage) throws(StorageError) {
        do throws(StorageError) {
            identity = try disk.identity(of: file)
        } catch {
            disk.close(file)
            throw error
        }
        tail = file
    }

    private func beginSegment(_ firstSeq: UInt64, _ disk: any Storage) throws(StorageError) {
        try cut(disk)
        if isDirty || isSyncing, var file = unsynced {
            file.isRetired = true
            retired.append(file)
            tail = nil
        }
        closeTail(disk)
        identity = nil
        tailBegan = nil
        try makeFolder(disk)
        if let empty = segments.last, empty.length == 0 { segments.removeLast() }
        let (first, file) = try createFile(max(savedEvents.first ?? firstSeq, (segments.last?.first ?? 0) + 1), disk)
        try take(file, disk)
        segments.append(Segment(first: first, length: 0))
        changedFolders.append(folder.path)
        (cursor, snapshotBytes, needsCut) = (nil, 0, false)
    }

    /// Mostly there already; but it may be a new room, or somebody has cleared the folder away.
    private func makeFolder(_ disk: any Storage) throws(StorageError) {
        let rooms = FolderPath.above(folder.path)
        do throws(StorageError) {
            if try disk.makeDirectory(folder.path) { changedFolders.append(rooms) }
        } catch {
            guard error.isMissing else { throw error }
            try disk.makeDirectories(folder.path)
            changedFolders += [rooms, FolderPath.above(rooms)]
        }
    }

    /// Creates a segment's file, or takes one that was begun before and in which nothing is.
    ///
    /// - Parameter wanted: its name. Where somebody has put something else in that place, it is left there, and the next name
    ///   that is free is taken: a name that is a little too high costs a search a step.
    private func createFile(_ wanted: UInt64, _ disk: any Storage) throws(StorageError) -> (
        first: UInt64, file: OpenFile
    ) {
        var first = wanted
        while true {
            let path = folder.file(first)
            do throws(StorageError) {
                return (first, try disk.open(path, .create))
            } catch {
                guard error.isPresent, first < wanted + 16 else { throw error }
            }
            if let old = try? disk.open(path, .append) {
                if let size = try? disk.size(of: old), size == 0 { return (first, old) }
                disk.close(old)
            }
            first += 1
        }
    }

    // MARK: A file that has gone

    /// Of what was saved, the lines that are events, and the seq of the first.
    private var savedEvents: (first: UInt64?, lines: [UInt8], count: Int) {
        guard isSavingLines else { return (nil, [], 0) }
        var found: (first: UInt64?, lines: [UInt8], count: Int) = (nil, [], 0)
        let saved = saved
        EventLine.forEach(in: saved.span) { event, range in
            found.first = found.first ?? event.seq
            found.lines += saved[range.lowerBound...range.upperBound]
            found.count += 1
        }
        return found
    }

    /// A file that was written to has no name any more, or another file has it: what was said since is taken out of it, to be
    /// written again.
    ///
    /// - Returns: how many events were taken out; nil where it is another file by now anyway.
    func rescue(_ gone: SyncRequest.File, from disk: any Storage) throws(StorageError) -> Int? {
        if gone.isRetired { return try restore(gone, disk) }
        guard identity == gone.identity, let last = segments.last else { return nil }
        let remaining = try folder.segments(disk)
        let newest = try remaining.last.map { other throws(StorageError) in try newestSeq(in: other, disk) } ?? 0
        let before = isSavingLines
        // Of one that was closed, nothing can be had any more.
        if let tail { saved += try lines(of: tail, upTo: last.length, after: newest, disk) }
        let count = savedEvents.count
        if count == 0 { saved = [] }
        closeTail(disk)
        segments = remaining
        needsSegment = true
        (identity, cursor, needsCut) = (nil, nil, false)
        return before ? nil : count
    }

    /// What of a file comes after a seq. Where that is all of it, it is as it was, with the snapshot that it begins with.
    private func lines(
        of file: OpenFile, upTo length: Int64, after newest: UInt64, _ disk: any Storage
    ) throws(StorageError) -> [UInt8] {
        var text = [UInt8](repeating: 0, count: Int(clamping: length))
        let count = try disk.readAll(file, at: 0, into: &text, range: 0..<text.count)
        text.removeLast(text.count - count)
        guard newest > 0 else { return text }
        var lines: [UInt8] = []
        EventLine.forEach(in: text.span) { event, range in
            if event.seq > newest { lines += text[range.lowerBound...range.upperBound] }
        }
        return lines
    }

    /// The newest seq in a file; 0 where there is none.
    private func newestSeq(in segment: Segment, _ disk: any Storage) throws(StorageError) -> UInt64 {
        var reader = try LineReader(disk, folder.file(segment.first))
        defer { reader.close() }
        return try reader.newestSeq(upTo: segment.length)
    }

    /// A full segment has gone, or was changed, before it was synced: what it lacks now is put back there.
    private func restore(_ gone: SyncRequest.File, _ disk: any Storage) throws(StorageError) -> Int {
        guard let old = gone.file else { return 0 }
        try makeFolder(disk)
        let file = try disk.open(gone.path, .appendOrCreate)
        defer { disk.close(file) }
        let size = try disk.size(of: file)
        let newest = try newestSeq(in: Segment(first: gone.first, length: size), disk)
        var text = try lines(of: old, upTo: disk.size(of: old), after: newest, disk)
        var count = 0
        EventLine.forEach(in: text.span) { _, _ in count += 1 }
        if count > 0, try !endsWithLine(gone.path, size, disk) { text.insert(0x0A, at: 0) }
        try disk.appendAll(text.span, to: file, path: gone.path)
        segments.removeAll { $0.first == gone.first }
        let place = segments.firstIndex { $0.first > gone.first } ?? segments.count
        segments.insert(Segment(first: gone.first, length: size + Int64(text.count)), at: place)
        changedFolders += [gone.path, folder.path]
        return count
    }

    /// Whether what is appended to a file begins a line.
    private func endsWithLine(_ path: String, _ size: Int64, _ disk: any Storage) throws(StorageError) -> Bool {
        guard size > 0 else { return true }
        let file = try disk.open(path, .read)
        defer { disk.close(file) }
        var last: [UInt8] = [0]
        return try disk.readAll(file, at: size - 1, into: &last, range: 0..<1) == 1 && last[0] == 0x0A
    }

    /// Writes what was saved of a room that is not in memory any more: with no snapshot but the one it had.
    func writeSaved(_ sizes: LogSizes, to disk: any Storage) throws(StorageError) {
        guard isSavingLines, let first = savedEvents.first else { return }
        try prepareTail(firstSeq: first, sizes, disk)
        let lines = saved
        try write(lines.span, disk)
        saved = []
        // What is said next begins a segment with a snapshot of its own.
        needsSegment = true
    }
}

/// How large the parts of a log are.
package struct LogSizes: Sendable {
    /// Bytes at which a segment is full: it is read as a whole when its room is loaded. (One whose snapshot is more than a
    /// quarter of that may grow to four times its snapshot.)
    package var segment: Int64 = 4 << 20
    /// Bytes of a snapshot that are written in one tick.
    package var snapshotPiece = 256 << 10
    /// Rooms' files that are open at once, at most. Beside them each of the two threads has one at a time, and a segment that
    /// begins while its predecessor is to be synced is one more for the length of an append.
    package var openFiles = 64
    /// What of a room is kept.
    package private(set) var retention = Retention()

    package init() {}

    /// Makes segments as small as the history's bounds need.
    package mutating func keep(_ retention: Retention) {
        self.retention = retention
        if let bytes = retention.bytes { segment = min(segment, max(16 << 10, bytes / 8)) }
        self.retention.newestFiles = segment
    }
}
