/// Conditional requests (RFC 9110, 13).
package enum Conditional {
    /// Whether an If-None-Match names this entity tag, so that the answer is 304 (RFC 9110, 13.1.2).
    ///
    /// - Parameters:
    ///   - ifNoneMatch: the field's value: `*` or a list of tags. A value that is neither matches nothing.
    ///   - etag: the current tag as sent in ETag, with its quotes. The comparison is weak: `W/` does not count.
    package static func matches(ifNoneMatch: String, etag: String) -> Bool {
        let bytes = Array(ifNoneMatch.utf8)
        let wanted = Array((etag.hasPrefix("W/") ? etag.dropFirst(2) : etag[...]).utf8)
        let range = ASCII.trimmed(bytes.span, 0..<bytes.count)
        if bytes[range] == [UInt8(ascii: "*")] { return true }

        var index = range.lowerBound
        var isMatch = false
        while index < range.upperBound {
            // Between members: commas, more than one perhaps (RFC 9110, 5.6.1.2), and white space.
            if ASCII.isWhiteSpace(bytes[index]) || bytes[index] == ASCII.comma {
                index += 1
                continue
            }
            guard let tag = tag(in: bytes, at: index) else { return false }
            isMatch = isMatch || bytes[tag] == wanted[...]
            index = tag.upperBound
            while index < range.upperBound, ASCII.isWhiteSpace(bytes[index]) { index += 1 }
            guard index == range.upperBound || bytes[index] == ASCII.comma else { return false }
        }
        return isMatch
    }

    /// Where the quoted part of the entity tag at `start` lies; nil where there is none (RFC 9110, 8.8.3).
    private static func tag(in bytes: [UInt8], at start: Int) -> Range<Int>? {
        var index = start
        if bytes[index...].starts(with: "W/".utf8) { index += 2 }
        guard index < bytes.count, bytes[index] == ASCII.quote else { return nil }
        // A tag knows no escapes: it ends at the next quotation mark, and a comma before that is part of it.
        guard let end = bytes[(index + 1)...].firstIndex(of: ASCII.quote) else { return nil }
        return index..<end + 1
    }
}
