import Chat
import Testing

/// Which rooms are in memory.
@Suite struct RoomsTests {
    private func names(_ world: ChatHarness) -> Set<String> { Set(world.chat.rooms.map(\.name)).subtracting([""]) }

    /// Someone comes in, says something, and goes.
    private func visit(_ room: String, _ world: inout ChatHarness) {
        let id = world.join("Ada", room: room)
        world.say(id, "hi")
        world.close(id, .left)
        world.tick()
    }

    @Test func emptyRoom_isKeptForAWhile() {
        var world = ChatHarness()
        visit("lobby", &world)
        let bo = world.join("Bo")
        #expect((world.take(bo)[0]["history"] as [JSON]?)?.map(\.short) == ["Ada: hi"])
    }

    @Test(arguments: [false, true]) func emptyRooms_overLimit_dropOldest(isDurable: Bool) {
        var limits = ChatHarness.unlimited(isDurable: isDurable)
        limits.emptyRooms = 2
        var world = ChatHarness(limits: limits)
        for name in ["a", "b", "c"] { visit(name, &world) }
        #expect(names(world) == ["b", "c"])
        #expect(world.chat.takeDropped() == (isDurable ? ["a"] : []))
        #expect(world.chat.takeDropped() == [])
        // One that is entered again is not dropped, although it was empty before.
        let id = world.join("Ada", room: "b")
        for name in ["d", "e"] { visit(name, &world) }
        #expect(names(world) == ["b", "d", "e"])
        world.say(id, "hi")
        world.tick()
        #expect(world.take(id).last?.type == "message")
        // Places are used again.
        #expect(world.chat.rooms.count == 4)
    }

    @Test func emptyRoom_whereNothingWasSaid_isDroppedAtOnce() {
        for isDurable in [false, true] {
            var limits = ChatHarness.unlimited(isDurable: isDurable)
            limits.emptyRooms = 1
            var world = ChatHarness(limits: limits)
            visit("kept", &world)
            for i in 0..<10 {
                let id = i % 2 == 0 ? world.open("random\(i)") : world.join("Ada", room: "random\(i)")
                world.tick()
                world.close(id, .left)
                world.tick()
            }
            #expect(names(world) == ["kept"])
            #expect(world.chat.rooms.count == 2)
            #expect(Set(world.disk.rooms.keys) == (isDurable ? ["kept"] : []))
        }
    }

    @Test func room_withGraceOrVisitor_isNotEmpty() {
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

    @Test func room_dropped_isLoadedWithItsSeq() {
        var limits = ChatHarness.unlimited(isDurable: true)
        limits.emptyRooms = 0
        var world = ChatHarness(limits: limits)
        visit("lobby", &world)
        #expect(names(world) == [])
        let bo = world.join("Bo")
        #expect(world.take(bo).map { $0["seq"] } == [3, 4])
    }

    /// A room in which nobody has said anything begins anew, behind the seqs that were seen.
    @Test(arguments: [false, true], [(0, true), (1, true), (2, false), (9, true)])
    func room_droppedBeforeAWord_tellsAGap(isDurable: Bool, seen: (since: Int, gap: Bool)) {
        var world = ChatHarness(limits: ChatHarness.unlimited(isDurable: isDurable))
        world.close(world.join("Ada"), .left)
        world.tick()
        #expect(names(world) == [])
        let bo = world.join("Bo", more: ",\"since\":\(seen.since)")
        let got = world.take(bo)
        #expect(got.map { $0["seq"] } == [2, 3])
        #expect(got[0]["gap"] == seen.gap)
    }

    @Test func emptyRooms_whereMemoryIsScarce_areDropped() {
        var limits = ChatHarness.unlimited(isDurable: true)
        limits.recentBytesInAll = 1000
        var world = ChatHarness(limits: limits)
        visit("small", &world)
        #expect(names(world) == ["small"])
        let ada = world.join("Ada", room: "large")
        for _ in 0..<20 { world.say(ada, String(repeating: "x", count: 100)) }
        world.tick()
        visit("other", &world)
        #expect(names(world) == ["large"])
        world.close(ada, .left)
        world.tick()
        #expect(names(world) == [])
        #expect(world.chat.holdings.recentBytes == 0)
    }
}
