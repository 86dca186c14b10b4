import Chat
import Testing

/// Who becomes a host by speaking first, and where that shows.
@Suite struct HostTests {
    @Test func host_isTheFirstWithAKeyToSpeak() {
        var world = ChatHarness.durable()
        let (bo, ada) = (world.join("Bo", key: "b", room: "garden"), world.join("Ada", key: "a", room: "garden"))
        world.say(ada, "first")
        world.say(bo, "second")
        world.tick()
        let said = world.take(bo).filter { $0.type == "message" }
        #expect(said.map(\.role) == ["host", nil])
        #expect(world.take(world.join("Ada2", key: "a", room: "garden")).map(\.role) == ["host", "host"])
        let people: [JSON] = world.take(world.join("Cy", key: "c", room: "garden"))[0]["people"] ?? []
        #expect(people.map(\.role) == [nil, nil, "host", "host"])
    }

    @Test func host_isNobodyWhereOneWithoutAKeySpokeFirst() {
        var world = ChatHarness.durable()
        let (bo, ada) = (world.join("Bo", room: "garden"), world.join("Ada", key: "a", room: "garden"))
        world.say(bo, "first")
        world.say(ada, "second")
        world.tick()
        #expect(world.take(bo).filter { $0.type == "message" }.map(\.role) == [nil, nil])
    }

    @Test func host_isNobodyInTheLobbyOrANamedRoom() {
        var limits = ChatHarness.unlimited(isDurable: true)
        limits.rules.namedRooms = ["plans"]
        var world = ChatHarness(limits: limits)
        for room in ["lobby", "plans"] {
            let ada = world.join("Ada", key: "a", room: room)
            world.say(ada, "first")
            world.tick()
            #expect(world.take(ada).last?["role"] == nil as String?)
        }
    }

    @Test func host_staysOneAfterARestartAndInANewSegment() {
        var world = ChatHarness.durable()
        let ada = world.join("Ada", key: "a", room: "garden")
        world.say(ada, "first")
        world.tick()
        world.restart()
        #expect(world.take(world.join("Eve", key: "a", room: "garden"))[0]["role"] == "host")
        world.disk.beginSegment(of: world.room("garden"))
        world.restart()
        #expect(world.take(world.join("Zoe", key: "a", room: "garden"))[0]["role"] == "host")
        #expect(world.take(world.join("Bo", key: "b", room: "garden"))[0]["role"] == nil as String?)
    }

    @Test func host_whoseMessageCannotBeWritten_isNone() {
        var world = ChatHarness.durable()
        let (ada, bo) = (world.join("Ada", key: "a", room: "garden"), world.join("Bo", key: "b", room: "garden"))
        world.disk.failing = ["garden"]
        world.say(ada, "lost")
        world.tick()
        world.disk.failing = []
        _ = world.take(bo)
        world.say(bo, "first")
        world.say(ada, "second")
        world.tick()
        #expect(world.take(bo).map(\.role) == ["host", nil])
    }

    @Test func welcome_tellsWhatHoldsInTheRoom() {
        var world = ChatHarness()
        let welcome = world.take(world.join("Ada"))[0]
        #expect(welcome["topic"] == "")
        #expect(welcome["locked"] == false)
        #expect(welcome["slow"] == 0)
        #expect(welcome["keeping"] == true)
    }

    @Test func keeping_isToldToEveryoneWhenItChanges() {
        var world = ChatHarness.durable()
        let ada = world.join("Ada")
        _ = world.take(ada)
        world.inputs.items.append(.keeping(false))
        world.say(ada, "lost")
        world.disk.failing = ["lobby"]
        world.tick()
        let got = world.take(ada)
        #expect(got.map(\.type) == ["state", "error"])
        #expect(got[0]["keeping"] == false)
        #expect(world.take(world.join("Bo", room: "other"))[0]["keeping"] == false)
        world.inputs.items.append(.keeping(true))
        world.tick()
        #expect(world.take(ada).last?["keeping"] == true)
    }

    /// What was said before the time from which a purge deletes stays as it is now, though it was edited since.
    @Test func purge_leavesTheEditOfAnOlderMessage() {
        var garden = Garden()
        garden.world.say(garden.bo, "old")
        garden.world.tick()
        garden.world.tick(after: 120_000)
        garden.world.send(garden.bo, #"{"type":"edit","target":5,"text":"newer"}"#)
        garden.world.say(garden.bo, "new")
        garden.world.send(garden.bo, #"{"type":"edit","target":7,"text":"newest"}"#)
        garden.world.tick()
        _ = garden.world.take(garden.ada)
        #expect(garden.moderate(garden.ada, "purge", "\"username\":\"Bo\",\"minutes\":1").map(\.type) == ["moderation"])
        let history: [JSON] = garden.arrive("Dan", "d", more: ",\"since\":5")[0]["history"] ?? []
        #expect(history.map(\.type) == ["edit", "message", "edit", "moderation"])
        #expect(history.map { $0["text"] as String? } == ["newer", nil, nil, nil])
    }
}
