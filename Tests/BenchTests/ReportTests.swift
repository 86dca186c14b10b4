import Testing

@testable import Bench

@Suite struct ReportTests {
    private func report(_ ledger: Ledger, storm: Storm = Storm(), dropped: Int = 0) -> LoadReport {
        var to = Snapshot()
        (to.time, to.sent, to.deliveries, to.serverProcessor) = (2_000_000_000, 10, 1000, 3_000_000)
        var from = Snapshot()
        from.serverProcessor = 1_000_000
        return LoadReport(
            options: LoadOptions(mode: .fanout), storm: storm, from: from, to: to, latencies: LatencyHistogram(),
            ledger: ledger, dropped: dropped, dropReason: dropped > 0 ? "gone" : nil)
    }

    @Test func figuresAreDifferences() {
        let json = report(Ledger(receivers: 1, senders: 1, isEcho: false)).json
        #expect(
            json.hasPrefix(
                #"{"mode":"fanout","clients":100,"senders":1,"window":1,"payload":64,"seconds":2.000,"sent":10,"#))
        #expect(json.contains(#""deliveriesPerSecond":500.0,"serverMicrosecondsPerDelivery":2.0000,"#))
        #expect(json.hasSuffix(#""dropped":0,"correct":true}"# + "\n"))
    }

    @Test func everyFaultMakesItWrong() {
        var lost = Ledger(receivers: 1, senders: 1, isEcho: false)
        _ = lost.say(0)
        lost.close()
        var doubled = Ledger(receivers: 1, senders: 1, isEcho: false)
        _ = doubled.say(0)
        doubled.deliver(to: 0, from: 0, number: 1)
        doubled.deliver(to: 0, from: 0, number: 1)
        let none = Ledger(receivers: 1, senders: 1, isEcho: false)
        var few = Storm()
        (few.notices, few.noticesExpected) = (9, 10)
        var many = Storm()
        (many.notices, many.noticesExpected) = (12, 10)
        #expect(report(none).complaint == nil && report(none).isCorrect)
        #expect(report(lost).complaint == "1 lost, 0 doubled, 0 out of order")
        #expect(report(doubled).complaint == "0 lost, 1 doubled, 0 out of order")
        #expect(report(none, storm: few).complaint == "1 lost, 0 doubled, 0 out of order")
        #expect(report(none, storm: many).complaint == "0 lost, 2 doubled, 0 out of order")
        #expect(report(none, dropped: 2).complaint == "0 lost, 0 doubled, 0 out of order; 2 connections dropped (gone)")
        #expect(report(lost).json.contains(#""correct":false"#) && report(lost).text.contains("NO: 1 lost"))
    }

    @Test func numbersAreWrittenWithSoManyDigits() {
        #expect(fixed(1.005, 1) == "1.0" && fixed(0.0499, 2) == "0.05" && fixed(-1.25, 1) == "-1.3")
        #expect(fixed(12.0, 0) == "12" && fixed(-0.001, 2) == "0.00" && fixed(99.996, 2) == "100.00")
        #expect(fixed(.nan, 2) == "-" && fixed(.infinity, 0) == "-")
        #expect(rounded(5.5) == "5.50" && rounded(1234) == "1234" && rounded(12_345) == "12.3 k")
        #expect(rounded(1_234_567) == "1.23 M" && rounded(2.5e9) == "2.50 G")
    }

    @Test func namesInJSONAreQuoted() {
        var object = JSONObject()
        object.add("a", "say \"hi\"")
        object.add("b", Double?.none)
        object.add("c", true)
        #expect(object.ended == #"{"a":"say \"hi\"","b":null,"c":true}"#)
    }
}
