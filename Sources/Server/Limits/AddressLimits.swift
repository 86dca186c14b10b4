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
