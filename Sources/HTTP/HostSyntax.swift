/// The host that a request is sent to.
package enum Authority {
    /// The host of `host[:port]` in lower case, without the brackets of an IPv6 address and without the dot of the DNS root.
    package static func host(of authority: String) -> String {
        let lower = authority.lowercased()
        if lower.hasPrefix("[") { return String(lower.dropFirst().prefix { $0 != "]" }) }
        let host = lower.prefix { $0 != ":" }
        return String(host.hasSuffix(".") ? host.dropLast() : host)
    }

    /// Whether a host is an IP address.
    package static func isAddress(_ host: String) -> Bool {
        let bytes = Array(host.utf8)
        return HostSyntax.isIPv4(bytes.span) || HostSyntax.isIPv6(bytes.span)
    }
}

/// The syntax of hosts and addresses, as they stand in Host, in absolute targets and in the fields that proxies add.
enum HostSyntax {
    /// `uri-host [":" port]` (RFC 9110, 7.2) with a host that is not empty: an `http` URI without one is to be rejected
    /// (RFC 9110, 4.2.1). Of the IP literals only IPv6 addresses are known; no others were ever assigned.
    static func isValid(_ bytes: Span<UInt8>) -> Bool {
        guard let hostEnd = bytes.isEmpty ? nil : endOfHost(bytes) else { return false }
        if hostEnd == bytes.count { return true }
        guard bytes[hostEnd] == ASCII.colon else { return false }
        return isPort(bytes.extracting(hostEnd + 1..<bytes.count))
    }

    /// Up to five digits that make at most 65535. None at all is allowed after the colon (RFC 3986, 3.2.3).
    static func isPort(_ bytes: Span<UInt8>) -> Bool {
        guard bytes.count <= 5, ByteSet.digit.containsAll(of: bytes, in: 0..<bytes.count) else { return false }
        var port = 0
        for index in bytes.indices { port = port * 10 + Int(bytes[index] - UInt8(ascii: "0")) }
        return port <= 65535
    }

    /// Four numbers up to 255 without leading zeros (RFC 3986, 3.2.2).
    static func isIPv4(_ bytes: Span<UInt8>) -> Bool {
        var (parts, digits, value) = (1, 0, 0)
        for index in bytes.indices {
            let byte = bytes[index]
            if byte == UInt8(ascii: ".") {
                guard digits > 0, parts < 4 else { return false }
                (parts, digits, value) = (parts + 1, 0, 0)
            } else {
                guard ByteSet.digit.contains(byte), digits == 0 || value > 0 else { return false }
                value = value * 10 + Int(byte - UInt8(ascii: "0"))
                digits += 1
                guard value <= 255 else { return false }
            }
        }
        return parts == 4 && digits > 0
    }

    /// Eight groups of up to four hexadecimal digits, one `::` in place of one or more of them, the last two perhaps
    /// written as an IPv4 address (RFC 4291, 2.2). No zone: it means nothing to another machine.
    static func isIPv6(_ bytes: Span<UInt8>) -> Bool {
        var (index, groups, hasGap) = (0, 0, false)
        if bytes.count >= 2, bytes[0] == ASCII.colon, bytes[1] == ASCII.colon { (index, hasGap) = (2, true) }
        while index < bytes.count {
            let start = index
            while index < bytes.count, ASCII.hexValue(bytes[index]) != nil { index += 1 }
            if index < bytes.count, bytes[index] == UInt8(ascii: ".") {
                guard isIPv4(bytes.extracting(start..<bytes.count)) else { return false }
                (groups, index) = (groups + 2, bytes.count)
                break
            }
            guard (1...4).contains(index - start) else { return false }
            groups += 1
            if index == bytes.count { break }
            guard bytes[index] == ASCII.colon else { return false }
            index += 1
            guard index < bytes.count else { return false }
            if bytes[index] == ASCII.colon {
                guard !hasGap else { return false }
                (index, hasGap) = (index + 1, true)
            }
        }
        return hasGap ? groups <= 7 : groups == 8
    }

    /// Where the host that the bytes begin with ends; nil where they begin with none.
    private static func endOfHost(_ bytes: Span<UInt8>) -> Int? {
        var index = 0
        if bytes[0] == UInt8(ascii: "[") {
            while index < bytes.count, bytes[index] != UInt8(ascii: "]") { index += 1 }
            return index < bytes.count && isIPv6(bytes.extracting(1..<index)) ? index + 1 : nil
        }
        while index < bytes.count, bytes[index] != ASCII.colon {
            if bytes[index] == ASCII.percent {
                guard index + 2 < bytes.count, ASCII.hexValue(bytes[index + 1]) != nil,
                    ASCII.hexValue(bytes[index + 2]) != nil
                else { return nil }
                index += 3
            } else {
                guard ByteSet.registeredName.contains(bytes[index]) else { return nil }
                index += 1
            }
        }
        return index > 0 ? index : nil
    }
}
