import HTTP
import Testing
import WebSocket

/// RFC 6455, sections 1.3, 4.2 and 4.4: the server's side.
@Suite struct HandshakeTests {
    private let key = "dGhlIHNhbXBsZSBub25jZQ=="
    private let accept = bytes("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")

    private var request: [(String, String)] {
        [
            ("Host", "server.example.com"), ("Upgrade", "websocket"), ("Connection", "Upgrade"),
            ("Sec-WebSocket-Key", key), ("Origin", "http://example.com"), ("Sec-WebSocket-Version", "13"),
        ]
    }

    private func judge(
        _ fields: [(String, String)], deflate: Bool = true, subprotocols: [String] = ["chat"]
    ) -> Handshake.Verdict {
        Handshake.judge(parsed(fields), deflate: deflate, subprotocols: subprotocols)
    }

    private func without(_ name: String, adding fields: (String, String)...) -> [(String, String)] {
        request.filter { $0.0 != name } + fields
    }

    private func isMalformed(_ verdict: Handshake.Verdict) -> Bool {
        if case .malformed(let reason) = verdict { !reason.isEmpty } else { false }
    }

    private func acceptKey(_ key: String) -> [UInt8]? { Handshake.acceptKey(for: bytes(key).span) }

    @Test("The RFC's key gets the RFC's answer")
    func example() {
        #expect(acceptKey(key) == accept)
        guard case .accept(let answer) = judge(request) else {
            Issue.record("refused")
            return
        }
        #expect(answer.acceptKey == accept && answer.extensionHeader == nil && answer.subprotocol == nil)
        #expect(!answer.deflate && !answer.compress)
    }

    @Test(
        "Only the base64 of 16 bytes is a key",
        arguments: [
            "", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZR==",
            "dGhlIHNhbXBsZSBub25j", "dGhlIHNhbXBsZSBub25jZWQ=", "dGhlIHNhbXBsZSBub25jZWRk",
            "dGhlIHNhbXBsZSBub25j!Q==", "dGhlIHNhbXBsZSBub25jZQ==dGhlIHNhbXBsZSBub25jZQ==",
        ])
    func keys(key: String) {
        #expect(acceptKey(key) == nil)
        #expect(isMalformed(judge(without("Sec-WebSocket-Key", adding: ("Sec-WebSocket-Key", key)))))
    }

    @Test("There is one key, one version")
    func once() {
        for name in ["Sec-WebSocket-Key", "Sec-WebSocket-Version"] {
            #expect(isMalformed(judge(without(name))))
            #expect(isMalformed(judge(request + request.filter { $0.0 == name })))
        }
    }

    @Test(
        "Any version but 13 is told so, whatever its key looks like",
        arguments: ["8", "0", "14", "013", "", "13, 8", "x"])
    func versions(version: String) {
        let fields = without("Sec-WebSocket-Version", adding: ("Sec-WebSocket-Version", version))
        #expect(judge(fields) == .wrongVersion)
        #expect(judge(fields.filter { $0.0 != "Sec-WebSocket-Key" }) == .wrongVersion)
    }

    @Test(
        "Upgrade names websocket, in any case, perhaps among others",
        arguments: [
            "WebSocket", "h2c, WEBSOCKET", "\twebsocket ,", " ,websocket", "h2c,\t, ,websocket", ",\t,websocket, ",
        ])
    func upgrades(upgrade: String) {
        guard case .accept = judge(without("Upgrade", adding: ("upgrade", upgrade))) else {
            Issue.record("refused")
            return
        }
    }

    @Test(
        "Without that it is no upgrade",
        arguments: [nil, "", "h2c", "websocket2", "web socket", "websocket/13", "a, ,b", "\t,\t", ", ,"])
    func notAnUpgrade(upgrade: String?) {
        let fields = without("Upgrade") + (upgrade.map { [("Upgrade", $0)] } ?? [])
        #expect(judge(fields) == .notAnUpgrade)
        #expect(judge([]) == .notAnUpgrade)
    }

