/// What hosts have decided.
struct Sanctions {
    /// Until when each user is banned, or muted.
    var bans: [String: Int64] = [:]
    var mutes: [String: Int64] = [:]
    /// Users who are hosts no more.
    var unhosted: Set<String> = []
    /// The event that has locked the room, and the users who were there; nil where they are not known.
    var lock: (seq: UInt64, users: Set<String>)?
}

extension Order {
    /// Whether somebody may do what an event says, by the events before it; and what follows from it.
    ///
    /// - Parameter present: who was there before; nil where that is not known.
    mutating func judgeRights(of event: Message, _ seq: UInt64, _ client: String, present: [Present]?) {
        func fail(_ rule: Checker.Rule, _ reason: String) { report.add(rule, client, "event \(seq): \(reason)") }
        let (author, time, name) = (event.author, event.time ?? 0, event.username ?? "")
        // What has lapsed once does not hold again where the clock goes back.
        if let until = sanctions.bans[author], time >= until { sanctions.bans[author] = nil }
        if let until = sanctions.mutes[author], time >= until { sanctions.mutes[author] = nil }
        if let until = sanctions.bans[author], time < until, event.type != "leave" {
            fail(.putOut, "\(name) is banned: \(event.brief)")
        }
        if let until = sanctions.mutes[author], time < until,
            ["message", "edit", "react", "rename"].contains(event.type)
        {
            fail(.putOut, "\(name) is muted: \(event.brief)")
        }
        if event.type == "join" { judgeEntrance(event, seq) }
        guard event.type == "moderation" else { return }
        if sanctions.unhosted.contains(author) { fail(.right, "\(name) is no host any more: \(event.brief)") }
        switch event.action {
        case "lock": lock(seq, present)
        case "unlock": sanctions.lock = nil
        default: break
        }
        guard let user = event.toUser else { return }
        switch event.action {
        case "ban": sanctions.bans[user] = event.until ?? .max
        case "unban": sanctions.bans[user] = nil
        case "mute": sanctions.mutes[user] = event.until ?? .max
        case "unmute": sanctions.mutes[user] = nil
        case "host": sanctions.unhosted.remove(user)
        case "unhost": sanctions.unhosted.insert(user)
        default: break
        }
    }

    private mutating func lock(_ seq: UInt64, _ present: [Present]?) {
        let users = present?.compactMap(\.user) ?? []
        sanctions.lock = users.count == present?.count ? (seq, Set(users)) : nil
    }

    /// Somebody has come in: through an open door, or with a right to it.
    private mutating func judgeEntrance(_ join: Message, _ seq: UInt64) {
        guard let lock = sanctions.lock, let entrance = evidence.entrances[seq], join.role == nil,
            !lock.users.contains(join.author)
        else { return }
        // The next lock makes other invitations, which are told from then on.
        let next = locks.first { $0 > lock.seq } ?? .max
        let isInvited = evidence.invitations.contains {
            $0.invitation == entrance.invitation && $0.seq >= lock.seq && $0.seq < next
        }
        if !isInvited {
            report.add(
                .right, entrance.client,
                "event \(seq): \(join.username ?? "") came in, and event \(lock.seq) had locked the room")
        }
    }
}
