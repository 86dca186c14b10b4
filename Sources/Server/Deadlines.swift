import Chat
import HTTP
import Sockets
import WebSocket

/// What happens when nothing happens.
extension Server where W: ~Copyable {
    var pingInterval: Int64 { milliseconds(options.pingInterval) }

    /// What an option says in seconds.
    func milliseconds(_ seconds: Double) -> Int64 { Int64(seconds * 1000) }

    /// Sets the timer of an open WebSocket: for the join if that is still to come, and for the next sign of life.
    mutating func setWebSocketTimer(_ slot: Int) {
        let silence = connections[slot].awaitsPong ? 2 * pingInterval : pingInterval
        var deadline = connections[slot].lastReceived + silence
        if connections[slot].phase == .chat, !connections[slot].hasJoined {
            deadline = min(deadline, connections[slot].phaseStart + milliseconds(options.joinTimeout))
        }
        timers.set(slot, to: deadline, in: &connections)
    }

    mutating func expireTimers() {
        if let time = sendAgainAt, time <= now { sendAgain() }
        expired.removeAll(keepingCapacity: true)
        timers.advance(to: now, in: &connections, expired: &expired)
        for slot in expired where connections[slot].phase != .vacant {
            switch connections[slot].phase {
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
        let (phase, start) = (connections[slot].phase, connections[slot].phaseStart)
        _ = isStillSilent(slot)
        // An answer has set the timer anew, and an upgrade has, too.
        if connections[slot].phase == phase, connections[slot].phaseStart == start { requestIsLate(slot) }
    }

    private mutating func requestIsLate(_ slot: Int) {
        if waitForProgress(slot) { return }
        guard let parser = connections[slot].http?.parser, parser.isMidRequest, !isAnswering(slot) else {
            return drop(slot)  // it has asked nothing, or does not take its answers
        }
        metrics.rejections[.lateRequest, default: 0] += 1
        let answer = Response.plain(.requestTimeout, "The request took too long.")
        respond(slot, answer, includesBody: !parser.isHead, keepAlive: false)
    }

    /// Gives a connection more time to take what it was sent, if it has taken some of it since the last look, however little; and
    /// the disk more time to read what is to be sent.
    ///
    /// - Returns: false if nothing is to be waited for.
    private mutating func waitForProgress(_ slot: Int) -> Bool {
        let left = world.unsentBytes(connections[slot].stream)
        let taken = connections[slot].bytesGiven &- UInt32(truncatingIfNeeded: left)
        let isProgress = taken != connections[slot].bytesTaken && (left > 0 || isAnswering(slot))
        connections[slot].bytesTaken = taken
        guard isProgress || connections[slot].http?.awaitsFile == true else { return false }
        timers.set(slot, to: now + milliseconds(options.closeTimeout), in: &connections)
        return true
    }

    private mutating func checkSignsOfLife(_ slot: Int) {
        let lateness = now - connections[slot].phaseStart - milliseconds(options.joinTimeout)
        if connections[slot].phase == .chat, !connections[slot].hasJoined, lateness >= 0 {
            guard lateness < Timing.moment else {
                // This timer is late itself, as the process was stopped: the join may be on its way from the kernel.
                connections[slot].phaseStart += lateness + Timing.moment
                return setWebSocketTimer(slot)
            }
            metrics.losses[.late, default: 0] += 1
            return startClosing(
                slot, .policyViolation, "Join within \(milliseconds(options.joinTimeout) / 1000) seconds.")
        }
        let silence = now - connections[slot].lastReceived
        if connections[slot].awaitsPong, silence >= 2 * pingInterval {
            guard isStillSilent(slot) else { return setTimerIfOpen(slot) }
            log(.info, "lost", "connection", slot, "reason", "silent")
            return lose(slot, .silent)
        }
        if !connections[slot].awaitsPong, silence >= pingInterval {
            connections[slot].awaitsPong = true
            Frame.appendHeader(to: &connections[slot].own, opcode: .ping, payloadCount: 0)
            metrics.pings += 1
            markDirty(slot)
        }
        setWebSocketTimer(slot)
    }

    private mutating func setTimerIfOpen(_ slot: Int) {
        if connections[slot].phase == .chat || connections[slot].phase == .echo { setWebSocketTimer(slot) }
    }

    // MARK: Stopping

    /// Looks for signals: the first asks for a graceful stop, a second one for the end. SIGHUP asks for files to be read again,
    /// unless it means that the terminal is gone.
    mutating func watchSignals() {
        while let number = world.nextSignal() {
            if number == Signals.hangUp, !options.stopsAtHangUp {
                log(.info, "reload", "signal", number)
            } else if stopping != nil {
                stopping?.isForced = true
                stopping?.signal = number
            } else {
                startStopping(number)
            }
        }
    }

    /// Nobody can connect any more: those who are here are told, and the process ends so that it can be started anew.
    mutating func stop(because failure: StartFailure) {
        log(.error, "failed", "reason", failure.message)
        startStopping(0)
        stopping?.failure = failure
    }

    private mutating func startStopping(_ number: Int32) {
        log(.info, "stopping", "signal", number, "connections", connections.count)
        stopping = Stopping(signal: number, deadline: now + Timing.stop)
        world.stopListening()
        acceptAgainAt = nil
        for slot in 0..<connections.used {
            switch connections[slot].phase {
            case .chat, .echo: startClosing(slot, .goingAway, "The server is stopping.")
            case .http: stopRequests(slot)
            case .vacant, .closing, .draining, .ending: break
            }
        }
    }

    /// A connection that speaks HTTP gets the answers to what it has asked. One that has just been made is about to ask, and
    /// the next process cannot hear it: it has a moment for that.
    private mutating func stopRequests(_ slot: Int) {
        if isAnswering(slot) { return startDraining(slot) }
        let end = connections[slot].phaseStart + Timing.moment
        guard connections[slot].isHandshake, end > now else { return drop(slot) }
        timers.set(slot, to: end, in: &connections)
    }

    /// Whether everything is said.
    package var isDone: Bool {
        guard let stopping else { return false }
        return stopping.isForced || connections.count == 0 || now >= stopping.deadline
    }
}

/// A stop that is under way.
struct Stopping {
    var signal: Int32
    /// When what is left is left (ms).
    var deadline: Int64
    /// Whether there was a second signal.
    var isForced = false
    /// Why it stops, where that is no signal.
    var failure: StartFailure?
}

/// Lets an event into the log once a second, however often it happens.
struct LogThrottle {
    /// When it may be told again (ms).
    private var next: Int64 = .min

    /// Whether it may be told now.
    mutating func admits(now: Int64) -> Bool {
        guard now >= next else { return false }
        next = now + 1000
        return true
    }
}
