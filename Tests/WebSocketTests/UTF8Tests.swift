import Testing
import WebSocket

/// RFC 6455, section 8.1: text is UTF-8, and is judged while it comes.
@Suite struct UTF8Tests {
    @Test("Text of every script passes; binary may be anything")
    func passes() {
        let text = "Hello-µ@ßöäüàá-UTF-8!! κόσμε 速い茶色の狐 🦊 \u{10FFFF} \u{FFFE}"
        #expect(read(frame(1, bytes(text))) == [.text(text)])
        #expect(read(frame(2, [0xFF, 0xC0, 0x80])) == [.binary([0xFF, 0xC0, 0x80])])
    }

    @Test(
        "Text that is not UTF-8 is refused",
        arguments: [
            [0x80], [0xC0, 0xAF], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xF8, 0x88], [0xFE], [0xE2, 0x82],
        ]
            as [[UInt8]])
    func refused(bad: [UInt8]) {
        #expect(read(frame(1, bytes("good ") + bad)) == [.violation(.invalidText)])
        #expect(read(frame(1, bad, fin: false) + frame(0)) == [.violation(.invalidText)])
        let long = bytes(String(repeating: "κόσμε and more ", count: 20))
        #expect(read(frame(1, long + bad)) == [.violation(.invalidText)])
        #expect(Violation.invalidText.closeCode == .invalidPayload)
    }

    @Test("A character may be cut by fragments and by reads, anywhere")
    func characterAcrossFragments() {
        let text = bytes("ž速🦊")
        for cut in 0...text.count {
            let first = frame(1, Array(text[..<cut]), fin: false)
            let second = frame(0, Array(text[cut...]))
            #expect(read(first + second) == [.text("ž速🦊")])
            #expect(read((first + second).map { [$0] }) == [.text("ž速🦊")])
            // A ping between the halves of a character takes nothing from it.
            #expect(read(first + frame(9, [0xFF]) + second) == [.ping([0xFF]), .text("ž速🦊")])
        }
    }

    @Test("A message cannot end within a character, though it may pause there")
    func endsWithinCharacter() {
        let begun = frame(1, [0xE9, 0x80], fin: false)
        #expect(read(begun).isEmpty)
        #expect(read(begun + frame(0)) == [.violation(.invalidText)])
        // The next message is judged from its own start.
        #expect(read(begun + frame(0, [0x9F]) + frame(1, [0x9F])) == [.text("速"), .violation(.invalidText)])
    }

    @Test("It fails with the first byte that cannot be right, before the frame is whole")
    func failsFast() {
        let bad = bytes("κόσμε") + [0xF4, 0x90]
        // The frame announces more than has come.
        let partial = frame(1, bad, announcing: 100)
        #expect(read(partial) == [.violation(.invalidText)])
        #expect(read(partial.map { [$0] }) == [.violation(.invalidText)])
        #expect(read(Array(partial.dropLast())).isEmpty)
        // So does a fragment, and one after it.
        #expect(read(frame(1, bytes("κό"), fin: false) + frame(0, bad, fin: false)) == [.violation(.invalidText)])
    }
}
