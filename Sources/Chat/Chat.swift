/// The chat itself: rooms, people, sessions and what they say.
///
/// It is a value and does nothing outside itself. A tick is three calls, always in this order:
///
/// 1. `update` takes what has happened and decides what follows.
/// 2. `settle` is told which rooms' new events the disk has not taken, and takes those back.
/// 3. `endTick` is told that everything has been handed on.
///
/// Between the first two the caller writes the journal and then each room's `unwritten` lines; between the last two it
/// sends. So nothing is ever sent that is not written.
package struct Chat: Sendable {
    package let limits: Limits

    // This tick's time; see TickInputs.
    var now: Int64 = 0
    var time: Int64 = 0

    /// By the connection's slot.
    var visitors: [Visitor] = []
    /// By place; a place without a room has an empty name.
    package internal(set) var rooms: [Room] = []
    var roomsByName: [String: UInt32] = [:]
    var vacantRooms: [UInt32] = []
    /// Rooms that have become empty, oldest first; some may have been entered again since.
    var emptied = Queue<UInt32>()

    var dropped: [String] = []

    /// Where each session is, by the hash of its secret.
    var sessions: [Bits128: (room: UInt32, member: UInt32)] = [:]
    /// Those whose time of grace is running.
    var graces = Graces()

    var reads: [UInt64: PendingRead] = [:]
    var lastRequest: UInt64 = 0
    var journal = Journal()

    /// Rooms with changes in this tick, each once, or with notices that wait.
    var touched: [UInt32] = []
    /// When the first of the notices that wait are due.
    private var heldUntil: Int64?
    package internal(set) var counters = ChatCounters()

    // What all together hold, in bytes or in number; see Limits.
    package internal(set) var recentBytes = 0
    var parkedBytes = 0
    var usedIDs = 0

    /// For texts whose escapes have to be undone.
    var scratch: [UInt8] = []

    package init(limits: Limits) { self.limits = limits }

    // MARK: The tick

    /// Takes a tick's inputs and decides what follows.
    ///
    /// - Parameters:
    ///   - inputs: what has happened, in order.
    ///   - output: empty; what is to be written, sent, ended and read.
    package mutating func update(_ inputs: TickInputs, into output: inout TickOutput) {
        now = inputs.now
        time = inputs.time
        expireGraces()
        let bytes = inputs.bytes.span
        for item in inputs.items {
            switch item {
            case .opened(let id, let room, let secret): open(id, room: bytes.extracting(room), secret: secret)
            case .text(let id, let range): receive(bytes.extracting(range), from: id, into: &output)
            case .closed(let id, let departure): close(id, departure)
            case .roomLoaded(let room, let newestSeq, let older, let events):
                roomLoaded(
                    room, newestSeq: newestSeq, olderMessages: bytes.extracting(older),
                    events: bytes.extracting(events),
                    into: &output)
            case .roomFailed(let room): roomFailed(room, into: &output)
            case .lines(let request, let range, let more):
                answer(request, lines: bytes.extracting(range), more: more, into: &output)
            case .readFailed(let request): answerFailed(request, into: &output)
            }
        }
        for room in touched where !rooms[Int(room)].unwritten.isEmpty { output.written.append(room) }
        journal.flush(into: &output.journal)
    }

    /// The disk has had its chance: makes this tick's events history, or takes them back.
    ///
    /// - Parameters:
    ///   - failed: the rooms of `output.written` whose lines were not written.
    ///   - journalWritten: whether the journal's were. If not, no room's may have been.
    package mutating func settle(failed: [UInt32], journalWritten: Bool, into output: inout TickOutput) {
        if journalWritten { journal.written() }
        for room in failed where Int(room) < rooms.count {
            takeBack(room, journalWritten: journalWritten, into: &output)
        }
        if !failed.isEmpty { limitPositions(in: &output) }
        heldUntil = nil
        var held: [UInt32] = []
        for index in touched {
            commit(index)
            guard let due = rooms[Int(index)].dueTime(now: now) else {
                rooms[Int(index)].isTouched = false
                noteIfEmpty(index)
                continue
            }
            if due <= now {
                output.due.append(index)
            } else {
                held.append(index)
                heldUntil = min(heldUntil ?? due, due)
            }
        }
        touched = held
    }

    /// What is due has been handed on.
    package mutating func endTick(_ output: TickOutput) {
        for index in output.due {
            counters.deliveries &+= UInt64(rooms[Int(index)].pending.count) &* UInt64(rooms[Int(index)].present.count)
            rooms[Int(index)].clearPending(now: now)
            rooms[Int(index)].isTouched = false
            noteIfEmpty(index)
        }
    }

    /// When the next tick must come even if nothing happens, in milliseconds of `now`; nil if there is no need.
    package var nextDeadline: Int64? {
        guard let grace = graces.next else { return heldUntil }
        return min(grace, heldUntil ?? grace)
    }

    /// The rooms that have been dropped from memory since the last call.
    package mutating func takeDropped() -> [String] {
        defer { dropped = [] }
        return dropped
    }

    mutating func touch(_ room: UInt32) {
        guard !rooms[Int(room)].isTouched else { return }
        rooms[Int(room)].isTouched = true
        touched.append(room)
    }
}
