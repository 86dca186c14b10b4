import Testing

@testable import Client

/// The protocol's JSON, from the server to the client and back.
@Suite struct ServerMessageTests {
    @Test func aWelcomeIsRead() {
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

    @Test func unknownFieldsAndTypesArePassedOver() {
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
    func whatLacksAFieldMakesNoSense(text: String) {
        #expect(parse(text) == nil)
    }

    @Test func whatAClientSaysIsTheProtocols() {
        func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
        #expect(text(ClientMessage.join(username: "A\"da")) == #"{"type":"join","username":"A\"da"}"#)
        #expect(
            text(ClientMessage.join(username: "a", session: "0f", since: 0))
                == #"{"type":"join","username":"a","session":"0f","since":0}"#)
        #expect(text(ClientMessage.message(text: "a\nb", id: "x-1")) == #"{"type":"message","text":"a\nb","id":"x-1"}"#)
        #expect(text(ClientMessage.message(text: "é\u{7}")) == "{\"type\":\"message\",\"text\":\"é\\u0007\"}")
        #expect(text(ClientMessage.rename(to: "b")) == #"{"type":"rename","username":"b"}"#)
        #expect(text(ClientMessage.typing) == #"{"type":"typing"}"#)
        #expect(text(ClientMessage.history(before: 9, limit: 50)) == #"{"type":"history","before":9,"limit":50}"#)
    }
}
