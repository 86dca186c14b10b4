import Foundation
import Server
import Simulation
import Testing

/// The whole server in simulated worlds.
///
/// - `CHATLOOP_SEEDS=N` is a soak: N seeds from `CHATLOOP_FIRST` (1) on, and `CHATLOOP_LIVES=N` as many long lives.
/// - `CHATLOOP_SEED=S` runs one seed again, and prints all that happens in it; `CHATLOOP_LIFE=S` and `CHATLOOP_SHORTLIFE=S` do
///   the same for a long life and for one of an hour.
@Suite(.serialized) struct SimulationTests {
    private static func number(_ name: String) -> UInt64? {
        ProcessInfo.processInfo.environment[name].flatMap(UInt64.init)
    }
    private static let seeds = number("CHATLOOP_SEEDS")
    private static let lives = number("CHATLOOP_LIVES")
    private static let isSoak = seeds != nil || lives != nil
    /// Why the others are skipped then.
    private static let onlySoak: Comment = "skipped: a soak was asked for, and nothing else"
    private static let first = number("CHATLOOP_FIRST") ?? 1
    private static let seedAgain = number("CHATLOOP_SEED")
    private static let lifeAgain = number("CHATLOOP_LIFE")
    private static let shortLifeAgain = number("CHATLOOP_SHORTLIFE")

    private func expectNothingWrong(_ run: Simulator, _ name: String) -> Bool {
        guard let failure = run.judge.failure else { return true }
        let trace = run.newestLines.suffix(80).joined(separator: "\n")
        Issue.record(
            "\(name): \(failure)\nThe last of what happened:\n\(trace)\nTo see all of it: CHATLOOP_\(name) swift test --filter again"
        )
        return false
    }

    /// Runs seeds one after the other, until one fails.
    private func run(
        _ seeds: some Sequence<UInt64>, _ name: String, while goesOn: () -> Bool = { true }, _ plan: (UInt64) -> Plan
    ) {
        let start = ContinuousClock.now
        var total = Statistics()
        for seed in seeds where goesOn() {
            let run = Simulator(plan(seed))
            run.run()
            total.add(run.statistics)
            guard expectNothingWrong(run, "\(name)=\(seed)") else { break }
            if Self.isSoak, total.runs % 100 == 0 {
                print("\(name) \(seed): \(total.summary(in: ContinuousClock.now - start))")
            }
        }
        print("\(name)s: \(total.summary(in: ContinuousClock.now - start))")
        expectNothingMissed(total)
    }

    /// A soak that never met something says nothing about it.
    private func expectNothingMissed(_ total: Statistics) {
        guard Self.isSoak, total.runs >= 200 else { return }
        for milestone in Milestone.allCases.sorted() {
            let count = total.reached[milestone] ?? 0
            print("  \(milestone): \(count)")
            #expect(count > 0, "\(milestone) was never reached")
        }
    }

    @Test(.enabled(if: !isSoak, onlySoak)) func aWorldWithoutFaultsComesRight() {
        var plan = Plan(seed: 1)
        plan.hasFaults = false
        plan.seconds = 120
        let run = Simulator(plan)
        run.run()
        #expect(expectNothingWrong(run, "SEED=1"))
    }

    @Test(.enabled(if: !isSoak, onlySoak)) func twoRunsOfOneSeedAreTheSameLineByLine() {
        let traces = (0..<2).map { _ in
            var plan = Plan(seed: 40)
            plan.seconds = 200
            plan.traceLines = .max
            let run = Simulator(plan)
            run.run()
            return run.newestLines
        }
        #expect(traces[0].count > 100)
        #expect(traces[0] == traces[1])
    }

    /// Seeds that find what was once wrong in the server, where it is planted again. One stands for its run as long as the
    /// simulator asks for chance in the same order: where that changes, the list begins anew.
    @Test(.enabled(if: !isSoak, onlySoak), arguments: [44, 68, 229, 528])
    func whatFailedOnceDoesNotFailAgain(seed: UInt64) {
        run([seed], "SEED") { Plan(seed: $0) }
    }

    /// Some seeds one after the other, for as long as it takes to notice a gross mistake. They are the same every time: `.ci/run long` has
    /// those that nobody has run yet, one in some hundreds of which finds something.
    @Test(.enabled(if: !isSoak, onlySoak)) func fixedSeedsFindNothing() {
        let first: UInt64 = 100
        let end = ContinuousClock.now + .seconds(20)
        run(sequence(first: first) { $0 + 1 }.prefix(140), "SEED", while: { ContinuousClock.now < end }) {
            Plan(seed: $0)
        }
    }

