import Cluster
import Foundation
import Platform
import Server
import Sockets
import Support
import Testing

/// The sockets to a cluster's engine, on each poller.
@Suite struct EngineSocketTests {
    private static let pollers = PollerKind.available

    /// A port that nobody listens on.
    private static func freePort() throws -> UInt16 {
        try Listener(address: SocketAddress(address: IPAddress(v4: 0x7F00_0001), port: 0)).address.port
    }

    /// Whether a person can tell from it what is wrong.
    private func reason(_ address: String, authorities: String? = nil) throws -> String {
        var line = try EngineLine(address, Self.pollers[0], authorities: authorities)
        return try line.closed()
    }

    // MARK: With a real engine

    @Test(.enabled(if: RealEngine.isInstalled, "\(RealEngine.isMissing)"), arguments: pollers)
    func nodeOverUnixSockets_appendsARecordThatComesBack(_ poller: PollerKind) async throws {
        try await onThread {
            let engine = try RealEngine()
            var line = try EngineLine("unix:\(engine.socketPath)", poller)
            try line.appendsARecord()
        }
    }

    @Test(.enabled(if: RealEngine.isInstalled, "\(RealEngine.isMissing)"), arguments: pollers)
    func nodeOverTCP_appendsARecordThatComesBack(_ poller: PollerKind) async throws {
        try await onThread {
            let port = try Self.freePort()
            let engine = try RealEngine(["--port", "\(port)", "--requirepass", "geheim/?"])
            try withExtendedLifetime(engine) {
                var numbers = try EngineLine("redis://:geheim%2F%3F@127.0.0.1:\(port)", poller)
                try numbers.appendsARecord()
                var name = try EngineLine("redis://:geheim%2F%3F@localhost:\(port)/3", poller)
                try name.appendsARecord()
            }
        }
    }

    @Test(
        .enabled(if: RealEngine.speaksTLS, "skipped: no redis-server that was built with TLS"),
        .enabled(if: TestCertificate.isPossible), arguments: pollers)
    func nodeOverTLS_appendsARecordThatComesBack(_ poller: PollerKind) async throws {
        try await onThread {
            let port = try Self.freePort()
            let certificate = try TestCertificate()
            let engine = try RealEngine([
                "--tls-port", "\(port)", "--tls-cert-file", certificate.certificateFile, "--tls-key-file",
                certificate.keyFile, "--tls-ca-cert-file", certificate.certificateFile, "--tls-auth-clients", "no",
            ])
            try withExtendedLifetime(engine) {
                let address = "rediss://localhost:\(port)"
                var line = try EngineLine(address, poller, authorities: certificate.certificateFile)
                try line.appendsARecord()
                #expect(try self.reason(address).contains("the certificate is not trusted"))
            }
        }
    }

    /// A poller that tells of a change once does not tell of what was left.
    @Test(.enabled(if: RealEngine.isInstalled, "\(RealEngine.isMissing)"), arguments: pollers)
    func moreThanAShare_hasTheNextTurn(_ poller: PollerKind) async throws {
        try await onThread {
            let engine = try RealEngine()
            var line = try EngineLine("unix:\(engine.socketPath)", poller, share: 1)
            try line.appendsARecord()
        }
    }

    @Test(.enabled(if: RealEngine.isInstalled, "\(RealEngine.isMissing)"), arguments: pollers)
    func engineThatGoesAway_closesBoth_andIsFoundAgain(_ poller: PollerKind) async throws {
        try await onThread {
            let engine = try RealEngine()
            var line = try EngineLine("unix:\(engine.socketPath)", poller)
            try line.appendsARecord()
            try engine.kill()
            try line.run { $0.troubles.count == 1 }
            #expect(line.closings == ["\(engine.socketPath) has ended it"])
            #expect(line.troubles == [.unreachable("\(engine.socketPath) has ended it")])
            try engine.restart()
            try line.run { $0.isReady }
        }
    }

