import History
import Simulation
import Testing

/// When bytes reach the disk itself, and what becomes of them where they don't.
struct SyncingTests {
    private let folder = "/data/rooms/lobby"
    private let path = "/data/rooms/lobby/00000000000000000001.jsonl"
    private let second: UInt64 = 1_000_000_000

    private func history(_ disk: SimulatedDisk, _ policy: FsyncPolicy, segmentBytes: Int = 1 << 20) throws -> History {
        let history = History(disk: disk, directory: "/data", fsync: policy, segmentBytes: segmentBytes)
        _ = try history.open()
        _ = history.load()
        return history
    }

    private func fail(_ disk: SimulatedDisk, syncsOf path: String) {
        disk.plan = { $0.operation == .sync && $0.path == path ? .fail(5) : nil }
    }

    // MARK: Always

    @Test func alwaysSyncsEverythingOfATickBeforeItIsShown() throws {
        let disk = SimulatedDisk()
        let history = try history(disk, .always)
        _ = history.load("tea")
        #expect(history.appendJournal("{\"n\":1}\n") == .written)
        #expect(history.append(lines(1...2), at: 1) == .written)
        #expect(history.append(line(1), at: 1, room: "tea") == .written)
        #expect(disk.storedContents(path) == nil)
        #expect(history.since(0).map(\.seqs) == [], "nothing is shown before it is on the disk")
        #expect(history.commit().isGood)
        #expect(disk.storedContents(path) == lines(1...2))
        #expect(disk.storedContents("/data/rooms/tea/00000000000000000001.jsonl") == line(1))
        #expect(disk.storedContents("/data/journal") == Array("{\"n\":1}\n".utf8))
        #expect(history.since(0).map(\.seqs) == [1, 2])
        // Names only where they are new; the journal before the rooms.
        let before = disk.syncedPaths.count
        #expect(history.appendJournal("{\"n\":2}\n") == .written)
        #expect(history.append(line(3), at: 3) == .written)
        #expect(history.commit().isGood)
        #expect(Array(disk.syncedPaths[before...]) == ["/data/journal", path])
        #expect(history.commit().isGood)
        #expect(disk.syncedPaths.count == before + 2)
        #expect(history.metrics.lastSyncNanoseconds == 1_000_000)
    }

    @Test func aRoomWhoseSyncFailsIsTakenBackAlone() throws {
        let disk = SimulatedDisk()
        let history = try history(disk, .always)
        _ = history.load("tea")
        #expect(history.append(lines(1...2), at: 1) == .written)
        #expect(history.commit().isGood)
        #expect(history.append(lines(3...4), at: 3) == .written)
        #expect(history.append(line(1), at: 1, room: "tea") == .written)
        fail(disk, syncsOf: path)
        let outcome = history.commit()
        disk.plan = nil
        #expect(outcome.journal == nil)
        #expect(outcome.rooms.map(\.room) == ["lobby"])
        #expect(outcome.rooms.first?.error.operation == .sync)
        #expect(disk.contents(path) == lines(1...2))
        #expect(history.since(0).map(\.seqs) == [1, 2])
        #expect(history.since(0, room: "tea").map(\.seqs) == [1])
        history.tick(now: second)
        // The same seqs again, in a new file: the old one's pages are not trusted any more.
        #expect(history.append(lines(3...5), at: 3) == .written)
        #expect(history.commit().isGood)
        #expect(disk.storedContents(folder + "/00000000000000000003.jsonl") == lines(3...5))
        #expect(history.since(0).map(\.seqs) == [1, 2, 3, 4, 5])
        #expect(history.metrics.failedSyncs >= 1)
    }

    /// The trap of fsync: after a failure, the next one succeeds without the bytes.
    @Test func aLaterSyncIsNotTakenForTheFailedOne() throws {
        for seed in UInt64(1)...40 {
            let disk = SimulatedDisk()
            var history = try history(disk, .always)
            #expect(history.append(lines(1...2), at: 1) == .written)
            #expect(history.commit().isGood)
            #expect(history.append(lines(3...4), at: 3) == .written)
            fail(disk, syncsOf: path)
            #expect(!history.commit().isGood)
            disk.plan = nil
            history.tick(now: second)
            #expect(history.append(line(3, "again"), at: 3) == .written)
            #expect(history.commit().isGood)
            var random = SeededRandom(seed)
            disk.cutPower(&random)
            history = try self.history(disk, .always)
            #expect(history.load()?.events.bytes == lines(1...2) + line(3, "again"))
        }
    }

