import Chat

/// Loads a room: the newest segment that begins with a whole snapshot, and all that follows it.
final class LoadJob: ReadJob {
    private let disk: any Storage
    private let folder: RoomFolder
    private let name: String
    private let rules: RoomRules
    private let base: UInt64
    /// What the log knows of the files already: what is beyond that does not count.
    private let known: [Segment]
    private let syncs: Bool
    private(set) var incidents: [LogIncident] = []
    /// What there is; the newest last.
    private(set) var segments: [Segment] = []
    /// Whether the newest of them begins with a whole snapshot.
    private(set) var hasSnapshot = true
    /// The segment that the room is begun with.
    private var firstTaken = 0
    /// The segments before this one are still to be looked at; those from it on hold nothing.
    private var emptyFrom: Int?

    private enum Phase {
        case start
        /// Looks how a segment begins.
        case looking(Int)
        /// Takes lines in, from a place in a segment on.
        case taking(Int, Int64, LineReader)
        /// Looks for older messages.
        case olderMessages(PageJob, before: UInt64)
        /// The room is there: looks how many of its oldest files are over.
        case expiring(Room, Int)
    }
    private var phase = Phase.start
    private var loader: RoomLoader
    private var unreadable = 0
    private var outOfOrder = 0
    private let retention: Retention
    private let now: Int64
    /// The `time` of the first event in the newest file.
    private(set) var tailBegan: Int64?
    /// Whether files are there that are not among the segments, as they are over.
    private(set) var hasUnlisted = false

    init(
        _ disk: any Storage, _ folder: RoomFolder, room: String, rules: RoomRules, base: UInt64, known: [Segment],
        syncs: Bool, retention: Retention, now: Int64
    ) {
        self.disk = disk
        self.folder = folder
        name = room
        self.rules = rules
        self.base = base
        self.known = known
        self.syncs = syncs
        self.retention = retention
        self.now = now
        loader = RoomLoader(room: room, rules: rules)
    }

    let isUrgent = true

    func close() {
        if case .taking(_, _, let reader) = phase { reader.close() }
        if case .olderMessages(let job, _) = phase { job.close() }
    }

    func step() throws(StorageError) -> ReadResult.Outcome? {
        switch phase {
        case .start:
            // A room's name becomes a folder's.
            guard RoomName.isValid(Array(name.utf8).span) else { throw StorageError(.open, folder.path, .misuse) }
            if known.isEmpty { try removeUnfinished() }
            segments = try folder.segments(disk)
            guard !segments.isEmpty else { return finish([], isWhole: true) }
            if known.isEmpty { try setHalfLineAside() } else { boundByKnown() }
            if syncs { try syncNewest() }
            phase = .looking(segments.count - 1)
        case .looking(let index): try look(index)
        case .taking(let index, let offset, let reader): return try take(index, offset, reader)
        case .olderMessages(let job, _):
            guard case .lines(let lines, let more)? = try job.step() else { return nil }
            return finish(lines, isWhole: !more)
        case .expiring(let room, let index): return try lookForExpired(room, index)
        }
        return nil
    }

    /// What is over is not there for anyone any more; its files are removed once the room is in memory.
    private func lookForExpired(_ room: Room, _ index: Int) throws(StorageError) -> ReadResult.Outcome? {
        let older = segments[index...].dropLast().reduce(0) { $0 + $1.length }
        var isOver = retention.isTooMuch(older)
        if !isOver, tailBegan != nil || index < segments.count - 1 {
            isOver = retention.isOver(try newestTime(of: segments[index], folder, disk), now: now)
        }
        if isOver, index < segments.count - 1 {
            phase = .expiring(room, index + 1)
            return nil
        }
        var room = room
        if isOver {
            room.expire(through: room.seq)
        } else if index > 0 {
            room.expire(through: segments[index].first - 1)
        }
        segments.removeFirst(index)
        hasUnlisted = index > 0
        return .loaded(room)
    }

    /// A kill may have left a file that was to take another's place.
    private func removeUnfinished() throws(StorageError) {
        for entry in try disk.list(folder.path) ?? [] where entry.isFile && entry.name.hasSuffix(RoomFolder.newSuffix) {
            guard Segment.first(of: String(entry.name.dropLast(RoomFolder.newSuffix.count))) != nil else { continue }
            try disk.remove(folder.path + "/" + entry.name)
        }
    }

    /// The room is still known, from before it was forgotten: its file may hold bytes that were refused.
    private func boundByKnown() {
        guard let old = known.last, let index = segments.firstIndex(where: { $0.first == old.first }) else { return }
        segments[index].length = min(segments[index].length, old.length)
    }

    /// What a killed process has written is seen by everyone, and may not be on the disk itself yet.
    private func syncNewest() throws(StorageError) {
        for segment in segments.suffix(2) { _ = try disk.sync(folder.file(segment.first)) }
        _ = try disk.sync(folder.path)
        // The room's folder may be new itself: the run that made it was killed before it synced the name.
        _ = try disk.sync(FolderPath.above(folder.path))
    }

    /// Half a line at the end of the newest segment does not count: it is what a kill or a power cut has left of one.
    private func setHalfLineAside() throws(StorageError) {
        guard let last = segments.last, last.length > 0 else { return }
        let path = folder.file(last.first)
        let file = try disk.open(path, .read)
        defer { disk.close(file) }
        var end = last.length
        var hasLine = false
        while end > 0, !hasLine {
            let start = max(0, end - Int64(LineReader.piece))
            let piece = try read(file, start..<end)
            let lineBreak = piece.lastIndex(of: 0x0A)
            hasLine = lineBreak != nil
            end = lineBreak.map { start + Int64($0) + 1 } ?? start
        }
        guard end < last.length else { return }
        segments[segments.count - 1].length = end
        do throws(StorageError) {
            try move(file, end..<last.length, path)
        } catch {
            // A full disk keeps nobody out: the half line stays where it is, and what is said goes to a new segment.
            if error.operation == .sync { throw error }
        }
    }

