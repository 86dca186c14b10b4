import Support
import Testing

@testable import Chat

/// Reading over HTTP, without joining.
@Suite struct WebReadingTests {
    private func page(_ answer: JSON) -> [String] { (answer["events"] as [JSON]? ?? []).map(\.short) }

    @Test func messages_areAPageOfHistory() {
        var world = ChatHarness()
        let ada = world.join("Ada")
        for i in 1...5 { world.say(ada, "\(i)") }
        world.tick()
        let (outcome, newest) = world.answer(world.ask(.messages(before: .max, limit: 3, by: nil)))
        #expect(outcome == .ok)
        #expect(newest.type == "history")
        #expect(page(newest) == ["Ada: 3", "Ada: 4", "Ada: 5"])
        #expect(newest["more"] == true)
        #expect(newest.keys == ["type", "events", "more"])
        let rest = world.answer(world.ask(.messages(before: 4, limit: 50, by: nil))).answer
        #expect(page(rest) == ["Ada: 1", "Ada: 2"])
        #expect(rest["more"] == false)
        // What is said in the same tick is there, too.
        world.say(ada, "6")
        #expect(page(world.answer(world.ask(.messages(before: .max, limit: 1, by: nil))).answer) == ["Ada: 6"])
    }

    @Test func messages_ofTheDisk_areRead() {
        var world = ChatHarness.durable()
        let ada = world.join("Ada")
        for i in 1...1300 { world.say(ada, "\(i)") }
        world.tick()
        world.restart()
        let id = world.ask(.messages(before: 12, limit: 2, by: nil))
        let (outcome, answer) = world.answer(id)
        #expect(outcome == .ok)
        #expect(page(answer) == ["Ada: 9", "Ada: 10"])
        #expect(answer["more"] == true)
        world.answersReads = false
        let failing = world.ask(.messages(before: 12, limit: 2, by: nil))
        world.tick()
        world.answerReads(failing: true)
        #expect(world.answer(failing).outcome == .refused(.storageFailed, retryAfter: nil))
    }

    @Test func about_tellsNumbersAndNoNames() {
        var world = ChatHarness.durable()
        let ada = world.join("Ada")
        world.say(ada, "hello")
        world.tick()
        let answer = world.answer(world.ask(.about)).answer
        #expect(answer.keys == ["room", "userCount", "topic", "locked", "password", "keepDays", "seq"])
        #expect(answer["room"] == "lobby")
        #expect(answer["userCount"] == 1)
        #expect(answer.seq == 2)
        #expect(answer["locked"] == false)
        #expect(answer["password"] == false)
        #expect(!answer.text.contains("Ada"))
    }

    @Test func about_tellsHowLongARoomIsKept() {
        var limits = ChatHarness.unlimited()
        limits.keepDays = 30
        var world = ChatHarness(limits: limits)
        #expect(world.answer(world.ask(.about)).answer["keepDays"] == 30)
    }

