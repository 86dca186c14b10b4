import Chat
import Support
import Testing

/// What is made of lines that a server has written, or somebody else.
@Suite struct RoomLoaderTests {
    private let rules = RoomRules(isDurable: true)

    private func load(_ lines: [String], base: UInt64 = 0) -> (room: Room, verdicts: [RoomLoader.Verdict]) {
        var loader = RoomLoader(room: "lobby", rules: rules)
        let verdicts = lines.map { loader.take(Array($0.utf8).span) }
        return (loader.finish(olderMessages: Span(), isWhole: true, base: base), verdicts)
    }

    private func event(_ type: String, _ seq: Int, _ name: String = "Ada", _ more: String = "") -> String {
        let text = type == "message" ? ",\"text\":\"hi\"" : ""
        return "{\"type\":\"\(type)\",\"seq\":\(seq),\"time\":5,\"username\":\"\(name)\"\(text)\(more)}"
    }

    private func member(_ number: Int, session: Character) -> String {
        ",\"_\":{\"member\":\(number),\"session\":\"\(String(repeating: session, count: 32))\"}"
    }

    /// An older message's line has the reactions, and a newer event its text: both are told.
    @Test func message_thatWasFoldedAndEditedSince_hasAll() {
        let user = "ABCDEFGHIJK"
        let folded = event(
            "message", 3, "Ada", ",\"_\":{\"reactions\":[[\"👍\",[\"\(user)\",\"Bo\",4]]]}")
        let edit = "{\"type\":\"edit\",\"seq\":9,\"time\":6,\"username\":\"Ada\",\"target\":3,\"text\":\"hello\"}"
        var loader = RoomLoader(room: "lobby", rules: rules)
        _ = loader.take(Array(edit.utf8).span)
        let older = Array((folded + "\n").utf8)
        let room = loader.finish(olderMessages: older.span, isWhole: true, base: 0)
        let facts = room.untold.facts[3]
        var text: [UInt8] = []
        if let facts, let line = EventLine(older.span.extracting(0..<older.count - 1)) {
            line.appendFolded(of: older.span.extracting(0..<older.count - 1), facts, to: &text)
        }
        let told = JSON(String(decoding: text, as: UTF8.self))
        #expect(told["text"] == "hello")
        #expect(String(decoding: text, as: UTF8.self).contains("[\"👍\",[\"\(user)\",\"Bo\",4]]"))
        // It is also in memory, and shown as it is.
        #expect(room.snapshot.contains("\"reactions\":[[\"👍\""))
    }

    // MARK: Which lines are taken

    @Test(arguments: [
        "", "x", "{}", "[]", "null", "{\"type\":\"message\"}", "{\"type\":\"message\",\"seq\":1}",
        "{\"type\":\"message\",\"seq\":0,\"username\":\"a\",\"text\":\"\"}",
        "{\"type\":\"message\",\"seq\":-1,\"username\":\"a\",\"text\":\"\"}",
        "{\"type\":\"message\",\"seq\":1.5,\"username\":\"a\",\"text\":\"\"}",
        "{\"type\":\"message\",\"seq\":\"1\",\"username\":\"a\",\"text\":\"\"}",
        "{\"type\":\"message\",\"seq\":9007199254740992,\"username\":\"a\",\"text\":\"\"}",
        "{\"type\":\"message\",\"seq\":99999999999999999999,\"username\":\"a\",\"text\":\"\"}",
        "{\"type\":\"message\",\"seq\":1,\"username\":7}",
        "{\"type\":\"dance\",\"seq\":1,\"username\":\"a\",\"text\":\"\"}",
        "{\"type\":\"message\",\"seq\":1,\"username\":\"a\",\"text\":\"\"} x",
        "{\"type\":\"message\",\"seq\":1,\"username\":\"a\"",
        "{\"type\":\"snapshot\"}", "{\"type\":\"snapshot\",\"seq\":\"1\"}",
        "{\"type\":\"snapshot\",\"seq\":9007199254740992}",
    ])
    func take_ofJunk_isUnreadable(line: String) {
        let (room, verdicts) = load([line, event("message", 3)])
        #expect(verdicts == [.unreadable, .taken])
        #expect(room.seq == 3)
    }

