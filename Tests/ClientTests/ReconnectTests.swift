import Support
import Testing
import WebSocket

@testable import Client

/// Losing the connection, and coming back to what was missed.
@Suite struct ReconnectTests {
    /// How long it waits before each of the next tries, all of which fail.
    private func waits(_ person: inout Person, _ code: CloseCode, _ count: Int) -> [Int64] {
        var waits: [Int64] = []
        for _ in 0..<count {
            person.lose(code)
            person.actions = []
            waits.append(person.passUntilAction())
            #expect(person.take() == [.connect])
        }
        return waits
    }

    @Test func reconnect_isAtOnce_thenLessAndLessUpToTenSeconds() {
        for seed in 0..<50 {
            var ada = Person.joined(seed: UInt64(seed))
            ada.pass(20_000)
            let waits = waits(&ada, .abnormal, 8)
            #expect(waits[0] < 250)
            #expect((625...1250).contains(waits[1]))
            #expect((1250...2500).contains(waits[2]))
            #expect((2500...5000).contains(waits[3]))
            #expect(waits[4...].allSatisfy { (5000...10_000).contains($0) })
        }
    }

    @Test func reconnects_areSpread() throws {
        for (code, spread) in [(CloseCode.abnormal, 250), (.goingAway, 1500)] as [(CloseCode, Int64)] {
            var waited: [Int64] = []
            for seed in 0..<200 {
                var person = Person.joined(seed: UInt64(seed))
                waited += waits(&person, code, 1)
            }
            #expect(waited.allSatisfy { $0 < spread })
            #expect(Set(waited).count > 80)
            #expect(try #require(waited.max()) > spread * 8 / 10)
        }
    }

    @Test func backoff_beginsAnewAfterAWhileInTheRoom() throws {
        var ada = Person.joined()
        _ = waits(&ada, .abnormal, 5)
        ada.connected()
        ada.welcome(seq: 10)
        ada.pass(10_000)
        ada.actions = []
        #expect(waits(&ada, .abnormal, 1)[0] >= 5000)
        ada.connected()
        ada.welcome(seq: 10)
        ada.pass(10_001)
        ada.actions = []
        #expect(waits(&ada, .abnormal, 1)[0] < 250)
    }

    @Test func reconnect_toAFullServer_isNotHurried() throws {
        var ada = Person()
        ada.start()
        ada.connected()
        #expect(waits(&ada, .tryAgainLater, 1)[0] >= 5000)
        // Whoever was in and read too slowly comes back at once.
        var bo = Person.joined()
        #expect(waits(&bo, .tryAgainLater, 1)[0] < 250)
    }

    @Test func resume_asksForMissedEvents_andShowsThemOnce() {
        var ada = Person.joined(seq: 10)
        ada.hear(11, "Ada", .join)
        ada.lose()
        ada.pass(300)
        ada.connected()
        #expect(ada.sent() == [#"{"type":"join","username":"Ada","session":"5e55","since":11}"#])
        ada.welcome(
            seq: 14, users: ["Ada", "Cy"],
            history: [
                said(11), said(12), ChatEvent(seq: 13, time: 0, username: "Bo", kind: .leave),
                ChatEvent(seq: 14, time: 0, username: "Cy", kind: .join),
            ])
        #expect(ada.client.seq == 14)
        // The people are the welcome's; what was missed has made them so already.
        #expect(ada.client.people.names == ["Ada", "Cy"] && ada.client.people.count == 2)
        #expect(ada.shown() == [12, 13, 14])
    }

