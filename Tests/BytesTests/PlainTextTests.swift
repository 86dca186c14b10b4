import Testing

@testable import Bytes

/// What is passed over eight bytes at a time is what would be byte by byte.
@Suite struct PlainTextTests {
    private func slowEnd(_ text: [UInt8], from start: Int) -> Int {
        text[start...].firstIndex { $0 < 0x20 || $0 == 0x22 || $0 == 0x5C } ?? text.count
    }

    @Test func everyByteInEveryPlaceEndsItOrNot() {
        var isRight = true
        for filling: UInt8 in [0x20, 0x21, 0x23, 0x5B, 0x5D, 0x7F, 0x80, 0xFF] {
            for byte in UInt8.min...UInt8.max {
                for place in 0..<20 {
                    var text = [UInt8](repeating: filling, count: 20)
                    text[place] = byte
                    for start in [0, 3] {
                        var gathered: UInt64 = 0
                        let end = PlainText.end(text.span, from: start, gathering: &gathered)
                        isRight = isRight && end == slowEnd(text, from: start)
                        isRight = isRight && PlainText.isASCII(gathered) == text[start..<end].allSatisfy { $0 < 0x80 }
                    }
                }
            }
        }
        #expect(isRight)
    }

    @Test func severalSpecialOnesEndItAtTheFirst() {
        for first in 0..<16 {
            for second in first..<16 {
                for (one, other) in [(0x22, 0x1F), (0x5C, 0x22), (0x00, 0x5C), (0x1F, 0x00)] as [(UInt8, UInt8)] {
                    var text = [UInt8](repeating: 0x21, count: 16)
                    text[second] = other
                    text[first] = one
                    var gathered: UInt64 = 0
                    #expect(PlainText.end(text.span, from: 0, gathering: &gathered) == first)
                }
            }
        }
    }
}
