import Chat
import Sockets

/// The first step of a tick: what has come in becomes the tick's inputs.
extension Server where W: ~Copyable {
    /// Waits for something to do, then takes in all that waits, each connection within its share.
    mutating func receive() {
        wait()
        beginTick()
        receiveFromEngine()
        if world.hasArrivals || admission.acceptAgainAt.map({ $0 <= now }) ?? false { acceptAll() }
        // Connections that bring little come first, so that a flood never stands before them.
        for ready in world.ready {
            guard let slot = connections.slot(of: ConnectionID(number: ready.token)) else { continue }
            if ready.isWritable { becameWritable(slot) }
            guard ready.isReadable else { continue }
            if reading.isHeavy(slot) {
                if !connections[slot].isVacant { reading.wait(slot) }
            } else if !reading.isWaiting(slot) {
                drain(slot, isEnding: ready.isEnding)
            }
        }
        drainWaiting()
        expireTimers()
        takeResults()
        readFiles()
        watchCertificates()
        watchSignals()
    }

    /// Sleeps until there is something to do.
    private mutating func wait() {
        if options.tickRate > 0, thisTick.stopping == nil { world.sleep(until: thisTick.earliest) }
        var deadline: Int64?
        func before(_ time: Int64?) { if let time { deadline = min(deadline ?? time, time) } }
        before(chat.nextDeadline.map { $0 * 1_000_000 })
        before(connections.timers.next.map { $0 * 1_000_000 })
        before(admission.acceptAgainAt.map { $0 * 1_000_000 })
        before(outgoing.retryAt.map { $0 * 1_000_000 })
        before(outgoing.slow.nextDue.map { $0 * 1_000_000 })
        before(thisTick.stopping.map { $0.deadline * 1_000_000 })
        before(history?.nextDeadline)
        before(cluster?.nextDeadline.map { $0 * 1_000_000 })
        before(files.nextLook.map { $0 * 1_000_000 })
        before(nextLinkLook.map { max($0, 0) * 1_000_000 })
        if keeping.isShort { before(keeping.nextLook * 1_000_000) }
        before(certificates.map { $0.next * 1_000_000 })
        if thisTick.hasCarried || reading.hasWaiting { deadline = 0 }
        world.wait(until: deadline)
    }

    private mutating func beginTick() {
        thisTick.begin(now: world.monotonic, rate: options.tickRate)
        inputs.removeAll()
        output.removeAll()
        inputs.moment = Moment(now: thisTick.nanoseconds / 1_000_000, time: world.wall)
        thisTick.takeCarried(into: &inputs)
        metrics.ticks += 1
    }

    /// Receives from the connections that have more than their share: in turns, and in all no more than one of them might
    /// have had alone, so that a tick does not become longer with their number. The others wait in line for the next tick.
    private mutating func drainWaiting() {
        let allowance = Sizes.receivesPerTick * reading.capacity
        // A turn has its price even if it brings nothing.
        let least = reading.capacity / 16
        var taken = 0
        // Those that are put in line on the way have had their turn.
        var turns = reading.waitingCount
        while turns > 0, taken < allowance, inputs.bytes.count < Sizes.tickBytes, let slot = reading.next() {
            turns -= 1
            // What it makes of the bytes counts as well: compressed messages are longer than they look, and so are answers.
            let before = inputs.bytes.count + connections[slot].own.count
            let count = drain(slot, isEnding: true)
            taken += max(least, count, inputs.bytes.count + connections[slot].own.count - before)
        }
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
        var buffer = reading.takeBuffer()
        var taken = 0
        defer {
            reading.putBack(&buffer)
            if !connections[slot].isVacant {
                reading.note(slot, bytes: taken)
                noteHeldBytes(slot)
            }
        }
        if connections[slot].input == .open { resumeRequests(slot) }
        for _ in 0..<Sizes.receivesPerTick {
            guard !connections[slot].isVacant, connections[slot].input == .open,
                connections[slot].chat?.isLeaving != true
            else { return taken }
            // The tick as a whole has its bounds, too.
            guard inputs.bytes.count < Sizes.tickBytes else { break }
            switch world.receive(connections[slot].stream, into: &buffer) {
            case .received(let count):
                taken += count
                metrics.bytesReceived += UInt64(count)
                connections[slot].lastReceived = now
                connections[slot].socket?.awaitsPong = false
                take(slot, buffer.span.extracting(0..<count))
                if count < buffer.count, !isEnding { return taken }
            case .wouldBlock: return taken
            case .end:
                ended(slot)
                return taken
            case .failed:
                if let failure = world.takeSecurityFailure() {
                    log(
                        .debug, "tls-failed", "connection", slot, "address", connections[slot].address, "reason",
                        failure)
                }
                lose(slot, .reset)
                return taken
            }
            if taken >= buffer.count { break }
        }
        if !connections[slot].isVacant { reading.wait(slot) }
        return taken
    }

    /// Handles what was received.
    mutating func take(_ slot: Int, _ bytes: Span<UInt8>) {
        var offset = 0
        if connections[slot].isHTTP {
            guard readRequests(slot, bytes, at: &offset) else { return }
        }
        switch connections[slot].state {
        case .chat, .echo, .closing: readMessages(slot, bytes, at: &offset)
        case .vacant, .http, .draining, .ending: break
        }
    }

    /// The peer has ended its side.
    private mutating func ended(_ slot: Int) {
        guard !connections[slot].isChat else { return endedByPeer(slot) }
        guard connections[slot].isAnswering else { return drop(slot) }
        // It may still want what it has asked for: that is sent, then the end.
        connections[slot].input = .finished
        world.setReadInterest(connections[slot].stream, false)
        switch connections[slot].state {
        case .http, .echo:
            connections[slot].http?.isLast = true
            startDraining(slot)
        case .vacant, .chat, .closing, .draining, .ending: break
        }
    }
}
