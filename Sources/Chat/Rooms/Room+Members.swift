/// Who is in the room: the tables of members, names, sessions and connections, kept in step.
extension Room {
    package var memberCount: Int { members.count }

    /// The names of everyone in the room, those in their time of grace included.
    package var usernames: [String] {
        var names: [String] = []
        members.forEach { names.append($1.name) }
        return names
    }

    /// Whether a name, or one that looks like it, is taken by someone else.
    func isTaken(_ username: Username, exceptBy member: UInt64? = nil) -> Bool {
        if let owner = names[username.folded], owner != member { return true }
        if let owner = names[username.skeleton], owner != member { return true }
        return false
    }

    /// - Parameter username: the member's, where it is at hand.
    mutating func add(_ member: Member, named username: Username? = nil) -> UInt64 {
        let number = members.append(member)
        index(member, number, username ?? member.username)
        return number
    }

    /// Puts a member back that was taken out, or one from a snapshot.
    mutating func insert(_ member: Member, at number: UInt64) {
        members.insert(member, at: number)
        index(member, number, member.username)
    }

    private mutating func index(_ member: Member, _ number: UInt64, _ username: Username) {
        assert(sessions[member.session] == nil || sessions[member.session] == number, "a session is in the room twice")
        sessions[member.session] = number
        people[member.person]?.members += 1
        claimName(username, for: number)
    }

    /// Takes a member out.
    @discardableResult
    mutating func remove(_ number: UInt64) -> Member? {
        detach(number)
        guard let member = members.remove(number) else { return nil }
        sessions[member.session] = nil
        people[member.person]?.members -= 1
        disclaimName(member.username)
        return member
    }

    mutating func setName(of number: UInt64, to username: Username) {
        guard let old = members[number]?.username else { return }
        disclaimName(old)
        members[number]?.rename(to: username)
        claimName(username, for: number)
    }

    private mutating func claimName(_ username: Username, for number: UInt64) {
        names[username.folded] = number
        let skeleton = username.skeleton
        if names[skeleton] == nil { names[skeleton] = number }
    }

    private mutating func disclaimName(_ username: Username) {
        guard let owner = names.removeValue(forKey: username.folded) else { return }
        let skeleton = username.skeleton
        if names[skeleton] == owner { names[skeleton] = nil }
    }

    /// Gives a member a connection, which hears what comes after the entries that there are now.
    mutating func attach(_ connection: ConnectionID, to number: UInt64) {
        precondition(members[number] != nil, "a connection is given to no member")
        members[number]?.connection = connection
        members[number]?.attachments &+= 1
        members[number]?.place = present.count
        inside[connection] = number
        present.append(connection)
        presentMembers.append(number)
        hearsFrom.append(nextEntry)
        newestHearing = max(newestHearing, nextEntry)
    }

    /// A connection goes by another name from here on.
    mutating func rename(_ connection: ConnectionID, to other: ConnectionID) {
        guard let number = inside.removeValue(forKey: connection), let place = members[number]?.place else { return }
        inside[other] = number
        members[number]?.connection = other
        present[place] = other
    }

    /// Takes a member's connection away; the member stays.
    mutating func detach(_ number: UInt64) {
        guard let place = members[number]?.place, let connection = members[number]?.connection else { return }
        let last = present.count - 1
        present.swapAt(place, last)
        presentMembers.swapAt(place, last)
        hearsFrom.swapAt(place, last)
        members[presentMembers[place]]?.place = place
        present.removeLast()
        presentMembers.removeLast()
        hearsFrom.removeLast()
        members[number]?.connection = nil
        inside[connection] = nil
    }

    /// From which entry on a connection hears, for taking a detachment back.
    func hearing(of number: UInt64) -> UInt64? {
        guard let member = members[number], member.connection != nil else { return nil }
        return hearsFrom[member.place]
    }

    // MARK: People

    /// The person that a user is in this room, who may be new.
    mutating func person(_ user: UserID, isKeyed: Bool) -> UInt64 {
        if let number = peopleByUser[user] { return number }
        let number = people.append(Person(user: user, isKeyed: isKeyed, seen: moment.time))
        peopleByUser[user] = number
        return number
    }

    /// Whether another user was the last to use this name here, within the time that this is known.
    func wasUsedByAnother(_ username: Username, than person: UInt64) -> Bool {
        guard let number = nameUsers[username.folded], number != person, let other = people[number],
            let use = other.names.last(where: { $0.folded == username.folded })
        else { return false }
        return moment.time &- use.time <= RoomRules.nameMemory
    }

    /// Notes who uses a name now. Only a user who keeps a key can be known again by it.
    mutating func noteName(_ username: Username, of number: UInt64) {
        people[number]?.name = username.text
        guard people[number]?.isKeyed == true else { return }
        let folded = username.folded
        if let other = nameUsers[folded], other != number {
            note(other)
            people[other]?.names.removeAll { $0.folded == folded }
        }
        people[number]?.names.removeAll { $0.folded == folded }
        people[number]?.names.append((folded, moment.time))
        nameUsers[folded] = number
        while let names = people[number]?.names, names.count > RoomRules.namesOfPerson {
            nameUsers[names[0].folded] = nil
            people[number]?.names.removeFirst()
        }
    }

    /// Forgets people who have been away for long, and the oldest where there are too many; between two ticks.
    mutating func forgetPeople() {
        assert(undo.isEmpty, "people are forgotten in the middle of a tick")
        var surplus = people.count - RoomRules.rememberedPeople - members.count
        var gone: [UInt64] = []
        let lock = settings.lock?.seq ?? 0
        people.forEach { number, person in
            guard person.members == 0 else { return }
            let isDecidedOn = !person.standing.isForgettable(time: moment.time, lock: lock)
            if surplus > 0 && !isDecidedOn || person.isForgettable(time: moment.time, lock: lock) {
                gone.append(number)
                surplus -= 1
            }
        }
        for number in gone {
            guard let person = people.remove(number) else { continue }
            peopleByUser[person.user] = nil
            for name in person.names { nameUsers[name.folded] = nil }
        }
    }
}
