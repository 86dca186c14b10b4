/// One file of a room's log.
struct Segment {
    /// Its name: no line in it has a seq below this one. A line that has one at or above the next segment's name does not
    /// count either; so a file can be replaced from some seq on by writing the file that begins there.
    let first: UInt64
    /// How many bytes count: whole lines, and nothing that was refused.
    var length: Int64
    /// How many of them are known to be on the disk itself.
    var synced: Int64
    /// The file may hold bytes past `length`, to be cut off before anything is appended.
    var needsCut = false
    /// It was cut, and the disk itself may still have what was cut off.
    var isCutUnsynced = false
    /// Nothing is appended any more.
    var isSealed = false
    /// A sync failed after its bytes were shown to people: what is past `synced` must be written anew to be safe.
    var needsRewrite = false
    /// A damaged line in it has been reported.
    var isReported = false

    var isUnsynced: Bool { synced < length || isCutUnsynced }

    static let suffix = ".jsonl"
    private static let digits = 20

    static func name(_ first: UInt64) -> String {
        let number = String(first)
        return String(repeating: "0", count: max(0, digits - number.utf8.count)) + number + suffix
    }

    /// nil for a file that is no segment.
    static func first(of name: String) -> UInt64? {
        guard name.hasSuffix(suffix), name.utf8.count == digits + suffix.utf8.count,
            name.utf8.prefix(digits).allSatisfy({ (0x30...0x39).contains($0) }),
            let first = UInt64(name.prefix(digits)), first > 0, first <= EventPrefix.largestSeq
        else { return nil }
        return first
    }
}

/// A room's log: what of it is on disk, what of that counts, and how the next lines get there.
///
/// The rule behind all of it: memory says what counts (`Segment.length`), and the file is brought in line with it before it
/// is appended to again. So whatever fails, at whatever point, no line is ever written behind half a line, and no seq is
/// written twice.
final class RoomLog {
    let name: String
    let folder: String
    let disk: any Storage
    /// Where a segment is full. One append may go beyond it, never two.
    let segmentBytes: Int64
    /// A repair is not over before the disk itself has it (`always`).
    let repairsAreSynced: Bool

    /// In the order of their names.
    var segments: [Segment] = []
    /// The newest seq that is written or may have been used before.
    var newest: UInt64 = 0
    /// Where it was at the last commit, and where a failed sync takes the room back to.
    var committed: UInt64 = 0
    /// Up to which seq a power cut can't bring any back (see `Reservations`). Not looked at with `always`.
    var reserved: UInt64 = 0
    /// Seqs were left out that no file shows yet: a segment with the next one's name must be begun before anything else.
    var needsNewSegment = false
    /// Some file must be brought in line with what counts before anything is appended.
    var needsRepair = false
    /// The background sync that failed: until its bytes are written anew (see `rewrite`), nothing is taken.
    var failure: StorageError?
    /// The names in the folder have changed since it was synced.
    var folderNeedsSync = false
    /// The folder itself is new in the folder above it.
    var parentNeedsSync = false
    /// It is in the list of those to be synced.
    var isDirty = false
    /// The batch at work has something of it.
    var isSyncing = false
    /// Loading is over: it may be appended to.
    var isReady = false
    /// Nobody needs it any more, once it is synced.
    var isForgotten = false

    /// The last segment's file while it is open, and when it was used last.
    private(set) var tail: OpenFile?
    var lastUse: UInt64 = 0

    init(name: String, folder: String, disk: any Storage, segmentBytes: Int64, repairsAreSynced: Bool) {
        self.name = name
        self.folder = folder
        self.disk = disk
        self.segmentBytes = segmentBytes
        self.repairsAreSynced = repairsAreSynced
    }

    func path(_ first: UInt64) -> String {
        folder + "/" + Segment.name(first)
    }

    var bytes: Int64 { segments.reduce(0) { $0 + $1.length } }

    /// The last segment whose name is not above a seq.
    func segmentIndex(of seq: UInt64) -> Int? {
        var low = 0
        var high = segments.count
        while low < high {
            let middle = (low + high) / 2
            if segments[middle].first <= seq { low = middle + 1 } else { high = middle }
        }
        return low > 0 ? low - 1 : nil
    }

    /// The segments with bytes that are not known to be on the disk: some of the last ones, mostly one.
    var unsyncedSegments: [Int] {
        var found: [Int] = []
        for index in segments.indices.reversed() {
            if segments[index].isUnsynced {
                found.append(index)
            } else if segments[index].length > 0 {
                break
            }
        }
        return found
    }

    func closeTail() {
        if let tail { disk.close(tail) }
        tail = nil
    }

    // MARK: Appending

    /// Writes a block of whole lines, all or nothing.
    ///
    /// - Parameter lastSeq: the seq of its last line.
    func append(_ lines: Span<UInt8>, firstSeq: UInt64, lastSeq: UInt64) throws(StorageError) {
        let file = try openTail(for: firstSeq)
        let last = segments.count - 1
        do throws(StorageError) {
            try disk.appendAll(lines, to: file, path: path(segments[last].first))
        } catch {
            // A part of the block may be there, whole lines of it too. Cut it off now, or before the next append.
            segments[last].needsCut = true
            needsRepair = true
            try? repair()
            throw error
        }
        segments[last].length += Int64(lines.count)
        newest = lastSeq
    }

    /// The file that the block beginning with `seq` goes to.
    private func openTail(for seq: UInt64) throws(StorageError) -> OpenFile {
        if let last = segments.last, !last.isSealed, last.length < segmentBytes, seq == newest + 1 || last.length == 0 {
            if let tail { return tail }
            tail = try disk.openExisting(path(last.first), .append)
            // Where somebody else has changed the file, it stays as it is, and what is to come goes to a new one.
            if let tail {
                if try disk.size(of: tail) == last.length { return tail }
            } else {
                segments.removeLast()
            }
        }
        return try beginSegment(seq)
    }

    /// Begins a new file. Its name alone says that all seqs below it have been used.
    @discardableResult
    func beginSegment(_ seq: UInt64) throws(StorageError) -> OpenFile {
        closeTail()
        // Mostly there already; but it may be a new room, or somebody has cleared the folder away.
        try disk.makeDirectories(folder)
        parentNeedsSync = true
        let file = try disk.open(path(seq), .create)
        if !segments.isEmpty { segments[segments.count - 1].isSealed = true }
        segments.append(Segment(first: seq, length: 0, synced: 0))
        folderNeedsSync = true
        needsNewSegment = false
        tail = file
        return file
    }
}
