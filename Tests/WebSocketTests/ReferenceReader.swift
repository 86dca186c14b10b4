import WebSocket

/// The slow oracle: RFC 6455 as it reads, over a stream that is all there, copying freely.
struct ReferenceReader {
    let role: Role
    let deflate: Bool
    let maxMessage: Int

    private var rest: ArraySlice<UInt8> = []
    private var happenings: [Happening] = []
    private var message: (opcode: UInt8, isCompressed: Bool, payload: [UInt8])?
    private var empties = 0

    init(role: Role, deflate: Bool, maxMessage: Int) {
        (self.role, self.deflate, self.maxMessage) = (role, deflate, maxMessage)
    }

    mutating func read(_ bytes: [UInt8]) -> [Happening] {
        rest = bytes[...]
        do throws(Stop) { while true { try readFrame() } } catch {
            switch error {
            case .incomplete: break
            case .violation(let violation): happenings.append(.violation(violation))
            case .close(let code, let reason): happenings.append(.close(code, reason))
            }
        }
        return happenings
    }

    private enum Stop: Error {
        case incomplete
        case violation(Violation)
        case close(UInt16?, String)
    }

    private mutating func take(_ count: Int) throws(Stop) -> [UInt8] {
        guard rest.count >= count else { throw .incomplete }
        defer { rest = rest.dropFirst(count) }
        return Array(rest.prefix(count))
    }

    private mutating func number(_ count: Int) throws(Stop) -> UInt64 {
        try take(count).reduce(0) { $0 << 8 | UInt64($1) }
    }

    private mutating func readFrame() throws(Stop) {
        let first = try take(1)[0]
        let (fin, rsv, opcode) = (first >> 7 == 1, first >> 4 & 7, first & 15)
        let isControl = opcode >= 8
        guard [0, 1, 2, 8, 9, 10].contains(opcode) else { throw .violation(.reservedOpcode(opcode)) }
        guard rsv == 0 || rsv == 4 && deflate else { throw .violation(.reservedBits) }
        guard rsv == 0 || opcode == 1 || opcode == 2 else { throw .violation(.misplacedCompressionBit) }
        guard fin || !isControl else { throw .violation(.fragmentedControlFrame) }

        let second = try take(1)[0]
        guard second >> 7 == 1 || role == .client else { throw .violation(.unmaskedFrame) }
        guard second >> 7 == 0 || role == .server else { throw .violation(.maskedFrame) }
        guard second & 127 <= 125 || !isControl else { throw .violation(.controlFrameTooLong) }
        var length = UInt64(second & 127)
        if length == 126 {
            length = try number(2)
            guard length >= 126 else { throw .violation(.nonMinimalLength) }
        } else if length == 127 {
            length = try number(8)
            guard length >> 63 == 0 else { throw .violation(.lengthOutOfRange) }
            guard length >= 65536 else { throw .violation(.nonMinimalLength) }
        }
        let mask = role == .server ? try take(4) : [0, 0, 0, 0]
        if !isControl { try open(opcode, isCompressed: rsv == 4, length: length, fin: fin) }
        let available = Int(min(length, UInt64(rest.count)))
        let payload = try take(available).enumerated().map { index, byte in byte ^ mask[index % 4] }
        let isWhole = UInt64(available) == length
        try isControl ? finishControl(opcode, payload, isWhole) : finishData(payload, isWhole, fin: fin)
    }

    private mutating func open(_ opcode: UInt8, isCompressed: Bool, length: UInt64, fin: Bool) throws(Stop) {
        if opcode == 0 {
            guard message != nil else { throw .violation(.unexpectedContinuation) }
        } else {
            guard message == nil else { throw .violation(.interleavedMessage) }
            message = (opcode, isCompressed, [])
            empties = 0
        }
        guard let message else { return }
        let limit = message.isCompressed ? maxMessage + maxMessage / 8 + 1024 : maxMessage
        guard length <= UInt64(limit - message.payload.count) else { throw .violation(.messageTooBig) }
        empties = length == 0 && !fin ? empties + 1 : 0
        guard empties <= MessageReader.maxConsecutiveEmptyFragments else { throw .violation(.tooManyEmptyFragments) }
    }

    private mutating func finishControl(_ opcode: UInt8, _ payload: [UInt8], _ isWhole: Bool) throws(Stop) {
        guard isWhole else { throw .incomplete }
        if opcode == 9 { return happenings.append(.ping(payload)) }
        if opcode == 10 { return happenings.append(.pong(payload)) }
        if payload.isEmpty { throw .close(nil, "") }
        guard payload.count >= 2 else { throw .violation(.truncatedCloseCode) }
        let code = UInt16(payload[0]) << 8 | UInt16(payload[1])
        guard CloseCode(rawValue: code).mayBeSent else { throw .violation(.invalidCloseCode(code)) }
        guard let reason = String(validating: payload[2...], as: UTF8.self) else {
            throw .violation(.invalidCloseReason)
        }
        throw .close(code, reason)
    }

    private mutating func finishData(_ payload: [UInt8], _ isWhole: Bool, fin: Bool) throws(Stop) {
        message?.payload += payload
        guard let message else { return }
        if message.opcode == 1 && !message.isCompressed && !beginsText(message.payload) {
            throw .violation(.invalidText)
        }
        guard isWhole else { throw .incomplete }
        guard fin else { return }
        self.message = nil
        var whole = message.payload
        if message.isCompressed {
            whole = []
            switch Inflater()?.inflate(message.payload.span, then: [UInt8]().span, into: &whole, maxCount: maxMessage) {
            case .complete: break
            case .tooBig: throw .violation(.messageTooBig)
            default: throw .violation(.corruptCompression)
            }
        }
        if message.opcode == 2 { return happenings.append(.binary(whole)) }
        guard let text = String(validating: whole, as: UTF8.self) else { throw .violation(.invalidText) }
        happenings.append(.text(text))
    }

    /// Whether something can follow that makes valid text of it.
    private func beginsText(_ bytes: [UInt8]) -> Bool {
        [[], [0x80], [0x80, 0x80], [0x80, 0x80, 0x80], [0xA0, 0x80], [0x90, 0x80, 0x80]].contains { ending in
            String(validating: bytes + ending, as: UTF8.self) != nil
        }
    }
}
