import Chat

/// Finds lines in pieces of a history that are given one after the other: messages before or after a seq, or with a text in them,
/// events since one, or one event.
package struct LineFinder: Sendable {
    private let kind: ReadRequest.Kind
    private let limit: Int
    private let limitBytes: Int
    /// Whether the pieces are to be given from the oldest on; otherwise from the newest.
    package let isForwards: Bool
    /// What is looked for, and what was done to messages that their lines do not tell.
    private let search: MessageSearch?
    private let fold: Fold?
    /// Whether the text is in an edit that is not in its message's line yet: it cannot be found by the lines' bytes then.
    private let isInEdits: Bool
    /// Bytes that were looked at, and the first event among them.
    private var looked: Int64 = 0
    private var oldestLooked: UInt64?
    private var oldestFound: UInt64?
    private var pieces: [[UInt8]] = []
    private var count = 0
    private var byteCount = 0
    private var more = false
    /// Whether nothing that would follow is wanted.
    package private(set) var isDone = false
    /// The seq of the event before, in the order in which they are read: one that is out of order is none.
    private var previous: UInt64?

    package init(_ kind: ReadRequest.Kind, limitBytes: Int? = nil, fold: Fold? = nil) {
        self.kind = kind
        self.limitBytes = limitBytes ?? ReadLimits.answerBytes
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

    /// The seq at which to begin; the greatest where that is the end.
    package var start: UInt64 {
        switch kind {
        case .messagesBefore(let before, _), .search(_, let before, _): before
        case .messagesAfter(let after, _): min(after, .max - 2) + 1
        case .event(let wanted): wanted
        case .since, .load, .fold, .expire, .sweep: .max
        }
    }

    /// What was found.
    package var outcome: ReadResult.Outcome {
        let lines = Array((isForwards ? pieces : pieces.reversed()).joined())
        guard search != nil else { return .lines(lines, more: more) }
        // Where the answer is full, it goes on before the oldest found; where enough was looked at, before that.
        return .found(lines, next: more ? (count < limit && byteCount < limitBytes ? oldestLooked : oldestFound) : nil)
    }

    // MARK: Pieces

    /// Takes the next piece: whole lines, each with its line break.
    package mutating func take(_ bytes: [UInt8]) {
        guard !isDone else { return }
        if isForwards { forwards(bytes) } else { backwards(bytes) }
    }

    private mutating func forwards(_ bytes: [UInt8]) {
        var piece: [UInt8] = []
        EventLine.forEachLine(in: bytes.span) { range in
            guard !isDone, let event = EventLine(bytes.span.extracting(range)) else { return }
            switch wants(event, bytes.span.extracting(range)) {
            case true?: if take(range.count + 1) { piece += bytes[range.lowerBound...range.upperBound] }
            case false?: break
            case nil: isDone = true
            }
        }
        pieces.append(piece)
    }

    private mutating func backwards(_ bytes: [UInt8]) {
        // In the order of the file, as a load takes them: one that is not greater than one before it does not count.
        var events: [(event: EventLine, range: Range<Int>)] = []
        let take = { (event: EventLine, range: Range<Int>) in
            if event.seq > events.last?.event.seq ?? 0 { events.append((event, range)) }
        }
        if let search, !isInEdits {
            // Most lines are passed over by their bytes alone.
            search.forEachCandidate(in: bytes.span, take)
        } else {
            EventLine.forEach(in: bytes.span, take)
        }
        var found: [Range<Int>] = []
        for (event, range) in events.reversed() where !isDone {
            switch wants(event, bytes.span.extracting(range)) {
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
        for range in found.reversed() { piece += bytes[range.lowerBound...range.upperBound] }
        if !piece.isEmpty { pieces.append(piece) }
        if search != nil { noteLooked(bytes.span) }
    }

    /// A search looks at so much and no more; whoever wants to go on asks again.
    private mutating func noteLooked(_ bytes: Span<UInt8>) {
        looked += Int64(bytes.count)
        if let first = LineFinder.firstEvent(in: bytes) { oldestLooked = first }
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

    /// Whether there is room for a line; the first that finds none ends the search.
    private mutating func take(_ size: Int) -> Bool {
        guard count < limit, byteCount + size <= limitBytes || count == 0 else {
            more = true
            isDone = true
            return false
        }
        count += 1
        byteCount += size
        return true
    }

    /// Whether an event is wanted; nil where none that would follow is.
    private mutating func wants(_ event: EventLine, _ line: Span<UInt8>) -> Bool? {
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
