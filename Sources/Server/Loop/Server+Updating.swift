import Chat
import Log

/// The second step of a tick: the chat decides, the disk keeps.
extension Server where W: ~Copyable {
    mutating func update() {
        thisTick.endReceiving()
        history?.time = inputs.moment.time
        chat.admit(&inputs, into: &output)
        proposeInputs()
        recordInputs()
        // Held here by name, so that the rooms may read them while they change.
        let bytes = inputs.bytes
        chat.update(bytes.span, into: &output)
        let (failed, ticket) = keep()
        chat.settle(failed: failed, ticket: ticket, bytes.span, into: &output)
        recordOutcome(failed: failed)
        tellEngine()
        keepFacts()
        readLater()
        foldHistory()
        expireHistory()
        tidyHistory()
    }

    /// Writes the rooms' new lines: before anyone sees them.
    ///
    /// - Returns: the rooms whose lines are not written, and what the disk says when it has the others itself, where that has to
    ///   be waited for.
    private mutating func keep() -> (failed: [UInt32], ticket: UInt64?) {
        guard let history else { return ([], nil) }
        lookForSpace(history)
        var failed: [UInt32] = keeping.isShort ? output.written : []
        for index in output.written where !keeping.isShort {
            if case .refused(let error) = history.append(chat.rooms[Int(index)]) {
                storageFailed(error)
                failed.append(index)
            }
        }
        for name in history.unsavedRooms {
            let room = chat.roomsByName[name].map { chat.rooms[Int($0)] }
            if case .refused(let error) = history.rewrite(name, room) { storageFailed(error) }
        }
        if !output.written.isEmpty { tellKeeping(failed.isEmpty) }
        return (failed, history.commit(now: thisTick.nanoseconds))
    }

    mutating func tellKeeping(_ isKeeping: Bool) {
        guard keeping.isKeeping != isKeeping else { return }
        keeping.isKeeping = isKeeping
        thisTick.carry(.keeping(isKeeping))
    }

    /// Looks, at most once a second, whether there is space enough: before a disk is full nothing more is written to it, so that
    /// whoever looks after it can still do so. Without something to write it is only looked whether space has come back.
    private mutating func lookForSpace(_ history: Log) {
        let isWriting = !output.written.isEmpty
        guard keeping.isShort ? isWriting || now >= keeping.nextLook : isWriting && now >= keeping.nextLook else {
            return
        }
        keeping.nextLook = now + 1000
        let isShort = history.isShortOfSpace
        guard isShort != keeping.isShort else { return }
        keeping.isShort = isShort
        log(isShort ? .error : .info, isShort ? "disk-full" : "disk-free", "data", options.dataFolder)
        if isShort { metrics.storageFailures += 1 }
        tellKeeping(!isShort)
    }

    mutating func storageFailed(_ error: StorageError) {
        metrics.storageFailures += 1
        // Every tick may fail while a disk is full: once a second is enough to be told.
        let now = now
        guard keeping.failureLog.admits(now: now) else { return }
        log(.error, "storage-failed", "reason", error.description)
    }

    /// Passes on what the chat wants to be read.
    private mutating func readLater() {
        guard let history else { return }
        for read in output.reads {
            let room = chat.rooms[Int(read.room)].name
            let tag = read.want == .load ? UInt64(read.room) : read.request
            let kind = ReadRequest.Kind(read.want) ?? .load
            let fold = read.want.isSearch ? chat.rooms[Int(read.room)].untold : nil
            history.request(ReadRequest(kind, room: room, tag: tag), fold: fold)
        }
    }

    /// Has deleted texts erased before the process ends.
    mutating func eraseAtEnd() {
        guard let history else { return }
        for room in chat.rooms where room.unerased > 0 { _ = history.fold(room, erases: true) }
    }

    /// Has what was done to messages folded into their lines: where a file is full, and where deleted texts are to be erased.
    private mutating func foldHistory() {
        guard let history else { return }
        for name in history.takeBegun() {
            guard let index = chat.roomsByName[name] else { continue }
            _ = history.fold(chat.rooms[Int(index)], erases: false)
        }
        guard !output.erasures.isEmpty else { return }
        for index in output.erasures {
            switch history.fold(chat.rooms[Int(index)], erases: true) {
            case .begun: break
            case .nothingToDo(let folded): thisTick.carry(.folded(room: index, folded))
            case .refused: thisTick.carry(.folded(room: index, nil))
            }
        }
        _ = history.commit(now: thisTick.nanoseconds)
    }

    /// Has removed what is not to be kept any longer.
    private mutating func expireHistory() {
        guard let history else { return }
        let names = history.takeExpiring(now: thisTick.nanoseconds)
        for name in names {
            guard let index = chat.roomsByName[name], chat.rooms[Int(index)].isReady else { continue }
            if let seq = history.expire(chat.rooms[Int(index)], now: thisTick.nanoseconds) {
                thisTick.carry(.expired(room: index, through: seq))
            }
        }
        if !names.isEmpty { _ = history.commit(now: thisTick.nanoseconds) }
    }

    /// Takes in what the disk has done; a part of the first step.
    mutating func takeResults() {
        guard let history else { return }
        for event in history.takeResults(now: thisTick.nanoseconds) {
            switch event {
            case .read(let result): take(result)
            case .synced(let ticket): inputs.items.append(.synced(ticket: ticket))
            case .syncFailed(let error):
                // What the system has dropped cannot be had again, and a later sync may succeed without it. So nothing more is
                // said: whoever starts this again begins with what is there.
                endAtOnce(
                    because: StartFailure(
                        .inputOutput,
                        "The disk has lost what was written to it (\(error)). Start again to go on with what is there."
                    ))
            }
        }
    }

    private mutating func take(_ result: ReadResult) {
        let tag = result.request.tag
        let room = UInt32(truncatingIfNeeded: tag)
        switch result.outcome {
        case .loaded(let loaded): inputs.items.append(.roomLoaded(room: room, loaded))
        case .lines(let lines, let more):
            inputs.items.append(.lines(request: tag, inputs.append(lines.span), more: more))
        case .found(let lines, let next):
            inputs.items.append(.found(request: tag, inputs.append(lines.span), next: next))
        case .folded(let folded): takeFolded(folded, result.request.room)
        case .expired(let seq, _):
            guard seq > 0, let index = chat.roomsByName[result.request.room] else { return }
            inputs.items.append(.expired(room: index, through: seq))
        case .due(let rooms, _):
            for room in rooms { inputs.items.append(.expiring(room: room)) }
        case .failed(let error) where result.request.kind == .expire || result.request.kind == .sweep:
            storageFailed(error)
        case .failed(let error) where result.request.kind == .fold:
            storageFailed(error)
            takeFolded(nil, result.request.room)
        case .failed(let error):
            storageFailed(error)
            let isLoad = result.request.kind == .load
            inputs.items.append(isLoad ? .roomFailed(room: room) : .readFailed(request: tag))
        }
    }

    private mutating func takeFolded(_ folded: Folded?, _ room: String) {
        guard let index = chat.roomsByName[room] else { return }
        inputs.items.append(.folded(room: index, folded))
    }

    /// What the disk needs now and then.
    private mutating func tidyHistory() {
        guard let history else { return }
        for room in chat.takeDropped() { history.forget(room: room) }
        history.tick(now: thisTick.nanoseconds)
        for incident in history.takeIncidents() { log(.error, "history", "incident", incident) }
    }
}
