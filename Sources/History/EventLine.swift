/// What the first bytes of an event's line tell: `{"type":"T","seq":N,"time":M,`.
///
/// The fields always come in this order, so a line's kind and seq are found without parsing the rest of it.
package struct EventPrefix: Equatable {
    package var seq: UInt64
    package var isMessage: Bool

    /// The largest seq: the largest whole number that JavaScript holds exactly.
    package static let largestSeq: UInt64 = 9_007_199_254_740_991

    /// The shortest line there is, in bytes: `{"type":"join","seq":1,"time":1,"username":"A"}` and its newline.
    static let shortestLine = 48

    /// How every event's line begins; a damaged one that still does has used a seq.
    static let opening: StaticString = #"{"type":""#

    /// - Parameter range: the line, with or without its newline.
    /// - Returns: nil where the range does not begin as an event does.
    package init?(_ bytes: borrowing Span<UInt8>, _ range: Range<Int>) {
        var position = range.lowerBound
        let end = range.upperBound
        guard EventPrefix.match(EventPrefix.opening, bytes, &position, end) else { return nil }
        let word = position
        while position < end, (0x61...0x7A).contains(bytes[position]) { position += 1 }
        var name = word
        isMessage = position - word == 7 && EventPrefix.match("message", bytes, &name, end)
        guard position > word, EventPrefix.match(#"","seq":"#, bytes, &position, end),
            let seq = EventPrefix.number(bytes, &position, end), seq > 0, seq <= EventPrefix.largestSeq,
            EventPrefix.match(#","time":"#, bytes, &position, end),
            EventPrefix.number(bytes, &position, end) != nil,
            EventPrefix.match(",", bytes, &position, end)
        else { return nil }
        self.seq = seq
    }

    static func match(
        _ text: StaticString, _ bytes: borrowing Span<UInt8>, _ position: inout Int, _ end: Int
    ) -> Bool {
        let count = text.utf8CodeUnitCount
        guard end - position >= count else { return false }
        for index in 0..<count {
            // Within the literal, as the loop says.
            guard unsafe bytes[position + index] == text.utf8Start[index] else { return false }
        }
        position += count
        return true
    }

    /// A whole number without a leading zero, of at most 18 digits: it cannot overflow.
    static func number(_ bytes: borrowing Span<UInt8>, _ position: inout Int, _ end: Int) -> UInt64? {
        let start = position
        var value: UInt64 = 0
        while position < end, position - start < 18, (0x30...0x39).contains(bytes[position]) {
            value = value * 10 + UInt64(bytes[position] & 0x0F)
            position += 1
        }
        guard position > start, position == start + 1 || bytes[start] != 0x30 else { return nil }
        return value
    }

    /// The seq of the last line of a block of whole lines.
    package static func lastSeq(_ block: borrowing Span<UInt8>) -> UInt64? {
        guard block.count > 1, block[block.count - 1] == 0x0A else { return nil }
        var start = block.count - 1
        while start > 0, block[start - 1] != 0x0A { start -= 1 }
        return EventPrefix(block, start..<block.count - 1)?.seq
    }
}

/// One line found by a scan.
package struct ScannedLine {
    package enum Kind: Sendable {
        /// An event whose seq fits between its neighbours'. (The rest of it has not been looked at.)
        case event
        /// It begins like an event, but its seq is unreadable or does not fit.
        case damagedEvent
        /// Anything else.
        case junk
    }

    /// The line with its newline, within the scanned bytes.
    package var range: Range<Int>
    package var kind: Kind
    package var isMessage = false
    /// 0 where it is unreadable.
    package var seq: UInt64 = 0
    /// For the caller's use: which block the line goes to.
    var destination: Destination = .none

    enum Destination {
        case none, events, messages
    }
}

/// Splits bytes into lines and tells which of them are events, in file order.
///
/// A seq that was damaged into another number must not make the lines around it look wrong. So each line is judged by both
/// its neighbours: of two that contradict each other, the one that the line before them contradicts too is the liar.
package struct LineScan {
    package private(set) var lines: [ScannedLine] = []

    package init() {}

    /// - Parameters:
    ///   - range: whole lines, each with its newline. What follows the last newline is not looked at.
    ///   - lower: the seq of the line before the first one, or one below the least that may be.
    ///   - ceiling: the seq of the line after the last one, or one above the greatest that may be.
    package mutating func scan(
        _ bytes: borrowing Span<UInt8>, _ range: Range<Int>, above lower: UInt64, below ceiling: UInt64
    ) {
        lines.removeAll(keepingCapacity: true)
        var start = range.lowerBound
        while let newline = LineScan.newline(bytes, start..<range.upperBound) {
            var line = ScannedLine(range: start..<newline + 1, kind: .junk)
            if let prefix = EventPrefix(bytes, start..<newline) {
                line.seq = prefix.seq
                line.isMessage = prefix.isMessage
                line.kind = prefix.seq > lower && prefix.seq < ceiling ? .event : .damagedEvent
            } else {
                var position = start
                if EventPrefix.match(EventPrefix.opening, bytes, &position, newline) { line.kind = .damagedEvent }
            }
            lines.append(line)
            start = newline + 1
        }
        judge(above: lower)
    }

    mutating func assign(_ index: Int, _ destination: ScannedLine.Destination) {
        lines[index].destination = destination
    }

    /// Whether a line is an event whose seq the bytes since the event before it allow: seqs follow each other without a gap
    /// within a segment, and each takes its bytes. It is what can be asked of a last line, which none after it can confirm.
    func isDense(_ index: Int) -> Bool {
        guard lines[index].kind == .event else { return false }
        guard let before = lines[..<index].last(where: { $0.kind == .event }) else { return true }
        let bytes = lines[index].range.upperBound - before.range.lowerBound
        return lines[index].seq - before.seq <= UInt64(bytes / EventPrefix.shortestLine) + 1
    }

    private mutating func judge(above lower: UInt64) {
        var before = lower
        var pending: Int?
        for index in lines.indices where lines[index].kind == .event {
            guard let candidate = pending else {
                pending = index
                continue
            }
            if lines[index].seq > lines[candidate].seq {
                before = lines[candidate].seq
                pending = index
            } else if lines[index].seq > before, lines[index].seq < lines[candidate].seq {
                lines[candidate].kind = .damagedEvent
                pending = index
            } else {
                lines[index].kind = .damagedEvent
            }
        }
    }

    /// The first newline in a range.
    static func newline(_ bytes: borrowing Span<UInt8>, _ range: Range<Int>) -> Int? {
        var index = range.lowerBound
        while index < range.upperBound {
            if bytes[index] == 0x0A { return index }
            index += 1
        }
        return nil
    }
}
