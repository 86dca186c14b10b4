/// The chat itself: rooms, people, sessions and what they say.
///
/// It is a value and does nothing outside itself. A tick is three calls, always in this order:
///
/// 1. `update` takes what has happened and decides what follows.
/// 2. `settle` is told which rooms' new events the disk has not taken, and takes those back.
/// 3. `endTick` is told that everything has been handed on.
///
/// Between the first two the caller writes the journal and then each room's `unwritten` lines; between the last two it
/// sends. So nothing is ever sent that is not written.
package struct Chat: Sendable {
    package let limits: Limits

    // This tick's time; see TickInputs.
    var now: Int64 = 0
    var time: Int64 = 0

    /// By the connection's slot.
    var visitors: [Visitor] = []
    /// By place; a place without a room has an empty name.
    package internal(set) var rooms: [Room] = []
    var roomsByName: [String: UInt32] = [:]
    var vacantRooms: [UInt32] = []
    /// Rooms that have become empty, oldest first; some may have been entered again since.
    var emptied = Queue<UInt32>()

    var dropped: [String] = []

    /// Where each session is, by the hash of its secret.
    var sessions: [Bits128: (room: UInt32, member: UInt32)] = [:]
    /// Those whose time of grace is running.
    var graces = Graces()

    var reads: [UInt64: PendingRead] = [:]
    var lastRequest: UInt64 = 0
    var journal = Journal()

    /// Rooms with changes in this tick, each once, or with notices that wait.
    var touched: [UInt32] = []
    /// When the first of the notices that wait are due.
    var heldUntil: Int64?
    package internal(set) var counters = ChatCounters()
    /// For texts whose escapes have to be undone.
    var scratch: [UInt8] = []

    package init(limits: Limits) { self.limits = limits }

    // MARK: The tick

    /// Takes a tick's inputs and decides what follows.
    ///
    /// - Parameters:
    ///   - inputs: what has happened, in order.
    ///   - output: empty; what is to be written, sent, ended and read.
    package mutating func update(_ inputs: TickInputs, into output: inout TickOutput) {
        now = inputs.now
        time = inputs.time
        expireGraces(into: &output)
        let bytes = inputs.bytes.span
        for item in inputs.items {
            switch item {
            case .opened(let id, let room, let secret): open(id, room: bytes.extracting(room), secret: secret)
            case .text(let id, let range): receive(bytes.extracting(range), from: id, into: &output)
            case .closed(let id, let departure): close(id, departure, into: &output)
            case .roomLoaded(let room, let newestSeq, let older, let events):
                roomLoaded(
                    room, newestSeq: newestSeq, olderMessages: bytes.extracting(older),
                    events: bytes.extracting(events),
                    into: &output)
            case .roomFailed(let room): roomFailed(room, into: &output)
            case .lines(let request, let range, let more):
                answer(request, lines: bytes.extracting(range), more: more, into: &output)
            case .readFailed(let request): answerFailed(request, into: &output)
            }
        }
        for room in touched where !rooms[Int(room)].unwritten.isEmpty { output.written.append(room) }
        journal.flush(into: &output.journal)
    }

    /// The disk has had its chance: makes this tick's events history, or takes them back.
    ///
    /// - Parameters:
    ///   - failed: the rooms of `output.written` whose lines were not written.
    ///   - journalWritten: whether the journal's were. If not, no room's may have been.
    package mutating func settle(failed: [UInt32], journalWritten: Bool, into output: inout TickOutput) {
        if journalWritten { journal.written() }
        for room in failed { takeBack(room, journalWritten: journalWritten, into: &output) }
        heldUntil = nil
        var held: [UInt32] = []
        for index in touched {
            commit(index)
            guard let due = rooms[Int(index)].dueTime(now: now) else {
                rooms[Int(index)].isTouched = false
                noteIfEmpty(index)
                continue
            }
            if due <= now {
                output.due.append(index)
            } else {
                held.append(index)
                heldUntil = min(heldUntil ?? due, due)
            }
        }
        touched = held
    }

    /// What is due has been handed on.
    package mutating func endTick(_ output: TickOutput) {
        for index in output.due {
            counters.deliveries &+= UInt64(rooms[Int(index)].pending.count) &* UInt64(rooms[Int(index)].present.count)
            rooms[Int(index)].clearPending(now: now)
            rooms[Int(index)].isTouched = false
            noteIfEmpty(index)
        }
    }

    /// When the next tick must come even if nothing happens, in milliseconds of `now`; nil if there is no need.
    package var nextDeadline: Int64? {
        [graces.next, heldUntil].compactMap(\.self).min()
    }

    /// The rooms that have been dropped from memory since the last call.
    package mutating func takeDropped() -> [String] {
        defer { dropped = [] }
        return dropped
    }

    // MARK: Connections

    private mutating func open(_ id: ConnectionID, room name: Span<UInt8>, secret: Bits128) {
        let slot = Int(id.slot)
        while visitors.count <= slot { visitors.append(.nobody) }
        let room = RoomName.isValid(name) ? intern(String(utf8: name)) : nil
        if let room { rooms[Int(room)].visitors += 1 }
        visitors[slot] = Visitor(id: id, phase: .outside, room: room, secret: secret)
    }

    /// Whether the identifier stands for a connection that counts.
    func isHere(_ id: ConnectionID) -> Bool {
        guard Int(id.slot) < visitors.count, visitors[Int(id.slot)].id == id else { return false }
        if case .gone = visitors[Int(id.slot)].phase { return false }
        return true
    }

    private mutating func close(_ id: ConnectionID, _ departure: Departure, into output: inout TickOutput) {
        guard isHere(id) else { return }
        let visitor = visitors[Int(id.slot)]
        visitors[Int(id.slot)].phase = .gone
        guard let room = visitor.room else { return }
        rooms[Int(room)].visitors -= 1
        if case .waiting = visitor.phase { rooms[Int(room)].parked.removeAll { $0.from == id } }
        if case .inside(let member) = visitor.phase { depart(member, of: room, departure, into: &output) }
        noteIfEmpty(room)
    }

    /// Ends a connection from this side.
    mutating func end(_ id: ConnectionID, _ ending: Ending, into output: inout TickOutput) {
        close(id, .lost, into: &output)
        output.endings.append((id, ending))
    }

    // MARK: What they say

    private mutating func receive(_ text: Span<UInt8>, from id: ConnectionID, into output: inout TickOutput) {
        guard isHere(id) else { return }
        let slot = Int(id.slot)
        let wait = visitors[slot].bytes.take(text.count, of: limits.bytes, now: now)
        if wait > 0 {
            // Its `id` is still told, so that the client knows which message to say again.
            let command = Command(text)
            return refuse(id, .tooFast(wait), messageID: command.flatMap { validID($0, text) }, of: text, into: &output)
        }
        if case .waiting = visitors[slot].phase, let room = visitors[slot].room {
            park(text, of: id, in: room, into: &output)
        } else {
            perform(text, from: id, into: &output)
        }
    }

    /// Does what a message asks for.
    mutating func perform(
        _ text: Span<UInt8>, from id: ConnectionID, fetched: FetchedEvents? = nil, into output: inout TickOutput
    ) {
        guard let command = Command(text) else { return refuse(id, .badJSON, into: &output) }
        guard command.type.kind == .string else {
            return refuse(id, Refusal(.badField, "The field type must be a string."), into: &output)
        }
        guard let type = CommandType(command.type, of: text) else {
            return refuse(id, Refusal(.unknownType, "There is no message of this type."), into: &output)
        }
        let visitor = visitors[Int(id.slot)]
        if type == .join { return join(command, text, visitor, fetched: fetched, into: &output) }
        guard case .inside(let member) = visitor.phase, let room = visitor.room else {
            let messageID = type == .message ? validID(command, text) : nil
            return refuse(id, .notJoined, messageID: messageID, of: text, into: &output)
        }
        switch type {
        case .join: break
        case .message: say(command, text, id, member, room, into: &output)
        case .typing: showTyping(id, member, room, into: &output)
        case .rename: rename(command, text, id, member, room, into: &output)
        case .history: pageBack(command, text, id, room, into: &output)
        }
    }

    // MARK: Answers

    /// Answers with an error. A connection that gets them without end is ended.
    ///
    /// - Parameter messageID: of a message that had a valid `id`, where that stands in `text`.
    mutating func refuse(
        _ id: ConnectionID, _ refusal: Refusal, messageID: JSONToken? = nil, of text: Span<UInt8> = Span(),
        into output: inout TickOutput
    ) {
        counters.refusals[refusal.code, default: 0] += 1
        output.reply(to: id, after: pendingCount(of: id)) { bytes in
            appendError(refusal, to: &bytes) { bytes in
                guard let messageID else { return }
                bytes.append(",\"id\":")
                bytes.append(copying: text.extracting(messageID.quotedRange))
            }
        }
        if visitors[Int(id.slot)].errors.take(of: limits.errors, now: now) > 0 {
            end(id, .tooManyErrors, into: &output)
        }
    }

    func appendError(_ refusal: Refusal, to bytes: inout [UInt8], id: (inout [UInt8]) -> Void) {
        bytes.append("{\"type\":\"error\",\"code\":")
        bytes.append(quoting: refusal.code.rawValue)
        bytes.append(",\"message\":\"")
        bytes.append(refusal.message)
        bytes.append("\"")
        if let wait = refusal.retryAfter {
            bytes.append(",\"retryAfter\":")
            bytes.append(decimal: UInt64(max(0, wait)))
        }
        id(&bytes)
        bytes.append("}")
    }

    /// How many of the room's events come before something that is said to this connection now.
    func pendingCount(of id: ConnectionID) -> Int {
        guard let room = visitors[Int(id.slot)].room else { return 0 }
        return rooms[Int(room)].pending.count
    }

    /// Where a message's `id` stands, if it is a valid one.
    func validID(_ command: Command, _ text: Span<UInt8>) -> JSONToken? {
        guard command.id.kind == .string, command.id.hasScalars(Limits.idScalars, in: text) else { return nil }
        return command.id
    }

    mutating func touch(_ room: UInt32) {
        guard !rooms[Int(room)].isTouched else { return }
        rooms[Int(room)].isTouched = true
        touched.append(room)
    }
}
