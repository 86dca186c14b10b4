import Sockets
import TLS

/// A connection's socket on a poller: connects to one of several addresses, does TLS's handshake where that is wanted, sends
/// what is queued, receives.
package final class ClientSocket {
    package enum Progress {
        case connecting
        /// Just now.
        case connected
        case failed(SystemError)
        /// There is a server, but no TLS with it: no other address is tried.
        case insecure(TLSError)
    }

    /// The server to speak TLS with.
    package struct Security {
        let context: TLSContext
        let host: String

        /// - Parameter host: what the server's certificate has to be for.
        package init(context: TLSContext, host: String) { (self.context, self.host) = (context, host) }
    }

    /// Where a server is to be found.
    private enum Place: CustomStringConvertible {
        case address(SocketAddress)
        /// A Unix socket.
        case path(String)

        var description: String {
            switch self {
            case .address(let address): address.description
            case .path(let path): path
            }
        }
    }

    package let token: UInt64
    private let poller: any Poller
    private var places: ArraySlice<Place>
    private let security: Security?
    private var descriptor: Int32 = -1
    private var target = Place.path("")
    private var failure = SystemError(code: 0, operation: "connect")
    /// What is to be sent: with TLS it is encrypted already.
    private var unsent: [UInt8] = []
    /// Whether TCP's handshake is over.
    private var hasLine = false
    private var tls: TLSConnection?
    /// Why TLS has come to its end, if it has.
    package private(set) var tlsFailure: TLSError?
    private var ciphertext: [UInt8] = []
    /// Whether bytes can be sent and received.
    package private(set) var isConnected = false
    /// When the next address is to be tried, if this one has not answered by then (ms); nil where it may take its time.
    package private(set) var nextAddressAt: Int64?
    /// When it is closed whatever the peer does (ms); nil while it is in use.
    package private(set) var endsAt: Int64?
    private var finishesWhenSent = false

    /// How long an address may be silent while there is another (ms): one SYN may get lost.
    private static let silence: Int64 = 2_000
    /// How long the server has to end a connection after all is said (ms).
    private static let farewell: Int64 = 2_000
    /// Bytes of TLS that are received at once.
    private static let ciphertextSize = 32 << 10
    /// The least room that `receive` needs.
    package static let bufferSize = TLSConnection.room(for: ciphertextSize)

    /// - Parameters:
    ///   - addresses: in the order in which they are to be tried.
    ///   - security: for a connection over TLS.
    package init(poller: any Poller, token: UInt64, addresses: [SocketAddress], security: Security? = nil) {
        self.poller = poller
        self.token = token
        places = addresses.map { .address($0) }[...]
        self.security = security
    }

    /// Of a server on this machine.
    ///
    /// - Parameter path: of its Unix socket.
    package init(poller: any Poller, token: UInt64, path: String) {
        (self.poller, self.token, places, security) = (poller, token, [.path(path)], nil)
    }

    deinit { close() }

    private func close() {
        guard descriptor >= 0 else { return }
        poller.remove(descriptor)
        Stream.close(descriptor)
        descriptor = -1
    }

    // MARK: Connecting

    /// Goes on to the next address.
    package func connect(now: Int64) -> Progress {
        var failure = failure
        nextAddressAt = nil
        while let place = places.popFirst() {
            close()
            do throws(SystemError) {
                descriptor =
                    switch place {
                    case .address(let address): try Stream.connect(to: address)
                    case .path(let path): try Stream.connect(toPath: path)
                    }
                target = place
                try poller.add(descriptor, token: token)
                poller.setWriteInterest(descriptor, true)
                if !places.isEmpty { nextAddressAt = now + Self.silence }
                return .connecting
            } catch {
                failure = error
            }
        }
        self.failure = failure
        return .failed(failure)
    }

    /// The socket has become writable for the first time: that is how an attempt to connect ends.
    private func finishConnecting(_ now: Int64) -> Progress {
        if let error = Stream.connectError(descriptor) {
            failure = SystemError(code: error.code, operation: "connect to \(target)")
            return connect(now: now)
        }
        hasLine = true
        nextAddressAt = nil
        poller.setWriteInterest(descriptor, false)
        guard let security else {
            isConnected = true
            return .connected
        }
        do throws(TLSError) {
            let tls = try TLSConnection(to: security.host, in: security.context)
            try tls.start(sending: &unsent)
            self.tls = tls
            ciphertext = [UInt8](repeating: 0, count: Self.ciphertextSize)
        } catch {
            return fail(error)
        }
        flush()
        return .connecting
    }

    /// TLS's handshake has something to read. The server says nothing before it has had a request, so that no plaintext comes
    /// along.
    private func shakeHands() -> Progress {
        var nothing = [UInt8](repeating: 0, count: Self.bufferSize)
        switch receive(into: &nothing) {
        case .wouldBlock where tls?.state == .handshaking: return .connecting
        case .wouldBlock where tls?.state == .open:
            isConnected = true
            return .connected
        case .failed(let code): return .failed(SystemError(code: code, operation: "connect to \(target)"))
        case .end where tlsFailure == nil || tlsFailure == .truncated:
            return .failed(SystemError(code: 0, operation: "set up TLS: the server has ended the connection"))
        default: return fail(tlsFailure ?? .violation("something was said before its time"))
        }
    }

    private func fail(_ error: TLSError) -> Progress {
        flush()
        close()
        return .insecure(error)
    }

    // MARK: Bytes

    /// The socket is ready for something.
    ///
    /// - Returns: how connecting goes on; nil once that is over.
    package func becameReady(_ readiness: Readiness, now: Int64) -> Progress? {
        if !hasLine { return finishConnecting(now) }
        if readiness.isWritable { flush() }
        if isConnected { return nil }
        return readiness.isReadable ? shakeHands() : .connecting
    }

    /// Receives into the beginning of `buffer`, once; without a connection there is only its end.
    ///
    /// - Parameter buffer: of at least `bufferSize` bytes.
    package func receive(into buffer: inout [UInt8]) -> Reception {
        guard descriptor >= 0 else { return .end }
        var span = buffer.mutableSpan
        guard let tls else { return Stream.receive(descriptor, into: &span) }
        while true {
            if tls.state == .ended { return .end }
            var input = ciphertext.mutableSpan
            let reception = Stream.receive(descriptor, into: &input)
            do throws(TLSError) {
                switch reception {
                case .received(let count):
                    let taken = try tls.receive(ciphertext.span.extracting(0..<count), into: &span, sending: &unsent)
                    flush()
                    if taken > 0 { return .received(taken) }
                    // A part of a record, or nothing but TLS's own: the handshake tells what it has come to.
                    if !isConnected, tls.state != .ended { return .wouldBlock }
                case .end:
                    try tls.endOfLine()
                    return .end
                case .wouldBlock, .failed: return reception
                }
            } catch {
                tlsFailure = error
                flush()
                return .end
            }
        }
    }

    /// Sends bytes, or keeps them until there is room.
    package func send(_ bytes: [UInt8]) {
        guard isConnected, descriptor >= 0, !bytes.isEmpty else { return }
        if let tls {
            guard tls.state == .open || tls.state == .ended else { return }
            do throws(TLSError) { try tls.send(bytes.span, into: &unsent) } catch { tlsFailure = error }
        } else {
            unsent += bytes
        }
        flush()
    }

    private func flush() {
        guard descriptor >= 0 else { return }
        while !unsent.isEmpty {
            switch Stream.send(descriptor, unsent.span) {
            case .sent(let count): unsent.removeFirst(count)
            // poll(2) tells at once, so that sending is tried again until there is memory.
            case .wouldBlock, .exhausted: return poller.setWriteInterest(descriptor, true)
            case .failed: unsent = []  // the next receive tells
            }
        }
        poller.setWriteInterest(descriptor, false)
        if finishesWhenSent { Stream.finishSending(descriptor) }
    }

    /// All is said: what is queued goes out, then FIN. What still comes is to be thrown away until the end.
    package func finish(now: Int64) {
        endsAt = now + Self.farewell
        guard isConnected else { return close() }
        tls?.finish(into: &unsent)
        finishesWhenSent = true
        flush()
    }

    /// Whether it has no descriptor (any more).
    package var isClosed: Bool { descriptor < 0 }
}
