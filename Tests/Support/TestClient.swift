import Client
import Foundation
import WebSocket

/// A JSON object as Foundation reads it: an independent opinion on what the server says.
package struct JSON: CustomStringConvertible, @unchecked Sendable {
    package let text: String
    private let object: [String: Any]

    package init(_ bytes: [UInt8]) {
        text = String(decoding: bytes, as: UTF8.self)
        object =
            (try? JSONSerialization.jsonObject(with: Data(bytes))) as? [String: Any] ?? ["type": "no JSON: \(text)"]
    }

    private init(_ object: [String: Any]) {
        text = "\(object)"
        self.object = object
    }

    package var description: String { text }
    package var type: String { self["type"] ?? "" }
    package var seq: Int { self["seq"] ?? -1 }
    /// What a message says.
    package var said: String { self["text"] ?? "" }
    package subscript(name: String) -> String? { object[name] as? String }
    package subscript(name: String) -> Int? { object[name] as? Int }
    package subscript(name: String) -> Bool? { object[name] as? Bool }
    package subscript(name: String) -> [String]? { object[name] as? [String] }
    package subscript(name: String) -> [JSON] { (object[name] as? [[String: Any]] ?? []).map(JSON.init) }
    package subscript(name: String) -> JSON? { (object[name] as? [String: Any]).map(JSON.init) }
    package var keys: Set<String> { Set(object.keys) }
    /// A member of any type, as Foundation has it.
    package func value(_ name: String) -> Any? { object[name] }
}

