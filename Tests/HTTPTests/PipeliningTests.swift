import HTTP
import Support
import Testing

/// The input comes in pieces of any size, and holds any number of requests.
@Suite struct PipeliningTests {
    private let three =
        "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nHEAD /2 HTTP/1.0\r\nA: b\r\nA: c\r\n\r\n\r\n"
        + "GET /3?x=y HTTP/1.1\r\nHost: [::1]:80\r\nConnection: close\r\n\r\n"

    @Test func requestsOfOnePieceComeOutOneByOne() {
        let targets = events(three).map { event -> String in
            guard case .request(let request) = event else { return "refused" }
            return request.target
        }
        #expect(targets == ["/1", "/2", "/3?x=y"])
    }

    @Test func everySplitGivesTheSameEvents() {
        let bytes = Array(three.utf8)
        let whole = events([bytes])
        for first in bytes.indices {
            for second in [first, (first + bytes.count) / 2, bytes.count - 1] where second >= first {
                let pieces = [bytes[..<first], bytes[first..<second], bytes[second...]].map(Array.init)
                #expect(events(pieces) == whole)
            }
        }
        #expect(events(bytes.map { [$0] }) == whole)
    }

    @Test func whatFollowsARequestStaysInTheInput() {
        let input = Array((head() + "\u{81}\u{01}rest").utf8)
        var parser = RequestParser()
        var offset = 0
        guard case .request? = parser.next(in: input.span, at: &offset, maxContent: 100) else {
            Issue.record("no request")
            return
        }
        #expect(offset == head().utf8.count)
        #expect(!parser.isMidRequest)
    }

    @Test func theParserBeginsWhereItIsTold() {
        let input = Array(("xyz" + head()).utf8)
        var parser = RequestParser()
        var offset = 3
        guard case .request(let request)? = parser.next(in: input.span, at: &offset, maxContent: 100) else {
            Issue.record("no request")
            return
        }
        #expect(request.target == "/")
        #expect(offset == input.count)
    }

    @Test func aRequestIsUnderWayFromItsFirstByteToItsLast() {
        var parser = RequestParser()
        #expect(!parser.isMidRequest)
        let input = Array(("\r\n" + head()).utf8)
        for (index, byte) in input.enumerated() {
            var offset = 0
            let isLast = index == input.count - 1
            #expect((parser.next(in: [byte].span, at: &offset, maxContent: 100) != nil) == isLast)
            #expect(parser.isMidRequest == !isLast)
        }
    }

    @Test func nothingComesAfterARefusal() {
        var parser = RequestParser()
        var offset = 0
        let bad = Array("GET\r\n".utf8) + Array(head().utf8)
        #expect(
            parser.next(in: bad.span, at: &offset, maxContent: 100) == .refused(.malformedRequestLine, toHead: false))
        #expect(parser.next(in: bad.span, at: &offset, maxContent: 100) == nil)
        #expect(offset == bad.count, "what is left is not for anyone")
        offset = 0
        #expect(parser.next(in: Array(head().utf8).span, at: &offset, maxContent: 100) == nil)
        #expect(!parser.isMidRequest)
    }

    @Test func anEmptyInputChangesNothing() {
        var parser = RequestParser()
        var offset = 0
        #expect(parser.next(in: [UInt8]().span, at: &offset, maxContent: 100) == nil)
        #expect(!parser.isMidRequest)
    }

    @Test(arguments: 1...20)
    func garbageOfManyKindsIsReadTheSameHoweverItIsCut(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<100 {
            let bytes = garbage(&random)
            let whole = events([bytes])
            let refusals = whole.filter { if case .refused = $0 { true } else { false } }
            #expect(refusals.count <= 1)
            if let refused = refusals.first { #expect(whole.last == refused) }
            #expect(events(bytes.map { [$0] }) == whole)
            for _ in 0..<3 { #expect(events(cut(bytes, &random)) == whole) }
        }
    }

    /// Pieces that are mostly right, so that the parser gets past its first checks, with some of their bytes changed.
    private func garbage(_ random: inout SeededGenerator) -> [UInt8] {
        let parts = [
            "GET / HTTP/1.1\r\n", "HEAD /a?b=c HTTP/1.0\r\n", "POST * HTTP/1.1\r\n", "Host: a\r\n",
            "Host: [::1]:80\r\n",
            "Connection: close, x\r\n", "Content-Length: 0\r\n", "Content-Length: 5\r\n", "\r\n", "\r\n\r\n",
            "A: b\r\n",
            "Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n", "0\r\n\r\n", "f;a=b\r\n", " folded\r\n", "\r", "\n",
            "GET / HTTP/2.0\r\n", "Cookie: é\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET /b HTTP/1.1\r\nHost: b\r\nX: y\r\n\r\n",
        ]
        var bytes: [UInt8] = []
        for _ in 0..<random.below(8) { bytes += Array(parts[random.below(parts.count)].utf8) }
        for _ in 0..<random.below(3) where !bytes.isEmpty {
            bytes[random.below(bytes.count)] = UInt8(truncatingIfNeeded: random.next())
        }
        return bytes
    }

    private func cut(_ bytes: [UInt8], _ random: inout SeededGenerator) -> [[UInt8]] {
        var (pieces, rest): ([[UInt8]], ArraySlice<UInt8>) = ([], bytes[...])
        while !rest.isEmpty {
            let length = random.below(rest.count) + 1
            pieces.append(Array(rest.prefix(length)))
            rest = rest.dropFirst(length)
        }
        return pieces
    }
}
