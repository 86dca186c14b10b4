import Support
import Testing

@testable import Cluster

/// What has its time, and what becomes of a node or an engine that fails.
@Suite struct LockstepFaultTests {
    // MARK: Deadlines

    @Test func deadline_isToldByTheFirstInRankAlone() {
        var world = LockstepWorld.serving(3)
        for node in 0..<3 { world.propose("say \(node)", in: "a", at: node) }
        world.run(5)
        let first = world.byRank[0]
        for node in 0..<3 { world.nodes[node].lockstep.arm(Due(kind: 5, generation: 1), at: world.now + 100, in: "a") }
        world.run(99)
        #expect(world.records.count == 3)
        world.run(5)
        #expect(world.records.last == ["due 5 1"])
        #expect(world.engine.contents.rooms["a"]?.records.last?.incarnation == world.nodes[first].lockstep.incarnation)
        world.run(2000)
        #expect(world.records.count == 4)
    }

    @Test func deadlineThatTheFirstDoesNotTell_isToldByTheNext() {
        var world = LockstepWorld.serving(3)
        for node in 0..<3 { world.propose("say \(node)", in: "a", at: node) }
        world.run(5)
        let order = world.byRank
        for node in 0..<3 { world.nodes[node].lockstep.arm(Due(kind: 5, generation: 1), at: world.now, in: "a") }
        world.nodes[order[0]].pausedUntil = world.now + 5000
        world.run(Lockstep.rankDelay - 5)
        #expect(world.records.count == 3)
        world.run(10)
        #expect(world.records.count == 4)
        #expect(
            world.engine.contents.rooms["a"]?.records.last?.incarnation == world.nodes[order[1]].lockstep.incarnation)
        world.run(6000)
        #expect(world.records.filter { $0 == ["due 5 1"] }.count <= 2)
    }

    @Test func deadlineThatIsTakenBack_isNotTold() {
        var world = LockstepWorld.serving(1)
        world.nodes[0].lockstep.arm(Due(kind: 1, generation: 1), at: world.now + 10, in: "a")
        world.nodes[0].lockstep.disarm(Due(kind: 1, generation: 1), in: "a")
        world.run(100)
        #expect(world.records == [])
    }

    // MARK: Lives

    @Test func killedNode_isDeclaredLostOnceAndItsPeopleLeave() {
        var world = LockstepWorld.serving(3)
        world.propose("come m1", in: "a", at: 0)
        world.propose("come m2", in: "a", at: 1)
        world.run(5)
        let lost = world.nodes[0].lockstep.incarnation
        world.kill(0)
        world.run(EngineRequest.life + Lockstep.renewal + 1000)
        let declared = world.engine.contents.rooms["a"]?.records.filter { $0.content == .lost(lost) } ?? []
        #expect(declared.count == 1)
        world.run(world.grace + 1000)
        #expect(world.nodes[1].rooms["a"]?.members.keys.sorted() == ["m2"])
        #expect(world.nodes[2].rooms["a"] == world.nodes[1].rooms["a"] && world.judge.findings == [])
    }

    @Test func roomThatNobodyServes_isCleanedUpWhenItIsLoaded() {
        var world = LockstepWorld.serving(1)
        world.propose("come m1", in: "a", at: 0)
        world.run(5)
        world.kill(0)
        world.run(60_000)
        world.open("a", at: world.addNode())
        world.run(100)
        #expect(world.nodes[1].rooms["a"]?.members["m1"]?.grace == 1)
        world.run(world.grace + 1000)
        #expect(world.nodes[1].rooms["a"]?.members.isEmpty == true)
    }

    @Test func pausedNode_findsItselfLostAndBeginsAnew() {
        var world = LockstepWorld.serving(2)
        world.propose("come m1", in: "a", at: 0)
        world.run(5)
        let before = world.nodes[0].lockstep.incarnation
        world.nodes[0].pausedUntil = world.now + 60_000
        world.propose("say 1", in: "a", at: 1)
        world.run(59_000)
        #expect(world.nodes[1].rooms["a"]?.members.isEmpty == true)
        // What it had not sent is not said when it is back.
        _ = world.nodes[0].lockstep.propose(.input(Array("say old".utf8)), in: "a")
        world.run(2_000)
        #expect(world.nodes[0].log.contains(.lost) && world.drops(0) == [.lost])
        #expect(world.nodes[0].lockstep.incarnation != before)
        #expect(world.nodes[0].rooms["a"] == world.nodes[1].rooms["a"])
        #expect(!world.records.contains(["say old"]))
        world.propose("say new", in: "a", at: 0)
        world.run(5)
        #expect(world.records.last == ["say new"] && world.judge.findings == [])
    }

    @Test func nodeThatLeaves_isMissedAtOnce() {
        var world = LockstepWorld.serving(2)
        world.propose("come m1", in: "a", at: 0)
        world.run(5)
        world.nodes[0].lockstep.leave()
        for case .request(_, let request) in world.nodes[0].lockstep.takeOutputs() {
            let answer = world.engine.perform(request)
            #expect(answer == .done)
        }
        world.kill(0)
        world.run(Lockstep.renewal + world.grace + 1000)
        #expect(world.nodes[1].rooms["a"]?.members.isEmpty == true)
    }

    @Test func secondNodeOfAName_ends() {
        var world = LockstepWorld.serving(1)
        let second = world.addNode("n0")
        world.run(EngineRequest.life)
        #expect(world.nodes[second].ended == nil)
        world.run(2_000)
        #expect(world.nodes[second].ended == .fault(.nameTaken) && world.nodes[0].ended == nil)
    }

    @Test func nodeThatIsStartedAgain_waitsForItsName() {
        var world = LockstepWorld.serving(1)
        world.kill(0)
        let second = world.addNode("n0")
        world.open("a", at: second)
        world.run(EngineRequest.life + 2_000)
        #expect(world.nodes[second].ended == nil && world.nodes[second].lockstep.isReady("a"))
    }

    /// It learns that it is lost, loses its connections, and has its name all the same.
    @Test func lostNodeWithoutConnections_keepsItsName() {
        var world = LockstepWorld.serving(1)
        world.propose("come m1", in: "a", at: 0)
        world.run(5)
        world.nodes[0].lockstep.disconnected(now: world.now)
        world.nodes[0].lockstep.begin(as: world.newIncarnation(), now: world.now)
        world.nodes[0].isConnected = false
        world.run(1_000)
        #expect(world.nodes[0].lockstep.isReady("a") && world.nodes[0].ended == nil)
    }

    // MARK: The engine

    @Test func engineThatBeginsAnew_dropsNothing() {
        var world = LockstepWorld.serving(2)
        world.propose("come m1", in: "a", at: 0)
        world.run(5)
        world.stopEngine()
        world.propose("say 1", in: "a", at: 0)
        world.run(3_000)
        #expect(world.judge.count(in: "a") == 1)
        #expect(world.nodes[0].log.last == .keeping(false))
        world.startEngine()
        world.run(2_000)
        #expect(world.nodes[0].log.contains(.keeping(true)))
        #expect(world.judge.count(in: "a") == 2 && world.drops(0) == [] && world.drops(1) == [])
        // In another epoch, so that no seq that may have been lost comes again.
        #expect(world.nodes[1].rooms["a"]?.seq == 2 << 32 | 1)
    }

    @Test func lostTail_isDroppedByThoseWhoHaveSeenItAlone() {
        var world = LockstepWorld.serving(2)
        world.propose("say 1", in: "a", at: 0)
        world.run(5)
        let copy = world.engine.contents
        world.cut(1)
        world.nodes[1].connectAt = .max
        world.propose("say 2", in: "a", at: 0)
        world.run(5)
        world.stopEngine()
        world.nodes[1].connectAt = world.now
        world.nodes[0].connectAt = world.now + 1000
        world.startEngine(with: copy)
        world.run(500)
        // The one that has not seen it is there first, and goes on.
        world.propose("say 3", in: "a", at: 1)
        world.run(2000)
        #expect(world.drops(0) == [.lostTail] && world.drops(1) == [])
        #expect(world.nodes[0].rooms["a"] == world.nodes[1].rooms["a"])
        #expect(world.nodes[0].rooms["a"]?.seq == 2 << 32 | 1 && world.judge.findings == [])
    }

    /// Another node has found that the engine was emptied: what is on its way in the old epoch is sent again in the new one.
    @Test func epochThatBeginsMeanwhile_holdsUpNothing() {
        var world = LockstepWorld.serving(2, delay: 20)
        world.engine.contents.epoch = 7
        world.propose("say 1", in: "a", at: 0)
        world.run(Lockstep.renewal + 1000)
        world.propose("say 2", in: "a", at: 1)
        world.engine.contents.epoch = 9
        world.run(Lockstep.renewal + 1000)
        #expect(world.records == [["say 1"], ["say 2"]])
        #expect(world.nodes[0].rooms["a"]?.seq == 9 << 32 | 1 && world.drops(0) == [] && world.drops(1) == [])
    }

    /// The answer that tells of the new epoch comes before that of the append which was made in the old one.
    @Test func appendInAnEpochThatHasJustEnded_isSentAgain() {
        var lockstep = LockstepWorld.serving(1).nodes[0].lockstep
        let taken = lockstep.propose(.input([1]), in: "a")
        #expect(taken)
        /// The numbers of the requests that are made now, and the epochs of those that append.
        func requests(at time: Int64) -> [(number: UInt64, epoch: UInt64?)] {
            lockstep.tick(now: time)
            return lockstep.takeOutputs().compactMap { output in
                guard case .request(let number, let request) = output else { return nil }
                if case .append(_, let append) = request { return (number, append.epoch) }
                return (number, nil)
            }
        }
        let append = requests(at: 100)
        #expect(append.map(\.epoch) == [1])
        let attach = requests(at: 100 + Lockstep.renewal)
        #expect(attach.map(\.epoch) == [nil])
        let now = 200 + Lockstep.renewal
        lockstep.answered(attach[0].number, .attached(epoch: 2, writes: 1, hasLostTail: false), now: now)
        lockstep.answered(append[0].number, .epoch(2), now: now)
        #expect(requests(at: now).map(\.epoch) == [2])
    }

    /// The room was closed and opened again while it was loaded: what comes then is not yet subscribed to.
    @Test func answerToAnEarlierState_isOfNoInterest() {
        var lockstep = LockstepWorld.serving(1).nodes[0].lockstep
        lockstep.open("b")
        lockstep.subscribed("b", now: 100)
        var load: UInt64?
        for case .request(let number, .load) in lockstep.takeOutputs() { load = number }
        let isClosed = lockstep.close("b")
        lockstep.open("b")
        #expect(isClosed && load != nil)
        var stored = EngineAnswer.StoredRoom()
        stored.epoch = 1
        lockstep.answered(load ?? 0, .loaded(stored), now: 100)
        #expect(lockstep.position(of: "b") == nil)
    }

    @Test func fullEngine_isToldAndTriedAgain() {
        var world = LockstepWorld.serving(1)
        world.engine.isFull = true
        world.propose("say 1", in: "a", at: 0)
        world.run(2_500)
        #expect(world.nodes[0].log.contains(.trouble(.full)) && world.nodes[0].log.contains(.keeping(false)))
        #expect(world.nodes[0].log.count { $0 == .trouble(.full) } <= 4)
        world.engine.isFull = false
        world.run(1_500)
        #expect(world.judge.count(in: "a") == 1 && world.drops(0) == [])
        world.run(2_000)
        #expect(world.nodes[0].log.last { if case .keeping = $0 { true } else { false } } == .keeping(true))
    }

    @Test func slowEngine_isToldWhileItLasts() {
        var world = LockstepWorld.serving(1)
        world.delay = 20_000
        world.propose("say 1", in: "a", at: 0)
        world.nodes[0].requests = world.nodes[0].requests.map { (world.now + 5_000, $0.number, $0.2) }
        world.run(Lockstep.patience + 100)
        #expect(world.nodes[0].log.last == .keeping(false))
    }

    @Test func fault_thatLasts_asksForOtherConnections() {
        var world = LockstepWorld.serving(1)
        let number = world.nodes[0].lockstep.propose(.input([1]), in: "a")
        #expect(number)
        world.nodes[0].lockstep.tick(now: world.now)
        for case .request(let number, _) in world.nodes[0].lockstep.takeOutputs() {
            world.nodes[0].lockstep.answered(number, .refused(.isReplica), now: world.now)
        }
        let outputs = world.nodes[0].lockstep.takeOutputs()
        #expect(outputs.contains(.reconnect(.isReplica)))
    }

    // MARK: Snapshots

    @Test func snapshot_isTakenByOneNodeWhenItIsWorthIt() throws {
        var world = LockstepWorld.serving(3)
        let text = String(repeating: "x", count: 1000)
        for number in 1...50 {
            world.propose("say \(number)\(text)", in: "a", at: number % 3)
            world.run(5)
        }
        #expect(world.engine.contents.rooms["a"]?.snapshotPosition == 0)
        for number in 51...65 {
            world.propose("say \(number)\(text)", in: "a", at: number % 3)
            world.run(5)
        }
        let room = try #require(world.engine.contents.rooms["a"])
        #expect(room.snapshotPosition > 50 && room.records.count < 16)
        let taken = world.nodes.map { node in node.log.count { if case .takeSnapshot = $0 { true } else { false } } }
        #expect(taken.reduce(0, +) == 1 && taken[world.byRank[0]] == 1)
        world.run(10_000)
        world.open("a", at: world.addNode())
        world.run(5)
        #expect(world.nodes[3].rooms["a"] == world.nodes[0].rooms["a"])
    }
}
