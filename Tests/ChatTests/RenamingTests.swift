import Chat
import Testing

@Suite struct RenamingTests {
    @Test func rename_isHeardByEveryone() {
        var world = ChatHarness()
        let (ada, bo) = (world.join("Ada"), world.join("Bo"))
        _ = (world.take(ada), world.take(bo))
        world.send(ada, "{\"type\":\"rename\",\"username\":\" Eve \"}")
        world.say(ada, "hi")
        world.tick()
        let got = world.take(bo)
        #expect(got.map(\.short) == ["rename Ada Eve", "Eve: hi"])
        #expect(got[0].keys == ["type", "seq", "time", "username", "user", "to"])
        #expect(world.take(ada).map(\.text) == got.map(\.text))
        let cy = world.join("Cy")
        #expect(world.take(cy)[0]["users"] == ["Cy", "Eve", "Bo"])
    }

    @Test func rename_freesOldNameAndTakesNewOne() {
        var world = ChatHarness()
        let ada = world.join("Ada")
        world.send(ada, "{\"type\":\"rename\",\"username\":\"Eve\"}")
        let second = world.arrive("Ada")
        let third = world.arrive("EVE")
        world.tick()
        #expect(world.heard(second) == ["welcome Ada", "join Ada"])
        #expect(world.heard(third) == ["username_taken"])
    }

    @Test func rename_toAnotherSpellingOfOwnName_isAllowed() {
        var world = ChatHarness()
        let ada = world.join("Ada")
        _ = world.take(ada)
        for name in ["ADA", "Аda", "Ada"] { world.send(ada, "{\"type\":\"rename\",\"username\":\"\(name)\"}") }
        world.tick()
        #expect(world.heard(ada) == ["rename Ada ADA", "rename ADA Аda", "rename Аda Ada"])
    }

    @Test func rename_toOwnName_doesNothing() {
        var world = ChatHarness()
        let (ada, bo) = (world.join("Ada"), world.join("Bo"))
        _ = (world.take(ada), world.take(bo))
        world.rename(ada, "Ada")
        world.rename(ada, " Ada ")
        world.tick()
        #expect(world.heard(ada) == [])
        #expect(world.heard(bo) == [])
        #expect(world.room().seq == 2)
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
    func rename_toInvalidOrTakenName_isRefused(text: String, code: String) {
        var world = ChatHarness()
        let (ada, bo) = (world.join("Ada"), world.join("Bo"))
        _ = (world.take(ada), world.take(bo))
        world.send(ada, text)
        world.tick()
        #expect(world.heard(ada) == [code])
        #expect(world.heard(bo) == [])
    }
}
