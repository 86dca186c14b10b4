import Chat
import Testing

/// Who someone is, and for whom that can be seen.
@Suite struct UserTests {
    @Test func user_isElevenCharactersOfBase64url() {
        var world = ChatHarness()
        let user: String? = world.take(world.join("Ada", key: "a"))[0]["user"]
        #expect(user?.count == 11)
        #expect(user?.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_") } == true)
    }

    @Test func user_ofOneKey_isTheSameInAllRoomsAndAfterLeaving() {
        var world = ChatHarness.durable()
        let first = world.join("Ada", key: "a")
        let user: String? = world.take(first)[0]["user"]
        world.close(first, .left)
        world.tick()
        #expect(world.take(world.join("Eve", key: "a"))[0]["user"] == user)
        #expect(world.take(world.join("Ada", key: "a", room: "other"))[0]["user"] == user)
        #expect(world.take(world.join("Bo", key: "b"))[0]["user"] != user)
        world.restart()
        #expect(world.take(world.join("Ada", key: "a"))[0]["user"] == user)
    }

    @Test func user_withoutKey_isOfTheSession() {
        var world = ChatHarness()
        let ada = world.join("Ada")
        let welcome = world.take(ada)[0]
        let user: String? = welcome["user"]
        world.close(ada, .lost)
        world.tick()
        let back = world.comeBack(welcome["session"] ?? "")
        #expect(world.take(back)[0]["user"] == user)
        #expect(world.take(world.join("Bo"))[0]["user"] != user)
    }

    @Test func user_underAnotherSecret_isAnother() {
        let key = Array("0123456789abcdef".utf8)
        let users = [0, 1].map { ServerSecret(key: Array(repeating: $0, count: 32)).user(ofKey: key.span) }
        #expect(users[0] != users[1])
    }

    @Test func user_stands_inEveryEventAndInPeople() {
        var world = ChatHarness()
        let ada = world.join("Ada", key: "a")
        let bo = world.join("Bo", key: "b")
        let welcome = world.take(bo)[0]
        let (user, other): (String?, String?) = (world.take(ada)[0]["user"], welcome["user"])
        let people: [JSON] = welcome["people"] ?? []
        #expect(people.map { $0["username"] } == ["Bo", "Ada"])
        #expect(people.map { $0["user"] } == [other, user])
        #expect(people.map(\.keys) == [["username", "user"], ["username", "user"]])
        world.say(ada, "hi")
        world.send(ada, "{\"type\":\"typing\"}")
        world.rename(ada, "Eve")
        world.close(ada, .left)
        world.tick()
        let got = world.take(bo)
        #expect(got.map(\.type) == ["message", "typing", "rename", "leave"])
        #expect(got.map { $0["user"] } == [user, nil, user, user])
    }

    @Test func people_areAtMostFiveHundred() {
        var world = ChatHarness()
        for i in 0..<510 { _ = world.arrive("user\(i)") }
        world.tick()
        let welcome = world.take(world.join("last"))[0]
        let people: [JSON] = welcome["people"] ?? []
        #expect(people.count == 500)
        #expect(people.map { $0["username"] ?? "" } == welcome["users"])
    }

    @Test func user_mayBeInTheRoomTwice() {
        var world = ChatHarness()
        let (ada, eve) = (world.join("Ada", key: "a"), world.join("Eve", key: "a"))
        #expect(world.take(ada).map(\.short) == ["welcome Ada", "join Ada", "join Eve"])
        world.close(ada, .left)
        world.tick()
        #expect(world.heard(eve) == ["welcome Eve", "join Eve", "leave Ada"])
    }

    @Test func session_ofOneWithAKey_keepsItsUserWhateverKeyComesBack() {
        var world = ChatHarness()
        let ada = world.join("Ada", key: "a")
        let welcome = world.take(ada)[0]
        world.close(ada, .lost)
        world.tick()
        let more = ",\"key\":\"bbbbbbbbbbbbbbbb\",\"session\":\"\(welcome["session"] ?? "")\""
        let back = world.join("x", more: more)
        #expect(world.take(back)[0]["user"] == welcome["user"] as String?)
    }

    // MARK: Which session a welcome names

    @Test func session_isThatOfTheJoinThatWasAccepted() {
        var world = ChatHarness()
        let ada = world.join("Ada")
        let session = world.session(ada)
        world.close(ada, .lost)
        world.tick()
        // The second join in the tick, without a session, changes nothing.
        let back = world.arrive("x", more: ",\"session\":\"\(session)\"")
        world.send(back, "{\"type\":\"join\",\"username\":\"y\"}")
        world.tick()
        let got = world.take(back)
        #expect(got.map(\.short) == ["welcome Ada", "already_joined"])
        #expect(got[0]["session"] == session)
    }

    @Test func session_unknown_isReplacedByANewOne() {
        var world = ChatHarness()
        let id = world.comeBack(String(repeating: "0", count: 32), name: "Ada")
        #expect(world.session(id) == ChatHarness.newSession(of: id))
    }

    // MARK: Names that another had

    private func isChanged(_ world: inout ChatHarness, _ id: ConnectionID) -> Bool? {
        world.take(id).first { $0.type == "join" && $0["username"] == "Ada" }?["changed"]
    }

