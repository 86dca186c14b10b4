import Chat
import Client
import Platform
import Sockets
import TLS
import WebSocket

/// Why a run could not be made, or not to its end.
package enum LoadFailure: Error, Equatable, Sendable {
    /// There is no server, or this machine does not let us connect to it.
    case unavailable(String)
    /// Whoever answers is no chat.
    case noChat(String)
    /// The chat does not take what a load has to say.
    case refused(String)
    /// A signal has asked for the end.
    case interrupted(Int32)
}

/// Many clients at once, on one loop: the server's in small. Its turn is
///
/// 1. receive: wait until some connections are ready, and take in what they have;
/// 2. update: what arrived is entered into the ledger, and each mode decides what follows;
/// 3. send: what follows, one write for each connection.
///
/// Every frame of every connection is read, as any client would, by the project's own WebSocket client.
package final class Load {
    let options: LoadOptions
    private let url: ClientURL
    let poller: any Poller
    let inflater: Inflater
    var entropy = Entropy()
    private var buffer = [UInt8](repeating: 0, count: 256 * 1024)
    private var arena: [UInt8] = []
    /// Nil without TLS.
    private let security: TLSContext?
    private var plaintext: [UInt8] = []
    private var addresses: ArraySlice<SocketAddress>
    var progress: ProgressLine

    var clients: [LoadClient] = []
    /// Those that cannot be connected until some of the ports are free again that earlier connections had.
    var waitingForPort: [Int] = []

    var ledger: Ledger
    var maker: MessageMaker
    var classifier: MessageClassifier
    var latencies = LatencyHistogram()
    /// Only what was sent, or began, in this time is in the latencies (ns).
    var sampled: Range<Int64> = 0..<0
    /// Whether new messages follow those that have come back, or in churn new connections those that have ended.
    var isDriving = false
    /// When anything has last come in (ns).
    var lastArrival: Int64 = 0

    /// The places of those that speak.
    var senders: [Int] = []
    /// When a fixed rate began (ns), and how many messages have been sent of it.
    var paceStart: Int64 = 0
    var paced = 0

    var upgraded = 0
    /// How many names have been used.
    var names = 0
    /// Joins that were answered with a welcome.
    var joins: UInt64 = 0
    /// Notices of our own clients' joins.
    var notices: UInt64 = 0
    var dropped = 0
    /// Why the first of the dropped was.
    var dropReason: String?
    var failure: LoadFailure?

    private static let signalToken = UInt64.max
    /// At a fixed rate what is due is sent after so many connections, and not only once all of them had their turn.
    private static let readyPerPace = 16

    package init(_ options: LoadOptions, at url: ClientURL) throws(LoadFailure) {
        (self.options, self.url) = (options, url)
        do throws(TLSError) {
            security =
                url.isSecure
                ? try TLSContext(authorities: options.authoritiesPath, isInsecure: options.isInsecure) : nil
            if url.isSecure { plaintext = [UInt8](repeating: 0, count: TLSConnection.room(for: buffer.count)) }
        } catch {
            throw .unavailable("TLS: \(error)")
        }
        do throws(SystemError) {
            addresses = try SocketAddress.resolve(host: url.host, port: url.port)[...]
            poller = try PollerKind.available[0].makePoller()
            try poller.add(try Signals.catchTermination(), token: Self.signalToken)
        } catch {
            throw .unavailable("cannot \(error)")
        }
        // Standard streams, poller, pipe, and one to spare for /proc.
        let descriptors = raiseDescriptorLimit() - 16
        guard options.clients <= descriptors else {
            throw .unavailable("only \(descriptors) connections may be open at once; raise the limit with ulimit -n")
        }
        guard let inflater = Inflater() else { throw .unavailable("there is not enough memory") }
        self.inflater = inflater
        let run = UInt16(truncatingIfNeeded: entropy.next())
        let isEcho = options.mode == .echo
        maker = MessageMaker(run: run, payload: options.payload, isEcho: isEcho)
        classifier = MessageClassifier(marker: maker.marker, namePrefix: "bench-\(run)-", isEcho: isEcho)
        ledger = Ledger(receivers: 0, senders: 0, isEcho: isEcho)
        progress = ProgressLine(isShown: options.showsProgress)
    }

    // MARK: The loop

    /// One turn.
    ///
    /// - Parameter milliseconds: how long to wait at most.
    func turn(milliseconds: Int32) throws(LoadFailure) {
        poller.wait(milliseconds: milliseconds)
        for (count, readiness) in poller.ready.enumerated() {
            if options.mode == .paced, count % Self.readyPerPace == 0 { pace() }
            guard readiness.token != Self.signalToken else {
                if let signal = Signals.next() { throw .interrupted(signal) }
                continue
            }
            let index = Int(truncatingIfNeeded: readiness.token & 0xFFFF_FFFF)
            guard clients[index].token(index) == readiness.token else { continue }
            becameReady(index, readiness)
        }
        if !poller.ready.isEmpty { lastArrival = Clock.monotonic }
        if let failure { throw failure }
        try redialWaiting()
    }

    private func becameReady(_ index: Int, _ readiness: Readiness) {
        if readiness.isWritable {
            if clients[index].phase == .connecting { finishConnecting(index) } else { flush(index) }
        }
        if readiness.isReadable, clients[index].phase != .vacant { drain(index, isEnding: readiness.isEnding) }
    }

    // MARK: Connecting

    /// Begins to connect the client in place `index`.
    func dial(_ index: Int) {
        var client = LoadClient(
            authority: url.authority, target: options.mode == .echo ? url.echoTarget : url.target,
            nonce: ClientConnection.nonce { entropy.next() })
        client.started = Clock.monotonic
        client.address = addresses.first
        if index == clients.count {
            clients.append(client)
        } else {
            client.generation = clients[index].generation &+ 1
            clients[index] = client
        }
        guard let address = client.address else { return }
        do throws(SystemError) {
            clients[index].descriptor = try Stream.connect(to: address)
            clients[index].phase = .connecting
            try poller.add(clients[index].descriptor, token: clients[index].token(index))
            poller.setWriteInterest(clients[index].descriptor, true)
        } catch {
            hangUp(index)
            // Every port is in use, or has been so recently that the peer might not know better.
            if error.isAddressUnavailable, upgraded > 0 { return waitingForPort.append(index) }
            cannotConnect(error, index)
        }
    }

    private func redialWaiting() throws(LoadFailure) {
        guard !waitingForPort.isEmpty else { return }
        let waiting = waitingForPort
        waitingForPort = []
        for index in waiting where isDriving || upgraded < options.clients { dial(index) }
        if let failure { throw failure }
    }

    private func finishConnecting(_ index: Int) {
        if let error = Stream.connectError(clients[index].descriptor) {
            hangUp(index)
            return cannotConnect(error, index)
        }
        clients[index].phase = .opening
        if let security {
            do throws(TLSError) {
                let tls = try TLSConnection(to: url.host, in: security)
                try tls.start(sending: &clients[index].ciphertext)
                clients[index].tls = tls
            } catch {
                return tlsFailed(index, error)
            }
        }
        flush(index)
    }

    private func tlsFailed(_ index: Int, _ error: TLSError) {
        guard clients[index].phase == .opening else { return drop(index, "TLS: \(error)") }
        failure = failure ?? .unavailable("TLS with \(url.authority): \(error)")
        hangUp(index)
    }

    /// A name may have several addresses, of which only one is listened on: the first clients try them in turn. Where several
    /// have tried one at the same time, the first to fail has taken it out already.
    private func cannotConnect(_ error: SystemError, _ index: Int) {
        if clients[index].address != addresses.first { return dial(index) }
        if upgraded == 0, addresses.count > 1 {
            addresses.removeFirst()
            return dial(index)
        }
        failure = failure ?? .unavailable("cannot connect to \(url.authority): \(SystemError.text(of: error.code))")
    }

    /// Closes the descriptor.
    func hangUp(_ index: Int) {
        guard clients[index].descriptor >= 0 else { return }
        poller.remove(clients[index].descriptor)
        Stream.close(clients[index].descriptor)
        clients[index].descriptor = -1
        clients[index].tls = nil
        clients[index].phase = .vacant
    }

    // MARK: Bytes

    /// Sends what a client has to say.
    func flush(_ index: Int) {
        let descriptor = clients[index].descriptor
        guard descriptor >= 0 else { return }
        poller.setWriteInterest(descriptor, !clients[index].flush())
    }

    /// Receives until there is nothing more, and hears what it is.
    ///
    /// - Parameter isEnding: whether the end follows what there is.
    private func drain(_ index: Int, isEnding: Bool) {
        // The buffers are taken out for as long as others read in them.
        var buffer: [UInt8] = []
        swap(&buffer, &self.buffer)
        defer { swap(&buffer, &self.buffer) }
        let generation = clients[index].generation
        while clients[index].generation == generation, clients[index].phase != .vacant {
            var space = buffer.mutableSpan
            switch Stream.receive(clients[index].descriptor, into: &space) {
            case .received(let count):
                receive(index, buffer.span.extracting(0..<count))
                // The kernel has given less than there was room for: what comes now is told of anew.
                if count < buffer.count, !isEnding { return respond(index) }
            case .wouldBlock: return respond(index)
            case .end: return ended(index, "the server has ended it")
            case .failed(let code): return ended(index, SystemError.text(of: code))
            }
        }
    }

    /// Receives bytes, and decrypts them on an encrypted connection.
    private func receive(_ index: Int, _ bytes: Span<UInt8>) {
        guard let tls = clients[index].tls else { return take(index, bytes) }
        // As above.
        var plaintext: [UInt8] = []
        swap(&plaintext, &self.plaintext)
        defer { swap(&plaintext, &self.plaintext) }
        do throws(TLSError) {
            let wasOpen = tls.state == .open
            var room = plaintext.mutableSpan
            let count = try tls.receive(bytes, into: &room, sending: &clients[index].ciphertext)
            if !wasOpen || !clients[index].ciphertext.isEmpty { flush(index) }
            if count > 0 { take(index, plaintext.span.extracting(0..<count)) }
        } catch {
            flush(index)
            tlsFailed(index, error)
        }
    }

    private func take(_ index: Int, _ bytes: Span<UInt8>) {
        let now = clients[index].isSampled ? Clock.monotonic : 0
        var arena: [UInt8] = []
        swap(&arena, &self.arena)
        defer { swap(&arena, &self.arena) }
        var offset = 0
        while let event = clients[index].connection.next(
            in: bytes, at: &offset, into: &arena, inflater: inflater,
            key: { UInt32(truncatingIfNeeded: entropy.next()) })
        {
            switch event {
            case .opened: opened(index)
            case .text(let range): heard(index, arena.span.extracting(range), now)
            case .binary: drop(index, "a binary message")
            case .pong: break
            case .closed(let code, _): closed(index, code)
            case .refused(let refusal): failure = failure ?? .noChat(refusal.description)
            case .violation(let violation): drop(index, violation.reason)
            }
            arena.removeAll(keepingCapacity: true)
            guard clients[index].phase != .vacant else { return }
        }
        if !clients[index].connection.output.isEmpty { flush(index) }
    }

    private func closed(_ index: Int, _ code: CloseCode?) {
        // The answer to our own close frame; the server ends the connection next.
        guard clients[index].phase != .leaving else { return }
        drop(index, "the server has closed it\(code.map { " with \($0.rawValue)" } ?? "")")
    }

    private func ended(_ index: Int, _ reason: String) {
        switch clients[index].phase {
        case .leaving:
            hangUp(index)
            left(index)
        case .opening:
            failure = failure ?? .noChat("the server closed the connection without an answer")
            hangUp(index)
        default: drop(index, reason)
        }
    }

    /// A connection is gone that should have stayed.
    private func drop(_ index: Int, _ reason: String) {
        hangUp(index)
        dropped += 1
        dropReason = dropReason ?? reason
    }
}