    @Test func resume_withAGap_tellsIt() {
        var ada = Person.joined(seq: 10)
        ada.lose()
        ada.pass(300)
        ada.connected()
        ada.actions = []
        ada.welcome(seq: 5000, history: [said(4999), said(5000)], gap: true)
        #expect(
            ada.take() == [
                .show(.joined(ada.lastWelcome, isBack: true)), .show(.gap), .show(.event(said(4999), isPast: false)),
                .show(.event(said(5000), isPast: false)),
            ])
    }

    @Test func resume_onAServerThatForgotEverything_beginsAnew() {
        var ada = Person.joined(seq: 500)
        ada.say("still to be said")
        let id = ada.client.outgoing[0].id
        ada.lose(.goingAway)
        ada.pass(2000)
        ada.connected()
        ada.actions = []
        ada.welcome(seq: 2, session: "new", history: [said(1), said(2)], gap: true)
        #expect(ada.client.seq == 2 && ada.client.session == "new")
        let actions = ada.take()
        #expect(
            actions == [
                .show(.joined(ada.lastWelcome, isBack: true)), .show(.gap), .show(.event(said(1), isPast: true)),
                .show(.event(said(2), isPast: true)),
                .send(ClientMessage.message(text: "still to be said", id: id)),
            ])
        ada.hear(3, "Ada", .join)
        #expect(ada.shown() == [3])
    }

    @Test func takenOver_doesNotComeBackByItself() {
        var ada = Person.joined()
        ada.lose(.takenOver)
        #expect(ada.take() == [.show(.takenOver)])
        #expect(ada.client.phase == .ended(.takenOver) && ada.client.deadline == nil)
        ada.pass(1_000_000)
        #expect(ada.take() == [])
        // Only if they want to.
        ada.start()
        #expect(ada.take() == [.connect])
    }

    @Test func lostRoom_isToldOnce() throws {
        var ada = Person.joined()
        ada.lose()
        #expect(ada.take() == [.show(.lost(.abnormal))])
        ada.lose()  // nothing left to lose
        #expect(ada.take() == [])
        _ = waits(&ada, .abnormal, 3)
        ada.connected()
        ada.actions = []
        ada.welcome(seq: 10)
        #expect(ada.take() == [.show(.joined(ada.lastWelcome, isBack: true))])
    }

    @Test func silentConnection_isPingedAndThenGivenUp() {
        var ada = Person.joined()
        ada.pass(44_999)
        #expect(ada.take() == [])
        ada.pass(1)
        #expect(ada.take() == [.ping])
        ada.pass(5_000)
        ada.client.heard(now: ada.now)
        ada.pass(44_999)
        #expect(ada.take() == [])
        ada.pass(1)
        #expect(ada.take() == [.ping])
        ada.pass(10_000)
        #expect(ada.take().first == .close(.unanswered))
    }

    @Test func ping_isNotSentWhereTheServerSpeaks() {
        var ada = Person.joined()
        for _ in 0..<10 {
            ada.pass(30_000)
            ada.client.heard(now: ada.now)
        }
        #expect(ada.take() == [])
    }

    @Test func start_whileWaiting_triesAtOnce() {
        var ada = Person.joined()
        ada.lose()
        for _ in 0..<6 {
            ada.pass(20_000)
            ada.lose()
        }
        ada.actions = []
        ada.start()
        #expect(ada.take() == [.connect])
    }

    /// Chance decides when the connection breaks and what of it the server has seen; the server is a model that does what
    /// the protocol says. Whatever happens: each message is in the history once, in the order in which it was said, and
    /// the client has seen the history once, in its order.
    @Test(arguments: 0..<200)
    func anyFault_everythingIsSaidOnceAndSeenOnce(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var ada = Person(seed: seed)
        var server = ModelServer()
        var shown: [ChatEvent] = []
        var (said, isOpen) = (0, false)
        ada.start()
        for step in 0..<2000 where step < 600 || !ada.client.isSettled {
            if said < 40, step < 600, random.below(8) == 0 {
                ada.say("\(said)")
                said += 1
            }
            for action in ada.take() {
                switch action {
                case .connect:
                    isOpen = random.below(4) > 0 || step >= 600
                    if isOpen { server.connect() }
                    if isOpen { ada.connected() } else { ada.lose() }
                case .send(let bytes), .sendSecret(let bytes):
                    server.inbox.append(String(decoding: bytes, as: UTF8.self))
                case .close: isOpen = false
                case .show(.event(let event, _)): shown.append(event)
                case .show, .ping: break
                }
            }
            if isOpen { server.work(refusing: step < 600 && random.below(10) == 0) }
            if isOpen, step < 600, random.below(12) == 0 {
                // What was under way is lost, in both directions.
                isOpen = false
                ada.lose([.abnormal, .goingAway, .tryAgainLater][random.below(3)])
            }
            if isOpen, random.below(3) > 0 {
                for message in server.outbox { ada.client.received(message, now: ada.now, into: &ada.actions) }
                server.outbox = []
            }
            ada.pass(Int64(random.below(2000)))
        }
        #expect(ada.client.isSettled)
        for message in server.outbox { ada.client.received(message, now: ada.now, into: &ada.actions) }
        shown += ada.take().compactMap { action in
            if case .show(.event(let event, _)) = action { return event }
            return nil
        }
        #expect(server.texts == (0..<said).map(String.init))
        #expect(shown.map(\.seq) == Array(1...UInt64(server.history.count)))
        #expect(shown == server.history)
    }
}

/// The least of a server that keeps the protocol's promises, for one client.
private struct ModelServer {
    var history: [ChatEvent] = []
    var inbox: [String] = []
    var outbox: [ServerMessage] = []
    private var used: [String: UInt64] = [:]
    private var isJoined = false
    private var hasSession = false

    var texts: [String] {
        history.compactMap { event in
            if case .message(let text, _) = event.kind { return text }
            return nil
        }
    }

    mutating func connect() {
        inbox = []
        outbox = []
        isJoined = false
    }

    mutating func work(refusing: Bool) {
        for text in inbox { take(text, refusing: refusing) }
        inbox = []
    }

    private mutating func take(_ text: String, refusing: Bool) {
        if text.contains(#""type":"join""#) {
            let since = text.split(separator: #""since":"#).dropFirst().first.flatMap { UInt64($0.dropLast()) } ?? 0
            outbox.append(
                .welcome(
                    Welcome(
                        username: "Ada", room: "lobby", users: ["Ada"], userCount: 1, session: "s",
                        seq: UInt64(history.count), history: history.filter { $0.seq > since }, gap: false)))
            if !hasSession { append(.join) }
            (isJoined, hasSession) = (true, true)
        } else if isJoined, text.contains(#""type":"message""#) {
            let parts = text.split(separator: "\"")  // {, type, :, message, ,, text, :, TEXT, ,, id, :, ID, }
            let (said, id) = (String(parts[7]), String(parts[11]))
            if let seq = used[id] { return outbox.append(.event(history[Int(seq) - 1])) }
            if refusing {
                let code = history.count % 2 == 0 ? "rate_limited" : "storage_failed"
                return outbox.append(.error(ServerError(code: code, message: "", id: id, retryAfter: 300)))
            }
            append(.message(text: said, id: id))
            used[id] = UInt64(history.count)
        }
    }

    private mutating func append(_ kind: ChatEvent.Kind) {
        history.append(ChatEvent(seq: UInt64(history.count) + 1, time: 0, username: "Ada", kind: kind))
        if let event = history.last { outbox.append(.event(event)) }
    }
}
