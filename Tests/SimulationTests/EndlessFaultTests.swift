import Simulation
import Testing

/// Faults that never end: whoever has no part in them does not notice.
@Suite(.serialized) struct EndlessFaultTests {
    private func plan() -> Plan {
        var plan = Plan(seed: 7)
        plan.hasFaults = false
        plan.emphasis = .nothing
        plan.people = 12
        plan.rooms = 3
        plan.seconds = 600
        plan.fsync = .everySecond
        plan.options.isEphemeral = false
        plan.options.fsync = .everySecond
        plan.options.maxConnections = 200
        plan.options.maxConnectionsPerAddress = 0
        plan.options.tickRate = 0
        plan.options.inboxBytes = 65_536
        plan.limits = .init(messagesPerSecond: 10, isDurable: true)
        return plan
    }

    /// How long messages take, of all but one person and one room: the median, and nine of ten. (Those that take longest are of
    /// people who do not listen for a while.)
    private func delays(_ plan: Plan) -> (median: Int64, most: Int64, count: Int) {
        let run = Simulator(plan)
        run.run()
        #expect(run.judge.failure == nil)
        let delays = (run.wiretap?.delays ?? []).filter { $0.person != 0 && $0.room != "room0" }.map(\.time).sorted()
        guard !delays.isEmpty else { return (0, 0, 0) }
        return (delays[delays.count / 2], delays[delays.count * 9 / 10], delays.count)
    }

    private func expectUnnoticed(_ plan: Plan) {
        let (usual, cursed) = (delays(self.plan()), delays(plan))
        print("delays without and with a fault that never ends: \(usual), \(cursed)")
        #expect(usual.count > 50 && cursed.count > 50)
        #expect(cursed.median < usual.median * 5 / 4)
        #expect(cursed.most < usual.most * 3 / 2)
    }

    @Test func aPersonWhoseNetworkStaysBad_keepsNobodyElseWaiting() {
        var plan = plan()
        plan.cursedPerson = 0
        expectUnnoticed(plan)
    }

    @Test func aRoomWhoseFilesStayUnreadable_keepsNoOtherRoomWaiting() {
        var plan = plan()
        plan.cursedRoom = "room0"
        expectUnnoticed(plan)
    }
}
