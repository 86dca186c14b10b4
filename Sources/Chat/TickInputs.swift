/// All that a tick hands to the chat: what has happened outside, in the order in which it arrived, and what time it is.
package struct TickInputs: Sendable {
    /// One thing that happened. Ranges are places in `bytes`.
    package enum Item: Sendable {
        /// A WebSocket was opened on a room's address; the room's name as it was asked for. The 128 bits become the
        /// secret of the session if the connection joins as someone new: the chat draws no random numbers itself. The
        /// address is the digest of the client's (`ServerSecret.address`), which bans may be of where it is the client's own: not
        /// loopback, and not that of a proxy.
        case opened(ConnectionID, room: Range<Int>, secret: UInt128, address: UInt64, isOwnAddress: Bool = true)
        /// A WebSocket was opened to wait for a stranger. The 128 bits become the name and the invitation of a room for two.
        case openedForPairing(ConnectionID, secret: UInt128, address: UInt64, isOwnAddress: Bool = true)
        /// A text message: valid UTF-8, otherwise anything.
        case text(ConnectionID, Range<Int>)
        /// A request that came over HTTP on a connection which has no other under way.
        indirect case asked(ConnectionID, WebRequest)
        /// The connection is no more, or will send nothing more that counts.
        case closed(ConnectionID, Departure)
        /// A room was read from the disk.
        indirect case roomLoaded(room: UInt32, Room)
        /// A room could not be read.
        case roomFailed(room: UInt32)
        /// The answer to a read that the chat asked for: stored lines, and whether there are more of them.
        case lines(request: UInt64, Range<Int>, more: Bool)
        /// The answer to a search: stored messages, and where to go on, where there is more.
        case found(request: UInt64, Range<Int>, next: UInt64?)
        /// What was done to messages is in their lines in the log now; nil where the disk has refused.
        case folded(room: UInt32, Folded?)
        /// The log does not keep a room's events up to a seq any longer.
        case expired(room: UInt32, through: UInt64)
        /// A room has something on the disk that is not to be kept any longer: it is to be loaded.
        case expiring(room: String)
        /// This node goes on as this incarnation.
        case begins(as: UInt128)
        /// A room that other nodes serve, too, begins from this state at this position; nil is one in which nothing has happened.
        case sharedBegins(room: UInt32, state: [UInt8]?, position: UInt64)
        /// The next record of such a room.
        indirect case record(room: UInt32, SharedRecord)
        /// Such a room is up to date.
        case sharedReady(room: UInt32)
        /// What this node has of such a room is worth nothing.
        case sharedDropped(room: UInt32)
        /// The engine has a snapshot of such a room, and the history up to it.
        case stored(room: UInt32, position: UInt64)
        /// The disk did not give an answer to that read.
        case readFailed(request: UInt64)
        /// Whether what is said can be kept has changed.
        case keeping(Bool)
        /// The link for operators that there is now, as it was asked for.
        case operatorLink(OperatorLink?)
        /// What was written up to this ticket is on the disk itself.
        case synced(ticket: UInt64)
    }

    package var moment = Moment()
    package var now: Int64 { moment.now }
    package var items: [Item] = []
    package var bytes: [UInt8] = []

    package init() {}

    /// Adds bytes, and says where they are.
    package mutating func append(_ added: Span<UInt8>) -> Range<Int> {
        let start = bytes.count
        bytes.append(copying: added)
        return start..<bytes.count
    }

    /// Forgets the items, and keeps their memory for the next tick.
    package mutating func removeAll() {
        items.removeAll(keepingCapacity: true)
        // Compressed messages can be a thousand times as long as they came; such a tick is not kept room for.
        bytes.removeAll(keepingCapacity: bytes.capacity <= 16 << 20)
    }
}
