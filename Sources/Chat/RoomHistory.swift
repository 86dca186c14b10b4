import Bytes

/// A line of a room's history, as the place where it is held.
struct LineReference {
    enum Source { case fetched, older, newest, unwritten }
    var source: Source
    var range: Range<Int>
}

/// Events that were read from the disk for someone who comes back after a long time.
struct FetchedEvents {
    /// Lines, each with its line break.
    var bytes: [UInt8]
    /// Whether there are more between what was asked for and the first of these.
    var more: Bool

    /// The seq of each line and where it stands, without its line break.
    var lines: [(seq: UInt64, range: Range<Int>)] {
        var lines: [(seq: UInt64, range: Range<Int>)] = []
        LinePrefix.forEach(in: bytes.span) { prefix, range in lines.append((prefix.seq, range)) }
        return lines
    }
}

/// What a room has to tell those who come in or scroll back.
extension Room {
    /// A welcome's history.
    ///
    /// - Parameter since: the seq of the last event that the client knows; nil if it knows nothing.
    /// - Returns: the lines, oldest first, and whether events between `since` and the first of them are left out.
    func history(since: UInt64?, _ fetched: FetchedEvents?) -> (lines: [LineReference], gap: Bool) {
        guard let since, since <= seq else {
            // Someone new; or one who has seen what is not in this history: of another server, or lost in a power cut.
            return (newestMessages(), since != nil)
        }
        var lines: [LineReference] = []
        var known = since
        var gap = since < recent.droppedThrough
        if gap, let fetched {
            for line in fetched.lines where line.seq > since {
                lines.append(LineReference(source: .fetched, range: line.range))
                known = line.seq
            }
            gap = fetched.more || known < recent.droppedThrough
        }
        lines += recent.lines(after: known)
        lines += unwrittenEvents.filter { $0.seq > known }.map { LineReference(source: .unwritten, range: $0.range) }
        let tooMany = lines.count - Limits.welcomeEvents
        if tooMany > 0 { lines.removeFirst(tooMany) }
        return (lines, gap || tooMany > 0)
    }

    private func newestMessages() -> [LineReference] {
        let unwritten = unwrittenEvents.filter { $0.kind == .message }.suffix(Limits.welcomeMessages)
        return recent.messages(before: .max, limit: Limits.welcomeMessages - unwritten.count).lines
            + unwritten.map { LineReference(source: .unwritten, range: $0.range) }
    }

    /// Appends lines with commas between them.
    func append(_ references: [LineReference], _ fetched: FetchedEvents? = nil, to bytes: inout [UInt8]) {
        var isFirst = true
        for reference in references {
            if !isFirst { bytes.append(UInt8(ascii: ",")) }
            isFirst = false
            switch reference.source {
            case .fetched: if let fetched { bytes.append(copying: fetched.bytes.span.extracting(reference.range)) }
            case .unwritten: bytes.append(copying: lines.span.extracting(reference.range))
            case .newest, .older: recent.append(reference, to: &bytes)
            }
        }
    }
}
