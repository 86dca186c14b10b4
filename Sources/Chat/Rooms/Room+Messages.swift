import Bytes

/// What those inside say, and ask.
extension Room {
    /// A message: broadcast once, whatever its sender's connection goes through.
    ///
    /// - Parameters:
    ///   - text: the text as a JSON string, which has been judged at the door.
    ///   - messageID: the `id` as a JSON string, or empty.
    mutating func say(
        _ text: Range<Int>, _ messageID: Range<Int>, _ reply: UInt64?, _ bytes: Span<UInt8>, _ id: ConnectionID
    ) {
        let reference = messageID.isEmpty ? nil : Reference(name: .id, range: messageID)
        // Once: an element is copied out of its table, with all that is counted in it.
        guard let number = speaker(id, reference, bytes), let member = members[number] else { return }
        let person = member.person
        let hash = messageID.isEmpty ? nil : UsedIDs.hash(of: bytes.extracting(messageID))
        if let hash, let seq = people[person]?.used[hash] { return sayAgain(seq, messageID, bytes, id) }
        var answered: Refusal?
        if let reply { answered = refusal(ofReplyTo: reply) }
        if let refusal = refusal(of: .message, by: id, time: moment.time, target: { _, _ in answered }) {
            return refuse(id, refusal, reference, bytes)
        }
        guard !refusesEvents else { return refuse(id, .storageFailed, reference, bytes) }
        let becomesHost = makesHosts && member.isKeyed
        if becomesHost { makeHost(person, by: seq + 1) }
        noteSaying(by: person)
        let role = role(of: number)
        let hidden: ((inout [UInt8]) -> Void)? = becomesHost ? { $0.append("\"host\":true") } : nil
        append(
            .message, by: member.signature,
            { line in
                line.append(role: role)
                line.append(text, messageID, reply, of: bytes)
            }, hidden: hidden)
        if let hash { remember(hash, of: person) }
    }

    /// A program says something. It is nobody's in the list of people, and needs not be here for it.
    mutating func post(_ post: Post, _ bytes: Span<UInt8>, _ id: ConnectionID) {
        let hash = post.id.isEmpty ? nil : UsedIDs.hash(of: bytes.extracting(post.id))
        let known = peopleByUser[post.bot.user]
        if let hash, let seq = known.flatMap({ people[$0]?.used[hash] }) { return sayAgain(seq, post.id, bytes, id) }
        let isRefused = refusal(of: .message, byProgram: post.bot.user, time: moment.time) { _, _ in
            post.reply.flatMap { refusal(ofReplyTo: $0) }
        }
        if let refusal = isRefused { return respond(id, refusal) }
        guard !refusesEvents else { return respond(id, .storageFailed) }
        let person = person(post.bot.user, isKeyed: true)
        note(person)
        noteName(post.bot.username, of: person)
        people[person]?.seen = moment.time
        noteSaying(by: person)
        append(.message, by: Member.signature(post.bot.username.text, post.bot.user)) { line in
            line.append(post.text, post.id, post.reply, of: bytes)
            line.append(",\"bot\":true")
        }
        if let hash { remember(hash, of: person) }
        guard let event = pending.last?.range else { return }
        let lines = lines
        append(.response(.created), to: .one(id)) { text in text.append(copying: lines.span.extracting(event)) }
    }

    /// Refuses an HTTP request.
    private mutating func respond(_ id: ConnectionID, _ refusal: Refusal) {
        refusals.append((id, refusal.code))
        append(.response(.refused(refusal.code, retryAfter: refusal.retryAfter)), to: .one(id)) { text in
            text.append(error: refusal, nil, Span())
        }
    }

    /// A user has used an `id`, for the newest event.
    mutating func remember(_ hash: UsedIDs.Hash, of person: UInt64) {
        // Its dictionaries are held by two only where the older is forgotten: else the next line would copy them.
        if people[person]?.used.turns(time: moment.time) == true, let used = people[person]?.used {
            undo.append(.usedIDs(person, used))
        }
        people[person]?.used.insert(hash, seq: seq, time: moment.time)
        undo.append(.usedID(person, hash))
    }

    /// A request whose `id` was used before: its sender gets the first one's event again, if that is a message.
    mutating func sayAgain(_ seq: UInt64, _ messageID: Range<Int>, _ bytes: Span<UInt8>, _ id: ConnectionID) {
        repeats += 1
        if let line = reference(to: seq) {
            guard line.kind == .message else { return answerDone(seq, messageID, bytes, id) }
            answer(id) { room, text in room.append([line], for: id, closes: false, to: &text) }
        } else if rules.isDurable {
            append(.awaits(DiskRead(room: 0, want: .event(seq), request: 0)), to: .one(id)) { text in
                text.append(copying: bytes.extracting(messageID))
            }
        } else {
            answerDone(seq, messageID, bytes, id)
        }
    }

    /// The event with this seq, if it is in memory.
    func reference(to seq: UInt64) -> LineReference? {
        guard seq > start.seq else { return recent.line(seq) }
        return newEvents(after: seq - 1).first
    }

