/// The engine: its connections, and its answers.
extension Lockstep {
    /// Both connections are open.
    ///
    /// - Parameter line: of the connection for commands (`EngineConnection.Event.opened`).
    package mutating func connected(line: String, now: Int64) {
        guard !hasEnded else { return }
        self.now = now
        self.line = line
        link = .attaching
        if !isLost { attach() }
    }

    /// One of the connections has ended, and so the other. Requests without an answer may have been carried out or not; those that
    /// matter are made again.
    package mutating func disconnected(now: Int64) {
        self.now = now
        link = .down
        failReads()
        asked = [:]
        renewAt = .max
        isRefused = false
        for name in names {
            rooms[name]?.phase = .unsubscribed
            rooms[name]?.retryAt = nil
            rooms[name]?.isStoring = false
            rooms[name]?.lapsed = [:]
        }
        tellKeeping()
    }

    /// The node goes on as another incarnation, after it was lost.
    package mutating func begin(as incarnation: Incarnation, now: Int64) {
        self.now = now
        formers.append(self.incarnation)
        self.incarnation = incarnation
        isLost = false
        // What the engine still answers is about the former one.
        failReads()
        asked = [:]
        guard link != .down else { return }
        link = .attaching
        attach()
    }

    /// The node ends: others need not wait until its life lapses.
    package mutating func leave() {
        if link == .up { ask(.leave(incarnation, name: name)) }
        failReads()
        hasEnded = true
    }

    func attachment() -> EngineRequest {
        .attach(
            EngineRequest.Attachment(
                incarnation: incarnation, name: name, line: line, previousLine: attachedLine, writes: writes,
                epoch: epoch ?? 0))
    }

    mutating func attach() {
        for former in formers { ask(.leave(former, name: name)) }
        ask(attachment())
        renewAt = now + Self.renewal
        wake(at: renewAt)
    }

    mutating func end(_ reason: EndReason) {
        guard !hasEnded else { return }
        hasEnded = true
        failReads()
        outputs.append(.end(reason))
    }

    // MARK: Answers

    /// The engine has answered a request.
    package mutating func answered(_ number: UInt64, _ answer: EngineAnswer, now: Int64) {
        self.now = now
        guard let asked = asked.removeValue(forKey: number), !hasEnded else { return }
        if let read = asked.output(for: answer) { outputs.append(read) }
        // What the engine says of epochs and of this node counts whatever room it was about.
        switch (asked.request, answer) {
        case (_, .lost): return lose()
        case (.leave(let former, _), .done): return formers.removeAll { $0 == former }
        case (_, .epoch(let epoch)):
            // The node may have learnt of it meanwhile.
            return epoch == self.epoch ? askAgain(asked, at: now) : attachAnew()
        case (_, .refused(let fault)): return take(fault, asked)
        case (.attach(let node), .attached(let epoch, let writes, let hasLostTail)):
            guard node.incarnation == incarnation else { return }
            return attached(epoch, writes, hasLostTail: hasLostTail)
        case (.findLapsed, .lapsed(let incarnations)): return take(lapsed: incarnations)
        default: break
        }
        guard link == .up, !isLost, let name = asked.request.room, rooms[name]?.generation == asked.generation else {
            return
        }
        take(answer, of: name, asked)
    }

    private mutating func take(_ answer: EngineAnswer, of name: String, _ asked: Asked) {
        switch (asked.request, answer) {
        case (_, .behind):
            drop(name, .missing)
            attachAnew()
        case (.append(_, let append), .appended), (.append(_, let append), .repeated):
            if isRefused || !isKeeping {
                isRefused = false
                tellKeeping()
            }
            if rooms[name]?.inFlight?.number == append.number {
                rooms[name]?.inFlight?.answeredAt = now
                wake(at: now + Self.stall)
            }
        case (.load, .loaded(let stored)): loaded(name, stored)
        case (.read, .records(let records, let last, let epoch)):
            guard epoch == self.epoch else { return attachAnew() }
            take(records, last: last, of: name)
        case (.read, .trimmed): drop(name, .missing)
        case (.declareLost(_, _, let incarnation), .repeated):
            rooms[name]?.incarnations.remove(incarnation)
            rooms[name]?.lapsed[incarnation] = nil
        case (.declareLost(_, _, let incarnation), .alive): rooms[name]?.lapsed[incarnation] = nil
        case (.store, .stored(let position)):
            rooms[name]?.isStoring = false
            if case .store(_, let store) = asked.request {
                noteSnapshot(of: name, at: position, size: store.snapshot.count)
            }
            // What was wished for meanwhile had to wait.
            if rooms[name]?.wish != nil { rooms[name]?.snapshotAt = nil }
            scheduleSnapshot(of: name)
        case (.store, .older(let position)):
            rooms[name]?.isStoring = false
            noteSnapshot(of: name, at: position, size: rooms[name]?.snapshotSize ?? 0)
        default: break
        }
    }

