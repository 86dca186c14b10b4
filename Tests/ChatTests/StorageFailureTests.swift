import Chat
import Testing

/// Never is anything seen that is not written; and what could not be written has not happened.
@Suite struct StorageFailureTests {
    private func world(_ names: String...) -> (world: ChatHarness, ids: [ConnectionID]) {
        var world = ChatHarness.durable()
        let ids = names.map { world.join($0) }
        world.say(ids[0], "said")
        world.tick()
        for id in ids { _ = world.take(id) }
        return (world, ids)
    }

    @Test func rollBack_ofMessage_refusesItWithItsID() {
        var (world, ids) = world("Ada", "Bo")
        world.disk.failing = ["lobby"]
        world.say(ids[0], "one", messageID: "i\"1")
        world.say(ids[0], "two")
        world.send(ids[0], "{\"type\":\"typing\"}")
        world.tick()
        let got = world.take(ids[0])
        #expect(got.map(\.code) == ["storage_failed", "storage_failed"])
        #expect(got.map { $0["id"] } == ["i\"1", nil])
        #expect(world.heard(ids[1]) == ["typing Ada"])
        #expect(world.chat.counters.takenBack == 2)
        #expect(world.chat.counters.messages == 1)
        world.disk.failing = []
        world.say(ids[0], "one", messageID: "i\"1")
        world.tick()
        let event = world.take(ids[1])
        #expect(event.map(\.short) == ["Ada: one"])
        #expect(event[0].seq == 4)
        #expect(world.disk.events().map(\.seq) == [3, 4])
    }

    @Test func rollBack_ofRepeatInSameTick_refusesBoth() {
        var (world, ids) = world("Ada")
        world.disk.failing = ["lobby"]
        world.say(ids[0], "one", messageID: "1")
        world.say(ids[0], "one", messageID: "1")
        world.tick()
        let got = world.take(ids[0])
        #expect(got.map(\.code) == ["storage_failed", "storage_failed"])
        #expect(got.map { $0["id"] } == ["1", "1"])
    }

    @Test func rollBack_ofRepeatOfWrittenMessage_answersIt() {
        var (world, ids) = world("Ada")
        world.say(ids[0], "one", messageID: "1")
        world.tick()
        world.disk.failing = ["lobby"]
        world.say(ids[0], "two")
        world.say(ids[0], "one", messageID: "1")
        world.tick()
        #expect(world.heard(ids[0]) == ["Ada: one", "storage_failed", "Ada: one"])
    }

    @Test func rollBack_ofPage_leavesOutWhatIsTakenBack() {
        var (world, ids) = world("Ada")
        world.disk.failing = ["lobby"]
        world.send(ids[0], "{\"type\":\"history\",\"before\":99,\"limit\":9}")
        world.say(ids[0], "one", messageID: "1")
        world.send(ids[0], "{\"type\":\"history\",\"before\":99,\"limit\":9}")
        world.tick()
        #expect(world.heard(ids[0]) == ["history [\"Ada: said\"]", "storage_failed", "history [\"Ada: said\"]"])
    }

    @Test func rollBack_ofJoin_canBeTriedAgain() {
        var (world, ids) = world("Ada")
        world.disk.failing = ["lobby"]
        let bo = world.arrive("Bo")
        world.say(bo, "hi", messageID: "1")
        world.tick()
        #expect(world.heard(bo) == ["storage_failed", "not_joined"])
        #expect(world.room().memberCount == 1)
        #expect(world.room().present == ids)
        world.send(bo, "{\"type\":\"history\",\"before\":1,\"limit\":1}")
        world.disk.failing = []
        let other = world.arrive("BO")
        world.send(bo, "{\"type\":\"join\",\"username\":\"Bo2\"}")
        world.say(bo, "hi", messageID: "1")
        world.tick()
        #expect(world.heard(bo) == ["not_joined", "welcome Bo2", "join Bo2", "Bo2: hi"])
        #expect(world.heard(other) == ["welcome BO", "join BO", "join Bo2", "Bo2: hi"])
        #expect(world.heard(ids[0]) == ["join BO", "join Bo2", "Bo2: hi"])
    }

