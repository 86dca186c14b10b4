import Chat

/// Finds lines: messages before or after a seq, or with a text in them, events since one, or one event.
final class PageJob: ReadJob {
    private let disk: any Storage
    private let folder: RoomFolder
    private var segments: [Segment]
    private let kind: ReadRequest.Kind
    private let limit: Int
    private let limitBytes: Int
    private let isForwards: Bool
    /// What is looked for, and what was done to messages that their lines do not tell.
    private let search: MessageSearch?
    private let fold: Fold?
    /// Whether the text is in an edit that is not in its message's line yet: it cannot be found by the lines' bytes then.
    private let isInEdits: Bool
    /// Bytes that were looked at, and the first event among them.
    private var looked: Int64 = 0
    private var oldestLooked: UInt64?
    private var oldestFound: UInt64?
    let incidents: [LogIncident] = []
    let isUrgent = false

    private var reader: LineReader?
    /// The segment that is read, and where in it: the end of what is to be read backwards, or the beginning of what is to be
    /// read forwards.
    private var place: (index: Int, offset: Int64)?
    private var pieces: [[UInt8]] = []
    private var count = 0
    private var byteCount = 0
    private var more = false
    private var isDone = false

    init(
        _ disk: any Storage, _ folder: RoomFolder, segments: [Segment], kind: ReadRequest.Kind,
        limitBytes: Int = ReadLimits.answerBytes, fold: Fold? = nil
    ) {
        self.disk = disk
        self.folder = folder
        self.segments = segments
        self.kind = kind
        self.limitBytes = limitBytes
        self.fold = fold
        if case .search(let text, _, _) = kind { search = MessageSearch(text.span) } else { search = nil }
        isInEdits = search.map { search in fold?.facts.values.contains { $0.editMatches(search) } == true } ?? false
        switch kind {
        case .messagesBefore(_, let limit), .since(_, let limit), .search(_, _, let limit):
            (self.limit, isForwards) = (limit, false)
        case .messagesAfter(_, let limit): (self.limit, isForwards) = (limit, true)
        case .event: (limit, isForwards) = (1, true)
        case .load, .fold, .expire, .sweep: (limit, isForwards) = (0, true)
        }
    }

    func close() {
        reader?.close()
        reader = nil
    }

    func step() throws(StorageError) -> ReadResult.Outcome? {
        guard let place else {
            try begin()
            return nil
        }
        if isForwards { try forwards(place) } else { try backwards(place) }
        guard isDone else { return nil }
        let lines = Array((isForwards ? pieces : pieces.reversed()).joined())
        guard search != nil else { return .lines(lines, more: more) }
        // Where the answer is full, it goes on before the oldest found; where enough was looked at, before that.
        return .found(lines, next: more ? (count < limit && byteCount < limitBytes ? oldestLooked : oldestFound) : nil)
    }

    /// Finds the place to begin at.
    private func begin() throws(StorageError) {
        let seq: UInt64
        switch kind {
        case .messagesBefore(let before, _), .search(_, let before, _): seq = before
        case .messagesAfter(let after, _): seq = min(after, .max - 2) + 1
        case .event(let wanted): seq = wanted
        case .since, .load, .fold, .expire, .sweep: seq = .max
        }
        let index = (segments.firstIndex { $0.first > seq } ?? segments.count) - 1
        guard !segments.isEmpty else {
            place = (0, 0)
            isDone = true
            return
        }
        let start = max(0, index)
        let length = segments[start].length
        guard index >= 0, seq != .max, try open(start) else {
            // From the end, or, where a file has gone, past it.
            place = (start, index < 0 || isForwards ? 0 : length)
            return
        }
        place = (start, try reader?.position(of: seq, upTo: length) ?? 0)
    }

    private func isOpen(_ index: Int) throws(StorageError) -> Bool {
        if reader != nil { return true }
        return try open(index)
    }

    /// Opens a segment.
    ///
    /// - Returns: whether it is there. Somebody may have taken it away while the server runs; then there is nothing in it.
    private func open(_ index: Int) throws(StorageError) -> Bool {
        close()
        do throws(StorageError) {
            let reader = try LineReader(disk, folder.file(segments[index].first))
            self.reader = reader
            // An older file may have been written anew meanwhile.
            if index + 1 < segments.count { segments[index].length = try reader.size }
            return true
        } catch {
            guard error.isMissing else { throw error }
            return false
        }
    }

