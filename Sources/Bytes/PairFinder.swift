/// Finds places where a text of ASCII may stand, without regard to case: 32 places at a time are looked at for two of its bytes.
///
/// Where a backslash is followed by a u, a JSON string may hold anything: such a place is found, too.
package struct PairFinder: Sendable {
    private typealias Bytes = SIMD32<UInt8>

    private let text: [UInt8]
    private let first: Int
    private let second: Int

    /// - Parameter text: printable ASCII; nil where it is empty.
    package init?(_ text: [UInt8]) {
        guard !text.isEmpty else { return nil }
        self.text = text.map(PairFinder.lower)
        // The rarest of its bytes; digits and the letters of the log's own words are found too often.
        let places = text.indices.sorted { PairFinder.frequency(text[$0]) < PairFinder.frequency(text[$1]) }
        first = places[0]
        second = places.count > 1 ? places[1] : places[0]
    }

    private static func lower(_ byte: UInt8) -> UInt8 { (0x41...0x5A).contains(byte) ? byte | 0x20 : byte }
    private static func upper(_ byte: UInt8) -> UInt8 { (0x61...0x7A).contains(byte) ? byte & 0xDF : byte }

    /// How often a byte is met in a log, the rarest first.
    private static func frequency(_ byte: UInt8) -> Int {
        let common: StaticString = "e\":,tsa nrimouldgyhpcf0123456789-_.w"
        // The pointer is to a constant of the program, and read within its length.
        let order = unsafe UnsafeBufferPointer(start: common.utf8Start, count: common.utf8CodeUnitCount)
        return unsafe order.firstIndex(of: lower(byte)).map { 100 - $0 } ?? 0
    }

    /// The next place from `start` on where it may stand; nil where there is none.
    package func next(in bytes: Span<UInt8>, from start: Int) -> Int? {
        let raw = unsafe bytes.bytes  // unsafe: for elements with padding, which bytes have not
        var at = max(0, start)
        let (lowFirst, highFirst) = (all(text[first]), all(Self.upper(text[first])))
        let (lowSecond, highSecond) = (all(text[second]), all(Self.upper(text[second])))
        let (backslash, letter) = (all(UInt8(ascii: "\\")), all(UInt8(ascii: "u")))
        let reach = max(first, second, 1)
        while at + reach + 32 <= bytes.count {
            let one = load(raw, at: at + first)
            let two = load(raw, at: at + second)
            let isHere = ((one .== lowFirst) .| (one .== highFirst)) .& ((two .== lowSecond) .| (two .== highSecond))
            let isEscape = (load(raw, at: at) .== backslash) .& (load(raw, at: at + 1) .== letter)
            if any(isHere .| isEscape) {
                for place in at..<at + 32 where stands(at: place, in: bytes) { return place }
            }
            at += 32
        }
        while at < bytes.count {
            if stands(at: at, in: bytes) { return at }
            at += 1
        }
        return nil
    }

    private func stands(at place: Int, in bytes: Span<UInt8>) -> Bool {
        let isEscape =
            bytes[place] == UInt8(ascii: "\\") && place + 1 < bytes.count && bytes[place + 1] == UInt8(ascii: "u")
        if isEscape { return true }
        guard place + text.count <= bytes.count else { return false }
        for i in text.indices where Self.lower(bytes[place + i]) != text[i] { return false }
        return true
    }

    private func all(_ byte: UInt8) -> Bytes { Bytes(repeating: byte) }

    private func load(_ raw: RawSpan, at offset: Int) -> Bytes {
        // unsafe: any bytes are a valid vector, and the load is bounds-checked.
        unsafe raw.unsafeLoadUnaligned(fromByteOffset: offset, as: Bytes.self)
    }

    private func any(_ mask: SIMDMask<SIMD32<Int8>>) -> Bool { mask != SIMDMask(repeating: false) }
}
