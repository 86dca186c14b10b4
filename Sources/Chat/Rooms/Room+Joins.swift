import Bytes

/// Coming in, coming back, and going.
extension Room {
    /// Someone wants to enter: as someone new, or with a session as someone who was here.
    mutating func join(_ join: Join, _ id: ConnectionID) {
        guard inside[id] == nil else { return refuse(id, .alreadyJoined) }
        let member = join.session.flatMap { sessions[$0] }
        let users = [join.user] + (member.flatMap { members[$0]?.user }.map { [$0] } ?? [])
        for user in users {
            if let ban = ban(of: user, time: moment.time) { return refuse(id, .banned(ban)) }
        }
        if let member, pair?.isOver != true { return comeBack(member, id, join) }
        if let ban = addressBan(join) { return refuse(id, .banned(ban)) }
        guard isAdmitted(join.user, join.invitation) else { return refuse(id, .inviteRequired) }
        guard !isPairedAndHere(join.user) else { return refuse(id, .alreadyJoined) }
        // A secret is drawn once. Only a recording that is damaged has one twice, and no session is mixed up by it.
        guard sessions[join.newSession] == nil else { return refuse(id, .alreadyJoined) }
        guard !isTaken(join.username) else { return refuse(id, .usernameTaken) }
        guard !refusesEvents else { return refuse(id, .storageFailed) }
        enter(join, id)
    }

    /// Someone new enters: a welcome for them, then a join for all.
    private mutating func enter(_ join: Join, _ id: ConnectionID) {
        let person = person(join.user, isKeyed: join.isKeyed)
        note(person)
        let isChanged = wasUsedByAnother(join.username, than: person)
        noteName(join.username, of: person)
        people[person]?.seen = moment.time
        forgetLapsedBan(of: person, time: moment.time)
        if join.isOwnAddress { noteAddress(join.address, of: person) }
        let member = Member(
            username: join.username, user: join.user, isKeyed: join.isKeyed, session: join.newSession, person: person,
            since: moment.time)
        let number = add(member, named: join.username)
        attach(id, to: number)
        undo.append(.joined(number))
        welcome(number, id, since: join.since, join.fetched)
        let role = role(of: join.user)
        append(.join, by: member.signature) { bytes in
            bytes.append(role: role)
            if isChanged { bytes.append(",\"changed\":true") }
        } hidden: { bytes in
            bytes.append("\"member\":")
            bytes.append(decimal: number)
            bytes.append(",\"session\":\"")
            bytes.append(hexadecimal: member.session)
            bytes.append(member.isKeyed ? "\",\"keyed\":true" : "\"")
            guard join.isOwnAddress else { return }
            bytes.append(",\"address\":")
            bytes.append(decimal: join.address)
        }
    }

    /// Someone with a session: was never gone. Another connection that still has the session gives it up.
    ///
    /// Where several nodes serve the room, a join may be late: its client has given its connection up, and is here by another one. So
    /// its node is asked whether the connection is still there.
    private mutating func comeBack(_ number: UInt64, _ id: ConnectionID, _ join: Join) {
        if rules.isShared, let member = members[number], !member.isAway, join.confirmed != member.attachments {
            unconfirmed = (id, member.attachments)
            return
        }
        if let other = members[number]?.connection {
            undo.append(.detached(number, other, hearsFrom: hearing(of: number) ?? 0))
            detach(number)
            append(.end(.takenOver), to: .one(other))
        }
        attach(id, to: number)
        undo.append(.attached(number))
        resumes += 1
        welcome(number, id, since: join.since, join.fetched)
    }

    // MARK: Going

    /// A member's connection has ended: it leaves now, or when its time of grace is over.
    mutating func depart(_ id: ConnectionID, _ departure: Departure) {
        guard let number = inside[id] else { return }
        undo.append(.detached(number, id, hearsFrom: hearing(of: number) ?? 0))
        detach(number)
        if pair?.isOver == true { return leave(number) }
        switch departure {
        case .left: leave(number)
        case .wentAway: startGrace(number, RoomRules.graceAfterGoingAway)
        case .lost: startGrace(number, RoomRules.graceAfterLoss)
        }
    }

    mutating func startGrace(_ number: UInt64, _ duration: Int64) {
        guard let grace = members[number]?.grace else { return }
        members[number]?.grace = grace &+ 1
        graces.append(GraceRequest(member: number, grace: grace &+ 1, duration: duration))
    }

    /// A time of grace is over. The member may have come back, and lost its connection again, or have left.
    mutating func graceIsOver(_ number: UInt64, _ grace: UInt32) {
        if number == Pair.noMember { return pairArrivalIsOver() }
        guard let member = members[number], member.isAway, member.grace == grace else { return }
        leave(number)
    }

    mutating func extendGrace(ofSession session: UInt128) {
        guard let number = sessions[session], members[number]?.isAway == true else { return }
        startGrace(number, RoomRules.graceAfterLoss)
    }

    mutating func leave(_ number: UInt64) {
        // Gone it is; but the leave must be in the history before anyone is told. It is tried again.
        guard !refusesEvents else { return startGrace(number, RoomRules.leaveRetry) }
        guard let member = members[number] else { return }
        note(member.person)
        people[member.person]?.seen = moment.time
        noteAdmission(of: member.person, number)
        // Whoever has come back in this tick, and goes in it, has a connection: its taking away is noted by itself.
        assert(member.isAway, "a member leaves with its connection")
        remove(number)
        undo.append(.left(number, member))
        append(.leave, by: member.signature) { _ in
        } hidden: { bytes in
            bytes.append("\"member\":")
            bytes.append(decimal: number)
        }
        endPair()
    }

    /// The room was loaded: nobody has a connection. Members whose session is known may come back; nobody can come back as one
    /// of whom only old events tell, so those leave.
    mutating func restart() {
        var away: [(number: UInt64, isKnown: Bool)] = []
        members.forEach { number, member in
            if member.isAway { away.append((number, !Room.isGhost(session: member.session))) }
        }
        for (number, isKnown) in away {
            if isKnown { startGrace(number, RoomRules.graceAfterLoss) } else { leave(number) }
        }
    }

    /// The session of a member of whom only events tell: no secret has this digest.
    static func ghostSession(_ number: UInt64) -> UInt128 { UInt128.max << 64 | UInt128(number) }
    static func isGhost(session: UInt128) -> Bool { session >> 64 == UInt128.max >> 64 }

    // MARK: Renaming

    mutating func rename(to username: Username, _ id: ConnectionID) {
        guard let number = speaker(id, nil, Span()), let member = members[number] else { return }
        // The name one has is had already.
        guard username.text != member.name else { return }
        if let refusal = refusal(of: .rename, by: id, time: moment.time) { return refuse(id, refusal) }
        guard !isTaken(username, exceptBy: number) else { return refuse(id, .usernameTaken) }
        guard !refusesEvents else { return refuse(id, .storageFailed) }
        note(member.person)
        noteName(username, of: member.person)
        setName(of: number, to: username)
        undo.append(.renamed(number, from: member.username))
        append(.rename, by: member.signature) { bytes in
            bytes.append(",\"to\":")
            bytes.append(quoting: username.text)
        } hidden: { bytes in
            bytes.append("\"member\":")
            bytes.append(decimal: number)
        }
    }
}
