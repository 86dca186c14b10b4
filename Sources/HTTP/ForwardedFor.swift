/// The addresses that reverse proxies report in X-Forwarded-For.
///
/// Each proxy appends the address it was called from, so that only the right end comes from the proxy next to us, and
/// everything left of an untrusted address may be invented.
package enum ForwardedFor {
    /// Whether a proxy says it forwarded this request: in X-Forwarded-For, or in Forwarded (RFC 7239), of which nothing else
    /// is read.
    package static func isForwarded(_ request: HTTPRequest) -> Bool {
        request.count(of: "x-forwarded-for") > 0 || request.count(of: "forwarded") > 0
    }

    /// The address of the client that made the request.
    ///
    /// - Parameters:
    ///   - peer: the address that the connection comes from.
    ///   - isTrusted: whether the address is a proxy whose word counts.
    /// - Returns: the first address that is not trusted, from the peer on along the reported ones; where all are trusted,
    ///   the farthest one.
    package static func client(of request: HTTPRequest, peer: String, isTrusted: (String) -> Bool) -> String {
        guard isTrusted(peer) else { return peer }
        var client = peer
        for address in addresses(in: request) {
            client = address
            guard isTrusted(address) else { break }
        }
        return client
    }

    /// The reported addresses from right to left, that is, nearest first, without ports and brackets. The row ends before
    /// the first thing that is no address: one that a proxy hides (`unknown`, `_hidden`), or nonsense.
    package static func addresses(in request: HTTPRequest) -> [String] {
        var nodes: [ArraySlice<UInt8>] = []
        request.fields.forEachMember(of: "x-forwarded-for") { nodes.append(request.fields.bytes[$0]) }
        var addresses: [String] = []
        for node in nodes.reversed() {
            guard let address = address(node) else { break }
            addresses.append(address)
        }
        return addresses
    }

    /// The address of `IPv4[:port]`, `[IPv6][:port]` or `IPv6`.
    private static func address(_ node: ArraySlice<UInt8>) -> String? {
        if node.first == UInt8(ascii: "[") {
            guard let end = node.firstIndex(of: UInt8(ascii: "]")) else { return nil }
            let address = node[..<end].dropFirst()
            guard HostSyntax.isIPv6(address.span), isPort(node[end...].dropFirst()) else { return nil }
            return String(decoding: address, as: UTF8.self)
        }
        if HostSyntax.isIPv6(node.span) { return String(decoding: node, as: UTF8.self) }
        let end = node.firstIndex(of: ASCII.colon) ?? node.endIndex
        let address = node[..<end]
        guard HostSyntax.isIPv4(address.span), isPort(node[end...]) else { return nil }
        return String(decoding: address, as: UTF8.self)
    }

    /// Nothing, or a colon and a port. It is not used, but anything else is nonsense.
    private static func isPort(_ rest: ArraySlice<UInt8>) -> Bool {
        guard let colon = rest.first else { return true }
        let port = rest.dropFirst()
        return colon == ASCII.colon && !port.isEmpty && HostSyntax.isPort(port.span)
    }
}
