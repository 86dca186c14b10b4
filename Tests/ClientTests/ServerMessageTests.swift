import Testing

@testable import Client

/// The protocol's JSON, from the server to the client and back.
@Suite struct ServerMessageTests {
    @Test func welcome_isRead() {
        let text = """
            {"type":"welcome","username":"Ada","room":"lobby","users":["Ada","Gr\\u00e4ce"],"userCount":7,\
            "session":"00ff","seq":12,"history":[{"type":"message","seq":11,"time":5,"username":"Bo","text":"hi\\n","id":"x"},\
            {"type":"leave","seq":12,"time":6,"username":"Bo"}],"gap":true}
            """
        let events = [
            ChatEvent(seq: 11, time: 5, username: "Bo", kind: .message(text: "hi\n", id: "x")),
            ChatEvent(seq: 12, time: 6, username: "Bo", kind: .leave),
        ]
        #expect(
            parse(text)
                == .welcome(
                    Welcome(
                        username: "Ada", room: "lobby", users: ["Ada", "Gräce"], userCount: 7, session: "00ff", seq: 12,
                        history: events, gap: true)))
    }

    @Test func eventsAreRead() {
        #expect(
            parse(#"{"type":"join","seq":1,"time":2,"username":"a"}"#)
                == .event(ChatEvent(seq: 1, time: 2, username: "a", kind: .join)))
        #expect(
            parse(#"{"seq":1,"username":"a","to":"b","time":2,"type":"rename"}"#)
                == .event(ChatEvent(seq: 1, time: 2, username: "a", kind: .rename(to: "b"))))
        #expect(
            parse(#" {"type":"message","seq":3,"time":4,"username":"a","text":"\ud83d\ude00"} "#)
                == .event(ChatEvent(seq: 3, time: 4, username: "a", kind: .message(text: "😀", id: nil))))
        #expect(parse(#"{"type":"typing","username":"a"}"#) == .typing(username: "a"))
        #expect(
            parse(#"{"type":"history","events":[],"more":true}"#) == .history([], more: true))
        #expect(
            parse(#"{"type":"error","code":"rate_limited","message":"m","retryAfter":40,"id":"i"}"#)
                == .error(ServerError(code: "rate_limited", message: "m", id: "i", retryAfter: 40)))
    }

    @Test func welcome_tellsOfTheRoomAndItsPeople() throws {
        let text =
            #"{"type":"welcome","username":"Ada","user":"u-a","role":"host","room":"b","topic":"t","locked":true,"#
            + #""slow":5,"keeping":false,"users":["Ada"],"people":[{"username":"Ada","user":"u-a","role":"host"}],"#
            + #""userCount":1,"session":"s","seq":2,"history":[{"type":"message","seq":1,"time":5,"username":"Bo","#
            + #""deleted":true},{"type":"message","seq":2,"time":5,"username":"Bo","user":"u-b","role":"operator","text":"x","#
            + #""reply":1,"bot":true,"edited":9,"reactions":{"👍":{"count":2,"names":["A"],"users":["u"],"mine":true}}}]}"#
        guard case .welcome(let welcome) = parse(text) else {
            Issue.record("no welcome")
            return
        }
        #expect(welcome.user == "u-a" && welcome.role == "host" && welcome.topic == "t" && welcome.isLocked)
        #expect(welcome.slow == 5 && !welcome.isKeeping)
        #expect(welcome.people == [RoomMember(username: "Ada", user: "u-a", role: "host")])
        #expect(welcome.history[0].isDeleted && welcome.history[0].kind == .message(text: "", id: nil))
        let message = welcome.history[1]
        #expect(message.user == "u-b" && message.role == "operator" && message.reply == 1 && message.isBot)
        #expect(message.isEdited && message.reactions == [Reaction(emoji: "👍", count: 2, isMine: true)])
    }

    @Test func changes_andModeration_areRead() {
        func kind(_ fields: String) -> ChatEvent.Kind? {
            guard case .event(let event) = parse(#"{"seq":1,"time":2,"username":"a",\#(fields)}"#) else { return nil }
            return event.kind
        }
        #expect(kind(#""type":"edit","target":5,"text":"x","id":"i""#) == .edit(target: 5, text: "x", id: "i"))
        #expect(kind(#""type":"edit","target":5"#) == .edit(target: 5, text: nil, id: nil))
        #expect(kind(#""type":"delete","target":5"#) == .delete(target: 5, id: nil))
        #expect(
            kind(#""type":"react","target":5,"emoji":"👍","on":false"#)
                == .react(target: 5, emoji: "👍", isOn: false, id: nil))
        #expect(
            kind(#""type":"react","target":5,"emoji":"👍""#) == .react(target: 5, emoji: "👍", isOn: true, id: nil))
        for fields in [#""type":"edit","text":"x""#, #""type":"react","target":1"#, #""type":"moderation""#] {
            #expect(kind(fields) == nil)
        }
        var ban = Moderation(action: "ban", to: "Eve", toUser: "u-e")
        (ban.until, ban.reason) = (99, "spam")
        #expect(
            kind(#""type":"moderation","action":"ban","to":"Eve","toUser":"u-e","until":99,"reason":"spam","id":"i""#)
                == .moderation(ban, id: "i"))
        var purge = Moderation(action: "purge")
        (purge.from, purge.seconds, purge.text) = (7, 3, "t")
        #expect(
            kind(#""type":"moderation","action":"purge","from":7,"seconds":3,"text":"t""#)
                == .moderation(purge, id: nil))
        guard case .event(let join) = parse(#"{"type":"join","seq":1,"time":2,"username":"a","changed":true}"#) else {
            Issue.record("no join")
            return
        }
        #expect(join.isSomeoneElse)
    }

    @Test func answersAreRead() {
        #expect(parse(#"{"type":"done","id":"i","seq":4}"#) == .done(id: "i"))
        #expect(parse(#"{"type":"unread","room":"b","seq":4}"#) == .unread(room: "b", seq: 4))
        #expect(parse(#"{"type":"invite","invite":"abc"}"#) == .invite("abc"))
        #expect(parse(#"{"type":"state","keeping":false}"#) == .state(isKeeping: false))
        #expect(parse(#"{"type":"found","events":[],"more":true,"before":7}"#) == .found([], before: 7))
        #expect(
            parse(
                #"{"type":"bans","bans":[{"username":"Eve","user":"u","until":5,"reason":"r"},{"to":"Vi","toUser":"v"}]}"#
            )
                == .bans([Ban(username: "Eve", user: "u", until: 5, reason: "r"), Ban(username: "Vi", user: "v")]))
        #expect(
            parse(#"{"type":"whois","username":"Eve","user":"u","role":"host","since":5,"addresses":["::1"]}"#)
                == .whois(Whois(username: "Eve", user: "u", role: "host", since: 5, addresses: ["::1"])))
        #expect(
            parse(#"{"type":"error","code":"banned","message":"m","until":8}"#)
                == .error(ServerError(code: "banned", message: "m", until: 8)))
    }

    @Test func unknownFields_andTypes_arePassedOver() {
        #expect(
            parse(#"{"new":{"a":[1,{"type":"x"}]},"type":"typing","username":"a","\u0074ext":1}"#)
                == .typing(username: "a"))
        #expect(parse(#"{"type":"reload"}"#) == .other)
        #expect(
            parse(#"{"type":"history","events":[{"type":"pin","seq":1}],"more":false}"#) == .history([], more: false))
    }

    @Test(arguments: [
        "", "{", "{}", "[]", "null", "\"welcome\"", #"{"type":1}"#, #"{"type":"join"}"#, #"{"type":"join","seq":1}"#,
        #"{"type":"join","seq":-1,"time":2,"username":"a"}"#, #"{"type":"join","seq":1.5,"time":2,"username":"a"}"#,
        #"{"type":"join","seq":"1","time":2,"username":"a"}"#, #"{"type":"join","seq":1,"time":2,"username":null}"#,
        #"{"type":"message","seq":1,"time":2,"username":"a"}"#, #"{"type":"rename","seq":1,"time":2,"username":"a"}"#,
        #"{"type":"typing"}"#, #"{"type":"error"}"#, #"{"type":"history"}"#, #"{"type":"history","events":[1]}"#,
        #"{"type":"history","events":[{"type":"join"}]}"#, #"{"type":"typing","username":"a"} x"#,
        #"{"type":"welcome","username":"a"}"#, #"{"type":"join","username":"Ada"}"#,
    ])
    func serverMessage_withoutAField_isNone(text: String) {
        #expect(parse(text) == nil)
    }

    @Test func clientMessages_areTheProtocols() {
        func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
        #expect(text(ClientMessage.join(username: "A\"da")) == #"{"type":"join","username":"A\"da"}"#)
        #expect(
            text(ClientMessage.join(username: "a", session: "0f", since: 0))
                == #"{"type":"join","username":"a","session":"0f","since":0}"#)
        var credentials = Credentials()
        (credentials.key, credentials.password) = ("k", "p\"")
        (credentials.invite, credentials.operatorCode) = ("i", "o")
        #expect(
            text(ClientMessage.join(username: "a", credentials: credentials))
                == #"{"type":"join","username":"a","key":"k","password":"p\"","invite":"i","operator":"o"}"#)
        var ban = ModerationRequest("ban", .user("u"))
        (ban.minutes, ban.reason, ban.hasAddress) = (5, "r", true)
        #expect(
            text(ClientMessage.query(ban))
                == #"{"type":"moderate","action":"ban","user":"u","minutes":5,"reason":"r","address":true}"#)
        #expect(
            text(ClientMessage.query(ModerationRequest("whois", .username("Eve"))))
                == #"{"type":"moderate","action":"whois","username":"Eve"}"#)
        #expect(
            text(ClientMessage.search("x", before: 9, limit: 20))
                == #"{"type":"search","text":"x","before":9,"limit":20}"#)
        #expect(text(ClientMessage.message(text: "a\nb", id: "x-1")) == #"{"type":"message","text":"a\nb","id":"x-1"}"#)
        #expect(text(ClientMessage.message(text: "é\u{7}")) == "{\"type\":\"message\",\"text\":\"é\\u0007\"}")
        #expect(text(ClientMessage.rename(to: "b")) == #"{"type":"rename","username":"b"}"#)
        #expect(text(ClientMessage.typing) == #"{"type":"typing"}"#)
        #expect(text(ClientMessage.history(before: 9, limit: 50)) == #"{"type":"history","before":9,"limit":50}"#)
    }
}
