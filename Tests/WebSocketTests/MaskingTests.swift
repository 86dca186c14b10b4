import Testing
import WebSocket

/// RFC 6455, section 5.3: the fast way against "octet i combined with octet i modulo 4 of the key".
@Suite struct MaskingTests {
    private func slowly(_ payload: [UInt8], _ key: UInt32) -> [UInt8] {
        payload.enumerated().map { index, byte in byte ^ UInt8(truncatingIfNeeded: key >> UInt32(24 - 8 * (index % 4)))
        }
    }

    @Test(
        "Every length is combined as the RFC says, after whatever is there",
        arguments: [0x0102_0304, 0xFFFF_FFFF, 0x0000_0001, 0x8000_0000, 0] as [UInt32])
    func lengths(key: UInt32) {
        for count in 0...200 {
            let payload = (0..<count).map { UInt8(truncatingIfNeeded: $0 * 37) }
            var out: [UInt8] = [9, 9, 9]
            MaskingKey(key).append(payload.span, to: &out)
            #expect(out == [9, 9, 9] + slowly(payload, key))
        }
    }

    @Test("Part of an array is combined alike, wherever it begins")
    func alignment() {
        let payload = (0..<100).map { UInt8(truncatingIfNeeded: $0 * 11) }
        for start in 0..<20 {
            var out: [UInt8] = []
            MaskingKey(0xA1B2_C3D4).append(payload.span.extracting(start..<(start + 61)), to: &out)
            #expect(out == slowly(Array(payload[start..<(start + 61)]), 0xA1B2_C3D4))
        }
    }

    @Test("A payload that comes in pieces goes on with the right byte of the key")
    func pieces() {
        let payload = (0..<64).map { UInt8($0) }
        for first in 0...32 {
            for second in stride(from: first, through: 64, by: 3) {
                let whole = frame(2, payload, mask: [1, 2, 3, 4])
                let pieces = [whole[..<(6 + first)], whole[(6 + first)..<(6 + second)], whole[(6 + second)...]]
                #expect(read(pieces.map { Array($0) }) == [.binary(payload)])
            }
        }
    }
}
