import Chat
import History

/// The second step of a tick: the chat decides, the disk keeps.
extension Server where W: ~Copyable {
    mutating func update() {
        thisTick.endReceiving()
        recordInputs()
        chat.update(inputs, into: &output)
        let (failed, journalWritten) = keep()
        if !output.written.isEmpty || !journalWritten { keeping.isKeeping = failed.isEmpty && journalWritten }
        chat.settle(failed: failed, journalWritten: journalWritten, into: &output)
        recordOutcome(failed: failed, journalWritten: journalWritten)
        readLater()
        tidyHistory()
    }

    /// Writes the journal and then the rooms' new lines: before anyone sees them.
    ///
    /// - Returns: the rooms whose lines are not written, and whether the journal's are.
    private mutating func keep() -> (failed: [UInt32], journalWritten: Bool) {
        guard let history, !output.written.isEmpty || !output.journal.isEmpty else { return ([], true) }
        if !output.journal.isEmpty, case .refused(let error) = history.appendJournal(output.journal.span) {
            storageFailed(error)
            return (output.written, false)
        }
        var failed: [UInt32] = []
        for index in output.written {
            let room = chat.rooms[Int(index)]
            let lines = room.lines.span.extracting(room.unwritten)
            if case .refused(let error) = history.append(
                room: room.name, lines: lines, firstSeq: room.firstUnwrittenSeq)
            {
                storageFailed(error)
                failed.append(index)
            }
        }
        let outcome = history.commit()
        if let error = outcome.journal {
            storageFailed(error)
            return (output.written, false)
        }
        for (name, error) in outcome.rooms {
            storageFailed(error)
            failed += output.written.filter { chat.rooms[Int($0)].name == name && !failed.contains($0) }
        }
        return (failed, true)
    }

    private mutating func storageFailed(_ error: StorageError) {
        metrics.storageFailures += 1
        // Every tick may fail while a disk is full: once a second is enough to be told.
        let now = now
        guard keeping.failureLog.admits(now: now) else { return }
        log(.error, "storage-failed", "reason", error.description)
    }

    /// Passes on what the chat wants to be read.
    mutating func readLater() {
        guard let history else { return }
        for read in output.reads {
            let room = chat.rooms[Int(read.room)].name
            let tag = read.want == .load ? UInt64(read.room) : read.request
            let kind: ReadRequest.Kind =
                switch read.want {
                case .load: .load
                case .messages(let before, let limit): .messages(before: before, limit: limit)
                case .event(let seq): .event(seq: seq)
                case .since(let seq, let limit): .since(after: seq, limit: limit)
                }
            history.request(ReadRequest(kind, room: room, tag: tag))
        }
    }

    /// Takes in what was read; a part of the first step.
    mutating func readHistory() {
        guard let history, history.hasWork else { return }
        for result in history.advance(byteBudget: Sizes.readBytes) {
            let tag = result.request.tag
            let room = UInt32(truncatingIfNeeded: tag)
            if result.damagedLines > 0 {
                log(.error, "damaged-lines", "room", result.request.room, "lines", result.damagedLines)
            }
            switch result.outcome {
            case .loaded(let loaded):
                if !loaded.repair.isEmpty {
                    log(.error, "room-repaired", "room", result.request.room, "repair", loaded.repair)
                }
                let older = inputs.append(loaded.olderMessages.bytes)
                let events = inputs.append(loaded.events.bytes)
                inputs.items.append(
                    .roomLoaded(room: room, newestSeq: loaded.newest, olderMessages: older, events: events))
            case .messages(let block, let more), .since(let block, let more):
                inputs.items.append(.lines(request: tag, inputs.append(block.bytes), more: more))
            case .event(let line): inputs.items.append(.lines(request: tag, inputs.append(line ?? []), more: false))
            case .failed(let error):
                storageFailed(error)
                let isLoad = result.request.kind == .load
                inputs.items.append(isLoad ? .roomFailed(room: room) : .readFailed(request: tag))
            }
        }
    }

    /// What the disk needs now and then.
    private mutating func tidyHistory() {
        guard let history else { return }
        for room in chat.takeDropped() { history.forget(room: room) }
        // One that waits for the disk is left to it, and one that could not be written is not tried again in every tick.
        if history.journalBytes > keeping.journalLimit, !history.isReplacingJournal, now >= keeping.nextJournal {
            keeping.nextJournal = now + Timing.journalAgain
            let snapshot = chat.snapshotJournal()
            if case .refused(let error) = history.rewriteJournal(snapshot.span) { storageFailed(error) }
            keeping.journalLimit = max(options.journalBytes, 2 * Int64(snapshot.count))
        }
        history.tick(now: UInt64(clamping: thisTick.nanoseconds))
        for incident in history.takeIncidents() { log(.error, "history", "incident", incident) }
    }
}

extension TickInputs {
    /// Adds bytes, and says where they are.
    fileprivate mutating func append(_ added: [UInt8]) -> Range<Int> {
        let start = bytes.count
        bytes.append(contentsOf: added)
        return start..<bytes.count
    }
}
