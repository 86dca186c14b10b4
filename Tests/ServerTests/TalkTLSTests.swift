import Foundation
import Support
import TLS
import Testing

/// `chatloop talk` over TLS.
@Suite(.ownThreads, .enabled(if: TestCertificate.isPossible)) struct TalkTLSTests {
    private func talk(_ url: String, _ arguments: String...) throws -> (
        ending: Child.Ending, output: String, errors: String
    ) {
        let child = try Command.start(["talk", url, "--username", "bot"] + arguments)
        child.write("over TLS\n")
        child.closeInput()
        let output = try child.rest()
        return (try child.wait(), output, child.allErrors())
    }

    @Test func aCertificateOfAKnownAuthority_isTaken() throws {
        let server = try LiveServer()
        let ada = try TestClient(server, as: "Ada")
        let certificate = try TestCertificate()
        let proxy = try TLSProxy(to: server.port, certificate)
        for scheme in ["https", "wss"] {
            for host in ["localhost", "127.0.0.1"] {
                let result = try talk("\(scheme)://\(host):\(proxy.port)/", "--ca", certificate.certificateFile)
                #expect(result.ending == .exited(0) && result.errors.isEmpty)
                #expect(result.output.contains("bot: over TLS"))
                #expect(try ada.skip(to: "message", of: "bot").said == "over TLS")
                _ = try ada.expect("leave", of: "bot")
            }
        }
    }

    @Test func anUnknownCertificate_isRefused_andTakenWithAWarningWhereOneInsists() throws {
        let server = try LiveServer()
        let proxy = try TLSProxy(to: server.port, try TestCertificate())
        let url = "https://localhost:\(proxy.port)/"
        let refused = try talk(url)
        #expect(refused.ending == .exited(77))
        #expect(refused.errors.contains("not trusted") && refused.errors.contains("--ca"))
        let insecure = try talk(url, "--insecure")
        #expect(insecure.ending == .exited(0) && insecure.output.contains("bot: over TLS"))
        #expect(insecure.errors.contains("not checked (--insecure)"))
    }

    @Test func aCertificateForAnotherName_orAnExpiredOne_isRefused() throws {
        let server = try LiveServer()
        let other = try TestCertificate(names: "DNS:other.example")
        let expired = try TestCertificate(begins: -7200, ends: -3600)
        for certificate in [other, expired] {
            let proxy = try TLSProxy(to: server.port, certificate)
            let result = try talk("https://localhost:\(proxy.port)/", "--ca", certificate.certificateFile)
            #expect(result.ending == .exited(77) && result.errors.contains("not trusted"))
        }
    }

    @Test func aServerWithoutTLS_isToldAsThat_andSoIsABadFile() throws {
        let server = try LiveServer()
        let plain = try talk("https://127.0.0.1:\(server.port)/")
        #expect(plain.ending == .exited(76) && plain.errors.contains("not TLS"))
        let folder = try TemporaryFolder()
        try folder.write("none.pem", "no certificate")
        for name in ["none.pem", "missing.pem"] {
            let result = try talk("https://127.0.0.1:\(server.port)/", "--ca", folder.path + "/" + name)
            #expect(result.ending == .exited(64) && result.errors.contains("--ca"))
        }
    }

    @Test func theServersOwnTLS_isSpoken() throws {
        let certificate = try TestCertificate()
        let files = (certificate.certificateFile, certificate.keyFile)
        let server = try LiveServer("--tls-cert", files.0, "--tls-key", files.1)
        let url = "https://localhost:\(server.port)/r/garden"
        let listener = try Command.start(["talk", url, "--username", "ear", "--listen", "--ca", files.0])
        _ = try listener.line(with: "ear joined")
        let speaker = try talk(url, "--ca", files.0)
        #expect(speaker.ending == .exited(0) && speaker.errors.isEmpty)
        _ = try listener.line(with: "bot: over TLS")
        // Without TLS it is told what it takes.
        let plain = try talk("http://localhost:\(server.port)/")
        #expect(plain.ending == .exited(76) && plain.errors.contains("https"))
        listener.signal(SIGTERM)
        #expect(try listener.wait() == .exited(0))
    }

    /// Much in both directions, in pieces that do not end where records do; and it comes back after a cut.
    @Test func muchIsCarried_andACutIsSurvived() throws {
        let server = try LiveServer("--message-rate", "0")
        let ada = try TestClient(server, as: "Ada")
        let certificate = try TestCertificate()
        let proxy = try TLSProxy(to: server.port, certificate)
        let url = "https://localhost:\(proxy.port)/"
        let child = try Command.start(["talk", url, "--username", "bot", "--ca", certificate.certificateFile])
        _ = try child.line(with: "bot joined")
        let long = String(repeating: "x", count: 3900)
        for number in 0..<200 { try ada.say("\(number) \(long)") }
        for number in 0..<200 { #expect(try child.line(with: "Ada: ").contains(" Ada: \(number) x")) }
        proxy.cut()
        _ = try child.errorLine(with: "again")
        for number in 0..<20 { child.write("\(number) \(long)\n") }
        for number in 0..<20 { #expect(try ada.skip(to: "message", of: "bot").said == "\(number) \(long)") }
        child.closeInput()
        #expect(try child.wait() == .exited(0))
    }
}

/// Speaks TLS with clients, and carries what they say on to a server without.
private final class TLSProxy: @unchecked Sendable {
    let port: UInt16
    private let listener: Int32
    private let lock = NSLock()
    private var open: [Int32] = []
    /// Its files are there as long as it is.
    private let certificate: TestCertificate

    init(to target: UInt16, _ certificate: TestCertificate) throws {
        (listener, port) = try listenAnywhere()
        self.certificate = certificate
        ignoreBrokenPipes()
        let files = (certificate.certificateFile, certificate.keyFile)
        let listener = listener
        Thread.detachNewThread { [weak self] in
            while true {
                let client = acceptNext(listener)
                // A context of its own for each connection, as each has a thread.
                guard client >= 0, let context = try? TLSContext(certificate: files.0, key: files.1),
                    let tls = try? TLSConnection(serving: context), let server = try? TestSocket(port: target)
                else { break }
                self?.lock.withLock { self?.open.append(client) }
                let ends = Ends(client: client, server: server, tls: tls)
                Thread.detachNewThread { ends.carry() }
            }
            close(listener)
        }
    }

    deinit { shutdown(listener, Int32(SHUT_RDWR)) }

    /// Breaks off all connections that there are.
    func cut() {
        lock.withLock {
            for descriptor in open { shutdown(descriptor, Int32(SHUT_RDWR)) }
            open = []
        }
    }

    private final class Ends: @unchecked Sendable {
        private let client: Int32
        private let server: TestSocket
        private let tls: TLSConnection

        init(client: Int32, server: TestSocket, tls: TLSConnection) {
            (self.client, self.server, self.tls) = (client, server, tls)
        }

        func carry() {
            defer { close(client) }
            var buffer = [UInt8](repeating: 0, count: 7_000)
            while true {
                var entries = [
                    pollfd(fd: client, events: Int16(POLLIN), revents: 0),
                    pollfd(fd: server.descriptor, events: Int16(POLLIN), revents: 0),
                ]
                guard poll(&entries, 2, 120_000) > 0 else { return }
                var reply: [UInt8] = []
                if entries[0].revents != 0 {
                    let count = read(client, &buffer, buffer.count)
                    guard count > 0 else { return }
                    var plaintext = [UInt8](repeating: 0, count: TLSConnection.room(for: count))
                    var span = plaintext.mutableSpan
                    let taken = try? tls.receive(buffer.span.extracting(0..<count), into: &span, sending: &reply)
                    write(reply)
                    guard let taken else { return }
                    if taken > 0, (try? server.send(Array(plaintext[..<taken]))) == nil { return }
                }
                if entries[1].revents != 0, tls.state == .open {
                    guard let bytes = try? server.receive() else { return }
                    reply = []
                    guard (try? tls.send(bytes.span, into: &reply)) != nil else { return }
                    write(reply)
                }
            }
        }

        private func write(_ bytes: [UInt8]) {
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = rest.withUnsafeBytes { Foundation.write(client, $0.baseAddress, $0.count) }
                guard count > 0 else { return }
                rest = rest.dropFirst(count)
            }
        }
    }
}
