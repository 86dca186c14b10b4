/// A connection as the chat knows it: the place it has in the server's table, and how many had that place before it.
///
/// The generation makes a stale identifier harmless: after the place was given to another connection, the old one's
/// identifier matches nothing.
package struct ConnectionID: Hashable, Sendable {
    /// The place in the table, from 0.
    package let slot: UInt32
    /// Which of the connections that had this place it is.
    package let generation: UInt32

    package init(slot: UInt32, generation: UInt32) {
        self.slot = slot
        self.generation = generation
    }

    /// Both halves in one number, for poll tokens and recordings.
    package var number: UInt64 { UInt64(generation) << 32 | UInt64(slot) }

    package init(number: UInt64) {
        self.init(slot: UInt32(truncatingIfNeeded: number), generation: UInt32(truncatingIfNeeded: number >> 32))
    }
}

/// 128 bits that nobody can guess: the secret by which a session is claimed, or its hash.
package struct Bits128: Hashable, Sendable {
    package var high: UInt64
    package var low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// The first 16 bytes of `bytes`, most significant first; missing ones count as zero.
    package init(_ bytes: [UInt8]) {
        func word(_ from: Int) -> UInt64 {
            (from..<from + 8).reduce(0) { $0 << 8 | UInt64($1 < bytes.count ? bytes[$1] : 0) }
        }
        self.init(high: word(0), low: word(8))
    }

    /// Reads 32 lower-case hexadecimal digits, the only spelling there is; anything else is nil.
    package init?(hexadecimal text: Span<UInt8>) {
        guard text.count == 32 else { return nil }
        var words: (UInt64, UInt64) = (0, 0)
        for i in 0..<32 {
            let digit: UInt64
            switch text[i] {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = UInt64(text[i] - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = UInt64(text[i] - UInt8(ascii: "a")) + 10
            default: return nil
            }
            if i < 16 { words.0 = words.0 << 4 | digit } else { words.1 = words.1 << 4 | digit }
        }
        self.init(high: words.0, low: words.1)
    }

    /// Appends the 32 hexadecimal digits.
    package func appendHexadecimal(to bytes: inout [UInt8]) {
        for word in [high, low] {
            for shift in stride(from: 60, through: 0, by: -4) {
                let digit = UInt8(truncatingIfNeeded: word >> UInt64(shift)) & 15
                bytes.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
            }
        }
    }
}
