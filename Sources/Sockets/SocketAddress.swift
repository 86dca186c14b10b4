import Platform

/// An IP address as 16 bytes; IPv4 as `::ffff:a.b.c.d` (RFC 4291 section 2.5.5.2), so that there is one kind only.
package struct IPAddress: Hashable, Sendable, CustomStringConvertible {
    package var high: UInt64
    package var low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// An IPv4 address, the first number in the highest byte.
    package init(v4: UInt32) { self.init(high: 0, low: 0xFFFF_0000_0000 | UInt64(v4)) }

    /// Reads an address as people write it; no name, no port, no brackets, no zone.
    package init?(_ text: String) {
        var v4 = in_addr()
        var v6 = in6_addr()
        // inet_pton reads a C string and writes to a local variable of the size that the family says.
        if unsafe inet_pton(AF_INET, text, &v4) == 1 {
            self.init(v4: UInt32(bigEndian: v4.s_addr))
        } else if unsafe inet_pton(AF_INET6, text, &v6) == 1 {
            self.init(v6)
        } else {
            return nil
        }
    }

    init(_ v6: in6_addr) {
        // An in6_addr is 16 bytes in network order.
        self = unsafe withUnsafeBytes(of: v6) { bytes in
            unsafe IPAddress(
                high: UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)),
                low: UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)))
        }
    }

    package var isV4: Bool { high == 0 && low >> 32 == 0xFFFF }
    /// Of IPv4: the four bytes.
    package var v4: UInt32 { UInt32(truncatingIfNeeded: low) }

    package var isLoopback: Bool { isV4 ? v4 >> 24 == 127 : high == 0 && low == 1 }
    /// 0.0.0.0 or ::
    package var isAny: Bool { isV4 ? v4 == 0 : high == 0 && low == 0 }

    /// Its 16 bytes, in network order.
    package var bytes: [UInt8] {
        [high, low].flatMap { half in
            stride(from: 56, through: 0, by: -8).map { UInt8(truncatingIfNeeded: half >> UInt64($0)) }
        }
    }

    /// What counts as one client: an IPv4 address, or the /64 that an IPv6 client has to itself.
    package var site: IPAddress { isV4 ? self : IPAddress(high: high, low: 0) }

    package var description: String {
        if isV4 { return (0..<4).map { String(v4 >> (24 - 8 * UInt32($0)) & 255) }.joined(separator: ".") }
        // RFC 5952: the longest run of two or more zero groups becomes "::", the first of equals.
        let groups = (0..<8).map { UInt16(truncatingIfNeeded: ($0 < 4 ? high : low) >> (48 - 16 * UInt64($0 % 4))) }
        var best = 0..<0
        var start = 0
        for i in 0...8 where i == 8 || groups[i] != 0 {
            if i - start > max(1, best.count) { best = start..<i }
            start = i + 1
        }
        func text(_ groups: ArraySlice<UInt16>) -> String {
            groups.map { String($0, radix: 16) }.joined(separator: ":")
        }
        return best.isEmpty
            ? text(groups[...]) : "\(text(groups[..<best.lowerBound]))::\(text(groups[best.upperBound...]))"
    }
}

/// A block of addresses, as `10.0.0.0/8` or `2001:db8::/32`; an address alone is a block of one. IPv4 in IPv6's notation
/// counts its bits as IPv6 does: `::ffff:10.0.0.0/104` is 10.0.0.0/8.
package struct AddressBlock: Sendable, Equatable {
    private let network: IPAddress
    private let bits: Int  // of 128

    package init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count <= 2, let address = IPAddress(String(parts[0])) else { return nil }
        guard parts.count == 1 || parts[1].allSatisfy({ $0.isASCII && $0.isNumber }) else { return nil }
        let uncounted = parts[0].contains(":") ? 0 : 96
        guard let prefix = parts.count == 1 ? 128 - uncounted : Int(parts[1]),
            (address.isV4 ? 96 - uncounted...128 - uncounted : 0...128).contains(prefix)
        else { return nil }
        bits = uncounted + prefix
        network = Self.cut(address, to: bits)
    }

    package func contains(_ address: IPAddress) -> Bool { Self.cut(address, to: bits) == network }

    private static func cut(_ address: IPAddress, to bits: Int) -> IPAddress {
        // A shift by 64 or more gives zero.
        IPAddress(
            high: address.high & (bits >= 64 ? .max : ~(UInt64.max >> UInt64(bits))),
            low: address.low & (bits <= 64 ? 0 : ~(UInt64.max >> UInt64(bits - 64))))
    }
}

