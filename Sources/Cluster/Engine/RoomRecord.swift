import Bytes

/// A record of a room: what all nodes that serve the room apply, in the order of the positions.
///
/// In the engine it is bytes: position, stamp and writes (eight bytes each, most significant first), the incarnation (32 hexadecimal
/// digits), its number (eight bytes), and the content, whose first byte says what it is.
package struct RoomRecord: Equatable, Sendable {
    package enum Content: Equatable, Sendable {
        /// What the nodes decide by: the first of these in a room is what holds.
        case rules([UInt8])
        case inputs(Inputs)
        /// The connections of an incarnation have lost their line.
        case lost(Incarnation)
        /// The engine has begun anew, and may have lost a tail before this: seqs go on in another upper half.
        case epoch(UInt64)
    }

    /// What a node has put together in a tick.
    package struct Inputs: Equatable, Sendable {
        /// The position that the writer had applied, and the digest of its state then.
        package var base: UInt64
        package var digest: UInt64
        package var items: [RecordItem]

        package init(base: UInt64, digest: UInt64, items: [RecordItem]) {
            (self.base, self.digest, self.items) = (base, digest, items)
        }
    }

    /// From 1, without a gap in a room.
    package var position: UInt64
    /// The engine's time in milliseconds since the Unix epoch; it never goes back in a room.
    package var stamp: Int64
    /// How many records of all rooms there were, with this one.
    package var writes: UInt64
    /// Who has written it; none where a script has.
    package var incarnation: Incarnation
    /// The writer's number, from 1, without a gap in a room.
    package var number: UInt64
    package var content: Content

    package init(
        position: UInt64, stamp: Int64, writes: UInt64, incarnation: Incarnation, number: UInt64, content: Content
    ) {
        (self.position, self.stamp, self.writes) = (position, stamp, writes)
        (self.incarnation, self.number, self.content) = (incarnation, number, content)
    }
}

/// One of the things that a record hands to the room.
package enum RecordItem: Equatable, Sendable {
    /// An input of the room, in the recording's encoding.
    case input([UInt8])
    /// A deadline has come.
    case due(Due)

    /// The bytes that it takes in a record.
    var size: Int {
        switch self {
        case .input(let bytes): 5 + bytes.count
        case .due: 17
        }
    }
}

/// A deadline of a room: what of, and which one of those. The room obeys the first record that says it, and ignores the others.
package struct Due: Hashable, Sendable {
    package var kind: UInt64
    package var generation: UInt64

    package init(kind: UInt64, generation: UInt64) { (self.kind, self.generation) = (kind, generation) }
}

// MARK: Bytes

extension RoomRecord.Content {
    private enum Kind {
        static let inputs: UInt8 = 0
        static let rules: UInt8 = 1
        static let lost: UInt8 = 2
        static let epoch: UInt8 = 3
    }

    private enum ItemKind {
        static let input: UInt8 = 0
        static let due: UInt8 = 1
    }

    package var bytes: [UInt8] {
        var bytes: [UInt8] = []
        switch self {
        case .rules(let rules):
            bytes.append(Kind.rules)
            bytes += rules
        case .inputs(let inputs):
            bytes.append(Kind.inputs)
            bytes.append(bigEndian: inputs.base, byteCount: 8)
            bytes.append(bigEndian: inputs.digest, byteCount: 8)
            for item in inputs.items {
                switch item {
                case .input(let input):
                    bytes.append(ItemKind.input)
                    bytes.append(bigEndian: UInt64(input.count), byteCount: 4)
                    bytes += input
                case .due(let due):
                    bytes.append(ItemKind.due)
                    bytes.append(bigEndian: due.kind, byteCount: 8)
                    bytes.append(bigEndian: due.generation, byteCount: 8)
                }
            }
        case .lost(let incarnation):
            bytes.append(Kind.lost)
            bytes += incarnation.text
        case .epoch(let epoch):
            bytes.append(Kind.epoch)
            bytes.append(bigEndian: epoch, byteCount: 8)
        }
        return bytes
    }

