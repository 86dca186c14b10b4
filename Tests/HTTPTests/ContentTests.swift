import HTTP
import Support
import Testing

/// RFC 9112, 6 and 7: a request's content, and no doubt about where it ends.
@Suite struct ContentTests {
    private let post = "POST / HTTP/1.1"

    private func content(_ text: String, maxContent: Int = 1000) -> String? {
        let found = events([Array(text.utf8)], maxContent: maxContent)
        guard found.count == 1, case .request(let request) = found[0] else { return nil }
        return String(decoding: request.content, as: UTF8.self)
    }

    private func chunked(_ chunks: String) -> String {
        head("Transfer-Encoding: chunked", requestLine: post) + chunks
    }

    // MARK: By length

    @Test(arguments: ["0", "00", "0000000000000000000000000000"])
    func length_zero_isNoContent(length: String) throws {
        #expect(content(head("Content-Length: \(length)")) == "")
        #expect(events(head("Content-Length: \(length)") + head()).count == 2)
    }

    @Test(arguments: ["5", "05", "00000000000000000000005"], ["GET", "HEAD", "POST", "PUT"])
    func length_isReadWithAnyMethod_andTheNextRequestFollows(length: String, method: String) throws {
        let text = head("Content-Length: \(length)", requestLine: "\(method) / HTTP/1.1") + "GET /"
        #expect(content(text) == "GET /")
        let found = events(text + head(requestLine: "GET /next HTTP/1.1"))
        guard found.count == 2, case .request(let first) = found[0], case .request(let next) = found[1] else {
            Issue.record("\(found)")
            return
        }
        #expect(first.keepAlive && next.target == "/next" && next.content == [])
    }

    @Test func length_isLimited_fromTheHead() {
        let text = head("Content-Length: 10", requestLine: post)
        #expect(content(text + "0123456789", maxContent: 10) == "0123456789")
        for length in ["11", "18446744073709551616", "9223372036854775807", "99999999999999999999999999999999999999"] {
            let found = events([Array(head("Content-Length: \(length)").utf8)], maxContent: 10)
            #expect(found == [.refused(.contentTooLong, toHead: false)], "nothing of it is waited for")
        }
        #expect(HTTPRefusal.contentTooLong.status.code == 413)
    }

    @Test(arguments: [
        "", "+0", "-0", "-1", "0x0", "0 0", "0,0", "0, 0", "5,5", "1e0", "0;", "٠", "zero", "0\t0", "\"0\"",
    ])
    func length_isARowOfDigits(length: String) {
        #expect(refusal(head("Content-Length: \(length)")) == .invalidContentLength)
        #expect(refusal(head("Content-Length: \(length)", requestLine: post)) == .invalidContentLength)
    }

    @Test(arguments: [("0", "0"), ("5", "5"), ("0", "5"), ("5", "0"), ("", "0")])
    func length_comesOnce(first: String, second: String) {
        #expect(refusal(head("Content-Length: \(first)", "content-length: \(second)")) == .repeatedContentLength)
    }

    // MARK: In chunks

    @Test(arguments: [
        ("0\r\n\r\n", ""), ("5\r\nhello\r\n0\r\n\r\n", "hello"), ("1\r\na\r\n2\r\nbc\r\n000\r\n\r\n", "abc"),
        ("A\r\n0123456789\r\n0\r\n\r\n", "0123456789"), ("00a\r\n0123456789\r\n0\r\n\r\n", "0123456789"),
        ("2;a=b;c=\"d;e\"\r\n\r\n\r\n0;x\r\n\r\n", "\r\n"), ("1 ; a\r\nx\r\n0\r\n\r\n", "x"),
        ("1\r\nx\r\n0\r\nX-Sum: 1\r\nHost: b\r\n\r\n", "x"), ("3\r\n0\r\n\r\n0\r\n\r\n", "0\r\n"),
    ])
    func chunks_arePutTogether_andTheNextRequestFollows(chunks: String, expected: String) {
        #expect(content(chunked(chunks)) == expected)
        #expect(events(chunked(chunks) + head()).count == 2)
        #expect(events(chunked(chunks).utf8.map { [$0] }) == events(chunked(chunks)))
    }

