import Bytes

/// The journal of sessions that earlier versions kept beside the rooms, as lines of JSON:
///
///     {"join":17,"room":"lobby","session":"<hash of the secret>","username":"Ada","seq":12}
///     {"id":17,"hash":"<hash of a message's id>","seq":13}
///     {"name":17,"username":"Bo","seq":14}
///     {"leave":17,"seq":15}
///     {"undo":"lobby","seq":13}
///
/// A line was written before its event. So one without its event was never true: where its seq is beyond the newest of its
/// room, or where an `undo` that follows says so.
struct OldJournal {
    /// What a line says, the seq of the event that goes with it, and which line it is.
    struct Note<Value: Sendable>: Sendable {
        var value: Value
        var seq: UInt64
        var line: Int
    }

    struct Session: Sendable {
        var number: UInt64
        var room: String
        var hash: UInt128
        /// The first came with the join, the others with renames.
        var names: [Note<String>]
        /// The seqs of its messages that had an `id`.
        var ids: [Note<Void>] = []
        var left: Note<Void>?

        /// Forgets what was noted for events from a seq on, which depends on the line where it is noted.
        mutating func undo(from seq: (_ line: Int) -> UInt64) {
            names.removeAll { $0.seq >= seq($0.line) }
            ids.removeAll { $0.seq >= seq($0.line) }
            if let left, left.seq >= seq(left.line) { self.left = nil }
        }

        /// Its name, where it is still there when its room's newest seq is this.
        func name(inRoomUpTo newest: UInt64) -> String? {
            var session = self
            session.undo { _ in newest + 1 }
            return session.left == nil ? session.names.last?.value : nil
        }
    }

    private(set) var sessions: [UInt64: Session] = [:]
    private(set) var lastNumber: UInt64 = 0
    private var line = 0
    /// The `undo` lines of each room.
    private var undos: [String: [Note<Void>]] = [:]

    init(_ text: Span<UInt8>) {
        var start = 0
        for i in text.indices where text[i] == UInt8(ascii: "\n") {
            take(text.extracting(start..<i))
            start = i + 1
            line += 1
        }
        undo()
    }

    private mutating func take(_ text: Span<UInt8>) {
        var fields: [String: JSONToken] = [:]
        var at = 0
        guard UTF8Validator.isValid(text),
            JSONScanner.members(text, &at, onMember: { fields[String(unescaping: $0, of: text)] = $1 }),
            at == text.count,
            let seq = fields["seq"].flatMap({ JSONScanner.whole(text, $0) })
        else { return }
        func number(_ name: String) -> UInt64? { fields[name].flatMap { JSONScanner.whole(text, $0) } }
        func string(_ name: String) -> String? {
            fields[name].flatMap { $0.kind == .string ? String(unescaping: $0, of: text) : nil }
        }
        if let room = string("undo") {
            undos[room, default: []].append(Note(value: (), seq: seq, line: line))
        } else if let number = number("join"), let room = string("room"), let name = string("username"),
            let hash = fields["session"].flatMap({ UInt128(hexadecimal: text.extracting($0.range)) })
        {
            lastNumber = max(lastNumber, number)
            sessions[number] = Session(
                number: number, room: room, hash: hash, names: [Note(value: name, seq: seq, line: line)])
        } else if let number = number("id") {
            sessions[number]?.ids.append(Note(value: (), seq: seq, line: line))
        } else if let number = number("name"), let name = string("username") {
            sessions[number]?.names.append(Note(value: name, seq: seq, line: line))
        } else if let number = number("leave") {
            sessions[number]?.left = Note(value: (), seq: seq, line: line)
        }
    }

    /// Forgets what `undo` lines say of the lines before them. All at once, since while a disk was full there may have been one
    /// of them for each line.
    private mutating func undo() {
        // From here on, each has the lowest seq of itself and all after it.
        for (room, notes) in undos {
            var lowest = UInt64.max
            var notes = notes
            for i in notes.indices.reversed() {
                lowest = min(lowest, notes[i].seq)
                notes[i].seq = lowest
            }
            undos[room] = notes
        }
        for (number, session) in sessions {
            guard let undos = undos[session.room] else { continue }
            sessions[number]?.undo { line in
                var low = 0
                var high = undos.count
                while low < high {
                    let middle = (low + high) / 2
                    if undos[middle].line <= line { low = middle + 1 } else { high = middle }
                }
                return low < undos.count ? undos[low].seq : .max
            }
        }
    }
}

/// The seqs that rooms of an earlier version may have used although their events are not on the disk, as lines of JSON, of which
/// the last one of a room counts:
///
///     {"room":"lobby","seq":100000,"boot":"f39303e5-55e1-4da1-b7ac-84bb2d0e25e1"}
struct OldReservations {
    private(set) var records: [String: (seq: UInt64, boot: String)] = [:]

    init(_ text: Span<UInt8>) {
        var start = 0
        for i in text.indices where text[i] == UInt8(ascii: "\n") {
            take(text.extracting(start..<i))
            start = i + 1
        }
    }

    private mutating func take(_ text: Span<UInt8>) {
        var (room, boot, seq) = (String?.none, "", UInt64?.none)
        var at = 0
        guard UTF8Validator.isValid(text),
            JSONScanner.members(
                text, &at,
                onMember: { name, value in
                    switch String(unescaping: name, of: text) {
                    case "room": room = String(unescaping: value, of: text)
                    case "boot": boot = String(unescaping: value, of: text)
                    case "seq": seq = JSONScanner.whole(text, value)
                    default: break
                    }
                }), at == text.count, let room, let seq
        else { return }
        records[room] = (seq, boot)
    }
}
