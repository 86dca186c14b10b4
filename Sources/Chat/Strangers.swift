/// Those who wait for a stranger, and whom each has met last.
struct Strangers: Sendable {
    struct Waiter: Sendable {
        let id: ConnectionID
        let user: UserID
    }

    /// In the order in which they came. Some may have gone since.
    private(set) var waiting: [Waiter] = []
    /// How many of them were told that they wait.
    private var told = 0
    /// Whether somebody has come since the last look.
    private(set) var hasNews = false
    /// Whom each user has met last; and those of before, which are forgotten when there are as many anew.
    private var met: [UserID: UserID] = [:]
    private var metBefore: [UserID: UserID] = [:]

    static let rememberedMeetings = 8192

    /// Users of whom it is known whom they met last, some of them twice.
    var acquaintances: Int { met.count + metBefore.count }
    /// How many people wait, whatever connections they have.
    var count: Int { Set(waiting.map(\.user)).count }

    mutating func add(_ id: ConnectionID, _ user: UserID) {
        waiting.append(Waiter(id: id, user: user))
        hasNews = true
    }

    /// Takes out those who are gone, and returns those who have come since the last look.
    mutating func takeNews(_ isHere: (Waiter) -> Bool) -> [Waiter] {
        hasNews = false
        let new = waiting[told...].filter(isHere)
        waiting.removeAll { !isHere($0) }
        told = waiting.count
        return new
    }

    /// Takes out those who are to meet, two by two: those first who have waited longest, if they have not just met.
    ///
    /// Of three who wait, two have not just met: of the newest of their meetings the third was not part. So only where two are alone
    /// do they meet again, and those who go on waiting are one user.
    mutating func takePairs() -> [(Waiter, Waiter)] {
        var pairs: [(Waiter, Waiter)] = []
        while true {
            var seen: Set<UserID> = []
            // Nobody meets themselves, and of the connections of one user the first counts.
            var first = waiting.filter { seen.insert($0.user).inserted }
            guard first.count > 1 else { return pairs }
            var met: Set<ConnectionID> = []
            while first.count > 1 {
                let (place, other) = nextPair(of: first)
                let pair = (first[place], first.remove(at: other))
                first.remove(at: place)
                haveMet(pair.0.user, pair.1.user)
                met.formUnion([pair.0.id, pair.1.id])
                pairs.append(pair)
            }
            waiting.removeAll { met.contains($0.id) }
            told = waiting.count
        }
    }

    /// The places of two, the smaller one first.
    private func nextPair(of waiters: [Waiter]) -> (Int, Int) {
        for one in waiters.indices {
            for other in waiters.indices[(one + 1)...]
            where !haveJustMet(waiters[one].user, waiters[other].user) {
                return (one, other)
            }
        }
        return (0, 1)
    }

    private func haveJustMet(_ one: UserID, _ other: UserID) -> Bool {
        lastMet(by: one) == other || lastMet(by: other) == one
    }

    private func lastMet(by user: UserID) -> UserID? { met[user] ?? metBefore[user] }

    private mutating func haveMet(_ one: UserID, _ other: UserID) {
        if met.count >= Strangers.rememberedMeetings { (metBefore, met) = (met, [:]) }
        met[one] = other
        met[other] = one
    }
}
