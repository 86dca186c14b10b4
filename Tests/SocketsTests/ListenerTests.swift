import Foundation
import Sockets
import Testing

/// Listening and accepting.
@Suite struct ListenerTests {
    @Test(arguments: ["127.0.0.1", "::1"])
    func itTellsTheRealPortAndWhoComes(host: String) throws {
        let address = try #require(IPAddress(host))
        guard let pair = try? Pair(SocketAddress(address: address, port: 0)) else {
            print("skipped: this machine has no \(host)")
            return
        }
        #expect(pair.listener.address.port > 0)
        #expect(pair.listener.address.address == address)
        #expect(pair.peer.address == address)
        #expect(pair.peer.port != pair.listener.address.port)
    }

    @Test func withNobodyThereItDoesNotWait() throws {
        let listener = try Listener(address: anywhere)
        #expect(listener.accept().isWouldBlock)
        let stream = try Stream.connect(to: listener.address)
        defer { Stream.close(stream) }
        let (accepted, _) = try waitForArrival(at: listener)
        defer { Stream.close(accepted) }
        #expect(listener.accept().isWouldBlock)
        // What is accepted does not wait either, and is not there in programs that this one starts.
        #expect(receive(accepted).0.isWouldBlock)
        #expect(fcntl(accepted, F_GETFD) & FD_CLOEXEC != 0)
        #expect(fcntl(listener.descriptor, F_GETFD) & FD_CLOEXEC != 0)
    }

    @Test func aPortIsTakenByOneOnly() throws {
        let listener = try Listener(address: anywhere)
        let error = #expect(throws: SystemError.self) { _ = try Listener(address: listener.address) }
        #expect(error?.code == EADDRINUSE)
        #expect(error?.description.contains("\(listener.address)") == true)
        #expect(error?.isPermission == false)
    }

    @Test func theAddressOfAnotherMachineCannotBeListenedOn() throws {
        let address = SocketAddress(address: try #require(IPAddress("192.0.2.1")), port: 0)
        let error = #expect(throws: SystemError.self) { _ = try Listener(address: address) }
        #expect(error?.code == EADDRNOTAVAIL)
    }

    /// Connections that wind down (TIME_WAIT) keep a port from being listened on, unless SO_REUSEADDR is set.
    @Test func aRestartCanTakeThePortWhileOldConnectionsWindDown() throws {
        var pair: Pair? = try Pair()
        let address = try #require(pair?.listener.address)
        // Whoever ends first is the one who has to remember.
        pair?.closeNear()
        if let far = pair?.far { #expect(waitUntilReadable(far) && receive(far).0.isEnd) }
        pair = nil
        #expect(try Listener(address: address).address == address)
    }

    @Test func anInheritedSocketIsListenedOn() throws {
        let original = try Listener(address: anywhere)
        let listener = try Listener(inherited: dup(original.descriptor))
        #expect(listener.address == original.address)
        let stream = try Stream.connect(to: listener.address)
        defer { Stream.close(stream) }
        Stream.close(try waitForArrival(at: listener).0)
    }

    @Test func whatIsNoSocketCannotBeInherited() throws {
        let file = open("/dev/null", O_RDONLY)
        defer { close(file) }
        #expect(throws: SystemError.self) { _ = try Listener(inherited: file) }
        #expect(throws: SystemError.self) { _ = try Listener(inherited: -1) }
    }

    /// Somebody who has come and gone again before being accepted does not end the listening.
    @Test func whoGivesUpWhileWaitingHarmsNobody() throws {
        let listener = try Listener(address: anywhere)
        for _ in 0..<10 {
            let stream = try Stream.connect(to: listener.address)
            #expect(waitUntilWritable(stream))
            var linger = linger(l_onoff: 1, l_linger: 0)
            setsockopt(stream, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<linger>.size))
            Stream.close(stream)
        }
        // On Linux they are accepted and found broken; elsewhere they are told of as aborted.
        for _ in 0..<20 {
            if case .accepted(let stream, _) = listener.accept() {
                #expect(receive(stream).0.error == ECONNRESET)
                Stream.close(stream)
            }
        }
        let stream = try Stream.connect(to: listener.address)
        defer { Stream.close(stream) }
        Stream.close(try waitForArrival(at: listener).0)
    }
}
