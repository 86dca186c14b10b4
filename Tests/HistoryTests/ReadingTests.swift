import History
import Simulation
import Testing

struct ReadingTests {
    /// A room whose events are messages where the test says so, in segments of a size.
    private func room(
        _ count: UInt64, segmentBytes: Int = 4000, isMessage: (UInt64) -> Bool
    ) throws -> (History, SimulatedDisk) {
        let disk = SimulatedDisk()
        let history = History(disk: disk, directory: "/data", segmentBytes: segmentBytes)
        _ = try history.open()
        _ = history.load()
        var seq: UInt64 = 1
        while seq <= count {
            let last = min(count, seq + 6)
            let block = (seq...last).flatMap { line($0, type: isMessage($0) ? "message" : "join") }
            #expect(history.append(block, at: seq) == .written)
            seq = last + 1
        }
        return (history, disk)
    }

    @Test func pagesGoBackToTheFirstEventEverSaid() throws {
        let (history, _) = try room(3000) { $0 % 4 == 1 }
        var found: [UInt64] = []
        var before: UInt64 = 3001
        var pages = 0
        while let page = history.messages(before: before, limit: 37) {
            #expect(page.seqs == page.seqs.sorted())
            found = page.seqs + found
            pages += 1
            before = page.seqs.first ?? 1
            #expect(page.more == (before > 1))
            if !page.more { break }
        }
        #expect(found == (1...3000).filter { $0 % 4 == 1 })
        #expect(pages == 21)
    }

