import Cluster
import Simulation
import Support
import Testing

/// The engine's answers, made of bytes.
@Suite struct RESPReaderTests {
    /// All values in these bytes, given in pieces of so many.
    private func values(
        _ bytes: [UInt8], pieces: Int = .max, limits: RESPReader.Limits = RESPReader.Limits()
    ) throws -> [RESPValue] {
        var reader = RESPReader(limits: limits)
        var values: [RESPValue] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            let piece = Array(rest.prefix(pieces))
            rest = rest.dropFirst(piece.count)
            reader.receive(piece.span)
            while let value = try reader.next() { values.append(value) }
        }
        return values
    }

    private func fault(_ text: String, limits: RESPReader.Limits = RESPReader.Limits()) -> RESPReader.Fault? {
        do {
            _ = try values(Array(text.utf8), limits: limits)
            return nil
        } catch {
            return error as? RESPReader.Fault
        }
    }

    @Test func everyKind_isRead() throws {
        let text =
            "+OK\r\n-ERR no such thing\r\n:-42\r\n$3\r\na\r\n\r\n$0\r\n\r\n$-1\r\n*-1\r\n*0\r\n*2\r\n:1\r\n*1\r\n+x\r\n"
        let expected: [RESPValue] = [
            .simple("OK"), .error(RESPError("ERR no such thing")), .integer(-42), .bulk(Array("a\r\n".utf8)), .bulk([]),
            .null, .null, .array([]), .array([.integer(1), .array([.simple("x")])]),
        ]
        for pieces in 1...text.utf8.count { #expect(try values(Array(text.utf8), pieces: pieces) == expected) }
        #expect(RESPError("WRONGPASS a b").code == "WRONGPASS")
    }

    @Test(arguments: [
        (":\r\n", RESPReader.Fault.malformedNumber), (":1x\r\n", .malformedNumber), (":+1\r\n", .malformedNumber),
        (":9223372036854775808\r\n", .malformedNumber), (":99999999999999999999\r\n", .malformedNumber),
        ("$-2\r\n", .malformedNumber), ("*-2\r\n", .malformedNumber), ("$\r\n", .malformedNumber),
        ("\r\n", .unknownType(13)), ("!3\r\n", .unknownType(33)), ("+a\n", .missingLineBreak),
        ("+a\rb\r\n", .missingLineBreak), ("\n", .missingLineBreak), ("$1\r\nab\r", .missingLineBreak),
        ("HTTP/1.1 400\r\n", .unknownType(72)),
    ])
    func whatBreaksTheProtocol_isNamed(text: String, fault: RESPReader.Fault) {
        #expect(self.fault(text) == fault)
    }

    @Test func failedReader_staysFailed() {
        var reader = RESPReader()
        reader.receive(Array("?\r\n+OK\r\n".utf8).span)
        #expect(throws: RESPReader.Fault.unknownType(63)) { try reader.next() }
        reader.receive(Array("+OK\r\n".utf8).span)
        #expect(throws: RESPReader.Fault.unknownType(63)) { try reader.next() }
    }

    @Test func depth_isBounded() {
        var limits = RESPReader.Limits()
        limits.depth = 3
        #expect(fault("*1\r\n*1\r\n*1\r\n:1\r\n", limits: limits) == nil)
        #expect(fault("*1\r\n*1\r\n*1\r\n*1\r\n", limits: limits) == .tooDeep)
    }

    @Test func line_isBounded() {
        var limits = RESPReader.Limits()
        limits.line = 10
        #expect(fault("+123456789\r\n", limits: limits) == nil)
        #expect(fault("+1234567890\r\n", limits: limits) == .lineTooLong)
        // Before its end has come.
        #expect(fault("+1234567890123", limits: limits) == .lineTooLong)
    }

    @Test func memory_isCountedFromTheHeader() {
        var limits = RESPReader.Limits()
        limits.memory = 1000
        let element = RESPReader.Limits.element
        #expect(fault("$\(1000 - element)\r\n", limits: limits) == nil)
        #expect(fault("$\(1001 - element)\r\n", limits: limits) == .tooLarge)
        #expect(fault("$999999999999999999\r\n", limits: limits) == .tooLarge)
        #expect(fault("*\(1000 / element - 1)\r\n", limits: limits) == nil)
        #expect(fault("*\(1000 / element)\r\n", limits: limits) == .tooLarge)
        #expect(fault("*9223372036854775807\r\n", limits: limits) == .tooLarge)
        // Together with what came before it in the same value; what came in another does not count.
        #expect(
            fault("*2\r\n$500\r\n" + String(repeating: "a", count: 500) + "\r\n$400\r\n", limits: limits) == .tooLarge)
        let half = "$500\r\n" + String(repeating: "a", count: 500) + "\r\n"
        #expect(fault(half + half + half, limits: limits) == nil)
    }

    // MARK: Chance

    private func randomValue(_ random: inout SeededGenerator, depth: Int = 0) -> RESPValue {
        switch random.below(depth < 4 ? 7 : 5) {
        case 0: return .simple(String(repeating: "s", count: random.below(20)))
        case 1: return .error(RESPError("ERR \(random.below(100))"))
        case 2: return .integer(Int64(truncatingIfNeeded: random.next()))
        case 3: return .null
        case 4: return .bulk((0..<random.below(60)).map { _ in UInt8(truncatingIfNeeded: random.next()) })
        default: return .array((0..<random.below(5)).map { _ in randomValue(&random, depth: depth + 1) })
        }
    }

    private func bytes(_ value: RESPValue) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(value)
        return bytes
    }

    @Test(arguments: 0..<200)
    func randomValues_areReadWhereverTheyAreSplit(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let expected = (0..<1 + random.below(10)).map { _ in randomValue(&random) }
        let all = expected.flatMap { bytes($0) }
        var reader = RESPReader()
        var found: [RESPValue] = []
        var rest = all[...]
        while !rest.isEmpty {
            let piece = Array(rest.prefix(1 + random.below(40)))
            rest = rest.dropFirst(piece.count)
            reader.receive(piece.span)
            while let value = try reader.next() { found.append(value) }
        }
        #expect(found == expected)
    }

    /// Whatever comes, it is read or refused, and the same wherever it is split.
    @Test(arguments: 0..<300)
    func randomBytes_giveTheSameWhereverTheyAreSplit(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var all = (0..<5).flatMap { _ in bytes(randomValue(&random)) }
        for _ in 0..<random.below(4) where !all.isEmpty {
            all[random.below(all.count)] = random.pick(Array("+-:$*\r\n0129a".utf8))
        }
        var limits = RESPReader.Limits()
        limits.memory = 4096
        limits.line = 64
        func outcome(_ pieces: Int) -> ([RESPValue], RESPReader.Fault?) {
            var reader = RESPReader(limits: limits)
            var found: [RESPValue] = []
            var rest = all[...]
            while !rest.isEmpty {
                let piece = Array(rest.prefix(pieces))
                rest = rest.dropFirst(piece.count)
                reader.receive(piece.span)
                do throws(RESPReader.Fault) {
                    while let value = try reader.next() { found.append(value) }
                } catch {
                    return (found, error)
                }
            }
            return (found, nil)
        }
        let (whole, fault) = outcome(.max)
        for pieces in [1, 2, 3, 7, 64] {
            let (found, otherFault) = outcome(pieces)
            #expect(found == whole && otherFault == fault)
        }
    }
}
