import Foundation
import Platform
import Support
import Testing
import WebSocket

/// `chatloop bench`, with few clients and for a short time, against the real server.
@Suite(.ownThreads) struct BenchTests {
    private func run(_ arguments: [String]) throws -> (ending: Child.Ending, output: String, errors: String) {
        let child = try Command.start(["bench"] + arguments)
        child.closeInput()
        let output = try child.rest()
        return (try child.wait(), output, child.allErrors())
    }

    /// Runs a load for a moment, and returns its JSON.
    private func measure(_ server: LiveServer, _ mode: String, _ options: String...) throws -> [String: Any] {
        try measure(server, mode, options)
    }

    private func measure(_ server: LiveServer, _ mode: String, _ options: [String]) throws -> [String: Any] {
        let result = try run(
            [mode, server.url, "--json", "--duration", "0.3", "--warm-up", "0.1", "--clients", "12"] + options)
        #expect(result.ending == .exited(0), "\(result.output)\(result.errors)")
        #expect(result.errors.isEmpty, "a progress line is for terminals only")
        return try #require(try JSONSerialization.jsonObject(with: Data(result.output.utf8)) as? [String: Any])
    }

    private func number(_ figures: [String: Any], _ name: String) throws -> Double {
        try #require(figures[name] as? Double, "\(name) of \(figures)")
    }

    @Test(arguments: [(1, 1), (3, 4), (12, 2)]) func fanout(senders: Int, window: Int) throws {
        let server = try LiveServer("--message-rate", "0")
        let process = tellsOfOtherProcesses ? ["--pid", "\(server.child.process)"] : []
        let figures = try measure(server, "fanout", ["--senders", "\(senders)", "--window", "\(window)"] + process)
        #expect(try number(figures, "deliveries") > 12)
        if tellsOfOtherProcesses { #expect(try number(figures, "serverMicrosecondsPerDelivery") > 0) }
        #expect(figures["correct"] as? Bool == true)
        let latency = try #require(figures["latencyMicroseconds"] as? [String: Any])
        #expect(try number(latency, "p50") > 0 && number(latency, "p50") <= number(latency, "max"))
        let storm = try #require(figures["joinStorm"] as? [String: Any])
        #expect(try number(storm, "notices") == 78)
        // Everyone has left politely: nobody is waited for.
        let watcher = try TestClient(server)
        let welcome = try watcher.join("Watcher")
        #expect(welcome["userCount"] == 1)
    }

    @Test func aFixedRateIsKept() throws {
        let server = try LiveServer("--message-rate", "0")
        let figures = try measure(server, "paced", "--rate", "200", "--senders", "2")
        #expect(try (40...80).contains(number(figures, "sent")))
        #expect(figures["correct"] as? Bool == true && figures["serverCPUSeconds"] is NSNull)
    }

    @Test func hiddenClientsHearAllThatIsSaid_laterThanOthers() throws {
        let server = try LiveServer("--message-rate", "0", "--metrics", "loopback")
        let figures = try measure(server, "paced", "--rate", "200", "--hidden", "11")
        #expect(figures["correct"] as? Bool == true && figures["hidden"] as? Double == 11)
        let result = try run(["paced", server.url, "--clients", "12", "--hidden", "12"])
        #expect(result.ending == .exited(64) && result.errors.contains("more than the 12 clients there are"))
    }

    @Test(.enabled(if: tellsOfOtherProcesses, "skipped: this system does not tell what other processes use"))
    func idleTellsOfMemory() throws {
        let server = try LiveServer()
        let figures = try measure(server, "idle", "--pid", "\(server.child.process)")
        #expect(figures["serverKiBPerConnection"] is Double && figures["correct"] as? Bool == true)
    }

    @Test func churnJoinsAgainAndAgain() throws {
        let figures = try measure(try LiveServer(), "churn")
        #expect(try number(figures, "joins") > 12)
        #expect(figures["correct"] as? Bool == true)
    }

    @Test func echo() throws {
        let figures = try measure(try LiveServer("--echo"), "echo", "--window", "3", "--payload", "200")
        #expect(try number(figures, "deliveries") > 36)
        #expect(figures["correct"] as? Bool == true)
    }

    @Test func peopleGetLines() throws {
        let server = try LiveServer()
        let result = try run([
            "idle", "localhost:\(server.port)", "--clients", "2", "--duration", "0.1", "--warm-up", "0",
        ])
        #expect(result.ending == .exited(0), "\(result.errors)")
        #expect(result.output.hasPrefix("idle: 2 clients") && result.output.contains("correct     yes"))
    }

    @Test func progressIsShownOnATerminal() throws {
        let server = try LiveServer()
        let terminal = try TerminalChild(["bench", "idle", server.url, "--duration", "1", "--clients", "2"])
        _ = try terminal.wait(for: "deliveries")
        _ = try terminal.wait(for: "correct     yes")
    }

    @Test(arguments: ["fanout", "paced", "churn", "echo", "idle"]) func overTLS(mode: String) throws {
        let certificate = try TestCertificate()
        let server = try LiveServer("--echo", "--message-rate", "0", certificate: certificate)
        let url = "https://localhost:\(server.port)/"
        let result = try run([
            mode, url, "--ca", certificate.certificateFile, "--clients", "12", "--duration", "0.3", "--warm-up", "0.1",
            "--json",
        ])
        #expect(result.ending == .exited(0), "\(result.errors)")
        #expect(JSON(Array(result.output.utf8))["correct"] == true)
        // A certificate that nobody vouches for is refused, unless that does not matter.
        let stranger = try run(["idle", url, "--clients", "2"])
        #expect(stranger.ending == .exited(69) && stranger.errors.contains("TLS with localhost"))
        #expect(
            try run(["idle", url, "--insecure", "--clients", "2", "--duration", "0.1", "--warm-up", "0"]).ending
                == .exited(0))
    }

