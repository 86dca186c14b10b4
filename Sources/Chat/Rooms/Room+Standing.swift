/// Who may do what.
extension Room {
    /// Who is behind a connection, if that is a member's.
    func user(behind id: ConnectionID) -> UserID? {
        guard let number = inside[id], let place = members.place(of: number) else { return nil }
        return members.elements[place]?.user
    }

    /// The role of a user here, whether present or not.
    package func role(of user: UserID) -> Role? { role(of: user, person: peopleByUser[user]) }

    /// The role of the member with this number.
    package func role(of number: UInt64) -> Role? {
        guard let place = members.place(of: number) else { return nil }
        return role(ofMemberAt: place)
    }

    /// - Parameter place: in `members.elements`.
    func role(ofMemberAt place: Int) -> Role? {
        guard let user = members.elements[place]?.user, let person = members.elements[place]?.person else { return nil }
        return role(of: user, person: person)
    }

    private func role(of user: UserID, person: UInt64?) -> Role? {
        if isOfPair { return nil }
        if !server.operators.isEmpty, server.operators.contains(user) { return .operator }
        // (No closure here, nor below: one would hold a copy of the whole room, for each message.)
        guard let person, let place = people.place(of: person), people.elements[place]?.standing.isHost == true else {
            return nil
        }
        return .host
    }

    /// Why someone may not do something now; nil where it is allowed. The checks come in the protocol's order: joined, banned,
    /// muted, right, target, age, slow mode. The door asks before it looks at rates, with what the tick before has left; the
    /// room asks again when it decides.
    ///
    /// - Parameters:
    ///   - time: the tick's, in milliseconds since the Unix epoch.
    ///   - target: judges what the request is aimed at, given the speaker's user and role: right, target, age.
    package func refusal(
        of deed: Deed, by id: ConnectionID, time: Int64, target: (UserID, Role?) -> Refusal? = { _, _ in nil }
    ) -> Refusal? {
        guard let number = inside[id], let place = members.place(of: number),
            let user = members.elements[place]?.user, let person = members.elements[place]?.person
        else { return .notJoined }
        return refusal(of: deed, by: user, person: person, isProgram: false, time: time, target: target)
    }

    /// The same for the door: nothing is wrong with a request that was made before, nor with one of who is no member yet.
    ///
    /// It changes nothing, and is mutating all the same: one that is not would be called on a copy of the room, of everything in it
    /// that is counted, for each message.
    ///
    /// - Parameter request: its `id` as a JSON string, or empty.
    mutating func refusal(of deed: Deed, by id: ConnectionID, unless request: Span<UInt8>, time: Int64) -> Refusal? {
        guard let user = user(behind: id), let refusal = refusal(of: deed, by: id, time: time) else { return nil }
        return hasUsed(request, by: user) ? nil : refusal
    }

    /// The same for a member.
    func refusal(of deed: Deed, byMember number: UInt64, time: Int64) -> Refusal? {
        guard let member = members[number] else { return .notJoined }
        return refusal(
            of: deed, by: member.user, person: member.person, isProgram: false, time: time, target: { _, _ in nil })
    }

    /// The same for a token, which is no member, and for which there is no slow mode.
    package func refusal(
        of deed: Deed, byProgram user: UserID, time: Int64, target: (UserID, Role?) -> Refusal? = { _, _ in nil }
    ) -> Refusal? {
        refusal(of: deed, by: user, person: peopleByUser[user], isProgram: true, time: time, target: target)
    }

    private func refusal(
        of deed: Deed, by user: UserID, person number: UInt64?, isProgram: Bool, time: Int64,
        target: (UserID, Role?) -> Refusal?
    ) -> Refusal? {
        var place: Int?
        if let number { place = people.place(of: number) }
        if let ban = ban(of: user, at: place, time: time) { return .banned(ban) }
        let role = isProgram ? nil : role(of: user, person: number)
        if deed.isSpeech, let place, let mute = people.elements[place]?.standing.mute, mute.holds(at: time),
            role != .operator
        {
            return .muted(mute, time: time)
        }
        if case .moderation = deed, role == nil { return .notAllowed }
        if let refusal = target(user, role) { return refusal }
        if case .message = deed, settings.slow > 0, role == nil, !isProgram, let place,
            let said = people.elements[place]?.said
        {
            let pause = Int64(settings.slow) * 1000
            let wait = min(said &+ pause &- time, pause)
            if wait > 0 { return .slowMode(wait) }
        }
        return nil
    }

    /// The ban that keeps a user out of this room.
    func ban(of user: UserID, time: Int64) -> Sanction? {
        guard let person = peopleByUser[user] else { return ban(of: user, at: nil, time: time) }
        return ban(of: user, at: people.place(of: person), time: time)
    }

