import Foundation
import Support
import Testing
import WebSocket

/// `chatloop talk` in a pipe, against the real server.
@Suite(.ownThreads) struct TalkTests {
    /// Runs it with all of its input given.
    private func talk(
        _ url: String, _ arguments: String..., input: String
    ) throws -> (ending: Child.Ending, lines: [String], errors: String) {
        let child = try Command.start(["talk", url] + arguments)
        child.write(input)
        child.closeInput()
        let output = try child.rest()
        return (try child.wait(), output.split(separator: "\n").map(String.init), child.allErrors())
    }

    /// The lines without the day and the time of those that have one.
    private func unstamped(_ lines: [String]) -> [String] {
        lines.map { $0.replacing(#/^\d{4}-\d\d-\d\d \d\d:\d\d /#, with: "") }
    }

    @Test(arguments: PollerChoice.allCases)
    func pipe_oneLine_isSaidAndThenItLeaves(poller: PollerChoice) throws {
        let server = try LiveServer(poller: poller)
        let ada = try TestClient(server, as: "Ada")
        let result = try talk(server.url, "--username", "bot", input: "hi\n")
        #expect(result.ending == .exited(0) && result.errors.isEmpty)
        #expect(unstamped(result.lines) == ["* bot joined", "bot: hi"])
        _ = try ada.expect("join", of: "bot")
        #expect(try ada.expect("message", of: "bot").said == "hi")
        // At once: it has closed with 1000.
        _ = try ada.expect("leave", of: "bot", within: 4)
    }

    @Test func pipe_withoutAName_isAGuest() throws {
        let server = try LiveServer()
        let result = try talk(server.url, input: "")
        #expect(result.ending == .exited(0))
        #expect(result.lines.count == 1 && result.lines.first?.contains(/\* Guest \d{4} joined/) == true)
    }

    @Test func pipe_manyLines_arriveInOrder() throws {
        let server = try LiveServer()
        let lines = (0..<45).map { "line \($0)" }
        // More than the burst of the rate limit: it waits as it is told.
        let result = try talk("\(server.url)r/many", "--username", "bot", input: lines.joined(separator: "\n"))
        #expect(result.ending == .exited(0) && result.errors.isEmpty)
        #expect(unstamped(result.lines) == ["* bot joined"] + lines.map { "bot: \($0)" })
    }

    /// Nobody types: what a pipe brings is said as it is, whatever it looks like.
    @Test func slashCommands_doNotCountInAPipe() throws {
        let server = try LiveServer()
        let input = "\u{FEFF}one\n/rename Carl\n/who\n//slash\n/usr/bin\n\n   \n/quit\n/me waves\r\n"
        let result = try talk(server.url, "--username", "bot", input: input)
        #expect(result.ending == .exited(0) && result.errors.isEmpty)
        #expect(
            unstamped(result.lines) == [
                "* bot joined", "bot: one", "bot: /rename Carl", "bot: /who", "bot: //slash", "bot: /usr/bin",
                "bot: /quit", "~ bot waves",
            ])
    }

    @Test func pipe_refusedLines_areToldAndCounted() throws {
        let server = try LiveServer()
        let long = String(repeating: "x", count: 4001)
        let result = try talk(server.url, "--username", "bot", input: "a\n\(long)\n\u{7}\nb\n")
        #expect(result.ending == .exited(65))
        #expect(result.lines.count == 3)
        #expect(result.errors.contains("Not sent: xxx") && result.errors.contains("Not sent: ␇"))
        #expect(result.errors.contains("2 of the lines"))
    }

    @Test func othersText_cannotSteerTheTerminal() throws {
        let server = try LiveServer("--message-rate", "0")
        let child = try Command.start(["talk", server.url, "--username", "Ada"])
        _ = try child.line(with: "Ada joined")
        let eve = try TestClient(server, as: "Eve")
        _ = try child.line(with: "Eve joined")
        let cases = [
            "\u{9B}31mred": "<U+9B>31mred", "\u{202E}evil": "<U+202E>evil", "a\tb": "a    b",
            "first\nsecond\r\nthird": "first ⏎ second ⏎ third",
            "\u{2066}x\u{2069}\u{200F}": "<U+2066>x<U+2069><U+200F>",
            "ls\u{2028}ps\u{2029}": "ls ⏎ ps", "family 👨‍👩‍👧 é": "family 👨‍👩‍👧 é",
        ]
        for (said, shown) in cases {
            // C1 controls are refused by the server; another server may let them through.
            try eve.say(said)
            let answer = try eve.next()
            guard answer.type == "message" else { continue }
            #expect(try child.line().hasSuffix("Eve: \(shown)"))
        }
        child.closeInput()
        #expect(try child.wait() == .exited(0))
    }

    @Test(arguments: PollerChoice.allCases)
    func restartedServer_losesAndDoublesNothing(poller: PollerChoice) throws {
        let folder = try TemporaryFolder()
        var server = try LiveServer("--data", folder.path, poller: poller)
        let child = try Command.start(["talk", server.url, "--username", "bot"])
        child.write("one\n")
        _ = try child.line(with: "bot: one")
        let port = server.port
        try server.crash()
        _ = try child.errorLine(with: "lost")
        child.write("two\nthree\n")
        server = try LiveServer("--data", folder.path, "--port", "\(port)", poller: poller)
        _ = try child.errorLine(with: "again")
        #expect(try child.line().hasSuffix("bot: two"))
        #expect(try child.line().hasSuffix("bot: three"))
        let ada = try TestClient(server)
        let history: [JSON] = try ada.join("Ada")["history"]
        #expect(history.map(\.said) == ["one", "two", "three"])
        #expect(history.map(\.seq) == [2, 3, 4])  // no leave, no join in between
        child.closeInput()
        #expect(try child.wait() == .exited(0))
    }

    @Test func signal_leavesPolitely() throws {
        let server = try LiveServer()
        let ada = try TestClient(server, as: "Ada")
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            let child = try Command.start(["talk", server.url, "--username", "bot"])
            _ = try child.line(with: "bot joined")
            child.signal(signal)
            #expect(try child.wait() == .exited(0))
            _ = try ada.skip(to: "leave", of: "bot", within: 4)
        }
    }

