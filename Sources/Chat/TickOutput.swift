import Bytes

/// All that comes out of a tick's update, apart from the rooms' own entries (see `Room.pending`).
package struct TickOutput: Sendable {
    /// A room whose entries are to be sent now.
    package struct Due: Sendable {
        package var room: UInt32
        /// Only entries before this number: what they tell is on the disk.
        package var below: UInt64
        /// Whether those for everyone are sent, too; otherwise they wait for others to come.
        package var includesShared: Bool
    }

    /// Connections to be ended when they have been sent all that is for them.
    package var endings: [(connection: ConnectionID, ending: Ending)] = []
    /// Rooms with new events that must be written before anything is sent.
    package var written: [UInt32] = []
    package var due: [Due] = []
    package var reads: [DiskRead] = []
    /// Rooms from whose logs deleted texts are to be erased.
    package var erasures: [UInt32] = []
    /// Answers to connections that have come to no room: JSON texts without the closing bracket, as places in `bytes`.
    package var answers: [(connection: ConnectionID, range: Range<Int>)] = []
    /// Members, or who asks to be one in this tick, whose events may be gathered from now on, or are not to be any more.
    package var paces: [(connection: ConnectionID, room: UInt32, isSlow: Bool)] = []
    /// Connections that wait for a stranger from now on.
    package var waiting: [ConnectionID] = []
    /// Answers to HTTP requests that no room was asked for, in the same form.
    package var responses: [(connection: ConnectionID, outcome: WebOutcome, range: Range<Int>)] = []
    /// Records that were applied to rooms that other nodes serve, too; and what each has come to.
    package var applied: [(room: UInt32, position: UInt64, digest: UInt64)] = []
    /// Times of grace in such rooms, which end at a time of `now`.
    package var deadlines: [(room: UInt32, member: UInt64, grace: UInt32, end: Int64)] = []
    /// A room that other nodes serve, too, whose state makes no sense here.
    package var unreadable: String?
    package var bytes: [UInt8] = []
    /// Whether the link for operators is wanted; it comes back as an input.
    package var wantsOperatorLink = false
    package enum OperatorLinkUse: Sendable {
        case none
        /// It has ended the operators that there were, and is not to do so again.
        case endedOthers
        /// It has made an operator, and is not to be used again.
        case opened
    }
    package var operatorLinkUse = OperatorLinkUse.none

    package init() {}

    /// Forgets everything, and keeps the memory for the next tick.
    package mutating func removeAll() {
        endings.removeAll(keepingCapacity: true)
        written.removeAll(keepingCapacity: true)
        due.removeAll(keepingCapacity: true)
        reads.removeAll(keepingCapacity: true)
        erasures.removeAll(keepingCapacity: true)
        wantsOperatorLink = false
        operatorLinkUse = .none
        answers.removeAll(keepingCapacity: true)
        waiting.removeAll(keepingCapacity: true)
        paces.removeAll(keepingCapacity: true)
        responses.removeAll(keepingCapacity: true)
        applied.removeAll(keepingCapacity: true)
        unreadable = nil
        deadlines.removeAll(keepingCapacity: true)
        bytes.removeAll(keepingCapacity: bytes.capacity <= 1 << 20)
    }
}
