extension [UInt8] {
    /// Appends an ASCII literal.
    package mutating func append(_ literal: StaticString) {
        // The pointer is to a constant of the program, and read within its length.
        unsafe append(contentsOf: UnsafeBufferPointer(start: literal.utf8Start, count: literal.utf8CodeUnitCount))
    }

    /// Appends a number in decimal digits.
    package mutating func append(decimal number: UInt64) {
        var (rest, digits) = (number / 10, 1)
        while rest > 0 { (rest, digits) = (rest / 10, digits + 1) }
        append(contentsOf: repeatElement(UInt8(ascii: "0"), count: digits))
        rest = number
        var span = mutableSpan
        for place in (span.count - digits..<span.count).reversed() {
            span[place] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
    }

    /// Appends one byte of a JSON string's text, escaped where it must be (RFC 8259 section 7).
    @inline(__always)
    mutating func append(escaping byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\""): append("\\\"")
        case UInt8(ascii: "\\"): append("\\\\")
        case 0x0A: append("\\n")
        case 0x0D: append("\\r")
        case 0x09: append("\\t")
        case ..<0x20:
            append("\\u00")
            append(UInt8(ascii: byte < 0x10 ? "0" : "1"))
            let low = byte & 15
            append(low < 10 ? UInt8(ascii: "0") + low : UInt8(ascii: "a") + low - 10)
        default: append(byte)
        }
    }

    /// Appends text between quotation marks.
    package mutating func append(quoting text: String) {
        var text = text
        text.withUTF8 { bytes in
            // unsafe: the span does not outlive the text that lends its bytes.
            unsafe append(quoting: bytes.span)
        }
    }

    /// Appends UTF-8 text between quotation marks.
    package mutating func append(quoting text: Span<UInt8>) {
        append(UInt8(ascii: "\""))
        var offset = 0
        var gathered: UInt64 = 0
        while offset < text.count {
            let end = PlainText.end(text, from: offset, gathering: &gathered)
            append(copying: text.extracting(offset..<end))
            if end < text.count { append(escaping: text[end]) }
            offset = end + 1
        }
        append(UInt8(ascii: "\""))
    }

    /// Appends what a JSON string stands for: its text, without escapes.
    package mutating func append(unescaping token: JSONToken, of text: Span<UInt8>) {
        if token.isPlain { return append(copying: text.extracting(token.range)) }
        var at = token.range.lowerBound
        while at < token.range.upperBound {
            if text[at] == UInt8(ascii: "\\") {
                // The scanner has refused what is not a scalar value.
                guard let value = JSONScanner.escape(text, &at), let scalar = Unicode.Scalar(value),
                    let units = UTF8.encode(scalar)
                else { return }
                append(contentsOf: units)
            } else {
                append(text[at])
                at += 1
            }
        }
    }
}
