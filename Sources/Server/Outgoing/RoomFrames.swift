import Bytes
import Chat
import WebSocket

/// A room's events as the frames that its members get: each encoded once, one after the other in one buffer, for as many
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

        /// Where the events from one up to another stand.
        func range(_ events: Range<Int>) -> Range<Int> {
            guard !events.isEmpty, events.upperBound <= ends.count else { return 0..<0 }
            return (events.lowerBound == 0 ? 0 : ends[events.lowerBound - 1])..<ends[events.upperBound - 1]
        }
    }

    private(set) var plain = Variant()
    private(set) var compressed = Variant()
    /// How many events there are.
    private(set) var count = 0

    /// Makes the frames of a room's pending events.
    mutating func encode(_ room: Room) {
        plain.removeAll()
        compressed.removeAll()
        count = room.pending.count
        for event in room.pending {
            let text = event.isKept ? room.lines : room.whispers
            Compression.append(.text, of: text, event.range, to: &plain.bytes, nil)
            plain.ends.append(plain.bytes.count)
        }
        plain.isMade = true
    }

    /// Makes the compressed variant if it is not made yet.
    mutating func compress(_ room: Room, with deflater: Deflater) {
        guard !compressed.isMade else { return }
        for event in room.pending {
            let text = event.isKept ? room.lines : room.whispers
            Compression.append(.text, of: text, event.range, to: &compressed.bytes, deflater)
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
        let payload = bytes.span.extracting(range)
        if let deflater, payload.count >= threshold {
            var smaller: [UInt8] = []
            deflater.compress(payload, into: &smaller)
            if smaller.count < payload.count {
                return Frame.append(to: &frames, opcode: opcode, payload: smaller.span, compressed: true)
            }
        }
        Frame.append(to: &frames, opcode: opcode, payload: payload)
    }
}
