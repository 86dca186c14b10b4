import WebSocket

/// A chat client on a connection: bytes in, bytes out, and what is new for the person.
///
/// It puts `ChatClient`, which knows of no bytes, on `ClientConnection`, which knows of no chat. Whoever runs it, a loop
/// over a socket or a simulated world, opens and ends connections when it is asked to, and carries the bytes.
package struct Chatter {
    /// What is asked of whoever runs it.
    package enum Request: Equatable, Sendable {
        /// Open a connection to the server, and call `connected` or `disconnected`. One that there is must be let go.
        case connect
        /// Send what is in the output, tell that nothing follows (FIN), and end the connection when the server has ended it,
        /// or after a while: what it still sends would break the connection, and with it our last words. It does not count
        /// any more: nothing of it is handed in.
        case disconnect
    }

    package private(set) var client: ChatClient
    package let url: ClientURL
    private let deflate: Bool
    private let inflater: Inflater
    private let deflater: Deflater
    private var connection: ClientConnection?
    /// What a connection that does not count any more has still to say.
    private var lastWords: [UInt8] = []
    private var arena: [UInt8] = []
    private var actions: [ClientAction] = []

    /// What is asked for, in order. Whoever sees to it takes it out.
    package var requests: [Request] = []
    /// What is new, in order. Whoever shows it takes it out.
    package var news: [News] = []
    /// Why the last attempt to connect has led to no WebSocket.
    package private(set) var refusal: ConnectionRefusal?

    /// Nil where there is no memory for zlib.
    ///
    /// - Parameter deflate: whether to offer permessage-deflate.
    package init?(client: ChatClient, url: ClientURL, deflate: Bool = true) {
        guard let inflater = Inflater(), let deflater = Deflater() else { return nil }
        self.client = client
        self.url = url
        self.deflate = deflate
        self.inflater = inflater
        self.deflater = deflater
    }

    // MARK: The connection

    /// The connection that was asked for is there: the handshake begins.
    ///
    /// - Parameter random: gives 64 bits that nobody can guess.
    package mutating func connected(random: () -> UInt64) {
        refusal = nil
        lastWords = []
        connection = ClientConnection(
            authority: url.authority, target: url.target, nonce: ClientConnection.nonce(random), deflate: deflate)
    }

    /// Takes bytes from the connection.
    package mutating func received(_ bytes: Span<UInt8>, now: Int64, random: () -> UInt64) {
        var offset = 0
        client.heard(now: now)
        while true {
            arena.removeAll(keepingCapacity: arena.capacity <= 1 << 16)
            let event = connection?.next(in: bytes, at: &offset, into: &arena, inflater: inflater) {
                UInt32(truncatingIfNeeded: random())
            }
            guard let event else { return }
            take(event, now, random)
        }
    }

    /// The connection has ended, or could not be made.
    package mutating func disconnected(now: Int64, random: () -> UInt64) {
        if case .refused(let refusal) = connection?.end() { self.refusal = refusal }
        connection = nil
        lastWords = []
        act(random) { $0.disconnected(.abnormal, now: now, into: &$1) }
    }

    private mutating func take(_ event: ConnectionEvent, _ now: Int64, _ random: () -> UInt64) {
        switch event {
        case .opened: act(random) { $0.connected(now: now, into: &$1) }
        case .text(let range):
            let text = arena
            act(random) { $0.received(text.span.extracting(range), now: now, into: &$1) }
        case .binary, .pong: break
        case .closed(let code, _): over(code ?? .noStatus, now, random)
        case .refused(let refusal):
            self.refusal = refusal
            over(.abnormal, now, random)
        case .violation: over(.abnormal, now, random)
        }
    }

    /// The connection has said its last; what is left of our side goes out, and then it ends.
    private mutating func over(_ code: CloseCode, _ now: Int64, _ random: () -> UInt64) {
        retire()
        act(random) { $0.disconnected(code, now: now, into: &$1) }
    }

    private mutating func retire() {
        lastWords = connection?.output ?? []
        connection = nil
        requests.append(.disconnect)
    }

    /// Takes out what is to be sent.
    package mutating func takeOutput() -> [UInt8] {
        if connection == nil {
            defer { lastWords = [] }
            return lastWords
        }
        defer { connection?.output = [] }
        return connection?.output ?? []
    }

    // MARK: The person and time

    /// Says something: now, or when there is a connection.
    ///
    /// - Parameter random: gives 64 bits that nobody can guess. The message's identifier has 128 of them.
    /// - Returns: false if the outbox is full.
    package mutating func say(_ text: String, now: Int64, random: () -> UInt64) -> Bool {
        let id = "\(String(random(), radix: 36))-\(String(random(), radix: 36))"
        return act(random) { $0.say(text, id: id, now: now, into: &$1) }
    }

    /// Does something with the client, and sees to what follows.
    @discardableResult
    package mutating func act<Result>(
        _ random: () -> UInt64, _ body: (inout ChatClient, inout [ClientAction]) -> Result
    ) -> Result {
        let result = body(&client, &actions)
        for action in actions { perform(action, random) }
        actions.removeAll(keepingCapacity: true)
        return result
    }

    private mutating func perform(_ action: ClientAction, _ random: () -> UInt64) {
        let key = UInt32(truncatingIfNeeded: random())
        switch action {
        case .connect: requests.append(.connect)
        case .send(let text): connection?.send(text.span, key: key, deflater: deflater)
        case .ping:
            let nothing: [UInt8] = []
            connection?.send(nothing.span, as: .ping, key: key)
        case .close(let code):
            connection?.close(code, key: key)
            retire()
        case .show(let item): news.append(item)
        }
    }
}
