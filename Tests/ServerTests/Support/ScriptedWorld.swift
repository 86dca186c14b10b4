import Server
import Sockets

/// A world in which nothing happens but what a test says: for what must be counted tick by tick.
///
/// It tells of what has come in once, as epoll does, and in the order of the connections.
struct ScriptedWorld: World {
    let script: Script
    private(set) var ready: [Readiness] = []
    private(set) var hasArrivals = false

    init(_ script: Script) { self.script = script }

    var monotonic: Int64 { script.now }
    var wall: Int64 { script.now / 1_000_000 }
    /// Never the same twice: sessions are made of it.
    mutating func random() -> UInt64 {
        script.draws += 1
        return script.draws
    }

    mutating func wait(until deadline: Int64?) {
        script.now += 1000
        hasArrivals = script.peers.count > script.accepted
        ready = script.peers.filter(\.hasNews).compactMap { peer in
            peer.token.map { Readiness(token: $0, isReadable: true, isWritable: false, isEnding: false) }
        }
        for peer in script.peers where peer.token != nil { peer.hasNews = false }
    }

    mutating func sleep(until time: Int64) { script.now = max(script.now, time) }
    mutating func nextSignal() -> Int32? { nil }

    mutating func accept() -> Acceptance {
        guard script.accepted < script.peers.count else { return .wouldBlock }
        script.accepted += 1
        return .accepted(
            Int32(script.accepted - 1), SocketAddress(address: IPAddress(v4: 0x7F00_0001), port: 40_000))
    }

    mutating func setAccepting(_ wanted: Bool) {}
    mutating func stopListening() {}

    mutating func watch(_ stream: Int32, token: UInt64) -> Bool {
        script.peers[Int(stream)].token = token
        return true
    }

    mutating func setReadInterest(_ stream: Int32, _ wanted: Bool) {}
    mutating func setWriteInterest(_ stream: Int32, _ wanted: Bool) {}

    mutating func receive(_ stream: Int32, into buffer: inout [UInt8]) -> Reception {
        let peer = script.peers[Int(stream)]
        let count = min(buffer.count, peer.waiting.count)
        guard count > 0 else { return .wouldBlock }
        for offset in 0..<count { buffer[offset] = peer.waiting[peer.waiting.startIndex + offset] }
        peer.waiting = peer.waiting.dropFirst(count)
        peer.taken += count
        return .received(count)
    }

    mutating func send(_ stream: Int32, _ bytes: Span<UInt8>) -> Transmission {
        for index in bytes.indices { script.peers[Int(stream)].heard.append(bytes[index]) }
        return .sent(bytes.count)
    }

    func unsentBytes(_ stream: Int32) -> Int { 0 }
    mutating func finishSending(_ stream: Int32) {}
    mutating func close(_ stream: Int32) { script.peers[Int(stream)].isClosed = true }
    mutating func log(_ line: String) {}
    var droppedLogLines: Int { 0 }
}

/// What happens in a scripted world, and what has.
final class Script {
    var draws: UInt64 = 0
    fileprivate(set) var now: Int64 = 1_000_000_000
    let peers: [Peer]
    fileprivate(set) var accepted = 0

    init(peers: Int) { self.peers = (0..<peers).map { _ in Peer() } }

    /// Someone at the other end of a connection.
    final class Peer {
        fileprivate var waiting: ArraySlice<UInt8> = []
        fileprivate var hasNews = false
        fileprivate var token: UInt64?
        /// Bytes that the server has received.
        fileprivate(set) var taken = 0
        fileprivate(set) var heard: [UInt8] = []
        fileprivate(set) var isClosed = false

        func say(_ bytes: [UInt8]) {
            waiting += bytes
            hasNews = true
        }

        /// Whether all that was said has been received.
        var isHeardOut: Bool { waiting.isEmpty }
        func hasHeard(_ text: String) -> Bool { String(decoding: heard, as: UTF8.self).contains(text) }
    }
}
