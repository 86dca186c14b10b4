import Bytes

/// A recording of ticks: a row of records, each a byte that says what it is, its length in four bytes (the lowest first),
/// and as many bytes.
///
///     settings  the format's version and what the rooms decide by
///     room      a room that has its first input since it came into memory: its place, its name, and what it was: its snapshot,
///               and the messages in memory, to which something may be done
///     inputs    a tick's inputs of the rooms; written before the rooms see them
///     outcome   which rooms' events the disk has refused, and what came out
///
/// Numbers in records are in groups of seven bits, the lowest first, with the top bit set where another group follows. No
/// record holds a secret: a recording is as private as what is said in it.
package enum Recording {
    package static let version: UInt64 = 7

    package enum Kind: UInt8, Sendable {
        case settings = 1
        case room = 2
        case inputs = 3
        case outcome = 4
    }

    /// What came of a tick.
    package struct Outcome: Equatable, Sendable {
        package var failed: [UInt32]
        package var digest: TickDigest

        package init(failed: [UInt32], digest: TickDigest) {
            self.failed = failed
            self.digest = digest
        }
    }

    /// Appends a record.
    package static func append(_ kind: Kind, to bytes: inout [UInt8], _ body: (inout [UInt8]) -> Void) {
        bytes.append(kind.rawValue)
        let lengthAt = bytes.count
        bytes += [0, 0, 0, 0]
        body(&bytes)
        let length = UInt32(truncatingIfNeeded: bytes.count - lengthAt - 4)
        for i in 0..<4 { bytes[lengthAt + i] = UInt8(truncatingIfNeeded: length >> (8 * UInt32(i))) }
    }

    package static func appendSettings(_ rules: RoomRules, to bytes: inout [UInt8]) {
        append(.settings, to: &bytes) { bytes in
            bytes.append(number: version)
            bytes.append(rules.isDurable ? 1 : 0)
            bytes.append(number: UInt64(clamping: rules.recentBytes))
            bytes.append(number: UInt64(clamping: rules.recentMessages))
            bytes.append(number: UInt64(rules.namedRooms.count))
            for name in rules.namedRooms { bytes.append(text: name) }
            bytes.append(rules.pairsStrangers ? 1 : 0)
        }
    }

    /// - Parameter room: as it is before its first input.
    package static func appendRoom(_ room: Room, at index: UInt32, to bytes: inout [UInt8]) {
        append(.room, to: &bytes) { bytes in
            bytes.append(number: UInt64(index))
            bytes.append(number: UInt64(room.name.utf8.count))
            bytes.append(contentsOf: room.name.utf8)
            var cursor = SnapshotCursor()
            while !cursor.isDone { room.appendSnapshot(from: &cursor, limit: 1 << 20, to: &bytes) }
            room.appendMessages(to: &bytes)
        }
    }

    /// Appends those inputs of a tick that can change a room.
    package static func appendInputs(
        _ work: [Chat.Work], of all: Span<UInt8>, at moment: Moment, to bytes: inout [UInt8]
    ) {
        append(.inputs, to: &bytes) { bytes in
            bytes.append(number: UInt64(bitPattern: moment.now))
            bytes.append(number: UInt64(bitPattern: moment.time))
            bytes.append(number: UInt64(work.count { $0.input.isDecisive }))
            for item in work where item.input.isDecisive {
                bytes.append(number: UInt64(item.room))
                item.input.append(of: all, to: &bytes)
            }
        }
    }

    package static func appendOutcome(_ outcome: Outcome, to bytes: inout [UInt8]) {
        append(.outcome, to: &bytes) { bytes in
            let digest = outcome.digest
            for value in [digest.state, digest.events, digest.typing, digest.answers] { bytes.append(number: value) }
            bytes.append(number: UInt64(outcome.failed.count))
            for room in outcome.failed { bytes.append(number: UInt64(room)) }
        }
    }
}

