import Support
import Testing

// The table of used identifiers is the room's own.
@testable import Chat

/// A `message` whose `id` this session has sent before is not said twice.
@Suite struct UsedIDTests {
    private func world() -> (world: ChatHarness, ada: ConnectionID, bo: ConnectionID) {
        var world = ChatHarness()
        let (ada, bo) = (world.join("Ada"), world.join("Bo"))
        _ = (world.take(ada), world.take(bo))
        return (world, ada, bo)
    }

    @Test func repeat_isAnsweredWithFirstEventToSenderAlone() {
        var (world, ada, bo) = world()
        world.say(ada, "one", messageID: "1")
        world.tick()
        let first = world.take(ada)
        world.tick(after: 500)
        world.say(ada, "other words", messageID: "1")
        world.tick()
        #expect(world.take(ada).map(\.text) == first.map(\.text))
        #expect(world.heard(bo) == ["Ada: one"])
        #expect(world.chat.counters.messages == 1)
        #expect(world.chat.counters.repeats == 1)
    }

    @Test func repeat_inSameTick_followsTheEvent() {
        var (world, ada, bo) = world()
        world.say(ada, "one", messageID: "1")
        world.say(ada, "one", messageID: "1")
        world.say(bo, "two", messageID: "1")
        world.say(ada, "one", messageID: "1")
        world.tick()
        #expect(world.heard(ada) == ["Ada: one", "Ada: one", "Bo: two", "Ada: one"])
        #expect(world.heard(bo) == ["Ada: one", "Bo: two"])
    }

    @Test func id_ofOthersAndOtherSpellings_isAnother() {
        var (world, ada, bo) = world()
        for id in ["a", "A", "a ", "é", "e\u{301}", "🦊", String(repeating: "🦊", count: 64)] {
            world.say(ada, "x", messageID: id)
            world.say(bo, "y", messageID: id)
        }
        world.say(ada, "x", messageID: String(repeating: "🦊", count: 65))
        world.tick()
        #expect(world.chat.counters.messages == 14)
        #expect(world.take(ada).last?.code == "bad_field")
    }

    @Test func id_escapedOtherwise_isTheSame() {
        var (world, ada, bo) = world()
        for id in ["a/é\\n", "\\u0061\\/\\u00e9\\u000A", "a/\\u00E9\\n"] {
            world.send(ada, "{\"type\":\"message\",\"text\":\"x\",\"id\":\"\(id)\"}")
        }
        world.tick()
        #expect(world.take(bo).count == 1)
        #expect(world.take(ada).map { $0["id"] } == ["a/é\n", "a/é\n", "a/é\n"])
    }

    @Test func id_ofRefusedMessage_isNotUsedUp() {
        var limits = ChatHarness.unlimited()
        limits.messages = Rate(perSecond: 1, burst: 1)
        var world = ChatHarness(limits: limits)
        let ada = world.join("Ada")
        _ = world.take(ada)
        world.say(ada, "other")
        world.say(ada, " ", messageID: "1")
        world.say(ada, "\u{7}", messageID: "1")
        world.say(ada, String(repeating: "x", count: 4001), messageID: "1")
        world.say(ada, "too fast", messageID: "1")
        world.tick()
        #expect(world.heard(ada) == ["Ada: other", "text_empty", "bad_field", "text_too_long", "rate_limited"])
        world.say(ada, "now", messageID: "1")
        world.tick(after: 1000)
        #expect(world.heard(ada) == ["Ada: now"])
    }

    @Test func repeat_afterResumeAndRename_isRecognised() {
        var (world, ada, bo) = world()
        let cy = world.join("Cy")
        let session = world.session(cy)
        world.say(cy, "one", messageID: "1")
        world.close(cy, .lost)
        world.tick()
        _ = (world.take(ada), world.take(bo))
        let back = world.comeBack(session)
        world.send(back, "{\"type\":\"rename\",\"username\":\"Cyd\"}")
        world.say(back, "one", messageID: "1")
        world.tick()
        #expect(world.heard(back) == ["welcome Cy", "rename Cy Cyd", "Cy: one"])
        #expect(world.heard(bo) == ["rename Cy Cyd"])
    }

    @Test func id_ofStrangerWithSameName_isAnother() {
        var (world, ada, bo) = world()
        world.say(ada, "one", messageID: "1")
        world.close(ada, .left)
        let other = world.arrive("Ada")
        world.say(other, "one", messageID: "1")
        world.tick()
        #expect(world.heard(bo) == ["Ada: one", "leave Ada", "join Ada", "Ada: one"])
    }

