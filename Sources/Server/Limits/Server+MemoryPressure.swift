import WebSocket

/// How much memory what waits really takes, in bytes: what many connections wait for in common counts once. It is what the
/// ceiling for all connections together is held against.
final class Ledger {
    private(set) var bytes = 0
    /// Bytes that wait in the backlogs of all connections together; shared bytes count once for each of them.
    private(set) var queuedBytes = 0

    /// The memory that something takes has changed.
    func change(by difference: Int) { bytes += difference }
    /// The bytes that a connection waits for have changed.
    func changeQueued(by difference: Int) { queuedBytes += difference }
}

/// The ceiling for what all connections together have waiting.
///
/// Each connection has a limit of its own, but there may be very many connections. Past the ceiling, therefore, those that hold the
/// most go first: a connection that reads what it is sent, and finishes what it begins to send, holds next to nothing and stays.
struct MemoryPressure {
    let ledger = Ledger()
    private let ceiling: Int

    init(ceiling: Int) { self.ceiling = ceiling }

    var isHigh: Bool { ledger.bytes > ceiling }
    /// Whether enough was let go of: somewhat more than needed, so that not every tick has to look at all connections.
    var isRelieved: Bool { ledger.bytes <= ceiling / 8 * 7 }
}

extension Server where W: ~Copyable {
    /// Evicts the connections that hold the most for as long as there is too much waiting. Called when a tick has sent all it
    /// could.
    mutating func relieveMemory() {
        guard memory.isHigh else { return }
        var holders: [(bytes: Int, slot: Int)] = []
        for slot in 0..<connections.used where !connections[slot].isVacant && connections[slot].memory > 0 {
            holders.append((connections[slot].memory, slot))
        }
        holders.sort { $0.bytes > $1.bytes }
        var count = 0
        for holder in holders {
            if memory.isRelieved { break }
            evict(holder.slot)
            count += 1
        }
        log(.error, "crowded", "dropped", count, "waiting", memory.ledger.bytes)
    }

    /// Ends a connection that holds too much: with a word, where the word does not cost much itself.
    private mutating func evict(_ slot: Int) {
        metrics.crowdedOut += 1
        guard connections[slot].isWebSocket else { return drop(slot) }
        if connections[slot].isChat { metrics.losses[.crowdedOut, default: 0] += 1 }
        let rest = cutBacklog(slot)
        startClosing(slot, .tryAgainLater, "The server has too much waiting for you and others.")
        // What it has begun to send will not be finished here.
        connections[slot].reader = MessageReader(role: .server, deflate: false)
        noteHeldBytes(slot)
        if rest > Sizes.lastWords { drop(slot) } else { startDraining(slot) }
    }

    /// Throws away what waits for a connection, but for the rest of a frame that it has had the beginning of.
    ///
    /// - Returns: the bytes of that rest.
    mutating func cutBacklog(_ slot: Int) -> Int {
        turnFast(slot)
        connections[slot].own = []
        guard let backlog = connections[slot].backlog else { return 0 }
        backlog.cutToFrame(committed: world.committed(connections[slot].stream))
        return backlog.byteCount
    }

    /// Takes note of what a connection holds beside its backlog: messages and requests of which a part has come, and answers
    /// that are to be sent with this tick.
    mutating func noteHeldBytes(_ slot: Int) {
        var bytes = connections[slot].reader.heldBytes + (connections[slot].http?.heldBytes ?? 0)
        if !connections[slot].isChat { bytes += connections[slot].own.count }
        let difference = bytes - connections[slot].heldBytes
        guard difference != 0 else { return }
        connections[slot].heldBytes = bytes
        memory.ledger.change(by: difference)
    }
}
