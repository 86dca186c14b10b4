/// Conditional requests (RFC 9110, 13).
package enum Conditional {
    /// Whether an If-None-Match names this entity tag, so that the answer is 304 (RFC 9110, 13.1.2).
    ///
    /// - Parameters:
    ///   - ifNoneMatch: the field's value: `*` or a list of tags. A value that is neither matches nothing.
    ///   - etag: the current tag as sent in ETag, with its quotes. The comparison is weak: `W/` does not count.
    package static func matches(ifNoneMatch: String, etag: String) -> Bool {
        var scanner = FieldScanner(Array(ifNoneMatch.utf8))
        scanner.skipWhitespace()
        if scanner.take("*") {
            scanner.skipWhitespace()
            return scanner.isAtEnd
        }
        let wanted = Array((etag.hasPrefix("W/") ? etag.dropFirst(2) : etag[...]).utf8)
        guard let tags = scanner.list(of: { scanner in scanner.entityTag() }) else { return false }
        return tags.contains { $0 == wanted[...] }
    }
}
