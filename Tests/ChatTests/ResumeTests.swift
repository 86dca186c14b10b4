import Chat
import Testing

/// Coming back with a session.
@Suite struct ResumeTests {
    /// Ada, who stays, and Bo, with the session that Bo has.
    private func world() -> (world: ChatHarness, ada: ConnectionID, bo: ConnectionID, session: String) {
        var world = ChatHarness()
        let (ada, bo) = (world.join("Ada"), world.join("Bo"))
        let session = world.session(bo)
        _ = world.take(ada)
        return (world, ada, bo, session)
    }

    @Test func resume_inTime_isUnseenAndReplaysMissedEvents() {
        var (world, ada, bo, session) = world()
        world.close(bo, .lost)
        world.tick()
        world.say(ada, "where are you?")
        world.tick(after: 29_000)
        let back = world.comeBack(session, since: 2, name: "ignored")
        let got = world.take(back)
        #expect(got.map(\.short) == ["welcome Bo"])
        #expect(got[0]["session"] == session)
        #expect((got[0]["history"] as [JSON]?)?.map(\.short) == ["Ada: where are you?"])
        #expect(got[0]["gap"] == false)
        #expect(got[0]["userCount"] == 2)
        #expect(world.chat.counters.resumes == 1)
        world.tick(after: 60_000)
        #expect(world.heard(ada) == ["Ada: where are you?"])
        world.say(back, "here")
        world.tick()
        #expect(world.heard(back) == ["Bo: here"])
    }

    @Test func resume_tooLate_joinsAsStrangerWithHistory() {
        var (world, ada, bo, session) = world()
        world.close(bo, .lost)
        world.tick()
        world.tick(after: 30_000)
        let back = world.comeBack(session, since: 2, name: "Boris")
        let got = world.take(back)
        #expect(got.map(\.short) == ["welcome Boris", "join Boris"])
        #expect(got[0]["session"] != session)
        #expect((got[0]["history"] as [JSON]?)?.map(\.type) == ["leave"])
        #expect(world.heard(ada) == ["leave Bo", "join Boris"])
    }

    @Test func grace_ofNewestLossCounts() {
        var (world, ada, bo, session) = world()
        world.close(bo, .lost)
        world.tick(after: 20_000)
        let back = world.comeBack(session)
        world.close(back, .wentAway)
        world.tick(after: 4_000)
        let again = world.comeBack(session)
        world.close(again, .lost)
        world.tick()
        world.tick(after: 29_998)
        #expect(world.heard(ada) == [])
        world.tick(after: 2)
        #expect(world.heard(ada) == ["leave Bo"])
    }

    @Test(arguments: ["\"\"", "\"zz\"", "\"00000000000000000000000000000000\"", "\"ABCDEF\"", "\"\\u0000\""])
    func resume_withUnknownSession_joinsAsStranger(session: String) {
        var (world, ada, _, _) = world()
        let id = world.join("Cy", more: ",\"session\":\(session)")
        #expect(world.heard(id) == ["welcome Cy", "join Cy"])
        #expect(world.heard(ada) == ["join Cy"])
    }

    @Test func resume_withSessionInUpperCase_joinsAsStranger() {
        var (world, _, bo, session) = world()
        world.close(bo, .lost)
        world.tick()
        let id = world.comeBack(session.uppercased(), name: "Cy")
        #expect(session != session.uppercased())
        #expect(world.heard(id) == ["welcome Cy", "join Cy"])
    }

    @Test func resume_withSessionOfAnotherRoom_joinsAsStranger() {
        var (world, ada, bo, session) = world()
        world.close(bo, .lost)
        world.tick()
        let other = world.comeBack(session, name: "Bo", room: "other")
        #expect(world.heard(other) == ["welcome Bo", "join Bo"])
        world.tick(after: 30_000)
        #expect(world.heard(ada) == ["leave Bo"])
        let welcome = world.take(world.comeBack(session, name: "Cy")).first
        #expect(welcome?["username"] == "Cy")
    }

