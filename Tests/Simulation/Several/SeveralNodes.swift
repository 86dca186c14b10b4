import Checker
import Foundation
import Server

/// One run of a whole cluster in a world of which everything follows from a seed: several servers, each with a network and clocks of
/// its own, the engine that they share, people who go from one to the other, and all that goes wrong with them.
package final class SeveralNodes {
    package let plan: SeveralPlan
    var random: SeededRandom
    /// Of the people's network.
    private(set) var faults: Faults
    private var events = EventQueue<() -> Void>()
    /// Nanoseconds since the world began.
    private(set) var now: Int64 = 0
    /// Milliseconds since the Unix epoch; nodes and engine have clocks that differ from it.
    var wall: Int64 { 1_790_000_000_000 + now / 1_000_000 }
    private(set) lazy var engine = EngineHost(self)
    private(set) var nodes: [SimulatedNode] = []
    private(set) var people: [Traveller] = []
    package private(set) lazy var judge = SeveralJudge(self)
    /// Nanoseconds that a message between a node and the engine takes, on average.
    private(set) var engineLatency: Int64 = 1_000_000
    /// When the faults were over.
    private(set) var calmSince: Int64?
    /// When the engine last could not be used by somebody.
    var lastEngineTrouble: Int64 = .min / 2
    package internal(set) var ticks = 0
    /// How often each thing has gone wrong.
    package internal(set) var struck: [Mishap: Int] = [:]
    private var log: Trace

    package init(_ plan: SeveralPlan) {
        self.plan = plan
        random = SeededRandom(plan.seed)
        faults = plan.hasFaults ? Faults.all(&random) : .none
        if plan.hasFaults { engineLatency = random.pick([200_000, 1_000_000, 20_000_000, 100_000_000]) }
        log = Trace(limit: plan.traceLines)
        log.isLoud = plan.isLoud
    }

    /// Lives the planned time with faults, and some more without; then looks whether all nodes have come to the same.
    package func run() {
        for index in 0..<plan.nodes { nodes.append(SimulatedNode(index, self)) }
        for node in nodes {
            node.network.isEdgeTriggered = random.happens(0.7)
            node.start()
        }
        for index in 0..<plan.people { add(Traveller(index, self)) }
        if plan.hasFaults { for mishap in Mishap.allCases { schedule(mishap) } }
        keepCopies()
        live(for: plan.seconds)
        calm()
        // A node that begins anew knows what the engine has, and the others what they have shown.
        live(for: 30)
        nodes[0].callsLeft = 0
        live(for: 90)
        for index in nodes.indices { add(Traveller(people.count, self, auditorAt: index)) }
        live(for: 20)
        if !judge.hasFailed { judge.conclude() }
    }

    private func add(_ person: Traveller) {
        people.append(person)
        person.nextDeed = now + (person.isAuditor ? 0 : random.time(mean: 3_000_000_000))
        if person.isAuditor { person.calmDown() }
        person.arrange()
    }

    private func keepCopies() {
        engine.keepCopy()
        after(random.time(mean: 500_000_000)) { [unowned self] in keepCopies() }
    }

    private func calm() {
        trace("world  the faults are over")
        calmSince = now
        faults = .none
        engineLatency = 1_000_000
        engine.start()
        engine.stoppedUntil = 0
        engine.isFull = false
        // Rooms' time stands still for as long as the engine's clock is behind: bans would take so much longer to lapse.
        engine.clockOffset = 3_600_000
        for node in nodes {
            (node.pausedUntil, node.cutOffUntil, node.callsLeft) = (0, 0, nil)
            if node.losesNoticesUntil > now { engine.cut(node) }
            node.losesNoticesUntil = 0
            for link in node.network.openLinks where link.isBlackHole {
                link.isBlackHole = false
                node.network.reset(link)
            }
        }
        for person in people { person.calmDown() }
    }

    // MARK: Time

    /// Has something happen after a time (ns).
    func after(_ time: Int64, _ action: @escaping () -> Void) { events.add(action, at: now + max(0, time)) }

    private func live(for seconds: Int64) {
        let end = now + seconds * 1_000_000_000
        while now < end, !judge.hasFailed {
            for node in nodes where node.nextTick <= now { node.tick() }
            let next = min(events.nextTime ?? .max, nodes.map(\.nextTick).min() ?? .max, end)
            now = max(now, next)
            while let time = events.nextTime, time <= now, let event = events.removeFirst()?.event { event() }
        }
    }

    // MARK: What is written down

    func trace(_ line: @autoclosure () -> String) { log.add(now, line()) }
    package var fingerprint: UInt64 { log.fingerprint }
    package var newestLines: [String] { log.newest }

    /// A node has written a line to its log.
    func logged(_ line: String, by node: SimulatedNode) {
        trace("node \(node.index) \(line)")
        // No node ever comes to another state than the others.
        if line.contains("room-dropped"), line.contains("differs") { judge.fail("node \(node.index): \(line)") }
    }

    /// What everyone has sent and received, by room; in a folder of its own where something was found in it.
    func transcripts() throws -> [(room: String, transcripts: [Transcript])] {
        var known: [String: Message] = [:]
        let rooms = Set(people.flatMap(\.recorders.keys)).sorted()
        return try rooms.map { room in
            (room, try people.compactMap { try $0.recorders[room]?.transcript(&known) })
        }
    }

    func keepTranscripts(of room: String) -> String {
        let folder = FileManager.default.temporaryDirectory.appending(
            path: "chatloop-transcripts/several-\(plan.seed)/\(room)")
        try? FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        for person in people {
            try? person.recorders[room]?.text.write(
                to: folder.appending(path: "\(person.name).jsonl"), atomically: true, encoding: .utf8)
        }
        return folder.path
    }
}
