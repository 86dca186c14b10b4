import Bytes

/// Coming in, coming back, and going.
extension Chat {
    /// Someone wants to enter: as someone new, or with a session as someone who was here.
    mutating func join(
        _ command: Command, _ text: Span<UInt8>, _ visitor: Visitor, fetched: FetchedEvents?,
        into output: inout TickOutput
    ) {
        let id = visitor.id
        if case .inside = visitor.phase {
            return refuse(id, Refusal(.alreadyJoined, "You are in the room already."), into: &output)
        }
        guard let room = visitor.room else {
            return refuse(id, Refusal(.roomInvalid, "A room's name is 1 to 32 of a-z, 0-9 and -."), into: &output)
        }
        guard command.username.kind == .string else {
            return refuse(id, Refusal(.badField, "The field username must be a string."), into: &output)
        }
        guard command.session.isMissing || command.session.kind == .string else {
            return refuse(id, Refusal(.badField, "The field session must be a string."), into: &output)
        }
        let since = command.since.isMissing ? nil : JSONScanner.whole(text, command.since)
        guard command.since.isMissing || since != nil else {
            return refuse(id, Refusal(.badField, "The field since must be a whole number, 0 or more."), into: &output)
        }
        guard load(room, for: id, text, into: &output) else { return }
        if let since, fetched == nil, needsDisk(room, since: since) {
            return read(
                .since(since, limit: Limits.welcomeEvents), .rejoin, room, for: id, parking: text, into: &output)
        }

        let secret = Bits128(hexadecimal: text.extracting(command.session.range))
        if command.session.kind == .string, let secret, let place = sessions[Member.hash(ofSecret: secret)],
            place.room == room
        {
            return comeBack(place.member, visitor, room, secret, since, fetched, into: &output)
        }
        guard let username = Username(String(unescaping: command.username, of: text)) else {
            return refuse(id, .usernameInvalid, into: &output)
        }
        guard !rooms[Int(room)].isTaken(username) else {
            return refuse(id, .usernameTaken, into: &output)
        }
        enter(username, visitor, room, since, fetched, into: &output)
    }

    /// Someone new enters: a welcome for them, then a join for all.
    private mutating func enter(
        _ username: Username, _ visitor: Visitor, _ room: UInt32, _ since: UInt64?, _ fetched: FetchedEvents?,
        into output: inout TickOutput
    ) {
        let session = Member.hash(ofSecret: visitor.secret)
        let number = journal.nextNumber()
        let member = rooms[Int(room)].add(Member(username: username, session: session, number: number))
        rooms[Int(room)].attach(visitor.id, to: member)
        sessions[session] = (room, member)
        visitors[Int(visitor.id.slot)].phase = .inside(member)
        welcome(member, visitor.id, room, secret: visitor.secret, since, fetched, into: &output)
        rooms[Int(room)].append(.join, time: time) { $0.append(quoting: username.text) }
        rooms[Int(room)].changes.append(.joined(member, visitor.id, reply: output.replies.count - 1))
        if limits.isDurable {
            journal.joined(number, room: rooms[Int(room)].name, session, username.text, seq: rooms[Int(room)].seq)
        }
        counters.joins += 1
        touch(room)
    }

    /// Someone with a session: was never gone. Another connection that still has the session gives it up.
    private mutating func comeBack(
        _ member: UInt32, _ visitor: Visitor, _ room: UInt32, _ secret: Bits128, _ since: UInt64?,
        _ fetched: FetchedEvents?, into output: inout TickOutput
    ) {
        if let other = rooms[Int(room)].members[Int(member)]?.connection {
            visitors[Int(other.slot)].phase = .gone
            rooms[Int(room)].visitors -= 1
            rooms[Int(room)].detach(member)
            output.endings.append((other, .takenOver))
        }
        rooms[Int(room)].attach(visitor.id, to: member)
        visitors[Int(visitor.id.slot)].phase = .inside(member)
        welcome(member, visitor.id, room, secret: secret, since, fetched, into: &output)
        let change = Change.cameBack(member, visitor.id, secret, since: since, reply: output.replies.count - 1)
        rooms[Int(room)].changes.append(change)
        counters.resumes += 1
        touch(room)
    }