/// An address and a port.
package struct SocketAddress: Hashable, Sendable, CustomStringConvertible {
    package var address: IPAddress
    package var port: UInt16

    package init(address: IPAddress, port: UInt16) {
        self.address = address
        self.port = port
    }

    /// As it stands in a URL.
    package var description: String { address.isV4 ? "\(address):\(port)" : "[\(address)]:\(port)" }

    /// Looks a name or address up.
    ///
    /// - Returns: all addresses that it has, in the system's order of preference.
    package static func resolve(host: String, port: UInt16) throws(SystemError) -> [SocketAddress] {
        // Its pointers are null, which is what getaddrinfo wants of hints.
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = streamSocket
        unsafe hints.ai_family = AF_UNSPEC
        var list: UnsafeMutablePointer<addrinfo>?
        let status = unsafe getaddrinfo(host, nil, &hints, &list)
        guard status == 0 else {
            let reason = unsafe String(cString: gai_strerror(status))
            throw SystemError(code: 0, operation: "look up \(host): \(reason)")
        }
        defer { unsafe freeaddrinfo(list) }
        var found: [SocketAddress] = []
        var next = unsafe list
        // The list is the C library's, and ours until freeaddrinfo.
        while let entry = unsafe next {
            // A name may have the same address more than once.
            if let address = unsafe SocketAddress(entry.pointee.ai_addr)?.address,
                !found.contains(where: { $0.address == address })
            {
                found.append(SocketAddress(address: address, port: port))
            }
            unsafe next = entry.pointee.ai_next
        }
        return found
    }

    /// Reads a C socket address of the Internet's two families.
    init?(_ pointer: UnsafeMutablePointer<sockaddr>?) {
        guard let pointer = unsafe pointer else { return nil }
        // The family says which structure it really is.
        switch Int32(unsafe pointer.pointee.sa_family) {
        case AF_INET:
            let v4 = unsafe UnsafeRawPointer(pointer).loadUnaligned(as: sockaddr_in.self)
            self.init(
                address: IPAddress(v4: UInt32(bigEndian: v4.sin_addr.s_addr)), port: UInt16(bigEndian: v4.sin_port))
        case AF_INET6:
            let v6 = unsafe UnsafeRawPointer(pointer).loadUnaligned(as: sockaddr_in6.self)
            self.init(address: IPAddress(v6.sin6_addr), port: UInt16(bigEndian: v6.sin6_port))
        default: return nil
        }
    }

    /// Lends the address as the C structure of its family.
    func withSockaddr<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        if address.isV4 {
            var v4 = sockaddr_in()
            v4.sin_family = sa_family_t(AF_INET)
            v4.sin_port = port.bigEndian
            v4.sin_addr.s_addr = address.v4.bigEndian
            return unsafe Self.lend(&v4, body)
        }
        var v6 = sockaddr_in6()
        v6.sin6_family = sa_family_t(AF_INET6)
        v6.sin6_port = port.bigEndian
        // The 16 bytes in network order.
        unsafe withUnsafeMutableBytes(of: &v6.sin6_addr) { bytes in
            unsafe bytes.storeBytes(of: address.high.bigEndian, as: UInt64.self)
            unsafe bytes.storeBytes(of: address.low.bigEndian, toByteOffset: 8, as: UInt64.self)
        }
        return unsafe Self.lend(&v6, body)
    }

    private static func lend<Structure, Result>(
        _ structure: inout Structure, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
    ) -> Result {
        // Every socket address begins like a sockaddr; its length goes along.
        unsafe withUnsafePointer(to: &structure) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe body($0, socklen_t(MemoryLayout<Structure>.size))
            }
        }
    }
}
