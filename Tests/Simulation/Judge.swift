import Chat
import Server

/// Watches everything that happens, and says when something happens that must not.
package final class Judge {
    /// What was seen of a room.
    struct RoomRecord {
        /// The fingerprint of each event that anyone has seen, by seq.
        var seen: [UInt64: UInt64] = [:]
        /// Events that were seen and then lost in a power cut, where the disk was not asked to keep them; and those of them that no
        /// event was behind which is kept: whoever knows one of those knows what is not so.
        var lost: [UInt64: UInt64] = [:]
        var lostTail: Set<UInt64> = []
        /// Those that were seen and are messages, and how long each line is at most.
        var messages: [UInt64: Int] = [:]
        /// Under which id each message was said, by whom, and when.
        var sources: [UInt64: (id: String, user: String, time: UInt64)] = [:]
        /// The text of each message and edit, as it was said.
        var texts: [UInt64: UInt64] = [:]
    }

    /// What a connection has been told so far.
    private struct Line {
        /// The seq of the next event; nil before the welcome.
        var next: UInt64?
        /// Who is there by what this connection was told.
        var people: Set<String> = []
        /// The welcome names the newcomer already; its own join is still to come.
        var ownJoin: (username: String, seq: UInt64)?
    }

    package private(set) var failure: String?
    package var hasFailed: Bool { failure != nil }
    private var ticks = 0
    /// A second of the world, and the ticks in it so far.
    var pace: (second: Int64, ticks: Int) = (0, 0)
    var rooms: [String: RoomRecord] = [:]
    private var lines: [Int: Line] = [:]
    /// Who is in a room and has no reason to leave it, by person.
    var stays: [Int: Stay] = [:]
    /// What was said under which id: by whom, as the how-manieth of all messages, and the text's fingerprint.
    var said: [String: (person: Int, number: Int, text: UInt64)] = [:]
    /// The texts that each message may have, beside its own.
    var editTexts: [Target: Set<UInt64>] = [:]
    /// The word with which each message, and each edit of one, begins.
    var words: [String: String] = [:]
    var editWords: [Target: [String]] = [:]
    var wordCount = 0
    /// Rooms out of which somebody was to be put.
    var rulesOut: Set<String> = []
    /// What was deleted and must be gone from the disk.
    var deletions: [Deletion] = []
    /// Those who were once welcomed with a gap. If that has swallowed a message of their own, and the session with it, they can
    /// only say it again, as someone whom the server does not know.
    private var missed: Set<Int> = []
    /// Messages that somebody has been told of as their own, by id.
    var acknowledged: [String: (room: String, seq: UInt64)] = [:]
    /// Messages of which somebody was told that they were said before, by id, and in which room.
    var toldDone: [String: String] = [:]
    /// Messages that a power cut has taken, where the disk was not asked to keep them. Their ids may stand in a newer file that is left,
    /// and whoever asks again is told that it is done.
    var lostMessages: Set<String> = []
    private(set) var hasLostPower = false
    unowned let world: Simulator

    init(world: Simulator) { self.world = world }

    /// Something has happened that must not. The first such thing counts.
    func fail(_ reason: @autoclosure () -> String) {
        guard failure == nil else { return }
        failure = reason()
        world.trace("JUDGE  \(failure ?? "")")
    }

    /// Whether a power cut may have taken events that were seen, so that seqs are left out.
    var mayHaveLostEvents: Bool { hasLostPower && world.plan.fsync != .always }

    // MARK: What the persons hear

    /// A person has got a text message.
    ///
    /// - Parameter since: what the person knew when it asked to join; nil if nothing.
    func heard(_ person: Int, _ link: Link, room: String, since: UInt64?, _ text: [UInt8]) {
        let message = Heard(text)
        var line = lines[link.number] ?? Line()
        defer { lines[link.number] = line }
        func fail(_ reason: String) { self.fail("connection \(link.number) of person \(person): \(reason)") }
        switch message.type {
        case "welcome":
            if line.next != nil { fail("it was welcomed twice") }
            for event in message.history { see(event, in: room, by: person) }
            if let mistake = mistake(in: message, to: room, since: since) { fail("its welcome \(mistake)") }
            if message.hasGap { missed.insert(person) }
            noteLoaded(room)
            line.next = message.seq + 1
            line.people = Set(message.users)
            stays[person] = Stay(
                room: room, username: message.username, user: message.user, seq: message.seq, link: link.number)
            line.ownJoin = (message.username, message.seq + 1)
            if since == nil { line.people.remove(message.username) }
        case "join", "leave", "message", "rename", "edit", "delete", "react", "moderation":
            guard let next = line.next else { return fail("it got an event before its welcome") }
            // One's own message that was said before comes again, with the seq that it had.
            if message.seq < next, message.type == "message", message.id != nil {
                return seeAgain(message, text, in: room, by: person)
            }
            if message.seq != next { fail("it got seq \(message.seq) in \(room), and not \(next)") }
            line.next = next + 1
            see(text, in: room, by: person)
            apply(message, to: &line) { fail($0) }
        case "done":
            // What was said before, and is not to be had any more.
            if message.id.map({ said[$0] == nil }) ?? true { fail("it is told that what nobody said is done") }
        case "typing", "error", "history", "state", "found", "invite":
            if line.next == nil, message.type != "error" { fail("it got \(message.type) first") }
            for event in message.history { see(event, in: room, by: person) }
            if message.type == "typing", !line.people.contains(message.username) {
                fail("\(message.username) types, and is not there")
            }
        default: fail("it got what is no message: \(String(decoding: text, as: UTF8.self))")
        }
    }

    /// Follows who is there by what a connection is told: join and leave must balance.
    private func apply(_ event: Heard, to line: inout Line, _ fail: (String) -> Void) {
        let name = event.username
        switch event.type {
        case "join":
            // Whoever comes back with a session is not said to join, and everyone else is.
            let isOwn = line.ownJoin.map { $0 == (name, event.seq) } ?? false
            if !line.people.insert(name).inserted, !isOwn { fail("\(name) joined, and was there") }
        case "leave": if line.people.remove(name) == nil { fail("\(name) left, and was not there") }
        case "rename":
            if line.people.remove(name) == nil { fail("\(name) changed its name, and was not there") }
            if !line.people.insert(event.to).inserted { fail("\(name) took the name of \(event.to)") }
        default: if !line.people.contains(name) { fail("\(name) spoke, and was not there") }
        }
        line.ownJoin = nil
    }

    /// Looks for what is wrong with a welcome.
    private func mistake(in welcome: Heard, to room: String, since: UInt64?) -> String? {
        let users = Set(welcome.users)
        if welcome.room != room { return "is to \(welcome.room), and not to \(room)" }
        if users.count != welcome.users.count || users.count != Int(welcome.userCount) {
            return "counts \(welcome.users) wrong"
        }
        if !users.contains(welcome.username) { return "does not name \(welcome.username)" }
        let events = welcome.history.map(Heard.init)
        let seqs = events.map(\.seq)
        if zip(seqs, seqs.dropFirst()).contains(where: { $0 >= $1 }) { return "has its history out of order" }
        if let last = seqs.last, last > welcome.seq { return "has an event after its own seq" }
        guard let since, since <= welcome.seq else {
            if seqs.count > 100 || events.contains(where: { $0.type != "message" }) {
                return "has more than the newest messages"
            }
            if welcome.hasGap != (since != nil) { return "has a gap for nobody" }
            let known = Set(seqs)
            let first = seqs.first ?? .max
            let missing = rooms[room]?.messages.keys.filter { $0 >= first && $0 <= welcome.seq && !known.contains($0) }
            if let missing = missing?.min() { return "leaves out message \(missing)" }
            return forgotten(by: known, upTo: welcome.seq, in: room).map { "has forgotten message \($0)" }
        }
        if !welcome.hasGap, rooms[room]?.lostTail.contains(since) == true, welcome.seq >> 32 < (since >> 32) + 8 {
            return "tells no gap to somebody who has seen event \(since), which is lost"
        }
        // Who has seen what was lost in a power cut begins anew.
        let knowsWhatIsLost = welcome.hasGap && rooms[room]?.seen[since] == nil
        if let first = seqs.first, first <= since, !knowsWhatIsLost { return "tells what the client knows" }
        if welcome.hasGap || mayHaveLostEvents { return nil }
        // Seqs jump after a power cut; and of those that nobody has seen nobody can say whether there is an event.
        let seen = rooms[room]?.seen ?? [:]
        let expected = seen.keys.filter { $0 > since && $0 <= welcome.seq }.sorted()
        let told = seqs.filter { seen[$0] != nil }
        return told == expected
            ? nil : "has \(seqs) after \(since), up to \(welcome.seq), and no gap"
    }

    /// Someone who said a message again gets the first one's event, which without a disk may have to be put together anew.
    private func seeAgain(_ message: Heard, _ text: [UInt8], in room: String, by person: Int) {
        guard world.plan.options.isEphemeral else { return see(text, in: room, by: person) }
        checkText(message, in: room)
        if rooms[room]?.messages[message.seq] == nil {
            fail("person \(person) was given message \(message.seq) again, and it is another")
        }
    }

    private func see(_ event: [UInt8], in room: String, by person: Int) {
        let heard = Heard(event)
        let seq = heard.seq
        checkText(heard, in: room)
        if let known = rooms[room]?.seen[seq] {
            if known == heard.digest { return }
            fail(
                "person \(person) saw another event \(seq) in \(room) than others did: \(String(decoding: event, as: UTF8.self))"
            )
        }
        if let lost = rooms[room]?.lost[seq], lost != heard.digest { fail("seq \(seq) in \(room) was used twice") }
        rooms[room, default: RoomRecord()].seen[seq] = heard.digest
        world.trace(
            "\(room) \(seq)  \(heard.type) of \(heard.username) \(heard.id ?? heard.to)\(heard.target > 0 ? " at \(heard.target)" : "")\(heard.action), first seen by person \(person)"
        )
        world.cutPowerOnSight()
        switch heard.type {
        case "leave": noteLeave(of: heard.username, seq, in: room)
        case "rename": noteRename(of: heard.username, to: heard.to, seq, in: room)
        case "delete": noteDeletion(of: heard.target, by: seq, in: room)
        case "moderation": noteModeration(heard, in: room)
        case "message":
            // Of one that was changed nobody can say how much memory it takes.
            rooms[room]?.messages[seq] = heard.isEdited || heard.isDeleted ? Judge.longestLine : event.count
            rooms[room]?.sources[seq] = (heard.id ?? "", heard.user, heard.time)
        default: break
        }
    }

    // MARK: What the persons do

    /// Whether a message may have been said twice through nobody's fault.
    func mayBeSaidTwice(_ id: String) -> Bool { said[id].map { missed.contains($0.person) } ?? false }

    static func fingerprint(_ text: String) -> UInt64 {
        var digest = Digest()
        digest.add(Array(text.utf8).span)
        return digest.value
    }

    /// A person has seen its own message come back.
    func acknowledge(_ id: String, room: String, seq: UInt64) {
        if let known = acknowledged[id], known.seq != seq || known.room != room, !mayBeSaidTwice(id) {
            fail("message \(id) was said twice: as \(known.seq) and as \(seq) in \(room)")
        }
        acknowledged[id] = (room, seq)
    }

    /// A person who behaves was sent away.
    func dismissed(_ person: Int, from room: String, _ link: Link, code: UInt16, reason: String) {
        world.trace("person \(person) was sent away with \(code) (\(reason))")
        switch code {
        case 1001 where world.isStopping: break
        // The others see which event it was.
        case 4003 where rulesOut.contains(room): world.reach(.putOut)
        case 1013 where link.isHindered || world.plan.isCramped: break
        default: fail("person \(person), who behaves, was sent away with \(code): \(reason)")
        }
    }

    /// The connection of a person who behaves has ended without a word of the server's.
    func dropped(_ person: Int, _ link: Link) {
        guard link.wasClosedByServer, !link.isHindered, !world.isStopping, !world.plan.isCramped else { return }
        fail("connection \(link.number) of person \(person), who behaves, was dropped without a word")
    }

    /// Nothing more is heard on a connection.
    func forget(_ link: Link) { lines[link.number] = nil }

    // MARK: What becomes of the server

    func endTick(_ server: borrowing Server<SimulatedWorld>) {
        ticks += 1
        lookForHaste()
        lookForTheDeleted()
        if ticks % 32 == 0 || world.isCalm && ticks % 4 == 0 {
            inspect(server.health)
            lookForTheForgotten()
        }
    }

    /// The server's process is gone; its files are what they are.
    func serverIsGone(lostPower: Bool) {
        lines = [:]
        stays = [:]
        hasLostPower = hasLostPower || lostPower
        if lostPower, world.plan.fsync != .always || world.plan.options.isEphemeral { toldDone = [:] }
        if world.plan.options.isEphemeral {
            // What follows is another history, which knows nothing of this one.
            rooms = [:]
            acknowledged = [:]
            deletions = []
        }
        for room in rooms.keys.sorted() {
            var kept: [UInt64: UInt64] = [:]
            for event in LogReader.events(of: room, on: world.disk).events { kept[event.seq] = event.digest }
            // Before something is said in a room, nothing of it is kept: who has come and gone until then is forgotten.
            let first = kept.keys.min() ?? .max
            for (seq, _) in rooms[room]?.seen ?? [:] where seq < first && rooms[room]?.messages[seq] == nil {
                rooms[room]?.seen[seq] = nil
            }
            guard lostPower, world.plan.fsync != .always else { continue }
            for (seq, digest) in rooms[room]?.seen ?? [:] where kept[seq] != digest {
                rooms[room]?.seen[seq] = nil
                rooms[room]?.messages[seq] = nil
                if let source = rooms[room]?.sources[seq] { lostMessages.insert(source.id) }
                // What is left of a torn line nobody can tell to be that message.
                rooms[room]?.sources[seq] = nil
                rooms[room]?.lost[seq] = digest
                if seq > kept.keys.max() ?? 0 { rooms[room]?.lostTail.insert(seq) }
            }
            deletions.removeAll { $0.room == room && rooms[room]?.seen[$0.seq] == nil }
            noteLostMarks(of: room)
            acknowledged = acknowledged.filter { $0.value.room != room || rooms[room]?.seen[$0.value.seq] != nil }
        }
    }
}
