import Log
import Simulation
import Testing

@testable import Chat

/// Pages of a room's past.
struct ReadingTests {
    /// A room whose events are messages where the test says so, in segments of about this size.
    private func rig(_ count: UInt64, segment size: Int = 4000, isMessage: (UInt64) -> Bool) throws -> (
        Rig, SimulatedDisk
    ) {
        let disk = SimulatedDisk()
        var (bytes, first): ([UInt8], UInt64) = ([], 1)
        for seq in 1...count {
            bytes += line(seq, type: isMessage(seq) ? "message" : "join")
            if bytes.count >= size || seq == count {
                disk.overwrite(segment(first), bytes)
                (bytes, first) = ([], seq + 1)
            }
        }
        disk.overwrite("/data/state.json", Array(#"{"clean":true,"uncleanStops":0}"#.utf8))
        let rig = try Rig(disk)
        rig.load()
        return (rig, disk)
    }

    @Test func pages_goBackToTheFirst_andForthToTheLast() throws {
        let (rig, _) = try rig(3000) { $0 % 4 == 1 }
        let all = (UInt64(1)...3000).filter { $0 % 4 == 1 }
        var found: [UInt64] = []
        var before: UInt64 = 3001
        while true {
            let page = try #require(rig.lines(.messagesBefore(before, limit: 100)))
            found = page.seqs + found
            guard page.more, let first = page.seqs.first else { break }
            before = first
        }
        #expect(found == all)
        found = []
        var after: UInt64 = 0
        while true {
            let page = try #require(rig.lines(.messagesAfter(after, limit: 100)))
            found += page.seqs
            guard page.more, let last = page.seqs.last else { break }
            after = last
        }
        #expect(found == all)
    }

    @Test(arguments: [500, 4000, 1 << 20])
    func everyKindOfRead_atEveryPlace_isAsInAPlainList(segmentSize: Int) throws {
        let count: UInt64 = 1500
        let (rig, _) = try rig(count, segment: segmentSize) { $0 % 3 == 0 }
        let messages = (1...count).filter { $0 % 3 == 0 }
        let places: [UInt64] = [0, 1, 2, 3, 4, 299, 300, 301, 750, 1499, 1500, 1501, 99_999, Limits.largestSeq, .max]
        for place in places {
            for limit in [1, 10, 2000] {
                let below = messages.filter { $0 < place }
                let before = try #require(rig.lines(.messagesBefore(place, limit: limit)))
                #expect(before.seqs == Array(below.suffix(limit)), "before \(place)")
                #expect(before.more == (below.count > limit))
                let above = messages.filter { $0 > place }
                let after = try #require(rig.lines(.messagesAfter(place, limit: limit)))
                #expect(after.seqs == Array(above.prefix(limit)), "after \(place)")
                #expect(after.more == (above.count > limit))
                let later = (1...count).filter { $0 > place }
                let since = try #require(rig.lines(.since(place, limit: limit)))
                #expect(since.seqs == Array(later.suffix(limit)), "since \(place)")
                #expect(since.more == (later.count > limit))
            }
            #expect(rig.lines(.event(place))?.seqs == (place > 0 && place <= count ? [place] : []))
        }
    }

    /// Long lines: what does not fit is left out as if the limit had been lower.
    @Test func answer_isBounded() throws {
        let disk = SimulatedDisk()
        let text = String(repeating: "x", count: 15_000)
        disk.overwrite(segment(1), (UInt64(1)...400).flatMap { line($0, text) })
        let rig = try Rig(disk)
        rig.load()
        for kind in [
            ReadRequest.Kind.messagesBefore(401, limit: 400), .messagesAfter(0, limit: 400), .since(0, limit: 400),
        ] {
            guard case .lines(let bytes, let more) = rig.read(kind) else {
                Issue.record("no lines")
                continue
            }
            #expect(bytes.count <= 2 << 20 && bytes.count > (2 << 20) - 16_000)
            #expect(more)
        }
        #expect(rig.lines(.messagesBefore(401, limit: 400))?.seqs.last == 400)
        #expect(rig.lines(.messagesAfter(0, limit: 400))?.seqs.first == 1)
    }

    /// A place in a large file is found by halves, and nothing is read in one go that is larger than a mebibyte.
    @Test func largeFile_isBisected_inSmallSteps() throws {
        let disk = SimulatedDisk()
        let text = String(repeating: "y", count: 900)
        disk.overwrite(segment(1), (UInt64(1)...20_000).flatMap { line($0, text) })
        disk.overwrite(segment(20_001), line(20_001))
        let rig = try Rig(disk)
        rig.load()
        for seq in [UInt64(1), 2, 777, 10_000, 19_999, 20_000, 20_001] {
            let before = disk.calls
            #expect(rig.lines(.event(seq))?.seqs == [seq])
            #expect(rig.lines(.messagesBefore(seq + 1, limit: 1))?.seqs == [seq])
            #expect(rig.lines(.messagesAfter(seq - 1, limit: 1))?.seqs == [seq])
            #expect(disk.calls - before < 60, "\(seq)")
        }
        #expect(disk.largestBuffer <= 1 << 20)
        #expect(disk.openFiles == 0)
    }

    /// People at the door come before people who look into the past, and nobody's long read keeps others out.
    @Test func loads_comeBeforePages_andStepsAreSmall() throws {
        let disk = SimulatedDisk()
        let text = String(repeating: "z", count: 3000)
        for room in ["big", "lobby", "tea"] {
            disk.overwrite(segment(1, room), (UInt64(1)...3000).flatMap { line($0, text) })
        }
        let work = SimulatedDiskWork(disk: disk)
        let rig = try Rig(disk, disk: work)
        rig.load("big")
        var step = 0
        work.readPace = { 1 }
        rig.log.request(ReadRequest(.event(2999), room: "big", tag: 1))
        rig.log.request(ReadRequest(.messagesBefore(2000, limit: 200), room: "big", tag: 2))
        rig.log.request(ReadRequest(.load, room: "lobby", tag: 3))
        rig.log.request(ReadRequest(.load, room: "tea", tag: 4))
        #expect(rig.log.pendingReads == 4)
        var answers: [UInt64] = []
        while rig.log.pendingReads > 0, step < 1000 {
            step += 1
            let start = disk.bytesRead
            for case .read(let result) in rig.log.takeResults(now: 0) { answers.append(result.request.tag) }
            #expect(disk.bytesRead - start <= 3 << 20)
        }
        #expect(answers.prefix(2) == [3, 4])
        #expect(Set(answers) == [1, 2, 3, 4])
    }

    @Test func read_thatFails_saysSo_andLeavesNothingOpen() throws {
        let (rig, disk) = try rig(1000) { _ in true }
        for operation in [StorageError.Operation.open, .read] {
            for kind in [
                ReadRequest.Kind.messagesBefore(500, limit: 10), .messagesAfter(500, limit: 10), .event(500),
                .since(1, limit: 10),
            ] {
                disk.plan = { $0.operation == operation ? .fail(5) : nil }
                guard case .failed(let error) = rig.read(kind) else {
                    Issue.record("\(kind)")
                    continue
                }
                #expect(error.operation == operation)
                #expect(disk.openFiles == 0)
            }
        }
        disk.plan = { $0.operation == .read ? .short(100) : nil }
        #expect(rig.lines(.messagesBefore(500, limit: 10))?.seqs == Array(490...499))
    }

    /// However many ask at once, few files are open.
    @Test func manyReads_takeTurns_withFewFilesOpen() throws {
        let disk = SimulatedDisk()
        var sizes = LogSizes()
        sizes.segment = 500
        let work = SimulatedDiskWork(disk: disk)
        let rig = try Rig(disk, disk: work, sizes: sizes)
        rig.load()
        #expect(rig.say(1...60))
        rig.run(seconds: 2)
        let others = disk.openFiles
        work.readPace = { 1 }
        for tag in UInt64(1)...20 {
            rig.log.request(ReadRequest(.messagesBefore(50, limit: 30), room: "lobby", tag: tag))
        }
        var most = 0
        var turns = 0
        while rig.log.pendingReads > 0, turns < 10_000 {
            rig.turn()
            turns += 1
            most = max(most, disk.openFiles - others)
        }
        #expect(rig.log.pendingReads == 0)
        #expect((2...4).contains(most))
    }
}
