import Bytes
import Chat
import Support
import Testing

/// Rooms that several nodes serve: all of them come to the same, whatever is proposed where, and whenever they are given it.
@Suite struct LockstepTests {
    /// Whether a client has got something with this text.
    private func heard(_ world: inout SharedWorld, _ node: Int, _ id: ConnectionID) -> [String] {
        world.nodes[node].world.heard(id)
    }

    @Test func messages_reachThoseOnAllNodesInOneOrder() {
        var world = SharedWorld(nodes: 2, seed: 1)
        let ada = world.arrive(0, "Ada")
        world.settle()
        let bo = world.arrive(1, "Bo")
        world.settle()
        #expect(heard(&world, 0, ada).suffix(2) == ["join Ada", "join Bo"])
        #expect(heard(&world, 1, bo).suffix(1) == ["join Bo"])
        world.nodes[0].world.say(ada, "one")
        world.nodes[1].world.say(bo, "two")
        world.settle()
        let first = heard(&world, 0, ada)
        #expect(first.count == 2 && heard(&world, 1, bo) == first)
    }

    @Test func nothingIsShown_beforeItIsInARecord() {
        var world = SharedWorld(nodes: 1, seed: 1)
        let ada = world.arrive(0, "Ada")
        world.settle()
        _ = world.nodes[0].world.take(ada)
        world.nodes[0].world.say(ada, "one")
        for _ in 0..<5 { world.tick(0) }
        #expect(heard(&world, 0, ada) == [])
        world.settle()
        #expect(heard(&world, 0, ada) == ["Ada: one"])
    }

    @Test func questions_waitForWhatWasSaidBefore() {
        var world = SharedWorld(nodes: 1, seed: 1)
        let ada = world.arrive(0, "Ada")
        world.nodes[0].world.say(ada, "one")
        world.nodes[0].world.send(ada, "{\"type\":\"history\",\"before\":100,\"limit\":5}")
        world.settle()
        let got = world.nodes[0].world.take(ada)
        #expect(got.map(\.type) == ["welcome", "join", "message", "history"])
        #expect((got.last?["events"] as [JSON]?)?.count == 1)
    }

    @Test func thatNothingCanBeKept_isSaidAtOnce() {
        var world = SharedWorld(nodes: 1, seed: 1)
        let ada = world.arrive(0, "Ada")
        world.settle()
        _ = world.nodes[0].world.take(ada)
        world.nodes[0].world.say(ada, "one")
        world.tick(0)
        world.nodes[0].world.inputs.items.append(.keeping(false))
        world.tick(0)
        #expect(world.nodes[0].world.take(ada).map { $0["keeping"] } == [false])
    }

    /// What is kept no longer is forgotten by all nodes, and counted so.
    @Test func expiredEvents_areForgottenByAll() {
        var world = SharedWorld(nodes: 2, seed: 1)
        let people = [world.arrive(0, "Ada"), world.arrive(1, "Bo")]
        world.settle()
        for number in 0..<5 { world.nodes[0].world.say(people[0], "\(number)") }
        world.settle()
        world.nodes[1].world.inputs.items.append(.expired(room: 0, through: 5))
        world.settle()
        for (node, id) in people.enumerated() {
            _ = world.nodes[node].world.take(id)
            world.nodes[node].world.send(id, "{\"type\":\"history\",\"before\":100,\"limit\":9}")
            world.settle()
            let page: [JSON] = world.nodes[node].world.take(id).last?["events"] ?? []
            #expect(page.map { $0.seq ?? 0 } == [6, 7])
        }
    }

    @Test func names_areUniqueOverAllNodes() {
        var world = SharedWorld(nodes: 2, seed: 1)
        let one = world.arrive(0, "Ada")
        let other = world.arrive(1, "Ada")
        world.settle()
        let all = [heard(&world, 0, one), heard(&world, 1, other)]
        #expect(all.filter { $0.contains("username_taken") }.count == 1)
    }

    @Test func client_resumesAtAnotherNode_andItsMessageIsThereOnce() {
        var world = SharedWorld(nodes: 2, seed: 1)
        let ada = world.arrive(0, "Ada")
        world.settle()
        let session = world.nodes[0].world.session(ada)
        world.nodes[0].world.say(ada, "one", messageID: "i")
        world.settle()
        let again = world.arrive(1, "x", more: ",\"session\":\"\(session)\",\"since\":1")
        world.settle()
        #expect(world.nodes[0].world.endings[ada] == .takenOver)
        _ = world.nodes[1].world.take(again)
        world.nodes[1].world.say(again, "one", messageID: "i")
        world.settle()
        #expect(world.nodes[1].world.take(again).map { $0.seq ?? 0 } == [2])
        #expect(world.nodes[1].world.room().seq == 2)
    }

