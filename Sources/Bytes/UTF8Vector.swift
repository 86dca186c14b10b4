/// The validator's fast path: 32 bytes at a time, with comparisons only, so that it runs the same on every processor.
///
/// Each byte is judged together with the three before it. Three loads that overlap bring those into place, and every rule
/// of RFC 3629's table becomes one comparison of whole vectors: no branch on what kind of character it is. The operators
/// are those that the standard library has for this very vector; its generic ones (`&`, `|`, any with a scalar) go through
/// every lane in turn, a hundred times slower.
enum UTF8Vector {
    private typealias Bytes = SIMD32<UInt8>
    private typealias Mask = SIMDMask<SIMD32<Int8>>

    /// Checks as many whole vectors as there are from `start` on, which must be at least 3, at the start of a character
    /// with valid text before it.
    ///
    /// - Returns: where the last character begun in them starts, or their end where it is complete; nil if they cannot be
    ///   UTF-8. What the text goes on with is left to the caller, to be judged from there.
    static func validate(_ bytes: Span<UInt8>, from start: Int) -> Int? {
        let raw = unsafe bytes.bytes  // unsafe: for elements with padding, which bytes have not
        var wrong = Mask(repeating: false)
        var offset = start
        while raw.byteCount - offset >= 32 {
            if !isASCII(raw, at: offset) {
                wrong .|= mistakes(raw, at: offset)
            } else if !isComplete(bytes, before: offset) {
                return nil  // a character that the previous vector left open is not completed by ASCII
            }
            offset += 32
        }
        return any(wrong) ? nil : startOfLastCharacter(bytes, before: offset)
    }

    /// The places, from `offset` on, of bytes that cannot follow the three before them.
    private static func mistakes(_ raw: RawSpan, at offset: Int) -> Mask {
        let byte = load(raw, at: offset)
        let previous = load(raw, at: offset - 1)
        let secondLast = load(raw, at: offset - 2)
        let thirdLast = load(raw, at: offset - 3)

        // A byte is a continuation exactly where a lead byte before it asks for one.
        let isContinuation = (byte .>= all(0x80)) .& (byte .< all(0xC0))
        let isAskedFor = (previous .>= all(0xC0)) .| (secondLast .>= all(0xE0)) .| (thirdLast .>= all(0xF0))
        // Bytes that no text has, and second bytes that would make an overlong form, a surrogate or too large a value.
        let isNever = (byte .== all(0xC0)) .| (byte .== all(0xC1)) .| (byte .>= all(0xF5))
        let isTooLow =
            ((previous .== all(0xE0)) .& (byte .< all(0xA0))) .| ((previous .== all(0xF0)) .& (byte .< all(0x90)))
        let isTooHigh =
            ((previous .== all(0xED)) .& (byte .>= all(0xA0))) .| ((previous .== all(0xF4)) .& (byte .>= all(0x90)))
        return (isContinuation .^ isAskedFor) .| isNever .| isTooLow .| isTooHigh
    }

    /// Whether the 32 bytes at `offset` are.
    static func isASCII(_ raw: RawSpan, at offset: Int) -> Bool {
        // unsafe: any bytes are valid words, and the loads are bounds-checked.
        let first = unsafe raw.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self)
        let second = unsafe raw.unsafeLoadUnaligned(fromByteOffset: offset + 8, as: UInt64.self)
        let third = unsafe raw.unsafeLoadUnaligned(fromByteOffset: offset + 16, as: UInt64.self)
        let fourth = unsafe raw.unsafeLoadUnaligned(fromByteOffset: offset + 24, as: UInt64.self)
        return (first | second | third | fourth) & 0x8080_8080_8080_8080 == 0
    }

    /// Whether the text before `offset` ends with a whole character, if it is valid.
    private static func isComplete(_ bytes: Span<UInt8>, before offset: Int) -> Bool {
        bytes[offset - 1] < 0xC0 && bytes[offset - 2] < 0xE0 && bytes[offset - 3] < 0xF0
    }

    private static func startOfLastCharacter(_ bytes: Span<UInt8>, before offset: Int) -> Int {
        if isComplete(bytes, before: offset) { return offset }
        return offset - (bytes[offset - 1] >= 0xC0 ? 1 : bytes[offset - 2] >= 0xC0 ? 2 : 3)
    }

    private static func load(_ raw: RawSpan, at offset: Int) -> Bytes {
        // unsafe: any bytes are a valid vector of bytes, and the load is bounds-checked.
        unsafe raw.unsafeLoadUnaligned(fromByteOffset: offset, as: Bytes.self)
    }

    private static func all(_ byte: UInt8) -> Bytes { Bytes(repeating: byte) }
}
