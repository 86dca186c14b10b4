import Chat
import History
import Server
import Sockets

/// One run of the whole server in a world of which everything follows from a seed: time, network, disk, people, and all
/// that goes wrong with them.
package final class Simulator {
    package let plan: Plan
    var random: SeededRandom
    var faults: Faults
    var events = EventQueue()
    /// Nanoseconds since the world began.
    private(set) var now: Int64 = 0
    /// What the wall clock is ahead of that (ms).
    private var wallOffset: Int64 = 1_700_000_000_000
    var wall: Int64 { now / 1_000_000 + wallOffset }
    private(set) lazy var network = Network(world: self)
    let disk = SimulatedDisk()
    var people: [any Person] = []
    package private(set) lazy var judge = Judge(world: self)
    private var log: Trace
    var signal: Int32?

    /// How many more calls of the server reach the world before it is killed; nil is no such plan.
    private var callsLeft: Int?
    private(set) var isKilled = false
    private var cutsPower = false
    private var isDiskFull = false
    /// The faults are over: from here on everything must come right.
    private(set) var isCalm = false
    package private(set) var statistics = Statistics()

    package init(_ plan: Plan) {
        self.plan = plan
        random = SeededRandom(plan.seed)
        log = Trace(limit: 300)
        log.isLoud = plan.isLoud
        faults = plan.hasFaults ? Faults.all(&random) : .none
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
    }

    private func prepare() {
        network.isEdgeTriggered = random.happens(0.7)
        disk.plan = { [unowned self] call in diskFault(call) }
        for index in 0..<plan.people {
            // The first two behave, whatever the others do.
            let isHooligan = plan.hasFaults && index >= 2 && random.happens(0.2)
            people.append(isHooligan ? Hooligan(index, self) : Guest(index, self))
        }
        for index in people.indices { wake(index, in: random.time(mean: 10_000_000_000)) }
        for fault in EventQueue.Fault.allCases { schedule(fault) }
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
        isKilled = false
        callsLeft = nil
        signal = nil
        guard var server = startServer() else { return }
        trace("world  the server starts, with fsync \(plan.fsync)")
        network.isListening = true
        while now < end, !judge.hasFailed, !isKilled, !server.isDone {
            server.tick()
            judge.endTick(server)
        }
        if now >= end, isCalm { judge.conclude(server) }
        if !isKilled, server.isDone {
            trace("world  the server has stopped")
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
        cutsPower = false
    }

    private func startServer() -> Server<SimulatedWorld>? {
        let history = History(
            disk: disk, directory: "/data", fsync: plan.fsync, segmentBytes: plan.segmentBytes, openFiles: 8)
        guard let journal = try? history.open().journal else {
            trace("world  the server cannot open its data")
            return nil
        }
        guard var server = Server(world: SimulatedWorld(self), options: plan.options, site: Site(files: [:]), history: history)
        else { return nil }
        server.restore(journal)
        return server
    }

    private func calm() {
        trace("world  the faults are over")
        isCalm = true
        faults = .none
        callsLeft = nil
        cutsPower = false
        isDiskFull = false
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
            if !ready.isEmpty || hasArrivals || signal != nil || isKilled || judge.hasFailed { return (ready, hasArrivals) }
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
        guard let (time, kind) = events.removeFirst() else { return }
        now = max(now, time)
        switch kind {
        case .arrival(let link, let atServer): network.link(link).map { network.arrive($0, atServer: atServer) }
        case .readiness(let link): network.link(link).map { network.notify($0) }
        case .connected(let link): network.link(link).map { network.finishConnecting($0) }
        case .wake(let person, let version): people[person].wake(version)
        case .fault(let fault): strike(fault)
        case .relief(let fault): relieve(fault)
        }
    }

    /// Has a person woken after some time.
    func wake(_ person: Int, in time: Int64, version: UInt64 = 0) {
        events.add(.wake(person: person, version: version), at: now + max(1, time))
    }

    func trace(_ line: @autoclosure () -> String) { log.add(now, line()) }
    package var fingerprint: UInt64 { log.fingerprint }
    package var newestLines: [String] { log.newest }

    // MARK: Faults

    private func schedule(_ fault: EventQueue.Fault) {
        let interval = faults.interval(of: fault)
        if interval > 0 { events.add(.fault(fault), at: now + random.time(mean: interval * plan.pace) + 1) }
    }

    private func strike(_ fault: EventQueue.Fault) {
        guard !isCalm else { return }
        defer { schedule(fault) }
        switch fault {
        case .reset, .blackHole, .stall:
            let links = network.openLinks
            guard !links.isEmpty else { return }
            strike(fault, random.pick(links))
        case .exhaustion:
            trace("world  no descriptors")
            network.isExhausted = true
            events.add(.relief(fault), at: now + random.time(mean: 2_000_000_000))
        case .kill, .powerCut:
            cutsPower = fault == .powerCut
            callsLeft = random.number(0...60)
        case .restart: signal = 15
        case .fullDisk:
            trace("world  the disk is full")
            isDiskFull = true
            events.add(.relief(fault), at: now + random.time(mean: 5_000_000_000))
        case .clockJump:
            wallOffset += Int64(random.number(-7_200_000...7_200_000))
            trace("world  the clock jumps")
        }
    }

    private func strike(_ fault: EventQueue.Fault, _ link: Link) {
        trace("world  \(fault) of connection \(link.number)")
        switch fault {
        case .reset: network.reset(link)
        case .blackHole: link.isBlackHole = true
        default: link.stalledUntil = now + random.time(mean: 10_000_000_000)
        }
    }

    private func relieve(_ fault: EventQueue.Fault) {
        if fault == .exhaustion { network.isExhausted = false }
        if fault == .fullDisk { isDiskFull = false }
    }

    /// Counts a call of the server.
    ///
    /// - Returns: false if it has been killed before.
    func operate() -> Bool {
        guard !isKilled else { return false }
        if let left = callsLeft {
            callsLeft = left - 1
            if left <= 0 { isKilled = true }
        }
        return !isKilled
    }

    private func diskFault(_ call: SimulatedDisk.Call) -> SimulatedDisk.Fault? {
        guard operate() else { return .fail(5) }
        switch call.operation {
        case .append:
            if isDiskFull { return random.happens(0.5) ? .fail(28) : .short(random.number(0...20)) }
            if random.happens(faults.diskError) { return .fail(5) }
            if random.happens(faults.shortWrite) { return .short(random.number(1...100)) }
        case .sync: if random.happens(faults.syncError) { return .fail(5) }
        case .read, .truncate, .open, .rename: if random.happens(faults.diskError / 10) { return .fail(5) }
        default: break
        }
        return nil
    }
}

/// What a run consists of.
package struct Plan: Sendable {
    package var seed: UInt64
    package var people = 12
    /// Virtual seconds with faults, and after those without.
    package var seconds: Int64 = 600
    package var calmSeconds: Int64 = 120
    package var hasFaults = true
    /// How many times as long everything takes that people do and faults wait for: 1 is a world in which all happens at once,
    /// 60 one in which people say something now and then.
    package var pace: Int64 = 1
    package var fsync = FsyncPolicy.always
    package var segmentBytes = 20_000
    package var options = ServeOptions()
    package var isLoud = false

    /// The plan that follows from a seed.
    package init(seed: UInt64) {
        self.seed = seed
        var random = SeededRandom(seed ^ 0x5EED)
        people = random.number(2...24)
        fsync = random.pick([.always, .always, .everySecond, .never])
        segmentBytes = random.pick([2_000, 20_000, 200_000])
        options.messageRate = 10
        options.maxConnections = random.happens(0.1) ? people : 200
        options.maxQueue = random.pick([20_000, 200_000, 1_048_576])
        options.pingInterval = 30
        options.tickRate = random.happens(0.2) ? Double(random.number(5...100)) : 0
        options.logLevel = .debug
    }

    /// A long time in the lives of many: most of it is silence.
    package static func long(seed: UInt64) -> Plan {
        var plan = Plan(seed: seed)
        plan.people = 60
        plan.pace = 60
        plan.seconds = 16 * 3600
        plan.options.maxConnections = 200
        plan.options.logLevel = .info
        return plan
    }

    /// Hours that the people live, all taken together.
    package var clientHours: Double { Double(people) * Double(seconds + calmSeconds) / 3600 }
}

/// What a run amounts to.
package struct Statistics: Sendable {
    package var runs = 0
    package var ticks = 0
    package var events = 0
    package var starts = 0
    package var virtualSeconds: Int64 = 0
    package var clientHours = 0.0

    package init() {}

    package mutating func add(_ other: Statistics) {
        runs += 1
        ticks += other.ticks
        events += other.events
        starts += other.starts
        virtualSeconds += other.virtualSeconds
        clientHours += other.clientHours
    }

    /// One line for a person.
    package func summary(in time: Duration) -> String {
        let seconds = Double(time.components.seconds) + Double(time.components.attoseconds) / 1e18
        return "\(runs) runs, \(starts) starts of the server, \(ticks) ticks, \(virtualSeconds / 3600) virtual hours, "
            + "\(Int(clientHours)) client-hours, \(events) events, \(Int(Double(events) / max(seconds, 0.001))) events a second"
    }
}
