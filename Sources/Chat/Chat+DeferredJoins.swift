import Bytes

/// Joins that cannot be answered before the disk has, and all that their connections say meanwhile.
extension Chat {
    /// Makes sure that a room is in memory.
    ///
    /// - Parameter text: the join.
    /// - Returns: false if it is not yet: then the join is done again when it is.
    mutating func load(
        _ room: UInt32, for id: ConnectionID, _ text: Range<Int>, _ inputs: inout TickInputs,
        into output: inout TickOutput
    ) -> Bool {
        if case .ready = rooms[Int(room)].phase { return true }
        if wait(id, text, &inputs, into: &output) {
            rooms[Int(room)].waiting.append(id)
            startLoading(room, into: &output)
        }
        return false
    }

    /// Has a connection wait with its join.
    ///
    /// - Returns: false if it cannot be kept; that has been said then.
    mutating func wait(
        _ id: ConnectionID, _ join: Range<Int>, _ inputs: inout TickInputs, into output: inout TickOutput
    ) -> Bool {
        peers[Int(id.slot)].phase = .waiting
        guard park(join, of: id, &inputs, into: &output) else {
            if isHere(id) { peers[Int(id.slot)].phase = .connected }
            return false
        }
        return true
    }

    /// Keeps a message until what its connection waits for is there.
    ///
    /// - Returns: false if there is no room for it; that has been said then.
    mutating func park(
        _ text: Range<Int>, of id: ConnectionID, _ inputs: inout TickInputs, into output: inout TickOutput
    ) -> Bool {
        let slot = Int(id.slot)
        let bytes = Limits.parkedBytes(of: text.count)
        guard parkedBytes + bytes <= limits.parkedBytesInAll else {
            if peers[slot].request != nil {
                respond(id, .tooFast(1000), into: &output)
                return false
            }
            refuseAsTooFast(id, 1000, text, &inputs, into: &output)
            return false
        }
        // The join itself is kept in any case: it cannot be larger than what a connection may send.
        let isFirst = peers[slot].parked.isEmpty
        guard isFirst || peers[slot].parked.count < limits.parkedTexts,
            isFirst || peers[slot].parkedBytes + bytes <= limits.parkedBytes
        else {
            end(id, .tooEager, into: &output)
            return false
        }
        peers[slot].parked.append(Array(copying: inputs.bytes.span.extracting(text)))
        peers[slot].parkedBytes += bytes
        parkedBytes += bytes
        return true
    }

    /// Takes out what a connection has waiting.
    mutating func takeParked(_ id: ConnectionID) -> [[UInt8]] {
        let slot = Int(id.slot)
        let texts = peers[slot].parked
        if texts.isEmpty { return [] }
        parkedBytes -= peers[slot].parkedBytes
        peers[slot].parked = []
        peers[slot].parkedBytes = 0
        return texts
    }

    /// The wait is over: does what a connection has said meanwhile, its join first.
    ///
    /// - Parameter refusal: why the join cannot be done, if it cannot.
    mutating func resume(
        _ id: ConnectionID, fetched: FetchedEvents? = nil, isRead: Bool = false, refusal: Refusal? = nil,
        _ inputs: inout TickInputs,
        into output: inout TickOutput
    ) {
        guard isHeard(id), case .waiting = peers[Int(id.slot)].phase else { return }
        peers[Int(id.slot)].phase = .connected
        if let request = peers[Int(id.slot)].request {
            return resume(request, of: id, isRead: isRead, refusal: refusal, &inputs, into: &output)
        }
        for (index, text) in takeParked(id).enumerated() {
            guard isHeard(id) else { return }
            if index == 0, let refusal {
                refuse(id, refusal, of: inputs, into: &output)
                continue
            }
            let range = inputs.append(text.span)
            if case .waiting = peers[Int(id.slot)].phase {
                // Its join waits again, for something else.
                _ = park(range, of: id, &inputs, into: &output)
            } else {
                request(
                    range, from: id, fetched: index == 0 ? fetched : nil, isRead: index == 0 && isRead, &inputs,
                    into: &output)
            }
        }
    }

    // MARK: Reading

    mutating func startLoading(_ room: UInt32, into output: inout TickOutput) {
        guard case .unloaded = rooms[Int(room)].phase else { return }
        rooms[Int(room)].phase = .loading
        if rooms[Int(room)].rules.isShared { shared[room] = SharedRoom() }
        output.reads.append(DiskRead(room: room, want: .load, request: 0))
    }

