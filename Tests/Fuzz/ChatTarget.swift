import Chat

/// One chat run with the inputs, and one with what a recording makes of them: both must come to the same.
private struct Twins {
    private var first: Chat
    private var second: Chat
    private var inputs = TickInputs()
    private var generation: UInt32 = 0
    private var connections: [ConnectionID?] = [nil, nil, nil, nil]

    init() {
        let limits = Limits(messagesPerSecond: 10, isDurable: false)
        (first, second) = (Chat(limits: limits), Chat(limits: limits))
        inputs.time = 1_700_000_000_000
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
        let secret = Bits128(high: 1, low: UInt64(generation & 7))  // few, so that a session can be guessed
        inputs.items.append(.opened(id, room: append(Array(room.utf8)[...]), secret: secret))
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
        inputs.now += wait
        inputs.time += wait
        var recording: [UInt8] = []
        Recording.appendInputs(inputs, to: &recording)
        var reader = RecordingReader(recording)
        guard case .inputs(let copy) = reader.next() else { fatalError("the recording cannot be read") }
        var closed: [TickInputs.Item] = []
        let digest = Fuzz.tick(&first, inputs) { id, ending in
            connections[Int(id.slot)] = nil
            if !ending.isDone { closed.append(.closed(id, .lost)) }
        }
        demand(digest == Fuzz.tick(&second, copy) { _, _ in }, "the recording comes to something else")
        inputs.removeAll()
        inputs.items += closed
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
