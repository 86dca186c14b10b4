import Foundation
import Simulation
import Testing

/// Whole clusters in simulated worlds: several servers, and the engine that they share.
///
/// - `CHATLOOP_SEEDS=N` is a soak: N seeds from `CHATLOOP_FIRST` (1) on.
/// - `CHATLOOP_SEED=S` runs one seed again, and prints all that happens in it.
@Suite(.serialized) struct SeveralNodesTests {
    private static func number(_ name: String) -> UInt64? {
        ProcessInfo.processInfo.environment[name].flatMap(UInt64.init)
    }
    private static let seeds = number("CHATLOOP_SEEDS")
    private static let first = number("CHATLOOP_FIRST") ?? 1
    private static let seedAgain = number("CHATLOOP_SEED")
    private static let isUsual = seeds == nil && seedAgain == nil
    private static let onlyUsual: Comment = "skipped: a soak, or one seed, was asked for"

    private func expectNothingWrong(_ run: SeveralNodes) -> Bool {
        guard let failure = run.judge.failure else { return true }
        let trace = run.newestLines.suffix(80).joined(separator: "\n")
        Issue.record(
            "SEED=\(run.plan.seed): \(failure)\nThe last of what happened:\n\(trace)\nTo see all of it: CHATLOOP_SEED=\(run.plan.seed) swift test --filter SeveralNodesTests"
        )
        return false
    }

    /// Runs seeds one after the other.
    ///
    /// - Returns: how much there was to judge.
    private func run(_ seeds: some Sequence<UInt64>) -> SeveralJudge.Reached {
        let start = ContinuousClock.now
        var reached = SeveralJudge.Reached()
        var struck: [Mishap: Int] = [:]
        var (runs, failures) = (0, 0)
        for seed in seeds where failures < 10 {
            let run = SeveralNodes(SeveralPlan(seed: seed))
            run.run()
            runs += 1
            reached.add(run.judge.reached)
            struck.merge(run.struck, uniquingKeysWith: +)
            if !expectNothingWrong(run) { failures += 1 }
        }
        print("\(runs) seeds in \(ContinuousClock.now - start): \(reached)")
        print(Mishap.allCases.map { "\($0): \(struck[$0] ?? 0)" }.joined(separator: ", "))
        return reached
    }

    @Test(.enabled(if: isUsual, onlyUsual)) func nodesWithoutFaultsComeToTheSame() {
        var plan = SeveralPlan(seed: 1)
        plan.hasFaults = false
        let run = SeveralNodes(plan)
        run.run()
        #expect(expectNothingWrong(run))
        #expect(run.judge.reached.events > 50)
    }

    @Test(.enabled(if: isUsual, onlyUsual)) func twoRunsOfOneSeedAreTheSameLineByLine() {
        let traces = (0..<2).map { _ in
            var plan = SeveralPlan(seed: 4)
            plan.seconds = 60
            plan.traceLines = .max
            let run = SeveralNodes(plan)
            run.run()
            return run.newestLines
        }
        #expect(traces[0].count > 100)
        #expect(traces[0] == traces[1])
    }

    @Test(.enabled(if: isUsual, onlyUsual)) func fixedSeedsFindNothing() {
        let reached = run(100..<108)
        #expect(reached.events > 500 && reached.changesOfNode > 20 && reached.gaps > 0)
    }

    @Test(.enabled(if: seeds != nil, "CHATLOOP_SEEDS asks for no soak")) func soak() {
        _ = run(Self.first..<Self.first + (Self.seeds ?? 0))
    }

    @Test(.enabled(if: seedAgain != nil, "CHATLOOP_SEED names no seed to run again")) func oneSeedAgain() {
        var plan = SeveralPlan(seed: Self.seedAgain ?? 1)
        plan.isLoud = true
        let run = SeveralNodes(plan)
        run.run()
        #expect(run.judge.failure == nil)
    }
}