    // MARK: Going

    /// A member's connection has ended: it leaves now, or when its time of grace is over.
    mutating func depart(_ member: UInt32, of room: UInt32, _ departure: Departure, into output: inout TickOutput) {
        rooms[Int(room)].detach(member)
        switch departure {
        case .left: leave(member, of: room)
        case .wentAway: startGrace(member, of: room, Limits.graceAfterGoingAway)
        case .lost: startGrace(member, of: room, Limits.graceAfterLoss)
        }
    }

    mutating func startGrace(_ member: UInt32, of room: UInt32, _ duration: Int64) {
        let end = now + duration
        rooms[Int(room)].members[Int(member)]?.leavesAt = end
        graces.add(Grace(end: end, room: room, member: member), duration: duration)
    }

    /// The members whose grace is over leave.
    mutating func expireGraces(into output: inout TickOutput) {
        while let grace = graces.removeFirst(before: now) {
            // It may have come back, and lost its connection again, or have left; and the places may be others' by now.
            guard Int(grace.room) < rooms.count, Int(grace.member) < rooms[Int(grace.room)].members.count,
                let member = rooms[Int(grace.room)].members[Int(grace.member)], member.isAway,
                member.leavesAt == grace.end
            else { continue }
            leave(grace.member, of: grace.room)
        }
    }

    private mutating func leave(_ index: UInt32, of room: UInt32) {
        guard let member = rooms[Int(room)].remove(index) else { return }
        sessions[member.session] = nil
        rooms[Int(room)].append(.leave, time: time) { $0.append(quoting: member.username.text) }
        rooms[Int(room)].changes.append(.left(index, member))
        if limits.isDurable { journal.left(member.number, seq: rooms[Int(room)].seq) }
        counters.leaves += 1
        touch(room)
    }

    // MARK: The welcome

    /// Whether the events after `since` are only on the disk.
    private func needsDisk(_ room: UInt32, since: UInt64) -> Bool {
        let recent = rooms[Int(room)].recent
        return limits.isDurable && since < recent.droppedThrough && !recent.isFull
    }

    /// Replies with a welcome: who is here, and what was said.
    ///
    /// - Parameter since: the seq of the last event that the client knows; nil for someone who knows nothing.
    mutating func welcome(
        _ member: UInt32, _ id: ConnectionID, _ index: UInt32, secret: Bits128, _ since: UInt64?,
        _ fetched: FetchedEvents?, into output: inout TickOutput
    ) {
        let room = rooms[Int(index)]
        output.reply(to: id, after: 0, resume: room.pending.count, isWelcome: true) { bytes in
            bytes.append("{\"type\":\"welcome\",\"username\":")
            bytes.append(quoting: room.members[Int(member)]?.username.text ?? "")
            bytes.append(",\"room\":\"")
            bytes.append(contentsOf: room.name.utf8)
            bytes.append("\",\"users\":[")
            room.appendUsers(including: member, to: &bytes)
            bytes.append("],\"userCount\":")
            bytes.append(decimal: UInt64(room.memberCount))
            bytes.append(",\"session\":\"")
            secret.appendHexadecimal(to: &bytes)
            bytes.append("\",\"seq\":")
            bytes.append(decimal: room.seq)
            bytes.append(",\"history\":[")
            let history = room.history(since: since, fetched)
            room.append(history.lines, fetched, to: &bytes)
            bytes.append(history.gap ? "],\"gap\":true}" : "],\"gap\":false}")
        }
    }
}

extension Room {
    /// Appends the names of those present, with commas between them: `member` first, and no more than a welcome may have.
    func appendUsers(including member: UInt32, to bytes: inout [UInt8]) {
        bytes.append(quoting: members[Int(member)]?.username.text ?? "")
        var left = Limits.welcomeUsers - 1
        for (index, other) in members.enumerated() where index != Int(member) {
            guard left > 0 else { return }
            guard let other else { continue }
            bytes.append(UInt8(ascii: ","))
            bytes.append(quoting: other.username.text)
            left -= 1
        }
    }
}