    @Test func take_ofBytesThatAreNoUTF8_isUnreadable() {
        var loader = RoomLoader(room: "lobby", rules: rules)
        for bad in [[0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xC3]] as [[UInt8]] {
            let line =
                Array("{\"type\":\"message\",\"seq\":1,\"username\":\"a\",\"text\":\"".utf8) + bad + Array("\"}".utf8)
            #expect(loader.take(line.span) == .unreadable)
        }
    }

    @Test func take_ofSeqNotGreater_isOutOfOrder() {
        let lines = [5, 5, 4, 6, 1, 7].map { event("message", $0) }
        let (room, verdicts) = load(lines)
        #expect(verdicts == [.taken, .outOfOrder, .outOfOrder, .taken, .outOfOrder, .taken])
        #expect(room.seq == 7)
    }

    @Test(arguments: [
        "{ \"username\" : \"Ada\", \"text\":\"hi\",\"time\":5,\"seq\" : 2 , \"type\":\"message\",\"extra\":[1,{\"a\":null}] }",
        "{\"type\":\"message\",\"seq\":2,\"time\":5,\"username\":\"\\u0041da\",\"text\":\"\\u0068i\"}\r",
        "{\"_\":{},\"type\":\"message\",\"seq\":2,\"time\":5,\"username\":\"Ada\",\"text\":\"hi\"}",
        "{\"type\":\"message\",\"_\":7,\"seq\":2,\"time\":5,\"username\":\"Ada\",\"text\":\"hi\",\"_\":{\"a\":1}}",
        "\t{\"type\":\"message\",\"seq\":2,\"time\":5,\"username\":\"Ada\",\"text\":\"hi\",\"_\":{}} ",
        "{\"type\":\"message\",\"seq\":2,\"time\":5,\"username\":\"Ada\",\"text\":\"hi\",\"_\":\"x\"}",
    ])
    func take_ofAnySpelling_isTheSameEventWithoutItsHiddenPart(line: String) {
        var world = ChatHarness.durable()
        world.disk.rooms["lobby"] = [event("join", 1), line]
        let welcome = world.take(world.join("Bo"))[0]
        let history: [JSON] = welcome["history"] ?? []
        #expect(history.map(\.short) == ["Ada: hi"])
        #expect(history.first?.keys.contains("_") == false)
        #expect(!welcome.text.contains("\r"))
    }

    // MARK: Who is in the room

    @Test func legacyLines_makeGhostsThatLeave() {
        var world = ChatHarness.durable()
        world.disk.rooms["lobby"] = [
            event("join", 1), event("join", 2, "Bo"), event("message", 3, "Ada", ",\"id\":\"1\""),
            event("rename", 4, "Bo", ",\"to\":\"Eve\""), event("join", 5, "Cy"), event("leave", 6, "Cy"),
        ]
        let dee = world.arrive("Dee")
        world.tick()
        world.tick()
        let got = world.take(dee)
        #expect(got.map(\.short) == ["welcome Dee", "join Dee"])
        #expect(got[0]["seq"] == 8)
        #expect(got[0]["users"] == ["Dee"])
        #expect(world.disk.events().suffix(3).map(\.short) == ["leave Ada", "leave Eve", "join Dee"])
        #expect(world.disk.events().suffix(3).map { $0.keys.contains("user") } == [false, false, true])
    }

    @Test func members_areWhoeverHasJoinedAndNotLeft() {
        let (room, _) = load([
            event("join", 1, "Ada", member(1, session: "a")), event("join", 2, "Bo", member(2, session: "b")),
            event("message", 3), event("rename", 4, "Ada", ",\"to\":\"Eve\",\"_\":{\"member\":1}"),
            event("leave", 5, "Bo", ",\"_\":{\"member\":2}"), event("join", 6, "Ada", member(3, session: "c")),
        ])
        #expect(room.usernames == ["Eve", "Ada"])
        #expect(room.memberCount == 2)
    }