    @Test("Connection names Upgrade, in any case, perhaps among others, on any line")
    func connections() {
        for lines in [
            ["keep-alive, Upgrade"], ["UPGRADE"], ["keep-alive, ,Upgrade"], ["keep-alive", "upgrade"],
            [" ,\tupgrade\t"],
        ] {
            guard case .accept = judge(without("Connection") + lines.map { ("Connection", $0) }) else {
                Issue.record("\(lines) refused")
                continue
            }
        }
        for lines in [[], ["keep-alive"], ["upgrades"], ["up grade"]] {
            #expect(isMalformed(judge(without("Connection") + lines.map { ("connection", $0) })))
        }
    }

    @Test("The first of the client's subprotocols that is known here is chosen; none is no fault")
    func subprotocols() {
        func chosen(_ lines: [String], among known: [String] = ["chat.v2", "chat.v1"]) -> String? {
            let fields = request + lines.map { ("Sec-WebSocket-Protocol", $0) }
            guard case .accept(let answer) = judge(fields, subprotocols: known) else { return "refused" }
            return answer.subprotocol
        }
        #expect(chosen([]) == nil)
        #expect(chosen(["chat.v1, chat.v2"]) == "chat.v1")
        #expect(chosen(["foo,chat.v2", "chat.v1"]) == "chat.v2")
        #expect(chosen(["foo", "bar"]) == nil)
        #expect(chosen(["Chat.v1"]) == nil)
        #expect(chosen(["chat.v1"], among: []) == nil)
        for malformed in ["chat v1", "chat.v1;", "\"chat.v1\"", "chat.v1, é", "a/b"] {
            #expect(chosen([malformed]) == "refused")
        }
    }

    @Test("permessage-deflate is in the answer where it is offered and wanted")
    func extensions() {
        func answer(_ offer: String, deflate: Bool = true) -> Handshake.Answer? {
            guard case .accept(let answer) = judge(request + [("Sec-WebSocket-Extensions", offer)], deflate: deflate)
            else { return nil }
            return answer
        }
        let offer = "permessage-deflate; client_max_window_bits"
        #expect(answer(offer)?.deflate == true)
        #expect(answer(offer)?.compress == true)
        #expect(answer(offer)?.extensionHeader == PermessageDeflate.offer)
        #expect(answer("permessage-deflate; server_max_window_bits=9")?.deflate == true)
        #expect(answer("permessage-deflate; server_max_window_bits=9")?.compress == false)
        #expect(answer(offer, deflate: false)?.deflate == false)
        #expect(answer(offer, deflate: false)?.extensionHeader == nil)
        #expect(answer("foo")?.extensionHeader == nil)
        #expect(answer("permessage-deflate;") == nil)
    }

    @Test("A field is known by its whole name, in any case, and by nothing that looks alike")
    func fieldNames() {
        for name in ["SEC-WEBSOCKET-KEY", "sec-websocket-key", "sEC-wEBsOCKET-kEY"] {
            guard case .accept = judge(without("Sec-WebSocket-Key", adding: (name, key))) else {
                Issue.record("\(name) is not known")
                continue
            }
        }
        for name in ["Sec-WebSocket-Ke", "Sec-WebSocket-Keys", "Sec-WebSocket_Key"] {
            #expect(isMalformed(judge(without("Sec-WebSocket-Key", adding: (name, key)))))
        }
    }

    @Test("Offers on several lines are one list")
    func severalLines() {
        let fields =
            request + [("Sec-WebSocket-Extensions", "foo"), ("sec-websocket-extensions", " permessage-deflate ")]
        guard case .accept(let answer) = judge(fields) else {
            Issue.record("refused")
            return
        }
        #expect(answer.deflate)
    }
}

/// Header fields as HTTP reads them.
func parsed(_ fields: [(String, String)]) -> HTTPFields {
    let lines = fields.map { "\($0.0): \($0.1)\r\n" }.joined()
    var (parser, offset) = (ResponseParser(), 0)
    guard case .response(let head)? = parser.next(in: bytes("HTTP/1.1 200 OK\r\n\(lines)\r\n").span, at: &offset) else {
        Issue.record("not read: \(lines)")
        return HTTPFields()
    }
    return head.fields
}
