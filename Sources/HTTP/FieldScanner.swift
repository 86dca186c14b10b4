/// Reads the value of a header field from left to right, by the lexical rules of HTTP (RFC 9110, section 5.6).
package struct FieldScanner {
    private let bytes: [UInt8]
    private var index = 0

    package init(_ bytes: [UInt8]) { self.bytes = bytes }

    package var isAtEnd: Bool { index == bytes.count }

    /// Skips spaces and tabs.
    package mutating func skipWhitespace() {
        while let byte = peek, byte == 0x20 || byte == 0x09 { index += 1 }
    }

    /// Skips `character` and says whether it was there.
    package mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard let byte = peek, UInt32(byte) == character.value else { return false }
        index += 1
        return true
    }

    /// A token (section 5.6.2); nil where there is none.
    package mutating func token() -> String? {
        let start = index
        while let byte = peek, ByteSet.token.contains(byte) { index += 1 }
        return start == index ? nil : String(decoding: bytes[start..<index], as: UTF8.self)
    }

    /// A token, or a quoted string (section 5.6.4) that is one once its quotes and backslashes are gone: that is what
    /// RFC 6455, section 9.1, wants of an extension's parameter.
    package mutating func tokenOrQuotedToken() -> String? {
        guard take("\"") else { return token() }
        var content: [UInt8] = []
        while let byte = peek, byte != UInt8(ascii: "\"") {
            index += 1
            if byte == UInt8(ascii: "\\") {
                guard let escaped = peek else { return nil }
                content.append(escaped)
                index += 1
            } else {
                content.append(byte)
            }
        }
        guard take("\""), !content.isEmpty, content.allSatisfy(ByteSet.token.contains) else { return nil }
        return String(decoding: content, as: UTF8.self)
    }

    /// An entity tag's opaque part, with its quotation marks (RFC 9110, section 8.8.3); nil where there is none. A tag knows no
    /// escapes: it ends at the next quotation mark, and a comma before that is part of it.
    mutating func entityTag() -> ArraySlice<UInt8>? {
        if bytes[index...].starts(with: "W/".utf8) { index += 2 }
        let start = index
        guard take("\""), let end = bytes[index...].firstIndex(of: ASCII.quote) else { return nil }
        index = end + 1
        return bytes[start..<index]
    }

    private var peek: UInt8? { index < bytes.count ? bytes[index] : nil }
}

extension FieldScanner {
    /// The elements of a list of tokens; nil where it is something else. Empty elements are passed over (section 5.6.1.2).
    package static func tokens(_ value: [UInt8]) -> [String]? {
        var scanner = FieldScanner(value)
        return scanner.list { scanner in scanner.token() }
    }

    /// The elements, each read by `element`, with commas between them.
    package mutating func list<Element>(of element: (inout FieldScanner) -> Element?) -> [Element]? {
        var elements: [Element] = []
        while true {
            skipWhitespace()
            if isAtEnd { return elements }
            if take(",") { continue }
            guard let next = element(&self) else { return nil }
            elements.append(next)
            skipWhitespace()
            guard isAtEnd || take(",") else { return nil }
        }
    }
}
