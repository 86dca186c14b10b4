/// Something to be read from a room's log. It is answered by `History.advance`, some ticks later.
package struct ReadRequest: Hashable, Sendable {
    package var room: String
    package var kind: Kind
    /// The caller's own mark; it comes back with the answer.
    package var tag: UInt64

    package init(_ kind: Kind, room: String, tag: UInt64) {
        self.room = room
        self.kind = kind
        self.tag = tag
    }

    package enum Kind: Hashable, Sendable {
        /// Opens the room: repairs its end, finds its newest seq and its newest events. Needed once before anything else.
        case load
        /// The `message` events below a seq, the newest `limit` of them.
        case messages(before: UInt64, limit: Int)
        /// The one event with this seq.
        case event(seq: UInt64)
        /// All events above a seq up to the newest one at the time of the request, the newest `limit` of them.
        case since(after: UInt64, limit: Int)
    }
}

/// The answer to a request. Blocks are whole lines in the order of their seqs, each with its newline, ready to be sent.
package struct ReadResult: Sendable {
    package var request: ReadRequest
    package var outcome: Outcome
    /// Lines met on the way that are no events or contradict their neighbours; they were left out.
    package var damagedLines = 0

    package init(request: ReadRequest, outcome: Outcome, damagedLines: Int = 0) {
        self.request = request
        self.outcome = outcome
        self.damagedLines = damagedLines
    }

    package enum Outcome: Sendable {
        case loaded(LoadedRoom)
        /// `more` tells whether there are older ones.
        case messages(LineBlock, more: Bool)
        /// nil where there is no such event (any more).
        case event([UInt8]?)
        /// `leftOut` tells whether there are events above the asked seq and below the first of these.
        case since(LineBlock, leftOut: Bool)
        case failed(StorageError)
    }
}

/// Whole lines, one after the other.
package struct LineBlock: Hashable, Sendable {
    package var bytes: [UInt8] = []
    package var count = 0

    package init(bytes: [UInt8] = [], count: Int = 0) {
        self.bytes = bytes
        self.count = count
    }
}

/// What is known of a room once it is loaded.
package struct LoadedRoom: Hashable, Sendable {
    /// The newest seq that may have been used; the next event's is one more. 0 for a new room.
    package var newest: UInt64 = 0
    /// The newest events of any kind, at most `HistoryLimits.loadedEvents`.
    package var events = LineBlock()
    /// Messages older than those, so that both together hold the newest `HistoryLimits.loadedMessages` messages.
    package var olderMessages = LineBlock()
    package var repair = Repair()

    package init() {}
}

/// What was wrong with a file, and what was done about it.
package struct Repair: Hashable, Sendable {
    /// Bytes of a half-written end that were cut off.
    package var tornBytes: Int64 = 0
    /// Lines that are no events (or contradict their neighbours) and were left out. They stay in the file.
    package var damagedLines = 0
    /// How many seqs were left out because they may have been used before a power cut.
    package var skippedSeqs: UInt64 = 0

    package init() {}

    package var isEmpty: Bool { self == Repair() }
}

/// How much a single read may bring into memory.
package enum HistoryLimits {
    /// The contract's welcome: at most the newest 1000 events, or the newest 100 messages.
    package static let loadedEvents = 1000
    package static let loadedMessages = 100
    package static let messagesPage = 200
    package static let sinceEvents = 1000
    /// The bytes of one answer's block: a thousand events of ordinary length are a tenth of it. What does not fit is left
    /// out as if the limit in events had been lower, and the answer says so (`more`, `leftOut`).
    package static let blockBytes = 2 << 20
    /// What is read at once; also how long one step of a read keeps the loop busy (some 50 µs).
    static let chunk = 64 << 10
    /// The longest line there can be is some 50 KB. Anything longer is passed over as damage, at this many bytes in memory.
    static let longestLine = 512 << 10
    /// How much a step without reading counts for in the budget.
    static let stepCost = 4 << 10
    /// Reads at work at the same time; the others wait their turn.
    static let jobs = 16
}
