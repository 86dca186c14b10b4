import Foundation
import Support
import Testing

/// Nodes on one engine, over the wire: what one of them is told holds at all.
@Suite(.ownThreads, .enabled(if: RealEngine.isInstalled, Comment(rawValue: RealEngine.isMissing)))
struct ClusterServerTests {
    private func start(_ engine: RealEngine, _ options: String...) throws -> LiveServer {
        try LiveServer(options: ["--cluster", "unix:\(engine.socketPath)", "--keep-days", "30"] + options)
    }

    private func command(_ arguments: String...) throws -> (ending: Child.Ending, output: String, errors: String) {
        let child = try Command.start(arguments)
        let output = try child.rest()
        let ending = try child.wait()
        return (ending, output, child.allErrors())
    }

    @Test func peopleAtTwoNodes_areInOneRoom() throws {
        let engine = try RealEngine()
        let (one, two) = (try start(engine), try start(engine))
        let (ada, _) = try enter(one, "Ada", "a")
        let (bo, welcome) = try enter(two, "Bo", "b")
        #expect(welcome["users"] == ["Bo", "Ada"])
        #expect(try ada.skip(to: "join", of: "Bo")["username"] == "Bo")
        try ada.say("hello", id: "1")
        #expect(try bo.skip(to: "message").said == "hello")
        try bo.send(["type": "react", "target": 3, "emoji": "👍"])
        #expect(try ada.skip(to: "react")["username"] == "Bo")
        try bo.send(["type": "typing"])
        #expect(try ada.skip(to: "typing")["username"] == "Bo")
        try ada.send(["type": "edit", "target": 3, "text": "hello all"])
        #expect(try bo.skip(to: "edit")["text"] == "hello all")
        try bo.send(["type": "search", "text": "hello all"])
        #expect((try bo.skip(to: "found")["events"] as [JSON]).map(\.said) == ["hello all"])
        #expect(try enter(two, "Ada", "c").answer["code"] == "username_taken")
        // Whoever says good-bye leaves at once, everywhere.
        try ada.close(.normal)
        #expect(try bo.skip(to: "leave")["username"] == "Ada")
    }

    @Test func historyBeyondMemory_isReadFromTheEngine_atANodeThatHasJustCome() throws {
        let engine = try RealEngine()
        let one = try start(engine, "--message-rate", "0")
        let (ada, _) = try enter(one, "Ada", "a")
        let text = String(repeating: "x", count: 1000)
        for number in 0..<1500 { try ada.say("\(number) \(text)") }
        while try !ada.skip(to: "message").said.hasPrefix("1499 ") {}
        try one.crash()
        let two = try start(engine)
        let (bo, _) = try enter(two, "Bo", "b")
        try bo.send(["type": "history", "before": 100, "limit": 3])
        let page: [JSON] = try bo.skip(to: "history")["events"]
        #expect(page.map { $0.said.split(separator: " ")[0] } == ["95", "96", "97"])
        #expect(page.map(\.seq) == [97, 98, 99])
        try bo.send(["type": "history", "after": 95, "limit": 3])
        #expect((try bo.skip(to: "history")["events"] as [JSON]).map(\.seq) == [96, 97, 98])
        // One that is in no node's memory is changed like any other.
        try bo.send(["type": "react", "target": 50, "emoji": "🎉"])
        #expect(try bo.skip(to: "react")["target"] == 50)
        try bo.send(["type": "history", "before": 51, "limit": 1])
        let again: [JSON] = try bo.skip(to: "history")["events"]
        #expect(again[0].value("reactions") != nil)
        try bo.send(["type": "search", "text": "17 xxx", "before": 60])
        #expect((try bo.skip(to: "found")["events"] as [JSON]).map(\.seq) == [19])
    }

