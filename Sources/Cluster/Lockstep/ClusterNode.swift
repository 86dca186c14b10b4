/// A node of a cluster, all but its sockets and its rooms: two connections to the engine, when they are made anew, and the lockstep on
/// them.
///
/// The caller opens a socket for each role when it is told to (`Output.connect`), passes on what is received, and sends what `takeBytes`
/// gives. Where one of the two ends, both do: what one has asked and the other was to hear cannot be told apart from then on.
package struct ClusterNode: Sendable {
    package enum Output: Equatable, Sendable {
        /// Open a socket to the engine for each role.
        case connect
        /// Close both.
        case disconnect
        /// The engine cannot be used for now; it is tried again.
        case trouble(EngineFault)
        /// What the rooms, and everyone, are to do.
        case room(Lockstep.Output)
        /// The node ends: it cannot begin, or cannot go on with what it was started with.
        case end(Lockstep.EndReason)
    }

    private enum Phase: Equatable, Sendable {
        case waiting(until: Int64)
        /// Sockets were asked for, or are open.
        case connected
        case ended
    }

    /// The first wait after a connection has ended, and the longest, in milliseconds; each is double the one before.
    package static let shortestWait: Int64 = 100
    package static let longestWait: Int64 = 5_000

    private let address: ClusterAddress
    private let names: EngineNames
    private let name: String
    private var lockstep: Lockstep
    private var commands: EngineConnection?
    private var subscriptions: EngineConnection?
    /// Requests on their way.
    private var requests: [UInt64: EngineRequest] = [:]
    private var phase: Phase
    /// The engine's line, once its connection for commands is open.
    private var line = ""
    /// Connections that have come to nothing since something could be kept.
    private var failures = 0
    private var outputs: [Output] = []

    /// - Parameters:
    ///   - incarnation: 128 random bits.
    ///   - rules: what rooms are decided by, in an encoding that all nodes share.
    ///   - now: milliseconds of a clock that never goes back, here and everywhere.
    package init(
        at address: ClusterAddress, as incarnation: Incarnation, name: String, rules: [UInt8], now: Int64
    ) {
        self.address = address
        self.name = name
        names = EngineNames(database: address.database)
        lockstep = Lockstep(as: incarnation, name: name, rules: rules, now: now)
        phase = .waiting(until: now)
    }

    package mutating func takeOutputs() -> [Output] {
        defer { outputs = [] }
        return outputs
    }

    /// When `tick` has to be called even if nothing happens.
    package var nextDeadline: Int64 {
        if phase == .ended { return .max }
        var next = lockstep.nextDeadline ?? .max
        if case .waiting(let until) = phase { next = min(next, until) }
        for connection in [commands, subscriptions] { next = min(next, connection?.nextDeadline ?? .max) }
        return next
    }

    // MARK: Sockets

    /// A socket is connected.
    package mutating func opened(_ role: EngineConnection.Role, now: Int64) {
        guard phase == .connected else { return }
        let connection = EngineConnection(to: address, as: role, node: name, now: now)
        switch role {
        case .commands: commands = connection
        case .subscriptions: subscriptions = connection
        }
    }

    /// A socket could not be connected, or has ended.
    package mutating func closed(because reason: String, now: Int64) { fail(.unreachable(reason), now: now) }

    package mutating func received(_ role: EngineConnection.Role, _ bytes: Span<UInt8>, now: Int64) {
        let events =
            switch role {
            case .commands: commands?.receive(bytes, now: now)
            case .subscriptions: subscriptions?.receive(bytes, now: now)
            }
        for event in events ?? [] { take(event, now: now) }
    }

    /// What is to be sent on a socket.
    package mutating func takeBytes(_ role: EngineConnection.Role) -> [UInt8] {
        switch role {
        case .commands:
            defer { commands?.output = [] }
            return commands?.output ?? []
        case .subscriptions:
            defer { subscriptions?.output = [] }
            return subscriptions?.output ?? []
        }
    }

    private mutating func take(_ event: EngineConnection.Event, now: Int64) {
        // What came along with the end of the connections is of no interest.
        guard phase == .connected else { return }
        switch event {
        case .opened(let line):
            if !line.isEmpty { self.line = line }
            guard commands?.isOpen == true, subscriptions?.isOpen == true else { return }
            lockstep.connected(line: self.line, now: now)
        case .answer(let tag, let value):
            guard let request = requests.removeValue(forKey: tag) else { return }
            lockstep.answered(tag, EngineAnswer(value, to: request), now: now)
        case .subscribed(let channel):
            if let room = names.room(of: channel) { lockstep.subscribed(room, now: now) }
        case .published(let channel, let payload):
            guard let room = names.room(of: channel) else { return }
            guard let notice = RoomNotice(payload) else {
                return fail(.other("what was published cannot be read"), now: now)
            }
            lockstep.published(notice, in: room, now: now)
        case .failed(let fault): return fail(fault, now: now)
        }
        carryOut()
    }

    // MARK: Time

    /// Does what has its time, and appends what is pending; last in each of the loop's turns.
    package mutating func tick(now: Int64) {
        for event in (commands?.tick(now: now) ?? []) + (subscriptions?.tick(now: now) ?? []) { take(event, now: now) }
        if case .waiting(let until) = phase, now >= until {
            phase = .connected
            outputs.append(.connect)
        }
        guard phase != .ended else { return }
        lockstep.tick(now: now)
        carryOut()
    }

    /// The connections are of no use: both are closed, and made anew after a while. A node that has never begun ends instead, unless
    /// that may pass by itself while the engine starts.
    private mutating func fail(_ fault: EngineFault, now: Int64) {
        guard phase == .connected else { return }
        (commands, subscriptions, requests) = (nil, nil, [:])
        outputs.append(.disconnect)
        guard lockstep.epoch != nil || fault == .busy else { return end(.fault(fault)) }
        outputs.append(.trouble(fault))
        let wait = min(Self.longestWait, Self.shortestWait << Int64(min(failures, 10)))
        failures += 1
        phase = .waiting(until: now + spread(wait))
        lockstep.disconnected(now: now)
        carryOut()
    }

    /// Between a half of a wait and all of it, another on each node: when the engine is back, not all come at once.
    private func spread(_ wait: Int64) -> Int64 {
        let share = ServedRoom.weight(lockstep.incarnation, String(failures)) % 1024
        return wait / 2 + wait / 2 * Int64(share) / 1024
    }

    private mutating func end(_ reason: Lockstep.EndReason) {
        guard phase != .ended else { return }
        if phase == .connected, commands != nil { outputs.append(.disconnect) }
        (commands, subscriptions, requests) = (nil, nil, [:])
        phase = .ended
        outputs.append(.end(reason))
    }

    // MARK: Outputs

    private mutating func carryOut() {
        for output in lockstep.takeOutputs() {
            switch output {
            case .request(let number, let request):
                guard commands?.isOpen == true else { continue }
                requests[number] = request
                commands?.send(names.command(for: request), tag: number)
            case .subscribe(let room):
                if subscriptions?.isOpen == true { subscriptions?.subscribe(to: names.channel(of: room)) }
            case .unsubscribe(let room):
                if subscriptions?.isOpen == true { subscriptions?.unsubscribe(from: names.channel(of: room)) }
            case .reconnect(let fault): fail(fault, now: lockstep.now)
            case .end(let reason): end(reason)
            case .trouble(let fault): outputs.append(.trouble(fault))
            case .load, .apply, .ready, .drop, .takeSnapshot, .stored, .history, .historySizes, .keeping, .lost:
                if output == .keeping(true) { failures = 0 }
                outputs.append(.room(output))
            }
        }
    }
}

