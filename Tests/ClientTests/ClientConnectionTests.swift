import HTTP
import Support
import Testing
import WebSocket

@testable import Client

/// RFC 6455 and RFC 7692 from the client's end: the opening.
@Suite struct OpeningTests {
    @Test func handshake_requestIsTheRFCs() {
        let connection = ClientConnection(
            authority: "a.example:8080", target: "/chat?room=x", nonce: sampleNonce, fields: [("Origin", "http://b")])
        let request = String(decoding: connection.output, as: UTF8.self)
        #expect(
            request.split(separator: "\r\n", omittingEmptySubsequences: false) == [
                "GET /chat?room=x HTTP/1.1", "Host: a.example:8080", "Upgrade: websocket", "Connection: Upgrade",
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13",
                "Sec-WebSocket-Protocol: chatloop.v1",
                "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover",
                "Origin: http://b", "", "",
            ])
        #expect(connection.phase == .opening)
    }

    @Test func handshake_rightAnswer_opens() throws {
        var line = try Line()
        line.receive(answer())
        #expect(line.happenings == [.opened(deflate: false, subprotocol: nil)])
        #expect(line.connection.phase == .open)
    }

    @Test func handshake_agreement_isTold() throws {
        var line = try Line(deflate: true)
        line.receive(
            answer(
                more: "Sec-WebSocket-Protocol: chatloop.v1",
                "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover"))
        #expect(line.happenings == [.opened(deflate: true, subprotocol: "chatloop.v1")])
    }

    @Test func frames_inTheSameReadAsTheAnswer_count() throws {
        var line = try Line()
        line.receive(answer() + frame("first") + frame("second"))
        #expect(line.happenings == [.opened(deflate: false, subprotocol: nil), .text("first"), .text("second")])
    }

    @Test func handshake_interimAnswers_arePassedOver() throws {
        var line = try Line()
        line.receive(bytes("HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n") + answer())
        #expect(line.connection.phase == .open)
    }

    /// Every way to be wrong, and what the person is told of it.
    static let malformed: [([UInt8], ConnectionRefusal)] = [
        (answer(status: "HTTP/1.1 200 OK"), .handshake(.status(200))),
        (answer(status: "HTTP/1.1 404 Not Found"), .handshake(.status(404))),
        (answer(status: "HTTP/1.1 301 Moved"), .handshake(.status(301))),
        (answer(status: "HTTP/1.1 503 Busy"), .handshake(.status(503))),
        (answer(upgrade: nil), .handshake(.upgradeMissing)),
        (answer(upgrade: "h2c"), .handshake(.upgradeWrong)),
        (answer(upgrade: "websocket, h2c"), .handshake(.upgradeWrong)),
        (answer(more: "Upgrade: websocket"), .handshake(.upgradeWrong)),
        (answer(connection: nil), .handshake(.connectionMissing)),
        (answer(connection: "close"), .handshake(.connectionWrong)),
        (answer(accept: nil), .handshake(.acceptMissing)),
        (answer(accept: ""), .handshake(.acceptWrong)),
        (answer(accept: "s3pPLMBiTxaQ9kYGzzhZRbK+xOo"), .handshake(.acceptWrong)),
        (answer(accept: "S3PPLMBITXAQ9KYGZZHZRBK+XOO="), .handshake(.acceptWrong)),
        (answer(accept: "AAAAAAAAAAAAAAAAAAAAAAAAAAA="), .handshake(.acceptWrong)),
        (answer(more: "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), .handshake(.acceptRepeated)),
        (answer(more: "Sec-WebSocket-Protocol: other"), .handshake(.subprotocolNotOffered("other"))),
        (
            answer(more: "Sec-WebSocket-Protocol: chatloop.v1", "Sec-WebSocket-Protocol: chatloop.v1"),
            .handshake(.subprotocolRepeated)
        ),
        (
            answer(more: "Sec-WebSocket-Extensions: permessage-deflate"),
            .handshake(.extensions(.notOffered("permessage-deflate")))
        ),
        (answer(more: "Sec-WebSocket-Extensions: x; y=\""), .handshake(.extensions(.malformed))),
        (bytes("220 mail.example ESMTP\r\n"), .http(.malformedStatusLine)),
        (bytes("HTTP/2.0 101 Switching\r\n"), .http(.unsupportedVersion)),
        (bytes("HTTP/1.1 999 Odd\r\n"), .http(.invalidStatusCode)),
        (bytes("HTTP/1.1 101 Switching Protocols\n"), .http(.head(.bareLineFeed))),
        (bytes("HTTP/1.1 101 Switching\r\nUpgrade : websocket\r\n"), .http(.head(.spaceBeforeColon))),
        (bytes("HTTP/1.1 101 Switching\r\nUpgrade: web\r\n socket\r\n"), .http(.head(.foldedLine))),
        (bytes("HTTP/1.1 101 Switching\r\nA: \0\r\n"), .http(.head(.controlCharacter))),
        (
            bytes("HTTP/1.1 101 Switching\r\n") + bytes("A: " + String(repeating: "b", count: 20_000)),
            .http(.head(.headTooLong))
        ),
    ]

    @Test(arguments: malformed.indices)
    func handshake_wrongAnswer_isRefusedWithItsReason(index: Int) throws {
        let (input, refusal) = Self.malformed[index]
        var line = try Line()
        line.receive(input)
        #expect(line.happenings == [.refused(refusal)])
        #expect(line.connection.phase == .closed)
        #expect(!refusal.description.isEmpty)
        line.receive(answer() + frame("too late"))
        #expect(line.happenings.count == 1)
        #expect(line.sent.isEmpty)
    }

    @Test(arguments: malformed.indices)
    func handshake_answerSplitAnywhere_isTheSame(index: Int) throws {
        let (input, refusal) = Self.malformed[index]
        guard input.count < 1000 else { return }
        for split in 0...input.count {
            var line = try Line()
            line.receive(Array(input[..<split]))
            line.receive(Array(input[split...]))
            #expect(line.happenings == [.refused(refusal)])
        }
    }

    @Test func handshake_endInPlaceOfAnAnswer_isARefusal() throws {
        var line = try Line()
        line.receive(bytes("HTTP/1.1 101 Swit"))
        let ends = [line.end(), line.end()]
        #expect(ends == [.refused(.ended), nil])
    }

    @Test func send_beforeOpen_sendsNothing() throws {
        var line = try Line()
        let isSent = line.send("early")
        #expect(!isSent)
        #expect(line.connection.output.isEmpty)
        line.connection.close(.normal, key: 1)
        #expect(line.connection.output.isEmpty)
        #expect(line.connection.phase == .closed)
    }
}

/// The open connection: messages, pings, closing, violations.
@Suite struct ConnectionTests {
    @Test func messagesComeWhole() throws {
        var line = try Line.open()
        line.receive(frame("one") + frame(.text, bytes("tw"), final: false) + frame(.continuation, bytes("o")))
        line.receive(frame(.binary, [1, 2, 3]) + frame(""))
        #expect(line.happenings == [.text("one"), .text("two"), .binary([1, 2, 3]), .text("")])
        #expect(line.sent.isEmpty)
    }

    @Test func frames_splitAnywhere_giveTheSameEvents() throws {
        let long = String(repeating: "é", count: 300)
        var input: [UInt8] = answer() + frame("one") + frame(.ping, bytes("are you there"))
        input += frame(.text, bytes("t"), final: false) + frame(.pong, bytes("x")) + frame(.continuation, bytes("wo"))
        input += frame(long)
        let reason: [UInt8] = [3, 232] + bytes("bye")
        input += frame(.close, reason)
        var whole = try Line()
        whole.receive(input)
        let expected: [Happening] = [
            .opened(deflate: false, subprotocol: nil), .text("one"), .pong(bytes("x")), .text("two"), .text(long),
            .closed(1000, "bye"),
        ]
        #expect(whole.happenings == expected)
        for split in 0...input.count {
            var line = try Line()
            line.receive(Array(input[..<split]))
            line.receive(Array(input[split...]))
            #expect(line.happenings == expected)
            #expect(line.sent == whole.sent)
        }
        var line = try Line()
        for byte in input { line.receive([byte]) }
        #expect(line.happenings == expected)
    }

    @Test func ping_isAnsweredWithItsPayloadMasked() throws {
        var line = try Line.open()
        line.receive(frame(.ping, bytes("abc")) + frame(.ping))
        #expect(line.happenings.isEmpty)
        #expect(line.sent.count == 2 + 4 + 3 + 2 + 4)
        #expect(line.sent[0] == 0x8A && line.sent[1] == 0x83)
        #expect(line.heardByServer == [.pong(0..<3), .pong(3..<3)])
    }

    @Test func pings_inAFlood_pileUpNoAnswers() throws {
        var line = try Line.open()
        let flood = (0..<2000).flatMap { _ in frame(.ping, [UInt8](repeating: 7, count: 125)) }
        line.receive(flood)
        #expect(line.sent.count < 66_000)
    }

    @Test func frames_haveAKeyEach() throws {
        var line = try Line.open()
        _ = line.send("same", key: 0x0102_0304)
        _ = line.send("same", key: 0xA1B2_C3D4)
        line.receive([])
        #expect(Array(line.sent[2..<6]) == [1, 2, 3, 4])
        #expect(Array(line.sent[12..<16]) == [0xA1, 0xB2, 0xC3, 0xD4])
        #expect(line.textsHeardByServer == ["same", "same"])
    }

    @Test func longMessages_areCompressedWhereNegotiated() throws {
        let deflater = try #require(Deflater())
        let long = String(repeating: "so long ", count: 100)
        for deflate in [false, true] {
            var line = try Line.open(deflate: deflate)
            _ = line.send(long, deflater: deflater)
            _ = line.send("short", deflater: deflater)
            line.receive([])
            #expect((line.sent.count < 100) == deflate)
            #expect(line.textsHeardByServer == [long, "short"])
        }
    }

    @Test func compressedMessages_areInflatedWithinTheLimit() throws {
        let deflater = try #require(Deflater())
        var small: [UInt8] = []
        deflater.compress([UInt8](repeating: 65, count: 5000).span, into: &small)
        var line = try Line.open(deflate: true, maxMessage: 5000)
        line.receive(frame(.text, small, compressed: true))
        #expect(line.happenings == [.text(String(repeating: "A", count: 5000))])

        line = try Line.open(deflate: true, maxMessage: 4999)
        line.receive(frame(.text, small, compressed: true))
        #expect(line.happenings == [.violation(.messageTooBig)])
    }

    // MARK: Closing

    @Test func close_ofTheServer_isAnsweredWithItsCode() throws {
        var line = try Line.open()
        let reason: [UInt8] = [0x03, 0xE9] + bytes("bye")
        line.receive(frame(.close, reason) + frame("never"))
        #expect(line.happenings == [.closed(1001, "bye")])
        #expect(line.heardByServer == [.close(.goingAway, reason: 2..<2)])
        #expect(line.connection.phase == .closed)
    }

    @Test func close_withoutACode_isAnsweredWithout() throws {
        var line = try Line.open()
        line.receive(frame(.close))
        #expect(line.happenings == [.closed(nil, "")])
        #expect(line.heardByServer == [.close(nil, reason: 0..<0)])
    }

    @Test func close_isSentOnceAndNothingAfterIt() throws {
        var line = try Line.open()
        line.connection.close(.normal, reason: "done", key: 9)
        #expect(line.connection.phase == .closing)
        line.connection.close(.goingAway, key: 9)
        let isSent = line.send("late")
        #expect(!isSent)
        // What the server had under way still comes; its answer to our close frame needs none.
        line.receive(frame("on its way") + frame(.ping) + frame(.close, [0x03, 0xE8]))
        #expect(line.happenings == [.text("on its way"), .closed(1000, "")])
        #expect(line.heardByServer == [.close(.normal, reason: 2..<6)])
    }

    @Test func end_withoutACloseFrame_isNoEvent() throws {
        var line = try Line.open()
        let event = line.end()
        #expect(event == nil)
        #expect(line.connection.phase == .closed)
    }

    // MARK: Violations

    @Test(
        arguments: [
            ([0x81, 0x83, 1, 2, 3, 4, 0, 0, 0], .maskedFrame, 1002),
            ([0x91, 0x00], .reservedBits, 1002),
            ([0xC1, 0x00], .reservedBits, 1002),
            ([0x83, 0x00], .reservedOpcode(3), 1002),
            ([0x80, 0x00], .unexpectedContinuation, 1002),
            ([0x09, 0x00], .fragmentedControlFrame, 1002),
            ([0x81, 0x7E, 0x00, 0x05], .nonMinimalLength, 1002),
            ([0x81, 0x7F, 0x80, 0, 0, 0, 0, 0, 0, 0], .lengthOutOfRange, 1002),
            ([0x81, 0x7F, 0x7F, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], .messageTooBig, 1009),
            ([0x81, 0x02, 0xC3, 0x28], .invalidText, 1007),
            ([0x88, 0x01, 0x03], .truncatedCloseCode, 1002),
            ([0x88, 0x02, 0x03, 0xED], .invalidCloseCode(1005), 1002),
        ] as [([UInt8], Violation, UInt16)])
    func violation_closesWithItsCode(input: [UInt8], violation: Violation, code: UInt16) throws {
        var line = try Line.open()
        line.receive(input + frame("never"))
        #expect(line.happenings == [.violation(violation)])
        #expect(line.heardByServer.first?.closeCode == code)
        #expect(line.connection.phase == .closed)
        #expect(line.heardByServer.count == 1)
    }

    @Test func keys_takeAnyBytesWithoutATrap() throws {
        var random = SeededGenerator(seed: 3)
        for _ in 0..<2000 {
            var line = random.below(2) == 0 ? try Line.open(deflate: true) : try Line(deflate: true)
            for _ in 0..<random.below(6) {
                let start: [UInt8] = [[0x81], [0xC1], [0x88], [0x89], [0x01], [0x80], []][random.below(7)]
                line.receive(start + (0..<random.below(40)).map { _ in UInt8(random.below(256)) })
            }
            #expect(line.happenings.count < 200)
        }
    }
}

extension ReaderEvent {
    fileprivate var closeCode: UInt16? {
        if case .close(let code, _) = self { return code?.rawValue }
        return nil
    }
}
