import Foundation
import Support
import Testing

@testable import TLS

@Suite(.needsOpenSSL) struct TLSContextTests {
    private let certificate: TestCertificate
    init() throws { certificate = try TestCertificate() }

    private func context(_ certificate: TestCertificate) throws -> TLSContext {
        try TLSContext(certificate: certificate.certificateFile, key: certificate.keyFile)
    }

    private func error(_ body: () throws -> Void) -> TLSError? {
        do { try body() } catch { return error as? TLSError }
        return nil
    }

    // MARK: Files

    @Test func aMissingFileIsNamedWithTheReason() throws {
        let missing = certificate.folder + "/none.pem"
        let first = error { _ = try TLSContext(certificate: missing, key: certificate.keyFile) }
        #expect(first == .unreadable(file: missing, reason: "No such file or directory"))
        #expect(first?.description == "cannot read \(missing): No such file or directory")
        let second = error { _ = try TLSContext(certificate: certificate.certificateFile, key: missing) }
        #expect(second == .unreadable(file: missing, reason: "No such file or directory"))
        let third = error { _ = try TLSContext(authorities: missing) }
        #expect(third == .unreadable(file: missing, reason: "No such file or directory"))
    }

    @Test func aKeyOfAnotherCertificateIsAMismatch() throws {
        let other = try TestCertificate()
        let error = error { _ = try TLSContext(certificate: certificate.certificateFile, key: other.keyFile) }
        #expect(error == .mismatch(certificate: certificate.certificateFile, key: other.keyFile))
    }

