import Support
import Testing
import WebSocket

/// The chat protocol over real sockets, with both readiness calls.
@Suite(.ownThreads) struct ChatOverSocketsTests {
    @Test(arguments: PollerChoice.allCases)
    func theWelcomeComesFirstAndTheOwnJoinNext(poller: PollerChoice) throws {
        let server = try LiveServer(poller: poller)
        let ada = try TestClient(server)
        let welcome = try ada.join("  Ada ")
        #expect(welcome["username"] == "Ada" && welcome["room"] == "lobby")
        #expect(welcome["users"] == ["Ada"] && welcome["userCount"] == 1)
        #expect(welcome["seq"] == 0 && welcome["history"].isEmpty && welcome["gap"] == false)
        #expect(ada.session.count == 32)
        let join = try ada.expect("join", of: "Ada")
        #expect(join.seq == 1)
        #expect(join.keys == ["type", "seq", "time", "username", "user"])
        let bo = try TestClient(server)
        let second = try bo.join("Bo")
        #expect(Set(second["users"] ?? []) == ["Ada", "Bo"] && second["seq"] == 1)
        #expect(try bo.expect("join", of: "Bo").seq == 2)
        #expect(try ada.expect("join", of: "Bo").seq == 2)
    }

    @Test(arguments: PollerChoice.allCases)
    func everyoneGetsAMessageTheSenderIncludedInTheSameOrder(poller: PollerChoice) throws {
        let server = try LiveServer("--message-rate", "0", poller: poller)
        let people = try ["Ada", "Bo", "Cy"].map { try TestClient(server, as: $0) }
        for index in 0..<30 { try people[index % 3].say("message \(index)", id: "id-\(index)") }
        var transcripts: [[String]] = []
        for person in people {
            var texts: [String] = []
            var seq = 0
            while texts.count < 30 {
                let event = try person.next()
                #expect(event.seq > seq)
                seq = event.seq
                if event.type == "message" {
                    texts.append(event["text"] ?? "")
                    #expect(event["id"] == "id-\(texts.last?.split(separator: " ").last ?? "")")
                }
            }
            transcripts.append(texts)
        }
        #expect(transcripts[0] == transcripts[1] && transcripts[1] == transcripts[2])
        #expect(Set(transcripts[0]).count == 30)
    }

    @Test(arguments: PollerChoice.allCases)
    func typingReachesTheOthersAndIsNotKept(poller: PollerChoice) throws {
        let server = try LiveServer(poller: poller)
        let ada = try TestClient(server, as: "Ada")
        let bo = try TestClient(server, as: "Bo")
        _ = try ada.expect("join", of: "Bo")
        try ada.send(["type": "typing"])
        let typing = try bo.expect("typing", of: "Ada")
        #expect(typing.keys == ["type", "username"])
        try ada.expectNothingElse()
        try ada.say("done")
        #expect(try ada.expect("message").seq == 3)
    }

    @Test(arguments: PollerChoice.allCases)
    func aRenameReachesEveryone(poller: PollerChoice) throws {
        let server = try LiveServer(poller: poller)
        let ada = try TestClient(server, as: "Ada")
        let bo = try TestClient(server, as: "Bo")
        _ = try ada.expect("join", of: "Bo")
        try ada.send(["type": "rename", "username": "Eve"])
        for person in [ada, bo] {
            let rename = try person.expect("rename", of: "Ada")
            #expect(rename["to"] == "Eve" && rename.seq == 3)
        }
        try bo.send(["type": "rename", "username": "EVE"])
        _ = try bo.expectError("username_taken")
        try ada.say("it is me")
        #expect(try bo.expect("message")["username"] == "Eve")
        let cy = try TestClient(server)
        #expect(Set(try cy.join("Ada")["users"] ?? []) == ["Eve", "Bo", "Ada"])
    }

    @Test(arguments: PollerChoice.allCases)
    func historyPagesBackToTheFirstMessage(poller: PollerChoice) throws {
        let server = try LiveServer("--message-rate", "0", poller: poller)
        let ada = try TestClient(server, as: "Ada")
        for index in 0..<250 { try ada.say("\(index)") }
        for _ in 0..<250 { _ = try ada.expect("message") }
        let bo = try TestClient(server)
        let history: [JSON] = try bo.join("Bo")["history"]
        #expect(history.map(\.said) == (150..<250).map(String.init))
        var (before, texts) = (history[0].seq, [String]())
        _ = try bo.expect("join")
        while true {
            try bo.send(["type": "history", "before": before, "limit": 60])
            let page = try bo.expect("history")
            let events: [JSON] = page["events"]
            texts = events.map(\.said) + texts
            before = events.first?.seq ?? 0
            if page["more"] != true { break }
        }
        #expect(texts == (0..<150).map(String.init))
    }

