import Support
import Testing
import WebSocket

/// RFC 7692, sections 6 and 7.2: messages that come compressed.
@Suite struct InflateTests {
    private let hello: [UInt8] = [0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00]

    @Test(
        "The RFC's examples are read as the RFC says (sections 7.2.3.1, .3, .4, .5)",
        arguments: [
            [0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00],
            [0x00, 0x05, 0x00, 0xFA, 0xFF, 0x48, 0x65, 0x6C, 0x6C, 0x6F, 0x00],
            [0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00, 0x00],
            [0xF2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xCA, 0xC9, 0xC9, 0x07, 0x00],
        ] as [[UInt8]])
    func examples(payload: [UInt8]) {
        #expect(read(frame(1, payload, rsv: 4), deflate: true) == [.text("Hello")])
        #expect(read(frame(1, payload, rsv: 4, mask: nil), as: .client, deflate: true) == [.text("Hello")])
        for cut in 0...payload.count {
            let fragments = frame(1, Array(payload[..<cut]), fin: false, rsv: 4) + frame(0, Array(payload[cut...]))
            #expect(read(fragments, deflate: true) == [.text("Hello")])
            #expect(read(fragments.map { [$0] }, deflate: true) == [.text("Hello")])
        }
    }

    @Test("An empty message may have one byte (section 7.2.3.6), or none, or fragments of none")
    func empty() {
        #expect(read(frame(1, [0], rsv: 4), deflate: true) == [.text("")])
        #expect(read(frame(1, rsv: 4), deflate: true) == [.text("")])
        #expect(read(frame(2, fin: false, rsv: 4) + frame(0), deflate: true) == [.binary([])])
        #expect(read(frame(2, fin: false, rsv: 4) + frame(0, [0]), deflate: true) == [.binary([])])
    }

