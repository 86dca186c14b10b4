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

    private var room: Room
    /// The seq of the last event.
    private var last: UInt64 = 0
    /// What events up to this one have done is told by a snapshot.
    private var toldThrough: UInt64 = 0
    private var firstEvent: UInt64?
    private var messages = 0
    /// Whether the newest snapshot that was begun is complete.
    package private(set) var isComplete = false
    private var visible: [UInt8] = []
    /// The seqs of events whose requests had identifiers.
    private var eventsWithIDs: Set<UInt64> = []
    /// The seq by which the first file is named that is taken: its snapshot tells of that event, too, though the event's own line
    /// stands behind it and may be lost.
    package var fileStart: UInt64 = .max

    package init(room name: String, rules: RoomRules) { room = Room(name: name, rules: rules, isLoaded: false) }

    /// Whether there are as many messages as a welcome tells.
    package var hasEnoughMessages: Bool { messages >= room.rules.recentMessages }
    /// The seq of the first event that was taken, or of what follows the newest.
    package var firstSeq: UInt64 { firstEvent ?? max(last, room.seq) + 1 }

    /// Whether a line is a piece of a snapshot: whether it is the first one, and whether it is the last.
    package static func snapshotPart(_ line: Span<UInt8>) -> (isFirst: Bool, isLast: Bool)? {
        guard UTF8Validator.isValid(line), let fields = JSONFields(line), fields["type"].kind == .string,
            line.extracting(fields["type"].range).isEqual(to: "snapshot")
        else { return nil }
        let isLast = fields["last"].kind == .boolean && line[fields["last"].range.lowerBound] == UInt8(ascii: "t")
        return (JSONScanner.whole(line, fields["part"]) == 0, isLast)
    }

    /// Appends a piece of a snapshot without the texts of some messages, line break included.
    ///
    /// - Returns: false where the line is no such piece, or has none of them; then nothing is appended.
    package static func appendSnapshot(
        _ line: Span<UInt8>, without isForgotten: (UInt64) -> Bool, to bytes: inout [UInt8]
    ) -> Bool {
        guard snapshotPart(line) != nil, let fields = JSONFields(line), fields["facts"].kind == .array else {
            return false
        }
        var facts: [UInt8] = []
        var hasForgotten = false
        var at = fields["facts"].range.lowerBound
        _ = JSONScanner.elements(line, &at) { element in
            if !facts.isEmpty { facts.append(UInt8(ascii: ",")) }
            let text = line.extracting(element.range)
            if let (target, known) = MessageFacts.read(text), known.edit != nil, isForgotten(target) {
                hasForgotten = true
                var deleted = known
                deleted.delete(by: known.newest)
                deleted.append(target: target, to: &facts)
            } else {
                facts.append(copying: text)
            }
        }
        guard hasForgotten else { return false }
        bytes.append(copying: line.extracting(0..<fields["facts"].range.lowerBound))
        bytes.append("[")
        bytes.append(copying: facts.span)
        bytes.append("]")
        bytes.append(copying: line.extracting(fields["facts"].range.upperBound..<line.count))
        bytes.append("\n")
        return true
    }

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
        room.noteJump(from: known, to: (seq >> 32) << 32)
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
        guard room.facts[event.seq] == nil, let facts = event.facts(in: line) else { return }
        room.facts[event.seq] = facts
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

    // MARK: Snapshots

    private mutating func takeSnapshot(_ line: Span<UInt8>) -> Bool {
        guard let part = RoomLoader.snapshotPart(line), let fields = JSONFields(line),
            let seq = JSONScanner.whole(line, fields["seq"]), seq <= Limits.largestSeq
        else { return false }
        if part.isFirst { begin(fields, line, seq: seq) }
        room.seq = max(room.seq, seq)
        isComplete = part.isLast
        elements(line, fields["people"]) { takePerson($0) }
        elements(line, fields["members"]) { takeMember($0) }
        elements(line, fields["facts"]) { text in
            guard let (target, facts) = MessageFacts.read(text) else { return }
            room.facts[target] = facts
            room.facts[target]?.isUnfolded = true
        }
        return true
    }

    private mutating func begin(_ fields: JSONFields, _ line: Span<UInt8>, seq: UInt64) {
        // Later pieces tell of others: what happens to those who have been told of is found in the events.
        toldThrough = max(toldThrough, seq)
        room.firstKept = JSONScanner.whole(line, fields["first"]) ?? seq + 1
        if let next = JSONScanner.whole(line, fields["nextMember"]), isNumber(next) {
            room.members.reserve(below: next)
        }
        if let next = JSONScanner.whole(line, fields["nextPerson"]), isNumber(next) { room.people.reserve(below: next) }
        elements(line, fields["purges"]) { text in
            guard let purge = Purge(text) else { return }
            room.purges.append(purge)
        }
        room.settings = RoomSettings(fields["settings"], of: line)
        elements(line, fields["jumps"]) { jump in
            var bounds: [UInt64] = []
            var at = 0
            _ = JSONScanner.elements(jump, &at) { bounds.append(JSONScanner.whole(jump, $0) ?? 0) }
            if bounds.count == 2 { room.noteJump(from: bounds[0], to: bounds[1]) }
        }
    }

    private mutating func takePerson(_ text: Span<UInt8>) {
        guard let fields = JSONFields(text), let told = JSONScanner.whole(text, fields["person"]), isNumber(told),
            let user = UserID(text.extracting(fields["user"].range))
        else { return }
        // A user who is known already keeps the number, since members have it; and no other person's is taken.
        var number = room.peopleByUser[user] ?? told
        if let other = room.people[number], other.user != user { number = room.people.next }
        let seen = Int64(clamping: JSONScanner.whole(text, fields["seen"]) ?? 0)
        var person = Person(user: user, isKeyed: fields["keyed"].kind == .boolean, seen: seen)
        person.members = room.people[number]?.members ?? 0
        if fields["name"].kind == .string {
            person.username = Username(kept: String(unescaping: fields["name"], of: text))
        }
        person.addresses = wholeNumbers(fields["addresses"], in: text)
        person.standing = Standing(fields, of: text)
        person.said = Int64(clamping: JSONScanner.whole(text, fields["said"]) ?? 0)
        elements(text, fields["names"]) { pair in
            var (name, time) = (JSONToken.absent, Int64(0))
            var at = 0
            _ = JSONScanner.elements(pair, &at) { value in
                if value.kind == .string {
                    name = value
                } else {
                    time = Int64(clamping: JSONScanner.whole(pair, value) ?? 0)
                }
            }
            guard name.kind == .string else { return }
            person.names.append((String(unescaping: name, of: pair), time))
        }
        person.used = UsedIDs(newer: generation(text, fields["ids"]), older: generation(text, fields["olderIDs"]))
        for name in room.people[number]?.names ?? [] where room.nameUsers[name.folded] == number {
            room.nameUsers[name.folded] = nil
        }
        room.people.insert(person, at: number)
        room.peopleByUser[user] = number
        for name in person.names { room.nameUsers[name.folded] = number }
        room.moment.time = max(room.moment.time, seen)
    }

    private func generation(_ text: Span<UInt8>, _ token: JSONToken) -> UsedIDs.Generation {
        var generation = UsedIDs.Generation()
        guard token.kind == .object else { return generation }
        let inner = text.extracting(token.range)
        guard let fields = JSONFields(inner), fields["of"].kind == .string,
            let bytes = Base64.decode(inner.extracting(fields["of"].range))
        else { return generation }
        generation.began = Int64(clamping: JSONScanner.whole(inner, fields["since"]) ?? 0)
        func word(_ at: Int) -> UInt64 { bytes[at..<at + 8].reduce(0) { $0 << 8 | UInt64($1) } }
        for at in stride(from: 0, to: bytes.count - 15, by: 16) { generation.seqs[word(at)] = word(at + 8) }
        return generation
    }

    private mutating func takeMember(_ text: Span<UInt8>) {
        guard let fields = JSONFields(text), let number = JSONScanner.whole(text, fields["member"]), isNumber(number),
            fields["username"].kind == .string,
            let session = UInt128(hexadecimal: text.extracting(fields["session"].range))
        else { return }
        let user = fields["user"].kind == .string ? UserID(text.extracting(fields["user"].range)) ?? .nobody : .nobody
        let username = Username(kept: String(unescaping: fields["username"], of: text))
        room.remove(number)
        if let other = room.names[username.folded] { room.remove(other) }
        if let other = room.sessions[session] { room.remove(other) }
        let isKeyed = fields["keyed"].kind == .boolean
        let person = room.person(user, isKeyed: isKeyed)
        room.insert(
            Member(
                username: username, user: user, isKeyed: isKeyed, session: session, person: person,
                since: Int64(clamping: JSONScanner.whole(text, fields["since"]) ?? 0)), at: number)
    }

    /// Whether it can be the number of a member or person; one that is written down elsewhere may be anything.
    private func isNumber(_ number: UInt64) -> Bool { number > 0 && number < 1 << 62 }

    private func elements(_ text: Span<UInt8>, _ token: JSONToken, _ body: (Span<UInt8>) -> Void) {
        guard token.kind == .array else { return }
        var at = token.range.lowerBound
        _ = JSONScanner.elements(text, &at) { body(text.extracting($0.range)) }
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
            let line = olderMessages.extracting(range)
            if room.facts[event.seq] == nil { room.facts[event.seq] = event.facts(in: line) }
        }
        room.seq = max(room.seq, last)
        // What is read from a log has one; a room that is only recorded may have none.
        if room.firstKept == 0, firstEvent != nil { room.firstKept = firstSeq }
        // Also where nothing is left of it: what was said there may have been lost as a whole.
        if base > room.seq {
            // A snapshot tells of the events behind it, too: those of them that are not there are lost.
            room.noteJump(from: firstEvent == nil ? room.seq : last, to: base)
            room.seq = base
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

/// The members of one JSON object, by name.
package struct JSONFields {
    private var names: [String: JSONToken] = [:]

    /// Nil where the text is not one object.
    package init?(_ text: Span<UInt8>) {
        var found: [String: JSONToken] = [:]
        var at = 0
        JSONScanner.skipSpace(text, &at)
        guard JSONScanner.members(text, &at, onMember: { found[String(unescaping: $0, of: text)] = $1 }) else {
            return nil
        }
        JSONScanner.skipSpace(text, &at)
        guard at == text.count else { return nil }
        names = found
    }

    package subscript(name: String) -> JSONToken { names[name] ?? .absent }
}
