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
            for index in 0..<3 { try cluster.addNode(UInt128(index + 1)) }
            try cluster.run { $0.isReady }
            var said = 0
            for round in 0..<30 {
                for _ in 0..<random.below(10) {
                    said += 1
                    cluster.say("t\(said)", at: random.below(3))
                }
                switch round {
                case 8, 20: try engine.restart()
                case 5, 13, 17: cluster.cut(random.below(3))
                default: break
                }
                let until = Deadline(seconds: 0.02)
                try cluster.run { _ in until.isOver }
            }
            // Each has all that was said when it is where the others are.
            try cluster.run { cluster in
                cluster.isReady && Set(cluster.nodes.map(\.position)).count == 1
                    && cluster.nodes.allSatisfy { $0.proposed.isEmpty }
            }
            #expect(cluster.judge.findings == [])
            #expect(cluster.judge.count(in: "a") == said)
            #expect(cluster.nodes.allSatisfy { $0.room == cluster.nodes[0].room && $0.drops == [] })
            #expect(cluster.nodes.allSatisfy { !$0.troubles.isEmpty })
            // Begun three times.
            #expect(cluster.nodes[0].room.seq >> 32 == 3)
        }
    }
}

/// Nodes with real sockets, moved in turn by one thread.
struct RealCluster {
    struct Member {
        var node: ClusterNode
        let incarnation: Incarnation
        var room = ModelRoom()
        var proposed: [String] = []
        var drops: [Lockstep.DropReason] = []
        var troubles: [EngineFault] = []
        var sockets: [EngineConnection.Role: UnixSocket] = [:]
        var seq: UInt64 = 0
        /// The last that was applied.
        var position: UInt64 = 0
    }

    static let roles = [EngineConnection.Role.commands, .subscriptions]

    let engine: RealEngine
    var nodes: [Member] = []
    var judge = LockstepJudge()

    init(engine: RealEngine) { self.engine = engine }

    var isReady: Bool { nodes.allSatisfy { $0.node.isReady("a") } }
    private var now: Int64 { Int64(Deadline.now * 1000) }

    mutating func addNode(_ number: UInt128) throws {
        guard let address = ClusterAddress("unix:\(engine.socketPath)") else { throw Failure("no address") }
        let incarnation = Incarnation(bits: number)
        var node = ClusterNode(at: address, as: incarnation, name: "node \(number)", rules: [1], now: now)
        node.open("a")
        nodes.append(Member(node: node, incarnation: incarnation))
    }

    mutating func say(_ text: String, at index: Int) {
        let isTaken = nodes[index].node.propose(.input(Array("say \(text)".utf8)), in: "a")
        if isTaken { nodes[index].proposed.append(text) } else { judge.find("\(text) is refused") }
        carryOut(index)
    }

    mutating func cut(_ index: Int) {
        nodes[index].node.closed(because: "the connection has ended", now: now)
        carryOut(index)
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
        for role in Self.roles {
            while let socket = nodes[index].sockets[role], socket.waits(Deadline(seconds: 0)) {
                let bytes = try socket.receive()
                nodes[index].node.received(role, bytes.span, now: now)
                carryOut(index)
            }
        }
        nodes[index].node.tick(now: now)
        carryOut(index)
        for role in Self.roles {
            let bytes = nodes[index].node.takeBytes(role)
            guard let socket = nodes[index].sockets[role] else { continue }
            try socket.send(bytes)
        }
    }

    private mutating func carryOut(_ index: Int) {
        var outputs = nodes[index].node.takeOutputs()
        while !outputs.isEmpty {
            for output in outputs { carryOut(output, index) }
            outputs = nodes[index].node.takeOutputs()
        }
    }

    private mutating func carryOut(_ output: ClusterNode.Output, _ index: Int) {
        switch output {
        case .connect:
            do {
                for role in Self.roles { nodes[index].sockets[role] = try UnixSocket(engine) }
                for role in Self.roles { nodes[index].node.opened(role, now: now) }
            } catch {
                nodes[index].node.closed(because: "\(error)", now: now)
            }
        case .disconnect: nodes[index].sockets = [:]
        case .trouble(let fault): nodes[index].troubles.append(fault)
        case .room(.load(let room, let snapshot, let position)):
            nodes[index].room = snapshot.flatMap { try? ModelRoom(snapshot: $0) } ?? ModelRoom()
            nodes[index].seq = nodes[index].room.seq
            nodes[index].node.applied(room, at: position, digest: nodes[index].room.digest)
        case .room(.apply(let room, let record)): apply(record, room, index)
        case .room(.drop(_, let reason)): nodes[index].drops.append(reason)
        case .room(.lost), .end: judge.find("\(output)")
        case .room: break
        }
    }

    private mutating func apply(_ record: RoomRecord, _ room: String, _ index: Int) {
        _ = nodes[index].room.apply(record)
        for event in nodes[index].room.takeEvents() {
            judge.shown(event, in: room, by: "\(index)", after: nodes[index].seq)
            nodes[index].seq = event.seq
            if record.incarnation == nodes[index].incarnation {
                nodes[index].proposed.removeAll { $0 == event.text }
            }
        }
        nodes[index].position = record.position
        nodes[index].node.applied(room, at: record.position, digest: nodes[index].room.digest)
    }
}
