import Chat
import Cluster
import Server
import Sockets

/// A node of a cluster, with a network and clocks of its own.
final class SimulatedNode: Surroundings {
    let index: Int
    unowned let world: SeveralNodes
    private(set) lazy var network = Network(world: self)
    private var server: Server<NodeWorld>?
    private(set) var isRunning = false
    private var starts = 0
    /// When it has begun (ns).
    private(set) var startedAt: Int64 = 0

    /// What its clocks are ahead of the world's: the one that never goes back (ns), and the one on the wall (ms).
    let clockOffset: Int64
    var wallOffset: Int64
    /// It stands still before this time (ns).
    var pausedUntil: Int64 = 0
    /// It and the engine do not reach each other before this time (ns).
    var cutOffUntil: Int64 = 0
    /// Some of what is published does not reach it before this time (ns).
    var losesNoticesUntil: Int64 = 0
    /// How many more calls of the server reach the world before it is killed; nil is no such plan.
    var callsLeft: Int?
    private var isKilled = false
    var signals: [Int32] = []
    private(set) var isStopping = false

    // What waits for its next tick.
    fileprivate var ready: [Readiness] = []
    fileprivate var hasArrivals = false
    private var engineEvents: [EngineEvent] = []
    /// Tells the newest connections to the engine from those before them.
    var engineAttempt = 0
    private var deadline: Int64? = 0
    private var busyUntil: Int64 = 0
    /// A second of the world, and the ticks in it so far.
    private var pace: (second: Int64, ticks: Int) = (0, 0)
    /// What it waits for is only known once it has begun to wait.
    private var hasToLook = true

    init(_ index: Int, _ world: SeveralNodes) {
        (self.index, self.world) = (index, world)
        clockOffset = Int64(world.random.number(0...1_000_000)) * 1_000_000_000
        wallOffset = Int64(world.random.number(-3_600_000...3_600_000))
    }

    // MARK: Its surroundings

    var now: Int64 { world.now }
    var random: SeededRandom {
        get { world.random }
        set { world.random = newValue }
    }
    var faults: Faults { world.faults }
    func add(_ event: NetworkEvent, at time: Int64) {
        world.after(max(0, time - world.now)) { [unowned self] in network.happen(event) }
    }
    func person(_ index: Int) -> any Person { world.people[index] }
    func note(sent bytes: [UInt8], on link: Link) {}
    func note(received bytes: [UInt8], on link: Link) {}
    func noteArrival(on link: Link) {}
    func noteClosed(_ link: Link) {}
    func fail(_ reason: String) { world.judge.fail("node \(index): \(reason)") }

    // MARK: Its life

    func start() {
        guard !isRunning else { return }
        starts += 1
        var options = world.plan.options
        options.node = world.plan.keepsNames ? "node\(index)" : "node\(index)-\(starts)"
        guard
            var server = Server(
                world: NodeWorld(node: self), options: options, site: Site(files: [:]), history: nil,
                secret: ServerSecret(key: [UInt8](repeating: 7, count: 32)))
        else { return fail("there is no memory") }
        server.joinCluster()
        self.server = consume server
        (isRunning, isKilled, isStopping, callsLeft, signals) = (true, false, false, nil, [])
        (engineEvents, ready, hasArrivals, hasToLook) = ([], [], false, true)
        startedAt = now
        network.isListening = true
        world.trace("node \(index) starts")
    }

    /// The process is gone.
    private func end() {
        server = nil
        isRunning = false
        network.crash()
        world.engine.disconnect(self)
        world.after(world.random.time(mean: 4_000_000_000)) { [unowned self] in start() }
    }

    func take(_ event: EngineEvent) { if isRunning { engineEvents.append(event) } }

    /// When it has something to do.
    var nextTick: Int64 {
        guard isRunning else { return .max }
        look()
        let hasWork = hasToLook || !ready.isEmpty || hasArrivals || !engineEvents.isEmpty || !signals.isEmpty
        return max(busyUntil, pausedUntil, hasWork ? 0 : deadline ?? .max)
    }

    func tick() {
        let isIdle = hasToLook && ready.isEmpty && !hasArrivals && engineEvents.isEmpty && signals.isEmpty
        server?.tick()
        // A tick takes its time.
        busyUntil = now + Int64(random.number(1_000...200_000))
        hasToLook = !isIdle || (deadline ?? .max) <= now
        world.ticks += 1
        lookForHaste()
        if isKilled {
            world.trace("node \(index) is killed")
            return end()
        }
        if world.ticks % 64 == 0, let mistake = health?.bookkeepingError { fail("its books are wrong: \(mistake)") }
        if server?.isDone == true { finish() }
    }

