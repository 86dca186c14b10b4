import Bytes

/// What a host or an operator asks for.
package struct Moderation: Sendable {
    /// The raw value is what stands in the protocol.
    package enum Action: String, Sendable, CaseIterable {
        case kick, ban, unban, bans, mute, unmute, slow, lock, invite, unlock, topic, purge, host, unhost, whois

        /// Whether it is done to somebody.
        package var takesPerson: Bool {
            switch self {
            case .kick, .ban, .unban, .mute, .unmute, .purge, .host, .unhost, .whois: true
            case .bans, .slow, .lock, .invite, .unlock, .topic: false
            }
        }

        /// Whether it changes nothing.
        var isQuestion: Bool { self == .bans || self == .invite || self == .whois }
    }

    package enum Person: Sendable {
        case user(UserID)
        /// Whoever has this name now, or had it last.
        case name(Username)
    }

    package var action: Action
    package var person: Person?
    /// Of a ban or mute, without which it does not lapse; of a purge how far it goes back.
    package var minutes: UInt64?
    package var seconds: UInt64 = 0
    /// The reason or the topic: a JSON string, or empty.
    package var text = 0..<0
    /// Whether a ban is one of the person's addresses, too.
    package var coversAddresses = false
    /// For a lock: what its invitation is made of, and the invitation's digest.
    package var nonce: UInt128 = 0
    package var invitation: UInt128 = 0
    /// The `id` as a JSON string, or empty.
    package var id = 0..<0

    package init(_ action: Action) { self.action = action }

    var reference: Reference? { id.isEmpty ? nil : Reference(name: .id, range: id) }
}

/// Addresses that let in nobody new for a while.
package struct AddressBan: Sendable, Equatable {
    /// The keyed digest of the address.
    package var address: UInt64
    package var until: Int64
    /// For whose sake.
    package var user: UserID
    /// Users of this address whom the server had seen before: they pass.
    package var known: [UserID] = []

    package init(address: UInt64, until: Int64, user: UserID) {
        (self.address, self.until, self.user) = (address, until, user)
    }

    func keepsOut(_ other: UserID, at address: UInt64, time: Int64) -> Bool {
        self.address == address && time < until && !known.contains(other)
    }
}

/// What a moderation event changes, whether it is made now or read from the log.
struct Decision {
    var action: Moderation.Action
    /// The person's number, where somebody is concerned whom the room knows.
    var person: UInt64?
    var seq: UInt64
    var time: Int64
    var until: Int64 = .max
    var from: Int64 = 0
    var seconds: UInt64 = 0
    /// JSON strings, or empty.
    var reason: [UInt8] = []
    var topic: [UInt8] = []
    var lock: RoomSettings.Lock?
    var addresses: [UInt64] = []
    /// Whether it is an operator's ban: the server keeps it, for all rooms.
    var isOfServer = false
}

/// What an operator has decided in a room and the server has to keep.
package enum ServerChange: Sendable {
    case ban(ServerBan, UserID, addresses: [UInt64])
    case unban(UserID)
}
