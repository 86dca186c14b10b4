import Bytes

/// Connections, and what comes in from them.
extension Chat {
    mutating func open(_ id: ConnectionID, room name: Span<UInt8>, secret: Bits128) {
        let slot = Int(id.slot)
        while visitors.count <= slot { visitors.append(.nobody) }
        close(visitors[slot].id, .lost)
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

    /// Whether a connection has said something that waits for the disk.
    package func isWaiting(_ id: ConnectionID) -> Bool {
        guard isHere(id), case .waiting = visitors[Int(id.slot)].phase else { return false }
        return true
    }

    /// A connection has ended.
    mutating func close(_ id: ConnectionID, _ departure: Departure) {
        guard isHere(id) else { return }
        let phase = visitors[Int(id.slot)].phase
        retire(id)
        guard let room = visitors[Int(id.slot)].room else { return }
        if case .inside(let member) = phase { depart(member, of: room, departure) }
        noteIfEmpty(room)
    }

    /// The connection does not count any more.
    mutating func retire(_ id: ConnectionID) {
        let slot = Int(id.slot)
        visitors[slot].phase = .gone
        _ = takeParked(id)
        if let room = visitors[slot].room { rooms[Int(room)].visitors -= 1 }
    }

    /// Ends a connection from this side. It still gets what this tick has for it; when it is closed, the next tick is told.
    mutating func end(_ id: ConnectionID, _ ending: Ending, into output: inout TickOutput) {
        guard isHere(id), !visitors[Int(id.slot)].isEnding else { return }
        visitors[Int(id.slot)].isEnding = true
        output.endings.append((id, ending))
    }

    // MARK: What they say

    /// Whether what comes from a connection still counts.
    func isHeard(_ id: ConnectionID) -> Bool { isHere(id) && !visitors[Int(id.slot)].isEnding }

    mutating func receive(_ text: Span<UInt8>, from id: ConnectionID, into output: inout TickOutput) {
        guard isHeard(id) else { return }
        let slot = Int(id.slot)
        let wait = visitors[slot].bytes.take(text.count, of: limits.bytes, now: now)
        if wait > 0 {
            // Its `id` is still told, so that the client knows which message to say again.
            let messageID = Command(text).flatMap { $0.messageID(in: text) }
            refuse(id, .tooFast(wait), messageID: messageID, of: text, into: &output)
        } else if case .waiting = visitors[slot].phase {
            _ = park(text, of: id, into: &output)
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
        if type == .join { return join(command, text, id, fetched: fetched, into: &output) }
        guard case .inside(let member) = visitors[Int(id.slot)].phase, let room = visitors[Int(id.slot)].room else {
            let messageID = type == .message ? command.messageID(in: text) : nil
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
}
