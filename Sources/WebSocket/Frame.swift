import Bytes

/// Writes frames (RFC 6455, section 5.2), with lengths in their shortest form.
package enum Frame {
    /// Appends the header of an unmasked frame, a server's.
    ///
    /// - Parameters:
    ///   - payloadCount: the length of the payload that follows, in bytes.
    ///   - compressed: sets RSV1: the payload, with that of the fragments that follow, is to be inflated (RFC 7692).
    ///   - final: false where fragments follow.
    package static func appendHeader(
        to bytes: inout [UInt8], opcode: Opcode, payloadCount: Int, compressed: Bool = false, final: Bool = true
    ) {
        appendHeader(
            to: &bytes, opcode: opcode, payloadCount: payloadCount, compressed: compressed, final: final, maskBit: 0)
    }

    /// Appends a whole unmasked frame, a server's.
    package static func append(
        to bytes: inout [UInt8], opcode: Opcode, payload: Span<UInt8>, compressed: Bool = false, final: Bool = true
    ) {
        appendHeader(
            to: &bytes, opcode: opcode, payloadCount: payload.count, compressed: compressed, final: final, maskBit: 0)
        bytes.append(copying: payload)
    }

    /// Appends a whole masked frame, a client's.
    ///
    /// - Parameter key: fresh and unpredictable for each frame (section 5.3); its bytes go out the most significant first.
    package static func appendMasked(
        to bytes: inout [UInt8], opcode: Opcode, payload: Span<UInt8>, key: UInt32, compressed: Bool = false,
        final: Bool = true
    ) {
        appendHeader(
            to: &bytes, opcode: opcode, payloadCount: payload.count, compressed: compressed, final: final,
            maskBit: 0x80)
        bytes.append(bigEndian: UInt64(key), byteCount: 4)
        MaskingKey(key).append(payload, to: &bytes)
    }

    /// Appends a close frame (section 5.5.1).
    ///
    /// - Parameters:
    ///   - code: nil for an empty frame; so is one that ``CloseCode/mayBeSent`` forbids.
    ///   - reason: cut to the 123 bytes that a frame has room for, between characters; goes out with a code only.
    ///   - key: masks the frame, for a client.
    package static func appendClose(to bytes: inout [UInt8], code: CloseCode?, reason: String, key: UInt32? = nil) {
        var payload: [UInt8] = []
        if let code, code.mayBeSent {
            payload.append(bigEndian: UInt64(code.rawValue), byteCount: 2)
            for scalar in reason.unicodeScalars {
                let encoded = UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter
                guard payload.count + encoded.count <= 125 else { break }
                payload.append(contentsOf: encoded)
            }
        }
        if let key {
            appendMasked(to: &bytes, opcode: .close, payload: payload.span, key: key)
        } else {
            append(to: &bytes, opcode: .close, payload: payload.span)
        }
    }

    /// The start of the first frame at `offset` or after it, where a queue of unmasked frames can be cut.
    ///
    /// - Parameter bytes: begins with a frame. The end of a last whole frame counts as a start, too.
    /// - Returns: nil if `bytes` end before. O(number of frames up to there).
    package static func boundary(in bytes: Span<UInt8>, atOrAfter offset: Int) -> Int? {
        var start = 0
        while start < offset {
            guard bytes.count - start >= 2 else { return nil }
            var payloadCount = UInt64(bytes[start + 1] & 0x7F)
            var headerCount = 2
            if payloadCount >= 126 {
                headerCount = payloadCount == 126 ? 4 : 10
                guard bytes.count - start >= headerCount else { return nil }
                payloadCount = 0
                for index in 2..<headerCount { payloadCount = payloadCount << 8 | UInt64(bytes[start + index]) }
            }
            let left = bytes.count - start - headerCount
            guard let count = Int(exactly: payloadCount), count <= left else { return nil }
            start += headerCount + count
        }
        return start
    }

    private static func appendHeader(
        to bytes: inout [UInt8], opcode: Opcode, payloadCount: Int, compressed: Bool, final: Bool, maskBit: UInt8
    ) {
        bytes.append((final ? 0x80 : 0) | (compressed ? 0x40 : 0) | opcode.rawValue)
        switch payloadCount {
        case ...125:
            bytes.append(maskBit | UInt8(truncatingIfNeeded: payloadCount))
        case ...0xFFFF:
            bytes.append(maskBit | 126)
            bytes.append(bigEndian: UInt64(payloadCount), byteCount: 2)
        default:
            bytes.append(maskBit | 127)
            bytes.append(bigEndian: UInt64(payloadCount), byteCount: 8)
        }
    }
}
