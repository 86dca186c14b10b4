import Bytes

/// What was done to a message since it was said, as far as its own line in the log does not tell it yet.
package struct MessageFacts: Sendable, Equatable {
    /// The newest text, and the event that gave it.
    struct Edit: Sendable, Equatable {
        var seq: UInt64
        var time: Int64
        /// As a JSON string, with quotation marks.
        var text: [UInt8]
    }

    /// One kind of reaction, and who has reacted so; the first to do so comes first.
    struct Reaction: Sendable, Equatable {
        struct Giver: Sendable, Equatable {
            var user: UserID
            var username: String
            /// The seq of the event.
            var seq: UInt64
        }
        var emoji: String
        var givers: [Giver]
    }

    /// Whether it was edited before it was deleted: its texts stand in the edits, too.
    package private(set) var wasEdited = false
    /// The seq of the event that deleted it.
    var deletion: UInt64?
    /// Nil where the line has the newest text.
    var edit: Edit?
    /// Nil where the line has all of them.
    var reactions: [Reaction]?
    /// The seq of the newest event that is told here.
    var newest: UInt64 = 0
    /// Whether the message's line does not tell all of this.
    var isUnfolded = false

    package var isDeleted: Bool { deletion != nil }

    /// It is deleted by an event.
    mutating func delete(by seq: UInt64) {
        self = MessageFacts(wasEdited: wasEdited || edit != nil, deletion: seq)
    }

    /// Adds what the message's own line tells, which is older.
    mutating func complete(by line: MessageFacts) {
        if let deletion = line.deletion, !isDeleted { delete(by: deletion) }
        if !isDeleted { reactions = reactions ?? line.reactions }
    }

    /// What was done to a message that its line may not tell.
    static func of(
        _ event: EventLine, in line: Span<UInt8>, among facts: [UInt64: MessageFacts], _ purges: [Purge]
    ) -> MessageFacts? {
        let known = facts[event.seq]
        guard known?.isDeleted != true, let purge = purges.first(where: { $0.covers(event, of: line) }) else {
            return known
        }
        var facts = known ?? MessageFacts()
        facts.delete(by: purge.seq)
        return facts
    }

    /// Whether its newest text has what is looked for, and its line may not.
    package func editMatches(_ search: MessageSearch) -> Bool {
        edit.map { search.matches(jsonString: $0.text.span) } ?? false
    }

    /// Adds a reaction or takes it back.
    ///
    /// - Parameter reactions: all there are.
    static func change(
        _ reactions: inout [Reaction], emoji: String, giver: Reaction.Giver, on: Bool
    ) {
        if on {
            guard let place = reactions.firstIndex(where: { $0.emoji == emoji }) else {
                return reactions.append(Reaction(emoji: emoji, givers: [giver]))
            }
            guard !reactions[place].givers.contains(where: { $0.user == giver.user }) else { return }
            reactions[place].givers.append(giver)
        } else if let place = reactions.firstIndex(where: { $0.emoji == emoji }) {
            reactions[place].givers.removeAll { $0.user == giver.user }
            if reactions[place].givers.isEmpty { reactions.remove(at: place) }
        }
    }
}

// MARK: In the log

extension MessageFacts {
    /// Appends the facts as an element of a snapshot.
    func append(target: UInt64, to bytes: inout [UInt8]) {
        bytes.append("{\"target\":")
        bytes.append(decimal: target)
        bytes.append(",\"newest\":")
        bytes.append(decimal: newest)
        if let deletion {
            bytes.append(",\"deletion\":")
            bytes.append(decimal: deletion)
            if wasEdited { bytes.append(",\"wasEdited\":true") }
        } else {
            if let edit {
                bytes.append(",\"edit\":")
                bytes.append(decimal: edit.seq)
                bytes.append(",\"edited\":")
                bytes.append(decimal: UInt64(clamping: edit.time))
                bytes.append(",\"text\":")
                bytes.append(copying: edit.text.span)
            }
            if let reactions { bytes.append(",\"reactions\":", reactions) }
        }
        bytes.append("}")
    }

