/// One end of a TLS connection, without a socket: what was received goes in as ciphertext and comes out as plaintext, and the
/// other way round.
@safe package final class TLSConnection {
    package enum State: Sendable, Equatable {
        /// Nothing can be sent yet.
        case handshaking
        case open
        /// The peer has said that nothing more will come from it (close_notify). Sending goes on.
        case ended
        /// Nothing can be sent or received any more.
        case failed
    }

    package private(set) var state = State.handshaking
    private let context: TLSContext
    let handle: OpaquePointer

    /// Plaintext that one record brings at most (RFC 8446, section 5.1).
    package static let recordSize = 16 << 10
    /// Room for the plaintext of so many received bytes: records end in them that began before.
    package static func room(for count: Int) -> Int { count + recordSize }

    /// Whether a client whose first byte this is speaks HTTP: a handshake begins with 22 (RFC 8446, section 5.1), a method with a
    /// letter.
    package static func isPlainHTTP(firstByte: UInt8) -> Bool { (0x41...0x5A).contains(firstByte & 0xDF) }

    // MARK: Beginning

    /// The server's end.
    package init(serving context: TLSContext) throws(TLSError) {
        self.context = context
        try unsafe handle = Self.makeHandle(context)
        unsafe context.library.setAcceptState(handle)
    }

    /// The client's end; `start` begins the handshake.
    ///
    /// - Parameter host: the name or IP address that the server's certificate has to be for.
    package init(to host: String, in context: TLSContext) throws(TLSError) {
        self.context = context
        try unsafe handle = Self.makeHandle(context)
        let library = context.library
        unsafe library.setConnectState(handle)
        // An address is checked as one, and is no server name (RFC 6066, section 3).
        let isAddress = unsafe library.setAddress(library.parameters(handle), host) == 1
        library.dropErrors()
        if isAddress { return }
        let name = host.hasSuffix(".") ? String(host.dropLast()) : host
        unsafe library.setHostFlags(handle, Control.noPartialWildcards)
        // OpenSSL copies the name.
        let isSet = unsafe name.withCString { name in
            let isSet = unsafe library.setHost(handle, name)
            return unsafe (isSet, library.controlConnection(handle, Control.hostName, 0, .init(mutating: name))) == (
                1, 1
            )
        }
        guard isSet else { throw .setup(OpenSSLError.takeAll(library).reason) }
    }

    deinit { unsafe context.library.freeConnection(handle) }

    private static func makeHandle(_ context: TLSContext) throws(TLSError) -> OpaquePointer {
        let library = context.library
        guard let handle = unsafe library.newConnection(context.handle) else {
            throw .setup(OpenSSLError.takeAll(library).reason)
        }
        guard let bio = unsafe context.exchange.makeBIO(library) else {
            unsafe library.freeConnection(handle)
            throw .setup(OpenSSLError.takeAll(library).reason)
        }
        // One reference for reading and writing, which the connection now owns.
        unsafe library.setBIO(handle, bio, bio)
        return unsafe handle
    }

    // MARK: Bytes

    /// Begins a client's handshake.
    ///
    /// - Parameter ciphertext: what is to be sent is appended.
    package func start(sending ciphertext: inout [UInt8]) throws(TLSError) {
        let result = exchange(nil, &ciphertext) { unsafe $0.doHandshake(handle) }
        if result != 1 { try check(result) }
    }

    /// Takes what was received.
    ///
    /// - Parameters:
    ///   - plaintext: gets what the peer has sent; with `room(for:)` of what was received.
    ///   - reply: what is to be sent, if anything, is appended: the handshake, or the alert that tells the peer of an error.
    /// - Returns: how many bytes of plaintext there are.
    package func receive(
        _ ciphertext: Span<UInt8>, into plaintext: inout MutableSpan<UInt8>, sending reply: inout [UInt8]
    ) throws(TLSError) -> Int {
        precondition(plaintext.count >= Self.room(for: ciphertext.count))
        guard state == .handshaking || state == .open else { return 0 }
        var taken = 0
        let result = exchange(ciphertext, &reply) { library in
            while true {
                var count = 0
                // OpenSSL writes at most as many bytes as there is room for, and says how many.
                let result = unsafe plaintext.withUnsafeMutableBytes { bytes in
                    unsafe library.read(handle, bytes.baseAddress?.advanced(by: taken), bytes.count - taken, &count)
                }
                guard result == 1 else { return result }
                taken += count
            }
        }
        try check(result)
        return taken
    }

    /// Encrypts what is to be sent. In state `open` or `ended` only.
    ///
    /// - Parameter ciphertext: is appended to.
    package func send(_ plaintext: Span<UInt8>, into ciphertext: inout [UInt8]) throws(TLSError) {
        precondition(state == .open || state == .ended)
        guard !plaintext.isEmpty else { return }
        let result = exchange(nil, &ciphertext) { library in
            var count = 0
            // OpenSSL reads the span's own bytes; all of them are written, since the exchange takes whatever comes.
            return unsafe plaintext.withUnsafeBytes { unsafe library.write(handle, $0.baseAddress, $0.count, &count) }
        }
        if result != 1 { try check(result) }
    }

    /// Says that nothing more will be sent (close_notify).
    package func finish(into ciphertext: inout [UInt8]) {
        guard state == .open || state == .ended else { return }
        _ = exchange(nil, &ciphertext) { unsafe $0.shutDown(handle) }
        context.library.dropErrors()
    }

    /// The line has ended.
    ///
    /// - Throws: where the peer had not said so before.
    package func endOfLine() throws(TLSError) {
        guard state != .ended else { return }
        state = .failed
        throw .truncated
    }

    /// Calls OpenSSL with the bytes that it can read and a place for those that it writes.
    @inline(__always)
    private func exchange(_ input: Span<UInt8>?, _ output: inout [UInt8], _ body: (OpenSSL) -> Int32) -> Int32 {
        let exchange = context.exchange
        swap(&exchange.output, &output)
        defer { swap(&exchange.output, &output) }
        guard let input else { return body(context.library) }
        // What is left in the queue of errors would be taken for the outcome of this call.
        context.library.dropErrors()
        return unsafe input.withUnsafeBytes { bytes in
            unsafe exchange.input = bytes
            defer { unsafe exchange.input = UnsafeRawBufferPointer(start: nil, count: 0) }
            return body(context.library)
        }
    }

    /// Finds out what a function that has not succeeded wants to say.
    private func check(_ result: Int32) throws(TLSError) {
        let library = context.library
        let kind = unsafe library.kindOfError(handle, result)
        if state == .handshaking, unsafe library.isHandshakeFinished(handle) == 1 { state = .open }
        switch kind {
        case Control.wantsRead, Control.wantsWrite: return
        case Control.endOfStream:
            state = .ended
        default:
            state = .failed
            throw failure(OpenSSLError.takeAll(library))
        }
    }

    private func failure(_ errors: [OpenSSLError]) -> TLSError {
        if errors.contains(where: \.isUntrusted) {
            let text = unsafe context.library.verifyText(context.library.verifyResult(handle)).map {
                unsafe String(cString: $0)
            }
            return .untrusted(text ?? errors.reason)
        }
        if let alert = errors.lazy.compactMap(\.alert).first {
            let text = unsafe context.library.alertText(alert).map { unsafe String(cString: $0) }
            return .refused(text ?? "alert \(alert)")
        }
        return .violation(errors.reason)
    }

    // MARK: What was agreed

    /// `TLSv1.3` or `TLSv1.2`, after the handshake.
    package var version: String {
        // A string of the library's own.
        unsafe context.library.version(handle).map { unsafe String(cString: $0) } ?? ""
    }

    /// The protocol that both ends have agreed on by ALPN; empty where the client has offered none.
    package var applicationProtocol: String {
        var start: UnsafePointer<UInt8>?
        var count: UInt32 = 0
        // Points into the connection, which outlives this call.
        unsafe context.library.selectedALPN(handle, &start, &count)
        return unsafe String(decoding: UnsafeBufferPointer(start: start, count: Int(count)), as: UTF8.self)
    }
}
