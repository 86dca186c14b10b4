import Sockets
import WebSocket

/// A conversation in a terminal or a pipe: the loop around a chatter.
///
/// It is the server's loop in small. 1. receive: wait for the socket, the keyboard, a signal or a deadline, and take in
/// what there is; 2. update: the chatter decides what follows; 3. send: bytes to the server, lines to the screen.
package final class TalkLoop {
    let options: TalkOptions
    let chatter: Chatterbox
    let person: TalkPerson
    private let output: PatientOutput
    private let errors: PatientOutput
    private let poller: any Poller
    private let signals: Int32
    private var addresses: [SocketAddress]
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

    private static let inputToken: UInt64 = 0
    private static let signalToken: UInt64 = 1
    private static let outputToken: UInt64 = 2
    private static let errorToken: UInt64 = 3
    private static let firstSocket: UInt64 = 4
    /// After so many failures in a row the server may have moved: its name is looked up again. (That does not go without
    /// waiting, so it is not done each time.)
    private static let roundsPerLookup = 5

    var now: Int64 { Clock.monotonic / 1_000_000 }

    package init(_ options: TalkOptions) throws(SystemError) {
        self.options = options
        addresses = try SocketAddress.resolve(host: options.url.host, port: options.url.port)
        signals = try Signals.catchTermination(
            and: [Signals.hangUp, Signals.quit, Signals.stop, Signals.windowChange, Signals.continued])
        // poll(2) and not epoll, which does not know of files: standard input may be one.
        poller = try PollerKind.poll.makePoller()
        try poller.add(SharedStream.input, token: Self.inputToken)
        try poller.add(signals, token: Self.signalToken)
        guard let chatter = Chatterbox(options) else {
            throw SystemError(code: 0, operation: "start: there is not enough memory")
        }
        self.chatter = chatter
        output = PatientOutput(SharedStream.output, poller: poller, token: Self.outputToken, signals: signals)
        errors = PatientOutput(SharedStream.error, poller: poller, token: Self.errorToken, signals: signals)
        person = TalkPerson(options, output: output, errors: errors)
    }

    // MARK: The loop

    /// Talks until the person leaves or there is no use in going on.
    package func run() -> TalkOutcome {
        if !person.isPresent { givesUpAt = now + TalkPatience.start }
        if let name = person.firstName { chatter.join(as: name, now: now) }
        while true {
            settle()
            if let outcome, ending.isEmpty {
                person.giveTerminalBack()
                if isHurried || output.isFlushed && errors.isFlushed { return outcome }
            }
            receive()
            let now = now
            chatter.act { $0.advance(to: now, into: &$1) }
            if let time = socket?.nextAddressAt, now >= time { tryNextAddress() }
        }
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
        if let deadline = chatter.client.deadline { deadlines.append(deadline) }
        if let time = socket?.nextAddressAt { deadlines.append(time) }
        if outcome == nil {
            if let givesUpAt { deadlines.append(givesUpAt) }
            if let leavesAt = person.leavesAt { deadlines.append(leavesAt) }
        }
        // The seconds until the next try count down on the screen.
        if case .waiting = chatter.client.phase, person.isPresent { deadlines.append(now + 1000) }
        guard let next = deadlines.min() else { return -1 }
        return Int32(clamping: max(0, next - now))
    }

    /// Looks whether it is time to stop.
    private func judge(_ now: Int64) {
        let overdue = ending.filter { $0.endsAt.map { now >= $0 } ?? false || $0.isClosed }
        if !overdue.isEmpty { ending.removeAll { socket in overdue.contains { $0 === socket } } }
        guard outcome == nil else { return }
        if output.isUnheard { return leave() }
        let client = chatter.client
        if client.phase == .joined {
            givesUpAt = nil
            if person.hasNothingMoreToSay, client.isSettled { return leave() }
        } else if !person.isPresent, givesUpAt == nil {
            givesUpAt = now + TalkPatience.absence
        }
        if let leavesAt = person.leavesAt, now >= leavesAt { return leave() }
        if let refusal = chatter.refusal, client.session == nil, refusal.isFinal {
            stop(.noChat(refusal.description))
        } else if let givesUpAt, now >= givesUpAt {
            stop(.unreachable(chatter.refusal?.description ?? failure))
        }
    }

    /// Leaves politely.
    func leave() {
        guard outcome == nil else { return }
        chatter.act { $0.leave(into: &$1) }
        outcome = .left(refused: person.refusedLines)
    }

    func stop(_ outcome: TalkOutcome) {
        guard self.outcome == nil else { return }
        chatter.act { $0.leave(into: &$1) }
        self.outcome = outcome
    }

    // MARK: The person

    private func receiveInput() {
        switch SharedStream.read(SharedStream.input, into: &buffer) {
        case .received(let count): person.typed(buffer[..<count], in: self)
        case .wouldBlock: break
        case .end, .failed:
            person.typedLast(in: self)
            poller.remove(SharedStream.input)
        }
    }

    private func receiveSignals() {
        while let signal = Signals.next() {
            switch signal {
            case Signals.windowChange: person.resize()
            case Signals.stop:
                person.giveTerminalBack()
                Signals.stopProcess()
                person.comeBack()
            case Signals.continued: person.comeBack()
            default:
                // A second one does not wait for the server.
                if outcome != nil { ending = [] }
                isHurried = true
                leave()
            }
        }
    }

    /// Sees to all that follows from what has happened, until nothing more does.
    private func settle() {
        repeat {
            for item in chatter.takeNews() { person.show(item, in: self) }
            person.sayWaiting(in: self)
            judge(now)
            perform()
        } while chatter.hasNews
        person.refresh(chatter.client, failure: failure, now: now)
        // Whoever pipes faster than the chat takes it waits.
        let wantsInput = person.waitingLines < TalkPatience.waitingLines
        if wantsInput != isReadingInput {
            isReadingInput = wantsInput
            poller.setReadInterest(SharedStream.input, wantsInput)
        }
    }

    // MARK: The server

    /// Does what the chatter asks for, and sends what it has to say.
    private func perform() {
        var requests = chatter.takeRequests()
        while !requests.isEmpty {
            for request in requests {
                switch request {
                case .connect: connect()
                case .disconnect: disconnect()
                }
            }
            requests = chatter.takeRequests()
        }
        socket?.send(chatter.takeOutput())
    }

    private func connect() {
        socket = nil
        if failedRounds > 0, failedRounds % Self.roundsPerLookup == 0 {
            let found = try? SocketAddress.resolve(host: options.url.host, port: options.url.port)
            if let found, !found.isEmpty { addresses = found }
        }
        failure = "there is no answer from \(options.url.authority)"
        socket = ClientSocket(poller: poller, token: nextToken, addresses: addresses)
        nextToken += 1
        tryNextAddress()
    }

    private func tryNextAddress() {
        if case .failed(let error) = socket?.connect(now: now) { connectFailed(error) }
    }

    private func connectFailed(_ error: SystemError) {
        failure = "cannot \(error)"
        failedRounds += 1
        socket = nil
        chatter.disconnected(now: now)
    }

    private func disconnect() {
        guard let socket else { return }
        if !socket.isConnected { failedRounds += 1 }
        socket.send(chatter.takeOutput())
        socket.finish(now: now)
        if !socket.isClosed { ending.append(socket) }
        self.socket = nil
    }

    private func receive(_ readiness: Readiness) {
        if let index = ending.firstIndex(where: { $0.token == readiness.token }) { return drain(index, readiness) }
        guard let socket, socket.token == readiness.token else { return }
        switch socket.becameReady(readiness, now: now) {
        case .connecting: return
        case .failed(let error): return connectFailed(error)
        case .connected:
            failedRounds = 0
            chatter.connected()
            return
        case nil: break
        }
        guard readiness.isReadable else { return }
        switch socket.receive(into: &buffer) {
        case .received(let count):
            failure = "the connection to \(options.url.authority) is lost"
            chatter.received(buffer, count, now: now)
        case .wouldBlock: break
        case .end, .failed:
            failure = "the server at \(options.url.authority) has ended the connection"
            self.socket = nil
            chatter.disconnected(now: now)
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
