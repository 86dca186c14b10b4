extension UInt128 {
    /// Reads 32 lower-case hexadecimal digits, the only spelling there is; anything else is nil.
    package init?(hexadecimal text: Span<UInt8>) {
        guard text.count == 32 else { return nil }
        var value: UInt128 = 0
        for i in text.indices {
            switch text[i] {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | UInt128(text[i] - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"): value = value << 4 | UInt128(text[i] - UInt8(ascii: "a") + 10)
            default: return nil
            }
        }
        self = value
    }

    /// The first 16 bytes of `bytes`, most significant first; missing ones count as zero.
    package init(leading bytes: [UInt8]) {
        self = (0..<16).reduce(0) { $0 << 8 | UInt128($1 < bytes.count ? bytes[$1] : 0) }
    }
}

extension [UInt8] {
    /// Appends 32 hexadecimal digits.
    package mutating func append(hexadecimal value: UInt128) {
        append(hexadecimal: UInt64(truncatingIfNeeded: value >> 64))
        append(hexadecimal: UInt64(truncatingIfNeeded: value))
    }

    /// Appends 16 hexadecimal digits.
    private mutating func append(hexadecimal word: UInt64) {
        append(addingCapacity: 16) { output in
            for shift in stride(from: 60, through: 0, by: -4) {
                let digit = UInt8(truncatingIfNeeded: word >> UInt64(shift)) & 15
                output.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
            }
        }
    }
}