    /// A turn of the loop that hears of the engine alone has no connections to look at.
    @Test(.enabled(if: RealEngine.isInstalled, "\(RealEngine.isMissing)"), arguments: pollers)
    func world_keepsTheEnginesReadinessToItself(_ poller: PollerKind) async throws {
        try await onThread {
            let engine = try RealEngine()
            let listener = try Listener(address: SocketAddress(address: IPAddress(v4: 0x7F00_0001), port: 0))
            guard let bell = WakePipe() else { throw Failure("no pipe") }
            var world = try SystemWorld(
                poller: poller, listeners: [listener], signals: bell.descriptor,
                engine: ClusterAddress("unix:\(engine.socketPath)"))
            world.connectToEngine()
            var (events, deadline): ([EngineEvent], Deadline) = ([], Deadline())
            while events.count < 3, !deadline.isOver {
                world.wait(until: world.monotonic + 1_000_000_000)
                #expect(world.ready.isEmpty)
                events += world.takeEngineEvents()
                if events.count == 2 {
                    for role in [EngineConnection.Role.commands, .subscriptions] {
                        #expect(events.contains(.opened(role)))
                    }
                    world.sendToEngine(.commands, Array("PING\r\n".utf8))
                }
            }
            #expect(events.last == .received(.commands, Array("+PONG\r\n".utf8)))
            world.disconnectFromEngine()
            #expect(world.takeEngineEvents() == [])
        }
    }

    // MARK: Without one

    @Test(arguments: pollers) func refusal_isTold(_ poller: PollerKind) throws {
        let port = try Self.freePort()
        var line = try EngineLine("redis://user:secret@127.0.0.1:\(port)", poller)
        #expect(try line.closed() == "cannot connect to 127.0.0.1:\(port): Connection refused")
        #expect(line.ending == .fault(.unreachable("cannot connect to 127.0.0.1:\(port): Connection refused")))
    }

    @Test func missingSocket_isTold() throws {
        #expect(try reason("unix:/nowhere/engine.sock").hasPrefix("cannot connect to /nowhere/engine.sock: No such"))
        let path = String(repeating: "x", count: 200)
        #expect(try reason("unix:\(path)") == "cannot connect to \(path): File name too long")
    }

    @Test func nameWithoutAnAddress_isTold() throws {
        #expect(try reason("redis://nowhere.invalid").hasPrefix("cannot look up nowhere.invalid: "))
    }

    @Test(arguments: pollers) func connectionThatIsClosedAtOnce_isTold(_ poller: PollerKind) throws {
        let listener = try Listener(address: SocketAddress(address: IPAddress(v4: 0x7F00_0001), port: 0))
        var line = try EngineLine("redis://\(listener.address)", poller)
        try line.run { $0.opened.count == 2 }
        guard case .accepted(let descriptor, _) = listener.accept() else { throw Failure("nobody came") }
        Stream.close(descriptor)
        #expect(try line.closed().hasPrefix("\(listener.address)"))
    }

    /// The attempt waits for an answer to TLS's first words, which never comes.
    @Test(.enabled(if: TestCertificate.isPossible)) func silentServer_isGivenUp() throws {
        let listener = try Listener(address: SocketAddress(address: IPAddress(v4: 0x7F00_0001), port: 0))
        let poller = try PollerKind.available[0].makePoller()
        guard let address = ClusterAddress("rediss://\(listener.address)") else { throw Failure("no address") }
        let sockets = EngineSockets(to: address, poller: poller, tokens: 1)
        sockets.connect(now: 1_000)
        #expect(sockets.nextDeadline == 1_000 + EngineSockets.patience)
        var ready: [Readiness] = []
        sockets.takeReadiness(from: &ready, now: 999 + EngineSockets.patience)
        #expect(sockets.takeEvents() == [])
        sockets.takeReadiness(from: &ready, now: 1_000 + EngineSockets.patience)
        #expect(sockets.takeEvents() == [.closed("\(listener.address) does not answer")])
        #expect(sockets.nextDeadline == nil)
    }

    /// Where a name has several addresses, one that is silent gives way.
    @Test func name_isTriedAtEachOfItsAddresses() throws {
        let addresses = try SocketAddress.resolve(host: "localhost", port: 0)
        let listener = try Listener(address: addresses[addresses.count - 1])
        var line = try EngineLine("redis://localhost:\(listener.address.port)", .poll)
        try line.run { $0.opened.count == 2 }
    }

