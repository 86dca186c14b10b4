import Chat
import HTTP
import Sockets
import WebSocket

/// The first step of a tick: what has come in becomes the tick's inputs.
extension Server where W: ~Copyable {
    /// Waits for something to do, then takes in all that waits, each connection within its share.
    mutating func receive() {
        wait()
        beginTick()
        if world.hasArrivals || acceptAgainAt.map({ $0 <= now }) ?? false { acceptAll() }
        // Those that bring little come first, so that a flood never stands before them.
        for ready in world.ready {
            guard let slot = connections.slot(of: ConnectionID(number: ready.token)) else { continue }
            if ready.isWritable { becameWritable(slot) }
            guard ready.isReadable else { continue }
            if connections[slot].isHeavy {
                leaveUnfinished(slot)
            } else if !connections[slot].isUnfinished {
                drain(slot, isEnding: ready.isEnding)
            }
        }
        drainUnfinished()
        expireTimers()
        readHistory()
        readFiles()
        watchFiles()
        watchSignals()
    }

    /// Sleeps until there is something to do.
    private mutating func wait() {
        if options.tickRate > 0, stopping == nil { world.sleep(until: earliest) }
        var deadline: Int64?
        func before(_ time: Int64?) { if let time { deadline = min(deadline ?? time, time) } }
        before(chat.nextDeadline.map { $0 * 1_000_000 })
        before(timers.next.map { $0 * 1_000_000 })
        before(acceptAgainAt.map { $0 * 1_000_000 })
        before(sendAgainAt.map { $0 * 1_000_000 })
        before(stopping.map { $0.deadline * 1_000_000 })
        before(history?.nextDeadline.map { Int64(clamping: $0) })
        before(watcher?.next.map { $0 * 1_000_000 })
        if !carried.isEmpty || !unfinished.isEmpty || history?.hasWork == true { deadline = 0 }
        world.wait(until: deadline)
    }

    private mutating func beginTick() {
        isReceiving = true
        nanoseconds = world.monotonic
        if options.tickRate > 0 { earliest = nanoseconds + Int64(1e9 / options.tickRate) }
        inputs.removeAll()
        output.removeAll()
        inputs.now = nanoseconds / 1_000_000
        inputs.time = world.wall
        inputs.items.append(contentsOf: carried)
        carried.removeAll(keepingCapacity: true)
        metrics.ticks += 1
    }

    /// Receives from those that have more than a connection's share: in turns, and in all no more than one of them might
    /// have had alone, so that a tick is not the longer for how many they are. The others wait in line for the next tick.
    private mutating func drainUnfinished() {
        let allowance = Sizes.receivesPerTick * inbox.count
        // A turn has its price even if it brings nothing.
        let least = inbox.count / 16
        var taken = 0
        var next = 0
        while next < unfinished.count, taken < allowance, inputs.bytes.count < Sizes.tickBytes {
            let slot = Int(unfinished[next])
            next += 1
            guard connections[slot].isUnfinished else { continue }
            connections[slot].isUnfinished = false
            // What it makes of the bytes counts as well: compressed messages are longer than they look, and so are answers.
            let before = inputs.bytes.count + connections[slot].own.count
            let count = drain(slot, isEnding: true)
            taken += max(least, count, inputs.bytes.count + connections[slot].own.count - before)
        }
        unfinished.removeFirst(next)
    }

    // MARK: One connection

    /// Receives what a connection has, within its share.
    ///
    /// - Parameter isEnding: whether to go on although the kernel has given less than there was room for: the end may
    ///   follow without being told of again.
    /// - Returns: how many bytes it was.
    @discardableResult
    mutating func drain(_ slot: Int, isEnding: Bool) -> Int {
        // The buffer is taken out for as long as others read in it.
        var inbox: [UInt8] = []
        swap(&inbox, &self.inbox)
        var taken = 0
        defer {
            swap(&inbox, &self.inbox)
            if connections[slot].phase != .vacant {
                connections[slot].isHeavy = taken > self.inbox.count / Sizes.receivesPerTick
                noteHeldBytes(slot)
            }
        }
        if !connections[slot].isPaused { resumeRequests(slot) }
        for _ in 0..<Sizes.receivesPerTick {
            guard connections[slot].phase != .vacant, !connections[slot].isPaused, !connections[slot].isLeaving,
                !connections[slot].peerHasFinished
            else { return taken }
            // The tick as a whole has its bounds, too.
            guard inputs.bytes.count < Sizes.tickBytes else { break }
            switch world.receive(connections[slot].stream, into: &inbox) {
            case .received(let count):
                taken += count
                metrics.bytesReceived += UInt64(count)
                connections[slot].lastReceived = now
                connections[slot].awaitsPong = false
                take(slot, inbox.span.extracting(0..<count))
                if count < inbox.count, !isEnding { return taken }
            case .wouldBlock: return taken
            case .end:
                ended(slot)
                return taken
            case .failed:
                lose(slot, .reset)
                return taken
            }
            if taken >= inbox.count { break }
        }
        leaveUnfinished(slot)
        return taken
    }

