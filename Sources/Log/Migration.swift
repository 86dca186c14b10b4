import Bytes
import Chat

/// Carries a data folder over that a version before the logs of rooms has written: with one journal of sessions for all rooms,
/// and seqs reserved ahead.
///
/// Sessions and used ids become a snapshot, in a new segment of each room that has any. Everything can be done again: a start
/// that is killed on the way leaves the old files in their places, and rooms that begin with a snapshot are done.
struct Migration {
    let path: String
    let disk: any Storage
    let secret: ServerSecret
    private let snapshotPiece = LogSizes().snapshotPiece

    /// What the old files are called once they are of no use; they are removed with the first clean stop.
    static let setAside = ["journal.old", "reserved.old"]
    private static let oldNames = ["journal", "reserved"]

    init(path: String, disk: any Storage, secret: [UInt8]) {
        self.path = path
        self.disk = disk
        self.secret = ServerSecret(key: secret)
    }

    /// Counts as unclean what the old version could not be sure of: rooms go on from another power of 2^32, above all that may
    /// have been used.
    ///
    /// - Returns: nil where no old version has been here.
    func uncleanStops(boot: String?) throws(StorageError) -> UInt64? {
        let journal = try disk.identity(at: path + "/journal")
        guard let floors = try floors(boot: boot) else { return journal == nil ? nil : 0 }
        return floors.values.max().map { ($0 >> 32) + 1 } ?? 0
    }

    /// Up to where each room may have used its seqs, of which the events may be lost: what was reserved in another start of the
    /// machine. Nil where no old version has been here.
    private func floors(boot: String?) throws(StorageError) -> [String: UInt64]? {
        guard let text = try contents("reserved") else { return nil }
        return OldReservations(text.span).records.filter { boot == nil || $0.value.boot != boot }.mapValues(\.seq)
    }

    /// Writes the snapshots.
    ///
    /// - Returns: how many rooms have got one; nil where there is no journal.
    func carryOver(boot: String?) throws(StorageError) -> Int? {
        guard let text = try contents("journal") else { return nil }
        let floors = try floors(boot: boot) ?? [:]
        let journal = OldJournal(text.span)
        var rooms: [String: [OldJournal.Session]] = [:]
        for session in journal.sessions.values where RoomName.isValid(Array(session.room.utf8).span) {
            rooms[session.room, default: []].append(session)
        }
        var count = 0
        for (name, sessions) in rooms.sorted(by: { $0.key < $1.key }) {
            let room = OldRoom(RoomFolder(path: path + "/rooms/" + name), disk)
            let inOrder = sessions.sorted { $0.number < $1.number }
            if try carryOver(room, inOrder, lastNumber: journal.lastNumber, floor: floors[name] ?? 0) { count += 1 }
        }
        return count
    }

    /// Gives the old files other names.
    ///
    /// - Returns: what they are called now.
    func setOldFilesAside() throws(StorageError) -> [String] {
        var names: [String] = []
        for name in Migration.oldNames where try disk.identity(at: path + "/" + name) != nil {
            try disk.rename(path + "/" + name, to: path + "/" + name + ".old")
            names.append(path + "/" + name + ".old")
        }
        return names
    }

    private func contents(_ name: String) throws(StorageError) -> [UInt8]? {
        guard let file = try disk.openExisting(path + "/" + name, .read) else { return nil }
        defer { disk.close(file) }
        var bytes = [UInt8](repeating: 0, count: Int(clamping: try disk.size(of: file)))
        let count = try disk.readAll(file, at: 0, into: &bytes, range: 0..<bytes.count)
        bytes.removeLast(bytes.count - count)
        return bytes
    }

    // MARK: A room