    @Test func takeover_endsFirstConnectionUnseen() {
        var (world, ada, bo, session) = world()
        let second = world.comeBack(session)
        #expect(world.endings[bo] == .takenOver)
        #expect(world.heard(second) == ["welcome Bo"])
        // What the first one still had on the way is not heard, and its end is not a leave.
        world.say(bo, "too late")
        world.send(bo, "{\"type\":\"join\",\"username\":\"Bo2\"}")
        world.close(bo, .left)
        world.tick()
        world.tick(after: 60_000)
        #expect(world.heard(ada) == [])
        #expect(world.heard(bo) == [])
        #expect(world.room().present == [ada, second])
        #expect(world.room().memberCount == 2)
    }

    @Test func takeover_severalInOneTick_inTurn() {
        var (world, ada, bo, session) = world()
        let more = ",\"session\":\"\(session)\""
        world.say(bo, "1")
        let second = world.arrive("x", more: more)
        world.say(second, "2")
        let third = world.arrive("x", more: more)
        world.say(second, "not heard")
        world.say(third, "3")
        world.tick()
        #expect(world.heard(ada) == ["Bo: 1", "Bo: 2", "Bo: 3"])
        #expect(world.heard(third) == ["welcome Bo", "Bo: 3"])
        #expect(world.endings == [bo: .takenOver, second: .takenOver])
    }

    @Test func resume_afterNormalClosure_joinsAsStranger() {
        var (world, ada, bo, session) = world()
        world.close(bo, .left)
        let back = world.arrive("Bo", more: ",\"session\":\"\(session)\"")
        world.tick()
        #expect(world.heard(back) == ["welcome Bo", "join Bo"])
        #expect(world.heard(ada) == ["leave Bo", "join Bo"])
    }

    @Test func resume_inTickWithEvents_tellsEachOnce() {
        var (world, ada, bo, session) = world()
        world.close(bo, .lost)
        world.tick()
        world.say(ada, "before")
        let back = world.arrive("x", more: ",\"session\":\"\(session)\",\"since\":2")
        world.say(ada, "after")
        world.tick()
        let got = world.take(back)
        #expect(got.map(\.short) == ["welcome Bo", "Ada: after"])
        #expect((got[0]["history"] as [JSON]?)?.map(\.short) == ["Ada: before"])
        #expect(got[0]["seq"] == 3)
    }

    @Test func join_refusedThenAccepted_hearsNothingBetween() {
        var (world, ada, _, _) = world()
        world.say(ada, "1")
        let cy = world.arrive("Ada")
        world.say(ada, "2")
        world.send(cy, "{\"type\":\"join\",\"username\":\"Cy\"}")
        world.say(ada, "3")
        world.tick()
        let got = world.take(cy)
        #expect(got.map(\.short) == ["username_taken", "welcome Cy", "join Cy", "Ada: 3"])
        #expect((got[1]["history"] as [JSON]?)?.map(\.short) == ["Ada: 1", "Ada: 2"])
    }

    @Test func resume_waitingForDisk_extendsGrace() {
        var limits = ChatHarness.unlimited(isDurable: true)
        limits.rules.recentBytes = 1000
        var world = ChatHarness(limits: limits)
        let (ada, bo) = (world.join("Ada"), world.join("Bo"))
        let session = world.session(bo)
        for i in 0..<50 { world.say(ada, "\(i)") }
        world.close(bo, .lost)
        world.tick()
        world.answersReads = false
        _ = world.take(ada)
        world.tick(after: 29_000)
        let back = world.comeBack(session, since: 2)
        world.tick(after: 5_000)
        world.answerReads()
        world.tick()
        let got = world.take(back)
        #expect(got.map(\.short) == ["welcome Bo"])
        #expect((got[0]["history"] as [JSON]?)?.count == 50)
        #expect(world.heard(ada) == [])
    }
}
