import Foundation
import Support
import Testing

/// What the operator gets to read: one line an event, and nothing of what people say.
@Suite(.ownThreads) struct LogTests {
    /// `key=value` by `key=value`; a value is plain, or in quotation marks with escapes.
    private static func isWellFormed(_ line: Substring) -> Bool {
        let key = "[a-z][a-z-]*"
        let value = #"([\x21\x23-\x3C\x3E-\x5B\x5D-\x7E]+|"([\x20-\x21\x23-\x5B\x5D-\x7E]|\\["\\]|\\u\{[0-9a-f]+\})*")"#
        guard let pattern = try? Regex("\(key)=\(value)( \(key)=\(value))*") else { return false }
        return line.wholeMatch(of: pattern) != nil
    }

    @Test(arguments: PollerChoice.allCases)
    func neitherTextsNorSecretsNorLinesOfOthersAreInIt(poller: PollerChoice) throws {
        let folder = try TemporaryFolder()
        let server = try LiveServer("--log-level", "debug", "--data", folder.path, poller: poller)
        let ada = try TestClient(server)
        let welcome = try ada.join("Ada\u{A0}Secretname")
        let session = try #require(welcome["session"] as String?)
        try ada.say("a very private text", id: "private-id")
        _ = try ada.skip(to: "message")
        try ada.send(["type": "rename", "username": "Otherwise"])
        _ = try ada.skip(to: "rename")
        let again = try TestClient(server)
        try again.join("Ada", session: session)
        #expect(try ada.expectClose().code == 4001)
        try again.send("{\"type\":\"private nonsense\n")
        _ = try again.expectError("bad_json")
        // Those who would like to write lines of their own.
        for target in ["/\u{1B}[2J", "/x%0Alevel=error%20event=forged", "/chat?room=a%0Aevent=forged"] {
            _ = try? server.request("GET", target, ["X-Evil: a event=forged", "Origin: http://x event=forged"])
        }
        let socket = try TestSocket(port: server.port)
        try socket.send("GET / HTTP/1.1\r\nHost: a\r\nX: a\u{0}\n level=error event=forged\r\n\r\n")
        _ = try socket.everything()
        let broken = try TestClient(server)
        try broken.send(binary: Array("private bytes".utf8))
        _ = try broken.expectClose()
        #expect(try server.stop() == .exited(0))

        let lines = server.child.allErrors().split(separator: "\n")
        #expect(lines.count > 5)
        for line in lines { #expect(Self.isWellFormed(line), "\(line)") }
        let all = lines.joined(separator: "\n")
        for secret in [session, "private", "Secretname", "Otherwise", "event=forged", "\u{1B}"] {
            #expect(!all.contains(secret), "\(secret)")
        }
        #expect(all.contains("event=stopping") && all.contains("event=protocol-error"))
        // Nor is the secret on the disk, where only what proves it is.
        let files = try #require(FileManager.default.enumerator(atPath: folder.path)).compactMap { $0 as? String }
        let kept = files.compactMap { try? String(contentsOfFile: "\(folder.path)/\($0)", encoding: .utf8) }
        #expect(kept.contains { $0.contains("a very private text") } && !kept.contains { $0.contains(session) })
    }

    /// What runs, where it keeps what, and what it allows; and a time that people and programs read.
    @Test func firstLine_tellsVersionFolderRoomsAndLimits() throws {
        let folder = try TemporaryFolder()
        for rooms in [0, 2] {
            let server = try LiveServer("--data", folder.path, "--max-connections", "50", "--message-rate", "7")
            let line = try server.child.errorLine(with: "event=")
            #expect(Self.isWellFormed(line[...]))
            #expect(
                line.wholeMatch(of: #/time=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z level=info event=started .*/#) != nil)
            let version = try Command.start(["--version"]).rest().split(separator: " ")[1].dropLast()
            for part in [
                "version=\(version)", "data=\(folder.path)", "rooms=\(rooms)", "max-connections=50",
                "max-message=65536",
                "message-rate=7.0",
            ] { #expect(line.contains(" \(part)"), "\(part) in \(line)") }
            let stamp = try #require(line.split(separator: " ").first?.dropFirst("time=".count))
            let format = Date.ISO8601FormatStyle(includingFractionalSeconds: true)
            #expect(abs(try Date(String(stamp), strategy: format).timeIntervalSinceNow) < 60)
            for room in ["lobby", "garden"] { try TestClient(server, as: "Ada\(rooms)", room: room).say("hello") }
            #expect(try server.stop() == .exited(0))
        }
    }

    @Test func clientBehindATrustedProxy_isLoggedByItsOwnAddress() throws {
        let server = try LiveServer("--log-level", "debug", "--trust-proxy", "127.0.0.1")
        _ = try server.request("GET", "/healthz", ["X-Forwarded-For: 192.0.2.7"])
        #expect(try server.child.errorLine(with: "event=forwarded").contains("address=192.0.2.7"))
    }

    @Test func theLevelSaysHowMuchThereIs() throws {
        var counts: [String: Int] = [:]
        for level in ["error", "info", "debug"] {
            let server = try LiveServer("--log-level", level)
            let client = try TestClient(server, as: "Ada")
            try client.send(binary: [1])
            _ = try client.expectClose()
            try server.stop()
            // What keeps nothing prints the operator's link beside the log.
            let lines = server.child.allErrors().split(separator: "\n").filter { $0.contains("level=") }
            counts[level] = lines.count
        }
        #expect(counts["error"] == 0)
        #expect(counts["info", default: 0] > 0 && counts["debug", default: 0] > counts["info", default: 0])
    }

    /// Nobody reads standard error, and its pipe is full: the chat goes on, and says later how much was lost.
    @Test(arguments: PollerChoice.allCases)
    func aFullPipeHoldsNobodyUp(poller: PollerChoice) throws {
        let server = try LiveServer("--log-level", "debug", poller: poller)
        let ada = try TestClient(server, as: "Ada")
        // Two lines or more for each, of some seventy bytes: much more than a pipe's 64 KiB.
        for index in 0..<1500 {
            #expect(try server.request("GET", "/healthz").status == 200)
            if index % 300 == 0 {
                try ada.say("\(index)")
                #expect(try ada.expect("message")["text"] == "\(index)")
            }
        }
        _ = server.child.allErrors()
        _ = try server.request("GET", "/healthz")
        let line = try server.child.errorLine(with: "log-lines-dropped")
        #expect(Self.isWellFormed(line[...]) && !line.contains("count=0"))
        #expect(try server.stop() == .exited(0))
    }

    /// Those who start programs close what they do not need: the first files that are opened must not get those numbers.
    @Test func closedStandardStreamsAreNoFilesOfOurs() throws {
        let folder = try TemporaryFolder()
        let port = try freePort()
        let command = try Command.path()
        let shell = try Child(
            "/bin/sh", ["-c", "exec '\(command)' --port \(port) --data '\(folder.path)/data' <&- >&- 2>&-"])
        let deadline = Deadline()
        while (try? TestSocket(port: port)) == nil { try #require(!deadline.isOver) }
        let socket = try TestSocket(port: port)
        try socket.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        #expect(try socket.answer().text == "ok")
        shell.signal(SIGTERM)
        #expect(try shell.waitForProcess() == .exited(0))
        let files = try #require(FileManager.default.enumerator(atPath: folder.path)).compactMap { $0 as? String }
        #expect(!files.isEmpty)
        for file in files {
            let text = (try? String(contentsOfFile: "\(folder.path)/\(file)", encoding: .utf8)) ?? ""
            #expect(!text.contains("Chatloop is listening") && !text.contains("event="), "\(file)")
        }
    }

    /// Whoever reads its standard output may end before it does.
    @Test func aClosedOutputIsNoEnd() throws {
        let server = try LiveServer()
        server.child.closeOutput()
        let ada = try TestClient(server, as: "Ada")
        try ada.say("hello")
        _ = try ada.expect("message")
        server.child.signal(SIGTERM)
        #expect(try ada.expectClose().code == 1001)
        #expect(try server.child.waitForProcess() == .exited(0))
    }
}

/// A port that nobody listens on, for a server that cannot say which one it has found.
func freePort() throws -> UInt16 {
    let server = try LiveServer()
    defer { _ = try? server.stop() }
    return server.port
}
