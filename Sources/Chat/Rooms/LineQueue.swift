import Bytes

/// Lines in a row, with the oldest first: added at the end, dropped from the front, found by their seq.
///
/// The bytes lie one after the other in one buffer, so that a line costs no allocation of its own, and a run of lines can
/// be copied at once.
struct LineQueue: Sendable {
    struct Entry: Sendable {
        var seq: UInt64
        var start: Int
        var count: Int
        var kind: EventKind

        var isMessage: Bool { kind == .message }

        var range: Range<Int> { start..<start + count }
    }

    private(set) var bytes: [UInt8] = []
    private var all: [Entry] = []
    private var dropped = 0  // so many of those in `all`
    /// How many of those that are not dropped are messages.
    private var messageCount = 0

    var count: Int { all.count - dropped }
    var byteCount: Int { dropped < all.count ? bytes.count - all[dropped].start : 0 }
    var first: Entry? { dropped < all.count ? all[dropped] : nil }
    var entries: ArraySlice<Entry> { all[dropped...] }

    mutating func append(seq: UInt64, _ line: Span<UInt8>, _ kind: EventKind) {
        all.append(Entry(seq: seq, start: bytes.count, count: line.count, kind: kind))
        if kind == .message { messageCount += 1 }
        bytes.append(copying: line)
    }

    /// Adds a line of another queue.
    mutating func append(_ entry: Entry, of other: LineQueue) {
        append(seq: entry.seq, other.bytes.span.extracting(entry.range), entry.kind)
    }

    /// The line with this seq.
    func entry(_ seq: UInt64) -> Entry? {
        entries[position(ofSeq: seq)...].first.flatMap { $0.seq == seq ? $0 : nil }
    }

    /// Goes through the messages with a seq below `before`, the newest first.
    ///
    /// It stops when there are no more of them, so that the notices of a room in which nobody speaks cost nothing.
    ///
    /// - Parameter limit: how many of them at most.
    func forEachMessage(before: UInt64, limit: Int, _ body: (Entry) -> Void) {
        var left = min(limit, messageCount)
        var place = position(ofSeq: before)
        while left > 0, place > dropped {
            place -= 1
            guard all[place].isMessage else { continue }
            body(all[place])
            left -= 1
        }
    }

    /// Drops the oldest line, if there is one.
    mutating func removeFirst() {
        guard dropped < all.count else { return }
        if all[dropped].isMessage { messageCount -= 1 }
        dropped += 1
        // What is dropped is cleared away when it is more than what is left: each byte is moved once, on average.
        if dropped * 2 > all.count || byteCount * 2 < bytes.count { compact() }
    }

    private mutating func compact() {
        let start = dropped < all.count ? all[dropped].start : bytes.count
        all.removeFirst(dropped)
        bytes.removeFirst(start)
        for i in all.indices { all[i].start -= start }
        dropped = 0
    }

    /// The place in `entries` of the first line whose seq is `seq` or more.
    func position(ofSeq seq: UInt64) -> Int {
        var low = dropped
        var high = all.count
        while low < high {
            let middle = (low + high) / 2
            if all[middle].seq < seq { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
