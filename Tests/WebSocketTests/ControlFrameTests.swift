import Testing
import WebSocket

/// RFC 6455, section 5.5.
@Suite struct ControlFrameTests {
    @Test("Pings and pongs carry up to 125 bytes", arguments: [0, 1, 124, 125])
    func payloads(count: Int) {
        let payload = (0..<count).map { UInt8(0xFF - $0) }
        #expect(read(frame(9, payload) + frame(10, payload)) == [.ping(payload), .pong(payload)])
    }

    @Test("Longer control frames are refused by their second byte", arguments: [UInt8]([8, 9, 10]))
    func tooLong(opcode: UInt8) {
        #expect(read(frame(opcode, announcing: 126)) == [.violation(.controlFrameTooLong)])
        #expect(read(frame(opcode, announcing: 65536)) == [.violation(.controlFrameTooLong)])
        #expect(read([0x80 | opcode, 0xFF]) == [.violation(.controlFrameTooLong)])
    }

    @Test("Control frames are never fragmented", arguments: [UInt8]([8, 9, 10]))
    func fragmented(opcode: UInt8) {
        #expect(read(frame(opcode, fin: false)) == [.violation(.fragmentedControlFrame)])
    }

    @Test("They come at once between a message's fragments, and leave it whole")
    func interleaved() {
        let stream =
            frame(1, bytes("zw"), fin: false) + frame(9, bytes("1")) + frame(0, bytes("is"), fin: false)
            + frame(10, bytes("2")) + frame(9) + frame(0, bytes("chen"))
        let expected: [Happening] = [
            .ping(bytes("1")), .pong(bytes("2")), .ping([]), .text("zwischen"),
        ]
        #expect(read(stream) == expected)
        #expect(read(stream.map { [$0] }) == expected)
    }

    @Test("A close ends even a message's midst")
    func closeInterleaved() {
        let stream = frame(1, bytes("a"), fin: false) + frame(8, [0x03, 0xE8]) + frame(0, bytes("b"))
        #expect(read(stream) == [.close(1000, "")])
        #expect(read(stream.map { [$0] }) == [.close(1000, "")])
    }

    @Test("A control frame's limit is its own, not the message's")
    func limit() {
        let payload = [UInt8](repeating: 1, count: 125)
        #expect(read(frame(9, payload), maxMessage: 10) == [.ping(payload)])
    }
}
