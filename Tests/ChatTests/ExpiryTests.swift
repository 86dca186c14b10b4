import Testing

@testable import Chat

/// What is not kept any longer is not there for anyone.
@Suite struct ExpiryTests {
    private func world(isDurable: Bool, keepDays: UInt64? = nil) -> ChatHarness {
        var limits = ChatHarness.unlimited(isDurable: isDurable)
        limits.keepDays = keepDays
        return ChatHarness(limits: limits)
    }

    @Test func events_thatTheLogHasRemoved_areGoneEverywhere() {
        var world = world(isDurable: true)
        world.isRecording = true
        Recording.appendSettings(world.chat.limits.rules, to: &world.recording)
        let ada = world.join("Ada", key: "a")
        for number in 0..<10 { world.say(ada, "text \(number)") }
        world.send(ada, #"{"type":"edit","target":4,"text":"changed"}"#)
        world.tick()
        let room = world.chat.roomsByName["lobby"] ?? 0
        #expect(world.chat.rooms[Int(room)].facts[4] != nil)
        let before = world.chat.recentBytes
        world.inputs.items.append(.expired(room: room, through: 6))
        world.tick()
        #expect(world.chat.recentBytes < before)
        #expect(world.chat.recentBytes == world.chat.rooms[Int(room)].recent.byteCount)
        #expect(world.chat.rooms[Int(room)].facts.isEmpty)
        _ = world.take(ada)
        world.send(ada, #"{"type":"history","before":8,"limit":50,"ref":"p"}"#)
        world.send(ada, #"{"type":"react","target":6,"emoji":"👍"}"#)
        world.send(ada, #"{"type":"message","text":"to nothing","reply":3}"#)
        world.send(ada, #"{"type":"react","target":7,"emoji":"👍"}"#)
        world.tick()
        let heard = world.take(ada)
        let page = heard.first { $0.type == "history" }
        #expect((page?["events"] as [JSON]?)?.map(\.short) == ["Ada: text 5"] && page?["more"] == false)
        #expect(heard.compactMap(\.code) == ["not_found", "not_found"])
        #expect(heard.contains { $0.type == "react" })
        let bo = world.join("Bo", more: #","since":4"#)
        let welcome = world.take(bo).first
        #expect(welcome?["gap"] == true)
        #expect((welcome?["history"] as [JSON]?)?.first?.seq == 7)
        // A place that is not a room's is nothing to it.
        world.inputs.items.append(.expired(room: 999, through: 6))
        world.tick()
        let replayed = replay(world.recording)
        #expect(replayed.agreed > 3 && replayed.differences == [] && replayed.end == "")
    }

    @Test func events_withoutADisk_areForgottenInTime() {
        var world = world(isDurable: false, keepDays: 1)
        let ada = world.join("Ada", key: "a")
        world.say(ada, "first")
        world.tick()
        world.tick(after: 50_000_000)
        world.say(ada, "second")
        world.tick()
        world.tick(after: 30_000_000)
        let room = world.chat.rooms.firstIndex { $0.name == "lobby" } ?? 0
        #expect(world.chat.rooms[room].recent.lines.count == 3)
        world.tick(after: 6_500_000)
        #expect(world.chat.rooms[room].recent.lines.count == 1)
        let bo = world.join("Bo", key: "b")
        #expect((world.take(bo).first?["history"] as [JSON]?)?.map(\.short) == ["Ada: second"])
    }
}
