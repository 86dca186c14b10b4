import Foundation
import Support
import Testing

/// `POST /r/ROOM`: what programs say.
@Suite(.ownThreads) struct PostTests {
    private static let json = "Content-Type: application/json"

    @Test(arguments: PollerChoice.allCases)
    func post_isHeardByAll_andAnsweredWithTheEvent(poller: PollerChoice) throws {
        let world = try ProgramServer(poller: poller)
        let token = try world.token()
        let ada = try TestClient(world.server, as: "Ada", room: "builds")
        let answer = try world.post("build 17 is out\n", to: "builds", token)
        let event = try ada.expect("message", of: "builds")
        #expect(answer.status == 201)
        #expect(answer["Content-Type"] == "application/json")
        #expect(answer["Cache-Control"] == "no-store")
        #expect(answer.text == event.text + "\n")
        #expect(event.said == "build 17 is out")
        #expect(event["bot"] == true)
        #expect(event.keys == ["type", "seq", "time", "username", "user", "text", "bot"])
        try ada.expectNothingElse()
    }

    @Test func id_thatWasUsed_isAnsweredWithItsMessage_afterARestartToo() throws {
        let world = try ProgramServer()
        let token = try world.token()
        let first = try world.post(#"{"text":"one","id":"b17"}"#, token, Self.json)
        #expect(first.status == 201)
        let again = try world.post(#"{"text":"two","id":"b17"}"#, token, Self.json)
        #expect(again.status == 200)
        #expect(again.text == first.text)
        try world.restart()
        let third = try world.post(#"{"text":"one","id":"b17"}"#, token, Self.json)
        #expect(third.status == 200)
        #expect(third.text == first.text)
        #expect(JSON(try world.post("two", token).body).seq == JSON(first.body).seq + 1)
    }

    @Test(arguments: [
        ("", "x"), ("Content-Type: text/plain", "x"), ("Content-Type: Text/Plain; charset=\"UTF-8\"", "x"),
        ("Content-Type: application/x-www-form-urlencoded", "a=b&c=%20+"), ("Content-Type: text/plain", "{\"text\":1}"),
        ("", "ü\t\n\nz"),
    ])
    func text_isTheContentAsItIs(field: String, content: String) throws {
        let world = try ProgramServer()
        let token = try world.token()
        for end in ["", "\n", "\r\n"] {
            let answer = try world.post(content + end, token, "X: y\(field.isEmpty ? "" : "\r\n" + field)")
            #expect(answer.status == 201)
            #expect(JSON(answer.body).said == content)
        }
        #expect(JSON(try world.post(content + "\n\n", token).body).said == content + "\n")
    }

    @Test func refusals_haveTheirStatus() throws {
        let world = try ProgramServer("--max-message", "5000")
        let token = try world.token()
        let wrong = String(token.reversed())
        func status(
            _ content: String, _ token: String?, to room: String = "lobby", _ field: String = "X: y"
        ) throws -> Int {
            try world.post(content, to: room, token, field).status
        }
        for bad in [nil, wrong, "", token + "0", token.uppercased(), String(repeating: "a", count: 4000)] {
            #expect(try status("x", bad) == 401)
        }
        let stranger = try world.post("x", nil)
        #expect(stranger["WWW-Authenticate"] == "Bearer")
        #expect(try world.post("x", nil, "Authorization: Basic \(token)").status == 401)
        #expect(try world.post("x", token, "Authorization: Bearer \(token)").status == 401)
        #expect(try world.post("x", nil, "Authorization: bEARER  \(token)").status == 201)
        for room in ["Upper", "a_b", "%00", "%zz", String(repeating: "x", count: 33), ""] {
            #expect(try status("x", token, to: room) == 404, "\(room)")
        }
        for field in [
            "Content-Type: text/html", "Content-Type: nonsense", "Content-Type: text/plain; charset=latin1",
            "Content-Type: application/json; charset=utf-16", "Content-Encoding: gzip",
            "Content-Type: multipart/form-data; boundary=x", "Content-Type:",
        ] {
            #expect(try status("x", token, field) == 415, "\(field)")
        }
        #expect(try status("[1]", token, Self.json) == 400)
        #expect(try status("{\"text\":", token, Self.json) == 400)
        let socket = try world.server.connect()
        let authorization = "Authorization: Bearer \(token)"
        try socket.send(world.server.head("POST", "/r/lobby", [authorization, "Content-Length: 2"]))
        try socket.send([0xC3, 0x28])
        #expect(try socket.answer().status == 400)
        for (content, code) in [
            (#"{"text":""}"#, "text_empty"), (#"{"text":1}"#, "bad_field"), (#"{"text":"\u0007"}"#, "bad_field"),
            ("{\"text\":\"\(String(repeating: "x", count: 4001))\"}", "text_too_long"),
            (#"{"text":"x","id":""}"#, "bad_field"), (#"{"text":"x","reply":"1"}"#, "bad_field"),
        ] {
            let answer = try world.post(content, token, Self.json)
            #expect(answer.status == 422)
            #expect(JSON(answer.body)["code"] == code)
            #expect(JSON(answer.body)["message"] != (nil as String?))
        }
        #expect(try status("", token) == 422)
        // From its head alone; nothing of it has to be sent.
        let long = try world.server.connect()
        try long.send(world.server.head("POST", "/r/lobby", [authorization, "Content-Length: 5001"]))
        #expect(try long.answer().status == 413)
        #expect(try world.server.metric("messages_total") == 1)
    }

    @Test func otherMethodsAndPlaces_are405() throws {
        let world = try ProgramServer()
        let token = try world.token()
        for (method, target, allowed) in [
            ("PUT", "/r/lobby", "GET, HEAD, POST"), ("DELETE", "/r/lobby", "GET, HEAD, POST"),
            ("POST", "/", "GET, HEAD"), ("POST", "/r/lobby/messages", "GET, HEAD"),
            ("POST", "/r/lobby/about", "GET, HEAD"), ("POST", "/r", "GET, HEAD"), ("POST", "/chat", "GET, HEAD"),
            ("POST", "/r/lobby/", "GET, HEAD"),
        ] {
            let answer = try world.server.request(method, target, ["Authorization: Bearer \(token)"])
            #expect(answer.status == 405, "\(method) \(target)")
            #expect(answer["Allow"] == allowed)
        }
    }

    @Test func origin_ofSomebodyElse_isRefusedWithAToken() throws {
        let world = try ProgramServer("--origin", "https://good.example")
        let token = try world.token()
        #expect(try world.post("x", token, "Origin: https://evil.example").status == 403)
        #expect(try world.post("x", token, "Origin: null").status == 403)
        #expect(try world.post("x", token, "Origin: https://good.example").status == 201)
        #expect(try world.post("x", token, "Origin: http://127.0.0.1:\(world.server.port)").status == 201)
        #expect(try world.server.child.errorLine(with: "upgrade-refused").contains("evil.example"))
    }

    @Test func tooFast_isToldWhenToTryAgain() throws {
        let world = try ProgramServer("--message-rate", "0.5")
        let token = try world.token()
        var statuses: [Int] = []
        for _ in 0..<3 {
            let answer = try world.post("x", token)
            statuses.append(answer.status)
            guard answer.status == 429 else { continue }
            #expect(JSON(answer.body)["code"] == "rate_limited")
            let wait = Int(answer["Retry-After"] ?? "")
            #expect(wait.map { (1...2).contains($0) } == true)
        }
        #expect(statuses == [201, 429, 429])
        // Another program has a rate of its own.
        #expect(try world.post("x", world.token("news")).status == 201)
    }

    @Test func whatCannotBeKept_isA503() throws {
        let world = try ProgramServer()
        let token = try world.token()
        try world.folder.write("data/rooms/blocked", "a file in the place of a folder")
        let answer = try world.post("x", to: "blocked", token)
        #expect(answer.status == 503)
        #expect(JSON(answer.body)["code"] == "storage_failed")
        #expect(try world.post("x", token).status == 201)
    }

    @Test func ephemeralServer_knowsNoTokens() throws {
        let server = try LiveServer()
        let token = String(repeating: "0", count: 32)
        let answer = try server.request("POST", "/r/lobby", ["Authorization: Bearer \(token)"])
        #expect(answer.status == 401)
    }

    // MARK: Connections

    @Test(arguments: [["--fsync", "always"], ["--fsync", "never"]])
    func pipelinedRequests_areAnsweredInOrder(options: [String]) throws {
        let world = try ProgramServer(options[0], options[1], "--message-rate", "0")
        let token = try world.token()
        let socket = try world.server.connect()
        var requests = ""
        for index in 0..<20 {
            requests += world.head("\(index)", to: index % 3 == 0 ? "new-\(index)" : "lobby", token)
            requests += world.server.head("GET", "/healthz")
            if index % 5 == 4 { requests += world.head("x", to: "lobby", nil) }
        }
        try socket.send(requests)
        var seq = 0
        for index in 0..<20 {
            let answer = try socket.answer()
            #expect(answer.status == 201)
            #expect(JSON(answer.body).said == "\(index)")
            if index % 3 != 0 {
                #expect(JSON(answer.body).seq == seq + 1)
                seq += 1
            }
            #expect(try socket.answer().text == "ok")
            if index % 5 == 4 { #expect(try socket.answer().status == 401) }
        }
        // The connection goes on, as a WebSocket even.
        try socket.send(world.head("last", to: "lobby", token, ["Connection: close"]))
        #expect(try socket.answer()["Connection"] == "close")
        #expect(try socket.everything().isEmpty)
    }

    @Test func contentInChunks_andAfterBeingToldToGoOn_isTaken() throws {
        let world = try ProgramServer()
        let token = try world.token()
        let authorization = "Authorization: Bearer \(token)"
        let socket = try world.server.connect()
        try socket.send(world.server.head("POST", "/r/lobby", [authorization, "Transfer-Encoding: chunked"]))
        for piece in ["5\r\nhello\r\n", "7;x=y\r\n, world\r\n", "0\r\n", "Trailer: z\r\n\r\n"] {
            try socket.send(piece)
        }
        #expect(JSON(try socket.answer().body).said == "hello, world")
        try socket.send(
            world.server.head("POST", "/r/lobby", [authorization, "Content-Length: 2", "Expect: 100-continue"]))
        #expect(try socket.receive() == Array("HTTP/1.1 100 Continue\r\n\r\n".utf8))
        try socket.send("hi")
        #expect(JSON(try socket.answer().body).said == "hi")
    }

    @Test func client_thatHasEndedItsSide_getsItsAnswer() throws {
        let world = try ProgramServer("--fsync", "always")
        let token = try world.token()
        let socket = try world.server.connect()
        try socket.send(world.head("x", to: "new", token))
        socket.finish()
        #expect(try socket.answer().status == 201)
        #expect(try socket.everything().isEmpty)
    }

    @Test func client_thatIsGone_harmsNobody() throws {
        let world = try ProgramServer("--message-rate", "0")
        let token = try world.token()
        for index in 0..<50 {
            let socket = try world.server.connect()
            try socket.send(world.head("x", to: "room-\(index % 7)", token))
            socket.reset()
        }
        #expect(try world.post("y", to: "room-1", token).status == 201)
        #expect(try world.server.stop() == .exited(0))
    }

    // MARK: The rest of the house

    @Test func recording_withPosts_isReplayed() throws {
        let folder = try TemporaryFolder()
        let world = try ProgramServer("--record", folder.path + "/recording")
        let token = try world.token()
        for (room, status) in [("one", 201), ("two", 201), ("one", 200)] {
            #expect(try world.post(#"{"text":"hello","id":"1"}"#, to: room, token, Self.json).status == status)
        }
        #expect(try world.post(#"{"text":"hello","reply":1}"#, to: "one", token, Self.json).status == 201)
        #expect(try world.post(#"{"text":"hello","reply":7}"#, to: "one", token, Self.json).status == 422)
        #expect(try world.server.stop() == .exited(0))
        let replay = try Command.start(["replay", folder.path + "/recording"])
        #expect(try replay.wait() == .exited(0), "\(replay.allErrors())")
        let recording = try Data(contentsOf: URL(fileURLWithPath: folder.path + "/recording"))
        #expect(recording.firstRange(of: Data("hello".utf8)) != nil)
        #expect(recording.firstRange(of: Data(token.utf8)) == nil)
    }

    /// The command that everybody knows, over TLS, too.
    @Test(arguments: [false, true]) func curl_posts(isSecure: Bool) throws {
        guard let curl = installedProgram("curl") else { return }
        let folder = try TemporaryFolder()
        let certificate = isSecure ? try TestCertificate() : nil
        let server = try LiveServer(options: ["--data", folder.path], certificate: certificate)
        let token = try Command.start(["token", "builds", "--data", folder.path]).line()
        let url = "\(isSecure ? "https" : "http")://localhost:\(server.port)/r/builds"
        func run(_ input: String, _ arguments: String...) throws -> String {
            let trust = certificate.map { ["--cacert", $0.certificateFile] } ?? []
            let child = try Child(
                curl, ["-sS", "-w", "%{http_code}", "-H", "Authorization: Bearer \(token)"] + trust + arguments + [url])
            child.write(input)
            child.closeInput()
            return try child.rest()
        }
        #expect(try run("", "-d", "a=b & c").hasSuffix("}\n201"))
        #expect(try run("line\nline\n", "--data-binary", "@-").hasSuffix("}\n201"))
        let json = ["-H", "Content-Type: application/json", "-d", #"{"text":"once","id":"x"}"#]
        #expect(try run("", json[0], json[1], json[2], json[3]).hasSuffix("}\n201"))
        #expect(try run("", json[0], json[1], json[2], json[3]).hasSuffix("}\n200"))
        #expect(try run("piece", "-T", "-", "-X", "POST").hasSuffix("}\n201"))
        #expect(try run("", "-F", "a=b").hasSuffix("415"))
        let ada = try TestClient(server, room: "builds")
        let welcome = try ada.join("Ada")
        #expect(welcome["history"].map(\.said) == ["a=b & c", "line\nline", "once", "piece"])
    }
}
