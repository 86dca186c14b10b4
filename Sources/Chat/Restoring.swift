/// Sessions across a restart.
extension Chat {
    /// Takes in the journal of an earlier run. Everyone who was there is given the time of grace to come back.
    ///
    /// - Parameters:
    ///   - journal: its lines.
    ///   - now: the present, in milliseconds of the clock that `TickInputs.now` shows.
    /// - Returns: how many lines made no sense.
    package mutating func restore(journal text: Span<UInt8>, now: Int64, into output: inout TickOutput) -> Int {
        self.now = now
        let reader = JournalReader(text)
        journal.reserve(through: reader.lastNumber)
        for (_, session) in reader.sessions.sorted(by: { $0.key < $1.key }) {
            // One that has left stays in the list: whether its leave was written is known when the room is loaded.
            guard RoomName.isValid(Array(session.room.utf8).span), !session.names.isEmpty else { continue }
            rooms[Int(intern(session.room))].dormant.append(session)
        }
        for room in rooms.indices where !rooms[room].dormant.isEmpty {
            startLoading(UInt32(truncatingIfNeeded: room), into: &output)
        }
        return reader.damagedLines
    }

    /// The room is loaded, and its newest seq known: brings its sessions back.
    mutating func wakeDormant(_ room: UInt32, _ attendance: Attendance) {
        let dormant = rooms[Int(room)].dormant
        // After a power cut the room's seq is ahead of what is left of its history: what lies between is lost.
        let next = attendance.lastSeq + 1
        rooms[Int(room)].dormant = []
        if dormant.contains(where: { $0.newestSeq >= next }) {
            // Lines without their events: the last run was killed between the two. Those seqs will be given to other
            // events now, so the journal has to say that the lines do not mean those.
            journal.undo(room: rooms[Int(room)].name, from: next)
        }
        for var session in dormant {
            session.undo { _ in next }
            guard session.isAlive, let name = session.names.last, attendance.states[name.value] != .left,
                let username = Username(name.value), !rooms[Int(room)].isTaken(username),
                sessions[session.session] == nil
            else { continue }
            var member = Member(username: username, session: session.session, number: session.number)
            for id in session.ids {
                usedIDs += member.used.insert(id.value, seq: id.seq, limit: limits.rememberedIDs)
            }
            let place = rooms[Int(room)].add(member)
            sessions[session.session] = (room, place)
            startGrace(place, of: room, Limits.graceAfterLoss)
        }
        dismissGhosts(of: room, attendance)
    }

    /// Those who are there by the history, and of whom the journal does not know: a power cut has taken the end of the one and
    /// not of the other. Nobody can come back as them, so they leave.
    private mutating func dismissGhosts(of room: UInt32, _ attendance: Attendance) {
        for name in attendance.names where attendance.states[name] == .present {
            guard let username = Username(name), !rooms[Int(room)].isTaken(username) else { continue }
            let number = journal.nextNumber()
            // No secret has this hash.
            let place = rooms[Int(room)].add(
                Member(username: username, session: Bits128(high: .max, low: number), number: number))
            leave(place, of: room)
        }
    }

    /// Writes the journal anew, with nothing in it but what still counts.
    package func snapshotJournal() -> [UInt8] {
        var lines: [UInt8] = []
        for room in rooms {
            for case .some(let member) in room.members {
                // Seq 0: whatever happens to the room's newest events, this session has joined.
                Journal.appendJoin(
                    member.number, room: room.name, member.session, member.username.text, seq: 0, to: &lines)
                for used in member.used.all { Journal.appendUsed(member.number, used.id, seq: used.seq, to: &lines) }
            }
            for session in room.dormant { session.append(to: &lines) }
        }
        return lines
    }
}

extension JournalSession {
    /// Appends the lines that tell of this session.
    fileprivate func append(to lines: inout [UInt8]) {
        guard let first = names.first else { return }
        Journal.appendJoin(number, room: room, session, first.value, seq: first.seq, to: &lines)
        for name in names.dropFirst() { Journal.appendName(number, name.value, seq: name.seq, to: &lines) }
        for id in ids { Journal.appendUsed(number, id.value, seq: id.seq, to: &lines) }
        if let left { Journal.appendLeave(number, seq: left.seq, to: &lines) }
    }
}