    /// Ada has been there with a key, and has gone; Bo sees who comes next.
    private func world(_ names: String...) -> ChatHarness {
        var world = ChatHarness.durable()
        let bo = world.join("Bo", key: "b")
        let ada = world.join(names[0], key: "a")
        for name in names.dropFirst() { world.rename(ada, name) }
        world.say(bo, "hi")
        world.close(ada, .left)
        world.tick()
        return world
    }

    @Test func changed_isToldOfAnotherUserWithTheName() {
        var world = world("Ada")
        let other = world.join("Ada", key: "c")
        #expect(isChanged(&world, other) == true)
        world.close(other, .left)
        world.tick()
        // Now it is that one's.
        let again = world.join("Ada", key: "c")
        #expect(isChanged(&world, again) == nil)
    }

    @Test func changed_isToldOfOneWithoutAKey() {
        var world = world("Ada")
        let other = world.join("Ada")
        #expect(isChanged(&world, other) == true)
        world.close(other, .left)
        world.tick()
        // Uses without a key do not count: it is still the first one's.
        let first = world.join("Ada", key: "a")
        #expect(isChanged(&world, first) == nil)
    }

    @Test func changed_isNotToldOfTheSameUserOrAFreshName() {
        var world = world("Ada")
        let again = world.join("Ada", key: "a")
        #expect(isChanged(&world, again) == nil)
        let fresh = world.join("Cy", key: "c")
        let none: Bool? = world.take(fresh)[1]["changed"]
        #expect(none == nil)
    }

    @Test func changed_countsRenames() {
        var world = world("Eve", "Ada", "Zoe")
        let other = world.join("Ada", key: "c")
        #expect(isChanged(&world, other) == true)
    }

    @Test func changed_comparesFoldedNames() {
        var world = world("ADA")
        let other = world.join("Ada", key: "c")
        #expect(isChanged(&world, other) == true)
    }

    @Test func changed_isForgottenAfterThirtyDays() {
        let day: Int64 = 86_400_000
        for (days, isTold) in [(29, true), (31, nil)] as [(Int64, Bool?)] {
            var world = world("Ada")
            world.tick(after: days * day)
            let other = world.join("Ada", key: "c")
            #expect(isChanged(&world, other) == isTold)
        }
    }

    @Test func changed_survivesARestart() {
        var world = world("Eve", "Ada")
        world.restart()
        let other = world.join("Ada", key: "c")
        #expect(isChanged(&world, other) == true)
    }

    // MARK: Rates

    @Test func rate_isOfTheUserWhateverConnectionsItUses() {
        var limits = ChatHarness.unlimited()
        limits.messages = Rate(perSecond: 1, burst: 2)
        var world = ChatHarness(limits: limits)
        let ids = [world.join("Ada", key: "a"), world.join("Eve", key: "a"), world.join("Bo", key: "b")]
        for id in ids { _ = world.take(id) }
        for id in ids { world.say(id, "1") }
        for id in ids { world.say(id, "2") }
        world.tick()
        #expect(world.heard(ids[0]).count { $0 == "rate_limited" } == 1)
        #expect(world.heard(ids[1]).count { $0 == "rate_limited" } == 1)
        #expect(world.heard(ids[2]).count { $0 == "rate_limited" } == 0)
    }

    @Test func rate_isOfTheAddressInAllItsRooms() {
        var limits = ChatHarness.unlimited()
        limits.messages = Rate(perSecond: 1, burst: 2)
        limits.messagesFromAddress = Rate(perSecond: 1, burst: 3)
        var world = ChatHarness(limits: limits)
        let ids = (0..<4).map { world.join("user\($0)", room: "r\($0)", address: 5) }
        let other = world.join("Bo", room: "r0", address: 6)
        for id in ids + [other] { world.say(id, "hi") }
        world.tick()
        #expect(ids.map { world.take($0).last?.code } == [nil, nil, nil, "rate_limited"])
        #expect(world.take(other).last?["text"] == "hi")
        // What the address may not say does not count against the user.
        for _ in 0..<2 { world.say(ids[3], "again") }
        world.tick(after: 10_000)
        #expect(world.take(ids[3]).map { $0["text"] } == ["again", "again"])
    }

    @Test func rate_isNotChangedByAJoinThatIsRefused() {
        var limits = ChatHarness.unlimited()
        limits.messages = Rate(perSecond: 1, burst: 2)
        var world = ChatHarness(limits: limits)
        let ada = world.join("Ada", key: "a")
        _ = world.take(ada)
        for letter in ["c", "d", "e"] {
            world.send(
                ada, "{\"type\":\"join\",\"username\":\"x\",\"key\":\"\(String(repeating: letter, count: 16))\"}")
            for _ in 0..<2 { world.say(ada, "x") }
        }
        world.tick()
        #expect(world.take(ada).count { $0.type == "message" } == 2)
    }

    @Test func rate_isNotAskedWhereOneIsNotIn() {
        var limits = ChatHarness.unlimited()
        let rate = Rate(perSecond: 1, burst: 1)
        (limits.messages, limits.typing, limits.renames, limits.history) = (rate, rate, rate, rate)
        var world = ChatHarness(limits: limits)
        let id = world.open()
        for _ in 0..<3 {
            world.say(id, "x")
            world.send(id, "{\"type\":\"typing\"}")
            world.rename(id, "y")
            world.send(id, "{\"type\":\"history\",\"before\":1,\"limit\":1}")
        }
        world.tick()
        #expect(world.heard(id) == Array(repeating: "not_joined", count: 12))
    }
}
