import Chat
import Log
import Server
import Sockets

/// One run of the whole server in a world of which everything follows from a seed: time, network, disk, people, and all
/// that goes wrong with them.
package final class Simulator {
    package let plan: Plan
    var random: SeededRandom
    var faults: Faults
    var events = EventQueue<WorldEvent>()
    /// Nanoseconds since the world began.
    private(set) var now: Int64 = 0
    /// What the wall clock is ahead of that (ms).
    var wallOffset: Int64 = 1_700_000_000_000
    var wall: Int64 { now / 1_000_000 + wallOffset }
    private(set) lazy var network = Network(world: self)
    let disk = SimulatedDisk()
    /// What works for the server's log beside the loop.
    private var diskWork: SimulatedDiskWork?
    var people: [any Person] = []
    package private(set) lazy var judge = Judge(world: self)
    /// Listens to the people who behave, where the plan wants it.
    package private(set) lazy var wiretap: Wiretap? = plan.isTapped ? Wiretap(world: self) : nil
    /// The invitations to each room that its hosts were told, the newest last: they hand them to everyone.
    var invitations: [String: [String]] = [:]
    /// When the disk last refused something, the server began, or the wall clock jumped (ns).
    var lastTrouble: Int64 = 0
    /// Whether the disk has refused something since the server began.
    var hasRefused = false
    private var log: Trace
    /// Signals that the server has not been told of yet.
    var signals: [Int32] = []
    /// The server has been told to stop.
    var isStopping = false

    /// How many more calls of the server reach the world before it is killed; nil is no such plan.
    var callsLeft: Int?
    var isKilled = false
    var cutsPower = false
    var isDiskFull = false
    /// The faults are over: from here on everything must come right.
    private(set) var isCalm = false
    package private(set) var statistics = Statistics()

    package init(_ plan: Plan) {
        self.plan = plan
        random = SeededRandom(plan.seed)
        log = Trace(limit: plan.traceLines)
        log.isLoud = plan.isLoud
        faults = plan.hasFaults ? Faults.all(&random) : .none
        if plan.hasFaults { faults.stress(plan.emphasis, &random) }
    }

    // MARK: The run

    /// Lives the planned time with faults, and some more without; then looks whether all is well.
    package func run() {
        prepare()
        let end = plan.seconds * 1_000_000_000
        live(until: end)
        calm()
        live(until: end + plan.calmSeconds * 1_000_000_000)
        statistics.virtualSeconds = now / 1_000_000_000
        statistics.clientHours = plan.clientHours
        wiretap?.finish()
        judgeTranscripts()
        statistics.reached.merge(wiretap?.reached ?? [:], uniquingKeysWith: +)
    }

    private func prepare() {
        network.isEdgeTriggered = random.happens(0.7)
        disk.plan = { [unowned self] call in diskFault(call) }
        disk.writesBack = { [unowned self] in random.happens(faults.writeBack) }
        for index in 0..<plan.people {
            // The first two behave, whatever the others do.
            let isHooligan = plan.hasFaults && index >= 2 && random.happens(0.2)
            people.append(isHooligan ? Hooligan(index, self) : Guest(index, self))
        }
        // A crowd comes all at once: notices are held back for some milliseconds only.
        let arrival: Int64 = plan.emphasis == .crowd ? 300_000_000 : 10_000_000_000
        for index in people.indices { wake(index, in: random.time(mean: arrival)) }
        for fault in WorldEvent.Fault.allCases { schedule(fault) }
    }

    /// The time up to which the server may wait.
    private var horizon: Int64 = 0

    /// Runs the server, starts it again when it is gone, until a time.
    private func live(until end: Int64) {
        horizon = end
        while now < end, !judge.hasFailed {
            runServer(until: end)
            guard now < end, !judge.hasFailed else { return }
            // Down for a while.
            let back = now + random.time(mean: 3_000_000_000)
            while let next = events.nextTime, next < min(back, end) { happen() }
            now = max(now, min(back, end))
        }
    }

    /// One life of the server, from start to kill, stop, or the end.
    private func runServer(until end: Int64) {
        statistics.starts += 1
        lastTrouble = now
        hasRefused = false
        isKilled = false
        callsLeft = nil
        signals = []
        isStopping = false
        guard var server = startServer() else { return }
        trace("world  the server starts, \(plan.options.isEphemeral ? "keeping nothing" : "with fsync \(plan.fsync)")")
        network.isListening = true
        while now < end, !judge.hasFailed, !isKilled, !server.isDone {
            server.tick()
            judge.endTick(server)
        }
        if now >= end, isCalm, !plan.hasEndlessFaults { judge.conclude(server) }
        if !isKilled, server.isDone {
            trace("world  the server has stopped")
            // One that has lost what it has written ends at once, as if it were killed.
            isKilled = server.hasFailed
            if isKilled, !hasRefused { judge.fail("the server gives up, and the disk has refused nothing") }
            _ = server.finish()
        } else if isKilled {
            trace(cutsPower ? "world  the power is cut" : "world  the server is killed")
        }
        statistics.events += server.work.events
        statistics.ticks += server.work.ticks
        network.crash()
        // A process that is killed between a failed sync and mending what it has spoilt leaves nobody who knows of it, and no
        // program can find out. The simulated kernel is a good one: it tries such bytes again.
        disk.forgiveFailedSyncs()
        if cutsPower { disk.cutPower(&random) } else { disk.kill() }
        judge.serverIsGone(lostPower: cutsPower)
        wiretap?.serverIsGone(lostPower: cutsPower, hasFailed: server.hasFailed)
        cutsPower = false
    }

    private func startServer() -> Server<SimulatedWorld>? {
        var options = plan.options
        options.recording = plan.recordings.map { "\($0)/life-\(statistics.starts)" }
        var history: Log?
        var secret = [UInt8](repeating: 7, count: 32)
        diskWork = nil
        if disk.files.keys.contains(where: { $0.contains("/erasing/") }) { reach(.erasureCutOff) }
        if !options.isEphemeral {
            guard let folder = try? DataFolder.open("/data", disk, random: secret) else {
                trace("world  the server cannot open its data")
                disk.forgiveFailedSyncs()
                return nil
            }
            secret = folder.secret
            let work = SimulatedDiskWork(disk: disk, seed: faults.syncDelay > 0 ? random.next() : nil)
            var sizes = LogSizes()
            sizes.segment = Int64(plan.segmentBytes)
            sizes.snapshotPiece = plan.snapshotPiece
            sizes.openFiles = 8
            history = Log(
                storage: disk, disk: work, folder: folder, fsync: plan.fsync, rules: plan.limits.rules, sizes: sizes)
            diskWork = work
        }
        let world = SimulatedWorld(self)
        guard
            var server = Server(
                world: world, options: options, site: Site(files: [:]), history: history,
                secret: ServerSecret(key: secret), limits: plan.limits)
        else { return nil }
        if (try? server.startRecording()) == nil { judge.fail("the recording cannot be written") }
        return server
    }

    private func calm() {
        trace("world  the faults are over")
        isCalm = true
        faults = .none
        callsLeft = nil
        cutsPower = false
        isDiskFull = false
        network.availableSince = now
        network.isExhausted = false
        disk.capacity = nil
        disk.forgiveFailedSyncs()
        for link in network.openLinks where link.isBlackHole {
            link.isBlackHole = false
            network.reset(link)
        }
        for index in people.indices { people[index].calmDown() }
    }

    // MARK: Time

    /// What a wait of the server does: the world goes on until there is something for the server.
    func wait(until deadline: Int64?) -> (ready: [Readiness], hasArrivals: Bool) {
        // A tick takes its time.
        now += Int64(random.number(1_000...200_000))
        while true {
            while let next = events.nextTime, next <= now { happen() }
            let (ready, hasArrivals) = network.poll()
            if !ready.isEmpty || hasArrivals || !signals.isEmpty || isKilled || judge.hasFailed {
                return (ready, hasArrivals)
            }
            if let diskWork, diskWork.isBusy {
                // The disk takes its time, and wakes the loop when something is done.
                now += Int64(random.number(10_000...Int(faults.diskStep)))
                return (ready, hasArrivals)
            }
            let end = min(deadline ?? .max, horizon)
            if end <= now { return (ready, hasArrivals) }
            guard let next = events.nextTime, next <= end else {
                now = end
                return (ready, hasArrivals)
            }
            now = next
        }
    }

    func sleep(until time: Int64) {
        while let next = events.nextTime, next <= min(time, horizon) { happen() }
        now = max(now, min(time, horizon))
    }

    private func happen() {
        guard let (time, event) = events.removeFirst() else { return }
        now = max(now, time)
        switch event {
        case .network(let event): network.happen(event)
        case .wake(let person, let version): people[person].wake(version)
        case .fault(let fault): strike(fault)
        case .relief(let fault): relieve(fault)
        }
    }

    /// Has a person woken after some time.
    func wake(_ person: Int, in time: Int64, version: UInt64 = 0) {
        events.add(.wake(person: person, version: version), at: now + max(1, time))
    }

    /// Somebody has seen an event that nobody had seen: just then the power may be cut.
    func cutPowerOnSight() {
        guard !isCalm, callsLeft == nil, random.happens(faults.powerCutOnSight) else { return }
        (cutsPower, callsLeft) = (true, random.number(0...3))
    }

    func reach(_ milestone: Milestone) { statistics.reached[milestone, default: 0] += 1 }

    func trace(_ line: @autoclosure () -> String) { log.add(now, line()) }
    package var fingerprint: UInt64 { log.fingerprint }
    package var newestLines: [String] { log.newest }
}
