import Checker
import Cluster
import Server

/// Watches everything that happens in a cluster, and says when something happens that must not.
package final class SeveralJudge {
    package private(set) var failure: String?
    package var hasFailed: Bool { failure != nil }
    private unowned let world: SeveralNodes
    private var lastMark = 0
    /// Where in a room's records each mark stands.
    private var places: [Int: (room: String, position: UInt64)] = [:]
    /// Marks that stood in records which the engine has lost.
    private var lostMarks: Set<Int> = []
    package private(set) var hasLostTail = false
    /// The seqs of the events in which each mark was seen, by room.
    private var sightings: [Int: Set<Event>] = [:]
    /// Events that were seen and are lost, and since when that is so.
    private var lostEvents: [Event: Int64] = [:]
    private var memories: [Int: Memory] = [:]
    package private(set) var reached = Reached()

    /// How much there was to judge.
    package struct Reached: Sendable {
        package var events = 0
        /// Resumes: all, those at another node than the last, and those that were told a gap.
        package var resumes = 0
        package var changesOfNode = 0
        package var gaps = 0
        package var lostEvents = 0

        package init() {}

        package mutating func add(_ other: Reached) {
            events += other.events
            resumes += other.resumes
            changesOfNode += other.changesOfNode
            gaps += other.gaps
            lostEvents += other.lostEvents
        }
    }

    private struct Event: Hashable {
        var room: String
        var seq: UInt64
    }

    /// What a person has seen since it began anew, and its newest join.
    private struct Memory {
        var seen: Set<Event> = []
        var joinedAt: Int64 = 0
        var since: UInt64?
        var node: Int?
    }

    init(_ world: SeveralNodes) { self.world = world }

    /// Something has happened that must not. The first such thing counts.
    func fail(_ reason: @autoclosure () -> String) {
        guard failure == nil else { return }
        failure = reason()
        world.trace("JUDGE  \(failure ?? "")")
    }

    // MARK: What the engine keeps

    func newMark() -> Int {
        lastMark += 1
        return lastMark
    }

    /// The engine has kept something.
    func kept(_ published: SimulatedEngine.Published) {
        guard case .record(let record) = published.notice, case .inputs(let inputs) = record.content else { return }
        for case .input(let bytes) in inputs.items {
            for mark in Self.marks(in: bytes) {
                // What is sent again comes to nothing.
                if places[mark] == nil { places[mark] = (published.room, record.position) }
                lostMarks.remove(mark)
            }
        }
    }

    /// The engine has lost all records behind these positions.
    func tailIsLost(after last: [String: UInt64]) {
        hasLostTail = true
        for (mark, place) in places.sorted(by: { $0.key < $1.key }) where place.position > last[place.room] ?? 0 {
            places[mark] = nil
            lostMarks.insert(mark)
            for event in sightings[mark] ?? [] { lose(event) }
        }
    }

    private func lose(_ event: Event) {
        guard lostEvents[event] == nil else { return }
        lostEvents[event] = world.now
        reached.lostEvents += 1
    }

    /// The numbers that stand between tildes.
    private static func marks(in bytes: [UInt8]) -> [Int] {
        bytes.split(separator: UInt8(ascii: "~")).compactMap { part in
            part.count < 10 && part.allSatisfy { (0x30...0x39).contains($0) }
                ? Int(String(decoding: part, as: UTF8.self)) : nil
        }
    }

    // MARK: What people hear

    /// Somebody asks to join.
    func joins(_ person: Traveller) {
        var memory = memories[person.index] ?? Memory()
        memory.joinedAt = world.now
        memory.since = person.session?.client.session == nil ? nil : person.session?.client.seq
        memories[person.index] = memory
    }

    func heard(_ person: Traveller, _ message: Heard, _ text: [UInt8]) {
        if message.type == "welcome" { welcomed(person, message) }
        if message.seq > 0, message.type != "welcome" { see(message, text, person) }
        for event in message.history { see(Heard(event), event, person) }
    }

    private func welcomed(_ person: Traveller, _ welcome: Heard) {
        var memory = memories[person.index] ?? Memory()
        world.trace(
            "\(person.name) is welcome at node \(person.node), seq \(welcome.seq), since \(memory.since ?? 0)\(welcome.hasGap ? ", gap" : "")"
        )
        if memory.since != nil {
            reached.resumes += 1
            if memory.node != person.node { reached.changesOfNode += 1 }
            if welcome.hasGap {
                reached.gaps += 1
                // While the engine cannot be read, nobody can be told all that they have missed.
                if !hasLostTail, world.lastEngineTrouble < memory.joinedAt {
                    fail("\(person.name) is told a gap, and nothing is lost")
                }
            } else if let event = memory.seen.first(where: { lostEvents[$0] ?? .max < memory.joinedAt }) {
                fail("\(person.name) is told no gap, and has seen \(event.seq) in \(event.room), which is lost")
            }
        }
        if welcome.hasGap || memory.since == nil { memory.seen = [] }
        memory.node = person.node
        memories[person.index] = memory
    }

    /// Nothing is shown that is not kept.
    private func see(_ heard: Heard, _ text: [UInt8], _ person: Traveller) {
        guard heard.type == "message" || heard.type == "edit" else { return }
        let event = Event(room: person.room, seq: heard.seq)
        for mark in Self.marks(in: text) {
            if places[mark] == nil, !lostMarks.contains(mark) {
                fail("\(person.name) is shown ~\(mark)~ (\(event.room) \(event.seq)), which is not kept")
            }
            // An edited message shows the mark of its edit.
            guard !heard.isEdited else { continue }
            if sightings[mark]?.contains(event) != true {
                reached.events += 1
                world.trace("\(event.room) \(event.seq)  \(heard.type) ~\(mark)~ of \(heard.username), \(person.name)")
            }
            sightings[mark, default: []].insert(event)
            memories[person.index, default: Memory()].seen.insert(event)
            if places[mark] == nil { lose(event) }
        }
    }

    /// A node has ended somebody's connection.
    func dismissed(_ person: Traveller, _ link: Link, code: UInt16, reason: String) {
        world.trace("\(person.name) is sent away with \(code) (\(reason))")
        let isTroubled = world.plan.hasFaults && world.now < (world.calmSince ?? .max / 2) + 30_000_000_000
        switch code {
        case 1001 where world.nodes[person.node].isStopping: break
        case 1012 where isTroubled: break
        case 4003: break
        // Whoever is refused stays connected for a while.
        case 1008 where person.session?.client.phase == .out: break
        case 1008 where link.isHindered, 1013 where link.isHindered: break
        default: fail("\(person.name), who behaves, is sent away with \(code): \(reason)")
        }
    }

    /// Whether a node may end by itself: one that begins while the engine cannot be used.
    func mayFail(_ node: SimulatedNode) -> Bool { world.lastEngineTrouble > node.startedAt - 15_000_000_000 }

    // MARK: The end

    func conclude() {
        compareNodes()
        comparePages()
        do {
            for (room, transcripts) in try world.transcripts() where !hasFailed {
                var options = Checker.Options()
                options.mayLoseEvents = hasLostTail
                let violations = Checker.check(transcripts, options: options).violations
                guard !violations.isEmpty else { continue }
                let reasons = violations.prefix(5).map(\.description).joined(separator: "\n")
                fail("no order of \(room): \(reasons)\nThe transcripts: \(world.keepTranscripts(of: room))")
            }
        } catch {
            fail("the transcripts: \(error)")
        }
    }

    /// Everyone is in, has been heard, and believes in what all nodes have.
    private func compareNodes() {
        let hopes = world.people.compactMap { person in person.hope.map { (person, $0) } }
        var reality: [String: Set<String>] = [:]
        for (person, hope) in hopes {
            if !hope.isSettled { fail("\(person.name) is not in \(hope.room), or has not been heard: \(hope.state)") }
            reality[hope.room, default: []].insert(hope.username)
        }
        var seqs: [String: UInt64] = [:]
        for node in world.nodes {
            guard let health = node.health else { return fail("node \(node.index) is not there") }
            for room in health.rooms where room.present > 0 {
                if Set(room.members) != reality[room.name] ?? [] {
                    fail(
                        "node \(node.index) has \(room.members.sorted()) in \(room.name), and there are \((reality[room.name] ?? []).sorted())"
                    )
                }
                if seqs[room.name, default: room.seq] != room.seq {
                    fail("node \(node.index) is at \(room.seq) in \(room.name), and others at \(seqs[room.name] ?? 0)")
                }
                seqs[room.name] = room.seq
            }
        }
        for (person, hope) in hopes {
            if Set(hope.people) != reality[hope.room] ?? [] {
                fail("\(person.name) believes in \(hope.people), and there are \((reality[hope.room] ?? []).sorted())")
            }
            // With a new epoch seqs go on elsewhere, of which nobody is told before the next event.
            let seq = seqs[hope.room] ?? 0
            if hope.seq != seq, hope.seq > seq || seq & 0xFFFF_FFFF != 0 {
                fail("\(person.name) is at \(hope.seq) in \(hope.room), and its node at \(seq)")
            }
        }
    }

    /// Each node has the same past: those that have lived it, and the one that has read it.
    private func comparePages() {
        let auditors = world.people.filter(\.isAuditor)
        for auditor in auditors where !auditor.hasReadAll { fail("\(auditor.name) has not read all of the history") }
        for auditor in auditors where auditor.pages != auditors[0].pages {
            fail("node \(auditor.node) tells another past than node \(auditors[0].node)")
        }
    }
}
