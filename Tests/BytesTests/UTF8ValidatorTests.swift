import Bytes
import Support
import Testing

/// RFC 3629, against the standard library's own decoder as the slow oracle.
@Suite struct UTF8ValidatorTests {
    @Test("Every scalar value there is, is valid; every surrogate and everything past them is not")
    func everyScalar() {
        for value: UInt32 in 0...0x11_0000 {
            #expect(isValid(encode(value)) == (Unicode.Scalar(value) != nil), "U+\(value)")
        }
    }

    @Test("Every sequence of up to three bytes is judged as the standard library judges it")
    func everyShortSequence() {
        var differences = 0
        for first in UInt8.min...UInt8.max {
            if isValid([first]) != oracle([first]) { differences += 1 }
            for second in UInt8.min...UInt8.max {
                if isValid([first, second]) != oracle([first, second]) { differences += 1 }
                guard first >= 0x80 else { continue }
                for third: UInt8 in [0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xFF] {
                    let bytes = [first, second, third]
                    if isValid(bytes) != oracle(bytes) { differences += 1 }
                }
            }
        }
        #expect(differences == 0)
    }

    @Test(
        "It refuses at the first byte that cannot be valid, not later",
        arguments: [
            ([0x80], 1), ([0xC0, 0x80], 1), ([0xC1, 0xBF], 1), ([0xF5, 0x80, 0x80, 0x80], 1), ([0xFF], 1),
            ([0xE0, 0x9F, 0xBF], 2), ([0xED, 0xA0, 0x80], 2), ([0xF0, 0x8F, 0xBF, 0xBF], 2),
            ([0xF4, 0x90, 0x80, 0x80], 2), ([0xC2, 0x41], 2), ([0xE1, 0x80, 0x41], 3),
            ([0xF1, 0x80, 0x80, 0x41], 4), ([0xF1, 0x80, 0x80, 0x80, 0x80], 5),
        ] as [([UInt8], Int)])
    func failsFast(bytes: [UInt8], failing: Int) {
        #expect(judge(bytes.map { [$0] }) == .refused(piece: failing - 1))
    }

    @Test("Text is complete only at the end of a character")
    func completeness() {
        let text = Array("aé€😀".utf8)
        let ends: Set = [0, 1, 3, 6, 10]
        for count in 0...text.count {
            #expect(judge([text[..<count]]) == (ends.contains(count) ? .complete : .incomplete))
        }
    }

    @Test("The same text in two pieces, cut anywhere, is judged the same")
    func everySplit() {
        let ascii = String(repeating: "ascii ", count: 12)
        let text = Array("The quick brown fox: žluťoučký kůň, 速い茶色の狐, 🦊🦊🦊. \(ascii)".utf8)
        for cut in 0...text.count {
            #expect(judge([text[..<cut], text[cut...]]) == .complete)
        }
    }

    @Test("One byte changed anywhere in a long text is judged as the standard library judges it")
    func everyCorruption() {
        let text = Array(String(repeating: "abcdefgh žluťoučký 速い茶色 🦊🦊🦊 and plain words again. ", count: 3).utf8)
        let edges: [UInt8] = [
            0x00, 0x7F, 0x80, 0x8F, 0x90, 0xA0, 0xBF, 0xC0, 0xC2, 0xE0, 0xED, 0xEF, 0xF0, 0xF4, 0xF5, 0xFF,
        ]
        var differences = 0
        for index in text.indices {
            for byte in edges {
                var changed = text
                changed[index] = byte
                if isValid(changed) != oracle(changed) { differences += 1 }
            }
        }
        #expect(differences == 0)
    }

    @Test("A character that ASCII cuts off is refused, wherever in a long text it stands")
    func cutOffByASCII() {
        for text in ["é", "速", "🦊"] {
            for start: [UInt8] in (1..<text.utf8.count).map({ Array(text.utf8.prefix($0)) }) {
                for position in 0..<150 {
                    var bytes = [UInt8](repeating: UInt8(ascii: "a"), count: 200)
                    bytes.replaceSubrange(position..<(position + start.count), with: start)
                    #expect(!isValid(bytes))
                }
            }
        }
    }

    @Test("Random mixtures of characters and damage are judged alike whole, in pieces, and by the standard library")
    func randomPieces() {
        var generator = SeededGenerator(seed: 1)
        for _ in 0..<4000 {
            let bytes = mixture(&generator)
            var pieces: [ArraySlice<UInt8>] = []
            while let start = pieces.last?.endIndex ?? bytes.indices.first, start < bytes.count {
                let end = start + Int.random(in: 1...100, using: &generator)
                pieces.append(bytes[start..<min(end, bytes.count)])
            }
            let expected = oracle(bytes)
            #expect((judge(pieces) == .complete) == expected)
            #expect(isValid(bytes) == expected)
        }
    }

    @Test("A text cut off within a character is never complete, wherever vectors begin and end")
    func everyTruncation() {
        for lead in 0..<40 {
            let text = Array((String(repeating: "a", count: lead) + String(repeating: "é速🦊", count: 20)).utf8)
            for count in 0...text.count {
                let cut = Array(text[..<count])
                #expect(isValid(cut) == oracle(cut))
            }
        }
    }

    /// Up to 300 bytes of characters of every length, one time in two with a byte replaced.
    private func mixture(_ generator: inout SeededGenerator) -> [UInt8] {
        var text = ""
        for _ in 0..<Int.random(in: 0...20, using: &generator) {
            let run = Int.random(in: 1...6, using: &generator)
            text += String(repeating: ["a", "é", "速", "🦊"].randomElement(using: &generator) ?? "", count: run)
        }
        var bytes = Array(text.utf8)
        if let index = bytes.indices.randomElement(using: &generator), Bool.random(using: &generator) {
            bytes[index] = UInt8.random(in: .min ... .max, using: &generator)
        }
        return bytes
    }

    private enum Verdict: Equatable { case complete, incomplete, refused(piece: Int) }

    /// What one validator says that gets the pieces one after the other.
    private func judge(_ pieces: [some Sequence<UInt8>]) -> Verdict {
        var validator = UTF8Validator()
        for (index, piece) in pieces.enumerated() {
            guard validator.consume(Array(piece).span) else { return .refused(piece: index) }
        }
        return validator.isComplete ? .complete : .incomplete
    }

    private func isValid(_ bytes: [UInt8]) -> Bool { UTF8Validator.isValid(bytes.span) }

    private func oracle(_ bytes: [UInt8]) -> Bool { String(validating: bytes, as: UTF8.self) != nil }

    /// The generalised UTF-8 form of any value, surrogates included.
    private func encode(_ value: UInt32) -> [UInt8] {
        func continuation(_ shift: UInt32) -> UInt8 { 0x80 | UInt8(truncatingIfNeeded: value >> shift) & 0x3F }
        func lead(_ mark: UInt8, _ shift: UInt32) -> UInt8 { mark | UInt8(truncatingIfNeeded: value >> shift) }
        return switch value {
        case ..<0x80: [UInt8(value)]
        case ..<0x800: [lead(0xC0, 6), continuation(0)]
        case ..<0x1_0000: [lead(0xE0, 12), continuation(6), continuation(0)]
        default: [lead(0xF0, 18), continuation(12), continuation(6), continuation(0)]
        }
    }
}