    @Test(arguments: PollerChoice.allCases)
    func everyErrorIsToldAndTheConnectionStaysOpen(poller: PollerChoice) throws {
        let server = try LiveServer("--message-rate", "0", poller: poller)
        _ = try TestClient(server, as: "Bo")
        let ada = try TestClient(server)
        for text in ["no JSON", "{", "[]", "\"join\"", "{\"type\":\"join\"} x", "{\"a\":\"\\ud800\"}", ""] {
            try ada.send(text)
            _ = try ada.expectError("bad_json")
        }
        try ada.send(["type": "dance"])
        _ = try ada.expectError("unknown_type")
        try ada.send(["type": 1])
        _ = try ada.expectError("bad_field")
        // The form is judged first.
        for type in ["message", "rename", "history"] {
            try ada.send(["type": type])
            _ = try ada.expectError("bad_field")
        }
        for request: [String: Any] in [
            ["type": "message", "text": "hi"], ["type": "typing"], ["type": "rename", "username": "Cy"],
            ["type": "history", "before": 9, "limit": 5],
        ] {
            try ada.send(request)
            _ = try ada.expectError("not_joined")
        }
        try ada.say("too early", id: "x")
        #expect(try ada.expectError("not_joined")["id"] == "x")
        for name in ["", "   ", String(repeating: "a", count: 33), "a\u{202E}b", "a\u{200B}b", "a\nb", "a\u{7}"] {
            try ada.send(["type": "join", "username": name])
            _ = try ada.expectError("username_invalid")
        }
        for name in ["Bo", "bo", " BO "] {
            try ada.send(["type": "join", "username": name])
            _ = try ada.expectError("username_taken")
        }
        for object in [
            ["type": "join"], ["type": "join", "username": 5], ["type": "join", "username": "A", "since": "x"],
        ]
            as [[String: Any]]
        {
            try ada.send(object)
            _ = try ada.expectError("bad_field")
        }
        try ada.join("Ada")
        _ = try ada.expect("join", of: "Ada")
        try ada.send(["type": "join", "username": "Ada"])
        _ = try ada.expectError("already_joined")
        try ada.say(" \n\t ", id: "empty")
        #expect(try ada.expectError("text_empty")["id"] == "empty")
        try ada.say(String(repeating: "é", count: 4001), id: "long")
        #expect(try ada.expectError("text_too_long")["id"] == "long")
        try ada.say("a\u{7}b", id: "bell")
        #expect(try ada.expectError("bad_field")["id"] == "bell")
        try ada.send(["type": "message", "text": "a", "id": ""])
        _ = try ada.expectError("bad_field")
        try ada.send(["type": "history", "before": 1, "limit": 201])
        _ = try ada.expectError("bad_field")
        // A refused message's id is not used up, and what is at the limit passes.
        try ada.say(String(repeating: "é", count: 4000), id: "long")
        #expect(try ada.expect("message")["id"] == "long")
    }

    @Test func aRoomWhoseNameIsNoneIsRefusedAtTheJoin() throws {
        let server = try LiveServer()
        for target in [
            "/chat?room=Upper", "/chat?room=", "/chat?room=a%20b", "/chat?room=\(String(repeating: "a", count: 33))",
        ] {
            let ada = try TestClient(server, target: target)
            try ada.send(["type": "join", "username": "Ada"])
            _ = try ada.expectError("room_invalid")
        }
    }

    @Test(arguments: PollerChoice.allCases)
    func roomsKnowNothingOfEachOther(poller: PollerChoice) throws {
        let server = try LiveServer(poller: poller)
        let ada = try TestClient(server, as: "Ada", room: "garden")
        let bo = try TestClient(server, as: "Ada", room: "kitchen")
        try ada.say("flowers")
        try bo.say("soup")
        #expect(try ada.expect("message")["text"] == "flowers")
        let soup = try bo.expect("message")
        #expect(soup["text"] == "soup" && soup.seq == 2)
        try ada.expectNothingElse()
        try bo.expectNothingElse()
        let welcome = try TestClient(server).join("Cy")
        #expect(welcome["users"] == ["Cy"] && welcome["history"].isEmpty)
    }

