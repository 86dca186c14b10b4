import Bytes

/// What those inside a room do.
extension Chat {
    /// A message: broadcast once, whatever its sender's connection goes through.
    mutating func say(
        _ command: Command, _ text: Span<UInt8>, _ id: ConnectionID, _ member: UInt32, _ room: UInt32,
        into output: inout TickOutput
    ) {
        let messageID = command.messageID(in: text)
        guard command.id.isMissing || messageID != nil else {
            return refuse(id, Refusal(.badField, "The field id must be a string of 1 to 64 characters."), into: &output)
        }
        let wait = visitors[Int(id.slot)].messages.take(of: limits.messages, now: now)
        guard wait == 0 else { return refuse(id, .tooFast(wait), messageID: messageID, of: text, into: &output) }

        let idHash = messageID.map { UsedIDs.hash(ofQuoted: text.extracting($0.quotedRange)) }
        if let idHash, let seq = rooms[Int(room)].members[Int(member)]?.used[idHash] {
            return sayAgain(seq, command, text, id, member, room, into: &output)
        }
        if let refusal = judge(command.text, text) {
            return refuse(id, refusal, messageID: messageID, of: text, into: &output)
        }
        append(command, text, member, room)
        // The `id` is the last in the line, before the bracket and the line break.
        let end = UInt32(truncatingIfNeeded: rooms[Int(room)].lines.count - 2)
        let idLength = UInt32(truncatingIfNeeded: messageID?.quotedRange.count ?? 0)
        rooms[Int(room)].changes.append(.said(member, id, id: end - idLength..<end))
        if let idHash { remember(idHash, member, room) }
        touch(room)
    }

    private mutating func append(_ command: Command, _ text: Span<UInt8>, _ member: UInt32, _ room: UInt32) {
        let username = rooms[Int(room)].members[Int(member)]?.username.text ?? ""
        let plain = scratch
        rooms[Int(room)].append(.message, time: time, by: username) { bytes in
            command.appendMessage(of: text, plain: plain, to: &bytes)
        }
    }

    /// The session has used an `id`, for the newest event.
    private mutating func remember(_ id: Bits128, _ member: UInt32, _ room: UInt32) {
        let seq = rooms[Int(room)].seq
        let limit = usedIDs > limits.rememberedIDsInAll ? limits.scarceRememberedIDs : limits.rememberedIDs
        usedIDs += rooms[Int(room)].members[Int(member)]?.used.insert(id, seq: seq, limit: limit) ?? 0
        guard limits.isDurable, let number = rooms[Int(room)].members[Int(member)]?.number else { return }
        journal.used(number, id, seq: seq)
    }

    /// Judges a message's text. One with escapes is in `scratch` afterwards, without them.
    private mutating func judge(_ token: JSONToken, _ text: Span<UInt8>) -> Refusal? {
        guard token.kind == .string else { return Refusal(.badField, "The field text must be a string.") }
        let verdict: MessageText.Verdict
        if token.isPlain {
            verdict = MessageText.judge(text.extracting(token.range), isASCII: token.isASCII)
        } else {
            scratch.removeAll(keepingCapacity: true)
            scratch.append(unescaping: token, of: text)
            verdict = MessageText.judge(scratch.span, isASCII: false)
        }
        switch verdict {
        case .fine: return nil
        case .empty: return Refusal(.textEmpty, "The text is empty.")
        case .tooLong: return Refusal(.textTooLong, "The text is longer than 4000 characters.")
        case .controlCharacter: return Refusal(.badField, "The text has a control character in it.")
        }
    }

    /// A message whose `id` was used before: its sender gets the first one's event again.
    private mutating func sayAgain(
        _ seq: UInt64, _ command: Command, _ text: Span<UInt8>, _ id: ConnectionID, _ member: UInt32, _ room: UInt32,
        into output: inout TickOutput
    ) {
        counters.repeats += 1
        if let event = rooms[Int(room)].unwrittenEvent(seq) {
            // Said a moment ago, in this very tick. If that cannot be written, this was not said either.
            let quotedID = Array(copying: text.extracting(command.id.quotedRange))
            let lines = rooms[Int(room)].lines
            output.reply(to: id, after: pendingCount(of: id)) { $0.append(copying: lines.span.extracting(event.range)) }
            rooms[Int(room)].changes.append(.answered(id, quotedID: quotedID, reply: output.replies.count - 1))
        } else if let line = rooms[Int(room)].recent.line(seq) {
            output.reply(to: id, after: pendingCount(of: id)) { rooms[Int(room)].recent.append(line, to: &$0) }
        } else if limits.isDurable {
            let quotedID = Array(copying: text.extracting(command.id.quotedRange))
            read(.event(seq), .repeatEvent(quotedID: quotedID), room, for: id, into: &output)
        } else {
            repeatForgotten(seq, command, text, id, member, room, into: &output)
        }
    }

