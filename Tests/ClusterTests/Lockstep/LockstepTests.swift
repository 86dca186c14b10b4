@testable import Cluster
import Support
import Testing

/// One rule of the plan each, with nodes that the test moves by hand.
@Suite struct LockstepTests {
    // MARK: Records

    @Test func inputsOfATick_areOneRecord() {
        var world = LockstepWorld.serving(2)
        for number in 1...10 { world.propose("say \(number)", in: "a", at: 0) }
        world.run(5)
        #expect(world.records == [(1...10).map { "say \($0)" }])
        #expect(world.nodes[0].rooms["a"] == world.nodes[1].rooms["a"] && world.judge.count(in: "a") == 10)
    }

    @Test func whatArrivesMeanwhile_makesTheNextRecord() {
        var world = LockstepWorld.serving(1)
        world.delay = 100
        for number in 1...50 {
            world.propose("say \(number)", in: "a", at: 0)
            world.run(2)
        }
        world.run(1000)
        let found = world.records
        #expect(found.flatMap { $0 } == (1...50).map { "say \($0)" })
        #expect(found.count < 10 && found.first == ["say 1"])
    }

    @Test func nothing_isAppliedBeforeItComesBack() {
        var world = LockstepWorld.serving(1)
        world.delay = 100
        world.propose("say hi", in: "a", at: 0)
        #expect(world.nodes[0].lockstep.isWaiting("a"))
        while world.engine.appends < 2 { world.run(1) }
        #expect(world.judge.count(in: "a") == 0)
        world.run(1000)
        #expect(world.judge.count(in: "a") == 1 && !world.nodes[0].lockstep.isWaiting("a"))
        #expect(world.nodes[0].lockstep.counters.longestRoundTrip > 0)
    }

    @Test func largeItems_areSplitIntoRecordsAndBounded() {
        var world = LockstepWorld.serving(1)
        let large = [UInt8](repeating: 65, count: Lockstep.recordBytes / 2)
        func propose(_ bytes: [UInt8]) -> Bool { world.nodes[0].lockstep.propose(.input(bytes), in: "a") }
        let tooLarge = propose(large + large)
        #expect(!tooLarge)
        var count = 0
        while propose(large) { count += 1 }
        #expect(count == Lockstep.pendingBytes / (large.count + 5))
        world.run(50)
        // With the one of the rules; a snapshot has taken the place of most of them.
        #expect(world.engine.appends == count + 1)
        let isTaken = propose(large)
        #expect(isTaken)
    }

    @Test func roomThatIsNotLoaded_takesNothing() {
        var world = LockstepWorld()
        let node = world.addNode()
        var taken = [world.propose("say 1", in: "a", at: node)]
        world.open("a", at: node)
        taken.append(world.propose("say 2", in: "a", at: node))
        world.run(5)
        #expect(world.nodes[node].lockstep.isReady("a"))
        taken.append(world.propose("say 3", in: "a", at: node))
        #expect(taken == [false, false, true])
    }

    @Test func closedRoom_hearsNothingMoreAndCanBeOpenedAgain() {
        var world = LockstepWorld.serving(2)
        world.propose("say 1", in: "a", at: 0)
        let early = world.nodes[0].lockstep.close("a")
        #expect(!early)
        world.run(5)
        let isClosed = world.nodes[0].lockstep.close("a")
        let outputs = world.nodes[0].lockstep.takeOutputs()
        #expect(isClosed && outputs == [.unsubscribe(room: "a")])
        #expect(world.nodes[0].lockstep.position(of: "a") == nil)
        world.nodes[0].subscriptions = []
        world.propose("say 2", in: "a", at: 1)
        world.run(5)
        world.open("a", at: 0)
        world.run(5)
        world.propose("say 3", in: "a", at: 0)
        world.run(5)
        #expect(world.records == [["say 1"], ["say 2"], ["say 3"]])
        #expect(world.nodes[0].rooms["a"] == world.nodes[1].rooms["a"] && world.judge.findings == [])
    }

    // MARK: Losses on the way

    @Test func gap_isReadAndNothingIsDropped() {
        var world = LockstepWorld.serving(2)
        world.propose("say 1", in: "a", at: 0)
        world.run(5)
        world.nodes[1].subscriptions = []
        world.propose("say 2", in: "a", at: 0)
        world.run(5)
        world.nodes[1].subscriptions = ["a"]
        world.propose("say 3", in: "a", at: 0)
        world.run(5)
        #expect(world.nodes[1].rooms["a"] == world.nodes[0].rooms["a"])
        #expect(world.nodes[1].lockstep.counters.gaps == 1 && world.drops(1) == [])
    }

    @Test func recordThatIsAnsweredButDoesNotCome_isRead() {
        var world = LockstepWorld.serving(1)
        world.nodes[0].subscriptions = []
        world.propose("say 1", in: "a", at: 0)
        world.run(Lockstep.stall - 10)
        #expect(world.judge.count(in: "a") == 0)
        world.run(50)
        #expect(world.judge.count(in: "a") == 1 && world.drops(0) == [])
        #expect(world.records == [["say 1"]])
    }

