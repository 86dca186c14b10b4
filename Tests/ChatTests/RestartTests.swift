import Testing

@testable import Chat

/// Sessions, and which ids they have used, survive a restart, however the process ended.
@Suite struct RestartTests {
    /// Ada and Bo in the lobby, with their sessions.
    private func world() -> (world: ChatHarness, ids: [ConnectionID], sessions: [String]) {
        var world = ChatHarness.durable()
        let ids = ["Ada", "Bo"].map { world.join($0) }
        let sessions = ids.map { world.session($0) }
        return (world, ids, sessions)
    }

    @Test func whoComesBackHasItsNameAndItsIdsAndNobodyHearsOfIt() {
        var (world, ids, sessions) = world()
        world.say(ids[0], "one", messageID: "1")
        world.send(ids[1], "{\"type\":\"rename\",\"username\":\"Eve\"}")
        world.tick()
        let seq = world.take(ids[0]).last { $0.type == "message" }?.seq
        world.restart()
        let ada = world.comeBack(sessions[0], since: 2)
        let got = world.take(ada)
        #expect(got.map(\.short) == ["welcome Ada"])
        #expect((got[0]["history"] as [JSON]?)?.map(\.short) == ["Ada: one", "rename Bo Eve"])
        #expect(got[0]["userCount"] == 2)
        #expect(got[0]["session"] == sessions[0])
        world.say(ada, "one", messageID: "1")
        world.say(ada, "two", messageID: "2")
        world.tick(after: 10_000)
        let bo = world.comeBack(sessions[1], since: 4)
        #expect(world.heard(bo) == ["welcome Eve"])
        world.tick(after: 60_000)
        let heard = world.take(ada)
        #expect(heard.map(\.short) == ["Ada: one", "Ada: two"])
        #expect(heard.map(\.seq) == [seq, 5])
    }

