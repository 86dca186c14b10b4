import Chat
import Sockets
import WebSocket

/// New connections.
extension Server where W: ~Copyable {
    /// Accepts all that wait, within the tick's share.
    mutating func acceptAll() {
        acceptAgainAt = nil
        guard stopping == nil else { return }
        var aborted = 0
        for _ in 0..<Sizes.acceptsPerTick {
            // The places beyond the limit are there to serve the page and to say that the server is full.
            guard !connections.isFull else { return waitForPlace() }
            switch world.accept() {
            case .accepted(let stream, let peer): welcome(stream, peer)
            case .wouldBlock:
                if isAcceptingPaused { world.setAccepting(true) }
                isAcceptingPaused = false
                return
            case .aborted:
                metrics.abortedAccepts += 1
                aborted += 1
            case .impossible(let error):
                return stop(because: StartFailure(.unavailable, "Nobody can connect any more: cannot \(error)."))
            case .exhausted(let error):
                // They stay in the kernel's queue. Trying again at once would be of no use: a connection must close first.
                metrics.exhaustedAccepts += 1
                if acceptLog.admits(now: now) { log(.error, "accept-paused", "reason", error.description) }
                return pauseAccepting()
            }
        }
        // Where nothing but failures comes, it would be the same at once again.
        if aborted == Sizes.acceptsPerTick { return pauseAccepting() }
        acceptAgainAt = now
    }

    private mutating func pauseAccepting() {
        world.setAccepting(false)
        isAcceptingPaused = true
        acceptAgainAt = now + Timing.acceptAgain
    }

    /// Every place is taken. Those that say nothing give up theirs, which are free from the next tick on.
    private mutating func waitForPlace() {
        pauseAccepting()
        endSilentConnections(patience: Timing.moment, idle: Timing.idleWhileFull)
    }

    private mutating func welcome(_ stream: Int32, _ peer: SocketAddress) {
        let isProxy = options.trustedProxies.contains { $0.contains(peer.address) }
        if !isProxy, let rejection = rejection(of: peer.address) {
            metrics.rejections[rejection, default: 0] += 1
            return world.close(stream)
        }
        let (time, number) = (now, metrics.accepted)
        let slot = connections.insert { generation in
            Connection(
                stream: stream, generation: generation,
                http: HTTPState(peer: peer.address, isProxied: isProxy, number: number),
                reader: MessageReader(role: .server, deflate: false), lastReceived: time, phaseStart: time,
                address: peer.address)
        }
        guard let slot else { return world.close(stream) }
        guard world.watch(stream, token: connections.id(slot).number) else {
            connections.remove(slot)
            return world.close(stream)
        }
        metrics.accepted += 1
        if !isProxy { count(slot) }
        guard beginHandshake(slot, limitsAddress: !isProxy) else {
            metrics.rejections[.tooManyHandshakes, default: 0] += 1
            return drop(slot)
        }
        if let limit = options.maxHandshakes, handshakes > limit { endSilentConnections(patience: 0, idle: nil) }
        guard connections[slot].phase == .http else { return }
        timers.set(slot, to: now + milliseconds(options.requestTimeout), in: &connections)
        log(.debug, "connected", "connection", slot, "address", peer.address)
    }

    /// Why nothing is said to an address any more; nil if it may connect.
    private mutating func rejection(of address: IPAddress) -> Rejection? {
        if addresses.isFarOver(address, limit: options.maxConnectionsPerAddress) { return .tooManyFromAddress }
        return addressRates.admit(address, now: now) ? nil : .tooFastFromAddress
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

/// How fast each address connects.
struct AddressRates {
    private let rate: Rate?
    private var buckets: [IPAddress: TokenBucket] = [:]
    /// When those that have waited long enough may be looked for again (ms).
    private var nextSweep: Int64 = .min

    /// Addresses that are remembered. Whoever has more of them at hand would stay below the rate with each, so those beyond
    /// are let in.
    private static let most = 65_536
    /// How many seconds' worth may come at once: someone who opens the page in several windows, or reconnects them all.
    private static let burst: Double = 10

    /// - Parameter perSecond: connections of one address in the long run; 0 is no limit.
    init(perSecond: Double) {
        rate = perSecond > 0 ? Rate(perSecond: perSecond, burst: max(1, Self.burst * perSecond)) : nil
    }

    /// Whether the address may have one more connection now.
    mutating func admit(_ address: IPAddress, now: Int64) -> Bool {
        guard rate != nil else { return true }
        if buckets.count >= Self.most, now >= nextSweep {
            nextSweep = now + 1000
            buckets = buckets.filter { !$0.value.isFull(now: now) }
        }
        let site = address.site
        guard buckets.count < Self.most || buckets[site] != nil else { return true }
        return buckets[site, default: TokenBucket()].take(of: rate, now: now) == 0
    }
}
