import Bytes
import WebSocket

/// Bytes that several connections may have to send: a room's frames of one tick. Those do not change any more; what one
/// connection alone waits for can grow.
final class SharedBytes {
    private(set) var bytes: [UInt8]
    private let ledger: Ledger

    /// What the objects and the array cost beside the bytes.
    private static let overhead = 96

    /// Whether the bytes stay in memory anyway: they are not counted then.
    private let isKept: Bool

    init(kept bytes: [UInt8], _ ledger: Ledger) {
        (self.bytes, self.ledger, isKept) = (bytes, ledger, true)
        ledger.change(by: memory)
    }

    init(_ bytes: [UInt8], _ ledger: Ledger) {
        self.bytes = bytes
        self.ledger = ledger
        isKept = false
        ledger.change(by: memory)
    }

    deinit { ledger.change(by: -memory) }

    /// What they take in memory.
    var memory: Int { (isKept ? 0 : bytes.count) + Self.overhead }

    /// Adds what the same connection waits for. For bytes that are shared with no other one.
    fileprivate func append(_ more: [UInt8]) {
        bytes += more
        ledger.change(by: more.count)
    }
}

/// What a connection's kernel buffer has not taken, in order: parts of shared bytes. A slow reader costs the length of
/// its list, not a copy of what is said.
final class Backlog {
    private struct Chunk {
        var bytes: SharedBytes
        var range: Range<Int>
        /// Where the range began: there a frame begins.
        var start: Int
        /// Whether no other connection has them.
        var isOwn: Bool

        var memory: Int { bytes.memory + Backlog.chunkMemory }
    }

    private static let chunkMemory = 48
    /// Own bytes are put together up to this size. One by one, answers of two bytes each would cost a hundred.
    private static let smallChunk = 4096

    private let ledger: Ledger
    /// Those before the first one are sent, and nil: they keep no bytes alive.
    private var chunks: [Chunk?] = []
    private var first = 0
    private(set) var byteCount = 0 {
        didSet { ledger.changeQueued(by: byteCount - oldValue) }
    }
    /// The memory that there would be no need for without this connection, or without it and others like it.
    private(set) var heldBytes = 0
    /// Bytes in it that do not count towards the limit: a welcome or a page of history, which the client has asked for, may
    /// be larger than it.
    var allowance = 0

    init(_ ledger: Ledger) { self.ledger = ledger }

    deinit {
        ledger.change(by: -(chunks.count - first) * Self.chunkMemory)
        ledger.changeQueued(by: -byteCount)
    }

    var isEmpty: Bool { byteCount == 0 }

    /// Adds bytes that begin with a frame. `range` may begin in the middle of one if this is the first.
    ///
    /// - Parameter isOwn: whether no other connection has them.
    func append(_ bytes: SharedBytes, _ range: Range<Int>, start: Int? = nil, isOwn: Bool = false) {
        guard !range.isEmpty else { return }
        let chunk = Chunk(bytes: bytes, range: range, start: start ?? range.lowerBound, isOwn: isOwn)
        chunks.append(chunk)
        byteCount += range.count
        heldBytes += chunk.memory
        ledger.change(by: Self.chunkMemory)
    }

    /// Adds bytes that are for this connection alone, and begin with a frame.
    func append(own bytes: [UInt8]) {
        guard first < chunks.count, let last = chunks[chunks.count - 1], last.isOwn,
            last.bytes.bytes.count + bytes.count <= Self.smallChunk
        else { return append(SharedBytes(bytes, ledger), 0..<bytes.count, isOwn: true) }
        last.bytes.append(bytes)
        chunks[chunks.count - 1]?.range = last.range.lowerBound..<last.range.upperBound + bytes.count
        byteCount += bytes.count
        heldBytes += bytes.count
    }

    /// Copies the first bytes, as many as there are up to a limit.
    func copyFirst(_ limit: Int, into target: inout [UInt8]) {
        for case let chunk? in chunks[first...] {
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
        while left > 0, first < chunks.count, let chunk = chunks[first] {
            if left < chunk.range.count {
                chunks[first]?.range = chunk.range.lowerBound + left..<chunk.range.upperBound
                return
            }
            left -= chunk.range.count
            removeFirstChunk(chunk)
        }
        if first == chunks.count || first >= 64 {
            chunks.removeFirst(first)
            first = 0
        }
    }

    private func removeFirstChunk(_ chunk: Chunk) {
        heldBytes -= chunk.memory
        ledger.change(by: -Self.chunkMemory)
        chunks[first] = nil
        first += 1
    }

    /// Throws away everything but the rest of a frame of which the peer has had the beginning, so that a close frame can
    /// follow.
    ///
    /// - Parameter committed: how many of the first bytes the peer will get all the same.
    func cutToFrame(committed: Int) {
        guard first < chunks.count, let chunk = chunks[first] else { return }
        while first < chunks.count, let next = chunks[first] { removeFirstChunk(next) }
        chunks = []
        first = 0
        byteCount = 0
        allowance = 0
        guard chunk.range.lowerBound + committed > chunk.start else { return }
        let bytes = chunk.bytes.bytes
        let sent = chunk.range.lowerBound + committed - chunk.start
        let frames = chunk.start..<chunk.range.upperBound
        guard let end = Frame.boundary(in: bytes.span.extracting(frames), atOrAfter: sent) else { return }
        append(chunk.bytes, chunk.range.lowerBound..<chunk.start + end, start: chunk.start, isOwn: chunk.isOwn)
    }
}
