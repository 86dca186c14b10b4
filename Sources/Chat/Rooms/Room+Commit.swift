import Bytes

/// Something that a tick has changed, and how to take it back.
enum UndoRecord: Sendable {
    case usedID(UInt64, UsedIDs.Hash)
    /// All that a person had used, where a part of it was forgotten.
    indirect case usedIDs(UInt64, UsedIDs)
    /// When a person had last said something.
    case said(UInt64, Int64)
    indirect case settings(RoomSettings)
    indirect case server(ServerFacts)
    case joined(UInt64)
    indirect case left(UInt64, Member)
    indirect case renamed(UInt64, from: Username)
    case attached(UInt64)
    case detached(UInt64, ConnectionID, hearsFrom: UInt64)
    /// A person as it was, without its identifiers; nil where there was none.
    indirect case person(UInt64, PersonRecord?)
    /// What was done to a message; nil where nothing was.
    indirect case facts(UInt64, MessageFacts?)
    /// A purge was added.
    case purged
    /// The newest deletion whose text is still in the log.
    case erasing(UInt64)
}

/// What of a person changes with joins, leaves, renames and what hosts do.
struct PersonRecord: Sendable {
    var seen: Int64
    var names: [(folded: String, time: Int64)]
    var name: String?
    var addresses: [UInt64]
    var standing: Standing

    init(_ person: Person) {
        (seen, names, name) = (person.seen, person.names, person.name)
        (addresses, standing) = (person.addresses, person.standing)
    }
}

/// What follows from whether the disk has taken a tick's events.
extension Room {
    /// Notes how a person is before it changes.
    mutating func note(_ number: UInt64) {
        let isNew = number >= start.person
        undo.append(
            .person(
                number,
                isNew ? nil : people[number].map { PersonRecord($0) }))
    }

    /// The events are written: they are history.
    mutating func commit(counting counters: inout ChatCounters) {
        var number = start.seq
        let lines = lines
        for entry in pending[firstNew...] {
            guard case .event(let kind) = entry.kind else { continue }
            number += 1
            recent.append(
                seq: number, text: entry.range, of: lines.span, kind, rules)
            counters.count(kind)
        }
        precondition(number == seq, "a room's events and its seq have come apart")
        let isDue = people.next / RoomRules.peopleBetweenLooks > start.person / RoomRules.peopleBetweenLooks
        counters.repeats += repeats
        counters.resumes += resumes
        beginTick()
        if isDue { forgetPeople() }
        trimFacts()
    }

    /// What comes next is another tick's.
    mutating func beginTick() {
        repeats = 0
        resumes = 0
        hasDecided = false
        writtenSeq = seq
        undo.removeAll(keepingCapacity: undo.capacity <= 256)
        inputs.removeAll(keepingCapacity: inputs.capacity <= 64)
        refusesEvents = false
        if !fetchedMessages.isEmpty { fetchedMessages = [:] }
        start = TickStart(
            bytes: lines.count, entries: nextEntry, seq: seq, member: members.next, person: people.next,
            firstKept: firstKept)
    }

    /// The events of this tick could not be written: they have not happened, and nobody has seen them. All is as it was, and
    /// the tick's inputs are taken again, of which those that would make an event are refused.
    mutating func rollBack(_ bytes: Span<UInt8>, counting counters: inout ChatCounters) {
        precondition(!refusesEvents, "a tick without events is taken back")
        counters.takenBack += seq - start.seq
        for record in undo.reversed() { revert(record) }
        undo.removeAll()
        seq = start.seq
        firstKept = start.firstKept
        nextEntry = start.entries
        pending.removeLast(pending.count - firstNew)
        lines.removeLast(lines.count - start.bytes)
        members.reuse(from: start.member)
        people.reuse(from: start.person)
        graces.removeAll()
        refusals.removeAll()
        serverChanges.removeAll()
        repeats = 0
        resumes = 0
        refusesEvents = true
        for input in inputs { decide(input, bytes) }
        precondition(seq == start.seq, "an event was made while none can be written")
    }

    private mutating func revert(_ record: UndoRecord) {
        switch record {
        case .usedID(let person, let hash): people[person]?.used.remove(hash)
        case .usedIDs(let person, let used): people[person]?.used = used
        case .said(let person, let time): people[person]?.said = time
        case .settings(let old): settings = old
        case .server(let old): server = old
        case .joined(let number): remove(number)
        case .left(let number, let member): insert(member, at: number)
        case .renamed(let number, let old): setName(of: number, to: old)
        case .attached(let number): detach(number)
        case .detached(let number, let id, let hears):
            attach(id, to: number)
            hearsFrom[hearsFrom.count - 1] = hears
        case .person(let number, let old): revert(person: number, to: old)
        case .facts(let target, let old): facts[target] = old
        case .purged: purges.removeLast()
        case .erasing(let old): unerased = old
        }
    }

    private mutating func revert(person number: UInt64, to old: PersonRecord?) {
        guard let person = people[number] else { return }
        for name in person.names where nameUsers[name.folded] == number { nameUsers[name.folded] = nil }
        guard let old else {
            if person.members == 0 {
                _ = people.remove(number)
                peopleByUser[person.user] = nil
            }
            return
        }
        people[number]?.seen = old.seen
        people[number]?.names = old.names
        people[number]?.name = old.name
        people[number]?.addresses = old.addresses
        people[number]?.standing = old.standing
        for name in old.names { nameUsers[name.folded] = number }
    }
}
