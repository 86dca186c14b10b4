import Chat
import Testing

/// Being told of new messages in other rooms.
@Suite struct WatchingTests {
    private func world() -> (ChatHarness, ConnectionID, ConnectionID) {
        var world = ChatHarness()
        let ada = world.join("Ada", key: "a", room: "garden")
        let bo = world.join("Bo", key: "b")
        world.send(bo, "{\"type\":\"watch\",\"rooms\":[\"garden\",\"garden\",\"empty\"]}")
        world.tick()
        _ = world.take(bo)
        return (world, ada, bo)
    }

    @Test func unread_isToldOnceASecond_withTheNewest() {
        var (world, ada, bo) = world()
        world.say(ada, "1")
        world.tick()
        #expect(world.take(bo).map { "\($0.type) \($0["room"] ?? "") \($0.seq ?? 0)" } == ["unread garden 2"])
        for text in ["2", "3"] {
            world.say(ada, text)
            world.tick()
        }
        #expect(world.take(bo).isEmpty)
        #expect(world.chat.nextDeadline != nil)
        world.tick(after: 1000)
        #expect(world.take(bo).map(\.seq) == [4])
        world.tick(after: 5000)
        #expect(world.take(bo).isEmpty)
        #expect(world.chat.nextDeadline == nil)
    }

    @Test func unread_isNotToldOfNotices_norToThoseWhoMayNotEnter() {
        var (world, ada, bo) = world()
        world.say(ada, "1")
        world.tick()
        _ = world.take(bo)
        _ = world.join("Cy", room: "garden")
        world.tick(after: 2000)
        #expect(world.take(bo).map(\.type) == [])
        world.moderate(ada, "lock")
        world.say(ada, "2")
        world.tick(after: 2000)
        #expect(world.take(bo).isEmpty)
    }

    @Test func watch_isReplacedByTheNext_andEndsWithTheConnection() {
        var (world, ada, bo) = world()
        world.send(bo, "{\"type\":\"watch\",\"rooms\":[]}")
        world.say(ada, "1")
        world.tick()
        #expect(world.take(bo).isEmpty)
        world.send(bo, "{\"type\":\"watch\",\"rooms\":[\"garden\"]}")
        world.tick()
        world.close(bo, .left)
        world.say(ada, "2")
        world.tick()
        #expect(world.take(bo).isEmpty)
    }

    @Test(arguments: [
        "\"watch\"", "\"watch\",\"rooms\":\"garden\"", "\"watch\",\"rooms\":[\"No!\"]", "\"watch\",\"rooms\":[1]",
        "\"pace\"", "\"pace\",\"slow\":1",
    ])
    func fields_ofTheWrongForm_areBad(fields: String) {
        var world = ChatHarness()
        let ada = world.join("Ada")
        _ = world.take(ada)
        world.send(ada, "{\"type\":\(fields)}")
        world.tick()
        #expect(world.take(ada).map(\.code) == ["bad_field"])
    }

    @Test func watch_ofTwentyOneRooms_isBad() {
        var world = ChatHarness()
        let ada = world.join("Ada")
        _ = world.take(ada)
        for count in [20, 21] {
            let rooms = (0..<count).map { "\"r\($0)\"" }.joined(separator: ",")
            world.send(ada, "{\"type\":\"watch\",\"rooms\":[\(rooms)]}")
        }
        world.send(ada, "{\"type\":\"pace\",\"slow\":true}")
        world.tick()
        #expect(world.take(ada).map(\.code) == ["bad_field"])
        #expect(world.chat.bookkeepingError == nil)
    }
}
