import Chat
import Testing

/// What of the past a welcome tells.
@Suite struct WelcomeTests {
    private func past(_ welcome: JSON?) -> [JSON] { welcome?["history"] ?? [] }

    /// A room with `count` messages after the join of Ada, and a notice for each message.
    private func world(messages count: Int, isDurable: Bool = false) -> ChatHarness {
        var world = ChatHarness(limits: ChatHarness.unlimited(isDurable: isDurable))
        let ada = world.join("Ada")
        for i in 0..<count {
            world.say(ada, "\(i)")
            world.rename(ada, i % 2 == 0 ? "Eve" : "Ada")
        }
        world.tick()
        return world
    }

    @Test func welcome_hasNewestHundredMessagesWhateverNotices() {
        var world = world(messages: 700)
        let welcome = world.take(world.join("Bo")).first
        #expect(past(welcome).map { $0["text"] } == (600..<700).map(String.init))
        #expect(welcome?["gap"] == false)
        #expect(welcome?["seq"] == 1401)
    }

    @Test func welcome_namesEveryoneAsTheyAre_theNewcomerFirst() {
        var world = ChatHarness()
        _ = world.join("Ada")
        let quoted = #"\"B\\o\""#
        _ = world.join(quoted)
        let welcome = world.take(world.join("Cy")).first
        let people: [JSON] = welcome?["people"] ?? []
        #expect(welcome?["users"] == ["Cy", "Ada", quoted])
        #expect(people.map { $0["username"] } == ["Cy", "Ada", quoted])
        #expect(people.allSatisfy { ($0["user"] as String?)?.count == 11 })
    }

    @Test func welcome_afterLoad_hasNewestHundredMessages() {
        var world = world(messages: 700, isDurable: true)
        world.restart()
        let welcome = world.take(world.join("Bo")).first
        #expect(past(welcome).map { $0["text"] } == (600..<700).map(String.init))
        #expect(welcome?["seq"] == 1401)
    }

    @Test func welcome_ofFewMessages_hasAll() {
        var world = world(messages: 3)
        #expect(past(world.take(world.join("Bo")).first).map(\.short) == ["Ada: 0", "Eve: 1", "Ada: 2"])
    }

    @Test func welcome_inTickWithMessages_tellsEachOnce() {
        var world = ChatHarness()
        let ada = world.join("Ada")
        for i in 0..<99 { world.say(ada, "\(i)") }
        world.tick()
        world.say(ada, "99")
        world.say(ada, "100")
        let bo = world.arrive("Bo")
        world.say(ada, "101")
        world.tick()
        let got = world.take(bo)
        #expect(past(got.first).map { $0["text"] } == (1...100).map(String.init))
        #expect(got.map(\.short) == ["welcome Bo", "join Bo", "Ada: 101"])
        #expect(got[0]["seq"] == 102)
        #expect(got[1].seq == 103)
    }

    @Test(arguments: [false, true]) func welcome_withSince_hasEveryEventAfterIt(isDurable: Bool) {
        var world = world(messages: 10, isDurable: isDurable)
        for since in [0, 1, 5, 20, 21] {
            let id = world.join("Bo\(since)", more: ",\"since\":\(since)")
            let welcome = world.take(id).first
            #expect(past(welcome).compactMap(\.seq) == Array(since + 1..<(welcome?["seq"] ?? 0) + 1))
            #expect(welcome?["gap"] == false)
        }
    }

    @Test func welcome_withSince_isCutToThousandAndSaysSo() {
        var world = world(messages: 600)
        for (since, first, gap) in [(0, 202, true), (200, 203, true), (201, 204, true), (204, 205, false)] {
            let welcome = world.take(world.join("Bo\(since)", more: ",\"since\":\(since)")).first
            #expect(past(welcome).count == (welcome?["seq"] ?? 0) - first + 1)
            #expect(past(welcome).first?.seq == first)
            #expect(welcome?["gap"] == gap)
        }
    }

    @Test func welcome_eventsOfSameTickCountAmongThousand() {
        var world = world(messages: 499)  // 999 events
        let ada = ConnectionID(slot: 0, generation: 1)
        world.say(ada, "x")
        let (bo, cy) = (world.arrive("Bo", more: ",\"since\":0"), world.arrive("Cy", more: ",\"since\":0"))
        world.tick()
        let (first, second) = (world.take(bo)[0], world.take(cy)[0])
        #expect(past(first).count == 1000)
        #expect(first["gap"] == false)
        #expect(past(second).count == 1000)
        #expect(past(second).first?.seq == 2)
        #expect(past(second).last?.type == "join")
        #expect(second["gap"] == true)
    }

    @Test(arguments: [
        "22", "1000000", "9007199254740993", "9223372036854775807", "18446744073709551616", "1000000000000000000000",
    ])
    func welcome_withSinceBeyondNewest_hasNewestAndGap(since: String) {
        var world = world(messages: 10)
        let welcome = world.take(world.join("Bo", more: ",\"since\":\(since)")).first
        #expect(past(welcome).map { $0["text"] } == (0..<10).map(String.init))
        #expect(welcome?["gap"] == true)
    }

