/// A value that was found in JSON text, as the place where it stands.
package struct JSONToken: Sendable {
    package enum Kind: Sendable { case absent, null, boolean, number, string, object, array }

    package var kind: Kind
    /// Where it stands; of a string, what is between the quotation marks.
    package var range: Range<Int>
    /// Of a string: that it has no escapes, so that its bytes are its text.
    package var isPlain = true
    /// Of a string: that all of its bytes are ASCII.
    package var isASCII = true

    /// A field that is not there.
    package static let absent = JSONToken(kind: .absent, range: 0..<0)

    /// Not there, or null, which is taken for the same.
    package var isMissing: Bool { kind == .absent || kind == .null }

    /// Of a string: with its quotation marks.
    package var quotedRange: Range<Int> { range.lowerBound - 1..<range.upperBound + 1 }

    /// Of a string: whether the number of its Unicode scalars is in `range`.
    package func hasScalars(_ range: ClosedRange<Int>, in text: Span<UInt8>) -> Bool {
        var count = 0
        var at = self.range.lowerBound
        while at < self.range.upperBound {
            if text[at] == UInt8(ascii: "\\") {
                guard JSONScanner.escape(text, &at) != nil else { return false }
            } else {
                _ = UTF8Scalars.next(text, &at)
            }
            count += 1
            if count > range.upperBound { return false }
        }
        return range.contains(count)
    }
}

