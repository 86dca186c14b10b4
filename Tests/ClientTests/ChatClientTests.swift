import Testing
import WebSocket

@testable import Client

/// Coming in, and what is known afterwards.
@Suite struct JoiningTests {
    @Test func join_connectsThenJoinsThenIsIn() {
        var ada = Person()
        ada.start()
        #expect(ada.take() == [.connect])
        #expect(ada.client.phase == .connecting)
        ada.connected()
        #expect(ada.sent() == [#"{"type":"join","username":"Ada"}"#])
        ada.welcome(seq: 7, users: ["Ada", "Bo"], history: [said(5), said(7)])
        #expect(
            ada.take() == [
                .show(.joined(ada.lastWelcome, isBack: false)), .show(.event(said(5), isPast: true)),
                .show(.event(said(7), isPast: true)),
            ])
        #expect(ada.client.phase == .joined)
        #expect(ada.client.people.names == ["Ada", "Bo"])
        #expect(ada.client.session == "5e55" && ada.client.seq == 7 && ada.client.room == "lobby")
    }

    @Test func username_isTheServers() {
        var ada = Person(" Ada ")
        ada.start()
        ada.connected()
        ada.hear(
            .welcome(
                Welcome(
                    username: "Ada", room: "lobby", users: ["Ada"], userCount: 1, session: "s", seq: 0, history: [],
                    gap: false)))
        #expect(ada.client.username == "Ada")
    }

    @Test(arguments: ["username_taken", "username_invalid", "room_invalid", "bad_field"])
    func join_refused_isLeftToTheUser(code: String) {
        var ada = Person()
        ada.start()
        ada.connected()
        ada.actions = []
        ada.refuse(code)
        #expect(ada.take() == [.show(.joinRefused(ServerError(code: code, message: "No.")))])
        #expect(ada.client.phase == .out && ada.client.deadline == nil)
        // Another name goes out on the same connection.
        ada.client.join(as: "Eve", now: ada.now, into: &ada.actions)
        #expect(ada.sent() == [#"{"type":"join","username":"Eve"}"#])
    }

    @Test func join_refused_thenLost_waitsForAName() {
        var ada = Person()
        ada.start()
        ada.connected()
        ada.refuse("username_taken")
        ada.actions = []
        ada.lose(.policyViolation)
        ada.pass(100_000)
        #expect(ada.take() == [])
        ada.client.join(as: "Eve", now: ada.now, into: &ada.actions)
        #expect(ada.take() == [.connect])
    }

    @Test func join_rateLimited_isSentAgainWhenTheServerSays() {
        var ada = Person()
        ada.start()
        ada.connected()
        ada.actions = []
        ada.refuse("rate_limited", retryAfter: 70)
        ada.pass(69)
        #expect(ada.take() == [])
        ada.pass(1)
        #expect(ada.sent() == [#"{"type":"join","username":"Ada"}"#])
    }

    @Test func join_refusedByTheDisk_isTriedAgainLessAndLess() throws {
        var ada = Person()
        ada.start()
        ada.connected()
        var waits: [Int64] = []
        for _ in 0..<7 {
            ada.actions = []
            ada.refuse("storage_failed")
            // What the server says is told once.
            let error = ServerError(code: "storage_failed", message: "No.")
            #expect(ada.take() == (waits.isEmpty ? [.show(.refused(error))] : []))
            waits.append(ada.passUntilAction())
        }
        #expect((500...1000).contains(waits[0]) && (1000...2000).contains(waits[1]) && waits[6] >= 5000)
        #expect(waits.allSatisfy { $0 <= 10_000 })
    }

    @Test func takenName_heldByItsOwnLostJoin_isTriedAgain() {
        var ada = Person()
        ada.start()
        ada.connected()
        ada.lose()
        ada.pass(1000)
        ada.connected()
        ada.actions = []
        ada.refuse("username_taken")
        #expect(ada.client.phase == .joining)
        ada.pass(3000)
        #expect(ada.sent() == [#"{"type":"join","username":"Ada"}"#])
        // But not for ever.
        ada.pass(1)
        ada.now += 60_000
        ada.refuse("username_taken")
        #expect(ada.client.phase == .out)
    }

    @Test func silentServer_isGivenUpAfterTenSeconds() {
        var ada = Person()
        ada.start()
        ada.actions = []
        ada.pass(9_999)
        #expect(ada.take() == [])
        ada.pass(1)
        #expect(ada.take() == [.close(.unanswered)])
        ada.pass(1000)
        #expect(ada.take() == [.connect])
        ada.connected()
        ada.actions = []
        ada.pass(10_000)  // no welcome
        #expect(ada.take().first == .close(.unanswered))
    }

    @Test(arguments: ["no JSON", "{}", #"{"type":"join","username":"Ada"}"#])
    func join_answeredByNoChat_isTheEnd(text: String) {
        var ada = Person()
        ada.start()
        ada.connected()
        ada.actions = []
        ada.client.received(bytes(text).span, now: ada.now, into: &ada.actions)
        #expect(ada.take() == [.close(.protocolError), .show(.noChat)])
        #expect(ada.client.phase == .ended(.noChat))
        ada.pass(100_000)
        #expect(ada.take() == [])
    }

    @Test func nonsense_afterTheJoin_isPassedOver() {
        var ada = Person.joined()
        for text in ["no JSON", "{}", #"{"type":"new"}"#] {
            ada.client.received(bytes(text).span, now: ada.now, into: &ada.actions)
        }
        #expect(ada.take() == [])
        #expect(ada.client.phase == .joined)
    }

    @Test func leave_closesWithTheNormalCode() {
        var ada = Person.joined()
        ada.leave()
        #expect(ada.take() == [.close(.normal)])
        ada.lose()
        ada.start()
        ada.pass(100_000)
        #expect(ada.take() == [])
    }
}

/// What happens in the room.
@Suite struct RoomTests {
    @Test func events_areShownOnceAndInOrder() {
        var ada = Person.joined(seq: 10)
        ada.hear(11, "Ada", .join)
        ada.hear(12, "Bo", .message(text: "hi", id: "b"))
        ada.hear(12, "Bo", .message(text: "hi", id: "b"))
        ada.hear(11, "Ada", .join)
        ada.hear(9, "Cy", .message(text: "old", id: nil))
        ada.hear(13, "Bo", .message(text: "ho", id: nil))
        #expect(ada.shown() == [11, 12, 13])
        #expect(ada.client.seq == 13)
    }

    @Test func people_followTheEvents() {
        var ada = Person.joined(seq: 10)  // with Ada and Bo
        ada.hear(11, "Ada", .join)
        #expect(ada.client.people.count == 2)
        ada.hear(12, "Cy", .join)
        ada.hear(13, "Bo", .rename(to: "Bob"))
        ada.hear(14, "Cy", .leave)
        ada.hear(14, "Bob", .leave)  // a repetition of a seq that is known
        #expect(ada.client.people.names == ["Ada", "Bob"])
        #expect(ada.client.people.count == 2)
    }

    @Test func people_inACrowd_areCountedWithoutNames() {
        var ada = Person()
        ada.start()
        ada.connected()
        ada.hear(
            .welcome(
                Welcome(
                    username: "Ada", room: "lobby", users: ["Ada", "Bo"], userCount: 900, session: "s", seq: 1,
                    history: [], gap: false)))
        ada.hear(2, "Ada", .join)
        ada.hear(3, "Nobody we know", .leave)
        ada.hear(4, "Someone we do not know", .rename(to: "X"))
        #expect(ada.client.people.count == 899)
        #expect(ada.client.people.names == ["Ada", "Bo"])
    }

    @Test func rename_changesTheNameOfTheNextJoin() {
        var ada = Person.joined()
        let isAsked = ada.client.rename(to: "Eve", into: &ada.actions)
        #expect(isAsked)
        #expect(ada.sent() == [#"{"type":"rename","username":"Eve"}"#])
        #expect(ada.client.username == "Ada")
        ada.hear(11, "Ada", .rename(to: "Eve"))
        ada.hear(12, "Bo", .rename(to: "Ada"))
        ada.lose()
        ada.pass(1000)
        ada.connected()
        #expect(ada.sent().last == #"{"type":"join","username":"Eve","session":"5e55","since":12}"#)
    }

    @Test func questions_withoutAConnection_areRefused() {
        var ada = Person()
        let isAsked = [
            ada.client.rename(to: "Eve", into: &ada.actions),
            ada.client.requestHistory(before: 4, limit: 5, into: &ada.actions),
        ]
        #expect(isAsked == [false, false])
        ada = Person.joined()
        let isAskedNow = ada.client.requestHistory(before: 4, limit: 5, into: &ada.actions)
        #expect(isAskedNow)
        #expect(ada.sent() == [#"{"type":"history","before":4,"limit":5}"#])
        ada.hear(.history([said(3)], more: true))
        #expect(ada.take() == [.show(.history([said(3)], more: true))])
        #expect(ada.client.seq == 10)
    }

    @Test func typing_isSentEveryThreeSecondsAtMost() {
        var ada = Person.joined()
        for _ in 0..<10 {
            ada.client.typing(now: ada.now, into: &ada.actions)
            ada.now += 1000
        }
        #expect(ada.sent() == [String](repeating: #"{"type":"typing"}"#, count: 4))
    }

    @Test func typing_isNotSentWhileMuted() {
        var ada = Person.joined()
        func keys(_ ada: inout Person) -> Int {
            for _ in 0..<10 {
                ada.client.typing(now: ada.now, into: &ada.actions)
                ada.now += 1000
            }
            return ada.sent().count
        }
        ada.refuse("muted", retryAfter: 30_000)
        var counts = [keys(&ada), keys(&ada)]
        ada.now += 10_000
        counts.append(keys(&ada))
        // For ever, or until a host says otherwise.
        ada.refuse("muted")
        counts.append(keys(&ada))
        ada.hear(11, "Bo", .moderation(Moderation(action: "unmute", to: "Cy", toUser: "c"), id: nil))
        counts.append(keys(&ada))
        ada.hear(12, "Bo", .moderation(Moderation(action: "unmute", to: "Ada", toUser: ada.client.user), id: nil))
        counts.append(keys(&ada))
        #expect(counts == [0, 0, 4, 0, 0, 4])
    }

    @Test func typing_isShownForFiveSecondsOrUntilTheMessage() {
        var ada = Person.joined()
        ada.hear(.typing(username: "Bo"))
        ada.hear(.typing(username: "Cy"))
        #expect(ada.client.typists.keys.sorted() == ["Bo", "Cy"])
        ada.hear(11, "Bo", .message(text: "hi", id: nil))
        #expect(ada.client.typists.keys.sorted() == ["Cy"])
        ada.pass(4_999)
        #expect(ada.client.typists.count == 1)
        ada.pass(1)
        #expect(ada.client.typists.isEmpty)
    }
}
