import WebSocket

/// An event with its payload, apart from any arena.
private struct Happening: Equatable {
    var event: String
    var payload: [UInt8] = []

    init(_ event: ReaderEvent, in arena: [UInt8]) {
        switch event {
        case .text(let range): (self.event, payload) = ("text", Array(arena[range]))
        case .binary(let range): (self.event, payload) = ("binary", Array(arena[range]))
        case .ping(let range): (self.event, payload) = ("ping", Array(arena[range]))
        case .pong(let range): (self.event, payload) = ("pong", Array(arena[range]))
        case .close(let code, let reason):
            (self.event, payload) = ("close \(code?.rawValue ?? 0)", Array(arena[reason]))
        case .violation(let violation): self.event = "\(violation)"
        }
    }
}

private let inflater = Inflater()

private func read(_ pieces: [[UInt8]], role: Role, deflate: Bool, maxMessage: Int) -> [Happening] {
    guard let inflater else { return [] }
    var reader = MessageReader(role: role, deflate: deflate)
    var happenings: [Happening] = []
    for piece in pieces {
        var arena: [UInt8] = []
        var offset = 0
        while let event = reader.next(
            in: piece.span, at: &offset, into: &arena, maxMessage: maxMessage, inflater: inflater)
        {
            let happening = Happening(event, in: arena)
            demand(happening.payload.count <= max(maxMessage, 125), "a message of \(happening.payload.count) bytes")
            if happening.event == "text" {
                demand(String(validating: happening.payload, as: UTF8.self) != nil, "text that is no UTF-8")
            }
            happenings.append(happening)
        }
        demand(offset == piece.count, "bytes were left")
    }
    return happenings
}

/// The frame decoder with message assembly and inflation: any split of the same bytes gives the same events.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> Int32 {
    var input = unsafe Input(bytes, count)
    let choices = input.byte()
    let seed = input.byte()
    let role: Role = choices & 1 == 0 ? .server : .client
    let deflate = choices & 2 != 0
    let maxMessage = choices & 4 == 0 ? 65536 : 40
    let whole = read([Array(input.rest)], role: role, deflate: deflate, maxMessage: maxMessage)
    let split = read(input.pieces(seed: seed), role: role, deflate: deflate, maxMessage: maxMessage)
    demand(whole == split, "whole \(whole), in pieces \(split)")
    return 0
}
