import Foundation
import Support
import Testing

/// `chatloop talk` for programs: JSON, a state that is kept, passwords and codes.
@Suite(.ownThreads) struct TalkProgramTests {
    /// Runs it with all of its input given.
    private func talk(_ url: String, _ arguments: String..., input: String) throws -> (
        ending: Child.Ending, errors: String
    ) {
        let child = try Command.start(["talk", url] + arguments)
        child.write(input)
        child.closeInput()
        return (try child.wait(), child.allErrors())
    }

    /// Starts it by a shell, which can give it other streams.
    private func shell(_ script: String, _ arguments: String...) throws -> Child {
        try Child("/bin/sh", ["-c", script, "sh", try Command.path()] + arguments)
    }

    // MARK: For programs

    @Test func json_isOneMessageALine_thoseFromBeforeAreMarked() throws {
        let server = try LiveServer()
        let ada = try TestClient(server, as: "Ada")
        try ada.say("before")
        _ = try ada.expect("message")
        let child = try Command.start(["talk", server.url, "--username", "bot", "--json"])
        let welcome = JSON(Array(try child.line().utf8))
        #expect(welcome.type == "welcome" && welcome["username"] == "bot")
        #expect(welcome.value("session") == nil && welcome.value("history") == nil)
        var line = JSON(Array(try child.line().utf8))
        while line["past"] == true, line.type != "message" { line = JSON(Array(try child.line().utf8)) }
        #expect(line.said == "before" && line["past"] == true && line["username"] == "Ada")
        line = JSON(Array(try child.line().utf8))
        while line["past"] == true { line = JSON(Array(try child.line().utf8)) }
        #expect(line.type == "join" && line["username"] == "bot" && line.value("past") == nil)
        child.write("/me says\n{\"a\":1}\n")
        #expect(JSON(Array(try child.line(with: "message").utf8)).said == "/me says")
        #expect(JSON(Array(try child.line(with: "message").utf8)).said == "{\"a\":1}")
        try ada.say("two\nlines")
        let message = JSON(Array(try child.line(with: "lines").utf8))
        #expect(message.said == "two\nlines" && message.value("past") == nil && message.seq > 0)
        child.write(String(repeating: "x", count: 4001) + "\n")
        let error = JSON(Array(try child.line(with: "error").utf8))
        #expect(error["code"] == "text_too_long")
        child.closeInput()
        #expect(try child.wait() == .exited(65))
        #expect(child.allErrors().contains("Not sent: xxx"))
    }

    /// A service has its standard input closed, or the null device there.
    @Test func listen_readsNothingAndStaysUntilItIsStopped() throws {
        let server = try LiveServer()
        for streams in ["</dev/null", "<&-"] {
            let child = try shell("exec \"$1\" talk \"$2\" --username bot --listen --json \(streams)", server.url)
            _ = try child.line(with: "welcome")
            let ada = try TestClient(server, as: "Ada \(streams.count)")
            for number in 0..<3 {
                try ada.say("news \(number)")
                _ = try child.line(with: "news \(number)")
                usleep(50_000)
            }
            child.signal(SIGTERM)
            #expect(try child.wait() == .exited(0))
            _ = try ada.skip(to: "leave", of: "bot", within: 4)
        }
        // What is written to it is not read.
        let child = try Command.start(["talk", server.url, "--username", "bot", "--listen"])
        _ = try child.line(with: "bot joined")
        child.write("not said\n")
        child.closeInput()
        let eve = try TestClient(server, as: "Eve")
        try eve.say("the end")
        #expect(try child.line(with: "Eve: ").hasSuffix("the end"))
        child.signal(SIGINT)
        #expect(try child.wait() == .exited(0))
    }

    @Test func state_bringsAKilledBotBackAsItself_withWhatItMissed() throws {
        let server = try LiveServer()
        let ada = try TestClient(server, as: "Ada")
        let folder = try TemporaryFolder()
        let state = folder.path + "/state"
        let first = try Command.start(["talk", server.url, "--username", "bot", "--json", "--state", state])
        _ = try first.line(with: "welcome")
        _ = try ada.expect("join", of: "bot")
        try ada.say("one")
        _ = try first.line(with: "one")
        // Until the seq of that is in the file.
        let deadline = Deadline()
        while try !String(contentsOfFile: state, encoding: .utf8).contains("\"seq\":3"), !deadline.isOver {
            usleep(20_000)
        }
        first.signal(SIGKILL)
        #expect(try first.wait() == .killed(by: SIGKILL))
        try ada.say("two")
        let kept = try #require(try FileManager.default.attributesOfItem(atPath: state)[.posixPermissions] as? Int)
        #expect(kept == 0o600)
        // Without a name: that is kept, too.
        let second = try Command.start(["talk", server.url, "--json", "--state", state])
        #expect(JSON(Array(try second.line().utf8))["username"] == "bot")
        let missed = JSON(Array(try second.line().utf8))
        #expect(missed.said == "two" && missed.value("past") == nil)
        second.closeInput()
        #expect(try second.wait() == .exited(0))
        // Nobody has seen it go and come, but in the end.
        let types = try (0..<3).map { _ in try ada.next().type }
        #expect(types == ["message", "message", "leave"])
    }

