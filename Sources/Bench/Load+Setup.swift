import Client
import Sockets

/// How it went to have everyone join: with n clients everyone hears of everyone, which is n²/2 notices.
struct Storm: Sendable {
    /// Before anyone was there, with all connected, and after the last notice has arrived.
    var before = Snapshot()
    var connected = Snapshot()
    var drained = Snapshot()
    var notices: UInt64 = 0
    var noticesExpected: UInt64 = 0
}

/// Before the load proper: everyone connects, then everyone joins.
extension Load {
    func setUp() throws(LoadFailure) -> Storm {
        var storm = Storm()
        storm.before = snapshot()
        var next = 0
        while upgraded < options.clients {
            while next < options.clients, next - upgraded < options.concurrency {
                dial(next)
                next += 1
            }
            try turnInSetup("\(upgraded) of \(options.clients) clients are connected")
        }
        storm.connected = snapshot()
        storm.drained = storm.connected
        if options.mode == .echo { return storm }

        next = 0
        while joins < options.clients {
            while next < options.clients, next - Int(joins) < options.concurrency {
                join(next)
                next += 1
            }
            try turnInSetup("\(joins) of \(options.clients) clients have joined")
        }
        // The k-th to join hears of itself and of those after it.
        let count = UInt64(options.clients)
        storm.noticesExpected = count * (count + 1) / 2
        while notices < storm.noticesExpected, Clock.monotonic - lastArrival < patience { try turnInSetup(nil) }
        storm.drained = snapshot()
        storm.drained.time = lastArrival
        storm.notices = notices
        return storm
    }

    /// Nanoseconds without an arrival after which a run is given up.
    var patience: Int64 { Int64(options.patience * 1e9) }

    /// - Parameter stage: how far it is, if it has to go on from there.
    private func turnInSetup(_ stage: String?) throws(LoadFailure) {
        if lastArrival == 0 { lastArrival = Clock.monotonic }
        try turn(milliseconds: 100)
        progress.show { stage ?? "\(notices) notices" }
        if dropped > 0 { throw .unavailable("\(dropped) connections were dropped: \(dropReason ?? "")") }
        if let stage, Clock.monotonic - lastArrival > patience {
            throw .unavailable("\(stage), and nothing more happens")
        }
    }

    /// A WebSocket is open.
    func opened(_ index: Int) {
        upgraded += 1
        clients[index].phase = .open
        if options.mode == .churn { join(index) }
    }

    /// Asks to be let in, under a name of its own.
    func join(_ index: Int) {
        clients[index].phase = .joining
        let message = ClientMessage.join(username: "\(classifier.namePrefix)\(names)")
        names += 1
        clients[index].connection.send(message.span, key: UInt32(truncatingIfNeeded: entropy.next()))
        flush(index)
    }

    /// Says goodbye, so that nobody waits for it to come back.
    func leave(_ index: Int) {
        clients[index].phase = .leaving
        clients[index].connection.close(.normal, key: UInt32(truncatingIfNeeded: entropy.next()))
        flush(index)
    }

    /// Everyone leaves. What goes wrong by now is of no interest.
    func leaveAll() {
        isDriving = false
        progress.clear()
        for index in clients.indices {
            switch clients[index].phase {
            case .open, .joining, .joined: leave(index)
            case .connecting, .opening: hangUp(index)
            case .vacant, .leaving: break
            }
        }
        let end = Clock.monotonic + 2_000_000_000
        failure = nil
        while clients.contains(where: { $0.phase != .vacant }), Clock.monotonic < end {
            do throws(LoadFailure) { try turn(milliseconds: 50) } catch { break }
        }
        for index in clients.indices { hangUp(index) }
    }

    /// What has been used and done up to now.
    func snapshot() -> Snapshot {
        var snapshot = Snapshot(server: options.process)
        snapshot.sent = ledger.sent
        snapshot.deliveries = ledger.deliveries
        snapshot.joins = joins
        return snapshot
    }
}
