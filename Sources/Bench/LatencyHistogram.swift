/// Counts times in buckets of which the width grows with the time: percentiles within 1/32 of the truth, from nanoseconds
/// to centuries, in 15 KiB, at the cost of one increment each.
///
/// The first 64 buckets are one nanosecond wide. From there on every power of two has 32 of them.
package struct LatencyHistogram: Sendable {
    private static let fine = 32
    /// 58 powers of two from 2^5 on, and the 32 values below.
    private var counts = [UInt64](repeating: 0, count: 59 * LatencyHistogram.fine)
    package private(set) var total: UInt64 = 0
    /// The largest, as it was (ns); 0 if there are none.
    package private(set) var largest: Int64 = 0

    package init() {}

    /// - Parameter nanoseconds: what is below 0 counts as 0.
    package mutating func record(_ nanoseconds: Int64) {
        let nanoseconds = max(0, nanoseconds)
        counts[Self.bucket(of: nanoseconds)] += 1
        total += 1
        largest = max(largest, nanoseconds)
    }

    /// The time below which a part of all is (ns): the upper edge of the bucket it falls into, and never more than the largest.
    ///
    /// - Parameter part: 0 to 1.
    /// - Returns: 0 if there are none.
    package func percentile(_ part: Double) -> Int64 {
        let rank = (min(max(part, 0), 1) * Double(total)).rounded(.up)
        var seen: UInt64 = 0
        for (bucket, count) in counts.enumerated() where count > 0 {
            seen += count
            if Double(seen) >= rank { return min(Self.upperEdge(of: bucket), largest) }
        }
        return largest
    }

    private static func bucket(of nanoseconds: Int64) -> Int {
        guard nanoseconds >= fine else { return Int(nanoseconds) }
        // Shifted by so much it is in 32...63: its five bits after the first one.
        let shift = 58 - nanoseconds.leadingZeroBitCount
        return shift * fine + Int(nanoseconds >> Int64(shift))
    }

    /// The largest time that falls into a bucket.
    private static func upperEdge(of bucket: Int) -> Int64 {
        guard bucket >= 2 * fine else { return Int64(bucket) }
        let shift = Int64(bucket / fine - 1)
        // The last bucket ends where the numbers do, one bit further than a shift of them could tell.
        let next = UInt64(bucket - Int(shift) * fine + 1) << UInt64(shift)
        return Int64(next - 1)
    }
}
