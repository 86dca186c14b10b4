import Bytes
import Log
import Simulation

// Rooms are driven by hand here, as the chat does it between two writes: what for, and what they come to, is not the log's.
@testable import Chat

/// A log with its rooms, as a server has them, on a disk and with a clock of the test's.
final class Rig {
    let storage: any Storage
    let disk: any Disk
    let fsync: FsyncPolicy
    let sizes: LogSizes
    private(set) var log: Log
    var rooms: [String: Room] = [:]
    /// Nanoseconds of the loop's clock.
    var now: Int64 = 1_000_000_000
    private(set) var incidents: [LogIncident] = []
    private(set) var failure: StorageError?
    /// The newest ticket that has come.
    private(set) var released: UInt64 = 0
    private var results: [ReadResult] = []
    private var nextSlot: UInt32 = 0
    /// What the last input's ranges are places in.
    private var applied: [UInt8] = []
    private var counters = ChatCounters()
    private static let rules = RoomRules(isDurable: true)

    /// Opens a data folder on any disk.
    init(
        _ storage: any Storage, disk: any Disk, path: String = "/data", fsync: FsyncPolicy = .everySecond,
        sizes: LogSizes = LogSizes()
    ) throws {
        (self.storage, self.disk, self.fsync, self.sizes) = (storage, disk, fsync, sizes)
        let folder = try DataFolder.open(path, storage, random: [UInt8](1...32))
        log = Log(storage: storage, disk: disk, folder: folder, fsync: fsync, rules: Rig.rules, sizes: sizes)
        incidents = log.takeIncidents()
    }

    /// Opens `/data` on a simulated disk that does everything at once, or as fast as a seed says.
    convenience init(
        _ storage: SimulatedDisk, fsync: FsyncPolicy = .everySecond, sizes: LogSizes = LogSizes(), seed: UInt64? = nil
    ) throws {
        try self.init(storage, disk: SimulatedDiskWork(disk: storage, seed: seed), fsync: fsync, sizes: sizes)
    }

    // MARK: Ticks

    /// Takes in what the disk has done, and has it begin what is due.
    func turn(by nanoseconds: Int64 = 0) {
        now += nanoseconds
        log.time = time
        for event in log.takeResults(now: now) {
            switch event {
            case .read(let result) where result.request.kind == .expire || result.request.kind == .sweep:
                take(result)
            case .read(let result): results.append(result)
            case .synced(let ticket): released = max(released, ticket)
            case .syncFailed(let error): failure = failure ?? error
            }
        }
        for name in log.takeExpiring(now: now) {
            guard let room = rooms[name], let seq = log.expire(room, now: now) else { continue }
            rooms[name]?.expire(through: seq)
        }
        for name in log.unsavedRooms { _ = log.rewrite(name, rooms[name]) }
        _ = log.commit(now: now)
        log.tick(now: now)
        incidents += log.takeIncidents()
    }

    /// The time of day, in milliseconds.
    var time: Int64 { 1_700_000_000_000 + now / 1_000_000 }
    /// Rooms that are not in memory, with something on the disk that is not to be kept any longer.
    private(set) var due: [String] = []

    private func take(_ result: ReadResult) {
        switch result.outcome {
        case .expired(let seq, _): rooms[result.request.room]?.expire(through: seq)
        case .due(let names, _): due += names
        case .failed(let error): failures.append(error)
        default: break
        }
    }
    /// What has gone wrong while something was removed.
    private(set) var failures: [StorageError] = []

    /// Lets the clock go in steps of a quarter of an hour, and then some seconds.
    func run(hours: Double) {
        for _ in 0..<Int(hours * 4) { turn(by: 900_000_000_000) }
        for _ in 0..<20 { turn(by: 1_000_000_000) }
    }

    /// Lets the clock go in steps of ten milliseconds.
    func run(seconds: Double) {
        for _ in 0..<Int(seconds * 100) { turn(by: 10_000_000) }
    }

    // MARK: Rooms

    /// Has something read.
    func read(_ kind: ReadRequest.Kind, _ room: String = "lobby") -> ReadResult.Outcome? {
        let tag = UInt64.random(in: 0 ... .max)
        log.request(ReadRequest(kind, room: room, tag: tag))
        for _ in 0..<1_000_000 {
            turn()
            if let index = results.firstIndex(where: { $0.request.tag == tag }) {
                return results.remove(at: index).outcome
            }
        }
        return nil
    }

