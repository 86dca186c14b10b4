import Testing
import WebSocket

@testable import Server

@Suite(.ownThreads) struct BacklogTests {
    /// Two frames, the first of them with `sent` bytes gone; what is left of them when the connection is to be closed.
    private func rest(after sent: Int, committed: Int) -> [UInt8] {
        let frames = Self.frames
        let backlog = Backlog(Ledger())
        backlog.append(SharedBytes(frames, Ledger()), 0..<frames.count)
        backlog.removeFirst(sent)
        backlog.cutToFrame(committed: committed)
        var left: [UInt8] = []
        backlog.copyFirst(1000, into: &left)
        #expect(left.count == backlog.byteCount)
        return left
    }

    private static let frames: [UInt8] = {
        var bytes: [UInt8] = []
        for word in ["first", "second"] {
            Frame.append(to: &bytes, opcode: .text, payload: Array(word.utf8).span)
        }
        return bytes
    }()
    private static let firstCount = 2 + 5

    @Test func onlyTheRestOfABegunFrameIsKept() {
        for sent in 0...Self.frames.count - 1 {
            let end = sent == 0 ? 0 : sent <= Self.firstCount ? Self.firstCount : Self.frames.count
            #expect(rest(after: sent, committed: 0) == Array(Self.frames[sent..<end]), "\(sent)")
        }
    }

    /// A byte that is encrypted already begins a frame as one that is sent does.
    @Test func aCommittedByteBeginsItsFrame() {
        for sent in 0...Self.frames.count - 1 {
            let end = sent < Self.firstCount ? Self.firstCount : Self.frames.count
            #expect(rest(after: sent, committed: 1) == Array(Self.frames[sent..<end]), "\(sent)")
        }
    }
}
