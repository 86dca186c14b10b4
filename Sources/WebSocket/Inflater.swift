import Bytes
import CSystem

/// Inflates the messages of every connection (RFC 7692, section 7.2.2), one whole message at a time.
///
/// It keeps nothing from one message to the next, which is why peers are told not to use context takeover: so one
/// decompressor, about 40 KB, serves the loop. Not to be used by several threads.
@safe  // unsafe inside: zlib's state lies at one address from init to deinit, and only the methods below use it
package final class Inflater {
    package enum Outcome: Sendable {
        case complete
        /// The data inflates to more than the limit. It stopped there.
        case tooBig
        /// No deflate stream, or not all of one.
        case corrupt
    }

    private let stream: UnsafeMutablePointer<z_stream>
    /// Whether a block said that it was the last (BFINAL), and nothing came after it.
    private var hasEnded = false
    /// Where a piece that came masked is unmasked. As long as the longest read at most.
    private var unmasked: [UInt8] = []

    /// What a sender took off the end of each message (section 7.2.1).
    private static let tail: [UInt8] = [0x00, 0x00, 0xFF, 0xFF]
    /// How much room is made for output at a time, in bytes.
    private static let room = 16384

    /// Nil where there is no memory for it.
    package init?() {
        unsafe stream = .allocate(capacity: 1)
        unsafe stream.initialize(to: z_stream())
        // unsafe: the version and size that zlib checks are those of the header this is compiled with. Negative: raw deflate.
        let status = unsafe inflateInit2_(stream, -15, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        if status != Z_OK { return nil }
    }

    deinit {
        unsafe inflateEnd(stream)  // harmless where init failed: zlib checks
        unsafe stream.deallocate()
    }

    /// Appends to `out` what a message of two pieces inflates to; nothing, unless the outcome is complete.
    ///
    /// - Parameters:
    ///   - first: compressed bytes.
    ///   - second: those that follow, combined with `key`.
    ///   - maxCount: the most that may come out, in bytes. It stops within 16 KiB of that, whatever there is to come.
    package func inflate(
        _ first: Span<UInt8>, then second: Span<UInt8>, key: MaskingKey = MaskingKey(0), into out: inout [UInt8],
        maxCount: Int
    ) -> Outcome {
        // An empty message has one byte by section 7.2.3.6; senders built on zlib may make nothing of it at all.
        if first.isEmpty && second.isEmpty { return .complete }
        let start = out.count
        unmasked.removeAll(keepingCapacity: true)
        key.append(second, to: &unmasked)

        var outcome: Outcome = restart() ? .complete : .corrupt
        if outcome == .complete { outcome = feed(first, into: &out, from: start, maxCount: maxCount) }
        if outcome == .complete { outcome = feed(unmasked.span, into: &out, from: start, maxCount: maxCount) }
        // Data that ends with a final block is whole as it is; to any other the tail is due, as the rest of an empty block.
        if outcome == .complete && !hasEnded {
            let count = out.count
            outcome = feed(Self.tail.span, into: &out, from: start, maxCount: maxCount)
            if outcome == .complete && (out.count > count || !isBetweenBlocks) { outcome = .corrupt }
        }
        if outcome != .complete { out.removeLast(out.count - start) }
        return outcome
    }

    private func restart() -> Bool {
        hasEnded = false
        return unsafe inflateReset(stream) == Z_OK
    }

    /// Whether the data so far ends where a block does: zlib says so with bit 7 of its data type.
    private var isBetweenBlocks: Bool { unsafe stream.pointee.data_type & 128 != 0 }

    /// Appends what one piece of a message inflates to.
    private func feed(_ piece: Span<UInt8>, into out: inout [UInt8], from start: Int, maxCount: Int) -> Outcome {
        guard !piece.isEmpty else { return .complete }
        guard let count = UInt32(exactly: piece.count) else { return .tooBig }  // zlib's lengths have 32 bits
        // unsafe: zlib reads no more than `count` bytes, during this call only, and does not write to them.
        return unsafe piece.withUnsafeBufferPointer { source in
            unsafe stream.pointee.next_in = UnsafeMutablePointer(mutating: source.baseAddress)
            unsafe stream.pointee.avail_in = count
            while true {
                let status = step(into: &out)
                guard out.count - start <= maxCount else { return .tooBig }
                switch status {
                case Z_STREAM_END:
                    hasEnded = true
                    if unsafe stream.pointee.avail_in == 0 { return .complete }
                    // Blocks may follow a final one, in this piece or the next (then zlib has just said again that it
                    // ended): as a stream of its own, which cannot refer to what came before.
                    if !restart() { return .corrupt }
                case Z_OK, Z_BUF_ERROR:
                    // zlib left room: so it has nothing more to say about this piece.
                    if unsafe stream.pointee.avail_out > 0 { return .complete }
                default: return .corrupt
                }
            }
        }
    }

    /// One call of zlib, which appends up to ``room`` bytes.
    private func step(into out: inout [UInt8]) -> Int32 {
        var status = Z_OK
        out.append(addingCapacity: Self.room) { output in
            // unsafe: zlib writes no more than `avail_out` bytes, during this call only, and says how many it did not.
            unsafe output.withUnsafeMutableBufferPointer { target, initializedCount in
                unsafe stream.pointee.next_out = target.baseAddress
                unsafe stream.pointee.avail_out = UInt32(truncatingIfNeeded: Self.room)
                status = unsafe CSystem.inflate(stream, Z_SYNC_FLUSH)
                initializedCount = Self.room - Int(unsafe stream.pointee.avail_out)
            }
        }
        return status
    }
}
