import Client
import Cluster
import Sockets
import TLS

/// The two sockets to a cluster's engine, on the loop's poller: one for commands and one for subscriptions.
///
/// They are opened together and end together. Where that takes a name, a thread looks it up; nothing here waits.
package final class EngineSockets {
    private enum Lookup {
        case found([SocketAddress])
        case failed(String)
    }

    /// What is under way.
    private enum Phase { case idle, lookingUp, connecting, open }

    private let address: ClusterAddress
    private let poller: any Poller
    /// The tokens of the lookup, the commands and the subscriptions are this and the two after it.
    private let firstToken: UInt64
    /// A PEM file with the certificates to trust in place of the system's.
    private let authorities: String?
    private var phase = Phase.idle
    private var commands: ClientSocket?
    private var subscriptions: ClientSocket?
    private var context: TLSContext?
    private var resolver: Worker<Void, Lookup>?
    /// Whether the thread is at it. It may be at a lookup that was asked for by an attempt which has been given up.
    private var isLookingUp = false
    private var events: [EngineEvent] = []
    /// Roles whose socket may have more than was received.
    private var unfinished: [EngineConnection.Role] = []
    /// When an attempt is given up (ms).
    private var givesUpAt: Int64 = .max
    private var buffer: [UInt8] = []

    /// How long an attempt may take, from the lookup to the last handshake (ms).
    package static let patience: Int64 = 15_000
    /// After so many bytes from a socket in a turn of the loop, the rest has the next.
    private let share: Int

    /// - Parameters:
    ///   - tokens: the first of three that are its own on the poller.
    ///   - authorities: a PEM file with the certificates to trust in place of the system's.
    ///   - share: after so many bytes from a socket in a turn of the loop, the rest has the next.
    package init(
        to address: ClusterAddress, poller: any Poller, tokens firstToken: UInt64, authorities: String? = nil,
        share: Int = 4 << 20
    ) {
        (self.address, self.poller, self.firstToken, self.authorities) = (address, poller, firstToken, authorities)
        self.share = share
    }

    deinit { if let resolver { poller.remove(resolver.descriptor) } }

    private var place: String { address.place.description }

    // MARK: For the world

    /// What has happened since it was asked last.
    package func takeEvents() -> [EngineEvent] {
        guard !events.isEmpty else { return [] }
        defer { events = [] }
        return events
    }

    /// When there is something to do even if nothing becomes ready (ms); nil if there is no need.
    package var nextDeadline: Int64? {
        if !events.isEmpty || !unfinished.isEmpty { return 0 }
        var next = givesUpAt
        if phase == .connecting {
            for socket in [commands, subscriptions] { next = min(next, socket?.nextAddressAt ?? .max) }
        }
        return next == .max ? nil : next
    }

    /// Opens both; closes what was open before.
    package func connect(now: Int64) {
        disconnect()
        (phase, givesUpAt) = (.connecting, now + Self.patience)
        switch address.place {
        case .unix(let path):
            open(now: now) { ClientSocket(poller: poller, token: $0, path: path) }
        case .tcp(let host, let port, _):
            if let numbers = IPAddress(host) {
                return open([SocketAddress(address: numbers, port: port)], now: now)
            }
            lookUp(host, port)
        }
    }

    /// Closes both, and forgets what has happened on them.
    package func disconnect() {
        close()
        events = []
    }

    package func send(_ role: EngineConnection.Role, _ bytes: [UInt8]) { socket(role)?.send(bytes) }

    /// Takes out what is its own of what the poller has found, and does what has its time.
    package func takeReadiness(from ready: inout [Readiness], now: Int64) {
        let tokens = firstToken..<firstToken + 3
        let unfinished = unfinished
        self.unfinished = []
        for role in unfinished { receive(role) }
        if ready.contains(where: { tokens.contains($0.token) }) {
            let own = ready.filter { tokens.contains($0.token) }
            ready.removeAll { tokens.contains($0.token) }
            for readiness in own { becameReady(readiness, now: now) }
        }
        if phase == .connecting {
            for role in Self.roles {
                guard let socket = socket(role), let time = socket.nextAddressAt, now >= time else { continue }
                take(socket.connect(now: now), role)
            }
        }
        if now >= givesUpAt { fail("\(place) does not answer") }
    }

    // MARK: Connecting

    private func lookUp(_ host: String, _ port: UInt16) {
        phase = .lookingUp
        // One lookup is as good as another: they are all for the same name.
        guard !isLookingUp else { return }
        do throws(SystemError) {
            if resolver == nil { resolver = try makeResolver(host, port) }
            resolver?.ask(())
            isLookingUp = true
        } catch {
            fail("\(error)")
        }
    }

    private func makeResolver(_ host: String, _ port: UInt16) throws(SystemError) -> Worker<Void, Lookup> {
        let resolver = try Worker<Void, Lookup> { _ in
            do throws(SystemError) {
                return .found(try SocketAddress.resolve(host: host, port: port))
            } catch {
                return .failed("cannot \(error)")
            }
        }
        try poller.add(resolver.descriptor, token: firstToken)
        return resolver
    }

    private func takeLookup(now: Int64) {
        guard let lookup = resolver?.answers().last else { return }
        isLookingUp = false
        guard phase == .lookingUp else { return }
        switch lookup {
        case .found(let addresses): open(addresses, now: now)
        case .failed(let reason): fail(reason)
        }
    }

    private func open(_ addresses: [SocketAddress], now: Int64) {
        guard case .tcp(let host, _, let isSecure) = address.place else { return }
        var security: ClientSocket.Security?
        if isSecure {
            do throws(TLSError) {
                if context == nil { context = try TLSContext(authorities: authorities, offersHTTP: false) }
                security = context.map { ClientSocket.Security(context: $0, host: host) }
            } catch {
                return fail("\(error)")
            }
        }
        open(now: now) { token in
            ClientSocket(poller: poller, token: token, addresses: addresses, security: security)
        }
    }

    private func open(now: Int64, _ make: (_ token: UInt64) -> ClientSocket) {
        phase = .connecting
        let (commands, subscriptions) = (make(firstToken + 1), make(firstToken + 2))
        (self.commands, self.subscriptions) = (commands, subscriptions)
        for (socket, role) in zip([commands, subscriptions], Self.roles) where phase == .connecting {
            take(socket.connect(now: now), role)
        }
    }

    /// How an attempt goes on.
    private func take(_ progress: ClientSocket.Progress, _ role: EngineConnection.Role) {
        switch progress {
        case .connecting: break
        case .connected:
            events.append(.opened(role))
            guard commands?.isConnected == true, subscriptions?.isConnected == true else { return }
            phase = .open
            givesUpAt = .max
        case .failed(let error): fail("cannot \(error)")
        case .insecure(let error): fail("no TLS with \(place): \(error)")
        }
    }

    // MARK: Bytes

    private static let roles: [EngineConnection.Role] = [.commands, .subscriptions]

    private func socket(_ role: EngineConnection.Role) -> ClientSocket? {
        switch role {
        case .commands: commands
        case .subscriptions: subscriptions
        }
    }

    private func becameReady(_ readiness: Readiness, now: Int64) {
        guard readiness.token != firstToken else { return takeLookup(now: now) }
        let role = Self.roles[readiness.token == firstToken + 1 ? 0 : 1]
        // The other socket's end may have closed this one just now.
        guard let socket = socket(role) else { return }
        if let progress = socket.becameReady(readiness, now: now) { take(progress, role) }
        // The end may have come together with the beginning, and is told once.
        if socket.isConnected, readiness.isReadable { receive(role) }
    }

    private func receive(_ role: EngineConnection.Role) {
        guard let socket = socket(role) else { return }
        if buffer.isEmpty { buffer = [UInt8](repeating: 0, count: ClientSocket.bufferSize) }
        var received: [UInt8] = []
        while received.count < share {
            switch socket.receive(into: &buffer) {
            case .received(let count): received += buffer[..<count]
            case .wouldBlock: return pass(received, role)
            case .end:
                pass(received, role)
                return fail(socket.tlsFailure.map { "TLS with \(place): \($0)" } ?? "\(place) has ended it")
            case .failed(let code):
                pass(received, role)
                return fail("\(place): \(SystemError.text(of: code))")
            }
        }
        pass(received, role)
        unfinished.append(role)
    }

    private func pass(_ bytes: [UInt8], _ role: EngineConnection.Role) {
        if !bytes.isEmpty { events.append(.received(role, bytes)) }
    }

    // MARK: Their end

    private func close() {
        (commands, subscriptions, unfinished) = (nil, nil, [])
        (phase, givesUpAt) = (.idle, .max)
    }

    private func fail(_ reason: String) {
        guard phase != .idle else { return }
        close()
        events.append(.closed(reason))
    }
}
