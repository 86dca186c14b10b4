import Bytes
import Chat
import Sockets
import WebSocket

/// The third step of a tick: everyone gets what is for them.
extension Server where W: ~Copyable {
    /// Sends the rooms' new events to their members, and replies to those who have some: one write for each connection.
    mutating func send() {
        sortReplies()
        for room in output.due { broadcast(room) }
        deliverDirty()
        endConnections()
        relieveMemory()
        deliverDirty()
        chat.endTick(output)
        connections.endTick()
        metrics.endTick(events: inputs.items.count, nanoseconds: world.monotonic - thisTick.nanoseconds)
    }

    private mutating func deliverDirty() {
        // Some are added on the way: who has taken all that waited may go on with what it asked next.
        while let slot = outgoing.nextDirty() { deliver(slot, events: 0..<0) }
    }

    /// Strings each connection's replies together, in their order.
    private mutating func sortReplies() {
        outgoing.nextReply.removeAll(keepingCapacity: true)
        for (index, reply) in output.replies.enumerated() {
            outgoing.nextReply.append(-1)
            guard let slot = connections.slot(of: reply.to) else { continue }
            let number = Int32(truncatingIfNeeded: index)
            if connections[slot].firstReply < 0 {
                connections[slot].firstReply = number
                outgoing.markDirty(slot)
            } else {
                outgoing.nextReply[Int(connections[slot].lastReply)] = number
            }
            connections[slot].lastReply = number
        }
    }

    // MARK: One room

    /// Sends a room's pending events to all members.
    private mutating func broadcast(_ index: UInt32) {
        outgoing.frames.encode(chat.rooms[Int(index)])
        // Held here by name, so that nothing is counted for each of the members.
        let plain = outgoing.frames.plain.bytes
        var compressed: [UInt8] = []
        let everything = 0..<outgoing.frames.count
        for id in chat.rooms[Int(index)].present {
            let slot = Int(id.slot)
            let deflates = connections[slot].deflates
            if deflates, !outgoing.frames.compressed.isMade {
                outgoing.frames.compress(chat.rooms[Int(index)], with: outgoing.deflater)
                compressed = outgoing.frames.compressed.bytes
            }
            guard connections[slot].isPlainReceiver else {
                deliver(slot, events: everything)
                continue
            }
            // Nearly always: the frames as they are, and nothing else.
            let stream = connections[slot].stream
            let size = deflates ? compressed.count : plain.count
            switch deflates ? world.send(stream, compressed.span) : world.send(stream, plain.span) {
            case .sent(let count):
                metrics.bytesSent += UInt64(count)
                if count < size {
                    enqueue(slot, outgoing.frames.shared(deflates: deflates, memory.ledger), count..<size, start: 0)
                }
            case .wouldBlock:
                enqueue(slot, outgoing.frames.shared(deflates: deflates, memory.ledger), 0..<size, start: 0)
            case .exhausted:
                enqueue(slot, outgoing.frames.shared(deflates: deflates, memory.ledger), 0..<size, start: 0)
                retrySend(slot)
            case .failed: lose(slot, .reset)
            }
        }
    }

    // MARK: One connection

    /// Sends a connection what it has of its own, its replies, and those of the room's events that are for it.
    private mutating func deliver(_ slot: Int, events: Range<Int>) {
        outgoing.clearDirty(slot)
        guard !connections[slot].isVacant else { return }
        // Others read in the outbox while it is sent: it is taken out for that time.
        var outbox: [UInt8] = []
        swap(&outbox, &outgoing.buffer)
        outbox.append(contentsOf: connections[slot].own)
        // Echoes come one after the other; for others it is seldom, and an idle connection has nothing to spare.
        connections[slot].own.removeAll(keepingCapacity: connections[slot].isEcho)
        var allowance = 0
        // After a close frame nothing follows.
        if connections[slot].isChat { allowance = putTogether(slot, events, in: &outbox) }
        connections[slot].firstReply = -1
        transmit(slot, &outbox, allowance: allowance)
        outbox.removeAll(keepingCapacity: outbox.capacity <= Sizes.outbox)
        swap(&outbox, &outgoing.buffer)
        guard !connections[slot].isVacant else { return }
        if !connections[slot].isChat { noteHeldBytes(slot) }
        if connections[slot].backlog == nil { hasSentAll(slot) }
    }

