/// A rule that the peer broke, one case for each. The only place that says which close code answers which violation.
package enum Violation: Hashable, Sendable {
    /// RSV2 or RSV3 is set, or RSV1 without permessage-deflate (RFC 6455, section 5.2).
    case reservedBits
    /// RSV1 on a control frame or on a continuation (RFC 7692, sections 6 and 6.1).
    case misplacedCompressionBit
    /// Opcodes 3–7 and 11–15 (RFC 6455, section 5.2).
    case reservedOpcode(UInt8)
    /// A client's frame without a mask (section 5.1).
    case unmaskedFrame
    /// A server's frame with a mask (section 5.1).
    case maskedFrame
    /// A length spelled with more bytes than it needs (section 5.2).
    case nonMinimalLength
    /// A length with its most significant bit set (section 5.2).
    case lengthOutOfRange
    /// A control frame with more than 125 bytes (section 5.5).
    case controlFrameTooLong
    /// A control frame without FIN (section 5.5).
    case fragmentedControlFrame
    /// A continuation where no message has begun (section 5.4).
    case unexpectedContinuation
    /// A new message before the last one ended (section 5.4).
    case interleavedMessage
    /// More fragments without a byte in them, one after the other, than any sender has use for.
    case tooManyEmptyFragments
    /// A message, or the fragments of one so far, beyond the limit: announced or after inflation.
    case messageTooBig
    /// Text that is not UTF-8 (section 8.1).
    case invalidText
    /// A compressed message that does not inflate (RFC 7692, section 7.2.2).
    case corruptCompression
    /// A close frame with one byte: half a code (RFC 6455, section 5.5.1).
    case truncatedCloseCode
    /// A close code that no frame may carry (section 7.4).
    case invalidCloseCode(UInt16)
    /// A close reason that is not UTF-8 (section 5.5.1).
    case invalidCloseReason

    /// What to close the connection with.
    package var closeCode: CloseCode {
        switch self {
        case .reservedBits, .misplacedCompressionBit, .reservedOpcode, .unmaskedFrame, .maskedFrame,
            .nonMinimalLength, .lengthOutOfRange, .controlFrameTooLong, .fragmentedControlFrame,
            .unexpectedContinuation, .interleavedMessage, .truncatedCloseCode, .invalidCloseCode:
            .protocolError
        case .invalidText, .invalidCloseReason, .corruptCompression: .invalidPayload
        case .messageTooBig: .messageTooBig
        case .tooManyEmptyFragments: .policyViolation
        }
    }

    /// The same for a person, short enough for a close frame (123 bytes).
    package var reason: String {
        switch self {
        case .reservedBits: "a reserved bit is set without an extension that gives it a meaning"
        case .misplacedCompressionBit: "only a message's first frame can say that it is compressed"
        case .reservedOpcode(let opcode): "opcode \(opcode) is reserved"
        case .unmaskedFrame: "frames from a client must be masked"
        case .maskedFrame: "frames from a server must not be masked"
        case .nonMinimalLength: "the frame's length is not in its shortest form"
        case .lengthOutOfRange: "the most significant bit of a frame's length must be 0"
        case .controlFrameTooLong: "a control frame carries 125 bytes at most"
        case .fragmentedControlFrame: "a control frame cannot be fragmented"
        case .unexpectedContinuation: "there is no message to continue"
        case .interleavedMessage: "the message before is not finished"
        case .tooManyEmptyFragments: "too many empty fragments"
        case .messageTooBig: "the message is too big"
        case .invalidText: "the text is not valid UTF-8"
        case .corruptCompression: "the compressed data is corrupt"
        case .truncatedCloseCode: "a close code has two bytes"
        case .invalidCloseCode(let code): "close code \(code) cannot be sent"
        case .invalidCloseReason: "the close reason is not valid UTF-8"
        }
    }
}
