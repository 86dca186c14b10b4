import Bytes

/// What an answer from the disk is for.
struct PendingRead: Sendable {
    enum Purpose: Sendable {
        /// The events that someone has missed who comes back.
        case rejoin
        /// A page of older messages.
        case history
        /// The event of a message that was said before.
        case repeatEvent
    }

    var purpose: Purpose
    var room: UInt32
    var connection: ConnectionID
}

/// Reading from the disk, which takes until a later tick.
extension Chat {
    /// Makes sure that a room is in memory.
    ///
    /// - Returns: false if it is not yet: the join is parked, and done again when it is.
    mutating func load(
        _ room: UInt32, for id: ConnectionID, _ text: Span<UInt8>, into output: inout TickOutput
    ) -> Bool {
        if case .ready = rooms[Int(room)].phase { return true }
        visitors[Int(id.slot)].phase = .waiting
        park(text, of: id, in: room, into: &output)
        startLoading(room, into: &output)
        return false
    }

    mutating func startLoading(_ room: UInt32, into output: inout TickOutput) {
        guard case .unloaded = rooms[Int(room)].phase else { return }
        rooms[Int(room)].phase = .loading
        output.reads.append(DiskRead(room: room, want: .load, request: 0))
    }

    /// Asks the disk for something.
    ///
    /// - Parameter text: a join that cannot be answered before; it is parked with all that follows it.
    mutating func read(
        _ want: DiskRead.Want, _ purpose: PendingRead.Purpose, _ room: UInt32, for id: ConnectionID,
        parking text: Span<UInt8>? = nil, into output: inout TickOutput
    ) {
        if let text {
            visitors[Int(id.slot)].phase = .waiting
            park(text, of: id, in: room, into: &output)
        }
        lastRequest += 1
        reads[lastRequest] = PendingRead(purpose: purpose, room: room, connection: id)
        output.reads.append(DiskRead(room: room, want: want, request: lastRequest))
    }

    /// Keeps a message until what it waits for is there.
    mutating func park(_ text: Span<UInt8>, of id: ConnectionID, in room: UInt32, into output: inout TickOutput) {
        guard rooms[Int(room)].parked.count(where: { $0.from == id }) < limits.parkedTexts else {
            return end(id, .tooEager, into: &output)
        }
        rooms[Int(room)].parked.append((id, Array(copying: text)))
    }

    // MARK: Answers

    mutating func roomLoaded(
        _ index: UInt32, newestSeq: UInt64, olderMessages: Span<UInt8>, events: Span<UInt8>,
        into output: inout TickOutput
    ) {
        guard Int(index) < rooms.count, case .loading = rooms[Int(index)].phase else { return }
        rooms[Int(index)].phase = .ready
        rooms[Int(index)].seq = newestSeq
        rooms[Int(index)].recent.load(olderMessages: olderMessages, events: events)
        wakeDormant(index)
        performParked(of: nil, in: index, into: &output)
    }

    mutating func roomFailed(_ index: UInt32, into output: inout TickOutput) {
        guard Int(index) < rooms.count, case .loading = rooms[Int(index)].phase else { return }
        rooms[Int(index)].phase = .unloaded
        let parked = rooms[Int(index)].parked
        rooms[Int(index)].parked = []
        for (id, _) in parked {
            // The join is refused, and what was said after it is forgotten with it.
            guard isHere(id), case .waiting = visitors[Int(id.slot)].phase else { continue }
            visitors[Int(id.slot)].phase = .outside
            refuse(id, .storageFailed, into: &output)
        }
    }

    mutating func answer(_ request: UInt64, lines: Span<UInt8>, more: Bool, into output: inout TickOutput) {
        guard let read = reads.removeValue(forKey: request), isHere(read.connection) else { return }
        let id = read.connection
        switch read.purpose {
        case .rejoin:
            let fetched = FetchedEvents(bytes: Array(copying: lines), more: more)
            performParked(of: id, in: read.room, fetched: fetched, into: &output)
        case .history:
            output.reply(to: id, after: pendingCount(of: id)) { bytes in
                bytes.append("{\"type\":\"history\",\"events\":[")
                var isFirst = true
                LinePrefix.forEach(in: lines) { _, range in
                    if !isFirst { bytes.append(UInt8(ascii: ",")) }
                    isFirst = false
                    bytes.append(copying: lines.extracting(range))
                }
                bytes.append(more ? "],\"more\":true}" : "],\"more\":false}")
            }
        case .repeatEvent:
            guard !lines.isEmpty else { return refuse(id, .storageFailed, into: &output) }
            output.reply(to: id, after: pendingCount(of: id)) { bytes in
                LinePrefix.forEach(in: lines) { _, range in bytes.append(copying: lines.extracting(range)) }
            }
        }
    }

    mutating func answerFailed(_ request: UInt64, into output: inout TickOutput) {
        guard let read = reads.removeValue(forKey: request), isHere(read.connection) else { return }
        switch read.purpose {
        case .rejoin:
            // Come in all the same; the welcome says that something is missing.
            let nothing = FetchedEvents(bytes: [], more: true)
            performParked(of: read.connection, in: read.room, fetched: nothing, into: &output)
        case .history, .repeatEvent: refuse(read.connection, .storageFailed, into: &output)
        }
    }

    /// Does what was parked: of one connection, or of all of the room.
    private mutating func performParked(
        of id: ConnectionID?, in room: UInt32, fetched: FetchedEvents? = nil, into output: inout TickOutput
    ) {
        let all = rooms[Int(room)].parked
        rooms[Int(room)].parked = id == nil ? [] : all.filter { $0.from != id }
        var fetched = fetched
        var resumed: Set<ConnectionID> = []
        for (from, text) in all where (id == nil || from == id) && isHere(from) {
            let slot = Int(from.slot)
            if resumed.insert(from).inserted {
                visitors[slot].phase = .outside
            } else if case .waiting = visitors[slot].phase {
                // Its join waits again, for something else.
                park(text.span, of: from, in: room, into: &output)
                continue
            }
            perform(text.span, from: from, fetched: fetched, into: &output)
            fetched = nil
        }
    }
}
