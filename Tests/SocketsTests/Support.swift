import Foundation
import Platform
import Sockets
import Support
import Testing

/// A loopback address with a port that the system picks.
let anywhere = SocketAddress(address: IPAddress(v4: 0x7F00_0001), port: 0)

/// The two ends of a TCP connection on this machine, both nonblocking. They are closed with their owner.
final class Pair {
    let listener: Listener
    private(set) var near: Int32
    private(set) var far: Int32
    /// Where the far end says that it comes from.
    let peer: SocketAddress

    init(_ address: SocketAddress = anywhere) throws {
        listener = try Listener(address: address)
        far = try Stream.connect(to: listener.address)
        (near, peer) = try waitForArrival(at: listener)
        try #require(waitUntilWritable(far))
        try #require(Stream.connectError(far) == nil)
    }

    deinit {
        closeNear()
        closeFar()
    }

    func closeNear() {
        if near >= 0 { Stream.close(near) }
        near = -1
    }

    func closeFar() {
        if far >= 0 { Stream.close(far) }
        far = -1
    }

    /// Breaks the connection off from the far end (RST).
    func resetFar() {
        var linger = linger(l_onoff: 1, l_linger: 0)
        setsockopt(far, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<linger>.size))
        closeFar()
    }
}

/// Accepts the connection that is on its way.
func waitForArrival(at listener: Listener) throws -> (Int32, SocketAddress) {
    for _ in 0..<100 {
        if case .accepted(let stream, let peer) = listener.accept() { return (stream, peer) }
        _ = wait(for: listener.descriptor, POLLIN)
    }
    throw Failure("nobody came")
}

/// A Unix socket that listens.
func listenUnix(_ path: String) throws -> Int32 {
    let descriptor = socket(AF_UNIX, streamSocket, 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    try #require(path.utf8.count < MemoryLayout.size(ofValue: address.sun_path))
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let isListening = withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0 && listen(descriptor, 1) == 0
        }
    }
    try #require(isListening)
    return descriptor
}

/// Waits at most half a minute, by a call of the system's own.
func wait(for descriptor: Int32, _ events: Int32) -> Bool {
    var entry = pollfd(fd: descriptor, events: Int16(events), revents: 0)
    return poll(&entry, 1, 30_000) == 1
}

func waitUntilReadable(_ descriptor: Int32) -> Bool { wait(for: descriptor, POLLIN) }
func waitUntilWritable(_ descriptor: Int32) -> Bool { wait(for: descriptor, POLLOUT) }

/// Sends once.
func send(_ descriptor: Int32, _ bytes: [UInt8]) -> Transmission { Stream.send(descriptor, bytes.span) }

/// Receives once, at most `count` bytes.
func receive(_ descriptor: Int32, _ count: Int = 65_536) -> (Reception, [UInt8]) {
    var bytes = [UInt8](repeating: 0, count: count)
    var span = bytes.mutableSpan
    let reception = Stream.receive(descriptor, into: &span)
    guard case .received(let got) = reception else { return (reception, []) }
    return (reception, Array(bytes[..<got]))
}

/// Receives until `count` bytes have come.
func receiveAll(_ descriptor: Int32, _ count: Int) throws -> [UInt8] {
    var all: [UInt8] = []
    while all.count < count {
        guard waitUntilReadable(descriptor) else { throw Failure("only \(all.count) bytes of \(count)") }
        let (reception, bytes) = receive(descriptor)
        guard case .received = reception else { throw Failure("\(reception) after \(all.count) bytes of \(count)") }
        all += bytes
    }
    return all
}

/// Sends until the kernel takes no more.
///
/// - Returns: how much it has taken.
func fill(_ descriptor: Int32) throws -> Int {
    let bytes = [UInt8](repeating: 7, count: 65_536)
    var total = 0
    while true {
        switch Stream.send(descriptor, bytes.span) {
        case .sent(let count): total += count
        case .wouldBlock, .exhausted: return total
        case .failed(let error): throw Failure("sending failed: \(error)")
        }
    }
}

extension Reception {
    var isWouldBlock: Bool { if case .wouldBlock = self { true } else { false } }
    var isEnd: Bool { if case .end = self { true } else { false } }
    var error: Int32? { if case .failed(let code) = self { code } else { nil } }
}

extension Transmission {
    var count: Int? { if case .sent(let count) = self { count } else { nil } }
    var isWouldBlock: Bool { if case .wouldBlock = self { true } else { false } }
    var error: Int32? { if case .failed(let code) = self { code } else { nil } }
}

extension Acceptance {
    var isWouldBlock: Bool { if case .wouldBlock = self { true } else { false } }
}
