import Cluster

/// A stand-in for the engine that obeys the same rules: what the scripts do, in Swift. `EngineRuleTests` holds both to the same word.
///
/// It keeps everything in a value, so that a test may put an older one in its place: a tail that is lost.
package struct SimulatedEngine: Sendable {
    package struct Room: Sendable {
        package var last: UInt64 = 0
        package var stamp: Int64 = 0
        package var epoch: UInt64 = 1
        package var snapshotPosition: UInt64 = 0
        package var snapshot: [UInt8] = []
        /// The newest number of each incarnation, and its position.
        package var numbers: [Incarnation: (number: UInt64, position: UInt64)] = [:]
        package var lost: [Incarnation: Int64] = [:]
        package var records: [RoomRecord] = []
        package var history: [UInt64: Block] = [:]
    }

    /// A block of a room's history.
    package struct Block: Sendable {
        package var lines: [UInt64: [UInt8]] = [:]
        package var time: Int64 = 0
    }

    package struct Published: Equatable, Sendable {
        package var room: String
        package var notice: RoomNotice

        package init(room: String, notice: RoomNotice) { (self.room, self.notice) = (room, notice) }
    }

    /// What is on its disk.
    package struct Contents: Sendable {
        package var rooms: [String: Room] = [:]
        /// Nil before the first attach.
        package var epoch: UInt64?
        package var writes: UInt64 = 0
        package var lines: [(line: String, start: UInt64)] = []
        package var lives: [Incarnation: (name: String, until: Int64)] = [:]
        package var nodes: [String: (incarnation: Incarnation, until: Int64)] = [:]

        package init() {}
    }

    package init() {}

    package var contents = Contents()
    /// Its own time, in milliseconds since the Unix epoch. It may be set back.
    package var time: Int64 = 1_790_000_000_000
    /// Milliseconds that have gone by: what keys lapse by.
    package var monotonic: Int64 = 0
    /// Changes with each restart.
    package var line = "line-1"
    package var isFull = false
    private var published: [Published] = []
    /// How often each was done.
    package private(set) var appends = 0

    package mutating func takePublished() -> [Published] {
        defer { published = [] }
        return published
    }

    private func isAlive(_ incarnation: Incarnation) -> Bool {
        (contents.lives[incarnation]?.until ?? .min) > monotonic
    }

    package mutating func perform(_ request: EngineRequest) -> EngineAnswer {
        switch request {
        case .attach(let node): return attach(node)
        case .leave(let incarnation, let name):
            contents.lives[incarnation] = nil
            if contents.nodes[name]?.incarnation == incarnation { contents.nodes[name] = nil }
            return .done
        case .findLapsed(let incarnations): return .lapsed(incarnations.filter { !isAlive($0) })
        case .append(let room, let append): return self.append(append, to: room)
        case .declareLost(let room, let epoch, let incarnation):
            return declareLost(incarnation, in: room, epoch: epoch)
        case .load(let room, let incarnation): return load(room, incarnation)
        case .read(let name, let position):
            let room = contents.rooms[name] ?? Room()
            if position > room.last { return .behind(last: room.last) }
            let records = room.records.filter { $0.position > position }
            if position < room.last, records.first?.position != position + 1 { return .trimmed(last: room.last) }
            return .records(Self.page(records), last: room.last, epoch: contents.epoch ?? 0)
        case .store(let room, let store): return self.store(store, of: room)
        case .history(let room, let from, let descending, let blocks):
            return .history(history(of: room, from: from, descending: descending, most: blocks))
        case .historySizes(let room):
            let blocks = contents.rooms[room]?.history ?? [:]
            return .historySizes(
                blocks.sorted { $0.key < $1.key }.map { number, block in
                    let bytes = block.lines.values.reduce(0) { $0 + $1.count }
                    return HistorySize(block: number, bytes: UInt64(bytes), time: block.time)
                })
        }
    }

    private mutating func attach(_ node: EngineRequest.Attachment) -> EngineAnswer {
        if let holder = contents.nodes[node.name], holder.until > monotonic, holder.incarnation != node.incarnation,
            isAlive(holder.incarnation)
        {
            return .refused(.nameTaken)
        }
        if isFull { return .refused(.full) }
        var hasLostTail = node.writes > contents.writes
        let isNew = contents.lines.last?.line != node.line
        if isNew || hasLostTail || contents.epoch ?? 0 < node.epoch {
            contents.epoch = max(contents.epoch ?? 0, node.epoch) + 1
        }
        if isNew { contents.lines.append((node.line, contents.writes)) }
        if !node.previousLine.isEmpty {
            let index = contents.lines.lastIndex { $0.line == node.previousLine }
            let later = contents.lines[((index ?? -1) + 1)...]
            if index == nil || later.contains(where: { node.writes > $0.start }) { hasLostTail = true }
        }
        contents.lives[node.incarnation] = (node.name, monotonic + EngineRequest.life)
        contents.nodes[node.name] = (node.incarnation, monotonic + EngineRequest.life)
        return .attached(epoch: contents.epoch ?? 0, writes: contents.writes, hasLostTail: hasLostTail)
    }

    // MARK: Records

    private mutating func add(
        _ content: RoomRecord.Content, by incarnation: Incarnation, _ number: UInt64, to name: String
    ) {
        var room = contents.rooms[name] ?? Room()
        let stamp = max(time, room.stamp)
        func add(_ content: RoomRecord.Content, _ incarnation: Incarnation, _ number: UInt64) {
            room.last += 1
            contents.writes += 1
            let record = RoomRecord(
                position: room.last, stamp: stamp, writes: contents.writes, incarnation: incarnation, number: number,
                content: content)
            room.records.append(record)
            published.append(Published(room: name, notice: .record(record)))
        }
        let epoch = contents.epoch ?? 0
        if room.epoch != epoch { add(.epoch(epoch), .none, 0) }
        add(content, incarnation, number)
        room.epoch = epoch
        room.stamp = stamp
        contents.rooms[name] = room
    }

    private mutating func append(_ append: EngineRequest.Append, to name: String) -> EngineAnswer {
        // As the engine does it: a script that may grow what it has does not even begin.
        if isFull { return .refused(.full) }
        guard (contents.epoch ?? 0) == append.epoch else { return .epoch(contents.epoch ?? 0) }
        let room = contents.rooms[name] ?? Room()
        let incarnation = append.incarnation
        guard room.lost[incarnation] == nil else { return .lost }
        let had = room.numbers[incarnation] ?? (0, 0)
        if append.number <= had.number { return .repeated(had.position) }
        guard append.number == had.number + 1, append.base <= room.last else { return .behind(last: room.last) }
        // Only the real engine would store what is no record.
        let probe = RoomRecord(
            position: 0, stamp: 0, writes: 0, incarnation: .none, number: 0, content: .rules([])
        ).bytes.dropLast()
        guard let content = RoomRecord(probe + append.body)?.content else {
            return .refused(.other("no record"))
        }
        add(content, by: incarnation, append.number, to: name)
        appends += 1
        let last = contents.rooms[name]?.last ?? 0
        contents.rooms[name]?.numbers[incarnation] = (append.number, last)
        if (contents.lives[incarnation]?.until ?? 0) - monotonic < EngineRequest.life / 2 {
            contents.lives[incarnation] = (append.name, monotonic + EngineRequest.life)
        }
        return .appended(last)
    }

    private mutating func declareLost(_ incarnation: Incarnation, in name: String, epoch: UInt64) -> EngineAnswer {
        if isFull { return .refused(.full) }
        guard (contents.epoch ?? 0) == epoch else { return .epoch(contents.epoch ?? 0) }
        if isAlive(incarnation) { return .alive }
        guard contents.rooms[name]?.numbers[incarnation] != nil else { return .repeated(0) }
        add(.lost(incarnation), by: .none, 0, to: name)
        contents.rooms[name]?.numbers[incarnation] = nil
        let stamp = contents.rooms[name]?.stamp
        contents.rooms[name]?.lost[incarnation] = stamp
        return .appended(contents.rooms[name]?.last ?? 0)
    }

    private func load(_ name: String, _ incarnation: Incarnation) -> EngineAnswer {
        let room = contents.rooms[name] ?? Room()
        var stored = EngineAnswer.StoredRoom()
        (stored.epoch, stored.writes, stored.last) = (contents.epoch ?? 0, contents.writes, room.last)
        (stored.snapshotPosition, stored.snapshot) = (room.snapshotPosition, room.snapshot)
        stored.number = room.numbers[incarnation]?.number ?? 0
        stored.isLost = room.lost[incarnation] != nil
        stored.incarnations = room.numbers.keys.sorted { $0.bits < $1.bits }
        stored.lapsed = stored.incarnations.filter { !isAlive($0) }
        stored.records = Self.page(room.records.filter { $0.position > room.snapshotPosition })
        return .loaded(stored)
    }

    private mutating func store(_ store: EngineRequest.Store, of name: String) -> EngineAnswer {
        if isFull { return .refused(.full) }
        guard (contents.epoch ?? 0) == store.epoch else { return .epoch(contents.epoch ?? 0) }
        guard var room = contents.rooms[name], store.position <= room.last else {
            return .behind(last: contents.rooms[name]?.last ?? 0)
        }
        if store.position <= room.snapshotPosition { return .older(room.snapshotPosition) }
        (room.snapshot, room.snapshotPosition) = (store.snapshot, store.position)
        room.lost = room.lost.filter { $0.value >= room.stamp - 86_400_000 }
        room.records.removeAll { $0.position <= store.position }
        for line in store.history where line.seq > store.expiredThrough {
            var block = room.history[HistoryLine.block(of: line.seq)] ?? Block()
            block.lines[line.seq] = line.line
            block.time = max(block.time, line.time)
            room.history[HistoryLine.block(of: line.seq)] = block
        }
        for (number, var block) in room.history {
            block.lines = block.lines.filter { $0.key > store.expiredThrough }
            room.history[number] = block.lines.isEmpty ? nil : block
        }
        contents.rooms[name] = room
        published.append(
            Published(room: name, notice: .snapshot(position: store.position, size: UInt64(store.snapshot.count))))
        return .stored(store.position)
    }

    private func history(of name: String, from: UInt64, descending: Bool, most: Int) -> HistoryAnswer {
        let stored = contents.rooms[name]?.history ?? [:]
        var numbers = stored.keys.filter { descending ? $0 <= from : $0 >= from }.sorted()
        if descending { numbers.reverse() }
        var answer = HistoryAnswer(blocks: [], more: false)
        var bytes = 0
        for number in numbers.prefix(most) where bytes < 1 << 20 {
            let lines = (stored[number]?.lines ?? [:]).sorted { $0.key < $1.key }
            answer.blocks.append(
                HistoryBlock(number: number, lines: lines.map { HistoryBlock.Line(seq: $0.key, line: $0.value) }))
            bytes += lines.reduce(0) { $0 + $1.value.count }
        }
        answer.more = answer.blocks.count < numbers.count
        return answer
    }

    /// What fits in an answer: records up to some four million bytes, looked at after each sixty-four.
    private static func page(_ records: [RoomRecord]) -> [RoomRecord] {
        var (bytes, count) = (0, 0)
        while count < records.count, bytes < 4 << 20 {
            let slice = records[count..<min(count + 64, records.count)]
            bytes += slice.reduce(0) { $0 + $1.bytes.count }
            count += slice.count
        }
        return Array(records.prefix(count))
    }
}
