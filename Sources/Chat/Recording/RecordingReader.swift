import Bytes

/// Reads a recording from beginning to end.
package struct RecordingReader {
    package enum Record: Sendable {
        case settings(RoomRules)
        case room(UInt32, name: String, lines: [UInt8])
        case inputs([Chat.Work], bytes: [UInt8], Moment)
        case outcome(Recording.Outcome)
        /// The bytes end in the middle of a record: the process was killed while it wrote.
        case cut
        /// The bytes are no recording, or one of another version.
        case damaged
    }

    private let bytes: [UInt8]
    private var at = 0

    package init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// The next record; nil at the end. After `cut` and `damaged` there is nothing more.
    package mutating func next() -> Record? {
        guard at < bytes.count else { return nil }
        guard at + 5 <= bytes.count else { return finish(.cut) }
        let length = (0..<4).reduce(0) { $0 | Int(bytes[at + 1 + $1]) << (8 * $1) }
        guard let kind = Recording.Kind(rawValue: bytes[at]) else { return finish(.damaged) }
        guard at + 5 + length <= bytes.count else { return finish(.cut) }
        var body = BodyReader(bytes: bytes, at: at + 5, end: at + 5 + length)
        at = body.end
        guard let record = body.record(kind), body.at == body.end else { return finish(.damaged) }
        return record
    }

    private mutating func finish(_ record: Record) -> Record {
        at = bytes.count
        return record
    }
}

/// Reads the inside of one record. What is not there is nil.
struct BodyReader {
    let bytes: [UInt8]
    var at: Int
    let end: Int
    /// The connection that an input is said to be of, where it goes by another name than in the bytes.
    var alias: ConnectionID?

    mutating func record(_ kind: Recording.Kind) -> RecordingReader.Record? {
        switch kind {
        case .settings: return rules().map { .settings($0) }
        case .room:
            guard let index = room(), let name = text() else { return nil }
            defer { at = end }
            return .room(index, name: name, lines: Array(bytes[at..<end]))
        case .inputs: return inputs()
        case .outcome: return outcome().map { .outcome($0) }
        }
    }

    private mutating func rules() -> RoomRules? {
        guard number() == Recording.version, let isDurable = flag(), let bytes = number(), let messages = number()
        else { return nil }
        var rules = RoomRules(isDurable: isDurable)
        rules.recentBytes = Int(clamping: bytes)
        rules.recentMessages = Int(clamping: messages)
        guard let count = number() else { return nil }
        for _ in 0..<min(count, UInt64(end - at)) {
            guard let name = text() else { return nil }
            rules.namedRooms.append(name)
        }
        guard let pairsStrangers = flag() else { return nil }
        rules.pairsStrangers = pairsStrangers
        return rules
    }

    private mutating func outcome() -> Recording.Outcome? {
        var digest = TickDigest()
        guard let state = number(), let events = number(), let typing = number(), let answers = number(),
            let count = number()
        else { return nil }
        (digest.state, digest.events, digest.typing, digest.answers) = (state, events, typing, answers)
        var failed: [UInt32] = []
        for _ in 0..<min(count, UInt64(end - at)) {
            guard let room = room() else { return nil }
            failed.append(room)
        }
        return failed.count == Int(clamping: count) ? Recording.Outcome(failed: failed, digest: digest) : nil
    }

    private mutating func inputs() -> RecordingReader.Record? {
        guard let now = number(), let time = number(), let count = number() else { return nil }
        var work: [Chat.Work] = []
        var arena: [UInt8] = []
        for _ in 0..<min(count, UInt64(end - at)) {
            guard let room = room(), let input = input(&arena) else { return nil }
            work.append(Chat.Work(room: room, input: input))
        }
        guard work.count == Int(clamping: count) else { return nil }
        let moment = Moment(now: Int64(bitPattern: now), time: Int64(bitPattern: time))
        return .inputs(work, bytes: arena, moment)
    }

    mutating func input(_ arena: inout [UInt8]) -> RoomInput? {
        switch byte() {
        case 0:
            guard let id = id(), let join = join() else { return nil }
            return .join(id, join)
        case 1:
            guard let id = id(), let text = range(&arena), let messageID = range(&arena), let hasReply = flag() else {
                return nil
            }
            let reply = hasReply ? number() : nil
            return hasReply && reply == nil ? nil : .message(id, text: text, id: messageID, reply: reply)
        case 2: return id().map { .typing($0) }
        case 3:
            guard let id = id(), let name = text() else { return nil }
            return .rename(id, Username(kept: name))
        case 4:
            guard let id = id(), let departure = byte().flatMap(Departure.init) else { return nil }
            return .closed(id, departure)
        case 5:
            guard let member = number(), let grace = number() else { return nil }
            return .graceOver(member: member, grace: UInt32(truncatingIfNeeded: grace))
        case 6: return bits().map { .returning(session: $0) }
        case 7: return .restarted
        case 8:
            guard let id = id(), let change = change(&arena) else { return nil }
            return .change(id, change)
        case 9:
            guard let seq = number(), let line = range(&arena) else { return nil }
            return .messageRead(seq, line: line)
        case 10: return facts().map { .server($0) }
        case 11:
            guard let id = id(), let request = moderation(&arena) else { return nil }
            return .moderation(id, request)
        case 12: return number().map { .expired(through: $0) }
        case 13: return number().map { .jumped(to: $0) }
        case 16: return post(&arena)
        case 20:
            guard let one = bits(), let other = bits(), let invitation = bits() else { return nil }
            return .paired(Pair(UserID(bits: one), UserID(bits: other), invitation: invitation))
        default: return nil
        }
    }

