import Testing
import WebSocket

/// RFC 6455, section 5.2, the writing side.
@Suite struct FrameTests {
    private func written(_ write: (inout [UInt8]) -> Void) -> [UInt8] {
        var bytes: [UInt8] = []
        write(&bytes)
        return bytes
    }

    @Test("The RFC's examples are written as in the RFC")
    func examples() {
        let hello = bytes("Hello")
        #expect(
            written { Frame.append(to: &$0, opcode: .text, payload: hello.span) }
                == [0x81, 0x05, 0x48, 0x65, 0x6C, 0x6C, 0x6F])
        #expect(
            written { Frame.appendMasked(to: &$0, opcode: .text, payload: hello.span, key: 0x37FA_213D) }
                == [0x81, 0x85, 0x37, 0xFA, 0x21, 0x3D, 0x7F, 0x9F, 0x4D, 0x51, 0x58])
        #expect(
            written {
                Frame.append(to: &$0, opcode: .text, payload: hello.span.extracting(0..<3), final: false)
                Frame.append(to: &$0, opcode: .continuation, payload: hello.span.extracting(3..<5))
            } == [0x01, 0x03, 0x48, 0x65, 0x6C, 0x80, 0x02, 0x6C, 0x6F])
        #expect(
            written { Frame.append(to: &$0, opcode: .ping, payload: hello.span) }
                == [0x89, 0x05, 0x48, 0x65, 0x6C, 0x6C, 0x6F])
        #expect(
            written { Frame.appendHeader(to: &$0, opcode: .binary, payloadCount: 256) } == [0x82, 0x7E, 0x01, 0x00])
        #expect(
            written { Frame.appendHeader(to: &$0, opcode: .binary, payloadCount: 65536) }
                == [0x82, 0x7F, 0, 0, 0, 0, 0, 1, 0, 0])
        // RFC 7692, section 7.2.3.1.
        #expect(
            written { Frame.appendHeader(to: &$0, opcode: .text, payloadCount: 7, compressed: true) } == [0xC1, 0x07])
    }

    @Test("What is written is read again, at every length's edge", arguments: [0, 1, 125, 126, 65535, 65536, 100_000])
    func roundTrip(count: Int) {
        let payload = (0..<count).map { UInt8(truncatingIfNeeded: $0 * 13) }
        for opcode in [Opcode.binary, .text] {
            let bytes = written { Frame.append(to: &$0, opcode: opcode, payload: payload.span) }
            #expect(bytes == frame(opcode.rawValue, payload, mask: nil))
            let masked = written {
                Frame.appendMasked(to: &$0, opcode: opcode, payload: payload.span, key: 0x0102_0304)
            }
            #expect(masked == frame(opcode.rawValue, payload, mask: [1, 2, 3, 4]))
        }
        let binary = written { Frame.append(to: &$0, opcode: .binary, payload: payload.span) }
        #expect(read(binary, as: .client, maxMessage: 100_000) == [.binary(payload)])
    }

    @Test("Close frames are empty, have a code, or a code and a reason")
    func close() {
        #expect(written { Frame.appendClose(to: &$0, code: nil, reason: "unheard") } == [0x88, 0x00])
        #expect(written { Frame.appendClose(to: &$0, code: .normal, reason: "") } == [0x88, 0x02, 0x03, 0xE8])
        let both = written { Frame.appendClose(to: &$0, code: .goingAway, reason: "bye") }
        #expect(both == [0x88, 0x05, 0x03, 0xE9] + bytes("bye"))
        let masked = written { Frame.appendClose(to: &$0, code: .normal, reason: "bye", key: 0x37FA_213D) }
        #expect(read(masked) == [.close(1000, "bye")])
    }

    @Test("A code that must not be sent is not", arguments: [.noStatus, .abnormal] as [CloseCode])
    func unsendable(code: CloseCode) {
        #expect(written { Frame.appendClose(to: &$0, code: code, reason: "x") } == [0x88, 0x00])
    }

    @Test("A reason that is too long is cut between characters", arguments: ["x", "é", "速", "🦊"])
    func longReason(character: String) {
        for lead in 0..<4 {
            let reason = String(repeating: "a", count: lead) + String(repeating: character, count: 130)
            let bytes = written { Frame.appendClose(to: &$0, code: .normal, reason: reason) }
            guard case .close(1000, let told) = read(bytes, as: .client).first else {
                Issue.record("no close frame")
                continue
            }
            #expect(reason.hasPrefix(told))
            #expect((123 - character.utf8.count + 1...123).contains(told.utf8.count))
        }
    }

    @Test("A queue of frames is cut where a frame begins, at the offset or after it")
    func boundaries() {
        var queue: [UInt8] = []
        var starts: [Int] = []
        for count in [0, 5, 125, 126, 3, 65536, 0, 1] {
            starts.append(queue.count)
            let payload = [UInt8](repeating: 0x81, count: count)
            Frame.append(to: &queue, opcode: .text, payload: payload.span)
        }
        starts.append(queue.count)
        func boundary(_ offset: Int, in bytes: [UInt8]) -> Int? { Frame.boundary(in: bytes.span, atOrAfter: offset) }
        for offset in Array(0...600) + Array((queue.count - 10)...queue.count) {
            #expect(boundary(offset, in: queue) == starts.first { $0 >= offset })
        }
        #expect(boundary(queue.count + 1, in: queue) == nil)
        #expect(boundary(1, in: []) == nil)
        #expect(boundary(0, in: []) == 0)
        // Bytes that end within a frame, or within its header.
        for end in (starts[2] + 1)..<starts[4] {
            let known = end >= starts[3] ? starts[3] : nil
            #expect(boundary(starts[2] + 1, in: Array(queue[..<end])) == known)
        }
        #expect(boundary(1, in: [0x82, 127] + [UInt8](repeating: 0xFF, count: 8)) == nil)
    }
}
