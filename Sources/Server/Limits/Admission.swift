import Chat
import HTTP
import Sockets

/// Which connections and requests are let in: how many there may be of one address, which have not asked for anything yet, and the
/// names that requests may be sent to.
struct Admission {
    private let maxPerAddress: Int

    private var addresses = AddressCounts()
    /// Connections that count towards the limit of their address.
    private var counted = SlotSet()
    /// Connections that have not asked for anything yet.
    private var handshakes = SlotSet()

    /// When accepting is to be tried again without being told of an arrival (ms).
    private(set) var acceptAgainAt: Int64?
    /// Whether the world has been asked not to tell of arrivals until then.
    private var isPaused = false

    /// Nil where every name is this server's.
    var hostCheck: HostCheck?
    /// For the log: descriptors have run out, an upgrade was refused, a request was sent to a foreign name.
    var exhaustionLog = LogThrottle()
    var upgradeLog = LogThrottle()
    var hostLog = LogThrottle()

    init(_ options: ServeOptions) {
        maxPerAddress = options.maxConnectionsPerAddress
    }

    // MARK: Connections

    /// Why nothing is said to an address any more; nil if it may connect.
    func rejection(of address: IPAddress) -> Rejection? {
        addresses.isFarOver(address, limit: maxPerAddress) ? .tooManyFromAddress : nil
    }

    /// A connection begins, and has not asked for anything yet.
    ///
    /// - Parameter isProxy: whether its address says nothing about who it is.
    mutating func begin(_ slot: Int, _ address: IPAddress, isProxy: Bool) {
        handshakes.insert(slot)
        if !isProxy { count(slot, address) }
    }

    /// Counts a connection for its address, which does not change from here on.
    mutating func count(_ slot: Int, _ address: IPAddress) {
        if maxPerAddress > 0, counted.insert(slot) { addresses.add(address) }
    }

    /// A connection has asked for something.
    mutating func hasAsked(_ slot: Int) { handshakes.remove(slot) }

    /// A connection is gone.
    mutating func end(_ slot: Int, _ address: IPAddress) {
        hasAsked(slot)
        if counted.remove(slot) { addresses.remove(address) }
    }

    /// Whether a connection has not asked for anything yet.
    func isHandshake(_ slot: Int) -> Bool { handshakes.contains(slot) }
    /// How many have not.
    var handshakeCount: Int { handshakes.count }

    /// Whether an address has more connections than it may.
    func isOver(_ address: IPAddress) -> Bool { addresses.isOver(address, limit: maxPerAddress) }

    /// Connections that count towards the limit of their address, and what the addresses together count: the same number.
    var countedSums: (connections: Int, addresses: Int) { (counted.count, addresses.sum) }

    // MARK: Accepting

    /// Accepting begins; it is over unless something else is said.
    mutating func beginAccepting() { acceptAgainAt = nil }

    /// - Returns: whether the world was asked not to tell of arrivals.
    mutating func endPause() -> Bool {
        defer { isPaused = false }
        return isPaused
    }

    /// There is no use in trying again before a while is over.
    mutating func pause(now: Int64) {
        isPaused = true
        acceptAgainAt = now + Timing.acceptAgain
    }

    /// There may be more who want to connect.
    mutating func acceptMore(now: Int64) { acceptAgainAt = now }

    /// A descriptor is free, if that is what was missing.
    mutating func hasRoom(now: Int64) { if acceptAgainAt != nil { acceptAgainAt = now } }
}
