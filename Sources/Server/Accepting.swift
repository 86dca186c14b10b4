import Chat
import Sockets
import WebSocket

/// New connections.
extension Server where W: ~Copyable {
    /// Accepts all that wait, within the tick's share.
    mutating func acceptAll() {
        acceptAgainAt = nil
        guard stopping == nil else { return }
        for _ in 0..<Sizes.acceptsPerTick {
            // The places beyond the limit are there to serve the page and to say that the server is full.
            guard !connections.isFull else { return pauseAccepting() }
            switch world.accept() {
            case .accepted(let stream, let peer): welcome(stream, peer)
            case .wouldBlock: return
            case .aborted: metrics.abortedAccepts += 1
            case .exhausted(let error):
                // They stay in the kernel's queue. Trying again at once would be of no use: a connection must close first.
                metrics.exhaustedAccepts += 1
                log(.error, "accept-paused", "reason", error.description)
                return pauseAccepting()
            }
        }
        acceptAgainAt = now
    }

    private mutating func pauseAccepting() {
        world.setAccepting(false)
        acceptAgainAt = now + Timing.acceptAgain
    }

    private mutating func welcome(_ stream: Int32, _ peer: SocketAddress) {
        let isProxy = options.trustedProxies.contains { $0.contains(peer.address) }
        if !isProxy, addresses.isFarOver(peer.address, limit: options.maxConnectionsPerAddress) {
            metrics.rejections[.tooManyFromAddress, default: 0] += 1
            return world.close(stream)
        }
        let time = now
        let slot = connections.insert { generation in
            Connection(
                stream: stream, generation: generation, http: HTTPState(), reader: MessageReader(role: .server, deflate: false),
                lastReceived: time, phaseStart: time, address: peer.address)
        }
        guard let slot else { return world.close(stream) }
        guard world.watch(stream, token: connections.id(slot).number) else {
            connections.remove(slot)
            return world.close(stream)
        }
        if !isProxy { count(slot) }
        timers.set(slot, to: now + Timing.requestHead, in: &connections)
        metrics.accepted += 1
        log(.debug, "connected", "connection", slot, "address", peer.address)
    }

    /// Counts a connection for its address.
    mutating func count(_ slot: Int) {
        guard options.maxConnectionsPerAddress > 0, !connections[slot].isCounted else { return }
        connections[slot].isCounted = true
        addresses.add(connections[slot].address)
    }

    /// Whether there are more connections than may be, apart from those that are only served the page.
    var isOverFull: Bool { connections.count > connections.capacity - Sizes.reservedConnections }
}

/// How many connections each address has. An IPv6 client can use any address of its /64, so that counts as one.
struct AddressCounts {
    private var counts: [IPAddress: Int] = [:]

    /// Beyond the limit a few connections more are answered, so that whoever it is learns why.
    private static let tolerance = 16

    /// How many connections all addresses have together.
    var sum: Int { counts.values.reduce(0, +) }

    mutating func add(_ address: IPAddress) { counts[address.site, default: 0] += 1 }

    mutating func remove(_ address: IPAddress) {
        guard let count = counts[address.site] else { return }
        counts[address.site] = count > 1 ? count - 1 : nil
    }

    /// Whether the address has more than it may; a limit of 0 is none.
    func isOver(_ address: IPAddress, limit: Int) -> Bool { limit > 0 && counts[address.site] ?? 0 > limit }

    /// Whether it has so many more that nothing is said to it any more.
    func isFarOver(_ address: IPAddress, limit: Int) -> Bool {
        limit > 0 && counts[address.site] ?? 0 >= limit + Self.tolerance
    }
}
