/// The addresses that reverse proxies report in X-Forwarded-For or Forwarded (RFC 7239).
///
/// Each proxy appends the address it was called from, so that only the right end comes from the proxy next to us, and
/// everything left of an untrusted address may be invented.
package enum ForwardedFor {
    /// Whether a proxy says it forwarded this request.
    package static func isForwarded(_ request: HTTPRequest) -> Bool {
        request.count(of: "x-forwarded-for") > 0 || request.count(of: "forwarded") > 0
    }

    /// The address of whoever made the request.
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
    ///
    /// X-Forwarded-For goes first: most proxies write that one, and hand on a Forwarded that a client made up.
    package static func addresses(in request: HTTPRequest) -> [String] {
        let isPlain = request.count(of: "x-forwarded-for") > 0
        var addresses: [String] = []
        for line in request.values(of: isPlain ? "x-forwarded-for" : "forwarded").reversed() {
            let bytes = Array(line.utf8)
            var reader = ForwardedReader(bytes: bytes)
            guard let nodes = isPlain ? members(bytes) : reader.nodes() else { return addresses }
            for node in nodes.reversed() {
                guard let address = address(node, allowsBareIPv6: isPlain) else { return addresses }
                addresses.append(address)
            }
        }
        return addresses
    }

    /// The members of a comma-separated list, empty ones left out.
    private static func members(_ line: [UInt8]) -> [ArraySlice<UInt8>] {
        line.split(separator: ASCII.comma)
            .map { line[ASCII.trimmed(line.span, $0.startIndex..<$0.endIndex)] }
            .filter { !$0.isEmpty }
    }

    /// The address of `IPv4[:port]` or `[IPv6][:port]` (RFC 7239, 6), and of an IPv6 address without brackets where that
    /// is the custom.
    private static func address(_ node: ArraySlice<UInt8>, allowsBareIPv6: Bool) -> String? {
        if node.first == UInt8(ascii: "[") {
            guard let end = node.firstIndex(of: UInt8(ascii: "]")) else { return nil }
            let address = node[..<end].dropFirst()
            guard HostSyntax.isIPv6(address.span), isPort(node[end...].dropFirst()) else { return nil }
            return String(decoding: address, as: UTF8.self)
        }
        if allowsBareIPv6, HostSyntax.isIPv6(node.span) { return String(decoding: node, as: UTF8.self) }
        let end = node.firstIndex(of: ASCII.colon) ?? node.endIndex
        let address = node[..<end]
        guard HostSyntax.isIPv4(address.span), isPort(node[end...]) else { return nil }
        return String(decoding: address, as: UTF8.self)
    }

    /// Nothing, or a colon and a port, obfuscated perhaps (RFC 7239, 6). It is not used, but anything else is nonsense.
    private static func isPort(_ rest: ArraySlice<UInt8>) -> Bool {
        guard let colon = rest.first else { return true }
        let port = rest.dropFirst()
        guard colon == ASCII.colon, let first = port.first else { return false }
        if first == UInt8(ascii: "_") { return port.count > 1 && port.allSatisfy(ByteSet.obfuscated.contains) }
        return HostSyntax.isPort(port.span)
    }
}

/// Takes one line of Forwarded apart: `for=192.0.2.60;proto=http, for="[2001:db8::17]"` (RFC 7239, 4).
///
/// It reads from the left, because only so a quoted comma can be told from one between elements. A client cannot hide the
/// proxy's element in a quotation that it left open: the line is no Forwarded then, and counts for nothing.
private struct ForwardedReader {
    let bytes: [UInt8]
    private var index = 0

    init(bytes: [UInt8]) { self.bytes = bytes }

    /// The `for` of each element, empty where an element has none; nil where the line breaks the grammar.
    mutating func nodes() -> [ArraySlice<UInt8>]? {
        var nodes: [ArraySlice<UInt8>] = []
        while let byte = current {
            if ASCII.isWhiteSpace(byte) || byte == ASCII.comma {
                index += 1
                continue
            }
            guard let node = element() else { return nil }
            nodes.append(node)
            while let byte = current, ASCII.isWhiteSpace(byte) { index += 1 }
            guard current == nil || current == ASCII.comma else { return nil }
        }
        return nodes
    }

    private var current: UInt8? { index < bytes.count ? bytes[index] : nil }

    /// `[pair] *( ";" [pair] )`, with one `for` at most.
    private mutating func element() -> ArraySlice<UInt8>? {
        var node: ArraySlice<UInt8>?
        while true {
            let name = token()
            if !name.isEmpty {
                guard take(UInt8(ascii: "=")), let value = value() else { return nil }
                if ASCII.equal(bytes.span, in: name, ignoringCaseOf: "for") {
                    guard node == nil else { return nil }
                    node = value
                }
            }
            guard take(UInt8(ascii: ";")) else { return node ?? [] }
        }
    }

    private mutating func token() -> Range<Int> {
        let start = index
        while let byte = current, ByteSet.token.contains(byte) { index += 1 }
        return start..<index
    }

    /// A token, or what a quoted string says once its backslashes are undone (RFC 9110, 5.6.4).
    private mutating func value() -> ArraySlice<UInt8>? {
        guard take(ASCII.quote) else {
            let range = token()
            return range.isEmpty ? nil : bytes[range]
        }
        var value: [UInt8] = []
        while let byte = current {
            index += 1
            if byte == ASCII.quote { return value[...] }
            if byte != ASCII.backslash {
                value.append(byte)
            } else if let escaped = current {
                value.append(escaped)
                index += 1
            }
        }
        return nil
    }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard current == byte else { return false }
        index += 1
        return true
    }
}
