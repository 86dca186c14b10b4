import Chat
import Testing

@Suite struct PagingTests {
    /// A room in which a thousand and more was said, with notices between.
    private func world(messages: Int, isDurable: Bool) -> (world: ChatHarness, ada: ConnectionID) {
        var world = ChatHarness(limits: ChatHarness.unlimited(isDurable: isDurable))
        let ada = world.join("Ada")
        for i in 0..<messages {
            world.say(ada, "\(i)")
            if i % 3 == 0 { world.rename(ada, i % 2 == 0 ? "Eve" : "Ada") }
        }
        world.tick()
        _ = world.take(ada)
        return (world, ada)
    }

    private func page(_ world: inout ChatHarness, _ id: ConnectionID, before: Int, limit: Int) -> JSON? {
        world.send(id, "{\"type\":\"history\",\"before\":\(before),\"limit\":\(limit)}")
        world.tick()
        if !world.disk.reads.isEmpty { world.tick() }
        return world.take(id).last
    }

    @Test func page_before_hasNewestMessagesOldestFirst() {
        var (world, ada) = world(messages: 20, isDurable: false)
        let page = page(&world, ada, before: 20, limit: 5)
        #expect(page?.keys == ["type", "events", "more"])
        #expect(page?.short == "history [\"Eve: 8\", \"Eve: 9\", \"Ada: 10\", \"Ada: 11\", \"Ada: 12\"]")
        #expect(page?["more"] == true)
    }

    @Test(arguments: [false, true], [1, 7, 100, 200])
    func page_before_repeated_leadsToFirstMessage(isDurable: Bool, limit: Int) {
        var (world, ada) = world(messages: 1600, isDurable: isDurable)
        var texts: [String] = []
        var before = 1_000_000
        var more = true
        while more {
            guard let page = page(&world, ada, before: before, limit: limit) else { break }
            let events: [JSON] = page["events"] ?? []
            #expect(events.count == limit || page["more"] == false)
            texts = events.map { $0["text"] ?? "" } + texts
            more = page["more"] ?? false
            before = events.first?.seq ?? 0
        }
        #expect(texts == (0..<1600).map(String.init))
    }

    @Test func page_ofForgottenMessages_isEmptyWithoutMore() {
        var (world, ada) = world(messages: 4000, isDurable: false)
        let page = page(&world, ada, before: 1000, limit: 10)
        #expect(page?.short == "history []")
        #expect(page?["more"] == false)
    }

    @Test func page_inTickWithMessages_hasThoseBeforeIt() {
        var (world, ada) = world(messages: 3, isDurable: false)
        world.say(ada, "new")
        world.send(ada, "{\"type\":\"history\",\"before\":99999999999999999999,\"limit\":2}")
        world.say(ada, "newer")
        world.tick()
        #expect(world.heard(ada) == ["Eve: new", "history [\"Eve: 2\", \"Eve: new\"]", "Eve: newer"])
    }

    @Test(arguments: [
        "", ",\"before\":5", ",\"limit\":5", ",\"before\":-1,\"limit\":5", ",\"before\":5,\"limit\":0",
        ",\"before\":5,\"limit\":201", ",\"before\":5,\"limit\":-1", ",\"before\":5,\"limit\":1.5",
        ",\"before\":5,\"limit\":\"5\"", ",\"before\":\"5\",\"limit\":5", ",\"before\":5e3,\"limit\":5",
        ",\"before\":null,\"limit\":5", ",\"before\":5,\"limit\":99999999999999999999",
        ",\"before\":5,\"limit\":18446744073709551617",
    ])
    func page_withoutOneSeqOrLimit_isRefused(fields: String) {
        var (world, ada) = world(messages: 3, isDurable: false)
        world.send(ada, "{\"type\":\"history\"\(fields)}")
        world.tick()
        #expect(world.heard(ada) == ["bad_field"])
    }

    @Test(arguments: [0, 1, 2]) func page_beforeFirstMessage_isEmpty(before: Int) {
        var (world, ada) = world(messages: 3, isDurable: true)
        let page = page(&world, ada, before: before, limit: 200)
        #expect(page?.short == "history []")
        #expect(page?["more"] == false)
    }

    @Test func page_waitingForDisk_letsChatGoOn() {
        var (world, ada) = world(messages: 1600, isDurable: true)
        world.answersReads = false
        world.send(ada, "{\"type\":\"history\",\"before\":10,\"limit\":2}")
        world.say(ada, "meanwhile")
        world.tick()
        #expect(world.heard(ada) == ["Ada: meanwhile"])
        world.answerReads()
        world.say(ada, "then")
        world.tick()
        #expect(world.heard(ada) == ["history [\"Ada: 4\", \"Ada: 5\"]", "Ada: then"])
    }

    @Test func page_ofFailingDisk_isRefused() {
        var (world, ada) = world(messages: 1600, isDurable: true)
        world.answersReads = false
        world.send(ada, "{\"type\":\"history\",\"before\":10,\"limit\":2,\"ref\":\"p\\\"1\"}")
        world.tick()
        world.answerReads(failing: true)
        world.tick()
        let got = world.take(ada)
        #expect(got.map(\.code) == ["storage_failed"])
        #expect(got.map { $0["ref"] } == ["p\"1"])
    }

    @Test func page_forClosedConnection_isDropped() {
        var (world, ada) = world(messages: 1600, isDurable: true)
        world.answersReads = false
        world.send(ada, "{\"type\":\"history\",\"before\":10,\"limit\":2}")
        world.tick()
        world.close(ada, .left)
        world.answerReads()
        world.tick()
        #expect(world.heard(ada) == [])
        #expect(world.chat.holdings.reads == 0)
    }

    @Test func page_ofLongestMessages_isCutAndSaysSo() {
        var world = ChatHarness()
        let ada = world.join("Ada")
        for _ in 0..<200 { world.say(ada, String(repeating: "🦊", count: 4000)) }
        world.tick()
        let page = page(&world, ada, before: 1000, limit: 200)
        let events: [JSON] = page?["events"] ?? []
        #expect((page?.text.utf8.count ?? 0) <= Limits.pageBytes + 100)
        #expect(events.count > 60)
        #expect(events.last?.seq == 201)
        #expect(page?["more"] == true)
    }
}
