import Cluster
import Foundation
import Platform
import Support

/// A socket to a real engine.
final class UnixSocket {
    private let descriptor: Int32

    init(_ engine: RealEngine) throws {
        descriptor = descriptorLock.withLock {
            let descriptor = socket(AF_UNIX, streamSocket, 0)
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
            return descriptor
        }
        var place = sockaddr_un()
        place.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &place.sun_path) { $0.copyBytes(from: engine.socketPath.utf8) }
        let result = withUnsafePointer(to: &place) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard result == 0 else { throw Failure("cannot connect to \(engine.socketPath): \(errno)") }
        ignoreBrokenPipes()
    }

    deinit { close(descriptor) }

    func send(_ bytes: [UInt8]) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            guard count > 0 else { throw Failure("the engine has ended the connection") }
            rest = rest.dropFirst(count)
        }
    }

    /// Whether something has come by then.
    func waits(_ deadline: Deadline) -> Bool { deadline.wait(for: descriptor) }

    func receive() throws -> [UInt8] {
        var buffer = [UInt8](repeating: 0, count: 65536)
        let count = read(descriptor, &buffer, buffer.count)
        guard count > 0 else { throw Failure("the engine has ended the connection") }
        return Array(buffer[..<count])
    }
}

/// A connection to a real engine that waits for what it wants.
final class EngineSocket {
    private let socket: UnixSocket
    private var connection: EngineConnection
    private(set) var line = ""
    private var events: [EngineConnection.Event] = []
    private var lastTag: UInt64 = 0

    init(
        _ engine: RealEngine, _ role: EngineConnection.Role = .commands, address: ClusterAddress? = nil
    ) throws {
        socket = try UnixSocket(engine)
        guard let address = address ?? ClusterAddress("unix:\(engine.socketPath)") else { throw Failure("no address") }
        connection = EngineConnection(to: address, as: role, node: "test", now: 0)
        guard case .opened(let line) = try next() else { throw Failure("not opened") }
        self.line = line
    }

    /// The next thing that happens.
    func next(_ deadline: Deadline = Deadline()) throws -> EngineConnection.Event {
        while true {
            if !events.isEmpty {
                let event = events.removeFirst()
                if case .failed(let fault) = event { throw fault }
                return event
            }
            try socket.send(connection.output)
            connection.output = []
            guard socket.waits(deadline) else { throw Failure("the engine says nothing") }
            let bytes = try socket.receive()
            events += connection.receive(bytes.span, now: 0)
        }
    }

    /// What was published by now. What the engine did before it takes the subscription here comes before its answer.
    func published() throws -> [EngineConnection.Event] {
        connection.subscribe(to: Array("barrier".utf8))
        var found: [EngineConnection.Event] = []
        while true {
            let event = try next()
            if case .subscribed = event { return found }
            found.append(event)
        }
    }

    func ask(_ command: RESPCommand) throws -> RESPValue {
        lastTag += 1
        connection.send(command, tag: lastTag)
        guard case .answer(let tag, let value) = try next(), tag == lastTag else { throw Failure("no answer") }
        return value
    }

    func ask(_ words: String...) throws -> RESPValue { try ask(RESPCommand(words.map { Array($0.utf8) })) }

    func subscribe(to channel: [UInt8]) throws {
        connection.subscribe(to: channel)
        guard case .subscribed = try next() else { throw Failure("no subscription") }
    }
}
