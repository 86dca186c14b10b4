import Chat
import Testing

@Suite struct TypingTests {
    @Test func typing_isSeenByEveryoneElse() {
        var world = ChatHarness()
        let (ada, bo, cy) = (world.join("Ada"), world.join("Bo"), world.join("Cy"))
        for id in [ada, bo, cy] { _ = world.take(id) }
        world.send(ada, "{\"type\":\"typing\"}")
        world.send(bo, "{\"type\":\"typing\",\"username\":\"Cy\"}")
        world.tick()
        #expect(world.heard(ada) == ["typing Bo"])
        #expect(world.heard(bo) == ["typing Ada"])
        let got = world.take(cy)
        #expect(got.map(\.short) == ["typing Ada", "typing Bo"])
        #expect(got.map(\.keys) == [["type", "username"], ["type", "username"]])
    }

    @Test func typing_isNotKept() {
        var world = ChatHarness.durable()
        let (ada, bo) = (world.join("Ada"), world.join("Bo"))
        world.send(ada, "{\"type\":\"typing\"}")
        world.say(ada, "hi")
        world.send(ada, "{\"type\":\"typing\"}")
        world.tick()
        _ = world.take(bo)
        #expect(world.disk.events().map(\.seq) == [3])
        world.send(bo, "{\"type\":\"history\",\"before\":99,\"limit\":9}")
        world.tick()
        #expect(world.heard(bo) == ["history [\"Ada: hi\"]"])
        let cy = world.join("Cy", more: ",\"since\":0")
        let welcome = world.take(cy)[0]
        #expect(welcome["seq"] == 3)
        #expect((welcome["history"] as [JSON]?)?.map(\.type) == ["join", "join", "message"])
    }

    @Test func typing_keepsItsPlaceAmongEvents() {
        var world = ChatHarness()
        let (ada, bo) = (world.join("Ada"), world.join("Bo"))
        _ = (world.take(ada), world.take(bo))
        world.say(ada, "1")
        world.send(ada, "{\"type\":\"typing\"}")
        world.say(bo, "2")
        world.send(bo, "{\"type\":\"typing\"}")
        world.say(ada, "3")
        world.tick()
        #expect(world.heard(ada) == ["Ada: 1", "Bo: 2", "typing Bo", "Ada: 3"])
        #expect(world.heard(bo) == ["Ada: 1", "typing Ada", "Bo: 2", "Ada: 3"])
    }

    @Test func typing_nextToRepeatAndNewcomer_keepsItsPlace() {
        var world = ChatHarness()
        let ada = world.join("Ada")
        world.say(ada, "1", messageID: "i")
        world.tick()
        _ = world.take(ada)
        world.send(ada, "{\"type\":\"typing\"}")
        let bo = world.arrive("Bo")
        world.say(ada, "1", messageID: "i")
        world.send(bo, "{\"type\":\"typing\"}")
        world.tick()
        #expect(world.heard(ada) == ["join Bo", "Ada: 1", "typing Bo"])
        #expect(world.heard(bo) == ["welcome Bo", "join Bo"])
    }
}
