import Chat
import Testing

/// How much one address may fill the disk with.
@Suite struct AllowanceTests {
    private func world(_ change: (inout Limits) -> Void = { _ in }) -> ChatHarness {
        var limits = ChatHarness.unlimited(isDurable: true)
        change(&limits)
        return ChatHarness(limits: limits)
    }

    /// What becomes of the first message in a room.
    private func begin(_ room: String, _ world: inout ChatHarness, address: UInt64 = 1) -> String? {
        let id = world.join("Ada\(world.inputs.now)", room: room, address: address)
        world.say(id, "hi")
        world.tick()
        return world.take(id).last?.code
    }

    @Test func rooms_fromOneAddress_areTwentyAnHourAndAHundredADay() {
        var world = world {
            $0.newRoomsInAnHour = Limits().newRoomsInAnHour
            $0.newRoomsInADay = Limits().newRoomsInADay
        }
        for hour in 0..<6 {
            for number in 0..<20 {
                #expect(begin("r\(hour)-\(number)", &world) == (hour < 5 ? nil : "rate_limited"))
            }
            #expect(begin("r\(hour)-x", &world) == "rate_limited")
            #expect(begin("o\(hour)", &world, address: 2) == nil)
            world.tick(after: 3_600_000)
        }
        world.tick(after: 86_400_000)
        #expect(begin("later", &world) == nil)
    }

    @Test func rooms_whoseFileDoesNotBegin_areNotCounted() {
        var world = world { $0.newRoomsInAnHour = Allowance(1, in: 3_600_000) }
        world.disk.failing = ["first"]
        #expect(begin("first", &world) == "storage_failed")
        #expect(world.chat.roomsWithFiles == 0)
        #expect(begin("second", &world) == nil)
        #expect(begin("third", &world) == "rate_limited")
        #expect(world.chat.roomsWithFiles == 1)
        #expect(begin("second", &world) == nil)
    }

    @Test func rooms_inOneTick_areCountedEach() {
        var world = world { $0.newRoomsInAnHour = Allowance(3, in: 3_600_000) }
        let ids = (0..<6).map { world.join("Ada", room: "r\($0)") }
        for id in ids { world.say(id, "hi") }
        world.tick()
        #expect(ids.map { world.take($0).last?.code } == [nil, nil, nil] + Array(repeating: "rate_limited", count: 3))
    }

    @Test func edits_countAsTextToo() {
        var world = world { $0.textInADay = Allowance(1000, in: 86_400_000) }
        let ada = world.join("Ada", key: "a")
        world.say(ada, "hi")
        world.tick()
        let long = String(repeating: "x", count: 600)
        for _ in 0..<2 {
            world.send(ada, "{\"type\":\"edit\",\"target\":2,\"text\":\"\(long)\"}")
            world.send(ada, "{\"type\":\"edit\",\"target\":2,\"text\":\"short\"}")
            world.tick()
        }
        #expect(world.take(ada).suffix(4).map { $0.code ?? $0.type } == ["edit", "edit", "rate_limited", "done"])
    }

    @Test func rooms_areNoMoreThanThereMayBe() {
        var world = world { $0.rooms = 2 }
        #expect(["a", "b", "c", "a"].map { begin($0, &world) } == [nil, nil, "room_limit", nil])
    }

    @Test func text_isAsMuchADayAsAnAddressMay() {
        var world = world { $0.textInADay = Allowance(30, in: 86_400_000) }
        let ada = world.join("Ada", room: "r")
        for _ in 0..<4 { world.say(ada, "0123456") }
        world.tick()
        #expect(world.take(ada).compactMap(\.code) == ["rate_limited"])
        world.tick(after: 86_400_000)
        world.say(ada, "0123456")
        world.tick()
        #expect(world.take(ada).map(\.type) == ["message"])
    }

    @Test func allowances_areNoneWithoutAMessageRate() {
        let limits = Limits(messagesPerSecond: 0, isDurable: true)
        #expect(limits.newRoomsInAnHour == nil && limits.newRoomsInADay == nil && limits.textInADay == nil)
        #expect(Limits().textInADay == Allowance(64 << 20, in: 86_400_000))
    }
}
