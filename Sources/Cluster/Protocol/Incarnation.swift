import Bytes

/// One life of a node: 128 random bits that are drawn at each start, and again where the others take the node for lost. Two
/// lives of a node of the same name are never mistaken for each other.
package struct Incarnation: Hashable, Sendable {
    package let bits: UInt128

    package init(bits: UInt128) { self.bits = bits }

    /// No node: the engine's scripts have made the record by themselves.
    package static let none = Incarnation(bits: 0)

    /// 32 hexadecimal digits.
    package var text: [UInt8] {
        var text: [UInt8] = []
        text.append(hexadecimal: bits)
        return text
    }

    /// Reads `text`, the only spelling there is.
    package init?(_ text: Span<UInt8>) {
        guard let bits = UInt128(hexadecimal: text) else { return nil }
        self.bits = bits
    }
}
