/// A request at work: where it is in the files, and what it has found.
///
/// Everything is read backwards, newest lines first, a chunk a step; so a step's cost is bounded, whatever lies between the
/// lines that are wanted.
final class ReadJob {
    let request: ReadRequest
    var phase = Phase.start
    var found: Collector
    var damagedLines = 0
    var repair = Repair()

    /// Only lines below this seq and above `after` are asked for.
    var limit: UInt64 = 0
    var after: UInt64 = 0

    /// The lines still to be read end here.
    var segment: UInt64 = 0
    var end: Int64 = 0
    /// The seq of the line that follows them, or one above the greatest there may be.
    var ceiling: UInt64 = 0
    var chunk = HistoryLimits.chunk

    /// The segment's file, open from one step to the next.
    var file: (first: UInt64, file: OpenFile)?

    enum Phase {
        case start
        /// Finding the end of the last segment's whole lines, and the newest seq.
        case findEnd(RoomEnd)
        /// Waiting for the room's record in `Reservations` to be on the disk.
        case reserve(RoomLog)
        /// Halving a segment until the part with the asked seq is small.
        case search(SeqSearch)
        case collect
    }

    init(_ request: ReadRequest) {
        self.request = request
        found = Collector(request.kind)
    }

    func closeFile(_ disk: any Storage) {
        if let file { disk.close(file.file) }
        file = nil
    }
}

/// The lines that a request takes, as they come in backwards.
struct Collector {
    private let wantedEvents: Int
    private let wantedMessages: Int
    /// Go on until one more is met than was wanted, to be able to say that there are more.
    private let looksForMore: Bool

    private(set) var events = Block()
    private(set) var messages = Block()
    private var messagesInEvents = 0
    private(set) var more = false

    /// Pieces of whole lines, the newest piece first.
    struct Block {
        var pieces: [[UInt8]] = []
        var count = 0
        var bytes = 0
        var isFull = false

        func joined() -> LineBlock {
            var block = LineBlock(bytes: [], count: count)
            block.bytes.reserveCapacity(bytes)
            for piece in pieces.reversed() { block.bytes += piece }
            return block
        }

        mutating func take(_ line: Int, wanted: Int) -> Bool {
            if count >= wanted || bytes + line > HistoryLimits.blockBytes { isFull = true }
            guard !isFull else { return false }
            count += 1
            bytes += line
            return true
        }
    }

    init(_ kind: ReadRequest.Kind) {
        switch kind {
        case .load:
            wantedEvents = HistoryLimits.loadedEvents
            wantedMessages = HistoryLimits.loadedMessages
            looksForMore = false
        case .messages(_, let limit):
            wantedEvents = 0
            wantedMessages = max(0, min(limit, HistoryLimits.messagesPage))
            looksForMore = true
        case .event:
            wantedEvents = 1
            wantedMessages = 0
            looksForMore = false
        case .since(_, let limit):
            wantedEvents = max(0, min(limit, HistoryLimits.sinceEvents))
            wantedMessages = 0
            looksForMore = true
        }
    }

    /// Nothing that may follow is wanted.
    var isComplete: Bool {
        if more { return true }
        guard !looksForMore else { return false }
        return (events.isFull || events.count >= wantedEvents)
            && (messages.isFull || messages.count + messagesInEvents >= wantedMessages)
    }

    /// Whether a line could be of use at all: so millions of notices are passed over without a closer look.
    func isInterested(in line: ScannedLine) -> Bool {
        line.isMessage || events.count < wantedEvents && !events.isFull || looksForMore && wantedMessages == 0
    }

    /// Decides about the next older line.
    mutating func offer(_ line: ScannedLine) -> ScannedLine.Destination {
        if wantedEvents > 0, events.take(line.range.count, wanted: wantedEvents) {
            if line.isMessage { messagesInEvents += 1 }
            return .events
        }
        if line.isMessage, wantedMessages > 0,
            messages.take(line.range.count, wanted: wantedMessages - messagesInEvents)
        {
            return .messages
        }
        // A notice is nothing to a request for messages.
        if looksForMore, line.isMessage || wantedMessages == 0 { more = true }
        return .none
    }

    /// Copies what was decided on, in the order of the file.
    mutating func copy(_ lines: [ScannedLine], from bytes: [UInt8]) {
        var event: [UInt8] = []
        var message: [UInt8] = []
        for line in lines {
            switch line.destination {
            case .none: continue
            case .events: event += bytes[line.range]
            case .messages: message += bytes[line.range]
            }
        }
        if !event.isEmpty { events.pieces.append(event) }
        if !message.isEmpty { messages.pieces.append(message) }
    }
}
