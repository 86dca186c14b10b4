import Support
import Testing

@testable import Cluster

/// Snapshots that are wished for, and reads of the history: each has one answer.
@Suite struct LockstepHistoryTests {
    /// What became of reads, by tag, in order.
    private static func answers(_ outputs: [Lockstep.Output]) -> [(tag: UInt64, isThere: Bool)] {
        outputs.compactMap { output in
            switch output {
            case .history(_, let tag, let answer): (tag, answer != nil)
            case .historySizes(_, let tag, let answer): (tag, answer != nil)
            default: nil
            }
        }
    }

    /// A node with reads of room `a` on their way: tags 1 and 2.
    private func reading() -> LockstepWorld {
        var world = LockstepWorld.serving(1)
        world.nodes[0].lockstep.readHistory(of: "a", from: 0, descending: false, blocks: 2, tag: 1)
        world.nodes[0].lockstep.readHistorySizes(of: "a", tag: 2)
        let requests = world.nodes[0].lockstep.takeOutputs()
        #expect(requests.count == 2 && Self.answers(requests).isEmpty)
        return world
    }

    private func store(_ world: inout LockstepWorld, _ history: [HistoryLine]) throws {
        let position = try #require(world.nodes[0].lockstep.position(of: "a"))
        let snapshot = try #require(world.nodes[0].rooms["a"]).snapshot
        world.nodes[0].lockstep.store(snapshot, of: "a", at: position, history: history, expiredThrough: 0)
        // The answer to it comes with the next turn.
        world.propose("say something", in: "a", at: 0)
        world.run(50)
    }

    // MARK: Reading

    @Test func history_isStoredWithTheSnapshotAndRead() throws {
        var world = LockstepWorld.serving(2)
        world.propose("say 1", in: "a", at: 0)
        world.run(5)
        try store(&world, [HistoryLine(seq: 300, time: 7, line: [65])])
        world.nodes[1].lockstep.readHistory(of: "a", from: .max, descending: true, blocks: 2, tag: 9)
        world.nodes[1].lockstep.readHistorySizes(of: "a", tag: 10)
        world.propose("say 2", in: "a", at: 1)
        world.run(50)
        let block = HistoryBlock(number: 1, lines: [HistoryBlock.Line(seq: 300, line: [65])])
        let sizes = [HistorySize(block: 1, bytes: 1, time: 7)]
        let answer = HistoryAnswer(blocks: [block], more: false)
        #expect(world.nodes[1].log.contains(.history(room: "a", tag: 9, answer)))
        #expect(world.nodes[1].log.contains(.historySizes(room: "a", tag: 10, sizes)))
        #expect(Self.answers(world.nodes[1].log).map(\.tag) == [9, 10])
    }

    @Test func readThatCannotBeMade_failsAtOnce() {
        var world = LockstepWorld()
        let node = world.addNode()
        func read(_ room: String, _ tag: UInt64) -> [UInt64] {
            world.nodes[node].lockstep.readHistory(of: room, from: 0, descending: false, blocks: 1, tag: tag)
            return Self.answers(world.nodes[node].lockstep.takeOutputs()).map { $0.isThere ? 0 : $0.tag }
        }
        // Without a connection; of a room that is not open; of one that is not loaded.
        world.nodes[node].lockstep.open("a")
        #expect(read("a", 1) == [1])
        world.nodes[node].lockstep.connected(line: "line", now: 0)
        #expect(read("a", 2) == [2])
        var served = LockstepWorld.serving(1)
        served.nodes[0].lockstep.readHistorySizes(of: "b", tag: 3)
        #expect(served.nodes[0].lockstep.takeOutputs() == [.historySizes(room: "b", tag: 3, nil)])
        served.nodes[0].lockstep.open("b")
        served.nodes[0].lockstep.readHistory(of: "b", from: 0, descending: true, blocks: 1, tag: 4)
        #expect(served.nodes[0].lockstep.takeOutputs().last == .history(room: "b", tag: 4, nil))
    }

    @Test func readsOnTheirWay_failWithTheConnection_inTheirOrder() {
        var world = reading()
        world.nodes[0].lockstep.disconnected(now: world.now)
        let outputs = world.nodes[0].lockstep.takeOutputs()
        #expect(Self.answers(outputs).map(\.tag) == [1, 2] && Self.answers(outputs).allSatisfy { !$0.isThere })
    }

