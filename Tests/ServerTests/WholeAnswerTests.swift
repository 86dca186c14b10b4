import Foundation
import Support
import Testing

/// Every answer arrives whole, however the client ends its side and however slowly it reads.
@Suite(.ownThreads) struct WholeAnswerTests {
    /// A folder with a page, and files of these sizes called by them.
    private func folder(_ sizes: Int...) throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        try folder.write("index.html", "page")
        for size in sizes { try Data(content(size)).write(to: URL(fileURLWithPath: "\(folder.path)/\(size)")) }
        return folder
    }

    /// Bytes of which no piece is like another. (Made once: without optimization that takes its time.)
    private static let bytes: [UInt8] = (0..<8_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 9) }

    private func content(_ size: Int) -> [UInt8] {
        precondition(size <= Self.bytes.count)
        return Array(Self.bytes[..<size])
    }

    @Test(arguments: PollerChoice.allCases)
    func halfClose_inTheSameBreath_getsTheAnswer(poller: PollerChoice) throws {
        let folder = try folder(500_000, 5_000_000)
        let server = try LiveServer("--public", folder.path, poller: poller)
        let host = "Host: localhost\r\n"
        let requests: [(request: String, status: Int, size: Int?)] = [
            ("GET /healthz HTTP/1.1\r\n\(host)Connection: close\r\n\r\n", 200, 2),
            ("GET /healthz HTTP/1.1\r\n\(host)\r\n", 200, 2), ("GET /healthz HTTP/1.0\r\n\r\n", 200, 2),
            ("GET / HTTP/1.1\r\n\(host)\r\n", 200, 4), ("GET /500000 HTTP/1.1\r\n\(host)\r\n", 200, 500_000),
            ("GET /500000 HTTP/1.0\r\n\r\n", 200, 500_000),
            ("GET /5000000 HTTP/1.1\r\n\(host)Connection: close\r\n\r\n", 200, 5_000_000),
            ("GET /5000000 HTTP/1.0\r\n\r\n", 200, 5_000_000), ("GET /nothing HTTP/1.1\r\n\(host)\r\n", 404, nil),
            ("POST / HTTP/1.1\r\n\(host)Content-Length: 2\r\n\r\nab", 405, nil), ("GET / HTTP/2.0\r\n\r\n", 505, nil),
            ("nonsense\r\n", 400, nil), ("GET /chat HTTP/1.1\r\n\(host)\r\n", 426, nil),
            ("POST / HTTP/1.1\r\n\(host)Content-Length: 70000\r\n\r\nab", 413, nil),
        ]
        for (request, status, size) in requests {
            for _ in 0..<5 {
                let socket = try TestSocket(port: server.port)
                try socket.send(request)
                socket.finish()
                let answer = try socket.answer()
                #expect(answer.status == status, "\(request)")
                if let size, size >= 500_000 { #expect(answer.body == content(size), "\(request)") }
                if let size { #expect(answer.body.count == size, "\(request)") }
                #expect(try socket.everything().isEmpty)
            }
        }
        // Nobody is left over.
        #expect(try server.metric("connections") == 1)
    }

    /// What is refused while its sender is still sending is told so nevertheless: nothing of it is answered with a reset.
    @Test(arguments: PollerChoice.allCases)
    func refusal_isRead_byAClientThatSendsOn(poller: PollerChoice) throws {
        let server = try LiveServer(poller: poller)
        for _ in 0..<10 {
            let socket = try TestSocket(port: server.port)
            try socket.send(server.head("POST", "/", ["Content-Length: 10000000"]))
            for _ in 0..<20 { try socket.send([UInt8](repeating: 0x61, count: 100_000)) }
            #expect(try socket.answer().status == 413)
            socket.finish()
            #expect(try socket.everything().isEmpty)
        }
    }

    /// Reads a little, and again and again nothing for a while: for longer than the time that a connection has to end.
    @Test(arguments: PollerChoice.allCases)
    func slowReader_thatMakesProgress_getsAllOfIt(poller: PollerChoice) async throws {
        try await onThread {
            let folder = try folder(5_000_000)
            let server = try LiveServer("--public", folder.path, poller: poller)
            let slow = try ["Connection: close", "Connection: keep-alive"].map { connection in
                let socket = try TestSocket(port: server.port, receiveBuffer: 65_536)
                try socket.send(server.head("GET", "/5000000", [connection]))
                return socket
            }
            let gone = try TestSocket(port: server.port, receiveBuffer: 65_536)
            try gone.send(server.head("GET", "/5000000", ["Connection: close"]))
            let start = Deadline.now
            var received: [[UInt8]] = [[], []]
            while Deadline.now - start < 14 {
                for index in 0...1 where received[index].count < 3_000_000 {
                    received[index] += try slow[index].receive() ?? []
                }
                _ = Deadline(seconds: 0.25).wait(for: -1)
            }
            received[0] += try slow[0].everything()
            #expect(received[0].suffix(5_000_000) == content(5_000_000)[...])
            while received[1].count < 5_000_000 + 300 { received[1] += try #require(try slow[1].receive()) }
            #expect(received[1].suffix(1000) == content(5_000_000).suffix(1000))
            // One that takes nothing at all is not waited for.
            var rest = 0
            while let more = try gone.receive() { rest += more.count }
            #expect(rest < 5_000_000)
        }
    }

    /// What a connection holds of a large file is a piece of it, however many connections there are.
    @Test func largeFile_isSentInPieces_toEachAsFastAsItReads() throws {
        let size = 8_000_000
        let folder = try folder(size)
        let server = try LiveServer("--public", folder.path)
        let deaf = try (0..<60).map { _ in
            let socket = try TestSocket(port: server.port, receiveBuffer: 4096)
            try socket.send(server.head("GET", "/\(size)"))
            return socket
        }
        for _ in 0..<20 {
            #expect(try server.metric("buffer_bytes") < 60 * 300_000)
            _ = Deadline(seconds: 0.02).wait(for: -1)
        }
        let answer = try server.request("GET", "/\(size)")
        #expect(answer["Content-Length"] == "\(size)" && answer.body == content(size))
        #expect(try deaf[7].answer().body.count == size)
        #expect(try server.request("GET", "/healthz").status == 200)
    }

    /// Pipelined requests for large and small files are answered in their order.
    @Test(arguments: PollerChoice.allCases)
    func pipelinedFiles_comeInTheirOrder(poller: PollerChoice) throws {
        let folder = try folder(20_000, 2_000_000)
        let server = try LiveServer("--public", folder.path, poller: poller)
        let socket = try TestSocket(port: server.port)
        let targets = ["/", "/2000000", "/nothing", "/20000", "/2000000", "/healthz", "/"]
        let sizes = [4, 2_000_000, nil, 20_000, 2_000_000, 2, 4]
        try socket.send(targets.map { server.head("GET", $0) + server.head("HEAD", $0) }.joined())
        socket.finish()
        for (target, size) in zip(targets, sizes) {
            let answer = try socket.answer()
            #expect(size == nil || answer.body.count == size, "\(target)")
            let head = try socket.answer(to: "HEAD")
            #expect(head.status == answer.status && head["Content-Length"] == "\(answer.body.count)")
        }
        #expect(try socket.everything().isEmpty)
    }

    @Test func fileThatBecomesShorterWhileItIsSent_endsItsConnectionAndNothingElse() throws {
        let size = 8_000_000
        let folder = try folder(size)
        let server = try LiveServer("--public", folder.path)
        let socket = try TestSocket(port: server.port, receiveBuffer: 4096)
        try socket.send(server.head("GET", "/\(size)"))
        let first = try #require(try socket.receive())
        let handle = try FileHandle(forWritingTo: URL(fileURLWithPath: "\(folder.path)/\(size)"))
        try handle.truncate(atOffset: 1000)
        let count = try first.count + socket.everything().count
        #expect(count < size)
        #expect(try server.request("GET", "/\(size)").body == content(size).prefix(1000) + [])
    }

    // MARK: Joins that wait for the disk

    /// What a pipe into a WebSocket tool sends: the join, a message and the end, all at once.
    @Test(arguments: PollerChoice.allCases)
    func joinIntoARoomOnTheDisk_isAnsweredBeforeTheClose(poller: PollerChoice) throws {
        let folder = try TemporaryFolder()
        do {
            let server = try LiveServer("--data", folder.path, poller: poller)
            let ada = try TestClient(server, as: "Ada")
            try ada.say("before")
            _ = try ada.skip(to: "message")
            try ada.close(.normal)
            _ = try ada.expectClose()
            #expect(try server.stop() == .exited(0))
        }
        let server = try LiveServer("--data", folder.path, poller: poller)
        let bo = try TestClient(server)
        try bo.sendAtOnce {
            try bo.send(["type": "join", "username": "Bo"])
            try bo.say("hello", id: "1")
            try bo.close(.normal)
        }
        #expect(try bo.expectClose().code == 1000)
        _ = try bo.expect("welcome")
        _ = try bo.skip(to: "message", of: "Bo")
        let cy = try TestClient(server)
        #expect(try cy.join("Cy")["userCount"] == 1)
    }
}