    /// A minute later it is in no record, no snapshot and no block of the history: neither the text nor that of its edit.
    @Test func deletedText_leavesTheEngine() throws {
        let engine = try RealEngine()
        let server = try start(engine, "--message-rate", "0")
        let (ada, _) = try enter(server, "Ada", "a")
        try ada.say("a secret word")
        let seq = try ada.skip(to: "message").seq
        let text = String(repeating: "x", count: 1000)
        for number in 0..<1200 { try ada.say("\(number) \(text)") }
        while try !ada.skip(to: "message").said.hasPrefix("1199 ") {}
        try ada.send(["type": "edit", "target": seq, "text": "another secret word"])
        _ = try ada.skip(to: "edit")
        #expect(try engine.count("a secret word") > 0 && engine.count("another secret word") > 0)
        try ada.send(["type": "delete", "target": seq])
        _ = try ada.skip(to: "delete")
        let end = Deadline(seconds: 60)
        while try engine.count("secret word") > 0 {
            try #require(!end.isOver, "what was deleted is in the engine still")
            Thread.sleep(forTimeInterval: 1)
        }
        // And nothing else has gone with it.
        try ada.send(["type": "history", "before": seq + 3, "limit": 3])
        let page: [JSON] = try ada.skip(to: "history")["events"]
        #expect(page.map(\.seq) == [seq, seq + 1, seq + 2] && page[0]["deleted"] == true)
        #expect(page[1].said.hasPrefix("0 x") && page[2].said.hasPrefix("1 x"))
    }

    @Test func operatorsBansAndTokens_holdAtAllNodes() throws {
        let engine = try RealEngine()
        let (one, two) = (try start(engine), try start(engine))
        let place = "unix:\(engine.socketPath)"
        let link = try command("operator", "--cluster", place).output.trimmingCharacters(in: .whitespacesAndNewlines)
        let code = String(link.split(separator: "=").last ?? "")
        let (ada, welcome) = try enter(one, "Ada", "a", more: ["operator": code])
        #expect(welcome["role"] == "operator")
        let (cy, second) = try enter(two, "Cy", "c", more: ["operator": code])
        #expect(second.type == "welcome" && second["role"] == nil as String?)
        try ada.send(["type": "moderate", "action": "ban", "username": "Cy"])
        _ = try ada.skip(to: "moderation")
        #expect(try cy.expectClose().code == 4003)
        #expect(try enter(two, "Cy", "c").answer["code"] == "banned")
        // From all rooms: that reaches the other node by the server's own records.
        let end = Deadline(seconds: Deadline.standard)
        while try enter(two, "Cy", "c", room: "other").answer["code"] != "banned" {
            try #require(!end.isOver, "the ban does not reach the other node")
        }
        let token = try command("token", "builds", "--cluster", place).output.trimmingCharacters(
            in: .whitespacesAndNewlines)
        for server in [one, two] {
            let socket = try server.connect()
            try socket.send(
                server.head(
                    "POST", "/r/builds", ["Authorization: Bearer \(token)", "Content-Length: 1", "Connection: close"])
                    + "x")
            #expect(try socket.answer(to: "POST").status == 201)
        }
        #expect(try command("token", "--list", "--cluster", place).output.hasSuffix("  builds\n"))
        #expect(try command("token", "builds", "--remove", "--cluster", place).ending == .exited(0))
        #expect(try command("token", "--list", "--cluster", place).output == "")
    }

