import Bytes
import Chat
import Testing

/// A chat with clients and a simulated disk, but without a network: what clients say goes in as inputs, and what comes out is
/// delivered to each client's transcript in the order in which the server would send it.
struct ChatHarness {
    var chat: Chat
    var inputs = TickInputs()
    var output = TickOutput()
    var disk = SimulatedDisk()
    /// Whether reads are answered in the next tick, and writes synced in it.
    var answersReads = true
    /// What each client has got, oldest first.
    var transcripts: [ConnectionID: [String]] = [:]
    var endings: [ConnectionID: Ending] = [:]
    /// How the HTTP requests of each connection came out, oldest first.
    var outcomes: [ConnectionID: [(outcome: WebOutcome, answer: JSON)]] = [:]
    /// All that went into the rooms and came out of them, as far as it is wanted.
    var recording: [UInt8] = []
    /// What rooms that other nodes serve, too, are to be given; and what has been asked of such a room.
    var proposals: [(room: String, input: [UInt8])] = []
    var sharedReads: [DiskRead] = []
    var takesProposals = true
    var isRecording = false { didSet { chat.keepsDigest = isRecording } }
    private var recorded: [UInt32: UInt32] = [:]  // the serial of each room that is in the recording, by its place
    private var ended: Set<ConnectionID> = []
    private var nextSlot: UInt32 = 0

    /// - Parameter slot: the place of the first connection; no two have one secret.
    init(limits: Limits = ChatHarness.unlimited(), firstSlot slot: UInt32 = 0) {
        nextSlot = slot
        chat = Chat(limits: limits, secret: ServerSecret(key: Array(repeating: 7, count: 32)))
    }

    static func durable() -> ChatHarness { ChatHarness(limits: unlimited(isDurable: true)) }

    /// Limits that do not get in the way of a test about something else.
    static func unlimited(isDurable: Bool = false) -> Limits {
        var limits = Limits(messagesPerSecond: 0, isDurable: isDurable)
        limits.typing = nil
        limits.renames = nil
        limits.history = nil
        limits.errors = nil
        return limits
    }

    // MARK: Inputs

    mutating func open(_ room: String = "lobby", address: UInt64 = 1) -> ConnectionID {
        let id = ConnectionID(slot: nextSlot, generation: 1)
        nextSlot += 1
        inputs.items.append(
            .opened(id, room: inputs.append(room), secret: Self.secret(of: id), address: address))
        return id
    }

    /// The secret that the session of a connection has if it joins as someone new.
    static func secret(of id: ConnectionID) -> UInt128 { 0xABCD << 64 | UInt128(id.slot) }

    /// The same as it stands in a welcome.
    static func newSession(of id: ConnectionID) -> String {
        var text: [UInt8] = []
        text.append(hexadecimal: secret(of: id))
        return String(decoding: text, as: UTF8.self)
    }

    mutating func send(_ id: ConnectionID, _ json: String) { inputs.items.append(.text(id, inputs.append(json))) }

