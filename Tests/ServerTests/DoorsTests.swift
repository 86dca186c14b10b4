import Foundation
import Support
import Testing

/// Doors that close, over the wire: hosts, operators, invitations, the password.
@Suite(.ownThreads) struct DoorsTests {
    private func moderate(_ client: TestClient, _ action: String, _ more: [String: Any] = [:]) throws {
        try client.send(["type": "moderate", "action": action].merging(more) { $1 })
    }

    @Test func host_bansAndLocks_acrossAKill() throws {
        let folder = try TemporaryFolder()
        var server = try LiveServer("--data", folder.path)
        let (ada, _) = try enter(server, "Ada", "a")
        try ada.say("first")
        #expect(try ada.skip(to: "message")["role"] == "host")
        let (bo, _) = try enter(server, "Bo", "b")
        try moderate(ada, "ban", ["username": "Bo"])
        #expect(try ada.skip(to: "moderation")["to"] == "Bo")
        #expect(try ada.expect("leave")["username"] == "Bo")
        #expect(try bo.expectClose().code == 4003)
        try moderate(ada, "lock")
        _ = try ada.expect("moderation")
        let invite: String = try #require(try ada.expect("invite")["invite"])
        try server.crash()
        server = try LiveServer("--data", folder.path)
        #expect(try enter(server, "Bo", "b").answer["code"] == "banned")
        #expect(try enter(server, "Cy", "c").answer["code"] == "invite_required")
        let welcome = try enter(server, "Cy", "c", more: ["invite": invite]).answer
        #expect(welcome.type == "welcome" && welcome["locked"] == true)
        let back = try enter(server, "Ada2", "a").client
        try moderate(back, "invite")
        #expect(try back.skip(to: "invite")["invite"] == invite)
    }

    @Test func operator_isMadeByTheCommandsLink_onceAndForGood() throws {
        let folder = try TemporaryFolder()
        var server = try LiveServer("--data", folder.path)
        let command = try Command.start(["operator", "--data", folder.path, "--url", "https://chat.example.org"])
        let link = try command.rest().trimmingCharacters(in: .whitespacesAndNewlines)
        #expect(try command.wait() == .exited(0))
        #expect(link.hasPrefix("https://chat.example.org/#operator="))
        let code = String(link.split(separator: "=").last ?? "")
        #expect(try enter(server, "Bo", "b", more: ["operator": "wrong"]).answer["role"] == nil as String?)
        let (ada, welcome) = try enter(server, "Ada", "a", more: ["operator": code])
        #expect(welcome["role"] == "operator")
        let (cy, second) = try enter(server, "Cy", "c", more: ["operator": code])
        #expect(second.type == "welcome" && second["role"] == nil as String?)
        // Operators see addresses, and nobody's ban is of this machine's.
        try moderate(ada, "whois", ["username": "Cy"])
        #expect(try ada.skip(to: "whois")["addresses"] == ["127.0.0.1"])
        try moderate(ada, "ban", ["username": "Cy", "address": true])
        _ = try ada.skip(to: "moderation")
        #expect(try cy.expectClose().code == 4003)
        #expect(try enter(server, "Cy", "c", room: "other").answer["code"] == "banned")
        #expect(try enter(server, "New", "n", room: "other").answer.type == "welcome")
        try server.crash()
        server = try LiveServer("--data", folder.path)
        #expect(try enter(server, "Ada", "a", room: "other").answer["role"] == "operator")
        #expect(try enter(server, "Cy", "c", room: "other").answer["code"] == "banned")
        let modes = try FileManager.default.attributesOfItem(atPath: folder.path + "/server.json")
        #expect((modes[.posixPermissions] as? Int) == 0o600)
    }

    @Test func operators_areNoneAnyMore_afterRenew() throws {
        let folder = try TemporaryFolder()
        let server = try LiveServer("--data", folder.path)
        func link(_ more: String...) throws -> String {
            let command = try Command.start(["operator", "--data", folder.path] + more)
            let text = try command.rest().trimmingCharacters(in: .whitespacesAndNewlines)
            return String(text.split(separator: "=").last ?? "")
        }
        let (ada, welcome) = try enter(server, "Ada", "a", more: ["operator": link()])
        #expect(welcome["role"] == "operator")
        let newCode = try link("--renew")
        // Nobody has opened the new link yet.
        let deadline = Deadline(seconds: Deadline.standard)
        var code: String?
        var seconds = 1
        while code == nil && deadline.secondsLeft > 0 {
            usleep(200_000)
            seconds = 3 - seconds
            try moderate(ada, "slow", ["seconds": seconds])
            var answer = try ada.next()
            while answer.type == "join" || answer.type == "leave" { answer = try ada.next() }
            code = answer["code"]
        }
        #expect(code == "not_allowed")
        #expect(try enter(server, "Bo", "b", more: ["operator": newCode]).answer["role"] == "operator")
        #expect(try enter(server, "Ada2", "a").answer["role"] == nil as String?)
    }

