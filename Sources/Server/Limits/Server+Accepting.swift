import Chat
import Sockets
import WebSocket

/// New connections.
extension Server where W: ~Copyable {
    /// Accepts all that wait, within the tick's share.
    mutating func acceptAll() {
        admission.beginAccepting()
        guard thisTick.stopping == nil else { return }
        var aborted = 0
        for _ in 0..<Sizes.acceptsPerTick {
            // The places beyond the limit are there to serve the page and to say that the server is full.
            guard !connections.isFull else { return waitForPlace() }
            switch world.accept() {
            case .accepted(let stream, let peer): welcome(stream, peer)
            case .wouldBlock:
                if admission.endPause() { world.setAccepting(true) }
                return
            case .aborted:
                metrics.abortedAccepts += 1
                aborted += 1
            case .impossible(let error):
                return stop(because: StartFailure(.unavailable, "Nobody can connect any more: cannot \(error)."))
            case .exhausted(let error):
                // They stay in the kernel's queue. Trying again at once would be of no use: a connection must close first.
                metrics.exhaustedAccepts += 1
                if admission.exhaustionLog.admits(now: now) {
                    log(.error, "accept-paused", "reason", error.description)
                }
                return pauseAccepting()
            }
        }
        // Where nothing but failures comes, it would be the same at once again.
        if aborted == Sizes.acceptsPerTick { return pauseAccepting() }
        admission.acceptMore(now: now)
    }

    private mutating func pauseAccepting() {
        world.setAccepting(false)
        admission.pause(now: now)
    }

    /// Every place is taken. Silent connections give up theirs, which are free from the next tick on.
    private mutating func waitForPlace() {
        pauseAccepting()
        endSilentConnections(patience: Timing.moment, idle: Timing.idleWhileFull)
    }

    private mutating func welcome(_ stream: Int32, _ peer: SocketAddress) {
        let isProxy = options.trustedProxies.contains { $0.contains(peer.address) }
        if !isProxy, let rejection = admission.rejection(of: peer.address) {
            metrics.rejections[rejection, default: 0] += 1
            return world.close(stream)
        }
        let (time, number) = (now, metrics.accepted)
        let slot = connections.insert { generation in
            Connection(
                stream: stream, generation: generation,
                http: HTTPState(peer: peer.address, isProxied: isProxy, number: number),
                reader: MessageReader(role: .server, deflate: false), lastReceived: time, stateStart: time,
                address: peer.address)
        }
        guard let slot else { return world.close(stream) }
        guard world.watch(stream, token: connections.id(slot).number) else {
            connections.remove(slot)
            return world.close(stream)
        }
        metrics.accepted += 1
        admission.begin(slot, peer.address, isProxy: isProxy)
        connections.setTimer(slot, to: now + milliseconds(options.requestTimeout))
        log(.debug, "connected", "connection", slot, "address", peer.address)
    }

    /// Whether there are more connections than may be, apart from those that are only served the page.
    var isOverFull: Bool { connections.count > connections.capacity - Sizes.reservedConnections }

    /// Ends the connections that have been silent for longest, of those that have not asked for anything yet; and where these are
    /// not enough, of those that are kept for a next request. A client that wants something asks for it at once.
    ///
    /// - Parameters:
    ///   - patience: how long they must have been silent (ms).
    ///   - idle: the same for those that are kept; nil spares them.
    mutating func endSilentConnections(patience: Int64, idle: Int64?) {
        var silent: [(order: (idle: Int, since: Int64, number: UInt64), slot: Int)] = []
        for slot in 0..<connections.used where connections[slot].isHTTP {
            let (since, isIdle) = (connections[slot].stateStart, !admission.isHandshake(slot))
            guard let least = isIdle ? idle : patience, now - since >= least else { continue }
            guard !connections[slot].isAnswering else { continue }
            silent.append(((isIdle ? 1 : 0, since, connections[slot].http?.number ?? 0), slot))
        }
        silent.sort { $0.order < $1.order }
        // Some at a time, so that not every newcomer has all connections looked at.
        for one in silent.prefix(1 + connections.count / 16) {
            metrics.rejections[.silent, default: 0] += 1
            drop(one.slot)
        }
    }
}