    /// There is more to be received, when it is its turn.
    mutating func leaveUnfinished(_ slot: Int) {
        guard connections[slot].phase != .vacant, !connections[slot].isUnfinished else { return }
        connections[slot].isUnfinished = true
        unfinished.append(UInt32(truncatingIfNeeded: slot))
    }

    /// Handles what was received.
    mutating func take(_ slot: Int, _ bytes: Span<UInt8>) {
        var offset = 0
        if connections[slot].phase == .http {
            guard readRequests(slot, bytes, at: &offset) else { return }
        }
        switch connections[slot].phase {
        case .chat, .echo, .closing: readMessages(slot, bytes, at: &offset)
        case .vacant, .http, .draining, .ending: break
        }
    }

    /// The peer has ended its side.
    private mutating func ended(_ slot: Int) {
        guard connections[slot].phase != .chat else { return endedByPeer(slot) }
        guard isAnswering(slot) else { return drop(slot) }
        // It may still want what it has asked for: that is sent, then the end.
        connections[slot].peerHasFinished = true
        world.setReadInterest(connections[slot].stream, false)
        switch connections[slot].phase {
        case .http, .echo:
            connections[slot].http?.isLast = true
            startDraining(slot)
        case .vacant, .chat, .closing, .draining, .ending: break
        }
    }

    /// Whether something is still to be sent to a connection.
    func isAnswering(_ slot: Int) -> Bool {
        if !connections[slot].own.isEmpty || connections[slot].backlog != nil { return true }
        guard let http = connections[slot].http else { return false }
        return http.lookup != nil || http.content != nil
    }

    // MARK: WebSocket messages

    /// Reads frames.
    private mutating func readMessages(_ slot: Int, _ bytes: Span<UInt8>, at offset: inout Int) {
        let id = connections.id(slot)
        let first = inputs.bytes.count
        var start = first
        while let event = connections[slot].reader.next(
            in: bytes, at: &offset, into: &inputs.bytes, maxMessage: options.maxMessage, inflater: inflater)
        {
            defer { start = inputs.bytes.count }
            switch event {
            case .text(let range):
                if connections[slot].phase == .chat {
                    metrics.messagesReceived += 1
                    connections[slot].lastSpoke = metrics.ticks
                    inputs.items.append(.text(id, range))
                    // Many small messages, each of which unpacks to a thousand times its length: nobody talks like that.
                    guard inputs.bytes.count - first <= max(Sizes.tickBytes, options.maxMessage) else {
                        return fail(slot, .policyViolation, "That is more than can be taken in at once.")
                    }
                } else {
                    echo(slot, .text, range, start)
                }
            case .binary(let range):
                if connections[slot].phase == .chat {
                    return fail(slot, .unsupportedData, "This chat speaks JSON in text messages.")
                }
                echo(slot, .binary, range, start)
            case .ping(let range):
                if connections[slot].phase != .closing {
                    Compression.append(.pong, of: inputs.bytes, range, to: &connections[slot].own, nil)
                    markDirty(slot)
                }
                inputs.bytes.removeLast(inputs.bytes.count - start)
            case .pong:
                inputs.bytes.removeLast(inputs.bytes.count - start)
            case .close(let code, _):
                inputs.bytes.removeLast(inputs.bytes.count - start)
                return closedByPeer(slot, code)
            case .violation(let violation):
                metrics.violations += 1
                return fail(slot, violation.closeCode, violation.reason)
            }
        }
    }

    private mutating func echo(_ slot: Int, _ opcode: Opcode, _ range: Range<Int>, _ start: Int) {
        if connections[slot].phase == .echo {
            // Compressed messages can be a thousand times as long as they come in.
            guard connections[slot].own.count <= options.maxQueue else {
                inputs.bytes.removeLast(inputs.bytes.count - start)
                return fail(slot, .tryAgainLater, "That is more than can be echoed at once.")
            }
            let compressor = connections[slot].deflates ? deflater : nil
            Compression.append(opcode, of: inputs.bytes, range, to: &connections[slot].own, compressor)
            markDirty(slot)
        }
        inputs.bytes.removeLast(inputs.bytes.count - start)
    }
}
