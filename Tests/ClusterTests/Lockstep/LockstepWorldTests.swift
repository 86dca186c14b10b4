import Cluster
import Foundation
import Simulation
import Support
import Testing

/// Several nodes with faults that follow from a seed: whatever happens, all show the same.
@Suite struct LockstepWorldTests {
    private static let rooms = ["a", "b", "c"]

    /// Seeds that are run each time, and as many more as one asks for.
    private static var seeds: [UInt64] {
        let environment = ProcessInfo.processInfo.environment
        if let seed = environment["CHATLOOP_SEED"].flatMap({ UInt64($0) }) { return [seed] }
        let count = environment["CHATLOOP_SEEDS"].flatMap { UInt64($0) } ?? 24
        return Array(1...count)
    }

    @Test(arguments: seeds) func nodesThatFail_showTheSame(seed: UInt64) throws {
        var life = Life(seed: seed)
        life.run()
        #expect(life.findings == [], "seed \(seed)")
    }

    /// A life of a cluster, and how it ends.
    struct Life {
        var world: LockstepWorld
        var findings: [String] = []
        private var random: SeededGenerator
        private var copy: SimulatedEngine.Contents?
        private var said = 0
        private var mayLoseTails: Bool
        private var snapshotsAreLarge: Bool

        init(seed: UInt64) {
            world = LockstepWorld(seed: seed)
            random = SeededGenerator(seed: seed &+ 1_000_003)
            mayLoseTails = seed % 3 == 0
            snapshotsAreLarge = seed % 4 == 0
            world.delay = Int64([0, 2, 20, 150][Int(seed % 4)])
            world.losesOneOf = seed % 5 == 0 ? 50 : 0
        }

        mutating func run() {
            for _ in 0..<3 { addNode() }
            for _ in 0..<150 {
                world.run(Int64(random.below(400)))
                for _ in 0..<random.below(4) { say() }
                if random.once(in: 4) { fault() }
            }
            settle()
        }

        private mutating func addNode(_ name: String? = nil) {
            let index = world.addNode(name)
            for room in LockstepWorldTests.rooms { world.open(room, at: index) }
        }

        private var living: [Int] { world.nodes.indices.filter { world.nodes[$0].isAlive } }

        private mutating func say() {
            guard let node = living.randomElement(using: &random) else { return }
            let room = random.pick(LockstepWorldTests.rooms)
            said += 1
            let filler = snapshotsAreLarge ? String(repeating: "x", count: 3000) : ""
            let people = world.nodes[node].people[room] ?? []
            if random.once(in: 8) { world.read(room, at: node) }
            if random.once(in: 20) { world.nodes[node].lockstep.wantSnapshot(of: room) }
            switch random.below(6) {
            case 0:
                if world.propose("come m\(said)", in: room, at: node) {
                    world.nodes[node].people[room, default: []].append("m\(said)")
                }
            case 1 where !people.isEmpty:
                let member = random.pick(people)
                if world.propose("go \(member)", in: room, at: node) {
                    world.nodes[node].people[room]?.removeAll { $0 == member }
                }
            default: world.propose("say t\(said)\(filler)", in: room, at: node)
            }
        }

        private mutating func fault() {
            let node = living.randomElement(using: &random) ?? 0
            switch random.below(12) {
            case 0, 1, 2: world.cut(node)
            case 3: world.nodes[node].pausedUntil = world.now + Int64(random.below(3_000))
            case 4: world.nodes[node].pausedUntil = world.now + Int64(random.below(30_000))
            case 5 where living.count > 1:
                world.kill(node)
                world.run(Int64(random.below(2_000)))
                // The name is free once the life has lapsed; another node may come at once.
                addNode("n\(world.nodes.count)")
            case 6:
                world.stopEngine()
                world.run(Int64(random.below(5_000)))
                world.startEngine()
            case 7 where mayLoseTails: copy = world.engine.contents
            case 8 where mayLoseTails:
                guard let contents = copy else { return }
                world.stopEngine()
                world.run(Int64(random.below(1_000)))
                world.startEngine(with: contents)
                copy = nil
            case 9:
                world.engine.isFull = true
                world.run(Int64(random.below(4_000)))
                world.engine.isFull = false
            case 10: world.engine.time -= Int64(random.below(100_000))
            default:
                let usual = world.delay
                world.delay = Int64(random.below(5_000))
                world.run(Int64(random.below(6_000)))
                world.delay = usual
            }
        }

