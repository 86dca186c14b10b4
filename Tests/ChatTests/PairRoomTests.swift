import Chat
import Testing

/// The room of two strangers.
@Suite struct PairRoomTests {
    /// Two who were brought together.
    private struct Met {
        var world: ChatHarness
        let room: String
        let invite: String

        init(isDurable: Bool = true, _ change: (inout Limits) -> Void = { _ in }) {
            var limits = ChatHarness.unlimited(isDurable: isDurable)
            limits.rules.pairsStrangers = true
            change(&limits)
            world = ChatHarness(limits: limits)
            let ada = world.seekStranger(key: "a")
            _ = world.seekStranger(key: "b")
            world.tick()
            let paired = world.take(ada).last ?? JSON("{}")
            (room, invite) = (paired["room"] ?? "", paired["invite"] ?? "")
        }

        mutating func join(_ name: String, key: Character, invite: String? = nil, more: String = "") -> ConnectionID {
            let credentials = #","key":"\#(String(repeating: key, count: 16))","invite":"\#(invite ?? self.invite)""#
            return world.join(name, room: room, more: credentials + more)
        }

        mutating func joinBoth() -> (ada: ConnectionID, bo: ConnectionID) {
            let both = (join("Ada", key: "a"), join("Bo", key: "b"))
            for id in [both.0, both.1] { _ = world.take(id) }
            return both
        }

        /// What a connection is told of its next join, and how it ends.
        mutating func code(_ name: String, key: Character, invite: String? = nil) -> String? {
            let id = join(name, key: key, invite: invite)
            world.close(id, .left)
            return world.take(id).last?.code
        }
    }

    // MARK: Who is let in

    @Test func thoseTwoAreLetIn_andNobodyElse() {
        var met = Met()
        #expect(met.code("Eve", key: "e") == "invite_required")
        #expect(met.code("Ada", key: "a", invite: "AAAAAAAAAAAAAAAAAAAAAA") == "invite_required")
        #expect(met.world.take(met.world.join("Ada", key: "a", room: met.room)).map(\.code) == ["invite_required"])
        let ada = met.join("Ada", key: "a")
        #expect(met.world.take(ada).map(\.type) == ["welcome", "join"])
        let bo = met.join("Bo", key: "b")
        #expect(met.world.take(bo).map(\.type) == ["welcome", "join"])
        #expect(met.world.heard(ada) == ["join Bo"])
        #expect(met.code("Eve", key: "e") == "invite_required")
        #expect(met.code("Ada too", key: "a") == "already_joined")
        #expect(met.world.heard(ada).isEmpty)
    }

