import HTTP
import Testing

@Suite struct MediaTypeTests {
    @Test(
        arguments: [
            ("text/plain", "text/plain", nil), ("Text/PLAIN", "text/plain", nil),
            ("text/plain;charset=UTF-8", "text/plain", "utf-8"),
            ("text/plain ; charset=\"utf-8\" ", "text/plain", "utf-8"),
            ("text/plain; Charset=latin1; format=flowed;", "text/plain", "latin1"),
            ("application/json; a=\"x;charset=no\\\"\"; charset=utf-8", "application/json", "utf-8"),
            ("application/vnd.api+json", "application/vnd.api+json", nil),
        ] as [(String, String, String?)])
    func type_isReadWithItsCharset(value: String, name: String, charset: String?) {
        #expect(MediaType(value)?.name == name)
        #expect(MediaType(value)?.charset == charset)
    }

    @Test(arguments: [
        "", "text", "text/", "/plain", "text/plain/x", "te xt/plain", "text/plain, text/html", "text/plain; charset",
        "text/plain; =x", "text/plain; charset=utf-8; charset=latin1", "*", ";",
    ])
    func whatIsNone_isNil(value: String) { #expect(MediaType(value) == nil) }
}
