import Testing

@testable import Chat

/// A `message` whose `id` this session has sent before is not said twice.
@Suite struct UsedIDTests {
    private func world() -> (world: ChatHarness, ada: ConnectionID, bo: ConnectionID) {
        var world = ChatHarness()
        let (ada, bo) = (world.join("Ada"), world.join("Bo"))
        _ = (world.take(ada), world.take(bo))
        return (world, ada, bo)
    }

    @Test func whoSaysItAgainGetsTheFirstEventAgainAndNobodyElseHearsOfIt() {
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

    @Test func withinOneTickTheRepeatFollowsTheEvent() {
        var (world, ada, bo) = world()
        world.say(ada, "one", messageID: "1")
        world.say(ada, "one", messageID: "1")
        world.say(bo, "two", messageID: "1")
        world.say(ada, "one", messageID: "1")
        world.tick()
        #expect(world.heard(ada) == ["Ada: one", "Ada: one", "Bo: two", "Ada: one"])
        #expect(world.heard(bo) == ["Ada: one", "Bo: two"])
    }

    @Test func idsOfOthersAndOfOtherSpellingsAreOthers() {
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

    @Test func howAnIdIsEscapedDoesNotMatter() {
        var (world, ada, bo) = world()
        for id in ["a/é\\n", "\\u0061\\/\\u00e9\\u000A", "a/\\u00E9\\n"] {
            world.send(ada, "{\"type\":\"message\",\"text\":\"x\",\"id\":\"\(id)\"}")
        }
        world.tick()
        #expect(world.take(bo).count == 1)
        #expect(world.take(ada).map { $0["id"] } == ["a/é\n", "a/é\n", "a/é\n"])
    }

    @Test func aRefusedMessageDoesNotUseUpItsId() {
        var limits = ChatHarness.unlimited()
        limits.messages = Rate(perSecond: 1, burst: 3)
        var world = ChatHarness(limits: limits)
        let ada = world.join("Ada")
        _ = world.take(ada)
        world.say(ada, " ", messageID: "1")
        world.say(ada, "\u{7}", messageID: "1")
        world.say(ada, String(repeating: "x", count: 4001), messageID: "1")
        world.say(ada, "too fast", messageID: "1")
        world.tick()
        #expect(world.heard(ada) == ["text_empty", "bad_field", "text_too_long", "rate_limited"])
        world.say(ada, "now", messageID: "1")
        world.tick(after: 1000)
        #expect(world.heard(ada) == ["Ada: now"])
    }

    @Test func itHoldsWhenTheSessionComesBackAndWhenItIsRenamed() {
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

    @Test func aStrangerWithTheSameNameHasIdsOfItsOwn() {
        var (world, ada, bo) = world()
        world.say(ada, "one", messageID: "1")
        world.close(ada, .left)
        let other = world.arrive("Ada")
        world.say(other, "one", messageID: "1")
        world.tick()
        #expect(world.heard(bo) == ["Ada: one", "leave Ada", "join Ada", "Ada: one"])
    }

    /// Without a disk the event itself is forgotten at some time; that it was said is not.
    @Test func afterThousandsOfOthersItIsStillKnownToHaveBeenSaid() {
        var (world, ada, bo) = world()
        world.say(ada, "one", messageID: "1")
        world.tick()
        let seq = world.take(ada)[0].seq
        for i in 0..<3100 { world.say(bo, "\(i)") }
        world.tick()
        _ = (world.take(ada), world.take(bo))
        world.say(ada, "one", messageID: "1")
        world.say(ada, " ", messageID: "1")
        world.tick()
        let got = world.take(ada)
        #expect(got.map(\.short) == ["Ada: one", "text_empty"])
        #expect(got[0].keys == ["type", "seq", "time", "username", "text", "id"])
        #expect(got.map(\.seq) == [seq, nil])
        #expect(got.map { $0["id"] } == ["1", "1"])
        #expect(world.heard(bo) == [])
    }

    @Test func withADiskTheOldEventComesFromThere() {
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

    @Test func ifTheDiskCannotReadItTheAnswerHasTheId() {
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
        world.disk.rooms["lobby"]?.removeAll { $0.seq == 2 }
        world.answerReads()
        world.tick()
        let got = world.take(ada)
        #expect(got.map(\.code) == ["storage_failed", "storage_failed"])
        #expect(got.map { $0["id"] } == ["1", "1"])
    }

    @Test func ofManyTheNewestAreRemembered() {
        var used = UsedIDs()
        let hashes = (0..<35).map { Bits128(high: 0, low: UInt64($0)) }
        var count = 0
        for (i, hash) in hashes.enumerated() {
            count += used.insert(hash, seq: UInt64(100 + i), limit: 10)
            #expect(count == used.count)
            #expect(used.count <= 20)
            for known in max(0, i - 9)...i { #expect(used[hashes[known]] == UInt64(100 + known)) }
        }
        #expect(used[hashes[0]] == nil)
        #expect(used.all.map(\.seq) == (120..<135).map(UInt64.init))
        #expect(used.remove(hashes[34]) == -1)
        #expect(used.remove(hashes[25]) == -1)
        #expect(used.remove(hashes[34]) == 0)
        #expect(used[hashes[34]] == nil)
        #expect(used.count == 13)
    }

    @Test func whereAllTogetherAreTooManyTheOldestOfTheBusyAreForgotten() {
        var limits = ChatHarness.unlimited()
        limits.rememberedIDsInAll = 50
        limits.scarceRememberedIDs = 5
        var world = ChatHarness(limits: limits)
        let (ada, bo) = (world.join("Ada"), world.join("Bo"))
        for i in 0..<50 { world.say(ada, "\(i)", messageID: "\(i)") }
        for i in 0..<50 { world.say(bo, "\(i)", messageID: "\(i)") }
        world.tick()
        #expect(world.chat.usedIDs <= 62)
        for i in 45..<50 { world.say(bo, "\(i)", messageID: "\(i)") }
        for i in 0..<50 { world.say(ada, "\(i)", messageID: "\(i)") }
        world.tick()
        #expect(world.chat.counters.messages == 100)
        world.close(ada, .left)
        world.close(bo, .left)
        world.tick()
        #expect(world.chat.usedIDs == 0)
    }
}
