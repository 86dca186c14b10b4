/// Checks that bytes are UTF-8 as they arrive, in pieces of any size (RFC 3629).
///
/// Three bytes of state. It refuses at the first byte that no valid text can have in that place: surrogates, overlong
/// forms and anything past U+10FFFF are seen at their second byte, not at their last.
package struct UTF8Validator {
    /// How many continuation bytes the character at the end still needs.
    private var missing: UInt8 = 0
    /// What the next continuation byte may be; narrower than 80..BF only after E0, ED, F0 and F4 (RFC 3629, section 4).
    private var lowest: UInt8 = 0x80
    private var highest: UInt8 = 0xBF

    package init() {}

    /// True where the text so far does not end within a character.
    package var isComplete: Bool { missing == 0 }

    /// Takes the next piece; false if the text cannot be UTF-8 any more. After false the validator is spent.
    package mutating func consume(_ bytes: Span<UInt8>) -> Bool {
        // Most text is ASCII from beginning to end.
        var offset = missing == 0 ? Self.skipASCII(bytes, from: 0) : 0
        // Whole vectors are checked at once; the character cut off before them, and the rest after, byte by byte.
        // A vector looks back at three bytes of this piece, so it starts after a character that ends past them.
        if bytes.count - offset >= 64 {
            while offset < 3 || missing > 0 {
                guard consume(bytes[offset]) else { return false }
                offset += 1
            }
            guard let end = UTF8Vector.validate(bytes, from: offset) else { return false }
            offset = end
        }
        while offset < bytes.count {
            if missing == 0 { offset = Self.skipASCII(bytes, from: offset) }
            guard offset < bytes.count else { break }
            guard consume(bytes[offset]) else { return false }
            offset += 1
        }
        return true
    }

    /// Whether `bytes` are whole characters of UTF-8.
    package static func isValid(_ bytes: Span<UInt8>) -> Bool {
        var validator = UTF8Validator()
        return validator.consume(bytes) && validator.isComplete
    }

    /// The transition for one byte: the table of RFC 3629, section 4, row by row.
    private mutating func consume(_ byte: UInt8) -> Bool {
        if missing > 0 {
            guard byte >= lowest && byte <= highest else { return false }
            missing -= 1
            (lowest, highest) = (0x80, 0xBF)
            return true
        }
        switch byte {
        case 0x00...0x7F: return true
        case 0xC2...0xDF: missing = 1
        case 0xE0: (missing, lowest) = (2, 0xA0)  // below: overlong
        case 0xED: (missing, highest) = (2, 0x9F)  // above: surrogates
        case 0xE1...0xEF: missing = 2
        case 0xF0: (missing, lowest) = (3, 0x90)  // below: overlong
        case 0xF1...0xF3: missing = 3
        case 0xF4: (missing, highest) = (3, 0x8F)  // above: past U+10FFFF
        default: return false  // a continuation byte alone, C0 and C1 (overlong), F5 and up
        }
        return true
    }

    /// The end of a stretch of ASCII from `start` on: all of it, but for up to seven bytes before what is not ASCII.
    private static func skipASCII(_ bytes: Span<UInt8>, from start: Int) -> Int {
        var offset = start
        // unsafe: bytes have no padding to be read, any eight of them are a valid UInt64, and the load is bounds-checked.
        let raw = unsafe bytes.bytes
        while bytes.count - offset >= 32, UTF8Vector.isASCII(raw, at: offset) { offset += 32 }
        while bytes.count - offset >= 8 {
            let word = unsafe raw.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self)
            guard isASCII(word) else { return offset }
            offset += 8
        }
        // The last eight bytes, some of them for the second time.
        guard offset < bytes.count, bytes.count - start >= 8 else { return offset }
        let last = unsafe raw.unsafeLoadUnaligned(fromByteOffset: bytes.count - 8, as: UInt64.self)
        return isASCII(last) ? bytes.count : offset
    }

    private static func isASCII(_ word: UInt64) -> Bool { word & 0x8080_8080_8080_8080 == 0 }
}
