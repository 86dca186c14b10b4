import Bytes
import WebSocket

/// An event with its payload, apart from any arena.
enum Happening: Equatable {
    case text(String)
    case binary([UInt8])
    case ping([UInt8])
    case pong([UInt8])
    case close(UInt16?, String)
    case violation(Violation)
}

/// What a reader makes of `pieces`, each of them a read of its own, with a fresh arena for each, as from tick to tick.
func read(
    _ pieces: [[UInt8]], as role: Role = .server, deflate: Bool = false, maxMessage: Int = 65536
) -> [Happening] {
    var reader = MessageReader(role: role, deflate: deflate)
    return read(pieces, with: &reader, maxMessage: maxMessage)
}

func read(_ pieces: [[UInt8]], with reader: inout MessageReader, maxMessage: Int = 65536) -> [Happening] {
    guard let inflater = Inflater() else { return [] }
    var happenings: [Happening] = []
    for piece in pieces {
        var arena: [UInt8] = [0xAA]  // payloads come after what is there
        var offset = 0
        while let event = reader.next(
            in: piece.span, at: &offset, into: &arena, maxMessage: maxMessage, inflater: inflater)
        {
            happenings.append(Happening(event, in: arena))
        }
        guard offset == piece.count else { return [] }  // nil means that the input is used up
    }
    return happenings
}

/// The same for bytes that come in one read.
func read(_ bytes: [UInt8], as role: Role = .server, deflate: Bool = false, maxMessage: Int = 65536) -> [Happening] {
    read([bytes], as: role, deflate: deflate, maxMessage: maxMessage)
}

extension Happening {
    init(_ event: ReaderEvent, in arena: [UInt8]) {
        func string(_ range: Range<Int>) -> String { String(decoding: arena[range], as: UTF8.self) }
        switch event {
        case .text(let range): self = .text(string(range))
        case .binary(let range): self = .binary(Array(arena[range]))
        case .ping(let range): self = .ping(Array(arena[range]))
        case .pong(let range): self = .pong(Array(arena[range]))
        case .close(let code, let reason): self = .close(code?.rawValue, string(reason))
        case .violation(let violation): self = .violation(violation)
        }
    }
}

/// Text where the bytes spell one, for comparisons of streams that may hold anything.
func textHappening(_ bytes: [UInt8]) -> Happening { .text(String(decoding: bytes, as: UTF8.self)) }

/// A frame put together bit by bit, with whatever is asked for, legal or not.
///
/// - Parameters:
///   - rsv: the three reserved bits, RSV1 being 4.
///   - mask: four bytes; nil for an unmasked frame.
///   - lengthBytes: 0, 2 or 8 after the first; nil for as many as it takes.
///   - announcing: the length to tell, where not the payload's.
func frame(
    _ opcode: UInt8, _ payload: [UInt8] = [], fin: Bool = true, rsv: UInt8 = 0,
    mask: [UInt8]? = [0x37, 0xFA, 0x21, 0x3D], lengthBytes: Int? = nil, announcing: UInt64? = nil
) -> [UInt8] {
    let length = announcing ?? UInt64(payload.count)
    let width = lengthBytes ?? (length <= 125 ? 0 : length <= 0xFFFF ? 2 : 8)
    let short: UInt8 = width == 0 ? UInt8(truncatingIfNeeded: length) : width == 2 ? 126 : 127
    var bytes = [(fin ? 0x80 : 0) | rsv << 4 | opcode, (mask == nil ? 0 : 0x80) | short]
    for index in (0..<width).reversed() { bytes.append(UInt8(truncatingIfNeeded: length >> UInt64(8 * index))) }
    guard let mask else { return bytes + payload }
    return bytes + mask + payload.enumerated().map { index, byte in byte ^ mask[index % 4] }
}

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }

/// What a deflater makes of a message.
func deflated(_ payload: [UInt8]) -> [UInt8] {
    var out: [UInt8] = []
    Deflater()?.compress(payload.span, into: &out)
    return out
}