    /// Lines that contradict each other, as a careless hand leaves them.
    @Test func members_ofContradictoryLines_areEachThereOnce() {
        let sequences: [[String]] = [
            [event("join", 1, "Ada", member(1, session: "a")), event("join", 2, "Bo", member(2, session: "a"))],
            [event("join", 1, "Ada", member(1, session: "a")), event("join", 2, "ADA", member(2, session: "b"))],
            [event("join", 1, "Ada", member(1, session: "a")), event("join", 2, "Bo", member(1, session: "b"))],
            [event("join", 1, "Ada", member(1, session: "a")), event("join", 2, "Ada", member(1, session: "a"))],
            [
                event("join", 1, "Ada", member(1, session: "a")), event("join", 2, "Bo", member(2, session: "b")),
                event("rename", 3, "Ada", ",\"to\":\"Bo\",\"_\":{\"member\":1}"),
            ],
            [event("leave", 1, "Ada", ",\"_\":{\"member\":9}"), event("join", 2, "Ada", member(9, session: "a"))],
            [
                event(
                    "join", 1, "Ada",
                    ",\"_\":{\"member\":9223372036854775807,\"session\":\"\(String(repeating: "a", count: 32))\"}")
            ],
            [
                event("join", 1, "Ada", ",\"_\":{\"member\":0,\"session\":\"zz\"}"),
                event("rename", 2, "Ada", ",\"to\":7"),
            ],
        ]
        for lines in sequences {
            var world = ChatHarness.durable()
            world.disk.rooms["lobby"] = lines + [event("message", 9)]
            // The harness compares the room's tables with each other after every tick.
            let id = world.join("Zoe")
            world.say(id, "hi")
            world.tick(after: 40_000)
            world.tick()
            #expect(world.take(id).contains { $0["text"] == "hi" })
            #expect(world.room().usernames == ["Zoe"])
        }
    }