    private mutating func change(_ arena: inout [UInt8]) -> MessageChange? {
        guard let target = number(), let id = range(&arena) else { return nil }
        let kind: MessageChange.Kind
        switch byte() {
        case 0:
            guard let text = range(&arena) else { return nil }
            kind = .edit(text: text)
        case 1: kind = .delete
        case 2, 3:
            let isOn = bytes[at - 1] == 2
            guard let emoji = text() else { return nil }
            kind = .react(emoji: emoji, on: isOn)
        default: return nil
        }
        return MessageChange(kind: kind, target: target, id: id)
    }

    mutating func facts() -> ServerFacts? { text().flatMap { ServerFacts(json: Array($0.utf8).span) } }

    private mutating func moderation(_ arena: inout [UInt8]) -> Moderation? {
        guard let action = text().flatMap(Moderation.Action.init) else { return nil }
        var request = Moderation(action)
        switch byte() {
        case 0: break
        case 1:
            guard let user = bits() else { return nil }
            request.person = .user(UserID(bits: user))
        case 2:
            guard let name = text() else { return nil }
            request.person = .name(Username(kept: name))
        default: return nil
        }
        guard action.takesPerson == (request.person != nil), let minutes = number(), let seconds = number(),
            let text = range(&arena), let coversAddresses = flag(), let nonce = bits(), let invitation = bits(),
            let id = range(&arena)
        else { return nil }
        request.minutes = minutes > 0 ? min(minutes, Limits.sanctionMinutes.upperBound) : nil
        request.seconds = min(seconds, Limits.slowSeconds.upperBound)
        (request.text, request.coversAddresses, request.id) = (text, coversAddresses, id)
        (request.nonce, request.invitation) = (nonce, invitation)
        return request
    }

    private mutating func post(_ arena: inout [UInt8]) -> RoomInput? {
        guard let id = id(), let name = text(), let user = bits(), let text = range(&arena),
            let messageID = range(&arena), let hasReply = flag()
        else { return nil }
        let reply = hasReply ? number() : nil
        guard !hasReply || reply != nil else { return nil }
        let bot = Bot(username: Username(kept: name), user: UserID(bits: user))
        return .post(id, Post(bot: bot, text: text, id: messageID, reply: reply))
    }

    private mutating func join() -> Join? {
        guard let name = text(), let user = bits(), let isKeyed = flag(), let hasSession = flag() else { return nil }
        let session = hasSession ? bits() : nil
        guard !hasSession || session != nil, let newSession = bits(), let hasSince = flag() else { return nil }
        let since = hasSince ? number() : nil
        guard !hasSince || since != nil, let invitation = bits(), let address = number(), let isOwn = flag(),
            let confirmed = number()
        else { return nil }
        var join = Join(
            username: Username(kept: name), user: UserID(bits: user), isKeyed: isKeyed, session: session,
            newSession: newSession, since: since)
        join.invitation = invitation == 0 ? nil : invitation
        (join.address, join.isOwnAddress) = (address, isOwn)
        join.confirmed = UInt32(truncatingIfNeeded: confirmed)
        return join
    }

    mutating func byte() -> UInt8? {
        guard at < end else { return nil }
        defer { at += 1 }
        return bytes[at]
    }

    mutating func flag() -> Bool? { byte().flatMap { $0 < 2 ? $0 == 1 : nil } }

    mutating func number() -> UInt64? {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 70, by: 7) {
            guard let group = byte() else { return nil }
            value |= UInt64(group & 0x7F) << shift
            if group < 0x80 { return value }
        }
        return nil
    }

    mutating func bits() -> UInt128? {
        guard let high = number(), let low = number() else { return nil }
        return UInt128(high) << 64 | UInt128(low)
    }

    private mutating func id() -> ConnectionID? { number().map { alias ?? ConnectionID(number: $0) } }

    /// A room's place in a table, which a damaged recording must not make endless.
    private mutating func room() -> UInt32? { number().flatMap { $0 < 1 << 20 ? UInt32($0) : nil } }

    mutating func text() -> String? {
        var bytes: [UInt8] = []
        guard let range = range(&bytes) else { return nil }
        return String(utf8: bytes.span.extracting(range))
    }

    /// Copies bytes into the arena, and says where they are.
    mutating func range(_ arena: inout [UInt8]) -> Range<Int>? {
        guard let count = number().flatMap({ Int(exactly: $0) }), count <= end - at else { return nil }
        let start = arena.count
        arena.append(contentsOf: bytes[at..<at + count])
        at += count
        return start..<arena.count
    }
}
