import Bytes

/// What the log is to be told of what was done to messages: to be folded into their lines.
package struct Fold: Sendable {
    package var facts: [UInt64: MessageFacts]
    package var purges: [Purge]
    /// The newest event that it tells of.
    package var through: UInt64
    /// Whether deleted texts are to be erased wherever they stand, in edits and snapshots, too.
    package var erases: Bool

    package init(facts: [UInt64: MessageFacts], purges: [Purge], through: UInt64, erases: Bool) {
        self.facts = facts
        self.purges = purges
        self.through = through
        self.erases = erases
    }

    package var isEmpty: Bool { facts.isEmpty && purges.isEmpty }

    /// What was done to a message that its line may not tell.
    package func facts(of event: EventLine, in line: Span<UInt8>) -> MessageFacts? {
        MessageFacts.of(event, in: line, among: facts, purges)
    }
}

/// What was folded into the lines of the log.
package struct Folded: Sendable {
    /// By the message, the newest event that its line tells.
    package var targets: [UInt64: UInt64]
    package var purges: [Purge]
    /// Up to which event deleted texts are erased; 0 where none were.
    package var erasedThrough: UInt64

    package init(_ fold: Fold, except remaining: (UInt64) -> Bool) {
        targets = fold.facts.filter { !remaining($0.key) }.mapValues(\.newest)
        purges = fold.purges
        erasedThrough = fold.erases ? fold.through : 0
    }
}

/// What was done to messages, beside their lines.
extension Room {
    /// A message that is in memory, or was read for this tick: its whole line.
    func message(_ seq: UInt64) -> (event: EventLine, line: [UInt8])? {
        var line = fetchedMessages[seq] ?? []
        if let reference = reference(to: seq) {
            line = []
            append(raw: reference, to: &line)
            line.append(UInt8(ascii: "}"))
        }
        guard let event = EventLine(line.span), event.kind == .message, event.seq == seq else { return nil }
        return (event, line)
    }

    /// Whether only the disk can tell what a message is.
    func needsDisk(message seq: UInt64) -> Bool {
        rules.isDurable && seq >= firstKept && seq <= recent.messagesDroppedThrough && fetchedMessages[seq] == nil
    }

    /// What was done to a message that its line may not tell.
    func facts(of event: EventLine, in line: Span<UInt8>) -> MessageFacts? {
        MessageFacts.of(event, in: line, among: facts, purges)
    }

    /// Changes what is known of a message, by the newest event.
    mutating func changeFacts(of target: UInt64, _ body: (inout MessageFacts) -> Void) {
        undo.append(.facts(target, facts[target]))
        var changed = facts[target] ?? MessageFacts()
        body(&changed)
        changed.newest = seq
        changed.isUnfolded = rules.isDurable
        facts[target] = changed
    }

    /// A message's text is gone from here on; from the log it is erased later.
    mutating func forgetText(of target: UInt64) {
        let seq = seq
        changeFacts(of: target) { $0.delete(by: seq) }
        noteErasure()
    }

    private mutating func noteErasure() {
        guard rules.isDurable else { return }
        undo.append(.erasing(unerased))
        unerased = seq
    }

    /// A host deletes what a user has said since a time: the newest event says so.
    mutating func purge(_ user: UserID, from: Int64) {
        let purge = Purge(user: user, from: from, seq: seq)
        for message in messages(coveredBy: purge) { forgetText(of: message) }
        guard rules.isDurable else { return }
        purges.append(purge)
        undo.append(.purged)
        noteErasure()
    }

    /// The messages in memory that a purge deletes, as far as they are not known to be deleted.
    private func messages(coveredBy purge: Purge) -> [UInt64] {
        var lines: [LineReference] = []
        recent.collectMessages(after: 0, count: .max, into: &lines)
        lines += newEvents(after: start.seq).filter { $0.kind == .message && $0.seq < seq }
        return lines.map(\.seq).filter { seq in
            guard facts[seq]?.isDeleted != true, let (event, line) = message(seq) else { return false }
            return purge.covers(event, of: line.span)
        }
    }

    /// Appends the messages in memory as lines of the log, with what was done to them folded in.
    func appendMessages(to bytes: inout [UInt8]) {
        for reference in recent.lines where reference.kind == .message {
            var line: [UInt8] = []
            append(raw: reference, to: &line)
            line.append(UInt8(ascii: "}"))
            guard let event = EventLine(line.span) else { continue }
            if let facts = facts(of: event, in: line.span) {
                event.appendFolded(of: line.span, facts, to: &bytes)
            } else {
                bytes += line
                bytes.append(UInt8(ascii: "\n"))
            }
        }
    }

    // MARK: Expiring

    /// The `time` of the newest event in memory; nil where there is none.
    package var newestTime: Int64? { recent.newestLine.flatMap(time) }

    /// The `time` of an event in memory.
    private func time(of reference: LineReference) -> Int64? {
        var line: [UInt8] = []
        append(raw: reference, to: &line)
        line.append(UInt8(ascii: "}"))
        return EventLine(line.span)?.time
    }

    /// The newest event in memory with all before it older than that; nil where there is none.
    func newest(before time: Int64) -> UInt64? {
        recent.lines.prefix { self.time(of: $0).map { $0 < time } ?? true }.last?.seq
    }

    /// Forgets what happened up to a seq, and what was done to messages up to there.
    package mutating func expire(through seq: UInt64) {
        recent.expire(through: seq)
        facts = facts.filter { $0.key > seq }
        purges.removeAll { $0.seq <= seq }
        expiredThrough = max(expiredThrough, seq)
        if firstKept > 0 { firstKept = max(firstKept, seq + 1) }
    }

    // MARK: Folding

    /// What the log's lines do not tell yet.
    package var untold: Fold {
        Fold(facts: facts.filter(\.value.isUnfolded), purges: purges, through: seq, erases: false)
    }

    /// What is to be folded into the log's lines.
    ///
    /// Deletions wait for a fold that erases: what is folded is forgotten, and then nobody would know any more of which messages the
    /// texts are to be taken out of edits and snapshots, too.
    package func fold(erases: Bool) -> Fold {
        var fold = untold
        fold.erases = erases
        guard !erases else { return fold }
        fold.facts = fold.facts.filter { !$0.value.isDeleted }
        fold.purges = []
        return fold
    }

    /// Whether something was deleted and is not known to be erased from the log.
    var hasUnfoldedDeletions: Bool { !purges.isEmpty || facts.values.contains { $0.isDeleted && $0.isUnfolded } }

    mutating func take(_ folded: Folded) {
        for (target, newest) in folded.targets where facts[target]?.newest == newest {
            facts[target]?.isUnfolded = false
        }
        // The log's lines tell it from now on; those in memory do not.
        for purge in folded.purges {
            for message in messages(coveredBy: purge) { facts[message, default: MessageFacts()].delete(by: purge.seq) }
        }
        purges.removeAll { folded.purges.contains($0) }
        guard folded.erasedThrough > 0 else { return }
        isErasing = false
        if unerased <= folded.erasedThrough { unerased = 0 }
    }

    /// Forgets what is told by the lines of messages that are not in memory any more.
    mutating func trimFacts() {
        let dropped = recent.messagesDroppedThrough
        guard !facts.isEmpty, dropped >= factsTrimmedThrough + RoomRules.messagesBetweenLooks else { return }
        factsTrimmedThrough = dropped
        facts = facts.filter { $0.key > dropped || $0.value.isUnfolded }
    }
}
