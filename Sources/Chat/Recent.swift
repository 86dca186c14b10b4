import Bytes

/// The newest events of a room: all kinds of the newest, and before those some of the messages alone, so that joins and
/// leaves never crowd out what was said.
struct Recent: Sendable {
    private var newest = LineQueue()  // all kinds
    private var older = LineQueue()  // messages that have dropped out of `newest`
    /// Events up to this seq are not, or not all, in `newest`.
    private(set) var droppedThrough: UInt64 = 0
    /// Messages up to this seq are not, or not all, in `older` or `newest`.
    private(set) var messagesDroppedThrough: UInt64 = 0

    /// Whether as many events are held as a welcome may have.
    var isFull: Bool { newest.count >= Limits.welcomeEvents }

    /// Takes the room's next event in, whose line without the line break is at `line` in `bytes`.
    mutating func append(seq: UInt64, line: Range<Int>, of bytes: [UInt8], isMessage: Bool, limits: Limits) {
        newest.append(seq: seq, bytes.span.extracting(line), isMessage: isMessage)
        while newest.count > Limits.welcomeEvents || newest.byteCount > limits.recentBytes && newest.count > 1 {
            guard let entry = newest.entries.first else { break }
            if entry.isMessage { older.append(entry, of: newest) }
            droppedThrough = entry.seq
            newest.removeFirst()
        }
        while older.count > limits.recentMessages || older.byteCount > limits.recentBytes {
            guard let entry = older.entries.first else { break }
            messagesDroppedThrough = entry.seq
            older.removeFirst()
        }
    }

    /// Takes in what was read from the disk, into an empty one.
    ///
    /// - Parameters:
    ///   - olderMessages: lines, each with its line break, in the order of their seq.
    ///   - events: the lines that follow them, of all kinds.
    mutating func load(olderMessages: Span<UInt8>, events: Span<UInt8>) {
        var firstMessage: UInt64?
        LinePrefix.forEach(in: olderMessages) { prefix, range in
            firstMessage = firstMessage ?? prefix.seq
            older.append(seq: prefix.seq, olderMessages.extracting(range), isMessage: true)
        }
        var firstEvent: UInt64?
        LinePrefix.forEach(in: events) { prefix, range in
            firstEvent = firstEvent ?? prefix.seq
            newest.append(seq: prefix.seq, events.extracting(range), isMessage: prefix.isMessage)
        }
        // Whatever lies before the first line is on the disk, if anywhere.
        droppedThrough = (firstEvent ?? 1) &- 1
        messagesDroppedThrough = (firstMessage ?? firstEvent ?? 1) &- 1
    }

    /// The events after `since`, as far as they are held, oldest first.
    func lines(after since: UInt64) -> [LineReference] {
        newest.entries[newest.position(ofSeq: since &+ 1)...].map { LineReference(source: .newest, range: $0.range) }
    }

    /// The newest `limit` messages before `before`, as far as they are held, oldest first; and whether older ones are
    /// held, too.
    func messages(before: UInt64, limit: Int) -> (lines: [LineReference], more: Bool) {
        var lines: [LineReference] = []
        func collect(_ queue: LineQueue, _ source: LineReference.Source) {
            for entry in queue.entries[..<queue.position(ofSeq: before)].reversed() where entry.isMessage {
                guard lines.count <= limit else { return }
                lines.append(LineReference(source: source, range: entry.range))
            }
        }
        collect(newest, .newest)
        collect(older, .older)
        return (lines.prefix(limit).reversed(), lines.count > limit)
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
