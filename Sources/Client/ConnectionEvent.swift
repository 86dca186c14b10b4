import HTTP
import WebSocket

/// What a server's bytes amount to, for a client. Payloads are ranges of the arena that they were appended to.
package enum ConnectionEvent: Equatable, Sendable {
    /// The handshake is done: messages may be sent.
    case opened(ClientHandshake.Agreement)
    /// A whole message of valid UTF-8.
    case text(Range<Int>)
    /// A whole message of any bytes.
    case binary(Range<Int>)
    /// The answer to a ping, or a sign of life that nobody has asked for.
    case pong(Range<Int>)
    /// The server has closed; the answer, if it is due, is in the output. The last event.
    case closed(CloseCode?, reason: Range<Int>)
    /// The server's answer is no handshake. The last event.
    case refused(ConnectionRefusal)
    /// The server has broken the protocol; a close frame that says so is in the output. The last event.
    case violation(Violation)
}

/// Why no WebSocket came about.
package enum ConnectionRefusal: Error, Equatable, Sendable {
    /// The answer is not HTTP.
    case http(ResponseRefusal)
    /// The answer is HTTP, but does not open a WebSocket.
    case handshake(ClientHandshake.Refusal)
    /// The connection ended before there was an answer.
    case ended
}

extension ConnectionRefusal: CustomStringConvertible {
    package var description: String {
        switch self {
        case .http(let refusal): refusal.reason
        case .handshake(let refusal): refusal.description
        case .ended: "the server closed the connection without an answer"
        }
    }
}
