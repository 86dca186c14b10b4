/// Reads a recording from beginning to end.
package struct RecordingReader {
    package enum Record: Sendable {
        case settings(Limits)
        case journal([UInt8], now: Int64)
        case inputs(TickInputs)
        case outcome(Recording.Outcome)
        /// The bytes end in the middle of a record: the process was killed while it wrote.
        case cut
        /// The bytes are no recording, or one of another version.
        case damaged
    }

    private let bytes: [UInt8]
    private var at = 0

    package init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// The next record; nil at the end. After `cut` and `damaged` there is nothing more.
    package mutating func next() -> Record? {
        guard at < bytes.count else { return nil }
        guard at + 5 <= bytes.count else { return finish(.cut) }
        let length = (0..<4).reduce(0) { $0 | Int(bytes[at + 1 + $1]) << (8 * $1) }
        guard let kind = Recording.Kind(rawValue: bytes[at]) else { return finish(.damaged) }
        guard at + 5 + length <= bytes.count else { return finish(.cut) }
        var body = BodyReader(bytes: bytes, at: at + 5, end: at + 5 + length)
        at = body.end
        guard let record = body.record(kind), body.at == body.end else { return finish(.damaged) }
        return record
    }

    private mutating func finish(_ record: Record) -> Record {
        at = bytes.count
        return record
    }
}

/// Reads the inside of one record. What is not there is nil.
private struct BodyReader {
    let bytes: [UInt8]
    var at: Int
    let end: Int

    mutating func record(_ kind: Recording.Kind) -> RecordingReader.Record? {
        switch kind {
        case .settings:
            return limits().map { .settings($0) }
        case .journal:
            guard let now = number() else { return nil }
            defer { at = end }
            return .journal(Array(bytes[at..<end]), now: Int64(bitPattern: now))
        case .inputs: return inputs().map { .inputs($0) }
        case .outcome:
            guard let digest = number(), let journalWritten = byte(), let count = number() else { return nil }
            var failed: [UInt32] = []
            for _ in 0..<min(count, UInt64(end - at)) {
                guard let room = room() else { return nil }
                failed.append(room)
            }
            guard failed.count == Int(clamping: count) else { return nil }
            return .outcome(Recording.Outcome(failed: failed, journalWritten: journalWritten != 0, digest: digest))
        }
    }

    private mutating func limits() -> Limits? {
        guard number() == Recording.version, let isDurable = byte() else { return nil }
        var limits = Limits(isDurable: isDurable != 0)
        for rate in Limits.rates {
            guard let interval = number(), let tolerance = number() else { return nil }
            limits[keyPath: rate] = Rate(interval: Int64(clamping: interval), tolerance: Int64(clamping: tolerance))
        }
        for size in Limits.sizes {
            guard let value = number() else { return nil }
            limits[keyPath: size] = Int(clamping: value)
        }
        return limits
    }

    private mutating func inputs() -> TickInputs? {
        var inputs = TickInputs()
        guard let now = number(), let time = number(), let count = number() else { return nil }
        inputs.now = Int64(bitPattern: now)
        inputs.time = Int64(bitPattern: time)
        for _ in 0..<min(count, UInt64(end - at)) {
            guard let item = item(&inputs.bytes) else { return nil }
            inputs.items.append(item)
        }
        return inputs.items.count == Int(clamping: count) ? inputs : nil
    }

    private mutating func item(_ arena: inout [UInt8]) -> TickInputs.Item? {
        switch byte() {
        case 0:
            guard let id = id(), let high = number(), let low = number(), let name = range(&arena) else { return nil }
            return .opened(id, room: name, secret: Bits128(high: high, low: low))
        case 1:
            guard let id = id(), let text = range(&arena) else { return nil }
            return .text(id, text)
        case 2:
            guard let id = id(), let departure = byte().flatMap(Departure.init) else { return nil }
            return .closed(id, departure)
        case 3:
            guard let room = room(), let seq = number(), let older = range(&arena), let events = range(&arena)
            else { return nil }
            return .roomLoaded(room: room, newestSeq: seq, olderMessages: older, events: events)
        case 4: return room().map { .roomFailed(room: $0) }
        case 5:
            guard let request = number(), let more = byte(), let lines = range(&arena) else { return nil }
            return .lines(request: request, lines, more: more != 0)
        case 6: return number().map { .readFailed(request: $0) }
        default: return nil
        }
    }

    private mutating func byte() -> UInt8? {
        guard at < end else { return nil }
        defer { at += 1 }
        return bytes[at]
    }

    private mutating func number() -> UInt64? {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 70, by: 7) {
            guard let group = byte() else { return nil }
            value |= UInt64(group & 0x7F) << shift
            if group < 0x80 { return value }
        }
        return nil
    }

    /// A connection. The chat keeps a table by slot, which a damaged recording must not make endless.
    private mutating func id() -> ConnectionID? {
        number().map { ConnectionID(number: $0) }.flatMap { $0.slot < 1 << 22 ? $0 : nil }
    }
    private mutating func room() -> UInt32? { number().flatMap { UInt32(exactly: $0) } }

    /// Copies bytes into the arena, and says where they are.
    private mutating func range(_ arena: inout [UInt8]) -> Range<Int>? {
        guard let count = number().flatMap({ Int(exactly: $0) }), count <= end - at else { return nil }
        let start = arena.count
        arena.append(contentsOf: bytes[at..<at + count])
        at += count
        return start..<arena.count
    }
}
