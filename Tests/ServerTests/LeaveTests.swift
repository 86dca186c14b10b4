import Support
import Testing
import WebSocket

/// However a connection ends: one leave, at its time.
@Suite(.ownThreads) struct LeaveTests {
    @Test(arguments: PollerChoice.allCases)
    func whoSaysGoodByeLeavesAtOnce(poller: PollerChoice) throws {
        let server = try LiveServer(poller: poller)
        let ada = try TestClient(server, as: "Ada")
        let bo = try TestClient(server, as: "Bo")
        _ = try ada.expect("join", of: "Bo")
        let start = Deadline.now
        try bo.close(.normal)
        let leave = try ada.expect("leave", of: "Bo")
        #expect(leave.seq == 3 && leave.keys == ["type", "seq", "time", "username", "user"])
        #expect(Deadline.now - start < 4)
        #expect(try bo.expectClose().code == 1000)
        // The name is free, the session of no use any more.
        let again = try TestClient(server)
        #expect(try again.join("Bo", session: bo.session)["seq"] == 3)
        _ = try again.expect("join", of: "Bo")
    }

    @Test func whoClosesTheTabLeavesAfterFiveSecondsUnlessTheyComeBack() async throws {
        try await onThread {
            let server = try LiveServer()
            let ada = try TestClient(server, as: "Ada")
            let bo = try TestClient(server, as: "Bo")
            let cy = try TestClient(server, as: "Cy")
            for name in ["Bo", "Cy"] { _ = try ada.expect("join", of: name) }
            let start = Deadline.now
            try bo.close(.goingAway)
            try cy.close(.goingAway)
            #expect(try bo.expectClose().code == 1001)
            // Cy only reloads.
            let reloaded = try TestClient(server)
            #expect(try reloaded.join("Cy", session: cy.session)["userCount"] == 3)
            _ = try ada.expect("leave", of: "Bo")
            #expect((4.9..<20).contains(Deadline.now - start))
            try ada.expectNothingElse()
            try reloaded.say("still here")
            #expect(try ada.expect("message", of: "Cy").seq == 5)
        }
    }

    /// The ways to be lost, each of which gives thirty seconds to come back. All at once, since it takes as long.
    @Test(arguments: PollerChoice.allCases)
    func whoIsLostLeavesOnceAfterThirtySeconds(poller: PollerChoice) async throws {
        try await onThread {
            let server = try LiveServer(poller: poller)
            let observer = try TestClient(server, as: "Observer")
            let ways = ["FIN", "RST", "violation", "unmasked", "binary", "empty close", "code 3000", "back"]
            var people: [String: TestClient] = [:]
            for way in ways { people[way] = try TestClient(server, as: way) }
            func person(_ way: String) throws -> TestClient { try #require(people[way]) }
            let start = Deadline.now
            try person("FIN").socket.finish()
            try person("RST").socket.reset()
            try person("violation").socket.send([0xF1, 0x80, 0, 0, 0, 0])
            try person("unmasked").socket.send([0x81, 0x01, 0x61])
            try person("binary").send(binary: [1, 2, 3])
            try person("empty close").socket.send([0x88, 0x80, 0, 0, 0, 0])
            try person("code 3000").close(CloseCode(rawValue: 3000))
            try person("back").socket.reset()
            let codes = try ["violation", "unmasked", "binary", "empty close", "code 3000"].map {
                try person($0).expectClose().code
            }
            #expect(codes == [1002, 1002, 1003, nil, 3000])
            let back = try TestClient(server)
            try back.join("back", session: try person("back").session)

            let left = try leaves(ways.count - 1, seenBy: observer)
            #expect(Deadline.now - start >= 29.5)
            #expect(left.sorted() == ways.filter { $0 != "back" }.sorted())
            try observer.expectNothingElse()
            #expect(try TestClient(server).join("Late")["userCount"] == 3)
        }
    }

    @Test(arguments: PollerChoice.allCases)
    func whoDoesNotAnswerPingsIsLostAfterTwoIntervals(poller: PollerChoice) async throws {
        try await onThread {
            let server = try LiveServer("--ping-interval", "0.5", poller: poller)
            let observer = try TestClient(server, as: "Observer")
            let silent = try TestClient(server, as: "Silent")
            let start = Deadline.now
            #expect(try leaves(1, seenBy: observer) == ["Silent"])
            #expect(Deadline.now - start >= 30.5)
            // The connection was ended when the second interval was over, without a close frame.
            silent.answersPings = false
            #expect(throws: Failure.self) { try silent.expectClose() }
            #expect(silent.closing == nil)
            try observer.expectNothingElse()
        }
    }

    private func leaves(_ count: Int, seenBy observer: TestClient) throws -> [String] {
        var left: [String] = []
        while left.count < count {
            let event = try observer.next("a leave", within: 90)
            if event.type == "leave" { left.append(event["username"] ?? "") }
        }
        return left
    }
}
