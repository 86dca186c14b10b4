import Server

/// The end of a run: everything should have come right.
extension Judge {
    func conclude(_ server: borrowing Server<SimulatedWorld>) {
        guard !hasFailed else { return }
        let health = server.health
        var reality: [String: Set<String>] = [:]
        var people = 0
        for (index, person) in world.people.enumerated() {
            guard let hope = person.hope else { continue }
            people += 1
            if !hope.isSettled {
                fail("person \(index) (\(hope.username)) is not in \(hope.room), or has not been heard: \(hope.state)")
            }
            reality[hope.room, default: []].insert(hope.username)
        }
        for (index, person) in world.people.enumerated() {
            guard let hope = person.hope else { continue }
            let expected = reality[hope.room] ?? []
            if Set(hope.people) != expected {
                fail(
                    "person \(index) believes in \(hope.people.sorted()), and there are \(expected.sorted()) in \(hope.room)"
                )
            }
        }
        for room in health.rooms where Set(room.members) != reality[room.name] ?? [] {
            fail("\(room.name) has \(room.members.sorted()), and there are \((reality[room.name] ?? []).sorted())")
        }
        inspect(health)
        inspectCalm(health, people: people)
        guard !world.plan.options.isEphemeral else { return }
        for room in rooms.keys.sorted() { readLog(of: room) }
        checkErased(deletions.filter(isDue))
    }

    /// Compares a room's log with what was seen, and with itself.
    private func readLog(of room: String) {
        let log = LogRecord(
            room: room, mayJump: hasLostPower, isBalanced: !mayHaveLostEvents,
            LogReader.events(of: room, on: world.disk), judge: self)
        // Before something is said in a room, nothing of it is kept.
        let first = log.onDisk.keys.min() ?? .max
        for (seq, digest) in (rooms[room]?.seen ?? [:]).sorted(by: { $0.key < $1.key })
        where log.onDisk[seq] != digest && (seq >= first || rooms[room]?.messages[seq] != nil) {
            fail("event \(seq) of \(room) was seen, and is not in the log like that")
        }
        for (id, told) in toldDone.sorted(by: { $0.key < $1.key }) where told == room && log.ids[id] == nil {
            fail("message \(id) in \(room) is told to be done, and is not in the log")
        }
        for (id, place) in acknowledged.sorted(by: { $0.key < $1.key })
        where place.room == room && log.ids[id] != place.seq {
            guard log.ids[id] == nil || !mayBeSaidTwice(id) else { continue }
            fail("message \(id) was acknowledged as \(place.seq) in \(room), and is not there")
        }
    }
}

/// A room's log, read from its beginning.
private struct LogRecord {
    let room: String
    /// Whether seqs may be left out: a room goes on behind what a power cut could have taken, and a line that it has torn
    /// keeps its seq.
    let mayJump: Bool
    /// Where the disk was not asked to keep everything, a power cut may take a join and leave a message. Where it was, it may
    /// do so with what nobody has seen yet, which leaves a hole.
    private(set) var isBalanced: Bool
    let judge: Judge

    private(set) var onDisk: [UInt64: UInt64] = [:]
    private(set) var ids: [String: UInt64] = [:]
    private var present: Set<String>
    private let toldThrough: UInt64
    private var last: UInt64 = 0
    /// The number of each person's newest message.
    private var newest: [Int: Int] = [:]

    init(room: String, mayJump: Bool, isBalanced: Bool, _ contents: LogReader.Contents, judge: Judge) {
        self.room = room
        self.mayJump = mayJump
        self.isBalanced = isBalanced
        self.judge = judge
        // The first snapshot tells who was there when the log began; events up to it have led to that.
        toldThrough = contents.seq
        present = Set(contents.people)
        contents.events.forEach { take($0) }
    }

    private func fail(_ reason: String) { judge.fail(reason) }

    mutating func take(_ event: LogReader.Event) {
        if last > 0, event.seq != last + 1, !(mayJump && event.seq > last) {
            fail("seq \(event.seq) follows \(last) in the log of \(room)")
        }
        if last > 0, event.seq != last + 1 { isBalanced = false }
        last = event.seq
        onDisk[event.seq] = event.digest
        let name = event.username
        guard event.seq > toldThrough else {
            if let id = event.id { note(id, event.seq) }
            return
        }
        switch event.type {
        case "join": check(present.insert(name).inserted, "\(name) joined \(room) twice (\(event.seq))")
        case "leave": check(present.remove(name) != nil, "\(name) left \(room) twice (\(event.seq))")
        case "rename":
            check(present.remove(name) != nil, "\(name), renamed in \(room), was not there")
            present.insert(event.to)
        default:
            check(present.contains(name), "\(name) spoke in \(room), and was not there")
            event.id.map { note($0, event.seq) }
        }
    }

    private func check(_ holds: Bool, _ reason: @autoclosure () -> String) { if isBalanced, !holds { fail(reason()) } }

    /// Nothing is said twice, and what one person says stays in order.
    private mutating func note(_ id: String, _ seq: UInt64) {
        if let other = ids.updateValue(seq, forKey: id), !judge.mayBeSaidTwice(id) {
            fail("message \(id) is in the log of \(room) twice: \(other) and \(seq)")
        }
        guard let (person, number, _) = judge.said[id] else {
            return fail("message \(id) in the log of \(room) was never said")
        }
        if let before = newest.updateValue(number, forKey: person), before > number {
            fail("message \(id) of person \(person) is in the log of \(room) behind a later one")
        }
    }
}
