/// What stands before a frame's payload (RFC 6455, section 5.2).
struct FrameHeader {
    let opcode: Opcode
    let isFinal: Bool
    /// RSV1, which permessage-deflate gives this meaning (RFC 7692, section 6).
    let isCompressed: Bool
    let payloadCount: Int
    /// ``MaskingKey/none`` where the frame is not masked.
    let key: MaskingKey
    /// The header's own length, in bytes: 2 to 14.
    let size: Int

    enum Reading {
        case incomplete(HeaderBytes)
        case header(FrameHeader)
        case violation(Violation)
    }

    /// Goes on with a header of which the bytes `begun` have come, and moves `offset` past what it takes of `input`.
    static func take(
        _ begun: HeaderBytes, from input: Span<UInt8>, at offset: inout Int, role: Role, deflate: Bool
    ) -> Reading {
        if begun.count == 0 {
            let bytes = HeaderBytes(input, at: offset)
            let reading = read(bytes, role: role, deflate: deflate)
            if case .header(let header) = reading { offset += header.size } else { offset = input.count }
            return reading
        }
        // Rarely, a read ends within a header.
        var bytes = begun
        while offset < input.count {
            bytes.append(input[offset])
            offset += 1
            let reading = read(bytes, role: role, deflate: deflate)
            guard case .incomplete = reading else { return reading }
        }
        return .incomplete(bytes)
    }

    /// Reads a header off the start of `bytes`, as far as they go, by the rules that a frame obeys by itself.
    ///
    /// Each byte is judged once it is there, in order: so the verdict is the same however the bytes were split into reads.
    ///
    /// - Parameter role: which end we are; the other one wrote the frame.
    private static func read(_ bytes: HeaderBytes, role: Role, deflate: Bool) -> Reading {
        guard bytes.count >= 1 else { return .incomplete(bytes) }
        let first = bytes[0]
        guard let opcode = Opcode(rawValue: first & 0x0F) else { return .violation(.reservedOpcode(first & 0x0F)) }
        let isFinal = first & 0x80 != 0
        let isCompressed = first & 0x40 != 0
        guard first & 0x30 == 0, deflate || !isCompressed else { return .violation(.reservedBits) }
        guard !isCompressed || opcode == .text || opcode == .binary else { return .violation(.misplacedCompressionBit) }
        guard isFinal || !opcode.isControl else { return .violation(.fragmentedControlFrame) }

        guard bytes.count >= 2 else { return .incomplete(bytes) }
        let isMasked = bytes[1] & 0x80 != 0
        guard isMasked == (role == .server) else { return .violation(isMasked ? .maskedFrame : .unmaskedFrame) }
        let shortLength = bytes[1] & 0x7F
        guard shortLength <= 125 || !opcode.isControl else { return .violation(.controlFrameTooLong) }

        let lengthEnd = shortLength <= 125 ? 2 : shortLength == 126 ? 4 : 10
        guard bytes.count >= lengthEnd else { return .incomplete(bytes) }
        var payloadCount = Int(shortLength)
        if shortLength == 126 {
            payloadCount = Int(bytes.bigEndian16(at: 2))
            guard payloadCount > 125 else { return .violation(.nonMinimalLength) }
        } else if shortLength == 127 {
            let length = bytes.bigEndian64(at: 2)
            guard let count = Int(exactly: length) else { return .violation(.lengthOutOfRange) }
            guard count > 0xFFFF else { return .violation(.nonMinimalLength) }
            payloadCount = count
        }

        let size = isMasked ? lengthEnd + 4 : lengthEnd
        guard bytes.count >= size else { return .incomplete(bytes) }
        let key = isMasked ? MaskingKey(littleEndian: bytes.littleEndian32(at: lengthEnd)) : .none
        return .header(
            FrameHeader(
                opcode: opcode, isFinal: isFinal, isCompressed: isCompressed, payloadCount: payloadCount, key: key,
                size: size))
    }
}

/// The bytes of a header, as many of the 14 there can be as have come: two words, so that a connection that waits for the
/// rest needs no memory elsewhere.
struct HeaderBytes {
    private var low: UInt64 = 0
    private var high: UInt64 = 0
    private var stored: UInt8 = 0

    /// How many bytes there are.
    var count: Int { Int(stored) }

    init() {}

    /// Up to 14 bytes of `input`, from `offset` on.
    init(_ input: Span<UInt8>, at offset: Int) {
        if input.count - offset >= 16 {
            // unsafe: any bytes are valid words, bytes have no padding to be read, and the loads are bounds-checked.
            let raw = unsafe input.bytes
            low = UInt64(littleEndian: unsafe raw.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
            high = UInt64(littleEndian: unsafe raw.unsafeLoadUnaligned(fromByteOffset: offset + 8, as: UInt64.self))
            stored = 14
        } else {
            for index in offset..<min(offset + 14, input.count) { append(input[index]) }
        }
    }

    mutating func append(_ byte: UInt8) {
        let shift = UInt64(truncatingIfNeeded: 8 &* (count & 7))
        if count < 8 { low |= UInt64(byte) &<< shift } else { high |= UInt64(byte) &<< shift }
        stored += 1
    }

    subscript(index: Int) -> UInt8 { UInt8(truncatingIfNeeded: word(at: index)) }

    func bigEndian16(at index: Int) -> UInt16 { UInt16(truncatingIfNeeded: word(at: index)).byteSwapped }
    func bigEndian64(at index: Int) -> UInt64 { word(at: index).byteSwapped }
    func littleEndian32(at index: Int) -> UInt32 { UInt32(truncatingIfNeeded: word(at: index)) }

    /// The eight bytes from `index` on, the first of them the lowest.
    private func word(at index: Int) -> UInt64 {
        let shift = UInt64(truncatingIfNeeded: 8 * (index & 7))
        if index >= 8 { return high >> shift }
        return shift == 0 ? low : low >> shift | high << (64 - shift)
    }
}
