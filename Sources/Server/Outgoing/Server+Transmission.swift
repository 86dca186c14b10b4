import Sockets
import WebSocket

/// To the kernel, and what the kernel does not take: the backlogs.
extension Server where W: ~Copyable {
    /// Sends what was put together for a connection, behind what waits already.
    ///
    /// - Parameter allowance: how many of the bytes do not count towards the limit of its queue.
    mutating func transmit(_ slot: Int, _ outbox: inout [UInt8], allowance: Int) {
        if connections[slot].backlog != nil { return enqueue(slot, &outbox) }
        guard !outbox.isEmpty else { return }
        var (taken, isExhausted) = (0, false)
        switch world.send(connections[slot].stream, outbox.span) {
        case .sent(let count): taken = count
        case .wouldBlock: break
        case .exhausted: isExhausted = true
        case .failed: return lose(slot, .reset)
        }
        metrics.bytesSent += UInt64(taken)
        connections[slot].bytesGiven &+= UInt32(truncatingIfNeeded: taken)
        guard taken < outbox.count else { return }
        let rest = SharedBytes(outbox, memory.ledger)
        enqueue(slot, rest, taken..<rest.bytes.count, start: 0, allowance: allowance, isOwn: true)
        if isExhausted { retrySend(slot) }
    }

    /// Sends bytes that are in memory anyway, and that nothing waits before.
    mutating func transmit(_ slot: Int, kept bytes: [UInt8]) {
        var (taken, isExhausted) = (0, false)
        switch world.send(connections[slot].stream, bytes.span) {
        case .sent(let count): taken = count
        case .wouldBlock: break
        case .exhausted: isExhausted = true
        case .failed: return lose(slot, .reset)
        }
        metrics.bytesSent += UInt64(taken)
        connections[slot].bytesGiven &+= UInt32(truncatingIfNeeded: taken)
        guard taken < bytes.count else { return hasSentAll(slot) }
        enqueue(slot, SharedBytes(kept: bytes, memory.ledger), taken..<bytes.count, start: 0)
        if isExhausted { retrySend(slot) }
    }

    /// Keeps the outbox's bytes behind those that wait already.
    mutating func enqueue(_ slot: Int, _ outbox: inout [UInt8]) {
        guard !outbox.isEmpty, let backlog = connections[slot].backlog else { return }
        backlog.append(own: outbox)
        outbox.removeAll()
        hasEnqueued(slot, backlog)
    }

    /// Keeps what the kernel has not taken. (Never a part of the loop over all members, which would be slower for it.)
    @inline(never)
    mutating func enqueue(
        _ slot: Int, _ bytes: SharedBytes, _ range: Range<Int>, start: Int? = nil, allowance: Int = 0,
        isOwn: Bool = false
    ) {
        let backlog: Backlog
        if let present = connections[slot].backlog {
            backlog = present
        } else {
            backlog = Backlog(memory.ledger)
            backlog.allowance = allowance
            connections[slot].backlog = backlog
            world.setWriteInterest(connections[slot].stream, true)
        }
        backlog.append(bytes, range, start: start, isOwn: isOwn)
        hasEnqueued(slot, backlog)
    }

    private mutating func hasEnqueued(_ slot: Int, _ backlog: Backlog) {
        // A connection with echoes waiting is not received from until they are taken.
        if connections[slot].isEcho { pause(slot) }
        checkQueue(slot, backlog)
    }

    /// A connection that reads too slowly is told so, and goes.
    private mutating func checkQueue(_ slot: Int, _ backlog: Backlog) {
        guard connections[slot].isChat, backlog.byteCount > options.maxQueue + backlog.allowance else { return }
        log(.info, "lost", "connection", slot, "reason", "too-slow", "queued", backlog.byteCount)
        metrics.losses[.tooSlow, default: 0] += 1
        _ = cutBacklog(slot)
        startClosing(slot, .tryAgainLater, "This connection takes messages more slowly than they come.")
        // It has all that it was sent before to read first, and is slow.
        connections.setTimer(slot, to: now + max(milliseconds(options.closeTimeout), Timing.slowFarewell))
    }

    /// The kernel has room again.
    mutating func becameWritable(_ slot: Int) {
        guard let backlog = connections[slot].backlog else { return }
        while !backlog.isEmpty {
            var some: [UInt8] = []
            backlog.copyFirst(Sizes.outbox, into: &some)
            switch world.send(connections[slot].stream, some.span) {
            case .sent(let count):
                metrics.bytesSent += UInt64(count)
                connections[slot].bytesGiven &+= UInt32(truncatingIfNeeded: count)
                backlog.removeFirst(count)
                if count < some.count { return }
            case .wouldBlock: return
            case .exhausted: return retrySend(slot)
            case .failed: return lose(slot, .reset)
            }
        }
        connections[slot].backlog = nil
        world.setWriteInterest(connections[slot].stream, false)
        hasSentAll(slot)
    }

    /// The system has no memory to send with. The socket is writable all the while, so asking the poller when it is would
    /// end in a loop that does not sleep, or, edge-triggered, in silence: what waits is tried again after some time.
    mutating func retrySend(_ slot: Int) {
        metrics.exhaustedSends += 1
        world.setWriteInterest(connections[slot].stream, false)
        outgoing.retry(slot, now: now)
    }

    /// Tries again what the system had no memory for, if it is time to.
    mutating func sendAgain() {
        for slot in outgoing.takeRetries(now: now) where connections[slot].backlog != nil {
            world.setWriteInterest(connections[slot].stream, true)
            becameWritable(slot)
        }
    }

    /// Nothing waits to be sent to it any more.
    mutating func hasSentAll(_ slot: Int) {
        if sendContent(slot) { return }
        if connections[slot].input == .finished { return drop(slot) }
        switch connections[slot].state {
        case .ending: drop(slot)
        case .draining(let hasFinished):
            guard !hasFinished else { return }
            connections[slot].state = .draining(hasFinished: true)
            world.finishSending(connections[slot].stream)
        case .vacant, .http, .chat, .echo, .closing: resumeReading(slot)
        }
    }

    /// Receives nothing until what is queued has been sent.
    mutating func pause(_ slot: Int) {
        guard connections[slot].input == .open else { return }
        connections[slot].input = .paused
        world.setReadInterest(connections[slot].stream, false)
    }

    /// Receives again, when it is the connection's turn: one that asks for a thousand pages at once takes turns with others.
    mutating func resumeReading(_ slot: Int) {
        guard connections[slot].input == .paused else { return }
        connections[slot].input = .open
        world.setReadInterest(connections[slot].stream, true)
        reading.wait(slot)
    }
}
