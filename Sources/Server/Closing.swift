import Chat
import Sockets
import WebSocket

/// Why a connection is lost without a good-bye.
enum Loss: String, CaseIterable {
    /// The peer closed the connection without a close frame.
    case ended
    /// The connection is broken.
    case reset
    /// Two ping intervals without a sign of life.
    case silent
    /// What it was sent was not taken.
    case tooSlow = "too_slow"
    /// A time limit was over.
    case late
    /// All connections together had too much waiting, and this one the most.
    case crowdedOut = "crowded_out"
}

/// How connections end. However it happens, the chat is told once: when the phase stops being `chat`.
extension Server where W: ~Copyable {
    /// Tells the chat, in this tick or, where it has been asked already, in the next.
    mutating func tell(_ item: TickInputs.Item) {
        if isReceiving { inputs.items.append(item) } else { carried.append(item) }
    }

    /// A WebSocket ends from this side: says why, and waits for the answer.
    mutating func startClosing(_ slot: Int, _ code: CloseCode, _ reason: String, chatKnows: Bool = false) {
        if !chatKnows { leaveChat(slot, .lost) }
        Frame.appendClose(to: &connections[slot].own, code: code, reason: reason)
        setPhase(slot, .closing)
        timers.set(slot, to: now + milliseconds(options.closeTimeout), in: &connections)
        metrics.closes[code.rawValue, default: 0] += 1
        markDirty(slot)
    }

    /// The peer has broken the protocol: says how, and hears no more (RFC 6455 section 7.1.7).
    mutating func fail(_ slot: Int, _ code: CloseCode, _ reason: String) {
        guard connections[slot].phase != .closing else { return startDraining(slot) }
        if putOff(slot, .failed(code, reason)) { return }
        startClosing(slot, code, reason)
        log(.info, "protocol-error", "connection", slot, "code", code.rawValue, "reason", reason)
        startDraining(slot)
    }

    /// The peer has sent a close frame: answers it, if it is not itself the answer.
    mutating func closedByPeer(_ slot: Int, _ code: CloseCode?) {
        if putOff(slot, .closed(code)) { return }
        if connections[slot].phase != .closing {
            let departure: Departure =
                switch code {
                case .normal: .left
                case .goingAway: .wentAway
                default: .lost
                }
            leaveChat(slot, departure)
            Frame.appendClose(to: &connections[slot].own, code: code, reason: "")
        }
        // Both have said all they have to say, and the server ends the connection (section 7.1.1).
        setPhase(slot, .ending)
        timers.set(slot, to: now + milliseconds(options.closeTimeout), in: &connections)
        markDirty(slot)
    }

    /// What is queued is sent, then the end. The peer may still be sending, and would lose our last words if the connection
    /// were closed over its bytes: they are thrown away until it ends, too.
    mutating func startDraining(_ slot: Int) {
        setPhase(slot, .draining)
        timers.set(slot, to: now + milliseconds(options.closeTimeout), in: &connections)
        if connections[slot].isPaused, !connections[slot].peerHasFinished {
            connections[slot].isPaused = false
            world.setReadInterest(connections[slot].stream, true)
            leaveUnfinished(slot)
        }
        markDirty(slot)
    }

    /// The peer has ended its side without a close frame.
    mutating func endedByPeer(_ slot: Int) {
        if !putOff(slot, .ended) { lose(slot, .ended) }
    }

    /// The connection is gone.
    mutating func lose(_ slot: Int, _ loss: Loss) {
        if connections[slot].phase == .chat { metrics.losses[loss, default: 0] += 1 }
        leaveChat(slot, .lost)
        drop(slot)
    }

    private mutating func leaveChat(_ slot: Int, _ departure: Departure) {
        guard connections[slot].phase == .chat else { return }
        tell(.closed(connections.id(slot), departure))
        log(.debug, "left-chat", "connection", slot, "how", departure)
    }

    private mutating func setPhase(_ slot: Int, _ phase: Phase) {
        connections[slot].phase = phase
        connections[slot].phaseStart = now
    }

    /// Closes a connection, with whatever is still queued.
    mutating func drop(_ slot: Int) {
        guard connections[slot].phase != .vacant else { return }
        queuedBytes -= connections[slot].backlog?.byteCount ?? 0
        timers.cancel(slot, in: &connections)
        world.close(connections[slot].stream)
        if connections[slot].isCounted { addresses.remove(connections[slot].address) }
        endHandshake(slot)
        ledger.change(by: -connections[slot].heldBytes)
        connections[slot].heldBytes = 0
        connections.remove(slot)
        metrics.closed += 1
        // There is a descriptor free now, if that is what was missing.
        if acceptAgainAt != nil { acceptAgainAt = now }
    }

    // MARK: After the tick is sent

    /// Puts an end off if this tick's inputs have something of the connection, or if it waits for the disk with what it has said:
    /// it is to hear what became of that first.
    private mutating func putOff(_ slot: Int, _ farewell: Farewell) -> Bool {
        guard isReceiving, connections[slot].phase == .chat,
            connections[slot].lastSpoke == metrics.ticks || chat.isWaiting(connections.id(slot))
        else { return false }
        if !connections[slot].isLeaving { farewells.append((connections.id(slot), farewell)) }
        connections[slot].isLeaving = true
        return true
    }

    /// Ends those whose end was put off, and those that the chat itself has decided to end.
    mutating func endConnections() {
        let ends = farewells
        farewells.removeAll(keepingCapacity: true)
        for (id, farewell) in ends {
            guard let slot = connections.slot(of: id) else { continue }
            if connections[slot].phase == .chat, chat.isWaiting(id) {
                farewells.append((id, farewell))
                continue
            }
            connections[slot].isLeaving = false
            leaveUnfinished(slot)
            guard connections[slot].phase == .chat else { continue }
            switch farewell {
            case .failed(let code, let reason): fail(slot, code, reason)
            case .closed(let code): closedByPeer(slot, code)
            case .ended: endedByPeer(slot)
            }
        }
        for (id, ending) in output.endings {
            guard let slot = connections.slot(of: id), connections[slot].phase == .chat else { continue }
            let (code, reason): (CloseCode, String) =
                switch ending {
                case .takenOver: (.takenOver, "This session is open in another place now.")
                case .tooManyErrors: (.policyViolation, "Too many requests were refused.")
                case .tooEager: (.policyViolation, "Wait for the welcome.")
                }
            startClosing(slot, code, reason, chatKnows: ending.isDone)
        }
    }
}

/// How a connection ends whose end was put off until the tick is sent.
enum Farewell {
    /// The peer has broken the protocol.
    case failed(CloseCode, String)
    /// The peer has sent a close frame.
    case closed(CloseCode?)
    /// The peer has ended its side without one.
    case ended
}