    private func forwards(_ place: (index: Int, offset: Int64)) throws(StorageError) {
        guard !isDone else { return }
        let end = segments[place.index].length
        guard place.offset < end, try isOpen(place.index), var reader else {
            close()
            guard place.index + 1 < segments.count else {
                isDone = true
                return
            }
            self.place = (place.index + 1, 0)
            return
        }
        let next = try reader.forwards(from: place.offset, upTo: end)
        var piece: [UInt8] = []
        EventLine.forEachLine(in: reader.bytes.span) { range in
            guard !isDone, let event = EventLine(reader.bytes.span.extracting(range)) else { return }
            if let isWanted = wants(event, reader.bytes.span.extracting(range)) {
                if isWanted { offer(reader.bytes[range.lowerBound...range.upperBound], to: &piece) }
            } else {
                isDone = true
            }
        }
        pieces.append(piece)
        self.reader = reader
        self.place = (place.index, next)
    }

    private func backwards(_ place: (index: Int, offset: Int64)) throws(StorageError) {
        guard !isDone else { return }
        guard place.offset > 0, try isOpen(place.index), var reader else {
            close()
            guard place.index > 0 else {
                isDone = true
                return
            }
            self.place = (place.index - 1, segments[place.index - 1].length)
            return
        }
        // Held here alone, so that its memory can be used again.
        self.reader = nil
        defer { self.reader = reader }
        let start = try reader.backwards(from: place.offset)
        // In the order of the file, as a load takes them: one that is not greater than one before it does not count.
        var events: [(event: EventLine, range: Range<Int>)] = []
        let take = { (event: EventLine, range: Range<Int>) in
            if event.seq > events.last?.event.seq ?? 0 { events.append((event, range)) }
        }
        if let search {
            forEachCandidate(of: search, in: reader.bytes.span, take)
        } else {
            EventLine.forEach(in: reader.bytes.span, take)
        }
        var found: [Range<Int>] = []
        for (event, range) in events.reversed() where !isDone {
            switch wants(event, reader.bytes.span.extracting(range)) {
            case true?:
                if self.take(range.count + 1) {
                    found.append(range)
                    oldestFound = event.seq
                }
            case false?: break
            case nil: isDone = true
            }
        }
        var piece: [UInt8] = []
        for range in found.reversed() { piece += reader.bytes[range.lowerBound...range.upperBound] }
        if !piece.isEmpty { pieces.append(piece) }
        self.place = (place.index, start)
        if search != nil { noteLooked(place.offset - start, reader.bytes.span) }
    }

    /// A search looks at so much and no more; whoever wants to go on asks again.
    private func noteLooked(_ byteCount: Int64, _ bytes: Span<UInt8>) {
        looked += byteCount
        if let first = PageJob.firstEvent(in: bytes) { oldestLooked = first }
        guard looked >= ReadLimits.searchedBytes, !isDone, oldestLooked != nil else { return }
        more = true
        isDone = true
    }

    private static func firstEvent(in bytes: Span<UInt8>) -> UInt64? {
        var start = 0
        for i in bytes.indices where bytes[i] == 0x0A {
            if let event = EventLine(bytes.extracting(start..<i)) { return event.seq }
            start = i + 1
        }
        return nil
    }

    /// Walks the events that may have what is looked for. Most lines are passed over by their bytes alone.
    private func forEachCandidate(
        of search: MessageSearch, in bytes: Span<UInt8>, _ body: (EventLine, Range<Int>) -> Void
    ) {
        if isInEdits { EventLine.forEach(in: bytes, body) } else { search.forEachCandidate(in: bytes, body) }
    }

    private func offer(_ line: ArraySlice<UInt8>, to piece: inout [UInt8]) {
        if take(line.count) { piece += line }
    }

    /// Whether there is room for a line; the first that finds none ends the job.
    private func take(_ size: Int) -> Bool {
        guard count < limit, byteCount + size <= limitBytes || count == 0 else {
            more = true
            isDone = true
            return false
        }
        count += 1
        byteCount += size
        return true
    }

    /// The seq of the event before, in the order in which they are read: one that is out of order is none.
    private var previous: UInt64?

    /// Whether an event is wanted; nil where none that would follow is.
    private func wants(_ event: EventLine, _ line: Span<UInt8>) -> Bool? {
        if let previous, isForwards ? event.seq <= previous : event.seq >= previous { return false }
        previous = event.seq
        return isWanted(event, line)
    }

    private func isWanted(_ event: EventLine, _ line: Span<UInt8>) -> Bool? {
        switch kind {
        case .messagesBefore(let seq, _): event.kind == .message && event.seq < seq
        case .messagesAfter(let seq, _): event.kind == .message && event.seq > seq
        case .event(let seq): event.seq > seq ? nil : event.seq == seq
        case .since(let seq, _): event.seq > seq ? true : nil
        case .search(_, let seq, _):
            event.kind == .message && event.seq < seq
                && search?.matches(event, of: line, fold?.facts(of: event, in: line)) == true
        case .load, .fold, .expire, .sweep: nil
        }
    }
}