    @Test func disconnecting_forgetsWhatHasHappened() throws {
        let port = try Self.freePort()
        guard let address = ClusterAddress("redis://127.0.0.1:\(port)") else { throw Failure("no address") }
        let poller = try PollerKind.poll.makePoller()
        let sockets = EngineSockets(to: address, poller: poller, tokens: 1)
        sockets.connect(now: 0)
        poller.wait(milliseconds: 1000)
        // Another's readiness stays.
        var ready = poller.ready + [Readiness(token: 9, isReadable: true, isWritable: false, isEnding: false)]
        sockets.takeReadiness(from: &ready, now: 0)
        #expect(ready.map(\.token) == [9] && sockets.nextDeadline == 0)
        sockets.disconnect()
        #expect(sockets.takeEvents() == [] && sockets.nextDeadline == nil)
    }
}

/// A node on sockets of its own, with a room that nothing is made of.
private struct EngineLine {
    let poller: any Poller
    let sockets: EngineSockets
    var node: ClusterNode
    var opened: [EngineConnection.Role] = []
    var closings: [String] = []
    var troubles: [EngineFault] = []
    var applied: [RoomRecord] = []
    var ending: Lockstep.EndReason?

    init(_ text: String, _ kind: PollerKind, authorities: String? = nil, share: Int = 4 << 20) throws {
        guard let address = ClusterAddress(text) else { throw Failure("no address: \(text)") }
        poller = try kind.makePoller()
        sockets = EngineSockets(to: address, poller: poller, tokens: 1, authorities: authorities, share: share)
        node = ClusterNode(at: address, as: Incarnation(bits: 7), name: "node", rules: [1], now: Self.now)
        node.open("a")
    }

    private static var now: Int64 { Clock.monotonic / 1_000_000 }
    var isReady: Bool { node.isReady("a") }

    mutating func run(until isDone: (EngineLine) -> Bool) throws {
        let deadline = Deadline()
        while !isDone(self) {
            guard !deadline.isOver else { throw Failure("it does not get on: \(closings) \(troubles)") }
            step()
        }
    }

    /// How it ends.
    mutating func closed() throws -> String {
        try run { !$0.closings.isEmpty }
        return closings[0]
    }

    mutating func appendsARecord() throws {
        try run { $0.isReady }
        #expect(Set(opened) == [.commands, .subscriptions] && opened.count == 2)
        // More than a socket takes at once.
        let item = RecordItem.input([UInt8](repeating: 7, count: 700_000))
        let isTaken = node.propose(item, in: "a")
        #expect(isTaken)
        try run { line in
            line.applied.contains { record in
                if case .inputs(let inputs) = record.content { inputs.items == [item] } else { false }
            }
        }
    }

    private mutating func step() {
        node.tick(now: Self.now)
        carryOut()
        for role in [EngineConnection.Role.commands, .subscriptions] { sockets.send(role, node.takeBytes(role)) }
        let next = min(node.nextDeadline, sockets.nextDeadline ?? .max)
        poller.wait(milliseconds: Int32(clamping: min(1000, max(0, next - Self.now))))
        var ready = poller.ready
        sockets.takeReadiness(from: &ready, now: Self.now)
        #expect(ready.isEmpty)
        for event in sockets.takeEvents() {
            switch event {
            case .opened(let role):
                opened.append(role)
                node.opened(role, now: Self.now)
            case .received(let role, let bytes): node.received(role, bytes.span, now: Self.now)
            case .closed(let reason):
                closings.append(reason)
                node.closed(because: reason, now: Self.now)
            }
            carryOut()
        }
    }

    private mutating func carryOut() {
        var outputs = node.takeOutputs()
        while !outputs.isEmpty {
            for output in outputs {
                switch output {
                case .connect: sockets.connect(now: Self.now)
                case .disconnect: sockets.disconnect()
                case .trouble(let fault): troubles.append(fault)
                case .end(let reason): ending = reason
                case .room(.load(let room, _, let position)): node.applied(room, at: position, digest: 1)
                case .room(.apply(let room, let record)):
                    applied.append(record)
                    node.applied(room, at: record.position, digest: 1)
                case .room: break
                }
            }
            outputs = node.takeOutputs()
        }
    }
}
