import Chat
import Cluster
import Platform
import Sockets

/// A visit to a cluster, for what all nodes share beside the rooms: at the start of a node, and for commands. It waits.
package struct ClusterSession {
    private let poller: any Poller
    private let sockets: EngineSockets
    private var node: ClusterNode
    package private(set) var server = SharedServer()
    private var isReady = false
    /// Of the room that is being brought in: its name, whether there is nothing of it yet, whether it can be written, and up to where
    /// it is stored.
    private var room: (name: String, isEmpty: Bool, isReady: Bool, stored: UInt64) = ("", true, false, 0)
    private var end: Lockstep.EndReason?
    /// When it is given up (ms).
    private var deadline: Int64

    /// How long each step may take (ms): an engine that loads its data is waited for.
    private static let patience: Int64 = 60_000

    /// - Parameters:
    ///   - name: a node's, or one that no node has.
    ///   - rules: what rooms are decided by; empty is whatever the cluster's rooms are decided by.
    package init(to address: ClusterAddress, name: String, rules: [UInt8]) throws(StartFailure) {
        let poller: any Poller
        do throws(SystemError) {
            poller = try PollerKind.available[0].makePoller()
        } catch {
            throw StartFailure(.unavailable, "Cannot start: \(error).")
        }
        self.poller = poller
        sockets = EngineSockets(to: address, poller: poller, tokens: 1)
        deadline = Self.now + Self.patience
        let incarnation = Incarnation(bits: UInt128(leading: Entropy.bytes(16)))
        node = ClusterNode(at: address, as: incarnation, name: name, rules: rules, now: Self.now)
        node.open(SharedServer.name)
        while !isReady, end == nil { try turn() }
        try check()
    }

    /// A command's visit: under a name that no node has, whatever the cluster's rooms are decided by.
    package init(to address: ClusterAddress) throws(StartFailure) {
        try self.init(to: address, name: "command-\(hostName)-\(getpid())", rules: [])
    }

    private static var now: Int64 { Clock.monotonic / 1_000_000 }

    private func check() throws(StartFailure) {
        if let end { throw Self.failure(end.description) }
    }

    private static func failure(_ reason: String) -> StartFailure {
        StartFailure(.unavailable, "Cannot use the cluster: \(reason).")
    }

    /// Does what there is to do, and takes in what comes of it.
    private mutating func turn() throws(StartFailure) {
        var now = Self.now
        guard now < deadline else { throw Self.failure("the engine does not answer") }
        node.tick(now: now)
        carryOut(now)
        for role in [EngineConnection.Role.commands, .subscriptions] {
            let bytes = node.takeBytes(role)
            if !bytes.isEmpty { sockets.send(role, bytes) }
        }
        let next = min(node.nextDeadline, sockets.nextDeadline ?? .max, deadline)
        poller.wait(milliseconds: Int32(clamping: max(0, next - now)))
        now = Self.now
        var ready = poller.ready
        sockets.takeReadiness(from: &ready, now: now)
        for event in sockets.takeEvents() {
            switch event {
            case .opened(let role): node.opened(role, now: now)
            case .received(let role, let bytes): node.received(role, bytes.span, now: now)
            case .closed(let reason): node.closed(because: reason, now: now)
            }
            carryOut(now)
        }
    }

    private mutating func carryOut(_ now: Int64) {
        var outputs = node.takeOutputs()[...]
        while let output = outputs.popFirst() {
            switch output {
            case .connect: sockets.connect(now: now)
            case .disconnect: sockets.disconnect()
            case .trouble: break
            case .end(let reason): end = reason
            case .room(.ready(SharedServer.name)): isReady = true
            // That is for nodes to do.
            case .room(.takeSnapshot): break
            case .room(.lost): end = .fault(.other("this visit took too long"))
            case .room(let output): if !take(output) { _ = server.take(output, &node) }
            }
            outputs += node.takeOutputs()
        }
    }

    /// Changes what all nodes share, and waits until that is kept.
    package mutating func change(_ change: SharedServer.Change) throws(StartFailure) {
        guard node.propose(.input(change.bytes), in: SharedServer.name) else {
            throw Self.failure("it takes nothing now")
        }
        while node.isWaiting(SharedServer.name), end == nil { try turn() }
        try check()
    }

    /// By which secrets of others are kept, on all nodes alike.
    package mutating func secret() throws(StartFailure) -> [UInt8] {
        if server.secret.isEmpty { try change(.secret(Entropy.bytes(32))) }
        return server.secret
    }

    // MARK: A room that is brought in

    /// Takes in what is said of that room.
    ///
    /// - Returns: whether it is of that.
    private mutating func take(_ output: Lockstep.Output) -> Bool {
        switch output {
        case .load(room.name, let state, let position):
            room.isEmpty = state == nil && position == 0
            node.applied(room.name, at: position, digest: 0)
        case .apply(room.name, let record):
            if case .rules = record.content {} else { room.isEmpty = room.isEmpty && room.isReady }
            node.applied(room.name, at: record.position, digest: 0)
        case .ready(room.name): room.isReady = true
        case .stored(room.name, let position): room.stored = position
        case .drop(room.name, _): room.isReady = false
        default: return false
        }
        return true
    }

    /// Begins to bring a room in.
    ///
    /// - Returns: whether there is nothing of it yet.
    package mutating func begin(_ name: String) throws(StartFailure) -> Bool {
        _ = node.close(room.name)
        room = (name, true, false, 0)
        deadline = Self.now + Self.patience
        node.open(name)
        while !room.isReady, end == nil { try turn() }
        try check()
        return room.isEmpty
    }

    /// Stores the room, and lines of its history.
    package mutating func store(
        _ snapshot: SharedSnapshot, _ lines: [HistoryLine], of name: String
    ) throws(StartFailure) {
        deadline = Self.now + Self.patience
        // A state is stored of a position that has none yet.
        guard node.propose(.input([]), in: name) else { throw Self.failure("it takes nothing now") }
        while node.isWaiting(name), end == nil { try turn() }
        guard end == nil, let position = node.position(of: name) else { return try check() }
        node.store(
            snapshot.state, of: name, at: position, history: lines, expiredThrough: snapshot.expiredThrough)
        while room.stored < position, end == nil { try turn() }
        try check()
    }

    /// The visit is over: its name is free.
    package mutating func leave() throws(StartFailure) {
        node.leave()
        carryOut(Self.now)
        let bytes = node.takeBytes(.commands)
        if !bytes.isEmpty { sockets.send(.commands, bytes) }
    }
}
