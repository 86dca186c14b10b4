import Platform
import Sockets
import TLS

/// The streams of a server that speaks TLS: what the loop sends is encrypted on its way to the socket, and what the socket
/// brings is decrypted on its way to the loop, which need not know.
///
/// Two things show all the same. A peer that speaks HTTP without TLS is served as it speaks, so that it can be told of https
/// (`isPlain`). And where the kernel takes only a part of what was encrypted, one byte counts as not sent until it has taken
/// all: so the loop waits for that, as it does for bytes of its own (`committed`).
final class SecureStreams {
    /// What new connections get.
    var context: TLSContext
    /// Why the last reception has failed.
    private var failure: TLSError?
    private let poller: any Poller

    /// By descriptor.
    private var streams: [SecureStream?] = []
    /// Streams that have to be received from again although the kernel may not tell of them: a handshake that had to wait for the
    /// next tick, an end that came with bytes before it.
    private var unfinished: [SecureStream] = []
    /// Streams with bytes of TLS itself that the kernel has not taken, by token.
    private var unsent: [UInt64: SecureStream] = [:]
    private var handshakesLeft = handshakesPerTick
    private var received: [UInt8] = []
    private var outgoing: [UInt8] = []

    /// Steps of handshakes that a tick takes: together they last about two milliseconds. Those who are here already are not to wait for
    /// a flood of newcomers.
    private static let handshakesPerTick = 8
    /// Times that a stream is received from at once while all that comes is TLS's own (new keys, records without content).
    private static let fruitlessReceptions = 4

    init(_ context: TLSContext, _ poller: any Poller) {
        self.context = context
        self.poller = poller
    }

    private subscript(descriptor: Int32) -> SecureStream? {
        let index = Int(descriptor)
        return index < streams.count ? streams[index] : nil
    }

    /// A connection was accepted.
    func add(_ descriptor: Int32) {
        let index = Int(descriptor)
        if index >= streams.count { streams.append(contentsOf: repeatElement(nil, count: index + 1 - streams.count)) }
        streams[index] = SecureStream(descriptor: descriptor)
    }

    /// The poller watches a descriptor.
    func setToken(_ descriptor: Int32, _ token: UInt64) { self[descriptor]?.token = token }

    /// Says goodbye, as far as the kernel takes it, and forgets the stream. To be called before it is closed.
    func remove(_ descriptor: Int32) {
        guard let stream = self[descriptor] else { return }
        finish(descriptor)
        streams[Int(descriptor)] = nil
        stream.isClosed = true
        unsent[stream.token] = nil
    }

    /// Says that nothing more will be sent (close_notify).
    func finish(_ descriptor: Int32) {
        guard let stream = self[descriptor], case .secure(let connection) = stream.kind, stream.unsent.isEmpty else {
            return
        }
        var goodbye: [UInt8] = []
        connection.finish(into: &goodbye)
        if !goodbye.isEmpty { _ = Stream.send(descriptor, goodbye.span) }
    }

    /// Why the last reception has failed; once.
    func takeFailure() -> TLSError? {
        defer { failure = nil }
        return failure
    }

    /// Whether the peer speaks without TLS.
    func isPlain(_ descriptor: Int32) -> Bool {
        if case .plain? = self[descriptor]?.kind { true } else { false }
    }

    /// How many bytes at the beginning of what was not sent will reach the peer all the same: they are encrypted.
    func committed(_ descriptor: Int32) -> Int { self[descriptor]?.holdsByte == true ? 1 : 0 }

    // MARK: A tick

    /// Whether there is something to do at once.
    var hasWork: Bool { !unfinished.isEmpty }

    /// Adds what the poller does not know to what is ready, and sends what it has found room for.
    func beginTick(_ ready: inout [Readiness]) {
        handshakesLeft = Self.handshakesPerTick
        if !unsent.isEmpty {
            for ready in ready where ready.isWritable {
                guard let stream = unsent[ready.token] else { continue }
                // A failure shows when the stream is received from.
                if case .wouldBlock? = flush(stream) { continue }
                unsent[ready.token] = nil
                if !stream.isWriteWanted { poller.setWriteInterest(stream.descriptor, false) }
            }
        }
        // Handshakes beyond the tick's share wait for their turn.
        let count = min(unfinished.count, Self.handshakesPerTick)
        for stream in unfinished.prefix(count) {
            stream.isUnfinished = false
            guard !stream.isClosed else { continue }
            ready.append(Readiness(token: stream.token, isReadable: true, isWritable: false, isEnding: true))
        }
        unfinished.removeFirst(count)
    }

    private func lookAgain(_ stream: SecureStream) {
        guard !stream.isUnfinished else { return }
        stream.isUnfinished = true
        unfinished.append(stream)
    }

    /// Takes note of whether the loop wants to be told of the stream's being writable.
    ///
    /// - Returns: whether the poller should tell.
    func setWriteInterest(_ descriptor: Int32, _ wanted: Bool) -> Bool {
        guard let stream = self[descriptor] else { return wanted }
        stream.isWriteWanted = wanted
        return wanted || unsent[stream.token] != nil
    }

    // MARK: Receiving