    /// Moves the end of a file to a file beside it.
    private func move(_ file: OpenFile, _ range: Range<Int64>, _ path: String) throws(StorageError) {
        let kept = try disk.open(folder.halfLines, .appendOrCreate)
        defer { disk.close(kept) }
        var at = range.lowerBound
        while at < range.upperBound {
            let piece = try read(file, at..<min(range.upperBound, at + Int64(LineReader.piece)))
            guard !piece.isEmpty else { break }
            try disk.appendAll(piece.span, to: kept, path: folder.halfLines)
            at += Int64(piece.count)
        }
        try disk.appendAll(([0x0A] as [UInt8]).span, to: kept, path: folder.halfLines)
        _ = try disk.sync(kept)
        _ = try disk.sync(folder.path)
        let target = try disk.open(path, .append)
        defer { disk.close(target) }
        try disk.truncate(target, to: range.lowerBound)
        incidents.append(
            .halfLine(path: path, bytes: Int(range.upperBound - range.lowerBound), movedTo: folder.halfLines))
    }

    private func read(_ file: OpenFile, _ range: Range<Int64>) throws(StorageError) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: Int(range.upperBound - range.lowerBound))
        let count = try disk.readAll(file, at: range.lowerBound, into: &bytes, range: 0..<bytes.count)
        bytes.removeLast(bytes.count - count)
        return bytes
    }

    /// Whether a segment begins with a snapshot that is complete, or is to be taken as it is.
    private func look(_ index: Int) throws(StorageError) {
        var reader = try LineReader(disk, folder.file(segments[index].first))
        var isTaken = false
        defer { if !isTaken { reader.close() } }
        var isWhole = false
        var offset: Int64 = 0
        let end = segments[index].length
        // Its pieces stand among the segment's first lines.
        var seen = (first: false, last: false)
        while offset < end, !isWhole {
            let next = try reader.forwards(from: offset, upTo: end)
            var isFirstLine = offset == 0
            EventLine.forEachLine(in: reader.bytes.span) { range in
                defer { isFirstLine = false }
                guard !seen.last, let part = RoomLoader.snapshotPart(reader.bytes.span.extracting(range)) else {
                    return
                }
                if isFirstLine, part.isFirst { seen.first = true }
                if seen.first, part.isLast { seen.last = true }
            }
            if !seen.first { break }
            isWhole = seen.last
            offset = next
        }
        if index == segments.count - 1 { hasSnapshot = isWhole }
        let looked = segments[index..<(emptyFrom ?? segments.count)].reduce(0) { $0 + $1.length }
        let isOldest = index == 0 || looked >= ReadLimits.loadedBytes
        isTaken = isWhole || isOldest
        firstTaken = index
        loader.fileStart = segments[index].first
        phase = isTaken ? .taking(index, 0, reader) : .looking(index - 1)
    }

    private func take(_ index: Int, _ offset: Int64, _ reader: LineReader) throws(StorageError) -> ReadResult.Outcome? {
        var reader = reader
        let end = segments[index].length
        if offset < end {
            let next = try reader.forwards(from: offset, upTo: end)
            EventLine.forEachLine(in: reader.bytes.span) { range in
                if tailBegan == nil, index == segments.count - 1 {
                    tailBegan = EventLine(reader.bytes.span.extracting(range))?.time
                }
                // Segments behind the one that was looked for have no whole snapshot: else one of them were it.
                switch loader.take(reader.bytes.span.extracting(range), usesSnapshots: index == firstTaken) {
                case .taken: break
                case .unreadable: unreadable += 1
                case .outOfOrder: outOfOrder += 1
                }
            }
            phase = .taking(index, next, reader)
            return nil
        }
        report(index)
        reader.close()
        phase = .start
        if index + 1 < segments.count {
            phase = .taking(index + 1, 0, try LineReader(disk, folder.file(segments[index + 1].first)))
            return nil
        }
        if loader.isEmpty, firstTaken > 0 {
            // A power cut has left nothing of the newest files; but there are older ones.
            phase = .looking(firstTaken - 1)
            emptyFrom = firstTaken
            incidents.removeAll { if case .unreadable = $0 { true } else { false } }
            return nil
        }
        let first = loader.firstSeq
        let older = segments.filter { $0.first < first }
        guard !loader.hasEnoughMessages, !older.isEmpty else {
            return finish([], isWhole: older.isEmpty)
        }
        let job = PageJob(
            disk, folder, segments: older, kind: .messagesBefore(first, limit: rules.recentMessages),
            limitBytes: rules.recentBytes)
        phase = .olderMessages(job, before: first)
        return nil
    }

    private func report(_ index: Int) {
        let path = folder.file(segments[index].first)
        if unreadable > 0 { incidents.append(.unreadable(room: name, lines: unreadable, path: path)) }
        if outOfOrder > 0 { incidents.append(.outOfOrder(room: name, lines: outOfOrder, path: path)) }
        (unreadable, outOfOrder) = (0, 0)
    }

    private func finish(_ olderMessages: [UInt8], isWhole: Bool) -> ReadResult.Outcome? {
        var finished = RoomLoader(room: name, rules: rules)
        swap(&finished, &loader)
        let room = finished.finish(olderMessages: olderMessages.span, isWhole: isWhole, base: base)
        guard retention.isActive, !segments.isEmpty else { return .loaded(room) }
        phase = .expiring(room, 0)
        return nil
    }
}
