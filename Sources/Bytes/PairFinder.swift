/// Finds places where a text may stand, without regard to case: 32 places at a time are looked at for two of its bytes.
///
/// Where there is a backslash, a JSON string may hold anything: such a place is found, too.
package struct PairFinder: Sendable {
    private typealias Bytes = SIMD32<UInt8>

    /// The text's bytes in lower and in upper case.
    private let lower: [UInt8]
    private let upper: [UInt8]
    private let first: Int
    private let second: Int

    /// - Parameters:
    ///   - lower: the text's UTF-8 in lower case; not empty.
    ///   - upper: the same in upper case; as many bytes.
    /// - Returns: nil where they do not fit together.
    package init?(lower: [UInt8], upper: [UInt8]) {
        guard !lower.isEmpty, lower.count == upper.count else { return nil }
        (self.lower, self.upper) = (lower, upper)
        // The rarest of its bytes; digits and the letters of the log's own words are found too often.
        let places = lower.indices.sorted { PairFinder.frequency(lower[$0]) < PairFinder.frequency(lower[$1]) }
        first = places[0]
        second = places.count > 1 ? places[1] : places[0]
    }

    /// How often a byte is met in a log: the rarest have 0. Bytes with which characters beyond ASCII begin are met often.
    private static func frequency(_ byte: UInt8) -> Int {
        if byte >= 0xC0 { return 50 }
        let common: StaticString = "e\":,tsa nrimouldgyhpcf0123456789-_.w"
        // The pointer is to a constant of the program, and read within its length.
        let order = unsafe UnsafeBufferPointer(start: common.utf8Start, count: common.utf8CodeUnitCount)
        return unsafe order.firstIndex(of: byte).map { 100 - $0 } ?? 0
    }

    /// The next place from `start` on where it may stand; nil where there is none.
    package func next(in bytes: Span<UInt8>, from start: Int) -> Int? {
        let raw = unsafe bytes.bytes  // unsafe: for elements with padding, which bytes have not
        var at = max(0, start)
        let (lowFirst, highFirst) = (all(lower[first]), all(upper[first]))
        let (lowSecond, highSecond) = (all(lower[second]), all(upper[second]))
        let backslash = all(UInt8(ascii: "\\"))
        let reach = max(first, second)
        while at + reach + 32 <= bytes.count {
            let one = load(raw, at: at + first)
            let two = load(raw, at: at + second)
            let isHere = ((one .== lowFirst) .| (one .== highFirst)) .& ((two .== lowSecond) .| (two .== highSecond))
            if hasAny(isHere .| (load(raw, at: at) .== backslash)) {
                for place in at..<at + 32 where stands(at: place, in: bytes) { return place }
            }
            at += 32
        }
        while at < bytes.count {
            let mayStand =
                at + reach >= bytes.count || bytes[at + first] == lower[first] || bytes[at + first] == upper[first]
            if mayStand || bytes[at] == UInt8(ascii: "\\"), stands(at: at, in: bytes) { return at }
            at += 1
        }
        return nil
    }

    private func stands(at place: Int, in bytes: Span<UInt8>) -> Bool {
        if bytes[place] == UInt8(ascii: "\\") { return true }
        guard place + lower.count <= bytes.count else { return false }
        for i in lower.indices where bytes[place + i] != lower[i] && bytes[place + i] != upper[i] { return false }
        return true
    }

    private func all(_ byte: UInt8) -> Bytes { Bytes(repeating: byte) }

    private func load(_ raw: RawSpan, at offset: Int) -> Bytes {
        // unsafe: any bytes are a valid vector, and the load is bounds-checked.
        unsafe raw.unsafeLoadUnaligned(fromByteOffset: offset, as: Bytes.self)
    }

    /// Whether any lane is true. (The library's own way goes through the lanes in turn.)
    private func hasAny(_ mask: SIMDMask<SIMD32<Int8>>) -> Bool {
        // unsafe: a mask is 32 bytes, of which any are valid words.
        let words = unsafe unsafeBitCast(mask, to: SIMD4<UInt64>.self)
        return words[0] | words[1] | words[2] | words[3] != 0
    }
}

extension Span<UInt8> {
    /// The next place, from `start` on, of a byte that is not ASCII, or of a backslash; nil where there is none.
    package func nextNonASCII(from start: Int) -> Int? {
        var at = start
        let raw = unsafe bytes  // unsafe: for elements with padding, which bytes have not
        while at + 8 <= count {
            // unsafe: any bytes are a valid word, and the load is bounds-checked.
            let word = unsafe raw.unsafeLoadUnaligned(fromByteOffset: at, as: UInt64.self)
            let other = word ^ 0x5C5C_5C5C_5C5C_5C5C
            let hasBackslash = (other &- 0x0101_0101_0101_0101) & ~other & 0x8080_8080_8080_8080
            if (word & 0x8080_8080_8080_8080) | hasBackslash != 0 { break }
            at += 8
        }
        while at < count {
            if self[at] >= 0x80 || self[at] == UInt8(ascii: "\\") { return at }
            at += 1
        }
        return nil
    }
}
