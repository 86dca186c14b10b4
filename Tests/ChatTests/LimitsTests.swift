import Chat
import Testing

/// What happens to those who want too much.
@Suite struct LimitsTests {
    private func world(_ change: (inout Limits) -> Void) -> (world: ChatHarness, ada: ConnectionID) {
        var limits = ChatHarness.unlimited()
        change(&limits)
        var world = ChatHarness(limits: limits)
        let ada = world.join("Ada")
        _ = world.take(ada)
        return (world, ada)
    }

    @Test func rate_byDefault_isTenASecondThirtyAtOnce() {
        var world = ChatHarness(limits: Limits())
        let ada = world.join("Ada")
        world.tick(after: 10_000)
        _ = world.take(ada)
        // Ten a second, thirty at once.
        for i in 0..<40 { world.say(ada, "\(i)", messageID: "\(i)") }
        world.tick()
        let got = world.take(ada)
        #expect(got.count { $0.type == "message" } == 30)
        let refused = got.filter { $0.type == "error" }
        #expect(refused.map(\.code) == Array(repeating: "rate_limited", count: 10))
        #expect(refused.map { $0["id"] } == (30..<40).map(String.init))
        #expect(refused.map { $0["retryAfter"] } == Array(repeating: 100, count: 10))
        world.say(ada, "30", messageID: "30")
        world.tick(after: 99)
        #expect(world.heard(ada) == ["rate_limited"])
        world.say(ada, "30", messageID: "30")
        world.tick(after: 1)
        #expect(world.heard(ada) == ["Ada: 30"])
    }

    /// The disk has lost a message, but not that its identifier was used: the answer is that it was said.
    @Test func repeat_ofMessageThatDiskHasLost_isDone() {
        var limits = ChatHarness.unlimited(isDurable: true)
        limits.rules.recentBytes = 200
        limits.rules.recentMessages = 1
        var world = ChatHarness(limits: limits)
        let ada = world.join("Ada")
        world.say(ada, "once", messageID: "1")
        for index in 0..<10 { world.say(ada, "\(index)") }
        world.tick()
        world.disk.remove { $0["text"] == "once" }
        _ = world.take(ada)
        world.say(ada, "once", messageID: "1")
        world.tick()
        world.tick()
        let got = world.take(ada)
        #expect(got.map(\.type) == ["done"] && got.map(\.seq) == [2])
        #expect(got.map { $0["id"] } == ["1"])
    }

    @Test func rate_countsRepeats() {
        var (world, ada) = world { $0.messages = Rate(perSecond: 1, burst: 2) }
        for _ in 0..<3 { world.say(ada, "x", messageID: "1") }
        world.tick()
        #expect(world.heard(ada) == ["Ada: x", "Ada: x", "rate_limited"])
    }

    @Test func rate_ofTypingRenamingAndPaging_isOfTheirOwn() {
        let rate = Rate(perSecond: 1, burst: 2)
        var (world, ada) = world {
            $0.typing = rate
            $0.renames = rate
            $0.history = rate
            $0.messages = rate
        }
        for i in 0..<3 {
            world.send(ada, "{\"type\":\"typing\"}")
            world.send(ada, "{\"type\":\"rename\",\"username\":\"A\(i)\"}")
            world.send(ada, "{\"type\":\"history\",\"before\":1,\"limit\":1}")
            world.say(ada, "x")
        }
        world.tick()
        #expect(world.heard(ada).suffix(4) == Array(repeating: "rate_limited", count: 4))
        world.send(ada, "{\"type\":\"rename\",\"username\":\"B\"}")
        world.tick(after: 999)
        #expect(world.heard(ada) == ["rate_limited"])
        world.send(ada, "{\"type\":\"rename\",\"username\":\"B\"}")
        world.tick(after: 1)
        #expect(world.heard(ada) == ["rename A1 B"])
    }

    @Test func rate_ofLongPage_countsSeveralRequests() {
        var (world, ada) = world { $0.history = Rate(perSecond: 1, burst: 10) }
        for _ in 0..<100 { world.say(ada, String(repeating: "🦊", count: 4000)) }
        world.tick()
        _ = world.take(ada)
        // A megabyte less a little is three requests of a quarter, beside the one that is counted in any case.
        for _ in 0..<4 {
            world.send(ada, "{\"type\":\"history\",\"before\":1000,\"limit\":100}")
            world.tick(after: 0)
        }
        #expect(world.take(ada).map(\.type) == ["history", "history", "history", "error"])
        world.send(ada, "{\"type\":\"history\",\"before\":1000,\"limit\":1}")
        world.tick(after: 2000)
        #expect(world.take(ada).map(\.type) == ["error"])
        world.send(ada, "{\"type\":\"history\",\"before\":1000,\"limit\":1}")
        world.tick(after: 1000)
        #expect(world.take(ada).map(\.type) == ["history"])
    }

    @Test func rate_ofBytes_countsTextsOfAnyKind() {
        var (world, ada) = world { $0.bytes = Rate(perSecond: 1000, burst: 3000) }
        let padding = ",\"padding\":\"\(String(repeating: "x", count: 2000))\"}"
        for i in 0..<3 { world.send(ada, "{\"type\":\"message\",\"text\":\"\(i)\",\"id\":\"\(i)\"" + padding) }
        world.send(ada, "{" + padding.dropFirst())
        world.tick(after: 10_000)
        let got = world.take(ada)
        #expect(got.map(\.short) == ["Ada: 0", "Ada: 1", "rate_limited", "rate_limited"])
        #expect(got.map { $0["id"] } == ["0", "1", "2", nil])
    }