    @Test func state_thatIsNone_isRefused() throws {
        let folder = try TemporaryFolder()
        try folder.write("notes", "my notes")
        let result = try talk("127.0.0.1:1", "--state", folder.path + "/notes", input: "")
        #expect(
            result.ending == .exited(64) && result.errors.contains("--state") && result.errors.contains("left as it is")
        )
        let nowhere = try talk("127.0.0.1:1", "--state", folder.path + "/none/state", input: "")
        #expect(nowhere.ending == .exited(74) && nowhere.errors.contains("cannot write"))
    }

    @Test func key_isMadeOnceAndKept() throws {
        let chat = try ScriptedChat { message, _ in message.type == "join" ? [ScriptedChat.welcome("bot")] : [] }
        let folder = try TemporaryFolder()
        func key(_ arguments: String...) throws -> String {
            let child = try Command.start(["talk", chat.url, "--username", "bot"] + arguments)
            let join = try chat.next("join")
            child.closeInput()
            #expect(try child.wait() == .exited(0))
            return join["key"] ?? ""
        }
        let keys = [
            try key(), try key(), try key("--state", folder.path + "/s"), try key("--state", folder.path + "/s"),
        ]
        #expect(keys.allSatisfy { (16...128).contains($0.count) })
        #expect(Set(keys[..<3]).count == 3 && keys[2] == keys[3])
    }

    // MARK: Doors

    @Test func password_goesWithTheJoin() throws {
        let chat = try ScriptedChat { message, _ in
            guard message.type == "join" else { return [] }
            if message["password"] == "open sesame" { return [ScriptedChat.welcome("bot")] }
            let code = message.value("password") == nil ? "password_required" : "password_wrong"
            return [.text(#"{"type":"error","code":"\#(code)","message":"Which password?"}"#)]
        }
        let folder = try TemporaryFolder()
        try folder.write("right", "\u{FEFF}  open sesame \r\nsecond line\n")
        try folder.write("wrong", "guess")
        try folder.write("empty", "\n")
        let right = try talk(chat.url, "--password-file", folder.path + "/right", input: "")
        #expect(right.ending == .exited(0) && right.errors.isEmpty)
        for arguments in [[], ["--password-file", folder.path + "/wrong"]] {
            let child = try Command.start(["talk", chat.url] + arguments)
            #expect(try child.wait() == .exited(77))
            #expect(child.allErrors().contains("Which password?"))
        }
        for name in ["empty", "none"] {
            let result = try talk(chat.url, "--password-file", folder.path + "/" + name, input: "")
            #expect(result.ending == .exited(64) && result.errors.contains("--password-file"))
        }
    }

    @Test func invitationAndOperatorCode_comeFromTheURL() throws {
        let chat = try ScriptedChat { message, connection in
            guard message.type == "join" else { return [] }
            return connection == 0 ? [ScriptedChat.welcome("bot"), .drop] : [ScriptedChat.welcome("bot")]
        }
        let child = try Command.start(["talk", chat.url + "r/b#invite=in-v&operator=op-c", "--username", "bot"])
        let first = try chat.next("join")
        #expect(first["invite"] == "in-v" && first["operator"] == "op-c")
        // The code has done its work; the invitation may be needed again.
        let second = try chat.next("join")
        #expect(second["invite"] == "in-v" && second.value("operator") == nil)
        child.closeInput()
        #expect(try child.wait() == .exited(0))
    }

    @Test(arguments: ["banned", "invite_required", "room_limit"])
    func refusedJoin_hasAnExitCodeOfItsOwn(code: String) throws {
        let chat = try ScriptedChat { _, _ in
            [.text(#"{"type":"error","code":"\#(code)","message":"Not you.","until":1700000000000}"#)]
        }
        let result = try talk(chat.url, "--username", "bot", input: "hi\n")
        #expect(result.ending == .exited(77) && result.errors.contains("Not you. (until 2023-11-1"))
    }

    @Test func putOut_endsIt() throws {
        let chat = try ScriptedChat { _, _ in [ScriptedChat.welcome("bot"), .close(4003, "Too loud.")] }
        let child = try Command.start(["talk", chat.url, "--username", "bot", "--listen"])
        #expect(try child.wait() == .exited(77))
        #expect(child.allErrors().contains("Too loud."))
    }

    @Test func aServersDisk_isToldInTheServersWords() throws {
        let chat = try ScriptedChat { message, _ in
            switch message.type {
            case "join": return [ScriptedChat.welcome("bot", more: #","keeping":false"#)]
            case "message":
                let id = message["id"] ?? ""
                return [.text(#"{"type":"error","code":"storage_failed","message":"The disk is full.","id":"\#(id)"}"#)]
            default: return []
            }
        }
        let child = try Command.start(["talk", chat.url, "--username", "bot"])
        child.write("hi\n")
        _ = try child.errorLine(with: "cannot keep what is said")
        #expect(try child.errorLine(with: "The disk is full.").contains("sent again"))
        child.signal(SIGTERM)
        #expect(try child.wait() == .exited(0))
    }
}
