import History
import Simulation
import Testing

struct EventLineTests {
    private func prefix(_ text: String) -> EventPrefix? {
        let bytes = Array(text.utf8)
        return EventPrefix(bytes.span, 0..<bytes.count)
    }

    @Test func thePrefixTellsKindAndSeq() {
        for (type, isMessage) in [
            ("message", true), ("join", false), ("leave", false), ("rename", false), ("messages", false),
        ] {
            let found = prefix(#"{"type":"\#(type)","seq":9007199254740991,"time":0,"username":"Ada"}"#)
            #expect(found?.seq == 9_007_199_254_740_991)
            #expect(found?.isMessage == isMessage)
        }
    }

    @Test func whatBeginsOtherwiseIsNoEvent() {
        let whole = #"{"type":"message","seq":12,"time":1700000000000,"#
        #expect(prefix(whole) != nil)
        for count in 0..<whole.utf8.count { #expect(prefix(String(whole.prefix(count))) == nil) }
        for text in [
            #"{"type":"","seq":1,"time":1,"#, #"{"type":"join","seq":0,"time":1,"#,
            #"{"type":"join","seq":01,"time":1,"#,
            #"{"type":"join","seq":-1,"time":1,"#, #"{"type":"join","seq":9007199254740992,"time":1,"#,
            #"{"type":"join","seq":99999999999999999999999,"time":1,"#, #"{"type":"join","time":1,"seq":1,"#,
            #"{ "type":"join","seq":1,"time":1,"#, #"{"type":"Join","seq":1,"time":1,"#,
            #"{"type":"join","seq":1,"time":x,"#,
        ] { #expect(prefix(text) == nil, "\(text)") }
    }

    @Test func theLastSeqOfABlock() {
        #expect(EventPrefix.lastSeq(line(7).span) == 7)
        #expect(EventPrefix.lastSeq(lines(7...9).span) == 9)
        #expect(EventPrefix.lastSeq([UInt8]().span) == nil)
        #expect(EventPrefix.lastSeq(([0x0A] as [UInt8]).span) == nil)
        #expect(EventPrefix.lastSeq((line(7) + Array("{}\n".utf8)).span) == nil)
        #expect(EventPrefix.lastSeq(Array(line(7).dropLast()).span) == nil)
    }

    /// What a scan says about lines with these seqs; 0 stands for a line that is no event.
    private func kinds(_ seqs: [UInt64], above lower: UInt64 = 0, below ceiling: UInt64 = 1000) -> String {
        let bytes = seqs.flatMap { $0 == 0 ? Array("nothing\n".utf8) : line($0) }
        var scan = LineScan()
        scan.scan(bytes.span, 0..<bytes.count, above: lower, below: ceiling)
        return scan.lines.map { $0.kind == .event ? "e" : $0.kind == .junk ? "j" : "d" }.joined()
    }

    @Test func neighboursTellWhichSeqIsWrong() {
        #expect(kinds([1, 2, 3]) == "eee")
        #expect(kinds([1, 0, 3]) == "eje")
        #expect(kinds([10, 11, 900, 12, 13]) == "eedee")
        #expect(kinds([10, 11, 2, 12, 13]) == "eedee")
        #expect(kinds([10, 11, 11, 12]) == "eede")
        #expect(kinds([900, 11, 12]) == "dee")
        #expect(kinds([10, 11, 900], below: 13) == "eed")
        #expect(kinds([10, 11, 12], above: 10) == "dee")
        #expect(kinds([]) == "")
    }

    @Test func whatFollowsTheLastNewlineIsNotLookedAt() {
        let bytes = lines(1...2) + line(3).dropLast()
        var scan = LineScan()
        scan.scan(bytes.span, 0..<bytes.count, above: 0, below: 10)
        #expect(scan.lines.map(\.seq) == [1, 2])
        #expect(scan.lines.last?.range.upperBound == lines(1...2).count)
    }
}
