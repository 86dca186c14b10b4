import Foundation
import Support
import Testing
import WebSocket

/// One kind of hostility. A round of it is some connections that do their worst and are gone.
enum Nuisance: String, CaseIterable, Sendable {
    case slowHeads, halfHandshakes, connectionFlood, garbageRequests, pathTraversals, unreadAnswers, foreignOrigins
    case slowFrames, deafReaders, pingFlood, emptyFragments, compressionBombs, endlessLengths, garbageFrames
    case messageFlood, requestFlood, oversizedMessages, invalidUTF8, impostors, resets, neverJoining

    /// All of them; or one, for whoever looks into it: `CHATLOOP_NUISANCE=resets swift test --filter oneKind`.
    static let chosen =
        ProcessInfo.processInfo.environment["CHATLOOP_NUISANCE"].flatMap(Nuisance.init).map { [$0] } ?? allCases

    /// Does one round, and checks what can be checked from the hostile side.
    func disturb(_ server: LiveServer) throws {
        switch self {
        case .slowHeads:
            try sendSlowly(server, Array(server.head("GET", "/", ["X-Padding: aaaaaaaaaa"]).dropLast(2).utf8))
        case .halfHandshakes: _ = try (0..<30).map { _ in try open(server, "GET /chat HTTP/1.1\r\nUpgrade: webso") }
        case .connectionFlood: for _ in 0..<300 { _ = try TestSocket(port: server.port) }
        case .garbageRequests:
            for _ in 0..<20 { try expectEnd(of: open(server, bytes(.random(in: 1...3000)) + [13, 10])) }
        case .pathTraversals: try traverse(server)
        case .unreadAnswers: try askWithoutReading(server)
        case .foreignOrigins: try upgradeFromElsewhere(server)
        case .slowFrames: try sendFrameSlowly(server)
        case .deafReaders: try joinDeaf(server)
        case .pingFlood: try floodPings(server)
        case .emptyFragments: try expectClose(server, 1008, fragment(1) + (0..<2000).flatMap { _ in fragment(0) })
        case .compressionBombs: try sendBombs(server)
        case .endlessLengths: try announceLengths(server)
        case .garbageFrames:
            for _ in 0..<20 { try expectEnd(of: upgraded(server, then: bytes(.random(in: 200...4000)))) }
        case .messageFlood: try floodMessages(server)
        case .requestFlood: try floodRequests(server)
        case .oversizedMessages: try expectClose(server, 1009, frame(.text, [UInt8](repeating: 32, count: 70_000)))
        case .invalidUTF8: try sendInvalidText(server)
        case .impostors: try pose(server)
        case .resets: try breakOff(server)
        case .neverJoining: try stayOutside(server)
        }
    }

    // MARK: HTTP

    private func sendSlowly(_ server: LiveServer, _ head: [UInt8]) throws {
        let sockets = try (0..<20).map { _ in try TestSocket(port: server.port) }
        for byte in head {
            // Those that are ended meanwhile are of no more use.
            for socket in sockets { _ = socket.sendSome([byte]) }
            _ = Deadline(seconds: 0.002).wait(for: -1)
        }
    }

    private func traverse(_ server: LiveServer) throws {
        for path in [
            "/../../../../etc/passwd", "/%2e%2e/%2e%2e/%2e%2e/etc/passwd", "/..%2f..%2f..%2fetc%2fpasswd",
            "//etc/passwd",
            "/r/../../../etc/passwd", "/.git/config", "/./../etc/passwd", "/%00", "/..\\..\\etc\\passwd", "/r/%2e%2e",
            "/%252e%252e/etc/passwd", "/index.html/../../etc/passwd", "/~root", "file:///etc/passwd", "/\u{1}",
        ] {
            let answer = try server.request("GET", path)
            #expect(answer.status >= 400 && !answer.text.contains("root:"), "\(path)")
        }
    }

    private func askWithoutReading(_ server: LiveServer) throws {
        let sockets = try (0..<5).map { _ in try TestSocket(port: server.port, receiveBuffer: 4096) }
        let requests = Array(String(repeating: server.head("GET", "/app.js"), count: 1000).utf8)
        for socket in sockets { _ = socket.sendSome(requests[...]) }
        _ = try server.request("GET", "/healthz")
    }

