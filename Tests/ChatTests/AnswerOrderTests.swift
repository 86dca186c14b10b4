import Chat
import Testing

/// Answers to one connection come in the order in which it asked, also behind one that comes from the disk.
@Suite struct AnswerOrderTests {
    /// A room of which memory holds the newest few messages.
    private func world() -> (world: ChatHarness, ada: ConnectionID) {
        var limits = ChatHarness.unlimited(isDurable: true)
        limits.rules.recentBytes = 500
        limits.rules.recentMessages = 1
        var world = ChatHarness(limits: limits)
        let ada = world.join("Ada")
        for i in 0..<40 { world.say(ada, "\(i)", messageID: "\(i)") }
        world.tick()
        _ = world.take(ada)
        world.answersReads = false
        return (world, ada)
    }

    private func ask(_ world: inout ChatHarness, _ id: ConnectionID, _ fields: String, ref: String? = nil) {
        world.send(id, "{\"type\":\"history\",\(fields)\(ref.map { ",\"ref\":\"\($0)\"" } ?? "")}")
    }

    @Test func answers_waitBehindOneFromTheDisk() {
        var (world, ada) = world()
        ask(&world, ada, "\"before\":10,\"limit\":1", ref: "a")
        world.send(ada, "{}")
        ask(&world, ada, "\"before\":999,\"limit\":1", ref: "b")
        world.say(ada, " ", messageID: "i")
        world.say(ada, "new")
        world.tick()
        // Events are no answers.
        #expect(world.heard(ada) == ["Ada: new"])
        world.send(ada, "[]")
        world.tick()
        #expect(world.heard(ada) == [])
        world.answerReads()
        world.tick()
        let got = world.take(ada)
        #expect(got.map(\.type) == ["history", "error", "history", "error", "error"])
        #expect(got.map { $0["ref"] } == ["a", nil, "b", nil, nil])
        #expect(got.map(\.code) == [nil, "bad_field", nil, "text_empty", "bad_json"])
        #expect(got[2].short == "history [\"Ada: 39\"]")
        // Then it is as before.
        world.send(ada, "{}")
        world.tick()
        #expect(world.heard(ada) == ["bad_field"])
    }

    @Test func answersFromTheDisk_comeInOrderWhateverTheDisksOrder() {
        var (world, ada) = world()
        ask(&world, ada, "\"before\":10,\"limit\":1", ref: "a")
        world.say(ada, "x", messageID: "3")
        ask(&world, ada, "\"after\":5,\"limit\":2", ref: "c")
        world.tick()
        #expect(
            world.disk.reads.map(\.want) == [.messagesBefore(10, limit: 1), .event(5), .messagesAfter(5, limit: 2)])
        let reads = world.disk.reads
        for read in [reads[2], reads[1]] {
            world.disk.reads = [read]
            world.answerReads()
            world.tick()
            #expect(world.heard(ada) == [])
        }
        world.disk.reads = [reads[0]]
        world.answerReads(failing: true)
        world.tick()
        let got = world.take(ada)
        #expect(got.map(\.short) == ["storage_failed", "Ada: 3", "history [\"Ada: 4\", \"Ada: 5\"]"])
        #expect(got.map { $0["ref"] } == ["a", nil, "c"])
    }

    @Test func answersOfOthers_doNotWait() {
        var (world, ada) = world()
        let bo = world.join("Bo")
        _ = (world.take(ada), world.take(bo))
        ask(&world, ada, "\"before\":10,\"limit\":1")
        world.tick()
        ask(&world, bo, "\"before\":999,\"limit\":1", ref: "b")
        world.tick()
        #expect(world.take(bo).map { $0["ref"] } == ["b"])
    }

    @Test func answers_ofAClosedConnection_areLetGo() {
        var (world, ada) = world()
        ask(&world, ada, "\"before\":10,\"limit\":1")
        world.send(ada, "{}")
        world.tick()
        #expect(world.chat.holdings.waitingAnswers == 2)
        world.close(ada, .left)
        world.tick()
        #expect(world.chat.holdings.waitingAnswers == 0)
        world.answerReads()
        world.tick()
        #expect(world.chat.holdings.reads == 0)
        #expect(world.heard(ada) == [])
    }

    @Test func answers_tooManyBehindOne_endTheConnection() {
        var (world, ada) = world()
        ask(&world, ada, "\"before\":10,\"limit\":1")
        for _ in 1..<Limits.waitingAnswers { world.send(ada, "{}") }
        world.tick()
        #expect(world.endings.isEmpty)
        world.send(ada, "{}")
        world.tick()
        #expect(world.endings == [ada: .tooEager])
    }

    @Test func refusals_ofConnectionWithoutRoom_haveTheirIDs() {
        var world = ChatHarness()
        let id = world.open("No Room")
        world.say(id, "x", messageID: "1")
        world.send(id, "{\"type\":\"history\",\"before\":1,\"limit\":1,\"ref\":\"2\"}")
        world.tick()
        let got = world.take(id)
        #expect(got.map(\.code) == ["not_joined", "not_joined"])
        #expect(got[0]["id"] == "1")
        #expect(got[1]["ref"] == "2")
    }

    // MARK: ref and after

    @Test func ref_comesBackAsItWasSent() {
        var (world, ada) = world()
        for ref in ["a", "\\u0061\\n\\\"", "🦊"] { ask(&world, ada, "\"before\":999,\"limit\":1", ref: ref) }
        ask(&world, ada, "\"before\":999,\"limit\":1,\"ref\":null")
        world.tick()
        let got = world.take(ada)
        #expect(got.map { $0["ref"] } == ["a", "a\n\"", "🦊", nil])
        #expect(got[3].keys == ["type", "events", "more"])
    }

    @Test(arguments: ["1", "\"\"", "[]", "\"\(String(repeating: "x", count: 65))\""])
    func ref_ofWrongForm_isRefused(ref: String) {
        var (world, ada) = world()
        ask(&world, ada, "\"before\":999,\"limit\":1,\"ref\":\(ref)")
        world.tick()
        let got = world.take(ada)
        #expect(got.map(\.code) == ["bad_field"])
        #expect(got[0].keys == ["type", "code", "message"])
    }

    @Test(arguments: [
        "\"before\":5,\"after\":5,\"limit\":5", "\"limit\":5", "\"after\":-1,\"limit\":5",
        "\"after\":\"5\",\"limit\":5",
        "\"after\":5", "\"after\":5,\"limit\":201", "\"before\":\"x\",\"after\":5,\"limit\":5",
    ])
    func after_ofWrongForm_isRefused(fields: String) {
        var (world, ada) = world()
        ask(&world, ada, fields, ref: "r")
        world.tick()
        let got = world.take(ada)
        #expect(got.map(\.code) == ["bad_field"])
        #expect(got.map { $0["ref"] } == ["r"])
    }

    @Test(arguments: [false, true], [1, 7, 100, 200])
    func after_repeated_leadsToTheNewestMessage(isDurable: Bool, limit: Int) {
        var limits = ChatHarness.unlimited(isDurable: isDurable)
        if isDurable { (limits.rules.recentBytes, limits.rules.recentMessages) = (20_000, 10) }
        var world = ChatHarness(limits: limits)
        let ada = world.join("Ada")
        for i in 0..<600 {
            world.say(ada, "\(i)")
            if i % 3 == 0 { world.rename(ada, i % 2 == 0 ? "Eve" : "Ada") }
        }
        world.tick()
        _ = world.take(ada)
        var (texts, after, more): ([String], Int, Bool) = ([], 0, true)
        while more {
            ask(&world, ada, "\"after\":\(after),\"limit\":\(limit)")
            world.tick()
            if !world.disk.reads.isEmpty { world.tick() }
            guard let page = world.take(ada).last else { break }
            let events: [JSON] = page["events"] ?? []
            #expect(events.count == limit || page["more"] == false)
            texts += events.map { $0["text"] ?? "" }
            more = page["more"] ?? false
            after = events.last?.seq ?? 0
        }
        #expect(texts == (0..<600).map(String.init))
    }

    @Test func after_inTickWithMessages_hasThoseBeforeIt() {
        var world = ChatHarness()
        let ada = world.join("Ada")
        for i in 0..<3 { world.say(ada, "\(i)") }
        world.tick()
        _ = world.take(ada)
        world.say(ada, "new")
        ask(&world, ada, "\"after\":3,\"limit\":9")
        world.say(ada, "newer")
        ask(&world, ada, "\"after\":9223372036854775807,\"limit\":9")
        world.tick()
        #expect(
            world.heard(ada) == ["Ada: new", "history [\"Ada: 2\", \"Ada: new\"]", "Ada: newer", "history []"])
    }

    @Test func after_isCutToAMegabyteFromTheOldest() {
        var world = ChatHarness()
        let ada = world.join("Ada")
        for _ in 0..<200 { world.say(ada, String(repeating: "🦊", count: 4000)) }
        world.tick()
        _ = world.take(ada)
        ask(&world, ada, "\"after\":0,\"limit\":200")
        world.tick()
        let page = world.take(ada).last
        let events: [JSON] = page?["events"] ?? []
        #expect(events.first?.seq == 2)
        #expect((60..<70).contains(events.count))
        #expect(page?["more"] == true)
    }
}
