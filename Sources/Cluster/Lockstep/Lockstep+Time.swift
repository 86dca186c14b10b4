/// The end of a tick: what is appended, and what has its time.
extension Lockstep {
    /// Appends what is pending, and looks after whatever has its time. It is called last in each of the node's ticks.
    package mutating func tick(now: Int64) {
        self.now = now
        guard !hasEnded else { return }
        if now >= wakeAt { lookAround() }
        let names = flushing
        flushing = []
        for name in names {
            rooms[name]?.isFlushing = false
            append(name)
        }
    }

    private mutating func lookAround() {
        wakeAt = .max
        tellKeeping()
        if link == .up || link == .attaching, !isLost {
            if now >= renewAt {
                attach()
                findLapsed()
            }
            wake(at: renewAt)
        }
        for name in names { lookAfter(name) }
    }

    private mutating func lookAfter(_ name: String) {
        guard let room = rooms[name], link == .up, !isLost else { return }
        if let at = room.retryAt, room.phase != .unsubscribed { isOver(at) ? fetch(name) : wake(at: at) }
        guard room.phase == .live else { return }
        if let inFlight = room.inFlight { lookAfter(inFlight, of: name) }
        // No output follows a table's order.
        let deadlines = room.deadlines.sorted { ($0.key.kind, $0.key.generation) < ($1.key.kind, $1.key.generation) }
        if !deadlines.isEmpty {
            let delay = room.rank(of: incarnation, in: name) * Self.rankDelay
            for (due, armed) in deadlines {
                guard case .at(let time) = armed else { continue }
                guard isOver(time + delay) else {
                    wake(at: time + delay)
                    continue
                }
                rooms[name]?.deadlines[due] = .proposed
                add(.due(due), to: name)
            }
        }
        for (other, lapsed) in room.lapsed.sorted(by: { $0.key.bits < $1.key.bits }) {
            guard case .at(let time) = lapsed, let epoch else { continue }
            guard isOver(time) else {
                wake(at: time)
                continue
            }
            rooms[name]?.lapsed[other] = .declared
            ask(.declareLost(room: name, epoch: epoch, other), of: name)
        }
        lookAfterSnapshot(of: name)
    }

    private func isOver(_ time: Int64) -> Bool { now >= time }

    private mutating func lookAfter(_ inFlight: ServedRoom.InFlight, of name: String) {
        if let at = inFlight.retryAt { return isOver(at) ? sendAgain(name) : wake(at: at) }
        guard let answeredAt = inFlight.answeredAt else {
            if now < inFlight.sentAt + Self.patience { wake(at: inFlight.sentAt + Self.patience) }
            return
        }
        guard isOver(answeredAt + Self.stall) else { return wake(at: answeredAt + Self.stall) }
        counters.gaps += 1
        fetch(name)
    }

    // MARK: Appending

    mutating func add(_ item: RecordItem, to name: String) {
        rooms[name]?.pending.append(item)
        rooms[name]?.pendingBytes += item.size
        flush(later: name)
    }

    mutating func flush(later name: String) {
        guard rooms[name]?.isFlushing == false else { return }
        rooms[name]?.isFlushing = true
        flushing.append(name)
    }

    /// Sends the room's next record, if there is something to say and nothing on its way.
    private mutating func append(_ name: String) {
        guard link == .up, !isLost, let room = rooms[name], room.phase == .live, room.inFlight == nil else { return }
        if !room.hasRules { return send(.rules(rules), in: name) }
        guard !room.pending.isEmpty || room.wantsCheck else { return }
        // Until the caller has told what the state is, it waits.
        guard let digest = room.digest else { return }
        rooms[name]?.wantsCheck = false
        let items = rooms[name]?.takePending() ?? []
        send(.inputs(RoomRecord.Inputs(base: room.position, digest: digest, items: items)), in: name)
    }

    private mutating func send(_ content: RoomRecord.Content, in name: String) {
        guard let room = rooms[name] else { return }
        let number = room.number + 1
        rooms[name]?.number = number
        rooms[name]?.inFlight = ServedRoom.InFlight(
            number: number, base: room.position, body: content.bytes, sentAt: now)
        counters.appended += 1
        wake(at: now + Self.patience)
        sendAgain(name)
    }

    /// Sends what is on its way, once more where it was sent before: the engine takes it once.
    mutating func sendAgain(_ name: String) {
        guard link == .up, !isLost, let epoch, let inFlight = rooms[name]?.inFlight else { return }
        rooms[name]?.inFlight?.retryAt = nil
        rooms[name]?.inFlight?.answeredAt = nil
        let append = EngineRequest.Append(
            epoch: epoch, incarnation: incarnation, name: self.name, number: inFlight.number, base: inFlight.base,
            body: inFlight.body)
        ask(.append(room: name, append), of: name)
    }

    // MARK: Lives

    /// Asks which of the nodes that have people in this one's rooms are there.
    private mutating func findLapsed() {
        guard link == .up else { return }
        let others = rooms.values.reduce(into: Set<Incarnation>()) { $0.formUnion($1.incarnations) }
        guard !others.isEmpty else { return }
        ask(.findLapsed(others.sorted { $0.bits < $1.bits }))
    }

    mutating func take(lapsed: [Incarnation]) {
        guard link == .up, !isLost else { return }
        for name in names { schedule(lapsed: lapsed, in: name) }
    }

    /// Has incarnations declared lost in a room: by this node, if no other does so first.
    mutating func schedule(lapsed: [Incarnation], in name: String) {
        guard let room = rooms[name] else { return }
        let new = lapsed.filter { room.incarnations.contains($0) && room.lapsed[$0] == nil }
        guard !new.isEmpty else { return }
        // None of them has a rank any more.
        for other in new { rooms[name]?.lapsed[other] = .at(now) }
        let at = now + (rooms[name]?.rank(of: incarnation, in: name) ?? 0) * Self.rankDelay
        for other in new { rooms[name]?.lapsed[other] = .at(at) }
        wake(at: at)
    }
}
