import Testing

@testable import Chat

@Suite struct TypingTests {
    @Test func everyoneElseSeesWhoIsTyping() {
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

    @Test func itIsNotKept() {
        var world = ChatHarness.durable()
        let (ada, bo) = (world.join("Ada"), world.join("Bo"))
        world.send(ada, "{\"type\":\"typing\"}")
        world.say(ada, "hi")
        world.send(ada, "{\"type\":\"typing\"}")
        world.tick()
        _ = world.take(bo)
        #expect(world.disk.rooms["lobby"]?.map(\.seq) == [1, 2, 3])
        world.send(bo, "{\"type\":\"history\",\"before\":99,\"limit\":9}")
        world.tick()
        #expect(world.heard(bo) == ["history [\"Ada: hi\"]"])
        let cy = world.join("Cy", more: ",\"since\":0")
        let welcome = world.take(cy)[0]
        #expect(welcome["seq"] == 3)
        #expect((welcome["history"] as [JSON]?)?.map(\.type) == ["join", "join", "message"])
    }

    @Test func amongOtherEventsItKeepsItsPlace() {
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

    @Test func alsoAfterARepeatedMessageAndForANewcomer() {
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

@Suite struct RenamingTests {
    @Test func everyoneHearsOfTheNewName() {
        var world = ChatHarness()
        let (ada, bo) = (world.join("Ada"), world.join("Bo"))
        _ = (world.take(ada), world.take(bo))
        world.send(ada, "{\"type\":\"rename\",\"username\":\" Eve \"}")
        world.say(ada, "hi")
        world.tick()
        let got = world.take(bo)
        #expect(got.map(\.short) == ["rename Ada Eve", "Eve: hi"])
        #expect(got[0].keys == ["type", "seq", "time", "username", "to"])
        #expect(world.take(ada).map(\.text) == got.map(\.text))
        let cy = world.join("Cy")
        #expect(world.take(cy)[0]["users"] == ["Cy", "Eve", "Bo"])
    }

    @Test func theOldNameIsFreeAndTheNewOneIsNot() {
        var world = ChatHarness()
        let ada = world.join("Ada")
        world.send(ada, "{\"type\":\"rename\",\"username\":\"Eve\"}")
        let second = world.arrive("Ada")
        let third = world.arrive("EVE")
        world.tick()
        #expect(world.heard(second) == ["welcome Ada", "join Ada"])
        #expect(world.heard(third) == ["username_taken"])
    }

    @Test func onesOwnNameCanBeSpelledAnew() {
        var world = ChatHarness()
        let ada = world.join("Ada")
        _ = world.take(ada)
        for name in ["ADA", "Аda", "Ada"] { world.send(ada, "{\"type\":\"rename\",\"username\":\"\(name)\"}") }
        world.tick()
        #expect(world.heard(ada) == ["rename Ada ADA", "rename ADA Аda", "rename Аda Ada"])
    }

    @Test(arguments: [
        ("{\"type\":\"rename\"}", "bad_field"),
        ("{\"type\":\"rename\",\"username\":null}", "bad_field"),
        ("{\"type\":\"rename\",\"username\":[]}", "bad_field"),
        ("{\"type\":\"rename\",\"username\":\"\"}", "username_invalid"),
        ("{\"type\":\"rename\",\"username\":\"a\\u202eb\"}", "username_invalid"),
        ("{\"type\":\"rename\",\"username\":\"bo\"}", "username_taken"),
        ("{\"type\":\"rename\",\"username\":\"Server\"}", "username_invalid"),
    ])
    func whatIsNoNameOrAnothersIsRefused(text: String, code: String) {
        var world = ChatHarness()
        let (ada, bo) = (world.join("Ada"), world.join("Bo"))
        _ = (world.take(ada), world.take(bo))
        world.send(ada, text)
        world.tick()
        #expect(world.heard(ada) == [code])
        #expect(world.heard(bo) == [])
    }
}
