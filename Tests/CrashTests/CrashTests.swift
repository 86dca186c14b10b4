import Checker
import Client
import Foundation
import Simulation
import Support
import Testing

/// Nothing said is lost, doubled or reordered: shown by killing things at random, again and again.
///
/// `CHATLOOP_KILLS` sets how often (30 times if not), `CHATLOOP_SEED` the chance. (The seed does not make a run the same
/// again, since real processes have their own timing; it makes it alike.)
@Suite(.serialized) struct CrashTests {
    private let kills = number("CHATLOOP_KILLS") ?? 30
    private let seed = UInt64(number("CHATLOOP_SEED") ?? Int.random(in: 0...1_000_000))

    @Test(.timeLimit(.minutes(10)))
    func aServerThatIsKilledLosesNothing() async throws {
        try await onThread { [self] in
            let folder = try TemporaryFolder()
            var server = try start(folder, port: 0)
            let crowd = try Crowd(["Ada", "Bo", "Cy", "Di", "Ed"], ports: [server.port], seed: seed)
            try crowd.begin()
            var random = SeededRandom(seed ^ 1)
            for _ in 0..<kills {
                for _ in 0..<random.number(1...20) {
                    for _ in 0..<random.number(0...4) { crowd.say() }
                    crowd.turn()
                }
                try server.crash()
                for _ in 0..<random.number(0...3) { crowd.say() }  // into the void, for the outbox
                server = try start(folder, port: server.port)
                // Some of the time it is killed again before everyone is back.
                if random.happens(0.7) { try crowd.run { crowd.isSettled } }
            }
            try crowd.run { crowd.isTogether }
            try judge(crowd, folder)
            #expect(try server.stop() == .exited(0))
        }
    }

    @Test(.timeLimit(.minutes(10)))
    func connectionsThatAreCutLoseNothing() async throws {
        try await onThread { [self] in
            let folder = try TemporaryFolder()
            let server = try start(folder, port: 0)
            let crowd = try Crowd(["Ada", "Bo", "Cy", "Di", "Ed"], ports: [server.port], seed: seed)
            try crowd.begin()
            var random = SeededRandom(seed ^ 2)
            for _ in 0..<kills * 3 {
                for _ in 0..<random.number(0...4) { crowd.say() }
                crowd.cutWhileTalking()
                for _ in 0..<random.number(0...10) { crowd.turn() }
            }
            try crowd.run { crowd.isTogether }
            try judge(crowd, folder)
            #expect(try server.stop() == .exited(0))
        }
    }

    private func start(_ folder: TemporaryFolder, port: UInt16) throws -> LiveServer {
        try LiveServer("--data", folder.path, "--port", "\(port)", "--message-rate", "0")
    }

    /// Compares what everyone has heard with each other, with what was said, and with the log on the disk.
    private func judge(_ crowd: Crowd, _ folder: TemporaryFolder) throws {
        let log = try Self.log(folder)
        // It begins with what was said first; who came before that stands in the snapshot.
        let begin = try #require(log.first?.seq)
        #expect(log.map(\.seq) == Array(begin..<begin + UInt64(log.count)), "the log has gaps, seed \(seed)")
        for person in crowd.people {
            #expect(person.complaints == [], "seed \(seed)")
            // Each begins with its own join, at the latest with the one after it.
            let first = try #require(person.heard.first?.seq)
            let heard = person.heard.filter { $0.seq >= begin }
            #expect(heard == log.filter { $0.seq >= first }, "\(person.name) heard something else, seed \(seed)")
        }
        try judgeWords(of: crowd, against: log, seed: seed)
        // Whoever comes back in time was never gone.
        #expect(log.allSatisfy { $0.kind != .leave && $0.kind != .join })
        #expect(crowd.people.allSatisfy { $0.heard.allSatisfy { $0.kind != .leave } })
    }

    /// The lobby's events as they lie on the disk.
    private static func log(_ folder: TemporaryFolder) throws -> [ChatEvent] {
        let room = URL(fileURLWithPath: folder.path).appendingPathComponent("rooms/lobby")
        let segments = try FileManager.default.contentsOfDirectory(at: room, includingPropertiesForKeys: nil)
            .filter { $0.pathExtension == "jsonl" }
            .sorted { $0.lastPathComponent < $1.lastPathComponent }
        var events: [ChatEvent] = []
        for segment in segments {
            for line in try Data(contentsOf: segment).split(separator: UInt8(ascii: "\n")) {
                let text = Array(line)
                if text.starts(with: Array("{\"type\":\"snapshot\"".utf8)) { continue }
                guard case .event(let event) = ServerMessage(text.span) else {
                    throw Failure("a line that is no event: \(String(decoding: line, as: UTF8.self))")
                }
                events.append(event)
            }
        }
        return events
    }
}

/// Everything that people have said is kept, in their order; and the checker finds one order for all that they sent and received.
func judgeWords(of crowd: Crowd, against log: [ChatEvent], seed: UInt64) throws {
    for person in crowd.people {
        let kept = log.compactMap { event in
            if case .message(let text, _) = event.kind, event.username == person.name { text } else { nil }
        }
        #expect(kept == person.said, "\(person.name) was not heard as it spoke, seed \(seed)")
        #expect(!person.said.isEmpty)
    }
    let report = Checker.check(try crowd.transcripts())
    #expect(report.violations.isEmpty, "seed \(seed): \(report.violations)")
    #expect(report.events >= log.count)
}

func number(_ variable: String) -> Int? { ProcessInfo.processInfo.environment[variable].flatMap { Int($0) } }
