import HTTP
import Platform
import TLS

extension ServeOptions {
    /// What the options say of TLS, read for the first time; nil is no TLS.
    func makeSecurity() throws(StartFailure) -> TLSContext? {
        guard let tlsCertificate, let tlsKey else { return nil }
        do throws(TLSError) {
            return try TLSContext(certificate: tlsCertificate, key: tlsKey)
        } catch {
            switch error {
            case .libraryMissing, .setup: throw StartFailure(.unavailable, "Cannot start: \(error).")
            case .unreadable(_, _, isPermission: true):
                throw StartFailure(.noPermission, "--tls-cert, --tls-key: \(error).")
            default: throw StartFailure(.usage, "--tls-cert, --tls-key: \(error).")
            }
        }
    }
}

/// Notices that the certificates' files have changed.
struct CertificateWatcher {
    let certificate: String
    let key: String
    /// As the files were when they were last read, and when they were last looked at.
    private var read: [FileStamp?]
    private var seen: [FileStamp?]
    /// When to look next (ms).
    private(set) var next: Int64
    /// When to tell next that a certificate is out of its time (ms).
    var nextWarning: Int64

    /// A change is acted on when a second look finds no further one: certificate and key are two files, and are not written
    /// at once. Both looks are within the ten seconds that are promised.
    private static let interval: Int64 = 4_000
    static let warningInterval: Int64 = 86_400_000

    init(certificate: String, key: String, now: Int64) {
        self.certificate = certificate
        self.key = key
        read = [FileStamp(ofFile: certificate), FileStamp(ofFile: key)]
        seen = read
        next = now + Self.interval
        nextWarning = now
    }

    /// - Returns: whether the files are to be read again.
    mutating func look(now: Int64) -> Bool {
        guard now >= next else { return false }
        next = now + Self.interval
        let present = [FileStamp(ofFile: certificate), FileStamp(ofFile: key)]
        defer { seen = present }
        return present == seen && present != read
    }

    /// They are being read.
    mutating func beginReading() {
        read = [FileStamp(ofFile: certificate), FileStamp(ofFile: key)]
        seen = read
    }
}

extension FileStamp {
    /// Nil where there is no such file.
    fileprivate init?(ofFile path: String) {
        var status = stat()
        // The system fills in the local variable.
        guard unsafe stat(path, &status) == 0 else { return nil }
        self.init(status)
    }
}

extension Server where W: ~Copyable {
    mutating func startWatchingCertificates() {
        guard let certificate = options.tlsCertificate, let key = options.tlsKey else { return }
        certificates = CertificateWatcher(certificate: certificate, key: key, now: now)
        warnOfCertificate()
    }

    /// Looks whether the certificates have changed, once in a while.
    mutating func watchCertificates() {
        let now = now
        guard certificates?.look(now: now) == true else { return warnOfCertificate() }
        readCertificates()
    }

    /// Reads the certificates again: new connections get them, and open ones keep theirs. Where they do not work, the old ones
    /// stay.
    mutating func readCertificates() {
        guard let files = certificates else { return }
        certificates?.beginReading()
        do throws(TLSError) {
            world.security = try TLSContext(certificate: files.certificate, key: files.key, replacing: world.security)
            log(.info, "certificates-read", "file", files.certificate)
            certificates?.nextWarning = .min
            warnOfCertificate()
        } catch {
            log(.error, "certificates-refused", "reason", error, "remedy", "the old ones stay until these are mended")
        }
    }

    /// Says that the certificate is out of its time, or soon will be: when it is read, and every day.
    private mutating func warnOfCertificate() {
        let now = now
        guard let time = certificates?.nextWarning, now >= time else { return }
        certificates?.nextWarning = now + CertificateWatcher.warningInterval
        guard let warning = world.security?.certificateWarning else { return }
        log(warning.isUrgent ? .error : .info, "certificate-warning", "reason", warning)
    }

    // MARK: Plain HTTP

    /// What a peer gets that has come without TLS: the address that it should have used.
    static func directionToTLS(_ request: HTTPRequest, _ target: HTTPTarget?) -> Response {
        let host = target?.authority ?? request.value(of: "host") ?? ""
        guard request.count(of: "upgrade") == 0, !host.isEmpty else {
            return .plain(.upgradeRequired, "This chat speaks TLS only: https and wss.", [("Upgrade", "TLS/1.3")])
        }
        // A target in absolute form has scheme and host before its path.
        var path = request.target[...]
        if let authority = target?.authority, let end = path.firstRange(of: authority)?.upperBound {
            path = path[end...]
        }
        let address = "https://\(host)\(path.hasPrefix("/") ? "" : "/")\(path)"
        return .plain(.permanentRedirect, "This chat is at \(address)", [("Location", address)])
    }
}