    @Test func errors_withoutEnd_endConnection() {
        var (world, ada) = world { $0.errors = Limits.errorRate(0.1) }
        let bo = world.join("Bo")
        for _ in 0..<10 { world.send(ada, "{}") }
        world.tick()
        #expect(world.endings.isEmpty)
        world.send(ada, "{}")
        world.say(ada, "not heard")
        world.tick()
        #expect(world.endings == [ada: .tooManyErrors])
        _ = world.take(bo)
        world.say(ada, "not heard either")
        // In this tick the chat is told that the connection is closed.
        world.tick(after: 1)
        world.tick(after: 29_999)
        #expect(world.heard(bo) == [])
        world.tick(after: 1)
        #expect(world.heard(bo) == ["leave Ada"])
    }

    /// What came before the end is answered, and what others see of it the one who said it sees, too.
    @Test func errors_withoutEnd_areAllAnswered() {
        var (world, ada) = world { $0.errors = Limits.errorRate(0.1) }
        _ = world.take(ada)
        world.say(ada, "said")
        for _ in 0..<11 { world.send(ada, "{}") }
        world.tick()
        #expect(world.endings == [ada: .tooManyErrors])
        #expect(world.heard(ada) == ["Ada: said"] + Array(repeating: "bad_field", count: 11))
    }

    /// A burst is soon said; and a request that comes too fast costs next to nothing.
    @Test func errors_ofHaste_countATenth() {
        var (world, ada) = world {
            $0.errors = Limits.errorRate(0.1)
            $0.messages = Rate(perSecond: 1, burst: 1)
        }
        for _ in 0..<101 { world.say(ada, "x") }
        world.tick()
        #expect(world.heard(ada).count { $0 == "rate_limited" } == 100)
        #expect(world.endings.isEmpty)
        world.say(ada, "x")
        world.tick()
        #expect(world.endings == [ada: .tooManyErrors])
    }

    /// Trying names until one is free is no change of name.
    @Test func rate_ofRenames_doesNotCountRefusedNames() {
        var (world, ada) = world { $0.renames = Rate(perSecond: 1, burst: 1) }
        _ = world.join("Bo")
        for name in ["Bo", "bo", "", "Server"] { world.send(ada, "{\"type\":\"rename\",\"username\":\"\(name)\"}") }
        world.tick()
        _ = world.take(ada)
        for name in ["Cy", "Di"] { world.send(ada, "{\"type\":\"rename\",\"username\":\"\(name)\"}") }
        world.tick()
        #expect(world.heard(ada) == ["rename Ada Cy", "rate_limited"])
    }

    @Test func errors_nowAndThen_endNobody() {
        var (world, ada) = world { $0.errors = Limits.errorRate(1) }
        for _ in 0..<300 {
            world.send(ada, "{}")
            world.tick(after: 1000)
        }
        #expect(world.endings.isEmpty)
    }

    @Test func errors_withoutEnd_endConnectionThatNeverJoined() {
        var (world, _) = world { $0.errors = Limits.errorRate(0.1) }
        let id = world.open("No Room")
        for _ in 0..<11 { world.send(id, "{\"type\":\"join\",\"username\":\"x\"}") }
        world.tick()
        #expect(world.endings == [id: .tooManyErrors])
        #expect(Set(world.heard(id)) == ["room_invalid"])
    }

    @Test func rate_ofEachUser_isOfItsOwn() {
        var (world, ada) = world { $0.messages = Rate(perSecond: 1, burst: 1) }
        let bo = world.join("Bo")
        _ = (world.take(ada), world.take(bo))
        for id in [ada, bo, ada, bo] { world.say(id, "x") }
        world.tick()
        #expect(world.heard(ada) == ["Ada: x", "Bo: x", "rate_limited"])
        #expect(world.heard(bo) == ["Ada: x", "Bo: x", "rate_limited"])
    }

    /// What a client can make the server do with one text is bounded by its length, whatever is in it. None of these may
    /// take longer than a test does.
    @Test func texts_meantToCost_areRefusedSoon() {
        var (world, ada) = world { _ in }
        let hostile = [
            "{\"type\":\"message\",\"text\":\"" + String(repeating: "\\n", count: 500_000) + "\"}",
            "{" + (0..<50_000).map { "\"\\u0061\($0)\":\"\\\\\"" }.joined(separator: ",") + "}",
            String(repeating: "[", count: 1_000_000), String(repeating: "{\"a\":", count: 200_000),
            "{\"a\":" + String(repeating: "[", count: 1_000_000),
            "{\"type\":\"rename\",\"username\":\"" + String(repeating: "é", count: 400_000) + "\"}",
            "{\"type\":\"rename\",\"username\":\"" + String(repeating: " ", count: 400_000) + "\"}",
            "{\"type\":\"history\",\"before\":" + String(repeating: "9", count: 1_000_000) + ",\"limit\":1}",
            "{\"type\":\"" + String(repeating: "\\u0061", count: 100_000) + "\"}",
        ]
        for text in hostile { world.send(ada, text) }
        world.tick()
        #expect(
            world.heard(ada) == [
                "text_too_long", "bad_field", "bad_json", "bad_json", "bad_json", "username_invalid",
                "username_invalid",
                "history []", "unknown_type",
            ])
    }
}
