import Bytes
import Chat

/// Folds what was done to messages into their lines: a file is written anew beside the old one, and takes its name. So at any
/// point of it the log is whole, as it was or as it is to be.
///
/// Where something was deleted, its text is erased wherever else it stands: in edits of it, in snapshots, and in what was set aside
/// of half-written lines. The newest file is left alone, as it is being written to.
final class FoldJob: ReadJob {
    private let disk: any Storage
    private let folder: RoomFolder
    private let segments: [Segment]
    private let fold: Fold
    private var lines: LineFolder
    /// The seq with which the newest file begins.
    private let end: UInt64
    let incidents: [LogIncident] = []
    let isUrgent = false
    /// The files that were written anew.
    private(set) var rewritten: [Segment] = []

    /// The file that is looked at, and where in it.
    private var index = 0
    private var offset: Int64 = 0
    private var reader: LineReader?
    /// What the file is to be, and whether that is something else than what it is.
    private var text: [UInt8] = []
    private var hasChanged = false
    /// The first file that has to be looked at because of a purge, and whether that is still looked for.
    private var firstPurged = 0
    private var isLookingForPurged = true

    /// - Parameter segments: those that nothing is written to any more.
    init(_ disk: any Storage, _ folder: RoomFolder, segments: [Segment], fold: Fold, end: UInt64) {
        self.disk = disk
        self.folder = folder
        self.segments = segments
        self.fold = fold
        self.end = end
        lines = LineFolder(fold)
    }

    func close() {
        reader?.close()
        reader = nil
    }

    func step() throws(StorageError) -> ReadResult.Outcome? {
        if isLookingForPurged {
            try lookForPurged()
            return nil
        }
        while index < segments.count {
            if reader == nil {
                let isThere = needsLook(index) ? try open(index) : false
                guard isThere else {
                    index += 1
                    continue
                }
            }
            if offset < segments[index].length {
                try readOn()
            } else {
                try replace()
            }
            return nil
        }
        if fold.erases { try eraseHalfLines() }
        // Also where nothing was left to be written: one that failed, or was killed, may have done that.
        _ = try disk.sync(folder.path)
        // What was not found may be in the newest file, of which the name may be too high. Before an erasure that is a new one.
        let (unfound, erases, end) = (lines.unfound, fold.erases, end)
        return .folded(Folded(fold) { erases ? $0 >= end : unfound.contains($0) })
    }

    /// Looks whether purged messages can begin in the next file: in the first one that ends at such a time. (The last one that begins
    /// before would not do: the clock may have gone back since.)
    private func lookForPurged() throws(StorageError) {
        guard let from = fold.purges.map(\.from).min(), firstPurged < segments.count else {
            firstPurged = segments.count
            return isLookingForPurged = false
        }
        guard try open(firstPurged), var reader else { return firstPurged += 1 }
        defer { close() }
        let time = try reader.newestTime(upTo: segments[firstPurged].length) ?? .min
        if time >= from { isLookingForPurged = false } else { firstPurged += 1 }
    }

    private func needsLook(_ index: Int) -> Bool {
        if index >= firstPurged || lines.erasesEdits { return true }
        let next = index + 1 < segments.count ? segments[index + 1].first : end
        // A file's name may be higher than its first event: so it is looked on until all are found.
        return lines.unfound.contains { $0 < next }
    }

    /// - Returns: whether the file is there: somebody may have taken it away.
    private func open(_ index: Int) throws(StorageError) -> Bool {
        (offset, text, hasChanged) = (0, [], false)
        do throws(StorageError) {
            reader = try LineReader(disk, folder.file(segments[index].first))
            return true
        } catch {
            guard error.isMissing else { throw error }
            return false
        }
    }

    // MARK: Reading

    private func readOn() throws(StorageError) {
        guard var reader else { return }
        let next = try reader.forwards(from: offset, upTo: segments[index].length)
        // A line that is too long to be one is copied as it is.
        if reader.bytes.isEmpty, next > offset { try reader.copy(offset..<next) }
        let bytes = reader.bytes
        var end = 0
        EventLine.forEachLine(in: bytes.span) { range in
            if lines.append(bytes.span.extracting(range), to: &text) { hasChanged = true }
            end = range.upperBound + 1
        }
        text += bytes[end...]
        self.reader = reader
        offset = next
    }

    // MARK: Writing

    private func replace() throws(StorageError) {
        close()
        defer { index += 1 }
        guard hasChanged else { return }
        try write(text, as: folder.file(segments[index].first))
        rewritten.append(Segment(first: segments[index].first, length: Int64(text.count)))
        text = []
    }

    private func write(_ bytes: [UInt8], as path: String) throws(StorageError) {
        let new = path + RoomFolder.newSuffix
        let file = try disk.open(new, .replace)
        do throws(StorageError) {
            defer { disk.close(file) }
            try disk.appendAll(bytes.span, to: file, path: new)
            _ = try disk.sync(file)
        } catch {
            try? disk.remove(new)
            throw error
        }
        try disk.rename(new, to: path)
    }

    /// Half-written lines may hold deleted texts. This removes those by authors of deleted messages, and those that have lost a block
    /// in a power cut: their author may be unreadable.
    private func eraseHalfLines() throws(StorageError) {
        guard !lines.authors.isEmpty, try disk.identity(at: folder.halfLines) != nil else { return }
        let file = try disk.open(folder.halfLines, .read)
        defer { disk.close(file) }
        var bytes = [UInt8](repeating: 0, count: Int(clamping: try disk.size(of: file)))
        let count = try disk.readAll(file, at: 0, into: &bytes, range: 0..<bytes.count)
        let authors = self.lines.authors
        let lines = bytes[..<count].split(separator: 0x0A, omittingEmptySubsequences: false)
        let kept = lines.filter { line in
            !line.contains(0) && !authors.contains { author in line.firstRange(of: author) != nil }
        }
        guard kept.count < lines.count else { return }
        try write(Array(kept.joined(separator: [0x0A])), as: folder.halfLines)
        _ = try disk.sync(folder.path)
    }
}
