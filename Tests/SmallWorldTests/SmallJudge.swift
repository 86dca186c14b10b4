@testable import Chat

/// What must hold in a small world, by what its people are told. It knows the protocol, and nothing of how rooms work.
struct SmallJudge {
    struct Member: Hashable {
        var user: String
        var session: String
        /// The connection on which it was welcomed, until that is closed; and before when it may not leave.
        var connection: ConnectionID?
        var staysUntil: Int64?
    }

    /// What has become of a message.
    struct Message: Hashable {
        var author: String
        var text: String
        var textSeq: UInt64
        var deletion: UInt64?
        var reactions: [String: UInt64] = [:]
    }

    private(set) var failure: String?
    /// The room's events, from 1 on, and how often they have begun anew.
    private(set) var events: [Told] = []
    private(set) var life = 0
    /// Events before this one were never written, and are gone with their process.
    private var floor: UInt64 = 1
    private(set) var members: [String: Member] = [:]
    private var newcomers: [String: Member] = [:]
    private var messages: [UInt64: Message] = [:]
    /// The event of each identifier that a user has used.
    private var used: [String: UInt64] = [:]
    private var bans: [String: Int64] = [:]
    private var host: String?
    private var hasSpoken = false
    private var trace = 0
    /// The tick: what closes in it, who is put out in it, and whether the disk fails.
    var closing: [ConnectionID: Departure] = [:]
    private var putOut: Set<String> = []
    private var now: Int64 = 0
    private var mayFail = false
    /// Whether it did in the tick before: a refusal may have to wait for the answer to an earlier question.
    private var hasFailed = false

    var newest: UInt64 { UInt64(events.count) }

    mutating func fail(_ reason: String) { failure = failure ?? reason }

    mutating func beginTick(now: Int64, mayFail: Bool) {
        hasFailed = self.mayFail
        (self.now, self.mayFail) = (now, mayFail)
        (closing, putOut) = ([:], [])
    }

    /// The tick's write is refused.
    mutating func noteRefusal() { mayFail = true }

    func event(_ seq: UInt64) -> Told? { seq >= 1 && seq <= newest ? events[Int(seq) - 1] : nil }
    func isBanned(_ user: String) -> Bool { bans[user].map { now < $0 } ?? false }
    func isInside(_ id: ConnectionID) -> Bool { name(of: id) != nil }
    func name(of id: ConnectionID) -> String? { members.first { $0.value.connection == id }?.key }
    private func hasReacted(_ user: String, to message: UInt64) -> Bool {
        messages[message]?.reactions[user] != nil
    }

    func newestMessage(through seq: UInt64, by user: String?) -> UInt64? {
        messages.filter { $0.key <= seq && (user == nil || $0.value.author == user) }.keys.max()
    }

    func hash(into hasher: inout Hasher) {
        hasher.combine(trace)
        hasher.combine(life)
        hasher.combine(floor)
        hasher.combine(members)
        hasher.combine(bans)
    }

    // MARK: Events

    /// Takes the next event, given without its closing bracket.
    mutating func take(_ text: [UInt8]) {
        let event = Told(text)
        guard event.number("seq") == newest + 1 else { return fail("\(event) follows \(newest)") }
        events.append(event)
        var hasher = Hasher()
        hasher.combine(trace)
        hasher.add(text)
        trace = hasher.finalize()
        let (kind, name, user) = (event["type"], event["username"] ?? "", event["user"] ?? "")
        if kind != "join", members[name]?.user != user { return fail("\(event): who is not there") }
        switch kind {
        case "join":
            guard let member = newcomers.removeValue(forKey: name) else {
                return fail("\(event): without a welcome")
            }
            if member.user != user { fail("\(event): is somebody else") }
            if members.updateValue(member, forKey: name) != nil { fail("\(event): was there") }
        case "leave": leave(event, name)
        case "rename":
            guard let member = members.removeValue(forKey: name), let to = event["to"] else { return }
            if members.updateValue(member, forKey: to) != nil { fail("\(event): another has that name") }
        default: say(event, user)
        }
    }

    private mutating func leave(_ event: Told, _ name: String) {
        guard let member = members.removeValue(forKey: name) else { return }
        let isClosed =
            member.connection.map { closing[$0] == .left } ?? (member.staysUntil ?? .max <= now)
        if !isClosed, !putOut.contains(member.user) { fail("\(event): for no reason") }
    }