    /// - Parameter place: of the person in `people.elements`.
    private func ban(of user: UserID, at place: Int?, time: Int64) -> Sanction? {
        var ofRoom: Sanction?
        if let place { ofRoom = people.elements[place]?.standing.ban }
        if ofRoom == nil, server.bans.isEmpty { return nil }
        // Whoever was banned before may have become an operator since.
        guard !server.operators.contains(user) else { return nil }
        let ofServer = server.bans.isEmpty ? nil : server.bans[user]?.sanction
        let bans = [ofRoom, ofServer].compactMap(\.self).filter { $0.holds(at: time) }
        return bans.max { $0.until < $1.until }
    }

    // MARK: Coming in

    /// The ban of an address that keeps out someone new.
    func addressBan(_ join: Join) -> Sanction? {
        guard peopleByUser[join.user] == nil else { return nil }
        let ban = (settings.addressBans + server.addressBans).last {
            $0.keepsOut(join.user, at: join.address, time: moment.time)
        }
        return ban.map { Sanction(until: $0.until) }
    }

    /// The ban of an address, for whoever asks without saying who they are.
    func addressBan(at address: UInt64, time: Int64) -> Sanction? {
        let ban = (settings.addressBans + server.addressBans).last { $0.address == address && time < $0.until }
        return ban.map { Sanction(until: $0.until) }
    }

    /// Whether a user could come in now without an invitation.
    func admits(_ user: UserID, time: Int64) -> Bool { ban(of: user, time: time) == nil && isAdmitted(user, nil) }

    /// Whether the door is open for someone: it is not locked, or was locked with them inside, or they bring the invitation.
    func isAdmitted(_ user: UserID, _ invitation: UInt128?) -> Bool {
        if isOfPair { return pair?.letsIn(user, invitation) ?? false }
        guard let lock = settings.lock, invitation != lock.invitation, role(of: user) == nil else { return true }
        guard let person = peopleByUser[user] else { return false }
        if people[person]?.standing.admittedBy == lock.seq { return true }
        var wasInside = false
        if people[person]?.members ?? 0 > 0 {
            members.forEach { number, member in
                if member.person == person, number < lock.membersBelow { wasInside = true }
            }
        }
        return wasInside
    }

    /// A member leaves a locked room in which it was when it was locked: it may come back.
    mutating func noteAdmission(of person: UInt64, _ number: UInt64) {
        guard let lock = settings.lock, number < lock.membersBelow else { return }
        people[person]?.standing.admittedBy = lock.seq
    }

    /// Somebody has come in: a ban of theirs that has lapsed holds no more, even if the clock goes back.
    mutating func forgetLapsedBan(of person: UInt64, time: Int64) {
        if people[person]?.standing.ban?.holds(at: time) == false { people[person]?.standing.ban = nil }
    }

    mutating func noteAddress(_ address: UInt64, of person: UInt64) {
        people[person]?.addresses.removeAll { $0 == address }
        people[person]?.addresses.append(address)
        if people[person]?.addresses.count ?? 0 > RoomRules.addressesOfPerson {
            people[person]?.addresses.removeFirst()
        }
    }

    /// Whether a user has used this `id` here before, so that a request with it is answered whatever has become of the user's
    /// rights since.
    ///
    /// - Parameter id: a JSON string with its quotation marks, or empty.
    package func hasUsed(_ id: Span<UInt8>, by user: UserID) -> Bool {
        guard !id.isEmpty, let person = peopleByUser[user] else { return false }
        return people[person]?.used[UsedIDs.hash(of: id)] != nil
    }

    // MARK: Changes

    /// Whether the first with a key to speak here becomes its host.
    var makesHosts: Bool {
        firstKept == 0 && !isOfPair && name != RoomName.standard && !rules.namedRooms.contains(name)
    }

    /// A person becomes a host by the event with this seq.
    mutating func makeHost(_ person: UInt64, by seq: UInt64) {
        note(person)
        people[person]?.standing.isHost = true
        people[person]?.standing.decidedBy = seq
    }

    /// A person says something now.
    mutating func noteSaying(by number: UInt64) {
        guard let place = people.place(of: number), let before = people.elements[place]?.said else { return }
        undo.append(.said(number, before))
        people[number]?.said = moment.time
    }
}

extension [UInt8] {
    /// Appends the member that tells a role, if there is one.
    mutating func append(role: Role?) {
        switch role {
        case .host: append(",\"role\":\"host\"")
        case .operator: append(",\"role\":\"operator\"")
        case nil: break
        }
    }
}
