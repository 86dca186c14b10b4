import Client
import Sockets
import TLS

/// One connection of a load.
struct LoadClient {
    enum Phase: Sendable {
        /// It has no descriptor.
        case vacant
        /// TCP's handshake is under way.
        case connecting
        /// The WebSocket's is.
        case opening
        /// It may speak, but has joined no room yet.
        case open
        /// The welcome is awaited.
        case joining
        case joined
        /// It has said goodbye.
        case leaving
    }

    var phase = Phase.vacant
    var descriptor: Int32 = -1
    /// Where it has been told to connect to.
    var address: SocketAddress?
    /// Grows with each connection in this place, so that what a poller has found of an earlier one is not taken for it.
    var generation: UInt32 = 0
    var connection: ClientConnection
    /// Nil without TLS, and before its handshake.
    var tls: TLSConnection?
    /// Ciphertext that waits to be sent.
    var ciphertext: [UInt8] = []
    /// Which sender it is; nil if it only listens.
    var sender: Int?
    /// Messages of its own that have come back, and are to be followed by new ones.
    var returned = 0
    /// Whether the latency of what it hears is recorded.
    var isSampled = false
    /// When it began to connect (ns).
    var started: Int64 = 0

    init(authority: String, target: String, nonce: SIMD16<UInt8>) {
        // What compression costs is another question. Without it both ends do what they do for each message anyway.
        connection = ClientConnection(authority: authority, target: target, nonce: nonce, deflate: false)
    }

    /// What a poller calls the connection in place `index`.
    func token(_ index: Int) -> UInt64 { UInt64(generation) << 32 | UInt64(index) }

    /// Sends what is waiting, as far as the kernel takes it.
    ///
    /// - Returns: false if some is left, for which there is no room now.
    mutating func flush() -> Bool {
        guard let tls else { return Self.send(&connection.output, descriptor) }
        if tls.state == .open || tls.state == .ended {
            // The next receive reports the error.
            let output = connection.output
            try? tls.send(output.span, into: &ciphertext)
            connection.output.removeAll(keepingCapacity: true)
        }
        return Self.send(&ciphertext, descriptor)
    }

    private static func send(_ bytes: inout [UInt8], _ descriptor: Int32) -> Bool {
        while !bytes.isEmpty {
            switch Stream.send(descriptor, bytes.span) {
            case .sent(let count) where count == bytes.count: bytes.removeAll(keepingCapacity: true)
            case .sent(let count): bytes.removeFirst(count)
            case .wouldBlock, .exhausted: return false
            // The next receive tells.
            case .failed: bytes.removeAll()
            }
        }
        return true
    }
}
