/// A fingerprint of what came out of a tick: two runs that agree on it have, for all that is likely, done the same.
///
/// It is no cryptographic hash; nobody has a reason to forge a recording's digests.
package struct Digest: Sendable {
    private var state: UInt64 = 0x9E37_79B9_7F4A_7C15

    package init() {}

    /// Goes on from a value.
    init(value: UInt64) { state = value }

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

/// What a tick has come to, in four fingerprints, so that two runs that differ can be told in what.
package struct TickDigest: Equatable, Sendable {
    /// The rooms' newest seqs and how many are in them.
    package var state: UInt64 = 0
    package var events: UInt64 = 0
    package var typing: UInt64 = 0
    /// Answers that follow from the rooms' inputs, and endings. (Not pages and welcomes: what they tell of the past depends on
    /// what is in memory.)
    package var answers: UInt64 = 0

    package init() {}

    /// The names of the fields in which two differ.
    package func differences(from other: TickDigest) -> [String] {
        let all = [
            ("state", state, other.state), ("events", events, other.events), ("typing", typing, other.typing),
            ("answers", answers, other.answers),
        ]
        return all.filter { $0.1 != $0.2 }.map(\.0)
    }

    /// Adds what a room's tick has put out, to be called before `Room.commit`. The order of the rooms does not matter.
    package mutating func add(_ room: Room, at index: UInt32) {
        guard room.hasDecided else { return }
        var (state, events, typing, answers) = (Digest(), Digest(), Digest(), Digest())
        state.add(UInt64(index))
        state.add(room.seq)
        state.add(room.memberCount)
        state.add(room.settings.slow)
        state.add(room.settings.topic.span)
        state.add(room.settings.lock?.seq ?? 0)
        if let pair = room.pair { state.add(pair.isOver ? 2 : 1) }
        for entry in room.pending[room.firstNew...] {
            switch entry.kind {
            case .event: events.add(room.lines.span.extracting(entry.range))
            case .typing: typing.add(room.texts.span.extracting(entry.range))
            case .answer(request: 0, _):
                // Only what is refused or done: other answers tell of the past.
                let text = room.texts.span.extracting(entry.range)
                let opening: StaticString = "{\"type\":\"error\",\"code\":\"storage_failed\""
                let length = opening.utf8CodeUnitCount
                if text.count >= length, text.extracting(0..<length).isEqual(to: opening) { answers.add(text) }
            case .end(let ending): answers.add(UInt64(ending.rawValue))
            case .answer, .completed, .response, .awaits, .notice, .welcome: break
            }
        }
        self.state &+= state.value
        self.events &+= events.value
        self.typing &+= typing.value
        self.answers &+= answers.value
    }
}
