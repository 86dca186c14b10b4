import Foundation
import Support
import Testing
import WebSocket

/// HTTP/1.1 as a connection: keep-alive, pipelining, and what is refused.
@Suite(.ownThreads) struct RequestTests {
    @Test(arguments: PollerChoice.allCases)
    func aConnectionIsKeptForTheNextRequest(poller: PollerChoice) throws {
        let server = try LiveServer(poller: poller)
        let socket = try TestSocket(port: server.port)
        for _ in 0..<20 {
            try socket.send(server.head("GET", "/healthz"))
            let answer = try socket.answer()
            #expect(answer.status == 200 && answer["Connection"] == "keep-alive")
        }
        try socket.send(server.head("HEAD", "/"))
        #expect(try socket.answer(to: "HEAD").status == 200)
        try socket.send(server.head("GET", "/nothing"))
        #expect(try socket.answer().status == 404)
        try socket.send(server.head("GET", "/healthz", ["Connection: close"]))
        #expect(try socket.answer()["Connection"] == "close")
        #expect(try socket.everything().isEmpty)
    }

    @Test func http10EndsTheConnectionUnlessItAsksOtherwise() throws {
        let server = try LiveServer()
        let socket = try TestSocket(port: server.port)
        try socket.send("GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        #expect(try socket.answer().text == "ok")
        try socket.send("GET /healthz HTTP/1.0\r\n\r\n")
        #expect(try socket.answer().text == "ok")
        #expect(try socket.everything().isEmpty)
    }

    @Test(arguments: PollerChoice.allCases)
    func aRequestMayComeByteByByte(poller: PollerChoice) throws {
        let server = try LiveServer(poller: poller)
        let socket = try TestSocket(port: server.port)
        for byte in server.head("GET", "/healthz").utf8 { try socket.send([byte]) }
        #expect(try socket.answer().text == "ok")
    }

    /// Answers are many times as large as requests: a client that pipelines and reads slowly makes the server wait for it,
    /// not remember everything.
    @Test(arguments: PollerChoice.allCases)
    func manyPipelinedRequestsAreAnsweredInOrderHoweverSlowlyTheyAreRead(poller: PollerChoice) throws {
        let server = try LiveServer(poller: poller)
        let targets = ["/app.js", "/style.css", "/healthz", "/nothing", "/log.js"]
        let expected = try targets.map { try server.request("GET", $0) }
        let count = 3000
        let requests = (0..<count).map { server.head("GET", targets[$0 % 5]) }.joined()
        let socket = try TestSocket(port: server.port, receiveBuffer: 8192)
        var unsent = Array(requests.utf8)[...]
        // As many as the server takes before it waits for the reader.
        var idle = 0
        while !unsent.isEmpty, idle < 3 {
            let sent = socket.sendSome(unsent)
            unsent = unsent.dropFirst(sent)
            idle = sent > 0 ? 0 : idle + 1
            if sent == 0 { _ = Deadline(seconds: 0.3).wait(for: socket.descriptor, POLLOUT) }
        }
        #expect(try server.metric("queue_bytes") < 2_000_000)
        for index in 0..<count {
            if !unsent.isEmpty { unsent = unsent.dropFirst(socket.sendSome(unsent)) }
            let answer = try socket.answer()
            guard answer.status == expected[index % 5].status, answer.body == expected[index % 5].body else {
                Issue.record("answer \(index) is another")
                return
            }
        }
    }

    /// An upgrade may stand behind requests whose answers wait to be read, and frames behind the upgrade.
    @Test(arguments: PollerChoice.allCases)
    func anUpgradeMayWaitForTheAnswersBeforeIt(poller: PollerChoice) throws {
        let server = try LiveServer(poller: poller)
        let socket = try TestSocket(port: server.port, receiveBuffer: 4096)
        let count = 1000
        var bytes = Array(String(repeating: server.head("GET", "/app.js"), count: count).utf8)
        bytes += Array(server.head("GET", "/chat", HandshakeTests.fields).utf8)
        let join = Array(#"{"type":"join","username":"Ada"}"#.utf8)
        Frame.appendMasked(to: &bytes, opcode: .text, payload: join.span, key: 5)
        try socket.send(bytes)
        for _ in 0..<count { #expect(try socket.answer().status == 200) }
        #expect(try socket.answer().status == 101)
        var received: [UInt8] = []
        while !String(decoding: received, as: UTF8.self).contains("welcome") {
            received += try #require(try socket.receive())
        }
    }

    @Test func aHalfClosedConnectionGetsItsAnswers() throws {
        let server = try LiveServer()
        let socket = try TestSocket(port: server.port)
        try socket.send((0..<50).map { _ in server.head("GET", "/app.js") }.joined())
        socket.finish()
        for _ in 0..<50 { #expect(try socket.answer().status == 200) }
        #expect(try socket.everything().isEmpty)
    }

    private static let malformed: [(request: String, status: Int)] = [
        ("GET / HTTP/1.1\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost: localhost\r\nHost: b\r\n\r\n", 400),
        ("GET / HTTP/1.1\nHost: a\n\n", 400), ("GET /\r\n\r\n", 400), ("hello\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: localhost\r\nX : y\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: localhost\r\n x\r\n\r\n", 400),
        ("GET  / HTTP/1.1\r\nHost: localhost\r\n\r\n", 400), ("GET / HTTP/2.0\r\nHost: localhost\r\n\r\n", 505),
        ("GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 65537\r\n\r\nabc", 413),
        ("POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n10001\r\n", 413),
        ("POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n", 400), ("\u{16}\u{3}\u{1}\u{2}\r\n", 400),
        ("GET /\u{1} HTTP/1.1\r\nHost: localhost\r\n\r\n", 400), ("GET /%zz HTTP/1.1\r\nHost: localhost\r\n\r\n", 400),
        ("GET /\(String(repeating: "a", count: 9000)) HTTP/1.1\r\nHost: localhost\r\n\r\n", 414),
        ("GET / HTTP/1.1\r\nHost: localhost\r\nX: \(String(repeating: "a", count: 17_000))\r\n\r\n", 431),
        ("GET / HTTP/1.1\r\nHost: localhost\r\n\(String(repeating: "X: y\r\n", count: 200))\r\n", 431),
    ]

    /// The answer to a HEAD has no content, whatever it is.
    @Test func refusal_ofAHead_hasNoContent() throws {
        let server = try LiveServer()
        for (request, status) in Self.malformed where request.hasPrefix("GET") {
            let socket = try TestSocket(port: server.port)
            try socket.send("HEAD" + request.dropFirst(3))
            #expect(try socket.answer(to: "HEAD").status == status)
            socket.finish()
            #expect(try socket.everything().isEmpty)
        }
    }

    @Test(arguments: PollerChoice.allCases)
    func content_isRead_andTheNextRequestIsAnswered(poller: PollerChoice) throws {
        let server = try LiveServer("--max-message", "70000", poller: poller)
        let socket = try TestSocket(port: server.port)
        let content = String(repeating: "GET / HTTP/1.1\r\n\r\n", count: 3500)
        try socket.send(server.head("POST", "/nothing", ["Content-Length: 63000"]) + content)
        #expect(try socket.answer().status == 405)
        try socket.send(server.head("PUT", "/nothing", ["Transfer-Encoding: chunked"]))
        for _ in 0..<100 { try socket.send("12\r\nGET / HTTP/1.1\r\n\r\n\r\n") }
        try socket.send("0\r\n\r\n" + server.head("GET", "/healthz", ["Content-Length: 1"]) + "x")
        #expect(try socket.answer().status == 405)
        #expect(try socket.answer().text == "ok")
    }

    @Test func content_isSentOn_whenTheClientWaitsToBeTold() throws {
        let server = try LiveServer()
        let socket = try TestSocket(port: server.port)
        try socket.send(server.head("POST", "/", ["Content-Length: 2", "Expect: 100-continue"]))
        #expect(try socket.receive() == Array("HTTP/1.1 100 Continue\r\n\r\n".utf8))
        try socket.send("ab" + server.head("GET", "/healthz"))
        #expect(try socket.answer().status == 405)
        #expect(try socket.answer().text == "ok")
        // One that is too long is refused without being sent.
        try socket.send(server.head("POST", "/", ["Content-Length: 65537", "Expect: 100-continue"]))
        #expect(try socket.answer().status == 413)
    }

    @Test func query_thatNobodyUses_isNobodysBusiness() throws {
        let server = try LiveServer()
        for query in ["x=%E9", "x=%00", "%zz", "%", "a=b=c&&", "utm={x}|`"] {
            #expect(try server.request("GET", "/?\(query)").status == 200, "\(query)")
            #expect(try server.request("GET", "/healthz?\(query)").status == 200, "\(query)")
        }
        for name in ["%00", "%E9", "", "Upper", "a%2Fb", "%zz"] {
            let client = try TestClient(server, target: "/chat?room=\(name)")
            try client.send(["type": "join", "username": "Ada"])
            _ = try client.expectError("room_invalid")
        }
        let client = try TestClient(server, target: "/chat?x=%00&room=%67arden")
        #expect(try client.join("Ada")["room"] == "garden")
    }

    // MARK: Names of somebody else's

    @Test func host_ofSomebodyElse_isToldThatItIsMisdirected() throws {
        let server = try LiveServer("--origin", "https://chat.example:8443")
        func status(_ host: String, _ line: String = "GET /healthz HTTP/1.1") throws -> Int {
            let socket = try TestSocket(port: server.port)
            try socket.send("\(line)\r\nHost: \(host)\r\n\r\n")
            return try socket.answer(to: String(line.prefix { $0 != " " })).status
        }
        for host in [
            "localhost", "LOCALHOST:80", "chat.localhost", "127.0.0.1", "192.0.2.1:1", "[::1]:8080", "chat.example",
            "Chat.Example.:8443", "localhost.",
        ] {
            #expect(try status(host) == 200, "\(host)")
        }
        for host in [
            "evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "notlocalhost", "a.chat.example",
        ] {
            for line in ["GET /", "GET /chat", "HEAD /healthz", "POST /", "GET /%zz", "OPTIONS *"] {
                #expect(try status(host, "\(line) HTTP/1.1") == 421, "\(host) \(line)")
            }
        }
        // The target's own host counts instead, where it has one.
        #expect(try status("localhost", "GET http://evil.example/ HTTP/1.1") == 421)
        #expect(try status("evil.example", "GET http://localhost/ HTTP/1.1") == 200)
        let upgrade = try TestSocket(port: server.port)
        try upgrade.send(
            "GET /chat HTTP/1.1\r\nHost: evil.example\r\n" + HandshakeTests.fields.joined(separator: "\r\n")
                + "\r\n\r\n")
        #expect(try upgrade.answer().status == 421)
        #expect(try server.stop() == .exited(0))
        let log = server.child.allErrors()
        #expect(log.contains("event=host-refused") && log.contains("--origin http://") && log.contains("--trust-proxy"))
    }

    @Test(arguments: [["--trust-proxy", "10.0.0.1"], ["--origin", "*"], ["--host", "0.0.0.0"]])
    func host_isNotLookedAt_whereOthersMayReachTheServer(options: [String]) throws {
        let server = try LiveServer(options: options)
        let socket = try TestSocket(port: server.port)
        try socket.send("GET /healthz HTTP/1.1\r\nHost: chat.example\r\n\r\n")
        #expect(try socket.answer().status == 200)
    }

    @Test(arguments: malformed.indices)
    func whatIsMalformedIsRefusedAndTheConnectionEnds(index: Int) throws {
        let (request, status) = Self.malformed[index]
        let server = try LiveServer()
        let socket = try TestSocket(port: server.port)
        // Whatever follows must not be taken for a request.
        try socket.send(request + server.head("GET", "/healthz"))
        let answer = try socket.answer()
        #expect(answer.status == status)
        #expect(answer["Connection"] == "close")
        socket.finish()
        #expect(try socket.everything().isEmpty)
        #expect(try server.request("GET", "/healthz").status == 200)
    }

    /// On a thread of its own, as it takes a while.
    @Test(arguments: PollerChoice.allCases)
    func aSlowHeadIsA408(poller: PollerChoice) async throws {
        try await onThread {
            let server = try LiveServer("--request-timeout", "2", poller: poller)
            let start = Deadline.now
            let idle = try TestSocket(port: server.port)
            let slow = try TestSocket(port: server.port)
            try slow.send("GET / HTTP/1.1\r\nHost: localhost\r\nX: ")
            // A byte now and then does not buy more time.
            while !Deadline(seconds: 0.2).wait(for: slow.descriptor), Deadline.now - start < 30 { try slow.send("x") }
            #expect(try slow.answer().status == 408)
            #expect(Deadline.now - start >= 1.8)
            slow.finish()
            #expect(try slow.everything().isEmpty)
            // Nor does a content that comes slowly, behind a request that was answered.
            let late = try TestSocket(port: server.port)
            let second = Deadline.now
            try late.send(server.head("GET", "/healthz") + server.head("POST", "/", ["Content-Length: 1000"]))
            #expect(try late.answer().status == 200)
            while !Deadline(seconds: 0.2).wait(for: late.descriptor), Deadline.now - second < 30 { try late.send("x") }
            #expect(try late.answer().status == 408)
            #expect((1.8..<20).contains(Deadline.now - second))
            // Who asks nothing at all is told nothing.
            #expect(try idle.everything().isEmpty)
        }
    }

    @Test func anyBytesAtAllLeaveTheServerUp() throws {
        let server = try LiveServer()
        var random = SeededGenerator(seed: 42)
        for round in 0..<150 {
            let socket = try TestSocket(port: server.port)
            let start = ["GET ", "GET / HTTP/1.1\r\nHost: localhost\r\n", "", server.head("GET", "/")][round % 4]
            try? socket.send(Array(start.utf8) + (0..<200).map { _ in UInt8(truncatingIfNeeded: random.next()) })
            if round % 3 == 0 { socket.reset() } else { socket.finish() }
        }
        #expect(try server.request("GET", "/healthz").text == "ok")
        #expect(try server.stop() == .exited(0))
    }
}