    @Test func missingRecordsThatAreTrimmed_areLoadedAnew() throws {
        var world = LockstepWorld.serving(2)
        world.cut(1)
        world.nodes[1].connectAt = world.now + 100
        for number in 1...3 {
            world.propose("say \(number)", in: "a", at: 0)
            world.run(5)
        }
        let position = try #require(world.nodes[0].lockstep.position(of: "a"))
        let snapshot = try #require(world.nodes[0].rooms["a"]).snapshot
        world.nodes[0].lockstep.store(snapshot, of: "a", at: position, history: [], expiredThrough: 0)
        world.propose("say 4", in: "a", at: 0)
        world.run(200)
        #expect(world.drops(1) == [.missing])
        #expect(world.nodes[1].rooms["a"] == world.nodes[0].rooms["a"] && world.judge.findings == [])
    }

    @Test func lostAnswer_isNoSecondRecord() {
        var world = LockstepWorld.serving(1)
        world.propose("say 1", in: "a", at: 0)
        // The engine has it, and nobody is told.
        while world.engine.appends < 2 {
            world.nodes[0].subscriptions = []
            world.run(1)
        }
        world.cut(0)
        world.propose("say 2", in: "a", at: 0)
        world.run(1000)
        #expect(world.records == [["say 1"], ["say 2"]])
        #expect(world.nodes[0].proposed["a"] == [] && world.drops(0) == [])
    }

    /// A record that was given up with an earlier state arrives late, under the number that the next one has.
    @Test func lateRecord_takesTheNumberAndNotTheContent() {
        var world = LockstepWorld.serving(1)
        let node = world.nodes[0].lockstep.incarnation
        world.propose("say 1", in: "a", at: 0)
        world.run(5)
        let late = RoomRecord.Content.inputs(
            RoomRecord.Inputs(base: 0, digest: 0, items: [.input(Array("say late".utf8))]))
        _ = world.engine.perform(
            .append(
                room: "a",
                EngineRequest.Append(epoch: 1, incarnation: node, name: "n0", number: 3, base: 0, body: late.bytes)))
        world.propose("say 2", in: "a", at: 0)
        world.run(Lockstep.stall + 100)
        #expect(world.records == [["say 1"], ["say late"], ["say 2"]])
    }

    // MARK: Digests

    @Test func nodeThatDiffers_findsOutAndLoadsAnew() {
        var world = LockstepWorld.serving(3)
        world.propose("come m1", in: "a", at: 0)
        world.run(5)
        world.nodes[1].rooms["a"]?.fingerprint = 77
        world.propose("say 1", in: "a", at: 1)
        world.run(5)
        // What was said before it is found is another's; from then on all are the same, whoever was right.
        world.propose("say 2", in: "a", at: 1)
        world.run(50)
        // Whoever was wrong learns it although nobody else says anything.
        #expect(world.nodes[1].lockstep.counters.repairs >= 1)
        world.propose("say 3", in: "a", at: 0)
        world.run(50)
        #expect(world.drops(1).allSatisfy { $0 == .differs })
        for node in 0..<3 {
            #expect(world.nodes[node].rooms["a"]?.fingerprint != 77)
            #expect(world.nodes[node].rooms["a"] == world.nodes[0].rooms["a"])
        }
        let repairs = world.nodes.map(\.lockstep.counters.repairs)
        world.propose("say 4", in: "a", at: 2)
        world.run(20_000)
        #expect(world.nodes.map(\.lockstep.counters.repairs) == repairs)
    }

    // MARK: Rules

    @Test func nodeWithOtherRules_ends() {
        var world = LockstepWorld.serving(1)
        let other = world.addNode(rules: Array("rules 2".utf8))
        world.open("a", at: other)
        world.run(5)
        let reason = Lockstep.EndReason.otherRules(own: Array("rules 2".utf8), theirs: world.rules)
        #expect(world.nodes[other].ended == reason && world.nodes[0].ended == nil)
        #expect(world.nodes[other].log.allSatisfy { $0 != .ready(room: "a") })
    }

    @Test func rulesInASnapshot_countAsWell() throws {
        var world = LockstepWorld.serving(1)
        world.propose("say 1", in: "a", at: 0)
        world.run(5)
        let snapshot = try #require(world.nodes[0].rooms["a"]).snapshot
        world.nodes[0].lockstep.store(snapshot, of: "a", at: 2, history: [], expiredThrough: 0)
        world.propose("say 2", in: "a", at: 0)
        world.run(5)
        let same = world.addNode()
        let rules = Array("others".utf8)
        let other = world.addNode(rules: rules)
        // A visit decides nothing, and so by no rules.
        let visitor = world.addNode(rules: [])
        for node in [same, other, visitor] { world.open("a", at: node) }
        world.run(5)
        #expect(world.nodes[other].ended == .otherRules(own: rules, theirs: world.rules))
        #expect(world.nodes[visitor].ended == nil)
        #expect(world.nodes[same].rooms["a"] == world.nodes[0].rooms["a"] && world.nodes[same].ended == nil)
    }

    @Test func nodesThatBeginARoomTogether_agree() {
        var world = LockstepWorld.serving(3)
        let rules = world.engine.contents.rooms["a"]?.records.count { $0.content == .rules(world.rules) } ?? 0
        #expect(rules >= 1 && world.nodes.allSatisfy { $0.lockstep.isReady("a") })
        world.propose("say 1", in: "a", at: 2)
        world.run(5)
        #expect(world.judge.count(in: "a") == 1)
    }
}