    @Test func closedOutput_leaves() throws {
        let server = try LiveServer()
        let ada = try TestClient(server, as: "Ada")
        var child: Child? = try Command.start(["talk", server.url, "--username", "bot"])
        _ = try child?.line(with: "bot joined")
        child?.closeOutput()
        _ = try ada.skip(to: "join", of: "bot")
        try ada.say("is anybody there?")
        _ = try ada.skip(to: "leave", of: "bot", within: 4)
        child = nil
    }

    /// It may have been killed a moment ago, and then the server keeps its name for half a minute.
    @Test func takenName_isAwaitedAndThenGivenUp() async throws {
        let result = try await onThread {
            let server = try LiveServer()
            let keep = try TestClient(server, as: "Bo")
            let start = Deadline.now
            let child = try Command.start(["talk", server.url, "--username", "BO"])
            _ = try child.errorLine(with: "Waiting for it to become free")
            let ending = try child.wait(within: 90)
            _ = keep
            return (ending, child.allErrors(), Deadline.now - start)
        }
        #expect(result.0 == .exited(69) && result.1.contains("--username"))
        #expect(result.2 > 30)
    }

    @Test func killedBot_getsItsNameBack() throws {
        let taken = ScriptedChat.Answer.text(#"{"type":"error","code":"username_taken","message":"Taken."}"#)
        let chat = try ScriptedChat { message, _ in
            guard message.type == "join" else { return [] }
            return message["username"] == "bot" ? [taken, taken] : []
        }
        let child = try Command.start(["talk", chat.url, "--username", "bot"])
        for _ in 0..<3 { _ = try chat.next("join") }
        chat.say(ScriptedChat.welcome("bot").content)
        #expect(try child.errorLine(with: "Waiting").contains("Taken."))
        child.closeInput()
        #expect(try child.wait() == .exited(0))
    }

    @Test func noServer_isGivenUp() async throws {
        let result = try await onThread {
            let start = Deadline.now
            let port = try LiveServer().port  // gone at once
            let result = try talk("127.0.0.1:\(port)", input: "hi\n")
            return (result.ending, result.errors, Deadline.now - start)
        }
        #expect(result.0 == .exited(69))
        #expect(result.1.contains("Connection refused"))
        #expect(result.2 < 20)
        #expect(try talk("nobody.invalid", input: "").ending == .exited(69))
    }

    @Test(arguments: [
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
        "220 mail.example ESMTP\r\n", "SSH-2.0-OpenSSH_9.6\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n",
    ])
    func serverWithoutAChat_isToldAsThat(answer: String) throws {
        let impostor = try Impostor(answer: answer)
        let result = try talk("127.0.0.1:\(impostor.port)", input: "hi\n")
        #expect(result.ending == .exited(76))
        #expect(result.errors.contains("no chat"))
    }

    @Test func webSocketWithoutAChat_isToldAsThat() throws {
        let server = try LiveServer("--echo")
        // Only the address of the chat itself can be named, so the echo stands behind a proxy's path here.
        let proxy = try Proxy(to: server.port, replacing: "GET /chat?room=lobby", with: "GET /echo?room=lobby")
        let result = try talk("127.0.0.1:\(proxy.port)", input: "hi\n")
        #expect(result.ending == .exited(76))
    }

    @Test func serversWords_cannotSteerTheTerminal() throws {
        let impostor = try Impostor { request in
            let key = request.firstMatch(of: #/Sec-WebSocket-Key: (\S+)/#).map { Array($0.1.utf8) } ?? []
            let accept = String(decoding: Handshake.acceptKey(for: key.span) ?? [], as: UTF8.self)
            let upgrade = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            return upgrade + "Sec-WebSocket-Accept: \(accept)\r\nSec-WebSocket-Protocol: \u{9B}31mred\r\n\r\n"
        }
        let result = try talk("127.0.0.1:\(impostor.port)", input: "")
        #expect(result.ending == .exited(76))
        #expect(result.errors.contains("subprotocol <U+9B>31mred"))
    }

    /// Whoever says something with the id of a message that waits has it taken for said.
    @Test func requestIDs_cannotBeGuessed() throws {
        let server = try LiveServer()
        let ada = try TestClient(server, as: "Ada")
        _ = try talk(server.url, "--username", "bot", input: "one\ntwo\nthree\n")
        let ids = try (0..<3).map { _ in try ada.skip(to: "message", of: "bot")["id"] ?? "" }
        for (first, second) in zip(ids, ids.dropFirst()) {
            #expect(second.count >= 20 && first.commonPrefix(with: second).count < 6)
        }
    }

    /// A line that is nothing costs next to nothing, however many there are.
    @Test func pipe_blankLines_arePassedOver() throws {
        let server = try LiveServer()
        let child = try Command.start(["talk", server.url, "--username", "bot"])
        child.write(String(repeating: "\n", count: 1 << 20) + "the end\n")
        child.closeInput()
        _ = try child.line(with: "bot: the end")
        #expect(try child.wait() == .exited(0))
        #expect(child.processorSeconds < 6)
    }

    @Test func silentServer_isToldAsThat() async throws {
        let result = try await onThread {
            let (listener, port) = try listenAnywhere()
            defer { close(listener) }
            let result = try talk("127.0.0.1:\(port)", input: "hi\n")
            return (result.ending, result.errors)
        }
        #expect(result.0 == .exited(69))
        #expect(result.1.contains("no answer from 127.0.0.1:"))
    }

    /// Of what it has to write the pipe takes a part; of more than it keeps in mind, too.
    @Test(arguments: [100, 700])
    func signal_endsItAlthoughNobodyReads(messages: Int) throws {
        let server = try LiveServer("--message-rate", "0")
        let ada = try TestClient(server, as: "Ada")
        let child = try Command.start(["talk", server.url, "--username", "bot"])
        _ = try child.line(with: "bot joined")
        for _ in 0..<messages { try ada.say(String(repeating: "x", count: 3000)) }
        for _ in 0..<messages { _ = try ada.skip(to: "message") }
        child.signal(SIGTERM)
        #expect(try child.waitForProcess(within: 10) == .exited(0))
    }

    @Test func output_pausedReader_losesNothing() throws {
        let server = try LiveServer("--message-rate", "0", "--ping-interval", "1")
        let ada = try TestClient(server, as: "Ada")
        let child = try Command.start(["talk", server.url, "--username", "bot"])
        _ = try child.line(with: "bot joined")
        for number in 0..<100 { try ada.say("\(number) " + String(repeating: "x", count: 3000)) }
        // As long as it takes until the server has given somebody up who does not answer its pings.
        let mute = try TestClient(server, as: "Mute")
        mute.answersPings = false
        while (try? mute.next()) != nil {}
        for number in 0..<100 { #expect(try child.line(with: "Ada: ").contains(" Ada: \(number) x")) }
        child.closeInput()
        #expect(try child.wait() == .exited(0))
        #expect(child.allErrors() == "")
    }

    // MARK: Output and signals

    /// Starts it by a shell, which can give it other streams and signals.
    private func shell(_ script: String, _ arguments: String...) throws -> Child {
        let child = try Child("/bin/sh", ["-c", script, "sh", try Command.path()] + arguments)
        return child
    }

    @Test func outputThatCannotBeWritten_isAnError_aClosedPipeIsNot() throws {
        let server = try LiveServer()
        for options in ["", "--json"] {
            let child = try shell("exec \"$1\" talk \"$2\" \(options) >/dev/full", server.url)
            #expect(try child.waitForProcess() == .exited(74))
            #expect(child.allErrors().contains("cannot write: No space left on device"))
        }
        let closed = try shell("\"$1\" talk \"$2\" </dev/null | :; echo ${PIPESTATUS:-0}", server.url)
        #expect(try closed.wait() == .exited(0))
    }

    /// As nohup does it, and shells with what they put in the background.
    @Test func signalsThatWereIgnored_stayIgnored() throws {
        let server = try LiveServer()
        let child = try shell("trap '' HUP INT; exec \"$1\" talk \"$2\" --username bot", server.url)
        _ = try child.line(with: "bot joined")
        child.signal(SIGHUP)
        child.signal(SIGINT)
        child.write("still here\n")
        _ = try child.line(with: "bot: still here")
        child.signal(SIGTERM)
        #expect(try child.wait() == .exited(0))
    }

    // MARK: The command line

    @Test func secrets_areNotRepeatedInErrors() throws {
        let user = try talk("http://me:hunter2@127.0.0.1/", input: "")
        #expect(
            user.ending == .exited(64) && !user.errors.contains("hunter2") && user.errors.contains("user:password@"))
        let invite = try talk("http://127.0.0.1/r/UPPER#invite=hunter2", input: "")
        #expect(invite.ending == .exited(64) && !invite.errors.contains("hunter2") && invite.errors.contains("room"))
    }

    @Test func aURLFromTheTerminal_needsOne() throws {
        let child = try shell("exec setsid \"$1\" talk - </dev/null")
        #expect(try child.wait() == .exited(64))
        #expect(child.allErrors().contains("terminal"))
    }

    /// What the server tells beyond messages, in a pipe.
    @Test func everyMessageOfTheProtocol_isShownAsText() throws {
        let chat = try ScriptedChat { message, _ in
            guard message.type == "join" else { return [] }
            let event = #""time":1,"username":"Eve","user":"u-e","seq":"#
            return [
                ScriptedChat.welcome("bot"),
                .text(#"{"type":"message","text":"hello",\#(event)1}"#),
                .text(#"{"type":"edit","target":1,"text":"hallo",\#(event)2}"#),
                .text(#"{"type":"react","target":1,"emoji":"👍",\#(event)3}"#),
                .text(#"{"type":"message","text":"yes","reply":1,\#(event)4}"#),
                .text(#"{"type":"delete","target":1,\#(event)5}"#),
                .text(#"{"type":"moderation","action":"mute","to":"Bo","toUser":"u-b","reason":"loud",\#(event)6}"#),
                .text(
                    #"{"type":"found","events":[{"type":"message","text":"x","time":1,"username":"Bo","seq":9}],"before":9}"#
                ),
                .text(#"{"type":"unread","room":"garden","seq":4}"#), .text(#"{"type":"invite","invite":"abc"}"#),
                .text(#"{"type":"bans","bans":[{"username":"Bo","user":"u-b"}]}"#),
                .text(#"{"type":"whois","username":"Bo","user":"u-b","addresses":["::1"]}"#),
                .text(#"{"type":"state","keeping":false}"#), .text(#"{"type":"state","keeping":true}"#),
                .text(#"{"type":"message","text":"end",\#(event)7}"#),
            ]
        }
        let child = try Command.start(["talk", chat.url, "--username", "bot"])
        var lines: [String] = []
        while lines.last?.hasSuffix("end") != true { lines.append(try child.line()) }
        child.closeInput()
        #expect(try child.wait() == .exited(0))
        let errors = child.allErrors()
        let expected = [
            "Eve: hello", "* Eve edited Eve: “hello”: hallo", "* Eve reacted with 👍 to Eve: “hallo”",
            "Eve (to Eve: “hallo”): yes", "* Eve deleted a message of Eve from ", "* Eve muted Bo: loud", "#9 1970-",
            "-- There may be more", "-- There are new messages in garden.",
            "-- Invitation: \(chat.url)#invite=abc", "-- Banned:", "-- Bo (user:u-b) for ever",
            "-- Bo is user:u-b, from ::1", "Eve: end",
        ]
        for (line, part) in zip(lines, expected) { #expect(line.contains(part)) }
        #expect(lines.count == expected.count)
        #expect(errors.contains("cannot keep") && errors.contains("keeps what is said again"))
    }
}

extension ScriptedChat.Answer {
    /// The text of one that is a text.
    var content: String {
        if case .text(let text) = self { return text }
        return ""
    }
}
