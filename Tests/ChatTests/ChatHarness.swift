import Bytes
import Foundation

@testable import Chat

/// A chat with clients, but without a network or a disk: what is said goes in as inputs, and what comes out is delivered to
/// each client's transcript in the order in which the server would send it.
struct ChatHarness {
    var chat: Chat
    var inputs = TickInputs()
    var output = TickOutput()
    /// What each client has got, oldest first.
    var transcripts: [ConnectionID: [String]] = [:]
    var endings: [ConnectionID: Ending] = [:]
    /// The lines on the "disk", by room.
    var disk: [String: [String]] = [:]
    var journal: [UInt8] = []
    var reads: [DiskRead] = []
    /// The rooms whose writes fail, and whether the journal's do.
    var failing: Set<String> = []
    var journalFails = false
    private var nextSlot: UInt32 = 0
    private var cursors: [ConnectionID: Int] = [:]

    init(limits: Limits = ChatHarness.unlimited()) { chat = Chat(limits: limits) }

    /// Limits that do not get in the way of a test about something else.
    static func unlimited(isDurable: Bool = false) -> Limits {
        var limits = Limits(messagesPerSecond: 0, isDurable: isDurable)
        limits.typing = nil
        limits.renames = nil
        limits.history = nil
        limits.errors = nil
        return limits
    }

    // MARK: Inputs

    mutating func open(_ room: String = "lobby", secret: Bits128? = nil) -> ConnectionID {
        let id = ConnectionID(slot: nextSlot, generation: 1)
        nextSlot += 1
        let start = inputs.bytes.count
        inputs.bytes += Array(room.utf8)
        let secret = secret ?? Bits128(high: 0xABCD, low: UInt64(id.slot))
        inputs.items.append(.opened(id, room: start..<inputs.bytes.count, secret: secret))
        return id
    }

    mutating func send(_ id: ConnectionID, _ json: String) {
        let start = inputs.bytes.count
        inputs.bytes += Array(json.utf8)
        inputs.items.append(.text(id, start..<inputs.bytes.count))
    }

    mutating func close(_ id: ConnectionID, _ departure: Departure) { inputs.items.append(.closed(id, departure)) }

    /// Opens a connection and joins, in one tick.
    mutating func join(_ name: String, room: String = "lobby", more: String = "") -> ConnectionID {
        let id = open(room)
        send(id, "{\"type\":\"join\",\"username\":\"\(name)\"\(more)}")
        tick()
        return id
    }

    // MARK: The tick

    mutating func tick(after milliseconds: Int64 = 1) {
        inputs.now += milliseconds
        inputs.time = 1_700_000_000_000 + inputs.now
        output.removeAll()
        chat.update(inputs, into: &output)
        var failed: [UInt32] = []
        if journalFails {
            failed = output.written
        } else {
            journal += output.journal
            for index in output.written {
                let room = chat.rooms[Int(index)]
                if failing.contains(room.name) {
                    failed.append(index)
                } else {
                    let lines = String(decoding: room.lines[room.unwritten], as: UTF8.self)
                    disk[room.name, default: []] += lines.split(separator: "\n").map(String.init)
                }
            }
        }
        chat.settle(failed: failed, journalWritten: !journalFails, into: &output)
        deliver()
        chat.endTick(output)
        reads += output.reads
        inputs.removeAll()
    }

    /// Delivers as `Server` does: replies cut into the room's events at their places.
    private mutating func deliver() {
        for (id, ending) in output.endings { endings[id] = ending }
        var replied: [ConnectionID] = []
        for reply in output.replies where !replied.contains(reply.to) { replied.append(reply.to) }
        var served: Set<ConnectionID> = []
        for index in output.due {
            let room = chat.rooms[Int(index)]
            let texts = room.pending.map { event in
                String(decoding: (event.isKept ? room.lines : room.whispers)[event.range], as: UTF8.self)
            }
            for id in room.present {
                var next = cursors[id] ?? 0
                for reply in output.replies where reply.to == id {
                    if reply.after > next { transcripts[id, default: []] += texts[next..<reply.after] }
                    next = max(next, reply.resume)
                    appendReply(reply)
                }
                if next < texts.count { transcripts[id, default: []] += texts[next...] }
                cursors[id] = 0
                served.insert(id)
            }
        }
        for reply in output.replies where !served.contains(reply.to) {
            appendReply(reply)
            if reply.isWelcome { cursors[reply.to] = reply.resume }
        }
    }

    private mutating func appendReply(_ reply: TickOutput.Reply) {
        guard !reply.range.isEmpty else { return }
        transcripts[reply.to, default: []].append(String(decoding: output.bytes[reply.range], as: UTF8.self))
    }

    // MARK: The disk's answers

    /// Answers a request to load a room with nothing, as a disk without that room does.
    mutating func loadEmptyRooms() {
        for read in reads where read.want == .load {
            inputs.items.append(.roomLoaded(room: read.room, newestSeq: 0, olderMessages: 0..<0, events: 0..<0))
        }
        reads.removeAll { $0.want == .load }
        tick()
    }

    mutating func bytes(_ text: String) -> Range<Int> {
        let start = inputs.bytes.count
        inputs.bytes += Array(text.utf8)
        return start..<inputs.bytes.count
    }

    // MARK: What was got

    /// Takes out what a client has got since the last call, read as JSON.
    mutating func take(_ id: ConnectionID) -> [JSON] {
        defer { transcripts[id] = [] }
        return (transcripts[id] ?? []).map(JSON.init)
    }
}

/// A JSON object as Foundation reads it: an independent opinion on what the chat writes.
struct JSON: CustomStringConvertible {
    let text: String
    private let object: [String: Any]

    init(_ text: String) {
        self.text = text
        object =
            (try? JSONSerialization.jsonObject(with: Data(text.utf8))) as? [String: Any] ?? ["type": "no JSON: \(text)"]
    }

    init(_ object: [String: Any]) {
        text = "\(object)"
        self.object = object
    }

    var description: String { text }
    var type: String { self["type"] ?? "" }
    var code: String? { self["code"] }
    var seq: Int? { self["seq"] }
    subscript(name: String) -> String? { object[name] as? String }
    subscript(name: String) -> Int? { object[name] as? Int }
    subscript(name: String) -> Bool? { object[name] as? Bool }
    subscript(name: String) -> [String]? { object[name] as? [String] }
    subscript(name: String) -> [JSON]? { (object[name] as? [[String: Any]])?.map(JSON.init) }
    var keys: Set<String> { Set(object.keys) }
}