    /// Reads such an element.
    static func read(_ text: Span<UInt8>) -> (target: UInt64, facts: MessageFacts)? {
        guard let fields = JSONFields(text), let target = JSONScanner.whole(text, fields["target"]) else { return nil }
        var facts = MessageFacts()
        facts.newest = JSONScanner.whole(text, fields["newest"]) ?? 0
        facts.deletion = JSONScanner.whole(text, fields["deletion"])
        facts.wasEdited = fields["wasEdited"].kind == .boolean
        if let seq = JSONScanner.whole(text, fields["edit"]), fields["text"].kind == .string {
            facts.edit = Edit(
                seq: seq, time: Int64(clamping: JSONScanner.whole(text, fields["edited"]) ?? 0),
                text: Array(copying: text.extracting(fields["text"].quotedRange)))
        }
        facts.reactions = reactions(fields["reactions"], of: text)
        return (target, facts)
    }

    /// Reads reactions as they stand in the log: `[["👍",["user","name",seq],…],…]`; nil where there are none.
    static func reactions(_ token: JSONToken, of text: Span<UInt8>) -> [Reaction]? {
        guard token.kind == .array else { return nil }
        var reactions: [Reaction] = []
        var at = token.range.lowerBound
        _ = JSONScanner.elements(text, &at) { kind in
            guard kind.kind == .array else { return }
            var reaction = Reaction(emoji: "", givers: [])
            var at = kind.range.lowerBound
            _ = JSONScanner.elements(text, &at) { value in
                if value.kind == .string {
                    reaction.emoji = String(unescaping: value, of: text)
                } else if let giver = giver(value, of: text) {
                    reaction.givers.append(giver)
                }
            }
            if !reaction.emoji.isEmpty, !reaction.givers.isEmpty { reactions.append(reaction) }
        }
        return reactions
    }

    private static func giver(_ token: JSONToken, of text: Span<UInt8>) -> Reaction.Giver? {
        guard token.kind == .array else { return nil }
        var parts: [JSONToken] = []
        var at = token.range.lowerBound
        _ = JSONScanner.elements(text, &at) { parts.append($0) }
        guard parts.count == 3, parts[0].kind == .string, parts[1].kind == .string,
            let user = UserID(text.extracting(parts[0].range)), let seq = JSONScanner.whole(text, parts[2])
        else { return nil }
        return Reaction.Giver(user: user, username: String(unescaping: parts[1], of: text), seq: seq)
    }
}

extension [UInt8] {
    /// Appends reactions as they stand in the log.
    mutating func append(_ name: StaticString, _ reactions: [MessageFacts.Reaction]) {
        append(name)
        append("[")
        for (index, reaction) in reactions.enumerated() {
            append(index > 0 ? ",[" : "[")
            append(quoting: reaction.emoji)
            for giver in reaction.givers {
                append(",[\"")
                giver.user.append(to: &self)
                append("\",")
                append(quoting: giver.username)
                append(",")
                append(decimal: giver.seq)
                append("]")
            }
            append("]")
        }
        append("]")
    }

    /// Appends reactions as clients see them.
    ///
    /// - Parameter asker: whose reactions are `mine`.
    mutating func append(_ reactions: [MessageFacts.Reaction], for asker: UserID) {
        append(",\"reactions\":{")
        for (index, reaction) in reactions.enumerated() {
            if index > 0 { append(",") }
            append(quoting: reaction.emoji)
            append(":{\"count\":")
            append(decimal: UInt64(reaction.givers.count))
            append(",\"names\":[")
            for (index, giver) in reaction.givers.prefix(Limits.reactionNames).enumerated() {
                if index > 0 { append(",") }
                append(quoting: giver.username)
            }
            append("],\"users\":[")
            for (index, giver) in reaction.givers.prefix(Limits.reactionNames).enumerated() {
                append(index > 0 ? ",\"" : "\"")
                giver.user.append(to: &self)
                append("\"")
            }
            let isMine = asker != .nobody && reaction.givers.contains { $0.user == asker }
            append(isMine ? "],\"mine\":true}" : "],\"mine\":false}")
        }
        append("}")
    }
}