    private func carryOver(
        _ room: OldRoom, _ sessions: [OldJournal.Session], lastNumber: UInt64, floor: UInt64
    ) throws(StorageError) -> Bool {
        var room = room
        guard try room.open() else { return false }
        // The events of its ids, and enough of the newest to know who is there.
        let wanted = sessions.flatMap { session in session.ids.suffix(RoomRules.rememberedIDs).map(\.seq) }
        try room.read(from: min(wanted.min() ?? .max, room.newest > 1000 ? room.newest - 1000 : 1), ids: Set(wanted))
        var taken: Set<String> = []
        var alive: [(session: OldJournal.Session, name: String)] = []
        for session in sessions {
            guard let name = session.name(inRoomUpTo: max(room.newest, floor)), room.states[name] != false,
                taken.insert(name).inserted
            else { continue }
            alive.append((session, name))
        }
        guard !alive.isEmpty else { return false }
        // Whoever is there by the events alone leaves when the room is loaded: no secret has that hash.
        var members: [(number: UInt64, name: String, hash: UInt128)] = []
        for name in room.order where room.states[name] == true && taken.insert(name).inserted {
            let number = lastNumber + 1 + UInt64(members.count)
            members.append((number, name, UInt128.max << 64 | UInt128(number)))
        }
        let next = lastNumber + 1 + UInt64(members.count)
        members += alive.map { ($0.session.number, $0.name, $0.session.hash) }
        let bytes = snapshot(of: room, members: members, people: alive.map(\.session), nextMember: next)
        // As a whole or not at all.
        try DataFolder.replace(room.folder.file(room.newest + 1), with: bytes, disk)
        return true
    }

    /// The snapshot, in the form that `Room.appendSnapshot` has.
    private func snapshot(
        of room: OldRoom, members: [(number: UInt64, name: String, hash: UInt128)], people: [OldJournal.Session],
        nextMember: UInt64
    ) -> [UInt8] {
        var pieces = Pieces(limit: snapshotPiece, seq: room.newest)
        pieces.begin(first: room.first, nextMember: nextMember, nextPerson: UInt64(people.count) + 1)
        for (index, session) in people.enumerated() {
            pieces.addPerson { text in
                text.append("{\"person\":")
                text.append(decimal: UInt64(index) + 1)
                text.append(",\"user\":\"")
                secret.user(ofSession: session.hash).append(to: &text)
                text.append("\",\"seen\":")
                text.append(decimal: UInt64(clamping: room.time))
                text.append(",\"names\":[]")
                appendIDs(of: session, room, to: &text)
                text.append("}")
            }
        }
        for member in members {
            pieces.addMember { text in
                text.append("{\"member\":")
                text.append(decimal: member.number)
                text.append(",\"username\":")
                text.append(quoting: member.name)
                if member.hash >> 64 != UInt128.max >> 64 {
                    text.append(",\"user\":\"")
                    secret.user(ofSession: member.hash).append(to: &text)
                    text.append("\"")
                }
                text.append(",\"session\":\"")
                text.append(hexadecimal: member.hash)
                text.append("\"}")
            }
        }
        return pieces.end()
    }

    private func appendIDs(of session: OldJournal.Session, _ room: OldRoom, to text: inout [UInt8]) {
        var bytes: [UInt8] = []
        for note in session.ids.suffix(RoomRules.rememberedIDs) {
            guard let hash = room.hashes[note.seq] else { continue }
            bytes.append(bigEndian: hash, byteCount: 8)
            bytes.append(bigEndian: note.seq, byteCount: 8)
        }
        guard !bytes.isEmpty else { return }
        text.append(",\"ids\":{\"since\":")
        text.append(decimal: UInt64(clamping: room.time))
        text.append(",\"of\":\"")
        text.append(contentsOf: Base64.encode(bytes.span))
        text.append("\"}")
    }
}

/// The lines of a snapshot.
private struct Pieces {
    let limit: Int
    let seq: UInt64
    private var text: [UInt8] = []
    private var lineStart = 0
    private var part: UInt64 = 0
    private var hasMembers = false

    init(limit: Int, seq: UInt64) { (self.limit, self.seq) = (limit, seq) }

    mutating func begin(first: UInt64, nextMember: UInt64, nextPerson: UInt64) {
        beginLine()
        text.append(",\"first\":")
        text.append(decimal: first)
        text.append(",\"nextMember\":")
        text.append(decimal: nextMember)
        text.append(",\"nextPerson\":")
        text.append(decimal: nextPerson)
        text.append(",\"jumps\":[],\"people\":[")
    }

