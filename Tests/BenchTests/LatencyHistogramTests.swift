import Bench
import Testing

@Suite struct LatencyHistogramTests {
    @Test func emptyItKnowsNothing() {
        let histogram = LatencyHistogram()
        #expect(histogram.percentile(0.5) == 0 && histogram.total == 0 && histogram.largest == 0)
    }

    @Test func smallTimesAreExact() {
        for time in Int64(0)...63 {
            var histogram = LatencyHistogram()
            histogram.record(time)
            histogram.record(1_000_000)
            #expect(histogram.percentile(0.5) == time)
        }
    }

    /// At and around every power of two, up to the largest number there is.
    @Test func everyTimeIsToldWithinAThirtySecond() {
        var times: [Int64] = [.max, .max - 1]
        for power in 6..<63 { times += [-1, 0, 1].map { 1 << Int64(power) + $0 } + [3 << Int64(power - 2)] }
        for time in times {
            var histogram = LatencyHistogram()
            histogram.record(time)
            histogram.record(.max)
            let told = histogram.percentile(0.5)
            #expect(told >= time && told - time <= time / 32, "\(time) is told as \(told)")
        }
    }

    @Test func percentilesAreThoseOfTheSortedTimes() {
        var histogram = LatencyHistogram()
        var random = SystemRandomNumberGenerator()
        let times = (0..<10_000).map { _ in Int64.random(in: 0...Int64(1) << Int64.random(in: 1...40), using: &random) }
        for time in times { histogram.record(time) }
        let sorted = times.sorted()
        for (part, index) in [(0.0, 0), (0.25, 2499), (0.5, 4999), (0.9, 8999), (0.99, 9899), (0.999, 9989), (1, 9999)]
        {
            let (told, exact) = (histogram.percentile(part), sorted[index])
            #expect(told >= exact && told - exact <= exact / 32, "\(part): \(told) for \(exact)")
        }
        #expect(
            histogram.percentile(1) == sorted[9999] && histogram.largest == sorted[9999] && histogram.total == 10_000)
    }

    @Test func nothingIsBelowZero() {
        var histogram = LatencyHistogram()
        histogram.record(-5)
        #expect(histogram.percentile(1) == 0 && histogram.total == 1)
    }
}
