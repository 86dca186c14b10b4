import Bytes
import Chat

/// A chat, and rooms that live through its recording: both must come to the same.
private struct Twins {
    private var chat: Chat
    private var rooms = ReplayedRooms(rules: RoomRules(isDurable: false))
    private var known: [UInt32: UInt32] = [:]
    private var inputs = TickInputs()
    private var generation: UInt32 = 0
    private var connections: [ConnectionID?] = [nil, nil, nil, nil]

    init() {
        chat = Chat(limits: Limits(messagesPerSecond: 10, isDurable: false), secret: ServerSecret(key: [1]))
        chat.keepsDigest = true
        inputs.moment.time = 1_700_000_000_000
    }

    /// Lets one of four connections do something: say `text`, come, or go.
    mutating func act(_ choice: UInt8, _ text: ArraySlice<UInt8>) {
        let slot = Int(choice & 3)
        guard let id = connections[slot] else { return open(slot, room: choice & 4 == 0 ? "lobby" : "other") }
        switch choice >> 3 {
        case 0: close(id, .left)
        case 1: close(id, .wentAway)
        case 2: close(id, .lost)
        default: inputs.items.append(.text(id, append(text)))
        }
    }

    private mutating func open(_ slot: Int, room: String) {
        generation += 1
        let id = ConnectionID(slot: UInt32(slot), generation: generation)
        connections[slot] = id
        let secret = UInt128(generation & 7)  // few, so that a session can be guessed
        inputs.items.append(.opened(id, room: append(Array(room.utf8)[...]), secret: secret, address: 1))
    }

    private mutating func close(_ id: ConnectionID, _ departure: Departure) {
        connections[Int(id.slot)] = nil
        inputs.items.append(.closed(id, departure))
    }

    private mutating func append(_ text: ArraySlice<UInt8>) -> Range<Int> {
        let start = inputs.bytes.count
        inputs.bytes += text
        return start..<inputs.bytes.count
    }

    /// - Parameter wait: what passes before the tick, in milliseconds.
    mutating func tick(after wait: Int64) {
        inputs.moment.now += wait
        inputs.moment.time += wait
        let moment = inputs.moment
        var recording: [UInt8] = []
        var known = known
        var closed: [TickInputs.Item] = []
        let digest = Fuzz.tick(&chat, &inputs) { chat, bytes in
            for item in chat.work where item.input.isDecisive {
                let room = chat.rooms[Int(item.room)]
                guard known[item.room] != room.serial else { continue }
                known[item.room] = room.serial
                Recording.appendRoom(room, at: item.room, to: &recording)
            }
            if chat.work.contains(where: \.input.isDecisive) {
                Recording.appendInputs(chat.work, of: bytes.span, at: moment, to: &recording)
            }
        } onEnding: { id, ending in
            connections[Int(id.slot)] = nil
            if !ending.isDone { closed.append(.closed(id, .lost)) }
        }
        self.known = known
        replay(recording, digest)
        inputs.removeAll()
        inputs.items += closed
    }

    /// Has the other rooms live through a tick as it is recorded.
    private mutating func replay(_ recording: [UInt8], _ digest: TickDigest) {
        guard !recording.isEmpty else { return }
        var reader = RecordingReader(recording)
        while let record = reader.next() {
            switch record {
            case .room(let index, let name, let lines): rooms.begin(index, name: name, lines: lines)
            case .inputs(let work, let bytes, let moment): rooms.update(work, bytes, at: moment)
            default: demand(false, "the recording cannot be read")
            }
        }
        let other = rooms.settle(failed: [])
        demand(other.events == digest.events && other.typing == digest.typing, "the recording comes to something else")
    }
}

/// The chat itself: connections that say anything at all. Bytes of 0xFF, which no UTF-8 has, lie between the steps.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> Int32 {
    let input = unsafe Input(bytes, count)
    var twins = Twins()
    for step in input.rest.split(separator: 0xFF) {
        guard let choice = step.first, String(validating: step.dropFirst(), as: UTF8.self) != nil else { continue }
        twins.act(choice, step.dropFirst())
        if choice & 0x80 == 0 { twins.tick(after: Int64(choice & 0x70) << 7) }
    }
    twins.tick(after: 40_000)
    return 0
}
