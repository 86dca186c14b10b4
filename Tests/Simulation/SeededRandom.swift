/// A generator whose numbers depend on the seed alone (SplitMix64).
package struct SeededRandom: RandomNumberGenerator {
    private var state: UInt64

    package init(_ seed: UInt64) { state = seed }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
        return value ^ (value >> 31)
    }

    /// True once in `1 / probability` times.
    package mutating func happens(_ probability: Double) -> Bool {
        probability > 0 && Double(next() >> 11) * 0x1p-53 < probability
    }

    /// A whole number in a range, both ends included.
    package mutating func number(_ range: ClosedRange<Int>) -> Int {
        range.lowerBound + Int(next() % UInt64(range.upperBound - range.lowerBound + 1))
    }

    /// A time around `mean`, with many short ones and few long ones (exponential), in nanoseconds.
    package mutating func time(mean: Int64) -> Int64 {
        // The negative logarithm of a fraction, put together from the number of leading zeros: exact on every machine.
        let bits = next() | 1
        let halvings = Double(bits.leadingZeroBitCount)
        let fraction = Double((bits << UInt64(bits.leadingZeroBitCount)) >> 12) * 0x1p-52  // 0.5 ... 1, as 2^-52 of it
        return Int64(Double(mean) * 0.6931 * (halvings + (1 - fraction) * 2))
    }

    package mutating func pick<Element>(_ elements: [Element]) -> Element { elements[number(0...elements.count - 1)] }
}
