/// A set of ASCII characters, asked about byte by byte while parsing. Bytes from 128 on are in no set.
///
/// Two words instead of a table of 256 entries: a set fits in two registers.
struct ByteSet: Sendable {
    private var low: UInt64 = 0
    private var high: UInt64 = 0

    /// The set of these characters, all of them ASCII.
    init(_ characters: String) {
        for byte in characters.utf8 {
            if byte < 64 { low |= 1 << UInt64(byte) } else { high |= 1 << UInt64(byte & 63) }
        }
    }

    @inline(__always)
    func contains(_ byte: UInt8) -> Bool {
        guard byte < 128 else { return false }
        return (byte < 64 ? low : high) >> UInt64(byte & 63) & 1 == 1
    }

    /// Whether each byte of `range` is in the set; true for an empty range.
    func containsAll(of bytes: Span<UInt8>, in range: Range<Int>) -> Bool {
        for index in range where !contains(bytes[index]) { return false }
        return true
    }

    func union(_ other: ByteSet) -> ByteSet {
        var both = self
        both.low |= other.low
        both.high |= other.high
        return both
    }
}

extension ByteSet {
    static let digit = ByteSet("0123456789")
    static let alphanumeric = digit.union(
        ByteSet("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"))

    /// `tchar` (RFC 9110, 5.6.2): methods, field names, list members.
    static let token = alphanumeric.union(ByteSet("!#$%&'*+-.^_`|~"))

    /// `reg-name` (RFC 3986, 3.2.2) without the `%` of an escape.
    static let registeredName = alphanumeric.union(ByteSet("-._~!$&'()*+,;="))

    /// What a path may hold: `pchar`, the slash and the percent sign (RFC 3986, 3.3), and the four characters that the
    /// URL standard of the browsers leaves as they are in a path.
    static let path = registeredName.union(ByteSet("/:@%|[]^"))

    /// What a query may hold: the same, the question mark (RFC 3986, 3.4), and what browsers do not escape in a query.
    static let query = path.union(ByteSet("?\\`{}"))
}

/// The characters that parsing names, as bytes.
enum ASCII {
    static let tab = UInt8(ascii: "\t")
    static let lineFeed = UInt8(ascii: "\n")
    static let carriageReturn = UInt8(ascii: "\r")
    static let space = UInt8(ascii: " ")
    static let quote = UInt8(ascii: "\"")
    static let comma = UInt8(ascii: ",")
    static let colon = UInt8(ascii: ":")
    static let slash = UInt8(ascii: "/")
    static let backslash = UInt8(ascii: "\\")
    static let percent = UInt8(ascii: "%")

    /// C0 controls and DEL, the tab excepted: what no line of a head may hold (RFC 9110, 5.5).
    @inline(__always)
    static func isControl(_ byte: UInt8) -> Bool {
        (byte < 0x20 && byte != tab) || byte == 0x7F
    }

    /// The optional white space around values and list members (`OWS`, RFC 9110, 5.6.3).
    @inline(__always)
    static func isWhiteSpace(_ byte: UInt8) -> Bool { byte == space || byte == tab }

    @inline(__always)
    static func lowercased(_ byte: UInt8) -> UInt8 {
        byte &- UInt8(ascii: "A") < 26 ? byte | 0x20 : byte
    }

    /// The value of a hexadecimal digit, nil for any other byte.
    static func hexValue(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    /// Whether the bytes of `range` spell `word`, upper and lower case being the same.
    static func equal(_ bytes: Span<UInt8>, in range: Range<Int>, ignoringCaseOf word: String) -> Bool {
        guard range.count == word.utf8.count else { return false }
        var index = range.lowerBound
        for byte in word.utf8 {
            guard lowercased(bytes[index]) == lowercased(byte) else { return false }
            index += 1
        }
        return true
    }

    /// `range` without the white space at its two ends.
    static func trimmed(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Range<Int> {
        var (start, end) = (range.lowerBound, range.upperBound)
        while start < end, isWhiteSpace(bytes[start]) { start += 1 }
        while end > start, isWhiteSpace(bytes[end - 1]) { end -= 1 }
        return start..<end
    }
}
