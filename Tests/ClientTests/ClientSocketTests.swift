import Sockets
import Support
import Testing

@testable import Client

/// How a client finds the address that answers.
@Suite struct ClientSocketTests {
    private static let anywhere = SocketAddress(address: IPAddress(v4: 0x7F00_0001), port: 0)

    /// Waits for the end of an attempt.
    private func end(_ socket: ClientSocket, _ poller: any Poller) throws -> ClientSocket.Progress {
        let deadline = Deadline()
        while !deadline.isOver {
            poller.wait(milliseconds: 1000)
            for readiness in poller.ready {
                if let progress = socket.becameReady(readiness, now: 0) { return progress }
            }
        }
        throw Failure("nothing came of it")
    }

    /// The first address never answers: that is told by the time alone, so the test waits for nothing.
    @Test func address_thatIsSilent_givesWayToTheNext() throws {
        let poller = try PollerKind.poll.makePoller()
        let (silent, live) = (try Listener(address: Self.anywhere), try Listener(address: Self.anywhere))
        let socket = ClientSocket(poller: poller, token: 1, addresses: [silent.address, live.address])
        guard case .connecting = socket.connect(now: 5_000) else { throw Failure("it does not connect") }
        #expect(socket.nextAddressAt == 7_000)
        guard case .connecting = socket.connect(now: 7_000) else { throw Failure("it does not go on") }
        #expect(socket.nextAddressAt == nil)
        guard case .connected = try end(socket, poller) else { throw Failure("it does not get there") }
        guard case .accepted = live.accept() else { throw Failure("nobody came") }
        #expect(socket.isConnected && socket.nextAddressAt == nil)
    }

    @Test func address_thatAnswers_isKept() throws {
        let poller = try PollerKind.poll.makePoller()
        let listeners = [try Listener(address: Self.anywhere), try Listener(address: Self.anywhere)]
        let socket = ClientSocket(poller: poller, token: 1, addresses: listeners.map(\.address))
        _ = socket.connect(now: 0)
        guard case .connected = try end(socket, poller) else { throw Failure("it does not get there") }
        #expect(socket.nextAddressAt == nil)
        guard case .accepted = listeners[0].accept() else { throw Failure("nobody came") }
    }
}