    @Test func whoDoesNotComeBackLeavesAfterTheGrace() {
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

    @Test func whoHasLeftIsGone() {
        var (world, ids, sessions) = world()
        world.close(ids[1], .left)
        world.tick()
        world.restart()
        let back = world.comeBack(sessions[1], name: "Boris")
        #expect(world.heard(back) == ["welcome Boris", "join Boris"])
    }

    @Test func afterManyRestartsItIsTheSame() {
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
        #expect(world.take(ids[0]).compactMap(\.seq).suffix(5) == [3, 4, 5, 6, 7])
        #expect(world.heard(ids[1]) == [])
    }

    @Test func newSessionsAreNotMistakenForOldOnes() {
        var (world, _, sessions) = world()
        world.restart()
        let ada = world.comeBack(sessions[0])
        let cy = world.join("Cy")
        let session = world.session(cy)
        world.restart()
        #expect(world.take(world.comeBack(session)).first?["username"] == "Cy")
        #expect(world.take(world.comeBack(sessions[0])).first?["username"] == "Ada")
        #expect(world.take(world.comeBack(sessions[1])).first?["username"] == "Bo")
        _ = ada
    }

    // MARK: Killed between the journal and the rooms

    /// The last tick's events are not on the disk, but its lines in the journal are.
    private func loseEvents(_ world: inout ChatHarness, from seq: UInt64) {
        world.disk.rooms["lobby"]?.removeAll { $0.seq >= seq }
    }

    @Test func linesWithoutTheirEventsDoNotCount() {
        var (world, ids, sessions) = world()
        world.say(ids[0], "lost", messageID: "1")
        world.send(ids[0], "{\"type\":\"rename\",\"username\":\"Eve\"}")
        let cy = world.arrive("Cy")
        world.close(ids[1], .left)
        world.tick()
        let session = world.session(cy)
        loseEvents(&world, from: 3)
        world.restart()
        let (ada, bo) = (world.comeBack(sessions[0]), world.comeBack(sessions[1]))
        #expect(world.heard(ada) == ["welcome Ada"])
        #expect(world.heard(bo) == ["welcome Bo"])
        let again = world.comeBack(session, name: "Cy")
        #expect(world.heard(again) == ["welcome Cy", "join Cy"])
        world.say(ada, "said", messageID: "1")
        world.tick()
        #expect(world.heard(bo) == ["join Cy", "Ada: said"])
    }

    @Test func norDoTheyWhenTheirSeqsHaveBeenGivenToOthers() {
        var (world, ids, sessions) = world()
        world.say(ids[0], "lost", messageID: "1")
        world.send(ids[0], "{\"type\":\"rename\",\"username\":\"Eve\"}")
        world.close(ids[1], .left)
        world.tick()
        loseEvents(&world, from: 3)
        world.restart()
        var (ada, bo) = (world.comeBack(sessions[0]), world.comeBack(sessions[1]))
        for i in 0..<10 { world.say(bo, "\(i)") }
        world.tick()
        world.restart()
        ada = world.comeBack(sessions[0])
        bo = world.comeBack(sessions[1])
        #expect(world.heard(ada) == ["welcome Ada"])
        #expect(world.heard(bo) == ["welcome Bo"])
        world.say(ada, "said", messageID: "1")
        world.tick()
        #expect(world.heard(bo) == ["Ada: said"])
    }

    @Test func afterAFailedWriteToo() {
        var (world, ids, sessions) = world()
        world.disk.failing = ["lobby"]
        world.say(ids[0], "not said", messageID: "1")
        world.close(ids[1], .left)
        world.tick()
        world.disk.failing = []
        world.say(ids[0], "x", messageID: "2")
        world.say(ids[0], "y")
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

    // MARK: The journal written anew

    @Test func theJournalWrittenAnewSaysTheSame() {
        var (world, ids, sessions) = world()
        let gone = world.join("Gone")
        for i in 0..<30 { world.say(ids[0], "\(i)", messageID: "\(i)") }
        world.send(ids[0], "{\"type\":\"rename\",\"username\":\"Eve\"}")
        world.close(gone, .left)
        world.tick()
        let before = world.disk.journal.count
        world.disk.journal = world.chat.snapshotJournal()
        #expect(world.disk.journal.count < before)
        #expect(!world.disk.journal.contains("Gone"))
        world.restart()
        // Also while nothing is loaded yet.
        world.disk.journal = world.chat.snapshotJournal()
        world.restart()
        let ada = world.comeBack(sessions[0])
        #expect(world.heard(ada) == ["welcome Eve"])
        for i in 0..<30 { world.say(ada, "\(i)", messageID: "\(i)") }
        world.tick()
        #expect(world.take(ada).compactMap(\.seq) == Array(4..<34))
        #expect(world.heard(world.comeBack(sessions[1])) == ["welcome Bo"])
        world.tick(after: 60_000)
        let snapshot = world.chat.snapshotJournal()
        world.disk.journal += snapshot
        world.restart()
        #expect(world.heard(world.comeBack(sessions[1])) == ["welcome Bo"])
    }

    // MARK: Rooms

    @Test func aRoomThatEverybodyHasLeftIsNotKeptInMemory() {
        var (world, ids, _) = world()
        for id in ids { world.close(id, .left) }
        world.tick()
        world.restart()
        world.tick()
        world.tick()
        #expect(world.room.members.isEmpty)
        #expect(world.room.isUnused)
        #expect(world.room.isEmptied)
    }

    @Test func ifARoomCannotBeLoadedItsSessionsAreStillThereWhenItCan() {
        var (world, _, sessions) = world()
        world.restart()
        world.answerReads(failing: true)
        world.tick(after: 60_000)
        world.answersReads = false
        let ada = world.comeBack(sessions[0])
        world.answerReads(failing: true)
        world.tick()
        #expect(world.heard(ada) == ["storage_failed"])
        world.answersReads = true
        let back = world.comeBack(sessions[0])
        #expect(world.heard(back) == ["welcome Ada"])
        #expect(world.room.memberCount == 2)
    }
}