    /// Receives into the beginning of `buffer`, which has room for more than a record.
    func receive(_ descriptor: Int32, into buffer: inout MutableSpan<UInt8>) -> Reception {
        guard let stream = self[descriptor] else { return Stream.receive(descriptor, into: &buffer) }
        // What one call decrypts has to fit into the buffer.
        let size = buffer.count - TLSConnection.recordSize
        if received.count != size { received = [UInt8](repeating: 0, count: size) }
        for _ in 0..<Self.fruitlessReceptions {
            switch stream.kind {
            case .plain: return Stream.receive(descriptor, into: &buffer)
            case .secure(let connection) where connection.state == .ended: return .end
            case .secure(let connection) where connection.state == .failed: return .failed(EPROTO)
            case .secure, .undecided: break
            }
            if stream.isHandshaking, handshakesLeft == 0 { break }
            var room = received.mutableSpan
            switch Stream.receive(descriptor, into: &room) {
            case .received(let count):
                let isFull = count == received.count
                if let reception = take(count, stream, into: &buffer) {
                    if isFull || stream.isEnded { lookAgain(stream) }
                    return reception
                }
            case let other: return other
            }
        }
        lookAgain(stream)
        return .wouldBlock
    }

    /// Takes what was received.
    ///
    /// - Returns: what the loop gets; nil if there is nothing in it for the loop.
    private func take(_ count: Int, _ stream: SecureStream, into buffer: inout MutableSpan<UInt8>) -> Reception? {
        if case .undecided = stream.kind, TLSConnection.isPlainHTTP(firstByte: received[0]) {
            stream.kind = .plain
            for i in 0..<count { buffer[i] = received[i] }
            return .received(count)
        }
        outgoing.removeAll(keepingCapacity: true)
        do throws(TLSError) {
            let connection = try stream.open(context)
            if connection.state == .handshaking { handshakesLeft -= 1 }
            let taken = try connection.receive(
                received.span.extracting(first: count), into: &buffer, sending: &outgoing)
            reply(stream)
            if taken > 0 { return .received(taken) }
            return connection.state == .ended ? .end : nil
        } catch {
            // An alert says why.
            reply(stream)
            failure = error
            return .failed(EPROTO)
        }
    }

    /// Sends what TLS itself has to say.
    private func reply(_ stream: SecureStream) {
        guard !outgoing.isEmpty else { return }
        if stream.unsent.isEmpty { swap(&stream.unsent, &outgoing) } else { stream.unsent += outgoing }
        // A failure shows when the stream is received from.
        guard case .wouldBlock? = flush(stream), unsent[stream.token] == nil else { return }
        unsent[stream.token] = stream
        poller.setWriteInterest(stream.descriptor, true)
    }

    // MARK: Sending

    /// Encrypts and sends, until the kernel takes no more.
    func send(_ descriptor: Int32, _ bytes: Span<UInt8>) -> Transmission {
        guard let stream = self[descriptor] else { return Stream.send(descriptor, bytes) }
        switch stream.kind {
        case .plain: return Stream.send(descriptor, bytes)
        case .undecided: return .failed(EPIPE)  // nobody has asked for anything
        case .secure(let connection):
            guard connection.state == .open || connection.state == .ended else { return .failed(EPIPE) }
            return send(stream, connection, bytes)
        }
    }

    private func send(_ stream: SecureStream, _ connection: TLSConnection, _ bytes: Span<UInt8>) -> Transmission {
        if let obstacle = flush(stream) { return obstacle }
        var sent = stream.holdsByte ? 1 : 0
        stream.holdsByte = false
        while sent < bytes.count {
            let end = min(bytes.count, sent + TLSConnection.recordSize)
            outgoing.removeAll(keepingCapacity: true)
            do { try connection.send(bytes.extracting(sent..<end), into: &outgoing) } catch { return .failed(EPROTO) }
            sent = end
            let taken: Int
            switch Stream.send(stream.descriptor, outgoing.span) {
            case .sent(let count): taken = count
            case .wouldBlock, .exhausted: taken = 0
            case .failed(let code): return .failed(code)
            }
            guard taken == outgoing.count else {
                // The kernel is full.
                stream.unsent = Array(outgoing[taken...])
                stream.holdsByte = true
                return sent > 1 ? .sent(sent - 1) : .wouldBlock
            }
        }
        return .sent(sent)
    }

    /// Sends what is encrypted already.
    ///
    /// - Returns: nil if nothing of it is left.
    private func flush(_ stream: SecureStream) -> Transmission? {
        guard !stream.unsent.isEmpty else { return nil }
        switch Stream.send(stream.descriptor, stream.unsent.span) {
        case .sent(let count) where count == stream.unsent.count:
            stream.unsent = []
            return nil
        case .sent(let count):
            stream.unsent.removeFirst(count)
            return .wouldBlock
        case let other: return other
        }
    }
}

/// What one connection has beside its socket.
private final class SecureStream {
    enum Kind {
        /// Nothing has come yet.
        case undecided
        /// HTTP without TLS.
        case plain
        case secure(TLSConnection)
    }

    let descriptor: Int32
    var token: UInt64 = 0
    var kind = Kind.undecided
    /// Encrypted, but not taken by the kernel: a record at most, and what TLS itself has to say.
    var unsent: [UInt8] = []
    /// Whether the last byte that was encrypted counts as not sent.
    var holdsByte = false
    /// Whether it is in `SecureStreams.unfinished`.
    var isUnfinished = false
    var isWriteWanted = false
    var isClosed = false

    init(descriptor: Int32) { self.descriptor = descriptor }

    var isHandshaking: Bool {
        switch kind {
        case .undecided: true
        case .plain: false
        case .secure(let connection): connection.state == .handshaking
        }
    }

    var isEnded: Bool {
        if case .secure(let connection) = kind { connection.state == .ended } else { false }
    }

    /// The connection, which begins with the first bytes of TLS: one that is silent costs no memory.
    func open(_ context: TLSContext) throws(TLSError) -> TLSConnection {
        if case .secure(let connection) = kind { return connection }
        let connection = try TLSConnection(serving: context)
        kind = .secure(connection)
        return connection
    }
}
