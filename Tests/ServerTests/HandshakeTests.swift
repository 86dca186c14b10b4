import Support
import Testing
import WebSocket

/// The opening handshake, as HTTP sees it: who is let in, and what the others are told.
@Suite(.ownThreads) struct HandshakeTests {
    static let fields = [
        "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
    ]

    private func answer(_ server: LiveServer, _ fields: [String], target: String = "/chat") throws -> HTTPAnswer {
        let socket = try TestSocket(port: server.port)
        try socket.send(server.head("GET", target, fields))
        return try socket.answer()
    }

    @Test(arguments: PollerChoice.allCases)
    func theAnswerIsTheOneOfTheRFC(poller: PollerChoice) throws {
        let server = try LiveServer(poller: poller)
        let answer = try answer(server, Self.fields)
        #expect(answer.status == 101)
        #expect(answer["Sec-WebSocket-Accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
        #expect(answer["Upgrade"]?.lowercased() == "websocket" && answer["Connection"]?.lowercased() == "upgrade")
        #expect(answer["Sec-WebSocket-Protocol"] == nil && answer["Sec-WebSocket-Extensions"] == nil)
        #expect(answer["Content-Length"] == nil)
    }

    @Test func withoutAnUpgradeThereIsA426ThatNamesIt() throws {
        let server = try LiveServer()
        for fields in [[], ["Upgrade: h2c", "Connection: Upgrade"]] {
            let answer = try answer(server, fields)
            #expect(answer.status == 426)
            #expect(answer["Upgrade"] == "websocket")
        }
        #expect(try server.request("HEAD", "/chat").status == 426)
    }

    @Test func anotherVersionGetsA426ThatNamesThisOne() throws {
        let server = try LiveServer()
        for version in ["8", "12", "14", "013"] {
            let answer = try answer(server, Self.fields.dropLast() + ["Sec-WebSocket-Version: \(version)"])
            #expect(answer.status == 426)
            #expect(answer["Sec-WebSocket-Version"] == "13")
        }
        // The connection goes on: the client may try again.
        let socket = try TestSocket(port: server.port)
        try socket.send(server.head("GET", "/chat", Self.fields.dropLast() + ["Sec-WebSocket-Version: 12"]))
        #expect(try socket.answer().status == 426)
        try socket.send(server.head("GET", "/chat", Self.fields))
        #expect(try socket.answer().status == 101)
    }

    @Test(arguments: [
        (1, "Connection: keep-alive"), (2, "Sec-WebSocket-Key: short"), (2, "Sec-WebSocket-Key: "), (2, "X: y"),
        (2, "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ"), (3, "X: y"),
        (2, "Sec-WebSocket-Key: !!!!IHNhbXBsZSBub25jZQ=="),
    ])
    func aMalformedHandshakeIsA400(index: Int, field: String) throws {
        let server = try LiveServer()
        var fields = Self.fields
        fields[index] = field
        let answer = try answer(server, fields)
        #expect(answer.status == 400)
        #expect(answer["Connection"] == "close")
        #expect(answer.text.count > 10)
    }

