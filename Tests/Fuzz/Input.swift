import Bytes

/// What a fuzzer hands over, taken apart: decisions from its front, bytes from the rest.
///
/// The decisions lie in the input itself, so that libFuzzer can find and keep the ones that matter.
struct Input {
    private(set) var rest: ArraySlice<UInt8>

    /// - Parameters:
    ///   - bytes: libFuzzer's own memory, which is not to be kept.
    init(_ bytes: UnsafePointer<UInt8>, _ count: Int) {
        // unsafe: libFuzzer says how many there are, and leaves them alone while it waits.
        rest = unsafe Array(UnsafeBufferPointer(start: bytes, count: count))[...]
    }

    /// A decision; 0 where there are no more.
    mutating func byte() -> UInt8 { rest.popFirst() ?? 0 }

    /// The rest, as one read and cut into many by `seed`: whoever reads it must make the same of both.
    func pieces(seed: UInt8) -> [[UInt8]] {
        var state = UInt32(seed) &+ 1
        var pieces: [[UInt8]] = []
        var rest = self.rest
        while !rest.isEmpty {
            state = state &* 1_664_525 &+ 1_013_904_223
            let count = seed == 0 ? 1 : 1 + Int(state >> 24) % (1 + Int(seed) % 37)
            pieces.append(Array(rest.prefix(count)))
            rest = rest.dropFirst(count)
        }
        return pieces
    }
}

/// Ends the process, which is how a fuzzer reports what it found.
func demand(_ condition: Bool, _ message: @autoclosure () -> String) {
    if !condition { fatalError(message()) }
}
