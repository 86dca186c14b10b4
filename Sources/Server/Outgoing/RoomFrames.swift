import Bytes
import Chat
import WebSocket

/// A room's entries as the frames that its members get: each encoded once, one after the other in one buffer, for as many
/// as there are. Those who negotiated permessage-deflate get another buffer, made only if there is such a member.
struct RoomFrames {
    /// The frames one after the other, and where each ends.
    struct Variant {
        var bytes: [UInt8] = []
        var ends: [Int] = []
        /// The same bytes for those who have to keep some of them; made when the first does.
        private var kept: SharedBytes?
        var isMade = false

        mutating func removeAll() {
            // Lets go of what is kept first: if nobody else has it, its memory can be used again.
            kept = nil
            bytes.removeAll(keepingCapacity: bytes.capacity <= 1 << 20)
            ends.removeAll(keepingCapacity: true)
            isMade = false
        }

        mutating func shared(_ ledger: Ledger) -> SharedBytes {
            if let kept { return kept }
            let new = SharedBytes(bytes, ledger)
            kept = new
            return new
        }

        /// Where the entries from one up to another stand.
        func range(_ entries: Range<Int>) -> Range<Int> {
            guard !entries.isEmpty, entries.upperBound <= ends.count else { return 0..<0 }
            return (entries.lowerBound == 0 ? 0 : ends[entries.lowerBound - 1])..<ends[entries.upperBound - 1]
        }
    }

    private(set) var plain = Variant()
    private(set) var compressed = Variant()
    /// The entries that are for more than one, in their order: a frame each.
    private(set) var entries: [Entry] = []

    /// Makes the frames of a room's entries that are for more than one.
    ///
    /// - Parameters:
    ///   - lines: what the places of events are in (the room itself would be copied on the way here).
    ///   - texts: the same for other entries.
    mutating func encode(_ due: ArraySlice<Entry>, lines: [UInt8], texts: [UInt8]) {
        plain.removeAll()
        compressed.removeAll()
        entries.removeAll(keepingCapacity: true)
        for entry in due where entry.isShared {
            entries.append(entry)
            Compression.append(entry.isEvent ? lines : texts, entry.range, to: &plain.bytes, nil)
            plain.ends.append(plain.bytes.count)
        }
        plain.isMade = true
    }

    /// Makes the compressed variant if it is not made yet.
    mutating func compress(lines: [UInt8], texts: [UInt8], with deflater: Deflater) {
        guard !compressed.isMade else { return }
        for entry in entries {
            Compression.append(entry.isEvent ? lines : texts, entry.range, to: &compressed.bytes, deflater)
            compressed.ends.append(compressed.bytes.count)
        }
        compressed.isMade = true
    }

    mutating func shared(deflates: Bool, _ ledger: Ledger) -> SharedBytes {
        deflates ? compressed.shared(ledger) : plain.shared(ledger)
    }
}

/// When to compress.
enum Compression {
    /// Shorter messages go as they are: without context takeover a short text has next to nothing to refer back to, and what
    /// it would save is less than a packet's header.
    static let threshold = 256

    /// Appends the frame of a message that is a part of `bytes`. With a compressor it is compressed, if it is long enough and
    /// becomes shorter.
    static func append(
        _ opcode: Opcode, of bytes: [UInt8], _ range: Range<Int>, to frames: inout [UInt8], _ deflater: Deflater?
    ) {
        append(opcode, bytes.span.extracting(range), to: &frames, deflater)
    }

    private static func append(
        _ opcode: Opcode, _ payload: Span<UInt8>, to frames: inout [UInt8], _ deflater: Deflater?
    ) {
        if let deflater, payload.count >= threshold {
            var smaller: [UInt8] = []
            deflater.compress(payload, into: &smaller)
            if smaller.count < payload.count {
                return Frame.append(to: &frames, opcode: opcode, payload: smaller.span, compressed: true)
            }
        }
        Frame.append(to: &frames, opcode: opcode, payload: payload)
    }

    /// Appends the frame of a JSON object whose text is given without its closing bracket.
    static func append(_ bytes: [UInt8], _ range: Range<Int>, to frames: inout [UInt8], _ deflater: Deflater?) {
        let text = bytes.span.extracting(range)
        guard deflater == nil || text.count < threshold else {
            var whole = Array(copying: text)
            whole.append(UInt8(ascii: "}"))
            return append(.text, whole.span, to: &frames, deflater)
        }
        Frame.appendHeader(to: &frames, opcode: .text, payloadCount: text.count + 1)
        frames.append(copying: text)
        frames.append(UInt8(ascii: "}"))
    }
}
