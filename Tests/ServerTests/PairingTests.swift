import Foundation
import Support
import Testing
import WebSocket

/// Strangers, two by two, over the wire.
@Suite(.ownThreads) struct PairingTests {
    private func key(_ letter: Character) -> String { String(repeating: letter, count: 16) }

    /// Somebody who waits for a stranger.
    private func wait(_ server: LiveServer, _ letter: Character, more: [String: Any] = [:]) throws -> TestClient {
        let client = try TestClient(server, target: "/pair", deflate: true, subprotocols: ["chatloop.v1"])
        try client.send(["type": "join", "key": key(letter)].merging(more) { $1 })
        return client
    }

    /// Brings two together, and returns what both were told.
    private func meet(_ server: LiveServer, _ one: Character = "a", _ other: Character = "b") throws -> JSON {
        let ada = try wait(server, one)
        #expect(try ada.expect("waiting")["count"] == 1)
        let bo = try wait(server, other)
        #expect(try bo.expect("waiting")["count"] == 2)
        let (toAda, toBo) = (try ada.expect("paired"), try bo.expect("paired"))
        for name in ["room", "invite"] { #expect(toAda[name] as String? == toBo[name]) }
        for client in [ada, bo] { #expect(try client.expectClose().code == 1000) }
        return toAda
    }

    private func enter(
        _ server: LiveServer, _ paired: JSON, _ name: String, _ letter: Character
    ) throws -> (client: TestClient, answer: JSON) {
        let client = try TestClient(server, room: paired["room"] ?? "")
        let invite: String = paired["invite"] ?? ""
        try client.send(["type": "join", "username": name, "key": key(letter), "invite": invite])
        return (client, try client.next())
    }

    @Test func two_meetTalkAndPart_andNothingIsKept() throws {
        let folder = try TemporaryFolder()
        let server = try LiveServer("--data", folder.path, "--pairing", "--rooms", "class", "--max-rooms", "1")
        let paired = try meet(server)
        let room: String = try #require(paired["room"])
        #expect(room.count == 26)
        let (ada, welcome) = try enter(server, paired, "Ada", "a")
        #expect(welcome.type == "welcome" && welcome["room"] == room)
        let (bo, _) = try enter(server, paired, "Bo", "b")
        #expect(try enter(server, paired, "Eve", "e").answer["code"] == "invite_required")
        try ada.say("hello, whoever you are")
        #expect(try bo.skip(to: "message")["text"] == "hello, whoever you are")
        #expect(try server.request("GET", "/r/\(room)/messages").status == 404)
        #expect(try server.request("GET", "/r/\(room)/about").text.contains(#""locked":true"#))
        try bo.close(.normal)
        #expect(try ada.skip(to: "leave")["username"] == "Bo")
        #expect(try ada.expectClose().code == 1000)
        #expect(try enter(server, paired, "Bo", "b").answer["code"] == "invite_required")
        #expect(!FileManager.default.fileExists(atPath: folder.path + "/rooms/\(room)"))
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path + "/rooms").isEmpty)
        #expect(try server.stop() == .exited(0))
    }

    @Test func aPost_isNotTaken() throws {
        let folder = try TemporaryFolder()
        let command = try Command.start(["token", "builds", "--data", folder.path])
        let token = try command.rest().trimmingCharacters(in: .whitespacesAndNewlines)
        let server = try LiveServer("--data", folder.path, "--pairing")
        let room: String = try #require(try meet(server)["room"])
        let socket = try server.connect()
        try socket.send(
            server.head(
                "POST", "/r/\(room)", ["Authorization: Bearer \(token)", "Content-Length: 2", "Connection: close"])
                + "hi")
        #expect(try socket.answer().status == 404)
    }

    @Test func afterAKill_whoeverComesBack_isNotLetIn() throws {
        let folder = try TemporaryFolder()
        var server = try LiveServer("--data", folder.path, "--pairing")
        let paired = try meet(server)
        _ = try enter(server, paired, "Ada", "a")
        try server.crash()
        server = try LiveServer("--data", folder.path, "--pairing")
        #expect(try enter(server, paired, "Ada", "a").answer["code"] == "invite_required")
    }

    @Test func aWait_outlivesTheTimeForTheJoin() throws {
        let server = try LiveServer("--pairing", "--join-timeout", "0.5")
        let ada = try wait(server, "a")
        _ = try ada.expect("waiting")
        let silent = try TestClient(server, target: "/pair")
        #expect(try silent.expectClose().code == 1008)
        _ = try wait(server, "b")
        #expect(try ada.expect("paired")["room"] != nil as String?)
    }

    @Test func whatIsWrong_isRefused() throws {
        let folder = try TemporaryFolder()
        try Data("sesame\n".utf8).write(to: URL(fileURLWithPath: folder.path + "/password"))
        let server = try LiveServer("--pairing", "--password-file", folder.path + "/password")
        let client = try TestClient(server, target: "/pair")
        try client.send(["type": "join"])
        _ = try client.expectError("bad_field")
        try client.send(["type": "join", "key": key("a")])
        _ = try client.expectError("password_required")
        try client.send(["type": "join", "key": key("a"), "password": "open"])
        _ = try client.expectError("password_wrong")
        try client.send(["type": "join", "key": key("a"), "password": "sesame"])
        _ = try client.expect("waiting")
        try client.send(["type": "join", "key": key("a"), "password": "sesame"])
        _ = try client.expectError("already_joined")
        try client.send(["type": "message", "text": "hi"])
        _ = try client.expectError("not_joined")
        try client.close(.normal)
        #expect(try client.expectClose().code == 1000)
    }

    @Test func theAddress_isThePages_andThereOnlyWithTheOption() throws {
        let server = try LiveServer("--pairing")
        let page = try server.request("GET", "/")
        for fields in [[], ["Upgrade: h2c"]] {
            let answer = try server.request("GET", "/pair", fields)
            #expect(answer.status == 200 && answer.body == page.body && answer["ETag"] == page["ETag"])
        }
        #expect(try server.request("HEAD", "/pair").status == 200)
        let foreign = try server.request("GET", "/pair", HandshakeTests.fields + ["Origin: https://elsewhere.example"])
        #expect(foreign.status == 403)
        let without = try LiveServer()
        #expect(try without.request("GET", "/pair").status == 404)
        #expect(try without.request("GET", "/pair", HandshakeTests.fields).status == 404)
    }

    @Test func aFolder_hasThePageThere_too() throws {
        let folder = try TemporaryFolder()
        try Data("<p>mine".utf8).write(to: URL(fileURLWithPath: folder.path + "/index.html"))
        let server = try LiveServer("--pairing", "--public", folder.path)
        #expect(try server.request("GET", "/pair").text == "<p>mine")
    }

    @Test func aRecording_ofThem_agrees() throws {
        let folder = try TemporaryFolder()
        let file = folder.path + "/record"
        let server = try LiveServer("--pairing", "--record", file)
        let paired = try meet(server)
        let (ada, _) = try enter(server, paired, "Ada", "a")
        let (bo, _) = try enter(server, paired, "Bo", "b")
        try ada.say("hello")
        _ = try bo.skip(to: "message")
        try bo.close(.normal)
        #expect(try ada.expectClose().code == 1000)
        #expect(try server.stop() == .exited(0))
        let replay = try Command.start(["replay", file])
        #expect(try replay.rest().contains("all of them agree"))
        #expect(try replay.wait() == .exited(0))
        let recorded = try Data(contentsOf: URL(fileURLWithPath: file))
        let invite: String = try #require(paired["invite"])
        #expect(recorded.range(of: Data(invite.utf8)) == nil)
    }
}
