import Foundation
import Support
import Testing
import WebSocket

/// Pages that nobody looks at: what is for them is gathered.
@Suite(.ownThreads) struct PaceTests {
    /// Somebody who has said that nobody looks, and a speaker. What they have heard so far is taken out.
    fileprivate struct Room {
        let server: LiveServer
        let speaker: TestClient
        let slow: TestClient

        init(_ options: String..., deflate: Bool = false) throws {
            server = try LiveServer(options: ["--message-rate", "0"] + options)
            slow = try TestClient(server, as: "Slow", deflate: deflate)
            speaker = try TestClient(server, as: "Speaker")
            _ = try slow.expect("join", of: "Speaker")
            try pace(true)
        }

        /// Says how fast, and waits until that holds.
        func pace(_ isSlow: Bool, of client: TestClient? = nil) throws {
            let client = client ?? slow
            try client.send(["type": "pace", "slow": isSlow])
            try client.expectNothingElse()
        }

        /// Says something, and waits until it is out.
        func say(_ text: String) throws {
            try speaker.say(text)
            while try speaker.skip(to: "message")["text"] != text {}
        }

        func hears(_ text: String) throws {
            #expect(try slow.expect("message")["text"] == text)
        }
    }

    /// Nothing has come in this time.
    private func isSilent(_ client: TestClient, for seconds: Double) -> Bool {
        (try? client.next(within: seconds)) == nil
    }

    @Test(arguments: [false, true]) func events_comeTogether_atMostASecondLate(deflate: Bool) throws {
        let room = try Room(deflate: deflate)
        let start = Date()
        try room.say("one")
        try room.say(String(repeating: "a longer text that is worth compressing ", count: 20))
        #expect(isSilent(room.slow, for: 0.4))
        try room.say("three, Slow")
        try room.hears("one")
        #expect(Date().timeIntervalSince(start) > 0.9)
        for _ in 0..<2 { _ = try room.slow.next() }
        // The next gathering begins with what comes next.
        #expect(isSilent(room.slow, for: 1.2))
        try room.say("four")
        #expect(isSilent(room.slow, for: 0.4))
        try room.hears("four")
    }

    @Test func oneSecond_isTheLongest() throws {
        let room = try Room()
        for number in 0..<30 {
            try room.speaker.say("\(number) \(Date().timeIntervalSince1970)")
            Thread.sleep(forTimeInterval: 0.1)
        }
        var latest = 0.0
        for number in 0..<30 {
            let text: String = try room.slow.expect("message")["text"] ?? ""
            let parts = text.split(separator: " ")
            #expect(parts[0] == "\(number)")
            latest = Double(parts[1]) ?? 0
        }
        // (When they came is not known one by one: they have, though, by the time the last was due.)
        #expect(Date().timeIntervalSince1970 - latest < 3)
    }

    /// Whether something is done before a gathering is due. Other programs may hold it up, so the best of some tries counts.
    ///
    /// - Parameter rest: what is done after each try.
    private func isAtOnce(_ body: () throws -> Void, rest: () throws -> Void = {}) rethrows -> Bool {
        for _ in 0..<6 {
            let start = Date()
            try body()
            let seconds = Date().timeIntervalSince(start)
            try rest()
            if seconds < 0.9 { return true }
        }
        return false
    }

    @Test func anAnswer_bringsWhatWasGatheredBeforeIt() throws {
        let room = try Room()
        let isFast = try isAtOnce {
            try room.say("before")
            try room.slow.send(["type": "history", "before": 1000, "limit": 1])
            try room.hears("before")
            #expect(try room.slow.expect("history")["events"].first?["text"] == "before")
        }
        #expect(isFast)
        // An error is an answer, too; and so is one's own message, behind what was said before.
        try room.say("again")
        try room.slow.send(["type": "nonsense"])
        try room.hears("again")
        _ = try room.slow.expectError("unknown_type")
        #expect(isSilent(room.slow, for: 1.2))
    }

