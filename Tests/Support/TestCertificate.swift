import Foundation

/// A certificate and its private key, made for a test and good for nothing else, in two PEM files that go with their owner.
package final class TestCertificate {
    package let folder: String
    package var certificateFile: String { folder + "/cert.pem" }
    package var keyFile: String { folder + "/key.pem" }
    private let certificate: OpaquePointer
    private let key: OpaquePointer

    /// Whether this system has the OpenSSL that TLS takes; tests that need it say so, and are skipped without.
    package static let isPossible = Library.crypto != nil

    /// - Parameters:
    ///   - names: in the words of OpenSSL's configuration.
    ///   - begins: seconds from now at which it begins to be valid, and `ends` at which it ends.
    ///   - issuer: the authority that signs it; without one it signs itself.
    package init(
        _ name: String = "chatloop test", names: String = "DNS:localhost,IP:127.0.0.1,IP:::1", begins: Int = -3600,
        ends: Int = 30 * 86_400, issuer: TestCertificate? = nil, isAuthority: Bool = false
    ) throws {
        guard let crypto = Library.crypto else { throw Failure("there is no libcrypto") }
        // An elliptic curve, P-256: its keys are made in no time.
        let generator = crypto.newKeyContext(408, nil)
        defer { crypto.freeKeyContext(generator) }
        var key: OpaquePointer?
        guard crypto.beginKey(generator) == 1, crypto.setCurve(generator, 415) == 1,
            crypto.makeKey(generator, &key) == 1,
            let key, let certificate = crypto.newCertificate()
        else { throw Failure("no key") }
        self.key = key
        self.certificate = certificate
        _ = crypto.setVersion(certificate, 2)
        _ = crypto.setInteger(crypto.serialNumber(certificate), Int.random(in: 1..<1 << 62))
        _ = crypto.setTime(crypto.notBefore(certificate), begins)
        _ = crypto.setTime(crypto.notAfter(certificate), ends)
        _ = crypto.setKey(certificate, key)
        _ = crypto.addEntry(crypto.subject(certificate), "CN", 0x1000, name, -1, -1, 0)
        _ = crypto.setIssuer(certificate, crypto.subject(issuer?.certificate ?? certificate))
        for (kind, value) in [(87, isAuthority ? "critical,CA:TRUE" : "CA:FALSE"), (85, names)] as [(Int32, String)] {
            guard let part = crypto.makeExtension(nil, nil, kind, value) else { throw Failure("no extension \(value)") }
            _ = crypto.addExtension(certificate, part, -1)
            crypto.freeExtension(part)
        }
        guard crypto.sign(certificate, issuer?.key ?? key, crypto.sha256()) > 0 else { throw Failure("not signed") }

        folder = NSTemporaryDirectory() + "chatloop-tls-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        try write(chain: issuer.map { [$0] } ?? [])
    }

    deinit {
        Library.crypto?.freeCertificate(certificate)
        Library.crypto?.freeKey(key)
        try? FileManager.default.removeItem(atPath: folder)
    }

    /// Writes both files.
    ///
    /// - Parameters:
    ///   - to: a folder in place of its own.
    ///   - chain: the authorities' certificates that follow in the file.
    ///   - passphrase: what the key is encrypted with.
    package func write(to folder: String? = nil, chain: [TestCertificate] = [], passphrase: String? = nil) throws {
        let folder = folder ?? self.folder
        try pem { crypto, bio in
            for one in [self] + chain { _ = crypto.writeCertificate(bio, one.certificate) }
        }.write(to: URL(fileURLWithPath: folder + "/cert.pem"), options: .atomic)
        try pem { crypto, bio in
            _ = crypto.writeKey(bio, key, passphrase == nil ? nil : crypto.cipher(), nil, 0, nil, passphrase)
        }.write(to: URL(fileURLWithPath: folder + "/key.pem"), options: .atomic)
    }

    private func pem(_ write: (Library, OpaquePointer?) -> Void) throws -> Data {
        guard let crypto = Library.crypto, let bio = crypto.newBIO(crypto.memory()) else { throw Failure("no BIO") }
        defer { _ = crypto.freeBIO(bio) }
        write(crypto, bio)
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        let count = crypto.read(bio, &bytes, Int32(bytes.count))
        return Data(bytes.prefix(max(0, Int(count))))
    }
}

/// The functions of libcrypto that make certificates.
private struct Library: @unchecked Sendable {
    typealias Handle = OpaquePointer?

