import Client
import Sockets
import TLS
import WebSocket

/// A conversation in a terminal or a pipe: the loop around a client.
///
/// It is the server's loop in small. 1. receive: wait for the socket, the keyboard, a signal or a deadline, and take in
/// what there is; 2. update: the client decides what follows; 3. send: bytes to the server, lines to the screen.
package final class TalkLoop {
    let options: TalkOptions
    /// The room that is talked in.
    var url: ClientURL
    var session: ClientSession
    let console: TalkConsole
    let entropy: EntropySource
    private let output: BufferedOutput
    private let errors: BufferedOutput
    private let poller: any Poller
    private let signals: Int32
    private var addresses: [SocketAddress]
    private let tls: TLSContext?
    private var failedRounds = 0
    /// The connection that counts, and those that are ending.
    private var socket: ClientSocket?
    private var ending: [ClientSocket] = []
    private var nextToken = TalkLoop.firstSocket
    private var buffer = [UInt8](repeating: 0, count: 64 * 1024)
    private var isReadingInput = true
    /// Why there is no connection, if the last attempt comes to nothing more than it has.
    private var failure = ""
    /// When a conversation without a person is given up; nil while there is a connection, or a person.
    private var givesUpAt: Int64?
    private var outcome: TalkOutcome?
    /// Whether a signal has asked for the end: what nobody reads is not waited for.
    private var isHurried = false
    /// The room that was left for this one, which has not let us in yet.
    var previous: (url: ClientURL, session: ClientSession)?
    var kept: KeptState?
    var state: ClientState

    /// The system's random numbers. An object, so that a session can draw from it while the loop changes the session.
    final class EntropySource {
        private var entropy = Entropy()
        func next() -> UInt64 { entropy.next() }
    }

    private static let inputToken: UInt64 = 0
    private static let signalToken: UInt64 = 1
    private static let outputToken: UInt64 = 2
    private static let errorToken: UInt64 = 3
    private static let firstSocket: UInt64 = 4
    /// After so many failures in a row the server may have moved: its name is looked up again. (That does not go without
    /// waiting, so it is not done each time.)
    private static let roundsPerLookup = 5

    var now: Int64 { Clock.monotonic / 1_000_000 }

    /// Throws the outcome where the conversation cannot even begin.
    package init(_ options: TalkOptions) throws(TalkFailure) {
        self.options = options
        url = options.url
        kept = try Self.keptState(options)
        entropy = EntropySource()
        state = kept?.state ?? ClientState(key: ClientState.newKey(entropy.next))
        if state.room != options.url.room { (state.room, state.session, state.seq) = (options.url.room, nil, 0) }
        tls = try Self.context(options)
        // Before anybody hears of the key.
        try Self.save(state, &kept, now: Clock.monotonic / 1_000_000)
        do throws(SystemError) {
            addresses = try SocketAddress.resolve(host: options.url.host, port: options.url.port)
            signals = try Signals.catchTermination(
                and: [Signals.hangUp, Signals.quit, Signals.stop, Signals.windowChange, Signals.continued],
                respectsIgnored: true)
            // poll(2) and not epoll, which does not know of files: standard input may be one.
            poller = try PollerKind.poll.makePoller()
            if !options.onlyListens { try poller.add(SharedStream.input, token: Self.inputToken) }
            try poller.add(signals, token: Self.signalToken)
        } catch {
            throw TalkFailure(.unreachable("cannot \(error)"))
        }
        output = BufferedOutput(SharedStream.output, poller: poller, token: Self.outputToken, signals: signals)
        errors = BufferedOutput(SharedStream.error, poller: poller, token: Self.errorToken, signals: signals)
        let username = options.username ?? state.username
        console = TalkConsole(options, username: username, output: output, errors: errors)
        var client = Self.client(options, username: username ?? "", seed: entropy.next(), key: state.key)
        if let kept = state.session { client.resume(session: kept, seq: state.seq) }
        client.awaitsName = !console.isPresent
        session = try Self.session(client, url, entropy)
    }

    // MARK: The loop

    /// Talks until the console leaves or there is no use in going on.
    package func run() -> TalkOutcome {
        if !console.isPresent { givesUpAt = now + TalkTimeouts.start }
        if url.isSecure, options.isInsecure {
            console.complain(
                "The server's certificate is not checked (--insecure): anybody on the way can read and change what is said."
            )
        }
        if let name = console.firstName { join(as: name) }
        while true {
            handleEvents()
            if let outcome, ending.isEmpty {
                console.giveTerminalBack()
                if isHurried || output.isFlushed && errors.isFlushed { return finished(outcome) }
            }
            receive()
            let now = now
            session.act { $0.advance(to: now, into: &$1) }
            if let time = socket?.nextAddressAt, now >= time { tryNextAddress() }
        }
    }

    /// The last words: what is worth keeping is kept, and what could not be written counts.
    private func finished(_ outcome: TalkOutcome) -> TalkOutcome {
        if let failure = output.failure { return .notWritten("cannot \(failure)") }
        do throws(TalkFailure) { try saveState() } catch { return error.outcome }
        return outcome
    }

    private func receive() {
        poller.wait(milliseconds: timeout())
        for readiness in poller.ready {
            switch readiness.token {
            case Self.inputToken: receiveInput()
            case Self.signalToken: receiveSignals()
            case Self.outputToken: output.flush()
            case Self.errorToken: errors.flush()
            default: receive(readiness)
            }
        }
    }

    private func timeout() -> Int32 {
        var deadlines = ending.compactMap(\.endsAt)
        if let deadline = session.client.deadline { deadlines.append(deadline) }
        if let time = socket?.nextAddressAt { deadlines.append(time) }
        if outcome == nil, let time = kept?.deadline(for: currentState) { deadlines.append(time) }
        if outcome == nil {
            if let givesUpAt { deadlines.append(givesUpAt) }
            if let leavesAt = console.leavesAt { deadlines.append(leavesAt) }
        }
        // The seconds until the next try count down on the screen.
        if case .waiting = session.client.phase, console.isPresent { deadlines.append(now + 1000) }
        guard let next = deadlines.min() else { return -1 }
        return Int32(clamping: max(0, next - now))
    }

    /// Looks whether it is time to stop.
    private func judge(_ now: Int64) {
        let overdue = ending.filter { $0.endsAt.map { now >= $0 } ?? false || $0.isClosed }
        if !overdue.isEmpty { ending.removeAll { socket in overdue.contains { $0 === socket } } }
        guard outcome == nil else { return }
        if output.isUnheard { return leave() }
        if let failure = output.failure { return stop(.notWritten("cannot \(failure)")) }
        let client = session.client
        if client.phase == .joined {
            (givesUpAt, previous) = (nil, nil)
            if console.hasNothingMoreToSay, client.isSettled { return leave() }
        } else if client.isAwaitingName || options.onlyListens && client.session != nil {
            givesUpAt = nil
        } else if !console.isPresent, givesUpAt == nil {
            givesUpAt = now + TalkTimeouts.absence
        }
        if output.isFlushed, let time = kept?.deadline(for: currentState), now >= time {
            do throws(TalkFailure) { try saveState() } catch { return stop(error.outcome) }
        }
        if let leavesAt = console.leavesAt, now >= leavesAt { return leave() }
        if let refusal = session.refusal, client.session == nil, refusal.isFinal {
            let wantsTLS = refusal == .handshake(.status(426)) && !url.isSecure
            stop(.noChat(refusal.description + (wantsTLS ? "; perhaps it wants https:" : "")))
        } else if let givesUpAt, now >= givesUpAt {
            stop(.unreachable(session.refusal?.description ?? failure))
        }
    }

    /// Leaves politely.
    func leave() {
        guard outcome == nil else { return }
        session.act { $0.leave(into: &$1) }
        outcome = .left(refused: console.refusedLines)
    }

    func stop(_ outcome: TalkOutcome) {
        guard self.outcome == nil else { return }
        session.act { $0.leave(into: &$1) }
        self.outcome = outcome
    }

    // MARK: The user

    private func receiveInput() {
        switch SharedStream.read(SharedStream.input, into: &buffer) {
        case .received(let count): console.typed(buffer[..<count], in: self)
        case .wouldBlock: break
        case .end, .failed:
            console.typedLast(in: self)
            poller.remove(SharedStream.input)
        }
    }

    private func receiveSignals() {
        while let signal = Signals.next() {
            switch signal {
            case Signals.windowChange: console.resize()
            case Signals.stop:
                console.giveTerminalBack()
                Signals.stopProcess()
                console.comeBack()
            case Signals.continued: console.comeBack()
            default:
                // A second one does not wait for the server.
                if outcome != nil { ending = [] }
                isHurried = true
                leave()
            }
        }
    }

    /// Sees to all that follows from what has happened, until nothing more does.
    private func handleEvents() {
        repeat {
            let events = session.events
            session.events = []
            for event in events { console.show(event, in: self) }
            console.sayWaiting(in: self)
            judge(now)
            perform()
        } while !session.events.isEmpty
        console.refresh(session.client, failure: failure, now: now)
        // A pipe that brings more than the chat takes waits.
        let wantsInput = console.waitingLines < TalkTimeouts.waitingLines
        if wantsInput != isReadingInput, !options.onlyListens {
            isReadingInput = wantsInput
            poller.setReadInterest(SharedStream.input, wantsInput)
        }
    }

    // MARK: The server

    /// Does what the session asks for, and sends what it has to say.
    func perform() {
        while !session.requests.isEmpty {
            switch session.requests.removeFirst() {
            case .connect: connect()
            case .disconnect: disconnect()
            }
        }
        socket?.send(session.takeOutput())
    }

    private func connect() {
        socket = nil
        if failedRounds > 0, failedRounds % Self.roundsPerLookup == 0 {
            let found = try? SocketAddress.resolve(host: url.host, port: url.port)
            if let found, !found.isEmpty { addresses = found }
        }
        failure = "there is no answer from \(url.authority)"
        socket = ClientSocket(
            poller: poller, token: nextToken, addresses: addresses,
            security: tls.map { ClientSocket.Security(context: $0, host: url.host) })
        nextToken += 1
        tryNextAddress()
    }

    private func tryNextAddress() {
        if case .failed(let error) = socket?.connect(now: now) { connectFailed("cannot \(error)") }
    }

    private func connectFailed(_ reason: String) {
        failure = reason
        failedRounds += 1
        socket = nil
        session.disconnected(now: now)
    }

    /// The server is there, but TLS with it is not to be had. Where that is so from the start, it is no use to try again.
    private func tlsFailed(_ error: TLSError) {
        connectFailed("TLS: \(error)")
        guard session.client.session == nil else { return }
        switch error {
        case .untrusted:
            let ways = "--ca FILE trusts another authority, --insecure any certificate"
            stop(.refused("\(url.authority): \(error) (\(ways))"))
        default: stop(.noChat("\(error)"))
        }
    }

    private func disconnect() {
        guard let socket else { return }
        if !socket.isConnected { failedRounds += 1 }
        socket.send(session.takeOutput())
        socket.finish(now: now)
        if !socket.isClosed { ending.append(socket) }
        self.socket = nil
    }

    private func receive(_ readiness: Readiness) {
        if let index = ending.firstIndex(where: { $0.token == readiness.token }) { return drain(index, readiness) }
        guard let socket, socket.token == readiness.token else { return }
        switch socket.becameReady(readiness, now: now) {
        case .connecting: return
        case .failed(let error): return connectFailed("cannot \(error)")
        case .insecure(let error): return tlsFailed(error)
        case .connected:
            failedRounds = 0
            session.connected()
            return
        case nil: break
        }
        guard readiness.isReadable else { return }
        switch socket.receive(into: &buffer) {
        case .received(let count):
            failure = "the connection to \(url.authority) is lost"
            let bytes = buffer
            session.received(bytes.span.extracting(0..<count), now: now)
        case .wouldBlock: break
        case .end, .failed:
            failure = "the server at \(url.authority) has ended the connection"
            self.socket = nil
            session.disconnected(now: now)
        }
    }

    /// What comes after the last word is thrown away, until the server ends the connection.
    private func drain(_ index: Int, _ readiness: Readiness) {
        _ = ending[index].becameReady(readiness, now: now)
        guard readiness.isReadable else { return }
        switch ending[index].receive(into: &buffer) {
        case .received, .wouldBlock: break
        case .end, .failed: ending.remove(at: index)
        }
    }
}

extension ConnectionRefusal {
    /// Whether it says that there is no chat at this address, as opposed to none at this time (a proxy whose server is being
    /// restarted says 502 or 503).
    fileprivate var isFinal: Bool {
        switch self {
        case .http: true
        case .handshake(.status(let status)): status < 500 && status != 429 && status != 408
        case .handshake: true
        case .ended: false
        }
    }
}