    @Test(.enabled(if: !isSoak, onlySoak)) func aLongerLifeComesRight() {
        run([UInt64.random(in: 5_000...5_007)], "SHORTLIFE", Self.shortLife)
    }

    private static func shortLife(seed: UInt64) -> Plan {
        var plan = Plan.long(seed: seed)
        plan.seconds = 3600
        return plan
    }

    @Test(.enabled(if: seeds != nil, "CHATLOOP_SEEDS asks for no soak")) func soak() {
        run(Self.first..<Self.first + (Self.seeds ?? 0), "SEED") { Plan(seed: $0) }
    }

    @Test(.enabled(if: lives != nil, "CHATLOOP_LIVES asks for no long lives")) func longLives() {
        run(Self.first..<Self.first + (Self.lives ?? 0), "LIFE") { .long(seed: $0) }
    }

    @Test(
        .enabled(
            if: seedAgain != nil || lifeAgain != nil || shortLifeAgain != nil,
            "CHATLOOP_SEED names no seed to run again"))
    func again() {
        var plan = Plan(seed: Self.seedAgain ?? 1)
        if let seed = Self.lifeAgain { plan = .long(seed: seed) }
        if let seed = Self.shortLifeAgain { plan = Self.shortLife(seed: seed) }
        plan.isLoud = true
        let run = Simulator(plan)
        run.run()
        #expect(run.judge.failure == nil)
    }

    // MARK: What is drawn

    @Test func seedsDrawEveryKindOfServer() {
        let plans = (1...300).map { Plan(seed: $0) }
        for fsync in ["always", "everysecond", "never"] {
            #expect(plans.contains { $0.fsync.rawValue == fsync && !$0.options.isEphemeral })
        }
        #expect(plans.contains { $0.options.isEphemeral })
        #expect(plans.contains { $0.options.tickRate > 0 } && plans.contains { $0.options.tickRate == 0 })
        #expect(plans.contains { $0.options.maxConnections == $0.people })
        #expect(plans.contains { $0.options.maxConnectionsPerAddress > 0 })
        #expect(plans.contains { !$0.isCramped })
    }

    /// Each fault strikes in some seeds, and in some it does not.
    @Test func seedsDrawEveryFault() {
        var random = SeededRandom(1)
        let faults = (0..<100).map { _ in Faults.all(&random) }
        for child in Mirror(reflecting: Faults.none).children where child.label != "latency" {
            let values = faults.map { faults in
                Mirror(reflecting: faults).children.first { $0.label == child.label }.map { "\($0.value)" } ?? ""
            }
            let none = "\(child.value)"
            #expect(values.contains(none) && values.contains { $0 != none }, "\(child.label ?? "")")
        }
    }

    // MARK: The flight recorder

    /// Every start of the server in a simulated world is recorded, and comes out the same when it is replayed tick by tick,
    /// however the server ended.
    @Test(.enabled(if: !isSoak, onlySoak)) func recordingsOfAWholeRunReplayExactly() throws {
        let recordings = try record(Plan(seed: 5))
        let ticks = recordings.reduce(0) { $0 + $1.ticks }
        #expect(recordings.count > 1 && ticks > 100, "\(recordings.count) recordings of \(ticks) ticks")
    }

    /// A recording ends at its largest size, and what there is of it can be replayed; the server goes on.
    @Test(.enabled(if: !isSoak, onlySoak)) func aRecordingEndsAtItsLargestSize() throws {
        var plan = Plan(seed: 5)
        plan.options.recordingBytes = 4_000
        // Without a disk, so that no loaded room stands at the beginning of a recording and does not fit in.
        plan.options.isEphemeral = true
        plan.limits.rules.isDurable = false
        let recordings = try record(plan)
        #expect(recordings.allSatisfy { $0.bytes <= 4_000 })
        #expect(recordings.contains { $0.bytes > 2_000 && $0.ticks > 1 })
    }

    /// Runs a plan with a recording of each start of the server, and replays them.
    private func record(_ plan: Plan) throws -> [(ticks: Int, bytes: Int)] {
        let folder = FileManager.default.temporaryDirectory.appending(path: "chatloop-recordings-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        var plan = plan
        plan.recordings = folder.path
        plan.seconds = 200
        let run = Simulator(plan)
        run.run()
        #expect(expectNothingWrong(run, "SEED=\(plan.seed)"))
        let files = try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
        return try files.map { file in
            let result = try Replay.run(file: file.path)
            let bytes = try Data(contentsOf: file).count
            if case .agreed(let ticks, _) = result { return (ticks, bytes) }
            Issue.record("\(file.lastPathComponent): \(result)")
            return (0, bytes)
        }
    }
}
