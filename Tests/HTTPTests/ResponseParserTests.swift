import HTTP
import Support
import Testing

/// RFC 9112, 4: what a client reads.
@Suite struct ResponseParserTests {
    /// What a fresh parser makes of the pieces, and how many bytes of them it leaves.
    private func parse(_ pieces: [[UInt8]]) -> (events: [ResponseEvent], rest: Int) {
        var parser = ResponseParser()
        var (events, rest): ([ResponseEvent], Int) = ([], 0)
        for piece in pieces {
            var offset = 0
            while let event = parser.next(in: piece.span, at: &offset) { events.append(event) }
            rest += piece.count - offset
        }
        return (events, rest)
    }

    private func parse(_ text: String) -> [ResponseEvent] { parse([Array(text.utf8)]).events }

    private func refusal(_ text: String) -> ResponseRefusal? {
        let events = parse(text)
        guard events.count == 1, case .refused(let refusal) = events[0] else { return nil }
        return refusal
    }

    private let upgrade =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nA: b\r\nA: c\r\n\r\n"

    @Test func aResponseTellsItsStatusAndFields() throws {
        guard case .response(let head)? = parse(upgrade).first else {
            Issue.record("refused")
            return
        }
        #expect(head.statusCode == 101)
        #expect(head.fields.value(of: "upgrade") == "websocket")
        #expect(head.fields.has("connection", token: "upgrade"))
        #expect(head.fields.values(of: "a") == ["b", "c"])
        #expect(head.fields.count(of: "a") == 2)
    }

    @Test func everySplitGivesTheSameResponseAndLeavesWhatFollows() {
        let bytes = Array(("HTTP/1.1 100 Continue\r\nA: b\r\n\r\n" + upgrade + "frame").utf8)
        let whole = parse([bytes])
        #expect(whole.events.count == 1)
        #expect(whole.rest == 5)
        for split in bytes.indices {
            let cut = parse([Array(bytes[..<split]), Array(bytes[split...])])
            #expect(cut.events == whole.events)
            #expect(cut.rest == 5)
        }
        #expect(parse(bytes.map { [$0] }).events == whole.events)
    }

    @Test(arguments: [
        "HTTP/1.1 200\r\n", "HTTP/1.1  200 OK\r\n", "HTTP/1.1 20 OK\r\n", "HTTP/1.1 2000 OK\r\n", "HTTP/1.1 2x0 OK\r\n",
        "http/1.1 200 OK\r\n", "HTTP/1 200 OK\r\n", "\r\n", "ICY 200 OK\r\n", "HTTP/1.1\t200 OK\r\n",
        "HTTP/1.1 +20 OK\r\n",
        "SSH-2.0-OpenSSH_9.9 Debian\r\n", " HTTP/1.1 200 OK\r\n",
    ])
    func aStatusLineIsVersionCodeAndPhrase(line: String) {
        #expect(refusal(line) == .malformedStatusLine)
    }

    @Test func thePhraseMayBeEmptyOrAnything() {
        #expect(parse("HTTP/1.1 200 \r\n\r\n").count == 1)
        #expect(refusal("HTTP/1.1 200 \r\n\r\n") == nil)
        #expect(refusal("HTTP/1.0 404 a b é\r\n\r\n") == nil)
    }

    @Test func anotherMajorVersionIsRefused() {
        #expect(refusal("HTTP/2.0 200 OK\r\n") == .unsupportedVersion)
        #expect(refusal("HTTP/0.9 200 OK\r\n") == .unsupportedVersion)
    }

    @Test(arguments: ["000", "099", "600", "999"])
    func aCodeIsOneOfTheFiveClasses(code: String) {
        #expect(refusal("HTTP/1.1 \(code) x\r\n") == .invalidStatusCode)
    }

    @Test func interimResponsesArePassedOver() {
        let interim = "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
        for count in [1, HTTPLimits.interimResponses] {
            guard case .response(let head)? = parse(String(repeating: interim, count: count) + upgrade).first else {
                Issue.record("refused")
                return
            }
            #expect(head.statusCode == 101)
            #expect(head.fields.value(of: "link") == nil)
        }
        #expect(refusal(String(repeating: interim, count: HTTPLimits.interimResponses + 1)) == .tooManyInterimResponses)
    }

    @Test(
        arguments: [
            ("HTTP/1.1 200 OK\n", .bareLineFeed), ("HTTP/1.1 200 OK\rA", .bareCarriageReturn),
            ("HTTP/1.1 200 O\0", .controlCharacter),
            ("HTTP/1.1 200 OK\r\nA\r\n", .missingColon), ("HTTP/1.1 200 OK\r\nA : b\r\n", .spaceBeforeColon),
            ("HTTP/1.1 200 OK\r\nA: b\r\n c\r\n", .foldedLine), ("HTTP/1.1 200 OK\r\n(: b\r\n", .invalidFieldName),
            ("HTTP/1.1 200 " + String(repeating: "a", count: 9000), .startLineTooLong),
            ("HTTP/1.1 200 OK\r\nA: " + String(repeating: "a", count: 17_000), .headTooLong),
            ("HTTP/1.1 200 OK\r\n" + String(repeating: "A: b\r\n", count: 101), .tooManyFields),
        ] as [(String, HeadFault)])
    func theLinesAreReadAsStrictlyAsARequests(text: String, fault: HeadFault) {
        #expect(refusal(text) == .head(fault))
        #expect(ResponseRefusal.head(fault).reason == fault.reason)
    }

    @Test func nothingComesAfterTheFinalResponse() {
        #expect(parse(upgrade + upgrade).count == 1)
        #expect(parse([Array((upgrade + upgrade).utf8)]).rest == upgrade.utf8.count)
        #expect(parse("x\r\n" + upgrade).count == 1)
    }

    @Test func reasonsDiffer() {
        let refusals: [ResponseRefusal] = [
            .malformedStatusLine, .unsupportedVersion, .invalidStatusCode, .tooManyInterimResponses,
        ]
        #expect(Set(refusals.map(\.reason)).count == refusals.count)
    }

    @Test(arguments: 1...10)
    func garbageIsReadTheSameHoweverItIsCut(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<100 {
            var bytes = Array(("HTTP/1.1 100 a\r\n\r\n" + upgrade).utf8)
            for _ in 0..<random.below(4) { bytes[random.below(bytes.count)] = UInt8(truncatingIfNeeded: random.next()) }
            let split = random.below(bytes.count)
            let whole = parse([bytes]).events
            #expect(parse(bytes.map { [$0] }).events == whole)
            #expect(parse([Array(bytes[..<split]), Array(bytes[split...])]).events == whole)
        }
    }
}
