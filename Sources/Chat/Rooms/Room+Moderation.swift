import Bytes

/// What hosts and operators do.
extension Room {
    mutating func moderate(_ request: Moderation, _ bytes: Span<UInt8>, _ id: ConnectionID) {
        guard let number = speaker(id, request.reference, bytes), let actor = members[number] else { return }
        let hash = request.id.isEmpty ? nil : UsedIDs.hash(of: bytes.extracting(request.id))
        if let hash, let seq = people[actor.person]?.used[hash] { return sayAgain(seq, request.id, bytes, id) }
        let isAllowed = refusal(of: .moderation, by: id, time: moment.time) { user, role in
            refusal(of: request, by: user, role)
        }
        if let refusal = isAllowed { return refuse(id, refusal, request.reference, bytes) }
        let target = request.person.flatMap { find($0) }
        switch request.action {
        case .bans: return answerBans(request, bytes, id)
        case .whois: return answerWhois(target, request, bytes, isForOperator: role(of: number) == .operator, id)
        case .invite: return answerInvite(request, bytes, id)
        default: break
        }
        let decision = decision(of: request, on: target, bytes, isOperator: role(of: number) == .operator)
        if let seq = whatMadeSo(decision) { return answerDone(seq, request.id, bytes, id) }
        guard !refusesEvents else { return refuse(id, .storageFailed, request.reference, bytes) }
        append(decision, request, by: actor, bytes)
        carryOut(decision)
        if let hash { remember(hash, of: actor.person) }
        if decision.action == .kick || decision.action == .ban, let target { putOut(target) }
        if decision.action == .lock { answerInvite(request, bytes, id) }
    }

    /// Judges what an action is aimed at.
    func refusal(of request: Moderation, by user: UserID, _ role: Role?) -> Refusal? {
        if request.action == .invite, settings.lock == nil { return .notFound }
        guard let person = request.person else { return nil }
        // An operator need not have been in this room.
        if case .user(let named) = person, server.operators.contains(named) || named == user { return .notAllowed }
        guard let number = find(person), let target = people[number] else { return .notFound }
        if target.user == user || server.operators.contains(target.user) { return .notAllowed }
        // What an operator has decided for all rooms is no host's to undo.
        let isServers = server.bans[target.user].map { $0.sanction.holds(at: moment.time) } ?? false
        if request.action == .unban, role != .operator, isServers, target.standing.ban == nil { return .notAllowed }
        return nil
    }

    /// The person that is meant: by name whoever has it now, else whoever had it last.
    func find(_ person: Moderation.Person) -> UInt64? {
        switch person {
        case .user(let user): return peopleByUser[user]
        case .name(let name):
            if let member = names[name.folded].flatMap({ members[$0] }), member.username.folded == name.folded {
                return member.person
            }
            var found: (number: UInt64, seen: Int64)?
            people.forEach { number, person in
                guard person.name.map(Username.folded) == name.folded, person.seen >= found?.seen ?? .min else {
                    return
                }
                found = (number, person.seen)
            }
            return found?.number ?? nameUsers[name.folded]
        }
    }

    // MARK: Deciding

    private func decision(
        of request: Moderation, on target: UInt64?, _ bytes: Span<UInt8>, isOperator: Bool
    ) -> Decision {
        var decision = Decision(action: request.action, person: target, seq: seq + 1, time: moment.time)
        let text = Array(copying: bytes.extracting(request.text))
        let minutes = request.minutes.map { Int64(clamping: $0) * 60_000 }
        switch request.action {
        case .kick: (decision.until, decision.reason) = (moment.time + RoomRules.kickTime, text)
        case .ban, .mute:
            if let minutes { decision.until = moment.time + minutes }
            decision.reason = text
            guard request.action == .ban else { break }
            decision.isOfServer = isOperator
            if request.coversAddresses { decision.addresses = target.flatMap { people[$0]?.addresses } ?? [] }
        case .unban: decision.isOfServer = isOperator
        case .purge: decision.from = moment.time - (minutes ?? 3_600_000)
        case .slow: decision.seconds = request.seconds
        case .topic: decision.topic = text.count > 2 ? text : []
        case .lock:
            decision.lock = RoomSettings.Lock(
                nonce: request.nonce, invitation: request.invitation, seq: seq + 1, membersBelow: members.next)
        case .bans, .unmute, .invite, .unlock, .host, .unhost, .whois: break
        }
        return decision
    }

