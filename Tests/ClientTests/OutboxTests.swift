import Testing
import WebSocket

@testable import Client

/// Nothing said is lost, and nothing is said twice or out of order.
@Suite struct OutboxTests {
    @Test func message_isKeptUntilItsEventComesBack() throws {
        var ada = Person.joined()
        ada.say("hello")
        let id = try #require(ada.client.outgoing.first?.id)
        #expect(ada.sent() == [messageJSON("hello", id)])
        #expect(ada.client.outgoing.first?.state == .sent(at: ada.now))
        #expect(!ada.client.isSettled)
        ada.receipt(11, id, text: "hello")
        #expect(ada.client.outgoing.isEmpty && ada.client.isSettled)
        #expect(ada.shown() == [11])
    }

    @Test func outbox_sendsTheNextWhenTheOneBeforeHasComeBack() {
        var ada = Person.joined()
        for text in ["a", "b", "c"] { ada.say(text) }
        let ids = ada.client.outgoing.map(\.id)
        #expect(Set(ids).count == 3)
        #expect(ada.sent() == [messageJSON("a", ids[0])])
        ada.receipt(11, ids[0])
        #expect(ada.sent() == [messageJSON("b", ids[1])])
        ada.hear(12, "Bo", .message(text: "between", id: "other"))
        #expect(ada.sent() == [])
        ada.receipt(13, ids[1])
        #expect(ada.sent() == [messageJSON("c", ids[2])])
    }

    @Test func message_withoutAConnection_waitsForOne() {
        var ada = Person()
        ada.say("early")
        ada.start()
        ada.connected()
        #expect(ada.sent() == [#"{"type":"join","username":"Ada"}"#])
        ada.welcome(seq: 3)
        #expect(ada.sent() == [messageJSON("early", ada.client.outgoing[0].id)])
    }

    @Test func reconnect_sendsTheSameMessageWithTheSameID() {
        var ada = Person.joined()
        ada.say("a")
        ada.say("b")
        let ids = ada.client.outgoing.map(\.id)
        ada.lose()
        #expect(ada.client.outgoing.map(\.state) == [.pending, .pending])
        ada.say("c")
        ada.pass(300)
        ada.connected()
        ada.actions = []
        ada.welcome(seq: 10)
        #expect(ada.sent() == [messageJSON("a", ids[0])])
        // The server had it: it repeats the event, whose seq is known or not.
        ada.receipt(9, ids[0])
        #expect(ada.sent() == [messageJSON("b", ids[1])])
    }

    @Test func message_inTheWelcomesHistory_isNotSentAgain() {
        var ada = Person.joined()
        ada.say("a")
        ada.say("b")
        let ids = ada.client.outgoing.map(\.id)
        ada.lose()
        ada.pass(300)
        ada.connected()
        ada.actions = []
        // The session was lost meanwhile: only the history can tell.
        ada.welcome(seq: 12, session: "another", history: [said(11, "Ada", "a", id: ids[0]), said(12)])
        #expect(ada.client.outgoing.map(\.text) == ["b"])
        #expect(ada.sent() == [messageJSON("b", ids[1])])
    }

    @Test func message_unacknowledgedForTenSeconds_costsTheConnection() {
        var ada = Person.joined()
        ada.say("a")
        let id = ada.client.outgoing[0].id
        ada.actions = []
        ada.pass(9_999)
        #expect(ada.take() == [])
        ada.pass(1)
        #expect(ada.take() == [.close(.unanswered), .show(.lost(.abnormal))])
        ada.pass(250)
        #expect(ada.take() == [.connect])
        ada.connected()
        #expect(ada.sent() == [#"{"type":"join","username":"Ada","session":"5e55","since":10}"#])
        ada.welcome(seq: 10)
        #expect(ada.sent() == [messageJSON("a", id)])
    }

    @Test func message_rateLimited_isSentAgainByItself() {
        var ada = Person.joined()
        ada.say("a")
        ada.say("b")
        let ids = ada.client.outgoing.map(\.id)
        ada.actions = []
        ada.refuse("rate_limited", id: ids[0], retryAfter: 100)
        ada.pass(99)
        #expect(ada.take() == [])
        ada.pass(1)
        #expect(ada.sent() == [messageJSON("a", ids[0])])
        ada.receipt(11, ids[0])
        #expect(ada.sent() == [messageJSON("b", ids[1])])
    }

    @Test func rateLimit_pausesForOneToTenSeconds() {
        for (retryAfter, wait) in [(nil, 1000), (0, 1), (-5, 1), (Int64.max, 10_000)] as [(Int64?, Int64)] {
            var ada = Person.joined()
            ada.say("a")
            ada.actions = []
            ada.refuse("rate_limited", id: ada.client.outgoing[0].id, retryAfter: retryAfter)
            #expect(ada.passUntilAction() == wait)
        }
    }

    @Test func message_refusedByTheDisk_isTriedAgainLessAndLess() throws {
        var ada = Person.joined()
        ada.say("a")
        let id = ada.client.outgoing[0].id
        var waits: [Int64] = []
        for _ in 0..<8 {
            ada.actions = []
            ada.refuse("storage_failed", id: id)
            // What the server says is told once.
            #expect(ada.take().count == (waits.isEmpty ? 1 : 0))
            waits.append(ada.passUntilAction())
            ada.hear(.typing(username: "Bo"))  // the connection lives
        }
        #expect((500...1000).contains(waits[0]) && (1000...2000).contains(waits[1]) && waits[7] >= 5000)
        #expect(waits.allSatisfy { $0 <= 10_000 })
        #expect(ada.sent().last == messageJSON("a", id))
    }

