import Bytes

/// Someone who is in a room: a session, with a connection or in the time of grace after it has lost one.
struct Member: Sendable {
    private(set) var username: Username
    let user: UserID
    /// Whether the user follows from a key that the client keeps; otherwise from the session, and ends with it.
    let isKeyed: Bool
    /// The digest of the session's secret. The secret itself is known to the client alone.
    let session: UInt128
    /// The number of the person in `Room.people`.
    let person: UInt64
    /// The `time` of its join.
    let since: Int64
    /// The connection that has this session now.
    var connection: ConnectionID?
    /// Where the connection stands in the room's list of those present; of no meaning without a connection.
    var place = 0
    /// Which time of grace it is in, or was in last: an earlier one's end means nothing.
    var grace: UInt32 = 0
    /// How the name and the user stand in an event.
    private(set) var signature: [UInt8] = []

    init(username: Username, user: UserID, isKeyed: Bool, session: UInt128, person: UInt64, since: Int64) {
        self.username = username
        self.user = user
        self.isKeyed = isKeyed
        self.session = session
        self.person = person
        self.since = since
        sign()
    }

    /// Whether the name stays in the room with nobody behind it.
    var isAway: Bool { connection == nil }

    mutating func rename(to username: Username) {
        self.username = username
        sign()
    }

    /// Appends the name as a JSON string.
    func appendName(to bytes: inout [UInt8]) {
        let end = signature.count - (user == .nobody ? 0 : Self.userPart)
        bytes.append(copying: signature.span.extracting(Self.namePrefix.utf8CodeUnitCount..<end))
    }

    /// Appends the signature without the comma that it begins with.
    func appendSignatureAlone(to bytes: inout [UInt8]) {
        bytes.append(copying: signature.span.extracting(1...))
    }

    private mutating func sign() { signature = Self.signature(username, user) }

    private static let namePrefix: StaticString = ",\"username\":"
    /// The bytes of `,"user":"` and what follows.
    private static let userPart = 10 + UserID.length

    /// How a name and a user stand in an event.
    static func signature(_ username: Username, _ user: UserID) -> [UInt8] {
        var signature: [UInt8] = []
        signature.append(namePrefix)
        signature.append(quoting: username.text)
        guard user != .nobody else { return signature }
        signature.append(",\"user\":\"")
        user.append(to: &signature)
        signature.append("\"")
        return signature
    }
}

/// What a room remembers of a user, whether present or not.
struct Person: Sendable {
    let user: UserID
    let isKeyed: Bool
    /// How many of the room's members are this user.
    var members = 0
    /// The `time` at which the user was last known to be here.
    var seen: Int64
    var used = UsedIDs()
    /// The names, folded, that this user was the last to use here, with the `time` of that; the newest last.
    var names: [(folded: String, time: Int64)] = []
    /// The name that this user has, or had last; nil where that is not known.
    var username: Username?
    /// Digests of the addresses that this user has come from, the newest last.
    var addresses: [UInt64] = []
    var standing = Standing()
    /// The `time` of this user's newest message.
    var said: Int64 = 0

    init(user: UserID, isKeyed: Bool, seen: Int64) {
        self.user = user
        self.isKeyed = isKeyed
        self.seen = seen
    }

    /// Whether nothing would be lost by forgetting this person.
    ///
    /// - Parameter lock: the seq of the lock that holds in the room, or 0.
    func isForgettable(time: Int64, lock: UInt64) -> Bool {
        members == 0 && standing.isForgettable(time: time, lock: lock)
            && time &- seen > (isKeyed ? RoomRules.nameMemory : RoomRules.day)
    }
}
