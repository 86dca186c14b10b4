import Bytes

/// Snapshots among the lines of a log.
extension RoomLoader {
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

    mutating func takeSnapshot(_ line: Span<UInt8>) -> Bool {
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
        if room.isOfPair { room.pair = Pair(fields["pair"], of: line) }
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
            person.name = String(unescaping: fields["name"], of: text)
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
    func isNumber(_ number: UInt64) -> Bool { number > 0 && number < 1 << 62 }

    private func elements(_ text: Span<UInt8>, _ token: JSONToken, _ body: (Span<UInt8>) -> Void) {
        guard token.kind == .array else { return }
        var at = token.range.lowerBound
        _ = JSONScanner.elements(text, &at) { body(text.extracting($0.range)) }
    }
}