    @Test("Each message is inflated by itself: none may refer to the one before (section 7.2.3.2)")
    func noContextTakeover() {
        let second: [UInt8] = [0xF2, 0x00, 0x11, 0x00, 0x00]
        #expect(
            read(frame(1, hello, rsv: 4) + frame(1, second, rsv: 4), deflate: true)
                == [.text("Hello"), .violation(.corruptCompression)])
        #expect(
            read(frame(1, hello, rsv: 4) + frame(1, hello, rsv: 4), deflate: true) == [.text("Hello"), .text("Hello")])
    }

    @Test("Compressed and plain messages may follow each other, with pings in their midst")
    func mixed() {
        let stream =
            frame(1, hello, rsv: 4) + frame(1, bytes("plain")) + frame(2, Array(hello[..<3]), fin: false, rsv: 4)
            + frame(9, bytes("p")) + frame(0, Array(hello[3...])) + frame(1, bytes("pl"), fin: false)
            + frame(0, bytes("ain"))
        let expected: [Happening] = [
            .text("Hello"), .text("plain"), .ping(bytes("p")), .binary(bytes("Hello")), .text("plain"),
        ]
        #expect(read(stream, deflate: true) == expected)
        #expect(read(stream.map { [$0] }, deflate: true) == expected)
    }

    @Test("A final block ends a message with padding or without; more blocks may follow it")
    func finalBlocks() {
        let final: [UInt8] = [0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00]
        #expect(read(frame(1, final, rsv: 4), deflate: true) == [.text("Hello")])
        #expect(read(frame(1, final + final, rsv: 4), deflate: true) == [.text("HelloHello")])
        #expect(read(frame(1, final + hello, rsv: 4), deflate: true) == [.text("HelloHello")])
        let cut = frame(1, final, fin: false, rsv: 4) + frame(0, hello)
        #expect(read(cut, deflate: true) == [.text("HelloHello")])
        // After a fresh start there is nothing to refer to.
        #expect(
            read(frame(1, final + [0xF2, 0x00, 0x11, 0x00, 0x00], rsv: 4), deflate: true)
                == [.violation(.corruptCompression)])
    }

    @Test(
        "Data that is no deflate stream, or stops within one, is refused",
        arguments: [
            [0xFF], [0x06], [0x07], [0xF2], [0xF2, 0x48, 0xCD], [0x00, 0x05, 0x00, 0xFA, 0xFF, 0x48],
            [0x00, 0x05, 0x00, 0xFA, 0xFE, 0x48, 0x65, 0x6C, 0x6C, 0x6F, 0x00], [0x00, 0x00],
            [0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00, 0x00, 0x00, 0xFF, 0xFF],
            [0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00, 0xFF],
        ] as [[UInt8]])
    func corrupt(payload: [UInt8]) {
        #expect(read(frame(2, payload, rsv: 4), deflate: true) == [.violation(.corruptCompression)])
        #expect(Violation.corruptCompression.closeCode == .invalidPayload)
    }

    @Test("A message cut off anywhere is refused")
    func truncated() {
        let text = "a text of some length, of some length, and of some more: 0123456789 zyxwvutsrq"
        let whole = deflated(bytes(text))
        #expect(read(frame(1, whole, rsv: 4), deflate: true) == [.text(text)])
        for count in 1..<whole.count {
            let happenings = read(frame(1, Array(whole[..<count]), rsv: 4), deflate: true)
            #expect(happenings == [.violation(.corruptCompression)], "\(count)")
        }
    }

    @Test("Text is UTF-8 after inflation")
    func invalidText() {
        for bad: [UInt8] in [[0xFF], [0xC3], bytes(String(repeating: "é", count: 500)) + [0xED, 0xA0]] {
            #expect(read(frame(1, deflated(bad), rsv: 4), deflate: true) == [.violation(.invalidText)])
            #expect(read(frame(2, deflated(bad), rsv: 4), deflate: true) == [.binary(bad)])
        }
    }

    @Test("The limit holds after inflation, to the byte", arguments: [1, 100, 16383, 16384, 16385, 65536])
    func limit(count: Int) {
        let payload = [UInt8](repeating: 7, count: count)
        let bytes = frame(2, deflated(payload), rsv: 4)
        #expect(read(bytes, deflate: true, maxMessage: count) == [.binary(payload)])
        #expect(read(bytes, deflate: true, maxMessage: count - 1) == [.violation(.messageTooBig)])
        #expect(read(bytes, deflate: true, maxMessage: .max) == [.binary(payload)])
    }

    @Test("A bomb stops at the limit, and takes no memory beyond it")
    func bomb() {
        let bomb = deflated([UInt8](repeating: 0, count: 8 << 20))
        #expect(bomb.count < 65536)
        guard let inflater = Inflater() else { return }
        var arena: [UInt8] = [1, 2, 3]
        var offset = 0
        var reader = MessageReader(role: .server, deflate: true)
        let input = frame(1, bomb, rsv: 4)
        let event = reader.next(
            in: input.span, at: &offset, into: &arena, maxMessage: 100_000, inflater: inflater)
        #expect(event == .violation(.messageTooBig))
        #expect(arena == [1, 2, 3] && arena.capacity <= 400_000)
        // The inflater is as good as new.
        #expect(inflater.inflate(hello, into: &arena) == .complete)
        #expect(arena == [1, 2, 3] + bytes("Hello"))
    }

    @Test("Compressed data is bounded by its header already, with room for what resists compression")
    func compressedLimit() {
        #expect(read(frame(2, rsv: 4, announcing: 200_000), deflate: true) == [.violation(.messageTooBig)])
        let stored = (0..<65536).map { UInt8(truncatingIfNeeded: ($0 &* 2_654_435_761) >> 13) }
        var generator = SeededGenerator(seed: 5)
        let random = stored.map { $0 ^ UInt8.random(in: .min ... .max, using: &generator) }
        #expect(read(frame(2, deflated(random), rsv: 4), deflate: true) == [.binary(random)])
    }

    @Test("Random bytes are refused or inflated, never more")
    func garbage() {
        var generator = SeededGenerator(seed: 6)
        for _ in 0..<3000 {
            let count = Int.random(in: 1...60, using: &generator)
            let payload = (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
            let happenings = read(frame(2, payload, rsv: 4), deflate: true, maxMessage: 4096)
            switch happenings.first {
            case .binary(let out): #expect(out.count <= 4096)
            case .violation(let violation): #expect([.corruptCompression, .messageTooBig].contains(violation))
            default: Issue.record("\(happenings) of \(payload)")
            }
        }
    }
}

extension Inflater {
    fileprivate func inflate(_ payload: [UInt8], into out: inout [UInt8]) -> Outcome {
        inflate(payload.span, then: [UInt8]().span, into: &out, maxCount: 1000)
    }
}
