import Cluster
import Support
import Testing

/// How the engine keeps a room's history; each test runs on the real one and on the one that stands in for it.
@Suite struct HistoryRuleTests {
    typealias Kind = EngineRuleTests.Kind

    /// A room `a` with so many records, so that as many snapshots can be stored.
    private func onRoom(
        _ kind: Kind, records: UInt64 = 10, _ body: @escaping @Sendable (inout Rules) throws -> Void
    ) async throws {
        try await EngineRuleTests().onEngine(kind) { rules in
            try rules.attach(1)
            for number in 1...records { _ = try rules.append("a", 1, number: number, []) }
            try body(&rules)
        }
    }

    private static func line(_ seq: UInt64, _ text: String? = nil, time: Int64? = nil) -> HistoryLine {
        HistoryLine(seq: seq, time: time ?? Int64(seq) * 10, line: Array((text ?? "line \(seq)").utf8))
    }

    private static func lines(_ seqs: ClosedRange<UInt64>) -> [HistoryLine] { seqs.map { line($0) } }

    private static func block(_ number: UInt64, _ lines: [HistoryLine]) -> HistoryBlock {
        HistoryBlock(number: number, lines: lines.map { HistoryBlock.Line(seq: $0.seq, line: $0.line) })
    }

    /// The newest seq that JSON's numbers have: 2^53 - 1.
    private static let lastSeq: UInt64 = 1 << 53 - 1

    @Test(arguments: Kind.there) func lines_areReadInBlocksBySeq(kind: Kind) async throws {
        try await onRoom(kind) { rules in
            #expect(try rules.history("a", from: 0) == HistoryAnswer(blocks: [], more: false))
            // In any order; with signs that stand for something elsewhere.
            let lines = Self.lines(1...300).reversed() + [Self.line(9_000, "{\"a\":\"\u{2028}%d\\0 \u{0}\"}")]
            #expect(try rules.store("a", position: 1, [], lines) == .stored(1))
            let blocks = [
                Self.block(0, Self.lines(1...255)), Self.block(1, Self.lines(256...300)),
                Self.block(9_000 >> 8, [Self.line(9_000, "{\"a\":\"\u{2028}%d\\0 \u{0}\"}")]),
            ]
            #expect(try rules.history("a", from: 0, most: 9) == HistoryAnswer(blocks: blocks, more: false))
            #expect(try rules.history("a", from: 0, most: 2).more)
            #expect(try rules.history("a", from: 1, most: 1) == HistoryAnswer(blocks: [blocks[1]], more: true))
            #expect(try rules.history("a", from: 2, most: 1) == HistoryAnswer(blocks: [blocks[2]], more: false))
            #expect(try rules.history("a", from: 36, most: 1).blocks == [])
            let down = try rules.history("a", from: .max, down: true, most: 2)
            #expect(down == HistoryAnswer(blocks: [blocks[2], blocks[1]], more: true))
            #expect(try rules.history("a", from: 34, down: true, most: 2).blocks == [blocks[1], blocks[0]])
            #expect(try rules.history("a", from: 0, down: true) == HistoryAnswer(blocks: [blocks[0]], more: false))
            #expect(try rules.history("a", from: 0, most: 0) == HistoryAnswer(blocks: [], more: true))
            #expect(try rules.history("b", from: 0).blocks == [])
        }
    }

