import Testing
import WebSocket

/// RFC 6455, sections 5.1, 5.2 and 5.7: what a frame says before its payload.
@Suite struct FrameHeaderTests {
    @Test("The RFC's examples of frames are read as the RFC says")
    func examples() {
        #expect(read([0x81, 0x05, 0x48, 0x65, 0x6C, 0x6C, 0x6F], as: .client) == [.text("Hello")])
        #expect(
            read([0x81, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58]) == [.text("Hello")])
        #expect(
            read([0x01, 0x03, 0x48, 0x65, 0x6C, 0x80, 0x02, 0x6C, 0x6F], as: .client) == [.text("Hello")])
        #expect(read([0x89, 0x05, 0x48, 0x65, 0x6C, 0x6C, 0x6F], as: .client) == [.ping(bytes("Hello"))])
        #expect(
            read([0x8A, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58]) == [.pong(bytes("Hello"))])
        let payload256 = [UInt8](repeating: 0xFE, count: 256)
        #expect(read([0x82, 0x7E, 0x01, 0x00] + payload256, as: .client) == [.binary(payload256)])
        let payload64K = [UInt8](repeating: 0xFE, count: 65536)
        let header64K: [UInt8] = [0x82, 0x7F, 0, 0, 0, 0, 0, 1, 0, 0]
        #expect(read(header64K + payload64K, as: .client) == [.binary(payload64K)])
    }

    @Test("Every length about the edges of its three forms is read", arguments: [0, 1, 125, 126, 127, 65535, 65536])
    func lengths(count: Int) {
        let payload = (0..<count).map { UInt8(truncatingIfNeeded: $0 * 7) }
        #expect(read(frame(2, payload)) == [.binary(payload)])
        #expect(read(frame(2, payload, mask: nil), as: .client) == [.binary(payload)])
    }

    @Test(
        "A length with more bytes than it needs is refused",
        arguments: [(0, 2), (125, 2), (0, 8), (125, 8), (126, 8), (65535, 8)])
    func nonMinimal(count: Int, lengthBytes: Int) {
        let bytes = frame(2, [UInt8](repeating: 0, count: count), lengthBytes: lengthBytes)
        #expect(read(bytes) == [.violation(.nonMinimalLength)])
    }

    @Test("A length with the top bit set is refused", arguments: [UInt64(1) << 63, .max, 1 << 63 | 5])
    func topBit(length: UInt64) {
        #expect(read(frame(2, lengthBytes: 8, announcing: length)) == [.violation(.lengthOutOfRange)])
    }

    @Test("The longest length there is, is too big, and no memory is taken for it")
    func longest() {
        let header = frame(2, announcing: UInt64(Int64.max))
        #expect(read(header) == [.violation(.messageTooBig)])
        // Even where nothing is too big: it waits, and holds what has come.
        var reader = MessageReader(role: .server, deflate: false)
        #expect(read([header, [1, 2, 3]], with: &reader, maxMessage: .max).isEmpty)
        // The sum with what was there before does not overflow.
        let fragments = frame(2, [1], fin: false) + frame(0, announcing: UInt64(Int64.max))
        #expect(read(fragments, maxMessage: .max) == [.violation(.messageTooBig)])
    }

    @Test("What announces too much is refused by its header alone")
    func tooBig() {
        let limit = 1000
        #expect(read(frame(1, bytes(String(repeating: "a", count: limit))), maxMessage: limit).count == 1)
        #expect(read(frame(1, announcing: 1001), maxMessage: limit) == [.violation(.messageTooBig)])
        let fragments = frame(1, bytes(String(repeating: "a", count: 600)), fin: false) + frame(0, announcing: 401)
        #expect(read(fragments, maxMessage: limit) == [.violation(.messageTooBig)])
    }

    @Test("RSV2 and RSV3 are refused always, RSV1 without permessage-deflate", arguments: UInt8(1)...7)
    func reservedBits(rsv: UInt8) {
        for opcode: UInt8 in [0, 1, 2, 8, 9, 10] {
            #expect(read(frame(opcode, rsv: rsv)) == [.violation(.reservedBits)])
            guard rsv != 4 else { continue }
            #expect(read(frame(opcode, rsv: rsv), deflate: true) == [.violation(.reservedBits)])
        }
    }

    @Test("RSV1 belongs on the first frame of a data message only")
    func compressionBit() {
        for opcode: UInt8 in [0, 8, 9, 10] {
            #expect(read(frame(opcode, rsv: 4), deflate: true) == [.violation(.misplacedCompressionBit)])
        }
        let begun = frame(1, [0], fin: false, rsv: 4)
        #expect(read(begun + frame(0, rsv: 4), deflate: true) == [.violation(.misplacedCompressionBit)])
    }

    @Test("Reserved opcodes are refused", arguments: [UInt8]([3, 4, 5, 6, 7, 11, 12, 13, 14, 15]))
    func reservedOpcodes(opcode: UInt8) {
        #expect(read(frame(opcode)) == [.violation(.reservedOpcode(opcode))])
        #expect(read([0x80 | opcode]) == [.violation(.reservedOpcode(opcode))])
    }

    @Test("A server takes masked frames only, a client unmasked ones only")
    func masks() {
        for opcode: UInt8 in [1, 2, 8, 9, 10] {
            #expect(read(frame(opcode, mask: nil), as: .server) == [.violation(.unmaskedFrame)])
            #expect(read(frame(opcode), as: .client) == [.violation(.maskedFrame)])
        }
    }

    @Test("Each byte of a header is judged as soon as it is there")
    func early() {
        #expect(read([0x83]) == [.violation(.reservedOpcode(3))])
        #expect(read([0x91]) == [.violation(.reservedBits)])
        #expect(read([0x09]) == [.violation(.fragmentedControlFrame)])
        #expect(read([0x81, 0x05]) == [.violation(.unmaskedFrame)])
        #expect(read([0x89, 0xFE]) == [.violation(.controlFrameTooLong)])
        #expect(read([0x81, 0xFE, 0x00, 0x7D]) == [.violation(.nonMinimalLength)])
        #expect(read([0x81]).isEmpty)
        #expect(read([0x81, 0xFE, 0x00]).isEmpty)
    }

    @Test("After a violation everything is swallowed, in this read and in later ones")
    func swallowed() {
        let good = frame(1, bytes("hello"))
        #expect(read([good + frame(3) + good, good, frame(3)]) == [.text("hello"), .violation(.reservedOpcode(3))])
    }

    @Test("A reader at rest is small")
    func size() {
        #expect(MemoryLayout<MessageReader>.size <= 48)
    }
}
