import Bytes

/// The journal of sessions: what must be known after a restart to give everyone their name back and to say nothing twice.
///
/// It is lines of JSON, one for each thing that happened to a session, with the seq of the event that goes with it:
///
///     {"join":17,"room":"lobby","session":"<hash of the secret>","username":"Ada","seq":12}
///     {"id":17,"hash":"<hash of a message's id>","seq":13}
///     {"name":17,"username":"Bo","seq":14}
///     {"leave":17,"seq":15}
///     {"undo":"lobby","seq":13}
///
/// A tick's lines are written before its events are. So an event that is in the history has its line here, and a line
/// without its event was never true: when its seq is beyond the newest of its room, or when an `undo` says so.
struct Journal: Sendable {
    /// The number of the newest session.
    private(set) var lastNumber: UInt64 = 0
    /// What must be written before anything else, because it was not or has become untrue.
    private var backlog: [UInt8] = []
    private var lines: [UInt8] = []

    mutating func nextNumber() -> UInt64 {
        lastNumber += 1
        return lastNumber
    }

    /// Numbers up to this one are taken.
    mutating func reserve(through number: UInt64) { lastNumber = max(lastNumber, number) }

    mutating func joined(_ number: UInt64, room: String, _ session: Bits128, _ username: String, seq: UInt64) {
        Self.appendJoin(number, room: room, session, username, seq: seq, to: &lines)
    }

    mutating func used(_ number: UInt64, _ id: Bits128, seq: UInt64) {
        Self.appendUsed(number, id, seq: seq, to: &lines)
    }

    mutating func renamed(_ number: UInt64, _ username: String, seq: UInt64) {
        Self.appendName(number, username, seq: seq, to: &lines)
    }

    mutating func left(_ number: UInt64, seq: UInt64) { Self.appendLeave(number, seq: seq, to: &lines) }

    /// The room's events from `seq` on were not written, and the journal's lines about them were.
    mutating func undo(room: String, from seq: UInt64) {
        backlog.append("{\"undo\":\"")
        backlog.append(contentsOf: room.utf8)
        backlog.append("\"")
        Self.appendEnd(seq: seq, to: &backlog)
    }

    /// Hands over the lines that this tick has to write.
    mutating func flush(into output: inout [UInt8]) {
        output.append(copying: backlog.span)
        output.append(copying: lines.span)
        lines.removeAll(keepingCapacity: lines.capacity <= 1 << 20)
    }

    /// They are written.
    mutating func written() { backlog.removeAll() }

    // MARK: Lines

    static func appendJoin(
        _ number: UInt64, room: String, _ session: Bits128, _ username: String, seq: UInt64, to lines: inout [UInt8]
    ) {
        lines.append("{\"join\":")
        lines.append(decimal: number)
        lines.append(",\"room\":\"")
        lines.append(contentsOf: room.utf8)
        lines.append("\",\"session\":\"")
        session.appendHexadecimal(to: &lines)
        lines.append("\",\"username\":")
        lines.append(quoting: username)
        appendEnd(seq: seq, to: &lines)
    }

    static func appendUsed(_ number: UInt64, _ id: Bits128, seq: UInt64, to lines: inout [UInt8]) {
        lines.append("{\"id\":")
        lines.append(decimal: number)
        lines.append(",\"hash\":\"")
        id.appendHexadecimal(to: &lines)
        lines.append("\"")
        appendEnd(seq: seq, to: &lines)
    }

    static func appendName(_ number: UInt64, _ username: String, seq: UInt64, to lines: inout [UInt8]) {
        lines.append("{\"name\":")
        lines.append(decimal: number)
        lines.append(",\"username\":")
        lines.append(quoting: username)
        appendEnd(seq: seq, to: &lines)
    }

    static func appendLeave(_ number: UInt64, seq: UInt64, to lines: inout [UInt8]) {
        lines.append("{\"leave\":")
        lines.append(decimal: number)
        appendEnd(seq: seq, to: &lines)
    }

    private static func appendEnd(seq: UInt64, to lines: inout [UInt8]) {
        lines.append(",\"seq\":")
        lines.append(decimal: seq)
        lines.append("}\n")
    }
}