    @Test func welcome_ofEventsOnlyOnDisk_readsThem() {
        var limits = ChatHarness.unlimited(isDurable: true)
        limits.rules.recentBytes = 2000
        var world = ChatHarness(limits: limits)
        let ada = world.join("Ada")
        for i in 0..<100 { world.say(ada, "\(i)") }
        world.tick()
        let bo = world.arrive("Bo", more: ",\"since\":10")
        world.tick()
        #expect(world.disk.reads.map(\.want) == [.since(10, limit: 1000)])
        world.tick()
        let welcome = world.take(bo).first
        #expect(past(welcome).compactMap(\.seq) == Array(11...101))
        #expect(welcome?["gap"] == false)
    }

    @Test func welcome_ofEventsThatDiskCannotTell_hasGap() {
        var limits = ChatHarness.unlimited(isDurable: true)
        limits.rules.recentBytes = 2000
        var world = ChatHarness(limits: limits)
        let ada = world.join("Ada")
        for i in 0..<100 { world.say(ada, "\(i)") }
        world.tick()
        world.answersReads = false
        // It fails; it lost what came just before what is held; it has only a part; and meanwhile memory let go of more.
        let lost = world.disk.rooms["lobby"] ?? []
        for round in 0..<4 {
            let id = world.arrive("Bo\(round)", more: ",\"since\":10")
            world.tick()
            if round == 1 { world.disk.remove { ($0.seq ?? 0) > 50 } }
            if round == 2 { world.disk.rooms["lobby"] = Array(lost.suffix(20)) }
            if round == 3 {
                world.disk.rooms["lobby"] = lost
                let reads = world.disk.reads
                world.disk.reads = []
                for i in 0..<30 { world.say(ada, "more \(i)") }
                world.tick()
                // The answer is from before these.
                world.disk.rooms["lobby"] = lost
                world.disk.reads = reads
            }
            world.answerReads(failing: round == 0)
            world.tick()
            let welcome = world.take(id).first
            #expect(welcome?["gap"] == true, "\(round)")
            let seqs = past(welcome).compactMap(\.seq)
            #expect(seqs == seqs.sorted())
            #expect(Set(seqs).count == seqs.count)
            let newest = welcome?["seq"] ?? 0
            #expect(Array(seqs.suffix(3)) == Array(newest - 2...newest))
            if round == 1 { #expect(Array(seqs.prefix(40)) == Array(11...50)) }
        }
    }

    @Test func welcome_ofRoomWhoseLinesAreAllDamaged_hasGap() {
        var world = ChatHarness.durable()
        let snapshot = "{\"type\":\"snapshot\",\"seq\":50,\"part\":0,\"first\":1,\"last\":true}"
        world.disk.rooms["lobby"] = [snapshot, "x", "{}"]
        let welcome = world.take(world.join("Bo", more: ",\"since\":10")).first
        #expect(past(welcome).isEmpty)
        #expect(welcome?["gap"] == true)
        #expect(welcome?["seq"] == 50)
    }

    @Test func welcome_ofLongestMessages_isCutAndSaysSo() {
        var world = ChatHarness()
        let ada = world.join("Ada")
        for _ in 0..<200 { world.say(ada, String(repeating: "🦊", count: 4000)) }
        world.tick()
        let welcome = world.take(world.join("Bo", more: ",\"since\":0")).first
        #expect((welcome?.text.utf8.count ?? 0) <= Limits.welcomeBytes + 1000)
        #expect(past(welcome).count > 120)
        #expect(past(welcome).last?.seq == 201)
        #expect(welcome?["gap"] == true)
    }

    @Test func welcome_ofManyAtOnce_tellsLaterLess() {
        var world = ChatHarness()
        let ada = world.join("Ada")
        for _ in 0..<200 { world.say(ada, String(repeating: "🦊", count: 4000)) }
        world.tick()
        let ids = (0..<60).map { world.arrive("Bo\($0)", more: ",\"since\":0") }
        world.tick()
        let most = Limits.answerBytesInAll + Limits.welcomeBytes + 60 * Limits.scarceWelcomeBytes
        #expect(ids.reduce(0) { $0 + (world.transcripts[$1]?.first?.utf8.count ?? 0) } < most)
        let last = world.take(ids[59])[0]
        #expect(past(last).count > 50)  // the short ones: joins
        #expect(last["gap"] == true)
        // Pages have to wait in such a tick.
        for id in ids + ids { world.send(id, "{\"type\":\"history\",\"before\":1000,\"limit\":200}") }
        world.tick()
        #expect(world.heard(ids[0]).contains { $0.hasPrefix("history") })
        #expect(world.take(ids[59]).last?.code == "rate_limited")
    }
}