    /// A request was refused.
    private mutating func take(_ fault: EngineFault, _ asked: Asked) {
        switch fault {
        case .nameTaken: return takeName(of: asked)
        case .full, .diskFailed, .busy: break
        default:
            outputs.append(.reconnect(fault))
            return
        }
        // It passes: what was refused is asked for again.
        outputs.append(.trouble(fault))
        isRefused = true
        askAgain(asked, at: now + Self.retry)
        tellKeeping()
    }

    /// Has a request made again that has come to nothing.
    private mutating func askAgain(_ asked: Asked, at again: Int64) {
        wake(at: again)
        switch asked.request {
        case .attach: renewAt = again
        case .append(let room, let append) where rooms[room]?.inFlight?.number == append.number:
            rooms[room]?.inFlight?.retryAt = again
        case .load(let room, _), .read(let room, _):
            if rooms[room]?.generation == asked.generation { rooms[room]?.retryAt = again }
        case .declareLost(let room, _, let incarnation):
            if rooms[room]?.lapsed[incarnation] != nil { rooms[room]?.lapsed[incarnation] = .at(again) }
        case .store(let room, _):
            rooms[room]?.isStoring = false
            rooms[room]?.snapshotAt = nil
            scheduleSnapshot(of: room, after: again - now)
        case .append, .leave, .findLapsed, .history, .historySizes: break
        }
    }

    /// Another incarnation has this node's name. It may be that of a process which was killed just now: its life lapses soon.
    private mutating func takeName(of asked: Asked) {
        let since = isTakenSince ?? now
        isTakenSince = since
        guard now - since <= EngineRequest.life else { return end(.fault(.nameTaken)) }
        askAgain(asked, at: now + Self.retry)
    }

    /// The engine knows this node, and the node whether the engine has all that it has seen.
    private mutating func attached(_ epoch: UInt64, _ writes: UInt64, hasLostTail: Bool) {
        guard link != .down, !isLost else { return }
        isRefused = false
        isTakenSince = nil
        let isNew = link == .attaching
        link = .up
        attachedLine = line
        self.epoch = epoch
        self.writes = hasLostTail ? writes : max(self.writes, writes)
        if hasLostTail { dropAll(.lostTail) }
        for name in names where isNew || hasLostTail { begin(name) }
        tellKeeping()
    }

    /// The engine is in another epoch, or has less than it had: what that means is found by attaching anew.
    mutating func attachAnew() {
        guard link == .up, !isLost else { return }
        link = .attaching
        attach()
        tellKeeping()
    }

    // MARK: Being lost

    /// The others have taken this node for lost.
    mutating func lose() {
        guard !isLost, !hasEnded else { return }
        isLost = true
        dropAll(.lost)
        outputs.append(.lost)
        tellKeeping()
    }

    // MARK: Keeping

    mutating func tellKeeping() {
        let isLate = rooms.values.contains { room in
            room.inFlight.map { $0.answeredAt == nil && now - $0.sentAt >= Self.patience } ?? false
        }
        let isKeeping = link == .up && !isRefused && !isLost && !isLate
        guard isKeeping != self.isKeeping else { return }
        self.isKeeping = isKeeping
        outputs.append(.keeping(isKeeping))
    }
}

extension EngineRequest {
    /// The room that it is about.
    var room: String? {
        switch self {
        case .append(let room, _), .declareLost(let room, _, _), .load(let room, _), .read(let room, _),
            .store(let room, _), .history(let room, _, _, _), .historySizes(let room):
            room
        case .attach, .leave, .findLapsed: nil
        }
    }
}
