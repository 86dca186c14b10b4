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

/// RFC 2202, section 3.
@Suite struct HMACTests {
    @Test(
        "The RFC's test cases have the RFC's digests",
        arguments: [
            ([UInt8](repeating: 0x0B, count: 20), Array("Hi There".utf8), "b617318655057264e28bc0b6fb378c8ef146be00"),
            (
                Array("Jefe".utf8), Array("what do ya want for nothing?".utf8),
                "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"
            ),
            (
                [UInt8](repeating: 0xAA, count: 20), [UInt8](repeating: 0xDD, count: 50),
                "125d7342b9ac11cd91a39af48aa17b4f63f175d3"
            ),
            (
                [UInt8](repeating: 0xAA, count: 80),
                Array("Test Using Larger Than Block-Size Key and Larger Than One Block-Size Data".utf8),
                "e8e99d0f45237d786d6bbaa7965c7808bbff1a91"
            ),
        ])
    func examples(key: [UInt8], text: [UInt8], expected: String) {
        let digest = HMAC(key: key).digest(of: text.span)
        #expect(digest.map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined() == expected)
    }
}

@Test(arguments: [0, 1, 0xF, 0x0123_4567_89AB_CDEF_FEDC_BA98_7654_3210, UInt128.max])
func hexadecimalDigitsAreReadAsTheyAreWritten(number: UInt128) {
    var digits: [UInt8] = []
    digits.append(hexadecimal: number)
    let plain = String(number, radix: 16)
    #expect(String(decoding: digits, as: UTF8.self) == String(repeating: "0", count: 32 - plain.count) + plain)
    #expect(UInt128(hexadecimal: digits.span) == number)
}
