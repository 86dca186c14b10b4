import Bytes

/// Scrolling back.
extension Chat {
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
        let isScarce = output.bytes.count > Limits.answerBytesInAll
        let wait = isScarce ? 1000 : visitors[Int(id.slot)].history.take(of: limits.history, now: now)
        guard wait == 0 else { return refuse(id, .tooFast(wait), into: &output) }

        let found = rooms[Int(room)].messages(before: before, limit: Int(limit), bytes: Limits.answerBytes)
        if limits.isDurable, !found.more, rooms[Int(room)].recent.messagesDroppedThrough > 0 {
            return read(.messages(before: before, limit: Int(limit)), .history, room, for: id, into: &output)
        }
        output.replyPage(to: id, after: pendingCount(of: id), more: found.more) { bytes in
            rooms[Int(room)].append(found.lines, to: &bytes)
        }
        charge(id, forPageOf: output)
        if found.lines.contains(where: { $0.source == .unwritten }) {
            rooms[Int(room)].changes.append(.answered(id, quotedID: [], reply: output.replies.count - 1))
        }
    }

    /// A long page, which is the newest reply, counts as several requests.
    mutating func charge(_ id: ConnectionID, forPageOf output: TickOutput) {
        let count = (output.replies.last?.range.count ?? 0) / Limits.pageBytes
        visitors[Int(id.slot)].history.charge(count, of: limits.history, now: now)
    }
}

extension TickOutput {
    /// Replies with a page; `body` writes its events, with commas between them.
    mutating func replyPage(to id: ConnectionID, after: Int, more: Bool, _ body: (inout [UInt8]) -> Void) {
        reply(to: id, after: after) { bytes in
            bytes.append("{\"type\":\"history\",\"events\":[")
            body(&bytes)
            bytes.append(more ? "],\"more\":true}" : "],\"more\":false}")
        }
    }
}