/// A strict reader of JSON (RFC 8259) that allocates nothing: it checks the text and says where the values stand.
///
/// It takes bytes that are known to be UTF-8. Nil means that the text is not JSON. A lone surrogate in an escape is
/// refused: no text can hold it (RFC 8259 section 8.2 leaves it open).
package enum JSONScanner {
    /// How deeply arrays and objects may be nested. No message of the protocol needs more than two levels; the limit
    /// keeps a hostile text from using up the stack.
    package static let deepest = 32

    /// Skips white space.
    package static func skipSpace(_ text: Span<UInt8>, _ at: inout Int) {
        while at < text.count {
            switch text[at] {
            case 0x20, 0x09, 0x0A, 0x0D: at += 1
            default: return
            }
        }
    }

    /// Reads one value of any kind, white space before it included.
    package static func value(_ text: Span<UInt8>, _ at: inout Int, depth: Int = 0) -> JSONToken? {
        skipSpace(text, &at)
        guard at < text.count, depth <= deepest else { return nil }
        switch text[at] {
        case UInt8(ascii: "\""): return string(text, &at)
        case UInt8(ascii: "{"):
            let start = at
            guard members(text, &at, depth: depth, onMember: { _, _ in }) else { return nil }
            return JSONToken(kind: .object, range: start..<at)
        case UInt8(ascii: "["):
            let start = at
            guard elements(text, &at, depth: depth, onElement: { _ in }) else { return nil }
            return JSONToken(kind: .array, range: start..<at)
        case UInt8(ascii: "t"): return word("true", .boolean, text, &at)
        case UInt8(ascii: "f"): return word("false", .boolean, text, &at)
        case UInt8(ascii: "n"): return word("null", .null, text, &at)
        default: return number(text, &at)
        }
    }

    /// Reads an object that begins at `at`, and hands over each of its members.
    package static func members(
        _ text: Span<UInt8>, _ at: inout Int, depth: Int = 0, onMember: (_ name: JSONToken, _ value: JSONToken) -> Void
    ) -> Bool {
        guard at < text.count, text[at] == UInt8(ascii: "{") else { return false }
        at += 1
        skipSpace(text, &at)
        if at < text.count, text[at] == UInt8(ascii: "}") {
            at += 1
            return true
        }
        while true {
            skipSpace(text, &at)
            guard at < text.count, text[at] == UInt8(ascii: "\""), let name = string(text, &at) else { return false }
            skipSpace(text, &at)
            guard at < text.count, text[at] == UInt8(ascii: ":") else { return false }
            at += 1
            guard let value = value(text, &at, depth: depth + 1) else { return false }
            onMember(name, value)
            guard let more = separator(text, &at, end: UInt8(ascii: "}")) else { return false }
            if !more { return true }
        }
    }

    /// Reads an array that begins at `at`, and hands over each of its elements.
    package static func elements(
        _ text: Span<UInt8>, _ at: inout Int, depth: Int = 0, onElement: (JSONToken) -> Void
    ) -> Bool {
        guard at < text.count, text[at] == UInt8(ascii: "[") else { return false }
        at += 1
        skipSpace(text, &at)
        if at < text.count, text[at] == UInt8(ascii: "]") {
            at += 1
            return true
        }
        while true {
            guard let value = value(text, &at, depth: depth + 1) else { return false }
            onElement(value)
            guard let more = separator(text, &at, end: UInt8(ascii: "]")) else { return false }
            if !more { return true }
        }
    }

    /// Reads a comma (true) or the closing bracket (false).
    private static func separator(_ text: Span<UInt8>, _ at: inout Int, end: UInt8) -> Bool? {
        skipSpace(text, &at)
        guard at < text.count else { return nil }
        defer { at += 1 }
        if text[at] == UInt8(ascii: ",") { return true }
        return text[at] == end ? false : nil
    }

    private static func word(
        _ word: StaticString, _ kind: JSONToken.Kind, _ text: Span<UInt8>, _ at: inout Int
    ) -> JSONToken? {
        let end = at + word.utf8CodeUnitCount
        guard end <= text.count, text.extracting(at..<end).isEqual(to: word) else { return nil }
        defer { at = end }
        return JSONToken(kind: kind, range: at..<end)
    }

    // MARK: Strings

    /// Reads a string that begins at `at`, and checks its escapes.
    private static func string(_ text: Span<UInt8>, _ at: inout Int) -> JSONToken? {
        let start = at + 1
        var i = start
        var token = JSONToken(kind: .string, range: start..<start)
        var gathered: UInt64 = 0
        while true {
            i = PlainText.end(text, from: i, gathering: &gathered)
            guard i < text.count else { return nil }
            switch text[i] {
            case UInt8(ascii: "\""):
                token.range = start..<i
                token.isASCII = PlainText.isASCII(gathered)
                at = i + 1
                return token
            case UInt8(ascii: "\\"):
                token.isPlain = false
                guard escape(text, &i) != nil else { return nil }
            default: return nil  // a control character
            }
        }
    }

    /// Reads the escape at `at`, a pair of surrogates as one; returns the scalar it stands for.
    package static func escape(_ text: Span<UInt8>, _ at: inout Int) -> UInt32? {
        guard at + 1 < text.count else { return nil }
        let letter = text[at + 1]
        at += 2
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return UInt32(letter)
        case UInt8(ascii: "b"): return 0x08
        case UInt8(ascii: "f"): return 0x0C
        case UInt8(ascii: "n"): return 0x0A
        case UInt8(ascii: "r"): return 0x0D
        case UInt8(ascii: "t"): return 0x09
        case UInt8(ascii: "u"): break
        default: return nil
        }
        guard let unit = hexadecimal(text, &at) else { return nil }
        switch unit {
        case 0xD800..<0xDC00:
            guard at + 1 < text.count, text[at] == UInt8(ascii: "\\"), text[at + 1] == UInt8(ascii: "u") else {
                return nil
            }
            at += 2
            guard let low = hexadecimal(text, &at), (0xDC00..<0xE000).contains(low) else { return nil }
            return 0x10000 + (unit - 0xD800) << 10 + (low - 0xDC00)
        case 0xDC00..<0xE000: return nil
        default: return unit
        }
    }

    private static func hexadecimal(_ text: Span<UInt8>, _ at: inout Int) -> UInt32? {
        guard at + 4 <= text.count else { return nil }
        var value: UInt32 = 0
        for i in at..<at + 4 {
            switch text[i] {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | UInt32(text[i] - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"): value = value << 4 | UInt32(text[i] - UInt8(ascii: "a") + 10)
            case UInt8(ascii: "A")...UInt8(ascii: "F"): value = value << 4 | UInt32(text[i] - UInt8(ascii: "A") + 10)
            default: return nil
            }
        }
        at += 4
        return value
    }

    // MARK: Numbers

    /// Reads a number of RFC 8259 section 6: `-? int frac? exp?`.
    private static func number(_ text: Span<UInt8>, _ at: inout Int) -> JSONToken? {
        let start = at
        func digits() -> Bool {
            let first = at
            while at < text.count, text[at].isDigit { at += 1 }
            return at > first
        }
        if text[at] == UInt8(ascii: "-") { at += 1 }
        guard at < text.count else { return nil }
        if text[at] == UInt8(ascii: "0") {
            at += 1
        } else if !digits() {
            return nil
        }
        if at < text.count, text[at] == UInt8(ascii: ".") {
            at += 1
            guard digits() else { return nil }
        }
        if at < text.count, text[at] | 0x20 == UInt8(ascii: "e") {
            at += 1
            if at < text.count, text[at] == UInt8(ascii: "+") || text[at] == UInt8(ascii: "-") { at += 1 }
            guard digits() else { return nil }
        }
        return JSONToken(kind: .number, range: start..<at)
    }

    /// The number at `token`, if it is a whole one, not negative, and written in digits alone. One beyond 2^63 - 1 counts as
    /// that: it is larger than any seq or limit all the same.
    package static func whole(_ text: Span<UInt8>, _ token: JSONToken) -> UInt64? {
        guard token.kind == .number else { return nil }
        var value: UInt64 = 0
        for i in token.range {
            guard text[i].isDigit else { return nil }
            // Twice as much fits, so that the sum does not overflow.
            value = value > largest / 10 ? largest : min(largest, value * 10 + UInt64(text[i] - UInt8(ascii: "0")))
        }
        return value
    }

    private static let largest = UInt64(Int64.max)
}

extension UInt8 {
    /// Whether it is an ASCII digit.
    package var isDigit: Bool { self &- UInt8(ascii: "0") < 10 }
}

extension Span<UInt8> {
    /// Whether these are the bytes of an ASCII literal.
    package func isEqual(to literal: StaticString) -> Bool {
        guard count == literal.utf8CodeUnitCount else { return false }
        // The pointer is to a constant of the program, and read within its length.
        let other = unsafe UnsafeBufferPointer(start: literal.utf8Start, count: literal.utf8CodeUnitCount)
        for i in 0..<count where unsafe self[i] != other[i] { return false }
        return true
    }
}
