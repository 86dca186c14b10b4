/// A room that a node serves: where it is in the records, and what is on its way.
struct ServedRoom: Sendable {
    enum Phase: Sendable {
        /// Nobody has told that the room's channel is subscribed to.
        case unsubscribed
        case loading
        /// Records that are missing are being read.
        case reading
        case live
    }

    /// A record that was sent and has not come back.
    struct InFlight: Sendable {
        var number: UInt64
        var base: UInt64
        var body: [UInt8]
        var sentAt: Int64
        /// Nil until the engine has answered.
        var answeredAt: Int64?
        /// The engine has refused it, and it is sent again.
        var retryAt: Int64?
    }

    /// A deadline.
    enum Armed: Sendable {
        case at(Int64)
        /// This node has said that it has come.
        case proposed
    }

    /// An incarnation whose life has lapsed.
    enum Lapsed: Sendable {
        /// This node declares it lost at this time.
        case at(Int64)
        /// It has asked the engine for that.
        case declared
    }

    /// Positions whose digests are remembered: more than records can be on their way from other nodes.
    static let digestCount = 64

    var phase = Phase.unsubscribed
    /// Tells this state from all others that the room had or has elsewhere in the table.
    var generation: UInt64
    var isLoaded = false
    var position: UInt64 = 0
    /// Whether the record is applied that says by which rules the room decides.
    var hasRules = false
    /// The newest number of this node's incarnation.
    var number: UInt64 = 0
    var inFlight: InFlight?
    var pending: [RecordItem] = []
    var pendingBytes = 0
    var isFlushing = false
    /// When loading or reading is tried again.
    var retryAt: Int64?

    /// Records that came before what they follow.
    var early: [RoomRecord] = []
    var earlyBytes = 0
    /// There were too many; some were thrown away.
    var hasLostEarly = false

    /// This node's digests, oldest first; and what others have said theirs are, at positions that are to come.
    var digests: [(position: UInt64, digest: UInt64)] = []
    var claims: [(position: UInt64, digest: UInt64)] = []
    /// What is claimed in records up to here was there before the room was loaded. A wrong claim stays in the records; it counts when
    /// it comes, not again for everyone who loads the room later.
    var claimsAfter: UInt64 = 0
    /// The room is to say what its state is.
    var wantsCheck = false
    var checkedAt: Int64 = .min / 2

    var deadlines: [Due: Armed] = [:]
    /// Incarnations that have brought records and were not declared lost, this node's own left out.
    var incarnations: Set<Incarnation> = []
    /// Those whose life has lapsed.
    var lapsed: [Incarnation: Lapsed] = [:]

    var snapshotPosition: UInt64 = 0
    var snapshotSize = 0
    /// The records since the snapshot.
    var sizes: [(position: UInt64, size: Int)] = []
    var bytesSinceSnapshot = 0
    /// When this node takes one, if no other does so first.
    var snapshotAt: Int64?
    var isStoring = false
    /// A snapshot of this position or a later one is wanted whatever it costs.
    var wish: UInt64?

    /// Forgets the state, and what was to be done with it.
    mutating func drop(generation: UInt64) {
        var empty = ServedRoom(generation: generation)
        empty.phase = phase == .unsubscribed ? .unsubscribed : .loading
        empty.checkedAt = checkedAt
        empty.isFlushing = isFlushing
        self = empty
    }

    init(generation: UInt64) { self.generation = generation }

    // MARK: Digests

    /// The digest at the position that the room is at; nil before the caller has told it.
    var digest: UInt64? { digests.last.flatMap { $0.position == position ? $0.digest : nil } }

    /// Notes this node's digest at a position.
    ///
    /// - Returns: whether nobody has claimed another.
    mutating func note(_ digest: UInt64, at position: UInt64) -> Bool {
        digests.append((position, digest))
        if digests.count > Self.digestCount { digests.removeFirst() }
        let isRight = claims.allSatisfy { $0.position != position || $0.digest == digest }
        claims.removeAll { $0.position <= position }
        return isRight
    }

    /// Takes in what another node says its digest was.
    ///
    /// - Returns: false where this node's was another.
    mutating func take(claim digest: UInt64, at position: UInt64) -> Bool {
        if let own = digests.last(where: { $0.position == position }) { return own.digest == digest }
        if position > digests.last?.position ?? 0 { claims.append((position, digest)) }
        return true
    }

    // MARK: Rank

    /// How many nodes come before this one, where one of those that serve the room has to do something. The order is another in each
    /// room, so that no node does it all.
    func rank(of own: Incarnation, in room: String) -> Int64 {
        let weight = Self.weight(own, room)
        return Int64(
            incarnations.count { other in
                lapsed[other] == nil && (Self.weight(other, room), other.bits) < (weight, own.bits)
            })
    }

    /// FNV-1a with a mixer behind it: any function that spreads will do, as long as it is the same on all nodes.
    static func weight(_ incarnation: Incarnation, _ room: String) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in incarnation.text + Array(room.utf8) { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        hash = (hash ^ hash >> 32) &* 0xD6E8_FEB8_6659_FD93
        return hash ^ hash >> 32
    }

    // MARK: Snapshots

    mutating func count(_ record: RoomRecord) {
        sizes.append((record.position, record.size))
        bytesSinceSnapshot += record.size
    }

    /// A snapshot is there.
    mutating func noteSnapshot(at position: UInt64, size: Int) {
        guard position >= snapshotPosition else { return }
        (snapshotPosition, snapshotSize) = (position, size)
        let old = sizes.prefix { $0.position <= position }
        bytesSinceSnapshot -= old.reduce(0) { $0 + $1.size }
        sizes.removeFirst(old.count)
        if let wish, wish <= position { self.wish = nil }
        if !wantsSnapshot { snapshotAt = nil }
    }

    private var needsSnapshot: Bool { bytesSinceSnapshot >= max(Lockstep.snapshotBytes, snapshotSize) }
    /// Whether one is to be taken. At the position of the last there is nothing to be taken.
    var wantsSnapshot: Bool { needsSnapshot || (wish != nil && position > snapshotPosition) }

    // MARK: What is pending

    /// Takes out as much as fits in a record: one item at least.
    mutating func takePending() -> [RecordItem] {
        var (count, bytes) = (0, 0)
        while count < pending.count, count == 0 || bytes + pending[count].size <= Lockstep.recordBytes {
            bytes += pending[count].size
            count += 1
        }
        defer {
            pending.removeFirst(count)
            pendingBytes -= bytes
        }
        return Array(pending.prefix(count))
    }
}
