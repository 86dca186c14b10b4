import Chat
import HTTP
import Sockets
import WebSocket

/// Timeouts: what follows when a connection is silent, and how the server stops.
extension Server where W: ~Copyable {
    var pingInterval: Int64 { milliseconds(options.pingInterval) }

    /// What an option says in seconds.
    func milliseconds(_ seconds: Double) -> Int64 { Int64(seconds * 1000) }

    /// Sets the timer of an open WebSocket: for the join if that is still to come, and for the next sign of life.
    mutating func setWebSocketTimer(_ slot: Int) {
        let silence = connections[slot].socket?.awaitsPong == true ? 2 * pingInterval : pingInterval
        var deadline = connections[slot].lastReceived + silence
        if connections[slot].chat?.hasJoined == false {
            deadline = min(deadline, connections[slot].stateStart + milliseconds(options.joinTimeout))
        }
        connections.setTimer(slot, to: deadline)
    }

    mutating func expireTimers() {
        sendAgain()
        for slot in connections.takeExpired(now: now) {
            switch connections[slot].state {
            case .http: checkRequest(slot)
            case .chat, .echo: checkSignsOfLife(slot)
            case .closing: drop(slot)
            case .draining, .ending: if !waitForProgress(slot) { drop(slot) }
            case .vacant: break
            }
        }
    }

    /// Has a last look before a connection is judged by its silence: if this process was stopped for a while, or the machine
    /// asleep, what it has sent may lie in the kernel's buffer.
    ///
    /// - Returns: whether nothing has come, or too late.
    private mutating func isStillSilent(_ slot: Int) -> Bool {
        let (id, last) = (connections.id(slot), connections[slot].lastReceived)
        drain(slot, isEnding: true)
        return connections.slot(of: id) != nil && connections[slot].lastReceived == last
    }

    private mutating func checkRequest(_ slot: Int) {
        let start = connections[slot].stateStart
        _ = isStillSilent(slot)
        // An answer has set the timer anew, and an upgrade has, too.
        if connections[slot].isHTTP, connections[slot].stateStart == start { requestIsLate(slot) }
    }

    private mutating func requestIsLate(_ slot: Int) {
        if waitForProgress(slot) { return }
        guard let parser = connections[slot].http?.parser, parser.isMidRequest, !connections[slot].isAnswering else {
            return drop(slot)  // it has asked nothing, or does not take its answers
        }
        metrics.rejections[.lateRequest, default: 0] += 1
        let answer = Response.plain(.requestTimeout, "The request took too long.")
        respond(slot, answer, includesBody: !parser.isHead, keepAlive: false)
    }

    /// Gives a connection more time to take what it was sent, if it has taken some of it since the last look, however little; and
    /// the chat and the disk more time for what is to be sent.
    ///
    /// - Returns: false if nothing is to be waited for.
    private mutating func waitForProgress(_ slot: Int) -> Bool {
        let left = world.unsentBytes(connections[slot].stream)
        let taken = connections[slot].bytesGiven &- UInt32(truncatingIfNeeded: left)
        let isProgress = taken != connections[slot].bytesTaken && (left > 0 || connections[slot].isAnswering)
        connections[slot].bytesTaken = taken
        guard isProgress || connections[slot].http?.isWaiting == true else { return false }
        connections.setTimer(slot, to: now + milliseconds(options.closeTimeout))
        return true
    }

    private mutating func checkSignsOfLife(_ slot: Int) {
        let lateness = now - connections[slot].stateStart - milliseconds(options.joinTimeout)
        if connections[slot].chat?.hasJoined == false, lateness >= 0 {
            if chat.isJoinUnderWay(connections.id(slot)) {
                // It has done its part: the disk takes long, or the engine is away.
                connections[slot].stateStart = now
                return setWebSocketTimer(slot)
            }
            guard lateness < Timing.moment else {
                // This timer is late itself, as the process was stopped: the join may be on its way from the kernel.
                connections[slot].stateStart += lateness + Timing.moment
                return setWebSocketTimer(slot)
            }
            metrics.losses[.late, default: 0] += 1
            return startClosing(
                slot, .policyViolation, "Join within \(milliseconds(options.joinTimeout) / 1000) seconds.")
        }
        let silence = now - connections[slot].lastReceived
        if connections[slot].socket?.awaitsPong == true, silence >= 2 * pingInterval {
            guard isStillSilent(slot) else { return setTimerIfOpen(slot) }
            log(.info, "lost", "connection", slot, "reason", "silent")
            return lose(slot, .silent)
        }
        if connections[slot].socket?.awaitsPong == false, silence >= pingInterval {
            connections[slot].socket?.awaitsPong = true
            Frame.appendHeader(to: &connections[slot].own, opcode: .ping, payloadCount: 0)
            metrics.pings += 1
            outgoing.markDirty(slot)
        }
        setWebSocketTimer(slot)
    }

    private mutating func setTimerIfOpen(_ slot: Int) {
        if connections[slot].isWebSocket { setWebSocketTimer(slot) }
    }

    // MARK: Stopping

    /// Looks for signals: the first asks for a graceful stop, a second one for the end. SIGHUP asks for files to be read again,
    /// unless it means that the terminal is gone.
    mutating func watchSignals() {
        while let number = world.nextSignal() {
            if number == Signals.hangUp, !options.stopsAtHangUp {
                log(.info, "reload", "signal", number)
                readCertificates()
                readPassword()
            } else if thisTick.stopping != nil {
                thisTick.stopping?.isForced = true
                thisTick.stopping?.signal = number
            } else {
                startStopping(number)
            }
        }
    }

    /// What was written is lost: the process ends at once, so that nothing more is said that could not be kept.
    mutating func endAtOnce(because failure: StartFailure) {
        log(.error, "failed", "reason", failure.message)
        thisTick.stopping = Stopping(signal: 0, deadline: now, failure: failure)
    }

    /// Connections can no longer be accepted: the open ones are told, and the process ends so that it can be started anew.
    mutating func stop(because failure: StartFailure) {
        log(.error, "failed", "reason", failure.message)
        startStopping(0)
        thisTick.stopping?.failure = failure
    }

    private mutating func startStopping(_ number: Int32) {
        log(.info, "stopping", "signal", number, "connections", connections.count)
        thisTick.stopping = Stopping(signal: number, deadline: now + Timing.stop)
        world.stopListening()
        admission.beginAccepting()
        for slot in 0..<connections.used {
            switch connections[slot].state {
            case .chat, .echo: startClosing(slot, .goingAway, "The server is stopping.")
            case .http: stopRequests(slot)
            case .vacant, .closing, .draining, .ending: break
            }
        }
    }

    /// A connection that speaks HTTP gets the answers to what it has asked. One that has just been made is about to ask, and
    /// the next process cannot hear it: it has a moment for that.
    private mutating func stopRequests(_ slot: Int) {
        if connections[slot].isAnswering { return startDraining(slot) }
        let end = connections[slot].stateStart + Timing.moment
        guard admission.isHandshake(slot), end > now else { return drop(slot) }
        connections.setTimer(slot, to: end)
    }

    /// Whether it ends for a reason of its own.
    package var hasFailed: Bool { thisTick.stopping?.failure != nil }

    /// Whether everything is said.
    package var isDone: Bool {
        guard let stopping = thisTick.stopping else { return false }
        let isQuiet = connections.count == 0 && (cluster?.node.waitingRooms ?? 0) == 0
        return stopping.isForced || isQuiet || now >= stopping.deadline
    }
}
