import Chat
import Testing

@Suite struct JoiningTests {
    @Test func join_getsWelcomeFirstThenOwnJoinAsNextEvent() throws {
        var world = ChatHarness()
        let ada = world.join("Ada")
        let got = world.take(ada)
        #expect(got.map(\.type) == ["welcome", "join"])
        #expect(
            got[0].keys == [
                "type", "username", "user", "room", "users", "people", "userCount", "session", "seq", "history", "gap",
                "topic", "locked", "slow", "keeping",
            ])
        #expect(got[0]["username"] == "Ada")
        #expect(got[0]["room"] == "lobby")
        #expect(got[0]["users"] == ["Ada"])
        #expect(got[0]["userCount"] == 1)
        #expect(got[0]["gap"] == false)
        #expect((got[0]["session"] as String?)?.count == 32)
        #expect(got[1].keys == ["type", "seq", "time", "username", "user"])
        #expect(try #require(got[1].seq) == #require(got[0].seq) + 1)
    }

    @Test func join_isHeardByEveryoneAndNewcomerIsAmongUsers() {
        var world = ChatHarness()
        let ada = world.join("Ada")
        _ = world.take(ada)
        let bo = world.join("Bo")
        #expect(world.take(ada).map { "\($0.type) \($0["username"] ?? "")" } == ["join Bo"])
        let welcome = world.take(bo)[0]
        #expect(Set(welcome["users"] ?? []) == ["Ada", "Bo"])
        #expect(welcome["userCount"] == 2)
    }

    @Test func join_severalInOneTick_seeOneOrder() {
        var world = ChatHarness()
        let ids = ["Ada", "Bo", "Cy"].map { name in
            let id = world.open()
            world.send(id, "{\"type\":\"join\",\"username\":\"\(name)\"}")
            return id
        }
        world.tick()
        let transcripts = ids.map { world.take($0) }
        #expect(transcripts[0].map { $0["username"] ?? "" } == ["Ada", "Ada", "Bo", "Cy"])
        #expect(transcripts[1].map { $0["username"] ?? "" } == ["Bo", "Bo", "Cy"])
        #expect(transcripts[2].map { $0["username"] ?? "" } == ["Cy", "Cy"])
        #expect(transcripts[1][0]["users"] == ["Bo", "Ada"])
        #expect(transcripts.map { $0.last?.seq } == [3, 3, 3])
    }

    @Test(arguments: [
        ("{\"type\":\"join\"}", "bad_field"),
        ("{\"type\":\"join\",\"username\":7}", "bad_field"),
        ("{\"type\":\"join\",\"username\":\"Bo\",\"since\":-1}", "bad_field"),
        ("{\"type\":\"join\",\"username\":\"Bo\",\"since\":1.5}", "bad_field"),
        ("{\"type\":\"join\",\"username\":\"Bo\",\"since\":\"1\"}", "bad_field"),
        ("{\"type\":\"join\",\"username\":\"Bo\",\"session\":1}", "bad_field"),
        ("{\"type\":\"join\",\"username\":\"Bo\",\"key\":16}", "bad_field"),
        ("{\"type\":\"join\",\"username\":\"Bo\",\"key\":\"123456789012345\"}", "bad_field"),
        ("{\"type\":\"join\",\"username\":\"Bo\",\"key\":\"\"}", "bad_field"),
        ("{\"type\":\"join\",\"username\":\"  \"}", "username_invalid"),
        ("{\"type\":\"join\",\"username\":\"ADA\"}", "username_taken"),
        ("{\"type\":\"message\",\"text\":\"hi\"}", "not_joined"),
        ("{\"type\":\"typing\"}", "not_joined"),
        ("{\"type\":\"rename\",\"username\":\"x\"}", "not_joined"),
        ("{\"type\":\"history\",\"before\":1,\"limit\":1}", "not_joined"),
        ("{\"type\":\"dance\"}", "unknown_type"),
        ("{\"type\":1}", "bad_field"),
        ("{}", "bad_field"),
        ("[]", "bad_json"),
        ("\"join\"", "bad_json"),
        ("{\"type\":\"join\",}", "bad_json"),
        ("{\"type\":\"join\"} x", "bad_json"),
        ("", "bad_json"),
    ])
    func refusedRequest_isAnsweredAndConnectionStays(text: String, code: String) {
        var world = ChatHarness()
        _ = world.join("Ada")
        let bo = world.open()
        world.send(bo, text)
        world.tick()
        let got = world.take(bo)
        #expect(got.map(\.type) == ["error"])
        #expect(got.first?.code == code)
        #expect((got.first?["message"] as String?)?.isEmpty == false)
        world.send(bo, "{\"type\":\"join\",\"username\":\"Bo\"}")
        world.tick()
        #expect(world.take(bo).map(\.type) == ["welcome", "join"])
    }

    @Test func join_withNullAndUnknownFields_isAccepted() {
        var world = ChatHarness()
        let ada = world.join("Ada", more: ",\"since\":null,\"session\":null,\"key\":null,\"colour\":{\"a\":[1,2]}")
        #expect(world.take(ada).map(\.type) == ["welcome", "join"])
    }

    @Test func join_twice_isRefused() {
        var world = ChatHarness()
        let ada = world.join("Ada")
        world.send(ada, "{\"type\":\"join\",\"username\":\"Ada2\"}")
        world.tick()
        #expect(world.take(ada).last?.code == "already_joined")
    }

    @Test(arguments: ["", "Lobby", "a b", "é", String(repeating: "a", count: 33), "../x"])
    func join_toInvalidRoom_isRefused(room: String) {
        var world = ChatHarness()
        let id = world.join("Ada", room: room)
        #expect(world.take(id).map(\.code) == ["room_invalid"])
    }

    @Test func rooms_areApart() {
        var world = ChatHarness()
        let ada = world.join("Ada", room: "one")
        let other = world.join("Ada", room: "two")
        world.say(ada, "hi")
        world.tick()
        #expect(world.take(ada).map(\.type) == ["welcome", "join", "message"])
        #expect(world.take(other).map(\.type) == ["welcome", "join"])
    }

    @Test func welcome_namesAtMostFiveHundredUsers() {
        var world = ChatHarness()
        for i in 0..<600 { _ = world.join("user\(i)") }
        world.tick(after: 1000)
        let last = world.join("last")
        let welcome = world.take(last)[0]
        #expect((welcome["users"] as [String]?)?.count == 500)
        #expect((welcome["users"] as [String]?)?.contains("last") == true)
        #expect(welcome["userCount"] == 601)
    }
}
