import Bytes

/// What a node knows of a room that it serves together with others, beside the room itself.
struct SharedRoom: Sendable {
    /// What this node has to do in the room, in its order.
    enum Step: Sendable {
        /// An input that was proposed comes back as a part of a record.
        case proposed
        /// An input that changes nothing waits for those before it.
        case local(RoomInput, bytes: [UInt8])
    }

    /// What other nodes' connections are called here.
    private(set) var names: [SharedConnection: ConnectionID] = [:]
    private(set) var connections: [ConnectionID: SharedConnection] = [:]
    var steps = Queue<Step>()
    /// Joins of this node that are on their way, with what was read for them.
    var joins: [ConnectionID: Join] = [:]
    /// The events that the history in the engine does not have yet.
    var tail = HistoryTail()
    /// The newest record that was applied.
    var position: UInt64 = 0
    /// The newest event that the history in the engine has, as far as is known.
    var storedThrough: UInt64 = 0
    /// All that was decided so far.
    var digest = Digest()

    mutating func name(_ connection: SharedConnection, _ id: ConnectionID) {
        names[connection] = id
        connections[id] = connection
    }

    mutating func forget(_ id: ConnectionID) {
        if let connection = connections.removeValue(forKey: id) { names[connection] = nil }
    }
}

/// The newest events of a room, as lines of its history: those that are in the engine's records alone.
package struct HistoryTail: Sendable {
    package struct Line: Sendable {
        package var seq: UInt64
        /// Without its line break.
        package var text: [UInt8]
    }

    package private(set) var lines: [Line] = []
    /// Up to which seq the room was at a position, oldest first.
    private var marks: [(position: UInt64, seq: UInt64)] = []

    init() {}

    mutating func append(_ text: Span<UInt8>) {
        EventLine.forEach(in: text) { event, range in
            lines.append(Line(seq: event.seq, text: Array(copying: text.extracting(range))))
        }
    }

    mutating func mark(_ position: UInt64, seq: UInt64) { marks.append((position, seq)) }

    /// The history has what the records up to a position tell.
    ///
    /// - Returns: the newest seq that it has; nil where the position is not known here.
    mutating func drop(through position: UInt64) -> UInt64? {
        let old = marks.prefix { $0.position <= position }
        guard let seq = old.last?.seq else { return nil }
        marks.removeFirst(old.count)
        lines.removeFirst(lines.prefix { $0.seq <= seq }.count)
        return seq
    }
}

/// A record of a room, as its nodes apply it.
package struct SharedRecord: Sendable {
    package enum Item: Sendable {
        /// An input as `RoomInput.append` writes it, behind the message that it is about, where it is about one.
        case input([UInt8])
        /// The time of grace of a member is over, if it is still that one.
        case graceOver(member: UInt64, grace: UInt64)
    }

    package enum Content: Sendable {
        case items([Item], by: UInt128)
        /// The connections of a node have lost their line.
        case lost(node: UInt128)
        /// The engine has begun anew.
        case epoch(UInt64)
        /// Of no interest to the room.
        case nothing
    }

    package var position: UInt64
    /// Milliseconds since the Unix epoch, the same for all nodes.
    package var time: Int64
    package var content: Content

    package init(position: UInt64, time: Int64, _ content: Content) {
        (self.position, self.time, self.content) = (position, time, content)
    }
}

/// A room as it is at a position, for the engine.
package struct SharedSnapshot: Sendable {
    package var position: UInt64
    package var state: [UInt8]
    /// The events that the history lacks.
    package var lines: [HistoryTail.Line]
    /// What was done to messages, which is to be folded into the history's lines.
    package var fold: Fold
    package var expiredThrough: UInt64

    /// How a state is written.
    static let format: UInt64 = 1

    init(position: UInt64, state: [UInt8], lines: [HistoryTail.Line], fold: Fold, expiredThrough: UInt64) {
        (self.position, self.state, self.lines) = (position, state, lines)
        (self.fold, self.expiredThrough) = (fold, expiredThrough)
    }

    /// A room that no other node has had yet, with nobody in it.
    package init(of room: Room) {
        var state: [UInt8] = []
        state.append(number: Self.format)
        state.append(number: Digest().value)
        room.appendState(to: &state) { SharedConnection(node: 0, number: $0.number) }
        self.init(
            position: 0, state: state, lines: [], fold: room.fold(erases: true), expiredThrough: room.expiredThrough)
    }
}

extension RoomInput {
    /// The connection that it is of, where that comes second in its bytes.
    var connection: ConnectionID? {
        switch self {
        case .join(let id, _), .message(let id, _, _, _), .change(let id, _), .post(let id, _), .typing(let id),
            .rename(let id, _), .moderation(let id, _), .closed(let id, _):
            id
        default: nil
        }
    }

    /// Whether it answers a connection, whose answers come in the order of its questions.
    var isAnswer: Bool {
        switch self {
        case .refused, .page, .pageRead, .repeatRead, .search, .searchRead, .readFailed: true
        default: false
        }
    }

    /// The message that it is about.
    var target: UInt64? {
        switch self {
        case .message(_, _, _, let reply): reply
        case .post(_, let post): post.reply
        case .change(_, let change): change.target
        default: nil
        }
    }

    /// What its client calls it.
    var reference: Reference? {
        let id: Range<Int> =
            switch self {
            case .message(_, _, let id, _): id
            case .change(_, let change): change.id
            case .moderation(_, let request): request.id
            default: 0..<0
            }
        return id.isEmpty ? nil : Reference(name: .id, range: id)
    }
}