    /// The seq of the event that has made so already what is to be decided; nil where something changes.
    private func whatMadeSo(_ decision: Decision) -> UInt64? {
        let time = moment.time
        let standing = decision.person.flatMap { people[$0]?.standing } ?? Standing()
        let user = decision.person.flatMap { people[$0]?.user } ?? .nobody
        let isSo: Bool
        switch decision.action {
        case .ban:
            let ban = decision.isOfServer ? server.bans[user]?.sanction : standing.ban
            isSo = ban?.until == decision.until && decision.addresses.isEmpty
        case .unban:
            let isServers = decision.isOfServer && server.bans[user]?.sanction.holds(at: time) == true
            isSo = standing.ban?.holds(at: time) != true && !isServers
        case .mute: isSo = standing.mute?.until == decision.until
        case .unmute: isSo = standing.mute?.holds(at: time) != true
        case .host: isSo = standing.isHost
        case .unhost: isSo = !standing.isHost
        case .slow: return settings.slow == decision.seconds ? settings.slowBy : nil
        case .topic: return settings.topic == decision.topic ? settings.topicBy : nil
        case .unlock: return settings.lock == nil ? settings.lockBy : nil
        case .kick, .purge, .lock, .bans, .invite, .whois: isSo = false
        }
        return isSo ? standing.decidedBy : nil
    }

    private mutating func append(
        _ decision: Decision, _ request: Moderation, by actor: Member, _ bytes: Span<UInt8>
    ) {
        let target = decision.person.flatMap { people[$0] }
        let targetName = target.map { name(of: $0) } ?? ""
        append(
            .moderation, by: actor.signature,
            { line in
                line.append(",\"action\":")
                line.append(quoting: decision.action.rawValue)
                if let target {
                    line.append(",\"to\":")
                    line.append(quoting: targetName)
                    line.append(",\"toUser\":\"")
                    target.user.append(to: &line)
                    line.append("\"")
                }
                line.append(visible: decision)
                guard !request.id.isEmpty else { return }
                line.append(",\"id\":")
                line.append(copying: bytes.extracting(request.id))
            }, hidden: decision.hasHidden ? { $0.append(hidden: decision) } : nil)
    }

    /// The name that a person has now, or had last.
    private func name(of person: Person) -> String { person.name ?? person.names.last?.folded ?? "" }

    // MARK: Carrying out

    /// Changes what an event decides.
    mutating func carryOut(_ decision: Decision) {
        undo.append(.settings(settings))
        switch decision.action {
        case .slow: (settings.slow, settings.slowBy) = (decision.seconds, decision.seq)
        case .topic: (settings.topic, settings.topicBy) = (decision.topic, decision.seq)
        case .lock: (settings.lock, settings.lockBy) = (decision.lock, decision.seq)
        case .unlock: (settings.lock, settings.lockBy) = (nil, decision.seq)
        default: break
        }
        guard let number = decision.person, let user = people[number]?.user else { return }
        note(number)
        var standing = people[number]?.standing ?? Standing()
        standing.decidedBy = decision.seq
        let sanction = Sanction(until: decision.until, reason: decision.reason)
        switch decision.action {
        case .kick: if standing.ban.map({ $0.until < decision.until }) ?? true { standing.ban = sanction }
        case .ban: if !decision.isOfServer { standing.ban = sanction }
        case .unban: standing.ban = nil
        case .mute: standing.mute = sanction
        case .unmute: standing.mute = nil
        case .host: standing.isHost = true
        case .unhost: standing.isHost = false
        // The log's past is taken in by whoever reads it.
        case .purge: if !isReadFromLog { purge(user, from: decision.from) }
        case .bans, .slow, .lock, .invite, .unlock, .topic, .whois: break
        }
        people[number]?.standing = standing
        banAddresses(decision, of: user)
        if decision.isOfServer { changeServer(decision, sanction, user) }
    }

