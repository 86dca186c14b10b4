import Testing
import WebSocket

/// RFC 6455, sections 5.5.1 and 7.4, and the registry of close codes.
@Suite struct CloseTests {
    private func payload(_ code: UInt16, _ reason: [UInt8] = []) -> [UInt8] {
        [UInt8(code >> 8), UInt8(code & 0xFF)] + reason
    }

    @Test("A close frame may be empty, have a code, or a code and a reason")
    func forms() {
        #expect(read(frame(8)) == [.close(nil, "")])
        #expect(read(frame(8, payload(1001))) == [.close(1001, "")])
        #expect(read(frame(8, payload(1000, bytes("až sem")))) == [.close(1000, "až sem")])
        let longest = [UInt8](repeating: UInt8(ascii: "x"), count: 123)
        #expect(read(frame(8, payload(4999, longest))) == [.close(4999, String(decoding: longest, as: UTF8.self))])
    }

    @Test("One byte is no code")
    func truncated() {
        #expect(read(frame(8, [3])) == [.violation(.truncatedCloseCode)])
    }

    @Test("Exactly the codes that may be on the wire are taken, of all 65,536")
    func codes() {
        let legal = Set<UInt16>((1000...1003).map { $0 } + (1007...1014).map { $0 } + (3000...4999).map { $0 })
        var wrong: [UInt16] = []
        for code in UInt16.min...UInt16.max {
            let expected: Happening = legal.contains(code) ? .close(code, "") : .violation(.invalidCloseCode(code))
            if read(frame(8, payload(code))) != [expected] { wrong.append(code) }
            if CloseCode(rawValue: code).mayBeSent != legal.contains(code) { wrong.append(code) }
        }
        #expect(wrong.isEmpty)
    }

    @Test("The reason is UTF-8")
    func reason() {
        for reason: [UInt8] in [[0xFF], [0xC3], [0xED, 0xA0, 0x80], bytes("ok") + [0x80]] {
            #expect(read(frame(8, payload(1000, reason))) == [.violation(.invalidCloseReason)])
        }
        #expect(Violation.invalidCloseReason.closeCode == .invalidPayload)
    }

    @Test("Nothing comes after a close, in this read or in later ones")
    func last() {
        let good = frame(1, bytes("a"))
        #expect(read([good + frame(8) + good, good]) == [.text("a"), .close(nil, "")])
    }

    @Test("Every violation has a code that may be sent, and a reason that fits a close frame")
    func violations() {
        let all: [Violation: CloseCode] = [
            .reservedBits: .protocolError, .misplacedCompressionBit: .protocolError,
            .reservedOpcode(15): .protocolError, .unmaskedFrame: .protocolError, .maskedFrame: .protocolError,
            .nonMinimalLength: .protocolError, .lengthOutOfRange: .protocolError,
            .controlFrameTooLong: .protocolError, .fragmentedControlFrame: .protocolError,
            .unexpectedContinuation: .protocolError, .interleavedMessage: .protocolError,
            .truncatedCloseCode: .protocolError, .invalidCloseCode(65535): .protocolError,
            .invalidText: .invalidPayload, .invalidCloseReason: .invalidPayload,
            .corruptCompression: .invalidPayload, .messageTooBig: .messageTooBig,
            .tooManyEmptyFragments: .policyViolation,
        ]
        for (violation, code) in all {
            #expect(violation.closeCode == code && code.mayBeSent)
            #expect(!violation.reason.isEmpty && violation.reason.utf8.count <= 123)
        }
    }
}
