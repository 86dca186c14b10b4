import Foundation
import Support
import Testing

/// Questions and slash commands in `chatloop talk`.
@Suite struct TerminalCommandTests {
    // MARK: Doors and addresses

    @Test func aPassword_isAskedFor_andNotShown() throws {
        let chat = try ScriptedChat { message, _ in
            guard message.type == "join" else { return [] }
            if message["password"] == "sesame" { return [ScriptedChat.welcome("Bo")] }
            return [.text(#"{"type":"error","code":"password_required","message":"It takes a password."}"#)]
        }
        let talk = try TerminalChild(["talk", chat.url, "--username", "Bo"])
        try talk.wait(for: "It takes a password.")
        try talk.wait(for: "Password: ")
        talk.type("guess\r")
        try talk.wait(for: "It takes a password.")
        talk.type("sesame")
        let shown = try talk.wait(for: "••••••")
        talk.type("\r")
        let more = try talk.wait(for: "Connected to")
        #expect(!(shown + more).contains("sesame") && !(shown + more).contains("guess"))
        // It is in no list of earlier lines.
        talk.type("\u{1B}[A.\r")
        #expect(try chat.next("message").said == ".")
    }

    @Test func aURL_isReadFromTheTerminal() throws {
        let chat = try ScriptedChat { message, _ in message.type == "join" ? [ScriptedChat.welcome("Bo")] : [] }
        let talk = try TerminalChild(["talk", "-", "--username", "Bo"])
        try talk.wait(for: "URL of the chat: ")
        talk.type(" \(chat.url)r/b#operator=secret-code \n")
        #expect(try chat.next("join")["operator"] == "secret-code")
        try talk.wait(for: "Bo> ")
        talk.type("/quit\r")
        #expect(try talk.waitForEnd().ending == .exited(0))
    }

    // MARK: Commands

    private static let history =
        #","history":[{"type":"message","seq":3,"time":1,"username":"Eve Ada","user":"u-e","text":"hello"},"#
        + #"{"type":"message","seq":4,"time":2,"username":"Bo","user":"user-of-own","text":"mine"}],"#
        + #""topic":"the topic","role":"host","people":[{"username":"Eve Ada","user":"u-e"}]"#

    @Test func commands_areWhatTheProtocolHasForThem() throws {
        let chat = try ScriptedChat { message, _ in
            switch message.type {
            case "join":
                let name = message["username"] ?? ""
                return [
                    ScriptedChat.welcome(name, seq: 4, more: Self.history),
                    .text(#"{"type":"join","seq":5,"time":3,"username":"Eve Ada","user":"u-e"}"#),
                ]
            case "edit", "delete", "react", "moderate", "message":
                return [.text(#"{"type":"done","id":"\#(message["id"] ?? "")","seq":1}"#)]
            default: return []
            }
        }
        let talk = try TerminalChild(["talk", chat.url, "--username", "Bo"], columns: 200)
        try talk.wait(for: "You are a host")
        try talk.wait(for: "Eve Ada")
        func message(_ line: String, _ type: String) throws -> [String: String] {
            talk.type(line + "\r")
            let message = try chat.next(type)
            var fields: [String: String] = [:]
            for key in message.keys where key != "type" && key != "id" { fields[key] = "\(message.value(key) ?? "")" }
            return fields
        }
        #expect(try message("/rename Bob", "rename") == ["username": "Bob"])
        #expect(try message("/nick Bobby", "rename") == ["username": "Bobby"])
        #expect(try message("/me waves", "message") == ["text": "/me waves"])
        #expect(try message("/search some words", "search") == ["text": "some words", "limit": "20"])
        #expect(try message("/reply yes", "message") == ["text": "yes", "reply": "3"])
        #expect(try message("/reply #77 yes", "message") == ["text": "yes", "reply": "77"])
        #expect(try message("/edit better", "edit") == ["target": "4", "text": "better"])
        #expect(try message("/delete", "delete") == ["target": "4"])
        #expect(try message("/delete #3", "delete") == ["target": "3"])
        #expect(try message("/react 👍", "react") == ["target": "3", "emoji": "👍"])
        #expect(try message("/topic new topic", "moderate") == ["action": "topic", "text": "new topic"])
        #expect(try message("/topic", "moderate") == ["action": "topic", "text": ""])
        #expect(try message("/reply\r\u{5}indeed", "message") == ["text": "indeed", "reply": "3"])
        #expect(try message("/edit\r\u{5}!", "edit") == ["target": "4", "text": "mine!"])
        #expect(
            try message("/kick eve ada too loud", "moderate")
                == ["action": "kick", "user": "u-e", "reason": "too loud"])
        #expect(
            try message("/ban user:u-e 5 +address spam", "moderate")
                == ["action": "ban", "user": "u-e", "minutes": "5", "address": "1", "reason": "spam"])
        #expect(try message("/unban Eve", "moderate") == ["action": "unban", "username": "Eve"])
        #expect(try message("/bans", "moderate") == ["action": "bans"])
        #expect(try message("/mute Eve 5", "moderate") == ["action": "mute", "username": "Eve", "minutes": "5"])
        #expect(try message("/unmute Eve", "moderate") == ["action": "unmute", "username": "Eve"])
        #expect(try message("/slow 30", "moderate") == ["action": "slow", "seconds": "30"])
        #expect(try message("/lock", "moderate") == ["action": "lock"])
        #expect(try message("/invite", "moderate") == ["action": "invite"])
        #expect(try message("/unlock", "moderate") == ["action": "unlock"])
        #expect(try message("/purge Eve 5", "moderate") == ["action": "purge", "username": "Eve", "minutes": "5"])
        #expect(try message("/host Eve", "moderate") == ["action": "host", "username": "Eve"])
        #expect(try message("/unhost Eve", "moderate") == ["action": "unhost", "username": "Eve"])
        #expect(try message("/whois Eve", "moderate") == ["action": "whois", "username": "Eve"])
        #expect(try message("//slash", "message") == ["text": "/slash"])
        talk.type("/who\r/help\r/wat\r")
        try talk.wait(for: "here: ")
        try talk.wait(for: "Topic: the topic")
        try talk.wait(for: "/unhost NAME")
        try talk.wait(for: "There is no command /wat")
    }

    /// The same reaction once more takes it back.
    @Test func reactions_areToggled() throws {
        let chat = try ScriptedChat { message, _ in
            switch message.type {
            case "join": return [ScriptedChat.welcome("Bo", seq: 4, more: Self.history)]
            case "react":
                let isOn = message["on"] ?? true
                let fields = #""time":1,"username":"Bo","user":"user-of-own","target":3,"emoji":"👍","on":\#(isOn)"#
                return [.text(#"{"type":"react","seq":\#(isOn ? 5 : 6),\#(fields),"id":"\#(message["id"] ?? "")"}"#)]
            default: return []
            }
        }
        let talk = try TerminalChild(["talk", chat.url, "--username", "Bo"], environment: ["NO_COLOR": "1"])
        try talk.wait(for: "Bo: mine")
        talk.type("/react 👍\r")
        #expect(try chat.next("react").value("on") == nil)
        try talk.wait(for: "reacted with 👍")
        talk.type("/react 👍\r")
        #expect(try chat.next("react")["on"] == false)
        try talk.wait(for: "took back 👍")
    }

    @Test func join_goesToAnotherRoom_andBackWhereThatIsClosed() throws {
        let server = try LiveServer()
        let ada = try TestClient(server, as: "Ada")
        let eve = try TestClient(server, as: "Eve", room: "garden")
        let talk = try TerminalChild(["talk", server.url, "--username", "Bo"], environment: ["NO_COLOR": "1"])
        try talk.wait(for: "joined")
        talk.type("/join garden\r")
        _ = try ada.skip(to: "leave", of: "Bo", within: 4)
        _ = try eve.expect("join", of: "Bo")
        try talk.wait(for: "room garden")
        talk.type("hello\r")
        #expect(try eve.expect("message", of: "Bo").said == "hello")
        // Somebody else has the name there: back to where one was.
        let other = try TestClient(server, as: "Bo", room: "attic")
        talk.type("/join attic\r")
        try talk.wait(for: "!! ")
        talk.type("back again\r")
        #expect(try eve.skip(to: "message", of: "Bo").said == "back again")
        talk.type("/join NO ROOM\r")
        try talk.wait(for: "/join ROOM")
        _ = other
    }
}
