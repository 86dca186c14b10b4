import Support
import Testing

@testable import Chat

@Suite struct MessageTextTests {
    private func judge(_ text: String) -> MessageText.Verdict {
        let bytes = Array(text.utf8)
        return MessageText.judge(bytes.span, isASCII: bytes.allSatisfy { $0 < 0x80 })
    }

    /// What is blank although Unicode says neither that it is white space nor that it may be ignored.
    private static let blanks = Set(
        ([0x2800, 0x1D159, 0xFFF9, 0xFFFA, 0xFFFB] + Array(0x13430...0x1343F)).compactMap {
            Unicode.Scalar($0 as UInt32)
        })

    /// The rule as the contract has it, said with the library's own properties.
    private func rule(_ text: String) -> MessageText.Verdict {
        let scalars = text.unicodeScalars
        if scalars.count > 4000 { return .tooLong }
        let forbidden = scalars.contains {
            $0.properties.generalCategory == .control && !["\t", "\n", "\r"].contains(Character($0))
        }
        if forbidden { return .controlCharacter }
        let isBlank = scalars.allSatisfy {
            $0.properties.isWhitespace || $0.properties.isDefaultIgnorableCodePoint || Self.blanks.contains($0)
        }
        return isBlank ? .empty : .fine
    }

    @Test func everyScalarAloneIsJudgedByTheRule() {
        for value in UInt32(0)...0x3_1FFF {
            guard let scalar = Unicode.Scalar(value) else { continue }
            let text = String(Character(scalar))
            if judge(text) != rule(text) { Issue.record("\(value)") }
            if value < 0x3000, judge("a" + text) != rule("a" + text) { Issue.record("\(value)") }
        }
    }

    @Test func anASCIITextIsJudgedTheSameEitherWay() {
        var random = SeededGenerator(seed: 3)
        for _ in 0..<2000 {
            let text = (0..<random.below(6)).map { _ in
                String(Character(Unicode.Scalar(UInt8(random.pick([9, 10, 13, 32, 32, 65, 0, 127, 31])))))
            }.joined()
            let bytes = Array(text.utf8)
            for isASCII in [true, false] {
                let verdict = MessageText.judge(bytes.span, isASCII: isASCII)
                #expect(verdict == rule(text))
            }
        }
    }

    @Test(arguments: [
        "", " ", "\u{200B}", "\u{200D}\u{200C}", "\u{FE0F}", "\u{202E}\u{202C}", "\u{2800}", "\u{3164} \u{115F}",
        "\u{AD}", "\u{FEFF}\n",
        "\u{3000}\u{E0041}", "\u{2060}\u{180E}\u{61C}",
    ])
    func aTextInWhichNothingIsSeenIsEmpty(text: String) { #expect(judge(text) == .empty) }

    @Test(arguments: [
        "\u{200B}.", "a\u{200D}", "❤\u{FE0F}", "\u{301}", "\u{600}", "\u{E000}", "👩\u{200D}🚒", "\u{202E}abc",
    ])
    func oneThingThatIsSeenIsEnough(text: String) { #expect(judge(text) == .fine) }

    @Test(arguments: ["a", "é", "🦊"]) func fourThousandAreAllowed(letter: String) {
        #expect(judge(String(repeating: letter, count: 4000)) == .fine)
        #expect(judge(String(repeating: letter, count: 4001)) == .tooLong)
    }
}
