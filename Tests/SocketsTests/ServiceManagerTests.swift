import Foundation
import Sockets
import Support
import Testing

/// What a service manager hands over and is told; the tests play its part.
@Suite struct ServiceManagerTests {
    /// Sockets under the numbers that follow each other, as a service manager leaves them.
    private func handOver(_ count: Int, from first: Int32) throws -> [SocketAddress] {
        try (0..<count).map { index in
            let listener = try Listener(address: anywhere)
            try #require(dup2(listener.descriptor, first + Int32(index)) >= 0)
            return listener.address
        }
    }

    @Test func theSocketsThatWereOpenedAreUsed() throws {
        let variables = ["LISTEN_PID": "\(getpid())", "LISTEN_FDS": "2"]
        let addresses = try handOver(2, from: 800)
        let listeners = try ServiceManager.inheritedListeners(firstDescriptor: 800) { variables[$0] }
        #expect(listeners.map(\.address) == addresses)
        let stream = try Stream.connect(to: addresses[1])
        defer { Stream.close(stream) }
        Stream.close(try waitForArrival(at: listeners[1]).0)
    }

    @Test(arguments: [
        [:], ["LISTEN_FDS": "1"], ["LISTEN_PID": "1", "LISTEN_FDS": "1"], ["LISTEN_PID": "self"],
        ["LISTEN_PID": "self", "LISTEN_FDS": "0"], ["LISTEN_PID": "self", "LISTEN_FDS": "-1"],
        ["LISTEN_PID": "self", "LISTEN_FDS": "65"], ["LISTEN_PID": "self", "LISTEN_FDS": "2147483648"],
        ["LISTEN_PID": "self", "LISTEN_FDS": "x"], ["LISTEN_PID": "", "LISTEN_FDS": "1"],
    ])
    func whatIsForSomeoneElseOrMakesNoSenseIsLeftAlone(variables: [String: String]) throws {
        let found = try ServiceManager.inheritedListeners(firstDescriptor: 900) { name in
            variables[name] == "self" ? "\(getpid())" : variables[name]
        }
        #expect(found.isEmpty)
    }

    @Test func aDescriptorThatIsNoSocketIsAnError() throws {
        let file = open("/dev/null", O_RDONLY)
        try #require(dup2(file, 850) == 850)
        close(file)
        defer { close(850) }
        let variables = ["LISTEN_PID": "\(getpid())", "LISTEN_FDS": "1"]
        #expect(throws: SystemError.self) {
            _ = try ServiceManager.inheritedListeners(firstDescriptor: 850) { variables[$0] }
        }
    }

    // MARK: Telling

    @Test(arguments: NotifySocket.Place.allCases)
    func readinessIsToldToAFileAndToAName(place: NotifySocket.Place) throws {
        let manager = try NotifySocket(place)
        ServiceManager.notify("READY=1") { $0 == "NOTIFY_SOCKET" ? manager.name : nil }
        #expect(manager.heard() == "READY=1")
    }

    @Test(arguments: [nil, "", "relative", "/nonexistent/folder/socket", "/" + String(repeating: "x", count: 300)])
    func whereNobodyListensNothingHappens(path: String?) {
        ServiceManager.notify("READY=1") { _ in path }
    }
}
