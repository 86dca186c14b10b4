import HTTP
import Testing

/// RFC 9112, 2.3 and 3: `method SP request-target SP HTTP-version`.
@Suite struct RequestLineTests {
    private func refusalOf(line: String) -> HTTPRefusal? { refusal(head(requestLine: line)) }

    @Test func aRequestTellsMethodTargetAndVersion() throws {
        let get = try #require(request("GET /chat?room=a HTTP/1.1\r\nHost: a.example\r\n\r\n"))
        #expect(get.method == .get)
        #expect(get.target == "/chat?room=a")
        #expect(get.minorVersion == 1)
        let head = try #require(request("HEAD / HTTP/1.0\r\n\r\n"))
        #expect(head.method == .head)
        #expect(head.minorVersion == 0)
    }

    @Test func aMethodThatIsNotServedComesWithItsName() throws {
        let post = try #require(request(head(requestLine: "POST / HTTP/1.1")))
        #expect(post.method == .post)
        #expect(post.method.name == "POST")
        #expect(HTTPMethod.get.name == "GET")
        #expect(HTTPMethod.head.name == "HEAD")
    }

    @Test func methodsAreCaseSensitive() throws {
        #expect(try #require(request(head(requestLine: "get / HTTP/1.1"))).method == .other("get"))
    }

    @Test(arguments: [
        "GET", "GET /", "GET / ", "GET  / HTTP/1.1", "GET /  HTTP/1.1", "GET / HTTP/1.1 ", " GET / HTTP/1.1",
        "GET\t/\tHTTP/1.1", "GET / a HTTP/1.1", "GET  HTTP/1.1", " / HTTP/1.1", "/ HTTP/1.1", "GET /\tHTTP/1.1",
    ])
    func anythingButThreePartsAndTwoSpacesIsRefused(line: String) {
        #expect(refusalOf(line: line) == .malformedRequestLine)
    }

    @Test(arguments: [
        "GET / HTTP/1", "GET / HTTP/1.", "GET / HTTP/11", "GET / http/1.1", "GET / HTTP/1.10", "GET / HTTP/01.1",
        "GET / HTTP/1,1", "GET / HTTP/a.1", "GET / HTTP/1.a", "GET / HTTPS/1.1", "GET / XTTP/1.1", "GET / HTTP 1.1",
        "GET / HTTP/1.1\u{e9}", "GET / HTTP/-.1",
    ])
    func aVersionIsTwoDigitsAfterHTTPInUpperCase(line: String) {
        #expect(refusalOf(line: line) == .malformedRequestLine)
    }

    @Test(arguments: ["HTTP/0.9", "HTTP/2.0", "HTTP/3.0", "HTTP/9.9"])
    func anotherMajorVersionIsNotSupported(version: String) {
        #expect(refusalOf(line: "GET / \(version)") == .unsupportedVersion)
        #expect(HTTPRefusal.unsupportedVersion.status.code == 505)
    }

    @Test func theHTTP2PrefaceIsNotSupported() {
        #expect(refusal("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") == .unsupportedVersion)
    }

    @Test func aHigherMinorVersionCountsAsOneDotOne() throws {
        #expect(try #require(request(head(requestLine: "GET / HTTP/1.2"))).minorVersion == 1)
        #expect(refusal(head(requestLine: "GET / HTTP/1.9", host: nil)) == .missingHost)
    }

    @Test(arguments: ["G(T", "G/T", "G@T", "GE\"T", "G{}", "GÉT", "GET,", "GET:", "[GET]"])
    func aMethodIsAToken(method: String) {
        #expect(refusalOf(line: "\(method) / HTTP/1.1") == .invalidMethod)
    }

    @Test func everyTokenCharacterIsAllowedInAMethod() throws {
        let method = "aZ09!#$%&'*+-.^_`|~"
        #expect(try #require(request(head(requestLine: "\(method) / HTTP/1.1"))).method == .other(method))
    }

    @Test(arguments: ["/a#b", "/a\"b", "/<", "/>", "/é", "a", "a/b", "?a", "*", "http:", "http://", "ftp://a/", "a:80"])
    func aTargetIsAPathOrAURIOfVisibleASCII(target: String) {
        #expect(refusalOf(line: "GET \(target) HTTP/1.1") == .invalidTarget)
    }

    @Test(arguments: ["/", "/a?b", "/?a=[1]{2}|3^4`5\\6", "http://a.example/", "HTTPS://a.example:443/a?b"])
    func pathsAndURIsAreTargets(target: String) throws {
        #expect(try #require(request(head(requestLine: "GET \(target) HTTP/1.1"))).target == target)
    }

    @Test func theAsteriskGoesWithOptionsOnly() throws {
        #expect(try #require(request(head(requestLine: "OPTIONS * HTTP/1.1"))).target == "*")
        #expect(try #require(request(head(requestLine: "OPTIONS / HTTP/1.1"))).target == "/")
        #expect(refusalOf(line: "OPTIONS ** HTTP/1.1") == .invalidTarget)
        #expect(refusalOf(line: "OPTIONS a HTTP/1.1") == .invalidTarget)
        #expect(refusalOf(line: "HEAD * HTTP/1.1") == .invalidTarget)
    }

    @Test func anAuthorityGoesWithConnectOnly() throws {
        #expect(try #require(request(head(requestLine: "CONNECT a.example:443 HTTP/1.1"))).target == "a.example:443")
        #expect(refusalOf(line: "CONNECT /a HTTP/1.1") == .invalidTarget)
        #expect(refusalOf(line: "GET a.example:443 HTTP/1.1") == .invalidTarget)
    }

    @Test func oneEmptyLineBeforeTheRequestIsPassedOver() throws {
        #expect(try #require(request("\r\n" + head())).target == "/")
        #expect(refusal("\r\n\r\n" + head()) == .emptyLines)
    }

    @Test func theEmptyLineIsAllowedBeforeEachRequest() {
        #expect(events(head() + "\r\n" + head() + "\r\n" + head()).count == 3)
    }
}
