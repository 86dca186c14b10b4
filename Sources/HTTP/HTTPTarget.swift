/// A request target taken apart: the segments of its path and the items of its query, with the escapes decoded.
///
/// What could name something else than it seems to is refused, so that segments can be joined to a file's path safely: no
/// segment is `.` or `..`, none holds a slash, a backslash or a control character, however these were written.
package struct HTTPTarget: Sendable, Equatable {
    /// The host and port of a target in absolute form (RFC 9112, 3.2.2). It counts instead of the Host field then.
    package let authority: String?
    /// `/a/b` is `["a", "b"]`, `/a/` is `["a", ""]`, and `/` has no segments.
    package let path: [String]
    private let query: [Item]

    private struct Item: Equatable {
        let name, value: String
    }

    /// The value of the first item of that name in the query; empty where the item has no value.
    package func query(_ name: String) -> String? {
        query.first { $0.name == name }?.value
    }

    /// Takes apart a target in origin form or absolute form; nil where it is neither, has a bad escape, or would be
    /// dangerous to follow.
    package static func parse(_ target: String) -> HTTPTarget? {
        let bytes = Array(target.utf8)
        var (pathStart, authority): (Int, String?) = (0, nil)
        if bytes.first != ASCII.slash {
            guard let schemeLength = schemeLength(bytes.span) else { return nil }
            pathStart = bytes[schemeLength...].firstIndex { $0 == ASCII.slash || $0 == question } ?? bytes.count
            guard HostSyntax.isValid(bytes.span.extracting(schemeLength..<pathStart)) else { return nil }
            authority = String(decoding: bytes[schemeLength..<pathStart], as: UTF8.self)
        }
        let pathEnd = bytes[pathStart...].firstIndex(of: question) ?? bytes.count
        guard let path = segments(bytes[pathStart..<pathEnd]), let query = items(bytes[pathEnd...].dropFirst()) else {
            return nil
        }
        return HTTPTarget(authority: authority, path: path, query: query)
    }

    /// The length of `http://` or `https://` at the beginning, nil where there is neither.
    static func schemeLength(_ bytes: Span<UInt8>) -> Int? {
        for scheme in ["http://", "https://"] where bytes.count > scheme.utf8.count {
            if ASCII.equal(bytes, in: 0..<scheme.utf8.count, ignoringCaseOf: scheme) { return scheme.utf8.count }
        }
        return nil
    }

    private static let question = UInt8(ascii: "?")

    private static func segments(_ path: ArraySlice<UInt8>) -> [String]? {
        guard path.count > 1 else { return [] }
        var segments: [String] = []
        for part in path.dropFirst().split(separator: ASCII.slash, omittingEmptySubsequences: false) {
            guard part.allSatisfy(ByteSet.path.contains), let segment = decode(part, plusIsSpace: false) else {
                return nil
            }
            // Looked at after decoding, or `%2e%2e` would be no `..`.
            guard segment != ".", segment != ".." else { return nil }
            let isPlain = segment.utf8.allSatisfy {
                $0 >= 0x20 && $0 != 0x7F && $0 != ASCII.slash && $0 != ASCII.backslash
            }
            guard isPlain else { return nil }
            segments.append(segment)
        }
        return segments
    }

    /// `name=value&…` as forms and `URLSearchParams` write it, the plus sign for a space included.
    private static func items(_ query: ArraySlice<UInt8>) -> [Item]? {
        var items: [Item] = []
        for part in query.split(separator: UInt8(ascii: "&")) {
            guard part.allSatisfy(ByteSet.query.contains) else { return nil }
            let equals = part.firstIndex(of: UInt8(ascii: "=")) ?? part.endIndex
            guard let name = decode(part[..<equals], plusIsSpace: true),
                let value = decode(part[equals...].dropFirst(), plusIsSpace: true)
            else { return nil }
            items.append(Item(name: name, value: value))
        }
        return items
    }

    /// Undoes percent escapes once; nil for a malformed one, for a NUL, and for what is not UTF-8 afterwards.
    private static func decode(_ part: ArraySlice<UInt8>, plusIsSpace: Bool) -> String? {
        var decoded: [UInt8] = []
        decoded.reserveCapacity(part.count)
        var index = part.startIndex
        while index < part.endIndex {
            var byte = part[index]
            index += 1
            if byte == ASCII.percent {
                guard index + 1 < part.endIndex, let high = ASCII.hexValue(part[index]),
                    let low = ASCII.hexValue(part[index + 1])
                else { return nil }
                byte = high << 4 | low
                index += 2
            } else if plusIsSpace, byte == UInt8(ascii: "+") {
                byte = ASCII.space
            }
            guard byte != 0 else { return nil }
            decoded.append(byte)
        }
        return String(validating: decoded, as: UTF8.self)
    }
}
