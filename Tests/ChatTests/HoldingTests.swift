import Testing

@testable import Chat

/// Notices in a large room wait for more of them; messages do not.
@Suite struct HoldingTests {
    /// A room of `count`, in which nothing waits.
    private func world(_ count: Int) -> (world: ChatHarness, ids: [ConnectionID]) {
        var world = ChatHarness()
        let ids = (0..<count).map { world.arrive("user\($0)") }
        world.tick()
        world.tick(after: 1000)
        for id in ids { _ = world.take(id) }
        return (world, ids)
    }

    @Test func inASmallRoomNothingWaits() {
        var (world, ids) = world(49)
        let bo = world.join("Bo")
        #expect(world.heard(ids[0]) == ["join Bo"])
        world.close(bo, .left)
        world.tick()
        #expect(world.heard(ids[0]) == ["leave Bo"])
        #expect(world.chat.nextDeadline == nil)
    }

    @Test func theFirstNoticeGoesAtOnceAndTheNextOnesTogether() {
        var (world, ids) = world(500)
        _ = world.join("a")
        #expect(world.heard(ids[0]) == ["join a"])
        let sent = world.inputs.now
        let b = world.join("b")
        world.close(ids[1], .left)
        world.tick()
        #expect(world.heard(ids[0]) == [])
        #expect(world.chat.nextDeadline == sent + 10)
        #expect(world.heard(b) == ["welcome b"])
        world.tick(after: sent + 9 - world.inputs.now)
        #expect(world.heard(ids[0]) == [])
        world.tick()
        #expect(world.heard(ids[0]) == ["join b", "leave user1"])
        #expect(world.heard(b) == ["join b", "leave user1"])
        #expect(world.chat.nextDeadline == nil)
    }

    @Test func noRoomIsSoLargeThatNoticesWaitLongerThanAQuarterOfASecond() {
        var room = Room(name: "r", phase: .ready)
        for slot in 0..<20_000 {
            let name = Username("u\(slot)") ?? Username("x")
            guard let name else { continue }
            let member = room.add(Member(username: name, session: Bits128(high: 0, low: 0), number: 1))
            room.attach(ConnectionID(slot: UInt32(slot), generation: 1), to: member)
            #expect(room.holdTime == Int64(min(250, room.present.count / 50)))
        }
        #expect(room.holdTime == 250)
    }

    @Test func aMessageWaitsForNothingAndTakesTheNoticesBeforeItAlong() {
        var (world, ids) = world(500)
        _ = world.join("a")
        _ = world.join("b")
        _ = world.take(ids[0])
        world.say(ids[1], "hi")
        let c = world.arrive("c")
        world.tick()
        #expect(world.heard(ids[0]) == ["join b", "user1: hi", "join c"])
        #expect(world.heard(c) == ["welcome c", "join c"])
    }

    @Test func whatWaitsIsInTheHistoryOfAWelcomeAndNotToldAgain() {
        var (world, ids) = world(500)
        _ = world.join("a")
        _ = world.join("b")
        let c = world.join("c", more: ",\"since\":500")
        let d = world.join("d")
        world.close(ids[1], .lost)
        world.tick()
        world.tick(after: 20)
        let got = world.take(c)
        #expect(got.map(\.short) == ["welcome c", "join c", "join d"])
        #expect((got[0]["history"] as [JSON]?)?.map(\.short) == ["join a", "join b"])
        #expect(world.heard(d) == ["welcome d", "join d"])
        #expect(world.heard(ids[0]) == ["join a", "join b", "join c", "join d"])
    }

    @Test func repliesComeMeanwhile() {
        var (world, _) = world(500)
        _ = world.join("a")
        let b = world.join("b")
        world.send(b, "{}")
        world.tick()
        #expect(world.heard(b) == ["welcome b", "bad_field"])
        world.send(b, "{}")
        world.tick(after: 20)
        #expect(world.heard(b) == ["join b", "bad_field"])
    }

    @Test func whatWaitsIsWrittenAllTheSameAndOnce() {
        var world = ChatHarness.durable()
        _ = (0..<500).map { world.arrive("user\($0)") }
        world.tick()
        world.tick()
        _ = world.join("a")
        _ = world.join("b")
        #expect(world.disk.rooms["lobby"]?.count == 502)
        world.tick(after: 20)
        #expect(world.disk.rooms["lobby"]?.map(\.seq) == Array(1...502))
    }
}
