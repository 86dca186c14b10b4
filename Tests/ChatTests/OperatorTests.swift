import Chat
import Testing

/// Operators, the password, and the rooms that there are.
@Suite struct OperatorTests {
    // MARK: Operators

    @Test func operator_bansFromAllRooms_inForceAtOnce() {
        var garden = Garden()
        let elsewhere = garden.world.join("Bo", key: "b", room: "other", address: 12)
        let dee = garden.world.join("Dee", key: "d", room: "other")
        garden.world.say(dee, "hi")
        garden.world.appoint("c")
        garden.world.tick()
        for id in [garden.cy, dee] { _ = garden.world.take(id) }
        #expect(garden.moderate(garden.cy, "ban", "\"username\":\"Bo\"").map(\.type) == ["moderation", "leave"])
        garden.world.tick()
        #expect(garden.world.endings[elsewhere] == .putOut)
        #expect(garden.world.heard(dee) == ["leave Bo"])
        #expect(garden.world.take(garden.world.join("Bo", key: "b", room: "third")).map(\.code) == ["banned"])
        // It is no host's to undo, and an operator's from any room.
        _ = garden.world.take(garden.ada)
        #expect(garden.moderate(garden.ada, "unban", "\"username\":\"Bo\"").map(\.code) == ["not_allowed"])
        #expect(garden.moderate(garden.cy, "unban", "\"username\":\"Bo\"").map(\.type) == ["moderation"])
        garden.world.tick()
        #expect(garden.world.take(garden.world.join("Bo", key: "b", room: "third")).first?.type == "welcome")
    }

    @Test func facts_areReadAsTheyWereWritten() throws {
        var garden = Garden()
        garden.world.appoint("c")
        garden.world.tick()
        _ = garden.moderate(garden.cy, "ban", "\"username\":\"Bo\",\"minutes\":5,\"reason\":\"spam\",\"address\":true")
        let taken = garden.world.chat.takeFacts()
        let facts = try #require(taken)
        #expect(facts.bans.count == 1)
        #expect(facts.addressBans.count == 1)
        #expect(ServerFacts(json: facts.json.span) == facts)
        let again = garden.world.chat.takeFacts()
        #expect(again == nil)
    }

    private static let code = "0123456789abcdefghijkl"

    private func link(until: Int64 = .max, endsOthers: Bool = false) -> OperatorLink {
        OperatorLink(code: CodeHash.of(Array(Self.code.utf8).span), until: until, endsOthers: endsOthers)
    }

    /// Joins with the code, and has the link come.
    private func offer(_ world: inout ChatHarness, _ key: Character, _ link: OperatorLink?, code: String = code) -> JSON
    {
        let more = ",\"key\":\"\(String(repeating: key, count: 16))\",\"operator\":\"\(code)\""
        let id = world.arrive("O\(key)", room: "garden", more: more)
        world.tick()
        #expect(world.output.wantsOperatorLink)
        world.inputs.items.append(.operatorLink(link))
        world.tick()
        while !world.disk.reads.isEmpty { world.tick() }
        return world.take(id)[0]
    }

    @Test func operatorCode_makesOneOperator() {
        var world = ChatHarness.durable()
        #expect(offer(&world, "w", link(), code: "wrong").role == nil)
        #expect(offer(&world, "x", nil).role == nil)
        #expect(offer(&world, "y", link(until: 0)).role == nil)
        #expect(offer(&world, "a", link()).role == "operator")
        #expect(world.take(world.join("Ada", key: "a")).first?.role == "operator")
    }

    @Test func operatorCode_withoutAKey_isPassedOver() {
        var world = ChatHarness()
        #expect(world.take(world.join("Ada", more: ",\"operator\":\"\(Self.code)\"")).first?.type == "welcome")
    }

    @Test func operatorLink_thatRenews_endsTheOthers() {
        var garden = Garden()
        garden.world.appoint("c")
        garden.world.tick()
        #expect(offer(&garden.world, "z", link(endsOthers: true)).role == "operator")
        garden.world.tick()
        _ = garden.world.take(garden.cy)
        #expect(garden.moderate(garden.cy, "slow", "\"seconds\":1").map(\.code) == ["not_allowed"])
    }