    private mutating func banAddresses(_ decision: Decision, of user: UserID) {
        let time = decision.time
        if decision.action == .unban { settings.addressBans.removeAll { $0.user == user } }
        guard decision.action == .ban, !decision.isOfServer, !decision.addresses.isEmpty else { return }
        settings.addressBans.removeAll { $0.until <= time || $0.user == user }
        let until = min(decision.until, time + RoomRules.day)
        for address in decision.addresses {
            settings.addressBans.append(AddressBan(address: address, until: until, user: user))
        }
        settings.addressBans.removeFirst(max(0, settings.addressBans.count - RoomRules.addressBans))
    }

    /// An operator's ban holds in all rooms: here at once, elsewhere when the server has taken it in.
    private mutating func changeServer(_ decision: Decision, _ sanction: Sanction, _ user: UserID) {
        // What the log tells of it is the past: the server has its own word for what holds.
        guard !isReadFromLog else { return }
        undo.append(.server(server))
        if decision.action == .ban {
            var name: [UInt8] = []
            name.append(quoting: peopleByUser[user].flatMap { people[$0] }.map { self.name(of: $0) } ?? "")
            let ban = ServerBan(sanction: sanction, username: name)
            server.bans[user] = ban
            serverChanges.append(.ban(ban, user, addresses: decision.addresses))
        } else if server.bans.removeValue(forKey: user) != nil {
            serverChanges.append(.unban(user))
        }
    }

    /// Has a person's members leave, and ends their connections.
    mutating func putOut(_ person: UInt64) {
        var numbers: [UInt64] = []
        members.forEach { number, member in if member.person == person { numbers.append(number) } }
        for number in numbers {
            let connection = members[number]?.connection
            if let connection {
                undo.append(.detached(number, connection, hearsFrom: hearing(of: number) ?? 0))
                detach(number)
            }
            leave(number)
            if let connection { append(.end(.putOut), to: .one(connection)) }
        }
    }

    /// What the room must know of the server has changed: those whom an operator has banned are put out.
    mutating func take(_ facts: ServerFacts) {
        guard facts.version >= server.version else { return }
        server = facts
        var banned: [UInt64] = []
        people.forEach { number, person in
            if person.members > 0, server.bans[person.user]?.sanction.holds(at: moment.time) == true {
                banned.append(number)
            }
        }
        for number in banned { putOut(number) }
    }

    // MARK: Answers

    private mutating func answerBans(_ request: Moderation, _ bytes: Span<UInt8>, _ id: ConnectionID) {
        let time = moment.time
        answer(id) { room, text in
            text.append("{\"type\":\"bans\",\"bans\":[")
            var isFirst = true
            room.people.forEach { _, person in
                guard let ban = room.ban(of: person.user, time: time), text.count < 1 << 18 else { return }
                if !isFirst { text.append(UInt8(ascii: ",")) }
                isFirst = false
                text.append("{\"username\":")
                text.append(quoting: room.name(of: person))
                text.append(",\"user\":\"")
                person.user.append(to: &text)
                text.append("\"")
                text.append(ban)
                text.append("}")
            }
            text.append("]")
            text.append(request.reference, bytes)
        }
    }

    private mutating func answerWhois(
        _ target: UInt64?, _ request: Moderation, _ bytes: Span<UInt8>, isForOperator: Bool, _ id: ConnectionID
    ) {
        guard let target, let person = people[target] else { return }
        var since: Int64?
        var connections: [ConnectionID] = []
        members.forEach { _, member in
            guard member.person == target else { return }
            since = min(since ?? .max, member.since)
            if let connection = member.connection { connections.append(connection) }
        }
        let role = role(of: person.user)
        let addition: Entry.Addition = isForOperator ? .addresses(of: connections) : .nothing
        let start = texts.count
        texts.append("{\"type\":\"whois\",\"username\":")
        texts.append(quoting: name(of: person))
        texts.append(",\"user\":\"")
        person.user.append(to: &texts)
        texts.append("\"")
        texts.append(role: role)
        if let since {
            texts.append(",\"since\":")
            texts.append(decimal: UInt64(clamping: since))
        }
        texts.append(request.reference, bytes)
        append(.completed(addition), to: .one(id), range: start..<texts.count)
    }

