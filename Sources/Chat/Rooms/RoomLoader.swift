import Bytes

/// Makes a room of the lines of its log: a snapshot, and what has happened since.
package struct RoomLoader: Sendable {
    package enum Verdict: Sendable, Equatable {
        /// An event, or a piece of a snapshot.
        case taken
        /// Nothing that a server has written, or written so.
        case unreadable
        /// An event whose seq is not greater than the one before it.
        case outOfOrder
    }

    var room: Room
    /// The seq of the last event.
    var last: UInt64 = 0
    /// What events up to this one have done is told by a snapshot.
    var toldThrough: UInt64 = 0
    private var firstEvent: UInt64?
    private var messages = 0
    /// Whether the newest snapshot that was begun is complete.
    package internal(set) var isComplete = false
    private var visible: [UInt8] = []
    /// The seqs of events whose requests had identifiers.
    private var eventsWithIDs: Set<UInt64> = []
    /// The seq by which the first file is named that is taken: its snapshot tells of that event, too, though the event's own line
    /// stands behind it and may be lost.
    package var fileStart: UInt64 = .max

    package init(room name: String, rules: RoomRules) { room = Room(name: name, rules: rules, isLoaded: false) }

    /// Whether nothing of the room is known: no event has been taken, and no snapshot.
    package var isEmpty: Bool { last == 0 && room.seq == 0 }

    /// Whether there are as many messages as a welcome tells.
    package var hasEnoughMessages: Bool { messages >= room.rules.recentMessages }
    /// The seq of the first event that was taken, or of what follows the newest.
    package var firstSeq: UInt64 { firstEvent ?? max(last, room.seq) + 1 }

    /// The seq of the newest event that is there. A snapshot tells of the events behind it, too: those of them that are not there are
    /// lost.
    private var newestKept: UInt64 { firstEvent == nil ? min(room.seq, fileStart - 1) : last }

    // MARK: Lines

    /// Takes the next line, given without its line break.
    ///
    /// - Parameter usesSnapshots: false where the snapshot that the line may be a piece of is not complete: then events alone
    ///   tell what has happened.
    package mutating func take(_ line: Span<UInt8>, usesSnapshots: Bool = true) -> Verdict {
        if let event = EventLine(line) {
            guard event.seq > last else { return .outOfOrder }
            noteJump(to: event.seq)
            last = event.seq
            firstEvent = firstEvent ?? event.seq
            if event.kind == .message { messages += 1 }
            if event.id.kind == .string { eventsWithIDs.insert(event.seq) }
            visible.removeAll(keepingCapacity: true)
            event.appendVisible(of: line, to: &visible)
            let text = visible
            room.recent.append(
                seq: event.seq, text: 0..<text.count, of: text.span, event.kind, room.rules)
            if event.kind == .message { noteFacts(event, line) }
            if event.seq > toldThrough { apply(event, line) }
            return .taken
        }
        guard usesSnapshots else { return RoomLoader.snapshotPart(line) == nil ? .unreadable : .taken }
        return takeSnapshot(line) ? .taken : .unreadable
    }

    /// Seqs have gone on from another power of 2^32: what came between may have been used, and was lost.
    private mutating func noteJump(to seq: UInt64) {
        let known = max(last, room.seq)
        guard known > 0, (seq >> 32) > (known >> 32) else { return }
        room.noteJump(from: newestKept, to: (seq >> 32) << 32)
    }

    /// Brings what is known up to date by an event.
    private mutating func apply(_ event: EventLine, _ line: Span<UInt8>) {
        room.moment.time = max(room.moment.time, event.time)
        let hidden = JSONFields(line.extracting(event.hidden.range))
        let hiddenText = line.extracting(event.hidden.range)
        let name = String(unescaping: event.username, of: line)
        let told = hidden.flatMap { JSONScanner.whole(hiddenText, $0["member"]) }
        let number = told.flatMap { isNumber($0) ? $0 : nil } ?? room.names[Username(kept: name).folded]
        switch event.kind {
        case .join:
            let session = hidden.flatMap { UInt128(hexadecimal: hiddenText.extracting($0["session"].range)) }
            let isKeyed = hidden?["keyed"].kind == .boolean
            join(name, event.user(in: line), session: session, isKeyed: isKeyed, number: number)
            if let person = room.peopleByUser[event.user(in: line)] {
                room.forgetLapsedBan(of: person, time: event.time)
            }
            if let hidden, let address = JSONScanner.whole(hiddenText, hidden["address"]),
                let person = room.peopleByUser[event.user(in: line)]
            {
                room.noteAddress(address, of: person)
            }
        case .leave:
            if let person = room.peopleByUser[event.user(in: line)] {
                room.people[person]?.seen = event.time
                if let number { room.noteAdmission(of: person, number) }
            }
            if let number { room.remove(number) }
        case .rename:
            guard event.to.kind == .string else { return }
            let username = Username(kept: String(unescaping: event.to, of: line))
            // The member may stand in a piece of the snapshot that is still to come.
            if let person = room.peopleByUser[event.user(in: line)] { room.noteName(username, of: person) }
            guard let number else { return }
            if let other = room.names[username.folded], other != number { room.remove(other) }
            room.setName(of: number, to: username)
        case .message, .edit, .delete, .react, .moderation:
            applyChange(event, line, hidden, hiddenText)
            if let decision = Decision(event, line, in: room) {
                room.carryOut(decision)
                if decision.action == .purge { notePurge(event, line, from: decision.from) }
            }
            if event.isBot(in: line) {
                let person = room.person(event.user(in: line), isKeyed: true)
                room.people[person]?.seen = event.time
                room.noteName(Username(kept: name), of: person)
            }
            guard let person = room.peopleByUser[event.user(in: line)] else { break }
            if event.kind == .message { room.people[person]?.said = event.time }
            if event.kind == .message, hidden?["host"].kind == .boolean { room.makeHost(person, by: event.seq) }
            guard event.id.kind == .string else { break }
            let id = UsedIDs.hash(of: line.extracting(event.id.quotedRange))
            room.people[person]?.used.insert(id, seq: event.seq, time: event.time)
        }
        room.undo.removeAll()
    }

    /// A host has deleted what a user had said: texts of it may stand in the log still.
    private mutating func notePurge(_ event: EventLine, _ line: Span<UInt8>, from: Int64) {
        guard let fields = JSONFields(line), let user = UserID(line.extracting(fields["toUser"].range)) else { return }
        room.purges.append(Purge(user: user, from: from, seq: event.seq))
    }

    /// What a message's own line tells of what was done to it.
    private mutating func noteFacts(_ event: EventLine, _ line: Span<UInt8>) {
        guard let told = event.facts(in: line) else { return }
        room.facts[event.seq, default: MessageFacts()].complete(by: told)
    }

    /// What an event has done to a message.
    private mutating func applyChange(
        _ event: EventLine, _ line: Span<UInt8>, _ hidden: JSONFields?, _ hiddenText: Span<UInt8>
    ) {
        guard let target = JSONScanner.whole(line, event.target) else { return }
        var facts = room.facts[target] ?? MessageFacts()
        switch event.kind {
        case .edit where event.text.kind == .string:
            facts.edit = MessageFacts.Edit(
                seq: event.seq, time: event.time, text: Array(copying: line.extracting(event.text.quotedRange)))
        case .delete: facts.delete(by: event.seq)
        case .react where event.emoji.kind == .string:
            let told = hidden.flatMap { MessageFacts.reactions($0["reactions"], of: hiddenText) }
            var reactions = facts.reactions ?? told ?? []
            let giver = MessageFacts.Reaction.Giver(
                user: event.user(in: line), username: String(unescaping: event.username, of: line), seq: event.seq)
            MessageFacts.change(
                &reactions, emoji: String(unescaping: event.emoji, of: line), giver: giver, on: event.isOn(in: line))
            facts.reactions = reactions
        default: return
        }
        facts.newest = event.seq
        facts.isUnfolded = true
        room.facts[target] = facts
    }

    private mutating func join(_ name: String, _ user: UserID, session: UInt128?, isKeyed: Bool, number: UInt64?) {
        let username = Username(kept: name)
        let number = session == nil ? room.members.next : number ?? room.members.next
        if let other = room.names[username.folded] { room.remove(other) }
        if let other = session.flatMap({ room.sessions[$0] }) { room.remove(other) }
        room.remove(number)
        let person = room.person(user, isKeyed: isKeyed)
        room.people[person]?.seen = room.moment.time
        room.noteName(username, of: person)
        room.insert(
            Member(
                username: username, user: user, isKeyed: isKeyed, session: session ?? Room.ghostSession(number),
                person: person, since: room.moment.time), at: number)
    }

    /// Identifiers of events that a power cut has taken: what was said with them may be said again.
    private func forgetLostIDs(_ room: inout Room) {
        let first = min(firstEvent ?? .max, fileStart)
        var numbers: [UInt64] = []
        room.people.forEach { number, person in if !person.used.isEmpty { numbers.append(number) } }
        for number in numbers {
            room.people[number]?.used.forget { $0 >= first && !eventsWithIDs.contains($0) }
        }
    }

    // MARK: The whole

    /// The room as it was, with nobody connected.
    ///
    /// - Parameters:
    ///   - olderMessages: stored messages from before the first line that was taken, with their line breaks.
    ///   - isWhole: whether there are none before those.
    ///   - base: what the newest seq is at least: a multiple of 2^32, by how often the machine was not stopped cleanly.
    package consuming func finish(olderMessages: Span<UInt8>, isWhole: Bool, base: UInt64) -> Room {
        var room = room
        room.recent.load(
            olderMessages: olderMessages, isWhole: isWhole, droppedThrough: firstSeq - 1, room.rules)
        EventLine.forEach(in: olderMessages) { event, range in
            guard let told = event.facts(in: olderMessages.extracting(range)) else { return }
            room.facts[event.seq, default: MessageFacts()].complete(by: told)
        }
        room.seq = max(room.seq, last)
        // What is read from a log has one; a room that is only recorded may have none.
        if room.firstKept == 0, firstEvent != nil { room.firstKept = firstSeq }
        // Also where nothing is left of it: what was said there may have been lost as a whole.
        if base > room.seq {
            room.noteJump(from: newestKept, to: base)
            room.seq = base
            // The mark that says so may be lost, too.
            if room.hasUnfoldedDeletions { room.unerased = room.seq }
        }
        forgetLostIDs(&room)
        room.trimFacts()
        room.phase = .ready
        room.beginTick()
        return room
    }
}

extension Room {
    /// Seqs go on from `to`; those after `from` may have been used and lost.
    mutating func noteJump(from: UInt64, to: UInt64) {
        guard !jumps.contains(where: { $0.to == to }) else { return }
        jumps.append((from, to))
        if jumps.count > RoomRules.rememberedJumps { jumps.removeFirst() }
    }
}
