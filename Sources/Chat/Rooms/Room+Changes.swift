import Bytes

/// Edits, deletions and reactions: events about messages.
extension Room {
    mutating func change(_ change: MessageChange, _ bytes: Span<UInt8>, _ id: ConnectionID) {
        let reference = change.id.isEmpty ? nil : Reference(name: .id, range: change.id)
        guard let number = speaker(id, reference, bytes), let person = members[number]?.person else { return }
        let hash = change.id.isEmpty ? nil : UsedIDs.hash(of: bytes.extracting(change.id))
        if let hash, let seq = people[person]?.used[hash] { return sayAgain(seq, change.id, bytes, id) }
        let found = message(change.target)
        if let refusal = refusal(of: change, found, by: number) { return refuse(id, refusal, reference, bytes) }
        guard let (event, line) = found else {
            return assertionFailure("something is done to a message that is not there")
        }
        if let seq = seqThatMade(change, event, line.span, bytes, by: number) {
            return answerDone(seq, change.id, bytes, id)
        }
        guard !refusesEvents else { return refuse(id, .storageFailed, reference, bytes) }
        make(change, event, line.span, bytes, by: number)
        if let hash { remember(hash, of: person) }
    }

    /// Why a member may not do something to a message; nil where it may.
    func refusal(of change: MessageChange, by number: UInt64) -> Refusal? {
        refusal(of: change, message(change.target), by: number)
    }

    /// - Parameter found: the message.
    private func refusal(
        of change: MessageChange, _ found: (event: EventLine, line: [UInt8])?, by number: UInt64
    ) -> Refusal? {
        if let refusal = refusal(of: change.deed, byMember: number, time: moment.time) { return refusal }
        guard let member = members[number], let (event, line) = found else { return .notFound }
        let isDeleted = facts(of: event, in: line.span)?.isDeleted == true || event.isDeleted(in: line.span)
        let isOwn = event.user(in: line.span) == member.user && member.user != .nobody
        switch change.kind {
        case .edit:
            if isDeleted { return .notFound }
            if !isOwn { return .notYours }
            return moment.time - event.time > RoomRules.day ? .tooLate : nil
        case .delete:
            return isOwn || mayDelete(event, line.span, by: number) ? nil : .notYours
        case .react(let emoji, let on):
            if isDeleted { return .notFound }
            let reactions = reactions(of: event, line.span)
            let isNew = !reactions.contains { $0.emoji == emoji }
            return on && isNew && reactions.count >= RoomRules.reactionsOfMessage ? .tooManyReactions : nil
        }
    }

    /// Whether a member may delete what others have said.
    private func mayDelete(_ event: EventLine, _ line: Span<UInt8>, by number: UInt64) -> Bool {
        role(of: number) != nil && !server.operators.contains(event.user(in: line))
    }

    /// Why a message cannot be answered; nil where it can.
    func refusal(ofReplyTo target: UInt64) -> Refusal? {
        guard let (event, line) = message(target), facts(of: event, in: line.span)?.isDeleted != true,
            !event.isDeleted(in: line.span)
        else { return .notFound }
        return nil
    }

    private func reactions(of event: EventLine, _ line: Span<UInt8>) -> [MessageFacts.Reaction] {
        facts[event.seq]?.reactions ?? event.reactions(in: line)
    }

    /// The seq of the event by which a message is already as it is wanted; nil where it is not so.
    private func seqThatMade(
        _ change: MessageChange, _ event: EventLine, _ line: Span<UInt8>, _ bytes: Span<UInt8>, by number: UInt64
    ) -> UInt64? {
        switch change.kind {
        case .edit(let text):
            let wanted = bytes.extracting(text)
            if let edit = facts[event.seq]?.edit {
                return String(utf8: edit.text.span) == String(utf8: wanted) ? edit.seq : nil
            }
            // Which edit it was is not known of one that is in the message's line.
            return String(utf8: line.extracting(event.text.quotedRange)) == String(utf8: wanted) ? event.seq : nil
        case .delete:
            return facts(of: event, in: line)?.deletion ?? event.facts(in: line)?.deletion
        case .react(let emoji, let on):
            let user = members[number]?.user
            let kind = reactions(of: event, line).first { $0.emoji == emoji }
            let given = kind?.givers.first { $0.user == user }
            return on ? given?.seq : (given == nil ? event.seq : nil)
        }
    }

    /// Makes the event, and what follows from it.
    private mutating func make(
        _ change: MessageChange, _ event: EventLine, _ line: Span<UInt8>, _ bytes: Span<UInt8>, by number: UInt64
    ) {
        guard let member = members[number] else { return }
        var reactions = reactions(of: event, line)
        switch change.kind {
        case .edit(let text):
            append(.edit, by: member.signature) { $0.append(change, text: text, bytes) }
            let (seq, time) = (seq, moment.time)
            changeFacts(of: change.target) {
                $0.edit = MessageFacts.Edit(seq: seq, time: time, text: Array(copying: bytes.extracting(text)))
            }
        case .delete:
            append(.delete, by: member.signature) { $0.append(change, bytes) }
            forgetText(of: change.target)
        case .react(let emoji, let on):
            // What only the message's line tells is told once more: that line may be in a file that is not read on loading.
            // (Nodes that share a room load no file.)
            let isTold =
                rules.isShared || facts[change.target].map { $0.isUnfolded && $0.reactions != nil } ?? reactions.isEmpty
            let before = reactions
            append(
                .react, by: member.signature, { $0.append(change, emoji: emoji, on: on, bytes) },
                hidden: isTold ? nil : { $0.append("\"reactions\":", before) })
            let giver = MessageFacts.Reaction.Giver(user: member.user, username: member.name, seq: seq)
            MessageFacts.change(&reactions, emoji: emoji, giver: giver, on: on)
            changeFacts(of: change.target) { $0.reactions = reactions }
        }
    }
}

extension [UInt8] {
    /// Appends the members of an event about a message.
    fileprivate mutating func append(
        _ change: MessageChange, text: Range<Int>? = nil, emoji: String? = nil, on: Bool = true, _ bytes: Span<UInt8>
    ) {
        append(",\"target\":")
        append(decimal: change.target)
        if let text {
            append(",\"text\":")
            append(copying: bytes.extracting(text))
        }
        if let emoji {
            append(",\"emoji\":")
            append(quoting: emoji)
            append(on ? ",\"on\":true" : ",\"on\":false")
        }
        guard !change.id.isEmpty else { return }
        append(",\"id\":")
        append(copying: bytes.extracting(change.id))
    }
}

extension MessageChange {
    fileprivate var deed: Deed {
        switch kind {
        case .edit: .edit
        case .delete: .delete
        case .react: .react
        }
    }
}