    /// A join that comes late: its client has given that connection up, and has come back by another one.
    @Test func lateJoin_ofAConnectionThatIsGone_endsNoOther() {
        var world = SharedWorld(nodes: 2, seed: 1)
        let ada = world.arrive(0, "Ada")
        world.settle()
        let session = world.nodes[0].world.session(ada)
        let late = world.arrive(1, "x", more: ",\"session\":\"\(session)\"")
        world.give(1, 1)
        world.tick(1)
        world.nodes[1].world.close(late, .lost)
        world.settle()
        #expect(world.nodes[0].world.endings[ada] == nil)
        #expect(world.nodes[0].world.room().usernames == ["Ada"])
        world.nodes[0].world.say(ada, "here")
        world.settle()
        #expect(heard(&world, 0, ada).last == "Ada: here")
    }

    @Test func nodeThatIsLost_givesItsPeopleTheirTimeOfGrace() {
        var world = SharedWorld(nodes: 2, seed: 1)
        _ = world.arrive(0, "Ada")
        let bo = world.arrive(1, "Bo")
        world.settle()
        _ = world.nodes[1].world.take(bo)
        world.kill(0)
        world.settle()
        #expect(heard(&world, 1, bo) == [])
        world.tick(1, after: RoomRules.graceAfterLoss)
        world.settle()
        #expect(heard(&world, 1, bo) == ["leave Ada"])
    }

    /// A node that begins with a snapshot is given the records since while it loads: they do there what they did elsewhere.
    @Test(arguments: ["purge", "ban"]) func hostsDeeds_inTheRecordsThatANodeLoads_takeEffectThere(action: String) {
        var world = SharedWorld(nodes: 2, seed: 1)
        let ada = world.arrive(0, "Ada", more: ",\"key\":\"aaaaaaaaaaaaaaaa\"")
        let bo = world.arrive(0, "Bo", more: ",\"key\":\"bbbbbbbbbbbbbbbb\"")
        world.settle()
        world.nodes[0].world.say(bo, "one")
        world.settle()
        world.takeSnapshot(0)
        world.nodes[0].world.moderate(ada, action, "\"username\":\"Bo\"")
        world.settle()
        _ = world.arrive(1, "Cy")
        for _ in 0..<2 { world.tick(1) }
        world.give(1, 100)
        world.tick(1)
        let states = world.nodes.map { $0.world.chat.snapshot(of: 0)?.state }
        #expect(world.nodes[1].isReady && states[0] != nil && states[0] == states[1])
    }

    /// The engine has lost all that a room had: whoever has seen something of it is told.
    @Test func roomOfWhichAllIsLost_tellsAGap() {
        var world = SharedWorld(nodes: 1, seed: 1)
        world.add(.epoch(2))
        let ada = world.arrive(0, "Ada", more: ",\"since\":2")
        let bo = world.arrive(0, "Bo")
        world.settle()
        let gaps = [ada, bo].map { world.nodes[0].world.take($0).first?["gap"] as Bool? }
        #expect(gaps == [true, false])
    }

    @Test func droppedRoom_endsItsConnections_andIsLoadedAnew() {
        var world = SharedWorld(nodes: 2, seed: 1)
        let ada = world.arrive(0, "Ada")
        let bo = world.arrive(1, "Bo")
        world.settle()
        world.takeSnapshot(1)
        world.nodes[0].world.inputs.items.append(.sharedDropped(room: 0))
        world.tick(0)
        #expect(world.nodes[0].world.endings[ada] == .serverRestarts)
        world.nodes[0].position = world.snapshot?.position
        world.nodes[0].isReady = false
        world.nodes[0].world.inputs.items.append(
            .sharedBegins(
                room: 0, state: world.snapshot?.state, position: UInt64(world.snapshot?.position ?? 0)))
        world.settle()
        // Nobody has told that the connection is gone: whoever had it finds that out.
        #expect(world.nodes[1].world.room().memberCount == 2)
        world.tick(0, after: RoomRules.graceAfterLoss)
        world.settle()
        #expect(heard(&world, 1, bo).last == "leave Ada")
    }

    @Test func stateOfAnotherVersion_isNotGoneOnFrom() {
        var world = SharedWorld(nodes: 2, seed: 1)
        _ = world.arrive(0, "Ada")
        world.settle()
        world.takeSnapshot(0)
        world.snapshot?.state[0] = 99
        _ = world.arrive(1, "Bo")
        world.tick(1)
        world.tick(1)
        #expect(world.nodes[1].world.output.unreadable == "lobby")
        #expect(world.nodes[1].world.chat.sharedRooms == [])
    }

    /// While the engine is away and much waits, a close cannot be proposed; it is not forgotten.
    @Test func closeThatCannotBeProposed_isSaidLater() {
        var world = SharedWorld(nodes: 2, seed: 1)
        let ada = world.arrive(0, "Ada")
        let bo = world.arrive(1, "Bo")
        world.settle()
        _ = world.nodes[1].world.take(bo)
        world.nodes[0].world.takesProposals = false
        world.nodes[0].world.close(ada, .left)
        for _ in 0..<3 { world.tick(0) }
        #expect(heard(&world, 1, bo) == [])
        world.nodes[0].world.takesProposals = true
        world.settle()
        #expect(heard(&world, 1, bo) == ["leave Ada"])
    }