    @Test func engineThatIsAway_isSaid_andAllGoesOnByItself() throws {
        let engine = try RealEngine()
        let server = try start(engine, "--join-timeout", "0.5")
        let (ada, welcome) = try enter(server, "Ada", "a")
        #expect(welcome["keeping"] == true)
        try engine.kill()
        #expect(try ada.skip(to: "state")["keeping"] == false)
        #expect(try server.request("GET", "/healthz").text == "not keeping: cluster")
        #expect(try server.request("GET", "/healthz?ready").status == 503)
        // Whoever comes now waits, however long that takes: here, and in a room that is still to be loaded.
        let newcomers = [try TestClient(server), try TestClient(server, room: "other")]
        for newcomer in newcomers { try newcomer.send(["type": "join", "username": "Bo"]) }
        _ = Deadline(seconds: 1.5).wait(for: -1)
        try ada.say("meanwhile", id: "1")
        try engine.restart()
        // In either order: the answer and the record come over two connections.
        var (isKeeping, said) = (false, JSON?.none)
        while !isKeeping || said == nil {
            let message = try ada.next("the engine's return", within: 20)
            if message.type == "state" { isKeeping = message["keeping"] == true }
            if message.type == "message" { said = message }
        }
        let message = try #require(said)
        #expect(message.said == "meanwhile" && message.seq > 1 << 32)
        for newcomer in newcomers { #expect(try newcomer.next("welcome", within: 20)["username"] == "Bo") }
        #expect(try server.request("GET", "/healthz?ready").text == "ok")
        #expect(try server.metric("cluster_records_appended_total") > 0)
    }

    @Test func nodeThatCannotBegin_saysWhy() throws {
        let engine = try RealEngine()
        let server = try start(engine, "--node", "one")
        let place = ["serve", "--cluster", "unix:\(engine.socketPath)", "--keep-days", "30", "--port", "0"]
        func refusal(_ options: [String]) throws -> (Child.Ending, String) {
            let child = try Command.start(options)
            let ending = try child.wait()
            return (ending, child.allErrors())
        }
        let (taken, name) = try refusal(place + ["--node", "one"])
        #expect(taken == .exited(69) && name.contains("a node of this name is alive: give another with --node"))
        let (other, rules) = try refusal(place + ["--rooms", "a,b"])
        #expect(other == .exited(69) && rules.contains("any room") && rules.contains("--rooms a,b"))
        let (absent, reason) = try refusal(
            ["serve", "--cluster", "unix:/nowhere/engine.sock", "--keep-days", "30", "--port", "0"])
        #expect(absent == .exited(69) && reason.contains("/nowhere/engine.sock"))
        #expect(try server.stop() == .exited(0))
        // Its name is free at once.
        #expect(try start(engine, "--node", "one").stop() == .exited(0))
    }

    @Test func importBringsAFolderIn_once() throws {
        let engine = try RealEngine()
        let place = "unix:\(engine.socketPath)"
        let folder = try TemporaryFolder()
        let data = folder.path + "/data"
        let old = try LiveServer("--data", data, "--message-rate", "0")
        let token = try command("token", "builds", "--data", data).output
        #expect(!token.isEmpty)
        let (ada, _) = try enter(old, "Ada", "a")
        for number in 0..<400 { try ada.say("old \(number)") }
        while try ada.skip(to: "message").said != "old 399" {}
        try ada.send(["type": "delete", "target": 10])
        _ = try ada.skip(to: "delete")
        let busy = try command("import", "--data", data, "--cluster", place)
        #expect(busy.ending == .exited(73) && busy.errors.contains("a chatloop uses it"))
        #expect(try old.stop() == .exited(0))
        let done = try command("import", "--data", data, "--cluster", place)
        #expect(done.ending == .exited(0) && done.output == "garden\n", "\(done.errors)")
        let again = try command("import", "--data", data, "--cluster", place)
        #expect(again.ending == .exited(73) && again.errors.contains("in use already"))
        let server = try start(engine)
        let (back, welcome) = try enter(server, "Ada again", "a")
        #expect(welcome["role"] == "host")
        try back.send(["type": "history", "before": 13, "limit": 4])
        let page: [JSON] = try back.skip(to: "history")["events"]
        #expect(page.map(\.seq) == [9, 10, 11, 12])
        #expect(page.map { $0["text"] } == ["old 7", nil, "old 9", "old 10"])
        #expect(try command("token", "--list", "--cluster", place).output.hasSuffix("  builds\n"))
        // The folder is as it was.
        let reopened = try LiveServer("--data", data)
        #expect(try enter(reopened, "Ada again", "a").answer["role"] == "host")
    }

    @Test func processesShareAPort() throws {
        let engine = try RealEngine()
        let one = try start(engine, "--reuse-port")
        let two = try start(engine, "--reuse-port", "--port", "\(one.port)")
        #expect(one.port == two.port)
        let (ada, _) = try enter(one, "Ada", "a")
        var others: [TestClient] = []
        for number in 0..<12 { others.append(try enter(one, "P\(number)", "p").client) }
        try ada.say("to all")
        for other in others { #expect(try other.skip(to: "message").said == "to all") }
        // Each new connection comes to either of them.
        var processes: Set<Double> = []
        for _ in 0..<40 { processes.insert(try one.metric("process_start_time_seconds")) }
        #expect(processes.count == 2)
    }
}
