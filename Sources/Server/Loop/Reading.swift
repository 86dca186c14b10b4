import WebSocket

/// The order in which connections are received from: connections with little input are read first, so that a flood never stands
/// before them; connections with more input take turns.
struct Reading {
    /// The buffer for one receive.
    private var inbox: [UInt8]
    let capacity: Int
    let inflater: Inflater
    /// Connections that have more to be received.
    private var waiting = SlotQueue()
    /// Connections that have brought so much at once that they are read after the others.
    private var heavy = SlotSet()

    init(bytes: Int, inflater: Inflater) {
        inbox = [UInt8](repeating: 0, count: bytes)
        capacity = bytes
        self.inflater = inflater
    }

    /// Takes the buffer out for as long as others read in it.
    mutating func takeBuffer() -> [UInt8] {
        var buffer: [UInt8] = []
        swap(&buffer, &inbox)
        return buffer
    }

    mutating func putBack(_ buffer: inout [UInt8]) { swap(&buffer, &inbox) }

    func isHeavy(_ slot: Int) -> Bool { heavy.contains(slot) }
    func isWaiting(_ slot: Int) -> Bool { waiting.contains(slot) }
    var hasWaiting: Bool { !waiting.isEmpty }

    /// A connection has brought so many bytes.
    mutating func note(_ slot: Int, bytes: Int) {
        if bytes > capacity / Sizes.receivesPerTick { heavy.insert(slot) } else { heavy.remove(slot) }
    }

    /// There is more to be received, when it is the connection's turn.
    mutating func wait(_ slot: Int) { waiting.append(slot) }

    /// How many wait.
    var waitingCount: Int { waiting.count }

    mutating func next() -> Int? { waiting.popFirst() }

    /// The connection is gone.
    mutating func forget(_ slot: Int) {
        waiting.remove(slot)
        heavy.remove(slot)
    }
}
