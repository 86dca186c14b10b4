/// Keeps account of every message at every receiver: each one is to arrive once, and in its sender's order.
package struct Ledger: Sendable {
    /// All that have arrived, those too often as well.
    package private(set) var deliveries: UInt64 = 0
    /// Passed over by a later one, or by the end.
    package private(set) var lost: UInt64 = 0
    package private(set) var doubled: UInt64 = 0
    /// Arrived after a later one of the same sender.
    package private(set) var reordered: UInt64 = 0
    /// Bear a number or a sender that was never used.
    package private(set) var foreign: UInt64 = 0

    private let receivers: Int
    private let senders: Int
    /// Whether every receiver hears itself and nobody else.
    private let isEcho: Bool
    /// The last number that each sender has used; they begin with 1.
    private var said: [UInt32]
    /// The largest number that has arrived, for each receiver and sender.
    private var last: [UInt32]
    /// The numbers below it that have not, where there are some.
    private var missing: [Int: [Range<UInt32>]] = [:]

    /// - Parameter isEcho: every receiver is a sender that hears itself alone.
    package init(receivers: Int, senders: Int, isEcho: Bool) {
        self.receivers = receivers
        self.senders = senders
        self.isEcho = isEcho
        said = [UInt32](repeating: 0, count: senders)
        last = [UInt32](repeating: 0, count: isEcho ? receivers : receivers * senders)
    }

    /// Whether nothing has gone wrong so far. Only after `close` this covers what never came.
    package var isCorrect: Bool { lost == 0 && doubled == 0 && reordered == 0 && foreign == 0 }

    /// Messages that were sent.
    package var sent: UInt64 { said.reduce(0) { $0 + UInt64($1) } }

    /// Whether all that was sent has arrived, everywhere.
    package var isSettled: Bool { deliveries - doubled - foreign >= sent * UInt64(isEcho ? 1 : receivers) }

    /// Enters a message that is about to be sent.
    ///
    /// - Returns: its number.
    package mutating func say(_ sender: Int) -> UInt32 {
        said[sender] += 1
        return said[sender]
    }

    /// Enters an arrival.
    package mutating func deliver(to receiver: Int, from sender: Int, number: UInt32) {
        deliveries += 1
        guard sender >= 0, sender < senders, !isEcho || sender == receiver, number > 0, number <= said[sender] else {
            foreign += 1
            return
        }
        let place = isEcho ? receiver : receiver * senders + sender
        let before = last[place]
        if number == before + 1 {
            last[place] = number
        } else if number > before {
            // Those between may still come, late.
            missing[place, default: []].append(before + 1..<number)
            lost += UInt64(number - before - 1)
            last[place] = number
        } else if takeMissing(number, at: place) {
            lost -= 1
            reordered += 1
        } else {
            doubled += 1
        }
    }

    /// Counts what never came as lost.
    package mutating func close() {
        for place in last.indices {
            let number = said[isEcho ? place : place % senders]
            lost += UInt64(number - last[place])
            last[place] = number
        }
    }

    private mutating func takeMissing(_ number: UInt32, at place: Int) -> Bool {
        guard var ranges = missing[place], let index = ranges.firstIndex(where: { $0.contains(number) }) else {
            return false
        }
        let range = ranges.remove(at: index)
        if number + 1 < range.upperBound { ranges.insert(number + 1..<range.upperBound, at: index) }
        if range.lowerBound < number { ranges.insert(range.lowerBound..<number, at: index) }
        missing[place] = ranges.isEmpty ? nil : ranges
        return true
    }
}
