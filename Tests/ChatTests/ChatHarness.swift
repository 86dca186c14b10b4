import Bytes
import Foundation

@testable import Chat

/// A chat with clients, but without a network: what is said goes in as inputs, and what comes out is delivered to each
/// client's transcript in the order in which the server would send it.
struct ChatHarness {
    var chat: Chat
    var inputs = TickInputs()
    var output = TickOutput()
    var disk = SimulatedDisk()
    /// Whether what is read from the disk is there in the next tick.
    var answersReads = true
    /// What each client has got, oldest first.
    var transcripts: [ConnectionID: [String]] = [:]
    var endings: [ConnectionID: Ending] = [:]
    /// All that went in and came out, as far as it is wanted.
    var recording: [UInt8] = []
    var isRecording = false
    private var nextSlot: UInt32 = 0
    private var cursors: [ConnectionID: Int] = [:]

    init(limits: Limits = ChatHarness.unlimited()) { chat = Chat(limits: limits) }

    static func durable() -> ChatHarness { ChatHarness(limits: unlimited(isDurable: true)) }

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
        let secret = secret ?? Bits128(high: 0xABCD, low: UInt64(id.slot))
        inputs.items.append(.opened(id, room: inputs.append(room), secret: secret))
        return id
    }

    mutating func send(_ id: ConnectionID, _ json: String) { inputs.items.append(.text(id, inputs.append(json))) }

    /// Says something, without ticking.
    mutating func say(_ id: ConnectionID, _ text: String, messageID: String? = nil) {
        send(id, "{\"type\":\"message\",\"text\":\(quoted(text))\(messageID.map { ",\"id\":\(quoted($0))" } ?? "")}")
    }

    mutating func close(_ id: ConnectionID, _ departure: Departure) { inputs.items.append(.closed(id, departure)) }

    /// Opens a connection and sends a join, without ticking.
    mutating func arrive(_ name: String, room: String = "lobby", more: String = "") -> ConnectionID {
        let id = open(room)
        send(id, "{\"type\":\"join\",\"username\":\(quoted(name))\(more)}")
        return id
    }

    /// Opens a connection and joins; the room is loaded if it has to be.
    mutating func join(_ name: String, room: String = "lobby", more: String = "") -> ConnectionID {
        let id = arrive(name, room: room, more: more)
        tick()
        while answersReads, !disk.reads.isEmpty { tick() }
        return id
    }

    /// Joins with a session and a `since`.
    mutating func comeBack(_ session: String, since: Int? = nil, name: String = "x", room: String = "lobby")
        -> ConnectionID
    {
        join(name, room: room, more: ",\"session\":\"\(session)\"" + (since.map { ",\"since\":\($0)" } ?? ""))
    }

    // MARK: The tick

    mutating func tick(after milliseconds: Int64 = 1) {
        inputs.now += milliseconds
        inputs.time = 1_700_000_000_000 + inputs.now
        if answersReads { answerReads() }
        output.removeAll()
        if isRecording { Recording.appendInputs(inputs, to: &recording) }
        chat.update(inputs, into: &output)
        let (failed, journalWritten) = disk.write(output, of: chat)
        chat.settle(failed: failed, journalWritten: journalWritten, into: &output)
        if isRecording {
            let digest = output.digest(chat)
            let outcome = Recording.Outcome(failed: failed, journalWritten: journalWritten, digest: digest)
            Recording.appendOutcome(outcome, to: &recording)
        }
        deliver()
        chat.endTick(output)
        disk.reads += output.reads
        inputs.removeAll()
        // They have had all that was for them, and are closed then.
        for (id, ending) in output.endings where !ending.isDone { close(id, .lost) }
    }

    /// Delivers as `Server` does: replies cut into the room's events at their places.
    private mutating func deliver() {
        for (id, ending) in output.endings { endings[id] = ending }
        var replies = Dictionary(grouping: output.replies, by: \.to)
        for index in output.due {
            let room = chat.rooms[Int(index)]
            let texts = room.pending.map { event in
                String(decoding: (event.isKept ? room.lines : room.whispers)[event.range], as: UTF8.self)
            }
            for id in room.present {
                var next = cursors[id] ?? 0
                for reply in replies[id] ?? [] {
                    if reply.after > next { transcripts[id, default: []] += texts[next..<reply.after] }
                    next = max(next, reply.resume)
                    append(reply)
                }
                if next < texts.count { transcripts[id, default: []] += texts[next...] }
                cursors[id] = 0
                replies[id] = nil
            }
        }
        for reply in output.replies where replies[reply.to] != nil {
            append(reply)
            if reply.isWelcome { cursors[reply.to] = reply.resume }
        }
    }

    private mutating func append(_ reply: TickOutput.Reply) {
        guard !reply.range.isEmpty else { return }
        transcripts[reply.to, default: []].append(String(decoding: output.bytes[reply.range], as: UTF8.self))
    }

    // MARK: The disk's answers

    /// Has all that waits to be read answered in the next tick.
    mutating func answerReads(failing: Bool = false) {
        for read in disk.reads {
            disk.answer(read, room: chat.rooms[Int(read.room)].name, fails: failing, to: &inputs)
        }
        disk.reads = []
    }

    /// The process is killed and started again: what is on the disk is all that is left.
    mutating func restart() {
        var next = ChatHarness(limits: chat.limits)
        next.disk = disk
        next.disk.reads = []
        next.inputs.now = inputs.now
        next.nextSlot = nextSlot
        next.answersReads = answersReads
        _ = next.chat.restore(journal: disk.journal.span, now: inputs.now, into: &next.output)
        next.disk.reads = next.output.reads
        self = next
    }

    // MARK: What was got

    /// Takes out what a client has got since the last call, read as JSON.
    mutating func take(_ id: ConnectionID) -> [JSON] {
        defer { transcripts[id] = [] }
        return (transcripts[id] ?? []).map(JSON.init)
    }

    /// The same in short, for comparing: type and name, text, code, or what there is.
    mutating func heard(_ id: ConnectionID) -> [String] { take(id).map(\.short) }

    /// Takes out all, and returns the session of the welcome among it.
    mutating func session(_ id: ConnectionID) -> String {
        take(id).first { $0.type == "welcome" }?["session"] ?? "none"
    }

    /// The lobby's room.
    var room: Room { chat.rooms.first { $0.name == "lobby" } ?? Room(name: "", phase: .unloaded) }
}

/// A text as a JSON string, written by someone else than the chat.
func quoted(_ text: String) -> String {
    let data = (try? JSONSerialization.data(withJSONObject: text, options: .fragmentsAllowed)) ?? Data()
    return String(decoding: data, as: UTF8.self)
}

/// A JSON object as Foundation reads it: an independent opinion on what the chat writes.
struct JSON: CustomStringConvertible {
    let text: String
    private let object: [String: Any]

    init(_ text: String) {
        self.text = text
        let object = try? JSONSerialization.jsonObject(with: Data(text.utf8))
        self.object = object as? [String: Any] ?? ["type": "no JSON: \(text)"]
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

    /// Type and what matters most.
    var short: String {
        switch type {
        case "message": "\(self["username"] ?? "?"): \(self["text"] ?? "?")"
        case "error": code ?? "?"
        case "rename": "rename \(self["username"] ?? "?") \(self["to"] ?? "?")"
        case "history": "history \((self["events"] as [JSON]? ?? []).map(\.short))"
        default: "\(type) \(self["username"] ?? "?")"
        }
    }
}
