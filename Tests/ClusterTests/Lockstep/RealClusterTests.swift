import Cluster
import Foundation
import Support
import Testing

/// Nodes on a real engine, which is killed now and then: what the simulated world shows holds there, too.
@Suite(.enabled(if: RealEngine.isInstalled, "\(RealEngine.isMissing)")) struct RealClusterTests {
    @Test func nodesOnARealEngine_showTheSame() async throws {
        try await onThread {
            let engine = try RealEngine()
            var random = SeededGenerator(seed: UInt64(Date().timeIntervalSince1970))
            var cluster = RealCluster(engine: engine)
            for index in 0..<3 { cluster.addNode(UInt128(index + 1)) }
            try cluster.run { $0.nodes.allSatisfy { $0.lockstep.isReady("a") } }
            var said = 0
            for round in 0..<30 {
                for _ in 0..<random.below(10) {
                    said += 1
                    cluster.say("t\(said)", at: random.below(3))
                }
                switch round {
                case 8, 20:
                    try engine.restart()
                case 5, 13, 17: cluster.cut(random.below(3))
                default: break
                }
                let until = Deadline(seconds: 0.02)
                try cluster.run { _ in until.isOver }
            }
            try cluster.run { $0.nodes.allSatisfy { $0.proposed.isEmpty && $0.lockstep.isReady("a") } }
            // The one whose message came last has it first.
            let last = try #require(cluster.nodes.compactMap { $0.lockstep.position(of: "a") }.max())
            try cluster.run { $0.nodes.allSatisfy { $0.lockstep.position(of: "a") == last } }
            #expect(cluster.judge.findings == [])
            #expect(cluster.judge.count(in: "a") == said)
            #expect(cluster.nodes.allSatisfy { $0.room == cluster.nodes[0].room && $0.drops == [] })
            // Begun three times.
            #expect(cluster.nodes[0].room.seq >> 32 == 3)
        }
    }
}

/// Nodes with a real connection each for commands and for subscriptions, moved in turn by one thread.
struct RealCluster {
    struct Node {
        var lockstep: Lockstep
        var room = ModelRoom()
        var proposed: [String] = []
        var drops: [Lockstep.DropReason] = []
        var commands: EngineSocket?
        var subscriptions: EngineSocket?
        var requests: [UInt64: EngineRequest] = [:]
        var seq: UInt64 = 0
    }

    let engine: RealEngine
    var nodes: [Node] = []
    var judge = LockstepJudge()
    private let names = EngineNames(database: 0)

    init(engine: RealEngine) { self.engine = engine }

    private var now: Int64 { Int64(Deadline.now * 1000) }

    mutating func addNode(_ number: UInt128) {
        let incarnation = Incarnation(bits: number)
        var node = Node(
            lockstep: Lockstep(as: incarnation, name: "node \(number)", rules: [1], now: now))
        node.lockstep.open("a")
        nodes.append(node)
    }

    mutating func say(_ text: String, at node: Int) {
        guard nodes[node].lockstep.propose(.input(Array("say \(text)".utf8)), in: "a") else { return }
        nodes[node].proposed.append(text)
    }

    mutating func cut(_ node: Int) {
        nodes[node].commands = nil
        nodes[node].subscriptions = nil
        nodes[node].requests = [:]
        nodes[node].lockstep.disconnected(now: now)
        carryOut(node)
    }

    /// Moves all nodes until something is so.
    mutating func run(until isDone: (RealCluster) -> Bool) throws {
        let deadline = Deadline()
        while !isDone(self) {
            guard !deadline.isOver else { throw Failure("the nodes do not get on") }
            for index in nodes.indices {
                do {
                    try step(index)
                } catch {
                    cut(index)
                }
            }
            usleep(200)
        }
    }

    private mutating func step(_ index: Int) throws {
        if nodes[index].commands == nil {
            let commands = try EngineSocket(engine)
            nodes[index].subscriptions = try EngineSocket(engine, .subscriptions)
            nodes[index].commands = commands
            nodes[index].lockstep.connected(line: commands.line, now: now)
            carryOut(index)
        }
        for case .answer(let tag, let value) in try nodes[index].commands?.arrived() ?? [] {
            guard let request = nodes[index].requests.removeValue(forKey: tag) else { continue }
            nodes[index].lockstep.answered(tag, EngineAnswer(value, to: request), now: now)
            carryOut(index)
        }
        for event in try nodes[index].subscriptions?.arrived() ?? [] {
            switch event {
            case .subscribed: nodes[index].lockstep.subscribed("a", now: now)
            case .published(let channel, let payload):
                guard let room = names.room(of: channel), let notice = RoomNotice(payload) else { continue }
                nodes[index].lockstep.published(notice, in: room, now: now)
            default: break
            }
            carryOut(index)
        }
        nodes[index].lockstep.tick(now: now)
        carryOut(index)
    }

    private mutating func carryOut(_ index: Int) {
        var outputs = nodes[index].lockstep.takeOutputs()
        while !outputs.isEmpty {
            for output in outputs { carryOut(output, index) }
            outputs = nodes[index].lockstep.takeOutputs()
        }
    }

    private mutating func carryOut(_ output: Lockstep.Output, _ index: Int) {
        switch output {
        case .request(let number, let request):
            nodes[index].requests[number] = request
            nodes[index].commands?.connection.send(names.command(for: request), tag: number)
        case .subscribe(let room):
            nodes[index].subscriptions?.connection.subscribe(to: names.channel(of: room))
        case .load(let room, let snapshot, let position):
            nodes[index].room = snapshot.flatMap { try? ModelRoom(snapshot: $0) } ?? ModelRoom()
            nodes[index].seq = nodes[index].room.seq
            nodes[index].lockstep.applied(room, at: position, digest: nodes[index].room.digest)
        case .apply(let room, let record): apply(record, room, index)
        case .drop(_, let reason): nodes[index].drops.append(reason)
        case .reconnect, .lost, .end: judge.find("\(output)")
        case .unsubscribe, .takeSnapshot, .ready, .keeping, .trouble: break
        }
    }

    private mutating func apply(_ record: RoomRecord, _ room: String, _ index: Int) {
        _ = nodes[index].room.apply(record)
        for event in nodes[index].room.takeEvents() {
            judge.shown(event, in: room, by: "\(index)", after: nodes[index].seq)
            nodes[index].seq = event.seq
            if record.incarnation == nodes[index].lockstep.incarnation {
                nodes[index].proposed.removeAll { $0 == event.text }
            }
        }
        nodes[index].lockstep.applied(room, at: record.position, digest: nodes[index].room.digest)
    }
}