    /// Without a disk an old event is forgotten, but not that it was said: the answer is put together from what the client
    /// says again, with the seq of the first and the time of now.
    private mutating func repeatForgotten(
        _ seq: UInt64, _ command: Command, _ text: Span<UInt8>, _ id: ConnectionID, _ member: UInt32, _ room: UInt32,
        into output: inout TickOutput
    ) {
        if let refusal = judge(command.text, text) {
            return refuse(id, refusal, messageID: command.id, of: text, into: &output)
        }
        // A room of its own, for one line.
        var copy = Room(name: "", phase: .ready)
        copy.load(newestSeq: seq - 1, olderMessages: Span(), events: Span(), recentBounds)
        let username = rooms[Int(room)].members[Int(member)]?.username.text ?? ""
        copy.append(.message, time: time, by: username) { command.appendMessage(of: text, plain: scratch, to: &$0) }
        output.reply(to: id, after: pendingCount(of: id)) { $0.append(contentsOf: copy.lines.dropLast()) }
    }

    // MARK: The rest

    /// A sign of typing, for all the others.
    mutating func showTyping(_ id: ConnectionID, _ member: UInt32, _ room: UInt32, into output: inout TickOutput) {
        let wait = visitors[Int(id.slot)].typing.take(of: limits.typing, now: now)
        guard wait == 0 else { return refuse(id, .tooFast(wait), into: &output) }
        guard let username = rooms[Int(room)].members[Int(member)]?.username.text else { return }
        rooms[Int(room)].appendTyping(username)
        // Leaves the sign out for the one who types.
        let count = rooms[Int(room)].pending.count
        output.reply(to: id, after: count - 1, resume: count) { _ in }
        touch(room)
    }

    mutating func rename(
        _ command: Command, _ text: Span<UInt8>, _ id: ConnectionID, _ member: UInt32, _ room: UInt32,
        into output: inout TickOutput
    ) {
        guard command.username.kind == .string else {
            return refuse(id, Refusal(.badField, "The field username must be a string."), into: &output)
        }
        let username: Username
        switch requestedName(command.username, of: text, in: room, by: member) {
        case .success(let name): username = name
        case .failure(let refusal): return refuse(id, refusal, into: &output)
        }
        // Only now: names are tried until one is free.
        let wait = visitors[Int(id.slot)].renames.take(of: limits.renames, now: now)
        guard wait == 0 else { return refuse(id, .tooFast(wait), into: &output) }
        guard let old = rooms[Int(room)].members[Int(member)] else { return }
        rooms[Int(room)].rename(member, to: username)
        rooms[Int(room)].append(.rename, time: time, by: old.username.text) { bytes in
            bytes.append(",\"to\":")
            bytes.append(quoting: username.text)
        }
        rooms[Int(room)].changes.append(.renamed(member, id, from: old.username))
        if limits.isDurable { journal.renamed(old.number, username.text, seq: rooms[Int(room)].seq) }
        touch(room)
    }
}

extension Command {
    /// Appends what comes after the name in a message's event.
    ///
    /// - Parameter plain: the message's text without escapes, if it has some.
    fileprivate func appendMessage(of message: Span<UInt8>, plain: [UInt8], to bytes: inout [UInt8]) {
        bytes.append(",\"text\":")
        if text.isPlain {
            // Nothing in it is escaped, and nothing needs to be: it goes out as it came in.
            bytes.append(copying: message.extracting(text.quotedRange))
        } else {
            bytes.append(quoting: plain.span)
        }
        guard !id.isMissing else { return }
        bytes.append(",\"id\":")
        bytes.append(copying: message.extracting(id.quotedRange))
    }
}

extension UsedIDs {
    /// The hash of what an `id` stands for, however it is escaped; given with its quotation marks.
    static func hash(ofQuoted id: Span<UInt8>) -> Bits128 {
        var at = 0
        guard let token = JSONScanner.value(id, &at) else { return hash(of: id) }
        if token.isPlain { return hash(of: id.extracting(token.range)) }
        var plain: [UInt8] = []
        plain.append(unescaping: token, of: id)
        return hash(of: plain.span)
    }
}
