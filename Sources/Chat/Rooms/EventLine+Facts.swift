import Bytes

/// A message as it is now, made of its line and of what was done to it since.
extension EventLine {
    /// Appends what clients see of a message, up to the closing bracket.
    ///
    /// - Parameters:
    ///   - facts: what the line does not tell yet.
    ///   - asker: whose reactions are `mine`.
    func appendNow(of line: Span<UInt8>, _ facts: MessageFacts?, for asker: UserID, to bytes: inout [UInt8]) {
        let reactions = facts?.reactions ?? reactions(in: line)
        if facts == nil, reactions.isEmpty { return appendVisible(of: line, to: &bytes) }
        appendMembers(of: line, facts, to: &bytes)
        if !reactions.isEmpty, facts?.isDeleted != true { bytes.append(reactions, for: asker) }
    }

    /// Appends a message as the log keeps it, line break included: with what was done to it folded in.
    package func appendFolded(of line: Span<UInt8>, _ facts: MessageFacts, to bytes: inout [UInt8]) {
        appendMembers(of: line, facts, to: &bytes)
        var hidden: [UInt8] = []
        if let deletion = facts.deletion {
            hidden.append("\"deletion\":")
            hidden.append(decimal: deletion)
            // The edits are erased after this line, in other files: it is to be known then, and after a kill.
            if facts.wasEdited || wasEdited(in: line) { hidden.append(",\"wasEdited\":true") }
        } else {
            let reactions = facts.reactions ?? reactions(in: line)
            if !reactions.isEmpty { hidden.append("\"reactions\":", reactions) }
        }
        if !hidden.isEmpty {
            bytes.append(",\"_\":{")
            bytes.append(copying: hidden.span)
            bytes.append("}")
        }
        bytes.append("}\n")
    }

    /// What the line itself tells of what was done to its message.
    func facts(in line: Span<UInt8>) -> MessageFacts? {
        if isDeleted(in: line) {
            let inner = line.extracting(hidden.range)
            let fields = hidden.kind == .object ? JSONFields(inner) : nil
            let seq = fields.flatMap { JSONScanner.whole(inner, $0["deletion"]) }
            return MessageFacts(wasEdited: fields?["wasEdited"].kind == .boolean, deletion: seq ?? self.seq)
        }
        var facts = MessageFacts()
        let reactions = reactions(in: line)
        guard !reactions.isEmpty else { return nil }
        facts.reactions = reactions
        return facts
    }

    /// Whether the line tells that the message was edited, before it was deleted if it was.
    package func wasEdited(in line: Span<UInt8>) -> Bool { isEdited || facts(in: line)?.wasEdited == true }

    /// The reactions that the line has.
    func reactions(in line: Span<UInt8>) -> [MessageFacts.Reaction] {
        guard hidden.kind == .object else { return [] }
        let inner = line.extracting(hidden.range)
        return JSONFields(inner).flatMap { MessageFacts.reactions($0["reactions"], of: inner) } ?? []
    }

    /// Appends the opening bracket and all members but the reactions and what is hidden, with the newest text.
    private func appendMembers(of line: Span<UInt8>, _ facts: MessageFacts?, to bytes: inout [UInt8]) {
        let isDeleted = facts?.isDeleted == true || isDeleted(in: line)
        let edit = facts?.edit
        appendVisible(of: line, text: edit?.text, to: &bytes) { key in
            if key.isEqual(to: "deleted") || key.isEqual(to: "reactions") { return false }
            if isDeleted, key.isEqual(to: "text") { return false }
            return !key.isEqual(to: "edited") || !isDeleted && edit == nil
        }
        if isDeleted {
            bytes.append(",\"deleted\":true")
        } else if let edit {
            bytes.append(",\"edited\":")
            bytes.append(decimal: UInt64(clamping: edit.time))
        }
    }

    /// Appends an edit whose text counts no more, without it, up to the closing bracket.
    package func appendWithoutText(of line: Span<UInt8>, to bytes: inout [UInt8]) {
        appendVisible(of: line, to: &bytes) { !$0.isEqual(to: "text") }
    }
}

/// A user's messages that a host has deleted in one go.
package struct Purge: Sendable, Equatable {
    package var user: UserID
    /// Only messages with a `time` from this on, in milliseconds since the Unix epoch.
    package var from: Int64
    /// Only messages before this seq, which is that of the event.
    package var seq: UInt64

    package init(user: UserID, from: Int64, seq: UInt64) {
        self.user = user
        self.from = from
        self.seq = seq
    }

    /// Reads one as it stands in a snapshot: `["user",from,seq]`.
    init?(_ text: Span<UInt8>) {
        var parts: [JSONToken] = []
        var at = 0
        guard JSONScanner.elements(text, &at, onElement: { parts.append($0) }), parts.count == 3,
            parts[0].kind == .string, let user = UserID(text.extracting(parts[0].range)),
            let from = JSONScanner.whole(text, parts[1]), let seq = JSONScanner.whole(text, parts[2])
        else { return nil }
        self.init(user: user, from: Int64(clamping: from), seq: seq)
    }

    /// Whether a message is among them.
    package func covers(_ event: EventLine, of line: Span<UInt8>) -> Bool {
        event.seq < seq && event.time >= from && event.user(in: line) == user
    }
}
