import Foundation
import Support
import Testing

/// What is not kept any longer: of what was said long ago, and of what is too much.
@Suite(.ownThreads) struct RetentionTests {
    /// All that stands in a room's files.
    private func kept(_ folder: TemporaryFolder) throws -> [String: String] {
        let room = folder.path + "/rooms/lobby"
        var found: [String: String] = [:]
        for name in try FileManager.default.contentsOfDirectory(atPath: room) {
            // One may go between the two.
            found[name] = (try? String(contentsOfFile: room + "/" + name, encoding: .utf8)) ?? ""
        }
        return found
    }

    @Test func whatWasSaidTenDaysAgo_isGoneWithKeepDays() throws {
        let folder = try TemporaryFolder()
        var server = try LiveServer("--data", folder.path)
        let ada = try TestClient(server, as: "Ada")
        for index in 0..<5 { try ada.say("old \(index)") }
        for _ in 0..<5 { _ = try ada.expect("message") }
        #expect(try server.stop() == .exited(0))
        // Ten days pass.
        let ago = (Int(Date().timeIntervalSince1970) / 100_000 - 9) * 100_000
        for (name, text) in try kept(folder) {
            let old = text.replacing(/"time":[0-9]+/, with: "\"time\":\(ago)000")
            try old.write(toFile: folder.path + "/rooms/lobby/" + name, atomically: true, encoding: .utf8)
        }
        server = try LiveServer("--data", folder.path, "--keep-days", "1")
        // Nobody has to come in for that.
        let deadline = Deadline(seconds: Deadline.standard)
        func isThere() throws -> Bool { try kept(folder).values.contains { $0.contains("old 1") } }
        while try isThere(), deadline.secondsLeft > 0 { usleep(50_000) }
        #expect(try !isThere())
        let bo = try TestClient(server)
        let welcome = try bo.join("Bo", since: 2)
        #expect(welcome["history"].isEmpty && welcome["gap"] == true)
        let seq = try bo.expect("join").seq
        #expect(seq > 6)
        try bo.send(["type": "history", "before": seq, "limit": 200])
        let page = try bo.expect("history")
        #expect(page["events"].isEmpty && page["more"] == false)
        try bo.send(["type": "react", "target": 3, "emoji": "👍"])
        #expect(try bo.expect("error")["code"] == "not_found")
        try bo.say("new")
        _ = try bo.expect("message")
        #expect(try server.stop() == .exited(0))
        // Without the option nothing comes back.
        server = try LiveServer("--data", folder.path)
        let carol = try TestClient(server)
        #expect(try carol.join("Carol")["history"].map(\.said) == ["new"])
    }

    @Test func aRoomTakesNoMoreThanKeepBytes() throws {
        let folder = try TemporaryFolder()
        let server = try LiveServer("--data", folder.path, "--keep-bytes", "200000", "--message-rate", "0")
        let ada = try TestClient(server, as: "Ada")
        for index in 0..<4000 {
            try ada.say("text \(index)")
            _ = try ada.expect("message")
        }
        // What has not been synced yet stays until it has.
        let deadline = Deadline(seconds: Deadline.standard)
        func size() throws -> Int { try kept(folder).values.reduce(0) { $0 + $1.utf8.count } }
        while try size() > 200_000, deadline.secondsLeft > 0 { usleep(50_000) }
        #expect(try size() <= 200_000)
        let bo = try TestClient(server)
        #expect(try bo.join("Bo")["history"].map(\.said) == (3900..<4000).map { "text \($0)" })
        _ = try bo.expect("join")
        // Paging ends where the past ends.
        var (before, texts, more) = (1 << 40, [String](), true)
        while more {
            try bo.send(["type": "history", "before": before, "limit": 200])
            let page = try bo.expect("history")
            let events: [JSON] = page["events"]
            texts = events.map(\.said) + texts
            (before, more) = (events.first?.seq ?? before, page["more"] == true)
            #expect(!events.isEmpty || !more)
            if events.isEmpty { break }
        }
        #expect(texts == (4000 - texts.count..<4000).map { "text \($0)" })
        #expect((500..<2000).contains(texts.count))
    }

    @Test func withoutADisk_theOldestIsForgottenToo() throws {
        let server = try LiveServer("--ephemeral", "--keep-bytes", "20000", "--message-rate", "0")
        let ada = try TestClient(server, as: "Ada")
        for index in 0..<1000 { try ada.say("text \(index)") }
        for _ in 0..<1000 { _ = try ada.expect("message") }
        try ada.send(["type": "history", "before": 1 << 40, "limit": 200])
        let texts: [JSON] = try ada.expect("history")["events"]
        try ada.send(["type": "history", "before": texts[0].seq, "limit": 200])
        let older: [JSON] = try ada.expect("history")["events"]
        #expect((texts + older).count < 300 && texts.last?.said == "text 999")
    }
}
