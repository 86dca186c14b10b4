import Chat
import Testing

@Suite struct LeavingTests {
    private func departed(_ departure: Departure, after: Int64) -> [String] {
        var world = ChatHarness()
        let ada = world.join("Ada")
        let bo = world.join("Bo")
        world.tick(after: 1000)
        _ = world.take(ada)
        world.close(bo, departure)
        world.tick()
        world.tick(after: after)
        return world.take(ada).map { "\($0.type) \($0["username"] ?? "")" }
    }

    @Test func leave_afterNormalClosure_isSeenAtOnce() { #expect(departed(.left, after: 0) == ["leave Bo"]) }

    @Test func leave_afterGoingAway_comesAfterFiveSeconds() {
        #expect(departed(.wentAway, after: 4_999) == [])
        #expect(departed(.wentAway, after: 5_000) == ["leave Bo"])
    }

    @Test func leave_afterLoss_comesAfterThirtySeconds() {
        #expect(departed(.lost, after: 29_999) == [])
        #expect(departed(.lost, after: 30_000) == ["leave Bo"])
    }

    @Test func nextDeadline_isWhenFirstGraceEnds() {
        var world = ChatHarness()
        let ada = world.join("Ada")
        let bo = world.join("Bo")
        world.tick(after: 1000)
        #expect(world.chat.nextDeadline == nil)
        world.close(ada, .lost)
        world.close(bo, .wentAway)
        world.tick()
        let now = world.inputs.now
        #expect(world.chat.nextDeadline == now + 5_000)
        world.tick(after: 5_000)
        #expect(world.chat.nextDeadline == now + 30_000)
    }

    @Test func name_isHeldDuringGraceAndFreeAfterwards() {
        var world = ChatHarness()
        let ada = world.join("Ada")
        world.close(ada, .lost)
        world.tick()
        let second = world.join("Ada")
        #expect(world.take(second).first?.code == "username_taken")
        world.tick(after: 30_000)
        world.send(second, "{\"type\":\"join\",\"username\":\"Ada\"}")
        world.tick()
        #expect(world.take(second).map(\.type) == ["welcome", "join"])
    }

    @Test func close_ofConnectionThatNeverJoined_isSilent() {
        var world = ChatHarness()
        let ada = world.join("Ada")
        let id = world.open()
        world.tick()
        world.close(id, .left)
        world.tick(after: 40_000)
        #expect(world.take(ada).map(\.type) == ["welcome", "join"])
    }
}
