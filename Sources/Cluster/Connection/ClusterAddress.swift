/// Where the engine of a cluster (Redis or Valkey) is, and who one is there.
package struct ClusterAddress: Equatable, Sendable {
    package enum Place: Equatable, Sendable {
        case tcp(host: String, port: UInt16, isSecure: Bool)
        case unix(path: String)
    }

    package var place: Place
    package var user: String?
    package var password: String?
    /// The number of the database.
    package var database = 0

    /// What can be written, for people.
    package static let form = "redis://[[USER]:PASSWORD@]HOST[:PORT][/DB], rediss:// with the same, or unix:PATH"

    private static let standardPort: UInt16 = 6379

    /// Reads `form`; user and password are percent-decoded. Nil is anything else.
    package init?(_ text: String) {
        if text.hasPrefix("unix:") {
            let path = String(text.dropFirst(5))
            guard !path.isEmpty else { return nil }
            place = .unix(path: path)
            return
        }
        let isSecure = text.hasPrefix("rediss://")
        guard isSecure || text.hasPrefix("redis://") else { return nil }
        var rest = text.dropFirst(isSecure ? 9 : 8)
        if let at = rest.lastIndex(of: "@") {
            let parts = rest[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, let user = Self.decoded(parts[0]), let password = Self.decoded(parts[1]) else {
                return nil
            }
            self.user = user.isEmpty ? nil : user
            self.password = password
            rest = rest[rest.index(after: at)...]
        }
        if let slash = rest.firstIndex(of: "/") {
            let number = rest[rest.index(after: slash)...]
            rest = rest[..<slash]
            if !number.isEmpty {
                guard let database = Self.number(number, in: 0...Int(Int32.max)) else { return nil }
                self.database = database
            }
        }
        guard let (host, port) = Self.hostAndPort(rest) else { return nil }
        place = .tcp(host: host, port: port, isSecure: isSecure)
    }

    private static func hostAndPort(_ text: Substring) -> (String, UInt16)? {
        var (host, port) = (text, Substring())
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else { return nil }
            host = text[text.index(after: text.startIndex)..<end]
            port = text[text.index(after: end)...]
            guard port.isEmpty || port.hasPrefix(":") else { return nil }
        } else if let colon = text.firstIndex(of: ":") {
            (host, port) = (text[..<colon], text[colon...])
        }
        guard !host.isEmpty, host.allSatisfy({ $0.isASCII && !$0.isWhitespace && !"/?#".contains($0) }) else {
            return nil
        }
        if port.isEmpty { return (String(host), standardPort) }
        return number(port.dropFirst(), in: 1...65535).map { (String(host), UInt16($0)) }
    }

    private static func number(_ text: Substring, in range: ClosedRange<Int>) -> Int? {
        guard text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return Int(text).flatMap { range.contains($0) ? $0 : nil }
    }

    /// Percent-decoded (RFC 3986 section 2.1); nil where that is no UTF-8, or a sign is cut off.
    private static func decoded(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(digit), let low = rest.popFirst().flatMap(digit) else {
                return nil
            }
            bytes.append(high << 4 | low)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        Character(UnicodeScalar(byte)).hexDigitValue.map { UInt8($0) }
    }
}

extension ClusterAddress.Place: CustomStringConvertible {
    /// Host and port, or the path.
    package var description: String {
        switch self {
        case .tcp(let host, let port, _): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .unix(let path): path
        }
    }
}
