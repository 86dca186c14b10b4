import Bytes

/// What those inside a room do.
extension Chat {
    /// A message: broadcast once, whatever its sender's connection goes through.
    mutating func say(
        _ command: Command, _ text: Span<UInt8>, _ id: ConnectionID, _ member: UInt32, _ room: UInt32,
        into output: inout TickOutput
    ) {
        let messageID = validID(command, text)
        guard command.id.isMissing || messageID != nil else {
            return refuse(id, Refusal(.badField, "The field id must be a string of 1 to 64 characters."), into: &output)
        }
        let wait = visitors[Int(id.slot)].messages.take(of: limits.messages, now: now)
        guard wait == 0 else { return refuse(id, .tooFast(wait), messageID: messageID, of: text, into: &output) }

        let idHash = messageID.map { hash(of: $0, in: text) }
        if let idHash, let seq = rooms[Int(room)].members[Int(member)]?.used[idHash] {
            return sayAgain(seq, command, text, id, member, room, into: &output)
        }
        if let refusal = judge(command.text, text) {
            return refuse(id, refusal, messageID: messageID, of: text, into: &output)
        }
        append(command, text, messageID, member, room)
        if let idHash {
            let seq = rooms[Int(room)].seq
            rooms[Int(room)].members[Int(member)]?.used.insert(idHash, seq: seq, limit: limits.rememberedIDs)
            if limits.isDurable, let number = rooms[Int(room)].members[Int(member)]?.number {
                journal.used(number, idHash, seq: seq)
            }
        }
        let quotedID = messageID.map { Array(copying: text.extracting($0.quotedRange)) }
        rooms[Int(room)].changes.append(.said(member, id, idHash, quotedID: quotedID))
        counters.messages += 1
        touch(room)
    }

    private mutating func append(
        _ command: Command, _ text: Span<UInt8>, _ messageID: JSONToken?, _ member: UInt32, _ room: UInt32
    ) {
        let username = rooms[Int(room)].members[Int(member)]?.username.text ?? ""
        let plain = scratch
        rooms[Int(room)].append(.message, time: time) { bytes in
            bytes.append(quoting: username)
            bytes.append(",\"text\":")
            if command.text.isPlain {
                // Nothing in it is escaped, and nothing needs to be: it goes out as it came in.
                bytes.append(copying: text.extracting(command.text.quotedRange))
            } else {
                bytes.append(quoting: plain.span)
            }
            if let messageID {
                bytes.append(",\"id\":")
                bytes.append(copying: text.extracting(messageID.quotedRange))
            }
        }
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

    /// The hash of what an `id` stands for, however it is escaped.
    private mutating func hash(of token: JSONToken, in text: Span<UInt8>) -> Bits128 {
        if token.isPlain { return UsedIDs.hash(of: text.extracting(token.range)) }
        scratch.removeAll(keepingCapacity: true)
        scratch.append(unescaping: token, of: text)
        return UsedIDs.hash(of: scratch.span)
    }

    /// A message whose `id` was used before: its sender gets the first one's event again.
    private mutating func sayAgain(
        _ seq: UInt64, _ command: Command, _ text: Span<UInt8>, _ id: ConnectionID, _ member: UInt32, _ room: UInt32,
        into output: inout TickOutput
    ) {
        counters.repeats += 1
        if let event = rooms[Int(room)].unwrittenEvents.first(where: { $0.seq == seq }) {
            // Said a moment ago, in this very tick. If that cannot be written, this was not said either.
            let quotedID = Array(copying: text.extracting(command.id.quotedRange))
            let lines = rooms[Int(room)].lines
            output.reply(to: id, after: pendingCount(of: id)) { $0.append(copying: lines.span.extracting(event.range)) }
            rooms[Int(room)].changes.append(.saidAgain(id, quotedID: quotedID, reply: output.replies.count - 1))
        } else if let line = rooms[Int(room)].recent.line(seq) {
            output.reply(to: id, after: pendingCount(of: id)) { rooms[Int(room)].recent.append(line, to: &$0) }
        } else if limits.isDurable {
            read(.event(seq), .repeatEvent, room, for: id, into: &output)
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
        let username = rooms[Int(room)].members[Int(member)]?.username.text ?? ""
        let time = UInt64(max(0, time))
        let plain = scratch
        output.reply(to: id, after: pendingCount(of: id)) { bytes in
            bytes.append("{\"type\":\"message\",\"seq\":")
            bytes.append(decimal: seq)
            bytes.append(",\"time\":")
            bytes.append(decimal: time)
            bytes.append(",\"username\":")
            bytes.append(quoting: username)
            bytes.append(",\"text\":")
            if command.text.isPlain {
                bytes.append(copying: text.extracting(command.text.quotedRange))
            } else {
                bytes.append(quoting: plain.span)
            }
            bytes.append(",\"id\":")
            bytes.append(copying: text.extracting(command.id.quotedRange))
            bytes.append("}")
        }
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
        let wait = visitors[Int(id.slot)].renames.take(of: limits.renames, now: now)
        guard wait == 0 else { return refuse(id, .tooFast(wait), into: &output) }
        guard let username = Username(String(unescaping: command.username, of: text)) else {
            return refuse(id, .usernameInvalid, into: &output)
        }
        guard !rooms[Int(room)].isTaken(username, exceptBy: member) else {
            return refuse(id, .usernameTaken, into: &output)
        }
        guard let old = rooms[Int(room)].members[Int(member)] else { return }
        rooms[Int(room)].rename(member, to: username)
        rooms[Int(room)].append(.rename, time: time) { bytes in
            bytes.append(quoting: old.username.text)
            bytes.append(",\"to\":")
            bytes.append(quoting: username.text)
        }
        rooms[Int(room)].changes.append(.renamed(member, id, from: old.username))
        if limits.isDurable {
            journal.renamed(old.number, username.text, seq: rooms[Int(room)].seq)
        }
        counters.renames += 1
        touch(room)
    }

    /// Older messages: from memory where they are all there, else from the disk.
    mutating func pageBack(
        _ command: Command, _ text: Span<UInt8>, _ id: ConnectionID, _ room: UInt32, into output: inout TickOutput
    ) {
        guard let before = JSONScanner.whole(text, command.before) else {
            return refuse(id, Refusal(.badField, "The field before must be a seq."), into: &output)
        }
        guard let limit = JSONScanner.whole(text, command.limit), Limits.historyLimit.contains(limit) else {
            return refuse(
                id, Refusal(.badField, "The field limit must be a whole number from 1 to 200."), into: &output)
        }
        let wait = visitors[Int(id.slot)].history.take(of: limits.history, now: now)
        guard wait == 0 else { return refuse(id, .tooFast(wait), into: &output) }

        let recent = rooms[Int(room)].recent
        let found = recent.messages(before: before, limit: Int(limit))
        if limits.isDurable, !found.more, recent.messagesDroppedThrough > 0 {
            return read(.messages(before: before, limit: Int(limit)), .history, room, for: id, into: &output)
        }
        output.reply(to: id, after: pendingCount(of: id)) { bytes in
            bytes.append("{\"type\":\"history\",\"events\":[")
            rooms[Int(room)].append(found.lines, to: &bytes)
            bytes.append(found.more ? "],\"more\":true}" : "],\"more\":false}")
        }
    }
}
