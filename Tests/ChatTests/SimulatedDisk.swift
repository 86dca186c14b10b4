import Chat

/// What the log would keep: each room's lines, with a snapshot before the first; and the answers to what the chat asks for. It
/// is the simplest thing that can be right, so that it can be the judge of what rooms hold in memory.
struct SimulatedDisk {
    /// Each room's lines. A room that was never written has none.
    var rooms: [String: [String]] = [:]
    /// The rooms whose writes fail.
    var failing: Set<String> = []
    /// The reads that have not been answered.
    var reads: [DiskRead] = []
    /// What lines are synced under that are written from now on; nil where nobody waits for that.
    var ticket: UInt64?
    /// Snapshots that are being written in pieces, and how long the pieces are.
    var cursors: [String: SnapshotCursor] = [:]
    var pieceLimit = 1 << 20
    /// What unclean stops have raised seqs to.
    var base: UInt64 = 0

    /// Writes the rooms' new lines.
    ///
    /// - Returns: the rooms that were refused.
    mutating func write(_ written: [UInt32], of chat: Chat) -> [UInt32] {
        var failed: [UInt32] = []
        for index in written {
            let room = chat.rooms[Int(index)]
            if failing.contains(room.name) {
                failed.append(index)
                continue
            }
            if rooms[room.name] == nil { beginSegment(of: room) }
            append(room.lines[room.unwritten], to: room.name)
            writePiece(of: room)
        }
        return failed
    }

    private mutating func append(_ lines: ArraySlice<UInt8>, to room: String) {
        rooms[room, default: []] += String(decoding: lines, as: UTF8.self).split(separator: "\n").map(String.init)
    }

    /// Begins a snapshot, as a new segment begins with one. Its later pieces follow the room's next lines.
    mutating func beginSegment(of room: Room) {
        cursors[room.name] = SnapshotCursor()
        writePiece(of: room)
    }

    private mutating func writePiece(of room: Room) {
        guard var cursor = cursors[room.name] else { return }
        var bytes: [UInt8] = []
        room.appendSnapshot(from: &cursor, limit: pieceLimit, to: &bytes)
        append(bytes[...], to: room.name)
        cursors[room.name] = cursor.isDone ? nil : cursor
    }

    /// Whether there is a snapshot that is complete.
    func hasSnapshot(of room: String) -> Bool {
        (rooms[room] ?? []).contains { RoomLoader.snapshotPart(Array($0.utf8).span)?.isLast == true }
    }

    /// Where the newest snapshot begins that is complete.
    private func start(_ lines: [String]) -> Int {
        var (begun, complete): (Int?, Int?) = (nil, nil)
        for (place, line) in lines.enumerated() {
            guard let part = RoomLoader.snapshotPart(Array(line.utf8).span) else { continue }
            if part.isFirst { begun = place }
            if part.isLast { complete = begun }
        }
        return complete ?? 0
    }

    /// The events that are kept of a room.
    func events(_ room: String = "lobby") -> [JSON] {
        (rooms[room] ?? []).map(JSON.init).filter { $0.type != "snapshot" }
    }

    /// Takes lines away, as a power cut or a careless hand does.
    mutating func remove(_ room: String = "lobby", where isGone: (JSON) -> Bool) {
        rooms[room]?.removeAll { isGone(JSON($0)) }
    }

    /// Makes a room of what is kept: of the newest segment, and of the messages before it.
    func load(_ name: String, _ rules: RoomRules) -> Room {
        let lines = rooms[name] ?? []
        let start = start(lines)
        var loader = RoomLoader(room: name, rules: rules)
        for line in lines[start...] { _ = loader.take(Array(line.utf8).span) }
        let older = loader.hasEnoughMessages ? [] : messages(lines[..<start])
        let text = older.suffix(rules.recentMessages).joined()
        return loader.finish(
            olderMessages: Array(text.utf8).span,
            isWhole: loader.hasEnoughMessages ? messages(lines[..<start]).isEmpty : older.count <= rules.recentMessages,
            base: base)
    }

    private func messages(_ lines: some Sequence<String>) -> [String] {
        lines.filter { JSON($0).type == "message" }.map { $0 + "\n" }
    }

    /// Folds what was done to messages into their lines, in a new segment's time.
    mutating func fold(_ room: Room, erases: Bool) -> Folded {
        let fold = room.fold(erases: erases)
        rooms[room.name] = (rooms[room.name] ?? []).map { text in
            let line = Array(text.utf8)
            guard let event = EventLine(line.span), event.kind == .message,
                let facts = fold.facts(of: event, in: line.span)
            else { return text }
            var folded: [UInt8] = []
            event.appendFolded(of: line.span, facts, to: &folded)
            return String(decoding: folded.dropLast(), as: UTF8.self)
        }
        beginSegment(of: room)
        return Folded(fold) { _ in false }
    }

    /// Answers a read; with nothing if `fails`.
    func answer(_ read: DiskRead, of room: Room, fails: Bool = false, to inputs: inout TickInputs) {
        guard read.want != .load else {
            return inputs.items.append(
                fails
                    ? .roomFailed(room: read.room) : .roomLoaded(room: read.room, load(room.name, room.rules)))
        }
        guard !fails else { return inputs.items.append(.readFailed(request: read.request)) }
        let events = events(room.name)
        let messages = events.filter { $0.type == "message" }
        let found: (lines: ArraySlice<JSON>, all: Int)
        switch read.want {
        case .load: return
        case .messagesBefore(let before, let limit):
            let all = messages.filter { $0.number < before }
            found = (all.suffix(limit), all.count)
        case .messagesAfter(let after, let limit):
            let all = messages.filter { $0.number > after }
            found = (all.prefix(limit), all.count)
        case .event(let seq):
            let all = events.filter { $0.number == seq }
            found = (all[...], all.count)
        case .since(let since, let limit):
            let all = events.filter { $0.number > since }
            found = (all.suffix(limit), all.count)
        case .search(let text, let before, let limit):
            let search = MessageSearch(text.span)
            let fold = room.untold
            let all = messages.filter { message in
                let line = Array(message.text.utf8)
                guard message.number < before, let event = EventLine(line.span) else { return false }
                return search.matches(event, of: line.span, fold.facts(of: event, in: line.span))
            }
            let found = all.suffix(limit)
            let range = inputs.append(found.map { $0.text + "\n" }.joined())
            let next = found.count < all.count ? found.first?.number : nil
            return inputs.items.append(.found(request: read.request, range, next: next))
        }
        let range = inputs.append(found.lines.map { $0.text + "\n" }.joined())
        inputs.items.append(.lines(request: read.request, range, more: found.all > found.lines.count))
    }
}

extension JSON {
    /// The seq; 0 where there is none.
    fileprivate var number: UInt64 { UInt64(seq ?? 0) }
}
