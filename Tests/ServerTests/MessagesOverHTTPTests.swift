import Support
import Testing

/// `GET /r/ROOM/messages` and `GET /r/ROOM/about`.
@Suite(.ownThreads) struct MessagesOverHTTPTests {
    private func page(_ server: LiveServer, _ query: String, room: String = "lobby") throws -> (JSON, [String]) {
        let answer = try server.request("GET", "/r/\(room)/messages\(query)")
        guard answer.status == 200 else { throw Failure("\(query): \(answer.status) \(answer.text)") }
        let json = JSON(answer.body)
        return (json, json["events"].map(\.said))
    }

    @Test(arguments: PollerChoice.allCases)
    func messages_arePagesOfTheHistory(poller: PollerChoice) throws {
        let world = try ProgramServer("--message-rate", "0", poller: poller)
        let ada = try TestClient(world.server, as: "Ada")
        for index in 1...120 { try ada.say("\(index)") }
        for _ in 1...120 { _ = try ada.expect("message") }
        for isRestarted in [false, true] {
            if isRestarted { try world.restart() }
            let (newest, texts) = try page(world.server, "")
            #expect(newest.type == "history")
            #expect(newest.keys == ["type", "events", "more"])
            #expect(newest["more"] == true)
            #expect(texts == (71...120).map(String.init))
            let seq = newest["events"][0].seq
            let (older, all) = try page(world.server, "?before=\(seq)&limit=200")
            #expect(older["more"] == false)
            #expect(all == (1...70).map(String.init))
            #expect(try page(world.server, "?limit=1&before=9007199254740991&x=%E9").1 == ["120"])
            #expect(try page(world.server, "?before=0").1 == [])
        }
        #expect(try page(world.server, "", room: "nothing").1 == [])
    }

    @Test func answers_areNobodysToKeep() throws {
        let world = try ProgramServer()
        let ada = try TestClient(world.server, as: "Ada")
        for _ in 0..<20 { try ada.say(String(repeating: "x", count: 1000)) }
        for _ in 0..<20 { _ = try ada.expect("message") }
        let answer = try world.server.request("GET", "/r/lobby/messages", ["Accept-Encoding: gzip"])
        #expect(answer.status == 200)
        #expect(answer["Cache-Control"] == "no-store")
        #expect(answer["Content-Type"] == "application/json")
        #expect(answer["Content-Encoding"] == nil)
        let head = try world.server.request("HEAD", "/r/lobby/messages")
        #expect(head.status == 200)
        #expect(head["Content-Length"] == answer["Content-Length"])
        let about = try world.server.request("GET", "/r/lobby/about", ["Accept-Encoding: gzip"])
        #expect(about["Cache-Control"] == "no-store")
        #expect(about["Content-Encoding"] == nil)
        #expect(try world.server.request("HEAD", "/r/lobby/about").status == 200)
    }

    @Test(arguments: [
        "?before=", "?before=-1", "?before=x", "?before=1.5", "?before=9007199254740992", "?before=%2B1",
        "?before=99999999999999999999999", "?limit=", "?limit=0", "?limit=201", "?limit=-5", "?limit=x",
        "?limit=99999999999999999999999", "?before=5&limit=1e2", "?before",
    ])
    func wrongValues_are400(query: String) throws {
        let server = try LiveServer()
        let answer = try server.request("GET", "/r/lobby/messages\(query)")
        #expect(answer.status == 400)
        #expect(JSON(answer.body)["code"] == "bad_field")
        #expect(JSON(answer.body)["message"] != (nil as String?))
    }

    @Test func about_tellsOfTheRoom() throws {
        let world = try ProgramServer()
        let ada = try TestClient(world.server, as: "Ada", room: "garden")
        try ada.say("hello")
        let seq = try ada.expect("message").seq
        let about = JSON(try world.server.request("GET", "/r/garden/about").body)
        #expect(about.keys == ["room", "userCount", "topic", "locked", "password", "keepDays", "seq"])
        #expect(about["room"] == "garden")
        #expect(about["userCount"] == 1)
        #expect(about["locked"] == false)
        #expect(about["password"] == false)
        #expect(about["topic"] == "")
        #expect(about.seq == seq)
        #expect(!about.text.contains("Ada"))
    }

    @Test func roomsThatNobodyUses_areNotKeptInMemory() throws {
        let world = try ProgramServer()
        for index in 0..<50 {
            #expect(try world.server.request("GET", "/r/room-\(index)/about").status == 200)
            #expect(try world.server.request("GET", "/r/room-\(index)/messages").status == 200)
        }
        #expect(try world.server.metric("rooms") == 0)
        for room in ["Upper", "a_b", "", String(repeating: "x", count: 33)] {
            #expect(try world.server.request("GET", "/r/\(room)/about").status == 404)
            #expect(try world.server.request("GET", "/r/\(room)/messages").status == 404)
        }
    }

