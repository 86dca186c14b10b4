/// Why the chat ends a connection.
package enum Ending: UInt8, Sendable {
    /// Another connection has joined with the same session.
    case takenOver = 0
    /// Errors without end.
    case tooManyErrors = 1
    /// More was sent than can be held while a room is being loaded.
    case tooEager = 2

    /// Whether the connection does not count any more already. Any other counts until the chat is told that it is closed.
    package var isDone: Bool { self == .takenOver }
}

/// What the chat wants from the disk. The answer comes back as an item of a later tick.
package struct DiskRead: Sendable, Equatable {
    package enum Want: Sendable, Equatable {
        /// The room's newest seq, events and messages, before anyone enters.
        case load
        /// The newest `limit` messages before `before`.
        case messages(before: UInt64, limit: Int)
        /// The event with this seq.
        case event(UInt64)
        /// The newest `limit` events after this seq.
        case since(UInt64, limit: Int)
    }

    /// The room's place in the chat's table.
    package var room: UInt32
    package var want: Want
    /// The number that comes back with the answer. Of no meaning for `load`, whose answer names the room.
    package var request: UInt64
}

/// All that comes out of a tick's update, apart from the rooms' own events (see `Room.pending`).
package struct TickOutput: Sendable {
    /// One message to one connection.
    ///
    /// Its place among the room's events of this tick matters: a welcome comes before the newcomer's own join, a
    /// repeated event after those it follows. So a reply says where it cuts into them: first the events up to
    /// `after` are sent, then the bytes, then the events from `resume` on.
    package struct Reply: Sendable {
        package var to: ConnectionID
        /// The JSON text, in `bytes`. Empty where something is only to be left out (one's own sign of typing).
        package var range: Range<Int>
        /// How many of the room's pending events come before it.
        package var after: Int
        /// From which of the room's pending events on it goes on; at least `after`.
        package var resume: Int
        /// Whether it is a welcome: from here on the connection is one of the room's.
        package var isWelcome = false
        /// Whether it asks for another join: then there is time for one again.
        package var asksAgain = false
    }

    package var bytes: [UInt8] = []
    package var replies: [Reply] = []
    /// Connections to be ended when they have been sent all that is for them.
    package var endings: [(connection: ConnectionID, ending: Ending)] = []
    /// Rooms with new events that must be written before anything is sent.
    package var written: [UInt32] = []
    /// Rooms whose pending events are to be sent now.
    package var due: [UInt32] = []
    /// Lines for the journal of sessions. They must be written before the rooms' lines are.
    package var journal: [UInt8] = []
    package var reads: [DiskRead] = []

    package init() {}

    /// Whether the tick has come to nothing.
    package var isEmpty: Bool {
        replies.isEmpty && endings.isEmpty && written.isEmpty && due.isEmpty && journal.isEmpty && reads.isEmpty
    }

    /// Forgets everything, and keeps the memory for the next tick.
    package mutating func removeAll() {
        // Many long answers at once are seldom.
        bytes.removeAll(keepingCapacity: bytes.capacity <= 16 << 20)
        replies.removeAll(keepingCapacity: true)
        endings.removeAll(keepingCapacity: true)
        written.removeAll(keepingCapacity: true)
        due.removeAll(keepingCapacity: true)
        journal.removeAll(keepingCapacity: true)
        reads.removeAll(keepingCapacity: true)
    }
}
