import Bytes

/// The field lines of one head: the bytes as they came, and where in them the names and values lie.
///
/// Nothing is turned into a `String` before someone asks. Names are compared without regard to case (RFC 9110, 5.1).
/// Values hold no control characters but the tab; bytes above ASCII (`obs-text`) are let through, because a cookie or a
/// user agent may hold them, and a value that is not UTF-8 comes with U+FFFD in their place.
package struct HTTPFields: Sendable, Equatable {
    /// The whole head, start line included.
    var bytes: [UInt8] = []
    var lines: [FieldLine] = []

    /// No fields.
    package init() {}

    /// The value of a field; where it comes on several lines, these joined by `", "` (RFC 9110, 5.3). Nil where absent.
    package func value(of name: String) -> String? {
        var combined: String?
        for line in lines where isNamed(line, name) {
            if let earlier = combined {
                combined = earlier + ", " + text(line.value)
            } else {
                combined = text(line.value)
            }
        }
        return combined
    }

    /// The value of each line of that name by itself, in the order of arrival.
    package func values(of name: String) -> [String] {
        var values: [String] = []
        for line in lines where isNamed(line, name) { values.append(text(line.value)) }
        return values
    }

    /// The bytes of the values of all lines of that name, with commas between them, as if on one line (RFC 9110, 5.3). Empty
    /// where there is none.
    package func list(of name: String) -> [UInt8] {
        var list: [UInt8] = []
        var isFirst = true
        for line in lines where isNamed(line, name) {
            if !isFirst { list.append(ASCII.comma) }
            isFirst = false
            list.append(copying: bytes.span.extracting(line.value))
        }
        return list
    }

    /// How many lines have that name.
    package func count(of name: String) -> Int {
        var count = 0
        for line in lines where isNamed(line, name) { count += 1 }
        return count
    }

    /// Whether the comma-separated list in the lines of that name has `token` among its members, case aside.
    package func has(_ name: String, token: String) -> Bool {
        var isThere = false
        forEachMember(of: name) { member in
            if ASCII.equal(bytes.span, in: member, ignoringCaseOf: token) { isThere = true }
        }
        return isThere
    }

    /// Gives every member of the comma-separated list in the lines of that name, in the order of arrival; empty members are
    /// passed over (RFC 9110, 5.6.1.2).
    func forEachMember(of name: String, _ body: (Range<Int>) -> Void) {
        for line in lines where isNamed(line, name) {
            var start = line.value.lowerBound
            while start < line.value.upperBound {
                var end = start
                while end < line.value.upperBound, bytes[end] != ASCII.comma { end += 1 }
                let member = ASCII.trimmed(bytes.span, start..<end)
                if !member.isEmpty { body(member) }
                start = end + 1
            }
        }
    }

    func isNamed(_ line: FieldLine, _ name: String) -> Bool {
        ASCII.equal(bytes.span, in: line.name, ignoringCaseOf: name)
    }

    func text(_ range: Range<Int>) -> String {
        String(decoding: bytes[range], as: UTF8.self)
    }
}