    @Test func aFailedFirstTickLeavesAnEmptyRoom() throws {
        let disk = SimulatedDisk()
        let history = try history(disk, .always)
        #expect(history.append(lines(1...2), at: 1) == .written)
        fail(disk, syncsOf: path)
        #expect(!history.commit().isGood)
        disk.plan = nil
        #expect(history.load() == LoadedRoom())
        #expect(history.append(line(1, "again"), at: 1) == .written)
        #expect(history.commit().isGood)
        #expect(disk.storedContents(path) == line(1, "again"))
    }

    @Test(arguments: ["/data/rooms", "/data/rooms/lobby"])
    func aNameThatDoesNotReachTheDiskRefusesItsEvents(path: String) throws {
        let disk = SimulatedDisk()
        let history = try history(disk, .always)
        #expect(history.append(lines(1...2), at: 1) == .written)
        fail(disk, syncsOf: path)
        #expect(history.commit().rooms.map(\.room) == ["lobby"])
        disk.plan = nil
        #expect(history.since(0).map(\.seqs) == [])
        #expect(history.append(lines(1...2), at: 1) == .written)
        #expect(history.commit().isGood)
        var random = SeededRandom(1)
        disk.cutPower(&random)
        #expect(try self.history(disk, .always).load()?.events.bytes == lines(1...2))
    }

    @Test func aJournalWhoseSyncFailsRefusesTheWholeTick() throws {
        let disk = SimulatedDisk()
        let history = try history(disk, .always)
        #expect(history.appendJournal("{\"n\":1}\n") == .written)
        #expect(history.append(lines(1...2), at: 1) == .written)
        #expect(history.commit().isGood)
        #expect(history.appendJournal("{\"n\":2}\n") == .written)
        #expect(history.append(lines(3...4), at: 3) == .written)
        fail(disk, syncsOf: "/data/journal")
        let outcome = history.commit()
        #expect(outcome.journal?.operation == .sync)
        #expect(outcome.rooms.map(\.room) == ["lobby"])
        #expect(disk.contents("/data/journal") == Array("{\"n\":1}\n".utf8))
        #expect(disk.contents(path) == lines(1...2))
        // Until it is written anew, it takes nothing.
        #expect(history.appendJournal("{\"n\":3}\n") != .written)
        disk.plan = nil
        history.tick(now: second)
        #expect(history.appendJournal("{\"n\":3}\n") == .written)
        #expect(history.append(lines(3...4), at: 3) == .written)
        #expect(history.commit().isGood)
        var random = SeededRandom(3)
        disk.cutPower(&random)
        let again = History(disk: disk, directory: "/data", fsync: .always)
        #expect(try again.open().journal == Array("{\"n\":1}\n{\"n\":3}\n".utf8))
        #expect(again.load()?.newest == 4)
    }

    @Test func whatWasRolledBackAndCantBeCutOffIsNotWrittenBehind() throws {
        let disk = SimulatedDisk()
        let history = try history(disk, .always)
        #expect(history.append(lines(1...2), at: 1) == .written)
        #expect(history.commit().isGood)
        #expect(history.append(lines(3...4), at: 3) == .written)
        disk.plan = { $0.operation == .sync || $0.operation == .truncate ? .fail(5) : nil }
        #expect(!history.commit().isGood)
        #expect(history.append(line(3, "again"), at: 3) != .written)
        #expect(history.since(0).map(\.seqs) == [1, 2])
        disk.plan = nil
        #expect(history.append(line(3, "again"), at: 3) == .written)
        #expect(history.commit().isGood)
        #expect(disk.contents(path) == lines(1...2))
    }

    @Test func whatWasRolledBackIsCutOffThoughNothingMoreIsSaid() throws {
        let disk = SimulatedDisk()
        let history = try history(disk, .always)
        #expect(history.append(lines(1...2), at: 1) == .written)
        #expect(history.commit().isGood)
        #expect(history.append(lines(3...4), at: 3) == .written)
        disk.plan = { $0.operation == .sync || $0.operation == .truncate ? .fail(5) : nil }
        #expect(!history.commit().isGood)
        #expect(disk.contents(path) == lines(1...4))
        disk.plan = nil
        #expect(history.nextDeadline != nil)
        history.tick(now: second)
        #expect(disk.contents(path) == lines(1...2))
    }

