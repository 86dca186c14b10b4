import Foundation
import Sockets
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

    /// A datagram socket at a path, or under a name that is no file if it begins with a zero byte.
    private func listen(at path: [UInt8]) throws -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path) }
        #if canImport(Darwin)
            let kind = SOCK_DGRAM
        #else
            let kind = Int32(SOCK_DGRAM.rawValue)
        #endif
        let descriptor = socket(AF_UNIX, kind, 0)
        let length = socklen_t(MemoryLayout<sa_family_t>.size + path.count)
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) }
        }
        try #require(result == 0)
        return descriptor
    }

    private func heard(_ descriptor: Int32) -> String? {
        guard waitUntilReadable(descriptor) else { return nil }
        var bytes = [UInt8](repeating: 0, count: 100)
        let count = read(descriptor, &bytes, bytes.count)
        return String(decoding: bytes[..<max(0, count)], as: UTF8.self)
    }

    @Test func readinessIsToldToAFile() throws {
        let path = "\(NSTemporaryDirectory())/chatloop-notify-\(getpid())"
        defer { unlink(path) }
        let descriptor = try listen(at: Array(path.utf8) + [0])
        defer { close(descriptor) }
        ServiceManager.notify("READY=1") { $0 == "NOTIFY_SOCKET" ? path : nil }
        #expect(heard(descriptor) == "READY=1")
    }

    #if os(Linux)
        @Test func readinessIsToldToAName() throws {
            let name = "chatloop-notify-\(getpid())"
            let descriptor = try listen(at: [0] + Array(name.utf8))
            defer { close(descriptor) }
            ServiceManager.notify("STOPPING=1") { $0 == "NOTIFY_SOCKET" ? "@\(name)" : nil }
            #expect(heard(descriptor) == "STOPPING=1")
        }
    #endif

    @Test(arguments: [nil, "", "relative", "/nonexistent/folder/socket", "/" + String(repeating: "x", count: 300)])
    func whereNobodyListensNothingHappens(path: String?) {
        ServiceManager.notify("READY=1") { _ in path }
    }
}
