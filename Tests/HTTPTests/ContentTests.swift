import HTTP
import Testing

/// RFC 9112, 6: no content, and no doubt about where a request ends.
@Suite struct ContentTests {
    @Test(arguments: ["0", "00", "0000000000000000000000000000"])
    func aLengthOfZeroIsNoContent(length: String) throws {
        let found = try #require(request(head("Content-Length: \(length)")))
        #expect(!found.announcesContent)
        #expect(found.keepAlive)
        #expect(events(head("Content-Length: \(length)") + head()).count == 2)
    }

    @Test(arguments: ["1", "5", "05", "18446744073709551616", "99999999999999999999999999999999999999"])
    func contentIsRefusedByItsLength(length: String) {
        #expect(refusal(head("Content-Length: \(length)") + head()) == .unexpectedContent)
        #expect(refusal(head("Content-Length: \(length)", requestLine: "HEAD / HTTP/1.1")) == .unexpectedContent)
        #expect(HTTPRefusal.unexpectedContent.status.code == 413)
    }

    @Test(arguments: [
        "", "+0", "-0", "-1", "0x0", "0 0", "0,0", "0, 0", "5,5", "1e0", "0;", "٠", "zero", "0\t0", "\"0\"",
    ])
    func aLengthIsARowOfDigits(length: String) {
        #expect(refusal(head("Content-Length: \(length)")) == .invalidContentLength)
    }

    @Test(arguments: [("0", "0"), ("5", "5"), ("0", "5"), ("5", "0"), ("", "0")])
    func thereIsOneLengthOnly(first: String, second: String) {
        #expect(refusal(head("Content-Length: \(first)", "content-length: \(second)")) == .repeatedContentLength)
    }

    @Test(arguments: ["chunked", "Chunked", "CHUNKED", " chunked ", ", chunked,"])
    func chunkedContentIsRefused(coding: String) {
        #expect(refusal(head("Transfer-Encoding: \(coding)") + "0\r\n\r\n" + head()) == .unexpectedContent)
    }

    @Test func lengthAndCodingTogetherAreRefused() {
        for lines in [
            ["Content-Length: 0", "Transfer-Encoding: chunked"], ["Transfer-Encoding: chunked", "Content-Length: 0"],
            ["Transfer-Encoding: x", "Content-Length: 5"], ["Transfer-Encoding:", "Content-Length: 0"],
        ] {
            #expect(refusal(head(lines[0], lines[1])) == .lengthAndTransferEncoding)
            #expect(refusal(head(lines[0], lines[1], requestLine: "POST / HTTP/1.1")) == .lengthAndTransferEncoding)
        }
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

    @Test(arguments: ["Content-Length: 3", "Transfer-Encoding: chunked"])
    func anotherMethodWithContentIsToldThatItIsNotAllowedAndIsTheLast(line: String) throws {
        let text = head(line, requestLine: "POST / HTTP/1.1") + head() + head()
        let post = try #require(request(text), "what follows is content, or at least may be")
        #expect(post.method == .other("POST"))
        #expect(post.announcesContent)
        #expect(!post.keepAlive)
    }

    @Test func anotherMethodWithoutContentIsNotTheLast() throws {
        let found = events(head("Content-Length: 0", requestLine: "POST / HTTP/1.1") + head())
        #expect(found.count == 2)
    }

    @Test func otherMethodsDoNotGetAwayWithAnUnclearLength() {
        #expect(refusal(head("Content-Length: x", requestLine: "POST / HTTP/1.1")) == .invalidContentLength)
        #expect(refusal(head("Transfer-Encoding: x", requestLine: "POST / HTTP/1.1")) == .chunkedNotLast)
    }

    @Test func reasonsDiffer() {
        let refusals: [HTTPRefusal] = [
            .emptyLines, .malformedRequestLine, .invalidMethod, .invalidTarget, .unsupportedVersion, .missingHost,
            .repeatedHost, .invalidHost, .lengthAndTransferEncoding, .invalidContentLength, .repeatedContentLength,
            .transferEncodingInOldVersion, .chunkedNotLast, .unknownTransferCoding, .unexpectedContent,
        ]
        #expect(Set(refusals.map(\.reason)).count == refusals.count)
        for refusal in refusals { #expect((400...505).contains(refusal.status.code)) }
    }
}
