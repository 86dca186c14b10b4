import Bytes
import Chat
import Sockets
import WebSocket

/// The third step of a tick: everyone gets what is for them.
extension Server where W: ~Copyable {
    /// Sends the rooms' new events to their members, and replies to those who have some: one write for each connection.
    mutating func send() {
        endConnections()
        sortReplies()
        for room in output.due { broadcast(room) }
        // Some are added on the way: who has taken all that waited may go on with what it asked next.
        var next = 0
        while next < dirty.count {
            let slot = Int(dirty[next])
            if connections[slot].isDirty { deliver(slot, events: 0..<0) }
            next += 1
        }
        dirty.removeAll(keepingCapacity: true)
        chat.endTick(output)
        connections.endTick()
        metrics.endTick(events: inputs.items.count, nanoseconds: world.monotonic - nanoseconds)
    }

    /// The connection has something to send of its own.
    mutating func markDirty(_ slot: Int) {
        guard !connections[slot].isDirty else { return }
        connections[slot].isDirty = true
        dirty.append(UInt32(truncatingIfNeeded: slot))
    }

    /// Strings each connection's replies together, in their order.
    private mutating func sortReplies() {
        nextReply.removeAll(keepingCapacity: true)
        for (index, reply) in output.replies.enumerated() {
            nextReply.append(-1)
            guard let slot = connections.slot(of: reply.to) else { continue }
            let number = Int32(truncatingIfNeeded: index)
            if connections[slot].firstReply < 0 {
                connections[slot].firstReply = number
                markDirty(slot)
            } else {
                nextReply[Int(connections[slot].lastReply)] = number
            }
            connections[slot].lastReply = number
        }
    }

    // MARK: One room

    /// Sends a room's pending events to all members.
    private mutating func broadcast(_ index: UInt32) {
        frames.encode(chat.rooms[Int(index)])
        let everything = 0..<frames.count
        for id in chat.rooms[Int(index)].present {
            let slot = Int(id.slot)
            let deflates = connections[slot].deflates
            if deflates { frames.compress(chat.rooms[Int(index)], with: deflater) }
            if connections[slot].isPlainReceiver {
                // Nearly always: the frames as they are, and nothing else.
                let sent = world.send(
                    connections[slot].stream, deflates ? frames.compressed.bytes.span : frames.plain.bytes.span)
                accountForBroadcast(slot, sent, deflates)
            } else {
                deliver(slot, events: everything)
            }
        }
    }

    private mutating func accountForBroadcast(_ slot: Int, _ sent: Transmission, _ deflates: Bool) {
        let total = deflates ? frames.compressed.bytes.count : frames.plain.bytes.count
        var taken = 0
        switch sent {
        case .sent(let count): taken = count
        case .wouldBlock: break
        case .failed: return lose(slot, .reset)
        }
        metrics.bytesSent += UInt64(taken)
        guard taken < total else { return }
        enqueue(slot, frames.shared(deflates: deflates), taken..<total, start: 0)
    }

    // MARK: One connection

    /// Sends a connection what it has of its own, its replies, and those of the room's events that are for it.
    mutating func deliver(_ slot: Int, events: Range<Int>) {
        connections[slot].isDirty = false
        guard connections[slot].phase != .vacant else { return }
        outbox.removeAll(keepingCapacity: outbox.capacity <= Sizes.outbox)
        outbox.append(copying: connections[slot].own.span)
        // Echoes come one after the other; for others it is seldom, and an idle connection has nothing to spare.
        connections[slot].own.removeAll(keepingCapacity: connections[slot].phase == .echo)
        var allowance = 0
        // After a close frame nothing follows.
        if connections[slot].phase == .chat { allowance = putTogether(slot, events) }
        connections[slot].firstReply = -1
        transmitOutbox(slot, allowance: allowance)
    }

    /// Adds a connection's replies and its share of the room's events to the outbox, in their order.
    ///
    /// - Returns: how many bytes the replies are.
    private mutating func putTogether(_ slot: Int, _ events: Range<Int>) -> Int {
        var size = 0
        var next = events.isEmpty ? 0 : connections[slot].cursor
        var reply = connections[slot].firstReply
        while reply >= 0 {
            let item = output.replies[Int(reply)]
            reply = nextReply[Int(reply)]
            if !events.isEmpty {
                if item.after > next { append(events: next..<item.after, slot) }
                next = max(next, item.resume)
            }
            size += item.range.count
            if !item.range.isEmpty { appendMessage(to: &outbox, .text, output.bytes.span.extracting(item.range), slot) }
            if item.isWelcome {
                connections[slot].hasJoined = true
                setWebSocketTimer(slot)
                // If events are held back now, those before its welcome are not for it later.
                if events.isEmpty { connections[slot].cursor = item.resume }
            }
        }
        if !events.isEmpty {
            if next < events.upperBound { append(events: next..<events.upperBound, slot) }
            connections[slot].cursor = 0
        }
        return size
    }

    /// Adds some of the room's frames: to the outbox, or by reference to what waits already.
    private mutating func append(events: Range<Int>, _ slot: Int) {
        let deflates = connections[slot].deflates
        let range = deflates ? frames.compressed.range(events) : frames.plain.range(events)
        if connections[slot].backlog == nil {
            outbox.append(copying: (deflates ? frames.compressed : frames.plain).bytes.span.extracting(range))
        } else {
            enqueueOutbox(slot)
            enqueue(slot, frames.shared(deflates: deflates), range)
        }
    }

