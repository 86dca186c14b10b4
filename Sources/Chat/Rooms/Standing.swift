/// What someone may do in a room beyond what everyone may. The raw value is what stands in the protocol.
package enum Role: String, Sendable {
    case host
    case `operator`
}

/// A ban or a mute.
package struct Sanction: Sendable, Equatable {
    /// The `time` at which it lapses; `.max` for one that does not.
    package var until: Int64
    /// The reason as a JSON string; empty where none was given.
    package var reason: [UInt8] = []

    package func holds(at time: Int64) -> Bool { time < until }

    /// What clients are told of its end; nil for one that does not lapse.
    var shownUntil: Int64? { until == .max ? nil : until }
}

/// What a person may and may not do in a room, as hosts have decided.
struct Standing: Sendable {
    var isHost = false
    var ban: Sanction?
    var mute: Sanction?
    /// The seq of the lock that let this person in for good, as someone who was there; 0 where none has.
    var admittedBy: UInt64 = 0
    /// The seq of the newest event that has changed any of this.
    var decidedBy: UInt64 = 0

    /// Whether nothing would be lost by forgetting it.
    ///
    /// - Parameter lock: the seq of the lock that holds, or 0.
    func isForgettable(time: Int64, lock: UInt64) -> Bool {
        !isHost && (admittedBy == 0 || admittedBy != lock) && ban?.holds(at: time) != true
            && mute?.holds(at: time) != true
    }
}

/// What hosts have set for a room as a whole.
struct RoomSettings: Sendable {
    /// A JSON string; empty where there is none.
    var topic: [UInt8] = []
    /// Seconds between two messages of one user.
    var slow: UInt64 = 0
    var lock: Lock?
    /// Addresses that let in nobody new for a while, the newest last.
    var addressBans: [AddressBan] = []
    /// The seqs of the newest events that have changed the topic, the pace and the lock.
    var topicBy: UInt64 = 0
    var slowBy: UInt64 = 0
    var lockBy: UInt64 = 0

    /// A locked door. The invitation follows from the nonce and the server's secret; the room knows its digest alone.
    struct Lock: Sendable, Equatable {
        var nonce: UInt128
        var invitation: UInt128
        /// The seq of its event.
        var seq: UInt64
        /// Members with a number below this one were in the room.
        var membersBelow: UInt64
    }
}

/// What a speaker asks for, as far as it decides whether that is allowed.
package enum Deed: Sendable {
    case message, edit, delete, react, rename, typing, moderation
    /// What changes nothing: a page of history, a search.
    case question

    /// Whether someone who is muted may not do it.
    var isSpeech: Bool {
        switch self {
        case .message, .edit, .react, .rename, .typing: true
        case .delete, .moderation, .question: false
        }
    }
}