    /// Adds a connection's replies and its share of the room's events to the outbox, in their order.
    ///
    /// - Returns: how many bytes the replies are.
    private mutating func putTogether(_ slot: Int, _ events: Range<Int>, in outbox: inout [UInt8]) -> Int {
        var size = 0
        var next = events.isEmpty ? 0 : connections[slot].cursor
        let compressor = connections[slot].deflates ? outgoing.deflater : nil
        var reply = connections[slot].firstReply
        while reply >= 0 {
            let item = output.replies[Int(reply)]
            reply = outgoing.nextReply[Int(reply)]
            if !events.isEmpty {
                if item.after > next { append(events: next..<item.after, slot, to: &outbox) }
                next = max(next, item.resume)
            }
            size += item.range.count
            if !item.range.isEmpty { Compression.append(.text, of: output.bytes, item.range, to: &outbox, compressor) }
            if item.asksAgain, connections[slot].chat?.hasJoined == false {
                connections[slot].stateStart = now
                setWebSocketTimer(slot)
            }
            if item.isWelcome {
                connections[slot].chat?.hasJoined = true
                setWebSocketTimer(slot)
                // If events are held back now, those before its welcome are not for it later.
                if events.isEmpty { connections[slot].cursor = item.resume }
            }
        }
        if !events.isEmpty {
            if next < events.upperBound { append(events: next..<events.upperBound, slot, to: &outbox) }
            connections[slot].cursor = 0
        }
        return size
    }

    /// Adds some of the room's frames: to the outbox, or by reference to what waits already.
    private mutating func append(events: Range<Int>, _ slot: Int, to outbox: inout [UInt8]) {
        let deflates = connections[slot].deflates
        let range = deflates ? outgoing.frames.compressed.range(events) : outgoing.frames.plain.range(events)
        if connections[slot].backlog == nil {
            outbox.append(contentsOf: (deflates ? outgoing.frames.compressed : outgoing.frames.plain).bytes[range])
        } else {
            enqueue(slot, &outbox)
            enqueue(slot, outgoing.frames.shared(deflates: deflates, memory.ledger), range)
        }
    }

    private mutating func transmit(_ slot: Int, _ outbox: inout [UInt8], allowance: Int) {
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
        let taken: Int
        switch world.send(connections[slot].stream, bytes.span) {
        case .sent(let count): taken = count
        case .wouldBlock, .exhausted: taken = 0
        case .failed: return lose(slot, .reset)
        }
        metrics.bytesSent += UInt64(taken)
        connections[slot].bytesGiven &+= UInt32(truncatingIfNeeded: taken)
        guard taken < bytes.count else { return hasSentAll(slot) }
        enqueue(slot, SharedBytes(kept: bytes, memory.ledger), taken..<bytes.count, start: 0)
    }

    /// Keeps the outbox's bytes behind those that wait already.
    private mutating func enqueue(_ slot: Int, _ outbox: inout [UInt8]) {
        guard !outbox.isEmpty, let backlog = connections[slot].backlog else { return }
        backlog.append(own: outbox)
        outbox.removeAll()
        hasEnqueued(slot, backlog)
    }

    /// Keeps what the kernel has not taken.
    private mutating func enqueue(
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
        // Who has echoes or answers waiting says no more until they are taken.
        if connections[slot].isEcho { pause(slot) }
        checkQueue(slot, backlog)
    }

    /// Whoever reads too slowly is told so, and goes.
    private mutating func checkQueue(_ slot: Int, _ backlog: Backlog) {
        guard connections[slot].isChat, backlog.byteCount > options.maxQueue + backlog.allowance else { return }
        log(.info, "lost", "connection", slot, "reason", "too-slow", "queued", backlog.byteCount)
        metrics.losses[.tooSlow, default: 0] += 1
        _ = cutBacklog(slot)
        startClosing(slot, .tryAgainLater, "This connection takes messages more slowly than they come.")
        // It has all that it was sent before to read first, and is slow.
        connections.setTimer(slot, to: now + max(milliseconds(options.closeTimeout), Timing.slowFarewell))
    }

    // MARK: Later

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
    private mutating func retrySend(_ slot: Int) {
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
    private mutating func hasSentAll(_ slot: Int) {
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

extension Connection {
    /// Whether it gets the room's frames as they are: nothing of its own is to be sent, and nothing waits.
    fileprivate var isPlainReceiver: Bool {
        firstReply < 0 && cursor == 0 && own.isEmpty && backlog == nil
    }
}
