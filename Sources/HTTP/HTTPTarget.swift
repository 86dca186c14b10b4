/// A request target taken apart: the segments of its path with the escapes decoded, and its query.
///
/// What could name something else than it seems to is refused, so that segments can be joined to a file's path safely: no
/// segment is `.` or `..`, none holds a slash, a backslash or a control character, however these were written. The query
/// is looked at only where somebody asks for an item of it; whatever else it holds does not matter.
package struct HTTPTarget: Sendable, Equatable {
    /// The host and port of a target in absolute form (RFC 9112, 3.2.2). It counts instead of the Host field then.
    package let authority: String?
    /// `/a/b` is `["a", "b"]`, `/a/` is `["a", ""]`, and `/` has no segments.
    package let path: [String]
    /// What stands behind the question mark, as it was sent.
    private let query: ArraySlice<UInt8>

    /// The value of the first item of that name in the query, which is read as forms and `URLSearchParams` write it
    /// (`name=value&…`, the plus sign for a space included); empty where the item has no value.
    ///
    /// The value may hold anything, a NUL included. A bad escape stands for itself, as in the URL standard of the browsers,
    /// and U+FFFD for what is not UTF-8.
    package func query(_ name: String) -> String? {
        for item in query.split(separator: UInt8(ascii: "&")) {
            let equals = item.firstIndex(of: UInt8(ascii: "=")) ?? item.endIndex
            guard Self.decodeItem(item[..<equals]) == name else { continue }
            return Self.decodeItem(item[equals...].dropFirst())
        }
        return nil
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
        guard let path = segments(bytes[pathStart..<pathEnd]) else { return nil }
        let query = bytes[pathEnd...].dropFirst()
        guard query.allSatisfy(ByteSet.query.contains) else { return nil }
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
            guard part.allSatisfy(ByteSet.path.contains), let segment = decode(part) else {
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

    /// Undoes percent escapes once; nil for a malformed one, for a NUL, and for what is not UTF-8 afterwards.
    private static func decode(_ part: ArraySlice<UInt8>) -> String? {
        var decoded: [UInt8] = []
        decoded.reserveCapacity(part.count)
        var index = part.startIndex
        while index < part.endIndex {
            guard part[index] != ASCII.percent || escapedByte(part[index...]) != nil else { return nil }
            decoded.append(takeByte(part, &index))
        }
        return decoded.contains(0) ? nil : String(validating: decoded, as: UTF8.self)
    }

    /// The same for a part of a query, where nothing is refused.
    private static func decodeItem(_ part: ArraySlice<UInt8>) -> String {
        var decoded: [UInt8] = []
        var index = part.startIndex
        while index < part.endIndex {
            if part[index] == UInt8(ascii: "+") {
                decoded.append(ASCII.space)
                index += 1
            } else {
                decoded.append(takeByte(part, &index))
            }
        }
        return String(decoding: decoded, as: UTF8.self)
    }

    /// The byte at `index`, or the one that is escaped there, and the index behind it.
    private static func takeByte(_ part: ArraySlice<UInt8>, _ index: inout Int) -> UInt8 {
        if part[index] == ASCII.percent, let byte = escapedByte(part[index...]) {
            index += 3
            return byte
        }
        index += 1
        return part[index - 1]
    }

    /// The byte that an escape at the beginning stands for; nil where it is none.
    private static func escapedByte(_ rest: ArraySlice<UInt8>) -> UInt8? {
        guard rest.count >= 3, let high = ASCII.hexValue(rest[rest.startIndex + 1]),
            let low = ASCII.hexValue(rest[rest.startIndex + 2])
        else { return nil }
        return high << 4 | low
    }
}