        /// No more faults: everything comes to its end, and that must be the same everywhere.
        private mutating func settle() {
            world.losesOneOf = 0
            for node in living { world.nodes[node].pausedUntil = 0 }
            world.run(20_000)
            // A published message that was lost is missed when the next one comes.
            for room in LockstepWorldTests.rooms { world.propose("say the last", in: room, at: living[0]) }
            world.run(20_000)
            findings = world.judge.findings
            for node in world.nodes where node.isAlive {
                if let reason = node.ended { findings.append("\(node.name) has ended: \(reason)") }
                let counters = node.lockstep.counters
                if counters.repairs > 0 { findings.append("\(node.name) had \(counters.repairs) repairs") }
                if !node.reads.isEmpty { findings.append("\(node.name) waits for reads \(node.reads.sorted())") }
                for (room, texts) in node.proposed where !texts.isEmpty {
                    findings.append("\(node.name) waits in \(room) for \(texts.prefix(3))")
                }
            }
            for room in LockstepWorldTests.rooms {
                compare(room)
                if !mayLoseTails { compareHistory(of: room) }
            }
        }

        /// The history has all that was shown up to the snapshot, and nothing else.
        private mutating func compareHistory(of room: String) {
            let request = EngineRequest.history(room: room, from: 0, descending: false, blocks: .max)
            guard case .loaded(let stored) = world.engine.perform(.load(room: room, .none)),
                let model = try? ModelRoom(stored), case .history(let history) = world.engine.perform(request)
            else { return findings.append("\(room) cannot be loaded") }
            var texts: [UInt64: String] = [:]
            for line in history.blocks.flatMap(\.lines) { texts[line.seq] = String(decoding: line.line, as: UTF8.self) }
            let shown = world.judge.texts(in: room, through: stored.snapshotPosition > 0 ? model.seq : 0)
            if texts != shown { findings.append("the history of \(room) has \(texts.count) of \(shown.count) lines") }
        }

        /// All nodes have the room as the engine has it.
        private mutating func compare(_ room: String) {
            guard let node = living.first, case .loaded(let stored) = world.engine.perform(.load(room: room, .none)),
                var model = try? ModelRoom(stored)
            else { return findings.append("\(room) cannot be loaded") }
            for record in stored.records { _ = model.apply(record) }
            _ = model.takeEvents()
            for index in living where world.nodes[index].rooms[room] != model {
                findings.append("\(world.nodes[index].name) has another \(room)")
            }
            let alive = Set(living.map { ModelRoom.name(world.nodes[$0].lockstep.incarnation) })
            for (member, entry) in model.members where !alive.contains(entry.incarnation) {
                findings.append("\(member) is still in \(room), whose node is gone")
            }
            if snapshotsAreLarge, stored.snapshotPosition == 0, stored.last > 60 {
                findings.append("\(room) has no snapshot at \(stored.last)")
            }
            if world.judge.count(in: room) == 0 { findings.append("nothing was said in \(room) at node \(node)") }
        }
    }
}

extension ModelRoom {
    /// What the engine's snapshot stands for.
    init(_ stored: EngineAnswer.StoredRoom) throws {
        guard stored.snapshotPosition > 0 else {
            self.init()
            return
        }
        let length = stored.snapshot.prefix(4).reduce(0) { $0 << 8 | Int($1) }
        try self.init(snapshot: Array(stored.snapshot[(4 + length)...]))
    }
}
