import Chat
import Testing

/// Waiting for a stranger, and who meets whom.
@Suite struct PairingTests {
    private func world(isDurable: Bool = false) -> ChatHarness {
        var limits = ChatHarness.unlimited(isDurable: isDurable)
        limits.rules.pairsStrangers = true
        return ChatHarness(limits: limits)
    }

    /// The rooms that connections were sent to in this tick; each is told that it waits, and where to go, if anywhere.
    private func rooms(_ world: inout ChatHarness, _ ids: ConnectionID...) -> [String?] {
        world.tick()
        return ids.map { id in
            let room: String? = world.take(id).last { $0.type == "paired" }?["room"]
            #expect((room != nil) == (world.endings[id] == .paired))
            return room
        }
    }

    // MARK: Being brought together

    @Test func two_waitAndArePaired_andTheirConnectionsEnd() {
        var world = world()
        let ada = world.seekStranger(key: "a")
        world.tick()
        #expect(world.take(ada).map(\.text) == [#"{"type":"waiting","count":1}"#])
        world.tick(after: 60_000)
        #expect(world.take(ada).isEmpty && world.chat.nextDeadline == nil)
        let bo = world.seekStranger(key: "b")
        world.tick()
        let (toAda, toBo) = (world.take(ada), world.take(bo))
        #expect(toAda.map(\.type) == ["paired"])
        #expect(toBo.map(\.type) == ["waiting", "paired"])
        #expect(toBo.first?["count"] == 2)
        #expect(toAda.last?.text == toBo.last?.text)
        #expect(world.endings == [ada: .paired, bo: .paired])
        let room: String = toAda.last?["room"] ?? ""
        #expect(room.utf8.count == 26 && RoomName.isValid(Array(room.utf8).span))
        #expect((toAda.last?["invite"] as String?)?.count == 22)
        world.tick()
        #expect(world.chat.holdings.peers == 0 && world.chat.holdings.strangers == 0)
    }

