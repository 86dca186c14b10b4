import Chat
import Cluster
import Log

/// What goes between the chat and the engine of a cluster, beside the records themselves: rooms that are opened and closed, what is
/// read of the history, and snapshots that are on their way.
final class ClusterLink {
    var node: ClusterNode
    var server = SharedServer()
    /// Rooms that the chat has dropped while something of them was on its way; and whether they are wanted again.
    private var closing: [(room: String, isWanted: Bool)] = []
    private var lastTag: UInt64 = 0
    private var reads: [UInt64: HistoryRead] = [:]
    private var writes: [UInt64: HistoryWrite] = [:]
    /// When it is looked again what is not to be kept any longer (ms).
    private var nextLook: Int64 = 0
    /// Rooms of which a snapshot is to be taken when what has come in is applied.
    var wantedSnapshots: [String] = []
    /// What was found in the history, by the chat's request; nil where that has failed.
    var found: [(request: UInt64, outcome: ReadResult.Outcome?)] = []
    /// Faults of the engine that were told of.
    var faultLog = LogThrottle()

    init(_ node: ClusterNode) { self.node = node }

    /// When there is something to do (ms).
    var nextDeadline: Int64? { found.isEmpty ? min(node.nextDeadline, nextLook) : 0 }

    // MARK: Rooms

    func open(_ room: String) {
        if let place = closing.firstIndex(where: { $0.room == room }) {
            closing[place].isWanted = true
        } else {
            node.open(room)
        }
    }

    func close(_ room: String) { closing.append((room, false)) }

    /// Closes the rooms of which nothing is on its way any more.
    func closeRooms() {
        guard !closing.isEmpty else { return }
        let all = closing
        closing = []
        for (room, isWanted) in all {
            if !node.close(room) {
                closing.append((room, isWanted))
            } else if isWanted {
                node.open(room)
            }
        }
    }

    // MARK: The history

    /// Begins to read.
    ///
    /// - Parameter tail: the newest events, which the history in the engine may lack.
    func read(
        _ kind: ReadRequest.Kind, of room: String, request: UInt64, tail: [HistoryTail.Line], fold: Fold?
    ) {
        var read = HistoryRead(kind, request: request, tail: tail, fold: fold)
        guard let wanted = read.begin() else { return found.append((request, read.outcome)) }
        lastTag += 1
        reads[lastTag] = read
        ask(wanted, of: room, tag: lastTag)
    }

    /// Begins to write a snapshot: what was done to older messages has to be folded into their lines first.
    func write(_ snapshot: SharedSnapshot, of room: String) {
        var write = HistoryWrite(snapshot)
        guard let wanted = write.begin() else { return store(write, of: room) }
        lastTag += 1
        writes[lastTag] = write
        ask(wanted, of: room, tag: lastTag)
    }

    private func ask(_ wanted: WantedBlocks, of room: String, tag: UInt64) {
        node.readHistory(
            of: room, from: wanted.from, descending: wanted.isDescending, blocks: wanted.count, tag: tag)
    }

    /// The engine has sent blocks, or could not.
    func take(_ answer: HistoryAnswer?, tag: UInt64, of room: String) {
        if var write = writes.removeValue(forKey: tag) {
            // One that fails is begun again when it is asked for the next time.
            guard let answer else { return }
            if let wanted = write.take(answer) {
                writes[tag] = write
                ask(wanted, of: room, tag: tag)
            } else {
                store(write, of: room)
            }
            return
        }
        guard var read = reads.removeValue(forKey: tag) else { return }
        guard let answer else { return found.append((read.request, nil)) }
        guard let wanted = read.take(answer) else { return found.append((read.request, read.outcome)) }
        reads[tag] = read
        ask(wanted, of: room, tag: tag)
    }

    // MARK: What is not to be kept any longer

    /// Asks now and then how large the rooms' histories are, and how old.
    func lookForExpiry(of rooms: @autoclosure () -> [String], now: Int64) {
        guard now >= nextLook else { return }
        nextLook = now + Timing.expiryLook
        for room in rooms() {
            lastTag += 1
            node.readHistorySizes(of: room, tag: lastTag)
        }
    }

    /// Looks which of the oldest blocks of a history are too old, or too much.
    ///
    /// - Returns: the last event of those; nil where there are none.
    static func expired(_ sizes: [HistorySize], _ retention: Retention, time: Int64) -> UInt64? {
        var bytes = sizes.reduce(0) { $0 + Int64(clamping: $1.bytes) }
        var expired: UInt64?
        // The newest block stays: it is written to.
        for size in sizes.dropLast() {
            guard retention.isTooMuch(bytes) || retention.isOver(size.time, now: time) else { break }
            bytes -= Int64(clamping: size.bytes)
            expired = size.block
        }
        return expired.map { $0 << 8 | 0xFF }
    }