    @Test func doubledFieldsAreA400() throws {
        let server = try LiveServer()
        for index in [2, 3] { #expect(try answer(server, Self.fields + [Self.fields[index]]).status == 400) }
        let offers = ["Sec-WebSocket-Extensions: a;b=\"", "Sec-WebSocket-Protocol: a b"]
        for offer in offers { #expect(try answer(server, Self.fields + [offer]).status == 400) }
    }

    @Test func anUpgradeOfHTTP10IsNone() throws {
        let server = try LiveServer()
        let socket = try TestSocket(port: server.port)
        let head = server.head("GET", "/chat", Self.fields)
        try socket.send("GET /chat HTTP/1.0" + head.drop { $0 != "\r\n" })
        #expect(try socket.answer().status == 426)
    }

    /// Whoever has set up the proxy in front learns what it lacks, on the page and in the log.
    @Test func requestWithoutUpgrade_isToldWhatTheProxyMayLack() throws {
        let server = try LiveServer()
        let plain = try server.request("GET", "/chat")
        #expect(plain.status == 426 && plain["Upgrade"] == "websocket")
        #expect(plain.text.contains("asks for none") && plain.text.contains("proxy_set_header Upgrade"))
        let stripped = try answer(
            server, Self.fields.filter { !$0.hasPrefix("Upgrade") && !$0.hasPrefix("Connection") })
        #expect(stripped.status == 426 && stripped.text.contains("has not passed on"))
        let socket = try TestSocket(port: server.port)
        try socket.send("GET /chat HTTP/1.0\r\n" + Self.fields.joined(separator: "\r\n") + "\r\n\r\n")
        let old = try socket.answer()
        #expect(old.status == 426 && old.text.contains("HTTP/1.0") && old.text.contains("proxy_http_version 1.1"))
        let head = try server.request("HEAD", "/chat")
        #expect(head.status == 426 && head.body.isEmpty)
        #expect(try server.stop() == .exited(0))
        #expect(server.child.allErrors().contains("event=upgrade-refused"))
        #expect(server.child.allErrors().contains("reason=no-upgrade"))
    }

    @Test func foreignOrigin_isLoggedWithHostAndRemedy() throws {
        let server = try LiveServer()
        #expect(try answer(server, Self.fields + ["Origin: https://chat.example"]).status == 403)
        #expect(try server.stop() == .exited(0))
        let log = server.child.allErrors()
        #expect(log.contains("origin=https://chat.example host=127.0.0.1:\(server.port)"))
        #expect(log.contains("--origin https://chat.example"))
    }

    @Test(arguments: PollerChoice.allCases)
    func pagesOfOtherSitesAreNotLetIn(poller: PollerChoice) throws {
        let server = try LiveServer(poller: poller)
        for origin in [
            "http://evil.example", "null", "http://127.0.0.1", "http://127.0.0.1:1", "https://127.0.0.1:99999", "",
            "http://127.0.0.1:\(server.port).evil.example", "file://",
        ] {
            #expect(try answer(server, Self.fields + ["Origin: \(origin)"]).status == 403, "\(origin)")
        }
        let own = "http://127.0.0.1:\(server.port)"
        for origin in [own, own.uppercased(), own.replacing("http", with: "https")] {
            #expect(try answer(server, Self.fields + ["Origin: \(origin)"]).status == 101, "\(origin)")
        }
        #expect(try answer(server, Self.fields + ["Origin: \(own)", "Origin: http://evil.example"]).status == 403)
    }

    @Test func furtherOriginsCanBeAllowed() throws {
        let server = try LiveServer(
            "--origin", "https://a.example", "--origin", "HTTP://b.example:81", "--origin", "https://c.example:443")
        let verdicts = [
            "https://a.example": 101, "HTTPS://A.EXAMPLE": 101, "http://b.example:81": 101, "http://b.example": 403,
            "https://a.example.evil.example": 403, "null": 403, "https://c.example": 101, "https://c.example:443": 101,
            "http://c.example": 403,
        ]
        for (origin, status) in verdicts {
            #expect(try answer(server, Self.fields + ["Origin: \(origin)"]).status == status, "\(origin)")
        }
        let open = try LiveServer("--origin", "*")
        for origin in ["http://evil.example", "null", ""] {
            #expect(try answer(open, Self.fields + ["Origin: \(origin)"]).status == 101, "\(origin)")
        }
    }

    @Test func theEchoIsThereOnlyIfItIsAskedFor() throws {
        let silent = try LiveServer()
        #expect(try answer(silent, Self.fields, target: "/echo").status == 404)
        for poller in PollerChoice.allCases {
            let server = try LiveServer("--echo", poller: poller)
            let client = try TestClient(server, target: "/echo", deflate: true)
            let long = String(repeating: "echo ", count: 2000)
            try client.send(#"{"type":"join"}"#)
            try client.send("{\"long\":\"\(long)\"}", compressed: true)
            try client.send(binary: [0, 255, 1])
            try client.ping([7])
            #expect(try client.next().text == #"{"type":"join"}"#)
            #expect(try client.next()["long"] == long)
            #expect(try client.nextBinary() == [0, 255, 1])
            #expect(try client.nextPong() == [7])
            try client.close(.normal)
            #expect(try client.expectClose().code == 1000)
        }
    }

    /// A request and the first frames may come in one packet.
    @Test(arguments: PollerChoice.allCases)
    func framesRightBehindTheRequestCount(poller: PollerChoice) throws {
        let server = try LiveServer(poller: poller)
        let socket = try TestSocket(port: server.port)
        var bytes = Array(server.head("GET", "/chat", Self.fields).utf8)
        let join = Array(#"{"type":"join","username":"Ada"}"#.utf8)
        Frame.appendMasked(to: &bytes, opcode: .text, payload: join.span, key: 0x0102_0304)
        try socket.send(bytes)
        #expect(try socket.answer().status == 101)
        var received: [UInt8] = []
        while !String(decoding: received, as: UTF8.self).contains("\"type\":\"join\"") {
            received += try #require(try socket.receive())
        }
        #expect(String(decoding: received, as: UTF8.self).contains("welcome"))
    }
}
