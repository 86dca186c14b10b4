/// What the chat knows of a connection.
struct Peer: Sendable {
    enum Phase: Sendable {
        /// There is no such connection, or it does not count any more.
        case gone
        /// Connected; whether it has joined is the room's to know.
        case connected
        /// A request of it waits for the disk; what it says meanwhile waits with it.
        case waiting
    }

    /// What few have.
    private struct Rest: Blank {
        static let blank = [Rest()]

        var request: WaitingRequest?
        var parked: [[UInt8]] = []
        var parkedBytes = 0
        var answers: [WaitingAnswer] = []
        var watched: [String] = []
    }

    /// The secret of its session if it joins as someone new.
    let newSecret: UInt128
    /// Who it is by its newest join.
    var user = UserID.nobody
    let id: ConnectionID
    /// The digest of its address; and whether it is that of this client alone, as far as can be seen.
    let address: UInt64
    let isOwnAddress: Bool
    var phase: Phase
    /// Whether its operator's code has been compared with the link that there is.
    var hasOfferedCode = false
    /// Whether its join is on the way to a room that other nodes serve, too.
    var isJoining = false
    /// Whether it is being ended from this side: it is heard no more, and is gone when that has been told.
    var isEnding = false
    /// Whether a search of it is at work.
    var isSearching = false
    /// Whether it has come to find a stranger, and no room; and whether it waits for one.
    var seeksStranger = false
    var waitsForStranger = false
    /// The room whose address it came to; nil if that is no room's name.
    let room: UInt32?
    private var shortJoinPlace: UInt32 = 0
    /// The secrets of sessions that it has said are its own, the newest last, until it is in the room.
    private(set) var claims: [UInt128] = []
    private var rest = Seldom<Rest>()

    var typing = TokenBucket()
    var renames = TokenBucket()
    var history = TokenBucket()
    var bytes = TokenBucket()
    var errors = TokenBucket()

    /// Where in the tick's work its newest join stands.
    var joinPlace: Int {
        get { Int(shortJoinPlace) }
        set { shortJoinPlace = UInt32(truncatingIfNeeded: newValue) }
    }

    /// What it asks over HTTP, where it is such a request and no WebSocket.
    var request: WaitingRequest? {
        get { rest.value.request }
        set { rest.value.request = newValue }
    }

    /// What it has said since its join has to wait: the join first.
    var parked: [[UInt8]] {
        get { rest.value.parked }
        _modify { yield &rest.value.parked }
    }

    var parkedBytes: Int {
        get { rest.value.parkedBytes }
        set { rest.value.parkedBytes = newValue }
    }

    /// Answers that wait behind one that comes from the disk, that one first.
    var answers: [WaitingAnswer] {
        get { rest.value.answers }
        _modify { yield &rest.value.answers }
    }

    /// The rooms whose new messages it is told of.
    var watched: [String] {
        get { rest.value.watched }
        set { rest.value.watched = newValue }
    }

    init(
        id: ConnectionID, phase: Phase, room: UInt32?, secret: UInt128, address: UInt64, isOwnAddress: Bool = false
    ) {
        self.id = id
        self.phase = phase
        self.room = room
        newSecret = secret
        self.address = address
        self.isOwnAddress = isOwnAddress
    }

    /// A connection at `/pair`.
    init(id: ConnectionID, seekingStrangerWith secret: UInt128, address: UInt64, isOwnAddress: Bool) {
        self.init(
            id: id, phase: .connected, room: nil, secret: secret, address: address, isOwnAddress: isOwnAddress)
        seeksStranger = true
    }

    /// Remembers the secret of a session that is claimed. A few are enough: of joins in one tick the first that is accepted
    /// counts, and those before it have been refused.
    mutating func claim(_ secret: UInt128) {
        claims.removeAll { $0 == secret }
        if claims.count >= 4 { claims.removeFirst() }
        claims.append(secret)
    }

    /// A place without a connection.
    static let nobody = Peer(
        id: ConnectionID(slot: 0, generation: 0), phase: .gone, room: nil, secret: 0, address: 0)
}

/// An answer that is not sent before those that were asked for earlier.
struct WaitingAnswer: Sendable {
    /// The read that it comes from, or 0.
    var request: UInt64
    /// Its text, once it is there.
    var text: [UInt8]?
    var renewsJoin = false
    /// What is added to it when it is sent; nil for one that is whole.
    var addition: Entry.Addition?
}

/// What an answer from the disk is for.
struct PendingRead: Sendable {
    enum Purpose: Sendable {
        /// The events that someone has missed who comes back.
        case rejoin
        /// The message that a request is about.
        case message(UInt64)
        /// What was looked for, as a JSON string; and what its client calls it.
        case search([UInt8], before: UInt64, limit: Int, ref: [UInt8])
        /// A page of messages; what its client calls it, with quotation marks, or nothing.
        case page(PageRequest.Direction, limit: Int, ref: [UInt8])
        /// The event of an `id` that was used before, with quotation marks.
        case repeatEvent(seq: UInt64, id: [UInt8])
    }

    var purpose: Purpose
    var connection: ConnectionID
    var room: UInt32
}