    @Test func everySeqIsFoundInSegmentsLargeAndSmall() throws {
        for segmentBytes in [1, 500, 300_000] {
            let (history, _) = try room(1500, segmentBytes: segmentBytes) { $0 % 2 == 0 }
            for seq in stride(from: UInt64(1), through: 1500, by: 31) {
                #expect(seqs(history.event(seq) ?? []) == [seq])
                #expect(history.since(seq, limit: 5).map(\.seqs) == Array((seq + 1..<1501).suffix(5)))
                #expect(
                    history.messages(before: seq, limit: 3).map(\.seqs)
                        == (1..<seq).filter { $0 % 2 == 0 }.suffix(3).map { $0 })
            }
            #expect(history.event(0) == nil)
            #expect(history.event(1501) == nil)
            #expect(history.event(.max) == nil)
            #expect(history.messages(before: 0).map(\.seqs) == [])
            #expect(history.messages(before: .max, limit: 1).map(\.seqs) == [1500])
            #expect(history.since(.max).map(\.seqs) == [])
            #expect(history.since(1500).map(\.leftOut) == false)
            #expect(history.since(0, limit: 1500).map(\.seqs) == Array(501...1500))
            #expect(history.since(0, limit: 1500).map(\.leftOut) == true)
            #expect(history.since(500, limit: 1500).map(\.leftOut) == false)
        }
    }

    @Test func limitsAreKeptAndNegativeOnesAreNone() throws {
        let (history, _) = try room(500) { _ in true }
        #expect(history.messages(before: 501, limit: 100_000).map(\.seqs.count) == 200)
        #expect(history.messages(before: 501, limit: 0).map(\.seqs) == [])
        #expect(history.messages(before: 501, limit: -1).map(\.seqs) == [])
        #expect(history.messages(before: 501, limit: -1).map(\.more) == true)
        #expect(history.since(0, limit: -1).map(\.seqs) == [])
    }

    /// Between two messages lie more notices than any budget: each slice reads a bounded part, and others get their turn.
    @Test func noticesBetweenMessagesAreReadInSlices() throws {
        let (history, _) = try room(40_000, segmentBytes: 1 << 20) { $0 == 1 }
        history.request(ReadRequest(.messages(before: 40_001, limit: 10), room: "lobby", tag: 1))
        history.request(ReadRequest(.event(seq: 39_999), room: "lobby", tag: 2))
        var answers: [UInt64] = []
        var slices = 0
        while history.hasWork {
            let before = history.metrics.bytesRead
            for result in history.advance(byteBudget: 100_000) {
                answers.append(result.request.tag)
                if case .messages(let block, let more) = result.outcome {
                    #expect(seqs(block.bytes) == [1])
                    #expect(!more)
                }
            }
            #expect(history.metrics.bytesRead - before <= 100_000 + 70_000)
            slices += 1
        }
        #expect(answers == [2, 1])
        #expect(slices > 20)
    }

    @Test func aSmallBudgetStillGetsOn() throws {
        let (history, _) = try room(300) { _ in true }
        #expect(history.answer(.messages(before: 200, limit: 50), budget: 0) != nil)
        #expect(history.answer(.messages(before: 200, limit: 50), budget: -1) != nil)
    }

    @Test func damageInTheMiddleIsPassedOverAndReportedOnce() throws {
        let (history, disk) = try room(1000, segmentBytes: 200_000) { _ in true }
        let path = try #require(disk.files.keys.first { $0.hasSuffix(".jsonl") })
        var bytes = try #require(disk.contents(path))
        let length = bytes.count / 1000
        // One line without its text's end, one seq made another, and a run of zeros over three lines.
        for seq in [300, 500] {
            let start = length * (seq - 2)
            let end = bytes[start...].firstIndex(of: 0x0A).map { $0 + 1 } ?? start
            bytes[end + (seq == 300 ? 70 : 25)] = seq == 300 ? 0x22 : 0x39
        }
        for index in length * 700..<length * 703 { bytes[index] = 0 }
        disk.overwrite(path, bytes)
        var found: [UInt64] = []
        var before: UInt64 = 1001
        while let page = history.messages(before: before, limit: 100), !page.seqs.isEmpty {
            found = page.seqs + found
            before = page.seqs.first ?? 0
        }
        #expect(found == found.sorted())
        let missing = Set(1...1000).subtracting(found)
        #expect(missing.count <= 6, "\(missing.sorted())")
        #expect(!missing.isEmpty)
        #expect(history.takeIncidents() == [.damagedLines(path: path)])
        for seq in UInt64(1)...1000 where !missing.contains(seq) {
            #expect(seqs(history.event(seq) ?? []) == [seq], "\(seq)")
        }
        #expect(history.metrics.damagedLines > 0)
    }

    /// A search that meets only damage where it looks still finds what is there.
    @Test func aSeqIsFoundThoughMostOfItsSegmentIsGarbage() throws {
        let (history, disk) = try room(8_000, segmentBytes: 4 << 20) { _ in true }
        let path = try #require(disk.files.keys.first { $0.hasSuffix(".jsonl") })
        let whole = try #require(disk.contents(path))
        for hole in [whole.count / 10..<whole.count * 9 / 10, 0..<whole.count * 9 / 10, whole.count / 3..<whole.count] {
            var bytes = whole
            for index in hole { bytes[index] = UInt8(truncatingIfNeeded: index &* 31 % 251) }
            disk.overwrite(path, bytes)
            let length = whole.count / 8_000
            for seq in stride(from: UInt64(1), to: 8_000, by: 499) {
                // Not within some lines of the edges: line lengths differ by a few bytes.
                let offset = Int(seq) * length
                guard abs(offset - hole.lowerBound) > 50_000, abs(offset - hole.upperBound) > 50_000 else { continue }
                let isThere = !hole.contains(offset)
                #expect((history.event(seq) != nil) == isThere, "\(seq) of \(hole)")
            }
        }
    }

    @Test func aLineWithoutEndCostsNoMemory() throws {
        let (_, disk) = try room(10) { _ in true }
        let path = try #require(disk.files.keys.first { $0.hasSuffix(".jsonl") })
        let bytes = try #require(disk.contents(path))
        // Three mebibytes that begin like an event, then good lines again.
        var endless =
            Array(#"{"type":"message","seq":11,"time":1,"username":""#.utf8) + [UInt8](repeating: 0x61, count: 3 << 20)
        endless += [0x0A]
        disk.overwrite(path, bytes + endless + lines(12...20))
        let again = History(disk: disk, directory: "/data")
        disk.kill()
        _ = try again.open()
        let loaded = try #require(again.load())
        #expect(loaded.newest == 20)
        #expect(seqs(loaded.events.bytes) == Array(1...10) + Array(12...20))
        #expect(disk.largestBuffer <= 1 << 20)
    }

    @Test func anAnswerIsBoundedInBytes() throws {
        let disk = SimulatedDisk()
        let history = History(disk: disk, directory: "/data")
        _ = try history.open()
        _ = history.load()
        let text = String(repeating: "é", count: 16_000)
        for seq in UInt64(1)...200 { #expect(history.append(line(seq, text), at: seq) == .written) }
        let page = try #require(history.messages(before: 201, limit: 200))
        #expect(page.seqs.count == HistoryLimits.blockBytes / line(100, text).count)
        #expect(page.seqs.last == 200)
        #expect(page.more)
        #expect(history.since(0).map(\.leftOut) == true)
        #expect(history.load().map { $0.events.bytes.count <= HistoryLimits.blockBytes } == true)
    }

    @Test func aFileThatIsGoneOrShortenedIsPassedOver() throws {
        let (history, disk) = try room(300, segmentBytes: 1000) { _ in true }
        let paths = disk.files.keys.filter { $0.hasSuffix(".jsonl") }.sorted()
        try disk.remove(paths[3])
        disk.overwrite(paths[5], Array((disk.contents(paths[5]) ?? []).prefix(150)))
        let found = try #require(history.since(0)).seqs
        #expect(found.count < 300 && found.count > 250)
        #expect(found.first == 1 && found.last == 300)
        for seq in found { #expect(history.event(seq) != nil) }
    }

    @Test func aRoomThatIsNotLoadedIsNotRead() throws {
        let (history, disk) = try room(20) { _ in true }
        history.request(ReadRequest(.event(seq: 5), room: "elsewhere", tag: 3))
        guard case .failed(let error) = history.advance(byteBudget: 1000).first?.outcome else {
            Issue.record("an answer from an unknown room")
            return
        }
        #expect(error.code == 22)
        disk.plan = { $0.operation == .read ? .fail(5) : nil }
        guard case .failed(let error) = history.answer(.event(seq: 5))?.outcome else {
            Issue.record("an answer without reading")
            return
        }
        #expect(error.operation == .read)
        disk.plan = nil
        #expect(history.event(5) == line(5))
    }

    @Test func shortReadsAreReadOn() throws {
        let (history, disk) = try room(300) { _ in true }
        disk.plan = { $0.operation == .read ? .short($0.number % 50 + 1) : nil }
        #expect(history.since(0).map(\.seqs) == Array(1...300))
        #expect(history.event(150) == line(150))
    }

    @Test func whatIsAppendedMeanwhileDoesNotDisturb() throws {
        let (history, _) = try room(5000, segmentBytes: 2000) { _ in true }
        history.request(ReadRequest(.messages(before: 4000, limit: 200), room: "lobby", tag: 1))
        var seq: UInt64 = 5001
        var found: [UInt64]?
        while found == nil, seq < 6000 {
            #expect(history.append(line(seq), at: seq) == .written)
            seq += 1
            for result in history.advance(byteBudget: 1) {
                if case .messages(let block, _) = result.outcome { found = seqs(block.bytes) }
            }
        }
        #expect(found == Array(3800...3999))
    }
}
