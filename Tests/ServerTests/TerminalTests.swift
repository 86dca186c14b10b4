import Foundation
import Support
import Testing

/// `chatloop talk` on a terminal.
@Suite(.ownThreads) struct TerminalTests {
    @Test func terminal_isLeftAsItWas_afterATalk() throws {
        let server = try LiveServer()
        let ada = try TestClient(server, as: "Ada")
        let talk = try TerminalChild(["talk", server.url])
        #expect(talk.mode == (true, true))
        try talk.wait(for: "Your name: ")
        #expect(talk.mode == (false, false))
        talk.type("Bo\r")
        _ = try ada.expect("join", of: "Bo")
        try talk.wait(for: "Bo> ")
        talk.type("hello\r")
        #expect(try ada.expect("message", of: "Bo").said == "hello")
        try talk.wait(for: "hello\r\n")
        try ada.say("welcome")
        try talk.wait(for: "welcome\r\n")
        talk.type("/who\r")
        try talk.wait(for: "2 here: ")
        talk.type("/quit\r")
        let end = try talk.waitForEnd()
        #expect(end.ending == .exited(0))
        #expect(talk.mode == (true, true))
        _ = try ada.skip(to: "leave", of: "Bo", within: 4)
    }

    /// What others say goes in above; what is being typed stays whole, with the cursor where it was.
    @Test(arguments: [80, 30])
    func screen_othersLinesGoInAboveTheTypedLine(columns: Int) throws {
        let server = try LiveServer()
        let ada = try TestClient(server, as: "Ada")
        let talk = try TerminalChild(
            ["talk", server.url, "--username", "Bo"], environment: ["NO_COLOR": "1"], columns: UInt16(columns))
        var screen = ScreenModel(columns: columns)
        screen.write(try talk.wait(for: "Bo> "))
        while try ada.next().type != "join" {}
        // In the middle of the line, so that the cursor has something on both sides.
        talk.type("half a lime\u{1B}[D\u{1B}[D")
        screen.write(try talk.wait(for: "\u{1B}7me\u{1B}8\u{1B}[?7h"))
        try ada.say("one")
        try ada.say("two\nlines")
        screen.write(try talk.wait(for: "one"))
        screen.write(try talk.wait(for: "lines"))
        screen.write(try talk.wait(for: "\u{1B}7me\u{1B}8\u{1B}[?7h"))
        #expect(screen.text.last == "Bo> half a lime")
        let chat = screen.text.dropLast().map { $0.drop { $0.isNumber || $0 == ":" } }
        #expect(chat.suffix(3) == [" Ada: one", " Ada: two", "      lines"])
        talk.type("\u{7F}n\r")  // lime becomes line: the i before the cursor does, and is put back
        #expect(try ada.skip(to: "message", of: "Bo").said == "half a lnme")
        talk.type("/quit\r")
        let end = try talk.waitForEnd()
        screen.write(end.shown)
        #expect(end.ending == .exited(0))
        // Nothing of the prompt is left.
        #expect(screen.text.last?.contains("Bo: half a lnme") == true)
    }

    @Test func colours_areOnlyUsedWhereTheyMayBe() throws {
        let server = try LiveServer()
        func shown(_ environment: [String: String]) throws -> String {
            let talk = try TerminalChild(["talk", server.url, "--username", "Bo"], environment: environment)
            var shown = try talk.wait(for: "joined")
            talk.type("/quit\r")
            shown += try talk.waitForEnd().shown
            return shown
        }
        #expect(try shown([:]).contains("\u{1B}[1;3"))
        #expect(try shown(["NO_COLOR": ""]).contains("\u{1B}[1;3"))
        #expect(try !shown(["NO_COLOR": "1"]).contains(/\x1B\[[0-9;]*m/))
        #expect(try !shown(["TERM": "dumb"]).contains("\u{1B}"))
    }

    @Test func lostConnection_isShown_andTypedLinesWait() throws {
        let folder = try TemporaryFolder()
        var server = try LiveServer("--data", folder.path)
        let talk = try TerminalChild(["talk", server.url, "--username", "Bo"])
        try talk.wait(for: "joined")
        let port = server.port
        try server.crash()
        try talk.wait(for: "lost")
        talk.type("still here\r")
        try talk.wait(for: "… still here")
        try talk.wait(for: "Reconnecting in")
        talk.type("draf")
        try talk.wait(for: "draf")
        server = try LiveServer("--data", folder.path, "--port", "\(port)")
        try talk.wait(for: "Connected again")
        try talk.wait(for: "still here\r\n")
        try talk.wait(for: "draf")
        talk.type("t\r")
        let ada = try TestClient(server)
        var said: [String] = try ada.join("Ada")["history"].map(\.said)
        while said.count < 2 {
            let event = try ada.next()
            if event.type == "message" { said.append(event.said) }
        }
        #expect(said == ["still here", "draft"])
    }

    @Test func refusedMessage_comesBackToBeEdited() throws {
        let server = try LiveServer("--max-message", "500")
        let talk = try TerminalChild(["talk", server.url, "--username", "Bo"], environment: ["NO_COLOR": "1"])
        try talk.wait(for: "Bo> ")
        try talk.wait(for: "joined")
        talk.type(String(repeating: "x", count: 600) + "\r")
        try talk.wait(for: "!! Not sent: xxx")
        try talk.wait(for: "Connected again")
        // Only the last of it is left, and that is short enough.
        talk.type("\u{15}" + "short\r")
        try talk.wait(for: "Bo: short\r\n")
    }

