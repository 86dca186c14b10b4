/// What the chat knows of a connection.
struct Visitor: Sendable {
    enum Phase: Sendable {
        /// There is no such connection, or it does not count any more.
        case gone
        /// Connected, not in the room.
        case outside
        /// Its join waits for the disk; what it says meanwhile waits with it.
        case waiting
        /// In the room as this member.
        case inside(UInt32)
    }

    var id: ConnectionID
    var phase: Phase
    /// The room whose address it came to; nil if that is no room's name.
    var room: UInt32?
    /// What will be the secret of its session if it joins as someone new.
    var secret: Bits128
    /// What it has said since its join has to wait: the join first.
    var parked: [[UInt8]] = []
    var parkedBytes = 0
    /// Whether it is being ended from this side: it is heard no more, and is gone when that has been told.
    var isEnding = false

    var messages = TokenBucket()
    var typing = TokenBucket()
    var renames = TokenBucket()
    var history = TokenBucket()
    var bytes = TokenBucket()
    var errors = TokenBucket()

    /// A place without a connection.
    static let nobody = Visitor(
        id: ConnectionID(slot: 0, generation: 0), phase: .gone, room: nil, secret: Bits128(high: 0, low: 0))
}
