import Chat

/// Finds lines: messages before or after a seq, events since one, or one event.
final class PageJob: ReadJob {
    private let disk: any Storage
    private let folder: RoomFolder
    private let segments: [Segment]
    private let kind: ReadRequest.Kind
    private let limit: Int
    private let limitBytes: Int
    private let isForwards: Bool
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
        limitBytes: Int = ReadLimits.answerBytes
    ) {
        self.disk = disk
        self.folder = folder
        self.segments = segments
        self.kind = kind
        self.limitBytes = limitBytes
        switch kind {
        case .messagesBefore(_, let limit), .since(_, let limit): (self.limit, isForwards) = (limit, false)
        case .messagesAfter(_, let limit): (self.limit, isForwards) = (limit, true)
        case .event: (limit, isForwards) = (1, true)
        case .load: (limit, isForwards) = (0, true)
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
        return .lines(Array((isForwards ? pieces : pieces.reversed()).joined()), more: more)
    }

    /// Finds the place to begin at.
    private func begin() throws(StorageError) {
        let seq: UInt64
        switch kind {
        case .messagesBefore(let before, _): seq = before
        case .messagesAfter(let after, _): seq = min(after, .max - 2) + 1
        case .event(let wanted): seq = wanted
        case .since, .load: seq = .max
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
            reader = try LineReader(disk, folder.file(segments[index].first))
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
            if let isWanted = wants(event) {
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
        let start = try reader.backwards(from: place.offset)
        // In the order of the file, as a load takes them: one that is not greater than one before it does not count.
        var events: [(event: EventLine, range: Range<Int>)] = []
        EventLine.forEach(in: reader.bytes.span) { event, range in
            if event.seq > events.last?.event.seq ?? 0 { events.append((event, range)) }
        }
        var found: [Range<Int>] = []
        for (event, range) in events.reversed() where !isDone {
            switch wants(event) {
            case true?: if take(range.count + 1) { found.append(range) }
            case false?: break
            case nil: isDone = true
            }
        }
        var piece: [UInt8] = []
        for range in found.reversed() { piece += reader.bytes[range.lowerBound...range.upperBound] }
        pieces.append(piece)
        self.reader = reader
        self.place = (place.index, start)
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
    private func wants(_ event: EventLine) -> Bool? {
        if let previous, isForwards ? event.seq <= previous : event.seq >= previous { return false }
        previous = event.seq
        return isWanted(event)
    }

    private func isWanted(_ event: EventLine) -> Bool? {
        switch kind {
        case .messagesBefore(let seq, _): event.kind == .message && event.seq < seq
        case .messagesAfter(let seq, _): event.kind == .message && event.seq > seq
        case .event(let seq): event.seq > seq ? nil : event.seq == seq
        case .since(let seq, _): event.seq > seq ? true : nil
        case .load: nil
        }
    }
}
