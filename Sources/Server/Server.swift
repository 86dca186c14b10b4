import Chat
import History
import Sockets
import WebSocket

/// The game loop. Its turn, the tick, has three steps:
///
/// 1. receive: what has come in since the last tick becomes the tick's inputs;
/// 2. update: the chat decides what follows, and the disk is given what is to be kept;
/// 3. send: everyone gets what is for them, in one write each.
///
/// One thread does all of it, so that nothing is ever locked, and nothing in it waits but `World.wait`.
package struct Server<W: World & ~Copyable>: ~Copyable {
    let options: ServeOptions
    var world: W
    var chat: Chat
    /// Nil with `--ephemeral`.
    let history: History?
    let site: Site
    var recorder: Recorder?

    // MARK: Connections

    var connections: ConnectionTable
    var timers = TimerWheel()
    var addresses = AddressCounts()
    var addressRates: AddressRates
    /// Connections that have not asked for anything yet, and how many of them each address has.
    var handshakes = 0
    var handshakeAddresses = AddressCounts()
    /// What the kernel has at most given us at once.
    var inbox: [UInt8]
    /// Requests to the thread that reads static files which it has not answered yet.
    var filesAwaited = 0
    let inflater: Inflater
    let deflater: Deflater

    // MARK: This tick

    var inputs = TickInputs()
    var output = TickOutput()
    /// Whether the tick's inputs are still open.
    var isReceiving = false
    /// The present: nanoseconds for pacing, and the same in milliseconds for everything else.
    var nanoseconds: Int64 = 0
    var now: Int64 { inputs.now }
    /// What has happened after the inputs were closed, for the next tick.
    var carried: [TickInputs.Item] = []
    /// Connections with something of their own to send, to end, or to be looked at after sending.
    var dirty: [UInt32] = []
    /// Connections that end when the tick is sent.
    var farewells: [(connection: ConnectionID, farewell: Farewell)] = []
    /// Connections that have more to be received.
    var unfinished: [UInt32] = []
    var expired: [Int] = []
    /// Connections to which the system had no memory to send, and when to try again (ms).
    var starved: [UInt32] = []
    var sendAgainAt: Int64?
    /// For each reply the next one to the same connection; see `Connection.firstReply`.
    var nextReply: [Int32] = []
    /// A room's frames, and pieces put together for one connection.
    var frames = RoomFrames()
    var outbox: [UInt8] = []

    // MARK: The whole

    /// When the next tick may begin, with `--tick-rate` (ns).
    var earliest: Int64 = 0
    var acceptAgainAt: Int64?
    /// Whether it is not told of arrivals until then.
    var isAcceptingPaused = false
    /// That descriptors have run out.
    var acceptLog = LogThrottle()
    /// That an upgrade was refused, and that a request was sent to a name of somebody else's.
    var upgradeLog = LogThrottle()
    var hostLog = LogThrottle()
    /// Nil where every name is this server's.
    var hostCheck: HostCheck?
    var stopping: Stopping?
    /// Unsent bytes of all connections together.
    var queuedBytes = 0
    let ledger = Ledger()
    /// The size at which the journal is written anew.
    var journalLimit: Int64
    /// When that may be done at the earliest (ms).
    var nextJournal: Int64 = .min
    /// When the operator may be told again that the disk fails (ms).
    var nextStorageComplaint: Int64 = .min
    /// Whether what was last given to the disk could be kept.
    var isKeeping = true
    var metrics = Metrics()
    var watcher: FileWatcher?

    // MARK: -

    /// Runs until a signal has asked to stop and everything has been said.
    ///
    /// - Parameter stops: is called once, when the stop begins.
    package mutating func run(stops: () -> Void) {
        while stopping == nil { tick() }
        stops()
        while !isDone { tick() }
    }

    /// One turn of the loop.
    package mutating func tick() {
        receive()
        update()
        send()
    }
}
