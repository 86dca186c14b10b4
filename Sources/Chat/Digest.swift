/// A fingerprint of what came out of a tick: two runs that agree on it have, for all that is likely, done the same.
///
/// It is no cryptographic hash; nobody has a reason to forge a recording's digests.
package struct Digest {
    private var state: UInt64 = 0x9E37_79B9_7F4A_7C15

    package init() {}

    package var value: UInt64 { state }

    package mutating func add(_ number: UInt64) {
        // One round of the mixer of SplitMix64 for each word.
        state = (state ^ number) &* 0xBF58_476D_1CE4_E5B9
        state ^= state >> 29
    }

    package mutating func add(_ number: Int) { add(UInt64(bitPattern: Int64(number))) }

    package mutating func add(_ bytes: Span<UInt8>) {
        add(bytes.count)
        var word: UInt64 = 0
        for i in bytes.indices {
            word = word << 8 | UInt64(bytes[i])
            if i % 8 == 7 {
                add(word)
                word = 0
            }
        }
        add(word)
    }
}

extension TickOutput {
    /// The fingerprint of all that came out: replies, endings, reads, the journal, and what goes to the rooms. To be taken
    /// after `Chat.settle` and before `Chat.endTick`.
    package func digest(_ chat: Chat) -> UInt64 {
        var digest = Digest()
        for reply in replies {
            digest.add(reply.to.number)
            digest.add(bytes.span.extracting(reply.range))
            digest.add(reply.after)
            digest.add(reply.resume)
        }
        for (connection, ending) in endings {
            digest.add(connection.number)
            digest.add(UInt64(ending.rawValue))
        }
        for read in reads {
            digest.add(UInt64(read.room))
            digest.add(read.request)
            switch read.want {
            case .load: break
            case .messages(let before, let limit): digest.add(before &+ UInt64(clamping: limit))
            case .event(let seq): digest.add(seq)
            case .since(let seq, _): digest.add(seq)
            }
        }
        digest.add(journal.span)
        for index in due {
            let room = chat.rooms[Int(index)]
            digest.add(UInt64(index))
            digest.add(room.seq)
            digest.add(room.lines.span)
            digest.add(room.whispers.span)
            digest.add(room.present.count)
        }
        return digest.value
    }
}