    @Test func readsOnTheirWay_failWithTheirRoomAlone() {
        var world = reading()
        world.nodes[0].lockstep.open("b")
        let isClosed = world.nodes[0].lockstep.close("b")
        #expect(isClosed && Self.answers(world.nodes[0].lockstep.takeOutputs()).isEmpty)
        let isGone = world.nodes[0].lockstep.close("a")
        #expect(isGone && Self.answers(world.nodes[0].lockstep.takeOutputs()).map(\.tag) == [1, 2])
    }

    @Test func readsOnTheirWay_failWhenTheRoomIsDropped() {
        var world = reading()
        // Another node's state was different.
        world.nodes[0].lockstep.applied("a", at: 1, digest: 1)
        world.nodes[0].lockstep.repair("a")
        let outputs = world.nodes[0].lockstep.takeOutputs()
        #expect(Self.answers(outputs).map(\.tag) == [1, 2] && outputs.contains(.drop(room: "a", .differs)))
    }

    @Test func readsOnTheirWay_failWhenTheNodeIsLostOrLeaves() {
        var lost = reading()
        lost.nodes[0].lockstep.lose()
        #expect(Self.answers(lost.nodes[0].lockstep.takeOutputs()).map(\.tag) == [1, 2])
        lost.nodes[0].lockstep.readHistorySizes(of: "a", tag: 3)
        #expect(lost.nodes[0].lockstep.takeOutputs() == [.historySizes(room: "a", tag: 3, nil)])
        var leaving = reading()
        leaving.nodes[0].lockstep.leave()
        #expect(Self.answers(leaving.nodes[0].lockstep.takeOutputs()).map(\.tag) == [1, 2])
        var ending = reading()
        ending.nodes[0].lockstep.end(.fault(.nameTaken))
        #expect(Self.answers(ending.nodes[0].lockstep.takeOutputs()).map(\.tag) == [1, 2])
    }

    /// What the engine answers after that is of no interest.
    @Test func refusedRead_failsOnce() {
        var world = LockstepWorld.serving(1)
        world.nodes[0].lockstep.readHistory(of: "a", from: 0, descending: false, blocks: 2, tag: 1)
        guard case .request(let number, _) = world.nodes[0].lockstep.takeOutputs().last else {
            Issue.record("no request")
            return
        }
        world.nodes[0].lockstep.answered(number, .refused(.busy), now: world.now)
        #expect(Self.answers(world.nodes[0].lockstep.takeOutputs()).map(\.tag) == [1])
        world.nodes[0].lockstep.answered(number, .history(HistoryAnswer(blocks: [], more: false)), now: world.now)
        world.nodes[0].lockstep.disconnected(now: world.now)
        #expect(Self.answers(world.nodes[0].lockstep.takeOutputs()).isEmpty)
    }

    /// The engine is in another epoch, as another answer has told.
    @Test func readWhileTheNodeAttachesAnew_isAnswered() {
        var world = LockstepWorld.serving(1)
        world.nodes[0].lockstep.readHistory(of: "a", from: 0, descending: false, blocks: 2, tag: 1)
        guard case .request(let number, _) = world.nodes[0].lockstep.takeOutputs().last else {
            Issue.record("no request")
            return
        }
        world.nodes[0].lockstep.attachAnew()
        world.nodes[0].lockstep.answered(number, .history(HistoryAnswer(blocks: [], more: false)), now: world.now)
        #expect(Self.answers(world.nodes[0].lockstep.takeOutputs()).map(\.isThere) == [true])
    }

    // MARK: What was stored

    @Test func storedSnapshot_isToldOnceToEach() throws {
        var world = LockstepWorld.serving(2)
        world.propose("say 1", in: "a", at: 0)
        world.run(5)
        let position = try #require(world.nodes[0].lockstep.position(of: "a"))
        try store(&world, [])
        for node in 0..<2 {
            #expect(world.nodes[node].log.count { $0 == .stored(room: "a", position: position) } == 1)
        }
        // One that was refused because there is a newer one tells of that, where nobody has.
        world.nodes[1].subscriptions = []
        try store(&world, [])
        let newer = try #require(world.engine.contents.rooms["a"]?.snapshotPosition)
        #expect(newer > position && !world.nodes[1].log.contains(.stored(room: "a", position: newer)))
        world.nodes[1].subscriptions = ["a"]
        world.nodes[1].lockstep.store([], of: "a", at: position, history: [], expiredThrough: 0)
        world.propose("say 2", in: "a", at: 1)
        world.run(50)
        #expect(world.nodes[1].log.count { $0 == .stored(room: "a", position: newer) } == 1)
    }