    /// Loads a room; nil where that failed.
    @discardableResult
    func load(_ name: String = "lobby") -> Room? {
        guard case .loaded(let room) = read(.load, name) else { return nil }
        rooms[name] = room
        return room
    }

    func lines(_ kind: ReadRequest.Kind, _ room: String = "lobby") -> (seqs: [UInt64], more: Bool)? {
        guard case .lines(let bytes, let more) = read(kind, room) else { return nil }
        return (seqs(bytes), more)
    }

    func forget(_ name: String) {
        rooms[name] = nil
        log.forget(room: name)
    }

    /// Has someone come in, without writing it.
    ///
    /// - Returns: the connection.
    func enter(_ name: String, _ room: String = "lobby", session: UInt128 = 7) -> ConnectionID? {
        guard let username = Username(name) else { return nil }
        let id = ConnectionID(slot: nextSlot, generation: 1)
        nextSlot += 1
        let join = Join(
            username: username, user: UserID(bits: session), isKeyed: true, session: session, newSession: session,
            since: nil)
        apply(.join(id, join), [], room)
        return id
    }

    func apply(_ input: RoomInput, _ bytes: [UInt8], _ room: String) {
        applied = bytes
        rooms[room]?.apply(
            input, of: bytes.span, at: Moment(now: now / 1_000_000, time: time))
    }

    /// Has someone say something, without writing it.
    func post(_ text: String, by id: ConnectionID, messageID: String? = nil, _ room: String = "lobby") {
        var bytes: [UInt8] = []
        bytes.append(quoting: text)
        let end = bytes.count
        if let messageID { bytes.append(quoting: messageID) }
        apply(.message(id, text: 0..<end, id: end..<bytes.count, reply: nil), bytes, room)
    }

    /// Writes what a room has to say: it becomes history, or has not happened.
    @discardableResult
    func write(_ name: String = "lobby") -> AppendOutcome {
        guard var room = rooms.removeValue(forKey: name) else { return .refused(StorageError(.append, name, .misuse)) }
        var outcome = AppendOutcome.written
        if !room.unwritten.isEmpty { outcome = log.append(room) }
        let bytes = applied
        if outcome == .written {
            room.commit(counting: &counters)
        } else {
            room.rollBack(bytes.span, counting: &counters)
        }
        if outcome != .written { room.beginTick() }
        // What would have been sent by now.
        room.pending.removeAll()
        room.lines.removeAll()
        room.texts.removeAll()
        room.beginTick()
        rooms[name] = room
        return outcome
    }

    /// A member of the room says something, who comes in for that if there is none; and it is written.
    @discardableResult
    func say(_ text: String, _ room: String = "lobby", messageID: String? = nil) -> AppendOutcome {
        guard let id = rooms[room]?.present.first ?? enter("Ada", room) else {
            return .refused(StorageError(.append, room, .misuse))
        }
        post(text, by: id, messageID: messageID, room)
        return write(room)
    }

    /// Does something to a message, as its sender, as the door does it: what is not in memory is read first.
    @discardableResult
    func change(
        _ kind: (Int) -> MessageChange.Kind, text: String = "", _ target: UInt64, _ room: String = "lobby"
    ) -> AppendOutcome {
        guard let id = rooms[room]?.present.first ?? enter("Ada", room) else {
            return .refused(StorageError(.append, room, .misuse))
        }
        if rooms[room]?.needsDisk(message: target) == true {
            guard case .lines(let line, _) = read(.event(target), room) else {
                return .refused(StorageError(.read, room, .misuse))
            }
            apply(.messageRead(target, line: 0..<max(0, line.count - 1)), line, room)
        }
        var bytes: [UInt8] = []
        bytes.append(quoting: text)
        apply(.change(id, MessageChange(kind: kind(bytes.count), target: target, id: 0..<0)), bytes, room)
        return write(room)
    }