extension RoomInput {
    /// Appends the input, with the bytes that it refers to. Where it is one of a connection, that comes second.
    func append(of all: Span<UInt8>, to bytes: inout [UInt8]) {
        switch self {
        case .join(let id, let join):
            bytes.append(0)
            bytes.append(number: id.number)
            bytes.append(text: join.username.text)
            bytes.append(bits: join.user.bits)
            bytes.append(join.isKeyed ? 1 : 0)
            bytes.append(join.session == nil ? 0 : 1)
            if let session = join.session { bytes.append(bits: session) }
            bytes.append(bits: join.newSession)
            bytes.append(join.since == nil ? 0 : 1)
            if let since = join.since { bytes.append(number: since) }
            bytes.append(bits: join.invitation ?? 0)
            bytes.append(number: join.address)
            bytes.append(join.isOwnAddress ? 1 : 0)
            bytes.append(number: UInt64(join.confirmed))
        case .message(let id, let text, let messageID, let reply):
            bytes.append(1)
            bytes.append(number: id.number)
            bytes.append(text, of: all)
            bytes.append(messageID, of: all)
            bytes.append(reply == nil ? 0 : 1)
            if let reply { bytes.append(number: reply) }
        case .post(let id, let post):
            bytes.append(16)
            bytes.append(number: id.number)
            bytes.append(text: post.bot.username.text)
            bytes.append(bits: post.bot.user.bits)
            bytes.append(post.text, of: all)
            bytes.append(post.id, of: all)
            bytes.append(post.reply == nil ? 0 : 1)
            if let reply = post.reply { bytes.append(number: reply) }
        case .typing(let id):
            bytes.append(2)
            bytes.append(number: id.number)
        case .rename(let id, let username):
            bytes.append(3)
            bytes.append(number: id.number)
            bytes.append(text: username.text)
        case .closed(let id, let departure):
            bytes.append(4)
            bytes.append(number: id.number)
            bytes.append(departure.rawValue)
        case .graceOver(let member, let grace):
            bytes.append(5)
            bytes.append(number: member)
            bytes.append(number: UInt64(grace))
        case .returning(let session):
            bytes.append(6)
            bytes.append(bits: session)
        case .restarted: bytes.append(7)
        case .change(let id, let change):
            bytes.append(8)
            bytes.append(number: id.number)
            bytes.append(number: change.target)
            bytes.append(change.id, of: all)
            switch change.kind {
            case .edit(let text):
                bytes.append(0)
                bytes.append(text, of: all)
            case .delete: bytes.append(1)
            case .react(let emoji, let on):
                bytes.append(on ? 2 : 3)
                bytes.append(text: emoji)
            }
        case .messageRead(let seq, let line):
            bytes.append(9)
            bytes.append(number: seq)
            bytes.append(line, of: all)
        case .server(let facts):
            bytes.append(10)
            bytes.append(text: String(decoding: facts.json, as: UTF8.self))
        case .moderation(let id, let request):
            bytes.append(11)
            bytes.append(number: id.number)
            bytes.append(request, of: all)
        case .expired(let seq):
            bytes.append(12)
            bytes.append(number: seq)
        case .jumped(let seq):
            bytes.append(13)
            bytes.append(number: seq)
        case .paired(let pair):
            bytes.append(20)
            for bits in [pair.one.bits, pair.other.bits, pair.invitation] { bytes.append(bits: bits) }
        case .keeping, .refused, .page, .pageRead, .repeatRead, .folded, .search, .searchRead, .readFailed:
            assertionFailure("an input that changes nothing is recorded")
        }
    }
}

extension [UInt8] {
    fileprivate mutating func append(_ request: Moderation, of all: Span<UInt8>) {
        append(text: request.action.rawValue)
        switch request.person {
        case nil: append(0)
        case .user(let user):
            append(1)
            append(bits: user.bits)
        case .name(let name):
            append(2)
            append(text: name.text)
        }
        append(number: request.minutes ?? 0)
        append(number: request.seconds)
        append(request.text, of: all)
        append(request.coversAddresses ? 1 : 0)
        append(bits: request.nonce)
        append(bits: request.invitation)
        append(request.id, of: all)
    }

    /// Appends a number in groups of seven bits.
    mutating func append(number: UInt64) {
        var rest = number
        while rest >= 0x80 {
            append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        append(UInt8(truncatingIfNeeded: rest))
    }

    mutating func append(bits: UInt128) {
        append(number: UInt64(truncatingIfNeeded: bits >> 64))
        append(number: UInt64(truncatingIfNeeded: bits))
    }

    mutating func append(text: String) {
        append(number: UInt64(text.utf8.count))
        append(contentsOf: text.utf8)
    }

    fileprivate mutating func append(_ range: Range<Int>, of all: Span<UInt8>) {
        append(number: UInt64(range.count))
        append(copying: all.extracting(range))
    }
}
