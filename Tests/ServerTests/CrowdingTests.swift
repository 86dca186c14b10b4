import Support
import Testing
import WebSocket

/// The limits for all connections together: what they hold in memory, and the places there are.
@Suite(.ownThreads) struct CrowdingTests {
    private static let ceiling = 4 << 20
    /// What one tick can add before the ceiling is looked at: what is received at once from a connection, and its answers.
    private static let slack = 1 << 20

    private func expectWithinBounds(_ server: LiveServer) throws {
        #expect(try server.metric("buffer_bytes") <= Double(Self.ceiling + Self.slack))
    }

    /// Everyone begins a message, and nobody ends it.
    @Test(arguments: PollerChoice.allCases)
    func halfMessagesAreHeldUpToTheCeiling(poller: PollerChoice) throws {
        let server = try LiveServer("--max-buffers", "\(Self.ceiling)", poller: poller)
        let (ada, bo) = try pair(server)
        var frame: [UInt8] = []
        Frame.appendMasked(to: &frame, opcode: .text, payload: [UInt8](repeating: 32, count: 65_000).span, key: 1)
        var hoarders: [TestClient] = []
        for index in 0..<150 {
            let hoarder = try TestClient(server)
            try hoarder.socket.send(Array(frame.dropLast()))
            hoarders.append(hoarder)
            if index % 10 == 0 {
                try expectWithinBounds(server)
                try chat(ada, bo, "\(index)")
            }
        }
        try expectWithinBounds(server)
        #expect(try server.metric("crowded_out_total") > 50)
        #expect(try server.metric("members_present") == 2)
        #expect(try hoarders[0].expectClose().code == 1013)
        // Those that are left can still say what they have begun to say.
        try hoarders[149].socket.send(Array(frame.suffix(1)))
        _ = try hoarders[149].expectError("bad_json")
    }

    /// Everyone asks for pages, and nobody reads them.
    @Test(arguments: PollerChoice.allCases)
    func answersThatNobodyTakesAreHeldUpToTheCeiling(poller: PollerChoice) throws {
        let server = try LiveServer("--max-buffers", "\(Self.ceiling)", poller: poller)
        let (ada, bo) = try pair(server)
        let request = String(repeating: server.head("GET", "/"), count: 3000)
        var deaf: [TestSocket] = []
        for index in 0..<60 {
            let socket = try TestSocket(port: server.port, receiveBuffer: 4096)
            try? socket.send(request)
            deaf.append(socket)
            if index % 10 == 0 {
                try expectWithinBounds(server)
                try chat(ada, bo, "\(index)")
            }
        }
        // They take turns, and whoever asks for the figures does not wait for that.
        var turnedAway: Double = 0
        let deadline = Deadline()
        while turnedAway == 0, !deadline.isOver {
            try expectWithinBounds(server)
            turnedAway = try server.metric("rejections_total{reason=\"crowded\"}") + server.metric("crowded_out_total")
        }
        #expect(turnedAway > 0)
        #expect(try server.request("GET", "/").status == 200)
        try chat(ada, bo, "last")
    }

    /// Small pieces cost more than their bytes; that counts, too.
    @Test func pongsThatNobodyTakesAreHeldTogether() throws {
        let server = try LiveServer("--max-queue", "100000000", "--max-buffers", "\(Self.ceiling)", "--echo")
        let (ada, bo) = try pair(server)
        let deaf = try TestClient(server, receiveBuffer: 4096)
        var frame: [UInt8] = []
        Frame.appendMasked(to: &frame, opcode: .ping, payload: [UInt8](repeating: 7, count: 100).span, key: 9)
        let pings = Array(repeatElement(frame, count: 2000).joined())
        for _ in 0..<200 {
            guard (try? deaf.socket.send(pings)) != nil else { break }
            try expectWithinBounds(server)
            if try server.metric("crowded_out_total") > 0 { break }
        }
        #expect(try server.metric("crowded_out_total") == 1)
        try chat(ada, bo, "last")
    }

    // MARK: Places

    /// Connections that say nothing take no place away from those who do.
    @Test(arguments: PollerChoice.allCases)
    func whenAllPlacesAreTakenTheSilentGiveUpTheirs(poller: PollerChoice) throws {
        let server = try LiveServer("--max-connections", "8", "--request-timeout", "60", poller: poller)
        let (ada, bo) = try pair(server)
        // The reserve of 32 places included; the rest wait in the kernel's queue.
        let silent = try (0..<60).map { _ in try TestSocket(port: server.port) }
        #expect(try server.request("GET", "/healthz").status == 200)
        #expect(try server.metric("connections") <= 40)
        try chat(ada, bo, "still here")
        _ = silent
    }

    /// A proxy's connection carries the requests of many: each counts for whoever made it.
    @Test func requestsOnOneConnectionOfAProxyAreWhoseTheyAre() throws {
        let server = try LiveServer("--max-connections-per-address", "1", "--trust-proxy", "127.0.0.1")
        let first = try TestClient(server, fields: [("X-Forwarded-For", "192.0.2.1")])
        try first.join("Ada")
        let socket = try TestSocket(port: server.port)
        for (address, code) in [("192.0.2.2", 101), ("192.0.2.1", 101)] {
            try socket.send(server.head("GET", "/healthz", ["X-Forwarded-For: 192.0.2.9"]))
            #expect(try socket.answer().status == 200)
            let fields = HandshakeTests.fields + ["X-Forwarded-For: \(address)"]
            let other = try TestSocket(port: server.port)
            try other.send(
                server.head("GET", "/healthz", ["X-Forwarded-For: 192.0.2.8"]) + server.head("GET", "/chat", fields))
            #expect(try other.answer().status == 200)
            #expect(try other.answer().status == code)
            // The second of 192.0.2.1 is one too many; the one of 192.0.2.2 is not, whoever asked before it.
            if address == "192.0.2.1" {
                let bytes = try #require(try other.receive())
                #expect(bytes[0] == 0x88 && Int(bytes[2]) << 8 + Int(bytes[3]) == 1013)
            } else {
                #expect(!Deadline(seconds: 0.2).wait(for: other.descriptor))
            }
        }
    }

    // MARK: -

    private func pair(_ server: LiveServer) throws -> (TestClient, TestClient) {
        let ada = try TestClient(server, as: "Ada")
        let bo = try TestClient(server, as: "Bo")
        _ = try ada.expect("join", of: "Bo")
        return (ada, bo)
    }

    private func chat(_ ada: TestClient, _ bo: TestClient, _ text: String) throws {
        try ada.say(text)
        #expect(try bo.expect("message")["text"] == text)
        #expect(try ada.expect("message")["text"] == text)
    }
}
