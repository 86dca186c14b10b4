import Foundation
import Sockets
import Testing

/// Addresses as text, as blocks, and as the kernel has them.
@Suite struct SocketAddressTests {
    @Test(arguments: [
        ("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "0.0.0.0"), ("255.255.255.255", "255.255.255.255"),
        ("::", "::"), ("::1", "::1"), ("2001:DB8::1", "2001:db8::1"), ("2001:db8:0:0:0:0:0:1", "2001:db8::1"),
        // RFC 5952: the longest run, the first of equals, and no run of one.
        ("2001:0:0:1:0:0:0:1", "2001:0:0:1::1"), ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
        ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"), ("1:0:0:0:0:0:0:0", "1::"), ("0:0:0:0:0:0:0:ab", "::ab"),
        ("fe80:0:0:0:1:2:3:4", "fe80::1:2:3:4"),
        // An IPv4 address within IPv6 is that IPv4 address.
        ("::ffff:192.0.2.1", "192.0.2.1"),
    ])
    func whatIsReadIsWrittenInTheUsualForm(text: String, form: String) throws {
        let address = try #require(IPAddress(text))
        #expect(address.description == form)
        #expect(IPAddress(form) == address)
    }

    /// The system's own opinion.
    @Test func anyAddressIsWrittenAsTheSystemWritesIt() throws {
        for _ in 0..<2000 {
            // With many zeros, for the runs; not with a last pair that makes the system write IPv4 digits.
            let groups = (0..<8).map { _ in Bool.random() ? UInt16(0) : UInt16.random(in: 0 ... .max) }
            guard groups[..<5].contains(where: { $0 != 0 }) else { continue }
            var v6 = in6_addr()
            withUnsafeMutableBytes(of: &v6) { bytes in
                for (index, group) in groups.enumerated() {
                    bytes.storeBytes(of: group.bigEndian, toByteOffset: 2 * index, as: UInt16.self)
                }
            }
            var text = [CChar](repeating: 0, count: 64)
            inet_ntop(AF_INET6, &v6, &text, 64)
            let expected = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            #expect(try #require(IPAddress(expected)).description == expected)
        }
    }

    @Test(arguments: [
        "", " ", "localhost", "127.0.0", "127.0.0.256", "127.0.0.1 ", "127.0.0.1:80", "[::1]", "::1%lo", "1::2::3",
        "::g",
        "127.0.0.01x", "0x7f.1", "1234", "::ffff:1.2.3",
    ])
    func whatIsNoAddressIsNone(text: String) { #expect(IPAddress(text) == nil) }

    @Test func kindsAreTold() throws {
        func address(_ text: String) throws -> IPAddress { try #require(IPAddress(text)) }
        for text in ["127.0.0.1", "127.255.0.9", "::1", "::ffff:127.0.0.1"] { #expect(try address(text).isLoopback) }
        for text in ["128.0.0.1", "126.255.255.255", "::2", "::", "0.0.0.0"] { #expect(try !address(text).isLoopback) }
        for text in ["0.0.0.0", "::"] { #expect(try address(text).isAny) }
        for text in ["0.0.0.1", "::1"] { #expect(try !address(text).isAny) }
        for text in ["169.254.3.4", "fe80::1", "febf::1"] { #expect(try address(text).isLinkLocal) }
        for text in ["169.255.0.1", "fec0::1", "fe00::1"] { #expect(try !address(text).isLinkLocal) }
        #expect(try address("1.2.3.4").isV4 && !address("::1.2.3.4").isV4)
        #expect(try address("1.2.3.4").v4 == 0x0102_0304)
    }

    /// An IPv6 client has a /64 to itself, and counts as one with all of it.
    @Test func aClientIsAnAddressOrANetwork() throws {
        func site(_ text: String) throws -> IPAddress { try #require(IPAddress(text)).site }
        #expect(try site("2001:db8:1:2:3:4:5:6") == site("2001:db8:1:2::"))
        #expect(try site("2001:db8:1:2::1") != site("2001:db8:1:3::1"))
        #expect(try site("192.0.2.1") != site("192.0.2.2"))
    }

    @Test func anAddressWithItsPortStandsAsInAURL() throws {
        #expect(SocketAddress(address: IPAddress(v4: 0x0A00_0001), port: 80).description == "10.0.0.1:80")
        #expect(SocketAddress(address: try #require(IPAddress("::1")), port: 8080).description == "[::1]:8080")
    }

    @Test(arguments: [
        ("10.0.0.0/8", "10.255.1.2", true), ("10.0.0.0/8", "11.0.0.0", false), ("192.0.2.7", "192.0.2.7", true),
        ("192.0.2.7", "192.0.2.8", false), ("0.0.0.0/0", "203.0.113.9", true), ("0.0.0.0/0", "2001:db8::1", false),
        ("::/0", "2001:db8::1", true), ("::/0", "192.0.2.1", true), ("2001:db8::/32", "2001:db8:ffff::1", true),
        ("2001:db8::/32", "2001:db9::1", false), ("2001:db8::/64", "2001:db8:0:0:9::", true),
        ("2001:db8::/65", "2001:db8:0:0:8000::", false), ("192.0.2.1/32", "192.0.2.1", true),
        ("172.16.0.0/12", "172.31.255.255", true), ("172.16.0.0/12", "172.32.0.0", false),
        ("10.1.2.3/8", "10.9.9.9", true),
        // An IPv4 network written as the part of IPv6 that stands for it.
        ("::ffff:10.0.0.0/104", "10.255.1.2", true), ("::ffff:10.0.0.0/104", "11.0.0.0", false),
        ("::ffff:0:0/96", "203.0.113.9", true), ("::ffff:0:0/96", "2001:db8::1", false),
        ("::ffff:192.0.2.7", "192.0.2.7", true), ("::ffff:192.0.2.7/128", "192.0.2.8", false),
    ])
    func aBlockContainsItsAddresses(block: String, address: String, isInside: Bool) throws {
        let block = try #require(AddressBlock(block))
        #expect(block.contains(try #require(IPAddress(address))) == isInside)
    }

    @Test(arguments: [
        "", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8/8", "::/129", "x/8", "10.0.0.0/+8",
        // Half of IPv6 or a part of IPv4? Neither is what was meant.
        "::ffff:10.0.0.0/8", "::ffff:10.0.0.0/129",
    ])
    func whatIsNoBlockIsNone(text: String) { #expect(AddressBlock(text) == nil) }

    @Test func namesAndAddressesAreLookedUp() throws {
        let loopback = try SocketAddress.resolve(host: "127.0.0.1", port: 81)
        #expect(loopback == [SocketAddress(address: IPAddress(v4: 0x7F00_0001), port: 81)])
        #expect(try SocketAddress.resolve(host: "::1", port: 81).first?.description == "[::1]:81")
        #expect(
            try SocketAddress.resolve(host: "localhost", port: 5).allSatisfy { $0.address.isLoopback && $0.port == 5 })
        let error = #expect(throws: SystemError.self) { _ = try SocketAddress.resolve(host: "nobody.invalid", port: 1) }
        #expect(error?.description.contains("nobody.invalid") == true)
    }
}