    @Test func password_makesReadingTakeAToken() throws {
        let secrets = try TemporaryFolder()
        try secrets.write("password", "sesame\n")
        let world = try ProgramServer("--rooms", "lobby,garden", "--password-file", secrets.path + "/password")
        let token = try world.token()
        #expect(try world.post("x", token).status == 201)
        #expect(try world.post("x", to: "other", token).status == 404)
        let stranger = try world.server.request("GET", "/r/lobby/messages")
        #expect(stranger.status == 401)
        #expect(stranger["WWW-Authenticate"] == "Bearer")
        #expect(JSON(stranger.body)["code"] == "password_required")
        let wrong = "Authorization: Bearer \(String(token.reversed()))"
        #expect(try world.server.request("GET", "/r/lobby/messages", [wrong]).status == 401)
        let page = try world.server.request("GET", "/r/lobby/messages", ["Authorization: Bearer \(token)"])
        #expect(JSON(page.body)["events"].map(\.said) == ["x"])
        let about = JSON(try world.server.request("GET", "/r/lobby/about").body)
        #expect(about.keys == ["room", "locked", "password"])
        #expect(about["password"] == true)
        #expect(try world.server.request("GET", "/r/other/about").status == 404)
    }

    @Test func addressThatIsBanned_isA403() throws {
        let folder = try TemporaryFolder()
        let server = try LiveServer("--data", folder.path, "--trust-proxy", "127.0.0.1")
        func enter(_ name: String, _ letter: Character, from address: String) throws -> TestClient {
            let client = try TestClient(server, room: "garden", fields: [("X-Forwarded-For", address)])
            try client.join(name, key: String(repeating: letter, count: 16))
            return client
        }
        let ada = try enter("Ada", "a", from: "192.0.2.1")
        try ada.say("first")
        _ = try ada.skip(to: "message")
        let bo = try enter("Bo", "b", from: "192.0.2.2")
        try ada.send(["type": "moderate", "action": "ban", "username": "Bo", "address": true])
        #expect(try bo.expectClose().code == 4003)
        func read(_ address: String) throws -> HTTPAnswer {
            try server.request("GET", "/r/garden/messages", ["X-Forwarded-For: \(address)"])
        }
        let refused = try read("192.0.2.2")
        #expect(refused.status == 403)
        #expect(JSON(refused.body)["code"] == "banned")
        #expect(try read("192.0.2.3").status == 200)
    }

    @Test func readingTooMuch_isA429() throws {
        let server = try LiveServer("--reading-rate", "0.1")
        #expect(try server.request("GET", "/r/lobby/messages").status == 200)
        for target in ["/r/lobby/messages", "/r/other/about"] {
            let answer = try server.request("GET", target)
            #expect(answer.status == 429)
            #expect(JSON(answer.body)["code"] == "rate_limited")
            #expect(Int(answer["Retry-After"] ?? "").map { (1...10).contains($0) } == true)
        }
    }

    @Test func roomThatCannotBeRead_isA503() throws {
        let world = try ProgramServer("--log-level", "error")
        let token = try world.token()
        #expect(try world.post("x", to: "broken", token).status == 201)
        try world.restart()
        // A link that leads to itself in the place of the room's folder.
        let rooms = world.data + "/rooms"
        let child = try Child("/bin/sh", ["-c", "cd \(rooms) && mv broken b && ln -s broken broken"])
        #expect(try child.wait() == .exited(0))
        #expect(try world.server.request("GET", "/r/broken/messages").status == 503)
        #expect(try world.server.request("GET", "/r/broken/about").status == 503)
    }

    /// Its answers wait for the disk: requests behind them wait, too, and those of others do not.
    @Test func pipelinedRequests_areAnsweredInOrder() throws {
        let world = try ProgramServer("--message-rate", "0")
        let token = try world.token()
        for room in ["a", "b", "c"] { #expect(try world.post(room, to: room, token).status == 201) }
        try world.restart()
        let socket = try world.server.connect()
        let rooms = ["a", "b", "c", "a", "nothing", "b"]
        try socket.send(
            rooms.map { world.server.head("GET", "/r/\($0)/messages") + world.server.head("GET", "/r/\($0)/about") }
                .joined())
        for room in rooms {
            #expect(JSON(try socket.answer().body)["events"].map(\.said) == (room == "nothing" ? [] : [room]))
            #expect(JSON(try socket.answer().body)["room"] == room)
        }
    }
}
