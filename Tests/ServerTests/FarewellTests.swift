import Support
import Testing

/// Whoever ends a connection, or brings about its end, in the same breath as it says something hears first what became of that.
@Suite(.ownThreads) struct FarewellTests {
    enum End: CaseIterable {
        case binary, close, goingAway, hangUp
    }

    @Test(arguments: End.allCases, PollerChoice.allCases)
    func whatWasSaidIsAnsweredBeforeTheEnd(end: End, poller: PollerChoice) throws {
        let server = try LiveServer(poller: poller)
        let bo = try TestClient(server, as: "Bo")
        let ada = try TestClient(server)
        try ada.sendAtOnce {
            try ada.send(["type": "join", "username": "Ada"])
            try ada.say("hello", id: "1")
            try ada.send(["type": "nonsense"])
            switch end {
            case .binary: try ada.send(binary: [1, 2, 3])
            case .close: try ada.close(.normal)
            case .goingAway: try ada.close(.goingAway)
            case .hangUp: break
            }
        }
        if end == .hangUp { ada.socket.finish() }
        let code = try? ada.expectClose().code
        switch end {
        case .binary: #expect(code == 1003)
        case .close: #expect(code == 1000)
        case .goingAway: #expect(code == 1001)
        case .hangUp: #expect(code == nil)
        }
        _ = try ada.expect("welcome")
        _ = try ada.expect("join", of: "Ada")
        #expect(try ada.expect("message")["id"] == "1")
        _ = try ada.expectError("unknown_type")
        #expect(throws: Failure.self) { try ada.next(within: 0) }
        // Everyone else sees what they would have seen anyhow.
        _ = try bo.expect("join", of: "Ada")
        #expect(try bo.expect("message", of: "Ada")["text"] == "hello")
        if end == .close { _ = try bo.expect("leave", of: "Ada") }
        try bo.expectNothingElse()
    }

    /// A burst at the default limits: each message is said and comes back, or is refused with its `id`.
    @Test(arguments: PollerChoice.allCases)
    func aBurstIsAnsweredMessageByMessage(poller: PollerChoice) throws {
        let server = try LiveServer(poller: poller)
        let ada = try TestClient(server, as: "Ada")
        try ada.sendAtOnce { for index in 0..<500 { try ada.say("x", id: "\(index)") } }
        var (said, refused): ([String?], [String?]) = ([], [])
        for _ in 0..<500 {
            let answer = try ada.next()
            if answer.type == "message" { said.append(answer["id"]) } else { refused.append(answer["id"]) }
            if answer.type != "message" { #expect(answer["code"] == "rate_limited") }
        }
        #expect(said.count >= 30 && said.prefix(30) == (0..<30).map { "\($0)" }[...])
        #expect(Set(said + refused) == Set((0..<500).map { "\($0)" }))
        try ada.expectNothingElse()
    }

    /// Errors without end are all told before the end, but for those that would come after it.
    @Test func theErrorsThatEndAConnectionAreTold() throws {
        let server = try LiveServer()
        let ada = try TestClient(server, as: "Ada")
        try ada.sendAtOnce { for _ in 0..<150 { try ada.send("{") } }
        #expect(try ada.expectClose().code == 1008)
        for _ in 0..<101 { _ = try ada.expectError("bad_json") }
        #expect(throws: Failure.self) { try ada.next(within: 0) }
    }

    /// What comes at once with a join into a room that is still on the disk waits for it.
    @Test func manyMessagesMayComeWithTheJoin() throws {
        let folder = try TemporaryFolder()
        let server = try LiveServer("--data", folder.path, "--message-rate", "0")
        let ada = try TestClient(server)
        try ada.sendAtOnce {
            try ada.send(["type": "join", "username": "Ada"])
            for index in 0..<1000 { try ada.say("x", id: "\(index)") }
        }
        _ = try ada.expect("welcome")
        _ = try ada.expect("join")
        for index in 0..<1000 { #expect(try ada.expect("message")["id"] == "\(index)") }
    }
}
