import Testing
import WebSocket

/// RFC 6455, section 4.1: the client's side.
@Suite struct ClientHandshakeTests {
    /// The nonce of the RFC's example, "the sample nonce".
    private let nonce: SIMD16<UInt8> = [
        0x74, 0x68, 0x65, 0x20, 0x73, 0x61, 0x6D, 0x70, 0x6C, 0x65, 0x20, 0x6E, 0x6F, 0x6E, 0x63, 0x65,
    ]

    private let answer = [
        ("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
    ]

    private func verify(
        _ fields: [(String, String)], status: Int = 101, deflate: Bool = true
    ) -> Result<Agreed, ClientHandshake.Refusal> {
        ClientHandshake(nonce: nonce, subprotocols: ["chat", "superchat"], deflate: deflate)
            .verify(status: status, parsed(fields))
            .map { Agreed(deflate: $0.deflate, subprotocol: $0.subprotocol) }
    }

    private struct Agreed: Equatable {
        var deflate = false
        var subprotocol: String?
    }

    private func without(_ name: String, adding fields: (String, String)...) -> [(String, String)] {
        answer.filter { $0.0 != name } + fields
    }

    @Test("The request is the RFC's example")
    func request() {
        let client = ClientHandshake(nonce: nonce, subprotocols: ["chat", "superchat"], deflate: true)
        let fields = Dictionary(uniqueKeysWithValues: client.requestFields.map { ($0.name, $0.value) })
        #expect(
            fields == [
                "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
                "Sec-WebSocket-Version": "13", "Sec-WebSocket-Protocol": "chat, superchat",
                "Sec-WebSocket-Extensions": PermessageDeflate.offer,
            ])
        let bare = ClientHandshake(nonce: nonce, subprotocols: [], deflate: false)
        #expect(bare.requestFields.count == 4)
    }

    @Test("The RFC's answer is taken, in upper or lower case, with what was offered")
    func accepted() {
        #expect(verify(answer) == .success(Agreed()))
        let loud = [
            ("UPGRADE", "WebSocket"), ("CONNECTION", "keep-alive, UPGRADE"),
            ("SEC-WEBSOCKET-ACCEPT", " s3pPLMBiTxaQ9kYGzzhZRbK+xOo= "),
        ]
        #expect(verify(loud) == .success(Agreed()))
        #expect(
            verify(answer + [("Sec-WebSocket-Protocol", "superchat")])
                == .success(Agreed(subprotocol: "superchat")))
        #expect(
            verify(answer + [("Sec-WebSocket-Extensions", PermessageDeflate.offer)])
                == .success(Agreed(deflate: true)))
    }

    @Test("Every other status is refused", arguments: [100, 200, 301, 400, 403, 426, 503])
    func status(status: Int) {
        #expect(verify(answer, status: status) == .failure(.status(status)))
    }

    @Test("Upgrade and Connection say what they must")
    func upgrade() {
        #expect(verify(without("Upgrade")) == .failure(.upgradeMissing))
        #expect(verify(without("Upgrade", adding: ("Upgrade", "h2c"))) == .failure(.upgradeWrong))
        #expect(verify(without("Upgrade", adding: ("Upgrade", "websocket, h2c"))) == .failure(.upgradeWrong))
        #expect(verify(answer + [("Upgrade", "websocket")]) == .failure(.upgradeWrong))
        #expect(verify(without("Connection")) == .failure(.connectionMissing))
        #expect(verify(without("Connection", adding: ("Connection", "close"))) == .failure(.connectionWrong))
    }

    @Test("Accept is there, once, and fits the key to the letter")
    func accept() {
        let name = "Sec-WebSocket-Accept"
        #expect(verify(without(name)) == .failure(.acceptMissing))
        #expect(verify(answer + answer.suffix(1)) == .failure(.acceptRepeated))
        for wrong in ["", "S3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "s3pPLMBiTxaQ9kYGzzhZRbK+xO=", "dGhlIHNhbXBsZSBub25jZQ=="] {
            #expect(verify(without(name, adding: (name, wrong))) == .failure(.acceptWrong))
        }
    }

    @Test("The server chooses one of the subprotocols offered, or none")
    func subprotocol() {
        let name = "Sec-WebSocket-Protocol"
        for wrong in ["", "Chat", "other", "chat, superchat"] {
            #expect(verify(answer + [(name, wrong)]) == .failure(.subprotocolNotOffered(wrong)))
        }
        #expect(verify(answer + [(name, "chat"), (name, "chat")]) == .failure(.subprotocolRepeated))
    }

    @Test("Extensions that were not offered, or not so, are refused")
    func extensions() {
        let name = "Sec-WebSocket-Extensions"
        #expect(
            verify(answer + [(name, PermessageDeflate.offer)], deflate: false)
                == .failure(.extensions(.notOffered("permessage-deflate"))))
        #expect(verify(answer + [(name, "permessage-deflate")]) == .failure(.extensions(.contextTakeover)))
        #expect(verify(answer + [(name, "a b")]) == .failure(.extensions(.malformed)))
        #expect(
            verify(answer + [(name, PermessageDeflate.offer), (name, "")]) == .failure(.extensionsRepeated))
    }

    @Test("Every refusal can be read by a person, and is like no other")
    func descriptions() {
        let all: [ClientHandshake.Refusal] = [
            .status(404), .upgradeMissing, .upgradeWrong, .connectionMissing, .connectionWrong, .acceptMissing,
            .acceptRepeated, .acceptWrong, .subprotocolRepeated, .subprotocolNotOffered("x"), .extensionsRepeated,
            .extensions(.malformed), .extensions(.notOffered("x")), .extensions(.repeated),
            .extensions(.illegalParameters), .extensions(.contextTakeover),
        ]
        #expect(Set(all.map(\.description)).count == all.count)
        #expect(all[0].description.contains("404"))
    }

    @Test("Both ends of this module agree with each other")
    func bothEnds() {
        let client = ClientHandshake(nonce: nonce, subprotocols: ["chat"], deflate: true)
        let request = parsed(client.requestFields.map { ($0.name, $0.value) })
        guard case .accept(let answer) = Handshake.judge(request, deflate: true, subprotocols: ["chat"]) else {
            Issue.record("refused")
            return
        }
        var fields = [("Upgrade", "websocket"), ("Connection", "Upgrade")]
        fields.append(("Sec-WebSocket-Accept", String(decoding: answer.acceptKey, as: UTF8.self)))
        fields.append(("Sec-WebSocket-Extensions", answer.extensionHeader ?? ""))
        fields.append(("Sec-WebSocket-Protocol", answer.subprotocol ?? ""))
        guard case .success(let agreement) = client.verify(status: 101, parsed(fields)) else {
            Issue.record("refused by the client")
            return
        }
        #expect(agreement.deflate && agreement.subprotocol == "chat" && answer.compress)
    }
}
