/// The scalars of bytes that are known to be UTF-8.
package struct UTF8Scalars {
    /// Reads the scalar at `at` and moves on. Bytes that are no UTF-8 give nonsense, but do not trap.
    package static func next(_ text: Span<UInt8>, _ at: inout Int) -> Unicode.Scalar {
        let first = text[at]
        at += 1
        if first < 0x80 { return Unicode.Scalar(first) }
        let more = first < 0xE0 ? 1 : first < 0xF0 ? 2 : 3
        var value = UInt32(first) & (0x3F >> UInt32(more))
        for _ in 0..<more where at < text.count {
            value = value << 6 | UInt32(text[at] & 0x3F)
            at += 1
        }
        return Unicode.Scalar(value) ?? "\u{FFFD}"
    }
}
