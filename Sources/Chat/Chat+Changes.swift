import Bytes

/// Requests about messages: edits, deletions, reactions, searches; and when deleted texts are erased from the log.
extension Chat {
    mutating func change(
        _ type: CommandType, _ command: Command, _ range: Range<Int>, _ id: ConnectionID, isRead: Bool,
        _ inputs: inout TickInputs, into output: inout TickOutput
    ) throws(Refusal) {
        let name = try reference(command.id, "The field id must be a string of 1 to 64 characters.", range, &inputs)
        let target = try seq(command.target, "The field target must be the seq of a message.", range, inputs)
        guard let target else { throw Refusal(.badField, "The field target must be the seq of a message.") }
        let kind: MessageChange.Kind
        var textLength = 0
        switch type {
        case .edit:
            let text = try judgedText(command.text, range, &inputs)
            (kind, textLength) = (.edit(text: text), text.count)
        case .react: kind = try reaction(command, inputs, range)
        default: kind = .delete
        }
        let (room, member) = try roomInside(id)
        if !isRead, read(message: target, of: room, for: id, range, &inputs, into: &output) { return }
        let change = MessageChange(kind: kind, target: target, id: name)
        // One that the room refuses is not counted.
        let isRefused = member.map { rooms[Int(room)].refusal(of: change, by: $0) != nil } ?? false
        if !isRefused { try chargeMessage(of: id, in: room, bytes: textLength) }
        work.append(Work(room: room, input: .change(id, change)))
    }

    private func reaction(
        _ command: Command, _ inputs: TickInputs, _ range: Range<Int>
    ) throws(Refusal) -> MessageChange.Kind {
        let text = inputs.bytes.span.extracting(range)
        let isFine =
            command.emoji.kind == .string && command.emoji.hasScalars(Limits.emojiScalars, in: text)
            && String(unescaping: command.emoji, of: text).isOneEmoji
        try check(isFine, "The field emoji must be one emoji.")
        try check(command.on.isMissing || command.on.kind == .boolean, "The field on must be true or false.")
        let isOff = command.on.kind == .boolean && text[command.on.range.lowerBound] == UInt8(ascii: "f")
        return .react(emoji: String(unescaping: command.emoji, of: text), on: !isOff)
    }

    /// Has the message read that a request is about, where only the disk knows it.
    ///
    /// - Returns: whether the request has to wait for it, or cannot be kept so long, which has been said then.
    mutating func read(
        message seq: UInt64, of room: UInt32, for id: ConnectionID, _ text: Range<Int>, _ inputs: inout TickInputs,
        into output: inout TickOutput
    ) -> Bool {
        guard rooms[Int(room)].needsDisk(message: seq) else {
            // Another node may have it in memory no more.
            if rooms[Int(room)].rules.isShared, let line = rooms[Int(room)].storedLine(of: seq) {
                work.append(Work(room: room, input: .messageRead(seq, line: inputs.append(line.span))))
            }
            return false
        }
        if wait(id, text, &inputs, into: &output) { read(.event(seq), .message(seq), room, for: id, into: &output) }
        return true
    }

    // MARK: Searching

    mutating func search(
        _ command: Command, _ range: Range<Int>, _ id: ConnectionID, _ inputs: inout TickInputs
    ) throws(Refusal) {
        let isFine =
            command.text.kind == .string
            && command.text.hasScalars(Limits.searchScalars, in: inputs.bytes.span.extracting(range))
        try check(isFine, "The field text must be a string of 2 to 100 characters.")
        let before = try seq(command.before, "The field before must be a seq.", range, inputs)
        let limit =
            command.limit.isMissing
            ? Limits.usualSearchLimit : JSONScanner.whole(inputs.bytes.span.extracting(range), command.limit)
        guard let limit, Limits.searchLimit.contains(limit) else {
            throw Refusal(.badField, "The field limit must be a whole number from 1 to 50.")
        }
        let ref = try reference(command.ref, "The field ref must be a string of 1 to 64 characters.", range, &inputs)
        let room = try roomInside(id).room
        // One at a time: whoever has one at work waits for its answer.
        guard !peers[Int(id.slot)].isSearching else { throw .tooFast(1000) }
        let wait = peers[Int(id.slot)].history.take(of: limits.history, now: moment.now)
        guard wait == 0 else { throw .tooFast(wait) }
        let text = quoted(command.text, range, &inputs)
        let search = SearchRequest(text: text, before: before ?? .max, limit: Int(limit), ref: ref)
        peers[Int(id.slot)].isSearching = rooms[Int(room)].rules.isDurable
        work.append(Work(room: room, input: .search(id, search)))
    }

