import Bytes

@testable import Chat

/// A chat with one room, its log, and two or three people who may do anything at any time: one state of a small world.
///
/// All of it is a value, so that one can go on from a state in every way that there is. Time stands still unless a move lets it
/// pass: then states that are reached in several ways are the same.
struct SmallWorld {
    /// What a person can ask for.
    enum Ask: String, Hashable {
        case join, resume, leave, goAway, lose, message, again, edit, delete, react, unreact, rename,
            kick, ban, unban

        /// Whether only a member can do it.
        var isForMembers: Bool {
            switch self {
            case .join, .resume, .leave, .goAway, .lose: false
            default: true
            }
        }
    }

    /// What becomes of a tick: its write is refused, its reads fail, or the process is killed when all is written and nothing is sent.
    enum Fate: String, Hashable { case fine, refused, unread, killed }

    /// One step of a history.
    enum Move: Hashable, CustomStringConvertible {
        /// What a person asks for is on its way: the next tick gets it.
        case ask(Int, Ask)
        /// The same for one that comes back after a kill.
        case comeBack(Int, Ask)
        /// The server runs a tick; a late one comes when the next deadline has.
        case tick(Fate, isLate: Bool)
        /// The process is killed between two ticks, and what is on its way is lost.
        case kill
        /// A minute passes.
        case wait

        var description: String {
            switch self {
            case .ask(let person, let ask), .comeBack(let person, let ask): "p\(person): \(ask.rawValue)"
            case .tick(let fate, let isLate):
                (isLate ? "late tick" : "tick") + (fate == .fine ? "" : ", \(fate.rawValue)")
            case .kill: "kill"
            case .wait: "a minute passes"
            }
        }
    }

    /// What is on its way to the server.
    enum Parcel: Hashable {
        case opened(ConnectionID, secret: UInt64)
        case text(ConnectionID, String)
        case closed(ConnectionID, Departure)
    }

    /// A request that has an identifier.
    struct Request: Hashable {
        var id: String
        var kind: Ask
        var target: UInt64
        var text: String
    }

    struct Person: Hashable {
        let number: Int
        /// Its user: of one without a key what its newest welcome says.
        var user: String
        /// How much it may still do; and how often it may come back beside, after kills.
        var left: Int
        var returns = 0
        var connection: ConnectionID?
        /// A connection that it has given up, of which the server does not know.
        var old: ConnectionID?
        /// How many connections it has had.
        var connections: UInt32 = 0
        var isJoining = false
        var isIn = false
        /// The session that it was given last, the one that it has claimed, and the name that it has asked for.
        var session: String?
        var claimed: String?
        var wanted = ""
        /// The newest event that it knows, and of which life of the room.
        var cursor: UInt64?
        var life = 0
        var ids = 0
        /// The request that it may send again, and those that are not answered.
        var last: Request?
        var open: [Request] = []

        var name: String { "p\(number)" }
        /// All but the third have a key.
        var key: String? { number < 2 ? String(repeating: "\(number)", count: 16) : nil }
    }

    /// What can still happen, beside what people do.
    struct Bounds: Hashable {
        var kills = 1
        var refusals = 1
        var waits = 0
        /// Parcels that can be on their way at once.
        var batch = 2
    }

    static let secret = ServerSecret(key: Array(repeating: 7, count: 32))
    static let limits = {
        var limits = Limits(messagesPerSecond: 0, isDurable: true)
        (limits.typing, limits.renames, limits.history, limits.errors) = (nil, nil, nil, nil)
        return limits
    }()

    /// What each person does, one thing after the other; or where that is given, so many of these things in any order.
    let asks: [[Ask]]
    let count: Int?
    private(set) var flaw: Flaw?
    var chat = Chat(limits: limits, secret: secret)
    var disk = SmallDisk()
    var judge = SmallJudge()
    var people: [Person]
    var bounds = Bounds()
    var now: Int64 = 0
    /// What is on its way; and what the world does by itself in the next tick.
    var parcels: [Parcel] = []
    var followUps: [Parcel] = []
    var folded: Folded?
    /// Each person as it was when it asked to come in, by the connection, until it is told that it is.
    var joins: [ConnectionID: Person] = [:]
    /// What tells the server of this state from others; it changes with ticks alone.
    var chatKey = 0