    @Test func turningFast_bringsAllAtOnce() throws {
        let room = try Room()
        let isFast = try isAtOnce {
            try room.pace(true)
            try room.say("gathered")
            try room.slow.send(["type": "pace", "slow": false])
            try room.hears("gathered")
            try room.say("at once")
            try room.hears("at once")
        }
        #expect(isFast)
        // Saying it twice changes nothing.
        for _ in 0..<2 { try room.pace(true) }
        for _ in 0..<2 { try room.pace(false) }
        #expect(
            try isAtOnce {
                try room.say("still")
                try room.hears("still")
            })
    }

    @Test func aClose_comesBehindWhatWasGathered() throws {
        let room = try Room()
        try room.say("last words")
        room.server.child.signal(SIGTERM)
        #expect(try room.slow.expectClose().code == 1001)
        try room.hears("last words")
        let next = try Room()
        try next.say("before the good-bye")
        try next.slow.close(.normal)
        #expect(try next.slow.expectClose().code == 1000)
        try next.hears("before the good-bye")
    }

    @Test func aTakeover_bringsEachEventOnce() throws {
        let room = try Room()
        let seq: Int = try #require(try room.sayAndTellSeq("gathered"))
        let other = try TestClient(room.server)
        let welcome = try other.join("x", session: room.slow.session, since: seq - 1)
        #expect(welcome["history"].compactMap { $0["text"] as String? } == ["gathered"])
        #expect(try room.slow.expectClose().code == 4001)
        try room.hears("gathered")
        #expect(isSilent(other, for: 1.2))
    }

    @Test func muchOfIt_doesNotWait() throws {
        let room = try Room()
        let text = String(repeating: "x", count: 4000)
        let isFast = try isAtOnce {
            for _ in 0..<17 { try room.speaker.say(text) }
            // The last ones may be gathered anew.
            for _ in 0..<15 { try room.hears(text) }
        } rest: {
            for _ in 0..<2 { try room.hears(text) }
        }
        #expect(isFast)
        // Nor does what is more than may wait for a connection at all.
        let small = try Room("--max-queue", "500")
        #expect(
            try isAtOnce {
                try small.say(String(repeating: "y", count: 600))
                _ = try small.slow.expect("message")
            })
    }

    @Test func wishesInOneTick_leaveTheOrderAsItIs() throws {
        let room = try Room()
        for round in 0..<5 {
            try room.say("first \(round)")
            try room.slow.sendAtOnce {
                try room.slow.send(["type": "pace", "slow": false])
                try room.slow.send(["type": "pace", "slow": true])
                try room.slow.say("second \(round)")
            }
            try room.hears("first \(round)")
            try room.hears("second \(round)")
        }
    }

    @Test func whoeverIsNotLetIn_hearsNothing() throws {
        let room = try Room()
        let rude = try TestClient(room.server)
        try rude.sendAtOnce {
            try rude.send(["type": "join", "username": "Slow"])
            try rude.send(["type": "pace", "slow": true])
        }
        _ = try rude.expectError("username_taken")
        try room.say("for members")
        #expect(isSilent(rude, for: 1.5))
        let stranger = try TestClient(room.server)
        try stranger.send(["type": "pace", "slow": true])
        _ = try stranger.expectError("not_joined")
        try stranger.send(["type": "pace", "slow": "yes"])
        _ = try stranger.expectError("bad_field")
    }

    @Test func whatBecomesOfPaces_everyoneHearsAllOnceInOrder() throws {
        let server = try LiveServer("--message-rate", "0")
        var random = SeededGenerator(seed: 11)
        let clients = try (0..<6).map { number -> TestClient in
            let client = try TestClient(server, deflate: number % 2 == 0)
            try client.join("N\(number)")
            return client
        }
        for step in 0..<300 {
            let client = random.pick(clients)
            switch random.below(6) {
            case 0: try client.send(["type": "pace", "slow": random.once(in: 2)])
            case 1: try client.send(["type": "typing"])
            case 2: try client.send(["type": "history", "before": 10, "limit": 2])
            default: try client.say("\(step)" + String(repeating: " and more", count: random.below(80)))
            }
            if random.once(in: 40) { Thread.sleep(forTimeInterval: 0.3) }
        }
        let end = try TestClient(server, as: "End")
        try end.say("the end")
        let last: Int = try #require(try end.skip(to: "message")["seq"])
        for client in clients {
            var (seq, isDone) = (0, false)
            while !isDone {
                let message = try client.next()
                guard let next: Int = message["seq"], message.type != "welcome" else { continue }
                #expect(seq == 0 || next == seq + 1)
                seq = next
                isDone = seq == last
            }
        }
    }
}

extension PaceTests.Room {
    /// Says something, and tells which event that was.
    fileprivate func sayAndTellSeq(_ text: String) throws -> Int? {
        try speaker.say(text)
        return try speaker.skip(to: "message")["seq"]
    }
}
