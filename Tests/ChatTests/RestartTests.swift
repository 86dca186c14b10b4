import Chat
import Testing

/// Sessions, and which ids have been used, survive a restart, however the process ended.
@Suite struct RestartTests {
    /// Ada and Bo in the lobby, with their sessions; Ada has said something, so that the room has a file. The newest seq is 3.
    private func world() -> (world: ChatHarness, ids: [ConnectionID], sessions: [String]) {
        var world = ChatHarness.durable()
        let ids = ["Ada", "Bo"].map { world.join($0) }
        let sessions = ids.map { world.session($0) }
        world.say(ids[0], "hi")
        world.tick()
        for id in ids { _ = world.take(id) }
        return (world, ids, sessions)
    }

    @Test func restart_thenResume_isUnseenAndKeepsNamesAndIDs() {
        var (world, ids, sessions) = world()
        world.say(ids[0], "one", messageID: "1")
        world.rename(ids[1], "Eve")
        world.tick()
        let seq = world.take(ids[0]).last { $0.type == "message" }?.seq
        world.restart()
        let ada = world.comeBack(sessions[0], since: 3)
        let got = world.take(ada)
        #expect(got.map(\.short) == ["welcome Ada"])
        #expect((got[0]["history"] as [JSON]?)?.map(\.short) == ["Ada: one", "rename Bo Eve"])
        #expect(got[0]["gap"] == false)
        #expect(got[0]["userCount"] == 2)
        #expect(got[0]["session"] == sessions[0])
        world.say(ada, "one", messageID: "1")
        world.say(ada, "two", messageID: "2")
        world.tick(after: 10_000)
        let bo = world.comeBack(sessions[1], since: 5)
        #expect(world.heard(bo) == ["welcome Eve"])
        world.tick(after: 60_000)
        let heard = world.take(ada)
        #expect(heard.map(\.short) == ["Ada: one", "Ada: two"])
        #expect(heard.map(\.seq) == [seq, 6])
    }

    @Test func restart_withoutResume_leavesAfterGrace() {
        var (world, _, sessions) = world()
        world.restart()
        let ada = world.comeBack(sessions[0])
        #expect(world.take(world.join("Bo")).map(\.code) == ["username_taken"])
        world.tick(after: 29_000)
        #expect(world.heard(ada) == ["welcome Ada"])
        world.tick(after: 1_000)
        #expect(world.heard(ada) == ["leave Bo"])
        world.restart()
        let back = world.comeBack(sessions[1], name: "Bo")
        #expect(world.heard(back) == ["welcome Bo", "join Bo"])
    }

    @Test func restart_afterLeave_joinsAsStranger() {
        var (world, ids, sessions) = world()
        world.close(ids[1], .left)
        world.tick()
        world.restart()
        let back = world.comeBack(sessions[1], name: "Boris")
        #expect(world.heard(back) == ["welcome Boris", "join Boris"])
    }

    @Test func restart_repeated_isTheSame() {
        var (world, ids, sessions) = world()
        for i in 0..<5 {
            world.say(ids[0], "\(i)", messageID: "\(i)")
            world.tick()
            world.restart()
            ids[0] = world.comeBack(sessions[0])
            ids[1] = world.comeBack(sessions[1])
        }
        _ = world.take(ids[1])
        for i in 0..<5 { world.say(ids[0], "\(i)", messageID: "\(i)") }
        world.tick()
        world.tick()
        #expect(world.take(ids[0]).compactMap(\.seq).suffix(5) == [4, 5, 6, 7, 8])
        #expect(world.heard(ids[1]) == [])
    }

    @Test func restart_newSessionsAreNotMistakenForOldOnes() {
        var (world, _, sessions) = world()
        world.restart()
        _ = world.comeBack(sessions[0])
        let session = world.session(world.join("Cy"))
        world.restart()
        #expect(world.take(world.comeBack(session)).first?["username"] == "Cy")
        #expect(world.take(world.comeBack(sessions[0])).first?["username"] == "Ada")
        #expect(world.take(world.comeBack(sessions[1])).first?["username"] == "Bo")
    }

    /// A key is the same user, so that its ids count even when its session is gone.
    @Test func restart_idsOfAKey_areRememberedWithoutItsSession() {
        var world = ChatHarness.durable()
        let ada = world.join("Ada", key: "a")
        world.say(ada, "one", messageID: "1")
        world.close(ada, .left)
        world.tick()
        world.restart()
        let back = world.join("Eve", key: "a")
        world.say(back, "again", messageID: "1")
        world.tick()
        #expect(world.heard(back) == ["welcome Eve", "join Eve", "Ada: one"])
    }

    @Test func restart_afterRefusedWrite_keepsWhatWasSeen() {
        var (world, ids, sessions) = world()
        world.disk.failing = ["lobby"]
        world.say(ids[0], "not said", messageID: "1")
        world.close(ids[1], .left)
        world.tick()
        world.disk.failing = []
        world.say(ids[0], "x", messageID: "2")
        world.tick()
        world.restart()
        let (ada, bo) = (world.comeBack(sessions[0]), world.comeBack(sessions[1]))
        #expect(world.heard(bo) == ["welcome Bo"])
        world.say(ada, "said", messageID: "1")
        world.say(ada, "x", messageID: "2")
        world.tick()
        #expect(world.heard(bo) == ["Ada: said"])
        #expect(world.heard(ada) == ["welcome Ada", "Ada: said", "Ada: x"])
    }