    /// - Parameters:
    ///   - asks: what each person does.
    ///   - count: how many things of that each does, where the order is any.
    ///   - beginning: what has happened before.
    init(
        _ asks: [[Ask]], count: Int? = nil, _ bounds: Bounds = Bounds(), after beginning: [Move] = [],
        flaw: Flaw? = nil
    ) {
        (self.asks, self.count) = (asks, count)
        people = asks.indices.map { Person(number: $0, user: "", left: 0) }
        for number in people.indices {
            guard let key = people[number].key else { continue }
            var user: [UInt8] = []
            Self.secret.user(ofKey: Array(key.utf8).span).append(to: &user)
            people[number].user = String(decoding: user, as: UTF8.self)
        }
        for move in beginning { take(move) }
        for number in people.indices { people[number].left = count ?? asks[number].count }
        (self.bounds, self.flaw) = (bounds, flaw)
    }

    // MARK: Moves

    /// All that can happen next.
    var moves: [Move] {
        var moves: [Move] = []
        if parcels.count < bounds.batch {
            for person in people {
                for ask in nextAsks(of: person) { moves.append(.ask(person.number, ask)) }
                if let ask = comeback(of: person) { moves.append(.comeBack(person.number, ask)) }
            }
        }
        if hasWork {
            moves.append(.tick(.fine, isLate: false))
            if bounds.refusals > 0 { moves.append(.tick(.refused, isLate: false)) }
            if bounds.refusals > 0, !disk.reads.isEmpty { moves.append(.tick(.unread, isLate: false)) }
            if bounds.kills > 0 { moves.append(.tick(.killed, isLate: false)) }
        }
        if let deadline = chat.nextDeadline, deadline > now {
            moves.append(.tick(.fine, isLate: true))
            if bounds.refusals > 0 { moves.append(.tick(.refused, isLate: true)) }
            if bounds.kills > 0 { moves.append(.tick(.killed, isLate: true)) }
        }
        if bounds.kills > 0 { moves.append(.kill) }
        if bounds.waits > 0 { moves.append(.wait) }
        return moves
    }

    /// Whether a tick has something to do.
    var hasWork: Bool {
        !parcels.isEmpty || !followUps.isEmpty || !disk.reads.isEmpty || folded != nil
            || chat.nextDeadline.map { $0 <= now } ?? false
    }

    /// What is next for a person: things in its plan that cannot be done are left out.
    private func nextAsks(of person: Person) -> [Ask] {
        let plan = asks[person.number]
        guard count == nil else { return person.left > 0 ? plan.filter { canAsk($0, person) } : [] }
        return plan.suffix(person.left).first { canAsk($0, person) }.map { [$0] } ?? []
    }

    /// What a person does whose connection a kill has ended.
    private func comeback(of person: Person) -> Ask? {
        guard person.returns > 0, person.connection == nil, person.old == nil else { return nil }
        let ask: Ask = person.session == nil ? .join : .resume
        return nextAsks(of: person).contains(ask) ? nil : ask
    }

    private func canAsk(_ ask: Ask, _ person: Person) -> Bool {
        switch ask {
        case .join: person.connection == nil && person.session == nil && person.old == nil
        case .resume: person.session != nil && person.old == nil && !person.isJoining
        case .leave, .goAway, .lose: person.connection != nil
        case .again: person.isIn && person.last != nil
        case .edit: person.isIn && newestMessage(knownTo: person, by: person.user) != nil
        case .delete, .react, .unreact: person.isIn && newestMessage(knownTo: person, by: nil) != nil
        case .message, .rename, .kick, .ban, .unban: person.isIn
        }
    }

    private func newestMessage(knownTo person: Person, by user: String?) -> UInt64? {
        judge.newestMessage(through: person.cursor ?? 0, by: user)
    }

    mutating func take(_ move: Move) {
        switch move {
        case .ask(let number, let ask):
            let plan = asks[number].suffix(max(0, people[number].left))
            if count != nil {
                people[number].left -= 1
            } else if let place = plan.firstIndex(of: ask) {
                people[number].left = plan.endIndex - place - 1
            }
            self.ask(number, ask)
        case .comeBack(let number, let ask):
            people[number].returns -= 1
            self.ask(number, ask)
        case .tick(let fate, let isLate):
            if isLate, let deadline = chat.nextDeadline { now = max(now, deadline) }
            tick(fate)
            noteChatKey()
        case .kill:
            bounds.kills -= 1
            kill()
            noteChatKey()
        case .wait:
            bounds.waits -= 1
            now += 60_000
        }
    }

