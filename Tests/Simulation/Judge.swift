import Chat
import Server

/// Watches everything that happens, and says when something happens that must not.
package final class Judge {
    /// What was seen of a room.
    private struct RoomRecord {
        /// The fingerprint of each event that anyone has seen, by seq.
        var seen: [UInt64: UInt64] = [:]
        /// Events that were seen and then lost in a power cut, where the disk was not asked to keep them.
        var lost: [UInt64: UInt64] = [:]
    }

    /// What a connection has been told so far.
    private struct Line {
        var person: Int
        var room: String
        /// The seq of the next event; nil before the welcome.
        var next: UInt64?
    }

    package private(set) var failure: String?
    package var hasFailed: Bool { failure != nil }
    private(set) var ticks = 0
    private var rooms: [String: RoomRecord] = [:]
    private var lines: [Int: Line] = [:]
    /// Messages that somebody has been told of as their own, by id.
    private var acknowledged: [String: (room: String, seq: UInt64)] = [:]
    private var hasLostPower = false
    private unowned let world: Simulator

    init(world: Simulator) { self.world = world }

    /// Something has happened that must not. The first such thing counts.
    func fail(_ reason: @autoclosure () -> String) {
        guard failure == nil else { return }
        failure = reason()
        world.trace("JUDGE  \(failure ?? "")")
    }

    // MARK: What the persons hear

    /// A person has got a text message.
    func heard(_ person: Int, _ link: Link, room: String, _ text: [UInt8]) {
        let message = Heard(text)
        var line = lines[link.number] ?? Line(person: person, room: room)
        defer { lines[link.number] = line }
        switch message.type {
        case "welcome":
            if line.next != nil { fail("connection \(link.number) was welcomed twice") }
            line.next = message.seq + 1
            for event in message.history { see(event, in: room, by: person) }
        case "join", "leave", "message", "rename":
            guard let next = line.next else { return fail("connection \(link.number) got an event before its welcome") }
            // One's own message that was said before comes again, with the seq that it had.
            if message.seq < next, message.type == "message", message.id != nil { return see(text, in: room, by: person) }
            if message.seq != next {
                fail("connection \(link.number) of person \(person) got seq \(message.seq) in \(room), and not \(next)")
            }
            line.next = next + 1
            see(text, in: room, by: person)
        case "typing", "error", "history":
            if line.next == nil, message.type != "error" { fail("connection \(link.number) got \(message.type) first") }
            for event in message.history { see(event, in: room, by: person) }
        default: fail("connection \(link.number) got what is no message: \(String(decoding: text, as: UTF8.self))")
        }
    }

    private func see(_ event: [UInt8], in room: String, by person: Int) {
        let seq = Heard(event).seq
        var digest = Digest()
        digest.add(event.span)
        if let known = rooms[room]?.seen[seq], known != digest.value {
            fail("person \(person) saw another event \(seq) in \(room) than others did: \(String(decoding: event, as: UTF8.self))")
        }
        if let lost = rooms[room]?.lost[seq], lost != digest.value { fail("seq \(seq) in \(room) was used twice") }
        rooms[room, default: RoomRecord()].seen[seq] = digest.value
    }

    /// A person has seen its own message come back.
    func acknowledge(_ id: String, room: String, seq: UInt64) {
        if let known = acknowledged[id], known.seq != seq || known.room != room {
            fail("message \(id) was said twice: as \(known.seq) and as \(seq) in \(room)")
        }
        acknowledged[id] = (room, seq)
    }

    /// A person who behaves was sent away.
    func dismissed(_ person: Int, _ link: Link, code: UInt16, reason: String) {
        world.trace("person \(person) was sent away with \(code) (\(reason))")
        switch code {
        case 1000, 1001, 1013, 4001: break
        default: fail("person \(person), who behaves, was sent away with \(code): \(reason)")
        }
    }

    // MARK: What the server holds

    func endTick(_ server: borrowing Server<SimulatedWorld>) {
        ticks += 1
        guard ticks % 32 == 0 || world.isCalm else { return }
        let health = server.health
        if health.connections != world.network.openStreams, !world.isKilled {
            fail("the server has \(health.connections) connections, and \(world.network.openStreams) descriptors are open")
        }
        if health.largestQueue > world.plan.options.maxQueue + 200 {
            fail("a queue has \(health.largestQueue) bytes, more than \(world.plan.options.maxQueue)")
        }
        for room in health.rooms where Set(room.members.map { $0.lowercased() }).count != room.members.count {
            fail("two in \(room.name) have the same name: \(room.members)")
        }
    }

    /// The server's process is gone; its files are what they are.
    func serverIsGone(lostPower: Bool) {
        lines = [:]
        hasLostPower = hasLostPower || lostPower
        guard lostPower, world.plan.fsync != .always else { return }
        for room in rooms.keys.sorted() {
            var kept: [UInt64: UInt64] = [:]
            for event in LogReader.events(of: room, on: world.disk) { kept[event.seq] = event.digest }
            for (seq, digest) in rooms[room]?.seen ?? [:] where kept[seq] != digest {
                rooms[room]?.seen[seq] = nil
                rooms[room]?.lost[seq] = digest
            }
            acknowledged = acknowledged.filter { $0.value.room != room || rooms[room]?.seen[$0.value.seq] != nil }
        }
    }

    // MARK: The end

    /// Everything should have come right by now.
    func conclude(_ server: borrowing Server<SimulatedWorld>) {
        guard !hasFailed else { return }
        let health = server.health
        var reality: [String: Set<String>] = [:]
        for (index, person) in world.people.enumerated() {
            guard let hope = person.hope else { continue }
            if !hope.isSettled { fail("person \(index) (\(hope.username)) is not in \(hope.room), or has not been heard") }
            reality[hope.room, default: []].insert(hope.username)
        }
        for (index, person) in world.people.enumerated() {
            guard let hope = person.hope else { continue }
            let expected = reality[hope.room] ?? []
            if Set(hope.people) != expected {
                fail("person \(index) believes in \(hope.people.sorted()), and there are \(expected.sorted()) in \(hope.room)")
            }
        }
        for room in health.rooms where Set(room.members) != reality[room.name] ?? [] {
            fail("\(room.name) has \(room.members.sorted()), and there are \((reality[room.name] ?? []).sorted())")
        }
        if health.queuedBytes != 0 { fail("\(health.queuedBytes) bytes still wait, with nobody slow") }
        if health.pendingReads != 0 { fail("\(health.pendingReads) reads were never answered") }
        for room in rooms.keys.sorted() { readLog(of: room) }
    }

    /// Compares a room's log with what was seen, and with itself.
    private func readLog(of room: String) {
        let events = LogReader.events(of: room, on: world.disk)
        var present: Set<String> = []
        var ids: [String: UInt64] = [:]
        var onDisk: [UInt64: UInt64] = [:]
        var last: UInt64 = 0
        let mayJump = world.plan.fsync != .always
        let isBalanced = !mayJump || !hasLostPower
        // Where the disk was not asked to keep everything, a power cut may take a join and leave a message.
        func check(_ holds: Bool, _ reason: @autoclosure () -> String) { if isBalanced, !holds { fail(reason()) } }
        for event in events {
            // Lines that were written anew after a failed sync stand twice if the server was killed before the first were cut off.
            if onDisk[event.seq] == event.digest { continue }
            if event.seq != last + 1, !(mayJump && event.seq > last) { fail("seq \(event.seq) follows \(last) in the log of \(room)") }
            last = event.seq
            onDisk[event.seq] = event.digest
            switch event.type {
            case "join": check(present.insert(event.username).inserted, "\(event.username) joined \(room) twice (\(event.seq))")
            case "leave": check(present.remove(event.username) != nil, "\(event.username) left \(room) twice (\(event.seq))")
            case "rename":
                check(present.remove(event.username) != nil, "\(event.username), renamed in \(room), was not there")
                present.insert(event.to)
            default:
                check(present.contains(event.username), "\(event.username) spoke in \(room), and was not there")
                if let id = event.id, let other = ids.updateValue(event.seq, forKey: id) {
                    fail("message \(id) is in the log of \(room) twice: \(other) and \(event.seq)")
                }
            }
        }
        for (seq, digest) in (rooms[room]?.seen ?? [:]) where onDisk[seq] != digest {
            fail("event \(seq) of \(room) was seen, and is not in the log like that")
        }
        for (id, place) in acknowledged where place.room == room && ids[id] != place.seq {
            fail("message \(id) was acknowledged as \(place.seq) in \(room), and is not there")
        }
    }
}
