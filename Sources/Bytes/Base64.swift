/// The base64 alphabet of RFC 4648, section 4, with padding.
package enum Base64 {
    /// The text of `bytes`: four ASCII characters for every three bytes begun.
    package static func encode(_ bytes: Span<UInt8>) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count + 2) / 3 * 4)
        var offset = 0
        while offset < bytes.count {
            let count = min(3, bytes.count - offset)
            var group: UInt32 = 0
            for index in 0..<3 {
                group = group << 8 | (index < count ? UInt32(bytes[offset + index]) : 0)
            }
            for index in 0..<4 {
                let sextet = UInt8(truncatingIfNeeded: group >> UInt32(18 - 6 * index)) & 63
                text.append(index <= count ? character(of: sextet) : padding)
            }
            offset += count
        }
        return text
    }

    /// The bytes that `text` stands for, or nil where it is not exactly what ``encode(_:)`` makes of them.
    ///
    /// So missing padding, white space and stray bits after the last byte are refused (RFC 4648, sections 3.1 to 3.5):
    /// whatever is accepted has one spelling only.
    package static func decode(_ text: Span<UInt8>) -> [UInt8]? {
        guard text.count % 4 == 0 else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count / 4 * 3)
        var offset = 0
        while offset < text.count {
            let isLast = offset + 4 == text.count
            let paddings = isLast && text[offset + 3] == padding ? (text[offset + 2] == padding ? 2 : 1) : 0
            var group: UInt32 = 0
            for index in 0..<(4 - paddings) {
                guard let sextet = sextet(of: text[offset + index]) else { return nil }
                group |= UInt32(sextet) << UInt32(18 - 6 * index)
            }
            // With padding, the bits below the last whole byte must be zero.
            guard group & ((1 << UInt32(8 * paddings)) - 1) == 0 else { return nil }
            for index in 0..<(3 - paddings) {
                bytes.append(UInt8(truncatingIfNeeded: group >> UInt32(16 - 8 * index)))
            }
            offset += 4
        }
        return bytes
    }

    private static let padding = UInt8(ascii: "=")

    private static func character(of sextet: UInt8) -> UInt8 {
        switch sextet {
        case 0..<26: UInt8(ascii: "A") + sextet
        case 26..<52: UInt8(ascii: "a") + sextet - 26
        case 52..<62: UInt8(ascii: "0") + sextet - 52
        case 62: UInt8(ascii: "+")
        default: UInt8(ascii: "/")
        }
    }

    private static func sextet(of character: UInt8) -> UInt8? {
        switch character {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): character - UInt8(ascii: "A")
        case UInt8(ascii: "a")...UInt8(ascii: "z"): character - UInt8(ascii: "a") + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): character - UInt8(ascii: "0") + 52
        case UInt8(ascii: "+"): 62
        case UInt8(ascii: "/"): 63
        default: nil
        }
    }

    /// The character of RFC 4648, section 5 (the alphabet for addresses and file names) for six bits.
    package static func urlCharacter(of sextet: UInt8) -> UInt8 {
        switch sextet {
        case 62: UInt8(ascii: "-")
        case 63: UInt8(ascii: "_")
        default: character(of: sextet & 63)
        }
    }

    /// 128 bits as 22 such characters.
    package static func urlText(of bits: UInt128) -> [UInt8] {
        stride(from: 122, through: -4, by: -6).map { shift in
            let group = shift >= 0 ? bits >> UInt128(shift) : bits << UInt128(-shift)
            return urlCharacter(of: UInt8(truncatingIfNeeded: group) & 63)
        }
    }

    /// The six bits that such a character stands for.
    package static func urlSextet(of character: UInt8) -> UInt8? {
        switch character {
        case UInt8(ascii: "-"): 62
        case UInt8(ascii: "_"): 63
        case UInt8(ascii: "+"), UInt8(ascii: "/"): nil
        default: sextet(of: character)
        }
    }
}
