import Cluster
import Platform
import Sockets
import TLS

/// The real world: the system's network, clocks, randomness and log.
package struct SystemWorld: World, ~Copyable {
    private let poller: any Poller
    private var listeners: [Listener]
    /// What stands between the loop and the sockets with `--tls-cert`.
    private var secure: SecureStreams?
    /// The sockets to the engine with `--cluster`.
    private let engine: EngineSockets?
    private var entropy = Entropy()
    private var errorLog = ErrorLog()
    private var isAccepting = true
    private let wake: WakePipe?
    /// Whether there may be signals that nobody has asked for yet.
    private var hasSignals = false
    package private(set) var ready: [Readiness] = []
    package private(set) var hasArrivals = false

    // Poll tokens of what is no connection. A connection's generation does not get there in a lifetime.
    private static let signalToken = UInt64.max
    private static let wakeToken = UInt64.max - 1
    private static let listenerTokens = UInt64.max - 65..<UInt64.max - 1
    private static let firstEngineToken = UInt64.max - 70

    /// - Parameters:
    ///   - listeners: at least one, at most 64.
    ///   - signals: becomes readable when a signal has come.
    ///   - wake: by which other threads end a wait.
    ///   - engine: of the cluster that the server is a node of.
    package init(
        poller: PollerKind, listeners: [Listener], signals: Int32, wake: WakePipe? = nil, engine: ClusterAddress? = nil
    ) throws(SystemError) {
        let poller = try poller.makePoller()
        try poller.add(signals, token: Self.signalToken)
        if let wake { try poller.add(wake.descriptor, token: Self.wakeToken) }
        for (token, listener) in zip(Self.listenerTokens, listeners) {
            try poller.add(listener.descriptor, token: token)
        }
        self.wake = wake
        self.poller = poller
        self.listeners = listeners
        self.engine = engine.map { EngineSockets(to: $0, poller: poller, tokens: Self.firstEngineToken) }
    }

    // MARK: Time and chance

    package var monotonic: Int64 { Clock.monotonic }
    package var wall: Int64 { Clock.wall }
    package mutating func random() -> UInt64 { entropy.next() }

    // MARK: Waiting

    package mutating func wait(until deadline: Int64?) {
        var milliseconds: Int32 = -1
        var deadline = deadline
        if let own = engine?.nextDeadline { deadline = min(deadline ?? .max, own * 1_000_000) }
        if let deadline {
            // Rounded up, or the last millisecond would be spent in a loop that does not sleep.
            let left = deadline > 0 ? deadline - Clock.monotonic : 0
            milliseconds = left <= 0 ? 0 : Int32(clamping: (left + 999_999) / 1_000_000)
        }
        poller.wait(milliseconds: secure?.hasWork == true ? 0 : milliseconds)
        ready = poller.ready
        engine?.takeReadiness(from: &ready, now: Clock.monotonic / 1_000_000)
        secure?.beginTick(&ready)
        hasArrivals = ready.contains { Self.listenerTokens.contains($0.token) }
        if ready.contains(where: { $0.token == Self.signalToken }) { hasSignals = true }
        if let wake, ready.contains(where: { $0.token == Self.wakeToken }) { wake.clear() }
    }

    package mutating func sleep(until time: Int64) { Signals.sleep(until: time) }

    package mutating func nextSignal() -> Int32? {
        // Most ticks have none: they are spared the call.
        guard hasSignals else { return nil }
        if let signal = Signals.next() { return signal }
        hasSignals = false
        return nil
    }

    // MARK: The network

    package mutating func accept() -> Acceptance {
        for listener in listeners {
            let acceptance = listener.accept()
            if case .wouldBlock = acceptance { continue }
            if case .accepted(let stream, _) = acceptance { secure?.add(stream) }
            return acceptance
        }
        return .wouldBlock
    }

    package mutating func setAccepting(_ wanted: Bool) {
        for listener in listeners { poller.setReadInterest(listener.descriptor, wanted) }
    }

    package mutating func stopListening() {
        for listener in listeners { poller.remove(listener.descriptor) }
        listeners = []
    }

    package mutating func watch(_ stream: Int32, token: UInt64) -> Bool {
        do {
            try poller.add(stream, token: token)
            secure?.setToken(stream, token)
            return true
        } catch {
            return false
        }
    }

    package mutating func setReadInterest(_ stream: Int32, _ wanted: Bool) { poller.setReadInterest(stream, wanted) }
    package mutating func setWriteInterest(_ stream: Int32, _ wanted: Bool) {
        poller.setWriteInterest(stream, secure?.setWriteInterest(stream, wanted) ?? wanted)
    }

    package mutating func receive(_ stream: Int32, into buffer: inout [UInt8]) -> Reception {
        var span = buffer.mutableSpan
        guard let secure else { return Stream.receive(stream, into: &span) }
        return secure.receive(stream, into: &span)
    }

    package mutating func send(_ stream: Int32, _ bytes: Span<UInt8>) -> Transmission {
        guard let secure else { return Stream.send(stream, bytes) }
        return secure.send(stream, bytes)
    }
    package func unsentBytes(_ stream: Int32) -> Int { unacknowledgedBytes(stream) }
    package mutating func finishSending(_ stream: Int32) {
        secure?.finish(stream)
        Stream.finishSending(stream)
    }

    package mutating func close(_ stream: Int32) {
        secure?.remove(stream)
        poller.remove(stream)
        Stream.close(stream)
    }

    // MARK: TLS

    package var security: TLSContext? {
        get { secure?.context }
        set {
            guard let newValue else { return }
            if let secure { secure.context = newValue } else { secure = SecureStreams(newValue, poller) }
        }
    }

    package func isPlainByMistake(_ stream: Int32) -> Bool { secure?.isPlain(stream) ?? false }
    package func committed(_ stream: Int32) -> Int { secure?.committed(stream) ?? 0 }
    package mutating func takeSecurityFailure() -> TLSError? { secure?.takeFailure() }

    // MARK: The engine

    package mutating func connectToEngine() { engine?.connect(now: Clock.monotonic / 1_000_000) }
    package mutating func disconnectFromEngine() { engine?.disconnect() }
    package mutating func takeEngineEvents() -> [EngineEvent] { engine?.takeEvents() ?? [] }
    package mutating func sendToEngine(_ role: EngineConnection.Role, _ bytes: [UInt8]) { engine?.send(role, bytes) }

    // MARK: The log

    package mutating func log(_ line: String) { errorLog.write(line) }
    package var droppedLogLines: Int { errorLog.droppedInAll }
}
