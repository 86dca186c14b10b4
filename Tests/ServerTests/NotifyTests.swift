import Foundation
import Platform
import Support
import Testing

/// What the service manager hands over (sd_listen_fds(3)), and what can be wrong with it, as the real server takes it.
@Suite(.ownThreads) struct InheritedSocketTests {
    /// The server with a descriptor of this process as the first that it is handed.
    private func start(with descriptor: Int32) throws -> Child {
        let command = try Command.path()
        let script = "export LISTEN_PID=$$ LISTEN_FDS=1; exec '\(command)' --ephemeral"
        return try Child("/bin/sh", ["-c", script], inheriting: descriptor, as: 3)
    }

    @Test func listener_isServedOn() throws {
        let (descriptor, port) = try listenAnywhere()
        defer { close(descriptor) }
        let child = try start(with: descriptor)
        #expect(try child.line() == "Chatloop is listening on http://127.0.0.1:\(port)/")
        let socket = try TestSocket(port: port)
        try socket.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        #expect(try socket.answer().text == "ok")
        child.signal(SIGTERM)
        #expect(try child.wait() == .exited(0))
    }

    /// What `systemd-socket-activate --accept` hands over, and a socket for datagrams.
    @Test func whatDoesNotListen_isRefusedWithTheReason() throws {
        let (listener, port) = try listenAnywhere()
        defer { close(listener) }
        let socket = try TestSocket(port: port)
        let datagram = descriptorLock.withLock { () -> Int32 in
            let descriptor = Foundation.socket(AF_INET, datagramSocket, 0)
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
            return descriptor
        }
        defer { close(datagram) }
        for descriptor in [socket.descriptor, datagram] {
            let child = try start(with: descriptor)
            #expect(try child.wait() == .exited(69))
            let errors = child.allErrors()
            #expect(errors.contains("ListenStream=") && !errors.contains("--host"), "\(errors)")
            #expect(errors.split(separator: "\n").count == 1)
        }
    }

    /// A listener that is taken away while the server runs: it says so, and ends, instead of trying for ever.
    @Test func listenerThatIsShutDown_endsTheServer() throws {
        let (descriptor, port) = try listenAnywhere()
        defer { close(descriptor) }
        let child = try start(with: descriptor)
        _ = try child.line()
        let socket = try TestSocket(port: port)
        try socket.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        #expect(try socket.answer().text == "ok")
        try #require(shutdown(descriptor, Int32(SHUT_RDWR)) == 0)
        #expect(try child.wait() == .exited(69))
        #expect(child.allErrors().contains("chatloop: Nobody can connect any more: cannot accept a connection"))
    }
}

/// What the service manager is told (sd_notify(3)), by the real server.
@Suite(.ownThreads) struct NotifyTests {
    @Test(arguments: NotifySocket.Place.allCases)
    func itIsReadyOnceItAcceptsConnections(place: NotifySocket.Place) throws {
        let manager = try NotifySocket(place)
        let child = try Command.start(
            ["serve", "--port", "0", "--ephemeral"], environment: ["NOTIFY_SOCKET": manager.name])
        #expect(manager.heard() == "READY=1")
        // The address was said before; nobody has to try again to connect there.
        let line = try child.line(within: 0)
        let port = try #require(line.split(separator: ":").last.flatMap { UInt16($0.dropLast()) })
        let socket = try TestSocket(port: port)
        try socket.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        #expect(try socket.answer().text == "ok")
        child.signal(SIGTERM)
        #expect(manager.heard() == "STOPPING=1")
        #expect(try child.wait() == .exited(0))
        #expect(manager.heard(within: 0) == nil)
    }

    /// Readiness is not just said at the start.
    @Test func whoCannotListenIsNotReady() throws {
        let server = try LiveServer()
        let manager = try NotifySocket(.file)
        let child = try Command.start(
            ["serve", "--port", "\(server.port)", "--ephemeral"], environment: ["NOTIFY_SOCKET": manager.name])
        #expect(try child.wait() == .exited(69))
        #expect(manager.heard(within: 0) == nil)
    }

    /// A manager that waits for a service to stop is to know from the start that it does, not when all has been said.
    @Test(arguments: NotifySocket.Place.allCases)
    func aStopIsToldWhenItBegins(place: NotifySocket.Place) throws {
        let manager = try NotifySocket(place)
        let server = try LiveServer(environment: ["NOTIFY_SOCKET": manager.name])
        #expect(manager.heard() == "READY=1")
        // Someone who does not answer the close frame holds the stop up.
        let deaf = try TestClient(server, as: "Deaf")
        server.child.signal(SIGTERM)
        #expect(manager.heard() == "STOPPING=1")
        // It is still at it: a second signal finds it so.
        server.child.signal(SIGTERM)
        #expect(try server.child.wait() == .killed(by: SIGTERM))
        _ = deaf
    }

    @Test func aManagerThatDoesNotListenHindersNothing() throws {
        let full = try NotifySocket(.file)
        full.fill()
        for name in ["/nonexistent/folder/socket", "@chatloop-nobody", "relative", full.name] {
            let server = try LiveServer(environment: ["NOTIFY_SOCKET": name])
            #expect(try server.request("GET", "/healthz").text == "ok")
            #expect(try server.stop() == .exited(0))
        }
    }
}