    /// Copies an event out as it was, without its closing bracket.
    func append(raw reference: LineReference, to bytes: inout [UInt8]) {
        switch reference.source {
        case .pending: bytes.append(copying: lines.span.extracting(reference.range))
        case .newest, .older: recent.append(reference, to: &bytes)
        case .fetched: break
        }
    }

    /// The event of an `id` that was used before has been looked for on the disk.
    mutating func repeatEvent(
        _ seq: UInt64, _ messageID: Range<Int>, stored: Span<UInt8>, request: UInt64, _ bytes: Span<UInt8>,
        _ id: ConnectionID
    ) {
        var found: Range<Int>?
        EventLine.forEach(in: stored) { event, range in
            if event.seq == seq, event.kind == .message { found = range }
        }
        guard let found, let event = EventLine(stored.extracting(found)) else {
            return answerDone(seq, messageID, bytes, id, request: request)
        }
        answer(id, request: request) { room, text in
            let line = stored.extracting(found)
            event.appendNow(of: line, room.facts(of: event, in: line), for: room.asker(id), to: &text)
        }
    }

    /// What was asked for is so already.
    mutating func answerDone(
        _ seq: UInt64, _ messageID: Range<Int>, _ bytes: Span<UInt8>, _ id: ConnectionID, request: UInt64 = 0
    ) {
        answer(id, request: request) { _, text in
            text.append("{\"type\":\"done\"")
            if !messageID.isEmpty {
                text.append(",\"id\":")
                text.append(copying: bytes.extracting(messageID))
            }
            text.append(",\"seq\":")
            text.append(decimal: seq)
        }
    }

    /// A sign of typing, for all the others.
    mutating func showTyping(_ id: ConnectionID) {
        guard let number = speaker(id, nil, Span()), let member = members[number] else { return }
        if let refusal = refusal(of: .typing, by: id, time: moment.time) { return refuse(id, refusal) }
        append(.typing, to: .everyoneBut(id)) { text in
            text.append("{\"type\":\"typing\",\"username\":")
            text.append(quoting: member.name)
        }
    }

    // MARK: Pages

    /// Older or newer messages: from memory where they are all there, else from the disk.
    mutating func page(_ page: PageRequest, _ bytes: Span<UInt8>, _ id: ConnectionID) {
        guard !page.isByMember || speaker(id, page.reference, bytes) != nil else { return }
        let found: (lines: [LineReference], more: Bool)
        let isHere: Bool
        let want: DiskRead.Want
        switch page.direction {
        case .before(let seq):
            found = messages(before: seq, limit: page.limit, bytes: Limits.pageBytes)
            isHere = found.more || recent.messagesDroppedThrough <= expiredThrough
            want = .messagesBefore(seq, limit: page.limit)
        case .after(let seq):
            found = messages(after: seq, limit: page.limit, bytes: Limits.pageBytes)
            isHere = seq >= recent.messagesDroppedThrough
            want = .messagesAfter(seq, limit: page.limit)
        }
        guard isHere || !rules.isDurable else {
            return append(.awaits(DiskRead(room: 0, want: want, request: 0)), to: .one(id)) { text in
                text.append(copying: bytes.extracting(page.ref))
            }
        }
        answer(page, more: found.more, bytes, id) { room, text in room.append(found.lines, for: id, to: &text) }
    }

    /// What was read for a page.
    mutating func answer(
        _ page: PageRequest, stored: Span<UInt8>, more: Bool, _ bytes: Span<UInt8>, _ id: ConnectionID
    ) {
        answer(page, more: more, bytes, id) { room, text in
            room.append(stored: stored, for: id, to: &text) { _ in true }
        }
    }

    private mutating func answer(
        _ page: PageRequest, more: Bool, _ bytes: Span<UInt8>, _ id: ConnectionID,
        _ events: (Room, inout [UInt8]) -> Void
    ) {
        answer(id, request: page.request) { room, text in
            text.append("{\"type\":\"history\",\"events\":[")
            events(room, &text)
            text.append(more ? "],\"more\":true" : "],\"more\":false")
            guard !page.ref.isEmpty else { return }
            text.append(",\"ref\":")
            text.append(copying: bytes.extracting(page.ref))
        }
    }
}

extension [UInt8] {
    /// Appends what is said: the text, and what its sender calls it and answers with it.
    fileprivate mutating func append(
        _ text: Range<Int>, _ messageID: Range<Int>, _ reply: UInt64?, of bytes: Span<UInt8>
    ) {
        append(",\"text\":")
        append(copying: bytes.extracting(text))
        if !messageID.isEmpty {
            append(",\"id\":")
            append(copying: bytes.extracting(messageID))
        }
        if let reply {
            append(",\"reply\":")
            append(decimal: reply)
        }
    }
}

extension PageRequest {
    var reference: Reference? { ref.isEmpty ? nil : Reference(name: .ref, range: ref) }
}
