import WebSocket

/// A chat client on a connection: bytes in, bytes out, and what is new for the user.
///
/// It puts `ChatClient`, which knows of no bytes, on `ClientConnection`, which knows of no chat. Its owner, a loop over a
/// socket or a simulated world, opens and ends connections when it is asked to, and carries the bytes.
package struct ClientSession {
    /// What is asked of its owner.
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
    private let random: () -> UInt64

    /// What is asked for, in order. The owner sees to it and takes it out.
    package var requests: [Request] = []
    /// What is new, in order. The owner shows it and takes it out.
    package var events: [ClientEvent] = []
    /// Why the last attempt to connect has led to no WebSocket.
    package private(set) var refusal: ConnectionRefusal?

    /// Nil where there is no memory for zlib.
    ///
    /// - Parameters:
    ///   - deflate: whether to offer permessage-deflate.
    ///   - random: gives 64 bits that nobody can guess.
    package init?(client: ChatClient, url: ClientURL, deflate: Bool = true, random: @escaping () -> UInt64) {
        guard let inflater = Inflater(), let deflater = Deflater() else { return nil }
        self.client = client
        self.url = url
        self.deflate = deflate
        self.inflater = inflater
        self.deflater = deflater
        self.random = random
    }

    // MARK: The connection

    /// The connection that was asked for is there: the handshake begins.
    package mutating func connected() {
        refusal = nil
        lastWords = []
        connection = ClientConnection(
            authority: url.authority, target: url.target, nonce: ClientConnection.nonce(random), deflate: deflate)
    }

    /// Takes bytes from the connection.
    package mutating func received(_ bytes: Span<UInt8>, now: Int64) {
        var offset = 0
        let random = random
        client.heard(now: now)
        while true {
            arena.removeAll(keepingCapacity: arena.capacity <= 1 << 16)
            let event = connection?.next(in: bytes, at: &offset, into: &arena, inflater: inflater) {
                UInt32(truncatingIfNeeded: random())
            }
            guard let event else { return }
            take(event, now)
        }
    }

    /// The connection has ended, or could not be made.
    package mutating func disconnected(now: Int64) {
        if case .refused(let refusal) = connection?.end() { self.refusal = refusal }
        connection = nil
        lastWords = []
        act { $0.disconnected(.abnormal, now: now, into: &$1) }
    }

    private mutating func take(_ event: ConnectionEvent, _ now: Int64) {
        switch event {
        case .opened: act { $0.connected(now: now, into: &$1) }
        case .text(let range):
            let text = arena
            act { $0.received(text.span.extracting(range), now: now, into: &$1) }
        case .binary, .pong: break
        case .closed(let code, let reason): over(code ?? .noStatus, text(reason), now)
        case .refused(let refusal):
            self.refusal = refusal
            over(.abnormal, "", now)
        case .violation: over(.abnormal, "", now)
        }
    }

    /// The connection has said its last; what is left of our side goes out, and then it ends.
    private mutating func over(_ code: CloseCode, _ reason: String, _ now: Int64) {
        retire()
        act { $0.disconnected(code, reason: reason, now: now, into: &$1) }
    }

    private func text(_ range: Range<Int>) -> String { String(decoding: arena[range], as: UTF8.self) }

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

    // MARK: The user and time

    /// Asks for something: now, or when there is a connection. The request's identifier has 128 random bits.
    ///
    /// - Returns: false if the outbox is full.
    package mutating func request(_ request: ChatRequest, now: Int64) -> Bool {
        let id = "\(String(random(), radix: 36))-\(String(random(), radix: 36))"
        return act { $0.request(request, id: id, now: now, into: &$1) }
    }

    package mutating func say(_ text: String, now: Int64) -> Bool { request(.message(text: text), now: now) }

    /// Does something with the client, and sees to what follows.
    @discardableResult
    package mutating func act<Result>(_ body: (inout ChatClient, inout [ClientAction]) -> Result) -> Result {
        let result = body(&client, &actions)
        for action in actions { perform(action) }
        actions.removeAll(keepingCapacity: true)
        return result
    }

    private mutating func perform(_ action: ClientAction) {
        let key = UInt32(truncatingIfNeeded: random())
        switch action {
        case .connect: requests.append(.connect)
        case .send(let text): connection?.send(text.span, key: key, deflater: deflater)
        case .sendSecret(let text): connection?.send(text.span, key: key)
        case .ping:
            let nothing: [UInt8] = []
            connection?.send(nothing.span, as: .ping, key: key)
        case .close(let code):
            connection?.close(code, key: key)
            retire()
        case .show(let event): events.append(event)
        }
    }
}
