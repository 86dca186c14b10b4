import Foundation
import Support
import Testing
import WebSocket

/// What the system can do to the server. (Spurious readiness, partial and refused sends, clock jumps, power cuts and broken
/// disks are the simulation's, in `SimulationTests`.)
@Suite(.ownThreads) struct FaultTests {
    /// The server with so many descriptors at most.
    private func start(descriptors: Int, _ options: String..., poller: PollerChoice) throws -> (Child, UInt16) {
        let command = try Command.path()
        let line = "ulimit -n \(descriptors) && exec '\(command)' --port 0 --ephemeral --poller \(poller.rawValue) "
        let child = try Child("/bin/sh", ["-c", line + options.joined(separator: " ")])
        let first = try child.line()
        let port = first.split(separator: ":").last.flatMap { UInt16($0.dropLast()) }
        return (child, try #require(port))
    }

    /// Nearly all descriptors are taken by something else, so that they run out before the places do. Whoever is there goes
    /// on chatting, the others wait in the kernel's queue, and nothing spins.
    @Test(arguments: PollerChoice.allCases)
    func withoutDescriptorsItWaitsForThemAndGoesOn(poller: PollerChoice) throws {
        // 128 are kept back for other things than connections: here they are the ones that run out.
        let (child, port) = try start(descriptors: 200, "--max-connections 1000", poller: poller)
        var held: [TestSocket] = []
        // 200 less 160 are places, reserve included; those that are silent do not lose them before a second is over.
        for _ in 0..<120 { held.append(try TestSocket(port: port)) }
        child.signal(SIGSTOP)
        for _ in 0..<120 { held.append(try TestSocket(port: port)) }
        child.signal(SIGCONT)
        held = []
        let socket = try TestSocket(port: port)
        try socket.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        #expect(try socket.answer().text == "ok")
        child.signal(SIGTERM)
        #expect(try child.wait() == .exited(0))
    }

    #if os(Linux)
        /// The limit is taken away from the running process: accept fails with EMFILE.
        @Test(arguments: PollerChoice.allCases)
        func whenAcceptFailsItPausesAndResumesWithoutSpinning(poller: PollerChoice) throws {
            guard FileManager.default.isExecutableFile(atPath: "/usr/bin/prlimit") else {
                print("skipped: there is no prlimit here to take descriptors away from a process")
                return
            }
            let server = try LiveServer(poller: poller)
            let ada = try TestClient(server, as: "Ada")
            try limit(server, to: "10")
            let waiting = try (0..<5).map { _ in try TestSocket(port: server.port) }
            for socket in waiting { try socket.send(server.head("GET", "/healthz")) }
            _ = try server.child.errorLine(with: "accept-paused")
            // Those who are there go on; the ticks are those of what they say, and two attempts a second.
            for index in 0..<50 {
                try ada.say("\(index)")
                #expect(try ada.expect("message")["text"] == "\(index)")
                if index % 10 == 9 { _ = Deadline(seconds: 0.5).wait(for: -1) }
            }
            try limit(server, to: "1000")
            for socket in waiting { #expect(try socket.answer().text == "ok") }
            #expect(try server.metric("ticks_total") < 400)
            #expect(try server.metric("accept_failures_total{reason=\"exhausted\"}") > 0)
            // And newcomers are told of again at once, not after a pause.
            #expect(try server.request("GET", "/healthz").status == 200)
        }

        private func limit(_ server: LiveServer, to count: String) throws {
            let child = try Child("/usr/bin/prlimit", ["--pid", "\(server.child.process)", "--nofile=\(count):2000"])
            guard try child.wait() == .exited(0) else { throw Failure("prlimit failed: \(child.allErrors())") }
        }
    #endif

    /// A life as long as any: the opening, a join, a message and the good-bye, broken off after each byte.
    @Test(arguments: PollerChoice.allCases)
    func aConnectionMayBreakAtAnyByte(poller: PollerChoice) throws {
        let server = try LiveServer(poller: poller)
        let ada = try TestClient(server, as: "Ada")
        var life = Array(server.head("GET", "/chat", HandshakeTests.fields).utf8)
        for text in [#"{"type":"join","username":"Bo"}"#, #"{"type":"message","text":"hi"}"#] {
            Frame.appendMasked(to: &life, opcode: .text, payload: Array(text.utf8).span, key: 77)
        }
        Frame.appendMasked(to: &life, opcode: .close, payload: [3, 232].span, key: 78)
        for end in 0...life.count {
            let socket = try TestSocket(port: server.port)
            try socket.send(Array(life[..<end]))
            if end % 2 == 0, end < life.count { _ = try server.request("GET", "/healthz") }
            socket.reset()
        }
        try ada.say("all well")
        #expect(try ada.skip(to: "message", of: "Ada")["text"] == "all well")
        let deadline = Deadline()
        while try server.metric("connections") > 2 { try #require(!deadline.isOver) }
        #expect(try server.metric("buffer_bytes") == 0)
    }

    /// SIGSTOP and SIGCONT, again and again: every wait is interrupted.
    @Test(arguments: PollerChoice.allCases)
    func stoppingAndContinuingLosesNothing(poller: PollerChoice) throws {
        let server = try LiveServer("--message-rate", "0", poller: poller)
        let ada = try TestClient(server, as: "Ada")
        for index in 0..<100 {
            server.child.signal(SIGSTOP)
            try ada.say("\(index)")
            server.child.signal(SIGCONT)
            #expect(try ada.expect("message")["text"] == "\(index)")
        }
    }

    // MARK: Service manager

    /// Plays the service manager: it holds the socket, and starts a server with it.
    private func startActivated(_ listener: Int32) throws -> Child {
        let command = try Command.path()
        let line = "LISTEN_PID=$$ LISTEN_FDS=1 exec '\(command)' --ephemeral 3<&\(listener)"
        return try Child("/bin/bash", ["-c", line], inheriting: listener)
    }

    /// Someone keeps asking for the page while the server is started anew over and over: nobody is refused.
    @Test func aRestartRefusesNobodyWhereSomeoneElseHoldsTheSocket() throws {
        guard FileManager.default.isExecutableFile(atPath: "/bin/bash") else {
            print("skipped: there is no bash here to start a program with an open socket")
            return
        }
        let (listener, port) = try listenAnywhere()
        defer { close(listener) }
        var server = try startActivated(listener)
        #expect(try server.line() == "Chatloop is listening on http://127.0.0.1:\(port)/")
        for round in 0..<4 {
            var asked: [TestSocket] = []
            for index in 0..<40 {
                if index == 10 { server.signal(SIGTERM) }
                if index == 20 {
                    let successor = try startActivated(listener)
                    #expect(try server.wait() == .exited(0))
                    server = successor
                }
                let socket = try TestSocket(port: port)
                try socket.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                asked.append(socket)
            }
            // Some were served by the one that stops, some have waited for the next.
            for (index, socket) in asked.enumerated() {
                #expect(try socket.answer().text == "ok", "round \(round), request \(index)")
            }
        }
        // Somebody who came while there was no server at all is served by the next.
        server.signal(SIGTERM)
        #expect(try server.wait() == .exited(0))
        let patient = try TestSocket(port: port)
        try patient.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        server = try startActivated(listener)
        #expect(try patient.answer().text == "ok")
    }

    /// A connection that is accepted the moment before the stop is still answered.
    @Test(arguments: PollerChoice.allCases)
    func whoHasJustConnectedIsAnsweredInSpiteOfAStop(poller: PollerChoice) throws {
        let server = try LiveServer(poller: poller)
        let ada = try TestClient(server, as: "Ada")
        let fresh = try TestSocket(port: server.port)
        let upgrading = try TestSocket(port: server.port)
        while try server.metric("connections") < 4 {}
        server.child.signal(SIGTERM)
        #expect(try ada.expectClose().code == 1001)
        try fresh.send(server.head("GET", "/healthz"))
        try upgrading.send(server.head("GET", "/chat", HandshakeTests.fields))
        let answer = try fresh.answer()
        #expect(answer.text == "ok" && answer["Connection"] == "close")
        // A WebSocket is opened, and told to come back.
        #expect(try upgrading.answer().status == 101)
        let bytes = try #require(try upgrading.receive())
        #expect(bytes[0] == 0x88 && Int(bytes[2]) << 8 + Int(bytes[3]) == 1001)
        fresh.finish()
        upgrading.finish()
        #expect(try server.child.wait() == .exited(0))
    }

    /// Many who talk without end, and one who does not read: the stop takes less than five seconds, everyone is told, and
    /// everything that anyone has seen is on the disk.
    @Test(arguments: PollerChoice.allCases)
    func aStopUnderLoadIsGracefulAndInTime(poller: PollerChoice) throws {
        let folder = try TemporaryFolder()
        var server = try LiveServer("--data", folder.path, "--message-rate", "0", poller: poller)
        let people = try (0..<10).map { try TestClient(server, as: "person \($0)") }
        let deaf = try TestClient(server, as: "deaf", receiveBuffer: 4096)
        for index in 0..<50 { for person in people { try person.say("\(index)") } }
        let start = Deadline.now
        server.child.signal(SIGTERM)
        for person in people { for index in 50..<60 { try? person.say("\(index)") } }
        for person in people { #expect(try person.expectClose().code == 1001) }
        #expect(try server.child.wait() == .exited(0))
        #expect(Deadline.now - start < 5)
        var seen: Set<Int> = []
        while let message = try? people[0].next() { if message.type == "message" { seen.insert(message.seq) } }
        server = try LiveServer("--data", folder.path)
        let late = try TestClient(server)
        let history: [JSON] = try late.join("Late", since: 0)["history"]
        #expect(!seen.isEmpty && seen.isSubset(of: Set(history.map(\.seq))))
        _ = deaf
    }
}