    /// A node that finds something to do in every tick, although nothing comes of it, would burn a processor.
    private func lookForHaste() {
        let second = now / 1_000_000_000
        pace = (second, second == pace.second ? pace.ticks + 1 : 1)
        if pace.ticks > 5_000 {
            fail("it has made \(pace.ticks) ticks within a second, and waits for \(deadline ?? 0)")
        }
    }

    private func finish() {
        let failure: String? =
            if case .failed(let failure) = server?.finish() { failure.message } else { nil }
        world.trace("node \(index) has ended: \(failure ?? "as it was told")")
        if let failure, !world.judge.mayFail(self) { fail("it ends by itself: \(failure)") }
        end()
    }

    var health: Health? { server?.health }

    /// Counts a call of the server.
    ///
    /// - Returns: false if it has been killed before.
    fileprivate func operate() -> Bool {
        guard !isKilled else { return false }
        if let left = callsLeft {
            callsLeft = left - 1
            if left <= 0 { isKilled = true }
        }
        return !isKilled
    }

    fileprivate func wait(until deadline: Int64?) {
        self.deadline = deadline.map { $0 - clockOffset }
        look()
    }

    private func look() {
        guard ready.isEmpty, !hasArrivals else { return }
        (ready, hasArrivals) = network.poll()
        // Nobody is told of connections to a socket that is closed.
        if !network.isListening { hasArrivals = false }
    }

    fileprivate func nextSignal() -> Int32? {
        guard !signals.isEmpty else { return nil }
        isStopping = true
        return signals.removeFirst()
    }

    fileprivate func takeEngineEvents() -> [EngineEvent] {
        defer { engineEvents = [] }
        return engineEvents
    }
}

/// What a node sees of it.
struct NodeWorld: World {
    unowned let node: SimulatedNode
    private var found: (ready: [Readiness], hasArrivals: Bool) = ([], false)

    init(node: SimulatedNode) { self.node = node }

    var ready: [Readiness] { found.ready }
    var hasArrivals: Bool { found.hasArrivals }
    var monotonic: Int64 { node.now + node.clockOffset }
    var wall: Int64 { node.world.wall + node.wallOffset }
    mutating func random() -> UInt64 { node.random.next() }

    mutating func wait(until deadline: Int64?) {
        node.wait(until: deadline)
        found = (node.ready, node.hasArrivals)
        (node.ready, node.hasArrivals) = ([], false)
    }

    mutating func sleep(until time: Int64) {}
    mutating func nextSignal() -> Int32? { node.nextSignal() }

    mutating func accept() -> Acceptance { node.operate() ? node.network.accept() : .wouldBlock }
    mutating func setAccepting(_ wanted: Bool) { node.network.isAccepting = wanted }
    mutating func stopListening() { node.network.isListening = false }
    mutating func watch(_ stream: Int32, token: UInt64) -> Bool { node.network.watch(stream, token: token) }
    mutating func setReadInterest(_ stream: Int32, _ wanted: Bool) { node.network.setInterest(stream, read: wanted) }
    mutating func setWriteInterest(_ stream: Int32, _ wanted: Bool) { node.network.setInterest(stream, write: wanted) }

    mutating func receive(_ stream: Int32, into buffer: inout [UInt8]) -> Reception {
        node.operate() ? node.network.receive(stream, into: &buffer) : .wouldBlock
    }

    mutating func send(_ stream: Int32, _ bytes: Span<UInt8>) -> Transmission {
        node.operate() ? node.network.send(stream, bytes) : .sent(bytes.count)
    }

    func unsentBytes(_ stream: Int32) -> Int { 0 }
    mutating func finishSending(_ stream: Int32) { if node.operate() { node.network.finishSending(stream) } }
    mutating func close(_ stream: Int32) { if node.operate() { node.network.close(stream) } }

    mutating func connectToEngine() { if node.operate() { node.world.engine.connect(node) } }
    mutating func disconnectFromEngine() { if node.operate() { node.world.engine.disconnect(node) } }
    mutating func takeEngineEvents() -> [EngineEvent] { node.takeEngineEvents() }
    mutating func sendToEngine(_ role: EngineConnection.Role, _ bytes: [UInt8]) {
        if node.operate() { node.world.engine.send(bytes, from: node, role) }
    }

    mutating func log(_ line: String) { node.world.logged(line, by: node) }
    var droppedLogLines: Int { 0 }
}
