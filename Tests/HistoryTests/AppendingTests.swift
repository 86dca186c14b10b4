import Foundation
import History
import Simulation
import Testing

/// All or nothing, whatever the disk does to a write.
struct AppendingTests {
    private let path = "/data/rooms/lobby/00000000000000000001.jsonl"

    private func history(
        _ disk: SimulatedDisk, _ policy: FsyncPolicy = .everySecond, segmentBytes: Int = 1 << 20, openFiles: Int = 64
    ) throws -> History {
        let history = History(
            disk: disk, directory: "/data", fsync: policy, segmentBytes: segmentBytes, openFiles: openFiles)
        _ = try history.open()
        return history
    }

    @Test func aRoomsTickIsOneWrite() throws {
        let disk = SimulatedDisk()
        let history = try history(disk)
        _ = history.load()
        #expect(history.append(lines(1...5), at: 1) == .written)
        var writes: [String] = []
        disk.plan = { call in
            writes.append("\(call.operation)")
            return nil
        }
        #expect(history.append(lines(6...500), at: 6) == .written)
        #expect(writes == ["append"])
    }

    @Test func shortWritesAreGoneOnWith() throws {
        let disk = SimulatedDisk()
        let history = try history(disk)
        _ = history.load()
        disk.plan = { $0.operation == .append ? .short(7) : nil }
        #expect(history.append(lines(1...20), at: 1) == .written)
        #expect(disk.contents(path) == lines(1...20))
    }

    @Test func aDiskThatTakesNothingIsAnError() throws {
        let disk = SimulatedDisk()
        let history = try history(disk)
        _ = history.load()
        disk.plan = { $0.operation == .append && $0.path.hasSuffix("jsonl") ? .short(0) : nil }
        guard case .refused(let error) = history.append(lines(1...2), at: 1) else {
            Issue.record("written")
            return
        }
        #expect(error.operation == .append && error.code == 5)
    }

    /// The write fails after any number of bytes: nothing of it stays, and the same seqs are used again.
    @Test func aFailedWriteLeavesNothing() throws {
        let block = lines(4...6)
        for taken in 0...block.count {
            let disk = SimulatedDisk()
            let history = try history(disk)
            _ = history.load()
            #expect(history.append(lines(1...3), at: 1) == .written)
            var first = true
            disk.plan = { call in
                guard call.operation == .append else { return nil }
                defer { first = false }
                return first && taken > 0 && taken < block.count ? .short(taken) : .fail(28)
            }
            guard case .refused(let error) = history.append(block, at: 4) else {
                Issue.record("written")
                return
            }
            #expect(error.isFull)
            #expect(disk.contents(path) == lines(1...3))
            disk.plan = nil
            #expect(history.since(0).map(\.seqs) == [1, 2, 3])
            #expect(history.append(line(4, "another"), at: 4) == .written)
            #expect(disk.contents(path) == lines(1...3) + line(4, "another"))
            #expect(history.metrics.refusedAppends == 1)
        }
    }

    @Test func whatCantBeCutOffIsCutOffBeforeTheNextWrite() throws {
        let disk = SimulatedDisk()
        let history = try history(disk)
        _ = history.load()
        #expect(history.append(lines(1...3), at: 1) == .written)
        var calls = 0
        disk.plan = { call in
            if call.operation == .append { calls += 1 }
            if call.operation == .append, calls == 1 { return .short(100) }
            return call.operation == .append || call.operation == .truncate ? .fail(5) : nil
        }
        #expect(history.append(lines(4...6), at: 4) != .written)
        #expect(disk.contents(path)?.count == lines(1...3).count + 100)
        // Nobody sees the bytes meanwhile, and nothing is written behind them.
        #expect(history.append(lines(4...6), at: 4) != .written)
        #expect(history.since(0).map(\.seqs) == [1, 2, 3])
        #expect(history.nextDeadline != nil)
        disk.plan = nil
        history.tick(now: 5_000_000_000)
        #expect(disk.contents(path) == lines(1...3))
        #expect(history.takeIncidents() == [.repaired(path: "/data/rooms/lobby")])
        #expect(history.append(lines(4...6), at: 4) == .written)
        #expect(disk.contents(path) == lines(1...6))
    }

