/// What the bytes of a peer amount to. Payloads are ranges of the arena that they were appended to.
package enum ReaderEvent: Equatable, Sendable {
    /// A whole message of valid UTF-8.
    case text(Range<Int>)
    /// A whole message of any bytes.
    case binary(Range<Int>)
    /// Wants a pong with the same payload (RFC 6455, section 5.5.2).
    case ping(Range<Int>)
    case pong(Range<Int>)
    /// The last event. The code is nil where the frame had none; the reason is valid UTF-8.
    case close(CloseCode?, reason: Range<Int>)
    /// The last event, too: the connection is to be closed with the violation's code.
    case violation(Violation)

    /// Whether nothing comes after it.
    package var isLast: Bool {
        switch self {
        case .close, .violation: true
        case .text, .binary, .ping, .pong: false
        }
    }
}
