import HTTP
import Support
import Testing

/// X-Forwarded-For.
@Suite struct ForwardedTests {
    private func addresses(_ lines: String...) -> [String]? {
        let text = "GET / HTTP/1.1\r\nHost: a\r\n" + lines.map { $0 + "\r\n" }.joined() + "\r\n"
        return request(text).map(ForwardedFor.addresses)
    }

    @Test func addressesComeNearestFirst() {
        #expect(
            addresses("X-Forwarded-For: 192.0.2.1, 192.0.2.2,192.0.2.3") == ["192.0.2.3", "192.0.2.2", "192.0.2.1"])
        #expect(addresses("X-Forwarded-For: 192.0.2.1", "X-Forwarded-For: 192.0.2.2") == ["192.0.2.2", "192.0.2.1"])
        #expect(addresses("Forwarded: for=192.0.2.1, for=192.0.2.2") == [], "that one is not read")
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
            for address in addresses("X-Forwarded-For: \(value)") ?? [] {
                #expect(address.contains { ":.".contains($0) })
            }
        }
    }
}
