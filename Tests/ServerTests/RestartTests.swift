import Support
import Testing

/// What survives the server, with a disk.
@Suite(.ownThreads) struct RestartTests {
    @Test(arguments: PollerChoice.allCases)
    func afterAKillThoseWhoComeBackMissNothingAndWereNeverGone(poller: PollerChoice) throws {
        let folder = try TemporaryFolder()
        var server = try LiveServer("--data", folder.path, poller: poller)
        let ada = try TestClient(server, as: "Ada")
        let bo = try TestClient(server, as: "Bo")
        try ada.say("before", id: "a1")
        let before = try ada.skip(to: "message")
        _ = try bo.expect("message")
        try server.crash()

        server = try LiveServer("--data", folder.path, poller: poller)
        let adaAgain = try TestClient(server)
        let welcome = try adaAgain.join("Ada", session: ada.session, since: before.seq)
        #expect(welcome["username"] == "Ada" && welcome["history"].isEmpty && welcome["gap"] == false)
        let boAgain = try TestClient(server)
        #expect(try boAgain.join("Bo", session: bo.session, since: 2)["history"].map(\.seq) == [before.seq])
        // Said again, because nobody could be sure that it had arrived: it is not said twice.
        try adaAgain.say("before", id: "a1")
        #expect(try adaAgain.expect("message").seq == before.seq)
        try adaAgain.say("after", id: "a2")
        #expect(try boAgain.expect("message").seq == before.seq + 1)
        try adaAgain.expectNothingElseAfterMessage()
    }

    @Test func theHistoryIsThereAfterAStop() throws {
        let folder = try TemporaryFolder()
        var server = try LiveServer("--data", folder.path, "--message-rate", "0")
        let ada = try TestClient(server, as: "Ada")
        for index in 0..<300 { try ada.say("\(index)") }
        for _ in 0..<300 { _ = try ada.expect("message") }
        #expect(try server.stop() == .exited(0))
        server = try LiveServer("--data", folder.path)
        let bo = try TestClient(server)
        let history: [JSON] = try bo.join("Bo")["history"]
        #expect(history.map(\.said) == (200..<300).map(String.init))
        _ = try bo.expect("join")
        try bo.send(["type": "history", "before": history[0].seq, "limit": 200])
        let page = try bo.expect("history")
        #expect(page["events"].map(\.said) == (0..<200).map(String.init) && page["more"] == false)
    }
}
