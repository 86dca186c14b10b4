import Bytes

/// Coming in, coming back, and going.
extension Chat {
    /// Someone wants to enter: as someone new, or with a session as someone who was here.
    mutating func join(
        _ command: Command, _ text: Span<UInt8>, _ id: ConnectionID, fetched: FetchedEvents?,
        into output: inout TickOutput
    ) {
        let visitor = visitors[Int(id.slot)]
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
        let since = JSONScanner.whole(text, command.since)
        guard command.since.isMissing || since != nil else {
            return refuse(id, Refusal(.badField, "The field since must be a whole number, 0 or more."), into: &output)
        }
        guard load(room, for: id, text, into: &output) else { return }

        let secret = Bits128(hexadecimal: text.extracting(command.session.range))
        let member = secret.flatMap { self.member(withSecret: $0, in: room) }
        if let since, fetched == nil, needsDisk(room, since: since) {
            // Who comes back in time is in time, however long the disk takes.
            if let member, rooms[Int(room)].members[Int(member)]?.isAway == true {
                startGrace(member, of: room, Limits.graceAfterLoss)
            }
            guard wait(id, text, into: &output) else { return }
            return read(.since(since, limit: Limits.welcomeEvents), .rejoin, room, for: id, into: &output)
        }
        if let secret, let member { return comeBack(member, id, room, secret, since, fetched, into: &output) }
        switch requestedName(command.username, of: text, in: room) {
        case .success(let username): enter(username, id, room, since, fetched, into: &output)
        case .failure(let refusal): refuse(id, refusal, into: &output)
        }
    }

    /// The name that a join or a rename asks for, or why it cannot be had.
    ///
    /// - Parameter member: whose own name is not taken.
    func requestedName(
        _ token: JSONToken, of text: Span<UInt8>, in room: UInt32, by member: UInt32? = nil
    ) -> Result<Username, Refusal> {
        guard let username = Username(String(unescaping: token, of: text)) else { return .failure(.usernameInvalid) }
        guard !username.isReserved else { return .failure(.usernameReserved) }
        let isTaken = rooms[Int(room)].isTaken(username, exceptBy: member)
        return isTaken ? .failure(.usernameTaken) : .success(username)
    }

    private func member(withSecret secret: Bits128, in room: UInt32) -> UInt32? {
        guard let place = sessions[Member.hash(ofSecret: secret)], place.room == room else { return nil }
        return place.member
    }

    /// Whether there are events after `since` that only the disk has.
    private func needsDisk(_ room: UInt32, since: UInt64) -> Bool {
        limits.isDurable && since < rooms[Int(room)].recent.droppedThrough && !rooms[Int(room)].recent.isFull
    }

    /// Someone new enters: a welcome for them, then a join for all.
    private mutating func enter(
        _ username: Username, _ id: ConnectionID, _ room: UInt32, _ since: UInt64?, _ fetched: FetchedEvents?,
        into output: inout TickOutput
    ) {
        let secret = visitors[Int(id.slot)].secret
        let session = Member.hash(ofSecret: secret)
        let number = journal.nextNumber()
        let member = rooms[Int(room)].add(Member(username: username, session: session, number: number))
        rooms[Int(room)].attach(id, to: member)
        sessions[session] = (room, member)
        visitors[Int(id.slot)].phase = .inside(member)
        welcome(member, id, room, secret: secret, since, fetched, into: &output)
        rooms[Int(room)].append(.join, time: time, by: username.text)
        rooms[Int(room)].changes.append(.joined(member, id, reply: output.replies.count - 1))
        if limits.isDurable {
            journal.joined(number, room: rooms[Int(room)].name, session, username.text, seq: rooms[Int(room)].seq)
        }
        touch(room)
    }

    /// Someone with a session: was never gone. Another connection that still has the session gives it up.
    private mutating func comeBack(
        _ member: UInt32, _ id: ConnectionID, _ room: UInt32, _ secret: Bits128, _ since: UInt64?,
        _ fetched: FetchedEvents?, into output: inout TickOutput
    ) {
        if let other = rooms[Int(room)].members[Int(member)]?.connection {
            rooms[Int(room)].detach(member)
            retire(other)
            output.endings.append((other, .takenOver))
        }
        rooms[Int(room)].attach(id, to: member)
        visitors[Int(id.slot)].phase = .inside(member)
        welcome(member, id, room, secret: secret, since, fetched, into: &output)
        let change = Change.cameBack(member, id, secret, since: since, reply: output.replies.count - 1)
        rooms[Int(room)].changes.append(change)
        counters.resumes += 1
        touch(room)
    }

    // MARK: Going

    /// A member's connection has ended: it leaves now, or when its time of grace is over.
    mutating func depart(_ member: UInt32, of room: UInt32, _ departure: Departure) {
        rooms[Int(room)].detach(member)
        switch departure {
        case .left: leave(member, of: room)
        case .wentAway: startGrace(member, of: room, Limits.graceAfterGoingAway)
        case .lost: startGrace(member, of: room, Limits.graceAfterLoss)
        }
    }

    mutating func startGrace(_ member: UInt32, of room: UInt32, _ duration: Int64) {
        let end = now &+ duration
        rooms[Int(room)].members[Int(member)]?.leavesAt = end
        graces.add(Grace(end: end, room: room, member: member), duration: duration)
    }

    /// The members whose grace is over leave.
    mutating func expireGraces() {
        while let grace = graces.removeFirst(before: now) {
            // It may have come back, and lost its connection again, or have left; and the places may be others' by now.
            guard Int(grace.room) < rooms.count, Int(grace.member) < rooms[Int(grace.room)].members.count,
                let member = rooms[Int(grace.room)].members[Int(grace.member)], member.isAway,
                member.leavesAt == grace.end
            else { continue }
            leave(grace.member, of: grace.room)
        }
    }

    mutating func leave(_ place: UInt32, of room: UInt32) {
        guard let member = rooms[Int(room)].remove(place) else { return }
        sessions[member.session] = nil
        rooms[Int(room)].append(.leave, time: time, by: member.username.text)
        rooms[Int(room)].changes.append(.left(place, member))
        if limits.isDurable { journal.left(member.number, seq: rooms[Int(room)].seq) }
        touch(room)
    }

    // MARK: The welcome

    /// Replies with a welcome: who is here, and what was said.
    ///
    /// - Parameter since: the seq of the last event that the client knows; nil for someone who knows nothing.
    mutating func welcome(
        _ member: UInt32, _ id: ConnectionID, _ index: UInt32, secret: Bits128, _ since: UInt64?,
        _ fetched: FetchedEvents?, into output: inout TickOutput
    ) {
        let room = rooms[Int(index)]
        let isScarce = output.bytes.count > Limits.answerBytesInAll
        let history = room.history(
            since: since, fetched, bytes: isScarce ? Limits.scarceAnswerBytes : Limits.answerBytes)
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
        for index in members.indices where index != Int(member) {
            guard left > 0 else { return }
            // The name alone: to take the whole member out would count references to all that it has.
            guard let name = members[index]?.username.text else { continue }
            bytes.append(UInt8(ascii: ","))
            bytes.append(quoting: name)
            left -= 1
        }
    }
}