    // MARK: Before the first message

    @Test func nothingIsKeptBeforeTheFirstMessage() {
        var world = ChatHarness.durable()
        let (ada, bo) = (world.join("Ada"), world.join("Bo"))
        world.rename(ada, "Eve")
        world.send(bo, "{\"type\":\"typing\"}")
        world.tick()
        #expect(world.room().unwritten.isEmpty)
        #expect(world.disk.rooms.isEmpty)
        _ = world.join("Cy")
        world.say(ada, "one")
        world.rename(ada, "Ada")
        world.tick()
        // From the first message on; what was before is only in the snapshot.
        #expect(world.disk.events().map(\.short) == ["Eve: one", "rename Eve Ada"])
        #expect(world.disk.events().map(\.seq) == [5, 6])
        let welcome = world.take(world.comeBack("x", since: 0, name: "Dee"))[0]
        #expect((welcome["history"] as [JSON]?)?.compactMap(\.seq) == Array(1...6))
        world.restart()
        let later = world.take(world.comeBack("x", since: 0, name: "Eli"))[0]
        #expect((later["history"] as [JSON]?)?.compactMap(\.seq) == [5, 6, 7])
        #expect(later["gap"] == true)
        #expect(later["users"] == ["Eli", "Ada", "Bo", "Cy", "Dee"])
    }

    @Test func nothingIsKeptOfRoomWhereNothingWasSaid() {
        var world = ChatHarness.durable()
        let session = world.session(world.join("Ada"))
        world.restart()
        let back = world.comeBack(session, since: 1, name: "Ada")
        let got = world.take(back)
        #expect(got.map(\.short) == ["welcome Ada", "join Ada"])
        #expect(got[0]["gap"] == true)
    }

    @Test func firstMessageRefused_keepsNothing() {
        var world = ChatHarness.durable()
        let ada = world.join("Ada")
        world.disk.failing = ["lobby"]
        world.say(ada, "one")
        _ = world.arrive("Bo")
        world.tick()
        #expect(world.disk.rooms.isEmpty)
        #expect(world.room().unwritten.isEmpty)
        world.disk.failing = []
        _ = world.join("Cy")
        #expect(world.disk.rooms.isEmpty)
        world.say(ada, "two")
        world.tick()
        #expect(world.disk.events().map(\.short) == ["Ada: two"])
    }

    // MARK: Seqs

    @Test func uncleanStop_raisesTheSeqAndMissesNothing() {
        var (world, ids, sessions) = world()
        world.say(ids[0], "lost")
        world.tick()
        world.disk.remove { $0["text"] == "lost" }
        world.disk.base = 1 << 32
        world.restart()
        let ada = world.comeBack(sessions[0], since: 3)
        let got = world.take(ada)
        #expect(got[0]["seq"] == 1 << 32)
        #expect(got[0]["gap"] == false)
        // Whoever has seen what was lost is told.
        #expect(world.take(world.join("Cy", more: ",\"since\":4"))[0]["gap"] == true)
        world.say(ada, "new")
        world.tick()
        #expect(world.take(ada).compactMap(\.seq) == [(1 << 32) + 1, (1 << 32) + 2])
        for _ in 0..<2 {
            // Also when it was started again, cleanly, and uncleanly.
            world.restart()
            let welcome = world.take(world.comeBack(sessions[0], since: 3))[0]
            #expect(welcome["gap"] == false)
            #expect((welcome["history"] as [JSON]?)?.map(\.short) == ["join Cy", "Ada: new"])
            for lost in [4, 1 << 31] {
                #expect(world.take(world.join("D\(lost)", more: ",\"since\":\(lost)")).first?["gap"] == true)
            }
            world.disk.remove { ($0["username"] ?? "").hasPrefix("D") }
            world.disk.base = 2 << 32
        }
    }

    @Test func uncleanStop_ofRoomWithOnlyASnapshot_isRemembered() {
        var (world, ids, sessions) = world()
        world.disk.beginSegment(of: world.room())
        world.say(ids[0], "lost")
        world.tick()
        world.disk.remove { $0["text"] == "lost" }
        world.disk.base = 1 << 32
        world.restart()
        let ada = world.comeBack(sessions[0])
        world.say(ada, "new")
        world.tick()
        world.disk.base = 0
        world.restart()
        #expect(world.take(world.join("Cy", more: ",\"since\":4")).first?["gap"] == true)
        #expect(world.take(world.join("Dee", more: ",\"since\":3")).first?["gap"] == false)
    }

    // MARK: Rooms

    @Test func load_thatFails_keepsSessionsForLater() {
        var (world, _, sessions) = world()
        world.restart()
        world.answersReads = false
        let ada = world.comeBack(sessions[0])
        world.answerReads(failing: true)
        world.tick()
        #expect(world.heard(ada) == ["storage_failed"])
        world.answersReads = true
        let back = world.comeBack(sessions[0])
        #expect(world.heard(back) == ["welcome Ada"])
        #expect(world.room().memberCount == 2)
    }
}
