import Chat
import Testing

/// Bans that have lapsed, and a wall clock that goes back.
@Suite struct LapsedBanTests {
    @Test(arguments: [false, true]) func banThatHasLapsed_doesNotHoldAgain_whenTheClockGoesBack(restarts: Bool) {
        var garden = Garden()
        _ = garden.moderate(garden.ada, "kick", "\"username\":\"Bo\"")
        garden.world.tick(after: 60_000)
        let bo = garden.world.join("Bo", key: "b", room: "garden")
        #expect(garden.world.take(bo).first?.type == "welcome")
        if restarts { garden.world.restart() }
        garden.world.tick(after: -60_000)
        let back = restarts ? garden.world.join("Bob", key: "b", room: "garden") : bo
        _ = garden.world.take(back)
        garden.world.say(back, "here")
        garden.world.tick()
        #expect(garden.world.take(back).map(\.type) == ["message"])
    }
}