    @Test(arguments: [
        "\r\n", "x\r\n", "-1\r\n", "+1\r\n", "0x1\r\n", " 1\r\n", "1 \r\n", "1 2\r\n", ";a\r\n", "1\n", "1\rx",
        "1\r\nab\r\n",
        "1\r\na\n", "1\r\naa", "1\r\na\r\n\r\n", "0\r\nX : y\r\n", "0\r\n x\r\n", "0\r\nx\r\n", "0\r\n\n",
        "1\u{7f}\r\n",
        "1;a\u{1}\r\n",
    ])
    func chunks_thatBreakTheRules_areRefused(chunks: String) {
        #expect(refusal(chunked(chunks + "\r\n\r\n")) == .malformedChunk)
        #expect(HTTPRefusal.malformedChunk.status == .badRequest)
    }

    @Test func chunks_areLimitedTogether_fromTheSizeOn() {
        let sizes = ["b\r\n", "5\r\nhello\r\n6\r\n", "ffffffffffffffffffffffffff\r\n", "7fffffffffffffff\r\n"]
        for chunks in sizes {
            let found = events([Array(chunked(chunks).utf8)], maxContent: 10)
            #expect(found == [.refused(.contentTooLong, toHead: false)])
        }
        #expect(content(chunked("5\r\nhello\r\n5\r\nworld\r\n0\r\n\r\n"), maxContent: 10) == "helloworld")
    }

    @Test func chunks_haveLinesAndTrailersOfBoundedLength() {
        let long = String(repeating: "a", count: HTTPLimits.requestLine)
        #expect(refusal(chunked("1;\(long)")) == .malformedChunk)
        let fields = String(repeating: "A: \(String(repeating: "b", count: 1000))\r\n", count: 20)
        #expect(refusal(chunked("0\r\n" + fields)) == .malformedChunk)
    }

