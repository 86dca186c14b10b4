import Chat

/// How long a room's history is kept, and how much of it: in whole segments, the oldest of which go.
package struct Retention: Hashable, Sendable {
    /// Milliseconds after which an event may go; nil is for ever.
    package var time: Int64?
    /// Bytes that a room's files may take; nil is all.
    package var bytes: Int64?
    /// Bytes of those that are for files which are not looked at: for the newest, when it is full.
    var newestFiles: Int64 = 0

    package init(time: Int64? = nil, bytes: Int64? = nil) {
        self.time = time
        self.bytes = bytes
    }

    package var isActive: Bool { time != nil || bytes != nil }

    /// How long a segment is the newest: an event goes with the newest of its segment, and what was done to it may stand in the
    /// next one's snapshot. So nothing outlives its time by more than a tenth of it, or a day where that is less.
    var segmentTime: Int64? { time.map { min($0 / 10, 86_400_000) / 2 } }

    /// Whether older files take more than they may.
    package func isTooMuch(_ bytes: Int64) -> Bool { self.bytes.map { bytes > max(0, $0 - newestFiles) } ?? false }

    /// Whether a file goes whose newest event is as old as that; one without an event does.
    package func isOver(_ newest: Int64?, now: Int64) -> Bool {
        guard let time else { return false }
        return newest.map { $0 < now - time } ?? true
    }
}

/// Removes a room's files that are not to be kept any longer, the oldest first. The newest stays.
final class ExpiryJob: ReadJob {
    private let disk: any Storage
    private let folder: RoomFolder
    /// The seq with which the newest file begins.
    private let end: UInt64
    private let retention: Retention
    private let now: Int64
    let isUrgent = false
    let incidents: [LogIncident] = []
    /// The others, and how long they are together; nil before it was looked.
    private var segments: [Segment]?
    private var bytes: Int64 = 0
    private var removed = 0

    init(_ disk: any Storage, _ folder: RoomFolder, end: UInt64, retention: Retention, now: Int64) {
        self.disk = disk
        self.folder = folder
        self.end = end
        self.retention = retention
        self.now = now
    }

    func close() {}

    func step() throws(StorageError) -> ReadResult.Outcome? {
        guard let segments else {
            let found = try folder.segments(disk).filter { $0.first < end }
            bytes = found.reduce(0) { $0 + $1.length }
            segments = found
            return nil
        }
        guard removed < segments.count else { return try finish(next: nil) }
        let segment = segments[removed]
        if !retention.isTooMuch(bytes) {
            let newest = try newestTime(of: segment, folder, disk)
            guard retention.isOver(newest, now: now) else {
                return try finish(next: newest.flatMap { newest in retention.time.map { newest + $0 } })
            }
        }
        try disk.remove(folder.file(segment.first))
        removed += 1
        bytes -= segment.length
        return nil
    }

    private func finish(next: Int64?) throws(StorageError) -> ReadResult.Outcome {
        guard removed > 0, let segments else { return .expired(through: 0, next: next) }
        _ = try disk.sync(folder.path)
        return .expired(through: (removed < segments.count ? segments[removed].first : end) - 1, next: next)
    }
}

/// Looks among all rooms that are not in memory for some of which something is not to be kept any longer.
final class SweepJob: ReadJob {
    /// So many rooms are named at once.
    static let atOnce = 16

    private let disk: any Storage
    private let rooms: RoomFolder
    private let known: Set<String>
    private let retention: Retention
    private let now: Int64
    let isUrgent = false
    let incidents: [LogIncident] = []
    /// Those that were not looked at yet, the next one last; nil before it was looked.
    private var rest: [String]?
    private var due: [String] = []

    /// - Parameters:
    ///   - rooms: the folder that the rooms' folders are in.
    ///   - known: the rooms that are in memory.
    init(_ disk: any Storage, _ rooms: RoomFolder, known: Set<String>, retention: Retention, now: Int64) {
        self.disk = disk
        self.rooms = rooms
        self.known = known
        self.retention = retention
        self.now = now
    }

    func close() {}

    func step() throws(StorageError) -> ReadResult.Outcome? {
        guard let name = rest?.popLast() else {
            if rest != nil { return .due(due, more: false) }
            let names = try disk.list(rooms.path)?.filter { !$0.isFile }.map(\.name) ?? []
            rest = names.filter { !known.contains($0) && RoomName.isValid(Array($0.utf8).span) }.sorted(by: >)
            return nil
        }
        if try isDue(RoomFolder(path: rooms.path + "/" + name)) { due.append(name) }
        return due.count == SweepJob.atOnce ? .due(due, more: true) : nil
    }

    private func isDue(_ folder: RoomFolder) throws(StorageError) -> Bool {
        let segments = try folder.segments(disk)
        guard let oldest = segments.first else { return false }
        if retention.isTooMuch(segments.dropLast().reduce(0) { $0 + $1.length }) { return true }
        let newest = try newestTime(of: oldest, folder, disk)
        return retention.isOver(newest, now: now) && (newest != nil || segments.count > 1)
    }
}

/// The `time` of the newest event in a segment; nil where it has none, or has gone.
func newestTime(of segment: Segment, _ folder: RoomFolder, _ disk: any Storage) throws(StorageError) -> Int64? {
    do throws(StorageError) {
        var reader = try LineReader(disk, folder.file(segment.first))
        defer { reader.close() }
        return try reader.newestTime(upTo: segment.length)
    } catch {
        guard error.isMissing else { throw error }
        return nil
    }
}
