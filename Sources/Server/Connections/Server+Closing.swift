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

/// How connections end. However it happens, the chat is told once: when the state stops being `chat`.
extension Server where W: ~Copyable {
    /// Tells the chat, in this tick or, where it has been asked already, in the next.
    mutating func tell(_ item: TickInputs.Item) {
        if thisTick.isReceiving { inputs.items.append(item) } else { thisTick.carry(item) }
    }

    /// A WebSocket ends from this side: says why, and waits for the answer.
    mutating func startClosing(_ slot: Int, _ code: CloseCode, _ reason: String, chatKnows: Bool = false) {
        turnFast(slot)
        if !chatKnows { leaveChat(slot, .lost) }
        Frame.appendClose(to: &connections[slot].own, code: code, reason: reason)
        setState(slot, .closing)
        connections.setTimer(slot, to: now + milliseconds(options.closeTimeout))
        metrics.closes[code.rawValue, default: 0] += 1
        outgoing.markDirty(slot)
    }

    /// The peer has broken the protocol: says how, and hears no more (RFC 6455 section 7.1.7).
    mutating func fail(_ slot: Int, _ code: CloseCode, _ reason: String) {
        guard !connections[slot].isClosing else { return startDraining(slot) }
        if deferClose(slot, .failed(code, reason)) { return }
        startClosing(slot, code, reason)
        log(.info, "protocol-error", "connection", slot, "code", code.rawValue, "reason", reason)
        startDraining(slot)
    }

    /// The peer has sent a close frame: answers it, if it is not itself the answer.
    mutating func closedByPeer(_ slot: Int, _ code: CloseCode?) {
        if deferClose(slot, .closed(code)) { return }
        turnFast(slot)
        if !connections[slot].isClosing {
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
        setState(slot, .ending)
        connections.setTimer(slot, to: now + milliseconds(options.closeTimeout))
        outgoing.markDirty(slot)
    }

    /// What is queued is sent, then the end. The peer may still be sending, and would lose our last words if the connection
    /// were closed over its bytes: they are thrown away until it ends, too.
    mutating func startDraining(_ slot: Int) {
        setState(slot, .draining(hasFinished: false))
        connections.setTimer(slot, to: now + milliseconds(options.closeTimeout))
        resumeReading(slot)
        outgoing.markDirty(slot)
    }

    /// The peer has ended its side without a close frame.
    mutating func endedByPeer(_ slot: Int) {
        if !deferClose(slot, .ended) { lose(slot, .ended) }
    }

    /// The connection is gone.
    mutating func lose(_ slot: Int, _ loss: Loss) {
        if connections[slot].isChat { metrics.losses[loss, default: 0] += 1 }
        leaveChat(slot, .lost)
        drop(slot)
    }

    private mutating func leaveChat(_ slot: Int, _ departure: Departure) {
        guard connections[slot].isChat else { return }
        tell(.closed(connections.id(slot), departure))
        log(.debug, "left-chat", "connection", slot, "how", departure)
    }

    private mutating func setState(_ slot: Int, _ state: ConnectionState) {
        connections[slot].state = state
        connections[slot].stateStart = now
    }

    /// Closes a connection, with whatever is still queued.
    mutating func drop(_ slot: Int) {
        guard !connections[slot].isVacant else { return }
        if connections[slot].http?.awaited != nil { tell(.closed(connections.id(slot), .lost)) }
        world.close(connections[slot].stream)
        admission.end(slot, connections[slot].address)
        reading.forget(slot)
        outgoing.forget(slot)
        memory.ledger.change(by: -connections[slot].heldBytes)
        connections[slot].heldBytes = 0
        connections.remove(slot)
        metrics.closed += 1
        admission.hasRoom(now: now)
    }

    // MARK: After the tick is sent

    /// Defers a close if this tick's inputs have something of the connection, or if it waits for the disk with what it has said:
    /// it is to hear what became of that first.
    private mutating func deferClose(_ slot: Int, _ close: DeferredClose) -> Bool {
        guard thisTick.isReceiving, let chatState = connections[slot].chat,
            chatState.lastSpoke == thisTick.number || chat.isWaiting(connections.id(slot))
        else { return false }
        if !chatState.isLeaving {
            thisTick.deferClose(connections.id(slot), close)
            // The poller would report the end of the stream in every tick.
            world.setReadInterest(connections[slot].stream, false)
        }
        connections[slot].chat?.isLeaving = true
        return true
    }

    /// Ends the connections whose close was deferred, and those that the chat has decided to end.
    mutating func endConnections() {
        for (id, close) in thisTick.takeDeferredCloses() {
            guard let slot = connections.slot(of: id), connections[slot].isChat else { continue }
            if chat.isWaiting(id) {
                thisTick.deferClose(id, close)
                continue
            }
            connections[slot].chat?.isLeaving = false
            world.setReadInterest(connections[slot].stream, true)
            reading.wait(slot)
            switch close {
            case .failed(let code, let reason): fail(slot, code, reason)
            case .closed(let code): closedByPeer(slot, code)
            case .ended: endedByPeer(slot)
            }
        }
        for (id, ending) in output.endings {
            guard let slot = connections.slot(of: id), connections[slot].isChat else { continue }
            let (code, reason): (CloseCode, String) =
                switch ending {
                case .takenOver: (.takenOver, "This session is open in another place now.")
                case .tooManyErrors: (.policyViolation, "Too many requests were refused.")
                case .tooEager: (.policyViolation, "Wait for the welcome.")
                case .putOut: (.putOut, "A host has put you out.")
                case .paired: (.normal, "There is somebody. Go to that room.")
                case .serverRestarts: (.serviceRestart, "The server begins anew with this room.")
                case .strangerGone: (.normal, "The other one is gone.")
                }
            startClosing(slot, code, reason, chatKnows: ending.isDone)
        }
    }
}
