import Chat
import Server

/// What the server holds: every queue, buffer and timer has its limit, and what is over is let go of.
extension Judge {
    /// Looks between two ticks.
    func inspect(_ health: Health) {
        let options = world.plan.options
        let limits = world.plan.limits
        func check(_ holds: Bool, _ reason: @autoclosure () -> String) { if !holds { fail(reason()) } }
        if let mistake = health.bookkeepingError { fail("the server's books are wrong: \(mistake)") }
        if !world.isKilled {
            check(
                health.connections == world.network.openStreams,
                "the server has \(health.connections) connections, and \(world.network.openStreams) descriptors are open"
            )
        }
        check(health.timers == health.connections, "\(health.connections) connections have \(health.timers) timers")
        check(
            health.largestQueue <= options.maxQueue + Judge.closeFrame,
            "a queue has \(health.largestQueue) bytes, more than \(options.maxQueue)")
        check(
            health.countedAddresses == health.countedConnections,
            "addresses are counted wrong: \(health.countedAddresses)")
        for room in health.rooms {
            let names = Set(room.members.map { $0.lowercased() })
            check(names.count == room.members.count, "two in \(room.name) have the same name: \(room.members)")
        }
        let chat = health.chat
        check(health.places <= (options.maxConnections ?? 0) + 32, "there are \(health.places) places for connections")
        check(chat.peerPlaces <= health.places, "there are \(chat.peerPlaces) places for peers")
        check(chat.emptied <= limits.emptyRooms, "\(chat.emptied) rooms are kept with nobody in them")
        check(chat.reads <= 64 + health.connections * 20, "\(chat.reads) reads are under way")
        check(chat.parkedBytes <= limits.parkedBytesInAll, "\(chat.parkedBytes) bytes are parked")
        check(chat.usedIDs <= 2 * RoomRules.rememberedIDs * chat.people, "\(chat.usedIDs) identifiers are remembered")
        check(
            chat.people <= chat.members + chat.rooms * RoomRules.rememberedPeople,
            "\(chat.people) people are remembered")
        // One line more than the limit may be held of either kind, if it is longer than that.
        check(
            chat.recentBytes <= chat.rooms * (2 * limits.rules.recentBytes + Judge.longestLine),
            "\(chat.recentBytes) bytes of newest events are held in \(chat.rooms) rooms")
        check(health.bufferBytes <= Judge.buffers, "the tick's buffers hold \(health.bufferBytes) bytes")
        check(world.disk.openFiles <= Judge.openFiles, "\(world.disk.openFiles) files are open")
    }

    /// Everything is over: whatever is still held belongs to someone who is there.
    func inspectCalm(_ health: Health, people: Int) {
        let chat = health.chat
        let numbers: [(name: String, value: Int, expected: Int)] = [
            ("connections", health.connections, people), ("open WebSockets", health.webSockets, people),
            ("timers", health.timers, people), ("peers", chat.peers, people), ("members", chat.members, people),
            ("times of grace", chat.graces, 0), ("waiting answers", chat.waitingAnswers, 0),
            ("waiting joins", chat.waiting, 0), ("reads", chat.reads, 0), ("rooms held back", chat.touched, 0),
            ("parked bytes", chat.parkedBytes, 0), ("queued bytes", health.queuedBytes, 0),
            (
                "rooms", chat.rooms - health.rooms.count { $0.members.isEmpty },
                health.rooms.count { !$0.members.isEmpty }
            ),
        ]
        for (name, value, expected) in numbers where value != expected {
            fail("the server still holds \(value) \(name), with \(people) people there, and nothing going on")
        }
    }

    /// Bytes of a frame that is put behind a full queue to say so.
    private static let closeFrame = 200
    /// Bytes of the longest line: 4000 characters, each an escape of six bytes, and a little.
    static let longestLine = 2 * 25_000
    /// What the tick's buffers may hold on to: they are bounded by what a tick takes in and answers.
    private static let buffers = 32 << 20
    /// Eight rooms' files, those that are full and not synced yet, and the reads at work.
    private static let openFiles = 32
}