    private mutating func ask(_ number: Int, _ ask: Ask) {
        let person = people[number]
        switch ask {
        case .join: join(number, as: nil)
        case .resume: join(number, as: person.session)
        case .leave, .goAway, .lose:
            close(number, ask == .leave ? .left : ask == .goAway ? .wentAway : .lost)
        case .again:
            guard let request = person.last else { return }
            send(request, number)
        case .rename:
            people[number].wanted = person.wanted == "x" ? person.name : "x"
            text(number, "{\"type\":\"rename\",\"username\":\"\(people[number].wanted)\"}")
        case .message, .edit, .delete, .react, .unreact, .kick, .ban, .unban:
            people[number].ids += 1
            let id = "\(number)-\(person.ids)"
            let target = newestMessage(knownTo: person, by: ask == .edit ? person.user : nil) ?? 0
            let other = people[number == 0 ? 1 : 0].user
            let text =
                switch ask {
                case .message, .edit: "t\(id)"
                default: other
                }
            let request = Request(id: id, kind: ask, target: target, text: text)
            people[number].last = request
            send(request, number)
        }
    }

    private mutating func send(_ request: Request, _ number: Int) {
        let body =
            switch request.kind {
            case .message: "\"message\",\"text\":\"\(request.text)\""
            case .edit: "\"edit\",\"target\":\(request.target),\"text\":\"\(request.text)\""
            case .delete: "\"delete\",\"target\":\(request.target)"
            case .react, .unreact:
                "\"react\",\"target\":\(request.target),\"emoji\":\"👍\",\"on\":\(request.kind == .react)"
            default: "\"moderate\",\"action\":\"\(request.kind.rawValue)\",\"user\":\"\(request.text)\""
            }
        people[number].open.append(request)
        text(number, "{\"type\":\(body),\"id\":\"\(request.id)\"}")
    }

    private mutating func text(_ number: Int, _ text: String) {
        if let connection = people[number].connection { parcels.append(.text(connection, text)) }
    }

    private mutating func join(_ number: Int, as session: String?) {
        var person = people[number]
        person.old = person.connection
        // Two places in turn: the connection that was given up may still have the other.
        let slot = UInt32(number) * 2 + person.connections % 2
        let connection = ConnectionID(slot: slot, generation: person.connections + 1)
        person.connections += 1
        (person.connection, person.isJoining, person.isIn) = (connection, true, false)
        (person.claimed, person.wanted, person.open) = (session, person.name, [])
        if session == nil { person.cursor = nil }
        people[number] = person
        joins[connection] = person
        parcels.append(.opened(connection, secret: UInt64(number) << 32 | UInt64(person.connections)))
        var text = "{\"type\":\"join\",\"username\":\"\(person.name)\""
        if let key = person.key { text += ",\"key\":\"\(key)\"" }
        if let session, let cursor = person.cursor {
            text += ",\"session\":\"\(session)\",\"since\":\(cursor)"
        }
        parcels.append(.text(connection, text + "}"))
    }

    private mutating func close(_ number: Int, _ departure: Departure) {
        guard let connection = people[number].connection else { return }
        parcels.append(.closed(connection, departure))
        people[number].forgetConnection()
        if departure == .left { people[number].session = nil }
    }

    /// The process is gone, and another one has begun, which has the log alone.
    mutating func kill() {
        chat = Chat(limits: Self.limits, secret: Self.secret)
        if disk.isErasing { chat.unfinishedErasures = [SmallDisk.room] }
        (parcels, followUps, folded, joins, disk.reads) = ([], [], nil, [:], [])
        flaw?.damage(&disk)
        judge.restart(firstKept: disk.lines.isEmpty ? nil : disk.firstSeq, now: now)
        for number in people.indices {
            if people[number].connection != nil { people[number].returns += 1 }
            people[number].forgetConnection()
            people[number].old = nil
        }
    }
}

extension SmallWorld.Person {
    /// Its connection is no more.
    mutating func forgetConnection() {
        (connection, isJoining, isIn, open) = (nil, false, false, [])
    }
}