    @Test func messageThatCannotBeProposed_isRefused() {
        var world = SharedWorld(nodes: 1, seed: 1)
        let ada = world.arrive(0, "Ada")
        world.settle()
        _ = world.nodes[0].world.take(ada)
        world.nodes[0].world.takesProposals = false
        world.nodes[0].world.say(ada, "one", messageID: "i")
        world.tick(0)
        let refusal = world.nodes[0].world.take(ada)
        #expect(refusal.map(\.code) == ["storage_failed"] && refusal.first?["id"] == "i")
    }

    @Test func engineThatBeginsAnew_raisesSeqs() {
        var world = SharedWorld(nodes: 2, seed: 1)
        let ada = world.arrive(0, "Ada")
        world.settle()
        world.add(.epoch(3))
        world.nodes[0].world.say(ada, "one")
        world.settle()
        #expect(world.nodes[0].world.room().seq == 2 << 32 + 1)
        let bo = world.arrive(1, "Bo", more: ",\"since\":7")
        world.settle()
        #expect(world.nodes[1].world.take(bo).first?["gap"] == true)
    }

    /// All that people do, on nodes that are slow, die, and begin from each other's snapshots.
    @Test(arguments: 0..<12 as Range<UInt64>) func nodes_comeToTheSame_whateverHappens(seed: UInt64) {
        var world = SharedWorld(nodes: 3, seed: seed)
        for step in 0..<250 {
            let index = world.random.below(world.nodes.count)
            act(&world, index, step)
            if world.random.once(in: 3) { world.append(world.random.below(world.nodes.count)) }
            world.give(world.random.below(world.nodes.count), world.random.below(4))
            world.tick(index, after: world.random.once(in: 20) ? 31_000 : 1)
            if world.random.once(in: 15) { world.takeSnapshot(index) }
            if world.random.once(in: 60) { world.kill(index) }
            if world.random.once(in: 80) {
                world.epoch += 1
                world.add(.epoch(world.epoch))
            }
        }
        world.settle()
        let states = world.nodes.filter(\.isReady).map { $0.world.room().snapshot }
        #expect(Set(states.map(\.self)).count <= 1)
        #expect(world.records.count > 30 && !world.digests.isEmpty)
    }

    private func act(_ world: inout SharedWorld, _ index: Int, _ step: Int) {
        let letter = world.random.pick(["a", "b", "c", "d", "e"])
        guard let id = world.nodes[index].people.randomElement(using: &world.random), world.random.below(6) > 0 else {
            var more = world.random.once(in: 2) ? ",\"key\":\"\(String(repeating: letter, count: 16))\"" : ""
            if let session = world.nodes[index].sessions.randomElement(using: &world.random), world.random.once(in: 2) {
                more = ",\"session\":\"\(session)\",\"since\":\(world.random.below(30))"
            }
            return _ = world.arrive(index, letter, more: more)
        }
        let target = 1 + world.random.below(max(1, Int(world.nodes[index].world.room().seq)))
        let name = world.random.once(in: 2) ? ",\"id\":\"i\(world.random.below(40))\"" : ""
        switch world.random.below(14) {
        case 0..<5: world.nodes[index].world.send(id, "{\"type\":\"message\",\"text\":\"said \(step)\"\(name)}")
        case 5: world.nodes[index].world.rename(id, "\(letter)\(step % 3)")
        case 6:
            world.nodes[index].world.send(id, "{\"type\":\"edit\",\"target\":\(target),\"text\":\"e \(step)\"\(name)}")
        case 7: world.nodes[index].world.send(id, "{\"type\":\"delete\",\"target\":\(target)\(name)}")
        case 8, 9:
            world.nodes[index].world.send(
                id, "{\"type\":\"react\",\"target\":\(target),\"emoji\":\"👍\",\"on\":\(step % 3 > 0)\(name)}")
        case 10:
            let action = world.random.pick(["lock", "unlock", "slow", "kick", "ban", "purge"])
            let fields =
                switch action {
                case "slow": "\"seconds\":0"
                case "lock", "unlock": ""
                default: "\"username\":\"\(letter)\""
                }
            world.nodes[index].world.moderate(id, action, fields)
        case 11: world.nodes[index].world.send(id, "{\"type\":\"typing\"}")
        default:
            world.nodes[index].people.removeAll { $0 == id }
            world.nodes[index].sessions.append(ChatHarness.newSession(of: id))
            world.nodes[index].world.close(id, world.random.pick([.left, .wentAway, .lost]))
        }
    }
}
