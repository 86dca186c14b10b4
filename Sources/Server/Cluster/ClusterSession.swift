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
    private var end: Lockstep.EndReason?
    private let address: ClusterAddress
    private let name: String
    /// When it is given up (ms).
    private let deadline: Int64

    /// How long all of it may take (ms): an engine that loads its data is waited for.
    private static let patience: Int64 = 60_000

    /// - Parameters:
    ///   - name: a node's, or one that no node has.
    ///   - rules: what rooms are decided by; nil is whatever the cluster's rooms are decided by.
    package init(to address: ClusterAddress, name: String, rules: [UInt8]?) throws(StartFailure) {
        let poller: any Poller
        do throws(SystemError) {
            poller = try PollerKind.available[0].makePoller()
        } catch {
            throw StartFailure(.unavailable, "Cannot start: \(error).")
        }
        (self.poller, self.address, self.name) = (poller, address, name)
        sockets = EngineSockets(to: address, poller: poller, tokens: 1)
        deadline = Self.now + Self.patience
        node = Self.makeNode(address, name, rules ?? [])
        try begin()
        if rules == nil, case .otherRules(_, let theirs) = end {
            node = Self.makeNode(address, name, theirs)
            end = nil
            try begin()
        }
        try check()
    }

    private static var now: Int64 { Clock.monotonic / 1_000_000 }

    private static func makeNode(_ address: ClusterAddress, _ name: String, _ rules: [UInt8]) -> ClusterNode {
        let bits = UInt128(leading: Entropy.bytes(16))
        return ClusterNode(at: address, as: Incarnation(bits: bits), name: name, rules: rules, now: now)
    }

    private func check() throws(StartFailure) {
        if let end { throw StartFailure(.unavailable, "Cannot use the cluster: \(end).") }
    }

    private mutating func begin() throws(StartFailure) {
        node.open(SharedServer.name)
        while !isReady, end == nil { try turn() }
    }

    /// Waits for something to happen, and does what follows.
    private mutating func turn() throws(StartFailure) {
        guard Self.now < deadline else {
            throw StartFailure(.unavailable, "Cannot use the cluster: the engine does not answer.")
        }
        let next = min(node.nextDeadline, sockets.nextDeadline ?? .max, deadline)
        poller.wait(milliseconds: Int32(clamping: max(0, next - Self.now)))
        var ready = poller.ready
        let now = Self.now
        sockets.takeReadiness(from: &ready, now: now)
        for event in sockets.takeEvents() {
            switch event {
            case .opened(let role): node.opened(role, now: now)
            case .received(let role, let bytes): node.received(role, bytes.span, now: now)
            case .closed(let reason): node.closed(because: reason, now: now)
            }
            carryOut(now)
        }
        node.tick(now: now)
        carryOut(now)
        for role in [EngineConnection.Role.commands, .subscriptions] {
            let bytes = node.takeBytes(role)
            if !bytes.isEmpty { sockets.send(role, bytes) }
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
            case .room(.lost): end = .fault(.other("this visit took too long"))
            case .room(let output): _ = server.take(output, &node)
            }
            outputs += node.takeOutputs()
        }
    }

    /// Changes what all nodes share, and waits until that is kept.
    package mutating func change(_ change: SharedServer.Change) throws(StartFailure) {
        guard node.propose(.input(change.bytes), in: SharedServer.name) else {
            throw StartFailure(.unavailable, "Cannot use the cluster: it takes nothing now.")
        }
        while node.isWaiting(SharedServer.name), end == nil { try turn() }
        try check()
    }

    /// By which secrets of others are kept, on all nodes alike.
    package mutating func secret() throws(StartFailure) -> [UInt8] {
        if server.secret.isEmpty { try change(.secret(Entropy.bytes(32))) }
        return server.secret
    }

    /// The visit is over: its name is free.
    package mutating func leave() throws(StartFailure) {
        node.leave()
        carryOut(Self.now)
        let bytes = node.takeBytes(.commands)
        if !bytes.isEmpty { sockets.send(.commands, bytes) }
    }
}
