import Bytes
import Testing

// How long notices wait is the room's own business.
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

    @Test func notice_inSmallRoom_waitsForNothing() {
        var (world, ids) = world(49)
        let bo = world.join("Bo")
        #expect(world.heard(ids[0]) == ["join Bo"])
        world.close(bo, .left)
        world.tick()
        #expect(world.heard(ids[0]) == ["leave Bo"])
        #expect(world.chat.nextDeadline == nil)
    }

    @Test func notice_inLargeRoom_firstGoesAtOnceNextTogether() {
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

    @Test func holdTime_isAtMostQuarterOfSecond() {
        var room = Room(name: "r", rules: RoomRules(isDurable: false), isLoaded: true)
        for slot in 0..<20_000 {
            guard let name = Username("u\(slot)") else { continue }
            let session = UInt128(slot)
            let member = Member(username: name, user: .nobody, isKeyed: false, session: session, person: 1, since: 0)
            room.attach(ConnectionID(slot: UInt32(slot), generation: 1), to: room.add(member))
            #expect(room.holdTime == Int64(min(250, room.present.count / 50)))
        }
        #expect(room.holdTime == 250)
    }

    @Test func message_waitsForNothingAndTakesNoticesAlong() {
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

    @Test func heldNotice_isInWelcomeAndNotToldAgain() {
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

    @Test func answer_isNotHeldWithNotices() {
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

    @Test func heldNotice_isWrittenOnce() {
        var world = ChatHarness.durable()
        let ids = (0..<500).map { world.arrive("user\($0)") }
        world.tick()
        world.tick()
        world.say(ids[0], "hi")
        world.tick()
        _ = world.join("a")
        _ = world.join("b")
        #expect(world.disk.events().map(\.seq) == Array(501...503))
        world.tick(after: 20)
        #expect(world.disk.events().map(\.seq) == Array(501...503))
    }
}
