/// A session as the journal tells it.
struct JournalSession: Sendable {
    var number: UInt64
    var room: String
    var session: Bits128
    /// Its names, each with the seq of the join or rename that gave it.
    var names: [(username: String, seq: UInt64)]
    var ids: [(hash: Bits128, seq: UInt64)] = []
    var left: UInt64?

    /// Forgets what was noted for events from `seq` on.
    mutating func undo(from seq: UInt64) {
        names.removeAll { $0.seq >= seq }
        ids.removeAll { $0.seq >= seq }
        if let left, left >= seq { self.left = nil }
    }

    /// Whether it is still there: it has joined, and has not left.
    var isAlive: Bool { !names.isEmpty && left == nil }
}

/// Reads the journal after a restart.
struct JournalReader {
    private(set) var sessions: [UInt64: JournalSession] = [:]
    private(set) var lastNumber: UInt64 = 0
    /// Lines that make no sense.
    private(set) var damagedLines = 0

    init(_ journal: Span<UInt8>) {
        var start = 0
        for i in journal.indices where journal[i] == UInt8(ascii: "\n") {
            if !take(journal.extracting(start..<i)) { damagedLines += 1 }
            start = i + 1
        }
    }

    private struct Fields {
        var name = JSONToken.absent  // of the first field, which says what the line is
        var first = JSONToken.absent
        var room = JSONToken.absent
        var session = JSONToken.absent
        var username = JSONToken.absent
        var hash = JSONToken.absent
        var seq = JSONToken.absent

        init?(_ line: Span<UInt8>) {
            var at = 0
            let isObject = JSONScanner.members(line, &at) { name, value in
                let text = line.extracting(name.range)
                if first.kind == .absent {
                    self.name = name
                    first = value
                } else if text.isEqual(to: "room") {
                    room = value
                } else if text.isEqual(to: "session") {
                    session = value
                } else if text.isEqual(to: "username") {
                    username = value
                } else if text.isEqual(to: "hash") {
                    hash = value
                } else if text.isEqual(to: "seq") {
                    seq = value
                }
            }
            guard isObject, at == line.count else { return nil }
        }
    }

    private mutating func take(_ line: Span<UInt8>) -> Bool {
        guard let fields = Fields(line), let seq = JSONScanner.whole(line, fields.seq) else { return false }
        let kind = line.extracting(fields.name.range)
        if kind.isEqual(to: "undo") {
            let room = String(unescaping: fields.first, of: line)
            // Seldom, and only after the disk has failed: no index is kept for it.
            for (number, session) in sessions where session.room == room { sessions[number]?.undo(from: seq) }
            return true
        }
        guard let number = JSONScanner.whole(line, fields.first) else { return false }
        lastNumber = max(lastNumber, number)
        if kind.isEqual(to: "join") {
            guard let session = Bits128(hexadecimal: line.extracting(fields.session.range)) else { return false }
            sessions[number] = JournalSession(
                number: number, room: String(unescaping: fields.room, of: line), session: session,
                names: [(String(unescaping: fields.username, of: line), seq)])
        } else if kind.isEqual(to: "id") {
            guard let hash = Bits128(hexadecimal: line.extracting(fields.hash.range)) else { return false }
            sessions[number]?.ids.append((hash, seq))
        } else if kind.isEqual(to: "name") {
            sessions[number]?.names.append((String(unescaping: fields.username, of: line), seq))
        } else if kind.isEqual(to: "leave") {
            sessions[number]?.left = seq
        } else {
            return false
        }
        return true
    }
}

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
    mutating func wakeDormant(_ room: UInt32) {
        let dormant = rooms[Int(room)].dormant
        rooms[Int(room)].dormant = []
        for var session in dormant {
            session.undo(from: rooms[Int(room)].seq + 1)
            guard session.isAlive, let name = session.names.last, let username = Username(name.username),
                !rooms[Int(room)].isTaken(username), sessions[session.session] == nil
            else { continue }
            var member = Member(username: username, session: session.session, number: session.number)
            for id in session.ids { member.used.insert(id.hash, seq: id.seq, limit: limits.rememberedIDs) }
            let index = rooms[Int(room)].add(member)
            sessions[session.session] = (room, index)
            startGrace(index, of: room, Limits.graceAfterLoss)
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
    fileprivate func append(to lines: inout [UInt8]) {
        var journal = Journal()
        for (index, name) in names.enumerated() {
            if index == 0 {
                journal.joined(number, room: room, session, name.username, seq: name.seq)
            } else {
                journal.renamed(number, name.username, seq: name.seq)
            }
        }
        for id in ids { journal.used(number, id.hash, seq: id.seq) }
        if let left { journal.left(number, seq: left) }
        journal.flush(into: &lines)
    }
}