    @Test func operator_withoutADisk_isTheFirstToOpenTheLinkOnStandardError() throws {
        let server = try LiveServer("--ephemeral")
        _ = try enter(server, "Bo", "b")
        let line = server.child.allErrors().split(separator: "\n").first { $0.contains("#operator=") }
        let code = String(try #require(line?.split(separator: "=").last))
        #expect(try enter(server, "Ada", "a", more: ["operator": code]).answer["role"] == "operator")
    }

    @Test(arguments: [
        ["--url", "chat.example.org"], ["--url", "https://"], ["--url", "https://a/#x"], ["--data", ""], ["extra"],
        ["--x"],
    ])
    func operatorCommand_withABadArgument_isAUsageError(arguments: [String]) throws {
        let command = try Command.start(["operator"] + arguments)
        #expect(try command.wait() == .exited(64))
    }

    @Test func operatorCommand_whereNothingCanBeWritten_saysSo() throws {
        let command = try Command.start(["operator", "--data", "/proc/none"])
        #expect(try command.wait() == .exited(73))
    }

    @Test func password_isAsked_andReadAgainOnHangUp() throws {
        let folder = try TemporaryFolder()
        let file = folder.path + "/password"
        try "  first \nsecond\n".write(toFile: file, atomically: true, encoding: .utf8)
        let server = try LiveServer("--password-file", file)
        #expect(try enter(server, "Ada", "a").answer["code"] == "password_required")
        #expect(try enter(server, "Ada", "a", more: ["password": "second"]).answer["code"] == "password_wrong")
        let (ada, welcome) = try enter(server, "Ada", "a", more: ["password": "first"])
        #expect(welcome.type == "welcome")
        try "new".write(toFile: file, atomically: true, encoding: .utf8)
        server.child.signal(SIGHUP)
        let deadline = Date().addingTimeInterval(10)
        var answer = ""
        while answer != "welcome", Date() < deadline {
            answer = try enter(server, "Bo", "b", more: ["password": "new"]).answer.type
        }
        #expect(answer == "welcome")
        // It ends no connection.
        try ada.say("still here")
        _ = try ada.skip(to: "message")
    }

    @Test func passwordFile_thatHoldsNone_isAUsageError() throws {
        let folder = try TemporaryFolder()
        try "\nx".write(toFile: folder.path + "/empty", atomically: true, encoding: .utf8)
        for file in ["/empty", "/none"] {
            let command = try Command.start([
                "serve", "--port", "0", "--ephemeral", "--password-file", folder.path + file,
            ])
            #expect(try command.wait() == .exited(64))
        }
    }

    @Test func rooms_onlyNamedOnes_andTheFirstIsThePagesOwn() throws {
        let server = try LiveServer("--rooms", "plans,garden")
        #expect(try enter(server, "Ada", "a", room: "lobby").answer["room"] == "plans")
        #expect(try enter(server, "Ada", "a", room: "garden").answer["room"] == "garden")
        #expect(try enter(server, "Ada", "a", room: "other").answer["code"] == "room_invalid")
    }

    @Test func maxRooms_boundsThoseWithAFile_acrossAStop() throws {
        let folder = try TemporaryFolder()
        for restarts in [false, true] {
            let server = try LiveServer("--data", folder.path, "--max-rooms", "1")
            let (ada, _) = try enter(server, "Ada\(restarts)", "a", room: "first")
            try ada.say("hi")
            _ = try ada.skip(to: "message")
            let (bo, _) = try enter(server, "Bo\(restarts)", "b", room: "second")
            _ = try bo.skip(to: "join")
            try bo.say("hi")
            #expect(try bo.expectError("room_limit").type == "error", "\(restarts)")
            #expect(try server.stop() == .exited(0))
        }
    }
}
