import Support
import Testing
import WebSocket

/// The limits that the options set, and what happens at them: to whoever reaches one, and to nobody else.
@Suite(.ownThreads) struct LimitTests {
    @Test(arguments: PollerChoice.allCases)
    func aFullServerSaysSoAndStillServesThePage(poller: PollerChoice) throws {
        let server = try LiveServer("--max-connections", "2", poller: poller)
        let ada = try TestClient(server, as: "Ada")
        let bo = try TestClient(server, as: "Bo")
        let cy = try TestClient(server)
        #expect(try cy.expectClose().code == 1013)
        #expect(try server.request("GET", "/").status == 200)
        // When someone leaves there is room again.
        try bo.close(.normal)
        _ = try bo.expectClose()
        _ = try ada.skip(to: "leave", of: "Bo")
        _ = try TestClient(server, as: "Cy")
    }

    @Test func oneAddressHasOnlyItsShare() throws {
        let server = try LiveServer("--max-connections-per-address", "3", "--trust-proxy", "127.0.0.1")
        func client(_ address: String) throws -> TestClient {
            try TestClient(server, fields: [("X-Forwarded-For", address)])
        }
        let first = try (0..<3).map { _ in try client("192.0.2.1") }
        #expect(try client("192.0.2.1").expectClose().code == 1013)
        let other = try client("192.0.2.2")
        try other.join("Ada")
        try first[0].close(.normal)
        _ = try first[0].expectClose()
        try client("192.0.2.1").join("Bo")
        // An IPv6 network is one address.
        for index in 1...3 { try client("2001:db8::\(index)").join("Guest \(index)") }
    }

    @Test(arguments: PollerChoice.allCases)
    func aMessageTooBigCloses(poller: PollerChoice) throws {
        let server = try LiveServer("--max-message", "1000", poller: poller)
        let padding = String(repeating: " ", count: 900)
        let fits = try TestClient(server)
        try fits.send("{\"type\":\"join\",\"username\":\"Ada\"}\(padding)")
        #expect(try fits.expect("welcome")["username"] == "Ada")
        let big = try TestClient(server)
        try big.send(String(repeating: " ", count: 1001))
        #expect(try big.expectClose().code == 1009)
        // Announced is enough: nothing of it is waited for.
        let announced = try TestClient(server)
        try announced.socket.send([0x81, 0xFF, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 1, 2, 3, 4])
        #expect(try announced.expectClose().code == 1009)
        // So is what it would be after inflation.
        let bomb = try TestClient(server, deflate: true)
        try bomb.send(String(repeating: " ", count: 100_000), compressed: true)
        #expect(try bomb.expectClose().code == 1009)
        // In fragments, too.
        let pieces = try TestClient(server)
        try pieces.socket.send(fragments(of: 600, 600))
        #expect(try pieces.expectClose().code == 1009)
        #expect(try server.request("GET", "/healthz").status == 200)
    }

    /// Each of them is within the limit, but together they are a few kilobytes that unpack to six megabytes.
    @Test func manySmallBombsAtOnceClose() throws {
        let server = try LiveServer()
        let bomb = try TestClient(server, deflate: true)
        let spaces = [UInt8](repeating: 32, count: 60_000)
        let deflater = try #require(Deflater())
        var (compressed, frame): ([UInt8], [UInt8]) = ([], [])
        deflater.compress(spaces.span, into: &compressed)
        Frame.appendMasked(to: &frame, opcode: .text, payload: compressed.span, key: 7, compressed: true)
        try bomb.socket.send(Array(repeatElement(frame, count: 100).joined()))
        let (code, reason) = try bomb.expectClose()
        #expect(code == 1008 && reason.contains("at once"))
        // One of them now and then is not affected.
        let talker = try TestClient(server, deflate: true)
        let padding = String(repeating: " ", count: 60_000)
        try talker.send("{\"type\":\"join\",\"username\":\"Ada\"}" + padding, compressed: true)
        #expect(try talker.expect("welcome")["username"] == "Ada")
        _ = try talker.expect("join")
        try talker.send("{\"type\":\"message\",\"text\":\"hi\"}" + padding, compressed: true)
        #expect(try talker.expect("message")["text"] == "hi")
    }