    private mutating func say(_ event: Told, _ user: String) {
        if used.updateValue(event.number("seq") ?? 0, forKey: "\(user) \(event["id"] ?? "")") != nil {
            fail("\(event): for the second time")
        }
        if isBanned(user) { fail("\(event): is banned") }
        if event["type"] == "message" {
            // (Users without a key are nobody's host: in these worlds they speak later.)
            if !hasSpoken { host = user }
            hasSpoken = true
            messages[newest] = Message(author: user, text: event["text"] ?? "", textSeq: newest)
        } else if event["type"] == "moderation" {
            moderate(event, user)
        } else {
            change(event, user)
        }
    }

    private mutating func moderate(_ event: Told, _ user: String) {
        let target = event["toUser"] ?? ""
        if user != host || target == user { fail("\(event): has no right to") }
        switch event["action"] {
        case "kick": bans[target] = max(bans[target] ?? 0, now + 60_000)
        case "ban": bans[target] = .max
        default: bans[target] = nil
        }
        if event["action"] != "unban" { putOut.insert(target) }
    }

    private mutating func change(_ event: Told, _ user: String) {
        guard let target = event.number("target"), var message = messages[target] else {
            return fail("\(event): about no message")
        }
        if message.deletion != nil { fail("\(event): about a message that was deleted") }
        switch event["type"] {
        case "edit":
            if message.author != user { fail("\(event): has no right to") }
            (message.text, message.textSeq) = (event["text"] ?? "", newest)
        case "delete":
            if message.author != user, host != user { fail("\(event): has no right to") }
            (message.deletion, message.reactions) = (newest, [:])
        default:
            let isNews = event.holds("on") == (message.reactions[user] == nil)
            if !isNews { fail("\(event): changes nothing") }
            message.reactions[user] = event.holds("on") ? newest : nil
        }
        messages[target] = message
    }

    /// At the end of a tick: whose connection was closed in it is away.
    mutating func noteDepartures() {
        for (id, departure) in closing {
            guard let name = name(of: id) else { continue }
            let grace: Int64 = departure == .left ? 0 : departure == .wentAway ? 5_000 : 30_000
            members[name]?.connection = nil
            members[name]?.staysUntil = now + grace
        }
        for (name, member) in members where putOut.contains(member.user) {
            fail("\(name) was put out, and is there")
        }
        if !newcomers.isEmpty { fail("\(newcomers.keys.sorted()) do not join after their welcome") }
    }

    /// The room was empty, and had no file: nobody knows it any more.
    mutating func forget() { floor = newest + 1 }

    /// The process is another one, which knows what was kept: all, or nothing.
    mutating func restart(firstKept: UInt64?, now: Int64) {
        guard let firstKept else {
            let next = life + 1
            self = SmallJudge()
            life = next
            return
        }
        floor = max(floor, firstKept)
        for name in members.keys {
            members[name]?.connection = nil
            members[name]?.staysUntil = now + 30_000
        }
    }

    // MARK: Answers

    /// Judges a welcome, and notes who is there now.
    mutating func welcome(_ id: ConnectionID, _ told: Told, to person: SmallWorld.Person) {
        let (name, user, session) = (told["username"] ?? "", told["user"] ?? "", told["session"] ?? "")
        if isBanned(user) { fail("\(name) is banned, and is welcomed") }
        if let claimed = person.claimed,
            let own = members.first(where: { $0.value.session == claimed })?.key
        {
            // The secret is no longer known of a connection that is gone when it is welcomed.
            if name != own || (session != claimed && closing[id] == nil) {
                fail("\(own) comes back, and is welcomed as \(name)")
            }
            members[name]?.connection = id
            members[name]?.staysUntil = nil
        } else {
            if members[name] != nil || newcomers[name] != nil { fail("\(name) is new, and is there") }
            if session == person.claimed { fail("\(name) is new, and has an old session") }
            newcomers[name] = Member(user: user, session: session, connection: id)
        }
        let there = Set(members.keys).union([name])
        if told["users"] != there.sorted().joined(separator: " ")
            || told.number("userCount") != UInt64(there.count)
        {
            fail("\(name) is told of \(told["users"] ?? "nobody"), and there are \(there.sorted())")
        }
        if told.number("seq") != newest {
            fail("\(name) is told of \(told.number("seq") ?? 0), and not of \(newest)")
        }
        judgeHistory(told, person)
    }

