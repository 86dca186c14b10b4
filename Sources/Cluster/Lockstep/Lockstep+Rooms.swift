import Bytes

/// The rooms: how they are loaded, what is proposed, and what comes back.
extension Lockstep {
    // MARK: Calls

    /// The node serves a room from here on; `Output.ready` tells when.
    package mutating func open(_ room: String) {
        guard rooms[room] == nil else { return }
        rooms[room] = ServedRoom(generation: nextGeneration())
        names.append(room)
        if link == .up, !isLost { outputs.append(.subscribe(room: room)) }
    }

    /// The node has no people in a room any more.
    ///
    /// - Returns: false while something is on its way: it must come back first.
    package mutating func close(_ room: String) -> Bool {
        guard let served = rooms[room] else { return true }
        guard served.inFlight == nil, served.pending.isEmpty else { return false }
        failReads(of: room)
        rooms[room] = nil
        names.removeAll { $0 == room }
        flushing.removeAll { $0 == room }
        if link != .down { outputs.append(.unsubscribe(room: room)) }
        return true
    }

    /// Has an item go into the room's next record.
    ///
    /// - Returns: false where it cannot be kept: the room is not loaded, or too much waits.
    package mutating func propose(_ item: RecordItem, in room: String) -> Bool {
        guard let served = rooms[room], served.isLoaded, served.hasRules, item.size <= Self.recordBytes,
            served.pendingBytes + item.size <= Self.pendingBytes
        else { return false }
        add(item, to: room)
        return true
    }

    /// Has the record say that a deadline has come once `time` is over, if no other node says so first. It is of the room's state:
    /// where that is dropped, deadlines are too.
    package mutating func arm(_ due: Due, at time: Int64, in room: String) {
        guard rooms[room]?.isLoaded == true else { return }
        rooms[room]?.deadlines[due] = .at(time)
        wake(at: time)
    }

    package mutating func disarm(_ due: Due, in room: String) { rooms[room]?.deadlines[due] = nil }

    /// A room is at a position now, and this is the digest of its state.
    package mutating func applied(_ room: String, at position: UInt64, digest: UInt64) {
        guard let served = rooms[room], served.isLoaded, position <= served.position else { return }
        if rooms[room]?.note(digest, at: position) == false { return repair(room) }
        // What is pending may have waited for this.
        if !served.pending.isEmpty || served.wantsCheck { flush(later: room) }
    }

    // MARK: Loading

    /// Has a room come up to date.
    mutating func begin(_ name: String) {
        guard let room = rooms[name] else { return }
        if room.phase == .unsubscribed { outputs.append(.subscribe(room: name)) } else { fetch(name) }
    }

    /// Reads what is missing of a room: all of it, or the records since.
    mutating func fetch(_ name: String) {
        guard link == .up, !isLost, let room = rooms[name] else { return }
        rooms[name]?.retryAt = nil
        if room.isLoaded {
            rooms[name]?.phase = .reading
            ask(.read(room: name, after: room.position), of: name)
        } else {
            rooms[name]?.phase = .loading
            ask(.load(room: name, incarnation), of: name)
        }
    }

    /// The room's channel is subscribed to: from here on nothing is missed.
    package mutating func subscribed(_ room: String, now: Int64) {
        self.now = now
        guard rooms[room]?.phase == .unsubscribed, link == .up, !isLost, !hasEnded else { return }
        fetch(room)
    }