    @Test func takenName_atATerminal_isAskedForAgain() throws {
        let server = try LiveServer()
        let ada = try TestClient(server, as: "Ada")
        let talk = try TerminalChild(["talk", server.url, "--username", "ada"])
        try talk.wait(for: "Your name: ")
        talk.type("\u{202E}\r")
        try talk.wait(for: "all of them visible")
        talk.type("Eve\r")
        _ = try ada.expect("join", of: "Eve")
    }

    @Test(arguments: [nil, SIGINT, SIGQUIT])
    func endOfInput_interrupt_andQuit_leave(signal: Int32?) throws {
        let server = try LiveServer()
        let ada = try TestClient(server, as: "Ada")
        let talk = try TerminalChild(["talk", server.url, "--username", "Bo"])
        try talk.wait(for: "joined")
        if let signal { talk.child.signal(signal) } else { talk.type("\u{4}") }
        #expect(try talk.waitForEnd().ending == .exited(0))
        #expect(talk.mode == (true, true))
        _ = try ada.skip(to: "leave", of: "Bo", within: 4)
    }

    @Test func resize_drawsForTheNewWidth() throws {
        let server = try LiveServer()
        let talk = try TerminalChild(
            ["talk", server.url, "--username", "Bo"], environment: ["NO_COLOR": "1"], columns: 80)
        try talk.wait(for: "joined")
        talk.type(String(repeating: "abcdefghij", count: 5))
        try talk.wait(for: "Bo> " + String(repeating: "abcdefghij", count: 5))
        talk.resize(columns: 24)
        // The end of it, as much as fits.
        try talk.wait(for: "Bo> bcdefghijabcdefghij")
    }

    @Test func tab_completesNames_andUpBringsLinesBack() throws {
        let server = try LiveServer()
        let ada = try TestClient(server, as: "Adelheid")
        let talk = try TerminalChild(["talk", server.url, "--username", "Bo"])
        try talk.wait(for: "joined")
        talk.type("ad\tgood morning\r")
        #expect(try ada.skip(to: "message").said == "Adelheid: good morning")
        talk.type("\u{1B}[A again\r")
        #expect(try ada.skip(to: "message").said == "Adelheid: good morning again")
        // What is pasted is one message, line breaks and all.
        talk.type("\u{1B}[200~two\rlines\u{1B}[201~\r")
        #expect(try ada.skip(to: "message").said == "two\nlines")
    }

    @Test func typedLine_whileTooMuchWaits_isKept() throws {
        let server = try LiveServer()
        let talk = try TerminalChild(["talk", server.url, "--username", "Bo"])
        try talk.wait(for: "joined")
        try server.crash()
        try talk.wait(for: "lost")
        talk.type(String(repeating: "x\r", count: 1000))
        try talk.wait(for: "and 995 more")
        talk.type("one too many\r")
        try talk.wait(for: "!! Not sent")
        try talk.wait(for: "Bo> one too many")
    }

    /// Somebody else has the name by the time the connection is back.
    @Test func draft_isNotTakenForAName() throws {
        let server = try LiveServer("--ephemeral")
        let talk = try TerminalChild(["talk", server.url, "--username", "Bo"])
        try talk.wait(for: "joined")
        talk.type("half")
        try talk.wait(for: "Bo> half")
        try server.crash()
        try talk.wait(for: "lost")
        talk.child.signal(SIGSTOP)
        let next = try LiveServer("--ephemeral", "--port", "\(server.port)")
        let other = try TestClient(next, as: "Bo")
        talk.child.signal(SIGCONT)
        try talk.wait(for: "Your name: ")
        talk.type("Cy\r")
        _ = try other.expect("join", of: "Cy")
        try talk.wait(for: "Cy> half")
        talk.type(" a line\r")
        #expect(try other.skip(to: "message", of: "Cy").said == "half a line")
    }

    /// A line that the terminal breaks begins where the lines of others do.
    @Test func longMessage_cannotPoseAsSomebodyElsesLine() throws {
        let server = try LiveServer()
        let ada = try TestClient(server, as: "Ada")
        let talk = try TerminalChild(
            ["talk", server.url, "--username", "Bo"], environment: ["NO_COLOR": "1"], columns: 40)
        var screen = ScreenModel(columns: 40)
        screen.write(try talk.wait(for: "joined"))
        try ada.say("hello" + String(repeating: " ", count: 40 - 11 - 5) + "22:07 Cy: I agree with Ada")
        screen.write(try talk.wait(for: "with Ada"))
        #expect(screen.text.contains("      22:07 Cy: I agree with Ada"))
        #expect(!screen.text.contains { $0.hasPrefix("22:07 Cy") })
    }

    @Test func stop_leavesTheTerminal_andContinueComesBack() throws {
        let server = try LiveServer()
        let ada = try TestClient(server, as: "Ada")
        let talk = try TerminalChild(["talk", server.url, "--username", "Bo"])
        try talk.wait(for: "joined")
        talk.type("half")
        try talk.wait(for: "Bo> half")
        for _ in 0..<2 {
            talk.child.signal(SIGTSTP)
            // The prompt is gone, and pasted text comes without brackets.
            try talk.wait(for: "\r\u{1B}[J\u{1B}[?2004l")
            try talk.child.waitForStop()
            #expect(talk.mode == (true, true))
            talk.child.signal(SIGCONT)
            try talk.wait(for: "\u{1B}[?2004h")
            try talk.wait(for: "Bo> half")
            #expect(talk.mode == (false, false))
        }
        talk.type("\r")
        #expect(try ada.skip(to: "message", of: "Bo").said == "half")
    }
}
