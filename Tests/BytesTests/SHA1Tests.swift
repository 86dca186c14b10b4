import Bytes
import Testing

/// RFC 3174, section 7.3, and the lengths about which its padding turns.
@Suite struct SHA1Tests {
    @Test(
        "The RFC's examples have the RFC's digests",
        arguments: [
            ("", 1, "da39a3ee5e6b4b0d3255bfef95601890afd80709"),
            ("abc", 1, "a9993e364706816aba3e25717850c26c9cd0d89d"),
            (
                "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
                "84983e441c3bd26ebaae4aa1f95129e5e54670f1"
            ),
            ("a", 1_000_000, "34aa973cd4c4daa4f61eeb2bdbad27316534016f"),
            (
                "0123456701234567012345670123456701234567012345670123456701234567", 10,
                "dea356a2cddd90c7a7ecedc5ebb563934f460452"
            ),
        ])
    func examples(text: String, repetitions: Int, expected: String) {
        let bytes = Array(String(repeating: text, count: repetitions).utf8)
        #expect(digest(of: bytes) == hexadecimal(expected))
    }

    @Test(
        "The padding takes one block or two, as the length asks (bytes 0, 1, 2, …; digests by sha1sum)",
        arguments: [
            (54, "cfae6d86a767b9c700b5081a54265fb2fe0f6fd9"),
            (55, "8ae2d46729cfe68ff927af5eec9c7d1b66d65ac2"),
            (56, "636e2ec698dac903498e648bd2f3af641d3c88cb"),
            (63, "6d942da0c4392b123528f2905c713a3ce28364bd"),
            (64, "c6138d514ffa2135bfce0ed0b8fac65669917ec7"),
            (65, "69bd728ad6e13cd76ff19751fde427b00e395746"),
            (119, "41c89d06001bab4ab78736b44efe7ce18ce6ae08"),
            (120, "d3dbd653bd8597b7475321b60a36891278e6a04a"),
            (128, "e6434bc401f98603d7eda504790c98c67385d535"),
        ])
    func padding(count: Int, expected: String) {
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0) }
        #expect(digest(of: bytes) == hexadecimal(expected))
    }

    private func digest(of bytes: [UInt8]) -> [UInt8] { SHA1.digest(of: bytes.span) }

    /// The bytes that pairs of hexadecimal digits stand for.
    private func hexadecimal(_ digits: String) -> [UInt8] {
        let digits = Array(digits)
        return stride(from: 0, to: digits.count, by: 2).compactMap { UInt8(String(digits[$0..<($0 + 2)]), radix: 16) }
    }
}
