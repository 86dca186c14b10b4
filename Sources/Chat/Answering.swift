import Bytes

/// Answers to single connections.
extension Chat {
    /// Answers with an error. A connection that gets them without end is ended.
    ///
    /// - Parameter messageID: of a message that had a valid `id`, where that stands in `text`.
    mutating func refuse(
        _ id: ConnectionID, _ refusal: Refusal, messageID: JSONToken? = nil, of text: Span<UInt8> = Span(),
        into output: inout TickOutput
    ) {
        counters.refusals[refusal.code, default: 0] += 1
        output.reply(to: id, after: pendingCount(of: id)) { bytes in
            bytes.append("{\"type\":\"error\",\"code\":")
            bytes.append(quoting: refusal.code.rawValue)
            bytes.append(",\"message\":\"")
            bytes.append(refusal.message)
            bytes.append("\"")
            if let wait = refusal.retryAfter {
                bytes.append(",\"retryAfter\":")
                bytes.append(decimal: UInt64(max(0, wait)))
            }
            if let messageID {
                bytes.append(",\"id\":")
                bytes.append(copying: text.extracting(messageID.quotedRange))
            }
            bytes.append("}")
        }
        output.replies[output.replies.count - 1].asksAgain = refusal.code.asksAgain
        let weight = refusal.code == .rateLimited ? Limits.hasteWeight : Limits.errorWeight
        let wait = visitors[Int(id.slot)].errors.take(weight, of: limits.errors, now: now)
        if wait > 0 { end(id, .tooManyErrors, into: &output) }
    }

    /// The same for what was asked earlier; `quotedID` is the message's `id` with its quotation marks, or empty.
    mutating func refuse(_ id: ConnectionID, _ refusal: Refusal, quotedID: Span<UInt8>, into output: inout TickOutput) {
        guard isHere(id) else { return }
        guard quotedID.count >= 2 else { return refuse(id, refusal, into: &output) }
        let token = JSONToken(kind: .string, range: 1..<quotedID.count - 1)
        refuse(id, refusal, messageID: token, of: quotedID, into: &output)
    }

    /// How many of the room's events come before something that is said to this connection now. To one that is not inside
    /// they are not said at all: if it comes in within the same tick, the welcome is to be the first thing it gets.
    func pendingCount(of id: ConnectionID) -> Int {
        let visitor = visitors[Int(id.slot)]
        guard case .inside = visitor.phase, let room = visitor.room else { return 0 }
        return rooms[Int(room)].pending.count
    }

    /// After a room's events were taken back, no reply may stand behind one of them.
    func limitPositions(in output: inout TickOutput) {
        for i in output.replies.indices {
            let count = visitors[Int(output.replies[i].to.slot)].room.map { rooms[Int($0)].pending.count } ?? 0
            output.replies[i].after = min(output.replies[i].after, count)
            output.replies[i].resume = min(output.replies[i].resume, count)
        }
    }
}

extension TickOutput {
    /// Appends a reply; `body` writes its text.
    mutating func reply(
        to id: ConnectionID, after: Int, resume: Int? = nil, isWelcome: Bool = false, _ body: (inout [UInt8]) -> Void
    ) {
        let start = bytes.count
        body(&bytes)
        replies.append(
            Reply(to: id, range: start..<bytes.count, after: after, resume: resume ?? after, isWelcome: isWelcome))
    }

    /// Takes a reply back.
    mutating func withdraw(_ reply: Int) {
        replies[reply] = Reply(to: replies[reply].to, range: 0..<0, after: 0, resume: 0)
    }
}