    @Test(arguments: Kind.there) func sizes_areThoseOfTheLines(kind: Kind) async throws {
        try await onRoom(kind) { rules in
            #expect(try rules.sizes("a") == [])
            let first = [
                Self.line(1, "four"), Self.line(2, "sixsix"), Self.line(600, "é"), Self.line(257, "x", time: 5),
            ]
            _ = try rules.store("a", position: 1, [], first)
            #expect(
                try rules.sizes("a") == [
                    HistorySize(block: 0, bytes: 10, time: 20), HistorySize(block: 1, bytes: 1, time: 5),
                    HistorySize(block: 2, bytes: 2, time: 6_000),
                ])
            // One of the same seq takes the place of the other, also where both come together; the newest time stays.
            let second = [Self.line(2, "a", time: 7), Self.line(3, "bb", time: 8), Self.line(3, "ccc", time: 9)]
            _ = try rules.store("a", position: 2, [], second)
            #expect(try rules.sizes("a")[0] == HistorySize(block: 0, bytes: 8, time: 20))
            let lines = [Self.line(1, "four"), Self.line(2, "a"), Self.line(3, "ccc")]
            #expect(try rules.history("a", from: 0, most: 1).blocks == [Self.block(0, lines)])
        }
    }

    @Test(arguments: Kind.there) func largestSeqs_areExact(kind: Kind) async throws {
        try await onRoom(kind) { rules in
            let (first, last) = (Self.lastSeq - 300, Self.lastSeq)
            _ = try rules.store("a", position: 1, [], Self.lines(first...last))
            let blocks = [
                Self.block(first >> 8, Self.lines(first...last - 256)),
                Self.block(last >> 8, Self.lines(last - 255...last)),
            ]
            #expect(try rules.history("a", from: 0) == HistoryAnswer(blocks: blocks, more: false))
            #expect(try rules.history("a", from: .max, down: true, most: 1).blocks == [blocks[1]])
            #expect(try rules.sizes("a").map(\.block) == [last >> 8 - 1, last >> 8])
            _ = try rules.store("a", position: 2, [], expired: last - 1)
            #expect(try rules.history("a", from: 0).blocks == [Self.block(last >> 8, [Self.line(last)])])
            #expect(try rules.sizes("a").map(\.bytes) == [UInt64("line \(last)".utf8.count)])
        }
    }

    @Test(arguments: Kind.there) func expiredLines_areGone(kind: Kind) async throws {
        try await onRoom(kind) { rules in
            _ = try rules.store("a", position: 1, [], Self.lines(1...1_000))
            // Not even those that come along.
            _ = try rules.store("a", position: 2, [], [Self.line(500, "late"), Self.line(1_001)], expired: 520)
            let kept = try rules.history("a", from: 0, most: 9)
            let blocks = [
                Self.block(2, Self.lines(521...767)), Self.block(3, Self.lines(768...1_001)),
            ]
            #expect(kept == HistoryAnswer(blocks: blocks, more: false))
            let bytes = blocks.map { UInt64($0.lines.reduce(0) { $0 + $1.line.count }) }
            #expect(
                try rules.sizes("a") == [
                    HistorySize(block: 2, bytes: bytes[0], time: 7_670),
                    HistorySize(block: 3, bytes: bytes[1], time: 10_010),
                ])
            // The last seq of a block: nothing is left of it.
            _ = try rules.store("a", position: 3, [], expired: 767)
            #expect(try rules.history("a", from: 0, most: 9).blocks == [blocks[1]])
            // All that there is of a block.
            _ = try rules.store("a", position: 4, [], expired: 1_001)
            #expect(try rules.history("a", from: 0, most: 9) == HistoryAnswer(blocks: [], more: false))
            #expect(try rules.sizes("a") == [])
            // A block all of whose lines have gone, and which has new ones.
            _ = try rules.store("a", position: 5, [], Self.lines(1_002...1_003), expired: 1_001)
            _ = try rules.store("a", position: 6, [], [Self.line(1_004)], expired: 1_003)
            #expect(try rules.history("a", from: 0).blocks == [Self.block(3, [Self.line(1_004)])])
            #expect(try rules.sizes("a") == [HistorySize(block: 3, bytes: 9, time: 10_040)])
        }
    }

    @Test(arguments: Kind.there) func refusedSnapshot_leavesTheHistoryAsItIs(kind: Kind) async throws {
        try await onRoom(kind) { rules in
            _ = try rules.store("a", position: 3, [], Self.lines(1...3))
            #expect(try rules.store("a", position: 2, [], [Self.line(2, "other")], expired: 1) == .older(3))
            #expect(try rules.store("a", position: 3, [], [Self.line(2, "other")], expired: 1) == .older(3))
            #expect(try rules.store("a", position: 99, [], [Self.line(2, "other")], expired: 1) == .behind(last: 10))
            rules.epoch = 7
            #expect(try rules.store("a", position: 5, [], [Self.line(2, "other")], expired: 1) == .epoch(1))
            #expect(try rules.history("a", from: 0).blocks == [Self.block(0, Self.lines(1...3))])
            #expect(try rules.sizes("a") == [HistorySize(block: 0, bytes: 18, time: 30)])
        }
    }

    /// More lines than the engine's Lua takes arguments of a call, and more bytes than an answer should hold.
    @Test(arguments: Kind.there) func manyAndLargeLines_areStoredAndReadInPages(kind: Kind) async throws {
        try await onRoom(kind) { rules in
            _ = try rules.store("a", position: 1, [], Self.lines(1...20_000))
            #expect(try rules.sizes("a").count == 79)
            let large = (0..<8).map { Self.line(UInt64($0) << 8 | 1 << 32, String(repeating: "x", count: 400_000)) }
            _ = try rules.store("a", position: 2, [], large)
            let page = try rules.history("a", from: 1 << 24, most: 100)
            #expect(page.blocks.map(\.number) == (0..<3).map { 1 << 24 + $0 } && page.more)
            let small = try rules.history("a", from: 0, most: 100)
            #expect(small.blocks.count == 82 && small.more)
            let all = try rules.history("a", from: 78, down: true, most: 79)
            #expect(all.blocks.count == 79 && !all.more)
            #expect(all.blocks.reversed().flatMap { $0.lines.map(\.seq) } == Array(1...20_000))
        }
    }

    /// It stands in the database under the names that other programs may go by.
    @Test(.enabled(if: RealEngine.isInstalled, "\(RealEngine.isMissing)")) func keys_areAsTheyAreSaidToBe() async throws
    {
        try await onThread {
            let engine = try RealEngine()
            let socket = try EngineSocket(engine)
            let names = EngineNames(database: 0)
            func ask(_ request: EngineRequest) throws -> EngineAnswer {
                EngineAnswer(try socket.ask(names.command(for: request)), to: request)
            }
            _ = try ask(
                .attach(
                    EngineRequest.Attachment(
                        incarnation: Incarnation(bits: 1), name: "n", line: socket.line, previousLine: "", writes: 0,
                        epoch: 0)))
            let append = EngineRequest.Append(
                epoch: 1, incarnation: Incarnation(bits: 1), name: "n", number: 1, base: 0, body: [1])
            _ = try ask(.append(room: "a", append))
            let seq: UInt64 = 5 << 32 | 513
            let store = EngineRequest.Store(
                epoch: 1, position: 1, snapshot: [], history: [HistoryLine(seq: seq, time: 77, line: Array("{}".utf8))])
            #expect(try ask(.store(room: "a", store)) == .stored(1))
            let block = seq >> 8
            #expect(try socket.ask("HGET", "chatloop:history:a:\(block)", "\(seq)") == .bulk(Array("{}".utf8)))
            #expect(try socket.ask("HGET", "chatloop:sizes:a", "\(block)") == .bulk(Array("2 77".utf8)))
            #expect(try socket.ask("ZSCORE", "chatloop:blocks:a", "\(block)") == .bulk(Array("\(block)".utf8)))
        }
    }
}

extension Rules {
    func history(_ room: String, from: UInt64, down: Bool = false, most: Int = 4) throws -> HistoryAnswer {
        let answer = try engine.ask(.history(room: room, from: from, descending: down, blocks: most))
        guard case .history(let history) = answer else { throw Failure("\(answer)") }
        return history
    }

    func sizes(_ room: String) throws -> [HistorySize] {
        let answer = try engine.ask(.historySizes(room: room))
        guard case .historySizes(let sizes) = answer else { throw Failure("\(answer)") }
        return sizes
    }
}
