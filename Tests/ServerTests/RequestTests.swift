import Foundation
import Support
import Testing
import WebSocket

/// HTTP/1.1 as a connection: keep-alive, pipelining, and what is refused.
@Suite struct RequestTests {
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
        ("GET / HTTP/1.1\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        ("GET / HTTP/1.1\nHost: a\n\n", 400), ("GET /\r\n\r\n", 400), ("hello\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nX : y\r\n\r\n", 400), ("GET / HTTP/1.1\r\nHost: a\r\n x\r\n\r\n", 400),
        ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400), ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
        ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", 413),
        ("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 413),
        ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n", 400), ("\u{16}\u{3}\u{1}\u{2}\r\n", 400),
        ("GET /\u{1} HTTP/1.1\r\nHost: a\r\n\r\n", 400), ("GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET /\(String(repeating: "a", count: 9000)) HTTP/1.1\r\nHost: a\r\n\r\n", 414),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: \(String(repeating: "a", count: 17_000))\r\n\r\n", 431),
        ("GET / HTTP/1.1\r\nHost: a\r\n\(String(repeating: "X: y\r\n", count: 200))\r\n", 431),
    ]

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
            try slow.send("GET / HTTP/1.1\r\nHost: a\r\nX: ")
            // A byte now and then does not buy more time.
            while !Deadline(seconds: 0.2).wait(for: slow.descriptor), Deadline.now - start < 30 { try slow.send("x") }
            #expect(try slow.answer().status == 408)
            #expect(Deadline.now - start >= 1.8)
            slow.finish()
            #expect(try slow.everything().isEmpty)
            // Who asks nothing at all is told nothing.
            #expect(try idle.everything().isEmpty)
        }
    }

    @Test func anyBytesAtAllLeaveTheServerUp() throws {
        let server = try LiveServer()
        var random = SeededGenerator(seed: 42)
        for round in 0..<150 {
            let socket = try TestSocket(port: server.port)
            let start = ["GET ", "GET / HTTP/1.1\r\nHost: a\r\n", "", server.head("GET", "/")][round % 4]
            try? socket.send(Array(start.utf8) + (0..<200).map { _ in UInt8(truncatingIfNeeded: random.next()) })
            if round % 3 == 0 { socket.reset() } else { socket.finish() }
        }
        #expect(try server.request("GET", "/healthz").text == "ok")
        #expect(try server.stop() == .exited(0))
    }
}
