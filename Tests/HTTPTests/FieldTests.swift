import HTTP
import Testing

/// RFC 9112, 2.2 and 5; RFC 9110, 5: lines, field lines, and what is read from them.
@Suite struct FieldTests {
    @Test func aValueComesWithoutTheWhiteSpaceAroundIt() throws {
        let found = try #require(request(head("A:b", "C: d", "E: \t f g\t ", "H:", "I: \t")))
        #expect(found.value(of: "a") == "b")
        #expect(found.value(of: "c") == "d")
        #expect(found.value(of: "e") == "f g")
        #expect(found.value(of: "h") == "")
        #expect(found.value(of: "i") == "")
        #expect(found.value(of: "j") == nil)
    }

    @Test func aValueMayHoldColonsAndTabs() throws {
        #expect(try #require(request(head("A: b:c\td"))).value(of: "a") == "b:c\td")
    }

    @Test func namesAreComparedWithoutRegardToCase() throws {
        let found = try #require(request(head("X-Foo: 1")))
        for name in ["X-Foo", "x-foo", "X-FOO"] { #expect(found.value(of: name) == "1") }
        #expect(found.value(of: "X-Fo") == nil)
        #expect(found.value(of: "X-Fooo") == nil)
        #expect(found.value(of: "X\u{0D}Foo") == nil, "a case bit is no difference between letters only")
    }

    @Test func linesOfOneNameAreJoinedOrReadEachByItself() throws {
        let found = try #require(request(head("A: 1", "B: 2", "a: 3, 4", "A:")))
        #expect(found.value(of: "a") == "1, 3, 4, ")
        #expect(found.values(of: "a") == ["1", "3, 4", ""])
        #expect(found.count(of: "a") == 3)
        #expect(found.values(of: "c") == [])
        #expect(found.count(of: "c") == 0)
    }

    @Test func aTokenIsFoundInAListWithoutRegardToCase() throws {
        let found = try #require(request(head("Connection: keep-alive ,, Upgrade\t", "Connection: x", "Upgrade:")))
        for token in ["upgrade", "UPGRADE", "keep-alive", "x"] { #expect(found.has("connection", token: token)) }
        for token in ["up", "upgrades", "alive", "", "keep-alive ,, Upgrade"] {
            #expect(!found.has("connection", token: token))
        }
        #expect(!found.has("upgrade", token: "websocket"))
        #expect(!found.has("absent", token: "x"))
    }

    @Test func bytesAboveASCIIAreLetThrough() throws {
        #expect(try #require(request(head("Cookie: a=é"))).value(of: "cookie") == "a=é")
        let latin1 = Array(head("Cookie: a=").utf8.dropLast(4)) + [0xE9] + Array("\r\n\r\n".utf8)
        guard case .request(let found)? = events([latin1]).first else {
            Issue.record("refused")
            return
        }
        #expect(found.value(of: "cookie") == "a=\u{FFFD}")
    }

    @Test func everyTokenCharacterIsAllowedInAName() throws {
        let name = "aZ09!#$%&'*+-.^_`|~"
        #expect(try #require(request(head("\(name): 1"))).value(of: name) == "1")
    }

    @Test(arguments: ["A B: c", "A\u{e9}: b", ": b", "A(: b", "A/: b", "A=b; c", "A@: b", "\"A\": b", "A\t", "A /: b"])
    func aNameIsAToken(line: String) {
        #expect(refusal(head(line)) == .head(.invalidFieldName))
    }

    @Test(arguments: ["A : b", "A\t: b", "A \t :", "Content-Length : 0", "Host : b"])
    func noWhiteSpaceStandsBeforeTheColon(line: String) {
        #expect(refusal(head(line)) == .head(.spaceBeforeColon))
    }

    @Test func aLineWithoutAColonIsRefused() {
        #expect(refusal(head("A")) == .head(.missingColon))
    }

    @Test(arguments: [" folded", "\tfolded", " A: b", " "])
    func aFoldedLineIsRefused(line: String) {
        #expect(refusal(head("A: b", line)) == .head(.foldedLine))
        #expect(refusal("GET / HTTP/1.1\r\n\(line)\r\nHost: a\r\n\r\n") == .head(.foldedLine))
    }

    @Test(arguments: [
        "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET / HTTP/1.1\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nA: b\nC: d\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\n\n", "\n",
    ])
    func aLineFeedAloneIsRefused(text: String) {
        #expect(refusal(text) == .head(.bareLineFeed))
    }

    @Test(arguments: [
        "\rGET / HTTP/1.1\r\n", "GET / HTTP/1.1\rHost: a\r\n", "GET / HTTP/1.1\r\nHost: a\rX: y\r\n\r\n",
        "GET / HTTP/1.1\r\r\nHost: a\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\n\r\r\n",
    ])
    func aCarriageReturnAloneIsRefused(text: String) {
        #expect(refusal(text) == .head(.bareCarriageReturn))
    }

    @Test(arguments: (UInt8(0)..<0x20).filter { ![9, 10, 13].contains($0) } + [0x7F])
    func noControlCharacterStandsAnywhere(byte: UInt8) {
        let control = String(UnicodeScalar(byte))
        for text in [head("A: b\(control)c"), head("A\(control): b"), head(requestLine: "GET /\(control) HTTP/1.1")] {
            #expect(refusal(text) == .head(.controlCharacter))
        }
    }

    @Test func nonsenseIsRefusedAtItsFirstControlCharacter() {
        // The beginning of a TLS handshake: nobody should wait for the rest of a line.
        #expect(events([[0x16, 0x03, 0x01, 0x02]]) == [.refused(.head(.controlCharacter), toHead: false)])
    }

    @Test func aRefusalHasAStatusAndALineForTheBody() {
        let faults: [HeadFault] = [
            .bareLineFeed, .bareCarriageReturn, .controlCharacter, .foldedLine, .missingColon, .spaceBeforeColon,
            .invalidFieldName,
        ]
        for fault in faults {
            #expect(HTTPRefusal.head(fault).status == .badRequest)
            #expect(HTTPRefusal.head(fault).reason == fault.reason)
        }
        #expect(Set(faults.map(\.reason)).count == faults.count)
    }
}
