import HTTP
import Support
import Testing

/// RFC 9112, 3.2; RFC 3986: what a target names, and that it can name nothing outside.
@Suite struct TargetTests {
    @Test(
        arguments: [
            ("/", []), ("/a", ["a"]), ("/a/b.css", ["a", "b.css"]), ("/a/", ["a", ""]), ("//a", ["", "a"]),
            ("//", ["", ""]),
            ("/%61%2E%62", ["a.b"]), ("/%C3%A9", ["é"]), ("/a+b", ["a+b"]), ("/a%20b", ["a b"]), ("/...", ["..."]),
            ("/.a", [".a"]), ("/a..", ["a.."]), ("/%252e%252e", ["%2e%2e"]), ("/a;b=c,d", ["a;b=c,d"]),
            ("/r/[x]|^", ["r", "[x]|^"]),
            ("/%E2%82%AC/%F0%9F%98%80", ["€", "😀"]), ("/%25", ["%"]), ("/a:b@c", ["a:b@c"]),
        ] as [(String, [String])])
    func aPathIsDecodedSegments(target: String, path: [String]) throws {
        let parsed = try #require(HTTPTarget.parse(target))
        #expect(parsed.path == path)
        #expect(parsed.authority == nil)
        #expect(try #require(HTTPTarget.parse(target + "?a=b")).path == path)
    }

    @Test(arguments: [
        "/..", "/.", "/../a", "/a/../b", "/a/..", "/a/.", "/./a", "/%2e%2e/a", "/%2E%2e/a", "/.%2e/a", "/%2e./a",
        "/%2e",
        "/a/%2E%2E/%2E%2E/etc/passwd", "//..", "/a//../b", "/..?a=b", "http://a.example/..",
    ])
    func dotSegmentsAreRefused(target: String) {
        #expect(HTTPTarget.parse(target) == nil)
    }

    @Test(arguments: [
        "/%2F", "/a%2fb", "/..%2f..%2fetc%2fpasswd", "/%5C", "/a%5cb", "/..%5c..%5cwindows", "/..\\a", "/a\\b",
        "/%2e%2e%2fa",
    ])
    func slashesAndBackslashesInASegmentAreRefused(target: String) {
        #expect(HTTPTarget.parse(target) == nil)
    }

    @Test(arguments: ["/%00", "/a%00.css", "/%0a", "/%0D%0A", "/%1f", "/%7F", "/%09"])
    func controlsInAPathAreRefused(target: String) {
        #expect(HTTPTarget.parse(target) == nil)
    }

    @Test(arguments: [
        "/%", "/%4", "/%zz", "/%4z", "/%z4", "/a%", "/%u0041", "/%+1", "/% 1",
    ])
    func badEscapesAreRefused(target: String) {
        #expect(HTTPTarget.parse(target) == nil)
    }

    @Test(arguments: [
        "/%80", "/%C3", "/%C3/%A9", "/%C0%AE%C0%AE/a", "/%E0%80%AE", "/%ED%A0%80", "/%F4%90%80%80", "/%FF",
    ])
    func whatIsNotUTF8IsRefused(target: String) {
        #expect(HTTPTarget.parse(target) == nil)
    }

    @Test(arguments: [
        "", "a", "*", "?a=b", "a/b", "/a#b", "/a b", "/é", "/{", "/a`", "/\"", "/a\r\nb", "/a?b\"c", "/a?b#c", "/a?b c",
    ])
    func whatIsNoTargetIsRefused(target: String) {
        #expect(HTTPTarget.parse(target) == nil)
    }

    @Test func theQueryIsReadAsFormsWriteIt() throws {
        let target = try #require(
            HTTPTarget.parse("/chat?room=a-b&empty=&bare&sp=a+b%20c%2B&%C3%A9=%E2%82%AC&&room=z&=v&e=a=b"))
        #expect(target.path == ["chat"])
        #expect(target.query("room") == "a-b", "the first one counts")
        #expect(target.query("empty") == "")
        #expect(target.query("bare") == "")
        #expect(target.query("sp") == "a b c+")
        #expect(target.query("é") == "€")
        #expect(target.query("") == "v")
        #expect(target.query("e") == "a=b")
        #expect(target.query("Room") == nil)
        #expect(try #require(HTTPTarget.parse("/?")).query("") == nil)
    }

    @Test func aQueryMayHoldWhatAPathMayNot() throws {
        let target = try #require(HTTPTarget.parse("/?a=../..%2f%5c\\&b={x}[1]|^`?/&c=%0a"))
        #expect(target.path == [])
        #expect(target.query("a") == "../../\\\\")
        #expect(target.query("b") == "{x}[1]|^`?/")
        #expect(target.query("c") == "\n")
    }

    @Test(arguments: [
        ("%00", "\0"), ("%E9", "\u{FFFD}"), ("%zz", "%zz"), ("%4", "%4"), ("%", "%"), ("a%", "a%"),
        ("%C0%80", "\u{FFFD}\u{FFFD}"),
        ("%2", "%2"), ("%%41", "%A"), ("%e2%82", "\u{FFFD}"),
    ])
    func aQueryMayHoldAnythingAtAll(value: String, decoded: String) throws {
        let target = try #require(HTTPTarget.parse("/a?b=\(value)&c=d"))
        #expect(target.path == ["a"] && target.query("b") == decoded && target.query("c") == "d")
        #expect(try #require(HTTPTarget.parse("/?\(value)")).query("c") == nil)
    }

    @Test func theAbsoluteFormNamesTheHostToo() throws {
        let target = try #require(HTTPTarget.parse("http://a.example:8080/b?c=d"))
        #expect(target.authority == "a.example:8080")
        #expect(target.path == ["b"])
        #expect(target.query("c") == "d")
        #expect(try #require(HTTPTarget.parse("HTTPS://[::1]")).authority == "[::1]")
        #expect(try #require(HTTPTarget.parse("http://a")).path == [])
        #expect(try #require(HTTPTarget.parse("http://a?b=c")).query("b") == "c")
    }

    @Test(arguments: [
        "http://", "http:///a", "http://?a", "http://u@a/", "http://a b/", "http:/a", "ftp://a/", "http://a:x/", "//",
    ])
    func anAbsoluteFormNeedsAValidHost(target: String) {
        let parsed = HTTPTarget.parse(target)
        #expect(parsed == nil || parsed?.authority == nil && target.hasPrefix("/"))
    }

    @Test(arguments: 1...10)
    func noTargetNamesASegmentThatLeadsOut(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let parts = [
            "/", ".", "..", "%2e", "%2E", "%2f", "%5c", "\\", "a", "%", "%00", "%c0%ae", "%25", "2e", "?", "é", "//",
        ]
        for _ in 0..<300 {
            let target = "/" + (0..<random.below(10)).map { _ in parts[random.below(parts.count)] }.joined()
            for segment in HTTPTarget.parse(target)?.path ?? [] {
                #expect(segment != "." && segment != "..")
                #expect(!segment.utf8.contains { $0 < 0x20 || $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "\\") })
            }
        }
    }
}