    private func fragments(of counts: Int...) -> [UInt8] {
        var bytes: [UInt8] = []
        for (index, count) in counts.enumerated() {
            let payload = [UInt8](repeating: 32, count: count)
            let opcode: Opcode = index == 0 ? .text : .continuation
            Frame.appendMasked(
                to: &bytes, opcode: opcode, payload: payload.span, key: 7, final: index == counts.count - 1)
        }
        return bytes
    }

    @Test(arguments: PollerChoice.allCases)
    func whatIsNoTextClosesWithItsCode(poller: PollerChoice) throws {
        let server = try LiveServer(poller: poller)
        let binary = try TestClient(server, as: "Binary")
        try binary.send(binary: [1])
        #expect(try binary.expectClose().code == 1003)
        for bytes in [[0xC3, 0x28], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0x61, 0xE2, 0x82]] as [[UInt8]] {
            let client = try TestClient(server)
            var frame: [UInt8] = []
            Frame.appendMasked(to: &frame, opcode: .text, payload: bytes.span, key: 0x0A0B_0C0D)
            try client.socket.send(frame)
            #expect(try client.expectClose().code == 1007)
        }
    }

    /// One reader takes nothing. It is dropped once its queue is full; nobody else waits for it.
    @Test(arguments: PollerChoice.allCases)
    func aSlowReaderIsDroppedAndDelaysNobody(poller: PollerChoice) throws {
        let server = try LiveServer(
            "--max-queue", "65536", "--message-rate", "0", "--close-timeout", "0.5", poller: poller)
        let slow = try TestClient(server, as: "Slow", receiveBuffer: 4096)
        let ada = try TestClient(server, as: "Ada")
        let text = String(repeating: "x", count: 4000)
        var said = 0
        // The kernel's own buffers come first: some megabytes.
        while try said % 100 != 0 || server.metric("members_present") == 2 {
            try ada.say(text)
            #expect(try ada.expect("message").said.count == 4000)
            said += 1
            try #require(said < 10_000, "nothing slows it down")
        }
        // It is slow to read that, too.
        _ = Deadline(seconds: 2).wait(for: -1)
        // What it got before is whole, and ends with the reason.
        _ = try slow.expect("join", of: "Ada")
        #expect(try slow.expectClose(within: 60).code == 1013)
        #expect(try slow.expect("message").said.count == 4000)
        try ada.say("done")
        #expect(try ada.expect("message")["text"] == "done")
    }

    @Test(arguments: PollerChoice.allCases)
    func tooManyMessagesAreRefusedWithTheTimeToWait(poller: PollerChoice) throws {
        let server = try LiveServer("--message-rate", "2", poller: poller)
        let ada = try TestClient(server, as: "Ada")
        for index in 0..<7 { try ada.say("\(index)", id: "\(index)") }
        for index in 0..<6 { #expect(try ada.expect("message")["text"] == "\(index)") }
        let error = try ada.expectError("rate_limited")
        #expect(error["id"] == "6")
        let wait = try #require(error["retryAfter"] as Int?)
        #expect((1...500).contains(wait))
        // Others are not limited by it.
        let bo = try TestClient(server, as: "Bo")
        try bo.say("hello")
        _ = try bo.expect("message")
    }

    @Test func withoutALimitNothingIsTooMuch() throws {
        let server = try LiveServer("--message-rate", "0")
        let ada = try TestClient(server, as: "Ada")
        for index in 0..<500 { try ada.say("\(index)") }
        for index in 0..<500 { #expect(try ada.expect("message")["text"] == "\(index)") }
    }

    /// What is asked too often, the option that says how often, and what is asked.
    @Test(arguments: [
        ("--typing-rate", 5, ["type": "typing"]), ("--rename-rate", 25, ["type": "rename", "username": "Ada"]),
        ("--history-rate", 4, ["type": "history", "before": "1", "limit": "1"]),
        ("--byte-rate", 3, ["type": "nothing"]),
    ])
    func everyKindOfRequestHasItsRate(option: String, seconds: Int, request: [String: String]) throws {
        // A hundredth a second: one at once, and the next much later.
        let server = try LiveServer(option, "0.01", "--error-rate", "0")
        let ada = try TestClient(server, as: "Ada")
        if option == "--byte-rate" {
            // The join has used it up.
            _ = try { try ada.send(request) }()
        } else {
            try ada.send(request.mapValues { Int($0).map { $0 as Any } ?? $0 })
            try ada.send(request.mapValues { Int($0).map { $0 as Any } ?? $0 })
        }
        let error = try ada.skip(to: "error")
        #expect(error["code"] == "rate_limited")
        let wait = try #require(error["retryAfter"] as Int?)
        #expect(wait > 1000)
        // Without a limit none of it is too much.
        let open = try LiveServer(option, "0", "--error-rate", "0", "--message-rate", "0")
        let bo = try TestClient(open, as: "Bo")
        for _ in 0..<100 { try bo.send(request.mapValues { Int($0).map { $0 as Any } ?? $0 }) }
        try bo.say("last")
        while true {
            let message = try bo.next()
            #expect(message["code"] != "rate_limited")
            if message.type == "message" { break }
        }
    }

    /// What is refused as too fast is told how long to wait. Whoever goes on regardless is sent away.
    @Test(arguments: PollerChoice.allCases)
    func whoGoesOnRegardlessIsSentAway(poller: PollerChoice) throws {
        let server = try LiveServer("--message-rate", "1", "--error-rate", "0.1", poller: poller)
        let ada = try TestClient(server, as: "Ada")
        let bo = try TestClient(server, as: "Bo")
        for index in 0..<200 { try? ada.say("\(index)", id: "\(index)") }
        #expect(try ada.expectClose().code == 1008)
        // The three that it may say at once were said, and no more.
        for index in 0..<3 { #expect(try bo.expect("message")["text"] == "\(index)") }
        try bo.expectNothingElse()
    }

    @Test func errorsWithoutEndEndTheConnection() throws {
        let server = try LiveServer("--message-rate", "0")
        let ada = try TestClient(server, as: "Ada")
        for _ in 0..<300 { try? ada.send("nonsense") }
        #expect(try ada.expectClose().code == 1008)
    }

    @Test(arguments: PollerChoice.allCases)
    func theTickRateBoundsTheTicksAndLosesNothing(poller: PollerChoice) throws {
        let server = try LiveServer("--tick-rate", "20", "--message-rate", "0", poller: poller)
        let ada = try TestClient(server, as: "Ada")
        let (start, ticks) = (Deadline.now, try server.metric("ticks_total"))
        for index in 0..<30 {
            try ada.say("\(index)")
            if index % 3 == 2 {
                for part in 0..<3 { #expect(try ada.expect("message")["text"] == "\(index - 2 + part)") }
            }
        }
        let used = try server.metric("ticks_total") - ticks
        #expect(used >= 10)
        // A tick may begin a moment before the clock is read here.
        #expect(used <= (Deadline.now - start) * 20 + 3)
    }

    /// Five seconds a tick: whoever stops the server does not wait for the next one, nor for those after it.
    @Test(arguments: PollerChoice.allCases)
    func aSlowTickRateDoesNotHoldUpTheStop(poller: PollerChoice) throws {
        let server = try LiveServer("--tick-rate", "0.2", poller: poller)
        // The first tick is at once, and says that somebody has come; the next one is far away then.
        let socket = try TestSocket(port: server.port)
        let start = Deadline.now
        #expect(try server.stop() == .exited(0))
        #expect(Deadline.now - start < 4)
        _ = socket
    }
}
