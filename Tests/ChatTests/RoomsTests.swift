import Testing

@testable import Chat

/// Which rooms are in memory.
@Suite struct RoomsTests {
    private var names: (ChatHarness) -> Set<String> { { Set($0.chat.rooms.map(\.name)).subtracting([""]) } }

    @Test func anEmptyRoomIsKeptForWhoComesBack() {
        var world = ChatHarness()
        let ada = world.join("Ada")
        world.say(ada, "hi")
        world.close(ada, .left)
        world.tick()
        let bo = world.join("Bo")
        #expect((world.take(bo)[0]["history"] as [JSON]?)?.map(\.short) == ["Ada: hi"])
    }

    @Test(arguments: [false, true]) func ofTheEmptyOnesTheOldestAreDropped(isDurable: Bool) {
        var limits = ChatHarness.unlimited(isDurable: isDurable)
        limits.emptyRooms = 2
        var world = ChatHarness(limits: limits)
        for name in ["a", "b", "c"] {
            let id = world.join("Ada", room: name)
            world.close(id, .left)
            world.tick()
        }
        #expect(names(world) == ["b", "c"])
        #expect(world.chat.takeDropped() == (isDurable ? ["a"] : []))
        #expect(world.chat.takeDropped() == [])
        // One that is entered again is not dropped, although it was empty before.
        let id = world.join("Ada", room: "b")
        for name in ["d", "e"] {
            let id = world.join("Ada", room: name)
            world.close(id, .left)
            world.tick()
        }
        #expect(names(world) == ["b", "d", "e"])
        world.say(id, "hi")
        world.tick()
        #expect(world.take(id).last?.type == "message")
        // Places are used again.
        #expect(world.chat.rooms.count == 4)
    }

    @Test func aRoomInWhichNothingWasSaidIsDroppedAtOnce() {
        for isDurable in [false, true] {
            var limits = ChatHarness.unlimited(isDurable: isDurable)
            limits.emptyRooms = 1
            var world = ChatHarness(limits: limits)
            let ada = world.join("Ada", room: "kept")
            world.close(ada, .left)
            world.tick()
            for i in 0..<10 {
                let id = world.open("random\(i)")
                world.tick()
                world.close(id, .lost)
                world.tick()
            }
            #expect(names(world) == ["kept"])
            #expect(world.chat.rooms.count == 2)
        }
    }

    @Test func aRoomIsNotEmptyWhileSomeoneMayComeBackOrIsOnTheWay() {
        var limits = ChatHarness.unlimited(isDurable: true)
        limits.emptyRooms = 0
        var world = ChatHarness(limits: limits)
        let ada = world.join("Ada")
        world.close(ada, .lost)
        world.tick()
        world.tick(after: 29_000)
        #expect(names(world) == ["lobby"])
        let bo = world.open()
        world.tick(after: 2_000)
        #expect(names(world) == ["lobby"])
        world.close(bo, .lost)
        world.tick()
        #expect(names(world) == [])
        // While a room is loaded it stays, and goes if nobody is left then.
        let cy = world.arrive("Cy")
        world.tick()
        world.close(cy, .left)
        world.answersReads = false
        world.tick()
        #expect(names(world) == ["lobby"])
        world.answerReads()
        world.tick()
        #expect(names(world) == [])
        let dee = world.arrive("Dee")
        world.tick()
        world.close(dee, .left)
        world.answerReads(failing: true)
        world.tick()
        #expect(names(world) == [])
    }

    @Test func aRoomThatWasDroppedIsLoadedAgainWithItsSeq() {
        var limits = ChatHarness.unlimited(isDurable: true)
        limits.emptyRooms = 0
        var world = ChatHarness(limits: limits)
        let ada = world.join("Ada")
        world.close(ada, .left)
        world.tick()
        #expect(names(world) == [])
        let bo = world.join("Bo")
        #expect(world.take(bo).map { $0["seq"] } == [2, 3])
    }

    @Test func whatAllRoomsHoldIsBounded() {
        var limits = ChatHarness.unlimited(isDurable: true)
        limits.recentBytesInAll = 20_000
        limits.scarceRecentBytes = 500
        var world = ChatHarness(limits: limits)
        let ids = (0..<20).map { world.join("Ada", room: "room\($0)") }
        for _ in 0..<50 {
            for id in ids { world.say(id, String(repeating: "x", count: 100)) }
            world.tick()
        }
        let held = world.chat.rooms.reduce(0) { $0 + $1.recent.byteCount }
        #expect(world.chat.recentBytes == held)
        #expect(held < 20_000 + 20 * 700)
        // Nothing is lost but from memory.
        world.send(ids[0], "{\"type\":\"history\",\"before\":20,\"limit\":3}")
        world.tick()
        world.tick()
        #expect((world.take(ids[0]).last?["events"] as [JSON]?)?.map(\.seq) == [17, 18, 19])
        // Rooms that are empty are dropped then, however few they are.
        let empty = world.join("Ada", room: "empty")
        world.close(empty, .left)
        world.tick()
        #expect(names(world).count == 20)
        for id in ids { world.close(id, .left) }
        world.tick()
        #expect(world.chat.recentBytes == world.chat.rooms.reduce(0) { $0 + $1.recent.byteCount })
    }
}
