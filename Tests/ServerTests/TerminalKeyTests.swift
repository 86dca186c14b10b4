import Foundation
import Support
import Testing

/// What keys do in `chatloop talk`, and what a person is shown.
@Suite(.ownThreads) struct TerminalKeyTests {
    // MARK: Keys

    @Test func controlC_clearsTheLineOnce_andLeavesTheSecondTime() throws {
        let server = try LiveServer()
        let ada = try TestClient(server, as: "Ada")
        let talk = try TerminalChild(["talk", server.url, "--username", "Bo"])
        try talk.wait(for: "joined")
        talk.type("a long thought")
        try talk.wait(for: "Bo> a long thought")
        talk.type("\u{3}")
        try talk.wait(for: "Control-C once more leaves")
        // It is not lost: Control-Y has it, and so has Up.
        talk.type("\u{19}")
        try talk.wait(for: "Bo> a long thought")
        talk.type("\u{15}\u{1B}[A!\r")
        #expect(try ada.skip(to: "message", of: "Bo").said == "a long thought!")
        // Another key between two of them makes the second the first.
        talk.type("\u{3}x\u{3}")
        try talk.wait(for: "once more")
        try talk.wait(for: "once more")
        talk.type("\u{3}")
        #expect(try talk.waitForEnd().ending == .exited(0))
        #expect(talk.mode == (true, true))
        _ = try ada.skip(to: "leave", of: "Bo", within: 4)
    }

    @Test func aPastedText_hasNoEmptyLines() throws {
        let server = try LiveServer()
        let ada = try TestClient(server, as: "Ada")
        let talk = try TerminalChild(["talk", server.url, "--username", "Bo"])
        try talk.wait(for: "joined")
        talk.type("\u{1B}[200~one\r\ntwo\r\n\u{1B}[201~\r")
        #expect(try ada.skip(to: "message", of: "Bo").said == "one\ntwo")
        // Keys that mean nothing are no text.
        talk.type("\u{1B}[[A\u{1B}]0;x\u{7}\u{1B}P1\u{1B}\\\u{1B}[1;2;3;4;5;6;7;8;9;10;11;12;13mok\r")
        #expect(try ada.skip(to: "message", of: "Bo").said == "ok")
    }

    /// Terminals disagree on how wide these are. Wherever this one puts them, the cursor is where the next key goes.
    @Test(arguments: [0, 1, 2])
    func theCursor_isBehindWhatWasTyped_howeverWideEmojiAre(width: Int) throws {
        let server = try LiveServer()
        let talk = try TerminalChild(
            ["talk", server.url, "--username", "Bo"], environment: ["NO_COLOR": "1"], columns: 30)
        var screen = ScreenModel(columns: 30) { scalar in
            scalar == "\u{FE0F}" ? (width == 0 ? 0 : 1) : scalar.value > 0x2000 ? max(1, width) : 1
        }
        screen.write(try talk.wait(for: "joined"))
        screen.write(try talk.wait(for: "Bo> \u{1B}[?7h"))
        talk.type("❤️❤️ab\u{1B}[D\u{1B}[D")
        screen.write(try talk.wait(for: "\u{1B}7ab\u{1B}8\u{1B}[?7h"))
        #expect(screen.rows.last?.firstIndex(of: "a") == screen.cursor)
        // Too long by this terminal's measure: it ends at the margin and does not run over what stands above.
        let above = screen.text.count
        talk.type("\u{5}" + String(repeating: "❤️", count: 40))
        screen.write(try talk.wait(for: "❤️\u{1B}[?7h"))
        talk.type("\u{15}x")
        screen.write(try talk.wait(for: "Bo> x\u{1B}[?7h"))
        #expect(screen.text.count == above && screen.text.last == "Bo> x")
    }