/// A chatter who does exactly what a test says, over the project's own WebSocket client, and waits for what it expects.
package final class TestClient {
    package let socket: TestSocket
    package private(set) var connection: ClientConnection
    package private(set) var session = ""
    /// The code and the reason of the server's close frame.
    package private(set) var closing: (code: Int?, reason: String)?
    package private(set) var violation: Violation?
    private var messages: [JSON] = []
    private var binaries: [[UInt8]] = []
    private var pongs: [[UInt8]] = []
    private let inflater: Inflater
    private let deflater: Deflater
    /// Whether pings are answered.
    package var answersPings = true

    /// Connects and does the handshake.
    package convenience init(
        _ server: LiveServer, room: String = "lobby", target: String? = nil, deflate: Bool = false,
        subprotocols: [String] = [], fields: [(String, String)] = [], receiveBuffer: Int32? = nil
    ) throws {
        try self.init(
            server.connect(receiveBuffer: receiveBuffer), port: server.port, target: target ?? "/chat?room=\(room)",
            deflate: deflate, subprotocols: subprotocols, fields: fields)
    }

    /// The same with any server on this machine.
    package convenience init(
        port: UInt16, target: String, deflate: Bool = false, subprotocols: [String] = [],
        fields: [(String, String)] = [], receiveBuffer: Int32? = nil
    ) throws {
        try self.init(
            TestSocket(port: port, receiveBuffer: receiveBuffer), port: port, target: target, deflate: deflate,
            subprotocols: subprotocols, fields: fields)
    }

    private init(
        _ socket: TestSocket, port: UInt16, target: String, deflate: Bool, subprotocols: [String],
        fields: [(String, String)]
    ) throws {
        guard let inflater = Inflater(), let deflater = Deflater() else { throw Failure("no zlib") }
        (self.inflater, self.deflater) = (inflater, deflater)
        self.socket = socket
        var nonce = SIMD16<UInt8>()
        for index in nonce.indices { nonce[index] = .random(in: 0...255) }
        connection = ClientConnection(
            authority: "127.0.0.1:\(port)", target: target, nonce: nonce, subprotocols: subprotocols, deflate: deflate,
            fields: fields)
        try flush()
        let deadline = Deadline()
        while connection.phase == .opening { try receive(deadline, "the handshake") }
    }

    /// Connects and joins.
    package convenience init(
        _ server: LiveServer, as username: String, room: String = "lobby", deflate: Bool = false,
        receiveBuffer: Int32? = nil
    ) throws {
        try self.init(server, room: room, deflate: deflate, receiveBuffer: receiveBuffer)
        try join(username)
        _ = try expect("join", of: username)
    }

    // MARK: Sending

    private var holdsBack = false

    /// Sends all that the body sends in one write.
    package func sendAtOnce(_ body: () throws -> Void) throws {
        holdsBack = true
        try body()
        holdsBack = false
        try flush()
    }

    private func flush() throws {
        guard !holdsBack else { return }
        let output = connection.output
        connection.output = []
        if !output.isEmpty { try socket.send(output) }
    }

    package func send(_ text: String, compressed: Bool = false) throws {
        let bytes = Array(text.utf8)
        connection.send(bytes.span, key: .random(in: 0 ... .max), deflater: compressed ? deflater : nil)
        try flush()
    }

    package func send(binary bytes: [UInt8]) throws {
        connection.send(bytes.span, as: .binary, key: .random(in: 0 ... .max))
        try flush()
    }

    package func ping(_ bytes: [UInt8] = []) throws {
        connection.send(bytes.span, as: .ping, key: .random(in: 0 ... .max))
        try flush()
    }

    /// Sends an object of the protocol.
    package func send(_ object: [String: Any]) throws {
        let data = try JSONSerialization.data(withJSONObject: object)
        try send(String(decoding: data, as: UTF8.self))
    }

    package func say(_ text: String, id: String? = nil) throws {
        try send(["type": "message", "text": text].merging(id.map { ["id": $0] } ?? [:]) { $1 })
    }

    /// Sends a close frame.
    package func close(_ code: CloseCode) throws {
        connection.close(code, key: .random(in: 0 ... .max))
        try flush()
    }

    // MARK: Receiving

    private func receive(_ deadline: Deadline, _ what: String) throws {
        guard let bytes = try socket.receive(deadline, what: what) else {
            if case .refused(let refusal) = connection.end() { throw Failure("\(refusal)") }
            throw Failure("the connection ended while waiting for \(what)")
        }
        var (offset, arena): (Int, [UInt8]) = (0, [])
        while let event = connection.next(
            in: bytes.span, at: &offset, into: &arena, inflater: inflater, key: { .random(in: 0 ... .max) })
        {
            switch event {
            case .opened: break
            case .text(let range): messages.append(JSON(Array(arena[range])))
            case .binary(let range): binaries.append(Array(arena[range]))
            case .pong(let range): pongs.append(Array(arena[range]))
            case .closed(let code, let reason):
                closing = (code.map { Int($0.rawValue) }, String(decoding: arena[reason], as: UTF8.self))
            case .refused(let refusal): throw Failure("\(refusal)")
            case .violation(let violation): self.violation = violation
            }
            arena = []
        }
        if !answersPings { connection.output = [] }
        if closing == nil { try flush() }
    }

    /// The next message.
    package func next(_ what: String = "a message", within seconds: Double = Deadline.standard) throws -> JSON {
        let deadline = Deadline(seconds: seconds)
        while messages.isEmpty {
            if let closing { throw Failure("closed with \(closing) while waiting for \(what)") }
            try receive(deadline, what)
        }
        return messages.removeFirst()
    }

    /// The next message, which must be of this type, and by this user if one is named.
    package func expect(
        _ type: String, of username: String? = nil, within seconds: Double = Deadline.standard
    ) throws -> JSON {
        let message = try next("\(type) of \(username ?? "anyone")", within: seconds)
        guard message.type == type, username == nil || message["username"] == username else {
            throw Failure("got \(message) instead of \(type) of \(username ?? "anyone")")
        }
        return message
    }

    /// The next message, which must be an error with this code.
    package func expectError(_ code: String) throws -> JSON {
        let message = try expect("error")
        guard message["code"] == code else { throw Failure("got \(message) instead of \(code)") }
        return message
    }

    /// Passes over messages until one of this type comes, by this user if one is named.
    package func skip(
        to type: String, of username: String? = nil, within seconds: Double = Deadline.standard
    ) throws -> JSON {
        let deadline = Deadline(seconds: seconds)
        while true {
            let message = try next("\(type) of \(username ?? "anyone")", within: deadline.secondsLeft)
            if message.type == type, username == nil || message["username"] == username { return message }
        }
    }

    /// Joins, and waits for the welcome.
    @discardableResult
    package func join(
        _ username: String, session: String? = nil, since: Int? = nil, key: String? = nil
    ) throws -> JSON {
        var object: [String: Any] = ["type": "join", "username": username]
        if let key { object["key"] = key }
        if let session { object["session"] = session }
        if let since { object["since"] = since }
        try send(object)
        let welcome = try expect("welcome")
        self.session = welcome["session"] ?? ""
        return welcome
    }

    /// Proves that nothing else has come: asks for something, and whatever was said before comes before the answer.
    package func expectNothingElse() throws {
        try send(["type": "history", "before": 1, "limit": 1])
        let message = try next("the answer to history")
        guard message.type == "history" else { throw Failure("got \(message), and nothing was due") }
    }

    package func nextPong() throws -> [UInt8] {
        let deadline = Deadline()
        while pongs.isEmpty { try receive(deadline, "a pong") }
        return pongs.removeFirst()
    }

    package func nextBinary() throws -> [UInt8] {
        let deadline = Deadline()
        while binaries.isEmpty { try receive(deadline, "a binary message") }
        return binaries.removeFirst()
    }

    /// Waits for the server's close frame and the end of the connection; messages before it are kept.
    package func expectClose(within seconds: Double = Deadline.standard) throws -> (code: Int?, reason: String) {
        let deadline = Deadline(seconds: seconds)
        while closing == nil { try receive(deadline, "a close frame") }
        // The answer to it may meet a connection that is closed already.
        try? flush()
        socket.finish()
        _ = try socket.everything(deadline)
        guard let closing else { throw Failure("no close frame") }
        return closing
    }
}
