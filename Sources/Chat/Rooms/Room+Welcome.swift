import Bytes

/// What a room has to tell those who come in.
extension Room {
    /// Welcomes a member: who is here, and what was said.
    ///
    /// - Parameter since: the seq of the last event that the client knows; nil for someone who knows nothing.
    mutating func welcome(_ number: UInt64, _ id: ConnectionID, since: UInt64?, _ fetched: FetchedEvents?) {
        // One of another node's is welcomed there.
        guard let member = members[number], !id.isElsewhere else { return }
        let history = history(since: since, fetched)
        // The entry's own number is the first that the connection does not hear yet.
        hearsFrom[member.place] = nextEntry + 1
        newestHearing = max(newestHearing, nextEntry + 1)
        var text: [UInt8] = []
        swap(&text, &texts)
        let start = text.count
        text.append("{\"type\":\"welcome\"")
        text.append(contentsOf: member.signature)
        text.append(role: role(of: member.user))
        text.append(",\"room\":\"")
        text.append(contentsOf: name.utf8)
        text.append("\"")
        appendSettings(to: &text)
        text.append(",\"users\":[")
        let places = placesOfUsers(first: number)
        for place in places {
            guard let user = members.elements[place]?.user, let signature = members.elements[place]?.signature else {
                continue
            }
            Member.appendName(of: user, in: signature, to: &text)
            text.append(UInt8(ascii: ","))
        }
        text.removeLast()
        text.append("],\"people\":[")
        for place in places {
            guard let signature = members.elements[place]?.signature else { continue }
            text.append(UInt8(ascii: "{"))
            text.append(copying: signature.span.extracting(1...))
            text.append(role: role(ofMemberAt: place))
            text.append("},")
        }
        text.removeLast()
        text.append("],\"userCount\":")
        text.append(decimal: UInt64(memberCount))
        text.append(",\"seq\":")
        text.append(decimal: seq)
        text.append(",\"history\":[")
        append(history.lines, fetched, for: id, to: &text)
        text.append(history.gap ? "],\"gap\":true" : "],\"gap\":false")
        swap(&text, &texts)
        append(.welcome, to: .newcomer(id), range: start..<texts.count)
    }

    /// What holds for the room as a whole.
    private func appendSettings(to text: inout [UInt8]) {
        text.append(",\"topic\":")
        if settings.topic.isEmpty { text.append("\"\"") } else { text.append(contentsOf: settings.topic) }
        text.append(settings.lock == nil ? ",\"locked\":false" : ",\"locked\":true")
        text.append(",\"slow\":")
        text.append(decimal: settings.slow)
        text.append(isKeeping ? ",\"keeping\":true" : ",\"keeping\":false")
    }

    /// Whether what is said can be kept has changed: everyone is told.
    mutating func tellKeeping(_ isKeeping: Bool) {
        self.isKeeping = isKeeping
        append(.notice, to: .everyone) { text in
            text.append(isKeeping ? "{\"type\":\"state\",\"keeping\":true" : "{\"type\":\"state\",\"keeping\":false")
        }
    }

    /// Where in `members.elements` those stand whom a welcome tells of: the newcomer first, and no more than it may have. (No closure
    /// goes through them, which would hold a copy of each member, and of the room.)
    private func placesOfUsers(first number: UInt64) -> [Int] {
        let first = members.place(of: number)
        var places: [Int] = []
        places.reserveCapacity(min(members.count, Limits.welcomeUsers))
        if let first { places.append(first) }
        for place in members.elements.indices where place != first && members.elements[place] != nil {
            guard places.count < Limits.welcomeUsers else { break }
            places.append(place)
        }
        return places
    }

    // MARK: Its history

    /// - Parameter since: the seq of the last event that the client knows; nil if it knows nothing.
    /// - Returns: the lines, oldest first, and whether events between `since` and the first of them are left out.
    private func history(since: UInt64?, _ fetched: FetchedEvents?) -> (lines: [LineReference], gap: Bool) {
        guard let since, since <= seq, !isLost(since) else {
            // Someone new; or one who has seen what is not in this history: of another server, or lost in a power cut.
            return (messages(before: .max, limit: Limits.welcomeMessages, bytes: welcomeBytes).lines, since != nil)
        }
        var (lines, isWhole) = missed(since: since, fetched)
        lines += recent.lines(after: since)
        isWhole = isWhole && since + 1 >= recent.missingBefore
        lines += newEvents(after: since)
        isWhole = cut(&lines, count: Limits.welcomeEvents, bytes: welcomeBytes, fromEnd: true) && isWhole
        return (lines, !isWhole)
    }