    // MARK: What goes wrong

    @Test(arguments: [
        [], ["dance"], ["fanout"], ["fanout", "127.0.0.1:1", "x"], ["fanout", "http://a.example/", "--insecure"],
        ["fanout", "127.0.0.1:1", "--dance"], ["fanout", "127.0.0.1:1", "--clients"],
        ["fanout", "127.0.0.1:1", "--clients", "0"], ["fanout", "127.0.0.1:1", "--clients", "3", "--senders", "4"],
        ["fanout", "127.0.0.1:1", "--clients", "1000000", "--senders", "1000"],
        ["fanout", "127.0.0.1:1", "--rate", "5"], ["paced", "127.0.0.1:1", "--window", "5"],
        ["fanout", "127.0.0.1:1", "--hidden", "5"],
        ["idle", "127.0.0.1:1", "--senders", "2"], ["echo", "127.0.0.1:1", "--payload", "10"],
        ["echo", "127.0.0.1:1", "--payload", "4001"], ["churn", "127.0.0.1:1", "--duration", "x"],
        ["fanout", "127.0.0.1:1", "--json=yes"], ["micro"],
    ])
    func aBadCommandLineIsToldInOneLine(arguments: [String]) throws {
        let result = try run(arguments)
        #expect(result.ending == .exited(64) && result.output.isEmpty)
        #expect(result.errors.split(separator: "\n").count == 1 && result.errors.hasPrefix("chatloop: "))
    }

    @Test func nobodyThere() throws {
        let server = try LiveServer()
        try server.stop()
        let result = try run(["fanout", server.url])
        #expect(result.ending == .exited(69) && result.errors.contains("cannot connect"))
        let process = try run(["idle", "127.0.0.1:1", "--pid", "\(Int32.max)"])
        #expect(process.ending == .exited(69) && process.errors.contains("process"))
    }

