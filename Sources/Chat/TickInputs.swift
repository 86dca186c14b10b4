/// How a connection ended, as far as the chat cares: it decides how long the name stays in the room.
package enum Departure: UInt8, Sendable {
    /// The client said good-bye (close code 1000): it leaves at once.
    case left = 0
    /// The page was closed or reloaded (1001): it may be back in a moment.
    case wentAway = 1
    /// Anything else: the network may come back.
    case lost = 2
}

/// All that a tick hands to the chat: what has happened outside, in the order in which it arrived, and what time it is.
///
/// It is plain data. The same inputs in the same order give the same outputs, whoever runs them: the server, the
/// simulated world, or `replay` with a recording.
package struct TickInputs: Sendable {
    /// One thing that happened. Ranges are places in `bytes`.
    package enum Item: Sendable {
        /// A WebSocket was opened on a room's address; the room's name as it was asked for. The 128 bits become the
        /// secret of the session if the connection joins as someone new: the chat draws no random numbers itself.
        case opened(ConnectionID, room: Range<Int>, secret: Bits128)
        /// A text message: valid UTF-8, otherwise anything.
        case text(ConnectionID, Range<Int>)
        /// The connection is no more, or will send nothing more that counts.
        case closed(ConnectionID, Departure)
        /// A room was read from the disk: its newest messages, then its newest events of all kinds, as lines.
        case roomLoaded(room: UInt32, newestSeq: UInt64, olderMessages: Range<Int>, events: Range<Int>)
        /// A room could not be read.
        case roomFailed(room: UInt32)
        /// The answer to a read that the chat asked for: lines, and whether there are more of them.
        case lines(request: UInt64, Range<Int>, more: Bool)
        /// The disk did not give an answer to that read.
        case readFailed(request: UInt64)
    }

    /// Milliseconds of a clock that never goes back. Where it starts does not matter.
    package var now: Int64 = 0
    /// Milliseconds since the Unix epoch, for the `time` of events. It may jump.
    package var time: Int64 = 0
    package var items: [Item] = []
    package var bytes: [UInt8] = []

    package init() {}

    /// Forgets the items, and keeps their memory for the next tick.
    package mutating func removeAll() {
        items.removeAll(keepingCapacity: true)
        // Compressed messages can be a thousand times as long as they came; such a tick is not kept room for.
        bytes.removeAll(keepingCapacity: bytes.capacity <= 16 << 20)
    }
}