    @Test(arguments: [1, 2, 3])
    func content_isReadTheSame_howeverItIsCut(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let text =
            chunked("5;a\r\nhello\r\n1\r\n\n\r\n0\r\nA: b\r\n\r\n") + head("Content-Length: 3") + "\r\n\r" + head()
        let (bytes, whole) = (Array(text.utf8), events(text))
        #expect(whole.count == 3)
        for split in bytes.indices { #expect(events([Array(bytes[..<split]), Array(bytes[split...])]) == whole) }
        for _ in 0..<200 {
            var broken = bytes
            broken[random.below(bytes.count)] = UInt8(truncatingIfNeeded: random.next())
            #expect(events(broken.map { [$0] }) == events([broken]))
        }
    }

    // MARK: Length or chunks

    @Test func lengthAndCodingTogetherAreRefused() {
        for lines in [
            ["Content-Length: 0", "Transfer-Encoding: chunked"], ["Transfer-Encoding: chunked", "Content-Length: 0"],
            ["Transfer-Encoding: x", "Content-Length: 5"], ["Transfer-Encoding:", "Content-Length: 0"],
        ] {
            #expect(refusal(head(lines[0], lines[1])) == .lengthAndTransferEncoding)
            #expect(refusal(head(lines[0], lines[1], requestLine: post)) == .lengthAndTransferEncoding)
        }
    }

    @Test(arguments: ["chunked", "Chunked", "CHUNKED", " chunked ", ", chunked,"])
    func chunkedIsKnownInAnyCase(coding: String) {
        #expect(content(head("Transfer-Encoding: \(coding)") + "1\r\na\r\n0\r\n\r\n") == "a")
    }

    @Test(arguments: [
        "", "identity", "gzip", "xchunked", "chunkedx", "chunked, gzip", "chunked, chunked", "chunked, identity",
        "chunked;a=b", "\"chunked\"", "chun ked", "gzip, x, chunked, chunked",
    ])
    func chunkedComesOnceAndLast(codings: String) {
        #expect(refusal(head("Transfer-Encoding: \(codings)")) == .chunkedNotLast)
        #expect(HTTPRefusal.chunkedNotLast.status == .badRequest)
    }

    @Test func codingsOnSeveralLinesAreOneList() {
        #expect(refusal(head("Transfer-Encoding: chunked", "Transfer-Encoding: x")) == .chunkedNotLast)
        #expect(refusal(head("Transfer-Encoding: chunked", "Transfer-Encoding: chunked")) == .chunkedNotLast)
        #expect(refusal(head("Transfer-Encoding: x", "Transfer-Encoding: chunked")) == .unknownTransferCoding)
    }

    @Test(arguments: ["gzip, chunked", "identity, chunked", "x;q=1, chunked"])
    func anUnknownCodingIsNotImplemented(codings: String) {
        #expect(refusal(head("Transfer-Encoding: \(codings)")) == .unknownTransferCoding)
        #expect(HTTPRefusal.unknownTransferCoding.status.code == 501)
    }

    @Test func oldVersionsKnowNoCodings() {
        let text = head("Transfer-Encoding: chunked", requestLine: "GET / HTTP/1.0")
        #expect(refusal(text) == .transferEncodingInOldVersion)
    }

    // MARK: Waiting

    @Test func expect_isTold_whileNothingOfTheContentHasCome() {
        func awaits(_ text: String) -> Bool {
            var (parser, offset) = (RequestParser(), 0)
            _ = parser.next(in: Array(text.utf8).span, at: &offset, maxContent: 100)
            return parser.awaitsContinue
        }
        let text = head("Content-Length: 3", "Expect: 100-Continue", requestLine: post)
        #expect(awaits(text))
        #expect(!awaits(text + "a") && !awaits(text + "abc") && !awaits(String(text.dropLast(2))))
        #expect(!awaits(head("Expect: 100-continue")), "there is nothing to wait for")
        #expect(!awaits(head("Content-Length: 3", "Expect: x")))
        #expect(!awaits(head("Content-Length: 3", "Expect: 100-continue", requestLine: "POST / HTTP/1.0")))
        #expect(!awaits(head("Content-Length: 300", "Expect: 100-continue")), "it is refused")
        #expect(awaits(head("Transfer-Encoding: chunked", "Expect: 100-continue")))
    }

    @Test func aRequestIsUnderWayUntilItsContentIsComplete() {
        var parser = RequestParser()
        let input = Array((head("Content-Length: 2", requestLine: post) + "ab").utf8)
        for (index, byte) in input.enumerated() {
            var offset = 0
            let isLast = index == input.count - 1
            #expect((parser.next(in: [byte].span, at: &offset, maxContent: 2) != nil) == isLast)
            #expect(parser.isMidRequest == !isLast)
            if !isLast { #expect(parser.heldBytes > index) }
        }
    }

    // MARK: Refusals

    @Test(arguments: [
        ("HEAD", true), ("GET", false), ("HEADS", false), ("head", false),
    ])
    func aRefusalTellsWhetherItIsOfAHead(method: String, isHead: Bool) {
        let line = "\(method) / HTTP/1.1"
        for text in [
            head("Content-Length: x", requestLine: line), head(requestLine: "\(method) / HTTP/2.0"),
            head("A B", requestLine: line), head(requestLine: line, host: nil), head(requestLine: line + " "),
            head("A: " + String(repeating: "a", count: 17_000), requestLine: line),
            head(requestLine: "\(method) /\(String(repeating: "a", count: 9000)) HTTP/1.1"),
            head("Content-Length: 2000", requestLine: line),
            head("Transfer-Encoding: chunked", requestLine: line) + "x\r\n",
        ] {
            guard case .refused(_, isHead)? = events(text).first else {
                Issue.record("\(events(text))")
                continue
            }
        }
    }

    @Test func reasonsDiffer() {
        let refusals: [HTTPRefusal] = [
            .emptyLines, .malformedRequestLine, .invalidMethod, .invalidTarget, .unsupportedVersion, .missingHost,
            .repeatedHost, .invalidHost, .lengthAndTransferEncoding, .invalidContentLength, .repeatedContentLength,
            .transferEncodingInOldVersion, .chunkedNotLast, .unknownTransferCoding, .malformedChunk, .contentTooLong,
        ]
        #expect(Set(refusals.map(\.reason)).count == refusals.count)
        for refusal in refusals { #expect((400...505).contains(refusal.status.code)) }
    }
}
