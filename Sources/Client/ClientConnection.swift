import Bytes
import HTTP
import WebSocket

/// One WebSocket from the client's end (RFC 6455): bytes in, events and bytes out.
///
/// It opens no socket, reads no clock and draws no randomness. What is to be sent collects in `output`. An open connection
/// at rest costs its few words and no memory elsewhere, so that a load tool can have thousands.
package struct ClientConnection: Sendable {
    package enum Phase: Sendable {
        /// The request is out; the server's answer is awaited.
        case opening
        case open
        /// We have sent a close frame; the server's is awaited.
        case closing
        /// Nothing more will be said. Once the output is sent, the server ends the connection (section 7.1.1).
        case closed
    }

    package private(set) var phase = Phase.opening
    /// What is to be sent next, in order. The owner takes it out and sends it.
    package var output: [UInt8] = []
    /// Nil while opening.
    package private(set) var agreement: ClientHandshake.Agreement?

    private var opening: Opening?
    private var reader = MessageReader(role: .client, deflate: false)
    private let maxMessage: Int

    private struct Opening: Sendable {
        let handshake: ClientHandshake
        var parser = ResponseParser()
    }

    /// A welcome with a thousand of the longest messages is about 20 MB; a server that sends more than this is no chat.
    package static let maxMessage = 64 << 20
    /// Shorter messages gain nothing by compression; the server has the same threshold.
    private static let compressFrom = 256
    /// With so much unsent, pings are not answered: the latest answer is as good as all (section 5.5.3).
    private static let mostOutputForPong = 64 * 1024

    /// Begins a connection: the request is in the output.
    ///
    /// - Parameters:
    ///   - authority: host and port for Host.
    ///   - target: path and query.
    ///   - nonce: 16 random bytes, fresh for each connection.
    ///   - deflate: whether to offer permessage-deflate.
    ///   - fields: further fields of the request, such as Origin.
    ///   - maxMessage: the largest message to take, in bytes, after reassembly and inflation.
    package init(
        authority: String, target: String, nonce: SIMD16<UInt8>, subprotocols: [String] = ["chatloop.v1"],
        deflate: Bool = true, fields: [(String, String)] = [], maxMessage: Int = ClientConnection.maxMessage
    ) {
        let handshake = ClientHandshake(nonce: nonce, subprotocols: subprotocols, deflate: deflate)
        RequestWriter.appendGet(
            to: &output, target: target, host: authority,
            fields: handshake.requestFields.map { ($0.name, $0.value) } + fields)
        opening = Opening(handshake: handshake)
        self.maxMessage = maxMessage
    }

    /// The nonce of a connection (RFC 6455, section 4.1).
    ///
    /// - Parameter random: gives 64 bits that nobody can guess.
    package static func nonce(_ random: () -> UInt64) -> SIMD16<UInt8> {
        var nonce = SIMD16<UInt8>()
        let words = SIMD2(random(), random())
        for index in nonce.indices {
            nonce[index] = UInt8(truncatingIfNeeded: words[index / 8] >> UInt64(index % 8 * 8))
        }
        return nonce
    }

    // MARK: Receiving

    /// Takes `input` from `offset` on, up to the next event. Pings are answered on the way.
    ///
    /// - Parameters:
    ///   - input: bytes in the order they came; what was taken of them must not be offered again.
    ///   - arena: gets the payload appended that the event refers to.
    ///   - inflater: any; it carries nothing from one message to the next.
    ///   - key: gives an unpredictable number for each call: the masking keys of answers (section 5.3).
    /// - Returns: nil once the input is used up. After a last event the rest is swallowed.
    package mutating func next(
        in input: Span<UInt8>, at offset: inout Int, into arena: inout [UInt8], inflater: Inflater, key: () -> UInt32
    ) -> ConnectionEvent? {
        if opening != nil, phase != .closed {
            guard let event = takeAnswer(input, at: &offset) else { return nil }
            return event
        }
        while phase != .closed,
            let event = reader.next(in: input, at: &offset, into: &arena, maxMessage: maxMessage, inflater: inflater)
        {
            switch event {
            case .text(let range): return .text(range)
            case .binary(let range): return .binary(range)
            case .pong(let range): return .pong(range)
            case .ping(let range):
                if phase == .open, output.count <= Self.mostOutputForPong {
                    Frame.appendMasked(to: &output, opcode: .pong, payload: arena.span.extracting(range), key: key())
                }
                arena.removeSubrange(range)
            case .close(let code, let reason):
                // The answer echoes the code (section 5.5.1); after our own close frame it is itself the answer.
                if phase == .open { Frame.appendClose(to: &output, code: code, reason: "", key: key()) }
                phase = .closed
                return .closed(code, reason: reason)
            case .violation(let violation):
                if phase == .open {
                    Frame.appendClose(to: &output, code: violation.closeCode, reason: violation.reason, key: key())
                }
                phase = .closed
                return .violation(violation)
            }
        }
        if phase == .closed { offset = input.count }
        return nil
    }

    /// The server's answer to the request (section 4.1): only one that proves it was read, and adds nothing, will do.
    private mutating func takeAnswer(_ input: Span<UInt8>, at offset: inout Int) -> ConnectionEvent? {
        switch opening?.parser.next(in: input, at: &offset) {
        case nil: return nil
        case .refused(let refusal): return refuse(.http(refusal), &offset, input.count)
        case .response(let head):
            switch opening?.handshake.verify(status: head.statusCode, head.fields) {
            case nil: return nil
            case .failure(let refusal): return refuse(.handshake(refusal), &offset, input.count)
            case .success(let agreement):
                self.agreement = agreement
                reader = MessageReader(role: .client, deflate: agreement.deflate)
                opening = nil
                phase = .open
                return .opened(agreement)
            }
        }
    }

    private mutating func refuse(_ refusal: ConnectionRefusal, _ offset: inout Int, _ end: Int) -> ConnectionEvent {
        offset = end
        phase = .closed
        return .refused(refusal)
    }

    /// The server has ended the connection.
    ///
    /// - Returns: a refusal if that was instead of an answer. Otherwise there is nothing to be said: without a close frame
    ///   before, the connection is lost.
    package mutating func end() -> ConnectionEvent? {
        defer { phase = .closed }
        return phase == .opening ? .refused(.ended) : nil
    }

    // MARK: Sending

    /// Appends a message to the output.
    ///
    /// - Parameters:
    ///   - payload: of `.text`, valid UTF-8.
    ///   - key: unpredictable, and used for this frame only.
    ///   - deflater: compresses longer messages, where that was negotiated and makes them shorter; nil compresses nothing.
    /// - Returns: false, and nothing is appended, unless the connection is open.
    @discardableResult
    package mutating func send(
        _ payload: Span<UInt8>, as opcode: Opcode = .text, key: UInt32, deflater: Deflater? = nil
    ) -> Bool {
        guard phase == .open else { return false }
        if let deflater, agreement?.deflate == true, !opcode.isControl, payload.count >= Self.compressFrom {
            var smaller: [UInt8] = []
            deflater.compress(payload, into: &smaller)
            if smaller.count < payload.count {
                Frame.appendMasked(to: &output, opcode: opcode, payload: smaller.span, key: key, compressed: true)
                return true
            }
        }
        Frame.appendMasked(to: &output, opcode: opcode, payload: payload, key: key)
        return true
    }

    /// Begins to close: a close frame goes out, and the server's is awaited. Before the connection is open, it is closed
    /// without a word.
    package mutating func close(_ code: CloseCode, reason: String = "", key: UInt32) {
        switch phase {
        case .opening: phase = .closed
        case .open:
            Frame.appendClose(to: &output, code: code, reason: reason, key: key)
            phase = .closing
        case .closing, .closed: break
        }
    }
}
