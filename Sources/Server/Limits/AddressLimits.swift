import Chat
import Sockets

/// How many connections each address has. An IPv6 client can use any address of its /64, so that counts as one.
struct AddressCounts {
    private var counts: [IPAddress: Int] = [:]

    /// Beyond the limit a few connections more are answered, so that the client learns why.
    private static let tolerance = 16

    /// How many connections all addresses have together.
    var sum: Int { counts.values.reduce(0, +) }

    mutating func add(_ address: IPAddress) { counts[address.site, default: 0] += 1 }

    mutating func remove(_ address: IPAddress) {
        guard let count = counts[address.site] else { return }
        counts[address.site] = count > 1 ? count - 1 : nil
    }

    /// Whether the address has more than it may; a limit of 0 is none.
    func isOver(_ address: IPAddress, limit: Int) -> Bool { limit > 0 && counts[address.site] ?? 0 > limit }

    /// Whether it has so many more that nothing is said to it any more.
    func isFarOver(_ address: IPAddress, limit: Int) -> Bool {
        limit > 0 && counts[address.site] ?? 0 >= limit + Self.tolerance
    }
}

/// How fast each address connects.
struct AddressRates {
    private let rate: Rate?
    private var buckets: [IPAddress: TokenBucket] = [:]
    /// When buckets that are full again may be looked for next (ms).
    private var nextSweep: Int64 = .min

    /// Addresses that are remembered. A client that has more of them would stay below the rate with each, so addresses
    /// beyond that are let in.
    private static let most = 65_536
    /// How many seconds' worth may come at once: a person may open the page in several windows, or reconnect them all.
    private static let burst: Double = 10

    /// - Parameter perSecond: connections of one address in the long run; 0 is no limit.
    init(perSecond: Double) {
        rate = perSecond > 0 ? Rate(perSecond: perSecond, burst: max(1, Self.burst * perSecond)) : nil
    }

    /// Whether the address may have one more connection now.
    mutating func admit(_ address: IPAddress, now: Int64) -> Bool {
        guard rate != nil else { return true }
        if buckets.count >= Self.most, now >= nextSweep {
            nextSweep = now + 1000
            buckets = buckets.filter { !$0.value.isFull(now: now) }
        }
        let site = address.site
        guard buckets.count < Self.most || buckets[site] != nil else { return true }
        return buckets[site, default: TokenBucket()].take(of: rate, now: now) == 0
    }
}
