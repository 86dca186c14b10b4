import Foundation
import Sockets
import Testing

@Suite struct ClockTests {
    @Test func theMonotonicClockNeverGoesBack() {
        var last = Clock.monotonic
        for _ in 0..<100_000 {
            let now = Clock.monotonic
            #expect(now >= last)
            last = now
        }
    }

    @Test func theWallClockIsTheSystems() {
        let before = Int64(Date().timeIntervalSince1970 * 1000)
        let time = Clock.wall
        let after = Int64(Date().timeIntervalSince1970 * 1000)
        #expect((before - 1...after + 1).contains(time))
    }

    @Test func sleepingTakesAtLeastAsLongAsWanted() {
        let start = Clock.monotonic
        Clock.sleep(nanoseconds: 10_000_000)
        #expect(Clock.monotonic - start >= 10_000_000)
        Clock.sleep(nanoseconds: 0)
        Clock.sleep(nanoseconds: -1_000_000_000_000)
    }

    @Test func workTakesProcessorTime() {
        let start = Clock.processor
        var sum = 0
        repeat { sum &+= 1 } while Clock.processor - start < 1_000_000
        #expect(sum > 0)
    }

    /// Foundation's calendar is of another opinion, were one of them wrong.
    @Test(arguments: [0, 1_700_000_000_000, 951_782_399_999, 4_102_444_800_000] as [Int64])
    func localTimeIsWhatTheCalendarSays(time: Int64) {
        let date = Date(timeIntervalSince1970: Double(time) / 1000)
        let parts = Calendar(identifier: .gregorian).dateComponents([.year, .month, .day, .hour, .minute], from: date)
        let local = Clock.local(time)
        #expect(local.year == parts.year && local.month == parts.month && local.day == parts.day)
        #expect(local.hour == parts.hour && local.minute == parts.minute)
    }

    @Test(arguments: [0, -1, 951_782_399_999, 1_796_040_712_887] as [Int64])
    func utc_isWhatTheCalendarSays(time: Int64) {
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        let date = Date(timeIntervalSince1970: Double(time) / 1000)
        let parts = calendar.dateComponents([.year, .month, .day, .hour, .minute, .second], from: date)
        let utc = Clock.utc(time)
        #expect(utc.year == parts.year && utc.month == parts.month && utc.day == parts.day)
        #expect(utc.hour == parts.hour && utc.minute == parts.minute && utc.second == parts.second)
    }

    @Test func iso8601_hasMilliseconds() {
        #expect(Clock.iso8601(1_796_040_712_087) == "2026-11-30T12:11:52.087Z")
        #expect(Clock.iso8601(-1) == "1969-12-31T23:59:59.999Z")
    }

    @Test(arguments: [.min, -1, .max] as [Int64])
    func anyTimeHasADate(time: Int64) { #expect((1...12).contains(Clock.local(time).month)) }

    /// No two of a great many are the same, and every bit is set in about half of them.
    @Test func randomBitsDoNotRepeat() {
        var entropy = Entropy()
        let words = (0..<4096).map { _ in entropy.next() }
        #expect(Set(words).count == words.count)
        for bit in 0..<64 {
            let count = words.count { $0 >> UInt64(bit) & 1 == 1 }
            #expect((1600...2500).contains(count), "bit \(bit)")
        }
        var other = Entropy()
        #expect(other.next() != words[0])
    }

    @Test func theProcessKnowsWhatItUses() {
        let usage = ProcessUsage.now
        #expect(usage.cpuNanoseconds > 0)
        #expect(usage.residentBytes > 1 << 20)
        #expect(usage.openDescriptors >= 1)
    }
}
