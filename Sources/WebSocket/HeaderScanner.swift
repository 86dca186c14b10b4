/// Reads the value of a header field, from left to right, by the lexical rules of HTTP (RFC 9110, section 5.6).
struct HeaderScanner {
    private let bytes: [UInt8]
    private var index = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var isAtEnd: Bool { index == bytes.count }

    /// Skips spaces and tabs.
    mutating func skipWhitespace() {
        while let byte = peek, byte == 0x20 || byte == 0x09 { index += 1 }
    }

    /// Skips `character` and says whether it was there.
    mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard let byte = peek, UInt32(byte) == character.value else { return false }
        index += 1
        return true
    }

    /// A token (section 5.6.2); nil where there is none.
    mutating func token() -> String? {
        let start = index
        while let byte = peek, Self.isTokenCharacter(byte) { index += 1 }
        return start == index ? nil : String(decoding: bytes[start..<index], as: UTF8.self)
    }

    /// A token, or a quoted string (section 5.6.4) that is one once its quotes and backslashes are gone: that is what
    /// RFC 6455, section 9.1, wants of an extension's parameter.
    mutating func tokenOrQuotedToken() -> String? {
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
        guard take("\""), !content.isEmpty, content.allSatisfy(Self.isTokenCharacter) else { return nil }
        return String(decoding: content, as: UTF8.self)
    }

    private var peek: UInt8? { index < bytes.count ? bytes[index] : nil }

    private static func isTokenCharacter(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "!"), UInt8(ascii: "#"), UInt8(ascii: "$"),
            UInt8(ascii: "%"), UInt8(ascii: "&"), UInt8(ascii: "'"), UInt8(ascii: "*"), UInt8(ascii: "+"),
            UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "^"), UInt8(ascii: "_"), UInt8(ascii: "`"),
            UInt8(ascii: "|"), UInt8(ascii: "~"):
            true
        default: false
        }
    }
}

extension HeaderScanner {
    /// The elements of a list of tokens; nil where it is something else. Empty elements are passed over (section 5.6.1.2).
    static func tokens(_ value: [UInt8]) -> [String]? {
        var scanner = HeaderScanner(value)
        return scanner.list { scanner in scanner.token() }
    }

    /// The elements, each read by `element`, with commas between them.
    mutating func list<Element>(of element: (inout HeaderScanner) -> Element?) -> [Element]? {
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
