import Bytes

/// Something that a tick has changed along with an event, or because of one, and how to take it back.
///
/// There is one for each message, so those that hold much do so elsewhere.
enum Change: Sendable {
    /// A message. Its `id` with quotation marks stands at `id` in the room's lines; empty if it has none.
    case said(UInt32, ConnectionID, id: Range<UInt32>)
    case joined(UInt32, ConnectionID, reply: Int)
    indirect case left(UInt32, Member)
    indirect case renamed(UInt32, ConnectionID, from: Username)
    /// Came back in the middle of the tick: the welcome may have events in it that were taken back.
    indirect case cameBack(UInt32, ConnectionID, Bits128, since: UInt64?, reply: Int)
    /// Was answered with events of this tick. `quotedID` is that of the message that was answered, or empty.
    indirect case answered(ConnectionID, quotedID: [UInt8], reply: Int)

    /// Whether the journal has a line about it.
    var isJournaled: Bool {
        switch self {
        case .said(_, _, let id): !id.isEmpty
        case .joined, .left, .renamed: true
        case .cameBack, .answered: false
        }
    }
}

/// What follows from whether the disk has taken a tick's events.
extension Chat {
    /// The room's events are written: they are history.
    mutating func commit(_ index: UInt32) {
        for change in rooms[Int(index)].changes {
            guard case .left(let place, let member) = change else { continue }
            rooms[Int(index)].release(place)
            usedIDs -= member.used.count
        }
        rooms[Int(index)].clearChanges()
        let before = rooms[Int(index)].recent.byteCount
        rooms[Int(index)].commit(recentBounds, counting: &counters)
        recentBytes += rooms[Int(index)].recent.byteCount - before
    }

    /// The room's events of this tick could not be written: they have not happened, and nobody has seen them. What they have
    /// changed is taken back, the last first, and those who asked are told.
    mutating func takeBack(_ room: UInt32, journalWritten: Bool, into output: inout TickOutput) {
        let changes = rooms[Int(room)].changes
        let lines = rooms[Int(room)].lines
        counters.takenBack += rooms[Int(room)].seq + 1 - rooms[Int(room)].firstUnwrittenSeq
        if limits.isDurable, journalWritten, changes.contains(where: \.isJournaled) {
            journal.undo(room: rooms[Int(room)].name, from: rooms[Int(room)].firstUnwrittenSeq)
        }
        rooms[Int(room)].clearChanges()
        rooms[Int(room)].discardUnwritten()
        for change in changes.reversed() { undo(change, in: room, lines) }
        for change in changes { tell(change, in: room, lines, into: &output) }
    }

    /// Takes back what a change did.
    private mutating func undo(_ change: Change, in room: UInt32, _ lines: [UInt8]) {
        switch change {
        case .said(let member, _, let id):
            guard !id.isEmpty else { return }
            let hash = UsedIDs.hash(ofQuoted: lines.span.extracting(id.asInts))
            usedIDs += rooms[Int(room)].members[Int(member)]?.used.remove(hash) ?? 0
        case .joined(let place, _, _):
            guard let member = rooms[Int(room)].remove(place) else { return }
            rooms[Int(room)].release(place)
            sessions[member.session] = nil
            usedIDs -= member.used.count
            if let id = member.connection { visitors[Int(id.slot)].phase = .outside }
        case .left(let place, var member):
            // Gone it is; but the leave must be in the history before anyone is told. It is tried again.
            member.connection = nil
            rooms[Int(room)].restore(member, at: place)
            sessions[member.session] = (room, place)
            startGrace(place, of: room, Limits.leaveRetry)
        case .renamed(let member, _, let old): rooms[Int(room)].rename(member, to: old)
        case .cameBack, .answered: break
        }
    }

    /// Tells those who have asked for what was taken back.
    private mutating func tell(_ change: Change, in room: UInt32, _ lines: [UInt8], into output: inout TickOutput) {
        switch change {
        case .said(_, let id, let place):
            refuse(id, .storageFailed, quotedID: lines.span.extracting(place.asInts), into: &output)
        case .joined(_, let id, let reply):
            output.withdraw(reply)
            refuse(id, .storageFailed, quotedID: Span(), into: &output)
        case .renamed(_, let id, _): refuse(id, .storageFailed, quotedID: Span(), into: &output)
        case .answered(let id, let quotedID, let reply):
            output.withdraw(reply)
            refuse(id, .storageFailed, quotedID: quotedID.span, into: &output)
        case .cameBack(let member, let id, let secret, let since, let reply):
            output.withdraw(reply)
            guard rooms[Int(room)].members[Int(member)]?.connection == id else {
                // The session that it has taken over is taken back.
                return refuse(id, .storageFailed, quotedID: Span(), into: &output)
            }
            // It is in; but it has to be welcomed to what is left, and in the same place, before all else that it is told.
            welcome(member, id, room, secret: secret, since, nil, into: &output)
            output.replies[reply] = output.replies.removeLast()
        case .left: break
        }
    }
}

extension Range<UInt32> {
    /// The same, for indexes.
    fileprivate var asInts: Range<Int> { Int(lowerBound)..<Int(upperBound) }
}
