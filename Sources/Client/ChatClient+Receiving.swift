import Chat
import WebSocket

/// What the server says, and what follows from it.
extension ChatClient {
    /// Takes a text message of the server's.
    ///
    /// - Parameter text: valid UTF-8.
    package mutating func received(_ text: Span<UInt8>, now: Int64, into actions: inout [ClientAction]) {
        heard(now: now)
        guard let message = ServerMessage(text, keepsJSON: reportsJSON) else {
            // What is no chat shows at once. What a chat says later and makes no sense is passed over.
            if phase == .joining { giveUp(&actions) }
            return
        }
        if reportsJSON { report(message, text, into: &actions) }
        received(message, now: now, into: &actions)
    }

    package mutating func received(_ message: ServerMessage, now: Int64, into actions: inout [ClientAction]) {
        if case .error(let error) = message, phase == .joining { return joinRefused(error, now, &actions) }
        if case .welcome(let welcome) = message, phase == .joining { return take(welcome, now, &actions) }
        guard phase == .joined else { return }
        switch message {
        case .event(let event): take(event, now, &actions)
        case .typing(let username): typists[username] = now
        case .history(let events, let more): actions.append(.show(.history(events, more: more)))
        case .found(let events, let before): actions.append(.show(.found(events, before: before)))
        case .done(let id): done(id, now, &actions)
        case .unread(let room, let seq): actions.append(.show(.unread(room: room, seq: seq)))
        case .invite(let invite): actions.append(.show(.invite(invite)))
        case .bans(let bans): actions.append(.show(.bans(bans)))
        case .whois(let whois): actions.append(.show(.whois(whois)))
        case .state(let isKeeping): actions.append(.show(.keeping(isKeeping)))
        case .error(let error): refused(error, now, &actions)
        case .welcome, .other: break  // late, or not known
        }
    }

    // MARK: Coming in

    /// Whether nothing of this room was seen before: a server that keeps nothing and was restarted has another history, which
    /// begins anew.
    func isFirst(_ welcome: Welcome) -> Bool { session == nil || welcome.seq < seq }

    private mutating func take(_ welcome: Welcome, _ now: Int64, _ actions: inout [ClientAction]) {
        let isBack = session != nil
        let isPast = isFirst(welcome)
        let isAnother = welcome.seq < seq
        if isAnother { seq = 0 }
        session = welcome.session
        username = welcome.username
        user = welcome.user
        room = welcome.room
        credentials.operatorCode = nil
        people = People(welcome)
        enter(.joined, now)
        mutedUntil = .min
        nameAwaitedUntil = .min
        isAwaitingName = false
        actions.append(.show(.joined(welcome, isBack: isBack)))
        if isBack, welcome.gap || isAnother { actions.append(.show(.gap)) }
        for event in welcome.history {
            // What came through before the connection was lost is here, even where the session could not be kept.
            acknowledge(event)
            show(event, isPast: isPast, &actions)
        }
        seq = max(seq, welcome.seq)
        flow(now, &actions)
    }

    private mutating func joinRefused(_ error: ServerError, _ now: Int64, _ actions: inout [ClientAction]) {
        switch error.code {
        case ErrorCode.rateLimited.rawValue:
            joinAgainAt = now + Self.pause(error)
        case ErrorCode.storageFailed.rawValue:
            joinFailures += 1
            joinAgainAt = now + pause(afterFailures: joinFailures)
            if joinFailures == 1 { actions.append(.show(.refused(error))) }
        case ErrorCode.usernameTaken.rawValue where now < max(nameHeldUntil, nameAwaitedUntil):
            if !isAwaitingName { actions.append(.show(.nameAwaited(error))) }
            isAwaitingName = true
            joinAgainAt = now + random.jitter(Timeouts.betweenJoins)
        default:
            enter(.out, now)
            isAwaitingName = false
            actions.append(.show(.joinRefused(error)))
        }
    }

    // MARK: Being in

    private mutating func take(_ event: ChatEvent, _ now: Int64, _ actions: inout [ClientAction]) {
        acknowledge(event)
        if event.seq > seq {
            people.apply(event)
            typists[event.username] = nil
            if case .rename(let to) = event.kind, event.username == username { username = to }
            if case .moderation(let moderation, _) = event.kind, moderation.action == "unmute",
                moderation.toUser == user
            {
                mutedUntil = .min
            }
            show(event, isPast: false, &actions)
        }
        flow(now, &actions)
    }

    /// An event is a request's receipt, even if it has been seen: the server repeats it where the request comes again.
    private mutating func acknowledge(_ event: ChatEvent) {
        if let id = event.requestID { _ = outbox.acknowledge(id) }
    }

    private mutating func done(_ id: String, _ now: Int64, _ actions: inout [ClientAction]) {
        if let request = outbox.acknowledge(id) { actions.append(.show(.requestDone(request))) }
        flow(now, &actions)
    }

    private mutating func show(_ event: ChatEvent, isPast: Bool, _ actions: inout [ClientAction]) {
        guard event.seq > seq else { return }
        seq = event.seq
        actions.append(.show(.event(event, isPast: isPast)))
    }

    private mutating func refused(_ error: ServerError, _ now: Int64, _ actions: inout [ClientAction]) {
        if error.code == "muted" {
            // A sign of typing is refused, too, with each key: that is told once.
            let (end, isBeyond) = now.addingReportingOverflow(error.retryAfter ?? .max)
            mutedUntil = isBeyond ? .max : end
        }
        var error = error
        if error.code == ErrorCode.unknownType.rawValue, error.id == nil, let request = outbox.onTheWay {
            // An older server does not know this kind of request, and so not its id either.
            if !request.request.isMessage { error.id = request.id }
        }
        guard let id = error.id, let request = outbox[id] else { return actions.append(.show(.refused(error))) }
        switch error.code {
        case ErrorCode.rateLimited.rawValue:
            // Not refused, only too early.
            outbox.postpone(id, until: now + Self.pause(error))
        case "slow_mode":
            // As long as the room's host wants it, which may be an hour.
            outbox.postpone(id, until: now + max(1, error.retryAfter ?? Timeouts.afterRefusal))
            actions.append(.show(.requestDelayed(request, error)))
        case ErrorCode.storageFailed.rawValue:
            let failures = outbox.countStorageFailure(id)
            outbox.postpone(id, until: now + pause(afterFailures: failures))
            if failures == 1 { actions.append(.show(.requestDelayed(request, error))) }
        default: refuse(id, error, &actions)
        }
        flow(now, &actions)
    }

    /// How long the server asks to wait.
    private static func pause(_ error: ServerError) -> Int64 {
        min(max(1, error.retryAfter ?? Timeouts.afterRefusal), Timeouts.longestAfterRefusal)
    }

    /// How long to leave a disk alone that has refused several times.
    private mutating func pause(afterFailures count: Int) -> Int64 {
        let doubled = Timeouts.afterRefusal << Int64(min(max(0, count - 1), 10))
        return random.jitter(min(doubled, Timeouts.longestAfterRefusal))
    }
}
