import Platform

/// What the connections of one server or client have in common: certificates, versions, ciphers, and whom to trust.
///
/// It lives for as long as any of its connections. A server that reads its certificates again makes a new context; old
/// connections go on with theirs. One thread uses it and its connections.
@safe package final class TLSContext {
    let library: OpenSSL
    let handle: OpaquePointer
    let exchange = Exchange()

    private init(isServer: Bool) throws(TLSError) {
        library = try OpenSSL.loaded.get()
        guard let handle = unsafe library.newContext(isServer ? library.serverMethod() : library.clientMethod()) else {
            throw .setup(OpenSSLError.takeAll(library).reason)
        }
        unsafe self.handle = handle
        // TLS 1.2 needs naming: forward secrecy and authenticated encryption only (RFC 9325, section 4.2). All of 1.3 has both.
        guard unsafe library.controlContext(handle, Control.minimumVersion, Control.tls12, nil) == 1,
            unsafe library.setCiphers(handle, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1
        else { throw .setup(OpenSSLError.takeAll(library).reason) }
        _ = unsafe library.controlContext(handle, Control.mode, Control.releaseBuffers | Control.movingBuffer, nil)
        // Sessions are resumed by tickets, which take no memory here.
        _ = unsafe library.controlContext(handle, Control.sessionCache, 0, nil)
        _ = unsafe library.setOptions(
            handle, Control.noCompression | Control.noRenegotiation | Control.cipherPreference)
    }

    deinit { unsafe library.freeContext(handle) }

    /// Fails as using TLS would where the system has no OpenSSL 3.
    package static func requireLibrary() throws(TLSError) { _ = try OpenSSL.loaded.get() }

    // MARK: Server

    /// The context of a server.
    ///
    /// - Parameters:
    ///   - certificate: a PEM file: the server's certificate, then those of the authorities between it and the root.
    ///   - key: a PEM file with its private key; the same file may hold both.
    ///   - previous: the context that this one takes the place of. Clients resume their sessions across the change.
    package convenience init(certificate: String, key: String, replacing previous: TLSContext? = nil) throws(TLSError) {
        try self.init(isServer: true)
        try Self.requireReadable(certificate)
        try Self.requireReadable(key)
        // OpenSSL would ask for a passphrase at the terminal.
        unsafe library.setPasswordCallback(handle) { _, _, _, _ in -1 }
        guard unsafe library.useCertificateChain(handle, certificate) == 1 else {
            throw .noCertificate(file: certificate, reason: OpenSSLError.takeAll(library).reason)
        }
        guard unsafe library.useKey(handle, key, Control.pem) == 1, unsafe library.checkKey(handle) == 1 else {
            let errors = OpenSSLError.takeAll(library)
            if errors.contains(where: \.isMismatch) { throw .mismatch(certificate: certificate, key: key) }
            if errors.contains(where: \.isMissingPassphrase) { throw .keyIsEncrypted(file: key) }
            throw .noKey(file: key, reason: errors.reason)
        }
        unsafe library.setSelectALPN(handle, Self.selectHTTP, nil)
        if let previous { takeTicketKeys(of: previous) }
    }

    /// The name and two keys by which tickets are sealed.
    private static let ticketKeysCount = 80

    private func takeTicketKeys(of previous: TLSContext) {
        var keys = [UInt8](repeating: 0, count: Self.ticketKeysCount)
        // OpenSSL writes and reads as many bytes as it is told that there are. Where it does not, sessions begin anew.
        unsafe keys.withUnsafeMutableBytes { keys in
            let start = keys.baseAddress
            guard unsafe library.controlContext(previous.handle, Control.getTicketKeys, keys.count, start) == 1 else {
                return
            }
            _ = unsafe library.controlContext(handle, Control.setTicketKeys, keys.count, start)
        }
        library.dropErrors()
    }

    /// Selects HTTP/1.1 among what a client offers (RFC 7301). One that offers other protocols only cannot be served.
    private static let selectHTTP: OpenSSL.SelectCallback = { _, selected, selectedCount, offered, count, _ in
        // `offered` is OpenSSL's, `count` bytes: names, each with its length before it. What is selected points into it.
        let list = unsafe UnsafeBufferPointer(start: offered, count: Int(count))
        var at = 0
        while at < list.count {
            let length = unsafe Int(list[at])
            let end = at + 1 + length
            guard end <= list.count else { break }
            if unsafe list[at + 1..<end].elementsEqual("http/1.1".utf8) {
                unsafe selected?.pointee = list.baseAddress?.advanced(by: at + 1)
                unsafe selectedCount?.pointee = UInt8(truncatingIfNeeded: length)
                return Control.alpnSelected
            }
            at = end
        }
        return Control.alpnRefused
    }

    /// What an operator should be told of the server's certificate: that it has expired, is not valid yet, or will expire within two
    /// weeks; nil where all is well. Browsers refuse such a certificate; it is served all the same.
    package var certificateWarning: CertificateWarning? {
        let certificate = unsafe library.certificate(handle)
        let beginsIn = unsafe secondsUntil(library.notBefore(certificate))
        let endsIn = unsafe secondsUntil(library.notAfter(certificate))
        if let endsIn, endsIn < 0 { return .expired(secondsAgo: -endsIn) }
        if let beginsIn, beginsIn > 0 { return .notYetValid(seconds: beginsIn) }
        if let endsIn, endsIn < 14 * 86_400 { return .expiresSoon(seconds: endsIn) }
        return nil
    }

    private func secondsUntil(_ time: OpaquePointer?) -> Int? {
        var days: Int32 = 0
        var seconds: Int32 = 0
        // Without a first time it is the present. Both numbers are local variables.
        guard unsafe library.timeDifference(&days, &seconds, nil, time) == 1 else {
            library.dropErrors()
            return nil
        }
        return Int(days) * 86_400 + Int(seconds)
    }

    // MARK: Client

    /// The context of a client.
    ///
    /// - Parameters:
    ///   - authorities: a PEM file with the certificates to trust in place of the system's.
    ///   - isInsecure: whether any certificate will do.
    ///   - offersHTTP: whether the server is told that HTTP/1.1 will be spoken (RFC 7301).
    package convenience init(
        authorities: String? = nil, isInsecure: Bool = false, offersHTTP: Bool = true
    ) throws(TLSError) {
        try self.init(isServer: false)
        unsafe library.setVerification(handle, isInsecure ? Control.verifyNone : Control.verifyPeer, nil)
        if let authorities {
            try Self.requireReadable(authorities)
            guard unsafe library.trustFile(handle, authorities, nil) == 1 else {
                throw .noCertificate(file: authorities, reason: OpenSSLError.takeAll(library).reason)
            }
        } else if !isInsecure, unsafe library.trustSystem(handle) != 1 {
            throw .setup(OpenSSLError.takeAll(library).reason)
        }
        guard offersHTTP else { return }
        // Each name with its length before it. Unlike most of OpenSSL's functions this one returns 0 when it is well.
        let protocols = [8] + Array("http/1.1".utf8)
        let result = unsafe protocols.withUnsafeBufferPointer { list in
            unsafe library.setOfferedALPN(handle, list.baseAddress, UInt32(truncatingIfNeeded: list.count))
        }
        guard result == 0 else { throw .setup(OpenSSLError.takeAll(library).reason) }
    }

    // MARK: -

    /// OpenSSL's own words for a missing file are about its insides.
    private static func requireReadable(_ file: String) throws(TLSError) {
        let descriptor = unsafe open(file, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            // A string of the C library's own.
            let code = errno
            let reason = unsafe strerror(code).map { unsafe String(cString: $0) } ?? "error \(code)"
            throw .unreadable(file: file, reason: reason, isPermission: code == EACCES || code == EPERM)
        }
        _ = close(descriptor)
    }
}

/// That a server's certificate is not valid, or will not be for long.
package enum CertificateWarning: Sendable, Equatable, CustomStringConvertible {
    case expired(secondsAgo: Int)
    case notYetValid(seconds: Int)
    case expiresSoon(seconds: Int)

    /// Whether browsers refuse it already.
    package var isUrgent: Bool { if case .expiresSoon = self { false } else { true } }

    package var description: String {
        switch self {
        case .expired(let seconds): "the certificate expired \(Self.span(seconds)) ago"
        case .notYetValid(let seconds): "the certificate is not valid for another \(Self.span(seconds))"
        case .expiresSoon(let seconds): "the certificate expires in \(Self.span(seconds))"
        }
    }

    private static func span(_ seconds: Int) -> String {
        let (count, unit) =
            seconds >= 86_400
            ? (seconds / 86_400, "day") : seconds >= 3600 ? (seconds / 3600, "hour") : (max(1, seconds / 60), "minute")
        return count == 1 ? "1 \(unit)" : "\(count) \(unit)s"
    }
}

/// Numbers that macros of OpenSSL's headers stand for.
enum Control {
    // SSL_CTX_ctrl, SSL_ctrl
    static let mode: Int32 = 33
    static let sessionCache: Int32 = 44
    static let hostName: Int32 = 55
    static let getTicketKeys: Int32 = 58
    static let setTicketKeys: Int32 = 59
    static let minimumVersion: Int32 = 123
    static let tls12 = 0x0303
    /// SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER, SSL_MODE_RELEASE_BUFFERS: an idle connection has no buffers.
    static let movingBuffer = 0x02
    static let releaseBuffers = 0x10

    // SSL_CTX_set_options
    static let noCompression: UInt64 = 1 << 17
    static let cipherPreference: UInt64 = 1 << 22
    static let noRenegotiation: UInt64 = 1 << 30

    static let pem: Int32 = 1
    static let verifyNone: Int32 = 0
    static let verifyPeer: Int32 = 1
    /// X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS: `*.example.org`, but not `a*.example.org`.
    static let noPartialWildcards: UInt32 = 4
    static let alpnSelected: Int32 = 0
    static let alpnRefused: Int32 = 2

    // SSL_get_error
    static let wantsRead: Int32 = 2
    static let wantsWrite: Int32 = 3
    static let endOfStream: Int32 = 6
}
