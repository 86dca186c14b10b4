/// A session as the journal tells it.
struct JournalSession: Sendable {
    /// What a line says, the seq of the event that goes with it, and which line it is.
    struct Note<Value: Sendable>: Sendable {
        var value: Value
        var seq: UInt64
        var line: Int
    }

    var number: UInt64
    var room: String
    var session: Bits128
    /// Its names: the first came with the join, the others with renames.
    var names: [Note<String>]
    /// Hashes of the identifiers of its messages.
    var ids: [Note<Bits128>] = []
    var left: Note<Void>?

    /// The newest seq that is noted of it.
    var newestSeq: UInt64 { max(names.map(\.seq).max() ?? 0, ids.map(\.seq).max() ?? 0, left?.seq ?? 0) }

    /// Whether it is still there: it has joined, and has not left.
    var isAlive: Bool { !names.isEmpty && left == nil }

    /// Forgets what was noted for events from a seq on, which depends on the line where it is noted.
    mutating func undo(from seq: (_ line: Int) -> UInt64) {
        names.removeAll { $0.seq >= seq($0.line) }
        ids.removeAll { $0.seq >= seq($0.line) }
        if let left, left.seq >= seq(left.line) { self.left = nil }
    }
}

/// Reads the journal after a restart.
struct JournalReader {
    /// All that have joined, also those that have left, by their number.
    private(set) var sessions: [UInt64: JournalSession] = [:]
    private(set) var lastNumber: UInt64 = 0
    /// Lines that make no sense.
    private(set) var damagedLines = 0
    private var line = 0
    /// The `undo` lines of each room.
    private var undos: [String: [JournalSession.Note<Void>]] = [:]

    init(_ journal: Span<UInt8>) {
        var start = 0
        for i in journal.indices where journal[i] == UInt8(ascii: "\n") {
            if !take(journal.extracting(start..<i)) { damagedLines += 1 }
            start = i + 1
            line += 1
        }
        undo()
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

    private mutating func take(_ text: Span<UInt8>) -> Bool {
        guard let fields = Fields(text), let seq = JSONScanner.whole(text, fields.seq) else { return false }
        let kind = text.extracting(fields.name.range)
        if kind.isEqual(to: "undo") {
            guard fields.first.kind == .string else { return false }
            undos[String(unescaping: fields.first, of: text), default: []].append(note((), seq))
            return true
        }
        guard let number = JSONScanner.whole(text, fields.first) else { return false }
        lastNumber = max(lastNumber, number)
        if kind.isEqual(to: "join") {
            guard let session = Bits128(hexadecimal: text.extracting(fields.session.range)),
                fields.room.kind == .string, fields.username.kind == .string
            else { return false }
            sessions[number] = JournalSession(
                number: number, room: String(unescaping: fields.room, of: text), session: session,
                names: [note(String(unescaping: fields.username, of: text), seq)])
        } else if kind.isEqual(to: "id") {
            guard let hash = Bits128(hexadecimal: text.extracting(fields.hash.range)) else { return false }
            let id = note(hash, seq)
            sessions[number]?.ids.append(id)
        } else if kind.isEqual(to: "name") {
            guard fields.username.kind == .string else { return false }
            let name = note(String(unescaping: fields.username, of: text), seq)
            sessions[number]?.names.append(name)
        } else if kind.isEqual(to: "leave") {
            let left = note((), seq)
            sessions[number]?.left = left
        } else {
            return false
        }
        return true
    }

    private func note<Value>(_ value: Value, _ seq: UInt64) -> JournalSession.Note<Value> {
        JournalSession.Note(value: value, seq: seq, line: line)
    }

    /// Forgets what `undo` lines say of the lines before them. All at once, since while a disk is full there may be one of
    /// them for each line.
    private mutating func undo() {
        guard !undos.isEmpty else { return }
        // From here on, each has the lowest seq of itself and all after it.
        for room in undos.keys {
            var lowest = UInt64.max
            for i in (undos[room] ?? []).indices.reversed() {
                lowest = min(lowest, undos[room]?[i].seq ?? lowest)
                undos[room]?[i].seq = lowest
            }
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