    @Test(arguments: [1, 2, 5, 12])
    func aVeryNarrowTerminal_isDrawnOnWithinItsWidth(columns: Int) throws {
        let server = try LiveServer()
        let ada = try TestClient(server, as: "Ada")
        let talk = try TerminalChild(
            ["talk", server.url, "--username", "Bo"], environment: ["NO_COLOR": "1"], columns: UInt16(columns))
        try talk.wait(for: "\u{1B}[?7h")
        _ = try ada.skip(to: "join", of: "Bo")
        talk.type("hello there\r")
        #expect(try ada.skip(to: "message", of: "Bo").said == "hello there")
        talk.type("\u{4}")
        let end = try talk.waitForEnd()
        #expect(end.ending == .exited(0))
        // Where a row is wrapped by us, no row is longer than the terminal.
        let rows = end.shown.replacing(#/\x1B(\[[0-9;?]*[A-Za-z]|[78])/#, with: "").split(whereSeparator: \.isNewline)
        #expect(rows.filter { $0.count > max(columns, 2) }.map(String.init) == [])
    }

    @Test func enter_triesToConnectNow() throws {
        let server = try LiveServer("--ephemeral")
        let talk = try TerminalChild(["talk", server.url, "--username", "Bo"])
        try talk.wait(for: "joined")
        let port = server.port
        try server.crash()
        // Until the waits are long: the third try is at least 2.5 seconds away.
        try talk.wait(for: "Reconnecting in 5 s; Enter tries now")
        let next = try LiveServer("--ephemeral", "--port", "\(port)")
        let start = Deadline.now
        talk.type("\r")
        try talk.wait(for: "Connected again")
        #expect(Deadline.now - start < 2)
        _ = next
    }

    // MARK: Being told

    @Test func aMention_isHighlighted_andRingsTheBell() throws {
        let server = try LiveServer()
        let ada = try TestClient(server, as: "Ada")
        try ada.say("Bo was not here yet")
        let talk = try TerminalChild(["talk", server.url, "--username", "Bo"])
        var shown = try talk.wait(for: "joined")
        _ = try ada.skip(to: "join", of: "Bo")
        try ada.say("Bob is somebody else")
        shown += try talk.wait(for: "somebody else")
        talk.type("I am Bo\r")
        shown += try talk.wait(for: ": I am Bo")
        // Of what is past nothing rings, nor of what is one's own.
        #expect(!shown.contains("\u{7}") && shown.contains("\u{1B}[1;7mBo\u{1B}[0m was"))
        try ada.say("hi bo!")
        let mention = try talk.wait(for: "hi \u{1B}[1;7mbo\u{1B}[0m!")
        #expect(!mention.contains("\u{7}\u{7}"))
        if !mention.contains("\u{7}") { try talk.wait(for: "\u{7}") }
    }

    @Test func anAnswerToOneself_ringsTheBell() throws {
        let chat = try ScriptedChat { message, _ in
            guard message.type == "join" else { return [] }
            let own = #"{"type":"message","seq":1,"time":1,"username":"Bo","user":"user-of-own","text":"why?"}"#
            let answer = #"{"type":"message","seq":2,"time":2,"username":"Eve","user":"u-e","text":"so","reply":1}"#
            return [ScriptedChat.welcome("Bo", seq: 1, more: #","history":[\#(own)]"#), .text(answer)]
        }
        let talk = try TerminalChild(["talk", chat.url, "--username", "Bo"], environment: ["NO_COLOR": "1"])
        let shown = try talk.wait(for: "Eve (to Bo: “why?”): so")
        if !shown.contains("\u{7}") { try talk.wait(for: "\u{7}") }
    }

    @Test func words_areWrappedAndNotDivided() throws {
        let server = try LiveServer()
        let ada = try TestClient(server, as: "Ada")
        let talk = try TerminalChild(
            ["talk", server.url, "--username", "Bo"], environment: ["NO_COLOR": "1"], columns: 40)
        var screen = ScreenModel(columns: 40)
        screen.write(try talk.wait(for: "joined"))
        try ada.say("a sentence that is too long for one row of this terminal")
        screen.write(try talk.wait(for: "terminal"))
        let rows = screen.text.suffix(2).map { $0.drop { $0.isNumber || $0 == ":" } }
        #expect(rows == [" Ada: a sentence that is too long", "      for one row of this terminal"])
    }
}
