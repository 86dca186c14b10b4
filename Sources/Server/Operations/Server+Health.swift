import Chat

/// What the server holds at a moment, for whoever watches that it stays within its bounds.
package struct Health: Sendable {
    package struct RoomHealth: Sendable {
        package var name: String
        package var seq: UInt64
        /// Everyone in the room, those in their time of grace included.
        package var members: [String]
        /// How many of them have a connection.
        package var present: Int
    }

    package var connections = 0
    /// Connections whose WebSocket is open.
    package var webSockets = 0
    package var queuedBytes = 0
    /// Of all connections in the chat, the most that one has beyond what it has asked for itself.
    package var largestQueue = 0
    package var rooms: [RoomHealth] = []

    // MARK: What must not grow

    /// Places in the table of connections that have ever been used.
    package var places = 0
    package var timers = 0
    /// Connections that count towards the limit of their address, and what the addresses together count.
    package var countedConnections = 0
    package var countedAddresses = 0
    /// Bytes that the tick's buffers hold on to from tick to tick.
    package var bufferBytes = 0
    package var chat = ChatHoldings()
    /// The first sum kept along the way that is not what it should be.
    package var bookkeepingError: String?
}

extension Server where W: ~Copyable {
    /// Looks at everything there is: not for every tick of a large server.
    package var health: Health {
        var health = Health(connections: connections.count, queuedBytes: memory.ledger.queuedBytes)
        for slot in 0..<connections.used where !connections[slot].isVacant {
            if connections[slot].isWebSocket { health.webSockets += 1 }
            if connections[slot].isChat, let backlog = connections[slot].backlog {
                health.largestQueue = max(health.largestQueue, backlog.byteCount - backlog.allowance)
            }
        }
        health.places = connections.used
        health.timers = connections.timerCount
        (health.countedConnections, health.countedAddresses) = admission.countedSums
        health.bufferBytes = reading.capacity + outgoing.buffer.capacity + inputs.bytes.capacity + output.bytes.capacity
        health.chat = chat.holdings
        health.bookkeepingError = chat.bookkeepingError ?? bookkeepingError
        health.rooms = chat.rooms.filter { !$0.name.isEmpty }.map { room in
            Health.RoomHealth(
                name: room.name, seq: room.seq, members: room.usernames, present: room.present.count)
        }
        return health
    }

    private var bookkeepingError: String? {
        var queued = 0
        var held = 0
        for slot in 0..<connections.used {
            queued += connections[slot].backlog?.byteCount ?? 0
            held += connections[slot].heldBytes
            let isVacant = connections[slot].isVacant
            if connections[slot].timer.isSet == isVacant {
                return "connection \(slot) is \(isVacant ? "" : "not ")vacant, and has \(isVacant ? "a" : "no") timer"
            }
            // Timers come an eighth of a second late at most, and ticks take their time.
            if !isVacant, connections[slot].timer.deadline < now - 2000 {
                return "the timer of connection \(slot) has not come"
            }
        }
        let begun = (0..<connections.used).count { !connections[$0].isVacant && admission.isHandshake($0) }
        if begun != admission.handshakeCount {
            return "handshakes are counted as \(admission.handshakeCount), and are \(begun)"
        }
        // The last room's frames stay until the next one's are made.
        if queued == 0, memory.ledger.bytes < held || memory.ledger.bytes > held + 1 << 20 {
            return "held bytes are counted as \(memory.ledger.bytes), and are \(held)"
        }
        return queued == memory.ledger.queuedBytes
            ? nil : "queued bytes are counted as \(memory.ledger.queuedBytes), and are \(queued)"
    }

    /// How many ticks there were, and how many events they took in.
    package var work: (ticks: Int, events: Int) { (Int(clamping: metrics.ticks), Int(clamping: metrics.tickEvents)) }
}
