import Support
import Testing
import WebSocket

@testable import Client

/// What a client proves with its join, and what it keeps for a later run.
@Suite struct ClientStateTests {
    @Test func state_isReadAsItWasWritten() throws {
        var random = SeededGenerator(seed: 3)
        var state = ClientState(key: ClientState.newKey { random.next() })
        #expect(state.key.count == 39 && state.key.allSatisfy { $0.isASCII && ($0.isNumber || $0.isLetter) })
        #expect(ClientState(state.json.span) == state)
        (state.username, state.room, state.session, state.seq) = ("A\"da", "b", "5e55", 1 << 40)
        #expect(ClientState(state.json.span) == state)
        #expect(String(decoding: state.json, as: UTF8.self).hasSuffix("}\n"))
    }

    @Test(arguments: ["", "{}", "x", #"{"key":"short"}"#, #"{"key":1}"#, #"{"key":"0123456789abcdef"} more"#, "\u{0}"])
    func otherFiles_areNoState(text: String) {
        #expect(ClientState(bytes(text).span) == nil)
        #expect(ClientState(([0xFF] as [UInt8]).span) == nil)
    }

    @Test func join_carriesTheCredentials_theOperatorCodeOnlyOnce() {
        var ada = Person()
        (ada.client.credentials.key, ada.client.credentials.password) = ("k", "p")
        (ada.client.credentials.invite, ada.client.credentials.operatorCode) = ("i", "o")
        ada.start()
        ada.connected()
        let secrets = #","key":"k","password":"p","invite":"i""#
        #expect(ada.sent() == [#"{"type":"join","username":"Ada"\#(secrets),"operator":"o"}"#])
        // The answer is lost: perhaps the server has not seen the code.
        ada.lose()
        ada.pass(1000)
        ada.connected()
        #expect(ada.sent() == [#"{"type":"join","username":"Ada"\#(secrets),"operator":"o"}"#])
        ada.welcome(seq: 3)
        ada.lose()
        ada.pass(1000)
        ada.connected()
        #expect(ada.sent() == [#"{"type":"join","username":"Ada","session":"5e55","since":3\#(secrets)}"#])
    }

    @Test func resume_joinsWithTheKeptSession_andNothingIsPast() {
        var ada = Person()
        ada.client.resume(session: "kept", seq: 7)
        ada.start()
        ada.connected()
        #expect(ada.sent() == [#"{"type":"join","username":"Ada","session":"kept","since":7}"#])
        ada.welcome(seq: 9, history: [said(8), said(9)])
        #expect(
            ada.take() == [
                .show(.joined(ada.lastWelcome, isBack: true)), .show(.event(said(8), isPast: false)),
                .show(.event(said(9), isPast: false)),
            ])
    }

    /// A program that was killed is started again: the server keeps its name for half a minute.
    @Test func aTakenName_isAwaitedByAProgram_butNotForEver() {
        var bot = Person()
        bot.client.awaitsName = true
        bot.client.join(as: "bot", now: bot.now, into: &bot.actions)
        bot.connected()
        bot.actions = []
        let start = bot.now
        let error = ServerError(code: "username_taken", message: "No.")
        bot.refuse("username_taken")
        #expect(bot.take() == [.show(.nameAwaited(error))] && bot.client.isAwaitingName)
        var tries = 0
        while bot.client.phase == .joining {
            #expect(bot.passUntilAction() <= 3_000)
            #expect(bot.sent() == [#"{"type":"join","username":"bot"}"#])
            bot.refuse("username_taken")
            tries += 1
        }
        #expect((31_000...40_000).contains(bot.now - start) && tries >= 12)
        #expect(bot.take() == [.show(.joinRefused(error))] && !bot.client.isAwaitingName)
        // Without a connection it is the server that is waited for.
        bot = Person()
        bot.client.awaitsName = true
        bot.client.join(as: "bot", now: bot.now, into: &bot.actions)
        bot.connected()
        bot.refuse("username_taken")
        bot.lose()
        #expect(!bot.client.isAwaitingName)
        // A person is asked for another at once.
        var ada = Person()
        ada.client.join(as: "Ada", now: ada.now, into: &ada.actions)
        ada.connected()
        ada.actions = []
        ada.refuse("username_taken")
        #expect(ada.take() == [.show(.joinRefused(error))])
    }

    @Test func aNameThatBecomesFree_isTaken() {
        var bot = Person()
        bot.client.awaitsName = true
        bot.client.join(as: "bot", now: bot.now, into: &bot.actions)
        bot.connected()
        bot.refuse("username_taken")
        bot.actions = []
        _ = bot.passUntilAction()
        bot.welcome(seq: 1)
        #expect(bot.client.phase == .joined && !bot.client.isAwaitingName)
    }

    @Test func putOutByAHost_itDoesNotComeBackByItself() {
        var ada = Person.joined()
        ada.client.disconnected(.putOut, reason: "spam", now: ada.now, into: &ada.actions)
        #expect(ada.take() == [.show(.putOut("spam"))])
        #expect(ada.client.phase == .ended(.putOut) && ada.client.deadline == nil)
        ada.pass(1_000_000)
        #expect(ada.take() == [])
    }
}

/// The server's messages as lines, for programs.
@Suite struct JSONLineTests {
    private func lines(_ person: inout Person, _ texts: String...) -> [String] {
        for text in texts { person.client.received(bytes(text).span, now: person.now, into: &person.actions) }
        return person.take().compactMap { action in
            if case .show(.json(let line)) = action { return String(decoding: line, as: UTF8.self) }
            return nil
        }
    }

