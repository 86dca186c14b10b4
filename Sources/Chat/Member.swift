import Bytes

/// Someone who is in a room: a session, with a connection or in the time of grace after it has lost one.
struct Member: Sendable {
    var username: Username
    /// The hash of the session's secret. The secret itself is known to the client alone.
    var session: Bits128
    /// The number by which the journal speaks of this session.
    var number: UInt64
    /// The connection that has this session now.
    var connection: ConnectionID?
    /// Where the connection stands in the room's list of those present; of no meaning without a connection.
    var place = 0
    /// When the grace ends, without a connection.
    var leavesAt: Int64 = 0
    /// The messages that this session has given an identifier, by the identifier's hash.
    var used = UsedIDs()

    /// Whether the name stays in the room with nobody behind it.
    var isAway: Bool { connection == nil }

    /// The hash that stands for a session's secret in memory and on the disk.
    static func hash(ofSecret secret: Bits128) -> Bits128 {
        var bytes: [UInt8] = []
        secret.appendHexadecimal(to: &bytes)
        return Bits128(SHA1.digest(of: bytes.span))
    }
}

/// The identifiers that a session has given its messages, with the seq that each message got.
///
/// Two generations: when the newer is full it becomes the older, and the older is forgotten. So the newest
/// `Limits.rememberedIDs` are always known, at the cost of a dictionary entry each, and never more than twice as many.
struct UsedIDs: Sendable {
    private var newer: [Bits128: UInt64] = [:]
    private var older: [Bits128: UInt64] = [:]

    static func hash(of id: Span<UInt8>) -> Bits128 { Bits128(SHA1.digest(of: id)) }

    var count: Int { newer.count + older.count }

    subscript(id: Bits128) -> UInt64? { newer[id] ?? older[id] }

    /// Adds one that is not in it.
    ///
    /// - Returns: how many more it holds than before; less than zero where the older ones are forgotten.
    mutating func insert(_ id: Bits128, seq: UInt64, limit: Int) -> Int {
        let before = count
        if newer.count >= limit {
            older = newer
            newer = [:]
        }
        newer[id] = seq
        return count - before
    }

    /// Removes one.
    ///
    /// - Returns: how many more it holds than before: -1 or 0.
    mutating func remove(_ id: Bits128) -> Int {
        newer.removeValue(forKey: id) ?? older.removeValue(forKey: id) == nil ? 0 : -1
    }

    /// All of them, in the order of their seq.
    var all: [(id: Bits128, seq: UInt64)] {
        (older.map { (id: $0.key, seq: $0.value) } + newer.map { (id: $0.key, seq: $0.value) }).sorted {
            $0.seq < $1.seq
        }
    }
}