    @Test func aResume_takesTheOwnSessionUpAgain() {
        var met = Met()
        let ada = met.join("Ada", key: "a")
        let session = met.world.session(ada)
        let bo = met.join("Bo", key: "b")
        met.world.close(ada, .lost)
        met.world.say(bo, "are you there?")
        met.world.tick(after: 20_000)
        let back = met.join("Ada", key: "a", more: #","session":"\#(session)","since":2"#)
        let welcome = met.world.take(back).first
        #expect(welcome?.type == "welcome" && welcome?["gap"] == false)
        #expect(welcome?["history"]?.map(\.short) == ["Bo: are you there?"])
        met.world.tick(after: 60_000)
        #expect(met.world.endings[bo] == nil)
    }

    @Test func operatorsAndLocksAndWatches_openNoPairsRoom() {
        var met = Met()
        met.world.appoint("o")
        #expect(met.code("Op", key: "o") == "invite_required")
        let watcher = met.world.join("Watcher", key: "w")
        met.world.send(watcher, #"{"type":"watch","rooms":["\#(met.room)"]}"#)
        let (ada, _) = met.joinBoth()
        met.world.say(ada, "hi")
        met.world.tick()
        #expect(met.world.heard(watcher) == ["welcome Watcher", "join Watcher"])
    }

    // MARK: The end

    @Test(arguments: [(Departure.left, Int64(0)), (.wentAway, 5_000), (.lost, 30_000)])
    func whenOneHasLeft_theOtherGetsTheLeave_andTheEnd(_ departure: Departure, _ grace: Int64) {
        var met = Met()
        let (ada, bo) = met.joinBoth()
        met.world.close(bo, departure)
        met.world.tick()
        if grace > 0 {
            #expect(met.world.take(ada).isEmpty && met.world.endings[ada] == nil)
            met.world.tick(after: grace)
        }
        #expect(met.world.heard(ada) == ["leave Bo"])
        #expect(met.world.endings[ada] == .strangerGone)
        #expect(met.code("Bo", key: "b") == "invite_required")
        met.world.say(ada, "nobody hears this")
        met.world.tick()
        #expect(met.world.take(ada).isEmpty)
        met.world.tick()
        #expect(met.world.room(met.room).name.isEmpty && met.code("Ada", key: "a") == "invite_required")
    }

    @Test func whoeverIsAway_whenTheOtherLeaves_comesBackToNothing() {
        var met = Met()
        let ada = met.join("Ada", key: "a")
        let session = met.world.session(ada)
        let bo = met.join("Bo", key: "b")
        met.world.close(ada, .lost)
        met.world.tick()
        met.world.close(bo, .left)
        met.world.tick()
        let back = met.join("Ada", key: "a", more: #","session":"\#(session)""#)
        #expect(met.world.take(back).map(\.code) == ["invite_required"])
        met.world.tick(after: 30_000)
        met.world.close(back, .left)
        met.world.tick()
        #expect(met.world.room(met.room).name.isEmpty)
    }

    @Test func whereOneDoesNotCome_theOtherIsToldAfterHalfAMinute() {
        var met = Met()
        let ada = met.join("Ada", key: "a")
        _ = met.world.take(ada)
        met.world.tick(after: 29_000)
        #expect(met.world.endings[ada] == nil)
        #expect(met.world.chat.nextDeadline != nil)
        met.world.tick(after: 1_000)
        #expect(met.world.endings[ada] == .strangerGone && met.world.take(ada).isEmpty)
        #expect(met.code("Bo", key: "b") == "invite_required")
    }

    @Test func whereNobodyComes_theRoomGoes() {
        var met = Met()
        met.world.tick(after: 29_000)
        #expect(!met.world.room(met.room).name.isEmpty)
        met.world.tick(after: 1_000)
        #expect(met.world.room(met.room).name.isEmpty && met.world.chat.holdings.rooms == 0)
    }

    @Test func bothAreHere_pastTheTimeOfArrival() {
        var met = Met()
        let (ada, bo) = met.joinBoth()
        met.world.tick(after: 40_000)
        #expect(met.world.endings[ada] == nil && met.world.endings[bo] == nil)
    }

    @Test func anOperatorsBan_putsOneOut_andEndsItForTheOther() {
        var met = Met()
        met.world.appoint("o")
        let (ada, bo) = met.joinBoth()
        let op = met.world.join("Op", key: "o")
        _ = met.world.join("Bo", key: "b")
        met.world.moderate(op, "ban", #""username":"Bo""#)
        met.world.tick()
        met.world.tick()
        #expect(met.world.endings[bo] == .putOut && met.world.endings[ada] == .strangerGone)
        #expect(met.world.heard(ada) == ["leave Bo"])
    }

    // MARK: What it has not

    @Test func nobodyIsHost_andThereAreNoActions() {
        var met = Met()
        met.world.appoint("b")
        let (ada, bo) = met.joinBoth()
        met.world.say(ada, "first")
        met.world.say(bo, "second")
        met.world.tick()
        #expect(met.world.take(bo).map(\.role) == [nil, nil])
        let person = #""username":"Ada""#
        let actions = [
            ("kick", person), ("ban", person), ("unban", person), ("bans", ""), ("mute", person), ("unmute", person),
            ("slow", #""seconds":5"#), ("lock", ""), ("invite", ""), ("unlock", ""), ("topic", #""text":"us""#),
            ("purge", person), ("host", person), ("unhost", person), ("whois", person),
        ]
        for (action, fields) in actions { met.world.moderate(bo, action, fields) }
        met.world.tick()
        #expect(met.world.take(bo).map(\.code) == actions.map { _ in "not_allowed" })
        #expect(met.world.heard(ada) == ["Ada: first", "Bo: second"])
    }

    @Test func httpGivesAndTakesNothing() {
        var met = Met()
        _ = met.joinBoth()
        for asked in [
            met.world.post(#"{"text":"hi"}"#, room: met.room),
            met.world.ask(.messages(before: .max, limit: 5, by: nil), room: met.room),
            met.world.ask(.messages(before: .max, limit: 5, by: met.world.bot("builds")), room: met.room),
        ] {
            let answer = met.world.answer(asked)
            #expect(answer.outcome == .refused(.roomInvalid, retryAfter: nil))
        }
        let about = met.world.answer(met.world.ask(.about, room: met.room)).answer
        #expect(about["locked"] == true && about.keys == ["room", "locked", "password"])
    }

    @Test func nothingIsKept_andAllElseWorks() {
        var met = Met()
        let (ada, bo) = met.joinBoth()
        met.world.say(ada, "hello", messageID: "1")
        met.world.say(ada, "hello", messageID: "1")
        met.world.tick()
        #expect(met.world.heard(ada) == ["Ada: hello", "Ada: hello"])
        #expect(met.world.heard(bo) == ["Ada: hello"])
        for request in [
            #"{"type":"edit","target":3,"text":"hullo"}"#, #"{"type":"react","target":3,"emoji":"👍"}"#,
            #"{"type":"message","text":"again","reply":3}"#, #"{"type":"search","text":"hullo"}"#,
            #"{"type":"search","text":"hullo"}"#, #"{"type":"history","before":100,"limit":5}"#,
            #"{"type":"delete","target":3}"#,
        ] {
            met.world.send(ada, request)
            met.world.tick()
        }
        let heard = met.world.take(ada)
        #expect(heard.map(\.type) == ["edit", "react", "message", "found", "found", "history", "delete"])
        #expect(heard[3]["events"]?.map(\.short) == ["Ada: hullo"])
        #expect(met.world.disk.rooms.isEmpty && met.world.disk.reads.isEmpty)
        #expect(met.world.chat.rooms.allSatisfy { $0.unerased == 0 } && met.world.chat.takeDropped().isEmpty)
        met.world.tick(after: 40_000)
        #expect(met.world.output.erasures.isEmpty)
        for id in [ada, bo] { met.world.close(id, .left) }
        met.world.tick()
        #expect(met.world.chat.holdings.rooms == 0 && met.world.chat.holdings.recentBytes == 0)
    }

    @Test func noLimitOfRoomsOrTextCounts() {
        var met = Met {
            $0.rooms = 0
            $0.rules.namedRooms = ["class"]
            $0.newRoomsInAnHour = Allowance(1, in: 1000)
            $0.textInADay = Allowance(1, in: 1000)
        }
        let (ada, bo) = met.joinBoth()
        for _ in 0..<3 { met.world.say(ada, "a text of some length") }
        met.world.tick()
        #expect(met.world.heard(bo).count == 3)
        #expect(met.world.take(met.world.join("Cy", room: "garden")).map(\.code) == ["room_invalid"])
    }

    // MARK: Restarts and recordings

    @Test func afterARestart_theRoomIsGone() {
        var met = Met()
        let ada = met.join("Ada", key: "a")
        let session = met.world.session(ada)
        met.world.restart()
        let back = met.join("Ada", key: "a", more: #","session":"\#(session)","since":2"#)
        #expect(met.world.take(back).map(\.code) == ["invite_required"])
        #expect(met.world.disk.reads.isEmpty)
    }

    @Test func withoutPairing_aNameOfThatFormIsAnyRooms() {
        let met = Met()
        var other = ChatHarness()
        #expect(other.take(other.join("Ada", room: met.room)).map(\.type) == ["welcome", "join"])
    }

    @Test func aPair_isRecordedAndReplayed() {
        var limits = ChatHarness.unlimited(isDurable: true)
        limits.rules.pairsStrangers = true
        var met = Met()
        // (What the first tick has made is in the room's own record.)
        met.world = ChatHarness(limits: limits)
        met.world.isRecording = true
        Recording.appendSettings(limits.rules, to: &met.world.recording)
        for key in "ab" { _ = met.world.seekStranger(key: key) }
        met.world.tick()
        let (ada, bo) = met.joinBoth()
        for i in 0..<150 { met.world.say(ada, "\(i)", messageID: "\(i)") }
        met.world.tick()
        met.world.send(bo, #"{"type":"message","text":"the first?","reply":4}"#)
        _ = met.join("Eve", key: "e")
        met.world.close(bo, .left)
        met.world.tick()
        #expect(met.world.endings[ada] == .strangerGone)
        met.world.tick()
        let result = replay(met.world.recording)
        #expect(result.differences.isEmpty && result.end == "" && result.agreed > 5)
    }

    @Test func thePair_isInTheSnapshot() {
        var met = Met()
        for isOver in [false, true] {
            let room = met.world.room(met.room)
            var loader = RoomLoader(room: met.room, rules: met.world.chat.limits.rules)
            let line = Array(room.snapshot.utf8)
            EventLine.forEachLine(in: line.span) { #expect(loader.take(line.span.extracting($0)) == .taken) }
            let loaded = loader.finish(olderMessages: Span(), isWhole: true, base: 0)
            #expect(loaded.snapshot == room.snapshot && room.snapshot.contains(#""pair":{"one":"#))
            #expect(room.snapshot.contains(#""over":true"#) == isOver)
            guard !isOver else { break }
            let ada = met.join("Ada", key: "a")
            _ = met.join("Bo", key: "b")
            met.world.close(ada, .lost)
            met.world.tick()
            met.world.tick(after: 30_000)
        }
    }
}