    private mutating func beginLine() {
        lineStart = text.count
        text.append("{\"type\":\"snapshot\",\"seq\":")
        text.append(decimal: seq)
        text.append(",\"part\":")
        text.append(decimal: part)
        part += 1
        hasMembers = false
    }

    private mutating func endLine() {
        if !hasMembers { text.append("],\"members\":[") }
    }

    private mutating func makeRoom() {
        guard text.count - lineStart >= limit else { return }
        endLine()
        text.append("]}\n")
        beginLine()
        text.append(",\"people\":[")
    }

    private mutating func add(_ body: (inout [UInt8]) -> Void) {
        if text.last != UInt8(ascii: "[") { text.append(",") }
        body(&text)
    }

    mutating func addPerson(_ body: (inout [UInt8]) -> Void) {
        makeRoom()
        add(body)
    }

    mutating func addMember(_ body: (inout [UInt8]) -> Void) {
        makeRoom()
        if !hasMembers { text.append("],\"members\":[") }
        hasMembers = true
        add(body)
    }

    mutating func end() -> [UInt8] {
        endLine()
        text.append("],\"last\":true}\n")
        return text
    }
}

/// What the events of an old room tell.
private struct OldRoom {
    let folder: RoomFolder
    private let disk: any Storage
    private var segments: [Segment] = []
    private(set) var first: UInt64 = 0
    private(set) var newest: UInt64 = 0
    /// The newest event's time.
    private(set) var time: Int64 = 0
    /// Who has come (true) or gone (false), in an order.
    private(set) var states: [String: Bool] = [:]
    private(set) var order: [String] = []
    /// The hash of a message's `id`, by its seq: as messages are given theirs now.
    private(set) var hashes: [UInt64: UInt64] = [:]

    init(_ folder: RoomFolder, _ disk: any Storage) { (self.folder, self.disk) = (folder, disk) }

    /// - Returns: whether there is something to be carried over.
    mutating func open() throws(StorageError) -> Bool {
        segments = try folder.segments(disk)
        guard let oldest = segments.first, let last = segments.last else { return false }
        first = oldest.first
        for segment in segments.reversed() where newest == 0 {
            var reader = try LineReader(disk, folder.file(segment.first))
            defer { reader.close() }
            newest = try reader.newestSeq(upTo: segment.length)
            guard segment == last, last.length > 0 else { continue }
            _ = try reader.forwards(from: 0, upTo: last.length)
            if let line = reader.bytes.firstIndex(of: 0x0A),
                RoomLoader.snapshotPart(reader.bytes.span.extracting(0..<line)) != nil
            {
                return false
            }
        }
        return newest > 0
    }

    mutating func read(from seq: UInt64, ids: Set<UInt64>) throws(StorageError) {
        let start = segments.lastIndex { $0.first <= seq } ?? 0
        for segment in segments[start...] {
            var reader = try LineReader(disk, folder.file(segment.first))
            defer { reader.close() }
            var offset: Int64 = 0
            while offset < segment.length {
                offset = try reader.forwards(from: offset, upTo: segment.length)
                let bytes = reader.bytes
                EventLine.forEach(in: bytes.span) { event, range in
                    take(event, bytes.span.extracting(range), ids)
                }
            }
        }
    }

    private mutating func take(_ event: EventLine, _ line: Span<UInt8>, _ ids: Set<UInt64>) {
        time = max(time, event.time)
        let name = String(unescaping: event.username, of: line)
        switch event.kind {
        case .join: set(name, true)
        case .leave: set(name, false)
        case .rename:
            set(name, false)
            set(String(unescaping: event.to, of: line), true)
        case .message:
            guard event.id.kind == .string, ids.contains(event.seq) else { return }
            var id: [UInt8] = []
            id.append(quoting: String(unescaping: event.id, of: line))
            hashes[event.seq] = UInt64(truncatingIfNeeded: UInt128(leading: SHA1.digest(of: id.span)) >> 64)
        case .edit, .delete, .react, .moderation: break
        }
    }

    private mutating func set(_ name: String, _ isHere: Bool) {
        if states[name] == nil { order.append(name) }
        states[name] = isHere
    }
}
