import Bytes
import WebSocket

/// Bytes that several connections may have to send: a room's frames of one tick. They do not change any more.
final class SharedBytes {
    let bytes: [UInt8]
    init(_ bytes: [UInt8]) { self.bytes = bytes }
}

/// What a connection's kernel buffer has not taken, in order: parts of shared bytes. A slow reader costs the length of
/// its list, not a copy of what is said.
final class Backlog {
    private struct Chunk {
        var bytes: SharedBytes
        var range: Range<Int>
        /// Where the range began: there a frame begins.
        var start: Int
    }

    private var chunks: [Chunk] = []
    private var first = 0
    private(set) var byteCount = 0
    /// Whether the kernel has refused, and must say that there is room before anything is sent.
    var isBlocked = true
    /// Bytes in it that do not count towards the limit: a welcome or a page of history, which the client has asked for, may
    /// be larger than it.
    var allowance = 0

    var isEmpty: Bool { byteCount == 0 }

    /// Adds bytes that begin with a frame. `range` may begin in the middle of one if this is the first.
    func append(_ bytes: SharedBytes, _ range: Range<Int>, start: Int? = nil) {
        guard !range.isEmpty else { return }
        chunks.append(Chunk(bytes: bytes, range: range, start: start ?? range.lowerBound))
        byteCount += range.count
    }

    /// Copies the first bytes, as many as there are up to a limit.
    func copyFirst(_ limit: Int, into target: inout [UInt8]) {
        for chunk in chunks[first...] {
            let room = limit - target.count
            guard room > 0 else { return }
            let end = min(chunk.range.upperBound, chunk.range.lowerBound + room)
            let bytes = chunk.bytes.bytes
            target.append(copying: bytes.span.extracting(chunk.range.lowerBound..<end))
        }
    }

    /// The first bytes have been sent.
    func removeFirst(_ count: Int) {
        byteCount -= count
        allowance = max(0, allowance - count)
        var left = count
        while left > 0, first < chunks.count {
            let size = chunks[first].range.count
            if left < size {
                chunks[first].range = chunks[first].range.lowerBound + left..<chunks[first].range.upperBound
                return
            }
            left -= size
            first += 1
        }
        if first == chunks.count || first >= 64 {
            chunks.removeFirst(first)
            first = 0
        }
    }

    /// Throws away everything but the rest of a frame of which the peer has had the beginning, so that a close frame can
    /// follow.
    func cutToFrame() {
        guard first < chunks.count else { return }
        let chunk = chunks[first]
        chunks = []
        first = 0
        byteCount = 0
        allowance = 0
        guard chunk.range.lowerBound > chunk.start else { return }
        let bytes = chunk.bytes.bytes
        let sent = chunk.range.lowerBound - chunk.start
        let frames = chunk.start..<chunk.range.upperBound
        guard let end = Frame.boundary(in: bytes.span.extracting(frames), atOrAfter: sent) else { return }
        append(chunk.bytes, chunk.range.lowerBound..<chunk.start + end, start: chunk.start)
    }
}
