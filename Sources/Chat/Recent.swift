import Bytes

/// The newest events of a room: all kinds of the newest, and before those some of the messages alone, so that joins and
/// leaves never crowd out what was said.
struct Recent: Sendable {
    /// How much is held.
    struct Bounds {
        /// Messages beyond the newest events.
        var messages: Int
        /// Bytes of the newest events; and as many again of the messages beyond them.
        var bytes: Int
    }

    private var newest = LineQueue()  // all kinds
    private var older = LineQueue()  // messages that have dropped out of `newest`
    /// Events up to this seq are not, or not all, in `newest`.
    private(set) var droppedThrough: UInt64 = 0
    /// Messages up to this seq are not, or not all, in `older` or `newest`.
    private(set) var messagesDroppedThrough: UInt64 = 0

    /// Whether as many events are held as a welcome may have.
    var isFull: Bool { newest.count >= Limits.welcomeEvents }
    /// How long all lines together are.
    var byteCount: Int { newest.byteCount + older.byteCount }

    /// Takes the room's next event in, whose line without the line break is at `line` in `bytes`.
    mutating func append(seq: UInt64, line: Range<Int>, of bytes: [UInt8], isMessage: Bool, _ bounds: Bounds) {
        newest.append(seq: seq, bytes.span.extracting(line), isMessage: isMessage)
        trim(bounds)
    }

    /// Takes in what was read from the disk, into an empty one.
    ///
    /// - Parameters:
    ///   - olderMessages: lines, each with its line break, in the order of their seq.
    ///   - events: the lines that follow them, of all kinds.
    ///   - newestSeq: of the newest event that there ever was.
    mutating func load(olderMessages: Span<UInt8>, events: Span<UInt8>, newestSeq: UInt64, _ bounds: Bounds) {
        LinePrefix.forEach(in: olderMessages) { prefix, range in
            older.append(seq: prefix.seq, olderMessages.extracting(range), isMessage: true)
        }
        LinePrefix.forEach(in: events) { prefix, range in
            newest.append(seq: prefix.seq, events.extracting(range), isMessage: prefix.isMessage)
        }
        // Whatever lies before the first line is on the disk, if anywhere.
        droppedThrough = newest.first.map { max($0.seq, 1) - 1 } ?? newestSeq
        messagesDroppedThrough = older.first.map { max($0.seq, 1) - 1 } ?? droppedThrough
        trim(bounds)
    }

    private mutating func trim(_ bounds: Bounds) {
        while newest.count > Limits.welcomeEvents || newest.byteCount > bounds.bytes, newest.count > 1 {
            guard let entry = newest.first else { break }
            if entry.isMessage { older.append(entry, of: newest) }
            droppedThrough = entry.seq
            newest.removeFirst()
        }
        while older.count > bounds.messages || older.byteCount > bounds.bytes {
            guard let entry = older.first else { break }
            messagesDroppedThrough = entry.seq
            older.removeFirst()
        }
    }

    /// The events after `since`, as far as they are held, oldest first.
    func lines(after since: UInt64) -> [LineReference] {
        newest.entries[newest.position(ofSeq: since + 1)...].map { LineReference(source: .newest, range: $0.range) }
    }

    /// Adds messages before `before`, the newest first, until there are `count` lines or no more messages are held.
    func collectMessages(before: UInt64, count: Int, into lines: inout [LineReference]) {
        newest.forEachMessage(before: before, limit: count - lines.count) {
            lines.append(LineReference(source: .newest, range: $0.range))
        }
        older.forEachMessage(before: before, limit: count - lines.count) {
            lines.append(LineReference(source: .older, range: $0.range))
        }
    }

    /// The event with this seq, if it is held.
    func line(_ seq: UInt64) -> LineReference? {
        newest.entry(seq).map { LineReference(source: .newest, range: $0.range) }
            ?? older.entry(seq).map { LineReference(source: .older, range: $0.range) }
    }

    /// Copies a line out.
    func append(_ reference: LineReference, to bytes: inout [UInt8]) {
        switch reference.source {
        case .newest: bytes.append(copying: newest.bytes.span.extracting(reference.range))
        case .older: bytes.append(copying: older.bytes.span.extracting(reference.range))
        case .fetched, .unwritten: break
        }
    }
}
