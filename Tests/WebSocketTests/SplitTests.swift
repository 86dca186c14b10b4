import Support
import Testing
import WebSocket

/// However the same bytes are split into reads, the events are the same, and the ones that the RFC names.
@Suite struct SplitTests {
    @Test("Random streams are read alike whole, byte by byte, in random pieces, and by the oracle", arguments: 0..<8)
    func randomStreams(seed: Int) {
        var generator = SeededGenerator(seed: UInt64(seed))
        for round in 0..<150 {
            let role: Role = round % 4 == 3 ? .client : .server
            let deflate = Bool.random(using: &generator)
            let stream = randomStream(from: role, deflate: deflate, &generator)
            var reference = ReferenceReader(role: role, deflate: deflate, maxMessage: 2000)
            let expected = reference.read(stream)
            func check(_ pieces: [[UInt8]]) {
                let happenings = read(pieces, as: role, deflate: deflate, maxMessage: 2000)
                #expect(happenings == expected, "seed \(seed), round \(round), pieces \(pieces)")
            }
            check([stream])
            check(stream.map { [$0] })
            for longest in [3, 20, 500] { check(randomPieces(of: stream, longest: longest, &generator)) }
        }
    }

    @Test("Short streams are read alike in any two pieces, and in any three", arguments: 0..<4)
    func everySplit(seed: Int) {
        var generator = SeededGenerator(seed: 1000 + UInt64(seed))
        for _ in 0..<40 {
            let deflate = Bool.random(using: &generator)
            let stream = Array(randomStream(from: .server, deflate: deflate, &generator).prefix(70))
            var reference = ReferenceReader(role: .server, deflate: deflate, maxMessage: 2000)
            let expected = reference.read(stream)
            for first in stream.indices {
                let head = Array(stream[..<first])
                #expect(read([head, Array(stream[first...])], deflate: deflate, maxMessage: 2000) == expected)
                guard let second = (first..<stream.count).randomElement(using: &generator) else { continue }
                let pieces = [head, Array(stream[first..<second]), Array(stream[second...])]
                #expect(read(pieces, deflate: deflate, maxMessage: 2000) == expected)
            }
        }
    }

    @Test("Pure garbage is read alike, and ends in a violation soon")
    func garbage() {
        var generator = SeededGenerator(seed: 7)
        for _ in 0..<2000 {
            let count = Int.random(in: 1...40, using: &generator)
            let stream = (0..<count).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
            var reference = ReferenceReader(role: .server, deflate: true, maxMessage: 2000)
            let expected = reference.read(stream)
            #expect(read(stream, deflate: true, maxMessage: 2000) == expected)
            #expect(read(stream.map { [$0] }, deflate: true, maxMessage: 2000) == expected)
        }
    }

    @Test("The random streams reach every event and nearly every violation")
    func reach() {
        var generator = SeededGenerator(seed: 3)
        var seen = ""
        for round in 0..<1500 {
            let role: Role = round % 4 == 3 ? .client : .server
            let deflate = round % 2 == 0
            var reference = ReferenceReader(role: role, deflate: deflate, maxMessage: 2000)
            seen += "\(reference.read(randomStream(from: role, deflate: deflate, &generator)))"
        }
        for name in [
            "text(", "binary(", "ping(", "pong(", "close(Optional", "close(nil", "reservedBits",
            "misplacedCompressionBit", "reservedOpcode", "unmaskedFrame", "maskedFrame", "nonMinimalLength",
            "lengthOutOfRange", "controlFrameTooLong", "fragmentedControlFrame", "unexpectedContinuation",
            "interleavedMessage", "messageTooBig", "invalidText", "corruptCompression", "truncatedCloseCode",
            "invalidCloseCode", "invalidCloseReason",
        ] {
            #expect(seen.contains(name))
        }
    }
}

/// Pieces of 1 to `longest` bytes.
private func randomPieces(of stream: [UInt8], longest: Int, _ generator: inout SeededGenerator) -> [[UInt8]] {
    var pieces: [[UInt8]] = []
    var rest = stream[...]
    while !rest.isEmpty {
        let piece = rest.prefix(Int.random(in: 1...longest, using: &generator))
        pieces.append(Array(piece))
        rest = rest.dropFirst(piece.count)
    }
    return pieces
}
