import Bytes

/// Puts a peer's bytes together to whole messages (RFC 6455, sections 5 and 7; RFC 7692), however they arrive.
///
/// One for each connection. It judges as early as it can: a header before its payload comes, text while it comes. Payloads
/// go straight into the caller's arena, unmasked on the way; only what a read leaves unfinished is held here, so that a
/// connection at rest costs these few bytes and no other memory.
package struct MessageReader {
    /// No sender has use for a fragment without a byte in it, yet they are legal (RFC 6455, section 5.4). So many in a row
    /// pass; a flood of them, which would keep a message open for ever within its size limit, does not.
    package static let maxConsecutiveEmptyFragments = 1000

    private var phase = Phase.header(HeaderBytes())
    private var message: Message?
    /// Of the text message in progress. A whole one leaves it as it was at first.
    private var validator = UTF8Validator()
    private let role: Role
    private let deflate: Bool
    /// What has come of the message in progress (still compressed, if it is), then of the control frame in its midst.
    private var held: [UInt8] = []

    /// What the next byte belongs to.
    private enum Phase {
        case header(HeaderBytes)
        case payload(OpenFrame)
        case ended
    }

    /// A frame whose payload has not all come.
    private struct OpenFrame {
        let opcode: Opcode
        let isFinal: Bool
        /// The length of a control frame's payload; 0 for any other.
        let controlCount: UInt8
        /// Begins at the next byte of payload.
        var key: MaskingKey
        /// In bytes.
        var remaining: Int
    }

    /// A message of which some frame has come.
    private struct Message {
        let isText: Bool
        let isCompressed: Bool
        var emptyFragments: UInt16 = 0
    }

    /// - Parameters:
    ///   - role: which end we are: a server takes masked frames only, a client unmasked ones only.
    ///   - deflate: whether permessage-deflate was negotiated, without context takeover by the peer.
    package init(role: Role, deflate: Bool) {
        self.role = role
        self.deflate = deflate
    }

    /// The memory that what has come of an unfinished message takes, in bytes.
    package var heldBytes: Int { held.capacity }

    /// Takes `input` from `offset` on, up to the next event.
    ///
    /// - Parameters:
    ///   - input: bytes in the order they came; what was taken of them must not be offered again.
    ///   - offset: moves past what was taken.
    ///   - arena: gets the payload appended that the event refers to.
    ///   - maxMessage: the largest message, in bytes, after reassembly and inflation.
    ///   - inflater: any; it carries nothing from one message to the next.
    /// - Returns: nil once the input is used up. After a close or a violation the next call swallows the rest, and each
    ///   later one all of its input.
    package mutating func next(
        in input: Span<UInt8>, at offset: inout Int, into arena: inout [UInt8], maxMessage: Int, inflater: Inflater
    ) -> ReaderEvent? {
        while offset < input.count {
            let event: ReaderEvent?
            switch phase {
            case .header(let begun):
                event = takeHeader(
                    begun, from: input, at: &offset, into: &arena, maxMessage: maxMessage, inflater: inflater)
            case .payload(let frame):
                event = takePayload(
                    of: frame, from: input, at: &offset, into: &arena, maxMessage: maxMessage, inflater: inflater)
            case .ended:
                offset = input.count
                return nil
            }
            guard let event else { continue }
            if event.isLast {
                phase = .ended
                held = []
            }
            return event
        }
        return nil
    }

    private mutating func takeHeader(
        _ begun: HeaderBytes, from input: Span<UInt8>, at offset: inout Int, into arena: inout [UInt8],
        maxMessage: Int, inflater: Inflater
    ) -> ReaderEvent? {
        switch FrameHeader.take(begun, from: input, at: &offset, role: role, deflate: deflate) {
        case .incomplete(let begun):
            phase = .header(begun)
            return nil
        case .violation(let violation):
            return .violation(violation)
        case .header(let header):
            if let violation = admit(header, maxMessage: maxMessage) { return .violation(violation) }
            let frame = OpenFrame(
                opcode: header.opcode, isFinal: header.isFinal,
                controlCount: header.opcode.isControl ? UInt8(truncatingIfNeeded: header.payloadCount) : 0,
                key: header.key, remaining: header.payloadCount)
            return takePayload(
                of: frame, from: input, at: &offset, into: &arena, maxMessage: maxMessage, inflater: inflater)
        }
    }

    /// Judges a header by what came before it (RFC 6455, section 5.4), and its length, before any of its payload is there.
    private mutating func admit(_ header: FrameHeader, maxMessage: Int) -> Violation? {
        if header.opcode.isControl { return nil }
        var message: Message
        if header.opcode == .continuation {
            guard let begun = self.message else { return .unexpectedContinuation }
            message = begun
        } else {
            guard self.message == nil else { return .interleavedMessage }
            message = Message(isText: header.opcode == .text, isCompressed: header.isCompressed)
        }
        let limit = message.isCompressed ? Self.maxCompressed(maxMessage) : maxMessage
        guard header.payloadCount <= limit - held.count else { return .messageTooBig }
        if header.payloadCount == 0 && !header.isFinal {
            message.emptyFragments += 1
            guard message.emptyFragments <= Self.maxConsecutiveEmptyFragments else { return .tooManyEmptyFragments }
        } else {
            message.emptyFragments = 0
        }
        self.message = message
        return nil
    }

    /// What `maxMessage` bytes may take compressed: data that resists it grows by an eighth at worst (nine bits a byte with
    /// deflate's fixed codes), and by the blocks' own headers.
    private static func maxCompressed(_ maxMessage: Int) -> Int {
        let (sum, overflow) = maxMessage.addingReportingOverflow(maxMessage / 8 + 1024)
        return overflow ? Int.max : sum
    }

    private mutating func takePayload(
        of frame: OpenFrame, from input: Span<UInt8>, at offset: inout Int, into arena: inout [UInt8],
        maxMessage: Int, inflater: Inflater
    ) -> ReaderEvent? {
        let count = min(frame.remaining, input.count - offset)
        let piece = input.extracting(offset..<(offset + count))
        offset += count
        guard count == frame.remaining else {
            var rest = frame
            rest.remaining -= count
            rest.key = frame.key.advanced(by: count)
            phase = .payload(rest)
            return hold(piece, of: frame)
        }
        phase = .header(HeaderBytes())
        if frame.opcode.isControl { return finishControl(frame, piece, into: &arena) }
        guard frame.isFinal, let message else { return hold(piece, of: frame) }
        self.message = nil
        let event =
            message.isCompressed
            ? finishCompressed(message, frame, piece, into: &arena, maxMessage: maxMessage, inflater: inflater)
            : finishPlain(message, frame, piece, into: &arena)
        if !held.isEmpty { held = [] }
        return event
    }

    /// Keeps a part of a message, or of a control frame, until the rest comes. Text is judged already now.
    private mutating func hold(_ piece: Span<UInt8>, of frame: OpenFrame) -> ReaderEvent? {
        frame.key.append(piece, to: &held)
        guard !frame.opcode.isControl, let message, message.isText, !message.isCompressed else { return nil }
        var validator = self.validator  // a copy, since `held` lends out a part of self
        let isValid = validator.consume(held.span.extracting((held.count - piece.count)..<held.count))
        self.validator = validator
        return isValid ? nil : .violation(.invalidText)
    }

    private mutating func finishPlain(
        _ message: Message, _ frame: OpenFrame, _ piece: Span<UInt8>, into arena: inout [UInt8]
    ) -> ReaderEvent {
        let start = arena.count
        if !held.isEmpty { arena.append(copying: held.span) }
        frame.key.append(piece, to: &arena)
        guard message.isText else { return .binary(start..<arena.count) }
        // What was held has been judged.
        let isValid = validator.consume(arena.span.extracting((arena.count - piece.count)..<arena.count))
        return isValid && validator.isComplete ? .text(start..<arena.count) : .violation(.invalidText)
    }

    private func finishCompressed(
        _ message: Message, _ frame: OpenFrame, _ piece: Span<UInt8>, into arena: inout [UInt8],
        maxMessage: Int, inflater: Inflater
    ) -> ReaderEvent {
        let start = arena.count
        let outcome = inflater.inflate(
            held.span, then: piece, key: frame.key, into: &arena, maxCount: maxMessage)
        switch outcome {
        case .corrupt: return .violation(.corruptCompression)
        case .tooBig: return .violation(.messageTooBig)
        case .complete: break
        }
        guard message.isText else { return .binary(start..<arena.count) }
        let isValid = UTF8Validator.isValid(arena.span.extracting(start..<arena.count))
        return isValid ? .text(start..<arena.count) : .violation(.invalidText)
    }

    private mutating func finishControl(
        _ frame: OpenFrame, _ piece: Span<UInt8>, into arena: inout [UInt8]
    ) -> ReaderEvent {
        let start = arena.count
        let heldCount = Int(frame.controlCount) - frame.remaining
        if heldCount > 0 {
            arena.append(copying: held.span.extracting((held.count - heldCount)..<held.count))
            held.removeLast(heldCount)
            if held.isEmpty { held = [] }
        }
        frame.key.append(piece, to: &arena)
        switch frame.opcode {
        case .ping: return .ping(start..<arena.count)
        case .pong: return .pong(start..<arena.count)
        default: return Self.close(arena.span, start..<arena.count)
        }
    }

    /// What a close frame says: nothing, or two bytes of code and a reason (RFC 6455, section 5.5.1).
    private static func close(_ bytes: Span<UInt8>, _ payload: Range<Int>) -> ReaderEvent {
        let start = payload.lowerBound
        if payload.isEmpty { return .close(nil, reason: payload) }
        guard payload.count >= 2 else { return .violation(.truncatedCloseCode) }
        let code = CloseCode(rawValue: UInt16(bytes[start]) << 8 | UInt16(bytes[start + 1]))
        guard code.mayBeSent else { return .violation(.invalidCloseCode(code.rawValue)) }
        let reason = (start + 2)..<payload.upperBound
        guard UTF8Validator.isValid(bytes.extracting(reason)) else { return .violation(.invalidCloseReason) }
        return .close(code, reason: reason)
    }
}