    @Test func slowMode_keepsTheMessageForAsLongAsTheServerSays() throws {
        var ada = Person.joined()
        ada.say("a")
        let request = ada.client.outgoing[0]
        ada.actions = []
        ada.refuse("slow_mode", id: request.id, retryAfter: 30_000)
        let error = ServerError(code: "slow_mode", message: "No.", id: request.id, retryAfter: 30_000)
        #expect(ada.take() == [.show(.requestDelayed(request, error))])
        #expect(ada.passUntilAction() == 30_000)
        #expect(ada.sent() == [messageJSON("a", request.id)])
    }

    @Test func aRequestThatAnOlderServerDoesNotKnow_isRefused() {
        var ada = Person.joined()
        ada.request(.react(target: 3, emoji: "👍", isOn: true), id: "r")
        let request = ada.client.outgoing[0]
        ada.actions = []
        ada.refuse("unknown_type")
        let error = ServerError(code: "unknown_type", message: "No.", id: "r")
        #expect(ada.client.isSettled && ada.client.outgoing[0].state == .refused(error))
        #expect(ada.take().count == 1 && request.id == "r")
        // It is about something else where a message is on the way.
        ada.say("a")
        ada.actions = []
        ada.refuse("unknown_type")
        #expect(!ada.client.isSettled)
    }

    @Test func everyKindOfRequest_isSentAgainUntilItsEventOrDoneComesBack() throws {
        var ada = Person.joined()
        var topic = ModerationRequest("topic")
        topic.text = "news"
        let requests: [(ChatRequest, String)] = [
            (.edit(target: 3, text: "b"), #"{"type":"edit","target":3,"text":"b","id":"0"}"#),
            (.delete(target: 4), #"{"type":"delete","target":4,"id":"1"}"#),
            (.react(target: 5, emoji: "👍", isOn: true), #"{"type":"react","target":5,"emoji":"👍","id":"2"}"#),
            (
                .react(target: 5, emoji: "👍", isOn: false),
                #"{"type":"react","target":5,"emoji":"👍","on":false,"id":"3"}"#
            ),
            (.message(text: "c", reply: 6), #"{"type":"message","text":"c","reply":6,"id":"4"}"#),
            (.moderate(topic), #"{"type":"moderate","action":"topic","text":"news","id":"5"}"#),
        ]
        let kinds: [ChatEvent.Kind] = [
            .edit(target: 3, text: "b", id: "0"), .delete(target: 4, id: "1"),
            .react(target: 5, emoji: "👍", isOn: true, id: "2"), .react(target: 5, emoji: "👍", isOn: false, id: "3"),
            .message(text: "c", id: "4"), .moderation(Moderation(action: "topic"), id: "5"),
        ]
        for (index, (request, json)) in requests.enumerated() {
            ada.request(request, id: "\(index)")
            #expect(ada.sent() == [json])
            ada.lose()
            ada.pass(10_000)
            ada.connected()
            ada.actions = []
            ada.welcome(seq: UInt64(20 + index))
            #expect(ada.sent() == [json])
            ada.hear(UInt64(21 + index), "Ada", kinds[index])
            #expect(ada.client.isSettled)
        }
        ada.request(.delete(target: 4), id: "again")
        let request = ada.client.outgoing[0]
        ada.actions = []
        ada.hear(.done(id: "somebody else's"))
        #expect(ada.take() == [] && !ada.client.isSettled)
        ada.hear(.done(id: "again"))
        #expect(ada.take() == [.show(.requestDone(request))] && ada.client.isSettled)
    }

    @Test(arguments: ["text_empty", "text_too_long", "bad_field", "not_joined", "something_new"])
    func message_refused_isKeptWithTheReason(code: String) {
        var ada = Person.joined()
        ada.say("a")
        ada.say("b")
        let ids = ada.client.outgoing.map(\.id)
        ada.actions = []
        ada.refuse(code, id: ids[0])
        let error = ServerError(code: code, message: "No.", id: ids[0])
        #expect(ada.client.outgoing.map(\.text) == ["a", "b"])
        #expect(ada.client.outgoing[0].state == .refused(error))
        #expect(
            ada.take() == [
                .show(.requestRefused(ada.client.outgoing[0], error)),
                .send(ClientMessage.message(text: "b", id: ids[1])),
            ])
        // It does not go out again by itself, not even on another connection.
        ada.receipt(11, ids[1])
        ada.lose()
        ada.pass(300)
        ada.connected()
        ada.actions = []
        ada.welcome(seq: 11)
        #expect(ada.sent() == [])
        #expect(ada.client.isSettled)
        // It is there until it is dropped.
        #expect(ada.client.outgoing.map(\.id) == [ids[0]])
        ada.client.drop(ids[0], now: ada.now, into: &ada.actions)
        #expect(ada.client.outgoing.isEmpty)
    }

    @Test func message_tooBigForTheServer_costsOneConnectionOnly() {
        var ada = Person.joined()
        ada.say("enormous")
        ada.say("b")
        ada.lose(.messageTooBig)
        #expect(ada.client.outgoing[0].isRefused && ada.client.outgoing[1].state == .pending)
        ada.pass(300)
        ada.connected()
        ada.actions = []
        ada.welcome(seq: 10)
        #expect(ada.sent() == [messageJSON("b", ada.client.outgoing[1].id)])
    }

    @Test func error_aboutNoRequest_isShown() {
        var ada = Person.joined()
        ada.refuse("username_taken")
        ada.refuse("bad_field", id: "nobody's")
        #expect(ada.take().count == 2)
        #expect(ada.client.phase == .joined)
    }

    @Test func outbox_isBounded() {
        var ada = Person()
        for index in 0..<1000 {
            let isTaken = ada.say("\(index)")
            #expect(isTaken)
        }
        let isTaken = ada.say("one too many")
        #expect(!isTaken && ada.client.isFull && ada.client.outgoing.count == 1000)
    }
}
