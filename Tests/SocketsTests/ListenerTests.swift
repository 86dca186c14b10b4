import Foundation
import Platform
import Sockets
import Support
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

    @Test func aPortIsSharedByThoseWhoAllWantIt() throws {
        let first = try Listener(address: anywhere, sharesPort: true)
        let second = try Listener(address: first.address, sharesPort: true)
        #expect(second.address == first.address)
        #expect(try Listener.open([first.address], sharesPort: true).map(\.address) == [first.address])
        let error = #expect(throws: SystemError.self) { _ = try Listener(address: first.address) }
        #expect(error?.code == EADDRINUSE)
        let alone = try Listener(address: anywhere)
        #expect(throws: SystemError.self) { _ = try Listener(address: alone.address, sharesPort: true) }
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

    /// What a service manager hands over for each connection (`Accept=yes`), a datagram socket, one that nobody listens on.
    @Test func inherited_socketThatDoesNotListen_isRefusedWithTheReason() throws {
        let pair = try Pair()
        let datagram = socket(AF_INET, datagramSocket, 0)
        let bound = socket(AF_INET, streamSocket, 0)
        defer { for descriptor in [datagram, bound] { close(descriptor) } }
        for (descriptor, reason) in [
            (pair.near, "does not listen"), (datagram, "no stream socket"), (bound, "does not listen"),
        ] {
            let error = #expect(throws: SystemError.self) { _ = try Listener(inherited: descriptor) }
            #expect(error?.description.contains(reason) == true && error?.description.contains("\(descriptor)") == true)
        }
    }

    @Test func inherited_unixListener_isRefusedWithTheReason() throws {
        let folder = try TemporaryFolder()
        let descriptor = try listenUnix("\(folder.path)/socket")
        defer { close(descriptor) }
        let error = #expect(throws: SystemError.self) { _ = try Listener(inherited: descriptor) }
        #expect(error?.description.contains("TCP") == true)
    }

    /// A socket that listens no more never gives a connection again, and is not tried for ever.
    @Test func accept_ofWhatListensNoMore_isImpossible() throws {
        let listener = try Listener(address: anywhere)
        let file = open("/dev/null", O_RDONLY)
        defer { close(file) }
        dup2(file, listener.descriptor)
        guard case .impossible(let error) = listener.accept() else { throw Failure("accept goes on") }
        #expect(error.code == ENOTSOCK)
    }

    // MARK: Names with several addresses

    private func v6(_ text: String) throws -> SocketAddress {
        SocketAddress(address: try #require(IPAddress(text)), port: 0)
    }

    private func connects(to host: String, _ port: UInt16, at listener: Listener) throws -> Bool {
        let stream = try Stream.connect(to: SocketAddress(address: try #require(IPAddress(host)), port: port))
        defer { Stream.close(stream) }
        guard waitUntilWritable(stream), Stream.connectError(stream) == nil else { return false }
        let (accepted, peer) = try waitForArrival(at: listener)
        Stream.close(accepted)
        return peer.address == IPAddress(host)
    }

    @Test func open_ofBothFamilies_hasOnePort() throws {
        guard (try? Listener(address: v6("::1"))) != nil else { return print("skipped: this machine has no ::1") }
        let listeners = try Listener.open([v6("::1"), anywhere])
        #expect(listeners.count == 2 && listeners[0].address.port == listeners[1].address.port)
        #expect(try connects(to: "::1", listeners[0].address.port, at: listeners[0]))
        #expect(try connects(to: "127.0.0.1", listeners[0].address.port, at: listeners[1]))
    }

    @Test func open_withAnAddressThatIsNotHere_takesTheOthers() throws {
        let listeners = try Listener.open([v6("2001:db8::1"), anywhere])
        #expect(listeners.map(\.address.address) == [anywhere.address])
        let error = #expect(throws: SystemError.self) { _ = try Listener.open([v6("2001:db8::1"), v6("192.0.2.1")]) }
        #expect(error?.isAddressUnavailable == true && error?.description.contains("2001:db8::1") == true)
    }

    /// Somebody else would answer under one of the two.
    @Test func open_whereOneOfTheTwoIsTaken_isAnError() throws {
        guard let other = try? Listener(address: v6("::1")) else { return print("skipped: this machine has no ::1") }
        let port = other.address.port
        let addresses = [anywhere, other.address].map { SocketAddress(address: $0.address, port: port) }
        let error = #expect(throws: SystemError.self) { _ = try Listener.open(addresses) }
        #expect(error?.isAddressInUse == true)
    }

    @Test func open_ofAnyIPv6Address_takesIPv4Too() throws {
        guard let listener = try? Listener(address: v6("::")) else { return print("skipped: this machine has no IPv6") }
        #expect(try connects(to: "127.0.0.1", listener.address.port, at: listener))
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