    @Test(arguments: ["", "hello", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
    func whatIsNoPEMIsNoCertificateAndNoKey(text: String) throws {
        let file = certificate.folder + "/bad.pem"
        try text.write(toFile: file, atomically: true, encoding: .utf8)
        let errors = [
            error { _ = try TLSContext(certificate: file, key: certificate.keyFile) },
            error { _ = try TLSContext(certificate: certificate.certificateFile, key: file) },
            error { _ = try TLSContext(authorities: file) },
        ]
        for (error, what) in zip(errors, ["certificate", "private key", "certificate"]) {
            #expect(error?.description.hasPrefix("\(file) holds no \(what) in PEM that can be used: ") == true)
        }
    }

    @Test func filesInEachOthersPlaceAreToldApart() throws {
        let error = error { _ = try TLSContext(certificate: certificate.keyFile, key: certificate.certificateFile) }
        #expect(error == .noCertificate(file: certificate.keyFile, reason: "no start line"))
    }

    /// And OpenSSL does not ask for the passphrase at the terminal.
    @Test func anEncryptedKeyIsNamed() throws {
        try certificate.write(passphrase: "secret")
        #expect(error { _ = try context(certificate) } == .keyIsEncrypted(file: certificate.keyFile))
    }

    @Test func oneFileMayHoldBoth() throws {
        let both = certificate.folder + "/both.pem"
        let text = try [certificate.certificateFile, certificate.keyFile].map {
            try String(contentsOfFile: $0, encoding: .utf8)
        }
        try text.joined().write(toFile: both, atomically: true, encoding: .utf8)
        _ = try TLSContext(certificate: both, key: both)
    }

    @Test(arguments: [
        (-3600, 30 * 86_400, nil), (-3600, 5 * 86_400 + 60, "the certificate expires in 5 days"),
        (-9 * 86_400, -86_400 - 60, "the certificate expired 1 day ago"),
        (-9 * 86_400, -7260, "the certificate expired 2 hours ago"),
        (-9 * 86_400, -90, "the certificate expired 1 minute ago"),
        (3 * 3600 + 60, 30 * 86_400, "the certificate is not valid for another 3 hours"),
    ])
    func aCertificateOutOfItsTimeIsServedWithAWarning(begins: Int, ends: Int, warning: String?) throws {
        let certificate = try TestCertificate(begins: begins, ends: ends)
        let server = try context(certificate)
        #expect(server.certificateWarning?.description == warning)
        #expect(server.certificateWarning?.isUrgent == warning.map { !$0.contains("expires in") })
        let pair = try Pair(TLSContext(isInsecure: true), server)
        try pair.run()
        #expect(pair.client.state == .open)
    }

    // MARK: Whom a client trusts

    /// Connects, and says why that has failed.
    private func connect(_ client: TLSContext, _ server: TLSContext, to host: String = "localhost") throws -> TLSError?
    {
        let pair = try Pair(client, server, host: host)
        let error = error { try pair.run() }
        #expect((pair.client.state == .open) == (error == nil))
        return error
    }

    @Test func aCertificateThatNobodyKnowsIsNotTrusted() throws {
        let error = try connect(TLSContext(), context(certificate))
        #expect(error == .untrusted("self-signed certificate"))
        #expect(try connect(TLSContext(authorities: certificate.certificateFile), context(certificate)) == nil)
        #expect(try connect(TLSContext(isInsecure: true), context(certificate)) == nil)
        let other = try TestCertificate()
        #expect(try connect(TLSContext(authorities: other.certificateFile), context(certificate)) != nil)
    }

    @Test(arguments: [
        ("localhost", true), ("LOCALHOST", true), ("localhost.", true), ("127.0.0.1", true), ("::1", true),
        ("127.0.0.2", false),
        ("::2", false), ("example.org", false), ("local", false), ("a.wild.example", true), ("wild.example", false),
        ("a.b.wild.example", false), ("abc.part.example", false),
    ])
    func aCertificateIsForItsNamesAndAddresses(host: String, isRight: Bool) throws {
        let certificate = try TestCertificate(
            names: "DNS:localhost,IP:127.0.0.1,IP:::1,DNS:*.wild.example,DNS:a*.part.example")
        let error = try connect(TLSContext(authorities: certificate.certificateFile), context(certificate), to: host)
        let isAddress = host.contains(":") || host.hasPrefix("127")
        #expect(error == (isRight ? nil : .untrusted(isAddress ? "IP address mismatch" : "hostname mismatch")))
    }

    @Test func anExpiredCertificateIsNotTrusted() throws {
        let old = try TestCertificate(begins: -7200, ends: -3600)
        #expect(
            try connect(TLSContext(authorities: old.certificateFile), context(old))
                == .untrusted("certificate has expired"))
    }

    @Test func theServerIsToldWhatTheClientDidNotLike() throws {
        let other = try TestCertificate()
        let client = try TLSContext(authorities: other.certificateFile)
        let pair = try Pair(client, context(certificate))
        #expect(throws: TLSError.self) { try pair.run() }
        #expect(pair.client.state == .failed)
        #expect(throws: TLSError.refused("unknown CA")) { try pair.run() }
        #expect(pair.server.state == .failed)
    }

    @Test func aChainLeadsToAnAuthority() throws {
        let authority = try TestCertificate("authority", isAuthority: true)
        let between = try TestCertificate("between", issuer: authority, isAuthority: true)
        let leaf = try TestCertificate(issuer: between)
        let client = try TLSContext(authorities: authority.certificateFile)
        #expect(try connect(client, context(leaf)) == nil)
        try leaf.write(chain: [])
        #expect(try connect(client, context(leaf)) == .untrusted("unable to get local issuer certificate"))
    }

    // MARK: Certificates read again

    @Test func oldConnectionsGoOnWithTheirContextWhileNewOnesHaveTheNew() throws {
        let client = try TLSContext(isInsecure: true)
        var server = try context(certificate)
        let old = try Pair(client, server)
        try old.run()
        let next = try TestCertificate(names: "DNS:next.example")
        server = try TLSContext(certificate: next.certificateFile, key: next.keyFile, replacing: server)
        try old.say(Array("still here".utf8), by: \.server)
        try old.run()
        #expect(old.heardByClient == Array("still here".utf8))
        let knowsNext = try TLSContext(authorities: next.certificateFile)
        #expect(try connect(knowsNext, server, to: "next.example") == nil)
        #expect(try connect(knowsNext, context(certificate), to: "next.example") != nil)
    }
}
