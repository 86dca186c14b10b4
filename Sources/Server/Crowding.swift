import WebSocket

/// The ceiling for what all connections together have waiting (`--max-buffers`), and places for those who have something
/// to say.
///
/// Each connection has a limit of its own, but there may be very many connections. So past the ceiling those that hold the
/// most go first: whoever reads what it is sent, and finishes what it begins to send, holds next to nothing and stays.
extension Server where W: ~Copyable {
    /// Ends the greediest connections for as long as there is too much waiting. Called when a tick has sent all it could.
    mutating func relieve() {
        guard ledger.bytes > options.maxBuffers else { return }
        var holders: [(bytes: Int, slot: Int)] = []
        for slot in 0..<connections.used where connections[slot].phase != .vacant {
            let bytes = connections[slot].heldBytes + (connections[slot].backlog?.heldBytes ?? 0)
            if bytes > 0 { holders.append((bytes, slot)) }
        }
        holders.sort { $0.bytes > $1.bytes }
        // Somewhat further than needed, so that not every tick has to look at all connections.
        let target = options.maxBuffers / 8 * 7
        var count = 0
        for holder in holders {
            guard ledger.bytes > target else { break }
            crowdOut(holder.slot)
            count += 1
        }
        log(.error, "crowded", "dropped", count, "waiting", ledger.bytes)
    }

    /// Ends a connection that holds too much: with a word, where the word does not cost much itself.
    private mutating func crowdOut(_ slot: Int) {
        metrics.crowdedOut += 1
        guard connections[slot].phase == .chat || connections[slot].phase == .echo else { return drop(slot) }
        if connections[slot].phase == .chat { metrics.losses[.crowdedOut, default: 0] += 1 }
        let rest = cutBacklog(slot)
        startClosing(slot, .tryAgainLater, "The server has too much waiting for you and others.")
        // What it has begun to send will not be finished here.
        connections[slot].reader = MessageReader(role: .server, deflate: false)
        noteHeldBytes(slot)
        if rest > Sizes.lastWords { drop(slot) } else { startDraining(slot) }
    }

    /// Throws away what waits for a connection, but for the rest of a frame that it has had the beginning of.
    ///
    /// - Returns: the bytes of that rest.
    mutating func cutBacklog(_ slot: Int) -> Int {
        connections[slot].own = []
        guard let backlog = connections[slot].backlog else { return 0 }
        queuedBytes -= backlog.byteCount
        backlog.cutToFrame()
        queuedBytes += backlog.byteCount
        return backlog.byteCount
    }

    /// Takes note of what a connection holds beside its backlog: messages and requests of which a part has come, and answers
    /// that are to be sent with this tick.
    mutating func noteHeldBytes(_ slot: Int) {
        var bytes = connections[slot].reader.heldBytes
        if let http = connections[slot].http { bytes += http.unread.count + http.parser.heldBytes }
        if connections[slot].phase != .chat { bytes += connections[slot].own.count }
        let difference = bytes - connections[slot].heldBytes
        guard difference != 0 else { return }
        connections[slot].heldBytes = bytes
        ledger.change(by: difference)
    }

    // MARK: Places

    /// A connection begins, and has not asked for anything yet.
    ///
    /// - Returns: false if its address has too many like it.
    mutating func beginHandshake(_ slot: Int, limitsAddress: Bool) -> Bool {
        let address = connections[slot].address
        connections[slot].isHandshake = true
        handshakes += 1
        guard limitsAddress, options.maxHandshakesPerAddress > 0 else { return true }
        connections[slot].isHandshakeCounted = true
        handshakeAddresses.add(address)
        return !handshakeAddresses.isOver(address, limit: options.maxHandshakesPerAddress)
    }

    /// It has asked for something, or it is gone.
    mutating func endHandshake(_ slot: Int) {
        guard connections[slot].isHandshake else { return }
        connections[slot].isHandshake = false
        handshakes -= 1
        guard connections[slot].isHandshakeCounted else { return }
        connections[slot].isHandshakeCounted = false
        handshakeAddresses.remove(connections[slot].address)
    }

    /// Ends those that have been silent for longest, of the connections that have not asked for anything yet; and where
    /// these are not enough, of those that are kept for a next request. Whoever has something to say says it at once.
    ///
    /// - Parameters:
    ///   - patience: how long they must have been silent (ms).
    ///   - idle: the same for those that are kept; nil spares them.
    mutating func endSilentConnections(patience: Int64, idle: Int64?) {
        var silent: [(order: (idle: Int, since: Int64, number: UInt64), slot: Int)] = []
        for slot in 0..<connections.used where connections[slot].phase == .http {
            let (since, isIdle) = (connections[slot].phaseStart, !connections[slot].isHandshake)
            guard let least = isIdle ? idle : patience, now - since >= least else { continue }
            guard !isAnswering(slot) else { continue }
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
