import Sockets

/// A connection's socket on a poller: connects to one of several addresses, sends what is queued, receives.
package final class ClientSocket {
    package enum Progress {
        case connecting
        /// Just now.
        case connected
        case failed(SystemError)
    }

    package let token: UInt64
    private let poller: any Poller
    private var addresses: ArraySlice<SocketAddress>
    private var descriptor: Int32 = -1
    private var target = SocketAddress(address: IPAddress(v4: 0), port: 0)
    private var failure = SystemError(code: 0, operation: "connect")
    private var unsent: [UInt8] = []
    package private(set) var isConnected = false
    /// When the next address is to be tried, if this one has not answered by then (ms); nil where it may take its time.
    package private(set) var nextAddressAt: Int64?
    /// When it is closed whatever the peer does (ms); nil while it is in use.
    package private(set) var endsAt: Int64?
    private var finishesWhenSent = false

    /// How long an address may be silent while there is another (ms): one SYN may get lost.
    private static let silence: Int64 = 2_000
    /// How long the server has to end a connection after all is said (ms).
    private static let patience: Int64 = 2_000

    /// - Parameter addresses: in the order in which they are to be tried.
    package init(poller: any Poller, token: UInt64, addresses: [SocketAddress]) {
        self.poller = poller
        self.token = token
        self.addresses = addresses[...]
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
        while let address = addresses.popFirst() {
            close()
            do throws(SystemError) {
                descriptor = try Stream.connect(to: address)
                target = address
                try poller.add(descriptor, token: token)
                poller.setWriteInterest(descriptor, true)
                if !addresses.isEmpty { nextAddressAt = now + Self.silence }
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
        isConnected = true
        nextAddressAt = nil
        poller.setWriteInterest(descriptor, false)
        return .connected
    }

    // MARK: Bytes

    /// The socket is ready for something.
    ///
    /// - Returns: how connecting goes on; nil once that is over.
    package func becameReady(_ readiness: Readiness, now: Int64) -> Progress? {
        if !isConnected { return finishConnecting(now) }
        if readiness.isWritable { flush() }
        return nil
    }

    /// Receives into the beginning of `buffer`, once; without a connection there is only its end.
    package func receive(into buffer: inout [UInt8]) -> Reception {
        guard descriptor >= 0 else { return .end }
        var span = buffer.mutableSpan
        return Stream.receive(descriptor, into: &span)
    }

    /// Sends bytes, or keeps them until there is room.
    package func send(_ bytes: [UInt8]) {
        guard isConnected, descriptor >= 0, !bytes.isEmpty else { return }
        unsent += bytes
        flush()
    }

    private func flush() {
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
        endsAt = now + Self.patience
        guard isConnected else { return close() }
        finishesWhenSent = true
        if unsent.isEmpty { Stream.finishSending(descriptor) }
    }

    /// Whether it has no descriptor (any more).
    package var isClosed: Bool { descriptor < 0 }
}
