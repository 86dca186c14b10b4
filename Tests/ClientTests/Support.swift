import Bytes
import Chat
import Support
import Testing
import WebSocket

@testable import Client

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

/// What a server's message is for the client; nil where it makes no sense.
func parse(_ text: String) -> ServerMessage? { ServerMessage(bytes(text).span) }

// MARK: Connections

/// The nonce of RFC 6455, section 1.3: the sample there has the key and the accept that go with it.
let sampleNonce: SIMD16<UInt8> = {
    var nonce = SIMD16<UInt8>()
    for (index, byte) in "the sample nonce".utf8.enumerated() { nonce[index] = byte }
    return nonce
}()

/// The right answer to a request with that nonce, with fields exchanged or added.
func answer(
    status: String = "HTTP/1.1 101 Switching Protocols", upgrade: String? = "websocket",
    connection: String? = "Upgrade",
    accept: String? = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", more: String...
) -> [UInt8] {
    var lines = [status]
    if let upgrade { lines.append("Upgrade: \(upgrade)") }
    if let connection { lines.append("Connection: \(connection)") }
    if let accept { lines.append("Sec-WebSocket-Accept: \(accept)") }
    return bytes((lines + more).map { $0 + "\r\n" }.joined() + "\r\n")
}

/// An event with its payload, apart from any arena.
enum Happening: Equatable {
    case opened(deflate: Bool, subprotocol: String?)
    case text(String)
    case binary([UInt8])
    case pong([UInt8])
    case closed(UInt16?, String)
    case refused(ConnectionRefusal)
    case violation(Violation)
}

/// A connection, and all that has come of it.
struct Line {
    var connection: ClientConnection
    var happenings: [Happening] = []
    /// Everything that was sent, the request left out.
    var sent: [UInt8] = []
    private let inflater: Inflater
    private var keys = SeededGenerator(seed: 1)

    init(deflate: Bool = false, subprotocols: [String] = ["chatloop.v1"], maxMessage: Int = 65536) throws {
        connection = ClientConnection(
            authority: "a.example", target: "/chat", nonce: sampleNonce, subprotocols: subprotocols, deflate: deflate,
            maxMessage: maxMessage)
        connection.output = []
        inflater = try #require(Inflater())
    }

    /// The same with the handshake done.
    static func open(deflate: Bool = false, maxMessage: Int = 65536) throws -> Line {
        var line = try Line(deflate: deflate, maxMessage: maxMessage)
        let offer =
            "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover"
        line.receive(deflate ? answer(more: offer) : answer())
        #expect(line.happenings.count == 1)
        line.happenings = []
        return line
    }

    mutating func receive(_ input: [UInt8]) {
        var arena: [UInt8] = [0xAA]  // payloads come after what is there
        var offset = 0
        while let event = connection.next(
            in: input.span, at: &offset, into: &arena, inflater: inflater,
            key: { UInt32(truncatingIfNeeded: keys.next()) })
        {
            happenings.append(Happening(event, in: arena))
        }
        #expect(offset == input.count)
        sent += connection.output
        connection.output = []
    }

    /// - Returns: whether it was taken.
    mutating func send(_ text: String, key: UInt32 = 5, deflater: Deflater? = nil) -> Bool {
        connection.send(bytes(text).span, key: key, deflater: deflater)
    }

    /// Like `connection.end()`.
    mutating func end() -> ConnectionEvent? { connection.end() }

    /// What has been sent, as a server reads it.
    var heardByServer: [ReaderEvent] {
        var reader = MessageReader(role: .server, deflate: connection.agreement?.deflate ?? false)
        var (arena, offset, events): ([UInt8], Int, [ReaderEvent]) = ([], 0, [])
        while let event = reader.next(
            in: sent.span, at: &offset, into: &arena, maxMessage: 1 << 20, inflater: inflater)
        {
            events.append(event)
        }
        return events
    }

    /// The texts that have been sent, as a server reads them.
    var textsHeardByServer: [String] {
        var reader = MessageReader(role: .server, deflate: connection.agreement?.deflate ?? false)
        var (arena, offset, texts): ([UInt8], Int, [String]) = ([], 0, [])
        while let event = reader.next(
            in: sent.span, at: &offset, into: &arena, maxMessage: 1 << 20, inflater: inflater)
        {
            if case .text(let range) = event { texts.append(String(decoding: arena[range], as: UTF8.self)) }
        }
        return texts
    }
}

extension Happening {
    init(_ event: ConnectionEvent, in arena: [UInt8]) {
        func string(_ range: Range<Int>) -> String { String(decoding: arena[range], as: UTF8.self) }
        switch event {
        case .opened(let agreed): self = .opened(deflate: agreed.deflate, subprotocol: agreed.subprotocol)
        case .text(let range): self = .text(string(range))
        case .binary(let range): self = .binary(Array(arena[range]))
        case .pong(let range): self = .pong(Array(arena[range]))
        case .closed(let code, let reason): self = .closed(code?.rawValue, string(reason))
        case .refused(let refusal): self = .refused(refusal)
        case .violation(let violation): self = .violation(violation)
        }
    }
}

/// A server's frame.
func frame(_ opcode: Opcode, _ payload: [UInt8] = [], compressed: Bool = false, final: Bool = true) -> [UInt8] {
    var bytes: [UInt8] = []
    Frame.append(to: &bytes, opcode: opcode, payload: payload.span, compressed: compressed, final: final)
    return bytes
}

func frame(_ text: String) -> [UInt8] { frame(.text, bytes(text)) }