    private func upgradeFromElsewhere(_ server: LiveServer) throws {
        for origin in [
            "https://evil.example", "null", "http://127.0.0.1", "http://127.0.0.1:\(server.port).evil.example",
        ] {
            let socket = try open(server, server.head("GET", "/chat", Self.upgrade + ["Origin: \(origin)"]))
            #expect(try socket.answer().status == 403)
        }
    }

    // MARK: Frames

    private func sendFrameSlowly(_ server: LiveServer) throws {
        let sockets = try (0..<10).map { _ in try upgraded(server) }
        for byte in frame(.text, [UInt8](repeating: 32, count: 300)) {
            for socket in sockets { _ = socket.sendSome([byte]) }
            _ = Deadline(seconds: 0.002).wait(for: -1)
        }
    }

    private func joinDeaf(_ server: LiveServer) throws {
        let deaf = try (0..<5).map { _ in try TestClient(server, receiveBuffer: 4096) }
        for client in deaf { try client.send(["type": "join", "username": "deaf \(UInt32.random(in: 0 ... .max))"]) }
        // What the pair says, and what they are asked for a thousand times, is theirs to take.
        for client in deaf {
            for _ in 0..<50 { try? client.send(["type": "history", "before": 1_000_000, "limit": 200]) }
        }
        _ = try server.request("GET", "/healthz")
    }

    private func floodPings(_ server: LiveServer) throws {
        let pings = Array(repeatElement(frame(.ping, bytes(125)), count: 3000).joined())
        let sockets = try (0..<5).map { _ in try upgraded(server) }
        for socket in sockets { _ = socket.sendSome(pings[...]) }
        _ = try server.request("GET", "/healthz")
    }

    /// Five million spaces. They are compressed once, and beforehand: it takes a while, and the time for the join runs.
    private static let bomb: [UInt8] = {
        let spaces = [UInt8](repeating: 32, count: 5_000_000)
        var (compressed, frame): ([UInt8], [UInt8]) = ([], [])
        Deflater()?.compress(spaces.span, into: &compressed)
        Frame.appendMasked(to: &frame, opcode: .text, payload: compressed.span, key: 0x0102_0304, compressed: true)
        return frame
    }()

    private func sendBombs(_ server: LiveServer) throws {
        let bomb = Self.bomb
        for _ in 0..<3 {
            let client = try TestClient(server, deflate: true)
            try? client.socket.send(bomb)
            #expect(try client.expectClose().code == 1009)
        }
    }

    private func announceLengths(_ server: LiveServer) throws {
        let long: [UInt8] = [0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]
        try expectClose(server, 1009, [0x81, 0xFF] + long + bytes(100))
        try expectClose(server, 1009, [0x01, 0xFF] + long + bytes(4))
        // The highest bit must not be set; a control frame must be short; and the server's frames are the unmasked ones.
        try expectClose(server, 1002, [0x81, 0xFF, 0x80] + long.dropFirst() + bytes(4))
        try expectClose(server, 1002, [0x89, 0xFE, 0x01, 0x00] + bytes(4))
        try expectClose(server, 1002, [0x81, 0x02, 0x7B, 0x7D])
    }

    private func sendInvalidText(_ server: LiveServer) throws {
        for bytes in [[0xC0, 0x80], [0xFF], [0xED, 0xA0, 0x80], [0x61, 0xE2, 0x82]] as [[UInt8]] {
            try expectClose(server, 1007, frame(.text, bytes))
        }
    }

    // MARK: Requests

    private func floodMessages(_ server: LiveServer) throws {
        let client = try TestClient(server)
        try client.join("flood \(UInt32.random(in: 0 ... .max))")
        // More than the thousand refusals for haste that end a connection.
        try client.sendAtOnce { for index in 0..<2000 { try client.say("flood \(index)") } }
        #expect(try client.expectClose().code == 1008)
    }