    /// Says something, without ticking.
    mutating func say(_ id: ConnectionID, _ text: String, messageID: String? = nil) {
        send(id, "{\"type\":\"message\",\"text\":\(quoted(text))\(messageID.map { ",\"id\":\(quoted($0))" } ?? "")}")
    }

    mutating func rename(_ id: ConnectionID, _ name: String) {
        send(id, "{\"type\":\"rename\",\"username\":\(quoted(name))}")
    }

    /// Asks for something of a host's, without ticking; `fields` begin after the action.
    mutating func moderate(_ id: ConnectionID, _ action: String, _ fields: String = "") {
        send(id, "{\"type\":\"moderate\",\"action\":\"\(action)\"\(fields.isEmpty ? "" : ",")\(fields)}")
    }

    /// Makes the users with these keys operators, from the next tick on.
    mutating func appoint(_ letters: Character...) {
        let users = letters.map { letter in
            chat.secret.user(ofKey: Array(String(repeating: letter, count: 16).utf8).span)
        }
        chat.begin(with: ServerFacts(operators: Set(users)))
    }

    /// Asks something over HTTP, on a connection of its own if none is given, without ticking.
    mutating func ask(
        _ kind: WebRequest.Kind, room: String = "lobby", address: UInt64 = 1, on connection: ConnectionID? = nil
    ) -> ConnectionID {
        let id = connection ?? ConnectionID(slot: nextSlot, generation: 1)
        if connection == nil { nextSlot += 1 }
        inputs.items.append(.asked(id, WebRequest(kind, room: inputs.append(room), address: address)))
        return id
    }

    /// Posts a JSON text with the token of this name, without ticking.
    mutating func post(
        _ json: String, by name: String = "builds", room: String = "lobby", address: UInt64 = 1,
        on connection: ConnectionID? = nil
    ) -> ConnectionID {
        ask(.post(by: bot(name), content: inputs.append(json)), room: room, address: address, on: connection)
    }

    func bot(_ name: String) -> Bot {
        guard let username = Username(name) else { preconditionFailure("\(name) is no name") }
        return Bot(username, chat.secret)
    }

    /// Ticks until the request is answered, and takes the answer out.
    mutating func answer(_ id: ConnectionID) -> (outcome: WebOutcome?, answer: JSON) {
        tick()
        while answersReads, !disk.reads.isEmpty { tick() }
        let all = outcomes.removeValue(forKey: id) ?? []
        if all.count > 1 { Issue.record("a request has \(all.count) answers") }
        return (all.last?.outcome, all.last?.answer ?? JSON("{}"))
    }

    mutating func close(_ id: ConnectionID, _ departure: Departure) { inputs.items.append(.closed(id, departure)) }

    /// Opens a connection and sends a join, without ticking.
    mutating func arrive(_ name: String, room: String = "lobby", address: UInt64 = 1, more: String = "")
        -> ConnectionID
    {
        let id = open(room, address: address)
        send(id, "{\"type\":\"join\",\"username\":\(quoted(name))\(more)}")
        return id
    }

    /// Opens a connection and joins; the room is loaded if it has to be.
    mutating func join(_ name: String, room: String = "lobby", address: UInt64 = 1, more: String = "") -> ConnectionID {
        let id = arrive(name, room: room, address: address, more: more)
        tick()
        while answersReads, !disk.reads.isEmpty { tick() }
        return id
    }

    /// The same with a key of 16 times the same letter.
    mutating func join(_ name: String, key letter: Character, room: String = "lobby", address: UInt64 = 1)
        -> ConnectionID
    {
        join(name, room: room, address: address, more: ",\"key\":\"\(String(repeating: letter, count: 16))\"")
    }

    /// Opens a connection that waits for a stranger, with a key of 16 times the same letter, without ticking.
    mutating func seekStranger(key letter: Character, address: UInt64 = 1, more: String = "") -> ConnectionID {
        let id = openForPairing(address: address)
        send(id, "{\"type\":\"join\",\"key\":\"\(String(repeating: letter, count: 16))\"\(more)}")
        return id
    }

    mutating func openForPairing(address: UInt64 = 1) -> ConnectionID {
        let id = ConnectionID(slot: nextSlot, generation: 1)
        nextSlot += 1
        inputs.items.append(.openedForPairing(id, secret: Self.secret(of: id), address: address))
        return id
    }

    /// Joins with a session and a `since`.
    mutating func comeBack(_ session: String, since: Int? = nil, name: String = "x", room: String = "lobby")
        -> ConnectionID
    {
        join(name, room: room, more: ",\"session\":\"\(session)\"" + (since.map { ",\"since\":\($0)" } ?? ""))
    }

    // MARK: The tick

    mutating func tick(after milliseconds: Int64 = 1) {
        inputs.moment.now += milliseconds
        inputs.moment.time = 1_700_000_000_000 + inputs.now
        if answersReads { answerReads() }
        output.removeAll()
        chat.admit(&inputs, into: &output)
        chat.share(inputs.bytes, into: &output) { room, input in
            if takesProposals { proposals.append((room, input)) }
            return takesProposals
        }
        record()
        // A copy: no part of the harness can be lent while another is changed.
        let bytes = inputs.bytes
        chat.update(bytes.span, into: &output)
        let failed = disk.write(output.written, of: chat)
        chat.settle(failed: failed, ticket: disk.ticket, bytes.span, into: &output)
        if isRecording {
            Recording.appendOutcome(Recording.Outcome(failed: failed, digest: chat.digest), to: &recording)
        }
        deliver()
        chat.endTick(output)
        if chat.limits.rules.isShared { sharedReads += output.reads } else { disk.reads += output.reads }
        inputs.removeAll()
        for index in output.erasures where !chat.limits.rules.isShared {
            let folded = disk.fold(chat.rooms[Int(index)], erases: true)
            inputs.items.append(.folded(room: index, folded))
        }
        if let error = chat.bookkeepingError { Issue.record("\(error)") }
        // They have had all that was for them, and are closed then.
        for (id, ending) in output.endings where !ending.isDone { close(id, .lost) }
    }

    /// Writes this tick's inputs down, with the rooms that have their first.
    private mutating func record() {
        guard isRecording else { return }
        for work in chat.work {
            let room = chat.rooms[Int(work.room)]
            var isLoaded = false
            if case .restarted = work.input { isLoaded = true }
            if recorded.updateValue(room.serial, forKey: work.room) != room.serial || isLoaded {
                Recording.appendRoom(room, at: work.room, to: &recording)
            }
        }
        let bytes = inputs.bytes
        Recording.appendInputs(chat.work, of: bytes.span, at: inputs.moment, to: &recording)
    }

    /// Delivers as the server does: walks the entries that are due, each to those that it is for.
    private mutating func deliver() {
        for (id, ending) in output.endings { endings[id] = ending }
        for (id, outcome, range) in output.responses { respond(id, outcome, output.bytes[range]) }
        for (id, range) in output.answers { give(id, output.bytes[range]) }
        for due in output.due {
            let room = chat.rooms[Int(due.room)]
            for entry in room.pending where entry.number < due.below && (due.includesShared || !entry.isShared) {
                deliver(entry, of: room)
            }
        }
    }

    private mutating func deliver(_ entry: Entry, of room: Room) {
        let text = (entry.isEvent ? room.lines : room.texts)[entry.range]
        switch entry.audience {
        case .everyone, .everyoneBut:
            for id in room.present where entry.audience != .everyoneBut(id) {
                if room.hearsFrom(id) <= entry.number { give(id, text) }
            }
        case .one(let id), .newcomer(let id):
            if case .end = entry.kind {
                ended.insert(id)
            } else if entry.kind == .welcome {
                var session: [UInt8] = []
                session.append(hexadecimal: chat.sessionSecret(of: id))
                give(id, text + Array(",\"session\":\"".utf8) + session + Array("\"".utf8))
            } else if case .completed(.invitation(let nonce)) = entry.kind {
                let invitation = chat.secret.invitation(to: room.name, nonce: nonce)
                give(id, text + Array(",\"invite\":\"".utf8) + invitation + Array("\"".utf8))
            } else if case .response(let outcome) = entry.kind {
                respond(id, outcome, text)
            } else {
                give(id, text)
            }
        }
    }

    private mutating func respond(_ id: ConnectionID, _ outcome: WebOutcome, _ text: ArraySlice<UInt8>) {
        outcomes[id, default: []].append((outcome, JSON(String(decoding: text, as: UTF8.self) + "}")))
    }

    private mutating func give(_ id: ConnectionID, _ text: ArraySlice<UInt8>) {
        if ended.contains(id) { Issue.record("something is sent to \(id) after its end") }
        transcripts[id, default: []].append(String(decoding: text, as: UTF8.self) + "}")
    }

    // MARK: The disk's answers

    /// Has all that waits to be read answered in the next tick.
    mutating func answerReads(failing: Bool = false) {
        for read in disk.reads {
            let room = chat.rooms[Int(read.room)]
            disk.answer(read, of: room, fails: failing, to: &inputs)
        }
        disk.reads = []
    }

    /// What has been written so far is on the disk itself, in the next tick.
    mutating func sync() {
        guard let ticket = disk.ticket else { return }
        inputs.items.append(.synced(ticket: ticket))
        disk.ticket = ticket + 1
    }

    /// The process is killed and started again: what is on the disk is all that is left.
    mutating func restart() {
        var next = ChatHarness(limits: chat.limits)
        next.disk = disk
        next.disk.reads = []
        next.inputs.moment = inputs.moment
        next.nextSlot = nextSlot
        next.answersReads = answersReads
        self = next
    }

    // MARK: What was got

    /// Takes out what a client has got since the last call, read as JSON.
    mutating func take(_ id: ConnectionID) -> [JSON] {
        defer { transcripts[id] = [] }
        return (transcripts[id] ?? []).map(JSON.init)
    }

    /// The same in short, for comparing: type and name, text, code, or what there is.
    mutating func heard(_ id: ConnectionID) -> [String] { take(id).map(\.short) }

    /// Takes out all, and returns the session of the welcome among it.
    mutating func session(_ id: ConnectionID) -> String {
        take(id).first { $0.type == "welcome" }?["session"] ?? "none"
    }

    /// A room by its name.
    func room(_ name: String = "lobby") -> Room {
        chat.rooms.first { $0.name == name } ?? Room(name: "", rules: chat.limits.rules, isLoaded: false)
    }
}

extension Room {
    /// All that the room would be made of again.
    var snapshot: String {
        var bytes: [UInt8] = []
        var cursor = SnapshotCursor()
        while !cursor.isDone { appendSnapshot(from: &cursor, limit: 1 << 30, to: &bytes) }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension TickInputs {
    /// Adds a text, and says where it is.
    mutating func append(_ text: String) -> Range<Int> { append(Array(text.utf8).span) }
}