    private mutating func transmitOutbox(_ slot: Int, allowance: Int) {
        if connections[slot].backlog != nil {
            enqueueOutbox(slot)
        } else if !outbox.isEmpty {
            var taken = 0
            switch world.send(connections[slot].stream, outbox.span) {
            case .sent(let count): taken = count
            case .wouldBlock: break
            case .failed: return lose(slot, .reset)
            }
            metrics.bytesSent += UInt64(taken)
            if taken < outbox.count {
                let rest = SharedBytes(outbox)
                enqueue(slot, rest, taken..<rest.bytes.count, start: 0, allowance: allowance)
            }
        }
        if connections[slot].phase != .vacant, connections[slot].backlog == nil { hasSentAll(slot) }
    }

    private mutating func enqueueOutbox(_ slot: Int) {
        guard !outbox.isEmpty else { return }
        let own = SharedBytes(outbox)
        outbox.removeAll()
        enqueue(slot, own, 0..<own.bytes.count)
    }

    /// Keeps what the kernel has not taken.
    private mutating func enqueue(
        _ slot: Int, _ bytes: SharedBytes, _ range: Range<Int>, start: Int? = nil, allowance: Int = 0
    ) {
        let backlog: Backlog
        if let present = connections[slot].backlog {
            backlog = present
        } else {
            backlog = Backlog()
            backlog.allowance = allowance
            connections[slot].backlog = backlog
            world.setWriteInterest(connections[slot].stream, true)
        }
        backlog.append(bytes, range, start: start)
        queuedBytes += range.count
        // Who has echoes or answers waiting says no more until they are taken.
        if connections[slot].phase == .echo { pause(slot) }
        checkQueue(slot, backlog)
    }

    /// Whoever reads too slowly is told so, and goes.
    private mutating func checkQueue(_ slot: Int, _ backlog: Backlog) {
        guard connections[slot].phase == .chat else { return }
        let limit = queuedBytes > Sizes.allQueues ? min(options.maxQueue, Sizes.scarceQueue) : options.maxQueue
        guard backlog.byteCount > limit + backlog.allowance else { return }
        log(.info, "lost", "connection", slot, "reason", "too-slow", "queued", backlog.byteCount)
        metrics.losses[.tooSlow, default: 0] += 1
        queuedBytes -= backlog.byteCount
        backlog.cutToFrame()
        queuedBytes += backlog.byteCount
        connections[slot].own = []
        startClosing(slot, .tryAgainLater, "This connection takes messages more slowly than they come.")
    }

    // MARK: Later

    /// The kernel has room again.
    mutating func becameWritable(_ slot: Int) {
        guard let backlog = connections[slot].backlog else { return }
        while !backlog.isEmpty {
            outbox.removeAll(keepingCapacity: outbox.capacity <= Sizes.outbox)
            backlog.copyFirst(Sizes.outbox, into: &outbox)
            let offered = outbox.count
            switch world.send(connections[slot].stream, outbox.span) {
            case .sent(let count):
                metrics.bytesSent += UInt64(count)
                queuedBytes -= count
                backlog.removeFirst(count)
                if count < offered { return }
            case .wouldBlock: return
            case .failed: return lose(slot, .reset)
            }
        }
        connections[slot].backlog = nil
        world.setWriteInterest(connections[slot].stream, false)
        hasSentAll(slot)
    }

    /// Nothing waits to be sent to it any more.
    private mutating func hasSentAll(_ slot: Int) {
        switch connections[slot].phase {
        case .ending: drop(slot)
        case .draining:
            guard !connections[slot].hasFinished else { return }
            connections[slot].hasFinished = true
            world.finishSending(connections[slot].stream)
        default:
            guard connections[slot].isPaused else { return }
            connections[slot].isPaused = false
            world.setReadInterest(connections[slot].stream, true)
            resumeRequests(slot)
            leaveUnfinished(slot)
        }
    }

    /// Receives nothing until what is queued has been sent.
    mutating func pause(_ slot: Int) {
        connections[slot].isPaused = true
        world.setReadInterest(connections[slot].stream, false)
    }

    /// Appends a message's frame as the connection wants it.
    func appendMessage(to bytes: inout [UInt8], _ opcode: Opcode, _ payload: Span<UInt8>, _ slot: Int) {
        if connections[slot].deflates {
            Compression.append(opcode, payload, to: &bytes, deflater)
        } else {
            Frame.append(to: &bytes, opcode: opcode, payload: payload)
        }
    }

    // MARK: Reloading

    /// With `--watch`: tells every page that its files have changed.
    mutating func watchFiles() {
        guard watcher?.look(now: now) == true else { return }
        log(.info, "files-changed")
        for slot in 0..<connections.used where connections[slot].phase == .chat && connections[slot].hasJoined {
            appendMessage(to: &connections[slot].own, .text, Self.reload.span, slot)
            markDirty(slot)
        }
    }

    private static var reload: [UInt8] { Array("{\"type\":\"reload\"}".utf8) }
}

extension Connection {
    /// Whether it gets the room's frames as they are: nothing of its own is to be sent, and nothing waits.
    fileprivate var isPlainReceiver: Bool {
        firstReply < 0 && cursor == 0 && own.isEmpty && backlog == nil
    }
}
