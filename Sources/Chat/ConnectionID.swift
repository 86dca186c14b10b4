/// A connection as the chat knows it: the place it has in the server's table, and how many had that place before it.
///
/// The generation makes a stale identifier harmless: after the place was given to another connection, the old one's
/// identifier matches nothing.
package struct ConnectionID: Hashable, Sendable {
    /// The place in the table, from 0.
    package let slot: UInt32
    /// Which of the connections that had this place it is.
    package let generation: UInt32

    package init(slot: UInt32, generation: UInt32) {
        self.slot = slot
        self.generation = generation
    }

    /// Connections of other nodes have places from here on (`Chat+Lockstep.swift`), where no table reaches.
    private static let firstElsewhere: UInt32 = 1 << 31

    /// A connection of another node.
    init(elsewhere number: UInt64) {
        self.init(
            slot: Self.firstElsewhere | UInt32(truncatingIfNeeded: number),
            generation: UInt32(truncatingIfNeeded: number >> 31))
    }

    /// Whether another node has the connection, and this one nothing to send to.
    package var isElsewhere: Bool { slot >= Self.firstElsewhere }

    /// Both halves in one number, for poll tokens and recordings.
    package var number: UInt64 { UInt64(generation) << 32 | UInt64(slot) }

    package init(number: UInt64) {
        self.init(slot: UInt32(truncatingIfNeeded: number), generation: UInt32(truncatingIfNeeded: number >> 32))
    }
}
