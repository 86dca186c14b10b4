import Testing

@testable import TLS

/// A client and a server, and what is on its way between them.
final class Pair {
    let client: TLSConnection
    let server: TLSConnection
    private var toServer: [UInt8] = []
    private var toClient: [UInt8] = []
    /// What each has got from the other.
    var heardByServer: [UInt8] = []
    var heardByClient: [UInt8] = []

    /// - Parameter prepare: is called with the client's end before it begins.
    init(
        _ client: TLSContext, _ server: TLSContext, host: String = "localhost",
        prepare: (TLSConnection) -> Void = { _ in }
    ) throws {
        self.client = try TLSConnection(to: host, in: client)
        prepare(self.client)
        self.server = try TLSConnection(serving: server)
        try self.client.start(sending: &toServer)
    }

    /// Brings everything that is on its way, in pieces of at most `size` bytes, until there is nothing more.
    func run(pieces size: Int = .max) throws {
        while !toServer.isEmpty || !toClient.isEmpty {
            try step(&toServer, server, &heardByServer, &toClient, size)
            try step(&toClient, client, &heardByClient, &toServer, size)
        }
    }

    /// Brings what is on its way to the server: the first `count` bytes, then the rest.
    func bringToServer(splitAt count: Int) throws {
        var first = Array(toServer.prefix(count))
        toServer.removeFirst(first.count)
        try step(&first, server, &heardByServer, &toClient, .max)
        try step(&toServer, server, &heardByServer, &toClient, .max)
    }

    /// The same the other way.
    func bringToClient(splitAt count: Int) throws {
        var first = Array(toClient.prefix(count))
        toClient.removeFirst(first.count)
        try step(&first, client, &heardByClient, &toServer, .max)
        try step(&toClient, client, &heardByClient, &toServer, .max)
    }

    var onTheWay: (toServer: Int, toClient: Int) { (toServer.count, toClient.count) }

    func say(_ bytes: [UInt8], by side: KeyPath<Pair, TLSConnection>) throws {
        if side == \.client {
            try client.send(bytes.span, into: &toServer)
        } else {
            try server.send(bytes.span, into: &toClient)
        }
    }

    func finish(_ side: KeyPath<Pair, TLSConnection>) {
        if side == \.client { client.finish(into: &toServer) } else { server.finish(into: &toClient) }
    }

    private func step(
        _ wire: inout [UInt8], _ end: TLSConnection, _ heard: inout [UInt8], _ reply: inout [UInt8], _ size: Int
    ) throws {
        let bytes = wire
        wire = []
        var at = 0
        while at < bytes.count {
            let piece = Array(bytes[at..<min(bytes.count, at + min(size, bytes.count))])
            at += piece.count
            heard += try take(piece, end, &reply)
        }
    }
}

/// What an end of a connection makes of received bytes.
func take(_ bytes: [UInt8], _ end: TLSConnection, _ reply: inout [UInt8]) throws -> [UInt8] {
    var plaintext = [UInt8](repeating: 0, count: TLSConnection.room(for: bytes.count))
    var span = plaintext.mutableSpan
    let count = try end.receive(bytes.span, into: &span, sending: &reply)
    return Array(plaintext.prefix(count))
}

extension Trait where Self == ConditionTrait {
    /// Skips a test where there is no OpenSSL 3.
    static var needsOpenSSL: Self {
        var reason = ""
        do { try TLSContext.requireLibrary() } catch { reason = "\(error)" }
        let isThere = reason.isEmpty
        return .enabled(if: isThere, Comment(rawValue: reason))
    }
}