    private func welcome(_ seq: Int, _ history: String = "") -> String {
        #"{"type":"welcome","username":"Ada","room":"lobby","users":["Ada"],"userCount":1,"session":"secret","#
            + #""seq":\#(seq),"history":[\#(history)],"new":{"session":[1]}}"#
    }

    private func message(_ seq: Int) -> String {
        #"{"type":"message","seq":\#(seq),"time":1,"username":"Bo","text":"a\nb","unknown":[{"x":1}]}"#
    }

    @Test func theFirstWelcome_isTakenApart_withoutTheSession_andItsHistoryIsPast() {
        var ada = Person()
        ada.client.reportsJSON = true
        ada.start()
        ada.connected()
        ada.actions = []
        let head =
            #"{"type":"welcome","username":"Ada","room":"lobby","users":["Ada"],"userCount":1,"seq":5,"new":{"session":[1]}}"#
        #expect(
            lines(&ada, welcome(5, message(4) + ",\n " + message(5)))
                == [head, message(4).dropLast() + #","past":true}"#, message(5).dropLast() + #","past":true}"#])
        // Later each event comes once, as it came; what was missed is not past.
        #expect(lines(&ada, message(6), message(6), message(5)) == [message(6)])
        ada.lose()
        ada.pass(1000)
        ada.connected()
        ada.actions = []
        #expect(lines(&ada, welcome(8, message(6) + "," + message(8))).dropFirst() == [message(8)])
        #expect(lines(&ada, #"{"type":"typing","username":"Bo"}"#, #"{"type":"error","code":"bad_field"}"#).count == 2)
        // A server that has begun anew: what it has is from before this client came to it.
        ada.lose()
        ada.pass(10_000)
        ada.connected()
        ada.actions = []
        #expect(lines(&ada, welcome(2, message(2))).last == message(2).dropLast() + #","past":true}"#)
    }

    @Test func aMessageOfSeveralLines_isOneLine() {
        var ada = Person.joined()
        ada.client.reportsJSON = true
        #expect(
            lines(&ada, "{\n\"type\":\r\n\"typing\",\n\"username\":\"a\\nb\"}") == [
                #"{ "type":  "typing", "username":"a\nb"}"#
            ])
    }

    @Test func aRefusedJoin_isTold() {
        var ada = Person()
        ada.client.reportsJSON = true
        ada.start()
        ada.connected()
        ada.actions = []
        let error = #"{"type":"error","code":"banned","message":"No."}"#
        #expect(lines(&ada, error) == [error])
    }
}