    @Test func pairs_haveNamesAndInvitationsOfTheirOwn() {
        var world = world()
        let ids = "abcdef".map { world.seekStranger(key: $0) }
        world.tick()
        let answers = ids.compactMap { world.take($0).last }
        #expect(answers.count == 6)
        for field in ["room", "invite"] { #expect(Set(answers.compactMap { $0[field] as String? }).count == 3) }
    }

    @Test func thoseWhoWaitLongest_arePairedFirst() {
        var world = world()
        let (ada, bo) = (world.seekStranger(key: "a"), world.seekStranger(key: "b"))
        let (cy, dee) = (world.seekStranger(key: "c"), world.seekStranger(key: "d"))
        let met = rooms(&world, ada, bo, cy, dee)
        #expect(met[0] != nil && met[0] == met[1] && met[2] != nil && met[2] == met[3] && met[0] != met[2])
    }

    // MARK: Nobody twice in a row

    @Test func twoWhoHaveJustMet_meetAgain_onlyWhereNobodyElseWaits() {
        var world = world()
        let first = rooms(&world, world.seekStranger(key: "a"), world.seekStranger(key: "b"))
        #expect(first[0] != nil && first[0] == first[1])
        let (ada, bo, cy) = (world.seekStranger(key: "a"), world.seekStranger(key: "b"), world.seekStranger(key: "c"))
        let second = rooms(&world, ada, bo, cy)
        #expect(second[0] != nil && second[0] == second[2] && second[1] == nil)
        // Ada has just met Cy, and Bo has met Ada before: Bo and Cy are new to each other.
        let (again, cyAgain) = (world.seekStranger(key: "a"), world.seekStranger(key: "c"))
        let third = rooms(&world, bo, again, cyAgain)
        #expect(third[0] != nil && third[0] == third[2] && third[1] == nil)
        world.close(again, .left)
        let alone = rooms(&world, world.seekStranger(key: "c"), world.seekStranger(key: "b"))
        #expect(alone[0] != nil && alone[0] == alone[1])
    }

    @Test func ofThree_twoAreBroughtTogether_whoeverHasMetWhom() {
        // All orders in which three meet two by two, three times: then all three wait.
        let meetings: [(Character, Character)] = [("a", "b"), ("a", "c"), ("b", "c")]
        for one in meetings {
            for other in meetings {
                var world = world()
                for (left, right) in [one, other] {
                    _ = rooms(&world, world.seekStranger(key: left), world.seekStranger(key: right))
                }
                let ids = "abc".map { world.seekStranger(key: $0) }
                let met = Dictionary(uniqueKeysWithValues: zip("abc", rooms(&world, ids[0], ids[1], ids[2])))
                #expect(met.values.count { $0 != nil } == 2)
                let isAgain = met[other.0] != .some(nil) && met[other.0] == met[other.1]
                #expect(!isAgain, "\(other) meet twice in a row")
            }
        }
    }

    @Test func oneUserWithTwoConnections_neverMeetsItself() {
        var world = world()
        let (tab, other) = (world.seekStranger(key: "a"), world.seekStranger(key: "a"))
        world.tick()
        #expect(world.take(tab).map(\.text) == [#"{"type":"waiting","count":1}"#])
        #expect(world.take(other).map(\.text) == [#"{"type":"waiting","count":1}"#])
        let bo = world.seekStranger(key: "b")
        let met = rooms(&world, tab, other, bo)
        #expect(met[0] != nil && met[0] == met[2] && met[1] == nil)
    }

    @Test func whoMetWhom_isForgottenInTheEnd() {
        var strangers = world()
        for i in 0..<20_000 {
            for half in 0..<2 {
                let id = strangers.openForPairing()
                strangers.send(id, "{\"type\":\"join\",\"key\":\"0123456789abcdef\(i)-\(half)\"}")
            }
            if i % 500 == 0 { strangers.tick(after: 40_000) }
        }
        strangers.tick(after: 40_000)
        strangers.tick(after: 40_000)
        #expect(strangers.chat.holdings.acquaintances <= 2 * 8194)
        #expect(strangers.chat.holdings.rooms == 0 && strangers.chat.holdings.peers == 0)
    }

    // MARK: Bad input

    @Test(
        arguments: [
            (#"{"type":"join"}"#, "bad_field"), (#"{"type":"join","key":7}"#, "bad_field"),
            (#"{"type":"join","key":"short"}"#, "bad_field"),
            (#"{"type":"join","key":"0123456789abcdef","password":1}"#, "bad_field"),
            (#"{"type":"message","text":"hi"}"#, "not_joined"), (#"{"type":"typing"}"#, "not_joined"),
            (#"{"type":"moderate","action":"bans"}"#, "not_joined"), (#"{"type":"pace","slow":true}"#, "not_joined"),
            (#"{"type":"history","before":5,"limit":1}"#, "not_joined"), (#"{"type":"paired"}"#, "unknown_type"),
            ("[]", "bad_json"), ("{", "bad_json"),
        ])
    func whatIsWrong_isRefused_andAJoinMayFollow(_ text: String, _ code: String) {
        var world = world()
        let id = world.openForPairing()
        world.send(id, text)
        world.tick()
        #expect(world.take(id).map(\.code) == [code])
        world.send(id, #"{"type":"join","key":"aaaaaaaaaaaaaaaa"}"#)
        world.tick()
        #expect(world.take(id).map(\.type) == ["waiting"])
    }

    @Test func aSecondJoin_isRefused_andTheFirstWaitsOn() {
        var world = world()
        let ada = world.seekStranger(key: "a")
        world.send(ada, #"{"type":"join","key":"bbbbbbbbbbbbbbbb"}"#)
        world.send(ada, #"{"type":"message","text":"hi","id":"m"}"#)
        world.tick()
        #expect(world.take(ada).map { $0.code ?? $0.type } == ["already_joined", "not_joined", "waiting"])
        #expect(rooms(&world, ada, world.seekStranger(key: "b"))[0] != nil)
        // What is said behind the end is not heard.
        world.send(ada, #"{"type":"join","key":"aaaaaaaaaaaaaaaa"}"#)
        world.tick()
        #expect(world.take(ada).isEmpty && world.chat.holdings.strangers == 0)
    }

    @Test func thePassword_isAsked() {
        var world = world()
        world.chat.password = world.chat.secret.password("open")
        let ada = world.seekStranger(key: "a")
        let bo = world.seekStranger(key: "b", more: #","password":"shut""#)
        let cy = world.seekStranger(key: "c", more: #","password":"open""#)
        world.tick()
        #expect(world.take(ada).map { $0.code ?? $0.type } == ["password_required"])
        #expect(world.take(bo).map { $0.code ?? $0.type } == ["password_wrong"])
        #expect(world.take(cy).map { $0.code ?? $0.type } == ["waiting"])
    }

    @Test func whoeverCloses_waitsNoMore() {
        var world = world()
        let (ada, bo) = (world.seekStranger(key: "a"), world.seekStranger(key: "b"))
        world.close(bo, .left)
        world.tick()
        #expect(world.take(ada).map(\.text) == [#"{"type":"waiting","count":1}"#])
        world.close(ada, .lost)
        world.tick()
        #expect(world.take(bo).isEmpty && world.endings.isEmpty && world.chat.holdings.rooms == 0)
        let cy = world.seekStranger(key: "c")
        #expect(rooms(&world, cy) == [nil])
        #expect(world.chat.holdings.strangers == 1)
    }

    @Test func errorsWithoutEnd_endTheConnection_andItsWait() {
        var limits = ChatHarness.unlimited()
        limits.rules.pairsStrangers = true
        limits.errors = Limits.errorRate(1)
        var world = ChatHarness(limits: limits)
        let ada = world.seekStranger(key: "a")
        for _ in 0..<200 { world.send(ada, "{}") }
        world.tick()
        #expect(world.endings == [ada: .tooManyErrors])
        #expect(rooms(&world, world.seekStranger(key: "b")) == [nil])
    }

    @Test func anAddress_mayWaitForSoManyAMinute() {
        var limits = ChatHarness.unlimited()
        limits.rules.pairsStrangers = true
        limits.pairings = Limits(messagesPerSecond: 10).pairings
        var world = ChatHarness(limits: limits)
        let flood = (0..<500).map { _ in world.seekStranger(key: "a", address: 5) }
        let bo = world.seekStranger(key: "b", address: 6)
        world.tick()
        let answers = flood.flatMap { world.take($0) }
        #expect(answers.count { $0.code == "rate_limited" } == 380 && answers.count { $0.type == "waiting" } == 120)
        let refused = answers.first { $0.code == "rate_limited" }
        #expect(refused?["retryAfter"] == 500)
        #expect(world.endings[bo] == .paired)
        world.tick(after: 1000)
        let late = world.seekStranger(key: "a", address: 5)
        world.tick()
        #expect(world.take(late).map(\.type) == ["waiting"])
        #expect(Limits(messagesPerSecond: 0).pairings == nil)
    }

    // MARK: Bans

    @Test func anOperatorsBan_keepsFromWaiting_andPutsOutWhoeverWaits() {
        var world = world()
        world.appoint("o")
        let (op, mob) = (world.join("Op", key: "o"), world.join("Mob", key: "m"))
        let waiting = world.seekStranger(key: "m")
        world.tick()
        #expect(world.take(waiting).map(\.type) == ["waiting"])
        world.moderate(op, "ban", #""username":"Mob","minutes":5"#)
        world.tick()
        let late = world.seekStranger(key: "b")
        world.tick()
        #expect(world.endings[waiting] == .putOut && world.endings[mob] == .putOut)
        #expect(world.take(late).map(\.text) == [#"{"type":"waiting","count":1}"#])
        let back = world.seekStranger(key: "m")
        world.tick()
        let refusal = world.take(back)
        #expect(refusal.map(\.code) == ["banned"] && (refusal.first?["until"] as Int?) != nil)
        world.tick(after: 301_000)
        #expect(rooms(&world, world.seekStranger(key: "m"), late)[0] != nil)
    }

    @Test func aBannedAddress_letsNobodyNewWait() {
        var world = world()
        world.appoint("o")
        let (op, known) = (world.join("Op", key: "o", address: 9), world.join("Mob", key: "m", address: 7))
        _ = world.join("Known", key: "k", address: 7)
        world.moderate(op, "ban", #""username":"Mob","address":true"#)
        world.tick()
        world.tick()
        #expect(world.endings[known] == .putOut)
        let (new, old) = (world.seekStranger(key: "n", address: 7), world.seekStranger(key: "k", address: 7))
        let elsewhere = world.seekStranger(key: "n", address: 8)
        world.tick()
        #expect(world.take(new).map(\.code) == ["banned"])
        #expect(world.endings[old] == .paired && world.endings[elsewhere] == .paired)
    }
}