    /// The kernel may have written to the medium what was refused and cut off again: the cut must get there as well.
    @Test func whatWasRefusedDoesNotComeBackByAPowerCut() throws {
        for seed in UInt64(1)...20 {
            for policy in [FsyncPolicy.always, .everySecond] {
                let disk = SimulatedDisk()
                disk.writesBack = { true }
                var history = try history(disk, policy)
                #expect(history.append(lines(1...2), at: 1) == .written)
                #expect(history.commit().isGood)
                var calls = 0
                disk.plan = { call in
                    if call.operation == .append { calls += 1 }
                    return call.operation == .append ? calls == 1 ? .short(line(3).count) : .fail(28) : nil
                }
                #expect(history.append(lines(3...4), at: 3) != .written)
                disk.plan = nil
                _ = run(history, disk, from: second, to: 3 * second)
                var random = SeededRandom(seed)
                disk.cutPower(&random)
                history = try self.history(disk, policy)
                #expect(history.load().map { seqs($0.events.bytes) } == [1, 2])
            }
        }
    }

    /// How far the seqs had come may stand in a file's name alone; a failed sync must not take it away.
    @Test func theNameThatTellsTheSeqSurvivesAFailedSync() throws {
        let disk = SimulatedDisk()
        disk.overwrite(path, lines(1...3))
        disk.overwrite(folder + "/00000000000000000501.jsonl", [])
        var history = try history(disk, .always)
        #expect(history.load()?.newest == 500)
        #expect(history.append(line(501), at: 501) == .written)
        disk.plan = { $0.operation == .sync && $0.path.hasSuffix("501.jsonl") ? .fail(5) : nil }
        #expect(!history.commit().isGood)
        disk.plan = nil
        history.tick(now: second)
        disk.kill()
        history = try self.history(disk, .always)
        #expect(history.load()?.newest == 500)
        #expect(history.load().map { seqs($0.events.bytes) } == [1, 2, 3])
    }

    // MARK: Every second

    /// Lets the clock go and notes when batches begin.
    private func run(_ history: History, _ disk: SimulatedDisk, from: UInt64, to: UInt64) -> [UInt64] {
        var times: [UInt64] = []
        var now = from
        while now <= to {
            let before = disk.syncedPaths.count
            history.tick(now: now)
            if disk.syncedPaths.count > before { times.append(now) }
            now += 10_000_000
        }
        return times
    }

    @Test func everySecondSyncsWithinASecondOfTheFirstByte() throws {
        let disk = SimulatedDisk()
        let history = try history(disk, .everySecond)
        _ = run(history, disk, from: second, to: 3 * second)
        #expect(history.nextDeadline == nil, "nothing to do, nothing to wake up for")
        #expect(history.append(line(1), at: 1) == .written)
        #expect(history.appendJournal("{}\n") == .written)
        history.tick(now: 10 * second)
        let deadline = try #require(history.nextDeadline)
        #expect(deadline > 10 * second && deadline < 11 * second)
        #expect(disk.storedContents(path) != line(1))
        history.tick(now: deadline - 1)
        #expect(disk.storedContents(path) != line(1))
        history.tick(now: deadline)
        #expect(disk.storedContents(path) == line(1))
        #expect(disk.storedContents("/data/journal") == Array("{}\n".utf8))
        #expect(run(history, disk, from: deadline, to: 20 * second) == [])
        #expect(history.nextDeadline == nil)
    }

