/// What the engine answers to a request.
package enum EngineAnswer: Equatable, Sendable {
    case attached(epoch: UInt64, writes: UInt64, hasLostTail: Bool)
    case done
    /// The request was made in another epoch than this, the engine's.
    case epoch(UInt64)
    case lapsed([Incarnation])
    /// The record has this position.
    case appended(UInt64)
    /// The record is there already, at this position; or what was to be declared was declared.
    case repeated(UInt64)
    /// The engine has less than the node knows.
    case behind(last: UInt64)
    /// The node's incarnation was declared lost in the room.
    case lost
    /// The incarnation that was to be declared lost lives.
    case alive
    case loaded(StoredRoom)
    case records([RoomRecord], last: UInt64, epoch: UInt64)
    /// The records after the position are not kept any more.
    case trimmed(last: UInt64)
    case stored(UInt64)
    /// There is a newer snapshot already.
    case older(UInt64)
    case history(HistoryAnswer)
    /// By block.
    case historySizes([HistorySize])
    /// The request was refused, and nothing was changed.
    case refused(EngineFault)

    /// A room as the engine has it.
    package struct StoredRoom: Equatable, Sendable {
        package var epoch: UInt64 = 0
        package var writes: UInt64 = 0
        package var last: UInt64 = 0
        package var snapshotPosition: UInt64 = 0
        package var snapshot: [UInt8] = []
        /// The newest number of the incarnation that asks; and whether that was declared lost.
        package var number: UInt64 = 0
        package var isLost = false
        /// All that have brought records and were not declared lost; and those of them whose life has lapsed.
        package var incarnations: [Incarnation] = []
        package var lapsed: [Incarnation] = []
        /// Those after the snapshot: all, or as many as fit in an answer.
        package var records: [RoomRecord] = []

        package init() {}
    }
}

extension EngineAnswer {
    /// Reads an answer; whatever else comes is a fault.
    package init(_ value: RESPValue, to request: EngineRequest) {
        if case .error(let error) = value {
            self = .refused(EngineFault(error))
            return
        }
        let words = value.array ?? []
        self = Self.read(words, to: request) ?? .refused(.other("an answer that cannot be read"))
    }

    private static func read(_ words: [RESPValue], to request: EngineRequest) -> EngineAnswer? {
        if case .findLapsed(let incarnations) = request {
            guard words.count == incarnations.count else { return nil }
            return .lapsed(zip(incarnations, words).filter { $0.1 == .null }.map(\.0))
        }
        if case .load = request { return StoredRoom(words).map { .loaded($0) } }
        if case .history = request { return HistoryAnswer(words).map { .history($0) } }
        if case .historySizes = request { return HistorySize.read(words).map { .historySizes($0) } }
        let number = words.count > 1 ? words[1].count : nil
        switch words.first?.text {
        case "ok": return readSuccess(words, number, to: request)
        case "again": return .repeated(number ?? 0)
        case "lost": return .lost
        case "alive": return .alive
        case "taken": return .refused(.nameTaken)
        case "foreign": return .refused(.foreignKeys(words.count > 1 ? words[1].text ?? "" : ""))
        case "behind": return number.map { .behind(last: $0) }
        case "trimmed": return number.map { .trimmed(last: $0) }
        case "older": return number.map { .older($0) }
        case "epoch": return number.map { .epoch($0) }
        default: return nil
        }
    }

    private static func readSuccess(
        _ words: [RESPValue], _ number: UInt64?, to request: EngineRequest
    ) -> EngineAnswer? {
        switch request {
        case .leave: return .done
        case .append, .declareLost: return number.map { .appended($0) }
        case .store: return number.map { .stored($0) }
        case .attach:
            guard words.count == 4, let epoch = number, let writes = words[2].count, let lost = words[3].count else {
                return nil
            }
            return .attached(epoch: epoch, writes: writes, hasLostTail: lost != 0)
        case .read:
            guard words.count == 4, let epoch = number, let last = words[2].count, let records = records(words[3])
            else { return nil }
            return .records(records, last: last, epoch: epoch)
        case .findLapsed, .load, .history, .historySizes: return nil
        }
    }

    fileprivate static func records(_ value: RESPValue) -> [RoomRecord]? {
        guard let values = value.array else { return nil }
        let records = values.compactMap { $0.bytes.flatMap { RoomRecord($0) } }
        return records.count == values.count ? records : nil
    }
}

extension EngineAnswer.StoredRoom {
    fileprivate init?(_ words: [RESPValue]) {
        guard words.count == 10, let epoch = words[0].count, let writes = words[1].count, let last = words[2].count,
            let position = words[3].count, let snapshot = words[4].bytes, let number = words[5].count,
            let lost = words[6].count, let incarnations = Self.incarnations(words[7]),
            let lapsed = Self.incarnations(words[8]), let records = EngineAnswer.records(words[9])
        else { return nil }
        (self.epoch, self.writes, self.last) = (epoch, writes, last)
        (snapshotPosition, self.snapshot, self.number, isLost) = (position, snapshot, number, lost != 0)
        (self.incarnations, self.lapsed, self.records) = (incarnations, lapsed, records)
    }

    private static func incarnations(_ value: RESPValue) -> [Incarnation]? {
        guard let values = value.array else { return nil }
        let incarnations = values.compactMap { $0.bytes.flatMap { Incarnation($0.span) } }
        return incarnations.count == values.count ? incarnations : nil
    }
}

extension HistoryAnswer {
    fileprivate init?(_ words: [RESPValue]) {
        guard words.count == 2, let more = words[0].count, let values = words[1].array else { return nil }
        let blocks = values.compactMap { $0.array.flatMap { HistoryBlock($0) } }
        guard blocks.count == values.count else { return nil }
        self.init(blocks: blocks, more: more != 0)
    }
}

extension HistoryBlock {
    /// Its number, then a list of seqs and lines.
    fileprivate init?(_ words: [RESPValue]) {
        guard words.count == 2, let number = words[0].text.flatMap({ UInt64($0) }), let values = words[1].array,
            values.count.isMultiple(of: 2)
        else { return nil }
        self.init(number: number, lines: [])
        for index in stride(from: 0, to: values.count, by: 2) {
            guard let seq = values[index].text.flatMap({ UInt64($0) }), let line = values[index + 1].bytes else {
                return nil
            }
            lines.append(Line(seq: seq, line: line))
        }
    }
}

extension HistorySize {
    /// Of a hash's fields and values.
    fileprivate static func read(_ words: [RESPValue]) -> [HistorySize]? {
        guard words.count.isMultiple(of: 2) else { return nil }
        var sizes: [HistorySize] = []
        for index in stride(from: 0, to: words.count, by: 2) {
            let values = words[index + 1].text?.split(separator: " ") ?? []
            guard let block = words[index].text.flatMap({ UInt64($0) }), values.count == 2,
                let bytes = UInt64(values[0]), let time = Int64(values[1])
            else { return nil }
            sizes.append(HistorySize(block: block, bytes: bytes, time: time))
        }
        return sizes.sorted { $0.block < $1.block }
    }
}
