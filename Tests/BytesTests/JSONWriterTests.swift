import Bytes
import Foundation
import Support
import Testing

@testable import Bytes

@Suite struct JSONWriterTests {
    private func written(_ text: String) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(quoting: text)
        return bytes
    }

    @Test func whatIsQuotedIsReadAsItWas() throws {
        var random = SeededGenerator(seed: 5)
        let scalars: [Unicode.Scalar] = [
            "\"", "\\", "/", "\n", "\r", "\t", "\u{0}", "\u{8}", "\u{1F}", "\u{7F}", "a", "é", "🦊", "\u{2028}",
        ]
        for _ in 0..<2000 {
            let text = String(String.UnicodeScalarView((0..<random.below(40)).map { _ in random.pick(scalars) }))
            let bytes = written(text)
            let read = try JSONSerialization.jsonObject(with: Data(bytes), options: .fragmentsAllowed) as? String
            #expect(read.map { $0.unicodeScalars.elementsEqual(text.unicodeScalars) } == true)
            var at = 0
            let found = JSONScanner.value(bytes.span, &at)
            let token = try #require(found)
            #expect(at == bytes.count)
            let unescaped = String(unescaping: token, of: bytes.span)
            #expect(unescaped.utf8.elementsEqual(text.utf8))
            // A line of the history is one line.
            #expect(!bytes.contains(UInt8(ascii: "\n")))
            var fromBytes: [UInt8] = []
            let plain = Array(text.utf8)
            fromBytes.append(quoting: plain.span)
            #expect(fromBytes == bytes)
        }
    }

    @Test func onlyWhatMustBeEscapedIs() {
        #expect(
            String(decoding: written("a\"\\/\u{1}\u{1F}\n\r\té🦊\u{7F}\u{2028}"), as: UTF8.self)
                == "\"a\\\"\\\\/\\u0001\\u001f\\n\\r\\té🦊\u{7F}\u{2028}\"")
    }

    @Test(arguments: [0, 9, 10, 99, 100, 12345, UInt64.max, UInt64.max - 9, 1_000_000_000_000_000_000])
    func numbersAreWrittenInDigits(number: UInt64) {
        var bytes: [UInt8] = []
        bytes.append(decimal: number)
        #expect(String(decoding: bytes, as: UTF8.self) == "\(number)")
    }

    @Test func everyPowerOfTenAndItsNeighboursAreWritten() {
        var power: UInt64 = 1
        for _ in 0..<19 {
            power *= 10
            for number in [power - 1, power, power + 1] {
                var bytes: [UInt8] = []
                bytes.append(decimal: number)
                #expect(String(decoding: bytes, as: UTF8.self) == "\(number)")
            }
        }
    }
}

@Suite struct UTF8ScalarsTests {
    @Test func everyScalarIsRead() {
        for value in UInt32(0)...0x10FFFF {
            guard let scalar = Unicode.Scalar(value) else { continue }
            let bytes = Array(String(Character(scalar)).utf8)
            var at = 0
            let read = UTF8Scalars.next(bytes.span, &at)
            if read != scalar || at != bytes.count { Issue.record("\(value)") }
        }
    }

    @Test func textsAreReadOneAfterTheOther() {
        let text = "aé€🦊\u{0}\u{10FFFF}z"
        let bytes = Array(text.utf8)
        var at = 0
        var scalars: [Unicode.Scalar] = []
        while at < bytes.count { scalars.append(UTF8Scalars.next(bytes.span, &at)) }
        #expect(scalars == Array(text.unicodeScalars))
    }

    @Test func whatIsNoUTF8DoesNotTrap() {
        var random = SeededGenerator(seed: 2)
        for _ in 0..<20_000 {
            let bytes = (0..<random.below(6) + 1).map { _ in UInt8(truncatingIfNeeded: random.next()) | 0x80 }
            var at = 0
            while at < bytes.count { _ = UTF8Scalars.next(bytes.span, &at) }
        }
    }
}
