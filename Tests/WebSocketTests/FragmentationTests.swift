import Testing
import WebSocket

/// RFC 6455, section 5.4.
@Suite struct FragmentationTests {
    @Test("A message comes whole, however many fragments it has")
    func fragments() {
        for count in 1...20 {
            var stream: [UInt8] = []
            for index in 0..<count {
                stream += frame(index == 0 ? 2 : 0, [UInt8(index), 0xFF], fin: index == count - 1)
            }
            #expect(read(stream) == [.binary((0..<count).flatMap { [UInt8($0), 0xFF] })])
        }
    }

    @Test("Fragments may be empty: first, in the midst, last, all of them")
    func emptyFragments() {
        let empty = frame(0, fin: false)
        #expect(
            read(frame(1, fin: false) + frame(0, bytes("a"), fin: false) + empty + frame(0, bytes("b")))
                == [.text("ab")])
        #expect(read(frame(1, bytes("a"), fin: false) + frame(0)) == [.text("a")])
        #expect(read(frame(1, fin: false) + empty + frame(0)) == [.text("")])
        #expect(read(frame(2, fin: false) + empty + frame(0)) == [.binary([])])
    }

    @Test("Empty fragments one after the other are bounded, for each message anew")
    func emptyFlood() {
        let limit = MessageReader.maxConsecutiveEmptyFragments
        func empties(_ count: Int) -> [UInt8] { (0..<count).flatMap { _ in frame(0, fin: false) } }
        func message(empties count: Int) -> [UInt8] {
            frame(1, fin: false) + empties(count - 1) + frame(0, bytes("a"), fin: false)
        }
        let longest = message(empties: limit) + empties(limit) + frame(0)
        #expect(read(longest + longest) == [.text("a"), .text("a")])
        #expect(read(message(empties: limit + 1)) == [.violation(.tooManyEmptyFragments)])
        #expect(Violation.tooManyEmptyFragments.closeCode == .policyViolation)
    }

    @Test("A continuation needs a message")
    func unexpectedContinuation() {
        #expect(read(frame(0, bytes("a"))) == [.violation(.unexpectedContinuation)])
        #expect(read(frame(0, bytes("a"), fin: false)) == [.violation(.unexpectedContinuation)])
        #expect(
            read(frame(1, bytes("a")) + frame(0, bytes("b"))) == [.text("a"), .violation(.unexpectedContinuation)])
        let whole = frame(1, bytes("a"), fin: false) + frame(0, bytes("b"))
        #expect(read(whole + frame(0, bytes("c"))) == [.text("ab"), .violation(.unexpectedContinuation)])
    }

    @Test("A message cannot begin within another one")
    func interleavedMessage() {
        for opcode: UInt8 in [1, 2] {
            for fin in [false, true] {
                let stream = frame(1, bytes("a"), fin: false) + frame(opcode, bytes("b"), fin: fin)
                #expect(read(stream) == [.violation(.interleavedMessage)])
            }
        }
    }

    @Test("The fragments' sum is bounded, and starts anew with the next message")
    func sum() {
        let half = [UInt8](repeating: 1, count: 500)
        let message = frame(2, half, fin: false) + frame(0, half)
        #expect(read(message + message, maxMessage: 1000) == [.binary(half + half), .binary(half + half)])
        #expect(read(message, maxMessage: 999) == [.violation(.messageTooBig)])
        // A control frame in the midst does not count.
        let pinged = frame(2, half, fin: false) + frame(9, half.suffix(125)) + frame(0, half)
        #expect(read(pinged, maxMessage: 1000) == [.ping(half.suffix(125)), .binary(half + half)])
    }
}
