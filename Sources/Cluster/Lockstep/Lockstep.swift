/// A node among others that serve the same rooms: which of its inputs go to the engine, and which records the rooms are given, so that
/// all nodes come to the same state and the same outputs.
///
/// A node does not hand an input to a room. It appends it to the room's records (`propose`), and gives the room what comes back
/// (`Output.apply`), its own and others' inputs alike, in the engine's order. What comes back is on the engine's disk, so nothing is
/// shown that is not kept. Of each room one record of a node is on its way; what arrives meanwhile makes the next.
///
/// It is a value and does nothing by itself. What happens is told by calls; what is to be done stands in `outputs`, in order:
///
/// 1. The connections to the engine: `connected`, `disconnected`, `subscribed`, `published`, `answered`.
/// 2. The rooms: `open`, `close`, `propose`, `arm`, `wantSnapshot`, `readHistory`, and `applied` and `store`, which answer outputs.
/// 3. `tick`, last: appends what is pending, and sees to all that has its time.
///
/// The outputs of a call are carried out in their order before the next call; meanwhile only those of the second group may be made,
/// which may add to them.
package struct Lockstep: Sendable {
    package enum Output: Equatable, Sendable {
        // For the connections.

        /// A request, whose answer comes with this number.
        case request(UInt64, EngineRequest)
        case subscribe(room: String)
        case unsubscribe(room: String)
        /// The connections are of no use: close both, and connect again after a while.
        case reconnect(EngineFault)

        // For the rooms.

        /// The room begins, or begins anew, from this snapshot; nil is a room that nothing has happened in. It is at this position now,
        /// which `applied` is to be told.
        case load(room: String, snapshot: [UInt8]?, position: UInt64)
        /// The room is given this record; `applied` is to be told.
        case apply(room: String, RoomRecord)
        /// The room is up to date: people may come in.
        case ready(room: String)
        /// What this node has of the room is worth nothing: its connections are closed with 1012. It is loaded again by itself.
        case drop(room: String, DropReason)
        /// The room as it is now is to be given to `store`.
        case takeSnapshot(room: String)
        /// A snapshot that stands for this position was stored, by this node or another, with the history up to there.
        case stored(room: String, position: UInt64)
        /// What a `readHistory` with this tag has come to; nil is that it has failed.
        case history(room: String, tag: UInt64, HistoryAnswer?)
        /// The same of a `readHistorySizes`, by block.
        case historySizes(room: String, tag: UInt64, [HistorySize]?)

        // For everyone.

        /// Whether what is said can be kept, where that has changed.
        case keeping(Bool)
        /// The engine refuses what is written for now; it is tried again.
        case trouble(EngineFault)
        /// This life of the node counts as lost. All rooms are dropped; it goes on with `begin(as:)`.
        case lost
        /// The node ends: it cannot go on with what it was started with.
        case end(EndReason)
    }

    package enum DropReason: Equatable, Sendable {
        /// Another node's state was different.
        case differs
        /// The records that are missing are not kept any more, or make no sense.
        case missing
        /// The engine has lost a tail that this node has seen.
        case lostTail
        /// This node was taken for lost.
        case lost
    }

    package enum EndReason: Equatable, Sendable {
        case fault(EngineFault)
        /// The cluster's rooms decide by other rules.
        case otherRules(own: [UInt8], theirs: [UInt8])
    }

    /// How far this node is with the engine.
    enum Link: Sendable { case down, attaching, up }

    /// What an answer that is on its way is about.
    struct Asked: Sendable {
        var request: EngineRequest
        /// Of the room's state at the time; an answer to an older one is of no interest.
        var generation: UInt64
        var at: Int64
        /// Of a read of the history.
        var tag: UInt64 = 0
    }

    package struct Counters: Equatable, Sendable {
        /// Records that this node has appended, and that it has applied.
        package var appended: UInt64 = 0
        package var applied: UInt64 = 0
        /// Rooms that were dropped because another node's state was different.
        package var repairs: UInt64 = 0
        /// Times that records were missing and were read.
        package var gaps: UInt64 = 0
        /// The longest time that a record has taken from here to its return, of those since this was looked at last, in milliseconds.
        package var longestRoundTrip: Int64 = 0
    }

    // MARK: Times (milliseconds) and sizes

    /// How often a node says that it is there, and looks who is not.
    static let renewal = EngineRequest.life / 3
    /// Each node that would do what one of them has to do waits this long for each one before it.
    static let rankDelay: Int64 = 200
    static let snapshotRankDelay: Int64 = 2_000
    /// How long a snapshot that was wished for may take before it is asked for again.
    static let snapshotPatience: Int64 = 10_000
    /// After the engine has refused something that passes.
    static let retry: Int64 = 1_000
    /// An append that was answered, and a record that has not come, is a message that got lost.
    static let stall: Int64 = 2_000
    /// An append without an answer for this long is one that people are told of.
    static let patience: Int64 = 3_000
    /// How often a repaired room says what its state is, at most.
    static let checkInterval: Int64 = 10_000
    /// Bytes of one record's items, and of all that wait in a room. Past that the sender is refused, as with a full disk.
    package static let recordBytes = 1 << 20
    package static let pendingBytes = 4 << 20
    /// Bytes of records that came before the room was loaded. Past that they are read again.
    static let earlyBytes = 8 << 20
    /// The least that is worth a snapshot.
    package static let snapshotBytes = 64 << 10

    package let name: String
    /// What rooms are decided by, in any encoding that all nodes share; empty where nothing is decided here.
    package let rules: [UInt8]
    package internal(set) var incarnation: Incarnation
    package internal(set) var outputs: [Output] = []
    package internal(set) var counters = Counters()

    var link = Link.down
    /// The engine's line, and that of the last attach which was answered.
    var line = ""
    var attachedLine = ""
    /// Nil until the first attach.
    package internal(set) var epoch: UInt64?
    /// The most writes that were seen.
    var writes: UInt64 = 0
    var isLost = false
    /// Earlier incarnations of this node whose lives are to end, so that they do not keep its name.
    var formers: [Incarnation] = []
    /// Since when another incarnation has this node's name.
    var isTakenSince: Int64?
    var hasEnded = false
    /// Whether what is said can be kept, as far as was told.
    var isKeeping = false
    /// Whether the engine refuses writes.
    var isRefused = false
    var renewAt: Int64 = .max
    /// The time of the newest call that told it.
    var now: Int64

    var rooms: [String: ServedRoom] = [:]
    /// The rooms' names, in the order in which they were opened.
    var names: [String] = []
    /// Rooms that may have something to append, each once.
    var flushing: [String] = []
    var asked: [UInt64: Asked] = [:]
    var lastRequest: UInt64 = 0
    var lastGeneration: UInt64 = 0
    /// The next time that anything has to be looked at.
    var wakeAt: Int64 = .max

    /// - Parameters:
    ///   - name: this node's, unlike that of any other.
    ///   - now: milliseconds of a clock that never goes back, here and everywhere.
    package init(as incarnation: Incarnation, name: String, rules: [UInt8], now: Int64) {
        (self.incarnation, self.name, self.rules, self.now) = (incarnation, name, rules, now)
    }

    package mutating func takeOutputs() -> [Output] {
        defer { outputs = [] }
        return outputs
    }

    package mutating func takeCounters() -> Counters {
        defer { counters.longestRoundTrip = 0 }
        return counters
    }

    /// When `tick` has to be called even if nothing happens; nil if there is no need.
    package var nextDeadline: Int64? {
        if !flushing.isEmpty { return now }
        return wakeAt == .max ? nil : wakeAt
    }

    mutating func nextGeneration() -> UInt64 {
        lastGeneration += 1
        return lastGeneration
    }

    mutating func wake(at time: Int64) { wakeAt = min(wakeAt, time) }

    mutating func ask(_ request: EngineRequest, of room: String? = nil, tag: UInt64 = 0) {
        lastRequest += 1
        let generation = room.flatMap { rooms[$0]?.generation } ?? 0
        asked[lastRequest] = Asked(request: request, generation: generation, at: now, tag: tag)
        outputs.append(.request(lastRequest, request))
    }

    // MARK: What a room's state is

    /// Whether a room is up to date as far as is known, and what is proposed goes to the engine at once.
    package func isReady(_ room: String) -> Bool { rooms[room].map { $0.phase == .live && $0.hasRules } ?? false }

    /// The position that a room is at; nil where it is not loaded.
    package func position(of room: String) -> UInt64? { rooms[room].flatMap { $0.isLoaded ? $0.position : nil } }

    /// Rooms of which something has been proposed that has not come back yet.
    package var waitingRooms: Int { names.count { isWaiting($0) } }

    /// Whether something of a room has been proposed that has not come back yet.
    package func isWaiting(_ room: String) -> Bool {
        rooms[room].map { $0.inFlight != nil || !$0.pending.isEmpty } ?? false
    }
}

extension Lockstep.EndReason: CustomStringConvertible {
    package var description: String {
        switch self {
        case .fault(let fault): fault.description
        case .otherRules(let own, let theirs):
            "its rooms decide by other rules (\(String(decoding: theirs, as: UTF8.self))) than this node "
                + "(\(String(decoding: own, as: UTF8.self))): start all nodes with the same options"
        }
    }
}
