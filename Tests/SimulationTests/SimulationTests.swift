import Foundation
import Simulation
import Testing

/// The whole server in simulated worlds.
///
/// - `CHATLOOP_SEEDS=N` runs N seeds in place of about a minute's worth, and as many long lives as `CHATLOOP_LIVES` says.
/// - `CHATLOOP_SEED=S` runs one seed again, and prints all that happens in it (`CHATLOOP_LIFE=S` the same for a long life).
@Suite(.serialized) struct SimulationTests {
    private static func number(_ name: String) -> UInt64? { ProcessInfo.processInfo.environment[name].flatMap(UInt64.init) }

    private func expectNothingWrong(_ run: Simulator, _ name: String) -> Bool {
        guard let failure = run.judge.failure else { return true }
        let trace = run.newestLines.suffix(80).joined(separator: "\n")
        Issue.record("\(name): \(failure)\nThe last of what happened:\n\(trace)\nTo see all of it: CHATLOOP_\(name) swift test --filter again")
        return false
    }

    @Test func aWorldWithoutFaultsComesRight() {
        var plan = Plan(seed: 1)
        plan.hasFaults = false
        let run = Simulator(plan)
        run.run()
        #expect(expectNothingWrong(run, "SEED=1"))
    }

    @Test func twoRunsOfOneSeedAreTheSame() {
        for seed in UInt64(2)...4 {
            let runs = (0..<2).map { _ in Simulator(Plan(seed: seed)) }
            runs.forEach { $0.run() }
            #expect(runs[0].fingerprint == runs[1].fingerprint, "seed \(seed)")
            #expect(runs[0].newestLines == runs[1].newestLines)
        }
    }

    /// Seeds that have failed at some time.
    @Test(arguments: [3, 4, 5, 6, 40, 308])
    func whatFailedOnceDoesNotFailAgain(seed: UInt64) {
        let run = Simulator(Plan(seed: seed))
        run.run()
        #expect(expectNothingWrong(run, "SEED=\(seed)"))
    }

    @Test func freshSeedsFindNothing() {
        let wanted = Self.number("CHATLOOP_SEEDS")
        // Another place to begin every time, so that every run of the tests looks where none has looked before.
        let first = wanted == nil ? UInt64.random(in: 1_000...1_000_000_000) : 1
        let start = ContinuousClock.now
        var total = Statistics()
        var seed = first
        while wanted.map({ seed < first + $0 }) ?? (ContinuousClock.now - start < .seconds(30)) {
            let run = Simulator(Plan(seed: seed))
            run.run()
            total.add(run.statistics)
            guard expectNothingWrong(run, "SEED=\(seed)") else { return }
            seed += 1
        }
        print("seeds \(first)..<\(seed): \(total.summary(in: ContinuousClock.now - start))")
    }

    @Test func longLivesComeRight() {
        let start = ContinuousClock.now
        var total = Statistics()
        let first: UInt64 = Self.number("CHATLOOP_LIVES") == nil ? UInt64.random(in: 1_000...1_000_000_000) : 1
        let count = Self.number("CHATLOOP_LIVES") ?? 1
        for seed in first..<first + count {
            let run = Simulator(.long(seed: seed))
            run.run()
            total.add(run.statistics)
            guard expectNothingWrong(run, "LIFE=\(seed)") else { return }
        }
        print("\(count) long lives from \(first): \(total.summary(in: ContinuousClock.now - start))")
    }

    @Test(.enabled(if: number("CHATLOOP_SEED") != nil || number("CHATLOOP_LIFE") != nil, "CHATLOOP_SEED names no seed to run again"))
    func again() {
        var plan = Self.number("CHATLOOP_SEED").map { Plan(seed: $0) } ?? .long(seed: Self.number("CHATLOOP_LIFE") ?? 1)
        plan.isLoud = true
        let run = Simulator(plan)
        run.run()
        #expect(run.judge.failure == nil)
    }
}