    /// The engine has sent what it has of a room.
    mutating func loaded(_ name: String, _ stored: EngineAnswer.StoredRoom) {
        guard stored.epoch == epoch else { return attachAnew() }
        if stored.isLost { return lose() }
        var snapshot: [UInt8]?
        if stored.snapshotPosition > 0 {
            guard let (theirs, state) = Self.split(stored.snapshot) else {
                return end(.fault(.foreignKeys("a snapshot of \(name)")))
            }
            guard isAllowed(theirs) else { return end(.otherRules(own: rules, theirs: theirs)) }
            snapshot = state
            rooms[name]?.hasRules = !theirs.isEmpty
        }
        if rules.isEmpty { rooms[name]?.hasRules = true }
        writes = max(writes, stored.writes)
        rooms[name]?.isLoaded = true
        rooms[name]?.position = stored.snapshotPosition
        rooms[name]?.number = stored.number
        rooms[name]?.claimsAfter = stored.last
        rooms[name]?.incarnations = Set(stored.incarnations.filter { $0 != incarnation })
        rooms[name]?.noteSnapshot(at: stored.snapshotPosition, size: stored.snapshot.count)
        outputs.append(.load(room: name, snapshot: snapshot, position: stored.snapshotPosition))
        schedule(lapsed: stored.lapsed, in: name)
        take(stored.records, last: stored.last, of: name)
    }

    /// Whether a room with these rules can be served: with none, where they are still to be told, or where this is a visit that
    /// decides nothing.
    private func isAllowed(_ theirs: [UInt8]) -> Bool { theirs == rules || theirs.isEmpty || rules.isEmpty }

    /// The rules and the state that a stored snapshot is made of.
    private static func split(_ bytes: [UInt8]) -> (rules: [UInt8], state: [UInt8])? {
        guard bytes.count >= 4 else { return nil }
        let length = bytes.prefix(4).reduce(0) { $0 << 8 | Int($1) }
        guard length <= bytes.count - 4 else { return nil }
        return (Array(bytes[4..<4 + length]), Array(bytes[(4 + length)...]))
    }

    /// Applies records that were read; then those that came meanwhile.
    mutating func take(_ records: [RoomRecord], last: UInt64, of name: String) {
        let generation = rooms[name]?.generation
        for record in records where record.position > rooms[name]?.position ?? .max {
            guard record.position == (rooms[name]?.position ?? 0) + 1 else { return loadLater(name) }
            apply(record, to: name)
            // It may have been the end of this state.
            guard !hasEnded, rooms[name]?.generation == generation else { return }
        }
        guard let room = rooms[name] else { return }
        if room.position < last {
            // There is more than fits in an answer. An answer that brings nothing brings nothing the next time.
            return records.isEmpty ? loadLater(name) : fetch(name)
        }
        takeEarly(of: name)
    }

    private mutating func takeEarly(of name: String) {
        guard let room = rooms[name] else { return }
        let early = room.early
        rooms[name]?.early = []
        rooms[name]?.earlyBytes = 0
        rooms[name]?.hasLostEarly = false
        for (index, record) in early.enumerated() where record.position > rooms[name]?.position ?? .max {
            guard record.position == (rooms[name]?.position ?? 0) + 1 else {
                // One is missing in between.
                rooms[name]?.early = Array(early[index...])
                return fetch(name)
            }
            apply(record, to: name)
            guard !hasEnded, rooms[name]?.generation == room.generation else { return }
        }
        if room.hasLostEarly { return fetch(name) }
        rooms[name]?.phase = .live
        wake(at: now)
        if rooms[name]?.hasRules == true { outputs.append(.ready(room: name)) }
        flush(later: name)
        if rooms[name]?.inFlight != nil { sendAgain(name) }
        scheduleSnapshot(of: name)
    }

    // MARK: Records

    /// Something was published on a room's channel.
    package mutating func published(_ notice: RoomNotice, in name: String, now: Int64) {
        self.now = now
        guard link == .up, !isLost, !hasEnded, let room = rooms[name] else { return }
        switch notice {
        case .snapshot(let position, let size): noteSnapshot(of: name, at: position, size: Int(clamping: size))
        case .record(let record):
            if room.isLoaded, record.position <= room.position { return }
            if room.phase == .live, record.position == room.position + 1 { return apply(record, to: name) }
            keepEarly(record, of: name)
            if room.phase == .live {
                counters.gaps += 1
                fetch(name)
            }
        }
    }

    private mutating func keepEarly(_ record: RoomRecord, of name: String) {
        guard let room = rooms[name] else { return }
        let size = record.size
        guard room.earlyBytes + size <= Self.earlyBytes else {
            rooms[name]?.early = []
            rooms[name]?.earlyBytes = 0
            rooms[name]?.hasLostEarly = true
            return
        }
        rooms[name]?.early.append(record)
        rooms[name]?.earlyBytes += size
    }