    /// Asks the disk for something.
    mutating func read(
        _ want: DiskRead.Want, _ purpose: PendingRead.Purpose, _ room: UInt32, for id: ConnectionID,
        into output: inout TickOutput
    ) {
        lastRequest += 1
        reads[lastRequest] = PendingRead(purpose: purpose, connection: id, room: room)
        output.reads.append(DiskRead(room: room, want: want, request: lastRequest))
    }

    // MARK: Answers

    mutating func roomLoaded(
        _ index: UInt32, _ loaded: Room, _ inputs: inout TickInputs, into output: inout TickOutput
    ) {
        guard Int(index) < rooms.count, case .loading = rooms[Int(index)].phase else { return }
        rooms[Int(index)].become(loaded)
        if unfinishedErasures.remove(rooms[Int(index)].name) != nil {
            rooms[Int(index)].unerased = rooms[Int(index)].seq
        }
        if loaded.firstKept == 0 { rooms[Int(index)].goOn(behind: forgottenSeq) }
        recentBytes += rooms[Int(index)].recent.byteCount
        if !facts.isEmpty { tellFacts(to: index) }
        work.append(Work(room: index, input: .restarted))
        for id in takeWaiting(index) { resume(id, &inputs, into: &output) }
    }

    mutating func roomFailed(_ index: UInt32, _ inputs: inout TickInputs, into output: inout TickOutput) {
        guard Int(index) < rooms.count, case .loading = rooms[Int(index)].phase else { return }
        rooms[Int(index)].phase = .unloaded
        for id in takeWaiting(index) { resume(id, refusal: .storageFailed, &inputs, into: &output) }
        touch(index)
    }

    mutating func takeWaiting(_ room: UInt32) -> [ConnectionID] {
        defer { rooms[Int(room)].waiting = [] }
        return rooms[Int(room)].waiting
    }

    mutating func answer(
        _ request: UInt64, lines: Range<Int>, more: Bool, _ inputs: inout TickInputs, into output: inout TickOutput
    ) {
        guard let read = reads.removeValue(forKey: request), isHere(read.connection) else { return }
        let id = read.connection
        switch read.purpose {
        case .rejoin:
            let fetched = FetchedEvents(lines: Array(copying: inputs.bytes.span.extracting(lines)), more: more)
            resume(id, fetched: fetched, &inputs, into: &output)
        case .message(let seq):
            // The line's break is left out; there may be no line.
            let line = lines.lowerBound..<max(lines.lowerBound, lines.upperBound - 1)
            work.append(Work(room: read.room, input: .messageRead(seq, line: line)))
            resume(id, isRead: true, &inputs, into: &output)
        case .search: assertionFailure("a search is answered with lines alone")
        case .page(let direction, let limit, let ref):
            let page = PageRequest(
                direction: direction, limit: limit, ref: inputs.append(ref.span), request: request,
                isByMember: peers[Int(id.slot)].request == nil)
            work.append(Work(room: read.room, input: .pageRead(id, page, lines: lines, more: more)))
            chargePage(lines.count, to: id)
        case .repeatEvent(let seq, let messageID):
            let messageID = inputs.append(messageID.span)
            work.append(
                Work(
                    room: read.room,
                    input: .repeatRead(id, seq: seq, id: messageID, lines: lines, request: request)))
        }
    }

    mutating func answerFailed(_ request: UInt64, _ inputs: inout TickInputs, into output: inout TickOutput) {
        guard let read = reads.removeValue(forKey: request), isHere(read.connection) else { return }
        if peers[Int(read.connection.slot)].request != nil {
            return respond(read.connection, .storageFailed, into: &output)
        }
        let reference: Reference?
        switch read.purpose {
        case .rejoin:
            // Come in all the same; the welcome says that something is missing.
            return resume(read.connection, fetched: FetchedEvents(lines: [], more: true), &inputs, into: &output)
        case .message: return resume(read.connection, refusal: .storageFailed, &inputs, into: &output)
        case .search(_, _, _, let ref):
            peers[Int(read.connection.slot)].isSearching = false
            reference = ref.isEmpty ? nil : Reference(name: .ref, range: inputs.append(ref.span))
        case .page(_, _, let ref): reference = ref.isEmpty ? nil : Reference(name: .ref, range: inputs.append(ref.span))
        case .repeatEvent(_, let id): reference = Reference(name: .id, range: inputs.append(id.span))
        }
        work.append(Work(room: read.room, input: .readFailed(read.connection, reference: reference, request: request)))
    }
}