    private func store(_ write: HistoryWrite, of room: String) {
        node.store(
            write.snapshot.state, of: room, at: write.snapshot.position, history: write.lines,
            expiredThrough: write.snapshot.expiredThrough)
    }
}

/// Blocks of the history that are to be read.
struct WantedBlocks {
    var from: UInt64
    var isDescending: Bool
    var count: Int
}

extension WantedBlocks {
    /// Blocks that are asked for at once; the engine sends fewer where they are large.
    static let atOnce = 16
}

/// Looks for lines in the history: in the engine's blocks, and in the newest events.
struct HistoryRead {
    let request: UInt64
    private var finder: LineFinder
    /// Whole lines, each with its line break; and the seq of the first.
    private let tail: [UInt8]
    private let tailStart: UInt64?

    init(_ kind: ReadRequest.Kind, request: UInt64, tail: [HistoryTail.Line], fold: Fold?) {
        self.request = request
        finder = LineFinder(kind, fold: fold)
        self.tail = tail.flatMap { $0.text + [UInt8(ascii: "\n")] }
        tailStart = tail.first?.seq
    }

    var outcome: ReadResult.Outcome { finder.outcome }

    /// - Returns: the blocks that are needed first; nil where there is no need.
    mutating func begin() -> WantedBlocks? {
        if finder.isForwards {
            if let tailStart, finder.start >= tailStart {
                finder.take(tail)
                return nil
            }
            return wanted(from: HistoryLine.block(of: finder.start))
        }
        finder.take(tail)
        if finder.isDone { return nil }
        return wanted(from: HistoryLine.block(of: min(finder.start, tailStart ?? .max, Limits.largestSeq)))
    }

    private func wanted(from block: UInt64) -> WantedBlocks {
        WantedBlocks(from: block, isDescending: !finder.isForwards, count: WantedBlocks.atOnce)
    }

    /// - Returns: the blocks that are needed next.
    mutating func take(_ answer: HistoryAnswer) -> WantedBlocks? {
        for block in answer.blocks { finder.take(block.lines.flatMap { $0.line + [UInt8(ascii: "\n")] }) }
        if finder.isDone { return nil }
        if answer.more, let last = answer.blocks.last?.number {
            if finder.isForwards { return wanted(from: last + 1) }
            return last > 0 ? wanted(from: last - 1) : nil
        }
        if finder.isForwards { finder.take(tail) }
        return nil
    }
}

/// Makes what goes into the history with a snapshot: the newest events, and older messages to which something was done.
struct HistoryWrite {
    let snapshot: SharedSnapshot
    private(set) var lines: [HistoryLine] = []
    private var folder: LineFolder
    /// Blocks of messages to which something was done, the first one first; and whether all from the first on are needed, for edits
    /// whose texts are to go may be anywhere behind their message.
    private var blocks: [UInt64] = []
    private let needsAll: Bool
    /// The first event that the history lacks.
    private let end: UInt64

    init(_ snapshot: SharedSnapshot) {
        self.snapshot = snapshot
        folder = LineFolder(snapshot.fold)
        let end = snapshot.lines.first?.seq ?? .max
        self.end = end
        let targets = snapshot.fold.facts.keys.filter { $0 < end }
        blocks = Set(targets.map(HistoryLine.block)).sorted()
        let hasPurges = !snapshot.fold.purges.isEmpty
        if hasPurges { blocks = [0] }
        needsAll = hasPurges || folder.erasesEdits
    }

    /// - Returns: the blocks that are needed first; nil where there is no need.
    mutating func begin() -> WantedBlocks? {
        guard let first = blocks.first else {
            finish()
            return nil
        }
        return WantedBlocks(from: first, isDescending: false, count: needsAll ? WantedBlocks.atOnce : 1)
    }

    /// - Returns: the blocks that are needed next; nil where there are no more.
    mutating func take(_ answer: HistoryAnswer) -> WantedBlocks? {
        for block in answer.blocks { for line in block.lines where line.seq < end { add(line.seq, line.line) } }
        guard answer.more, let last = answer.blocks.last?.number else {
            finish()
            return nil
        }
        if needsAll { return WantedBlocks(from: last + 1, isDescending: false, count: WantedBlocks.atOnce) }
        blocks.removeAll { $0 <= last }
        return begin()
    }

    private mutating func add(_ seq: UInt64, _ line: [UInt8], isNew: Bool = false) {
        var text: [UInt8] = []
        let isChanged = folder.append(line.span, to: &text)
        guard isChanged || isNew else { return }
        text.removeLast()
        let time = EventLine(line.span)?.time ?? 0
        lines.append(HistoryLine(seq: seq, time: time, line: text))
    }

    private mutating func finish() { for line in snapshot.lines { add(line.seq, line.text, isNew: true) } }
}
