import Support
import Testing

// Buckets and their table are the door's own.
@testable import Chat

@Suite struct TokenBucketTests {
    /// When something was let through, of tries at random times.
    private func accepted(_ rate: Rate, tries: Int, within milliseconds: Int, seed: UInt64) -> [Int64] {
        var random = SeededGenerator(seed: seed)
        var bucket = TokenBucket()
        let times = (0..<tries).map { _ in Int64(random.below(milliseconds)) }.sorted()
        return times.filter { bucket.take(of: rate, now: $0) == 0 }
    }

    @Test(arguments: [(10.0, 30.0), (1, 5), (0.2, 5), (3, 1), (1000, 1), (0.7, 2.5)])
    func take_inAnySpanOfTime_letsThroughWhatIsAllowed(perSecond: Double, burst: Double) {
        let rate = Rate(perSecond: perSecond, burst: burst)
        for seed in 0..<5 as Range<UInt64> {
            let times = accepted(rate, tries: 600, within: 20_000, seed: seed)
            #expect(times.count > 3)
            for first in times.indices {
                for last in first..<times.count {
                    let seconds = Double(times[last] - times[first]) / 1000
                    #expect(Double(last - first + 1) <= max(1, burst) + seconds * perSecond + 1e-9)
                }
            }
        }
    }

    @Test func take_inTheLongRun_letsThroughAllThatIsAllowed() {
        for (perSecond, burst) in [(10.0, 30.0), (260_000, 780_000), (3, 1), (0.2, 5)] {
            let rate = Rate(perSecond: perSecond, burst: burst)
            var bucket = TokenBucket()
            var count = 0
            for now in 0..<Int64(100_000) {
                while bucket.take(of: rate, now: now) == 0 { count += 1 }
            }
            let allowed = burst + 100 * perSecond
            #expect(Double(count) <= allowed)
            #expect(Double(count) > 0.998 * allowed - 1)
        }
    }

    @Test func take_refused_tellsTheExactWait() {
        var random = SeededGenerator(seed: 1)
        for _ in 0..<200 {
            let rate = Rate(
                perSecond: Double(random.below(500) + 1) / 7, burst: Double(random.below(9) + 1))
            var bucket = TokenBucket()
            var now = Int64(random.below(1_000_000))
            for _ in 0..<50 {
                let wait = bucket.take(of: rate, now: now)
                if wait == 0 {
                    now += Int64(random.below(100))
                } else {
                    // A refused one costs nothing, however often it is tried.
                    #expect(bucket.take(of: rate, now: now + wait - 1) > 0)
                    #expect(bucket.take(of: rate, now: now + wait) == 0)
                    now += wait
                }
            }
        }
    }

    @Test func take_ofManyTokens_isPaidForAfterwards() {
        let rate = Rate(perSecond: 1000, burst: 10)
        var bucket = TokenBucket()
        #expect(bucket.take(5000, of: rate, now: 0) == 0)
        #expect(bucket.take(1, of: rate, now: 0) == 4991)
        #expect(bucket.take(1, of: rate, now: 4990) == 1)
        #expect(bucket.take(1, of: rate, now: 4991) == 0)
        bucket.charge(1000, of: rate, now: 4991)
        #expect(bucket.take(1, of: rate, now: 4991) == 1001)
    }

    @Test func take_withoutRate_hasNoLimit() {
        var bucket = TokenBucket()
        for _ in 0..<1000 { #expect(bucket.take(1 << 40, of: nil, now: 0) == 0) }
        bucket.charge(5, of: nil, now: 0)
        #expect(bucket.take(of: Rate(perSecond: 1, burst: 1), now: 0) == 0)
    }

    /// Recordings may say anything.
    @Test(arguments: [0.0, -1, .nan, .infinity, -.infinity, .leastNonzeroMagnitude, 1e308, 1e-9])
    func take_ofAbsurdRate_doesNotTrap(perSecond: Double) {
        let limits = Limits(messagesPerSecond: perSecond)
        for rate in [Rate(perSecond: perSecond, burst: perSecond), limits.messages, limits.bytes] {
            var bucket = TokenBucket()
            for now in [0, .max, .min, 5] as [Int64] {
                _ = bucket.take(.max, of: rate, now: now)
                bucket.charge(.max, of: rate, now: now)
            }
        }
    }
}

@Suite struct RateTableTests {
    private let rate = Rate(perSecond: 1, burst: 2)

    @Test func take_countsEachKeyByItself() {
        var table = RateTable<Int>()
        for key in [1, 1, 2, 2] { #expect(table.take(for: key, of: rate, now: 0) == 0) }
        #expect(table.take(for: 1, of: rate, now: 0) == 1000)
        #expect(table.take(for: 1, of: rate, now: 1000) == 0)
        #expect(table.count == 2)
    }

    @Test func giveBack_letsOneMoreThrough() {
        var table = RateTable<Int>()
        for _ in 0..<2 { _ = table.take(for: 1, of: rate, now: 0) }
        table.giveBack(for: 1, of: rate)
        table.giveBack(for: 7, of: rate)
        #expect(table.take(for: 1, of: rate, now: 0) == 0)
        #expect(table.take(for: 1, of: rate, now: 0) > 0)
    }

    @Test func take_withoutRate_keepsNothing() {
        var table = RateTable<Int>()
        for key in 0..<100 { #expect(table.take(for: key, of: nil, now: 0) == 0) }
        #expect(table.count == 0)
    }

    @Test func table_forgetsFullBucketsAndNoOther() {
        var table = RateTable<Int>()
        for _ in 0..<2 { _ = table.take(for: -1, of: rate, now: 1_000_000) }
        for key in 0..<100_000 { _ = table.take(for: key, of: rate, now: Int64(key) * 10) }
        #expect(table.count < 3000)
        #expect(table.take(for: -1, of: rate, now: 1_000_000) > 0)
    }
}
