/// A room: who is in it, its newest events, and the events of this tick that are still to be written and sent.
package struct Room: Sendable {
    /// An event that waits to be sent.
    package struct Pending: Sendable {
        package enum Kind: Sendable {
            case join, leave, message, rename, typing

            /// How its JSON text begins.
            var opening: StaticString {
                switch self {
                case .join: "{\"type\":\"join\""
                case .leave: "{\"type\":\"leave\""
                case .message: "{\"type\":\"message\""
                case .rename: "{\"type\":\"rename\""
                case .typing: "{\"type\":\"typing\""
                }
            }
        }

        package var kind: Kind
        /// Where its JSON text stands, without a line break: in `lines`, or for signs of typing in `whispers`.
        package var range: Range<Int>
        /// Its own; of a sign of typing, that of the event before it.
        var seq: UInt64

        /// Whether it is in the history. Signs of typing are not.
        package var isKept: Bool { kind != .typing }
        /// Joins and leaves may wait a little while others come (see `Room.holdTime`).
        var mayWait: Bool { kind == .join || kind == .leave }
    }

    enum Phase: Sendable { case unloaded, loading, ready }

    package let name: String
    var phase: Phase
    /// The newest event's seq; 0 before the first.
    package private(set) var seq: UInt64 = 0
    /// The newest written event's.
    private var writtenSeq: UInt64 = 0
    private(set) var recent = Recent()

    // MARK: People

    /// By place; a place may be vacant.
    var members: [Member?] = []
    private var vacant: [UInt32] = []
    package private(set) var memberCount = 0
    /// Members by the folded form of their name, and by its skeleton where that is another.
    private var names: [String: UInt32] = [:]
    /// The connections of all members that have one: everyone to send to.
    package private(set) var present: [ConnectionID] = []
    /// The members that the connections in `present` belong to, in the same order.
    private var presentMembers: [UInt32] = []
    /// Connections on this room's address, joined or not.
    var visitors = 0

    /// Connections whose join waits for the room to be loaded, in the order in which they came.
    var waiting: [ConnectionID] = []
    /// Sessions from before a restart, until the room is loaded.
    var dormant: [JournalSession] = []

    // MARK: Events of this tick, and notices held back from earlier ones

    /// Lines of kept events, each with its line break.
    package internal(set) var lines: [UInt8] = []
    /// Texts of signs of typing.
    package internal(set) var whispers: [UInt8] = []
    package internal(set) var pending: [Pending] = []
    /// How much of `lines` and `pending` has been written by earlier ticks.
    private var writtenBytes = 0
    private(set) var writtenEvents = 0
    /// Behind the last message in `pending`.
    private var endOfMessages = 0
    /// What this tick has changed, so that it can be taken back if the events cannot be written.
    var changes: [Change] = []
    /// Whether the room is among those that the tick has to look at (`Chat.touched`).
    var isTouched = false
    /// Whether the room is among those that may be dropped (`Chat.emptied`).
    var isEmptied = false
    /// When events were last sent, in milliseconds.
    var lastSent: Int64 = .min / 2

    init(name: String, phase: Phase) {
        self.name = name
        self.phase = phase
    }

    // MARK: People

    /// Whether a name, or one that looks like it, is taken by someone else.
    func isTaken(_ username: Username, exceptBy member: UInt32? = nil) -> Bool {
        if let owner = names[username.folded], owner != member { return true }
        if let owner = names[username.skeleton], owner != member { return true }
        return false
    }

    mutating func add(_ member: Member) -> UInt32 {
        let index: UInt32
        if let place = vacant.popLast() {
            index = place
        } else {
            index = UInt32(truncatingIfNeeded: members.count)
            members.append(nil)
        }
        restore(member, at: index)
        return index
    }

    /// Puts a member in a place that is free.
    mutating func restore(_ member: Member, at index: UInt32) {
        members[Int(index)] = member
        memberCount += 1
        claimName(member.username, for: index)
    }

    /// Takes a member out. Its place stays reserved until `release`, so that it can be put back.
    @discardableResult
    mutating func remove(_ index: UInt32) -> Member? {
        guard let member = members[Int(index)] else { return nil }
        detach(index)
        disclaimName(member.username)
        members[Int(index)] = nil
        memberCount -= 1
        return member
    }

    /// Makes a removed member's place free for others.
    mutating func release(_ index: UInt32) { vacant.append(index) }

    mutating func rename(_ index: UInt32, to username: Username) {
        guard let old = members[Int(index)]?.username else { return }
        disclaimName(old)
        members[Int(index)]?.username = username
        claimName(username, for: index)
    }

    private mutating func claimName(_ username: Username, for index: UInt32) {
        names[username.folded] = index
        let skeleton = username.skeleton
        if names[skeleton] == nil { names[skeleton] = index }
    }

    private mutating func disclaimName(_ username: Username) {
        guard let owner = names.removeValue(forKey: username.folded) else { return }
        let skeleton = username.skeleton
        if names[skeleton] == owner { names[skeleton] = nil }
    }

    /// Gives a member a connection.
    mutating func attach(_ connection: ConnectionID, to index: UInt32) {
        members[Int(index)]?.connection = connection
        members[Int(index)]?.place = present.count
        present.append(connection)
        presentMembers.append(index)
    }

    /// Takes a member's connection away; the member stays.
    mutating func detach(_ index: UInt32) {
        guard let member = members[Int(index)], member.connection != nil else { return }
        let last = present.count - 1
        present.swapAt(member.place, last)
        presentMembers.swapAt(member.place, last)
        members[Int(presentMembers[member.place])]?.place = member.place
        present.removeLast()
        presentMembers.removeLast()
        members[Int(index)]?.connection = nil
    }

    // MARK: Events

    /// Takes in what was read from the disk.
    ///
    /// - Parameter newestSeq: of the newest event that there ever was, also where it cannot be read any more.
    mutating func load(newestSeq: UInt64, olderMessages: Span<UInt8>, events: Span<UInt8>, _ bounds: Recent.Bounds) {
        phase = .ready
        seq = min(newestSeq, Limits.largestSeq)
        writtenSeq = seq
        recent.load(olderMessages: olderMessages, events: events, newestSeq: seq, bounds)
    }

    /// Adds an event that is kept: gives it the next seq, and has `body` write what comes after the name.
    mutating func append(
        _ kind: Pending.Kind, time: Int64, by username: String, _ body: (inout [UInt8]) -> Void = { _ in }
    ) {
        let start = lines.count
        seq += 1
        lines.append(kind.opening)
        // What stands at the beginning, and in which order, is relied upon by `LinePrefix`, and by who reads the files.
        lines.append(",\"seq\":")
        lines.append(decimal: seq)
        lines.append(",\"time\":")
        lines.append(decimal: UInt64(max(0, time)))
        lines.append(",\"username\":")
        lines.append(quoting: username)
        body(&lines)
        lines.append(UInt8(ascii: "}"))
        pending.append(Pending(kind: kind, range: start..<lines.count, seq: seq))
        lines.append(UInt8(ascii: "\n"))
        if kind == .message { endOfMessages = pending.count }
    }

    /// Adds a sign of typing.
    mutating func appendTyping(_ username: String) {
        let start = whispers.count
        whispers.append(Pending.Kind.typing.opening)
        whispers.append(",\"username\":")
        whispers.append(quoting: username)
        whispers.append(UInt8(ascii: "}"))
        pending.append(Pending(kind: .typing, range: start..<whispers.count, seq: seq))
    }

    /// What this tick has added and the disk must have before anyone sees it. Empty where there is nothing.
    package var unwritten: Range<Int> { writtenBytes..<lines.count }
    /// The seq of the first event in `unwritten`.
    package var firstUnwrittenSeq: UInt64 { writtenSeq + 1 }

    /// The event with this seq, if it is one of this tick.
    func unwrittenEvent(_ seq: UInt64) -> Pending? {
        seq > writtenSeq ? unwrittenEvents(after: seq - 1).first : nil
    }

    /// The kept events after `seq` that this tick has added so far.
    func unwrittenEvents(after seq: UInt64) -> some BidirectionalCollection<Pending> {
        var low = writtenEvents
        var high = pending.count
        while low < high {
            let middle = (low + high) / 2
            if pending[middle].seq <= seq { low = middle + 1 } else { high = middle }
        }
        return pending[low...].lazy.filter(\.isKept)
    }

    /// The events that this tick has added so far, up to the last message.
    var unwrittenMessages: ArraySlice<Pending> { pending[writtenEvents..<max(writtenEvents, endOfMessages)] }

    /// The events are on the disk: they are history now.
    mutating func commit(_ bounds: Recent.Bounds, counting counters: inout ChatCounters) {
        for event in pending[writtenEvents...] where event.isKept {
            let isMessage = event.kind == .message
            recent.append(seq: event.seq, line: event.range, of: lines, isMessage: isMessage, bounds)
            counters.count(event.kind)
        }
        writtenBytes = lines.count
        writtenEvents = pending.count
        writtenSeq = seq
    }

    mutating func clearChanges() { changes.removeAll(keepingCapacity: changes.capacity <= 256) }

    /// Forgets the events that could not be written. What they have changed is taken back elsewhere (`Chat.takeBack`).
    mutating func discardUnwritten() {
        seq = writtenSeq
        lines.removeLast(lines.count - writtenBytes)
        pending.removeLast(pending.count - writtenEvents)
        endOfMessages = min(endOfMessages, writtenEvents)
    }

    // MARK: Sending

    /// How long notices may wait for more of them, in milliseconds, counted from when events were last sent.
    ///
    /// Where everyone hears of everyone, a crowd that comes in is n² notices. They cost what the writes cost, one for
    /// each member and each time, so the more members there are, the more notices go into one write: never more than a
    /// fiftieth of a millisecond a member, and never more than a quarter of a second. A message waits for nothing, and
    /// takes the notices before it along.
    var holdTime: Int64 { Int64(min(250, present.count / 50)) }

    /// When the pending events are due; nil if there are none.
    func dueTime(now: Int64) -> Int64? {
        guard !pending.isEmpty else { return nil }
        guard pending.allSatisfy(\.mayWait) else { return now }
        return max(now, lastSent &+ holdTime)
    }

    /// The pending events have been handed on.
    mutating func clearPending(now: Int64) {
        // Memory is kept for the next tick in proportion to the people, so that a thousand quiet rooms hold little.
        let keep = 4096 + 16 * present.count
        lines.removeAll(keepingCapacity: lines.capacity <= keep)
        pending.removeAll(keepingCapacity: pending.capacity * MemoryLayout<Pending>.stride <= keep)
        whispers.removeAll(keepingCapacity: whispers.capacity <= keep)
        writtenBytes = 0
        writtenEvents = 0
        endOfMessages = 0
        lastSent = now
    }
}
