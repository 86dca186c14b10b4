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
        // Some are added on the way: a connection that has taken all that waited may go on with its next request.
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
}

extension Connection {
    /// Whether it gets the room's frames as they are: nothing of its own is to be sent, and nothing waits.
    fileprivate var isPlainReceiver: Bool {
        firstReply < 0 && cursor == 0 && own.isEmpty && backlog == nil
    }
}
