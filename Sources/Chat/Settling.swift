import Bytes

/// Something that a tick has changed along with an event, or because of one, and how to take it back.
enum Change: Sendable {
    case joined(UInt32, ConnectionID, reply: Int)
    case left(UInt32, Member)
    case said(UInt32, ConnectionID, Bits128?, quotedID: [UInt8]?)
    case renamed(UInt32, ConnectionID, from: Username)
    /// Came back in the middle of the tick: the welcome has a history with events in it that were taken back.
    case cameBack(UInt32, ConnectionID, Bits128, since: UInt64?, reply: Int)
    /// Was given an event of this tick again.
    case saidAgain(ConnectionID, quotedID: [UInt8], reply: Int)
}

/// What follows from whether the disk has taken a tick's events.
extension Chat {
    /// The room's events are written: they are history.
    mutating func commit(_ index: UInt32) {
        for change in rooms[Int(index)].changes {
            if case .left(let member, _) = change { rooms[Int(index)].release(member) }
        }
        rooms[Int(index)].changes.removeAll(keepingCapacity: rooms[Int(index)].changes.capacity <= 256)
        rooms[Int(index)].commit(limits: limits)
    }

    /// The room's events of this tick could not be written: they have not happened, and nobody has seen them. What they have
    /// changed is taken back, the last first, and those who asked are told.
    mutating func takeBack(_ room: UInt32, journalWritten: Bool, into output: inout TickOutput) {
        counters.takenBack += UInt64(rooms[Int(room)].unwrittenEvents.count)
        if limits.isDurable, journalWritten {
            journal.undo(room: rooms[Int(room)].name, from: rooms[Int(room)].firstUnwrittenSeq)
        }
        let changes = rooms[Int(room)].changes
        rooms[Int(room)].changes = []
        rooms[Int(room)].discardUnwritten()
        for change in changes.reversed() { takeBack(change, room, into: &output) }
        // Those who came back during the tick are welcomed again: to what is left.
        for case .cameBack(let member, let id, let secret, let since, let reply) in changes {
            output.replies[reply].range = 0..<0
            guard rooms[Int(room)].members[Int(member)]?.connection == id else { continue }
            welcome(member, id, room, secret: secret, since, nil, into: &output)
        }
        output.limitPositions(of: room, in: self)
    }

    private mutating func takeBack(_ change: Change, _ room: UInt32, into output: inout TickOutput) {
        switch change {
        case .joined(let member, let id, let reply):
            guard let removed = rooms[Int(room)].remove(member) else { return }
            rooms[Int(room)].release(member)
            sessions[removed.session] = nil
            output.replies[reply] = .nothing(to: id)
            guard isHere(id) else { return }
            visitors[Int(id.slot)].phase = .outside
            refuse(id, .storageFailed, into: &output)
        case .left(let index, var member):
            // Gone it is; but the leave must be in the history before anyone is told. It is tried again.
            member.connection = nil
            rooms[Int(room)].restore(member, at: index)
            sessions[member.session] = (room, index)
            startGrace(index, of: room, Limits.leaveRetry)
        case .said(let member, let id, let idHash, let quotedID):
            if let idHash { rooms[Int(room)].members[Int(member)]?.used.remove(idHash) }
            refuse(id, quotedID, into: &output)
        case .renamed(let member, let id, let old):
            rooms[Int(room)].rename(member, to: old)
            refuse(id, nil, into: &output)
        case .saidAgain(let id, let quotedID, let reply):
            output.replies[reply] = .nothing(to: id)
            refuse(id, quotedID, into: &output)
        case .cameBack: break
        }
    }

    private mutating func refuse(_ id: ConnectionID, _ quotedID: [UInt8]?, into output: inout TickOutput) {
        guard isHere(id) else { return }
        guard let quotedID else { return refuse(id, .storageFailed, into: &output) }
        // The quotation marks are around it already.
        let token = JSONToken(kind: .string, range: 1..<quotedID.count - 1)
        refuse(id, .storageFailed, messageID: token, of: quotedID.span, into: &output)
    }
}

extension TickOutput {
    /// Appends a reply; `body` writes its text.
    mutating func reply(
        to id: ConnectionID, after: Int, resume: Int? = nil, isWelcome: Bool = false, _ body: (inout [UInt8]) -> Void
    ) {
        let start = bytes.count
        body(&bytes)
        replies.append(
            Reply(to: id, range: start..<bytes.count, after: after, resume: resume ?? after, isWelcome: isWelcome))
    }

    /// After a room's events were taken back, no reply may stand behind one of them.
    fileprivate mutating func limitPositions(of room: UInt32, in chat: Chat) {
        let count = chat.rooms[Int(room)].pending.count
        for i in replies.indices where chat.visitors[Int(replies[i].to.slot)].room == room {
            replies[i].after = min(replies[i].after, count)
            replies[i].resume = min(replies[i].resume, count)
        }
    }
}

extension TickOutput.Reply {
    /// A reply that was withdrawn.
    fileprivate static func nothing(to id: ConnectionID) -> Self { Self(to: id, range: 0..<0, after: 0, resume: 0) }
}