    @Test func room_thatNobodyHasUsed_isForgottenAfterTheAnswer() {
        var world = ChatHarness.durable()
        for _ in 0..<3 {
            #expect(world.answer(world.ask(.about, room: "nowhere")).answer["userCount"] == 0)
            #expect(
                page(world.answer(world.ask(.messages(before: .max, limit: 5, by: nil), room: "nowhere")).answer) == [])
        }
        world.tick()
        #expect(world.chat.holdings.rooms == 0)
        #expect(world.chat.holdings.peers == 0)
        #expect(world.disk.rooms.isEmpty)
    }

    @Test func room_thatWasLoadedToBeRead_isReadAgainWithoutLoading() {
        var world = ChatHarness.durable()
        let ada = world.join("Ada")
        world.say(ada, "hello")
        world.tick()
        world.restart()
        #expect(page(world.answer(world.ask(.messages(before: .max, limit: 5, by: nil))).answer) == ["Ada: hello"])
        let id = world.ask(.messages(before: .max, limit: 5, by: nil))
        world.tick()
        #expect(world.outcomes[id]?.count == 1)
    }

    @Test func rate_isThatOfTheAddress_andLongPagesCountForMore() {
        var limits = ChatHarness.unlimited()
        limits.readingFromAddress = Rate(perSecond: 1, burst: 3)
        var world = ChatHarness(limits: limits)
        let ada = world.join("Ada")
        for _ in 0..<200 { world.say(ada, String(repeating: "x", count: 4000)) }
        world.tick()
        func ask(_ kind: WebRequest.Kind, from address: UInt64) -> WebOutcome? {
            let id = world.ask(kind, address: address)
            return world.answer(id).outcome
        }
        for _ in 0..<3 { #expect(ask(.about, from: 1) == .ok) }
        guard case .refused(.rateLimited, let wait?) = ask(.about, from: 1) else { return #expect(Bool(false)) }
        #expect((900...1000).contains(wait))
        #expect(ask(.messages(before: .max, limit: 200, by: nil), from: 2) == .ok)
        guard case .refused(.rateLimited, let long?) = ask(.about, from: 2) else { return #expect(Bool(false)) }
        #expect(long > 1000)
        #expect(ask(.about, from: 3) == .ok)
    }

    // MARK: Doors

    @Test func lock_letsInProgramsAlone_andHidesTheRest() {
        var garden = Garden()
        let bot = garden.world.bot("builds")
        func read(_ bot: Bot?) -> (outcome: WebOutcome?, answer: JSON) {
            let id = garden.world.ask(.messages(before: .max, limit: 5, by: bot), room: "garden")
            return garden.world.answer(id)
        }
        #expect(read(nil).outcome == .ok)
        _ = garden.moderate(garden.ada, "topic", "\"text\":\"roses\"")
        #expect(garden.world.answer(garden.world.ask(.about, room: "garden")).answer["topic"] == "roses")
        _ = garden.moderate(garden.ada, "lock")
        #expect(read(nil).outcome == .refused(.inviteRequired, retryAfter: nil))
        #expect(page(read(bot).answer) == ["Ada: first"])
        let about = garden.world.answer(garden.world.ask(.about, room: "garden")).answer
        #expect(about.keys == ["room", "locked", "password"])
        #expect(about["locked"] == true)
        // Other rooms are as open as before.
        #expect(garden.world.answer(garden.world.ask(.messages(before: .max, limit: 5, by: nil))).outcome == .ok)
        _ = garden.moderate(garden.ada, "ban", "\"username\":\"builds\"")
        #expect(read(bot).outcome == .ok)
        _ = garden.world.answer(garden.world.post(#"{"text":"x"}"#, room: "garden"))
        _ = garden.moderate(garden.ada, "ban", "\"username\":\"builds\"")
        #expect(read(bot).outcome == .refused(.banned, retryAfter: nil))
    }

    @Test func password_isNotAskedOfPrograms_andHidesTheRest() {
        var garden = Garden()
        garden.world.chat.password = garden.world.chat.secret.password("sesame")
        let stranger = garden.world.answer(garden.world.ask(.messages(before: .max, limit: 5, by: nil), room: "garden"))
        #expect(stranger.outcome == .refused(.passwordRequired, retryAfter: nil))
        let bot = garden.world.bot("builds")
        let program = garden.world.answer(garden.world.ask(.messages(before: .max, limit: 5, by: bot), room: "garden"))
        #expect(page(program.answer) == ["Ada: first"])
        let about = garden.world.answer(garden.world.ask(.about, room: "garden")).answer
        #expect(about.keys == ["room", "locked", "password"])
        #expect(about["password"] == true)
        #expect(garden.world.answer(garden.world.post(#"{"text":"x"}"#, room: "garden")).outcome == .created)
    }

    @Test func address_thatIsBanned_readsNothing() {
        var garden = Garden()
        _ = garden.moderate(garden.ada, "ban", "\"username\":\"Bo\",\"address\":true")
        func read(_ address: UInt64, by bot: Bot? = nil) -> WebOutcome? {
            let id = garden.world.ask(.messages(before: .max, limit: 5, by: bot), room: "garden", address: address)
            return garden.world.answer(id).outcome
        }
        #expect(read(12) == .refused(.banned, retryAfter: nil))
        #expect(read(12, by: garden.world.bot("builds")) == .ok)
        #expect(read(99) == .ok)
        garden.world.tick(after: 86_400_000)
        #expect(read(12) == .ok)
    }

    @Test func room_thatIsNotNamed_isNone() {
        var limits = ChatHarness.unlimited()
        limits.rules.namedRooms = ["garden"]
        var world = ChatHarness(limits: limits)
        #expect(world.answer(world.ask(.about, room: "garden")).outcome == .ok)
        for kind in [WebRequest.Kind.about, .messages(before: .max, limit: 1, by: nil)] {
            #expect(world.answer(world.ask(kind)).outcome == .refused(.roomInvalid, retryAfter: nil))
        }
        #expect(world.answer(world.post(#"{"text":"x"}"#)).outcome == .refused(.roomInvalid, retryAfter: nil))
    }

    @Test func room_thatCannotBeLoaded_isRefused() {
        var world = ChatHarness.durable()
        world.answersReads = false
        let ids = [world.ask(.about), world.ask(.messages(before: .max, limit: 1, by: nil))]
        world.tick()
        world.answerReads(failing: true)
        world.tick()
        #expect(
            ids.map { world.outcomes[$0]?.map(\.outcome) }
                == [[.refused(.storageFailed, retryAfter: nil)], [.refused(.storageFailed, retryAfter: nil)]])
    }

    @Test func memory_forRequestsThatWait_isBounded() {
        var limits = ChatHarness.unlimited(isDurable: true)
        limits.parkedBytesInAll = Limits.parkedBytes(of: 0) * 2
        var world = ChatHarness(limits: limits)
        world.answersReads = false
        let ids = (0..<3).map { _ in world.ask(.about) }
        world.tick()
        #expect(
            ids.map { world.outcomes[$0]?.map(\.outcome) }
                == [nil, nil, [.refused(.rateLimited, retryAfter: 1000)]])
        world.answerReads()
        world.tick()
        #expect(ids.map { world.outcomes[$0]?.count } == [1, 1, 1])
        #expect(world.chat.holdings.parkedBytes == 0)
    }
}
