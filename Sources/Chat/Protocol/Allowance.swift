/// So much in a time: more has to wait until that is over.
package struct Allowance: Sendable, Equatable {
    var amount: Int
    /// In milliseconds.
    var window: Int64

    package init(_ amount: Int, in window: Int64) { (self.amount, self.window) = (amount, window) }
}

/// What each of many has used of an allowance. Those whose time is over are forgotten.
struct AllowanceTable<Key: Hashable & Sendable>: Sendable {
    private var uses: [Key: (began: Int64, used: Int)] = [:]
    /// How many there may be before such are looked for.
    private var limit = 1024

    var count: Int { uses.count }

    /// Takes a part for a key.
    ///
    /// - Returns: zero if it was there; else none is taken, and it is the time to wait, in milliseconds.
    mutating func take(_ amount: Int, for key: Key, of allowance: Allowance?, now: Int64) -> Int64 {
        guard let allowance else { return 0 }
        if uses.count >= limit {
            uses = uses.filter { now &- $0.value.began < allowance.window }
            limit = max(1024, 2 * uses.count)
        }
        var use = uses[key] ?? (now, 0)
        if now &- use.began >= allowance.window { use = (now, 0) }
        guard use.used + amount <= allowance.amount else { return use.began + allowance.window - now }
        use.used += amount
        uses[key] = use
        return 0
    }

    /// Gives a part back.
    mutating func giveBack(_ amount: Int, for key: Key) { uses[key]?.used -= amount }
}