    @Test func rollBack_ofRenameWhoseNameWentOn_undoesAll() {
        var (world, ids) = world("Ada", "Bo")
        world.disk.failing = ["lobby"]
        world.send(ids[0], "{\"type\":\"rename\",\"username\":\"Eve\"}")
        world.send(ids[1], "{\"type\":\"rename\",\"username\":\"Ada\"}")
        let cy = world.arrive("Bo")
        world.send(ids[0], "{\"type\":\"rename\",\"username\":\"Zoe\"}")
        let dee = world.arrive("Eve")
        world.tick()
        // Names are as they were: so one is asked for that another has.
        #expect(world.heard(ids[0]) == ["storage_failed", "storage_failed"])
        for id in [ids[1], cy] { #expect(world.heard(id) == ["username_taken"]) }
        #expect(world.heard(dee) == ["storage_failed"])
        world.disk.failing = []
        for name in ["Ada", "BO"] { #expect(world.take(world.join(name)).map(\.code) == ["username_taken"]) }
        for name in ["Eve", "Zoe"] { #expect(world.take(world.join(name)).map(\.type) == ["welcome", "join"]) }
    }

    @Test func rollBack_ofLeave_isTriedAgain() {
        var (world, ids) = world("Ada", "Bo")
        world.disk.failing = ["lobby"]
        world.close(ids[1], .left)
        world.tick()
        #expect(world.heard(ids[0]) == [])
        #expect(world.take(world.join("Bo")).map(\.code) == ["username_taken"])
        for _ in 0..<3 { world.tick(after: 5_000) }
        #expect(world.heard(ids[0]) == [])
        world.disk.failing = []
        world.tick(after: 4_999)
        #expect(world.heard(ids[0]) == [])
        world.tick(after: 1)
        #expect(world.heard(ids[0]) == ["leave Bo"])
        world.tick(after: 60_000)
        #expect(world.heard(ids[0]) == [])
        #expect(world.room().memberCount == 1)
    }

    @Test func rollBack_ofLeave_letsMemberComeBack() {
        var (world, ids) = world("Ada")
        let bo = world.join("Bo")
        let session = world.session(bo)
        world.disk.failing = ["lobby"]
        world.close(bo, .left)
        world.tick()
        let back = world.comeBack(session)
        #expect(world.heard(back) == ["welcome Bo"])
        world.disk.failing = []
        world.tick(after: 60_000)
        #expect(world.heard(ids[0]) == ["join Bo"])
    }

    @Test func rollBack_ofResume_welcomesFirst() {
        var (world, ids) = world("Ada")
        let bo = world.join("Bo")
        let session = world.session(bo)
        world.close(bo, .lost)
        world.tick()
        world.disk.failing = ["lobby"]
        world.say(ids[0], "one")
        let back = world.arrive("x", more: ",\"session\":\"\(session)\",\"since\":2")
        world.say(back, "two", messageID: "2")
        world.say(back, " ")
        world.tick()
        let got = world.take(back)
        #expect(got.map(\.short) == ["welcome Bo", "storage_failed", "text_empty"])
        #expect((got[0]["history"] as [JSON]?)?.map(\.short) == ["join Bo"])
        #expect(got[0]["seq"] == 3)
        world.disk.failing = []
        world.say(ids[0], "three")
        world.tick()
        #expect(world.heard(back) == ["Ada: three"])
    }

    /// Join, message, takeover by another connection, rename, repeat and leave, all in a tick that fails.
    @Test func rollBack_ofWholeLifeInOneTick_undoesAll() {
        var (world, ids) = world("Ada")
        world.disk.failing = ["lobby"]
        let first = world.arrive("Bo")
        world.say(first, "1", messageID: "1")
        let more = ",\"session\":\"\(ChatHarness.newSession(of: first))\""
        let second = world.arrive("x", more: more)
        world.send(second, "{\"type\":\"rename\",\"username\":\"Cy\"}")
        world.say(second, "1", messageID: "1")
        world.close(second, .left)
        let third = world.arrive("Bo", more: more)
        let fourth = world.arrive("x", more: more)
        world.tick()
        #expect(world.heard(ids[0]) == [])
        // Nobody was in for the second to take over.
        #expect(world.endings == [:])
        #expect(world.heard(first) == ["storage_failed", "not_joined"])
        #expect(world.heard(third) == ["storage_failed"])
        #expect(world.heard(fourth) == ["storage_failed"])
        #expect(world.room().memberCount == 1)
        #expect(world.room().present == ids)
        #expect(world.room().seq == 2)
        #expect(world.chat.holdings.usedIDs == 0)
        #expect(world.chat.holdings.people == 1)
        world.disk.failing = []
        for id in [third, fourth] { world.send(id, "{\"type\":\"join\",\"username\":\"N\(id.slot)\"}") }
        world.tick()
        #expect(world.heard(ids[0]) == ["join N\(third.slot)", "join N\(fourth.slot)"])
    }

    @Test func rollBack_ofJoinThatWasTakenOver_leavesNobody() {
        var (world, ids) = world("Ada")
        world.disk.failing = ["lobby"]
        let first = world.arrive("Bo")
        let second = world.arrive("x", more: ",\"session\":\"\(ChatHarness.newSession(of: first))\"")
        world.tick()
        #expect(world.endings == [:])
        #expect(world.heard(second) == ["storage_failed"])
        world.disk.failing = []
        world.say(second, "hi")
        world.tick()
        #expect(world.heard(second) == ["not_joined"])
        #expect(world.heard(ids[0]) == [])
    }

    @Test func rollBack_ofOneRoom_isNotAnothers() {
        var world = ChatHarness.durable()
        let (ada, bo) = (world.join("Ada", room: "one"), world.join("Bo", room: "two"))
        _ = (world.take(ada), world.take(bo))
        world.disk.failing = ["one"]
        world.say(ada, "1")
        world.say(bo, "2")
        world.tick()
        #expect(world.heard(ada) == ["storage_failed"])
        #expect(world.heard(bo) == ["Bo: 2"])
    }

    @Test func rollBack_keepsNoticesHeldFromEarlierTicks() {
        var world = ChatHarness.durable()
        let ids = (0..<200).map { world.arrive("user\($0)") }
        world.tick()
        world.tick()
        _ = world.take(ids[0])
        let bo = world.arrive("Bo")
        world.tick()
        #expect(world.heard(ids[0]) == [])
        world.disk.failing = ["lobby"]
        let cy = world.arrive("Cy")
        world.say(ids[0], "1")
        world.tick()
        #expect(world.heard(cy) == ["storage_failed"])
        #expect(world.heard(ids[0]) == ["storage_failed"])
        #expect(world.heard(bo) == ["welcome Bo"])
        world.disk.failing = []
        world.tick(after: 10)
        #expect(world.heard(ids[0]) == ["join Bo"])
        #expect(world.heard(bo) == ["join Bo"])
    }

    @Test func rollBack_ofRoomThatWasNotWritten_isHarmless() {
        var (world, ids) = world("Ada")
        world.output.removeAll()
        world.chat.admit(&world.inputs, into: &world.output)
        world.chat.update(Span(), into: &world.output)
        world.chat.settle(failed: [0, 0, 77], ticket: nil, Span(), into: &world.output)
        world.chat.endTick(world.output)
        world.say(ids[0], "hi")
        world.tick()
        #expect(world.heard(ids[0]) == ["Ada: hi"])
    }

    // MARK: All is as it was

    /// More ids than are remembered, in a tick that is taken back, beside those from before.
    @Test func rollBack_ofManyIDs_forgetsNone() {
        var (world, ids) = world("Ada")
        for i in 0..<900 { world.say(ids[0], "\(i)", messageID: "\(i)") }
        world.tick()
        _ = world.take(ids[0])
        let before = world.room().snapshot
        world.disk.failing = ["lobby"]
        for i in 0..<2500 { world.say(ids[0], "x", messageID: "x\(i)") }
        world.tick()
        #expect(world.room().snapshot == before)
        world.disk.failing = []
        _ = world.take(ids[0])
        for i in 0..<900 { world.say(ids[0], "again", messageID: "\(i)") }
        world.tick()
        #expect(world.heard(ids[0]) == (0..<900).map { "Ada: \($0)" })
    }

    /// Whatever a tick brings: when it is taken back, the room is what it was, to the byte; and what is kept in the end is
    /// what was seen.
    @Test func rollBack_ofAnyTick_leavesRoomAsItWas() {
        for seed in 0..<6 as Range<UInt64> {
            var crowd = Crowd(seed: seed, world: ChatHarness.durable())
            var refused = 0
            for _ in 0..<120 {
                crowd.act()
                let isFailing = crowd.random.once(in: 3)
                crowd.world.disk.failing = isFailing ? ["lobby"] : []
                let before = crowd.world.room()
                crowd.world.tick(after: Int64(crowd.random.below(4) * 3000))
                while !crowd.world.disk.reads.isEmpty { crowd.world.tick() }
                let after = crowd.world.room()
                guard isFailing, !before.snapshot.contains("\"first\":0"), before.memberCount > 0 else { continue }
                #expect(after.seq == before.seq)
                #expect(after.snapshot == before.snapshot)
                refused += 1
            }
            #expect(refused > 10)
            crowd.world.disk.failing = []
            crowd.world.tick()
            let kept = crowd.world.disk.events()
            #expect(kept.map(\.seq) == kept.map(\.seq).sorted { ($0 ?? 0) < ($1 ?? 0) })
            #expect(
                crowd.world.disk.load("lobby", crowd.world.chat.limits.rules).snapshot == crowd.world.room().snapshot)
        }
    }
}
