import Support
import WebSocket

/// A stream of frames as an end of `role` gets them, most of them legal, one in a dozen damaged somehow; perhaps cut off.
func randomStream(from role: Role, deflate: Bool, _ generator: inout SeededGenerator) -> [UInt8] {
    var stream: [UInt8] = []
    var isInMessage = false
    for _ in 0..<Int.random(in: 1...12, using: &generator) {
        var next = RandomFrame(for: role, deflate: deflate, isInMessage: isInMessage, &generator)
        next.damage(&generator)
        stream += next.encoded
        if next.opcode < 8 { isInMessage = !next.fin }
    }
    if Bool.random(using: &generator) {
        stream.removeLast(Int.random(in: 0..<min(40, stream.count), using: &generator))
    }
    return stream
}

/// What ``frame(_:_:fin:rsv:mask:lengthBytes:announcing:)`` takes, drawn at random.
private struct RandomFrame {
    var opcode: UInt8
    var payload: [UInt8]
    var fin: Bool
    var rsv: UInt8
    var mask: [UInt8]?
    var lengthBytes: Int?
    var announcing: UInt64?

    var encoded: [UInt8] {
        frame(opcode, payload, fin: fin, rsv: rsv, mask: mask, lengthBytes: lengthBytes, announcing: announcing)
    }

    /// A legal frame.
    init(for role: Role, deflate: Bool, isInMessage: Bool, _ generator: inout SeededGenerator) {
        let isControl = Int.random(in: 0..<4, using: &generator) == 0
        let opcodes: [UInt8] = isControl ? [9, 9, 10, 10, 8] : isInMessage ? [0] : [1, 2]
        opcode = opcodes[Int.random(in: opcodes.indices, using: &generator)]
        fin = isControl || Int.random(in: 0..<3, using: &generator) > 0
        payload = Self.payload(for: opcode, &generator)
        rsv = 0
        if deflate && (opcode == 1 || opcode == 2) && Bool.random(using: &generator) {
            rsv = 4
            payload = deflated(payload)
        }
        mask = role == .client ? nil : (0..<4).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    }

    /// One time in fourteen, something is wrong.
    mutating func damage(_ generator: inout SeededGenerator) {
        switch Int.random(in: 0..<140, using: &generator) {
        case 0: rsv = UInt8.random(in: 0...7, using: &generator)
        case 1: opcode = UInt8.random(in: 0...15, using: &generator)
        case 2: opcode = UInt8.random(in: 0...2, using: &generator)
        case 3: mask = mask == nil ? [1, 2, 3, 4] : nil
        case 4: fin.toggle()
        case 5: lengthBytes = [2, 8].randomElement(using: &generator)
        case 6: announcing = [126, 2000, 2001, 5000, 1 << 63, UInt64(Int64.max)].randomElement(using: &generator)
        case 7: payload = payload.map { $0 ^ 0x80 }
        case 8: payload += [0xC0]
        case 9: payload += [UInt8](repeating: 0x61, count: 1500)
        default: break
        }
    }

    private static func payload(for opcode: UInt8, _ generator: inout SeededGenerator) -> [UInt8] {
        if opcode == 8 {
            return [[], [3], [3, 0xE8], [3, 0xE9] + bytes("tschüß"), [3, 0xED], [3, 0xE8, 0xC3]]
                .randomElement(using: &generator) ?? []
        }
        var count = [0, 0, 1, 3, 8, 15, 40, 125].randomElement(using: &generator) ?? 0
        if opcode < 8 && Int.random(in: 0..<3, using: &generator) == 0 { count *= 5 }
        guard opcode == 0 || opcode == 1 else {
            return (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
        }
        let characters = (0..<count).map { _ in ["a", "b", " ", "é", "速", "🦊"].randomElement(using: &generator) ?? "" }
        return bytes(characters.joined())
    }
}
