/// The three parts of a request line (RFC 9112, 3): `method SP request-target SP HTTP-version`.
struct RequestLine: Sendable {
    let method: HTTPMethod
    /// Where in the head the target lies.
    let target: Range<Int>
    let minorVersion: Int

    enum Outcome {
        case line(RequestLine)
        case refused(HTTPRefusal)
    }

    static func parse(_ fields: HTTPFields, _ line: Range<Int>) -> Outcome {
        let bytes = fields.bytes.span
        guard let first = index(of: ASCII.space, in: bytes, line),
            let second = index(of: ASCII.space, in: bytes, first + 1..<line.upperBound)
        else { return .refused(.malformedRequestLine) }
        let (method, target, version) = (line.lowerBound..<first, first + 1..<second, second + 1..<line.upperBound)
        guard !method.isEmpty, !target.isEmpty else { return .refused(.malformedRequestLine) }
        guard ByteSet.token.containsAll(of: bytes, in: method) else { return .refused(.invalidMethod) }
        guard isVersion(bytes, version) else { return .refused(.malformedRequestLine) }
        guard bytes[version.lowerBound + 5] == UInt8(ascii: "1") else { return .refused(.unsupportedVersion) }

        let name = methodName(fields, method)
        guard isTarget(bytes, target, of: name) else { return .refused(.invalidTarget) }
        let minorVersion = bytes[version.lowerBound + 7] == UInt8(ascii: "0") ? 0 : 1
        return .line(RequestLine(method: name, target: target, minorVersion: minorVersion))
    }

    /// `HTTP/` in upper case, a digit, a dot, a digit (RFC 9112, 2.3).
    static func isVersion(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool {
        guard range.count == 8 else { return false }
        var index = range.lowerBound
        for byte in "HTTP/".utf8 {
            guard bytes[index] == byte else { return false }
            index += 1
        }
        let digit = ByteSet.digit
        return digit.contains(bytes[index]) && bytes[index + 1] == UInt8(ascii: ".") && digit.contains(bytes[index + 2])
    }

    private static func index(of byte: UInt8, in bytes: Span<UInt8>, _ range: Range<Int>) -> Int? {
        for index in range where bytes[index] == byte { return index }
        return nil
    }

    private static func methodName(_ fields: HTTPFields, _ range: Range<Int>) -> HTTPMethod {
        switch fields.text(range) {
        case "GET": .get
        case "HEAD": .head
        case "POST": .post
        case let name: .other(name)
        }
    }

    /// The forms of RFC 9112, 3.2 by their first characters: a path, a URI, the authority of a CONNECT, the asterisk of
    /// an OPTIONS. Escapes and dot segments are `HTTPTarget`'s business.
    private static func isTarget(_ bytes: Span<UInt8>, _ range: Range<Int>, of method: HTTPMethod) -> Bool {
        guard ByteSet.query.containsAll(of: bytes, in: range) else { return false }
        switch method {
        case .other("CONNECT"): return HostSyntax.isValid(bytes.extracting(range))
        case .other("OPTIONS") where range.count == 1: return "*/".utf8.contains(bytes[range.lowerBound])
        default: break
        }
        return bytes[range.lowerBound] == ASCII.slash || HTTPTarget.schemeLength(bytes.extracting(range)) != nil
    }
}
