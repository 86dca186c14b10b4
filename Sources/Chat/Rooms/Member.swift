import Bytes

/// Someone who is in a room: a session, with a connection or in the time of grace after it has lost one.
struct Member: Sendable {
    let user: UserID
    /// The digest of the session's secret. The secret itself is known to the client alone.
    let session: UInt128
    private(set) var name: String
    /// The number of the person in `Room.people`.
    let person: UInt64
    /// The `time` of its join.
    let since: Int64
    /// How the name and the user stand in an event.
    private(set) var signature: [UInt8] = []
    /// The connection that has this session now.
    var connection: ConnectionID?
    /// Whether the user follows from a key that the client keeps; otherwise from the session, and ends with it.
    let isKeyed: Bool
    /// Which time of grace it is in, or was in last: an earlier one's end means nothing.
    var grace: UInt32 = 0
    /// How many connections it has had.
    var attachments: UInt32 = 0
    private var shortPlace: UInt32 = 0

    init(username: Username, user: UserID, isKeyed: Bool, session: UInt128, person: UInt64, since: Int64) {
        name = username.text
        self.user = user
        self.isKeyed = isKeyed
        self.session = session
        self.person = person
        self.since = since
        sign()
    }

    /// The name with what it is compared by, which takes time, and is not kept for each member.
    var username: Username { Username(kept: name) }

    /// Where the connection stands in the room's list of those present; of no meaning without a connection.
    var place: Int {
        get { Int(shortPlace) }
        set { shortPlace = UInt32(truncatingIfNeeded: newValue) }
    }

    /// Whether the name stays in the room with nobody behind it.
    var isAway: Bool { connection == nil }

    mutating func rename(to username: Username) {
        name = username.text
        sign()
    }

    /// Appends the name, as a JSON string, out of a signature.
    static func appendName(of user: UserID, in signature: [UInt8], to bytes: inout [UInt8]) {
        let end = signature.count - (user == .nobody ? 0 : userPart)
        bytes.append(copying: signature.span.extracting(namePrefix.utf8CodeUnitCount..<end))
    }

    private mutating func sign() { signature = Self.signature(name, user) }

    private static let namePrefix: StaticString = ",\"username\":"
    /// The bytes of `,"user":"` and what follows.
    private static let userPart = 10 + UserID.length

    /// How a name and a user stand in an event.
    static func signature(_ name: String, _ user: UserID) -> [UInt8] {
        var signature: [UInt8] = []
        // There is one for each member: no more memory than it takes.
        signature.reserveCapacity(namePrefix.utf8CodeUnitCount + name.utf8.count + 2 + (user == .nobody ? 0 : userPart))
        signature.append(namePrefix)
        signature.append(quoting: name)
        guard user != .nobody else { return signature }
        signature.append(",\"user\":\"")
        user.append(to: &signature)
        signature.append("\"")
        return signature
    }
}

/// What a room remembers of a user, whether present or not.
struct Person: Sendable {
    /// What few have.
    private struct Rest: Blank {
        static let blank = [Rest()]

        var used = UsedIDs()
        var standing = Standing()
    }

    let user: UserID
    /// The name that this user has, or had last; nil where that is not known.
    var name: String?
    /// The names, folded, that this user was the last to use here, with the `time` of that; the newest last.
    var names: [(folded: String, time: Int64)] = []
    /// Digests of the addresses that this user has come from, the newest last.
    var addresses: [UInt64] = []
    /// The `time` at which the user was last known to be here.
    var seen: Int64
    /// The `time` of this user's newest message.
    var said: Int64 = 0
    private var rest = Seldom<Rest>()
    private var memberCount: Int32 = 0
    let isKeyed: Bool

    /// How many of the room's members are this user.
    var members: Int {
        get { Int(memberCount) }
        set { memberCount = Int32(truncatingIfNeeded: newValue) }
    }

    var used: UsedIDs {
        get { rest.value.used }
        _modify { yield &rest.value.used }
    }

    var standing: Standing {
        get { rest.value.standing }
        _modify { yield &rest.value.standing }
    }

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
