import Foundation
import Simulation
import Testing

@Suite struct SimulationTests {
    @Test func aQuietWorldComesRight() {
        var plan = Plan(seed: 1)
        plan.hasFaults = false
        let run = Simulator(plan)
        run.run()
        #expect(run.judge.failure == nil, "\(run.newestLines.joined(separator: "\n"))")
    }

    @Test(.enabled(if: ProcessInfo.processInfo.environment["CHATLOOP_SEED"] != nil))
    func oneSeed() {
        var plan = Plan(seed: UInt64(ProcessInfo.processInfo.environment["CHATLOOP_SEED"] ?? "") ?? 1)
        plan.isLoud = true
        let run = Simulator(plan)
        run.run()
        #expect(run.judge.failure == nil)
    }

    @Test func seeds() {
        let count = UInt64(ProcessInfo.processInfo.environment["CHATLOOP_SEEDS"] ?? "") ?? 20
        for seed in 1...count {
            let run = Simulator(Plan(seed: seed))
            run.run()
            if let failure = run.judge.failure {
                Issue.record("seed \(seed): \(failure)\n\(run.newestLines.suffix(60).joined(separator: "\n"))")
                return
            }
        }
    }
}