    static let crypto: Library? = {
        let names = ["libcrypto.so.3", "libcrypto.3.dylib", "/opt/homebrew/opt/openssl@3/lib/libcrypto.3.dylib"]
        return names.lazy.compactMap { dlopen($0, RTLD_NOW) }.first.flatMap(Library.init)
    }()

    let newKeyContext: @convention(c) (Int32, Handle) -> Handle
    let freeKeyContext: @convention(c) (Handle) -> Void
    let beginKey: @convention(c) (Handle) -> Int32
    let setCurve: @convention(c) (Handle, Int32) -> Int32
    let makeKey: @convention(c) (Handle, UnsafeMutablePointer<OpaquePointer?>) -> Int32
    let freeKey: @convention(c) (Handle) -> Void
    let newCertificate: @convention(c) () -> Handle
    let freeCertificate: @convention(c) (Handle) -> Void
    let setVersion: @convention(c) (Handle, Int) -> Int32
    let serialNumber: @convention(c) (Handle) -> Handle
    let setInteger: @convention(c) (Handle, Int) -> Int32
    let notBefore: @convention(c) (Handle) -> Handle
    let notAfter: @convention(c) (Handle) -> Handle
    let setTime: @convention(c) (Handle, Int) -> Handle
    let setKey: @convention(c) (Handle, Handle) -> Int32
    let subject: @convention(c) (Handle) -> Handle
    let addEntry:
        @convention(c) (Handle, UnsafePointer<CChar>, Int32, UnsafePointer<CChar>, Int32, Int32, Int32) -> Int32
    let setIssuer: @convention(c) (Handle, Handle) -> Int32
    let makeExtension: @convention(c) (Handle, Handle, Int32, UnsafePointer<CChar>) -> Handle
    let addExtension: @convention(c) (Handle, Handle, Int32) -> Int32
    let freeExtension: @convention(c) (Handle) -> Void
    let sha256: @convention(c) () -> Handle
    let cipher: @convention(c) () -> Handle
    let sign: @convention(c) (Handle, Handle, Handle) -> Int32
    let memory: @convention(c) () -> Handle
    let newBIO: @convention(c) (Handle) -> Handle
    let freeBIO: @convention(c) (Handle) -> Int32
    let read: @convention(c) (Handle, UnsafeMutableRawPointer, Int32) -> Int32
    let writeCertificate: @convention(c) (Handle, Handle) -> Int32
    let writeKey: @convention(c) (Handle, Handle, Handle, Handle, Int32, Handle, UnsafePointer<CChar>?) -> Int32

    private init?(_ library: UnsafeMutableRawPointer) {
        func function<F>(_ name: String) throws -> F {
            guard let pointer = dlsym(library, name) else { throw Failure("no \(name)") }
            return unsafeBitCast(pointer, to: F.self)
        }
        do {
            newKeyContext = try function("EVP_PKEY_CTX_new_id")
            freeKeyContext = try function("EVP_PKEY_CTX_free")
            beginKey = try function("EVP_PKEY_keygen_init")
            setCurve = try function("EVP_PKEY_CTX_set_ec_paramgen_curve_nid")
            makeKey = try function("EVP_PKEY_keygen")
            freeKey = try function("EVP_PKEY_free")
            newCertificate = try function("X509_new")
            freeCertificate = try function("X509_free")
            setVersion = try function("X509_set_version")
            serialNumber = try function("X509_get_serialNumber")
            setInteger = try function("ASN1_INTEGER_set")
            notBefore = try function("X509_getm_notBefore")
            notAfter = try function("X509_getm_notAfter")
            setTime = try function("X509_gmtime_adj")
            setKey = try function("X509_set_pubkey")
            subject = try function("X509_get_subject_name")
            addEntry = try function("X509_NAME_add_entry_by_txt")
            setIssuer = try function("X509_set_issuer_name")
            makeExtension = try function("X509V3_EXT_conf_nid")
            addExtension = try function("X509_add_ext")
            freeExtension = try function("X509_EXTENSION_free")
            sha256 = try function("EVP_sha256")
            cipher = try function("EVP_aes_128_cbc")
            sign = try function("X509_sign")
            memory = try function("BIO_s_mem")
            newBIO = try function("BIO_new")
            freeBIO = try function("BIO_free")
            read = try function("BIO_read")
            writeCertificate = try function("PEM_write_bio_X509")
            writeKey = try function("PEM_write_bio_PrivateKey")
        } catch {
            return nil
        }
    }
}
