/// A media type as Content-Type has it (RFC 9110, 8.3.1): `text/plain; charset=utf-8`.
package struct MediaType: Sendable, Equatable {
    /// `text/plain`, in lower case.
    package let name: String
    /// The value of `charset`, in lower case; nil where there is none.
    package let charset: String?

    /// Nil for what is no media type.
    package init?(_ value: String) {
        var parts = Self.parts(value)[...]
        let words = (parts.popFirst() ?? []).split(separator: ASCII.slash, omittingEmptySubsequences: false)
        guard words.count == 2, words.allSatisfy({ !$0.isEmpty && $0.allSatisfy(ByteSet.token.contains) }) else {
            return nil
        }
        name = Self.text(words.joined(separator: [ASCII.slash]))
        var charset: String?
        for part in parts where !part.isEmpty {
            guard let equals = part.firstIndex(of: UInt8(ascii: "=")), equals > part.startIndex,
                part[..<equals].allSatisfy(ByteSet.token.contains)
            else { return nil }
            let value = part[(equals + 1)...].filter { $0 != ASCII.quote && $0 != ASCII.backslash }
            // Of a parameter that comes twice nobody knows which counts.
            guard Self.text(part[..<equals]) == "charset" else { continue }
            guard charset == nil else { return nil }
            charset = Self.text(value)
        }
        self.charset = charset
    }

    /// What stands between the semicolons, those in quotation marks not counted, without white space around it.
    private static func parts(_ value: String) -> [ArraySlice<UInt8>] {
        let bytes = Array(value.utf8)
        var (parts, start, isQuoted, isEscaped) = ([ArraySlice<UInt8>](), 0, false, false)
        func add(upTo end: Int) {
            let range = ASCII.trimmed(bytes.span, start..<end)
            parts.append(bytes[range])
        }
        for (index, byte) in bytes.enumerated() {
            if isEscaped {
                isEscaped = false
            } else if isQuoted, byte == ASCII.backslash {
                isEscaped = true
            } else if byte == ASCII.quote {
                isQuoted.toggle()
            } else if !isQuoted, byte == UInt8(ascii: ";") {
                add(upTo: index)
                start = index + 1
            }
        }
        add(upTo: bytes.count)
        return parts
    }

    private static func text(_ bytes: some Sequence<UInt8>) -> String {
        String(decoding: bytes.map(ASCII.lowercased), as: UTF8.self)
    }
}
