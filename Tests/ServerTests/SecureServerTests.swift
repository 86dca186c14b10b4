import Foundation
import Support
import TLS
import Testing

/// The server with a certificate of its own, and peers that are no work of ours.
@Suite(.ownThreads, .enabled(if: TestCertificate.isPossible, "there is no OpenSSL 3 here")) struct SecureServerTests {
    // MARK: What is served

    @Test(arguments: PollerChoice.allCases)
    func pageAndChatAreServedOverTLS(poller: PollerChoice) throws {
        let server = try LiveServer(poller: poller, certificate: TestCertificate())
        #expect(server.firstLine == "Chatloop is listening on https://127.0.0.1:\(server.port)/")
        let page = try server.request("GET", "/")
        #expect(page.status == 200 && page.text.contains("<html"))
        #expect(try server.request("GET", "/healthz").text == "ok")
        let ada = try TestClient(server, as: "Ada", deflate: true)
        let bob = try TestClient(server, as: "Bob")
        _ = try ada.expect("join", of: "Bob")
        let text = String(repeating: "hello ", count: 600)
        try bob.say(text)
        for client in [ada, bob] { #expect(try client.expect("message").said == text) }
        #expect(try server.stop() == .exited(0))
        // The close frame of the stop, and the goodbye behind it.
        #expect(try ada.expectClose().code == 1001)
    }

    /// A welcome of two megabytes, taken slowly: the kernel refuses again and again in the middle of a record.
    @Test(arguments: PollerChoice.allCases)
    func aReaderThatIsSlowGetsAllOfALongAnswer(poller: PollerChoice) throws {
        let server = try LiveServer("--message-rate", "0", poller: poller, certificate: TestCertificate())
        let ada = try TestClient(server, as: "Ada")
        let text = String(repeating: "x", count: 3900)
        for i in 0..<400 {
            try ada.say("\(i) " + text)
            _ = try ada.expect("message")
        }
        let slow = try TestClient(server, receiveBuffer: 4096)
        try slow.send(#"{"type":"join","username":"Slow","since":1}"#)
        Thread.sleep(forTimeInterval: 0.5)
        let history: [JSON] = try slow.expect("welcome")["history"]
        #expect(
            history.filter { $0.type == "message" }.map { $0.said.prefix { $0 != " " } }
                == (0..<400).suffix(history.count { $0.type == "message" }).map { "\($0)" })
        #expect(history.count >= 400)
    }

    /// One that takes nothing is told so behind the rest of the frame that it has had the beginning of, also where a record ends
    /// within it.
    @Test(arguments: PollerChoice.allCases)
    func aReaderThatTakesNothingIsClosedWithWholeFrames(poller: PollerChoice) throws {
        let server = try LiveServer(
            "--message-rate", "0", "--max-queue", "100000", poller: poller, certificate: TestCertificate())
        let ada = try TestClient(server, as: "Ada")
        let slow = try TestClient(server, as: "Slow", receiveBuffer: 4096)
        _ = try ada.expect("join", of: "Slow")
        let text = String(repeating: "y", count: 3000)
        // More than the buffers of two sockets take.
        for round in 0..<3000 {
            try ada.say(text)
            _ = try ada.expect("message")
            if round % 100 == 99, try server.metric("losses_total{reason=\"too_slow\"}") > 0 { break }
        }
        #expect(try slow.expectClose().code == 1013)
        #expect(slow.violation == nil)
    }

    // MARK: Plain HTTP

    @Test func plainHTTPIsSentToHTTPS() throws {
        let server = try LiveServer(certificate: TestCertificate())
        func ask(_ head: String) throws -> HTTPAnswer {
            let socket = try TestSocket(port: server.port)
            try socket.send(head)
            let answer = try socket.answer()
            #expect(try socket.everything() == [])
            return answer
        }
        let page = try ask("GET /r/garden?x=1 HTTP/1.1\r\nHost: 127.0.0.1:\(server.port)\r\n\r\n")
        #expect(page.status == 308)
        #expect(page["Location"] == "https://127.0.0.1:\(server.port)/r/garden?x=1")
        let named = try ask("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        #expect(named["Location"] == "https://localhost/")
        let whole = try ask("GET http://localhost:99/a HTTP/1.1\r\nHost: localhost:99\r\n\r\n")
        #expect(whole["Location"] == "https://localhost:99/a")
        let upgrade = try ask(
            "GET /chat HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
        #expect(upgrade.status == 426)
        #expect(upgrade["Upgrade"] == "TLS/1.3")
        #expect(try ask("GET / HTTP/1.0\r\n\r\n").status == 426)
        #expect(try ask("NONSENSE\r\n\r\n").status == 400)
        #expect(try ask("GET / HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\n\r\n").status == 421)
        // And nobody has come by TLS yet: a connection that does is served.
        #expect(try server.request("GET", "/healthz").text == "ok")
    }

    @Test func aPageOfTheSameNameWithoutTLSMayNotOpenTheChat() throws {
        let server = try LiveServer(certificate: TestCertificate())
        for (origin, status) in [
            ("https://127.0.0.1:\(server.port)", 101), ("http://127.0.0.1:\(server.port)", 403),
            ("https://example.org", 403),
        ] {
            let answer = try server.request(
                "GET", "/chat",
                [
                    "Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13",
                    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Origin: \(origin)",
                ])
            #expect(answer.status == status, "\(origin)")
        }
    }

    // MARK: Bad peers

    @Test func brokenHandshakesHarmNobodyElse() throws {
        let server = try LiveServer("--log-level", "debug", certificate: TestCertificate())
        let ada = try TestClient(server, as: "Ada")
        let broken: [[UInt8]] = [
            [0x16], [0x16, 3, 1, 2, 0, 1, 0, 1], [0x16, 3, 1, 0, 5, 99, 0, 0, 1, 0],
            Array(repeating: 0xFF, count: 5000),
            [0x16, 3, 3, 0x50, 0] + Array(repeating: 1, count: 20_480), [0x80, 0x2E, 1, 3, 1],
            Array(repeating: 0, count: 100),
        ]
        for bytes in broken {
            let socket = try TestSocket(port: server.port)
            try socket.send(bytes)
            socket.finish()
            _ = try socket.everything()
            let cut = try TestSocket(port: server.port)
            try cut.send(bytes)
            cut.reset()
        }
        #expect(try server.child.errorLine(with: "tls-failed").contains("reason="))
        try ada.say("still here")
        #expect(try ada.expect("message").said == "still here")
    }

    /// A thousand at once from one address, while somebody chats: each is served, and the chat goes on meanwhile.
    @Test(.timeLimit(.minutes(5)), arguments: PollerChoice.allCases)
    func aThousandHandshakesAtOnceAreServedInTurns(poller: PollerChoice) throws {
        let certificate = try TestCertificate()
        let server = try LiveServer(
            "--message-rate", "0", "--request-timeout", "120", poller: poller, certificate: certificate)
        let ada = try TestClient(server, as: "Ada")
        let context = try TLSContext(authorities: certificate.certificateFile)
        // All say hello before anyone is answered.
        let crowd = try (0..<1000).map { _ in try TestSocket(port: server.port) }
        var ends: [TLSConnection] = []
        for socket in crowd {
            let end = try TLSConnection(to: "localhost", in: context)
            var hello: [UInt8] = []
            try end.start(sending: &hello)
            ends.append(end)
            try socket.send(hello)
        }
        let start = Deadline.now
        try ada.say("in the middle of it")
        #expect(try ada.expect("message").said == "in the middle of it")
        let wait = Deadline.now - start
        for (socket, end) in zip(crowd, ends) {
            try socket.open(end, hello: false)
            try socket.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        }
        for socket in crowd { #expect(try socket.answer().text == "ok") }
        let all = Deadline.now - start
        // Not behind all of them.
        #expect(wait < all / 2, "a message took \(wait) s of \(all) s")
    }

    // MARK: Certificates

    @Test func certificatesAreReadAgainAtSIGHUPWithoutADroppedConnection() throws {
        let certificate = try TestCertificate()
        let server = try LiveServer(certificate: certificate)
        let ada = try TestClient(server, as: "Ada")
        let next = try TestCertificate()
        try next.write(to: certificate.folder)
        server.child.signal(SIGHUP)
        _ = try server.child.errorLine(with: "event=certificates-read")
        // Old connections go on; new ones see the new certificate, and only that.
        try ada.say("still here")
        #expect(try ada.expect("message").said == "still here")
        #expect(try server.request("GET", "/healthz").text == "ok")
        let old = try TLSContext(authorities: next.certificateFile)
        let socket = try TestSocket(port: server.port)
        try socket.open(TLSConnection(to: "localhost", in: old))
    }

    @Test func aChangeOfTheFilesIsNoticedWithinTenSeconds() throws {
        let certificate = try TestCertificate()
        let server = try LiveServer(certificate: certificate)
        let next = try TestCertificate()
        try next.write(to: certificate.folder)
        _ = try server.child.errorLine(with: "event=certificates-read", within: 10)
    }

    @Test func aPairThatDoesNotWorkIsReportedAndTheOldOneStays() throws {
        let certificate = try TestCertificate()
        let trusted = certificate.folder + "/trusted.pem"
        try FileManager.default.copyItem(atPath: certificate.certificateFile, toPath: trusted)
        let server = try LiveServer(certificate: certificate)
        let other = try TestCertificate()
        try FileManager.default.removeItem(atPath: certificate.keyFile)
        try FileManager.default.copyItem(atPath: other.keyFile, toPath: certificate.keyFile)
        server.child.signal(SIGHUP)
        let line = try server.child.errorLine(with: "event=certificates-refused")
        #expect(line.contains("level=error") && line.contains("is not that of the certificate in"))
        let socket = try TestSocket(port: server.port)
        try socket.open(TLSConnection(to: "localhost", in: TLSContext(authorities: trusted)))
        try FileManager.default.removeItem(atPath: certificate.keyFile)
        server.child.signal(SIGHUP)
        #expect(try server.child.errorLine(with: "event=certificates-refused").contains("No such file"))
        #expect(try server.request("GET", "/healthz").text == "ok")
    }

    @Test func anExpiredCertificateIsServedWithAWarning() throws {
        let server = try LiveServer(certificate: TestCertificate(begins: -7200, ends: -3700))
        #expect(try server.child.errorLine(with: "event=certificate-warning").contains("expired 1 hour ago"))
        let socket = try TestSocket(port: server.port)
        try socket.open(TLSConnection(to: "localhost", in: TLSContext(isInsecure: true)))
    }

    @Test func whatCannotBeUsedEndsTheStartWithTheReason() throws {
        let certificate = try TestCertificate()
        let other = try TestCertificate()
        let missing = certificate.folder + "/none.pem"
        for (arguments, status, reason) in [
            (["--tls-cert", certificate.certificateFile], 64, "--tls-cert takes its key"),
            (["--tls-key", certificate.keyFile], 64, "--tls-key takes its certificate"),
            (
                ["--tls-cert", missing, "--tls-key", certificate.keyFile], 64,
                "cannot read \(missing): No such file or directory"
            ),
            (
                ["--tls-cert", certificate.certificateFile, "--tls-key", other.keyFile], 64,
                "is not that of the certificate in"
            ),
            (["--tls-cert", certificate.keyFile, "--tls-key", certificate.keyFile], 64, "holds no certificate in PEM"),
        ] as [([String], Int32, String)] {
            let child = try Command.start(["serve", "--ephemeral", "--port", "0"] + arguments)
            #expect(try child.wait() == .exited(status))
            let errors = child.allErrors()
            #expect(errors.contains(reason), "\(errors)")
            #expect(errors.split(separator: "\n").count == 1)
        }
    }
}

/// The same server, with peers of other makes.
@Suite(.ownThreads, .enabled(if: TestCertificate.isPossible, "there is no OpenSSL 3 here")) struct SecurePeerTests {
    /// A program of that name; nil, and a word on it, where there is none.
    private func program(_ name: String) -> String? {
        let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        let path = folders.map { "\($0)/\(name)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
        if path == nil { print("skipped: there is no \(name) to check against") }
        return path
    }

    @Test(arguments: ["-tls1_2", "-tls1_3"]) func openSSLsClientIsServed(version: String) throws {
        guard let openssl = program("openssl") else { return }
        let certificate = try TestCertificate()
        let server = try LiveServer(certificate: certificate)
        let child = try Child(
            openssl,
            [
                "s_client", "-connect", "127.0.0.1:\(server.port)", "-CAfile", certificate.certificateFile,
                "-verify_return_error",
                "-verify_hostname", "localhost", "-alpn", "h2,http/1.1", "-ign_eof", version,
            ])
        child.write("GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        let output = try child.rest()
        #expect(output.contains("Verify return code: 0 (ok)"))
        #expect(output.contains("ALPN protocol: http/1.1"))
        #expect(output.contains("HTTP/1.1 200 OK"))
        #expect(output.contains("\r\n\r\nok"))
        // A goodbye, not a line that is cut.
        #expect(!child.allErrors().contains("unexpected eof"))
        #expect(try child.wait() == .exited(0))
    }

    @Test func openSSLsClientResumesItsSession() throws {
        guard let openssl = program("openssl") else { return }
        let certificate = try TestCertificate()
        let server = try LiveServer(certificate: certificate)
        let file = certificate.folder + "/session"
        for (option, state) in [("-sess_out", "New"), ("-sess_in", "Reused")] {
            let child = try Child(
                openssl, ["s_client", "-connect", "127.0.0.1:\(server.port)", "-ign_eof", option, file])
            child.write("GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            #expect(try child.rest().contains("\(state), TLSv1.3"))
            if state == "New" {
                // Certificates that are read again do not end the sessions.
                server.child.signal(SIGHUP)
                _ = try server.child.errorLine(with: "event=certificates-read")
            }
        }
    }

    @Test func oldVersionsAreRefused() throws {
        guard let openssl = program("openssl") else { return }
        let server = try LiveServer(certificate: TestCertificate())
        let child = try Child(
            openssl, ["s_client", "-connect", "127.0.0.1:\(server.port)", "-tls1_1", "-cipher", "ALL:@SECLEVEL=0"])
        child.closeInput()
        #expect(try child.wait() == .exited(1))
        #expect(child.allErrors().contains("alert protocol version"))
    }

    @Test func curlIsServedAndFollowsToHTTPS() throws {
        guard let curl = program("curl") else { return }
        let certificate = try TestCertificate()
        let server = try LiveServer("--log-level", "debug", certificate: certificate)
        func run(_ arguments: String...) throws -> (Child.Ending, String) {
            let child = try Child(curl, ["-sS", "--cacert", certificate.certificateFile] + arguments)
            let output = try child.rest()
            return (try child.wait(), output)
        }
        #expect(try run("https://localhost:\(server.port)/healthz") == (.exited(0), "ok"))
        #expect(try run("-L", "http://localhost:\(server.port)/healthz") == (.exited(0), "ok"))
        #expect(try run("--tls-max", "1.2", "https://127.0.0.1:\(server.port)/healthz") == (.exited(0), "ok"))
        // 60: the certificate is not known to the system; and the log says what the other end did not like.
        let stranger = try Child(curl, ["-sS", "https://localhost:\(server.port)/"])
        #expect(try stranger.wait() == .exited(60))
        #expect(try server.child.errorLine(with: "tls-failed").contains("unknown CA"))
    }

    /// Three thousand requests on connections that are kept.
    @Test func pythonsWebSocketsChatOverTLS() throws {
        guard let python = CrossCheckTests.python(with: "websockets.sync.client, ssl") else { return }
        let certificate = try TestCertificate()
        let server = try LiveServer("--message-rate", "0", certificate: certificate)
        let script = """
            import json, ssl, sys
            from websockets.sync.client import connect
            context = ssl.create_default_context(cafile=sys.argv[2])
            def hear(socket, kind):
                while True:
                    message = json.loads(socket.recv(timeout=30))
                    if message["type"] == kind: return message
            sockets = [connect(sys.argv[1], ssl=context, origin=sys.argv[3], compression=c) for c in (None, "deflate")]
            for i, socket in enumerate(sockets):
                socket.send(json.dumps({"type": "join", "username": f"P{i}"}))
                hear(socket, "welcome")
            for n in range(300):
                text = "x" * (n * 13 % 4000) + "!"
                sockets[n % 2].send(json.dumps({"type": "message", "text": text}))
                for socket in sockets:
                    assert hear(socket, "message")["text"] == text
            for socket in sockets:
                socket.close(1000)
                assert socket.close_code == 1000, socket.close_code
            print("done")
            """
        let child = try Child(
            python,
            [
                "-u", "-c", script, "wss://localhost:\(server.port)/chat", certificate.certificateFile,
                "https://localhost:\(server.port)",
            ])
        let output = try child.rest()
        #expect(output == "done\n", "\(child.allErrors())")
    }
}
