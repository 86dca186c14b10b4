import Foundation
import Support
import Testing

/// Behind nginx and Caddy, with the configurations that `chatloop deploy` prints: as they stand there, but for ports,
/// certificates and folders.
@Suite(.ownThreads) struct ReverseProxyTests {
    /// The program, if it is here, and openssl for a certificate; nil, and a word on it, if not.
    private static func find(_ name: String) -> String? {
        let folders = ["/usr/sbin", "/usr/bin", "/usr/local/bin", "/opt/homebrew/bin"]
        let path = folders.map { "\($0)/\(name)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
        if path == nil { print("skipped: there is no \(name) here to stand in front of the chat") }
        return path
    }

    /// What `chatloop deploy` prints, as it is, or with the lines that are commented out in place of those above each.
    private static func configuration(_ way: String, underASubPath: Bool) throws -> String {
        let lines = try Command.start(["deploy", way]).rest().components(separatedBy: "\n")
        guard underASubPath else { return lines.joined(separator: "\n") }
        var kept: [String] = []
        for line in lines {
            let code = line.drop { $0 == " " }.dropFirst(2)
            // Sentences begin with a capital letter.
            guard line.hasPrefix(" "), line.contains("# "), code.first?.isUppercase == false else {
                kept.append(line)
                continue
            }
            if let last = kept.last,
                code.hasPrefix("location") || code.hasPrefix("proxy_pass") || code.hasPrefix("redir "),
                !last.contains("#")
            {
                kept.removeLast()
            }
            kept.append(String(code))
        }
        return kept.joined(separator: "\n")
    }

    private static func makeCertificate(in folder: String, _ openssl: String) throws {
        let child = try Child(
            openssl,
            [
                "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=chat.example.org",
                "-addext",
                "subjectAltName=DNS:chat.example.org", "-keyout", "\(folder)/chat.key", "-out", "\(folder)/chat.pem",
            ])
        guard try child.wait() == .exited(0) else { throw Failure("no certificate: \(child.allErrors())") }
    }

    // MARK: The programs

    @Test(arguments: [false, true])
    func behindNginx(underASubPath: Bool) throws {
        guard let nginx = Self.find("nginx"), let openssl = Self.find("openssl") else { return }
        let folder = try TemporaryFolder()
        try Self.makeCertificate(in: folder.path, openssl)
        let server = try LiveServer("--trust-proxy", "127.0.0.1", "--max-connections-per-address", "2")
        let port = try freePort()
        let block = try Self.configuration("nginx", underASubPath: underASubPath)
            .replacing("listen 443 ssl", with: "listen 127.0.0.1:\(port) ssl")
            .replacing("listen [::]:443 ssl;", with: "")
            .replacing("/etc/ssl/", with: "\(folder.path)/")
            .replacing("127.0.0.1:8080", with: "127.0.0.1:\(server.port)")
        #expect(block.contains("# location /talk/ {") != underASubPath)
        let folders = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map { "\($0)_temp_path \(folder.path)/\($0);\n" }.joined()
        try folder.write(
            "nginx.conf",
            """
            daemon off; pid \(folder.path)/nginx.pid; error_log \(folder.path)/error.log;
            events {}
            http { access_log off; \(folders) \(block) }
            """)
        let child = try Child(
            nginx, ["-c", "\(folder.path)/nginx.conf", "-p", folder.path, "-e", "\(folder.path)/error.log"])
        try Self.check(child, server, port, underASubPath ? "/talk" : "", folder.path)
        try Self.stop(child)
    }

    @Test(arguments: [false, true])
    func behindCaddy(underASubPath: Bool) throws {
        guard let caddy = Self.find("caddy"), let openssl = Self.find("openssl") else { return }
        let folder = try TemporaryFolder()
        try Self.makeCertificate(in: folder.path, openssl)
        let server = try LiveServer("--trust-proxy", "127.0.0.1", "--max-connections-per-address", "2")
        let port = try freePort()
        let block = try Self.configuration("caddy", underASubPath: underASubPath)
            .replacing(
                "chat.example.org {",
                with:
                    "https://chat.example.org:\(port) {\n bind 127.0.0.1\n tls \(folder.path)/chat.pem \(folder.path)/chat.key"
            ).replacing("127.0.0.1:8080", with: "127.0.0.1:\(server.port)")
        #expect(block.contains("\nhandle_path /talk/* {") == underASubPath)
        try folder.write("Caddyfile", "{\n admin off\n auto_https disable_redirects\n}\n\(block)")
        let child = try Child(
            caddy, ["run", "--config", "\(folder.path)/Caddyfile", "--adapter", "caddyfile"],
            environment: ["HOME": folder.path, "XDG_DATA_HOME": folder.path, "XDG_CONFIG_HOME": folder.path])
        try Self.check(child, server, port, underASubPath ? "/talk" : "", folder.path)
        try Self.stop(child)
    }

    private static func stop(_ child: Child) throws {
        child.signal(SIGTERM)
        _ = try child.wait()
    }

    // MARK: What holds behind any of them

    private static func check(_ child: Child, _ server: LiveServer, _ port: UInt16, _ path: String, _ folder: String)
        throws
    {
        guard let python = CrossCheckTests.python(with: "websockets.sync.client") else { return }
        let visitor = try Child(python, ["-u", "-c", visit, "\(port)", path, "\(folder)/chat.pem"])
        let output = try visitor.rest(within: 60)
        #expect(output == "fine\n", "\(visitor.allErrors()), and the proxy says \(child.allErrors())")
        // What the proxy passed on was counted, and nobody was lost.
        #expect(try server.metric("rejections_total{reason=\"too_many_from_address\"}") > 0)
    }

    /// A visitor of another make, who comes over TLS and checks the certificate.
    private static let visit = """
        import http.client, json, socket, ssl, sys, time
        from websockets.sync.client import connect
        from websockets.exceptions import InvalidStatus, ConnectionClosed
        port, path, authority = int(sys.argv[1]), sys.argv[2], "chat.example.org:" + sys.argv[1]
        context = ssl.create_default_context(cafile=sys.argv[3])
        # From an address that is not the proxy's, which is trusted.
        def come(): return socket.create_connection(("127.0.0.1", port), 10, ("127.0.0.2", 0))
        def get(target):
            connection = http.client.HTTPConnection("chat.example.org", port)
            connection.sock = context.wrap_socket(
                come(), server_hostname="chat.example.org")
            connection.request("GET", path + target)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        def chat(name=None, origin="https://" + authority, **fields):
            client = connect("wss://" + authority + path + "/chat", ssl=context, server_hostname="chat.example.org",
                sock=come(), origin=origin, additional_headers=fields)
            if name: client.send(json.dumps(dict(type="join", username=name)))
            return client
        def hear(client, kind):
            while True:
                message = json.loads(client.recv(timeout=20))
                if message["type"] == kind: return message
        for attempt in range(200):
            try: start = get("/healthz")
            except OSError: start = None
            if start == (200, "ok"): break
            time.sleep(0.05)
        assert start == (200, "ok"), start
        # The page, a room's page, and a file by the address that stands in it.
        status, page = get("/")
        assert status == 200 and '"./app.js"' in page, page
        assert get("/app.js")[0] == 200
        status, page = get("/r/garden")
        assert status == 200 and '"../app.js"' in page, page
        # For loopback only: the proxy is on loopback, but whoever asks it is not.
        assert get("/metrics")[0] == 404
        ada, bo = chat("Ada"), chat("Bo", **{"X-Forwarded-For": "192.0.2.77"})
        hear(bo, "welcome")
        ada.send(json.dumps(dict(type="message", text="through TLS")))
        assert hear(bo, "message")["text"] == "through TLS"
        try: assert chat(origin="https://evil.example") is None
        except InvalidStatus as refusal: assert refusal.response.status_code == 403
        # Whoever comes through the proxy counts by their own address, and cannot make another one up.
        third = chat(**{"X-Forwarded-For": "192.0.2.78"})
        try: assert third.recv(timeout=20) is None
        except ConnectionClosed as closed: assert closed.rcvd.code == 1013, closed
        for client in (ada, bo): client.close()
        print("fine")
        """
}
