/// The digest that the WebSocket handshake is built on (RFC 3174).
///
/// SHA-1 no longer resists collisions. RFC 6455 asks for it nevertheless: there it only proves that the peer read the key.
package enum SHA1 {
    /// The 20 bytes of the digest of `bytes`.
    package static func digest(of bytes: Span<UInt8>) -> [UInt8] { State().digest(of: bytes, afterBlocks: 0) }
}

extension SHA1 {
    /// The five words that blocks of 64 bytes are folded into.
    struct State: Sendable {
        private var a: UInt32 = 0x6745_2301
        private var b: UInt32 = 0xEFCD_AB89
        private var c: UInt32 = 0x98BA_DCFE
        private var d: UInt32 = 0x1032_5476
        private var e: UInt32 = 0xC3D2_E1F0

        init() {}

        /// The state behind one block.
        init(after block: Span<UInt8>) {
            var schedule = Self.emptySchedule
            process(block, &schedule)
        }

        /// The digest of `bytes` behind some blocks that were folded in.
        func digest(of bytes: Span<UInt8>, afterBlocks before: Int) -> [UInt8] {
            var state = self
            var schedule = Self.emptySchedule
            let wholeBlocks = bytes.count / 64
            for block in 0..<wholeBlocks {
                state.process(bytes.extracting((64 * block)..<(64 * block + 64)), &schedule)
            }

            // Section 4: a one bit, zeros, and the length in bits, in as many blocks as that takes.
            let rest = bytes.extracting((64 * wholeBlocks)..<bytes.count)
            let bits = UInt64(truncatingIfNeeded: 64 * before + bytes.count) << 3
            var end: [UInt8] = []
            end.append(addingCapacity: 128) { end in
                for index in rest.indices { end.append(rest[index]) }
                end.append(0x80)
                while end.count % 64 != 56 { end.append(0) }
                for shift in stride(from: UInt64(56), through: 0, by: -8) {
                    end.append(UInt8(truncatingIfNeeded: bits >> shift))
                }
            }
            for block in 0..<(end.count / 64) {
                state.process(end.span.extracting((64 * block)..<(64 * block + 64)), &schedule)
            }
            return state.bytes
        }

        /// The five words as 20 bytes, the most significant of each first.
        private var bytes: [UInt8] {
            func append(_ word: UInt32, to bytes: inout OutputSpan<UInt8>) {
                for shift in stride(from: UInt32(24), through: 0, by: -8) {
                    bytes.append(UInt8(truncatingIfNeeded: word >> shift))
                }
            }
            var bytes: [UInt8] = []
            bytes.append(addingCapacity: 20) { output in
                append(a, to: &output)
                append(b, to: &output)
                append(c, to: &output)
                append(d, to: &output)
                append(e, to: &output)
            }
            return bytes
        }

        private static var emptySchedule: [UInt32] {
            var words: [UInt32] = []
            words.append(addingCapacity: 80) { words in
                for _ in 0..<80 { words.append(0) }
            }
            return words
        }

        /// Folds in a block (section 6.1). The schedule's memory is lent, so that one serves all blocks.
        private mutating func process(_ block: Span<UInt8>, _ schedule: inout [UInt32]) {
            // A span is known to be nobody else's: nothing is checked but the index.
            var words = schedule.mutableSpan
            for index in 0..<16 {
                words[index] =
                    UInt32(block[4 * index]) << 24 | UInt32(block[4 * index + 1]) << 16
                    | UInt32(block[4 * index + 2]) << 8 | UInt32(block[4 * index + 3])
            }
            for index in 16..<80 {
                let mixed = words[index - 3] ^ words[index - 8] ^ words[index - 14] ^ words[index - 16]
                words[index] = Self.rotate(mixed, 1)
            }
            fold(schedule.span)
        }

        private mutating func fold(_ words: Span<UInt32>) {
            var (a, b, c, d, e) = (self.a, self.b, self.c, self.d, self.e)
            func round(_ f: UInt32, _ word: UInt32, _ k: UInt32) {
                let next = Self.rotate(a, 5) &+ f &+ e &+ word &+ k
                (e, d, c, b, a) = (d, c, Self.rotate(b, 30), a, next)
            }
            for index in 0..<20 { round((b & c) | (~b & d), words[index], 0x5A82_7999) }
            for index in 20..<40 { round(b ^ c ^ d, words[index], 0x6ED9_EBA1) }
            for index in 40..<60 { round((b & c) | (b & d) | (c & d), words[index], 0x8F1B_BCDC) }
            for index in 60..<80 { round(b ^ c ^ d, words[index], 0xCA62_C1D6) }
            self.a &+= a
            self.b &+= b
            self.c &+= c
            self.d &+= d
            self.e &+= e
        }

        private static func rotate(_ word: UInt32, _ count: UInt32) -> UInt32 {
            word << count | word >> (32 &- count)
        }
    }
}