    /// Without a disk the event itself is forgotten at some time; that it was said is not.
    @Test func repeat_ofForgottenMessage_isDone() {
        var (world, ada, bo) = world()
        world.say(ada, "one", messageID: "1")
        world.tick()
        let seq = world.take(ada)[0].seq
        for i in 0..<4100 { world.say(bo, "\(i)") }
        world.tick()
        _ = (world.take(ada), world.take(bo))
        world.say(ada, "one", messageID: "1")
        world.say(ada, " ", messageID: "1")
        world.tick()
        let got = world.take(ada)
        #expect(got.map(\.type) == ["done", "error"])
        #expect(got[0].keys == ["type", "id", "seq"])
        #expect(got.map(\.seq) == [seq, nil])
        #expect(got.map { $0["id"] } == ["1", "1"])
        #expect(world.heard(bo) == [])
    }

    @Test func repeat_ofOldMessage_isReadFromDisk() {
        var world = ChatHarness.durable()
        let (ada, bo) = (world.join("Ada"), world.join("Bo"))
        world.say(ada, "one", messageID: "1")
        world.tick()
        let first = world.take(ada).last
        for i in 0..<1200 { world.say(bo, "\(i)") }
        world.tick()
        _ = (world.take(ada), world.take(bo))
        world.say(ada, "one", messageID: "1")
        world.tick()
        #expect(world.disk.reads.map(\.want) == [.event(3)])
        world.tick()
        #expect(world.take(ada).map(\.text) == [first?.text])
        #expect(world.take(bo).isEmpty)
    }

    @Test func repeat_ofOldMessage_whereDiskFails_isRefusedWithID() {
        var world = ChatHarness.durable()
        let ada = world.join("Ada")
        world.say(ada, "one", messageID: "1")
        for i in 0..<1200 { world.say(ada, "\(i)") }
        world.tick()
        _ = world.take(ada)
        world.answersReads = false
        world.say(ada, "one", messageID: "1")
        world.tick()
        world.answerReads(failing: true)
        world.say(ada, "one", messageID: "1")
        world.tick()
        world.disk.remove { $0.seq == 2 }
        world.answerReads()
        world.tick()
        let got = world.take(ada)
        #expect(got.map(\.code) == ["storage_failed", nil])
        #expect(got.map(\.type) == ["error", "done"])
        #expect(got.map { $0["id"] } == ["1", "1"])
    }

    /// A session's ids are its key's, if it has one: whoever comes again with the key is known by them.
    @Test func id_ofAKey_isKnownWithoutTheSession() {
        var world = ChatHarness()
        let ada = world.join("Ada", key: "a")
        let bo = world.join("Bo", key: "b")
        world.say(ada, "one", messageID: "1")
        world.close(ada, .left)
        world.tick()
        let again = world.join("Eve", key: "a")
        _ = (world.take(bo), world.take(again))
        world.say(again, "two", messageID: "1")
        world.tick()
        #expect(world.heard(again) == ["Ada: one"])
        #expect(world.heard(bo) == [])
    }

    // MARK: Memory

    @Test func newestThousand_areRememberedForADay() {
        var used = UsedIDs()
        let hour: Int64 = 3_600_000
        for i in 0..<5000 as Range<UInt64> {
            used.insert(i, seq: i + 1, time: Int64(i) * 10_000)
            for known in [i, i - min(i, 500), i - min(i, 1023)] { #expect(used[known] == known + 1) }
            #expect(used.count <= 2 * RoomRules.rememberedIDs)
        }
        #expect(used[0] == nil)
        // Those of the last day are there, and older ones in the end are not.
        var slow = UsedIDs()
        for i in 0..<200 as Range<UInt64> {
            slow.insert(i, seq: i, time: Int64(i) * hour)
            #expect(slow[i - min(i, 24)] != nil)
        }
        #expect(slow.count < 60)
        #expect(slow[100] == nil)
    }

    @Test func remove_takesBackTheOneInsertedLast() {
        var used = UsedIDs()
        used.insert(1, seq: 1, time: 0)
        used.insert(2, seq: 2, time: 0)
        used.remove(2)
        #expect(used[2] == nil)
        #expect(used[1] == 1)
        #expect(used.count == 1)
        used.remove(1)
        #expect(used.isEmpty)
    }

    @Test func clockThatGoesBack_forgetsNothing() {
        var used = UsedIDs()
        for i in 0..<100 as Range<UInt64> { used.insert(i, seq: i, time: -Int64(i) * 90_000_000) }
        #expect(used.count == 100)
    }

    @Test func hash_isOfTheText() {
        func hash(_ text: String) -> UInt64 { UsedIDs.hash(of: Array(text.utf8).span) }
        #expect(hash("\"a\"") == hash("\"a\""))
        #expect(Set((0..<1000).map { hash("\"\($0)\"") }).count == 1000)
    }
}
