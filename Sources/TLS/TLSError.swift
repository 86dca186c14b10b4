/// Why there is no TLS, or no longer.
package enum TLSError: Error, Equatable, CustomStringConvertible {
    /// OpenSSL 3 is not to be had.
    case libraryMissing(String)
    /// A file cannot be read.
    case unreadable(file: String, reason: String, isPermission: Bool = false)
    /// A file holds no certificate in PEM, or one that OpenSSL does not take.
    case noCertificate(file: String, reason: String)
    /// A file holds no private key in PEM, or one that OpenSSL does not take.
    case noKey(file: String, reason: String)
    /// The private key wants a passphrase.
    case keyIsEncrypted(file: String)
    /// The private key belongs to another certificate.
    case mismatch(certificate: String, key: String)
    /// OpenSSL cannot be set up: no memory, or a broken configuration of the system's.
    case setup(String)

    /// The peer's certificate is not to be trusted.
    case untrusted(String)
    /// The peer has ended it with an alert, whose description this is.
    case refused(String)
    /// What came is no TLS, or breaks its rules.
    case violation(String)
    /// The line ended before the peer had said that it would: what came may be cut short.
    case truncated

    package var description: String {
        switch self {
        case .libraryMissing(let reason): "TLS needs OpenSSL 3 (libssl and libcrypto): \(reason)"
        case .unreadable(let file, let reason, _): "cannot read \(file): \(reason)"
        case .noCertificate(let file, let reason): "\(file) holds no certificate in PEM that can be used: \(reason)"
        case .noKey(let file, let reason): "\(file) holds no private key in PEM that can be used: \(reason)"
        case .keyIsEncrypted(let file): "the private key in \(file) wants a passphrase: give one without"
        case .mismatch(let certificate, let key):
            "the private key in \(key) is not that of the certificate in \(certificate)"
        case .setup(let reason): "cannot set up TLS: \(reason)"
        case .untrusted(let reason): "the certificate is not trusted: \(reason)"
        case .refused(let reason): "the other end refused: \(reason)"
        case .violation(let reason): "not TLS as it should be: \(reason)"
        case .truncated: "the line ended without a goodbye"
        }
    }
}

/// One entry of OpenSSL's queue of errors.
struct OpenSSLError {
    /// In the words of OpenSSL.
    let text: String
    private let code: UInt

    /// Where in the library it comes from (`ERR_GET_LIB`), and why (`ERR_GET_REASON`).
    private var library: UInt { code >> 23 & 0xFF }
    private var reason: UInt { code & 0x7F_FFFF }

    private static let pem: UInt = 9
    private static let x509: UInt = 11
    private static let ssl: UInt = 20

    var isMismatch: Bool { library == Self.x509 && (reason == 115 || reason == 116) }
    var isMissingPassphrase: Bool { library == Self.pem && reason == 104 }
    /// The number of the alert that the peer has sent.
    var alert: Int32? {
        library == Self.ssl && (1000..<1256).contains(reason) ? Int32(truncatingIfNeeded: reason - 1000) : nil
    }
    var isUntrusted: Bool { library == Self.ssl && reason == 134 }

    /// Empties this thread's queue, the oldest entry first: each is what the one before it led to.
    static func takeAll(_ library: OpenSSL) -> [OpenSSLError] {
        var errors: [OpenSSLError] = []
        while true {
            let code = library.nextError()
            guard code != 0 else { return errors }
            // A string of the library's own, or nil for codes of the system.
            let text = unsafe library.reasonText(code).map { unsafe String(cString: $0) }
            errors.append(OpenSSLError(text: text ?? "error \(code)", code: code))
        }
    }
}

extension OpenSSL {
    /// Forgets errors that are of no interest, so that they are not taken for those of the next call.
    func dropErrors() { clearErrors() }
}

extension [OpenSSLError] {
    /// The first error is nearest to the cause.
    var reason: String { first?.text ?? "out of memory" }
}
