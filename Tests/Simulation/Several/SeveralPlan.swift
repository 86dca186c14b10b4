import Cluster
import Server

/// What a run with several nodes consists of. All of it follows from the seed.
package struct SeveralPlan: Sendable {
    package var seed: UInt64
    package var nodes: Int
    package var people: Int
    /// Virtual seconds with faults.
    package var seconds: Int64 = 90
    package var hasFaults = true
    /// Whether the engine may lose what it has kept: then less can be promised.
    package var losesTails: Bool
    /// Whether a node that begins again has its old name.
    package var keepsNames: Bool
    /// Nanoseconds between two deeds of a person, on average.
    var deedEvery: Int64
    var options = ServeOptions()
    package var isLoud = false
    /// How many of the newest lines of the trace are kept.
    package var traceLines = 300

    package init(seed: UInt64) {
        self.seed = seed
        var random = SeededRandom(seed ^ 0x5E7E)
        nodes = random.number(2...3)
        people = random.number(3...6)
        losesTails = random.happens(0.3)
        keepsNames = random.happens(0.5)
        deedEvery = Int64(random.number(1...4)) * 1_000_000_000
        options.cluster = ClusterAddress("unix:/the/engine")
        options.maxConnections = 100
        options.messageRate = random.pick([0, 10])
        options.logLevel = .debug
        options.inboxBytes = random.pick([300, 65_536])
    }
}

/// What goes wrong in a cluster at some time.
package enum Mishap: Int, CaseIterable, Sendable {
    // With the engine: it stands still, is away, begins anew at once, has no memory, has lost what it had kept last; its clock jumps.
    case engineStops, engineIsGone, engineBeginsAnew, engineIsFull, tailIsLost, engineClockJumps
    // Between a node and the engine: connections break, and answers are lost; nothing gets through, and nobody is told; some of what is
    // published is lost, and then the connections break.
    case answersAreLost, nodeIsCutOff, noticesAreLost
    // With a node: it stands still, is killed, is told to stop; its clock jumps.
    case nodeStops, nodeIsKilled, nodeIsStopped, nodeClockJumps
    // Between a person and a node.
    case reset, blackHole, stall
}

extension SeveralNodes {
    private static let second: Int64 = 1_000_000_000

    /// Has something go wrong again and again, in some seeds often, in some seldom, in some never.
    func schedule(_ mishap: Mishap) {
        if mishap == .tailIsLost, !plan.losesTails { return }
        guard mishap == .tailIsLost || !random.happens(0.4) else { return }
        repeats(mishap, every: Int64(random.number(10...120)) * Self.second)
    }

    private func repeats(_ mishap: Mishap, every interval: Int64) {
        after(random.time(mean: interval)) { [unowned self] in
            guard calmSince == nil else { return }
            trace("world  \(mishap)")
            struck[mishap, default: 0] += 1
            strike(mishap)
            repeats(mishap, every: interval)
        }
    }

    private func strike(_ mishap: Mishap) {
        let node = random.pick(nodes)
        // Most things are over soon, and some last up to a minute.
        let time = random.happens(0.2) ? random.time(mean: 20 * Self.second) : random.time(mean: 2 * Self.second)
        let end = now + min(time, 60 * Self.second)
        switch mishap {
        case .engineStops: engine.stoppedUntil = end
        case .engineIsGone: strikeEngine(until: end) { $0.kill() }
        case .engineBeginsAnew: strikeEngine(until: now + Self.second / 20) { $0.kill() }
        case .tailIsLost: strikeEngine(until: end) { $0.loseTail() }
        case .engineIsFull:
            engine.isFull = true
            after(end - now) { [unowned self] in engine.isFull = false }
        case .engineClockJumps: engine.clockOffset += Int64(random.number(-60_000...60_000))
        case .answersAreLost: engine.cut(node)
        case .nodeIsCutOff: node.cutOffUntil = end
        case .noticesAreLost:
            node.losesNoticesUntil = end
            after(end - now) { [unowned self] in engine.cut(node) }
        case .nodeStops: node.pausedUntil = end
        case .nodeIsKilled: node.callsLeft = random.number(0...60)
        case .nodeIsStopped: if node.isRunning { node.signals = [15] }
        case .nodeClockJumps: node.wallOffset += Int64(random.number(-3_600_000...3_600_000))
        case .reset, .blackHole, .stall: strike(mishap, node)
        }
        switch mishap {
        case .engineStops, .engineIsFull, .answersAreLost, .nodeIsCutOff, .noticesAreLost, .nodeStops:
            lastEngineTrouble = max(lastEngineTrouble, end)
        default: break
        }
    }

    private func strikeEngine(until end: Int64, _ body: (EngineHost) -> Void) {
        guard !engine.isGone else { return }
        body(engine)
        lastEngineTrouble = max(lastEngineTrouble, end)
        after(end - now) { [unowned self] in engine.start() }
    }

    private func strike(_ mishap: Mishap, _ node: SimulatedNode) {
        let links = node.network.openLinks
        guard !links.isEmpty else { return }
        let link = random.pick(links)
        link.isHindered = true
        switch mishap {
        case .reset: node.network.reset(link)
        case .blackHole: link.isBlackHole = true
        default: link.stalledUntil = now + random.time(mean: 5 * Self.second)
        }
    }
}
