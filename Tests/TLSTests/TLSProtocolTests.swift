import Foundation
import Support
import Testing

@testable import TLS

/// Versions, ciphers, tickets and what else is agreed on, with clients that are more old-fashioned or less polite than ours.
@Suite(.needsOpenSSL) struct TLSProtocolTests {
    private let certificate: TestCertificate
    private let server: TLSContext
    private let client: TLSContext

    init() throws {
        certificate = try TestCertificate()
        server = try TLSContext(certificate: certificate.certificateFile, key: certificate.keyFile)
        client = try TLSContext(isInsecure: true)
    }

    private static let maximumVersion: Int32 = 124

    /// Has the client speak one version of TLS only.
    private func limit(to version: Int) {
        _ = client.library.controlContext(client.handle, Control.minimumVersion, version, nil)
        _ = client.library.controlContext(client.handle, Self.maximumVersion, version, nil)
    }

    /// What the server, or else the client, says why there is no connection.
    private func failure(_ server: TLSContext? = nil) throws -> TLSError? {
        let pair = try Pair(client, server ?? self.server)
        do { try pair.run() } catch { return error as? TLSError }
        #expect(pair.client.state == .open && pair.server.state == .open)
        return nil
    }

    // MARK: Versions and ciphers

    @Test func version12IsSpoken() throws {
        limit(to: 0x303)
        let pair = try Pair(client, server)
        try pair.run(pieces: 7)
        #expect(pair.server.version == "TLSv1.2")
        try pair.say(Array("up".utf8), by: \.client)
        try pair.say(Array("down".utf8), by: \.server)
        try pair.run()
        #expect(pair.heardByServer == Array("up".utf8))
        #expect(pair.heardByClient == Array("down".utf8))
    }

    @Test func version11IsRefused() throws {
        #expect(client.library.setCiphers(client.handle, "ALL:@SECLEVEL=0") == 1)
        limit(to: 0x302)
        #expect(try failure() == .violation("unsupported protocol"))
    }

    /// No forward secrecy, or no authenticated encryption.
    @Test(arguments: ["AES128-GCM-SHA256", "ECDHE-ECDSA-AES128-SHA256", "ECDHE-ECDSA-AES256-SHA"])
    func weakCiphersAreRefused(cipher: String) throws {
        #expect(client.library.setCiphers(client.handle, cipher) == 1)
        limit(to: 0x303)
        #expect(try failure() == .violation("no shared cipher"))
    }

    @Test func aClientThatSpeaksOtherProtocolsOnlyIsRefused() throws {
        #expect(client.library.setOfferedALPN(client.handle, [2, 0x68, 0x32], 3) == 0)
        #expect(try failure() == .violation("no application protocol"))
        #expect(client.library.setOfferedALPN(client.handle, [2, 0x68, 0x32] + [8] + Array("http/1.1".utf8), 12) == 0)
        #expect(try failure() == nil)
        #expect(client.library.setOfferedALPN(client.handle, [], 0) == 0)
        let pair = try Pair(client, server)
        try pair.run()
        #expect(pair.server.applicationProtocol == "")
    }

    // MARK: Impolite peers

    /// The functions of libssl that only tests call.
    private func function<F>(_ name: String) throws -> F {
        let handle = try #require(dlopen("libssl.so.3", RTLD_NOW) ?? dlopen("libssl.3.dylib", RTLD_NOW))
        return unsafeBitCast(try #require(dlsym(handle, name)), to: F.self)
    }

    @Test func renegotiationIsRefused() throws {
        let renegotiate: @convention(c) (OpaquePointer?) -> Int32 = try function("SSL_renegotiate")
        let clearOptions: @convention(c) (OpaquePointer?, UInt64) -> UInt64 = try function("SSL_CTX_clear_options")
        _ = clearOptions(client.handle, Control.noRenegotiation)
        limit(to: 0x303)
        let pair = try Pair(client, server)
        try pair.run()
        #expect(renegotiate(pair.client.handle) == 1)
        // Its ClientHello goes out with what it says next; the server answers with an alert, which OpenSSL's client takes for the
        // end.
        #expect(throws: TLSError.violation("no renegotiation")) {
            try pair.say(Array("hi".utf8), by: \.client)
            try pair.run()
        }
        // To the server nothing has happened.
        #expect(pair.server.state == .open)
        #expect(throws: Never.self) { try pair.say(Array("still here".utf8), by: \.server) }
    }

    @Test func newKeysMayBeAskedFor() throws {
        let updateKeys: @convention(c) (OpaquePointer?, Int32) -> Int32 = try function("SSL_key_update")
        let pair = try Pair(client, server)
        try pair.run()
        for word in ["one", "two", "three"] {
            // 1: the server is asked to do the same.
            #expect(updateKeys(pair.client.handle, 1) == 1)
            try pair.say(Array(word.utf8), by: \.client)
            try pair.run()
            try pair.say(Array(word.utf8), by: \.server)
            try pair.run()
        }
        #expect(pair.heardByServer == Array("onetwothree".utf8))
        #expect(pair.heardByClient == Array("onetwothree".utf8))
    }

    @Test func recordsWithoutContentComeToAnEnd() throws {
        let end = try TLSConnection(serving: server)
        var reply: [UInt8] = []
        #expect(throws: TLSError.self) {
            for _ in 0..<200 { _ = try take([22, 3, 3, 0, 0], end, &reply) }
        }
    }

    // MARK: Tickets

    /// Connects with the session of a connection before it.
    private func isResumed(by server: TLSContext, after first: Pair) throws -> Bool {
        let session: @convention(c) (OpaquePointer?) -> OpaquePointer? = try function("SSL_get1_session")
        let setSession: @convention(c) (OpaquePointer?, OpaquePointer?) -> Int32 = try function("SSL_set_session")
        let free: @convention(c) (OpaquePointer?) -> Void = try function("SSL_SESSION_free")
        let isReused: @convention(c) (OpaquePointer?) -> Int32 = try function("SSL_session_reused")
        let ticket = session(first.client.handle)
        defer { free(ticket) }
        let second = try Pair(client, server) { #expect(setSession($0.handle, ticket) == 1) }
        try second.run()
        #expect(second.client.state == .open && second.server.state == .open)
        let isResumed = isReused(second.server.handle) == 1
        // OpenSSL's client gives up a session whose connection ends without a goodbye.
        second.finish(\.client)
        try second.run()
        return isResumed
    }

    @Test(arguments: [0x303, 0x304]) func aSessionIsResumedByItsTicketAlsoAfterTheCertificatesWereReadAgain(
        version: Int
    ) throws {
        limit(to: version)
        let first = try Pair(client, server)
        try first.run()
        #expect(try isResumed(by: server, after: first))
        let next = try TLSContext(certificate: certificate.certificateFile, key: certificate.keyFile, replacing: server)
        #expect(try isResumed(by: next, after: first))
        let stranger = try TLSContext(certificate: certificate.certificateFile, key: certificate.keyFile)
        #expect(try !isResumed(by: stranger, after: first))
    }
}
