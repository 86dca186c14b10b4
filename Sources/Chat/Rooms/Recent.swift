import Bytes

/// A line of a room's history, as the place where it is held.
struct LineReference {
    enum Source { case fetched, older, newest, pending }
    var source: Source
    var range: Range<Int>
    var seq: UInt64
    var kind: EventKind
}

extension LineReference {
    init(_ source: Source, _ entry: LineQueue.Entry) {
        self.init(source: source, range: entry.range, seq: entry.seq, kind: entry.kind)
    }
}

/// Events that were read from the disk for someone who comes back after a long time.
package struct FetchedEvents: Sendable {
    /// Lines as they are stored, each with its line break.
    package var lines: [UInt8]
    /// Whether there are more between what was asked for and the first of these.
    package var more: Bool

    package init(lines: [UInt8], more: Bool) {
        self.lines = lines
        self.more = more
    }
}

/// The newest events of a room, as clients see them: all kinds of the newest, and before those some of the messages alone, so
/// that joins and leaves never crowd out what was said.
struct Recent: Sendable {
    private var newest = LineQueue()  // all kinds
    private var older = LineQueue()  // messages that have dropped out of `newest`
    /// Events up to this seq are not, or not all, in `newest`.
    private(set) var droppedThrough: UInt64 = 0
    /// Messages up to this seq are not, or not all, in `older` or `newest`.
    private(set) var messagesDroppedThrough: UInt64 = 0
    /// Between this seq and the one before it that is held some are missing: the log had lost them. 0 where nothing is missing.
    private(set) var missingBefore: UInt64 = 0
    private var last: UInt64 = 0

    /// Whether as many events are held as a welcome may have.
    var isFull: Bool { newest.count >= Limits.welcomeEvents }
    /// How long all lines together are.
    var byteCount: Int { newest.byteCount + older.byteCount }

    /// Takes the room's next event in, whose text without the closing bracket is at `text` in `bytes`.
    mutating func append(seq: UInt64, text: Range<Int>, of bytes: Span<UInt8>, _ kind: EventKind, _ rules: RoomRules) {
        if last > 0, !Recent.isNext(seq, after: last) { missingBefore = seq }
        last = seq
        newest.append(seq: seq, bytes.extracting(text), kind)
        trim(rules)
    }

    /// Whether there is no event between two: one follows the other, or is the first after an unclean stop of the machine.
    static func isNext(_ seq: UInt64, after last: UInt64) -> Bool {
        seq == last + 1 || ((seq >> 32) > (last >> 32) && UInt32(truncatingIfNeeded: seq) == 1)
    }

    /// The events of the newest files are taken in: takes in the messages before them.
    ///
    /// - Parameters:
    ///   - olderMessages: messages as stored, each with its line break, in the order of their seq.
    ///   - isWhole: whether there are no older messages than those.
    ///   - droppedThrough: events up to this seq are on the disk alone, if anywhere.
    mutating func load(
        olderMessages: Span<UInt8>, isWhole: Bool, droppedThrough: UInt64, _ rules: RoomRules
    ) {
        self.droppedThrough = max(self.droppedThrough, droppedThrough)
        // Where messages have been dropped already, older ones would leave a hole.
        guard messagesDroppedThrough == 0 else { return }
        var all = LineQueue()
        var visible: [UInt8] = []
        EventLine.forEach(in: olderMessages) { event, range in
            guard event.kind == .message else { return }
            visible.removeAll(keepingCapacity: true)
            event.appendVisible(of: olderMessages.extracting(range), to: &visible)
            all.append(seq: event.seq, visible.span, .message)
        }
        for entry in older.entries { all.append(entry, of: older) }
        older = all
        if !isWhole { messagesDroppedThrough = older.first.map { $0.seq - 1 } ?? droppedThrough }
        trim(rules)
    }

    private mutating func trim(_ rules: RoomRules) {
        while newest.count > Limits.welcomeEvents || newest.byteCount > rules.recentBytes, newest.count > 1 {
            guard let entry = newest.first else { break }
            if entry.isMessage { older.append(entry, of: newest) }
            droppedThrough = entry.seq
            newest.removeFirst()
        }
        while older.count > rules.recentMessages || older.byteCount > rules.recentBytes {
            guard let entry = older.first else { break }
            messagesDroppedThrough = entry.seq
            older.removeFirst()
        }
    }

    /// Counts the events up to a seq, none of which is a message, as dropped.
    mutating func begin(behind seq: UInt64) { droppedThrough = max(droppedThrough, seq) }

    /// Drops the events up to a seq: they are not on the disk any longer either.
    mutating func expire(through seq: UInt64) {
        while let first = newest.first, first.seq <= seq { newest.removeFirst() }
        while let first = older.first, first.seq <= seq { older.removeFirst() }
        droppedThrough = max(droppedThrough, seq)
        messagesDroppedThrough = max(messagesDroppedThrough, seq)
    }

    /// The newest event.
    var newestLine: LineReference? { newest.entries.last.map { LineReference(.newest, $0) } }

    /// The events that are held, the oldest first.
    var lines: [LineReference] {
        older.entries.map { LineReference(.older, $0) } + newest.entries.map { LineReference(.newest, $0) }
    }

    /// The events after `since`, as far as they are held, oldest first.
    func lines(after since: UInt64) -> [LineReference] {
        newest.entries[newest.position(ofSeq: since + 1)...].map { LineReference(.newest, $0) }
    }

    /// Adds messages before `before`, the newest first, until there are `count` lines or no more messages are held.
    func collectMessages(before: UInt64, count: Int, into lines: inout [LineReference]) {
        newest.forEachMessage(before: before, limit: count - lines.count) {
            lines.append(LineReference(.newest, $0))
        }
        older.forEachMessage(before: before, limit: count - lines.count) {
            lines.append(LineReference(.older, $0))
        }
    }

    /// Adds messages after `after`, the oldest first, until there are `count` lines or no more messages are held.
    func collectMessages(after: UInt64, count: Int, into lines: inout [LineReference]) {
        for (source, queue) in [(LineReference.Source.older, older), (.newest, newest)] {
            for entry in queue.entries[queue.position(ofSeq: after + 1)...] where entry.isMessage {
                guard lines.count < count else { return }
                lines.append(LineReference(source, entry))
            }
        }
    }

    /// The event with this seq, if it is held.
    func line(_ seq: UInt64) -> LineReference? {
        newest.entry(seq).map { LineReference(.newest, $0) } ?? older.entry(seq).map { LineReference(.older, $0) }
    }

    /// Copies a text out, without its closing bracket.
    func append(_ reference: LineReference, to bytes: inout [UInt8]) {
        switch reference.source {
        case .newest: bytes.append(copying: newest.bytes.span.extracting(reference.range))
        case .older: bytes.append(copying: older.bytes.span.extracting(reference.range))
        case .fetched, .pending: break
        }
    }
}