    @Test func somebodyElseThere() throws {
        let impostor = try Impostor(answer: "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        let result = try run(["idle", "127.0.0.1:\(impostor.port)", "--clients", "1"])
        #expect(result.ending == .exited(76) && result.errors.contains("200"))
    }

    @Test func aChatThatRefusesIsNoFaultOfItsDeliveries() throws {
        let server = try LiveServer("--message-rate", "1")
        let result = try run(["fanout", server.url, "--clients", "2", "--window", "10"])
        #expect(result.ending == .exited(69) && result.errors.contains("rate_limited"))
    }

    /// What a server says may not steer the terminal that it is shown on.
    @Test func aRefusalIsShownAsText() throws {
        let impostor = try Impostor(bytes: { request in
            let key = request.firstMatch(of: #/Sec-WebSocket-Key: (\S+)/#).map { Array($0.1.utf8) } ?? []
            let upgrade = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            var answer = Array("\(upgrade)Sec-WebSocket-Protocol: chatloop.v1\r\nSec-WebSocket-Accept: ".utf8)
            answer += (Handshake.acceptKey(for: key.span) ?? []) + Array("\r\n\r\n".utf8)
            let refusal = Array("{\"type\":\"error\",\"message\":\"\u{1B}[2J\u{7}\"}".utf8)
            Frame.append(to: &answer, opcode: .text, payload: refusal.span)
            return answer
        })
        let result = try run(["idle", "127.0.0.1:\(impostor.port)", "--clients", "1"])
        #expect(result.ending == .exited(69) && result.errors.contains("\"message\":\"␛[2J␇\""), "\(result.errors)")
    }

    /// A command in a namespace in which `twofold.localhost` has two addresses; nil where none can be made.
    private func whereANameHasTwoAddresses(_ folder: TemporaryFolder) throws -> [String]? {
        try folder.write("hosts", "::1 twofold.localhost\n127.0.0.1 twofold.localhost\n")
        let unshare = "/usr/bin/unshare"
        let wrapper = ["--mount", "sh", "-c", "mount --bind \(folder.path)/hosts /etc/hosts && exec \"$@\"", "sh"]
        guard geteuid() == 0, FileManager.default.isExecutableFile(atPath: unshare),
            try Child(unshare, wrapper + ["true"]).wait() == .exited(0)
        else {
            print("skipped: no name with two addresses can be made here")
            return nil
        }
        return [unshare] + wrapper
    }

    /// A name with two addresses, of which only the second is listened on.
    @Test(arguments: [1, 2, 100]) func allClientsComeToTheAddressThatIsListenedOn(clients: Int) throws {
        let folder = try TemporaryFolder()
        guard let wrapper = try whereANameHasTwoAddresses(folder) else { return }
        let server = try LiveServer()
        let child = try Child(
            wrapper[0],
            wrapper.dropFirst() + [Command.path(), "bench", "idle", "twofold.localhost:\(server.port)"]
                + ["--clients", "\(clients)", "--duration", "0.1", "--warm-up", "0"])
        #expect(try child.wait() == .exited(0), "\(child.allErrors())")
    }

    /// A server on such a name listens on both.
    @Test func host_withBothFamilies_isReachedByEither() throws {
        let folder = try TemporaryFolder()
        guard let wrapper = try whereANameHasTwoAddresses(folder) else { return }
        let server = try LiveServer(options: ["--host", "twofold.localhost"], under: wrapper)
        for address in ["127.0.0.1", "[::1]"] {
            let result = try run([
                "idle", "\(address):\(server.port)", "--clients", "2", "--duration", "0.1", "--warm-up", "0",
            ])
            #expect(result.ending == .exited(0), "\(address): \(result.errors)")
        }
        // The second address is said, too, beside the first line.
        #expect(try server.child.errorLine(with: "is listening on").contains(":\(server.port)/"))
    }

    @Test func aServerThatDiesHasLostSomething() throws {
        let server = try LiveServer("--message-rate", "0")
        let child = try Command.start(["bench", "paced", server.url, "--clients", "3", "--duration", "60"])
        let watcher = try TestClient(server, as: "Watcher")
        _ = try watcher.skip(to: "message")
        try server.crash()
        #expect(try child.wait() == .exited(1))
        #expect(child.allErrors().contains("connections dropped"))
    }

    @Test func aSignalEndsItPolitely() throws {
        let server = try LiveServer("--message-rate", "0")
        let child = try Command.start(["bench", "paced", server.url, "--clients", "3", "--duration", "60"])
        let watcher = try TestClient(server, as: "Watcher")
        _ = try watcher.skip(to: "message")
        child.signal(SIGINT)
        #expect(try child.wait() == .killed(by: SIGINT))
        for _ in 0..<3 { _ = try watcher.skip(to: "leave", within: 5) }
    }
}
