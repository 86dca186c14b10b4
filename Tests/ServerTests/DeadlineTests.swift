import Foundation
import Support
import Testing
import WebSocket

/// What happens to those who say nothing, each deadline with the option that sets it. (The one for a request's head is in
/// `RequestTests.aSlowHeadIsA408`.)
@Suite(.ownThreads) struct DeadlineTests {
    @Test(arguments: PollerChoice.allCases)
    func aKeptConnectionIsNotKeptForever(poller: PollerChoice) throws {
        let server = try LiveServer("--keep-alive", "0.5", poller: poller)
        let socket = try TestSocket(port: server.port)
        let start = Deadline.now
        try socket.send(server.head("GET", "/healthz"))
        #expect(try socket.answer().status == 200)
        #expect(try socket.everything().isEmpty)
        #expect(Deadline.now - start >= 0.4)
    }

    @Test(arguments: PollerChoice.allCases)
    func whoDoesNotJoinIsSentAway(poller: PollerChoice) throws {
        let server = try LiveServer("--join-timeout", "0.5", poller: poller)
        let silent = try TestClient(server)
        // Neither does talk that is no join buy time.
        let chatty = try TestClient(server)
        try chatty.send(["type": "typing"])
        try chatty.ping()
        #expect(try silent.expectClose().code == 1008)
        #expect(try chatty.expectClose().code == 1008)
        // Whoever has joined has all the time there is.
        let ada = try TestClient(server, as: "Ada")
        #expect(try TestClient(server).expectClose().code == 1008)
        try ada.expectNothingElse()
    }

    /// A name that is taken can be tried anew for as long again.
    @Test func whoIsAskedForAnotherNameHasTimeForIt() throws {
        let server = try LiveServer("--join-timeout", "2")
        let ada = try TestClient(server, as: "Ada")
        let other = try TestClient(server)
        for _ in 0..<3 {
            #expect(!Deadline(seconds: 1).wait(for: other.socket.descriptor))
            try other.send(["type": "join", "username": "Ada"])
            _ = try other.expectError("username_taken")
        }
        try other.join("Bo")
        _ = ada
    }

    @Test(arguments: PollerChoice.allCases)
    func whoDoesNotAnswerACloseFrameIsNotWaitedForLong(poller: PollerChoice) throws {
        let server = try LiveServer("--close-timeout", "0.5", "--join-timeout", "0.3", poller: poller)
        let deaf = try TestSocket(port: server.port)
        try deaf.send(server.head("GET", "/chat", HandshakeTests.fields))
        #expect(try deaf.answer().status == 101)
        #expect(try deaf.receive()?.first == 0x88)
        // It answers nothing and ends nothing: the server does.
        #expect(try deaf.everything().isEmpty)
        #expect(try server.metric("connections") <= 2)
    }

    @Test(arguments: PollerChoice.allCases)
    func whoAnswersNoPingIsLost(poller: PollerChoice) throws {
        let server = try LiveServer("--ping-interval", "0.3", poller: poller)
        let ada = try TestClient(server, as: "Ada")
        let silent = try TestClient(server, as: "Silent")
        _ = try ada.expect("join", of: "Silent")
        let start = Deadline.now
        // Ada answers hers, and stays; nobody answers for the other. The name of the other stays for its time of grace.
        while try server.metric("members_present") != 1, Deadline.now - start < 20 { _ = try? ada.next(within: 0.1) }
        #expect(try server.metric("members_present") == 1)
        #expect(try server.metric("members") == 2)
        try ada.expectNothingElse()
        _ = silent
    }

    /// While the process is stopped everyone seems to be silent. What they have sent meanwhile counts.
    @Test(arguments: PollerChoice.allCases)
    func aStoppedProcessGoesOnWithAllWhoHaveSpokenMeanwhile(poller: PollerChoice) throws {
        let server = try LiveServer(
            "--ping-interval", "0.5", "--join-timeout", "0.5", "--request-timeout", "0.5", poller: poller)
        let ada = try TestClient(server, as: "Ada")
        let late = try TestClient(server)
        let asking = try TestSocket(port: server.port)
        try asking.send("GET /healthz HT")
        server.child.signal(SIGSTOP)
        try ada.say("while you slept")
        try ada.ping([1])
        try late.send(["type": "join", "username": "Bo"])
        try asking.send("TP/1.1\r\nHost: localhost\r\n\r\n")
        let start = Deadline.now
        while Deadline.now - start < 3 { _ = Deadline(seconds: 1).wait(for: -1) }
        server.child.signal(SIGCONT)
        #expect(try ada.skip(to: "message")["text"] == "while you slept")
        #expect(try late.expect("welcome")["username"] == "Bo")
        #expect(try asking.answer().status == 200)
    }
}
