import Bytes

@testable import Chat

/// What the log of the one room would keep: its lines, with a snapshot at the beginning of each segment.
struct SmallDisk {
    static let room = "r"

    private(set) var lines: [[UInt8]] = []
    /// The line with which the newest segment begins.
    private var segment = 0
    /// Whether a text was deleted that may still stand here.
    private(set) var isErasing = false
    /// What has not been answered.
    var reads: [DiskRead] = []
    /// Tells what is kept here from anything else.
    private(set) var trace = 0

    /// The seq of the oldest event.
    var firstSeq: UInt64 { lines.lazy.compactMap { EventLine($0.span)?.seq }.first ?? 1 }

    private mutating func add(_ line: [UInt8]) {
        lines.append(line)
        var hasher = Hasher()
        hasher.combine(trace)
        hasher.add(line)
        trace = hasher.finalize()
    }

    mutating func write(_ room: Room) {
        if lines.isEmpty { beginSegment(of: room) }
        for line in room.lines[room.unwritten].split(separator: 0x0A) { add(Array(line)) }
        isErasing = isErasing || room.unerased > 0
    }

    private mutating func beginSegment(of room: Room) {
        segment = lines.count
        var bytes: [UInt8] = []
        var cursor = SnapshotCursor()
        while !cursor.isDone { room.appendSnapshot(from: &cursor, limit: 1 << 20, to: &bytes) }
        for line in bytes.split(separator: 0x0A) { add(Array(line)) }
    }

    mutating func removeLastLine() { if !lines.isEmpty { lines.removeLast() } }

    private func messages(_ lines: some Sequence<[UInt8]>) -> [[UInt8]] {
        lines.filter { EventLine($0.span)?.kind == .message }
    }

    private func text(_ lines: [[UInt8]]) -> [UInt8] { Array(lines.map { $0 + [0x0A] }.joined()) }

    func load(_ rules: RoomRules) -> Room {
        var loader = RoomLoader(room: Self.room, rules: rules)
        for line in lines[segment...] { _ = loader.take(line.span) }
        let older = text(messages(lines[..<segment]))
        return loader.finish(olderMessages: older.span, isWhole: true, base: 0)
    }

    /// What was done to messages is written into their lines, and another segment begins.
    mutating func fold(_ room: Room) -> Folded {
        let fold = room.fold(erases: true)
        let old = lines
        (lines, trace, isErasing) = ([], 0, false)
        for line in old {
            guard let event = EventLine(line.span), event.kind == .message,
                let facts = fold.facts(of: event, in: line.span)
            else {
                add(line)
                continue
            }
            var folded: [UInt8] = []
            event.appendFolded(of: line.span, facts, to: &folded)
            add(folded.dropLast())
        }
        beginSegment(of: room)
        return Folded(fold) { _ in false }
    }

    /// Answers all that was asked.
    mutating func answer(_ inputs: inout TickInputs, _ rules: RoomRules, fails: Bool, flaw: Flaw?) {
        for read in reads {
            if read.want == .load {
                var room = load(rules)
                flaw?.damage(&room)
                inputs.items.append(
                    fails ? .roomFailed(room: read.room) : .roomLoaded(room: read.room, room))
                continue
            }
            let wanted = lines.filter { line in
                guard let event = EventLine(line.span) else { return false }
                switch read.want {
                case .since(let since, _): return event.seq > since
                case .event(let seq): return event.seq == seq
                default: return false
                }
            }
            let range = inputs.append(text(wanted).span)
            inputs.items.append(
                fails
                    ? .readFailed(request: read.request)
                    : .lines(request: read.request, range, more: false))
        }
        reads = []
    }
}