    @Test func operatorLink_thatRenews_endsAllBeforeItIsOpened() {
        var garden = Garden()
        garden.world.appoint("c")
        garden.world.tick()
        garden.world.inputs.items.append(.operatorLink(link(endsOthers: true)))
        garden.world.tick()
        #expect(garden.world.output.operatorLinkUse == .endedOthers)
        garden.world.tick()
        _ = garden.world.take(garden.cy)
        #expect(garden.moderate(garden.cy, "slow", "\"seconds\":1").map(\.code) == ["not_allowed"])
        #expect(offer(&garden.world, "z", link()).role == "operator")
    }

    // MARK: The password

    @Test func password_isAskedAtEveryJoin_resumesIncluded() {
        var world = ChatHarness()
        let ada = world.join("Ada")
        let session = world.session(ada)
        world.close(ada, .lost)
        world.chat.password = world.chat.secret.password("caf\u{E9}")
        #expect(world.take(world.join("Bo")).map(\.code) == ["password_required"])
        #expect(world.take(world.join("Bo", more: ",\"password\":\"cafe\"")).map(\.code) == ["password_wrong"])
        #expect(world.take(world.comeBack(session)).map(\.code) == ["password_required"])
        #expect(world.take(world.join("Bo", more: ",\"password\":\"cafe\\u0301\"")).first?.type == "welcome")
        let back = world.join("x", more: ",\"session\":\"\(session)\",\"password\":\"caf\u{E9}\"")
        #expect(world.take(back).map(\.short) == ["welcome Ada"])
    }

    @Test func password_wrongTenTimes_isRateLimited_andTheRightOnePasses() {
        var world = ChatHarness()
        world.chat.password = world.chat.secret.password("right")
        func guess(_ word: String, _ address: UInt64 = 1) -> String? {
            world.take(world.join("Bo", address: address, more: ",\"password\":\"\(word)\"")).first?.code
        }
        for _ in 0..<10 { #expect(guess("wrong") == "password_wrong") }
        #expect(guess("wrong") == "rate_limited")
        #expect(guess("wrong", 2) == "password_wrong")
        #expect(guess("right") == nil)
    }

    // MARK: Rooms

    @Test func rooms_thatAreNotNamed_areNone() {
        var limits = ChatHarness.unlimited()
        limits.rules.namedRooms = ["plans"]
        var world = ChatHarness(limits: limits)
        #expect(world.take(world.join("Ada", room: "plans")).first?.type == "welcome")
        #expect(world.take(world.join("Ada", room: "other")).map(\.code) == ["room_invalid"])
    }

    // MARK: Recordings

    @Test func recording_ofModeration_holdsNoSecretAndReplays() {
        var garden = Garden()
        garden.world.restart()
        garden.world.isRecording = true
        Recording.appendSettings(garden.world.chat.limits.rules, to: &garden.world.recording)
        garden.world.appoint("c")
        let (ada, cy) = (
            garden.world.join("Ada", key: "a", room: "garden"), garden.world.join("Cy", key: "c", room: "garden")
        )
        let bo = garden.world.join("Bo", key: "b", room: "garden")
        _ = garden.moderate(ada, "mute", "\"username\":\"Bo\",\"minutes\":1")
        garden.world.say(bo, "muted")
        let invite: String = garden.moderate(ada, "lock").last?["invite"] ?? "none"
        _ = garden.arrive("New", "n", more: ",\"invite\":\"\(invite)\"")
        _ = garden.moderate(cy, "ban", "\"username\":\"Bo\",\"address\":true,\"reason\":\"spam\"")
        _ = garden.moderate(ada, "topic", "\"text\":\"Roses\"")
        garden.world.disk.failing = ["garden"]
        _ = garden.moderate(ada, "kick", "\"username\":\"New\"")
        garden.world.disk.failing = []
        garden.world.tick()
        let recording = garden.world.recording
        #expect(!String(decoding: recording, as: UTF8.self).contains(invite))
        var (reader, rooms, ticks) = (RecordingReader(recording), ReplayedRooms(rules: RoomRules(isDurable: true)), 0)
        while let record = reader.next() {
            switch record {
            case .settings(let rules): rooms = ReplayedRooms(rules: rules)
            case .room(let index, let name, let lines): rooms.begin(index, name: name, lines: lines)
            case .inputs(let work, let bytes, let moment): rooms.update(work, bytes, at: moment)
            case .outcome(let outcome):
                ticks += 1
                #expect(rooms.settle(failed: outcome.failed).differences(from: outcome.digest) == [])
            case .cut, .damaged: Issue.record("damaged")
            }
        }
        #expect(ticks > 8)
    }
}
