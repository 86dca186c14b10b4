import Testing

@testable import Chat

/// Never is anything seen that is not written; and what could not be written has not happened.
@Suite struct StorageFailureTests {
    private func world(_ names: String...) -> (world: ChatHarness, ids: [ConnectionID]) {
        var world = ChatHarness.durable()
        let ids = names.map { world.join($0) }
        for id in ids { _ = world.take(id) }
        return (world, ids)
    }

    @Test func aMessageIsRefusedWithItsIdAndNobodySeesIt() {
        var (world, ids) = world("Ada", "Bo")
        world.disk.failing = ["lobby"]
        world.say(ids[0], "one", messageID: "i\"1")
        world.say(ids[0], "two")
        world.send(ids[0], "{\"type\":\"typing\"}")
        world.tick()
        let got = world.take(ids[0])
        #expect(got.map(\.code) == ["storage_failed", "storage_failed"])
        #expect(got.map { $0["id"] } == ["i\"1", nil])
        #expect(world.heard(ids[1]) == [])
        #expect(world.chat.counters.takenBack == 2)
        #expect(world.chat.counters.messages == 0)
        world.disk.failing = []
        world.say(ids[0], "one", messageID: "i\"1")
        world.tick()
        let event = world.take(ids[1])
        #expect(event.map(\.short) == ["Ada: one"])
        #expect(event[0].seq == 3)
        #expect(world.disk.rooms["lobby"]?.map(\.seq) == [1, 2, 3])
    }

    @Test func aRepeatInTheTickThatFailsIsRefusedToo() {
        var (world, ids) = world("Ada")
        world.disk.failing = ["lobby"]
        world.say(ids[0], "one", messageID: "1")
        world.say(ids[0], "one", messageID: "1")
        world.tick()
        let got = world.take(ids[0])
        #expect(got.map(\.code) == ["storage_failed", "storage_failed"])
        #expect(got.map { $0["id"] } == ["1", "1"])
    }

    @Test func aRepeatOfWhatIsWrittenIsAnsweredAllTheSame() {
        var (world, ids) = world("Ada")
        world.say(ids[0], "one", messageID: "1")
        world.tick()
        world.disk.failing = ["lobby"]
        world.say(ids[0], "two")
        world.say(ids[0], "one", messageID: "1")
        world.tick()
        #expect(world.heard(ids[0]) == ["Ada: one", "Ada: one", "storage_failed"])
    }

    @Test func aPageWithWhatWasTakenBackIsTakenBackToo() {
        var (world, ids) = world("Ada")
        world.disk.failing = ["lobby"]
        world.send(ids[0], "{\"type\":\"history\",\"before\":99,\"limit\":9}")
        world.say(ids[0], "one", messageID: "1")
        world.send(ids[0], "{\"type\":\"history\",\"before\":99,\"limit\":9}")
        world.tick()
        #expect(world.heard(ids[0]) == ["history []", "storage_failed", "storage_failed"])
    }

    @Test func aJoinIsRefusedAndCanBeTriedAgainOnTheSameConnection() {
        var (world, ids) = world("Ada")
        world.disk.failing = ["lobby"]
        let bo = world.arrive("Bo")
        world.say(bo, "hi", messageID: "1")
        world.tick()
        #expect(world.heard(bo) == ["storage_failed", "storage_failed"])
        #expect(world.room.memberCount == 1)
        #expect(world.room.present == ids)
        world.send(bo, "{\"type\":\"history\",\"before\":1,\"limit\":1}")
        world.disk.failing = []
        let other = world.arrive("BO")
        world.send(bo, "{\"type\":\"join\",\"username\":\"Bo2\"}")
        world.say(bo, "hi", messageID: "1")
        world.tick()
        #expect(world.heard(bo) == ["not_joined", "welcome Bo2", "join Bo2", "Bo2: hi"])
        #expect(world.heard(other) == ["welcome BO", "join BO", "join Bo2", "Bo2: hi"])
        #expect(world.heard(ids[0]) == ["join BO", "join Bo2", "Bo2: hi"])
    }

