/// Tells whether bytes are one JSON object (RFC 8259), without building anything from them.
///
/// A line that was torn or overwritten on the disk must not reach a client as if it were an event, and its first bytes alone
/// do not show that. Every line that is handed out goes through here.
package struct JSONText {
    private var position: Int
    private let end: Int

    /// Deeper nesting than any line of this program has; it keeps the recursion short on hostile bytes.
    private static let deepest = 16

    /// Whether the range is exactly one JSON object, with no white space around it (this program writes none).
    package static func isObject(_ bytes: borrowing Span<UInt8>, _ range: Range<Int>) -> Bool {
        guard range.lowerBound >= 0, range.upperBound <= bytes.count, !range.isEmpty,
            bytes[range.lowerBound] == UInt8(ascii: "{")
        else { return false }
        var text = JSONText(position: range.lowerBound, end: range.upperBound)
        return text.value(bytes, depth: 0) && text.position == text.end
    }

    /// The byte at the position, or 0 at the end: no JSON text has a 0 anywhere.
    private func peek(_ bytes: borrowing Span<UInt8>) -> UInt8 {
        position < end ? bytes[position] : 0
    }

    private mutating func take(_ bytes: borrowing Span<UInt8>, _ byte: UInt8) -> Bool {
        guard peek(bytes) == byte else { return false }
        position += 1
        return true
    }

    private mutating func skipWhiteSpace(_ bytes: borrowing Span<UInt8>) {
        while position < end {
            switch bytes[position] {
            case 0x20, 0x09, 0x0A, 0x0D: position += 1
            default: return
            }
        }
    }

    private mutating func value(_ bytes: borrowing Span<UInt8>, depth: Int) -> Bool {
        switch peek(bytes) {
        case UInt8(ascii: "{"): return container(bytes, depth: depth, close: UInt8(ascii: "}"), named: true)
        case UInt8(ascii: "["): return container(bytes, depth: depth, close: UInt8(ascii: "]"), named: false)
        case UInt8(ascii: "\""): return string(bytes)
        case UInt8(ascii: "t"): return word(bytes, "true")
        case UInt8(ascii: "f"): return word(bytes, "false")
        case UInt8(ascii: "n"): return word(bytes, "null")
        default: return number(bytes)
        }
    }

    /// An object or an array: the same but for the names.
    private mutating func container(_ bytes: borrowing Span<UInt8>, depth: Int, close: UInt8, named: Bool) -> Bool {
        guard depth < JSONText.deepest else { return false }
        position += 1
        skipWhiteSpace(bytes)
        if take(bytes, close) { return true }
        while true {
            if named {
                guard string(bytes) else { return false }
                skipWhiteSpace(bytes)
                guard take(bytes, UInt8(ascii: ":")) else { return false }
                skipWhiteSpace(bytes)
            }
            guard value(bytes, depth: depth + 1) else { return false }
            skipWhiteSpace(bytes)
            if take(bytes, close) { return true }
            guard take(bytes, UInt8(ascii: ",")) else { return false }
            skipWhiteSpace(bytes)
        }
    }

    private mutating func word(_ bytes: borrowing Span<UInt8>, _ word: StaticString) -> Bool {
        for index in 0..<word.utf8CodeUnitCount {
            // Within the literal, as the loop says.
            guard take(bytes, unsafe word.utf8Start[index]) else { return false }
        }
        return true
    }

    /// RFC 8259, section 6: no plus sign, no leading zero, digits on both sides of the point.
    private mutating func number(_ bytes: borrowing Span<UInt8>) -> Bool {
        _ = take(bytes, UInt8(ascii: "-"))
        if !take(bytes, UInt8(ascii: "0")), !digits(bytes) { return false }
        if take(bytes, UInt8(ascii: ".")), !digits(bytes) { return false }
        if take(bytes, UInt8(ascii: "e")) || take(bytes, UInt8(ascii: "E")) {
            if !take(bytes, UInt8(ascii: "+")) { _ = take(bytes, UInt8(ascii: "-")) }
            return digits(bytes)
        }
        return true
    }

    private mutating func digits(_ bytes: borrowing Span<UInt8>) -> Bool {
        let start = position
        while (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(peek(bytes)) { position += 1 }
        return position > start
    }

    private mutating func string(_ bytes: borrowing Span<UInt8>) -> Bool {
        guard take(bytes, UInt8(ascii: "\"")) else { return false }
        while position < end {
            let byte = bytes[position]
            switch byte {
            case UInt8(ascii: "\""):
                position += 1
                return true
            case UInt8(ascii: "\\"):
                guard escape(bytes) else { return false }
            case 0x20..<0x80:
                position += 1
            default:
                guard scalar(bytes, lead: byte) else { return false }
            }
        }
        return false
    }

    private mutating func escape(_ bytes: borrowing Span<UInt8>) -> Bool {
        position += 1
        let letter = peek(bytes)
        position += 1
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"), UInt8(ascii: "b"), UInt8(ascii: "f"),
            UInt8(ascii: "n"), UInt8(ascii: "r"), UInt8(ascii: "t"):
            return true
        case UInt8(ascii: "u"):
            for _ in 0..<4 {
                switch peek(bytes) {
                case 0x30...0x39, 0x41...0x46, 0x61...0x66: position += 1
                default: return false
                }
            }
            return true
        default:
            return false
        }
    }

    /// One scalar of two to four bytes of UTF-8 (RFC 3629, section 4): no overlong form, no surrogate, none past U+10FFFF.
    private mutating func scalar(_ bytes: borrowing Span<UInt8>, lead: UInt8) -> Bool {
        let length: Int
        var second: ClosedRange<UInt8> = 0x80...0xBF
        switch lead {
        case 0xC2...0xDF: length = 2
        case 0xE0: (length, second) = (3, 0xA0...0xBF)
        case 0xED: (length, second) = (3, 0x80...0x9F)
        case 0xE1...0xEF: length = 3
        case 0xF0: (length, second) = (4, 0x90...0xBF)
        case 0xF4: (length, second) = (4, 0x80...0x8F)
        case 0xF1...0xF3: length = 4
        default: return false
        }
        guard end - position >= length, second.contains(bytes[position + 1]) else { return false }
        for index in 2..<max(2, length) where bytes[position + index] & 0xC0 != 0x80 { return false }
        position += length
        return true
    }
}
