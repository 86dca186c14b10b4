import Chat
import WebSocket

/// What the server says, and what follows from it.
extension ChatClient {
    /// Takes a text message of the server's.
    ///
    /// - Parameter text: valid UTF-8.
    package mutating func received(_ text: Span<UInt8>, now: Int64, into actions: inout [ClientAction]) {
        heard(now: now)
        guard let message = ServerMessage(text) else {
            // What is no chat shows at once. What a chat says later and makes no sense is passed over.
            if phase == .joining { giveUp(&actions) }
            return
        }
        received(message, now: now, into: &actions)
    }

    package mutating func received(_ message: ServerMessage, now: Int64, into actions: inout [ClientAction]) {
        switch (message, phase) {
        case (.welcome(let welcome), .joining): take(welcome, now, &actions)
        case (.event(let event), .joined): take(event, now, &actions)
        case (.typing(let username), .joined): typists[username] = now
        case (.history(let events, let more), .joined): actions.append(.show(.history(events, more: more)))
        case (.error(let error), .joining): joinRefused(error, now, &actions)
        case (.error(let error), .joined): refused(error, now, &actions)
        default: break  // late, or not known
        }
    }

    // MARK: Coming in

    private mutating func take(_ welcome: Welcome, _ now: Int64, _ actions: inout [ClientAction]) {
        let isBack = session != nil
        // A server that keeps nothing has been restarted: its history is another one, and begins anew.
        let isAnother = welcome.seq < seq
        if isAnother { seq = 0 }
        session = welcome.session
        username = welcome.username
        room = welcome.room
        people = People(welcome)
        enter(.joined, now)
        actions.append(.show(.joined(isBack: isBack)))
        if isBack, welcome.gap || isAnother { actions.append(.show(.gap)) }
        for event in welcome.history {
            // What came through before the connection was lost is here, even where the session could not be kept.
            acknowledge(event)
            show(event, &actions)
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
        case ErrorCode.usernameTaken.rawValue where now < mayBeOwnGhostUntil:
            joinAgainAt = now + random.jitter(Patience.betweenJoins)
        default:
            enter(.out, now)
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
            show(event, &actions)
        }
        flow(now, &actions)
    }

    /// An event is a message's receipt, even if it has been seen: the server repeats it to whoever says it again.
    private mutating func acknowledge(_ event: ChatEvent) {
        if let id = event.messageID { _ = outbox.acknowledge(id) }
    }

    private mutating func show(_ event: ChatEvent, _ actions: inout [ClientAction]) {
        guard event.seq > seq else { return }
        seq = event.seq
        actions.append(.show(.event(event)))
    }

    private mutating func refused(_ error: ServerError, _ now: Int64, _ actions: inout [ClientAction]) {
        guard let id = error.id, outbox.contains(id) else { return actions.append(.show(.refused(error))) }
        switch error.code {
        case ErrorCode.rateLimited.rawValue:
            // Not refused, only too early.
            outbox.postpone(id, until: now + Self.pause(error))
        case ErrorCode.storageFailed.rawValue:
            let failures = outbox.countStorageFailure(id)
            outbox.postpone(id, until: now + pause(afterFailures: failures))
        default: refuse(id, error, &actions)
        }
        flow(now, &actions)
    }

    /// How long the server asks to wait.
    private static func pause(_ error: ServerError) -> Int64 {
        min(max(1, error.retryAfter ?? Patience.afterRefusal), Patience.longestAfterRefusal)
    }

    /// How long to leave a disk alone that has refused several times.
    private mutating func pause(afterFailures count: Int) -> Int64 {
        let doubled = Patience.afterRefusal << Int64(min(max(0, count - 1), 10))
        return random.jitter(min(doubled, Patience.longestAfterRefusal))
    }
}
