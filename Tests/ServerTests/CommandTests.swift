import Foundation
import Support
import Testing

/// The command line from outside: what it prints, and how it ends.
@Suite(.ownThreads) struct CommandTests {
    private func run(
        _ arguments: [String], environment: [String: String] = [:]
    ) throws -> (ending: Child.Ending, output: String, errors: String) {
        let child = try Command.start(arguments, environment: environment)
        child.closeInput()
        let output = try child.rest()
        return (try child.wait(), output, child.allErrors())
    }

    @Test func theFirstLineIsTheRealAddress() throws {
        let server = try LiveServer()
        #expect(server.firstLine == "Chatloop is listening on http://127.0.0.1:\(server.port)/")
        #expect(server.port > 0)
        #expect(try server.request("GET", "/healthz").status == 200)
    }

    @Test func hostAndPortComeFromTheEnvironmentUnlessTheyAreGiven() throws {
        let free = try LiveServer()
        let port = free.port
        try free.stop()
        let server = try LiveServer("--port", "\(port)", environment: ["HOST": "127.0.0.1", "PORT": "1"])
        #expect(server.port == port)
        try server.stop()
        let child = try Command.start(["serve", "--ephemeral"], environment: ["HOST": "localhost", "PORT": "\(port)"])
        #expect(try child.line().hasSuffix(":\(port)/"))
        for value in ["x", "-1", "65536", "1.5"] {
            let result = try run(["serve", "--ephemeral"], environment: ["PORT": value])
            #expect(result.ending == .exited(64) && result.errors.contains("PORT"))
            // What is not asked for does not matter.
            try LiveServer(options: [], environment: ["PORT": value]).stop()
        }
    }

    @Test func withOptionsAloneItServes() throws {
        let child = try Command.start(["--port", "0", "--ephemeral"])
        #expect(try child.line().hasPrefix("Chatloop is listening on http://127.0.0.1:"))
        child.signal(SIGINT)
        #expect(try child.wait() == .exited(0))
    }

    @Test(arguments: [
        ["--help"], ["serve", "--help"], ["talk", "--help"], ["token", "--help"], ["replay", "--help"],
        ["bench", "--help"],
        ["serve", "--port", "1", "--help"],
    ])
    func helpGoesToStandardOutput(arguments: [String]) throws {
        let result = try run(arguments)
        #expect(result.ending == .exited(0) && result.errors.isEmpty)
        #expect(result.output.hasPrefix("usage: chatloop"))
    }

    @Test func theVersionIsOneLine() throws {
        let result = try run(["--version"])
        #expect(result.ending == .exited(0) && result.output.hasPrefix("chatloop "))
        #expect(result.output.split(separator: "\n").count == 1)
    }