    mutating func answer(_ request: UInt64, found lines: Range<Int>, next: UInt64?, _ inputs: inout TickInputs) {
        guard let read = reads.removeValue(forKey: request), isHere(read.connection),
            case .search(let wanted, let before, let limit, let name) = read.purpose
        else { return }
        peers[Int(read.connection.slot)].isSearching = false
        let (text, ref) = (inputs.append(wanted.span), inputs.append(name.span))
        let search = SearchRequest(text: text, before: before, limit: limit, ref: ref, request: request)
        work.append(
            Work(room: read.room, input: .searchRead(read.connection, search, lines: lines, next: next)))
    }

    // MARK: Erasing

    /// Something was deleted: its text is erased from the log in half a minute, together with what is deleted until then.
    mutating func scheduleErasure(of index: UInt32, after delay: Int64 = Limits.erasureDelay) {
        guard rooms[Int(index)].unerased > 0, !rooms[Int(index)].isErasing else { return }
        rooms[Int(index)].isErasing = true
        erasures.add(index, serial: rooms[Int(index)].serial, due: moment.now &+ delay)
    }

    mutating func expireErasures(into output: inout TickOutput) {
        while let (index, serial) = erasures.removeFirst(before: moment.now) {
            guard Int(index) < rooms.count, rooms[Int(index)].serial == serial else { continue }
            touch(index)
            output.erasures.append(index)
        }
    }

    /// Loads the rooms whose deleted texts were not erased before the last stop.
    mutating func loadUnfinished(into output: inout TickOutput) {
        guard !hasLoadedUnfinished, !unfinishedErasures.isEmpty else { return }
        hasLoadedUnfinished = true
        for name in unfinishedErasures.sorted() { startLoading(intern(name), into: &output) }
    }

    /// The log has taken in what was done to messages, or could not.
    mutating func takeFolded(_ index: UInt32, _ folded: Folded?) {
        guard Int(index) < rooms.count, !rooms[Int(index)].name.isEmpty else { return }
        guard let folded else {
            rooms[Int(index)].isErasing = false
            return scheduleErasure(of: index, after: Limits.erasureRetry)
        }
        // What was read before may be on its way to the room, and does not tell what was folded: so that goes first.
        let newest = reads.filter { $0.value.room == index }.keys.max()
        guard let newest else { return work.append(Work(room: index, input: .folded(folded))) }
        waitingFolds.append((newest, index, folded))
    }

    /// Hands on what was folded where nothing is on its way any more that was read before.
    mutating func releaseFolds() {
        guard !waitingFolds.isEmpty else { return }
        let waiting = waitingFolds
        waitingFolds = []
        for (newest, index, folded) in waiting {
            let isAwaited = reads.contains { $0.key <= newest && $0.value.room == index }
            if isAwaited {
                waitingFolds.append((newest, index, folded))
            } else {
                work.append(Work(room: index, input: .folded(folded)))
            }
        }
    }
}

/// When texts that were deleted are erased from rooms' logs. There are few of them.
struct Erasures: Sendable {
    private var all: [(due: Int64, room: UInt32, serial: UInt32)] = []

    var next: Int64? { all.first?.due }

    mutating func add(_ room: UInt32, serial: UInt32, due: Int64) {
        let place = all.firstIndex { $0.due > due } ?? all.count
        all.insert((due, room, serial), at: place)
    }

    /// Takes out one that is due by `now`.
    mutating func removeFirst(before now: Int64) -> (room: UInt32, serial: UInt32)? {
        guard let first = all.first, first.due <= now else { return nil }
        all.removeFirst()
        return (first.room, first.serial)
    }
}

extension String {
    /// Whether it is one emoji, whatever it is made of.
    var isOneEmoji: Bool {
        guard count == 1, let first = unicodeScalars.first else { return false }
        let isKeycap = unicodeScalars.last == "\u{20E3}"
        guard first.properties.isEmoji, isKeycap || !first.isASCII else { return false }
        if first.isRegionalIndicator { return unicodeScalars.count == 2 }
        return unicodeScalars.allSatisfy { scalar in
            scalar.properties.isEmoji || scalar == "\u{FE0F}" || scalar == "\u{200D}" || scalar == "\u{20E3}"
                || (0xE0020...0xE007F).contains(scalar.value)
        }
    }
}

extension Unicode.Scalar {
    fileprivate var isRegionalIndicator: Bool { (0x1F1E6...0x1F1FF).contains(value) }
}