    fileprivate init?(_ reader: inout FieldReader) {
        switch reader.number(1) {
        case UInt64(Kind.rules): self = .rules(reader.rest())
        case UInt64(Kind.lost):
            guard let incarnation = reader.incarnation(), reader.isAtEnd else { return nil }
            self = .lost(incarnation)
        case UInt64(Kind.epoch):
            guard let epoch = reader.number(8), reader.isAtEnd else { return nil }
            self = .epoch(epoch)
        case UInt64(Kind.inputs):
            guard let base = reader.number(8), let digest = reader.number(8) else { return nil }
            var items: [RecordItem] = []
            while !reader.isAtEnd {
                switch reader.number(1) {
                case UInt64(ItemKind.input):
                    guard let length = reader.number(4), let input = reader.bytes(length) else { return nil }
                    items.append(.input(input))
                case UInt64(ItemKind.due):
                    guard let kind = reader.number(8), let generation = reader.number(8) else { return nil }
                    items.append(.due(Due(kind: kind, generation: generation)))
                default: return nil
                }
            }
            self = .inputs(RoomRecord.Inputs(base: base, digest: digest, items: items))
        default: return nil
        }
    }
}

extension RoomRecord {
    package var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(bigEndian: position, byteCount: 8)
        bytes.append(bigEndian: UInt64(bitPattern: stamp), byteCount: 8)
        bytes.append(bigEndian: writes, byteCount: 8)
        bytes += incarnation.text
        bytes.append(bigEndian: number, byteCount: 8)
        return bytes + content.bytes
    }

    /// How many `bytes` there are.
    package var size: Int {
        let body =
            switch content {
            case .rules(let rules): 1 + rules.count
            case .inputs(let inputs): inputs.items.reduce(17) { $0 + $1.size }
            case .lost: 33
            case .epoch: 9
            }
        return 64 + body
    }

    /// Reads `bytes`; nil where they are something else.
    package init?(_ bytes: [UInt8]) {
        var reader = FieldReader(bytes: bytes[...])
        guard let position = reader.number(8), let stamp = reader.number(8), let writes = reader.number(8),
            let incarnation = reader.incarnation(), let number = reader.number(8), let content = Content(&reader)
        else { return nil }
        self.init(
            position: position, stamp: Int64(bitPattern: stamp), writes: writes, incarnation: incarnation,
            number: number, content: content)
    }
}

/// What is published on a room's channel.
package enum RoomNotice: Equatable, Sendable {
    case record(RoomRecord)
    /// A snapshot was stored.
    case snapshot(position: UInt64, size: UInt64)

    package init?(_ bytes: [UInt8]) {
        switch bytes.first {
        case UInt8(ascii: "r"):
            guard let record = RoomRecord(Array(bytes.dropFirst())) else { return nil }
            self = .record(record)
        case UInt8(ascii: "s"):
            var reader = FieldReader(bytes: bytes.dropFirst())
            guard let position = reader.number(8), let size = reader.number(8), reader.isAtEnd else { return nil }
            self = .snapshot(position: position, size: size)
        default: return nil
        }
    }
}

/// Reads fields one after the other. What is not there is nil.
private struct FieldReader {
    var bytes: ArraySlice<UInt8>

    var isAtEnd: Bool { bytes.isEmpty }

    /// A number of so many bytes, the most significant first.
    mutating func number(_ count: Int) -> UInt64? {
        self.bytes(UInt64(count))?.reduce(0) { $0 << 8 | UInt64($1) }
    }

    mutating func incarnation() -> Incarnation? { bytes(32).flatMap { Incarnation($0.span) } }

    mutating func bytes(_ count: UInt64) -> [UInt8]? {
        guard let count = Int(exactly: count), count <= bytes.count else { return nil }
        defer { bytes = bytes.dropFirst(count) }
        return Array(bytes.prefix(count))
    }

    mutating func rest() -> [UInt8] {
        defer { bytes = [] }
        return Array(bytes)
    }
}
