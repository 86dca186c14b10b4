import Checker
import Client
import Foundation
import Simulation
import Support
import Testing

/// Three nodes and a Redis that are killed, stopped and cut off at random lose nothing: an independent judge reads what everyone has
/// heard, and what the engine has kept.
///
/// `CHATLOOP_CLUSTER_ROUNDS` sets how long (8 rounds if not), `CHATLOOP_SEED` the chance.
@Suite(.serialized, .enabled(if: RealEngine.isInstalled, Comment(rawValue: RealEngine.isMissing)))
struct ClusterTests {
    private let rounds = number("CHATLOOP_CLUSTER_ROUNDS") ?? 8
    private let seed = UInt64(number("CHATLOOP_SEED") ?? Int.random(in: 0...1_000_000))
    /// Long enough for a node to be taken for lost by the others.
    private static let patience = 60.0

    @Test(.timeLimit(.minutes(10)))
    func nodesAndAnEngineThatAreKilledLoseNothing() async throws {
        try await onThread { [self] in
            let cluster = try Cluster(nodes: 3)
            let crowd = try Crowd(["Ada", "Bo", "Cy", "Di", "Ed"], ports: cluster.ports, seed: seed)
            try crowd.begin()
            var random = SeededRandom(seed ^ 3)
            for _ in 0..<rounds {
                for _ in 0..<random.number(1...20) {
                    for _ in 0..<random.number(0...4) { crowd.say() }
                    crowd.turn()
                }
                switch random.number(0...4) {
                case 0: try cluster.killEngine { crowd.say() }
                case 1: crowd.cutWhileTalking()
                case 2:
                    try cluster.stopEngine(milliseconds: random.number(100...3000)) { waits in
                        if waits { crowd.turn() } else { crowd.say() }
                    }
                default: try cluster.killNode(random.number(0...2)) { crowd.say() }
                }
                if random.happens(0.7) { try crowd.run(within: Self.patience) { crowd.isSettled } }
            }
            try crowd.run(within: Self.patience) { crowd.isTogether }
            try judge(crowd, cluster)
        }
    }

    /// A node that stands still is taken for lost, and begins anew when it goes on: its people have gone on elsewhere.
    @Test(.timeLimit(.minutes(3)))
    func nodeThatStandsStill_isLost_andGoesOn() async throws {
        try await onThread { [self] in
            let cluster = try Cluster(nodes: 2)
            let crowd = try Crowd(["Ada", "Bo", "Cy"], ports: cluster.ports, seed: seed)
            try crowd.begin()
            cluster.signal(0, SIGSTOP)
            crowd.say()
            let end = Date(timeIntervalSinceNow: 12)
            try crowd.run(within: Self.patience) { Date() >= end }
            cluster.signal(0, SIGCONT)
            try crowd.run(within: Self.patience) { crowd.isTogether }
            for _ in 0..<10 { crowd.say() }
            try crowd.run(within: Self.patience) { crowd.isTogether }
            try judge(crowd, cluster)
        }
    }

    /// A disk that has lied, or a replica that lagged behind: what was shown is not there any more. The nodes find that out, people
    /// are told of a gap, seqs go on in another upper half, and all agree on what comes then.
    @Test(.timeLimit(.minutes(3)))
    func engineThatHasLostATail_isFoundOut() async throws {
        try await onThread { [self] in
            let cluster = try Cluster(nodes: 2)
            let crowd = try Crowd(["Ada", "Bo", "Cy"], ports: cluster.ports, seed: seed)
            try crowd.begin()
            try cluster.engine.keepCopy()
            for _ in 0..<10 { crowd.say() }
            try crowd.run(within: Self.patience) { crowd.isTogether }
            let before = crowd.people.map { $0.said.count }
            try cluster.engine.restartFromCopy()
            try crowd.run(within: Self.patience) {
                crowd.people.allSatisfy { person in person.complaints.contains { $0.hasPrefix("gap") } }
            }
            for _ in 0..<10 { crowd.say() }
            try crowd.run(within: Self.patience) { crowd.isTogether }
            let kept = try cluster.history()
            for (person, count) in zip(crowd.people, before) {
                let texts = kept.compactMap { event in
                    if case .message(let text, _) = event.kind, event.username == person.name { text } else { nil }
                }
                #expect(texts.suffix(person.said.count - count) == person.said.dropFirst(count)[...])
                #expect(person.heard.last?.seq == kept.last?.seq)
            }
            #expect(try #require(kept.last?.seq) > 1 << 32)
        }
    }

    private func judge(_ crowd: Crowd, _ cluster: Cluster) throws {
        let kept = try cluster.history()
        let begin = try #require(kept.first?.seq)
        for person in crowd.people {
            let complaints = person.complaints.filter { !$0.hasPrefix("keeping") }
            #expect(complaints == [], "\(person.name), seed \(seed)")
            let heard = person.heard.filter { $0.seq >= begin }
            let messages = heard.filter { if case .message = $0.kind { true } else { false } }
            #expect(messages == kept, "\(person.name) heard something else, seed \(seed)")
        }
        try judgeWords(of: crowd, against: kept, seed: seed)
        // Whoever comes back in time was never gone.
        #expect(crowd.people.allSatisfy { $0.heard.allSatisfy { $0.kind != .leave } })
    }

    /// Nodes on one engine.
    final class Cluster {
        let engine: RealEngine
        private var nodes: [LiveServer] = []
        let ports: [UInt16]

        init(nodes count: Int) throws {
            engine = try RealEngine()
            for _ in 0..<count { nodes.append(try Self.start(engine, port: 0)) }
            ports = nodes.map(\.port)
        }

        private static func start(_ engine: RealEngine, port: UInt16) throws -> LiveServer {
            try LiveServer(
                "--cluster", "unix:\(engine.socketPath)", "--keep-days", "30", "--port", "\(port)",
                "--message-rate", "0")
        }

        func signal(_ node: Int, _ signal: Int32) { nodes[node].child.signal(signal) }

        func killNode(_ node: Int, _ meanwhile: () -> Void) throws {
            try nodes[node].crash()
            meanwhile()
            nodes[node] = try Self.start(engine, port: ports[node])
        }

        func killEngine(_ meanwhile: () -> Void) throws {
            try engine.kill()
            meanwhile()
            try engine.restart()
        }

        /// The engine does nothing for a while.
        ///
        /// - Parameter meanwhile: is given whether to wait a moment; else something is to be said.
        func stopEngine(milliseconds: Int, _ meanwhile: (Bool) throws -> Void) throws {
            guard let process = engine.processNumber else { return }
            kill(process, SIGSTOP)
            defer { kill(process, SIGCONT) }
            let end = Date(timeIntervalSinceNow: Double(milliseconds) / 1000)
            try meanwhile(false)
            while Date() < end { try meanwhile(true) }
        }

        /// All messages that are kept, as a node reads them.
        func history() throws -> [ChatEvent] {
            var (events, before) = ([ChatEvent](), UInt64.max >> 11)
            while true {
                let answer = try nodes[0].request("GET", "/r/lobby/messages?limit=200&before=\(before)")
                guard case .history(let page, let more) = ServerMessage(answer.body.span) else {
                    throw Failure("no page: \(answer.text)")
                }
                events = page + events
                guard more, let first = page.first?.seq else { return events }
                before = first
            }
        }
    }
}
