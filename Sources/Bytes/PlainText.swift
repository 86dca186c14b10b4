/// The stretches of a JSON string that stand for themselves: everything but quotation marks, backslashes and control
/// characters (RFC 8259 section 7). Nearly all text is one such stretch, so it is passed over eight bytes at a time.
enum PlainText {
    /// The end of the stretch that begins at `start`.
    ///
    /// - Parameter gathered: gets all bits of the bytes in it, for whoever wants to know whether they are ASCII.
    static func end(_ text: Span<UInt8>, from start: Int, gathering gathered: inout UInt64) -> Int {
        var offset = start
        // unsafe: bytes have no padding to be read, any eight of them are a valid UInt64, and the load is bounds-checked.
        let raw = unsafe text.bytes
        while text.count - offset >= 8 {
            let word = unsafe raw.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self)
            guard !hasSpecial(word) else { break }
            gathered |= word
            offset += 8
        }
        while offset < text.count, !isSpecial(text[offset]) {
            gathered |= UInt64(text[offset])
            offset += 1
        }
        return offset
    }

    /// Whether bits gathered by `end` are those of ASCII alone.
    static func isASCII(_ gathered: UInt64) -> Bool { gathered & highBits == 0 }

    @inline(__always)
    private static func isSpecial(_ byte: UInt8) -> Bool {
        byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
    }

    /// Whether one of eight bytes is special. Taking n from a byte that is smaller sets its high bit, which was not set before;
    /// and a byte is the same as another if their difference is smaller than 1.
    @inline(__always)
    private static func hasSpecial(_ word: UInt64) -> Bool {
        let quote = word ^ (ones &* UInt64(UInt8(ascii: "\"")))
        let backslash = word ^ (ones &* UInt64(UInt8(ascii: "\\")))
        let isControl = (word &- ones &* 0x20) & ~word
        let isQuote = (quote &- ones) & ~quote
        let isBackslash = (backslash &- ones) & ~backslash
        return (isControl | isQuote | isBackslash) & highBits != 0
    }

    private static let ones: UInt64 = 0x0101_0101_0101_0101
    private static let highBits: UInt64 = 0x8080_8080_8080_8080
}