    /// The next record of a room.
    private mutating func apply(_ record: RoomRecord, to name: String) {
        rooms[name]?.position = record.position
        rooms[name]?.count(record)
        writes = max(writes, record.writes)
        counters.applied += 1
        if record.incarnation == incarnation {
            takeOwn(record, in: name)
        } else if record.incarnation != .none {
            rooms[name]?.incarnations.insert(record.incarnation)
        }
        outputs.append(.apply(room: name, record))
        switch record.content {
        case .rules(let theirs): takeRules(theirs, in: name)
        case .inputs(let inputs): take(inputs, of: record, in: name)
        case .lost(let other):
            rooms[name]?.incarnations.remove(other)
            rooms[name]?.lapsed[other] = nil
            if other == incarnation { return lose() }
        case .epoch: break
        }
        guard !hasEnded, rooms[name]?.isLoaded == true else { return }
        scheduleSnapshot(of: name)
    }

    private mutating func takeRules(_ theirs: [UInt8], in name: String) {
        guard rooms[name]?.hasRules == false else { return }
        guard isAllowed(theirs) else { return end(.otherRules(own: rules, theirs: theirs)) }
        rooms[name]?.hasRules = true
        if rooms[name]?.phase == .live { outputs.append(.ready(room: name)) }
    }

    private mutating func take(_ inputs: RoomRecord.Inputs, of record: RoomRecord, in name: String) {
        for case .due(let due) in inputs.items { rooms[name]?.deadlines[due] = nil }
        guard record.incarnation != incarnation, record.position > rooms[name]?.claimsAfter ?? 0 else { return }
        if rooms[name]?.take(claim: inputs.digest, at: inputs.base) == false { repair(name) }
    }

    /// A record of this node has come back.
    private mutating func takeOwn(_ record: RoomRecord, in name: String) {
        guard let room = rooms[name] else { return }
        rooms[name]?.number = max(room.number, record.number)
        guard let inFlight = room.inFlight, inFlight.number <= record.number else { return }
        if inFlight.number == record.number, inFlight.body == record.content.bytes {
            counters.longestRoundTrip = max(counters.longestRoundTrip, now - inFlight.sentAt)
            rooms[name]?.inFlight = nil
            flush(later: name)
        } else {
            // One that was given up with an earlier state has arrived all the same, and has taken the number of this one.
            rooms[name]?.inFlight?.number = record.number + 1
            rooms[name]?.number = record.number + 1
            sendAgain(name)
        }
    }

    // MARK: Dropping

    /// This node's state and another's are not the same. It is not known whose is right: so all that notice it load anew.
    mutating func repair(_ name: String) {
        counters.repairs += 1
        // Where that does not help, it is not done all the time.
        guard now - (rooms[name]?.checkedAt ?? 0) >= Self.checkInterval else { return loadLater(name, .differs) }
        drop(name, .differs)
        // The others are told what this one's state is now, so that whoever was wrong finds out.
        rooms[name]?.wantsCheck = true
        rooms[name]?.checkedAt = now
    }

    mutating func drop(_ name: String, _ reason: DropReason) {
        forget(name, reason)
        if rooms[name]?.phase != .unsubscribed { fetch(name) }
    }

    /// Drops a room that is loaded again after a pause.
    private mutating func loadLater(_ name: String, _ reason: DropReason = .missing) {
        forget(name, reason)
        rooms[name]?.retryAt = now + Self.retry
        wake(at: now + Self.retry)
    }

    mutating func dropAll(_ reason: DropReason) { for name in names { forget(name, reason) } }

    private mutating func forget(_ name: String, _ reason: DropReason) {
        failReads(of: name)
        if rooms[name]?.isLoaded == true { outputs.append(.drop(room: name, reason)) }
        let generation = nextGeneration()
        rooms[name]?.drop(generation: generation)
    }
}
