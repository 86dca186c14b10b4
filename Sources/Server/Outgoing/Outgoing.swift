import WebSocket

/// What is to be sent: which connections have something of their own, which have to be tried again, and the buffers in which it
/// is put together.
struct Outgoing {
    /// Connections with something of their own to send, to end, or to be looked at after sending.
    private var dirty = SlotQueue()
    /// Connections to which the system had no memory to send, and when to try again (ms).
    private var retries = SlotQueue()
    private(set) var retryAt: Int64?

    /// Those whose events are gathered.
    var slow: SlowConnections

    let deflater: Deflater
    /// A room's frames, and pieces put together for one connection.
    var frames = RoomFrames()
    var buffer: [UInt8] = []

    init(deflater: Deflater, ledger: Ledger) {
        self.deflater = deflater
        slow = SlowConnections(ledger)
    }

    /// A connection has something to send of its own.
    mutating func markDirty(_ slot: Int) { dirty.append(slot) }

    /// A connection is sent what it has.
    mutating func clearDirty(_ slot: Int) { dirty.remove(slot) }

    mutating func nextDirty() -> Int? { dirty.popFirst() }

    /// The system has no memory to send to a connection.
    mutating func retry(_ slot: Int, now: Int64) {
        retryAt = retryAt ?? now + Timing.sendAgain
        retries.append(slot)
    }

    /// Takes out the connections that are to be tried again.
    mutating func takeRetries(now: Int64) -> [Int] {
        guard let time = retryAt, time <= now else { return [] }
        retryAt = nil
        var slots: [Int] = []
        while let slot = retries.popFirst() { slots.append(slot) }
        return slots
    }

    /// The connection is gone.
    mutating func forget(_ slot: Int) {
        dirty.remove(slot)
        retries.remove(slot)
        if !slow.isEmpty { _ = slow.remove(slot) }
    }
}
