import Bytes

/// What an answer from the disk is for.
struct PendingRead: Sendable {
    enum Purpose: Sendable {
        /// The events that someone has missed who comes back.
        case rejoin
        /// A page of older messages.
        case history
        /// The event of a message that was said before, with the `id` that it was said with again.
        case repeatEvent(quotedID: [UInt8])
    }

    var purpose: Purpose
    var connection: ConnectionID
}

/// Reading from the disk, which takes until a later tick.
extension Chat {
    mutating func startLoading(_ room: UInt32, into output: inout TickOutput) {
        guard case .unloaded = rooms[Int(room)].phase else { return }
        rooms[Int(room)].phase = .loading
        output.reads.append(DiskRead(room: room, want: .load, request: 0))
    }

    /// Asks the disk for something.
    mutating func read(
        _ want: DiskRead.Want, _ purpose: PendingRead.Purpose, _ room: UInt32, for id: ConnectionID,
        into output: inout TickOutput
    ) {
        lastRequest += 1
        reads[lastRequest] = PendingRead(purpose: purpose, connection: id)
        output.reads.append(DiskRead(room: room, want: want, request: lastRequest))
    }

    // MARK: Answers

    mutating func roomLoaded(
        _ index: UInt32, newestSeq: UInt64, olderMessages: Span<UInt8>, events: Span<UInt8>,
        into output: inout TickOutput
    ) {
        guard Int(index) < rooms.count, case .loading = rooms[Int(index)].phase else { return }
        rooms[Int(index)].load(newestSeq: newestSeq, olderMessages: olderMessages, events: events, recentBounds)
        recentBytes += rooms[Int(index)].recent.byteCount
        wakeDormant(index, Attendance(of: events))
        for id in takeWaiting(index) { resume(id, into: &output) }
        noteIfEmpty(index)
    }

    mutating func roomFailed(_ index: UInt32, into output: inout TickOutput) {
        guard Int(index) < rooms.count, case .loading = rooms[Int(index)].phase else { return }
        rooms[Int(index)].phase = .unloaded
        for id in takeWaiting(index) { resume(id, refusal: .storageFailed, into: &output) }
        noteIfEmpty(index)
    }

    private mutating func takeWaiting(_ room: UInt32) -> [ConnectionID] {
        defer { rooms[Int(room)].waiting = [] }
        return rooms[Int(room)].waiting
    }

    mutating func answer(_ request: UInt64, lines: Span<UInt8>, more: Bool, into output: inout TickOutput) {
        guard let read = reads.removeValue(forKey: request), isHere(read.connection) else { return }
        let id = read.connection
        switch read.purpose {
        case .rejoin: resume(id, fetched: FetchedEvents(bytes: Array(copying: lines), more: more), into: &output)
        case .history:
            output.replyPage(to: id, after: pendingCount(of: id), more: more) { bytes in
                var isFirst = true
                LinePrefix.forEach(in: lines) { _, range in
                    if !isFirst { bytes.append(UInt8(ascii: ",")) }
                    isFirst = false
                    bytes.append(copying: lines.extracting(range))
                }
            }
            charge(id, forPageOf: output)
        case .repeatEvent(let quotedID):
            var event: Range<Int>?
            LinePrefix.forEach(in: lines) { prefix, range in if prefix.isMessage { event = range } }
            guard let event else {
                // A power cut has taken it, or its line is damaged: it is said no more, so it may be said again.
                forget(quotedID, of: id)
                return refuse(id, .storageFailed, quotedID: quotedID.span, into: &output)
            }
            output.reply(to: id, after: pendingCount(of: id)) { $0.append(copying: lines.extracting(event)) }
        }
    }

    /// An `id` was used for a message that is not there any more.
    private mutating func forget(_ quotedID: [UInt8], of id: ConnectionID) {
        guard case .inside(let member) = visitors[Int(id.slot)].phase, let room = visitors[Int(id.slot)].room
        else { return }
        let hash = UsedIDs.hash(ofQuoted: quotedID.span)
        usedIDs += rooms[Int(room)].members[Int(member)]?.used.remove(hash) ?? 0
    }

    mutating func answerFailed(_ request: UInt64, into output: inout TickOutput) {
        guard let read = reads.removeValue(forKey: request), isHere(read.connection) else { return }
        switch read.purpose {
        case .rejoin:
            // Come in all the same; the welcome says that something is missing.
            resume(read.connection, fetched: FetchedEvents(bytes: [], more: true), into: &output)
        case .history: refuse(read.connection, .storageFailed, into: &output)
        case .repeatEvent(let quotedID):
            refuse(read.connection, .storageFailed, quotedID: quotedID.span, into: &output)
        }
    }
}
