import HTTP
import Support
import Testing

/// X-Forwarded-For, and RFC 7239.
@Suite struct ForwardedTests {
    private func addresses(_ lines: String...) -> [String]? {
        let text = "GET / HTTP/1.1\r\nHost: a\r\n" + lines.map { $0 + "\r\n" }.joined() + "\r\n"
        return request(text).map(ForwardedFor.addresses)
    }

    @Test func addressesComeNearestFirst() {
        #expect(
            addresses("X-Forwarded-For: 192.0.2.1, 192.0.2.2,192.0.2.3") == ["192.0.2.3", "192.0.2.2", "192.0.2.1"])
        #expect(addresses("X-Forwarded-For: 192.0.2.1", "X-Forwarded-For: 192.0.2.2") == ["192.0.2.2", "192.0.2.1"])
        #expect(
            addresses("Forwarded: for=192.0.2.1, for=192.0.2.2", "Forwarded: for=192.0.2.3") == [
                "192.0.2.3", "192.0.2.2", "192.0.2.1",
            ])
    }

    @Test func withoutTheFieldsThereAreNone() throws {
        #expect(addresses() == [])
        let plain = try #require(request(head()))
        #expect(!ForwardedFor.isForwarded(plain))
        #expect(ForwardedFor.isForwarded(try #require(request(head("X-Forwarded-For:")))))
        #expect(ForwardedFor.isForwarded(try #require(request(head("Forwarded: x")))))
    }

    @Test(arguments: [
        ("192.0.2.1", "192.0.2.1"), ("192.0.2.1:80", "192.0.2.1"), ("2001:db8::17", "2001:db8::17"), ("::1", "::1"),
        ("[2001:db8::17]", "2001:db8::17"), ("[2001:db8::17]:4711", "2001:db8::17"),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.1"),
        (",, 192.0.2.1 , ,\t,", "192.0.2.1"),
    ])
    func anAddressMayComeWithBracketsAndPort(value: String, address: String) {
        #expect(addresses("X-Forwarded-For: \(value)") == [address])
    }

    @Test(arguments: [
        "", ",", "unknown", "_hidden", "a.example", "192.0.2.1:", "192.0.2.1:x", "192.0.2.1:65536", "192.0.2.1.1",
        "192.0.2",
        "192.0.2.256", "192.0.2.01", "[192.0.2.1]", "[::1", "::1]", "[::1]80", "[::1]:", "[]", ":80",
        "192.0.2.1 192.0.2.2",
        "\"192.0.2.1\"", "for=192.0.2.1", "-1.0.0.0", "1..2.3", "٣.0.0.1", "[[::1]]", "192.0.2.1]:80", "+1.0.0.0",
    ])
    func whatIsNoAddressEndsTheRow(value: String) {
        #expect(addresses("X-Forwarded-For: \(value)") == [])
        #expect(addresses("X-Forwarded-For: 192.0.2.1", "X-Forwarded-For: \(value), 192.0.2.9")?.first == "192.0.2.9")
    }

    @Test func nothingBeyondNonsenseIsBelieved() {
        #expect(addresses("X-Forwarded-For: 192.0.2.1, unknown, 192.0.2.3") == ["192.0.2.3"])
        #expect(addresses("Forwarded: for=192.0.2.1, for=_x, for=192.0.2.3") == ["192.0.2.3"])
        #expect(addresses("Forwarded: for=192.0.2.1, proto=http, for=192.0.2.3") == ["192.0.2.3"])
        #expect(addresses("Forwarded: for=192.0.2.1", "Forwarded: =", "Forwarded: for=192.0.2.3") == ["192.0.2.3"])
    }

    @Test(arguments: [
        ("for=192.0.2.43", "192.0.2.43"), ("For=\"[2001:db8:cafe::17]:4711\"", "2001:db8:cafe::17"),
        ("for=192.0.2.60;proto=http;by=203.0.113.43", "192.0.2.60"), ("proto=http;FOR=192.0.2.60", "192.0.2.60"),
        ("for=\"192.0.2.60:80\"", "192.0.2.60"), ("for=\"192.0.2.60:_x\"", "192.0.2.60"),
        ("for=\"\\192.0.2.6\\0\"", "192.0.2.60"),
        ("host=\"a,b;for=1.2.3.4\";for=192.0.2.60", "192.0.2.60"), (";for=192.0.2.60;;", "192.0.2.60"),
        (" , for=192.0.2.60 ,", "192.0.2.60"), ("by=\"a\\\"b\";for=192.0.2.60", "192.0.2.60"),
    ])
    func forwardedNamesTheAddressAfterFor(value: String, address: String) {
        #expect(addresses("Forwarded: \(value)") == [address])
    }

    @Test(arguments: [
        "", "for", "for=", "for =192.0.2.1", "for= 192.0.2.1", "for=192.0.2.1; proto=http", "for=[::1]", "for=\"::1\"",
        "for=\"192.0.2.1", "for=\"192.0.2.1\\", "for=\"192.0.2.1\"x", "for=192.0.2.1;for=192.0.2.2",
        "by=;for=192.0.2.1", "=192.0.2.1",
        "for=192.0.2.1 proto=http", "for=192.0.2.1=", "for=\"_hidden\"", "for=unknown", "by=192.0.2.1", "for=\"\"",
        "for=\"192.0.2.1:_\"", "for=\"192.0.2.1:_a b\"", "192.0.2.1", "for=192.0.2.1/24", "for=\"[::1]:_\"",
    ])
    func whatBreaksTheGrammarNamesNobody(value: String) {
        #expect(addresses("Forwarded: \(value)") == [])
    }

    @Test func anOpenQuotationHidesNoProxy() {
        // What a client sends before the proxy adds its element to the same line.
        #expect(addresses("Forwarded: for=\", for=192.0.2.9") == [])
        #expect(addresses("Forwarded: for=1.1.1.1;x=\", for=\"[2001:db8::9]\"") == [])
    }

    @Test func xForwardedForGoesFirst() {
        #expect(addresses("Forwarded: for=192.0.2.1", "X-Forwarded-For: 192.0.2.2") == ["192.0.2.2"])
        #expect(addresses("Forwarded: for=192.0.2.1", "X-Forwarded-For: x") == [])
    }

    @Test func theClientIsTheFirstWhoIsNotTrusted() throws {
        let found = try #require(request(head("X-Forwarded-For: 192.0.2.1, 192.0.2.2, 10.0.0.2")))
        func client(peer: String, trusted: Set<String>) -> String {
            ForwardedFor.client(of: found, peer: peer) { trusted.contains($0) }
        }
        #expect(client(peer: "10.0.0.1", trusted: []) == "10.0.0.1")
        #expect(client(peer: "10.0.0.1", trusted: ["10.0.0.2"]) == "10.0.0.1")
        #expect(client(peer: "10.0.0.1", trusted: ["10.0.0.1"]) == "10.0.0.2")
        #expect(client(peer: "10.0.0.1", trusted: ["10.0.0.1", "10.0.0.2"]) == "192.0.2.2")
        #expect(client(peer: "10.0.0.1", trusted: ["10.0.0.1", "10.0.0.2", "192.0.2.1"]) == "192.0.2.2")
        #expect(client(peer: "10.0.0.1", trusted: ["10.0.0.1", "10.0.0.2", "192.0.2.1", "192.0.2.2"]) == "192.0.2.1")
        let plain = try #require(request(head()))
        #expect(ForwardedFor.client(of: plain, peer: "10.0.0.1") { _ in true } == "10.0.0.1")
    }

    @Test(arguments: 1...10)
    func nothingThatIsSentMakesItStumble(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let parts = [
            "for", "=", "\"", "\\", ";", ",", " ", "[", "]", "::", ":", "1", ".", "192.0.2.1", "for=1.1.1.1", "_", "é",
        ]
        for _ in 0..<300 {
            let value = (0..<random.below(12)).map { _ in parts[random.below(parts.count)] }.joined()
            for name in ["Forwarded", "X-Forwarded-For"] {
                for address in addresses("\(name): \(value)") ?? [] { #expect(address.contains { ":.".contains($0) }) }
            }
        }
    }
}