    @Test func aSteadyStreamIsSyncedOncePerSecond() throws {
        let disk = SimulatedDisk()
        disk.syncDelay = 3
        let history = try history(disk, .everySecond)
        var begun: [UInt64] = []
        for step in UInt64(1)...500 {
            #expect(history.append(line(step), at: step) == .written)
            let before = disk.syncedPaths.filter { $0 == path }.count
            history.tick(now: 10 * second + step * 20_000_000)
            if disk.syncedPaths.filter({ $0 == path }).count > before { begun.append(step * 20) }
        }
        #expect((9...13).contains(begun.count))
        for (one, next) in zip(begun, begun.dropFirst()) { #expect(next - one <= 1000) }
    }

    @Test func aSlowSyncHoldsNothingUp() throws {
        let disk = SimulatedDisk()
        let history = try history(disk, .everySecond)
        disk.syncDelay = 1000
        #expect(history.append(line(1), at: 1) == .written)
        _ = run(history, disk, from: second, to: 3 * second)
        #expect(history.append(line(2), at: 2) == .written)
        let deadline = try #require(history.nextDeadline)
        #expect(deadline > 3 * second, "no deadline lies in the past, or the loop would spin")
        #expect(history.since(0).map(\.seqs) == [1, 2])
        #expect(history.closeAndSync() == [])
        #expect(disk.storedContents(path) == lines(1...2))
    }

    @Test func whatAFailedSyncLeftBehindIsWrittenAnew() throws {
        for (seed, segmentBytes) in [(UInt64(1), 1 << 20), (2, 1 << 20), (3, 200), (4, 200), (5, 1)] {
            let disk = SimulatedDisk()
            var history = try history(disk, .everySecond, segmentBytes: segmentBytes)
            #expect(history.append(lines(1...2), at: 1) == .written)
            _ = run(history, disk, from: second, to: 3 * second)
            #expect(history.append(lines(3...4), at: 3) == .written)
            #expect(history.append(lines(5...6), at: 5) == .written)
            disk.plan = { $0.operation == .sync && $0.path.hasSuffix(".jsonl") ? .fail(5) : nil }
            _ = run(history, disk, from: 4 * second, to: 6 * second)
            disk.plan = nil
            #expect(history.takeIncidents().contains { if case .syncFailed = $0 { true } else { false } })
            #expect(history.since(0).map(\.seqs) == [1, 2, 3, 4, 5, 6])
            _ = run(history, disk, from: 7 * second, to: 9 * second)
            #expect(history.append(line(7), at: 7) == .written)
            #expect(history.since(0).map(\.seqs) == [1, 2, 3, 4, 5, 6, 7])
            #expect(history.event(4) == line(4))
            let files = disk.files.keys.filter { $0.hasSuffix(".jsonl") }.sorted()
            #expect(files.flatMap { disk.contents($0) ?? [] } == lines(1...7), "whoever reads the files sees each once")
            _ = run(history, disk, from: 10 * second, to: 12 * second)
            disk.dropCache()
            var random = SeededRandom(seed)
            disk.cutPower(&random)
            history = try self.history(disk, .everySecond)
            #expect(history.load().map { seqs($0.events.bytes) } == [1, 2, 3, 4, 5, 6, 7])
        }
    }

    /// A page is being read while its lines move to another file.
    @Test func aReadGoesOnWhereTheLinesHaveGone() throws {
        let disk = SimulatedDisk()
        let history = try history(disk, .everySecond)
        #expect(history.append(lines(1...100), at: 1) == .written)
        _ = run(history, disk, from: second, to: 3 * second)
        #expect(history.append(lines(101...3000), at: 101) == .written)
        history.request(ReadRequest(.messages(before: 2950, limit: 200), room: "lobby", tag: 1))
        #expect(history.advance(byteBudget: 1).isEmpty)
        disk.plan = { $0.operation == .sync && $0.path == path ? .fail(5) : nil }
        _ = run(history, disk, from: 4 * second, to: 6 * second)
        #expect(disk.contents(path) == lines(1...100))
        var found: [UInt64] = []
        while history.hasWork {
            for case .messages(let block, _) in history.advance(byteBudget: 1).map(\.outcome) {
                found = seqs(block.bytes)
            }
        }
        #expect(found == Array(2750...2949))
    }

    @Test func whileItCantBeWrittenAnewTheRoomTakesNothing() throws {
        let disk = SimulatedDisk()
        let history = try history(disk, .everySecond)
        #expect(history.append(lines(1...2), at: 1) == .written)
        disk.plan = { $0.operation == .sync && $0.path.hasPrefix("/data/rooms/lobby/") ? .fail(5) : nil }
        _ = run(history, disk, from: second, to: 4 * second)
        guard case .refused(let error) = history.append(line(3), at: 3) else {
            Issue.record("written")
            return
        }
        #expect(error.operation == .sync)
        #expect(history.since(0).map(\.seqs) == [1, 2])
        disk.plan = nil
        _ = run(history, disk, from: 5 * second, to: 7 * second)
        #expect(history.append(line(3), at: 3) == .written)
        #expect(history.since(0).map(\.seqs) == [1, 2, 3])
    }

    @Test func aSyncThatCouldNotBeTriedIsTriedAgain() throws {
        let disk = SimulatedDisk()
        let history = try history(disk, .everySecond)
        #expect(history.append(lines(1...2), at: 1) == .written)
        disk.plan = { $0.operation == .open ? .fail(24) : nil }
        _ = run(history, disk, from: second, to: 4 * second)
        #expect(disk.storedContents(path) != lines(1...2))
        #expect(history.append(line(3), at: 3) == .written, "nothing is lost, so nothing is refused")
        disk.plan = nil
        _ = run(history, disk, from: 4 * second, to: 6 * second)
        #expect(disk.storedContents(path) == lines(1...3))
    }

    /// Somebody has deleted its file: there is nothing left to be done for it.
    @Test func aForgottenRoomWhoseFileIsGoneIsLetGo() throws {
        let disk = SimulatedDisk()
        let history = try history(disk, .everySecond)
        #expect(history.append(lines(1...2), at: 1) == .written)
        history.forget(room: "lobby")
        try disk.remove(path)
        _ = run(history, disk, from: second, to: 5 * second)
        #expect(history.bytesOnDisk(room: "lobby") == nil)
        #expect(history.nextDeadline == nil)
    }

    /// A full disk does not get fuller by it, and a start finds nothing of one that was killed.
    @Test func whatCouldNotBeWrittenAnewLeavesNothingBehind() throws {
        let disk = SimulatedDisk()
        let history = try history(disk, .everySecond)
        #expect(history.append(lines(1...2), at: 1) == .written)
        let temporary = folder + "/rewrite.tmp"
        disk.plan = { call in
            if call.operation == .append, call.path == temporary { return .fail(28) }
            return call.operation == .sync && call.path == path ? .fail(5) : nil
        }
        _ = run(history, disk, from: second, to: 4 * second)
        #expect(history.append(line(3), at: 3) != .written)
        #expect(disk.contents(temporary) == nil)
        disk.plan = nil
        disk.kill()
        disk.overwrite(temporary, lines(1...2))
        _ = try self.history(disk, .everySecond)
        #expect(disk.contents(temporary) == nil)
    }

    @Test func aFailedJournalSyncHasTheJournalWrittenAnew() throws {
        let disk = SimulatedDisk()
        let history = try history(disk, .everySecond)
        #expect(history.appendJournal("{\"n\":1}\n") == .written)
        fail(disk, syncsOf: "/data/journal")
        _ = run(history, disk, from: second, to: 3 * second)
        disk.plan = nil
        _ = run(history, disk, from: 4 * second, to: 6 * second)
        #expect(history.appendJournal("{\"n\":2}\n") == .written)
        _ = run(history, disk, from: 7 * second, to: 9 * second)
        #expect(disk.storedContents("/data/journal") == Array("{\"n\":1}\n{\"n\":2}\n".utf8))
    }

    // MARK: Never, and the end

    @Test func neverLeavesItToTheSystemUntilTheEnd() throws {
        let disk = SimulatedDisk()
        let history = try history(disk, .never)
        #expect(history.append(lines(1...2), at: 1) == .written)
        #expect(history.appendJournal("{}\n") == .written)
        let before = disk.syncedPaths
        _ = run(history, disk, from: second, to: 20 * second)
        #expect(disk.syncedPaths == before)
        #expect(history.nextDeadline == nil)
        #expect(history.closeAndSync() == [])
        #expect(disk.storedContents(path) == lines(1...2))
        #expect(disk.storedContents("/data/journal") == Array("{}\n".utf8))
    }

    @Test(arguments: FsyncPolicy.allCases)
    func afterACleanStopAPowerCutTakesNothing(policy: FsyncPolicy) throws {
        for seed in UInt64(1)...20 {
            let disk = SimulatedDisk()
            var history = try history(disk, policy, segmentBytes: 300)
            for seq in UInt64(1)...20 { #expect(history.append(line(seq), at: seq) == .written) }
            #expect(history.commit().isGood)
            #expect(history.closeAndSync() == [])
            var random = SeededRandom(seed)
            disk.cutPower(&random)
            history = try self.history(disk, policy)
            let loaded = try #require(history.load())
            #expect(loaded.newest == 20, "no seq is left out either")
            #expect(loaded.events.bytes == lines(1...20))
        }
    }

    @Test func theEndSaysWhatCouldNotBeSynced() throws {
        let disk = SimulatedDisk()
        let history = try history(disk, .everySecond)
        #expect(history.append(lines(1...2), at: 1) == .written)
        disk.plan = { $0.operation == .sync && $0.path.hasPrefix(folder + "/") ? .fail(5) : nil }
        #expect(history.closeAndSync().map(\.path) == [path])
        #expect(disk.openFiles == 0)
    }

    @Test func theEndWritesAnewWhatCouldNotBeSynced() throws {
        let disk = SimulatedDisk()
        let history = try history(disk, .everySecond)
        #expect(history.append(lines(1...2), at: 1) == .written)
        var failures = 0
        disk.plan = { call in
            guard call.operation == .sync, call.path == path, failures == 0 else { return nil }
            failures += 1
            return .fail(5)
        }
        #expect(history.closeAndSync() == [])
        #expect(failures == 1)
        #expect(disk.storedContents(path) == lines(1...2))
    }
}