    func edit(_ target: UInt64, _ text: String, _ room: String = "lobby") -> AppendOutcome {
        change({ .edit(text: 0..<$0) }, text: text, target, room)
    }
    func delete(_ target: UInt64, _ room: String = "lobby") -> AppendOutcome {
        change({ _ in .delete }, target, room)
    }
    func react(_ target: UInt64, _ emoji: String, on: Bool = true, _ room: String = "lobby") -> AppendOutcome {
        change({ _ in .react(emoji: emoji, on: on) }, target, room)
    }

    /// Has what was done to messages folded into their lines, and waits for that.
    ///
    /// - Returns: whether it was done.
    @discardableResult
    func fold(_ room: String = "lobby", erases: Bool = false) -> Bool {
        guard let state = rooms[room] else { return false }
        switch log.fold(state, erases: erases) {
        case .refused: return false
        case .nothingToDo(let folded): apply(.folded(folded), [], room)
        case .begun:
            for _ in 0..<1_000_000 {
                turn(by: 10_000_000)
                guard let index = results.firstIndex(where: { $0.request.kind == .fold }) else { continue }
                guard case .folded(let folded) = results.remove(at: index).outcome else { return false }
                apply(.folded(folded), [], room)
                break
            }
        }
        write(room)
        return true
    }

    /// Looks for a text.
    func search(_ text: String, before: UInt64 = .max, limit: Int = 50) -> (texts: [String], next: UInt64?)? {
        var quoted: [UInt8] = []
        quoted.append(quoting: text)
        let tag = UInt64.random(in: 0 ... .max)
        log.request(
            ReadRequest(.search(quoted, before: before, limit: limit), room: "lobby", tag: tag),
            fold: rooms["lobby"]?.untold)
        for _ in 0..<1_000_000 {
            turn()
            guard let index = results.firstIndex(where: { $0.request.tag == tag }) else { continue }
            guard case .found(let lines, let next) = results.remove(at: index).outcome else { return nil }
            return (textsOf(lines), next)
        }
        return nil
    }

    /// Says a number of texts, each in a tick of its own.
    func say(_ numbers: ClosedRange<Int>, _ room: String = "lobby") -> Bool {
        numbers.allSatisfy { say("text \($0)", room) == .written }
    }

    /// All that is in a room's log, by way of pages of events.
    func texts(_ room: String = "lobby") -> [String] {
        guard case .lines(let bytes, _) = read(.messagesAfter(0, limit: .max), room) else { return [] }
        return textsOf(bytes)
    }

    func stop() -> [StorageError] { log.close() }
}

/// The seqs of a block's lines, by a way of its own.
func seqs(_ block: [UInt8]) -> [UInt64] {
    String(decoding: block, as: UTF8.self).split(separator: "\n").compactMap { line in
        line.split(separator: "\"seq\":").dropFirst().first.flatMap { UInt64($0.prefix { $0.isNumber }) }
    }
}

/// The texts of a block's messages, in the same way.
func textsOf(_ block: [UInt8]) -> [String] {
    String(decoding: block, as: UTF8.self).split(separator: "\n").compactMap { line in
        line.split(separator: "\"text\":\"", maxSplits: 1).dropFirst().first?.split(separator: "\"").first.map(
            String.init)
    }
}

/// One event's line, as the server writes it.
func line(_ seq: UInt64, _ text: String? = nil, type: String = "message") -> [UInt8] {
    let rest = type == "message" ? #","text":"\#(text ?? "text \(seq)")""# : ""
    return Array(#"{"type":"\#(type)","seq":\#(seq),"time":1700000000000,"username":"Ada"\#(rest)}"#.utf8) + [0x0A]
}

func lines(_ seqs: ClosedRange<UInt64>, type: String = "message") -> [UInt8] { seqs.flatMap { line($0, type: type) } }

/// The name of the segment that begins with a seq.
func segment(_ first: UInt64, _ room: String = "lobby") -> String {
    let digits = String(first)
    return "/data/rooms/\(room)/" + String(repeating: "0", count: 20 - digits.count) + digits + ".jsonl"
}

/// What is in the segments of a room, the oldest first.
func segments(_ disk: SimulatedDisk, _ room: String = "lobby") -> [(path: String, text: String)] {
    let paths = disk.files.keys.filter { $0.hasPrefix("/data/rooms/\(room)/") && $0.hasSuffix(".jsonl") }.sorted()
    return paths.map { ($0, String(decoding: disk.contents($0) ?? [], as: UTF8.self)) }
}
