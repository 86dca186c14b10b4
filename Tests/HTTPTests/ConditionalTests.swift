import HTTP
import Testing

/// RFC 9110, 13.1.2: If-None-Match.
@Suite struct ConditionalTests {
    @Test(arguments: [
        "\"a\"", "W/\"a\"", "*", " * ", "\"b\", \"a\"", "\"a\", \"b\"", "W/\"b\",W/\"a\"", "\"x,y\", \"a\"",
        ",, \"a\" ,,",
        "\t\"a\"\t",
    ])
    func aListWithTheTagMatches(value: String) {
        #expect(Conditional.matches(ifNoneMatch: value, etag: "\"a\""))
        #expect(Conditional.matches(ifNoneMatch: value, etag: "W/\"a\""), "the comparison is weak")
    }

    @Test(arguments: [
        "", "\"b\"", "\"A\"", "a", "\"a", "a\"", "\"\"", "\"aa\"", "w/\"a\"", "W\"a\"", "\"b\" \"a\"", "\"a\" \"b\"",
        "\"a\"x",
        "*, \"a\"", "\"a\", *", "\"x, \"a\"", "\"a\", b", "b, \"a\"", "**", "W/", "W/a", "\"x,\"a\",y\"", "\"a\"\"a\"",
        ",",
    ])
    func anythingElseDoesNot(value: String) {
        #expect(!Conditional.matches(ifNoneMatch: value, etag: "\"a\""))
    }

    @Test func aTagMayHoldAComma() {
        #expect(Conditional.matches(ifNoneMatch: "\"b\", \"a,c\"", etag: "\"a,c\""))
        #expect(!Conditional.matches(ifNoneMatch: "\"b,\"a\"\"", etag: "\"a\""))
    }

    @Test func aTagMayHoldBytesAboveASCII() {
        #expect(Conditional.matches(ifNoneMatch: "\"é\"", etag: "\"é\""))
    }
}
