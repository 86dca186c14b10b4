/// Someone who was welcomed, and of whom nobody may say that they have left before their time of grace is over.
struct Stay {
    var room: String
    var username: String
    var user: String
    /// Of the welcome: events up to it do not speak of this stay.
    var seq: UInt64
    var link: Int
    /// A host has put them out.
    var isPutOut = false
    /// When the server has closed the connection (ns).
    var closedAt: Int64?
}

/// What has its time: nobody leaves too early, and nobody waits too long for the server's attention.
extension Judge {
    /// Less than the 30 seconds of grace by the ten that a connection may take to close.
    private static let grace: Int64 = 19_000_000_000
    /// More than the server ever leaves a connection alone that it does not hold back.
    private static let patience: Int64 = 12_000_000_000
    /// Ticks in a second. One takes a tenth of a millisecond on average, so a server that never waits makes twice as many.
    private static let mostTicks = 5_000

    // MARK: Leaving

    /// A person means to leave.
    func leaves(_ person: Int) { stays[person] = nil }

    /// The server has closed a connection.
    func closed(_ link: Link) {
        guard stays[link.person]?.link == link.number else { return }
        stays[link.person]?.closedAt = world.now
        // One that reads too slowly has 30 s to read that it is closed for that, and its grace has begun before.
        if link.isHindered || world.plan.isCramped { stays[link.person] = nil }
    }

    func noteRename(of username: String, to other: String, _ seq: UInt64, in room: String) {
        for (person, stay) in stays where stay.room == room && stay.username == username && seq > stay.seq {
            stays[person]?.username = other
        }
    }

    func noteLeave(of username: String, _ seq: UInt64, in room: String) {
        for (person, stay) in stays where stay.room == room && stay.username == username && seq > stay.seq {
            if stay.isPutOut { continue }
            guard let closedAt = stay.closedAt else {
                fail("\(username) has left \(room) (\(seq)), and the connection of person \(person) is open")
                continue
            }
            let seconds = Double(world.now - closedAt) / 1e9
            if world.now - closedAt < Judge.grace { fail("\(username) has left \(room) (\(seq)) after \(seconds) s") }
        }
    }

    // MARK: Waiting

    /// Looks for connections on which something waits, and the server does not come.
    func lookForTheForgotten() {
        let network = world.network
        guard !world.isKilled, !world.isStopping, !network.isExhausted else { return }
        let since = world.now - Judge.patience
        if let first = network.arrivals.first, max(first.lastAttention, network.availableSince) < since,
            network.openStreams < world.plan.options.maxConnections ?? 0
        {
            fail("connection \(first.number) waits in vain to be accepted")
        }
        for link in network.openLinks
        where link.isOpenAtServer && link.isOpenAtPerson && !link.isHindered && !link.up.arrived.isEmpty
            && link.lastAttention < since && world.people[link.person] is Guest
        {
            fail("nobody receives the \(link.up.arrived.count) bytes on connection \(link.number)")
        }
    }

    /// A server that finds something to do in every tick, although nothing comes of it, would burn a processor.
    func lookForHaste() {
        let second = world.now / 1_000_000_000
        pace = (second, second == pace.second ? pace.ticks + 1 : 1)
        if pace.ticks > Judge.mostTicks { fail("the server has made \(pace.ticks) ticks within a second") }
    }

    // MARK: Remembering

    /// The newest messages are held, however many events of other kinds follow them: as many as the limits allow. Where
    /// somebody has yet to see an event that follows, it may be a message that takes the room of an older one.
    ///
    /// - Parameter known: the seqs of the messages in a welcome.
    /// - Returns: one that should be there, and is not.
    func forgotten(by known: Set<UInt64>, upTo newest: UInt64, in room: String) -> UInt64? {
        let limits = world.plan.limits
        var bytes = 0
        guard let record = rooms[room] else { return nil }
        let messages = record.messages.filter { $0.key <= newest }
        var next = newest
        for (seq, size) in messages.sorted(by: { $0.key > $1.key }).prefix(min(100, limits.rules.recentMessages)) {
            bytes += size + 1
            guard bytes <= min(limits.rules.recentBytes, 16_000) else { return nil }
            while next > seq {
                guard record.seen[next] != nil else { return nil }
                next -= 1
            }
            if !known.contains(seq) { return seq }
        }
        return nil
    }
}
