import Chat
import WebSocket

/// A chat client: what it knows of the room, what it has asked for and has no answer to yet, and what is to be done about
/// a connection that comes and goes.
///
///     out ──join──▶ connecting ──▶ joining ──welcome──▶ joined        out: nobody has joined, or the join was refused
///                      ▲  │           │                   │           waiting: until the next try
///                      └─ waiting ◀───┴───────lost────────┘           ended: left, taken over, put out, or no chat
///
/// Nothing said is lost: a request stays in the outbox until its own event has come back. Nothing is done twice: it is
/// sent again with the same `id`, which the server knows. Nothing is seen twice: an event counts if its seq is new.
///
/// It is a value, and does nothing itself. Times are milliseconds of a clock that does not go back; chance comes from the
/// seed. The same inputs give the same actions, in the terminal and in a simulated world.
package struct ChatClient: Sendable {
    /// Where it is in the picture above.
    package enum Phase: Equatable, Sendable {
        case out
        case connecting
        case joining
        case joined
        case waiting(until: Int64)
        case ended(Ending)
    }

    /// Why it does not go on by itself: the user has left, the session goes on over another connection, a host has put the
    /// user out, or the server is no chat.
    package enum Ending: Equatable, Sendable { case left, takenOver, putOut, noChat }

    package private(set) var phase = Phase.out
    package internal(set) var username: String
    /// The 11 characters by which the server knows this client, once it is joined.
    package internal(set) var user: String?
    /// The room's name, once it is joined.
    package internal(set) var room: String?
    package var credentials = Credentials()
    /// Whether the server's messages are handed over as lines of JSON, too.
    package var reportsJSON = false
    /// Whether a name that is taken at the first join is waited for: nobody is there to be asked for another, and an earlier
    /// run of the same program may have been killed just before.
    package var awaitsName = false
    /// From the last welcome: proves to the server who this was.
    package internal(set) var session: String?
    /// The newest event that was seen.
    package internal(set) var seq: UInt64 = 0
    package internal(set) var people = People()
    /// Who is writing just now, by when that was last heard of (ms).
    package internal(set) var typists: [String: Int64] = [:]

    var outbox = Outbox()
    var random: SplitMix

    private var backoff = Backoff()
    /// Whether there is an open connection, whatever the phase.
    private var isConnected = false
    /// When the present phase began.
    private var phaseStart: Int64 = 0
    /// When a refused join is sent again.
    var joinAgainAt: Int64?
    var joinFailures = 0
    /// Until when a name that is taken may be held for this client itself: a join went out, and its answer was lost.
    var nameHeldUntil: Int64 = .min
    /// Until when a name that was taken from the start is waited for.
    var nameAwaitedUntil: Int64 = .min
    /// Whether the present join waits for a name that is taken.
    package internal(set) var isAwaitingName = false
    private var lastHeard: Int64 = 0
    private var pingSentAt: Int64?
    private var lastTyping: Int64 = .min / 2
    /// Until when signs of typing are not wanted of this user.
    var mutedUntil: Int64 = .min

    /// - Parameters:
    ///   - username: the name to join with.
    ///   - seed: another one for each client, or all of them would come back in the same moment.
    package init(username: String, seed: UInt64) {
        self.username = username
        random = SplitMix(seed: seed)
    }

    // MARK: What is known

    /// What was asked for and has not come back: on the way, waiting, or refused.
    package var outgoing: [OutgoingRequest] { outbox.requests }

    /// Whether all that was said is in the history, or was refused for good.
    package var isSettled: Bool { outbox.isSettled }

    /// Whether so much waits to be sent that no more should be said.
    package var isFull: Bool { outbox.requests.count >= Timeouts.outboxSize }

    /// Takes up what an earlier run has kept: the session proves that this is the same client.
    ///
    /// - Parameter seq: the newest event that the earlier run has seen.
    package mutating func resume(session: String, seq: UInt64) { (self.session, self.seq) = (session, seq) }

    // MARK: What the user does

    /// Connects, or tries again at once.
    package mutating func start(now: Int64, into actions: inout [ClientAction]) {
        switch phase {
        case .out, .waiting, .ended(.takenOver), .ended(.putOut): break
        case .connecting, .joining, .joined, .ended: return
        }
        backoff.reset()
        connect(now, &actions)
    }

    /// Joins under a name, after a join was refused or before the first.
    package mutating func join(as name: String, now: Int64, into actions: inout [ClientAction]) {
        guard phase == .out else { return }
        username = name
        if awaitsName { nameAwaitedUntil = now + Timeouts.nameAwaited }
        if isConnected { sendJoin(now, &actions) } else { start(now: now, into: &actions) }
    }

    /// Asks for something: now, or when there is a connection.
    ///
    /// - Parameter id: one that nobody can guess. A request of somebody else's that had it first would pass for this one.
    /// - Returns: false if the outbox is full.
    @discardableResult
    package mutating func request(
        _ request: ChatRequest, id: String, now: Int64, into actions: inout [ClientAction]
    ) -> Bool {
        guard !isFull else { return false }
        outbox.append(OutgoingRequest(id: id, request))
        flow(now, &actions)
        return true
    }

    /// Forgets a request that was refused, or is not to be sent any more.
    package mutating func drop(_ id: String, now: Int64, into actions: inout [ClientAction]) {
        outbox.drop(id)
        flow(now, &actions)
    }

    /// - Returns: whether it could be asked for.
    package mutating func rename(to name: String, into actions: inout [ClientAction]) -> Bool {
        ask(ClientMessage.rename(to: name), &actions)
    }

    /// - Returns: whether it could be asked for.
    package mutating func requestHistory(before seq: UInt64, limit: Int, into actions: inout [ClientAction]) -> Bool {
        ask(ClientMessage.history(before: seq, limit: limit), &actions)
    }

    /// - Returns: whether it could be asked for.
    package mutating func search(
        _ text: String, before: UInt64? = nil, limit: Int, into actions: inout [ClientAction]
    ) -> Bool {
        ask(ClientMessage.search(text, before: before, limit: limit), &actions)
    }

    /// Asks for something of a host's that changes nothing in the room: `invite`, `bans`, `whois`.
    ///
    /// - Returns: whether it could be asked for.
    package mutating func query(_ moderation: ModerationRequest, into actions: inout [ClientAction]) -> Bool {
        ask(ClientMessage.query(moderation), &actions)
    }

    /// Shows the others that this user is typing: to be called with each key.
    package mutating func typing(now: Int64, into actions: inout [ClientAction]) {
        guard now >= mutedUntil, now - lastTyping >= Timeouts.betweenTyping, ask(ClientMessage.typing, &actions) else {
            return
        }
        lastTyping = now
    }

    /// Leaves for good.
    package mutating func leave(into actions: inout [ClientAction]) {
        if isConnected || phase == .connecting { actions.append(.close(.normal)) }
        isConnected = false
        phase = .ended(.left)
    }

    private func ask(_ message: [UInt8], _ actions: inout [ClientAction]) -> Bool {
        guard phase == .joined else { return false }
        actions.append(.send(message))
        return true
    }

    // MARK: What the connection does

    private mutating func connect(_ now: Int64, _ actions: inout [ClientAction]) {
        enter(.connecting, now)
        actions.append(.connect)
    }

    mutating func enter(_ phase: Phase, _ now: Int64) {
        self.phase = phase
        phaseStart = now
    }

    /// The WebSocket is open.
    package mutating func connected(now: Int64, into actions: inout [ClientAction]) {
        guard phase == .connecting else { return }
        isConnected = true
        joinFailures = 0
        heard(now: now)
        sendJoin(now, &actions)
    }

    private mutating func sendJoin(_ now: Int64, _ actions: inout [ClientAction]) {
        joinAgainAt = nil
        enter(.joining, now)
        let since = session == nil ? nil : seq
        let join = ClientMessage.join(username: username, session: session, since: since, credentials: credentials)
        actions.append(.sendSecret(join))
    }

    /// The connection is no more, or has not come about.
    ///
    /// - Parameters:
    ///   - code: the server's; `.noStatus` where its close frame had none, `.abnormal` where there was none.
    ///   - reason: the server's, with its close frame.
    package mutating func disconnected(
        _ code: CloseCode, reason: String = "", now: Int64, into actions: inout [ClientAction]
    ) {
        guard isConnected || phase == .connecting else { return }
        lost(code, reason, now, &actions)
    }

    /// Something has come from the server, whatever it is.
    package mutating func heard(now: Int64) {
        lastHeard = now
        pingSentAt = nil
    }

    /// Goes on without the connection.
    private mutating func lost(
        _ code: CloseCode, _ reason: String, _ now: Int64, _ actions: inout [ClientAction]
    ) {
        let wasJoined = phase == .joined
        if phase == .joining, session == nil { nameHeldUntil = now + Timeouts.nameHeld }
        (isConnected, isAwaitingName) = (false, false)
        joinAgainAt = nil
        typists = [:]
        if code == .messageTooBig, let message = outbox.onTheWay {
            // Sent again, it would cost the next connection, too.
            let error = ServerError(code: "text_too_long", message: "The server takes no message as long as this.")
            refuse(message.id, error, &actions)
        }
        outbox.connectionLost()
        guard phase != .out else { return }
        if code == .takenOver {
            phase = .ended(.takenOver)
            actions.append(.show(.takenOver))
            return
        }
        if code == .putOut {
            phase = .ended(.putOut)
            actions.append(.show(.putOut(reason)))
            return
        }
        // A client that was in for a while begins anew; a connection that is lost again and again is tried less and less.
        if wasJoined, now - phaseStart > Timeouts.settledAfter { backoff.reset() }
        let wait = backoff.next(after: code, isFull: code == .tryAgainLater && !wasJoined, random: &random)
        enter(.waiting(until: now + wait), now)
        if wasJoined { actions.append(.show(.lost(code))) }
    }

    /// Gives up a connection that does not answer. The server keeps the name: it is closed in a way that is no leave.
    private mutating func abandon(_ now: Int64, _ actions: inout [ClientAction]) {
        actions.append(.close(.unanswered))
        lost(.abnormal, "", now, &actions)
    }

    /// Gives up for good: this is no chat.
    mutating func giveUp(_ actions: inout [ClientAction]) {
        actions.append(.close(.protocolError))
        actions.append(.show(.noChat))
        isConnected = false
        phase = .ended(.noChat)
    }

    mutating func refuse(_ id: String, _ error: ServerError, _ actions: inout [ClientAction]) {
        outbox.refuse(id, error)
        if let request = outbox[id] { actions.append(.show(.requestRefused(request, error))) }
    }

    // MARK: What time does

    /// Sends what may be sent.
    mutating func flow(_ now: Int64, _ actions: inout [ClientAction]) {
        while phase == .joined, let next = outbox.sendNext(now: now) {
            actions.append(.send(ClientMessage.request(next.request, id: next.id)))
        }
    }

    /// When `advance` must be called at the latest, if nothing happens before; nil where time changes nothing.
    package var deadline: Int64? {
        var deadlines: [Int64] = typists.values.map { $0 + Timeouts.typingShown }
        switch phase {
        case .waiting(let until): deadlines.append(until)
        case .connecting: deadlines.append(phaseStart + Timeouts.opening)
        case .joining: deadlines.append(joinAgainAt ?? phaseStart + Timeouts.opening)
        case .joined:
            deadlines.append((pingSentAt ?? lastHeard) + (pingSentAt == nil ? Timeouts.silence : Timeouts.answer))
            if let sentAt = outbox.sentAt {
                deadlines.append(sentAt + Timeouts.answer)
            } else if !isSettled {
                deadlines.append(outbox.pausedUntil)
            }
        case .out, .ended: break
        }
        return deadlines.min()
    }

    /// Does what is due.
    package mutating func advance(to now: Int64, into actions: inout [ClientAction]) {
        typists = typists.filter { now < $0.value + Timeouts.typingShown }
        switch phase {
        case .waiting(let until): if now >= until { connect(now, &actions) }
        case .connecting: if now >= phaseStart + Timeouts.opening { abandon(now, &actions) }
        case .joining:
            if let time = joinAgainAt {
                if now >= time { sendJoin(now, &actions) }
            } else if now >= phaseStart + Timeouts.opening {
                abandon(now, &actions)
            }
        case .joined:
            let isLate = outbox.sentAt.map { now >= $0 + Timeouts.answer } ?? false
            if isLate || pingSentAt.map({ now >= $0 + Timeouts.answer }) ?? false { return abandon(now, &actions) }
            if pingSentAt == nil, now >= lastHeard + Timeouts.silence {
                pingSentAt = now
                actions.append(.ping)
            }
            flow(now, &actions)
        case .out, .ended: break
        }
    }
}
