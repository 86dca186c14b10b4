import Support
import Testing

@testable import Chat

@Suite struct MessageTextTests {
    private func judge(_ text: String) -> MessageText.Verdict {
        let bytes = Array(text.utf8)
        return MessageText.judge(bytes.span, isASCII: bytes.allSatisfy { $0 < 0x80 })
    }

    /// The rule as the contract has it, said with the library's own properties.
    private func rule(_ text: String) -> MessageText.Verdict {
        let scalars = text.unicodeScalars
        if scalars.count > 4000 { return .tooLong }
        let forbidden = scalars.contains {
            $0.properties.generalCategory == .control && !["\t", "\n", "\r"].contains(Character($0))
        }
        if forbidden { return .controlCharacter }
        return scalars.allSatisfy(\.properties.isWhitespace) ? .empty : .fine
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

    @Test(arguments: ["a", "é", "🦊"]) func fourThousandAreAllowed(letter: String) {
        #expect(judge(String(repeating: letter, count: 4000)) == .fine)
        #expect(judge(String(repeating: letter, count: 4001)) == .tooLong)
    }
}
