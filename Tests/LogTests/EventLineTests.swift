import Bytes
import Chat
import Testing

/// What counts as an event's line.
struct EventLineTests {
    private func event(_ text: String) -> (kind: EventKind, seq: UInt64, visible: String)? {
        let bytes = Array(text.utf8)
        guard let event = EventLine(bytes.span) else { return nil }
        var visible: [UInt8] = []
        event.appendVisible(of: bytes.span, to: &visible)
        return (event.kind, event.seq, String(decoding: visible, as: UTF8.self) + "}")
    }

    @Test func kindAndSeq_ofEveryKind() {
        for kind in EventKind.allCases {
            let text =
                #"{"type":"\#(kind.rawValue)","seq":9007199254740991,"time":0,"username":"Ada","to":"Bo","text":"x"}"#
            #expect(event(text)?.kind == kind)
            #expect(event(text)?.seq == 9_007_199_254_740_991)
            #expect(event(text)?.visible == text)
        }
    }

    @Test(arguments: [
        "", "{}", "[]", "null", #"{"type":"message"}"#, #"{"type":"snapshot","seq":1,"username":"Ada"}"#,
        #"{"type":"join","seq":0,"time":1,"username":"Ada"}"#, #"{"type":"join","seq":-1,"time":1,"username":"Ada"}"#,
        #"{"type":"join","seq":1.5,"time":1,"username":"Ada"}"#,
        #"{"type":"join","seq":"1","time":1,"username":"Ada"}"#,
        #"{"type":"join","seq":9007199254740992,"time":1,"username":"Ada"}"#,
        #"{"type":"join","seq":99999999999999999999999,"time":1,"username":"Ada"}"#,
        #"{"type":"join","seq":1,"time":1,"username":7}"#, #"{"type":"join","seq":1,"time":1}"#,
        #"{"type":"message","seq":1,"time":1,"username":"Ada"}"#,
        #"{"type":"rename","seq":1,"time":1,"username":"Ada"}"#,
        #"{"type":"join","seq":1,"time":1,"username":"Ada"} x"#, #"{"type":"join","seq":1,"time":1,"username":"Ada""#,
    ])
    func anythingElse_isNone(text: String) {
        #expect(event(text) == nil)
    }

    @Test func whatIsHidden_isNotVisible_whereverItStands() {
        let head = #"{"type":"join","seq":1,"time":1,"username":"Ada""#
        let plain = head + "}"
        for text in [
            head + #","_":{"session":"x"}}"#, #"{"_":{"session":"x"},"type":"join","seq":1,"time":1,"username":"Ada"}"#,
            #"{"type":"join","_":{"a":[1,{"b":2}]},"seq":1,"time":1,"username":"Ada","_":{}}"#,
            head + #", "_" : {} } "#,
        ] { #expect(event(text)?.visible == plain, "\(text)") }
        #expect(event(head + #","note":"_"}"#)?.visible == head + #","note":"_"}"#)
    }

    @Test func bytesThatAreNotUTF8_areNone() {
        for bytes in [[0xFF], [0xC3, 0x28], [0xED, 0xA0, 0x80], [0xF5, 0x80, 0x80, 0x80]] as [[UInt8]] {
            let line =
                Array(#"{"type":"message","seq":1,"time":1,"username":"Ada","text":""#.utf8) + bytes
                + Array(#""}"#.utf8)
            #expect(EventLine(line.span) == nil)
        }
    }
}