    @Test func aRenameIsUndoneAlsoWhereTheNameWentOn() {
        var (world, ids) = world("Ada", "Bo")
        world.disk.failing = ["lobby"]
        world.send(ids[0], "{\"type\":\"rename\",\"username\":\"Eve\"}")
        world.send(ids[1], "{\"type\":\"rename\",\"username\":\"Ada\"}")
        let cy = world.arrive("Bo")
        world.send(ids[0], "{\"type\":\"rename\",\"username\":\"Zoe\"}")
        let dee = world.arrive("Eve")
        world.tick()
        for id in ids + [cy, dee] { #expect(Set(world.heard(id)) == ["storage_failed"]) }
        world.disk.failing = []
        for name in ["Ada", "BO"] { #expect(world.take(world.join(name)).map(\.code) == ["username_taken"]) }
        for name in ["Eve", "Zoe"] { #expect(world.take(world.join(name)).map(\.type) == ["welcome", "join"]) }
    }

    @Test func aLeaveIsTriedAgainUntilItIsWritten() {
        var (world, ids) = world("Ada", "Bo")
        world.disk.failing = ["lobby"]
        world.close(ids[1], .left)
        world.tick()
        #expect(world.heard(ids[0]) == [])
        #expect(world.take(world.join("Bo")).map(\.code) == ["username_taken"])
        for _ in 0..<3 { world.tick(after: 5_000) }
        #expect(world.heard(ids[0]) == [])
        world.disk.failing = []
        world.tick(after: 4_999)
        #expect(world.heard(ids[0]) == [])
        world.tick(after: 1)
        #expect(world.heard(ids[0]) == ["leave Bo"])
        world.tick(after: 60_000)
        #expect(world.heard(ids[0]) == [])
        #expect(world.room.memberCount == 1)
    }

    @Test func whoseLeaveIsNotWrittenYetCanComeBack() {
        var (world, ids) = world("Ada")
        let bo = world.join("Bo")
        let session = world.session(bo)
        world.disk.failing = ["lobby"]
        world.close(bo, .left)
        world.tick()
        let back = world.comeBack(session)
        #expect(world.heard(back) == ["welcome Bo"])
        world.disk.failing = []
        world.tick(after: 60_000)
        #expect(world.heard(ids[0]) == ["join Bo"])
    }

    @Test func whoComesBackIsWelcomedFirstAndWithoutWhatWasTakenBack() {
        var (world, ids) = world("Ada")
        let bo = world.join("Bo")
        let session = world.session(bo)
        world.close(bo, .lost)
        world.tick()
        world.disk.failing = ["lobby"]
        world.say(ids[0], "one")
        let back = world.arrive("x", more: ",\"session\":\"\(session)\",\"since\":1")
        world.say(back, "two", messageID: "2")
        world.say(back, " ")
        world.tick()
        let got = world.take(back)
        #expect(got.map(\.short) == ["welcome Bo", "text_empty", "storage_failed"])
        #expect((got[0]["history"] as [JSON]?)?.map(\.short) == ["join Bo"])
        #expect(got[0]["seq"] == 2)
        world.disk.failing = []
        world.say(ids[0], "three")
        world.tick()
        #expect(world.heard(back) == ["Ada: three"])
    }

    /// Join, message, takeover by another connection, rename, repeat and leave, all in a tick that fails.
    @Test func aWholeLifeInOneTickIsUndone() {
        var (world, ids) = world("Ada")
        world.disk.failing = ["lobby"]
        let first = world.arrive("Bo")
        world.say(first, "1", messageID: "1")
        let secret = Bits128(high: 0xABCD, low: UInt64(first.slot))
        var session: [UInt8] = []
        secret.appendHexadecimal(to: &session)
        let more = ",\"session\":\"\(String(decoding: session, as: UTF8.self))\""
        let second = world.arrive("x", more: more)
        world.send(second, "{\"type\":\"rename\",\"username\":\"Cy\"}")
        world.say(second, "1", messageID: "1")
        world.close(second, .left)
        let third = world.arrive("Bo", more: more)
        let fourth = world.arrive("x", more: more)
        world.tick()
        #expect(world.heard(ids[0]) == [])
        // The first was ended by the second, before the disk was asked.
        #expect(world.endings == [first: .takenOver])
        #expect(world.heard(third) == ["storage_failed"])
        #expect(world.heard(fourth) == ["storage_failed"])
        #expect(world.room.memberCount == 1)
        #expect(world.room.present == ids)
        #expect(world.room.seq == 1)
        #expect(world.chat.usedIDs == 0)
        #expect(world.chat.sessions.count == 1)
        world.disk.failing = []
        for id in [third, fourth] { world.send(id, "{\"type\":\"join\",\"username\":\"N\(id.slot)\"}") }
        world.tick()
        #expect(world.heard(ids[0]) == ["join N\(third.slot)", "join N\(fourth.slot)"])
    }

    @Test func aSessionTakenOverInTheTickOfAFailedJoinIsNobodys() {
        var (world, ids) = world("Ada")
        world.disk.failing = ["lobby"]
        let first = world.arrive("Bo")
        let second = world.arrive("x", more: ",\"session\":\"000000000000abcd000000000000000\(first.slot)\"")
        world.tick()
        #expect(world.endings == [first: .takenOver])
        #expect(world.heard(second) == ["storage_failed"])
        world.disk.failing = []
        world.say(second, "hi")
        world.tick()
        #expect(world.heard(second) == ["not_joined"])
        #expect(world.heard(ids[0]) == [])
    }

    @Test func oneRoomsFailureIsNotAnothers() {
        var world = ChatHarness.durable()
        let (ada, bo) = (world.join("Ada", room: "one"), world.join("Bo", room: "two"))
        _ = (world.take(ada), world.take(bo))
        world.disk.failing = ["one"]
        world.say(ada, "1")
        world.say(bo, "2")
        world.tick()
        #expect(world.heard(ada) == ["storage_failed"])
        #expect(world.heard(bo) == ["Bo: 2"])
    }

    @Test func ifTheJournalFailsNothingHappens() {
        var (world, ids) = world("Ada")
        world.disk.journalFails = true
        let journal = world.disk.journal
        world.say(ids[0], "1", messageID: "1")
        let bo = world.arrive("Bo")
        world.tick()
        #expect(world.heard(ids[0]) == ["storage_failed"])
        #expect(world.heard(bo) == ["storage_failed"])
        #expect(world.disk.journal == journal)
        // What needs no line in the journal goes on.
        world.say(ids[0], "2")
        world.tick()
        #expect(world.heard(ids[0]) == ["Ada: 2"])
        world.disk.journalFails = false
        world.say(ids[0], "1", messageID: "1")
        world.tick()
        #expect(world.heard(ids[0]) == ["Ada: 1"])
        #expect(!world.disk.journal.contains("undo"))
    }

    @Test func theJournalIsToldWhatHasNotHappened() {
        var (world, ids) = world("Ada")
        world.disk.failing = ["lobby"]
        world.say(ids[0], "1", messageID: "1")
        world.tick()
        world.disk.failing = []
        world.disk.journalFails = true
        world.tick()
        #expect(!world.disk.journal.contains("undo"))
        world.disk.journalFails = false
        world.tick()
        #expect(world.disk.journal.contains("{\"undo\":\"lobby\",\"seq\":2}\n"))
        let length = world.disk.journal.count
        world.tick()
        #expect(world.disk.journal.count == length)
        // Where the journal has no line there is nothing to undo.
        world.disk.failing = ["lobby"]
        world.say(ids[0], "2")
        world.tick()
        world.tick()
        #expect(world.disk.journal.count == length)
    }

    @Test func noticesHeldBackFromEarlierTicksAreNotTakenBack() {
        var world = ChatHarness.durable()
        let ids = (0..<200).map { world.arrive("user\($0)") }
        world.tick()
        world.tick()
        _ = world.take(ids[0])
        let bo = world.arrive("Bo")
        world.tick()
        #expect(world.heard(ids[0]) == [])
        world.disk.failing = ["lobby"]
        let cy = world.arrive("Cy")
        world.say(ids[0], "1")
        world.tick()
        #expect(world.heard(cy) == ["storage_failed"])
        #expect(world.heard(ids[0]) == ["storage_failed"])
        #expect(world.heard(bo) == ["welcome Bo"])
        world.disk.failing = []
        world.tick(after: 10)
        #expect(world.heard(ids[0]) == ["join Bo"])
        #expect(world.heard(bo) == ["join Bo"])
    }

    @Test func aRoomThatWasNotWrittenAtAllMayBeNamedAsFailed() {
        var (world, ids) = world("Ada")
        world.output.removeAll()
        world.chat.update(world.inputs, into: &world.output)
        world.chat.settle(failed: [0, 0, 77], journalWritten: true, into: &world.output)
        world.chat.endTick(world.output)
        world.say(ids[0], "hi")
        world.tick()
        #expect(world.heard(ids[0]) == ["Ada: hi"])
    }
}
