import WebSocket

/// How long to wait before the next try to connect (ms): at once the first time, then longer and longer, up to ten
/// seconds. Never all clients in the same moment: when a server stops, each wait is a draw of its own.
struct Backoff: Sendable {
    private static let longest: Int64 = 10_000
    /// How far apart the first tries of many lie: after a server has stopped, it needs a moment to start again.
    private static let spreadAfterStop: Int64 = 1_500
    private static let spread: Int64 = 250

    private var tries = 0

    mutating func reset() { tries = 0 }

    /// - Parameters:
    ///   - code: how the connection ended.
    ///   - isFull: whether the server has no room: then there is no hurry at all.
    mutating func next(after code: CloseCode, isFull: Bool, random: inout SplitMix) -> Int64 {
        let isFirst = tries == 0
        let step = Self.longest >> Int64(4 - min(tries, 4))  // 1.25, 2.5, 5, 10 s; the first is not waited for
        tries += 1
        if isFull { return random.jitter(Self.longest) }
        guard isFirst else { return random.jitter(step) }
        return random.below(code == .goingAway ? Self.spreadAfterStop : Self.spread)
    }
}

/// SplitMix64: numbers that are the same for the same seed. For waits, not for what nobody may guess.
struct SplitMix: Sendable {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    /// From 0 up to but not including `limit`.
    mutating func below(_ limit: Int64) -> Int64 {
        limit > 0 ? Int64(truncatingIfNeeded: next() >> 1) % limit : 0
    }

    /// Between a half of `time` and all of it.
    mutating func jitter(_ time: Int64) -> Int64 { time / 2 + below(time / 2 + 1) }
}