    // MARK: Wishes

    private func snapshots(_ world: LockstepWorld) -> [Int] {
        world.nodes.map { node in node.log.count { $0 == .takeSnapshot(room: "a") } }
    }

    @Test func wishedSnapshot_isTakenAtOnceByTheFirstInRankAlone() throws {
        var world = LockstepWorld.serving(3)
        for node in 0..<3 { world.propose("say \(node)", in: "a", at: node) }
        world.run(5)
        #expect(snapshots(world) == [0, 0, 0])
        let position = try #require(world.nodes[0].lockstep.position(of: "a"))
        for node in 0..<3 { world.nodes[node].lockstep.wantSnapshot(of: "a") }
        world.run(20)
        #expect(world.engine.contents.rooms["a"]?.snapshotPosition == position)
        world.run(60_000)
        #expect(snapshots(world).reduce(0, +) == 1 && snapshots(world)[world.byRank[0]] == 1)
        // The wish is over: what is said then is nothing that is worth one.
        world.propose("say more", in: "a", at: 0)
        world.run(60_000)
        #expect(snapshots(world).reduce(0, +) == 1)
    }

    @Test func wishThatTheFirstDoesNotFulfil_isTheNexts() throws {
        var world = LockstepWorld.serving(3)
        for node in 0..<3 { world.propose("say \(node)", in: "a", at: node) }
        world.run(5)
        let order = world.byRank
        for node in 0..<3 { world.nodes[node].lockstep.wantSnapshot(of: "a") }
        world.nodes[order[0]].pausedUntil = world.now + 5_000
        world.run(Lockstep.snapshotRankDelay - 5)
        #expect(world.engine.contents.rooms["a"]?.snapshotPosition == 0)
        world.run(20)
        #expect(snapshots(world)[order[1]] == 1 && world.engine.contents.rooms["a"]?.snapshotPosition ?? 0 > 0)
    }

    /// The snapshot of this very position was made without it, and there is nothing newer that could be stored.
    @Test func wishAtTheSnapshotsPosition_waitsForARecord() throws {
        var world = LockstepWorld.serving(1)
        world.propose("say 1", in: "a", at: 0)
        world.run(5)
        world.nodes[0].lockstep.wantSnapshot(of: "a")
        world.run(20)
        let position = try #require(world.nodes[0].lockstep.position(of: "a"))
        #expect(world.engine.contents.rooms["a"]?.snapshotPosition == position)
        world.nodes[0].lockstep.wantSnapshot(of: "a")
        world.run(60_000)
        #expect(snapshots(world) == [1])
        world.propose("say 2", in: "a", at: 0)
        world.run(20)
        #expect(snapshots(world) == [2] && world.engine.contents.rooms["a"]?.snapshotPosition == position + 1)
    }

    @Test func wish_outlivesAFullEngineAndAConnection() throws {
        var world = LockstepWorld.serving(1)
        world.propose("say 1", in: "a", at: 0)
        world.run(5)
        world.engine.isFull = true
        world.nodes[0].lockstep.wantSnapshot(of: "a")
        world.run(3_000)
        #expect(world.engine.contents.rooms["a"]?.snapshotPosition == 0 && snapshots(world)[0] > 1)
        world.stopEngine()
        world.engine.isFull = false
        world.run(1_000)
        world.startEngine()
        world.run(20_000)
        let position = try #require(world.nodes[0].lockstep.position(of: "a"))
        #expect(world.engine.contents.rooms["a"]?.snapshotPosition == position)
    }

    /// Another snapshot is on its way that does not have what the wish is about.
    @Test func wishWhileASnapshotIsStored_isFulfilledAfterIt() throws {
        var world = LockstepWorld.serving(1, delay: 20)
        world.propose("say 1", in: "a", at: 0)
        world.run(200)
        let position = try #require(world.nodes[0].lockstep.position(of: "a"))
        world.nodes[0].lockstep.wantSnapshot(of: "a")
        world.run(1)
        world.propose("say 2", in: "a", at: 0)
        while world.nodes[0].lockstep.position(of: "a") == position { world.run(1) }
        world.nodes[0].lockstep.wantSnapshot(of: "a")
        world.run(500)
        #expect(world.engine.contents.rooms["a"]?.snapshotPosition == position + 1)
    }
}
