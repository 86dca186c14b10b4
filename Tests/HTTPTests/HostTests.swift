import HTTP
import Testing

/// RFC 9112, 3.2: exactly one valid Host.
@Suite struct HostTests {
    @Test func oneDotOneNeedsAHost() {
        #expect(refusal(head(host: nil)) == .missingHost)
        #expect(request(head(requestLine: "GET / HTTP/1.0", host: nil)) != nil)
    }

    @Test func anAbsoluteTargetNeedsAHostToo() {
        #expect(refusal(head(requestLine: "GET http://a.example/ HTTP/1.1", host: nil)) == .missingHost)
    }

    @Test func thereIsOneHostOnly() {
        #expect(refusal(head("Host: b.example")) == .repeatedHost)
        #expect(refusal(head("host: a.example")) == .repeatedHost)
        #expect(refusal(head("Host: a.example", requestLine: "GET / HTTP/1.0")) == .repeatedHost)
    }

    @Test(arguments: [
        "a", "a.example", "a.example.", "A.EXAMPLE:8080", "127.0.0.1", "127.0.0.1:80", "[::1]", "[::1]:8080", "a:",
        "a_b.example", "xn--bcher-kva.example", "%41.example", "a!$&'()*+,;=~", "localhost:65535", "[2001:db8::17]",
        "[::ffff:192.0.2.1]", "[1:2:3:4:5:6:7:8]", "[1:2:3:4:5:6:192.0.2.1]", "[1::8]", "[1:2:3:4:5:6:7::]", "[::]",
        "[::2:3:4:5:6:7:8]", "[ABCD:ef01::]",
    ])
    func aHostIsANameOrAnAddressWithAPortPerhaps(host: String) {
        #expect(request(head(host: host)) != nil)
    }

    @Test(arguments: [
        "", ":", ":80", "a b", "a/b", "a@b", "a?b", "a#b", "a\\b", "é", "a:b", "a:80:80", "a:65536", "a:000080",
        "a:99999999999999999999", "a:-1",
        "%4", "%", "a%zz", "a%4z", "a%z4", "[::1", "::1", "[]", "[::1]a", "[::1]80", "[:::]", "[1::2::3]", "[12345::]",
        "[g::]",
        "[1:2:3:4:5:6:7]", "[1:2:3:4:5:6:7:8:9]", "[1:2:3:4:5:6:7:8::]", "[::1:2:3:4:5:6:7:8]", "[1:]", "[:1]",
        "[::1:]",
        "[::1.2.3]", "[::1.2.3.]", "[:2:3:4:5:6:7:8]", "[::1.2.3.256]", "[::1.2.3.4:5]", "[::01.2.3.4]", "[1.2.3.4]",
        "[fe80::1%25eth0]", "[v1.a]",
        "[1:2:3:4:5:6:7:1.2.3.4]", "a.example, b.example", "\"a\"", "<a>",
    ])
    func anythingElseIsRefused(host: String) {
        #expect(refusal(head(host: host)) == .invalidHost)
        #expect(refusal(head(requestLine: "GET / HTTP/1.0", host: host)) == .invalidHost)
    }

    @Test func refusalsAreBadRequests() {
        for refusal in [HTTPRefusal.missingHost, .repeatedHost, .invalidHost] { #expect(refusal.status == .badRequest) }
    }

    @Test(arguments: [
        ("a.example", "a.example"), ("A.Example:80", "a.example"), ("a.example.", "a.example"),
        ("localhost.:1", "localhost"),
        ("127.0.0.1:8080", "127.0.0.1"), ("[::1]:80", "::1"), ("[::1]", "::1"), ("a:", "a"),
    ])
    func theHostOfAnAuthority(authority: String, host: String) {
        #expect(Authority.host(of: authority) == host)
    }

    @Test func anAddressIsNoName() {
        for address in ["127.0.0.1", "::1", "192.0.2.1", "2001:db8::1"] { #expect(Authority.isAddress(address)) }
        for name in ["a.example", "127.0.0.1.example", "1.2.3", "", "localhost"] { #expect(!Authority.isAddress(name)) }
    }
}