    @Test(arguments: PollerChoice.allCases)
    func theSameIDIsSaidOnce(poller: PollerChoice) throws {
        let server = try LiveServer(poller: poller)
        let ada = try TestClient(server, as: "Ada")
        let bo = try TestClient(server, as: "Bo")
        _ = try ada.expect("join", of: "Bo")
        try ada.say("once", id: "7")
        try ada.say("once", id: "7")
        let (first, again) = (try ada.expect("message"), try ada.expect("message"))
        #expect(first.seq == again.seq && first.text == again.text)
        _ = try bo.expect("message")
        try bo.expectNothingElse()
    }

    @Test(arguments: PollerChoice.allCases)
    func whoComesBackWithTheSessionWasNeverGone(poller: PollerChoice) throws {
        let server = try LiveServer(poller: poller)
        let ada = try TestClient(server, as: "Ada")
        let bo = try TestClient(server, as: "Bo")
        try bo.say("before")
        #expect(try ada.skip(to: "message").seq == 3)
        ada.socket.reset()
        try bo.say("meanwhile")
        _ = try bo.skip(to: "message")
        _ = try bo.expect("message")
        let again = try TestClient(server)
        let welcome = try again.join("whatever", session: ada.session, since: 3)
        #expect(welcome["username"] == "Ada" && welcome["gap"] == false)
        #expect(welcome["history"].map(\.said) == ["meanwhile"])
        try again.say("back")
        #expect(try bo.expect("message").seq == 5)
        try again.expectNothingElseAfterMessage()
    }

    @Test(arguments: PollerChoice.allCases)
    func aSecondJoinWithTheSessionTakesTheFirstOver(poller: PollerChoice) throws {
        let server = try LiveServer(poller: poller)
        let ada = try TestClient(server, as: "Ada")
        let bo = try TestClient(server, as: "Bo")
        _ = try ada.expect("join", of: "Bo")
        let again = try TestClient(server)
        #expect(try again.join("Ada", session: ada.session, since: 2)["userCount"] == 2)
        #expect(try ada.expectClose().code == 4001)
        try again.say("me again")
        #expect(try bo.expect("message").seq == 3)
    }

    @Test func aSinceThatIsUnknownHereTellsOfAGap() throws {
        let server = try LiveServer()
        let ada = try TestClient(server, as: "Ada")
        try ada.say("hello")
        _ = try ada.expect("message")
        let bo = try TestClient(server)
        let welcome = try bo.join("Bo", session: String(repeating: "0", count: 32), since: 500)
        #expect(welcome["gap"] == true && welcome["username"] == "Bo")
        #expect(welcome["history"].map(\.said) == ["hello"])
    }

    @Test(arguments: PollerChoice.allCases)
    func compressionWorksBothWays(poller: PollerChoice) throws {
        let server = try LiveServer(poller: poller)
        let ada = try TestClient(server, as: "Ada", deflate: true)
        let bo = try TestClient(server, as: "Bo", deflate: false)
        _ = try ada.expect("join", of: "Bo")
        #expect(ada.connection.agreement?.deflate == true && bo.connection.agreement?.deflate == false)
        let text = String(repeating: "Grüße aus dem Garten! ", count: 150)
        try ada.send("{\"type\":\"message\",\"text\":\"\(text)\"}", compressed: true)
        for person in [ada, bo] { #expect(try person.expect("message")["text"] == text) }
    }

    @Test func theSubprotocolIsChosenWhereItIsOfferedAndNeverRequired() throws {
        let server = try LiveServer()
        let offers = [[], ["chatloop.v1"], ["other", "chatloop.v1"], ["other"]]
        let chosen = try offers.map { try TestClient(server, subprotocols: $0).connection.agreement?.subprotocol }
        #expect(chosen == [nil, "chatloop.v1", "chatloop.v1", nil])
    }

    @Test func unknownFieldsAreIgnored() throws {
        let server = try LiveServer()
        let ada = try TestClient(server)
        try ada.send(#"{"x":[{}],"type":"join","y":null,"username":"Ada","z":{"type":"typing"}}"#)
        #expect(try ada.expect("welcome")["username"] == "Ada")
    }
}

extension TestClient {
    /// The same for one whose own message is still to come.
    func expectNothingElseAfterMessage() throws {
        _ = try expect("message")
        try expectNothingElse()
    }
}
