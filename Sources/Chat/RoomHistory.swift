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
}

/// What a room has to tell those who come in or scroll back.
extension Room {
    /// A welcome's history.
    ///
    /// - Parameters:
    ///   - since: the seq of the last event that the client knows; nil if it knows nothing.
    ///   - bytes: how long all lines together may be, as long as there is one at least.
    /// - Returns: the lines, oldest first, and whether events between `since` and the first of them are left out.
    func history(since: UInt64?, _ fetched: FetchedEvents?, bytes: Int) -> (lines: [LineReference], gap: Bool) {
        guard let since, since <= seq else {
            // Someone new; or one who has seen what is not in this history: of another server, or lost in a power cut.
            return (messages(before: .max, limit: Limits.welcomeMessages, bytes: bytes).lines, since != nil)
        }
        var (lines, isWhole) = missed(since: since, fetched)
        lines += recent.lines(after: since)
        lines += unwrittenEvents(after: since).map { LineReference(source: .unwritten, range: $0.range) }
        isWhole = cut(&lines, count: Limits.welcomeEvents, bytes: bytes) && isWhole
        return (lines, !isWhole)
    }

    /// The fetched events between `since` and those that are in memory, and whether these are all that there are.
    private func missed(since: UInt64, _ fetched: FetchedEvents?) -> (lines: [LineReference], isWhole: Bool) {
        guard since < recent.droppedThrough else { return ([], true) }
        var lines: [LineReference] = []
        var newest = since
        guard let fetched else { return (lines, false) }
        LinePrefix.forEach(in: fetched.bytes.span) { prefix, range in
            guard prefix.seq > since, prefix.seq <= recent.droppedThrough else { return }
            lines.append(LineReference(source: .fetched, range: range))
            newest = prefix.seq
        }
        // Since they were asked for, memory may have let go of more.
        return (lines, !fetched.more && newest == recent.droppedThrough)
    }

    /// The newest messages before a seq, those of this tick included, as far as they are in memory.
    ///
    /// - Returns: the lines, oldest first, and whether there are older ones in memory.
    func messages(before: UInt64, limit: Int, bytes: Int) -> (lines: [LineReference], more: Bool) {
        var lines: [LineReference] = []
        for event in unwrittenMessages.reversed() where event.kind == .message && event.seq < before {
            guard lines.count <= limit else { break }
            lines.append(LineReference(source: .unwritten, range: event.range))
        }
        recent.collectMessages(before: before, count: limit + 1, into: &lines)
        lines.reverse()
        let isWhole = cut(&lines, count: limit, bytes: bytes)
        return (lines, !isWhole)
    }

    /// Drops the oldest lines until they are no more and no longer than allowed; false if there were any to drop.
    private func cut(_ lines: inout [LineReference], count: Int, bytes: Int) -> Bool {
        var kept = 0
        var size = 0
        for line in lines.reversed() {
            size += line.range.count + 1
            guard kept < count, size <= bytes || kept == 0 else { break }
            kept += 1
        }
        defer { lines.removeFirst(lines.count - kept) }
        return kept == lines.count
    }

    /// Appends lines with commas between them.
    func append(_ references: [LineReference], _ fetched: FetchedEvents? = nil, to bytes: inout [UInt8]) {
        for (index, reference) in references.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            switch reference.source {
            case .fetched: if let fetched { bytes.append(copying: fetched.bytes.span.extracting(reference.range)) }
            case .unwritten: bytes.append(copying: lines.span.extracting(reference.range))
            case .newest, .older: recent.append(reference, to: &bytes)
            }
        }
    }
}
