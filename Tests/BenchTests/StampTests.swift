import Client
import Testing

@testable import Bench

@Suite struct StampTests {
    @Test func whatIsWrittenIsRead() {
        var bytes = [UInt8](repeating: 0x78, count: 40)
        for stamp in [
            Stamp(sender: 0, number: 0, time: 0), Stamp(sender: 65535, number: .max, time: .max),
            Stamp(sender: 0xABC, number: 0x1234_5678, time: 1_700_000_000_123_456_789),
        ] {
            stamp.write(to: &bytes, at: 5)
            #expect(Stamp(bytes.span, at: 5) == stamp)
        }
        #expect(bytes[..<5].allSatisfy { $0 == 0x78 } && bytes[(5 + Stamp.size)...].allSatisfy { $0 == 0x78 })
    }

    @Test func whatIsNoStampIsNone() {
        let digits = [UInt8](repeating: 0x30, count: Stamp.size)
        #expect(Stamp(digits.span, at: 0) != nil)
        #expect(Stamp(digits.span, at: 1) == nil && Stamp(digits.span, at: -1) == nil)
        for place in digits.indices {
            for byte: UInt8 in [0x2F, 0x3A, 0x60, 0x67, 0x41, 0xFF] {
                var bytes = digits
                bytes[place] = byte
                #expect(Stamp(bytes.span, at: 0) == nil)
            }
        }
    }

    @Test func aFinderFindsWhereverItIs() {
        var finder = TextFinder("needle")
        for text in ["needle", "a needle in hay", "neeneedle", "hay needle", "a needle in hay"] {
            let expected = text.utf8.count - (text.hasSuffix("hay") ? 7 : 0)
            #expect(finder.end(in: Array(text.utf8).span) == expected)
        }
        for text in ["", "needl", "no such thing", "needlf"] { #expect(finder.end(in: Array(text.utf8).span) == nil) }
    }

    @Test(arguments: [true, false]) func aMessageIsHeardAsWhatItIs(isEcho: Bool) {
        let maker = MessageMaker(run: 0x2A, payload: 50, isEcho: isEcho)
        var classifier = MessageClassifier(marker: maker.marker, namePrefix: "bench-42-", isEcho: isEcho)
        let stamp = Stamp(sender: 3, number: 7, time: 99)
        var bytes = maker.message
        stamp.write(to: &bytes, at: maker.stampOffset)
        #expect(classifier.classify(bytes.span) == .message(stamp))
        var other = MessageMaker(run: 0x2B, payload: 50, isEcho: isEcho).message
        stamp.write(to: &other, at: maker.stampOffset)
        #expect(classifier.classify(other.span) == (isEcho ? .nonsense : .other))
    }

    @Test func noticesAreToldApart() {
        var classifier = MessageClassifier(marker: Array("@002a".utf8), namePrefix: "bench-42-", isEcho: false)
        let cases: [(String, MessageClassifier.Kind)] = [
            (#"{"type":"welcome","username":"bench-42-1","history":[{"type":"message","text":"@002a"}]}"#, .welcome),
            (#"{"type":"join","seq":1,"time":2,"username":"bench-42-17"}"#, .join),
            (#"{"type":"join","seq":1,"time":2,"username":"bench-421-7"}"#, .other),
            (#"{"type":"join","seq":1,"time":2,"username":"Ada"}"#, .other),
            (#"{"type":"leave","seq":1,"time":2,"username":"bench-42-17"}"#, .other),
            (#"{"type":"error","code":"rate_limited"}"#, .refusal),
            (#"{"type":"typing","username":"Ada"}"#, .other),
            (#"{"type":"edit","seq":1,"target":1,"text":"x"}"#, .other),
            (#"{"type":"moderation","seq":1,"action":"kick"}"#, .other),
            ("{}", .nonsense), ("", .nonsense), (#"{"type":""#, .nonsense),
        ]
        for (text, kind) in cases { #expect(classifier.classify(Array(text.utf8).span) == kind, "\(text)") }
    }
}
