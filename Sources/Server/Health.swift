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
    package var sessions = 0
    package var pendingReads = 0
    package var rooms: [RoomHealth] = []
}

extension Server where W: ~Copyable {
    /// Looks at everything there is: not for every tick of a large server.
    package var health: Health {
        var health = Health(connections: connections.count, queuedBytes: queuedBytes)
        for slot in 0..<connections.used where connections[slot].phase != .vacant {
            if connections[slot].phase == .chat || connections[slot].phase == .echo { health.webSockets += 1 }
            if connections[slot].phase == .chat, let backlog = connections[slot].backlog {
                health.largestQueue = max(health.largestQueue, backlog.byteCount - backlog.allowance)
            }
        }
        health.sessions = chat.sessionCount
        health.pendingReads = chat.pendingReadCount
        health.rooms = chat.rooms.filter { !$0.name.isEmpty }.map { room in
            Health.RoomHealth(
                name: room.name, seq: room.seq, members: room.usernames, present: room.present.count)
        }
        return health
    }

    /// How many ticks there were, and how many events they took in.
    package var work: (ticks: Int, events: Int) { (Int(clamping: metrics.ticks), Int(clamping: metrics.tickEvents)) }
}