    @Test func snapshot_ofContradictoryPieces_isTakenAsFarAsItMakesSense() {
        let user = String(repeating: "A", count: 11), other = String(repeating: "B", count: 11)
        func person(_ number: Int, _ user: String, _ more: String = "") -> String {
            "{\"person\":\(number),\"user\":\"\(user)\",\"seen\":1,\"keyed\":true,\"names\":[[\"ada\",1]]\(more)}"
        }
        let lines = [
            "{\"type\":\"snapshot\",\"seq\":4,\"part\":0,\"first\":1,\"nextMember\":9223372036854775807,\"people\":[\(person(1, user)),7,{}]}",
            event("join", 5, "Ada", ",\"user\":\"\(user)\"" + member(3, session: "a")),
            "{\"type\":\"snapshot\",\"seq\":5,\"part\":1,\"people\":[\(person(2, user)),\(person(1, other)),\(person(0, user, ",\"ids\":{\"since\":1,\"of\":\"?\"}"))],\"members\":[{\"member\":4,\"username\":\"Bo\",\"user\":\"\(other)\",\"session\":\"\(String(repeating: "a", count: 32))\"},{\"member\":5,\"username\":\"Bo\",\"session\":\"x\"}],\"last\":true}",
        ]
        var world = ChatHarness.durable()
        world.disk.rooms["lobby"] = lines + [event("message", 9)]
        let id = world.join("Zoe")
        #expect(world.take(id).first?["users"] == ["Zoe", "Bo"])
        #expect(world.room().seq == 10)
    }

    /// Lines with anything changed in them are taken or not, and never trap; whatever comes of it can be written and loaded.
    @Test func take_ofDamagedLines_doesNotTrap() {
        var crowd = Crowd(seed: 3, world: ChatHarness.durable())
        crowd.world.disk.pieceLimit = 300
        for _ in 0..<60 {
            crowd.act()
            crowd.world.tick()
        }
        crowd.world.disk.beginSegment(of: crowd.world.room())
        for _ in 0..<40 {
            crowd.act()
            crowd.world.tick()
        }
        let lines = (crowd.world.disk.rooms["lobby"] ?? []).map { Array($0.utf8) }
        #expect(lines.count > 30)
        for seed in 0..<60 as Range<UInt64> {
            var random = SeededGenerator(seed: seed)
            var loader = RoomLoader(room: "lobby", rules: rules)
            for var line in lines where !random.once(in: 9) {
                if random.once(in: 2), !line.isEmpty {
                    let at = random.below(line.count)
                    line[at] =
                        random.once(in: 2) ? UInt8(random.below(256)) : UInt8(ascii: "0") + UInt8(random.below(10))
                }
                _ = loader.take(line.span)
            }
            let room = loader.finish(olderMessages: Span(), isWhole: false, base: seed % 2 << 32)
            let (again, verdicts) = load(room.snapshot.split(separator: "\n").map(String.init))
            #expect(verdicts.allSatisfy { $0 == .taken })
            #expect(again.usernames == room.usernames)
            #expect(again.seq == room.seq)
        }
    }

    // MARK: Snapshots

    @Test func snapshotPart_tellsFirstAndLast() {
        func part(_ line: String) -> String? {
            RoomLoader.snapshotPart(Array(line.utf8).span).map { "\($0.isFirst) \($0.isLast)" }
        }
        #expect(part("{\"type\":\"snapshot\",\"seq\":1,\"part\":0,\"last\":true}") == "true true")
        #expect(part("{\"type\":\"snapshot\",\"seq\":1,\"part\":1}") == "false false")
        #expect(part("{\"type\":\"snapshot\",\"seq\":1,\"part\":1,\"last\":false}") == "false false")
        #expect(part("{\"type\":\"message\",\"seq\":1}") == nil)
        #expect(part("x") == nil)
    }

    /// Whatever has happened, and in however small pieces it is told while more happens: it makes the same room.
    @Test(arguments: [1 << 20, 400, 1]) func snapshot_inPiecesWithEventsBetween_makesTheSameRoom(limit: Int) {
        var compared = 0
        for seed in 0..<5 as Range<UInt64> {
            var crowd = Crowd(seed: seed, world: ChatHarness.durable())
            crowd.world.disk.pieceLimit = limit
            for round in 0..<80 {
                crowd.act()
                crowd.world.tick(after: Int64(crowd.random.below(3) * 4000))
                while !crowd.world.disk.reads.isEmpty { crowd.world.tick() }
                if round % 20 == 19, crowd.world.disk.cursors.isEmpty, crowd.world.disk.rooms["lobby"] != nil {
                    crowd.world.disk.beginSegment(of: crowd.world.room())
                }
            }
            let room = crowd.world.room()
            // A room whose first snapshot is not written to its end has lost a part of its people with the process.
            guard crowd.world.disk.hasSnapshot(of: "lobby"), room.name == "lobby" else { continue }
            compared += 1
            let loaded = crowd.world.disk.load("lobby", rules)
            if limit == 1 << 20 { #expect(loaded.snapshot == room.snapshot) }
            #expect(people(loaded) == people(room))
            #expect(members(loaded) == members(room))
            #expect(loaded.seq == room.seq)
            #expect(Set(loaded.usernames) == Set(room.usernames))
        }
        #expect(compared > 2)
    }

    private func members(_ room: Room) -> Substring? { room.snapshot.split(separator: "\"members\":").last }

    /// What is known of each person. Whoever acts before the piece that tells of it gets a number of its own.
    private func people(_ room: Room) -> Set<Substring> {
        let text = room.snapshot.split(separator: "\"people\":[").last ?? ""
        let people = text.split(separator: "],\"members\"").first ?? ""
        let all = people.split(separator: "{\"person\":").map { $0.drop { $0 != "," } }
        return Set(all.map { $0.hasSuffix(",") ? $0.dropLast() : $0 })
    }

    @Test func snapshot_holdsNoSecret() {
        var world = ChatHarness.durable()
        let ada = world.join("Ada", key: "k")
        let session = world.session(ada)
        world.say(ada, "hi", messageID: "my-id")
        world.tick()
        let kept = (world.disk.rooms["lobby"] ?? []).joined()
        #expect(!kept.contains(session))
        #expect(!kept.contains("kkkk"))
        #expect(!world.room().snapshot.contains("my-id"))
    }
}
