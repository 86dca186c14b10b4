import Bytes

/// A recording of ticks: a row of records, each a byte that says what it is, its length in four bytes (the lowest first),
/// and as many bytes.
///
///     settings  the format's version and the chat's limits
///     journal   the sessions that the server began with
///     inputs    all that a tick has taken in; written before the chat sees it
///     outcome   which rooms the disk has refused, and a digest of all that came out
///
/// Numbers in records are in groups of seven bits, the lowest first, with the top bit set where another group follows.
package enum Recording {
    package static let version: UInt64 = 2

    package enum Kind: UInt8, Sendable {
        case settings = 1
        case journal = 2
        case inputs = 3
        case outcome = 4
    }

    /// What came of a tick.
    package struct Outcome: Equatable, Sendable {
        package var failed: [UInt32]
        package var journalWritten: Bool
        package var digest: UInt64

        package init(failed: [UInt32], journalWritten: Bool, digest: UInt64) {
            self.failed = failed
            self.journalWritten = journalWritten
            self.digest = digest
        }
    }

    /// Appends a record.
    package static func append(_ kind: Kind, to bytes: inout [UInt8], _ body: (inout [UInt8]) -> Void) {
        bytes.append(kind.rawValue)
        let lengthAt = bytes.count
        bytes += [0, 0, 0, 0]
        body(&bytes)
        let length = UInt32(truncatingIfNeeded: bytes.count - lengthAt - 4)
        for i in 0..<4 { bytes[lengthAt + i] = UInt8(truncatingIfNeeded: length >> (8 * UInt32(i))) }
    }

    /// What a recorded chat was made with.
    package static func appendSettings(_ limits: Limits, to bytes: inout [UInt8]) {
        append(.settings, to: &bytes) { bytes in
            bytes.append(number: version)
            bytes.append(limits.isDurable ? 1 : 0)
            for rate in Limits.rates {
                // No rate takes no time.
                bytes.append(number: UInt64(clamping: limits[keyPath: rate]?.interval ?? 0))
                bytes.append(number: UInt64(clamping: limits[keyPath: rate]?.tolerance ?? 0))
            }
            for size in Limits.sizes { bytes.append(number: UInt64(clamping: limits[keyPath: size])) }
        }
    }

    package static func appendJournal(_ journal: Span<UInt8>, now: Int64, to bytes: inout [UInt8]) {
        append(.journal, to: &bytes) { bytes in
            bytes.append(number: UInt64(bitPattern: now))
            bytes.append(copying: journal)
        }
    }

    package static func appendInputs(_ inputs: TickInputs, to bytes: inout [UInt8]) {
        append(.inputs, to: &bytes) { bytes in
            bytes.append(number: UInt64(bitPattern: inputs.now))
            bytes.append(number: UInt64(bitPattern: inputs.time))
            bytes.append(number: UInt64(inputs.items.count))
            for item in inputs.items { item.append(of: inputs.bytes.span, to: &bytes) }
        }
    }

    package static func appendOutcome(_ outcome: Outcome, to bytes: inout [UInt8]) {
        append(.outcome, to: &bytes) { bytes in
            bytes.append(number: outcome.digest)
            bytes.append(outcome.journalWritten ? 1 : 0)
            bytes.append(number: UInt64(outcome.failed.count))
            for room in outcome.failed { bytes.append(number: UInt64(room)) }
        }
    }
}

extension TickInputs.Item {
    /// Appends the item, with the bytes that it refers to.
    fileprivate func append(of all: Span<UInt8>, to bytes: inout [UInt8]) {
        func append(_ range: Range<Int>) {
            bytes.append(number: UInt64(range.count))
            bytes.append(copying: all.extracting(range))
        }
        switch self {
        case .opened(let id, let room, let secret):
            bytes.append(0)
            bytes.append(number: id.number)
            bytes.append(number: secret.high)
            bytes.append(number: secret.low)
            append(room)
        case .text(let id, let range):
            bytes.append(1)
            bytes.append(number: id.number)
            append(range)
        case .closed(let id, let departure):
            bytes.append(2)
            bytes.append(number: id.number)
            bytes.append(departure.rawValue)
        case .roomLoaded(let room, let newestSeq, let older, let events):
            bytes.append(3)
            bytes.append(number: UInt64(room))
            bytes.append(number: newestSeq)
            append(older)
            append(events)
        case .roomFailed(let room):
            bytes.append(4)
            bytes.append(number: UInt64(room))
        case .lines(let request, let range, let more):
            bytes.append(5)
            bytes.append(number: request)
            bytes.append(more ? 1 : 0)
            append(range)
        case .readFailed(let request):
            bytes.append(6)
            bytes.append(number: request)
        }
    }
}

extension [UInt8] {
    /// Appends a number in groups of seven bits.
    fileprivate mutating func append(number: UInt64) {
        var rest = number
        while rest >= 0x80 {
            append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        append(UInt8(truncatingIfNeeded: rest))
    }
}