    private var welcomeBytes: Int { answersAreScarce ? Limits.scarceWelcomeBytes : Limits.welcomeBytes }

    /// Whether an event that somebody has seen with this seq was lost with the machine's power.
    func isLost(_ seq: UInt64) -> Bool { jumps.contains { $0.from < seq && seq < $0.to } }

    /// The fetched events between `since` and those that are in memory, and whether these are all that there are.
    private func missed(since: UInt64, _ fetched: FetchedEvents?) -> (lines: [LineReference], isWhole: Bool) {
        guard since < recent.droppedThrough else { return ([], true) }
        guard let fetched else { return ([], false) }
        var lines: [LineReference] = []
        var last = since
        // What was there before the room had a file was never kept.
        var isWhole = !fetched.more && since + 1 >= firstKept
        EventLine.forEach(in: fetched.lines.span) { event, range in
            guard event.seq > max(last, expiredThrough), event.seq <= recent.droppedThrough else { return }
            isWhole = isWhole && Recent.isNext(event.seq, after: last)
            last = event.seq
            lines.append(LineReference(source: .fetched, range: range, seq: event.seq, kind: event.kind))
        }
        let reaches = last == recent.droppedThrough || Recent.isNext(recent.droppedThrough + 1, after: last)
        return (lines, isWhole && reaches)
    }

    /// The events of this tick after a seq.
    func newEvents(after since: UInt64) -> [LineReference] {
        guard seq > since else { return [] }
        var number = start.seq
        var lines: [LineReference] = []
        for entry in pending[firstNew...] {
            guard case .event(let kind) = entry.kind else { continue }
            number += 1
            if number > since {
                lines.append(LineReference(source: .pending, range: entry.range, seq: number, kind: kind))
            }
        }
        return lines
    }

    /// Where this tick's entries begin in `pending`.
    var firstNew: Int {
        var place = pending.count
        while place > 0, pending[place - 1].number >= start.entries { place -= 1 }
        return place
    }

    /// The newest messages before a seq, those of this tick included, as far as they are in memory.
    ///
    /// - Returns: the lines, oldest first, and whether there are older ones in memory.
    func messages(before: UInt64, limit: Int, bytes: Int) -> (lines: [LineReference], more: Bool) {
        var lines: [LineReference] = []
        var seq = seq
        // By their places: a welcome goes through all that the tick has brought, and an entry takes time to be copied.
        for place in (firstNew..<pending.count).reversed() where pending[place].isEvent {
            if seq < before, case .event(.message) = pending[place].kind {
                guard lines.count <= limit else { break }
                lines.append(LineReference(source: .pending, range: pending[place].range, seq: seq, kind: .message))
            }
            seq -= 1
        }
        recent.collectMessages(before: before, count: limit + 1, into: &lines)
        lines.reverse()
        let isWhole = cut(&lines, count: limit, bytes: bytes, fromEnd: true)
        return (lines, !isWhole)
    }

    /// The oldest messages after a seq, those of this tick included; all that there are must be in memory.
    func messages(after: UInt64, limit: Int, bytes: Int) -> (lines: [LineReference], more: Bool) {
        var lines: [LineReference] = []
        recent.collectMessages(after: after, count: limit + 1, into: &lines)
        var seq = start.seq
        for entry in pending[firstNew...] where entry.isEvent {
            seq += 1
            guard entry.kind == .event(.message), seq > after, lines.count <= limit else { continue }
            lines.append(LineReference(source: .pending, range: entry.range, seq: seq, kind: .message))
        }
        let isWhole = cut(&lines, count: limit, bytes: bytes, fromEnd: false)
        return (lines, !isWhole)
    }

    /// Drops lines until they are no more and no longer than allowed; false if there were any to drop.
    private func cut(_ lines: inout [LineReference], count: Int, bytes: Int, fromEnd: Bool) -> Bool {
        let sizes = fromEnd ? lines.reversed().map(\.range.count) : lines.map(\.range.count)
        var kept = 0
        var size = 0
        for line in sizes {
            size += line + 2
            guard kept < count, size <= bytes || kept == 0 else { break }
            kept += 1
        }
        let isWhole = kept == lines.count
        if fromEnd { lines.removeFirst(lines.count - kept) } else { lines.removeLast(lines.count - kept) }
        return isWhole
    }
}