    private mutating func judgeHistory(_ told: Told, _ person: SmallWorld.Person) {
        let (shown, gap) = (told.lists["history"] ?? [], told.holds("gap"))
        let since = person.claimed == nil ? nil : person.cursor
        if since != nil, person.life != life {
            // It knows another history.
            return
        }
        let wanted = events.enumerated().filter { place, event in
            let seq = UInt64(place) + 1
            return seq >= floor && (since.map { seq > $0 } ?? (event["type"] == "message"))
        }.map(\.element)
        // What the disk does not give is a gap.
        let isLacking = since.map { $0 + 1 < floor } ?? false
        guard gap == isLacking || mayFail && gap else {
            return fail("\(person.name) is told a gap: \(gap)")
        }
        if mayFail && gap { return }
        if wanted.count != shown.count || !zip(wanted, shown).allSatisfy({ isShown($0, as: $1) }) {
            fail("\(person.name) is told \(shown) since \(since ?? 0), and not \(wanted)")
        }
    }

    /// Whether an event is shown as it is now.
    private func isShown(_ event: Told, as told: Told) -> Bool {
        let target = event["type"] == "edit" ? event.number("target") : event.number("seq")
        guard event["type"] == "message" || event["type"] == "edit", let target,
            let message = messages[target]
        else {
            return told == event
        }
        guard told["seq"] == event["seq"], told["id"] == event["id"], told["user"] == event["user"]
        else {
            return false
        }
        let isEdit = event["type"] == "edit"
        if isEdit {
            let isNewest = message.textSeq == event.number("seq") && message.deletion == nil
            return isNewest ? told == event : told["text"] == nil
        }
        let names = message.deletion == nil ? message.reactions.count : 0
        return told["text"] == (message.deletion == nil ? message.text : nil)
            && told.holds("deleted") == (message.deletion != nil)
            && (told["edited"] != nil) == (message.textSeq != target && message.deletion == nil)
            && (told.lists["reactions"]?.first?.lists["👍"]?.first?.number("count") ?? 0) == UInt64(names)
    }

    /// Judges what somebody is told who has asked for something.
    mutating func answer(
        _ id: ConnectionID, _ told: Told, to person: SmallWorld.Person, _ request: SmallWorld.Request?
    ) {
        switch told["type"] {
        case "error":
            let code = told["code"] ?? ""
            if !isRight(code, id, person, request) {
                fail("\(person.name) is refused for no reason: \(told)")
            }
        case "done":
            guard let request, let seq = told.number("seq") else {
                return fail("\(told) is asked for by nobody")
            }
            let known = used["\(person.user) \(request.id)"]
            if known.map({ $0 != seq }) ?? !isSo(request, person.user) { fail("\(told): it is not") }
        case "message":
            let known = request.flatMap { used["\(person.user) \($0.id)"] }
            guard let known, let event = event(known), isShown(event, as: told) else {
                return fail("\(person.name) is told what is not so: \(told)")
            }
        default: fail("\(person.name) is told \(told)")
        }
    }

    /// Whether nothing is left to do of what is asked for.
    private func isSo(_ request: SmallWorld.Request, _ user: String) -> Bool {
        switch request.kind {
        case .delete: messages[request.target]?.deletion != nil
        case .react: hasReacted(user, to: request.target)
        case .unreact: !hasReacted(user, to: request.target)
        case .ban: bans[request.text] == .max
        case .unban: !isBanned(request.text)
        default: false
        }
    }

    private func isRight(
        _ code: String, _ id: ConnectionID, _ person: SmallWorld.Person, _ request: SmallWorld.Request?
    ) -> Bool {
        let message = messages[request?.target ?? 0]
        let isHost = host == person.user
        switch (code, request?.kind) {
        case ("storage_failed", _): return mayFail || hasFailed
        case ("username_taken", nil):
            return members[person.wanted] != nil || newcomers[person.wanted] != nil
        case ("banned", nil): return isBanned(person.user)
        case ("not_joined", _): return !isInside(id)
        case ("not_found", .edit), ("not_found", .react), ("not_found", .unreact),
            ("not_found", .delete):
            return message.map { $0.deletion != nil } ?? true
        case ("not_found", .kick), ("not_found", .ban), ("not_found", .unban): return true
        case ("not_allowed", .delete): return !isHost && message?.author != person.user
        case ("not_allowed", .kick), ("not_allowed", .ban), ("not_allowed", .unban): return !isHost
        default: return false
        }
    }
}