    /// The invitation itself is put in by whoever sends the answer: the room does not know it.
    private mutating func answerInvite(_ request: Moderation, _ bytes: Span<UInt8>, _ id: ConnectionID) {
        guard let lock = settings.lock else { return }
        let start = texts.count
        texts.append("{\"type\":\"invite\"")
        texts.append(request.reference, bytes)
        append(.completed(.invitation(nonce: lock.nonce)), to: .one(id), range: start..<texts.count)
    }
}

extension Decision {
    /// Whether its line has something that clients never see.
    var hasHidden: Bool { lock != nil || !addresses.isEmpty || isOfServer }
}

extension [UInt8] {
    /// Appends what an event tells of a decision, beside whom it concerns.
    fileprivate mutating func append(visible decision: Decision) {
        switch decision.action {
        case .kick, .ban, .mute:
            if decision.until != .max {
                append(",\"until\":")
                append(decimal: UInt64(clamping: decision.until))
            }
            if !decision.reason.isEmpty {
                append(",\"reason\":")
                append(contentsOf: decision.reason)
            }
        case .slow:
            append(",\"seconds\":")
            append(decimal: decision.seconds)
        case .topic:
            append(",\"text\":")
            if decision.topic.isEmpty { append("\"\"") } else { append(contentsOf: decision.topic) }
        case .purge:
            append(",\"from\":")
            append(decimal: UInt64(clamping: decision.from))
        case .unban, .bans, .unmute, .lock, .invite, .unlock, .host, .unhost, .whois: break
        }
    }

    fileprivate mutating func append(hidden decision: Decision) {
        append("\"server\":")
        append(decision.isOfServer ? "true" : "false")
        if let lock = decision.lock {
            append(",\"nonce\":\"")
            append(hexadecimal: lock.nonce)
            append("\",\"invitation\":\"")
            append(hexadecimal: lock.invitation)
            append("\",\"membersBelow\":")
            append(decimal: lock.membersBelow)
        }
        append(addresses: decision.addresses)
    }

    /// Appends until when a ban holds, and why.
    fileprivate mutating func append(_ ban: Sanction) {
        if let until = ban.shownUntil {
            append(",\"until\":")
            append(decimal: UInt64(clamping: until))
        }
        guard !ban.reason.isEmpty else { return }
        append(",\"reason\":")
        append(contentsOf: ban.reason)
    }

    /// Appends a client's own name for its request, if it has one.
    fileprivate mutating func append(_ reference: Reference?, _ bytes: Span<UInt8>) {
        guard let reference else { return }
        append(reference.name == .id ? ",\"id\":" : ",\"ref\":")
        append(copying: bytes.extracting(reference.range))
    }
}

extension Decision {
    /// Reads it out of an event of the log; nil where the line tells of nothing that this server knows.
    init?(_ event: EventLine, _ line: Span<UInt8>, in room: Room) {
        guard event.kind == .moderation, let fields = JSONFields(line), fields["action"].kind == .string,
            let action = Moderation.Action(rawValue: String(unescaping: fields["action"], of: line))
        else { return nil }
        self.init(action: action, seq: event.seq, time: event.time)
        if fields["toUser"].kind == .string, let user = UserID(line.extracting(fields["toUser"].range)) {
            person = room.peopleByUser[user]
        }
        until = JSONScanner.whole(line, fields["until"]).map { Int64(clamping: $0) } ?? .max
        from = Int64(clamping: JSONScanner.whole(line, fields["from"]) ?? 0)
        seconds = min(JSONScanner.whole(line, fields["seconds"]) ?? 0, Limits.slowSeconds.upperBound)
        if fields["reason"].kind == .string { reason.append(copying: line.extracting(fields["reason"].quotedRange)) }
        if fields["text"].kind == .string, !fields["text"].range.isEmpty {
            topic.append(copying: line.extracting(fields["text"].quotedRange))
        }
        guard event.hidden.kind == .object else { return }
        let hiddenText = line.extracting(event.hidden.range)
        guard let hidden = JSONFields(hiddenText) else { return }
        isOfServer =
            hidden["server"].kind == .boolean && hiddenText[hidden["server"].range.lowerBound] == UInt8(ascii: "t")
        lock = RoomSettings.Lock(hiddenText)
        lock?.seq = event.seq
        addresses = Array(wholeNumbers(hidden["addresses"], in: hiddenText).prefix(RoomRules.addressesOfPerson))
    }
}