    @Test(arguments: [
        ["dance"], ["serve", "x"], ["serve", "--dance"], ["serve", "--port"], ["serve", "--port", "x"],
        ["serve", "--port", "65536"], ["serve", "--port", "-1"], ["serve", "--ephemeral=yes"],
        ["serve", "--fsync", "often"],
        ["serve", "--poller", "select"], ["serve", "--tick-rate", "-1"], ["serve", "--tick-rate", "fast"],
        ["serve", "--tick-rate", "1e-300"], ["serve", "--tick-rate", "nan"],
        ["serve", "--max-message", "0"], ["serve", "--metrics", "some"], ["serve", "--origin", "example.org"],
        ["serve", "--origin", "https://a.example/"], ["serve", "--origin", "https://a.example/b"],
        ["serve", "--origin", "https://*.example"], ["serve", "--origin", "ftp://a.example"],
        ["serve", "--origin", "https://"],
        ["serve", "--trust-proxy", "10.0.0.0/33"], ["serve", "--log-level", "loud"], ["serve", "--watch"],
        ["serve", "--ping-interval", "0"], ["serve", "--public", "/nonexistent"], ["talk"],
        ["bench", "fanout", "ftp://a.example"], ["token", "a", "--dance"],
        ["talk", "http://a", "http://b"], ["talk", "http://a", "--username", "  "], ["talk", "http://a", "--user"],
        ["talk", "ftp://a"], ["talk", "http://a/r/UPPER"], ["talk", "http://a", "--username"], ["replay"],
    ])
    func aBadCommandLineIsToldInOneLine(arguments: [String]) throws {
        let result = try run(arguments)
        #expect(result.ending == .exited(64))
        #expect(result.output.isEmpty)
        #expect(result.errors.split(separator: "\n").count == 1 && result.errors.hasPrefix("chatloop: "))
        if let last = arguments.last, arguments.count > 1 { #expect(result.errors.contains(last.prefix(8))) }
    }

    @Test func origin_withASlashAtItsEnd_isToldSo() throws {
        let result = try run(["serve", "--ephemeral", "--origin", "https://a.example/"])
        #expect(result.ending == .exited(64))
        #expect(result.errors.contains("takes https://a.example without the slash at its end"))
    }

    /// What nobody could be told when to use, and what is a command no more.
    @Test(arguments: [
        "--max-buffers", "--max-handshakes", "--max-handshakes-per-address", "--connection-rate", "--byte-rate",
        "--typing-rate", "--rename-rate", "--history-rate", "--error-rate", "--request-timeout", "--keep-alive",
        "--join-timeout", "--close-timeout",
    ])
    func constants_areNoOptions(name: String) throws {
        let result = try run(["serve", "--ephemeral", name, "1"])
        #expect(result.ending == .exited(64) && result.errors.contains("there is no option \(name)"))
    }

    /// Shells and environments set HOST to all kinds of things.
    @Test func host_ofTheEnvironment_isNamedWhereItIsWrong() throws {
        for host in ["nobody.invalid", "192.0.2.1"] {
            let result = try run(["serve", "--ephemeral", "--port", "0"], environment: ["HOST": host])
            #expect(result.ending == .exited(69) && result.errors.contains("HOST in the environment"))
            let given = try run(["serve", "--ephemeral", "--port", "0", "--host", host], environment: ["HOST": "x"])
            #expect(given.ending == .exited(69) && given.errors.contains("--host") && !given.errors.contains("HOST"))
        }
    }

    @Test func aPortInUseIsUnavailable() throws {
        let server = try LiveServer()
        let result = try run(["serve", "--ephemeral", "--port", "\(server.port)"])
        #expect(result.ending == .exited(69) && result.output.isEmpty)
        #expect(result.errors.contains("--port") && result.errors.split(separator: "\n").count == 1)
        #expect(try run(["serve", "--ephemeral", "--host", "nobody.invalid"]).ending == .exited(69))
        #expect(try run(["serve", "--ephemeral", "--host", "192.0.2.1", "--port", "0"]).ending == .exited(69))
    }

    @Test func dataThatCannotBeKeptIsToldAsThat() throws {
        let folder = try TemporaryFolder()
        try folder.write("file", "")
        let blocked = try run(["serve", "--port", "0", "--data", "\(folder.path)/file"])
        #expect(blocked.ending == .exited(73) && blocked.errors.contains("--data"))
        let server = try LiveServer("--data", "\(folder.path)/data")
        let second = try run(["serve", "--port", "0", "--data", "\(folder.path)/data"])
        #expect(second.ending == .exited(73) && second.errors.contains("another chatloop"))
        try server.stop()
        let unrecorded = try run(["serve", "--ephemeral", "--port", "0", "--record", "\(folder.path)/none/file"])
        #expect(unrecorded.ending == .exited(73) && unrecorded.errors.contains("--record"))
        #expect(!unrecorded.errors.contains("--data"))
    }

    /// A flight recorder keeps the recording of the run that crashed.
    @Test func record_keepsEveryEarlierRecording() throws {
        let folder = try TemporaryFolder()
        let file = "\(folder.path)/recording"
        try folder.write("recording.2", "somebody else's")
        for name in ["Ada", "Bo", "Cy"] {
            let server = try LiveServer("--record", file)
            let person = try TestClient(server, as: name)
            try person.say("I am \(name)")
            _ = try person.expect("message")
            try server.crash()
        }
        for (name, path) in [("Ada", "\(file).1"), ("Bo", "\(file).3"), ("Cy", file)] {
            #expect(try Data(contentsOf: URL(fileURLWithPath: path)).range(of: Data("I am \(name)".utf8)) != nil)
            #expect(try run(["replay", path]).ending == .exited(0))
            let rights = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
            #expect(rights == 0o600)
        }
        // What is no file is not moved away.
        try FileManager.default.createDirectory(atPath: "\(folder.path)/folder", withIntermediateDirectories: false)
        let refused = try run(["serve", "--ephemeral", "--port", "0", "--record", "\(folder.path)/folder"])
        #expect(refused.ending == .exited(73) && refused.errors.contains("--record"))
        #expect(FileManager.default.fileExists(atPath: "\(folder.path)/folder"))
    }

    @Test(arguments: ["link", "link/", "link/data"]) func theDataFolderMayBeALinkOrLieInOne(name: String) throws {
        let folder = try TemporaryFolder()
        try folder.write("real/file", "")
        try FileManager.default.createSymbolicLink(atPath: "\(folder.path)/link", withDestinationPath: "real")
        let server = try LiveServer("--data", "\(folder.path)/\(name)")
        let ada = try TestClient(server, as: "Ada")
        try ada.say("kept")
        _ = try ada.skip(to: "message")
        try server.stop()
        #expect(FileManager.default.fileExists(atPath: "\(folder.path)/\(name)/rooms/lobby"))
    }

    /// Standard output is shared: another program may have made it nonblocking, and whoever reads it may take a while.
    @Test func nothingIsLostWhereStandardOutputTakesNoMore() throws {
        let whole = try run(["serve", "--help"]).output
        var ends: [Int32] = [-1, -1]
        descriptorLock.withLock {
            pipe(&ends)
            for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        }
        let output = FileHandle(fileDescriptor: ends[0], closeOnDealloc: true)
        _ = fcntl(ends[1], F_SETFL, O_NONBLOCK)
        // Until nothing goes in any more.
        while write(ends[1], "x", 1) == 1 {}
        let child = try Command.start(["serve", "--help"], terminal: ends[1])
        close(ends[1])
        #expect(throws: Failure.self, "it waits for room") { try child.waitForProcess(within: 0.5) }
        let text = String(decoding: try output.readToEnd() ?? Data(), as: UTF8.self)
        #expect(try child.waitForProcess() == .exited(0))
        #expect(text.drop { $0 == "x" } == whole)
    }

    /// Whoever may do everything is refused nothing, so as root this runs as nobody.
    @Test func whatIsNotAllowedIsToldAsThat() throws {
        let folder = try TemporaryFolder()
        try FileManager.default.setAttributes([.posixPermissions: 0o555], ofItemAtPath: folder.path)
        var command = [try Command.path(), "serve", "--port", "0", "--data", "\(folder.path)/data"]
        if geteuid() == 0 {
            let setpriv = "/usr/bin/setpriv"
            guard FileManager.default.isExecutableFile(atPath: setpriv) else {
                print("skipped: as root there is nothing that is not allowed, and there is no setpriv here")
                return
            }
            command = [setpriv, "--reuid=65534", "--regid=65534", "--clear-groups"] + command
        }
        let child = try Child(command[0], Array(command.dropFirst()))
        child.closeInput()
        let ending = try child.wait()
        guard ending != .exited(126), ending != .exited(127) else {
            print("skipped: nobody may not run \(try Command.path())")
            return
        }
        #expect(ending == .exited(77))
        #expect(child.allErrors().contains("--data"))
    }
}

/// Stopping, politely and not.
@Suite(.ownThreads) struct StoppingTests {
    @Test(arguments: PollerChoice.allCases, [SIGTERM, SIGINT])
    func aSignalSaysGoodByeToEveryone(poller: PollerChoice, signal: Int32) throws {
        let server = try LiveServer(poller: poller)
        let people = try ["Ada", "Bo", "Cy"].map { try TestClient(server, as: $0) }
        let outside = try TestClient(server)
        let start = Deadline.now
        server.child.signal(signal)
        for person in people + [outside] { #expect(try person.expectClose().code == 1001) }
        #expect(try server.child.wait() == .exited(0))
        #expect(Deadline.now - start < 5)
        #expect(throws: Failure.self) { try TestSocket(port: server.port) }
    }

    @Test(arguments: PollerChoice.allCases)
    func whoDoesNotAnswerHoldsNobodyUp(poller: PollerChoice) throws {
        let server = try LiveServer(poller: poller)
        let deaf = try TestClient(server, as: "Deaf")
        let idle = try TestSocket(port: server.port)
        try idle.send("GET / HT")
        let start = Deadline.now
        #expect(try server.stop() == .exited(0))
        #expect(Deadline.now - start < 5)
        _ = (deaf, idle)
    }

    @Test func aSecondSignalEndsItAtOnce() throws {
        let server = try LiveServer()
        let deaf = try TestClient(server, as: "Deaf")
        server.child.signal(SIGTERM)
        // It says that it is stopping; then the second one is not taken for the first.
        _ = try server.child.errorLine(with: "stopping")
        server.child.signal(SIGTERM)
        #expect(try server.child.wait() == .killed(by: SIGTERM))
        _ = deaf
    }

    /// Services are told by SIGHUP to read their files again; the other two mean nothing here.
    @Test(arguments: [SIGHUP, SIGUSR1, SIGUSR2])
    func otherSignals_endNothing(signal: Int32) throws {
        let server = try LiveServer()
        let ada = try TestClient(server, as: "Ada")
        for _ in 0..<3 { server.child.signal(signal) }
        if signal == SIGHUP { _ = try server.child.errorLine(with: "event=reload") }
        try ada.say("still here")
        #expect(try ada.expect("message").said == "still here")
        #expect(try server.stop() == .exited(0))
    }

    /// The terminal was closed.
    @Test func hangUp_atATerminal_isAStop() throws {
        let terminal = try TerminalChild(["serve", "--port", "0", "--ephemeral"])
        try terminal.wait(for: "Chatloop is listening on")
        terminal.child.signal(SIGHUP)
        #expect(try terminal.child.waitForProcess() == .exited(0))
    }

    @Test func whatIsQueuedForASlowReaderStillArrives() throws {
        let server = try LiveServer("--message-rate", "0")
        let slow = try TestClient(server, as: "Slow", receiveBuffer: 4096)
        let ada = try TestClient(server, as: "Ada")
        for index in 0..<100 { try ada.say(String(repeating: "x", count: 3000) + "\(index)") }
        for _ in 0..<100 { _ = try ada.expect("message") }
        server.child.signal(SIGTERM)
        #expect(try slow.expectClose().code == 1001)
        _ = try slow.expect("join")
        for index in 0..<100 { #expect(try slow.expect("message").said.hasSuffix("x\(index)")) }
    }
}
