import Bytes

/// A connection as all nodes that serve a room know it.
package struct SharedConnection: Hashable, Sendable {
    /// The incarnation of the node that has it.
    package var node: UInt128
    /// `ConnectionID.number` there.
    package var number: UInt64

    package init(node: UInt128, number: UInt64) { (self.node, self.number) = (node, number) }
}

/// A room as one value, from which any node goes on as if it had been there from the beginning.
///
/// It is what a segment of a log begins with (`Room.appendSnapshot`), the messages in memory, and what a log needs not know: who
/// has a connection, and which times of grace have begun.
extension Room {
    /// - Parameter name: what all nodes call a connection.
    func appendState(to bytes: inout [UInt8], calling name: (ConnectionID) -> SharedConnection) {
        var lines: [UInt8] = []
        var cursor = SnapshotCursor()
        while !cursor.isDone { appendSnapshot(from: &cursor, limit: 1 << 20, to: &lines) }
        appendMessages(to: &lines)
        bytes.append(number: UInt64(lines.count))
        bytes += lines
        bytes.append(text: String(decoding: server.json, as: UTF8.self))
        for number in [seq, expiredThrough, unerased, recent.messagesDroppedThrough] { bytes.append(number: number) }
        bytes.append(number: UInt64(present.count))
        for (place, connection) in present.enumerated() {
            let shared = name(connection)
            bytes.append(number: presentMembers[place])
            bytes.append(bits: shared.node)
            bytes.append(number: shared.number)
        }
        bytes.append(number: UInt64(memberCount))
        var counts: [UInt8] = []
        members.forEach { number, member in
            counts.append(number: number)
            counts.append(number: UInt64(member.grace))
            counts.append(number: UInt64(member.attachments))
        }
        bytes += counts
    }

    /// Reads `appendState`; nil where the bytes are something else.
    ///
    /// - Parameter identify: what this node calls a connection.
    init?(
        name: String, rules: RoomRules, state reader: inout BodyReader,
        calling identify: (SharedConnection) -> ConnectionID
    ) {
        var lines: [UInt8] = []
        guard reader.range(&lines) != nil, let server = reader.facts(), let seq = reader.number(),
            let expiredThrough = reader.number(), let unerased = reader.number(), let dropped = reader.number()
        else { return nil }
        var room = Room(name: name, rules: rules, snapshot: lines.span, isWhole: dropped == 0)
        (room.server, room.seq, room.expiredThrough, room.unerased) = (server, seq, expiredThrough, unerased)
        guard let connections = reader.number() else { return nil }
        for _ in 0..<connections {
            guard let member = reader.number(), let node = reader.bits(), let number = reader.number(),
                room.members[member] != nil
            else { return nil }
            room.attach(identify(SharedConnection(node: node, number: number)), to: member)
        }
        guard let members = reader.number() else { return nil }
        for _ in 0..<members {
            guard let member = reader.number(), let grace = reader.number(), let attachments = reader.number(),
                room.members[member] != nil
            else { return nil }
            room.members[member]?.grace = UInt32(truncatingIfNeeded: grace)
            room.members[member]?.attachments = UInt32(truncatingIfNeeded: attachments)
        }
        room.beginTick()
        self = room
    }

    /// A room of a snapshot and messages behind it.
    ///
    /// - Parameter isWhole: whether there are no messages before those.
    init(name: String, rules: RoomRules, snapshot lines: Span<UInt8>, isWhole: Bool) {
        var loader = RoomLoader(room: name, rules: rules)
        var messages: [UInt8] = []
        EventLine.forEachLine(in: lines) { range in
            let line = lines.extracting(range)
            if EventLine(line)?.kind == .message {
                messages.append(copying: line)
                messages.append(UInt8(ascii: "\n"))
            } else {
                _ = loader.take(line)
            }
        }
        self = loader.finish(olderMessages: messages.span, isWhole: isWhole, base: 0)
    }

    /// Seqs go on from here: an engine may have lost what came before.
    mutating func jump(to seq: UInt64) {
        guard seq > self.seq else { return }
        assert(firstNew == pending.count, "seqs jump in the middle of a record")
        // Where the room has nothing, all that anybody has seen of it is lost.
        noteJump(from: self.seq, to: seq)
        self.seq = seq
        beginTick()
    }

    /// Begins the time of grace anew of everyone who has no connection: how much of it is over is not known here.
    mutating func renewGraces() {
        var away: [GraceRequest] = []
        members.forEach { number, member in
            guard member.isAway else { return }
            away.append(GraceRequest(member: number, grace: member.grace, duration: RoomRules.graceAfterLoss))
        }
        graces = away
    }

    /// A message in memory as a line of the log, with what was done to it; nil where it is not in memory.
    func storedLine(of seq: UInt64) -> [UInt8]? {
        guard reference(to: seq) != nil, let (event, line) = message(seq) else { return nil }
        guard let facts = facts(of: event, in: line.span) else { return line }
        var folded: [UInt8] = []
        event.appendFolded(of: line.span, facts, to: &folded)
        return folded.dropLast()
    }
}
