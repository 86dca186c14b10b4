import Bytes

/// A room: who is in it, what was said, and what follows from what happens.
///
/// It is a state machine of its own. `apply` takes its inputs, in an order; what they come to stands in `pending`, in one
/// order, each entry with those it is for. Nothing that a room decides depends on anything beside it: so it can be recorded,
/// replayed, loaded, tested and kept elsewhere by itself.
///
/// A tick goes: `apply` for each input; the caller writes `unwritten`; then `commit`, or, where the disk has refused,
/// `rollBack`. Entries that are due are sent, and `removeSent` forgets them.
package struct Room: Sendable {
    enum Phase: Sendable { case unloaded, loading, ready }

    package let name: String
    package let rules: RoomRules
    /// Tells it from a room that had its place in the table before.
    package internal(set) var serial: UInt32 = 0
    var phase: Phase

    // MARK: The history

    /// The newest event's seq; 0 before the first.
    package internal(set) var seq: UInt64 = 0
    /// The newest written event's.
    var writtenSeq: UInt64 = 0
    /// The first event that is in the log; 0 before there is one. What came before was never kept.
    var firstKept: UInt64 = 0
    /// Events up to this one are not kept any longer; what a file still has of them is passed over.
    var expiredThrough: UInt64 = 0
    /// After an unclean stop of the machine seqs go on from `to`; those between may have been used and lost.
    var jumps: [(from: UInt64, to: UInt64)] = []
    var recent = Recent()

    // MARK: What was done to messages

    /// Of messages in memory all, of others what their lines in the log do not tell yet.
    var facts: [UInt64: MessageFacts] = [:]
    /// Deletions of many messages that their lines do not tell yet.
    var purges: [Purge] = []
    /// The newest deletion whose text may still be in the log; 0 where there is none.
    package internal(set) var unerased: UInt64 = 0
    /// Whether a time is set at which that text is erased.
    var isErasing = false
    /// Stored lines of messages that this tick's requests are about.
    var fetchedMessages: [UInt64: [UInt8]] = [:]
    /// Facts of messages up to this one were looked through when they left memory.
    var factsTrimmedThrough: UInt64 = 0

    // MARK: People

    var members = NumberedTable<Member>()
    /// Members by the folded form of their name, and by its skeleton where that is another.
    var names: [String: UInt64] = [:]
    /// Members by their session.
    var sessions: [UInt128: UInt64] = [:]
    /// Members by their connection.
    var inside: [ConnectionID: UInt64] = [:]
    /// The connections of all members that have one: everyone to send to.
    package internal(set) var present: [ConnectionID] = []
    /// The members that the connections in `present` belong to, in the same order; and the entry from which on each hears.
    var presentMembers: [UInt64] = []
    var hearsFrom: [UInt64] = []
    /// The greatest that was ever in `hearsFrom`.
    package internal(set) var newestHearing: UInt64 = 0
    /// All who have been here, as far as they are remembered.
    var people = NumberedTable<Person>()
    var peopleByUser: [UserID: UInt64] = [:]
    /// Who was the last to use a name, by its folded form.
    var nameUsers: [String: UInt64] = [:]
    var settings = RoomSettings()
    /// Whether the name is that of a pair's room; and the two, once the room was told.
    let isOfPair: Bool
    var pair: Pair?
    /// What the room was told last of the server's operators and their bans.
    var server = ServerFacts()
    /// Whether what is said can be kept, as far as the room was told.
    var isKeeping = true

    // MARK: For the door

    /// Connections on this room's address, joined or not.
    var visitors = 0
    /// The address for which a file of this room is counted, if it begins in this tick.
    var beginner: UInt64?
    /// Connections whose join waits for the room to be loaded, in the order in which they came.
    var waiting: [ConnectionID] = []
    /// Whether the room is among those that the tick has to look at (`Chat.touched`).
    var isTouched = false
    /// Whether the room is among those that may be dropped (`Chat.emptied`).
    var isEmptied = false

    // MARK: Outputs

    /// Lines of events, each with its line break.
    package internal(set) var lines: [UInt8] = []
    /// Other texts.
    package internal(set) var texts: [UInt8] = []
    package internal(set) var pending: [Entry] = []
    /// The number of the next entry.
    var nextEntry: UInt64 = 1
    /// Entries below this number may be sent: what they tell is on the disk, as far as it has to be.
    var releasedBelow: UInt64 = 1
    /// Entries that wait for the disk itself, oldest first; and whether the chat knows of them.
    var gates: [Gate] = []
    var isGated = false
    /// The tick has many answers: this room's welcomes tell less.
    var answersAreScarce = false
    /// When shared entries were sent last, in milliseconds.
    var lastSent: Int64 = .min / 2
    /// Times of grace that have begun, for whoever keeps the time.
    var graces: [GraceRequest] = []
    /// Requests that were refused, for whoever counts.
    var refusals: [(connection: ConnectionID, code: ErrorCode)] = []

    /// What operators have decided here, for the server to keep.
    var serverChanges: [ServerChange] = []

    // MARK: This tick

    var moment = Moment()
    /// What this tick has been given, in case that it has to be done again without events.
    var inputs: [RoomInput] = []
    /// What this tick has changed, so that it can be taken back if its events cannot be written.
    var undo: [UndoRecord] = []
    var start = TickStart()
    /// Whether this tick has brought an input that may change the room.
    var hasDecided = false
    /// Requests of this tick whose `id` was used before.
    var repeats: UInt64 = 0
    /// Members that have come back in this tick.
    var resumes: UInt64 = 0
    /// A join that is to be confirmed by its node, and what.
    var unconfirmed: (connection: ConnectionID, attachment: UInt32)?
    /// No event can be written: whatever would make one is refused.
    var refusesEvents = false

    /// Where the outputs were before this tick.
    struct TickStart: Sendable {
        var bytes = 0
        var entries: UInt64 = 1
        var seq: UInt64 = 0
        var member: UInt64 = 1
        var person: UInt64 = 1
        var firstKept: UInt64 = 0
    }

    package init(name: String, rules: RoomRules, isLoaded: Bool) {
        self.name = name
        isOfPair = rules.isOfPair(name)
        self.rules = isOfPair ? rules.ofPair : rules
        phase = isLoaded || isOfPair ? .ready : .unloaded
    }

    /// The tick's time of day, in milliseconds.
    package var time: Int64 { moment.time }

    /// Whether it is being put together from what a log tells (`RoomLoader`).
    var isReadFromLog: Bool {
        if case .unloaded = phase { return true }
        return false
    }

    /// Whether it has been loaded, or needs not be.
    package var isReady: Bool {
        if case .ready = phase { return true }
        return false
    }

    // MARK: Inputs

    /// Takes an input, and decides what follows.
    ///
    /// - Parameters:
    ///   - bytes: what the input's ranges are places in.
    ///   - moment: the tick's time; the same for all inputs of a tick.
    package mutating func apply(_ input: RoomInput, of bytes: Span<UInt8>, at moment: Moment) {
        self.moment = moment
        if rules.isDurable, !rules.isShared { inputs.append(input) }
        hasDecided = hasDecided || input.isDecisive
        decide(input, bytes)
    }

    mutating func decide(_ input: RoomInput, _ bytes: Span<UInt8>) {
        switch input {
        case .join(let id, let join): self.join(join, id)
        case .message(let id, let text, let messageID, let reply): say(text, messageID, reply, bytes, id)
        case .change(let id, let change): self.change(change, bytes, id)
        case .messageRead(let seq, let line): fetchedMessages[seq] = Array(copying: bytes.extracting(line))
        case .post(let id, let post): self.post(post, bytes, id)
        case .typing(let id): showTyping(id)
        case .rename(let id, let username): rename(to: username, id)
        case .closed(let id, let departure): depart(id, departure)
        case .graceOver(let member, let grace): graceIsOver(member, grace)
        case .returning(let session): extendGrace(ofSession: session)
        case .restarted: restart()
        case .server(let facts): take(facts)
        case .paired(let pair): begin(pair)
        case .moderation(let id, let request): moderate(request, bytes, id)
        case .keeping(let isKeeping): tellKeeping(isKeeping)
        case .refused(let id, let refusal, let reference):
            refuse(id, refusal, reference, bytes, isCounted: true)
        case .page(let id, let page): self.page(page, bytes, id)
        case .pageRead(let id, let page, let lines, let more):
            answer(page, stored: bytes.extracting(lines), more: more, bytes, id)
        case .repeatRead(let id, let seq, let messageID, let lines, let request):
            repeatEvent(seq, messageID, stored: bytes.extracting(lines), request: request, bytes, id)
        case .folded(let folded): take(folded)
        case .expired(let seq): expire(through: seq)
        case .jumped(let seq): jump(to: seq)
        case .search(let id, let search): self.search(search, bytes, id)
        case .searchRead(let id, let search, let lines, let next):
            answer(search, stored: bytes.extracting(lines), next: next, bytes, id)
        case .readFailed(let id, let reference, let request):
            refuse(id, .storageFailed, reference, bytes, request: request)
        }
    }

    /// Who a member is.
    func user(of member: UInt64) -> UserID? { members[member]?.user }

    /// The member that a connection is.
    func member(of id: ConnectionID) -> UInt64? { inside[id] }

    /// The same; where there is none, the connection is told.
    mutating func speaker(_ id: ConnectionID, _ reference: Reference?, _ bytes: Span<UInt8>) -> UInt64? {
        if let member = inside[id] { return member }
        refuse(id, .notJoined, reference, bytes)
        return nil
    }

    // MARK: Events

    /// Adds an event: gives it the next seq, and has `body` write what comes after the name, and `hidden` the members of what
    /// clients never see.
    mutating func append(
        _ kind: EventKind, by signature: [UInt8], _ body: (inout [UInt8]) -> Void = { _ in },
        hidden: ((inout [UInt8]) -> Void)? = nil
    ) {
        assert(!refusesEvents, "an event is made while none can be written")
        let start = lines.count
        seq += 1
        lines.append(kind.opening)
        lines.append(decimal: seq)
        lines.append(",\"time\":")
        lines.append(decimal: UInt64(clamping: moment.time))
        lines.append(contentsOf: signature)
        body(&lines)
        let end = lines.count
        if let hidden {
            lines.append(",\"_\":{")
            hidden(&lines)
            lines.append("}")
        }
        lines.append("}\n")
        append(Entry(kind: .event(kind), audience: .everyone, range: start..<end, number: nextEntry))
        if firstKept == 0, kind.isSpoken { firstKept = seq }
    }

    /// Adds an entry that is no event; `body` writes its text.
    mutating func append(_ kind: Entry.Kind, to audience: Entry.Audience, _ body: (inout [UInt8]) -> Void = { _ in }) {
        let start = texts.count
        body(&texts)
        append(Entry(kind: kind, audience: audience, range: start..<texts.count, number: nextEntry))
    }

    /// The same for one whose text is written already.
    mutating func append(_ kind: Entry.Kind, to audience: Entry.Audience, range: Range<Int>) {
        append(Entry(kind: kind, audience: audience, range: range, number: nextEntry))
    }

    private mutating func append(_ entry: Entry) {
        pending.append(entry)
        nextEntry += 1
    }

    /// What this tick has added and the disk must have before anyone sees it. Empty where there is nothing: until something is
    /// said in a room, it has no file.
    package var unwritten: Range<Int> {
        guard rules.isDurable, firstKept > 0, seq > start.seq else { return lines.count..<lines.count }
        guard start.firstKept == 0 else { return start.bytes..<lines.count }
        // Events are numbered without a gap.
        var later = seq - firstKept
        for entry in pending.reversed() where entry.isEvent {
            if later == 0 { return entry.range.lowerBound..<lines.count }
            later -= 1
        }
        return lines.count..<lines.count
    }

    /// The seq of the first event in `unwritten`.
    package var firstUnwrittenSeq: UInt64 { max(start.seq + 1, firstKept) }

    // MARK: Time

    /// A time of grace that has begun.
    struct GraceRequest: Sendable {
        var member: UInt64
        var grace: UInt32
        var duration: Int64
    }

    /// How long notices may wait for more of them, in milliseconds, counted from when entries were last sent.
    ///
    /// Where everyone hears of everyone, a crowd that comes in is n² notices. They cost what the writes cost, one for
    /// each member and each time, so the more members there are, the more notices go into one write: never more than a
    /// fiftieth of a millisecond a member, and never more than a quarter of a second. A message waits for nothing, and
    /// takes the notices before it along.
    var holdTime: Int64 { Int64(min(250, present.count / 50)) }
}
