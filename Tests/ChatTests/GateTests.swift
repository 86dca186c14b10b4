import Chat
import Testing

/// Where lines have to be on the disk itself before anyone sees them.
@Suite struct GateTests {
    private func world() -> (world: ChatHarness, ada: ConnectionID, bo: ConnectionID) {
        var world = ChatHarness.durable()
        let (ada, bo) = (world.join("Ada"), world.join("Bo"))
        world.say(ada, "first", messageID: "0")
        world.tick()
        _ = (world.take(ada), world.take(bo))
        world.disk.ticket = 1
        return (world, ada, bo)
    }

    @Test func gate_holdsEventsBackUntilSynced() {
        var (world, ada, bo) = world()
        world.say(ada, "1")
        world.tick()
        world.tick(after: 10_000)
        #expect(world.heard(bo) == [])
        #expect(world.disk.events().count == 2)
        world.sync()
        world.tick()
        #expect(world.heard(bo) == ["Ada: 1"])
        #expect(world.heard(ada) == ["Ada: 1"])
    }

    @Test func gate_holdsBackWhateverComesLater() {
        var (world, ada, bo) = world()
        world.say(ada, "1")
        world.tick()
        // None of these is written; all of them follow.
        world.send(bo, "{\"type\":\"typing\"}")
        world.send(bo, "{}")
        world.say(ada, "first", messageID: "0")
        world.tick()
        #expect(world.heard(ada) == [])
        #expect(world.heard(bo) == [])
        world.sync()
        world.tick()
        #expect(world.heard(ada) == ["Ada: 1", "typing Bo", "Ada: first"])
        #expect(world.heard(bo) == ["Ada: 1", "bad_field"])
    }

    @Test func gates_openOneAfterTheOther() {
        var (world, ada, bo) = world()
        for i in 1...3 {
            world.say(ada, "\(i)")
            world.disk.ticket = UInt64(i)
            world.tick()
        }
        world.inputs.items.append(.synced(ticket: 0))
        world.tick()
        #expect(world.heard(bo) == [])
        world.inputs.items.append(.synced(ticket: 1))
        world.tick()
        #expect(world.heard(bo) == ["Ada: 1"])
        world.say(bo, "4")
        world.inputs.items.append(.synced(ticket: 3))
        world.disk.ticket = 4
        world.tick()
        #expect(world.heard(bo) == ["Ada: 2", "Ada: 3"])
        world.sync()
        world.tick()
        #expect(world.heard(ada) == ["Ada: 1", "Ada: 2", "Ada: 3", "Bo: 4"])
    }

    @Test func gate_ofOneRoom_isNotAnothers() {
        var (world, ada, bo) = world()
        let other = world.join("Cy", room: "other")
        _ = world.take(other)
        world.say(ada, "1")
        world.send(other, "{\"type\":\"typing\"}")
        world.send(other, "{}")
        world.tick()
        #expect(world.heard(other) == ["bad_field"])
        #expect(world.heard(bo) == [])
    }

    @Test func gate_holdsWelcomesAndEndingsBackInOrder() {
        var (world, ada, bo) = world()
        let cy = world.arrive("Cy")
        world.tick()
        let session = ChatHarness.newSession(of: cy)
        let back = world.comeBack(session)
        world.say(ada, "1")
        world.tick()
        for id in [ada, bo, cy, back] { #expect(world.heard(id) == []) }
        world.sync()
        world.tick()
        #expect(world.endings == [cy: .takenOver])
        // The first connection was ended before it heard anything: whoever has the session hears all of it.
        #expect(world.heard(cy) == ["welcome Cy"])
        let got = world.take(back)
        #expect(got.map(\.short) == ["welcome Cy", "Ada: 1"])
        #expect(got[0]["session"] == session)
        #expect(got[0]["seq"] == 4)
        #expect(world.heard(bo) == ["join Cy", "Ada: 1"])
    }

    @Test func gate_roomIsNotDroppedBehindIt() {
        var limits = ChatHarness.unlimited(isDurable: true)
        limits.emptyRooms = 0
        var world = ChatHarness(limits: limits)
        world.disk.ticket = 1
        let ada = world.join("Ada")
        world.say(ada, "1")
        world.tick()
        world.close(ada, .left)
        world.tick()
        #expect(world.room().name == "lobby")
        world.sync()
        world.tick()
        #expect(world.room().name == "")
        #expect(world.chat.holdings.touched == 0)
    }

    @Test func gate_afterARefusedWrite_isNotWaitedFor() {
        var (world, ada, bo) = world()
        world.disk.failing = ["lobby"]
        world.say(ada, "1")
        world.tick()
        #expect(world.heard(ada) == ["storage_failed"])
        #expect(world.heard(bo) == [])
    }

    @Test func gate_pageAndRepeatSeeWhatIsWritten() {
        var (world, ada, _) = world()
        world.say(ada, "1", messageID: "1")
        world.tick()
        world.send(ada, "{\"type\":\"history\",\"before\":99,\"limit\":9}")
        world.say(ada, "1", messageID: "1")
        world.tick()
        world.sync()
        world.tick()
        #expect(world.heard(ada) == ["Ada: 1", "history [\"Ada: first\", \"Ada: 1\"]", "Ada: 1"])
    }

    /// An answer that waited for the disk has its text behind those of entries that come after it.
    @Test func gate_withAnswersThatWaited_keepsTheirTexts() {
        var limits = ChatHarness.unlimited(isDurable: true)
        limits.rules.recentBytes = 500
        limits.rules.recentMessages = 1
        var world = ChatHarness(limits: limits)
        let (ada, bo) = (world.join("Ada"), world.join("Bo"))
        for i in 0..<40 { world.say(ada, "\(i)") }
        world.tick()
        _ = (world.take(ada), world.take(bo))
        world.answersReads = false
        world.send(ada, "{\"type\":\"history\",\"before\":20,\"limit\":9}")
        world.send(ada, "{}")
        world.tick()
        world.disk.ticket = 1
        world.say(ada, "a")
        world.tick()
        world.disk.ticket = 2
        world.answerReads()
        world.say(ada, "b")
        world.send(bo, "{\"type\":\"typing\"}")
        world.send(bo, "[]")
        world.tick()
        world.inputs.items.append(.synced(ticket: 1))
        world.tick()
        #expect(world.heard(bo) == ["Ada: a"])
        world.inputs.items.append(.synced(ticket: 2))
        world.tick()
        #expect(world.heard(bo) == ["Ada: b", "bad_json"])
        let got = world.heard(ada)
        #expect(got.count == 5)
        #expect(got.first == "Ada: a" && got.contains("bad_field") && got.contains("typing Bo"))
        #expect(got.contains { $0.hasPrefix("history [\"Ada: 8\"") })
    }
}