    private func floodRequests(_ server: LiveServer) throws {
        let client = try TestClient(server)
        try client.join("asking \(UInt32.random(in: 0 ... .max))")
        let requests: [[String: Any]] = [
            ["type": "typing"], ["type": "rename", "username": "asking \(UInt32.random(in: 0 ... .max))"],
            ["type": "history", "before": 5, "limit": 200], ["type": "join", "username": "x"], ["type": "\u{0}"],
        ]
        for index in 0..<1000 {
            guard (try? client.send(requests[index % requests.count])) != nil else { break }
        }
        #expect(try client.expectClose().code == 1008)
    }

    /// Names that a reader would take for one of the pair's, or for the server's.
    private func pose(_ server: LiveServer) throws {
        for name in ["Аdа", "ADA", "Ａｄａ", "𝐀𝐝𝐚", "Аda ", "B0", "Βο"] {
            let client = try TestClient(server)
            try client.send(["type": "join", "username": name])
            #expect(try client.expectError("username_taken")["code"] == "username_taken", "\(name)")
        }
        let reserved = ["server", "Sеrver", "ｓｙｓｔｅｍ", "ChatIoop"]
        let long = String(repeating: "a", count: 33)
        for name in reserved + ["", " ", "\u{202E}adA", "A\u{200B}da", "A\nda", "\u{1B}[2J", long] {
            let client = try TestClient(server)
            try client.send(["type": "join", "username": name])
            _ = try client.expectError("username_invalid")
        }
    }

    private func breakOff(_ server: LiveServer) throws {
        var life = Array(server.head("GET", "/chat", Self.upgrade).utf8)
        life += frame(.text, Array(#"{"type":"join","username":"gone \#(UInt32.random(in: 0 ... .max))"}"#.utf8))
        life += frame(.text, Array(#"{"type":"message","text":"gone"}"#.utf8)) + frame(.close, [3, 232])
        // Every seventh byte, from another one on each time.
        for end in stride(from: Int.random(in: 0..<7), to: life.count, by: 7) {
            let socket = try TestSocket(port: server.port)
            _ = socket.sendSome(life[..<end])
            socket.reset()
        }
    }

    private func stayOutside(_ server: LiveServer) throws {
        let clients = try (0..<10).map { _ in try upgraded(server) }
        for client in clients { _ = client.sendSome(frame(.text, Array(#"{"type":"typing"}"#.utf8))[...]) }
        _ = try server.request("GET", "/healthz")
    }

    // MARK: Tools

    private static let upgrade = [
        "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
    ]

    private func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in .random(in: 0...255) } }

    private func open(_ server: LiveServer, _ bytes: [UInt8]) throws -> TestSocket {
        let socket = try TestSocket(port: server.port)
        _ = socket.sendSome(bytes[...])
        return socket
    }

    private func open(_ server: LiveServer, _ text: String) throws -> TestSocket { try open(server, Array(text.utf8)) }

    private func upgraded(_ server: LiveServer, then bytes: [UInt8] = []) throws -> TestSocket {
        let socket = try open(server, server.head("GET", "/chat", Self.upgrade))
        guard try socket.answer().status == 101 else { throw Failure("no upgrade") }
        _ = socket.sendSome(bytes[...])
        return socket
    }

    private func frame(_ opcode: Opcode, _ payload: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = []
        Frame.appendMasked(to: &bytes, opcode: opcode, payload: payload.span, key: .random(in: 0 ... .max))
        return bytes
    }

    /// A fragment with nothing in it, that is not the last.
    private func fragment(_ opcode: UInt8) -> [UInt8] { [opcode, 0x80, 1, 2, 3, 4] }

    /// The server ends the connection, whatever it says.
    private func expectEnd(of socket: TestSocket) throws {
        socket.finish()
        _ = try socket.everything()
    }

    /// The server ends the WebSocket with this code.
    private func expectClose(_ server: LiveServer, _ code: Int, _ bytes: [UInt8]) throws {
        let client = try TestClient(server)
        try? client.socket.send(bytes)
        #expect(try client.expectClose().code == code, "\(self)")
    }
}
