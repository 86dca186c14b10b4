import Support
import Testing

@testable import Chat

/// What programs say over HTTP with a token.
@Suite struct PostTests {
    @Test func post_isAMessageOfTheTokensName() {
        var world = ChatHarness()
        let ada = world.join("Ada")
        world.say(ada, "is it out?")
        world.tick()
        _ = world.take(ada)
        let id = world.post(#"{"text":"build 17 is out","id":"b17","reply":2,"x":[1]}"#)
        let (outcome, answer) = world.answer(id)
        let event = world.take(ada)[0]
        #expect(outcome == .created)
        #expect(answer.text == event.text)
        #expect(event.short == "builds: build 17 is out")
        #expect(event["bot"] == true)
        #expect(event["id"] == "b17")
        #expect(event["reply"] == 2)
        let user: String? = event["user"]
        #expect(user?.utf8.count == 11)
        #expect(event.keys == ["type", "seq", "time", "username", "user", "text", "id", "reply", "bot"])
        // It is nobody that is here.
        #expect(world.room().memberCount == 1)
        world.say(ada, "hello")
        world.tick()
        #expect(world.take(ada)[0]["bot"] == (nil as Bool?))
    }

    @Test func user_followsFromTheNameAlone() {
        var world = ChatHarness()
        let user: String? = world.take(world.join("Ada"))[0]["user"]
        func poster(_ name: String, room: String) -> String? {
            let id = world.post(#"{"text":"x"}"#, by: name, room: room)
            return world.answer(id).answer["user"]
        }
        let builds = poster("builds", room: "lobby")
        #expect(poster("builds", room: "other") == builds)
        #expect(Set([user, builds, poster("news", room: "lobby"), poster("Builds", room: "lobby")]).count == 4)
    }

    @Test func room_isMadeByAPost() {
        var world = ChatHarness.durable()
        let id = world.post(#"{"text":"first"}"#, room: "new-room")
        #expect(world.answer(id).answer.seq == 1)
        #expect(world.disk.events("new-room").map(\.short) == ["builds: first"])
        for name in ["", "Upper", "a/b", String(repeating: "x", count: 33)] {
            let id = world.post(#"{"text":"x"}"#, room: name)
            let (outcome, answer) = world.answer(id)
            #expect(outcome == .refused(.roomInvalid, retryAfter: nil))
            #expect(answer.code == "room_invalid")
        }
        #expect(world.chat.rooms.count { !$0.name.isEmpty } == 1)
    }

    @Test func room_thatIsNotInMemory_isLoadedFirst() {
        var world = ChatHarness.durable()
        _ = world.answer(world.post(#"{"text":"one","id":"1"}"#))
        world.restart()
        let again = world.post(#"{"text":"one","id":"1"}"#)
        let two = world.post("{\"text\":\"zwei\\n\\u00fc\",\"id\":\"2\"}")
        world.tick()
        #expect(world.outcomes.isEmpty)
        #expect(world.answer(again).outcome == .ok)
        #expect(world.outcomes[two]?.map(\.answer.short) == ["builds: zwei\nü"])
        #expect(world.disk.events().map(\.seq) == [1, 2])
    }

    @Test func room_thatCannotBeLoaded_isRefused() {
        var world = ChatHarness.durable()
        world.answersReads = false
        let id = world.post(#"{"text":"one"}"#)
        world.tick()
        world.answerReads(failing: true)
        #expect(world.answer(id).outcome == .refused(.storageFailed, retryAfter: nil))
        #expect(world.room().name.isEmpty)
        #expect(world.chat.holdings.parkedBytes == 0)
    }

    @Test func post_whoseClientHasGone_isSaidAllTheSame() {
        var world = ChatHarness.durable()
        let ada = world.join("Ada")
        let id = world.post(#"{"text":"one"}"#)
        world.close(id, .lost)
        world.tick()
        #expect(world.take(ada).last?.short == "builds: one")
        #expect(world.outcomes.isEmpty)
        // But not where its room was not even loaded.
        let other = world.post(#"{"text":"one"}"#, room: "other")
        world.tick()
        world.close(other, .lost)
        world.tick()
        #expect(world.disk.events("other").isEmpty)
        #expect(world.chat.holdings.peers == 1)
        #expect(world.chat.holdings.parkedBytes == 0)
    }

    @Test func reply_isToAMessageThatIsThere() {
        var world = ChatHarness.durable()
        _ = world.answer(world.post(#"{"text":"one","id":"1"}"#))
        let ada = world.join("Ada")
        for i in 0..<1200 { world.say(ada, "\(i)") }
        world.tick()
        for target in [1, 2, 3, 99_999] {
            let id = world.post("{\"text\":\"x\",\"reply\":\(target)}")
            let (outcome, answer) = world.answer(id)
            // The second event is a join.
            #expect(outcome == (target == 2 || target > 9999 ? .refused(.notFound, retryAfter: nil) : .created))
            #expect(answer["reply"] == (outcome == .created ? target : nil))
        }
        world.answersReads = false
        let failing = world.post(#"{"text":"x","reply":1}"#)
        world.tick()
        world.answerReads(failing: true)
        #expect(world.answer(failing).outcome == .refused(.storageFailed, retryAfter: nil))
    }

    // MARK: Refusals

    @Test func form_isJudgedAsOfMessages() {
        var world = ChatHarness()
        for (text, code) in [
            ("", ErrorCode.badJSON), ("[]", .badJSON), (#"{"text":"x""#, .badJSON), ("{}", .badField),
            (#"{"text":7}"#, .badField), (#"{"text":"x","id":""}"#, .badField), (#"{"text":"x","id":7}"#, .badField),
            (#"{"text":"x","reply":"2"}"#, .badField), (#"{"text":"x","reply":-1}"#, .badField),
            (#"{"text":" \n"}"#, .textEmpty), (#"{"text":"\u0007"}"#, .badField),
            ("{\"text\":\"\(String(repeating: "x", count: 4001))\"}", .textTooLong),
        ] {
            let id = world.post(text)
            let (outcome, answer) = world.answer(id)
            #expect(outcome == .refused(code, retryAfter: nil), "\(text)")
            #expect(answer.type == "error")
            #expect(answer.code == code.rawValue)
            #expect(answer["message"] != (nil as String?))
        }
        #expect(world.chat.counters.messages == 0)
        #expect(world.room().name.isEmpty)
    }

    @Test func rate_isThatOfAUserAndOfAnAddress() {
        var limits = ChatHarness.unlimited()
        limits.messages = Rate(perSecond: 1, burst: 2)
        limits.messagesFromAddress = Rate(perSecond: 1, burst: 3)
        var world = ChatHarness(limits: limits)
        func post(_ name: String, _ address: UInt64 = 1) -> WebOutcome? {
            let id = world.post(#"{"text":"x","id":"\#(world.chat.counters.messages)"}"#, by: name, address: address)
            return world.answer(id).outcome
        }
        #expect(post("a") == .created)
        #expect(post("a") == .created)
        guard case .refused(.rateLimited, let wait?) = post("a") else { return #expect(Bool(false)) }
        #expect((900...1000).contains(wait))
        // The name's rate holds from everywhere, the address's for every name.
        guard case .refused(.rateLimited, _) = post("a", 2) else { return #expect(Bool(false)) }
        #expect(post("b") == .created)
        guard case .refused(.rateLimited, _) = post("b") else { return #expect(Bool(false)) }
        #expect(post("b", 2) == .created)
        #expect(world.chat.counters.refusals[.rateLimited] == 3)
    }

    @Test func names_ofPrograms_areNobodyElses() {
        var world = ChatHarness()
        world.chat.setPrograms([world.bot("builds").username])
        let ada = world.join("Ada")
        _ = world.take(ada)
        for name in ["builds", "BUILDS", "bui1ds", "ｂuilds"] { world.rename(ada, name) }
        world.tick()
        #expect(world.heard(ada) == Array(repeating: "username_invalid", count: 4))
        #expect(world.heard(world.join("Builds")) == ["username_invalid"])
        world.chat.setPrograms([])
        world.rename(ada, "builds")
        world.tick()
        #expect(world.heard(ada) == ["rename Ada builds"])
    }

    // MARK: Doors

    @Test func banAndMute_holdForPrograms() {
        var garden = Garden()
        func post(_ id: String) -> (outcome: WebOutcome?, answer: JSON) {
            garden.world.answer(garden.world.post("{\"text\":\"x\",\"id\":\"\(id)\"}", room: "garden"))
        }
        let first = post("1")
        #expect(first.outcome == .created)
        let moderation = garden.moderate(garden.ada, "ban", "\"username\":\"builds\",\"minutes\":5").last
        #expect(moderation?["toUser"] == (first.answer["user"] as String?))
        let refused = post("2")
        #expect(refused.outcome == .refused(.banned, retryAfter: nil))
        #expect(refused.answer["until"] != (nil as Int?))
        // What was said before is not said again, and is told.
        #expect(post("1").outcome == .ok)
        // It holds after a restart.
        garden.restart()
        #expect(post("2").outcome == .refused(.banned, retryAfter: nil))
        let ada = garden.world.join("Ada again", key: "a", room: "garden")
        garden.world.moderate(ada, "unban", "\"username\":\"builds\"")
        garden.world.tick()
        #expect(post("2").outcome == .created)
        garden.world.moderate(ada, "mute", "\"username\":\"builds\",\"minutes\":5")
        garden.world.tick()
        guard case .refused(.muted, let wait?) = post("3").outcome else { return #expect(Bool(false)) }
        #expect((299_000...300_000).contains(wait))
        garden.world.moderate(ada, "unmute", "\"username\":\"builds\"")
        garden.world.tick()
        #expect(post("3").outcome == .created)
    }

    @Test func lockAndSlowMode_areNotForPrograms() {
        var garden = Garden()
        _ = garden.moderate(garden.ada, "lock")
        _ = garden.moderate(garden.ada, "slow", "\"seconds\":60")
        for _ in 0..<3 {
            #expect(garden.world.answer(garden.world.post(#"{"text":"x"}"#, room: "garden")).outcome == .created)
        }
        #expect(garden.world.heard(garden.cy).suffix(3) == ["builds: x", "builds: x", "builds: x"])
    }

    @Test func program_isNeverAHost() {
        var world = ChatHarness.durable()
        let answer = world.answer(world.post(#"{"text":"first"}"#, room: "new")).answer
        #expect(answer["role"] == (nil as String?))
        #expect(world.room("new").role(of: world.bot("builds").user) == nil)
    }

    @Test func newRooms_ofAnAddress_areBounded() {
        var limits = ChatHarness.unlimited(isDurable: true)
        limits.newRoomsInAnHour = Allowance(2, in: 3_600_000)
        var world = ChatHarness(limits: limits)
        func post(_ room: String, _ address: UInt64 = 1) -> WebOutcome? {
            world.answer(world.post(#"{"text":"x"}"#, room: room, address: address)).outcome
        }
        #expect(post("a") == .created)
        #expect(post("b") == .created)
        guard case .refused(.rateLimited, let wait?) = post("c") else { return #expect(Bool(false)) }
        #expect(wait > 60_000)
        #expect(post("a") == .created)
        #expect(post("c", 2) == .created)
    }

    // MARK: Exactly once

    @Test func id_thatWasUsed_isAnsweredWithItsMessage() {
        var world = ChatHarness()
        let ada = world.join("Ada")
        let first = world.answer(world.post(#"{"text":"one","id":"1"}"#))
        _ = world.take(ada)
        let again = world.answer(world.post(#"{"text":"two","id":"1"}"#))
        #expect(again.outcome == .ok)
        #expect(again.answer.text == first.answer.text)
        #expect(world.heard(ada) == [])
        // Of others it is another, and so it is of members.
        #expect(world.answer(world.post(#"{"text":"x","id":"1"}"#, by: "news")).outcome == .created)
        world.say(ada, "mine", messageID: "1")
        world.tick()
        #expect(world.heard(ada) == ["news: x", "Ada: mine"])
    }

    @Test func id_inTheSameTick_isSaidOnce() {
        var world = ChatHarness.durable()
        let ids = (0..<3).map { _ in world.post(#"{"text":"one","id":"1"}"#) }
        _ = world.answer(ConnectionID(slot: 99, generation: 1))
        #expect(ids.map { world.outcomes[$0]?.map(\.outcome) } == [[.created], [.ok], [.ok]])
        #expect(Set(ids.map { world.outcomes[$0]?[0].answer.text }).count == 1)
    }

    @Test func id_isKnownAfterRestarts_bySnapshotAndByEvents() {
        var world = ChatHarness.durable()
        let first = world.answer(world.post(#"{"text":"one","id":"1"}"#))
        for isSnapshot in [false, true, false] {
            if isSnapshot { world.disk.beginSegment(of: world.room()) }
            world.restart()
            let (outcome, answer) = world.answer(world.post(#"{"text":"other","id":"1"}"#))
            #expect(outcome == .ok)
            #expect(answer.text == first.answer.text)
        }
        // Whose name it was is known, too.
        #expect(world.room().nameUsers["builds"] != nil)
    }

    @Test func id_ofAnOldMessage_isReadFromTheDisk() {
        var world = ChatHarness.durable()
        let first = world.answer(world.post(#"{"text":"one","id":"1"}"#))
        let ada = world.join("Ada")
        for i in 0..<1200 { world.say(ada, "\(i)") }
        world.tick()
        let id = world.post(#"{"text":"one","id":"1"}"#)
        world.tick()
        #expect(world.disk.reads.map(\.want) == [.event(1)])
        let (outcome, answer) = world.answer(id)
        #expect(outcome == .ok)
        #expect(answer.text == first.answer.text)
        world.answersReads = false
        let failing = world.post(#"{"text":"one","id":"1"}"#)
        world.tick()
        world.answerReads(failing: true)
        #expect(world.answer(failing).outcome == .refused(.storageFailed, retryAfter: nil))
    }

    @Test func id_ofAnEditedMessage_isAnsweredWithWhatItIsNow() {
        var world = ChatHarness()
        let ada = world.join("Ada")
        let seq = world.answer(world.post(#"{"text":"one","id":"1"}"#)).answer.seq ?? 0
        world.send(ada, "{\"type\":\"react\",\"target\":\(seq),\"emoji\":\"👍\"}")
        world.tick()
        let answer = world.answer(world.post(#"{"text":"one","id":"1"}"#)).answer
        #expect(answer.seq == seq)
        #expect(answer.text.contains("👍"))
        #expect(!answer.text.contains("\"mine\":true"))
    }

    // MARK: The disk

    @Test func post_thatIsNotWritten_isTakenBack() {
        var world = ChatHarness.durable()
        let ada = world.join("Ada")
        world.say(ada, "hello")
        world.tick()
        _ = world.take(ada)
        world.disk.failing = ["lobby"]
        let before = world.room().snapshot
        let (outcome, answer) = world.answer(world.post(#"{"text":"one","id":"1"}"#))
        #expect(outcome == .refused(.storageFailed, retryAfter: nil))
        #expect(answer.code == "storage_failed")
        #expect(world.room().snapshot == before)
        #expect(world.heard(ada) == [])
        world.disk.failing = []
        #expect(world.answer(world.post(#"{"text":"one","id":"1"}"#)).outcome == .created)
        world.disk.failing = ["lobby"]
        let between = world.room().snapshot
        #expect(world.answer(world.post(#"{"text":"two","id":"2"}"#)).outcome != .created)
        #expect(world.room().snapshot == between)
        #expect(world.answer(world.post(#"{"text":"one","id":"1"}"#)).outcome == .ok)
    }

    @Test func answer_waitsForTheDiskItself() {
        var world = ChatHarness.durable()
        world.disk.ticket = 1
        let id = world.post(#"{"text":"one"}"#)
        #expect(world.answer(id).outcome == nil)
        world.tick()
        #expect(world.outcomes.isEmpty)
        world.sync()
        #expect(world.answer(id).outcome == .created)
    }

    @Test func connection_asksAgainAfterItsAnswer() {
        var world = ChatHarness.durable()
        let id = world.post(#"{"text":"0"}"#)
        #expect(world.answer(id).outcome == .created)
        for i in 1...3 {
            _ = world.post("{\"text\":\"\(i)\"}", on: id)
            #expect(world.answer(id).answer.seq == i + 1)
        }
        #expect(world.chat.holdings.peers == 0)
    }
}