// MARK: The rooms

/// What `Lockstep` has under the same names.
extension ClusterNode {
    package var counters: Lockstep.Counters { lockstep.counters }
    package mutating func takeCounters() -> Lockstep.Counters { lockstep.takeCounters() }
    package var waitingRooms: Int { lockstep.waitingRooms }
    package func isReady(_ room: String) -> Bool { lockstep.isReady(room) }
    package func isWaiting(_ room: String) -> Bool { lockstep.isWaiting(room) }
    package func position(of room: String) -> UInt64? { lockstep.position(of: room) }

    package mutating func open(_ room: String) {
        lockstep.open(room)
        carryOut()
    }

    package mutating func close(_ room: String) -> Bool {
        defer { carryOut() }
        return lockstep.close(room)
    }

    package mutating func propose(_ item: RecordItem, in room: String) -> Bool { lockstep.propose(item, in: room) }
    package mutating func arm(_ due: Due, at time: Int64, in room: String) { lockstep.arm(due, at: time, in: room) }
    package mutating func disarm(_ due: Due, in room: String) { lockstep.disarm(due, in: room) }

    package mutating func applied(_ room: String, at position: UInt64, digest: UInt64) {
        lockstep.applied(room, at: position, digest: digest)
        carryOut()
    }

    package mutating func store(
        _ snapshot: [UInt8], of room: String, at position: UInt64, history: [HistoryLine], expiredThrough: UInt64
    ) {
        lockstep.store(snapshot, of: room, at: position, history: history, expiredThrough: expiredThrough)
        carryOut()
    }

    package mutating func wantSnapshot(of room: String) { lockstep.wantSnapshot(of: room) }

    package mutating func readHistory(
        of room: String, from: UInt64, descending: Bool, blocks: Int, tag: UInt64
    ) {
        lockstep.readHistory(of: room, from: from, descending: descending, blocks: blocks, tag: tag)
        carryOut()
    }

    package mutating func readHistorySizes(of room: String, tag: UInt64) {
        lockstep.readHistorySizes(of: room, tag: tag)
        carryOut()
    }

    package mutating func begin(as incarnation: Incarnation, now: Int64) {
        lockstep.begin(as: incarnation, now: now)
        carryOut()
    }

    package mutating func leave() {
        lockstep.leave()
        carryOut()
    }
}
