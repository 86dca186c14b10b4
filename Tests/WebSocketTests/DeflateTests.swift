import Support
import Testing
import WebSocket

/// RFC 7692, section 7.2.1: messages that go compressed.
@Suite struct DeflateTests {
    @Test("The RFC's message is compressed to the RFC's bytes (sections 7.2.3.1 and 7.2.3.6)")
    func examples() {
        #expect(deflated(bytes("Hello")) == [0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00])
        #expect(deflated([]) == [0x00])
    }

    @Test(
        "What is compressed comes out again, at every size", arguments: [1, 10, 1000, 16383, 16384, 70_000, 1_000_000])
    func roundTrip(count: Int) {
        var generator = SeededGenerator(seed: UInt64(count))
        let random = (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        let letters = random.map { UInt8(ascii: "a") + $0 % 7 }
        for payload in [random, letters, [UInt8](repeating: 0, count: count)] {
            #expect(read(frame(2, deflated(payload), rsv: 4), deflate: true, maxMessage: count) == [.binary(payload)])
        }
        #expect(deflated(letters).count < max(count / 2, 20))
    }

    @Test("Each message is compressed by itself, and appended")
    func independent() {
        guard let deflater = Deflater() else { return }
        let payload = bytes("the same again, the same again")
        var out: [UInt8] = [1]
        deflater.compress(payload.span, into: &out)
        let once = out.count
        deflater.compress(payload.span, into: &out)
        #expect(Array(out[1..<once]) == Array(out[once...]) && out[0] == 1)
    }

    @Test("No match lies further back than the window that is promised")
    func window() {
        // Two halves alike, further apart than the window: the second must be spelled out again.
        var generator = SeededGenerator(seed: 3)
        let half = (0..<(1 << PermessageDeflate.windowBits)).map { _ in
            UInt8.random(in: .min ... .max, using: &generator)
        }
        #expect(deflated(half + half).count > 2 * half.count)
        // Closer together it is not.
        let near = Array(half[..<(half.count / 2)])
        #expect(deflated(near + near).count < near.count + near.count / 4)
    }
}
