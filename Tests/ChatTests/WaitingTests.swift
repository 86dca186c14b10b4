import Chat
import Testing

/// What is said while the room is being loaded.
@Suite struct WaitingTests {
    private func world() -> ChatHarness {
        var world = ChatHarness.durable()
        world.answersReads = false
        return world
    }

    @Test func load_isAskedOnceAndAllIsDoneInOrder() {
        var world = world()
        let (ada, bo) = (world.arrive("Ada"), world.arrive("Bo"))
        world.say(ada, "1")
        world.tick()
        let cy = world.arrive("Cy")
        world.say(bo, "2")
        world.say(ada, "3")
        world.tick(after: 5_000)
        #expect(world.disk.reads.map(\.want) == [.load])
        #expect(world.heard(ada) == [])
        world.answerReads()
        world.say(ada, "4")
        world.tick()
        #expect(
            world.heard(ada) == [
                "welcome Ada", "join Ada", "Ada: 1", "Ada: 3", "join Bo", "Bo: 2", "join Cy", "Ada: 4",
            ])
        #expect(world.heard(cy) == ["welcome Cy", "join Cy", "Ada: 4"])
        #expect(world.chat.holdings.parkedBytes == 0)
    }

    @Test func load_thatFails_refusesJoinAndAnswersTheRest() {
        var world = world()
        let ada = world.arrive("Ada")
        world.say(ada, "1", messageID: "1")
        world.tick()
        world.answerReads(failing: true)
        world.tick()
        let got = world.take(ada)
        #expect(got.map(\.code) == ["storage_failed", "not_joined"])
        #expect(got.last?["id"] == "1")
        // It can be tried again, also at once.
        world.send(ada, "{\"type\":\"join\",\"username\":\"Ada\"}")
        world.say(ada, "2")
        world.tick()
        world.answerReads()
        world.tick()
        #expect(world.heard(ada) == ["welcome Ada", "join Ada", "Ada: 2"])
    }

    @Test func load_thatFails_secondWaitingJoinTriesAgain() {
        var world = world()
        let ada = world.arrive("Ada")
        world.send(ada, "{\"type\":\"join\",\"username\":\"Ada2\"}")
        world.say(ada, "1")
        world.tick()
        world.answerReads(failing: true)
        world.tick()
        #expect(world.heard(ada) == ["storage_failed"])
        #expect(world.disk.reads.count == 1)
        world.answerReads()
        world.tick()
        #expect(world.heard(ada) == ["welcome Ada2", "join Ada2", "Ada2: 1"])
    }

    @Test func close_whileWaiting_leavesNothing() {
        var world = world()
        let (ada, bo) = (world.arrive("Ada"), world.arrive("Bo"))
        world.say(ada, "1")
        world.tick()
        world.close(ada, .lost)
        world.tick()
        #expect(world.chat.holdings.parkedBytes < 108)
        world.answerReads()
        world.tick()
        #expect(world.heard(bo) == ["welcome Bo", "join Bo"])
        world.tick(after: 60_000)
        #expect(world.heard(bo) == [])
    }

    @Test func join_ofWrongForm_doesNotWait() {
        var world = world()
        let ada = world.arrive("Ada", more: ",\"since\":\"x\"")
        world.tick()
        #expect(world.heard(ada) == ["bad_field"])
        #expect(world.disk.reads.isEmpty)
    }

    @Test func waiting_withTooManyTexts_endsConnection() {
        var world = world()
        let (ada, bo, cy) = (world.arrive("Ada"), world.arrive("Bo"), world.arrive("Cy"))
        for _ in 0..<1023 { world.say(ada, "x") }
        for _ in 0..<1024 { world.say(bo, "x") }
        for _ in 0..<20 { world.say(cy, String(repeating: "x", count: 15_000)) }
        world.tick()
        #expect(world.endings == [bo: .tooEager, cy: .tooEager])
        world.answerReads()
        world.tick()
        #expect(world.take(ada).count == 1025)
        #expect(world.heard(bo) == [])
        #expect(world.chat.holdings.parkedBytes == 0)
    }

    @Test func waiting_textsOfAllTogether_areBounded() {
        var limits = ChatHarness.unlimited(isDurable: true)
        limits.parkedBytesInAll = 1096
        var world = ChatHarness(limits: limits)
        world.answersReads = false
        let ada = world.arrive("Ada")
        world.say(ada, String(repeating: "x", count: 920))
        let bo = world.arrive("Bo")
        world.say(ada, "y", messageID: "i")
        world.tick()
        let (first, second) = (world.take(ada), world.take(bo))
        #expect(first.map(\.code) == ["rate_limited"])
        #expect(first.first?["id"] == "i")
        #expect(second.map(\.code) == ["rate_limited"])
        #expect(second.first?["retryAfter"] == 1000)
        world.answerReads()
        world.tick()
        world.send(bo, "{\"type\":\"join\",\"username\":\"Bo\"}")
        world.tick()
        #expect(world.heard(bo) == ["welcome Bo", "join Bo"])
    }

    @Test func waiting_joinIsKeptWhateverTheLimit() {
        var limits = ChatHarness.unlimited(isDurable: true)
        limits.parkedBytes = 10
        limits.parkedTexts = 1
        var world = ChatHarness(limits: limits)
        let ada = world.join("Ada")
        #expect(world.heard(ada) == ["welcome Ada", "join Ada"])
    }

    @Test func answers_thatNobodyAskedFor_areIgnored() {
        var world = ChatHarness.durable()
        let ada = world.join("Ada")
        _ = world.take(ada)
        world.inputs.items += [
            .roomLoaded(room: 0, world.room("x")), .roomFailed(room: 0),
            .roomLoaded(room: 9, world.room("x")), .roomFailed(room: 9),
            .lines(request: 77, 0..<0, more: true), .readFailed(request: 77),
            .text(ConnectionID(slot: 0, generation: 9), 0..<0), .closed(ConnectionID(slot: 0, generation: 9), .left),
            .text(ConnectionID(slot: 99, generation: 1), 0..<0), .closed(ConnectionID(slot: 99, generation: 1), .left),
        ]
        world.tick()
        #expect(world.output.due.isEmpty && world.output.written.isEmpty && world.output.reads.isEmpty)
        world.say(ada, "1")
        world.tick()
        #expect(world.take(ada).map(\.seq) == [2])
    }
}