    /// Killed before it could be cut off: the next start does it.
    @Test func whatCouldNotBeCutOffIsCutOffByTheNextStart() throws {
        let block = lines(4...5)
        for taken in 1..<block.count {
            let disk = SimulatedDisk()
            let old = try history(disk)
            _ = old.load()
            #expect(old.append(lines(1...3), at: 1) == .written)
            var first = true
            disk.plan = { call in
                guard call.operation == .append || call.operation == .truncate else { return nil }
                defer { first = false }
                return first ? .short(taken) : .fail(5)
            }
            #expect(old.append(block, at: 4) != .written)
            disk.plan = nil
            disk.kill()
            let new = try history(disk)
            let loaded = try #require(new.load())
            #expect(loaded.newest == (taken < line(4).count ? 3 : 4))
            #expect(disk.contents(path) == lines(1...loaded.newest))
        }
    }

    @Test func aFullSegmentIsFollowedByANewOne() throws {
        let disk = SimulatedDisk()
        let history = try history(disk, segmentBytes: 300)
        _ = history.load()
        for seq in UInt64(1)...12 { #expect(history.append(line(seq), at: seq) == .written) }
        let names = disk.files.keys.filter { $0.hasSuffix(".jsonl") }.sorted()
        #expect(names.map { String($0.suffix(8)) } == ["01.jsonl", "05.jsonl", "09.jsonl"])
        #expect(history.bytesOnDisk(room: "lobby") == Int64(lines(1...12).count))
        #expect(history.bytesOnDisk == Int64(lines(1...12).count))
    }

    @Test func aGapBeginsANewSegment() throws {
        let disk = SimulatedDisk()
        let history = try history(disk)
        _ = history.load()
        #expect(history.append(lines(1...3), at: 1) == .written)
        #expect(history.append(lines(1000...1003), at: 1000) == .written)
        #expect(disk.contents("/data/rooms/lobby/00000000000000001000.jsonl") == lines(1000...1003))
        #expect(history.event(1002) == line(1002))
        #expect(history.event(500) == nil)
    }

    @Test func seqsThatGoBackAndBlocksThatAreNoLinesAreRefused() throws {
        let disk = SimulatedDisk()
        let history = try history(disk)
        #expect(history.append(line(1), at: 1) != .written)
        _ = history.load()
        #expect(history.append(lines(1...3), at: 1) == .written)
        for (block, seq) in [
            (line(3), UInt64(3)), (line(2), 2), ([], 4), (Array("no line".utf8), 4), (Array(line(4).dropLast()), 4),
            (line(4), 5),
        ] { #expect(history.append(block, at: seq) != .written) }
        #expect(disk.contents(path) == lines(1...3))
    }

    @Test func theNumberOfOpenFilesIsBounded() throws {
        let disk = SimulatedDisk()
        let history = try history(disk, openFiles: 3)
        let names = (0..<20).map { "room-\($0)" }
        for name in names { _ = history.load(name) }
        for seq in UInt64(1)...3 {
            for name in names {
                #expect(history.append(line(seq), at: seq, room: name) == .written)
                // The journal and the reservations beside them.
                #expect(disk.openFiles <= 5)
            }
        }
        // The one used last is still open, the others are not.
        var opened = 0
        disk.plan = { call in
            if call.operation == .open { opened += 1 }
            return nil
        }
        for name in ["room-19", "room-18", "room-17", "room-19"] { _ = history.append(line(4), at: 4, room: name) }
        #expect(opened == 0)
        _ = history.append(line(4), at: 4, room: "room-0")
        #expect(opened == 1)
        for name in names { #expect(history.since(0, room: name).map(\.seqs.first) == 1) }
        history.tick(now: 1)
        _ = history.closeAndSync()
        #expect(disk.openFiles == 0)
    }

    @Test func aFileThatSomebodyChangedIsNotWrittenTo() throws {
        for change in [[UInt8]("somebody's line\n".utf8), nil] {
            let disk = SimulatedDisk()
            let history = try history(disk, openFiles: 1)
            _ = history.load()
            _ = history.load("tea")
            #expect(history.append(lines(1...3), at: 1) == .written)
            // Closes the first room's file.
            #expect(history.append(line(1), at: 1, room: "tea") == .written)
            if let change { disk.overwrite(path, lines(1...3) + change) } else { try disk.remove(path) }
            #expect(history.append(lines(4...5), at: 4) == .written)
            #expect(disk.contents("/data/rooms/lobby/00000000000000000004.jsonl") == lines(4...5))
            #expect(disk.contents(path) == change.map { lines(1...3) + $0 })
            #expect(history.event(5) == line(5))
        }
    }

    /// A room whose file was closed by a repair, and opened again, counts once among the open ones.
    @Test func noRoomCountsTwiceAmongTheOpenOnes() throws {
        let disk = SimulatedDisk()
        let history = History(disk: disk, directory: "/data", fsync: .always, openFiles: 2)
        _ = try history.open()
        _ = history.load()
        _ = history.load("tea")
        #expect(history.append(line(1), at: 1) == .written)
        disk.plan = { [path] in $0.operation == .sync && $0.path == path ? .fail(5) : nil }
        #expect(!history.commit().isGood)
        disk.plan = nil
        #expect(history.append(line(1), at: 1) == .written)
        let before = disk.openFiles
        #expect(history.append(line(1), at: 1, room: "tea") == .written)
        #expect(disk.openFiles == before + 1)
    }

    @Test(arguments: ["rooms/lobby", "rooms", ""]) func aFolderThatSomebodyClearedAwayIsMadeAgain(cleared: String)
        throws
    {
        let folder = try TemporaryFolder()
        let history = History(disk: FileStorage(), directory: folder.path, segmentBytes: 300, openFiles: 1)
        _ = try history.open()
        _ = history.load()
        _ = history.load("tea")
        for seq in UInt64(1)...12 { #expect(history.append(line(seq), at: seq) == .written) }
        #expect(history.append(line(1), at: 1, room: "tea") == .written)
        try FileManager.default.removeItem(atPath: folder.path + "/" + cleared)
        #expect(history.append(line(13), at: 13) == .written)
        #expect(try folder.bytes("rooms/lobby/00000000000000000013.jsonl") == line(13))
        #expect(history.since(0).map(\.seqs) == [13])
        #expect(history.closeAndSync() == [])
    }

    @Test func noDescriptorLeftIsARefusalAndPasses() throws {
        let disk = SimulatedDisk()
        let history = try history(disk)
        _ = history.load()
        disk.plan = { $0.operation == .open ? .fail(24) : nil }
        guard case .refused(let error) = history.append(line(1), at: 1) else {
            Issue.record("written")
            return
        }
        #expect(error.code == 24)
        disk.plan = nil
        #expect(history.append(line(1), at: 1) == .written)
    }

    @Test func aForgottenRoomIsLoadedAgain() throws {
        let disk = SimulatedDisk()
        let history = try history(disk)
        _ = history.load()
        #expect(history.append(lines(1...3), at: 1) == .written)
        history.forget(room: "lobby")
        // Not synced yet: it is kept until it is.
        #expect(history.bytesOnDisk(room: "lobby") != nil)
        for second in UInt64(1)...5 { history.tick(now: second * 1_000_000_000) }
        #expect(history.bytesOnDisk(room: "lobby") == nil)
        #expect(disk.storedContents(path) == lines(1...3))
        #expect(history.append(line(4), at: 4) != .written)
        #expect(history.load()?.newest == 3)
        #expect(history.append(line(4), at: 4) == .written)
        history.forget(room: "lobby")
        // Wanted again before it was gone.
        #expect(history.load()?.newest == 4)
        for second in UInt64(6)...9 { history.tick(now: second * 1_000_000_000) }
        #expect(history.append(line(5), at: 5) == .written)
    }

    @Test func aRoomInTroubleIsForgottenOnlyWhenItIsRepaired() throws {
        let disk = SimulatedDisk()
        let history = try history(disk, .always)
        _ = history.load()
        var calls = 0
        disk.plan = { call in
            if call.operation == .append { calls += 1 }
            if call.operation == .append { return calls == 1 ? .short(line(1).count) : .fail(28) }
            return call.operation == .truncate ? .fail(28) : nil
        }
        #expect(history.append(lines(1...2), at: 1) != .written)
        history.forget(room: "lobby")
        #expect(history.bytesOnDisk(room: "lobby") == 0)
        disk.plan = nil
        #expect(history.load()?.newest == 0, "what was refused does not come back")
        history.forget(room: "lobby")
        history.tick(now: 1_000_000_000)
        #expect(history.commit().isGood)
        #expect(history.bytesOnDisk(room: "lobby") == nil)
        #expect(disk.contents(path) == [])
    }
}
