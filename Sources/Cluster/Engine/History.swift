/// A line of a room's history that is to be stored: an event, as it is now.
///
/// The engine keeps them in blocks of 256 seqs, so that a page is found without a list of all.
package struct HistoryLine: Equatable, Sendable {
    package var seq: UInt64
    /// When the event was, in milliseconds since the Unix epoch.
    package var time: Int64
    /// Without its line break.
    package var line: [UInt8]

    package init(seq: UInt64, time: Int64, line: [UInt8]) { (self.seq, self.time, self.line) = (seq, time, line) }

    /// The block that a seq is in.
    package static func block(of seq: UInt64) -> UInt64 { seq >> 8 }
}

/// A block of a room's history, with all that it has.
package struct HistoryBlock: Equatable, Sendable {
    package struct Line: Equatable, Sendable {
        package var seq: UInt64
        package var line: [UInt8]

        package init(seq: UInt64, line: [UInt8]) { (self.seq, self.line) = (seq, line) }
    }

    package var number: UInt64
    /// By seq; some may be missing.
    package var lines: [Line]

    package init(number: UInt64, lines: [Line]) { (self.number, self.lines) = (number, lines) }
}

/// Blocks of a room's history, in the order in which they were asked for.
package struct HistoryAnswer: Equatable, Sendable {
    package var blocks: [HistoryBlock]
    /// Whether there are more in that direction.
    package var more: Bool

    package init(blocks: [HistoryBlock], more: Bool) { (self.blocks, self.more) = (blocks, more) }
}

/// How large a block of a room's history is.
package struct HistorySize: Equatable, Sendable {
    package var block: UInt64
    /// Of its lines.
    package var bytes: UInt64
    /// The newest time among all that was written to it, in milliseconds since the Unix epoch.
    package var time: Int64

    package init(block: UInt64, bytes: UInt64, time: Int64) {
        (self.block, self.bytes, self.time) = (block, bytes, time)
    }
}
