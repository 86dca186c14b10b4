import History
import Simulation
import Testing

/// After a power cut no seq is used twice; after anything else none is left out.
struct ReservationsTests {
    private let path = "/data/reserved"
    private let second: UInt64 = 1_000_000_000

    private func open(_ disk: SimulatedDisk, _ policy: FsyncPolicy = .everySecond) throws -> History {
        let history = History(disk: disk, directory: "/data", fsync: policy)
        _ = try history.open()
        return history
    }

    private func record(_ room: String, _ seq: UInt64, _ boot: String) -> String {
        #"{"room":"\#(room)","seq":\#(seq),"boot":"\#(boot)"}"# + "\n"
    }

    @Test(arguments: [FsyncPolicy.everySecond, .never])
    func aRoomIsReservedForBeforeItsFirstEvent(policy: FsyncPolicy) throws {
        let disk = SimulatedDisk()
        let history = try open(disk, policy)
        #expect(history.load()?.newest == 0)
        #expect(disk.storedContents(path) == Array(record("lobby", 100_000, "boot-1").utf8))
        var calls: [StorageError.Operation] = []
        disk.plan = { call in
            if call.operation == .sync { calls.append(call.operation) }
            return nil
        }
        #expect(history.append(line(1), at: 1) == .written)
        #expect(calls == [], "the loop waits for no sync")
    }

    @Test func aLoadWaitsForItsReservationWithoutHoldingUpTheLoop() throws {
        let disk = SimulatedDisk()
        let history = try open(disk)
        disk.syncDelay = 3
        history.request(ReadRequest(.load, room: "lobby", tag: 1))
        var results: [ReadResult] = []
        var ticks: UInt64 = 0
        while results.isEmpty, ticks < 20 {
            results = history.advance(byteBudget: 1 << 20)
            #expect(!history.hasWork, "a loop that believed it would spin")
            if results.isEmpty { #expect(history.nextDeadline.map { $0 <= ticks * second + 20_000_000 } == true) }
            ticks += 1
            history.tick(now: ticks * second)
        }
        #expect(ticks == 6)
    }

    @Test func openingRoomsDoesNotHaveTheOthersSyncedAllTheTime() throws {
        let disk = SimulatedDisk()
        let history = try open(disk)
        _ = history.load()
        #expect(history.append(line(1), at: 1) == .written)
        history.tick(now: second)
        let before = disk.syncedPaths.count
        for number in UInt64(0)..<20 {
            history.request(ReadRequest(.load, room: "room-\(number)", tag: number))
            _ = history.advance(byteBudget: 1 << 20)
            history.tick(now: second + number * 20_000_000)
            #expect(!history.advance(byteBudget: 1 << 20).isEmpty || number == 0)
        }
        #expect(Set(disk.syncedPaths[before...]) == [path])
        // When it is due, the room is synced all the same.
        history.tick(now: 2 * second)
        #expect(disk.storedContents("/data/rooms/lobby/00000000000000000001.jsonl") == line(1))
    }

    @Test func afterAPowerCutTheRoomGoesOnBehindItsRecord() throws {
        for seed in UInt64(1)...30 {
            let disk = SimulatedDisk()
            var history = try open(disk)
            _ = history.load()
            #expect(history.append(lines(1...50), at: 1) == .written)
            var random = SeededRandom(seed)
            disk.cutPower(&random)
            history = try open(disk)
            let loaded = try #require(history.load())
            #expect(loaded.newest == 100_000)
            #expect(loaded.repair.skippedSeqs == 100_000 - UInt64(loaded.events.count))
            #expect(history.takeIncidents().contains { if case .skippedSeqs = $0 { true } else { false } })
            #expect(history.append(line(100_001), at: 100_001) == .written)
            #expect(history.event(100_001) == line(100_001))
            // A kill after that leaves nothing out again.
            disk.kill()
            history = try open(disk)
            #expect(history.load()?.newest == 100_001)
            #expect(history.load()?.repair.skippedSeqs == 0)
        }
    }

    @Test func afterAKillNoSeqIsLeftOut() throws {
        let disk = SimulatedDisk()
        for life in UInt64(0)..<20 {
            let history = try open(disk)
            let loaded = try #require(history.load())
            #expect(loaded.newest == life * 3)
            #expect(loaded.repair.isEmpty)
            #expect(history.append(lines(loaded.newest + 1...loaded.newest + 3), at: loaded.newest + 1) == .written)
            disk.kill()
        }
    }

    /// The seqs left out are remembered by the files themselves, before anything is said there.
    @Test func seqsLeftOutStayLeftOut() throws {
        for policy in FsyncPolicy.allCases {
            let disk = SimulatedDisk()
            disk.overwrite("/data/rooms/lobby/00000000000000000001.jsonl", lines(1...3))
            disk.overwrite(path, Array(record("lobby", 5000, "boot-0").utf8))
            var history = try open(disk, policy)
            #expect(history.load()?.newest == 5000)
            #expect(history.commit().isGood)
            disk.kill()
            history = try open(disk, policy)
            #expect(history.load()?.newest ?? 0 >= 5000)
            #expect(history.closeAndSync() == [])
            var random = SeededRandom(7)
            disk.cutPower(&random)
            history = try open(disk, policy)
            #expect(history.load()?.newest == 5000)
            #expect(history.load().map { seqs($0.events.bytes) } == [1, 2, 3])
        }
    }

    /// On a full disk too, where no file can be begun that would tell it by its name.
    @Test func seqsLeftOutAreKnownThoughNothingCanBeWritten() throws {
        for policy in FsyncPolicy.allCases {
            let disk = SimulatedDisk()
            disk.overwrite(path, Array(record("lobby", 5000, "boot-0").utf8))
            var history = try open(disk, policy)
            disk.plan = { $0.path.hasPrefix("/data/rooms/lobby") && $0.operation != .list ? .fail(28) : nil }
            #expect(history.load()?.newest == 5000)
            #expect(history.append(line(5001), at: 5001) != .written)
            disk.kill()
            history = try open(disk, policy)
            #expect(history.load()?.newest == 5000)
            disk.plan = nil
            #expect(history.append(line(5001), at: 5001) == .written)
            #expect(history.commit().isGood)
            disk.kill()
            #expect(try open(disk, policy).load()?.newest == 5001)
        }
    }

    @Test func theRecordIsRenewedLongBeforeItEnds() throws {
        let disk = SimulatedDisk()
        let history = try open(disk)
        _ = history.load()
        var seq: UInt64 = 1
        var now = second
        while seq < 260_000 {
            #expect(history.append(lines(seq...seq + 999), at: seq) == .written)
            seq += 1000
            now += 10_000_000
            history.tick(now: now)
            let records = String(decoding: disk.storedContents(path) ?? [], as: UTF8.self)
            let newest = records.split(separator: "\n").last?.split(separator: ":")[2].prefix { $0.isNumber }
            #expect(newest.flatMap { UInt64($0) } ?? 0 > seq)
        }
        #expect(history.metrics.failedSyncs == 0)
    }

    @Test func whereTheRecordDoesNotHoldInTimeTheAppendWaits() throws {
        let disk = SimulatedDisk()
        let history = try open(disk)
        _ = history.load()
        // More at once than is reserved.
        var block: [UInt8] = []
        for seq in UInt64(1)...100_001 { block += line(seq, "x") }
        let before = disk.syncedPaths.count
        #expect(history.append(block, at: 1) == .written)
        #expect(Array(disk.syncedPaths[before...]) == [path])
        #expect(String(decoding: disk.storedContents(path) ?? [], as: UTF8.self).contains(#""seq":200001"#))
    }

    @Test func withoutARecordNothingIsWritten() throws {
        for operation in [StorageError.Operation.append, .sync, .open] {
            let disk = SimulatedDisk()
            let history = try open(disk)
            disk.plan = { $0.operation == operation && $0.path == "/data/reserved" ? .fail(28) : nil }
            #expect(history.load()?.newest == 0, "it can be read all the same")
            guard case .refused(let error) = history.append(line(1), at: 1) else {
                Issue.record("written")
                return
            }
            #expect(error.operation == operation && error.isFull)
            #expect(disk.folders == ["/data", "/data/rooms"])
            disk.plan = nil
            #expect(history.append(line(1), at: 1) == .written)
            var random = SeededRandom(5)
            disk.cutPower(&random)
            #expect(try open(disk).load()?.newest ?? 0 >= 100_000)
        }
    }

    /// The file's own name must be on the disk before its first record counts.
    @Test func aRecordInAFileWithoutANameIsNone() throws {
        for seed in UInt64(1)...20 {
            let disk = SimulatedDisk()
            let history = try open(disk)
            disk.plan = { $0.operation == .sync && $0.path == "/data" ? .fail(5) : nil }
            #expect(history.load()?.newest == 0)
            #expect(history.append(line(1), at: 1) != .written)
            disk.plan = nil
            #expect(history.append(line(1), at: 1) == .written)
            var random = SeededRandom(seed)
            disk.cutPower(&random)
            #expect(try open(disk).load()?.newest ?? 0 >= 100_000)
        }
    }

    /// Killed between a record and its sync: the next server brings it to the disk before it relies on it.
    @Test func aRecordOfAKilledServerIsSyncedBeforeItCounts() throws {
        for seed in UInt64(1)...20 {
            let disk = SimulatedDisk()
            disk.overwrite(path, [])
            var history = try open(disk)
            history.request(ReadRequest(.load, room: "lobby", tag: 1))
            #expect(history.advance(byteBudget: 1 << 20).isEmpty)
            disk.kill()
            history = try open(disk)
            #expect(history.load()?.newest == 0)
            #expect(history.append(line(1), at: 1) == .written)
            var random = SeededRandom(seed)
            disk.cutPower(&random)
            #expect(try open(disk).load()?.newest == 100_000)
        }
    }

    /// The file is written anew without the rooms that nobody uses; one that is used again then needs a record again.
    @Test func aRoomWhoseRecordWasDroppedGetsANewOne() throws {
        let disk = SimulatedDisk()
        let history = try open(disk)
        _ = history.load()
        #expect(history.append(line(1), at: 1) == .written)
        history.forget(room: "lobby")
        for now in UInt64(1)...5 { history.tick(now: now * second) }
        for number in 0..<6000 { _ = history.load("room-\(number)") }
        let mentionsIt = String(decoding: disk.contents(path) ?? [], as: UTF8.self).contains("lobby")
        #expect(!mentionsIt)
        #expect(history.load()?.newest == 1)
        #expect(history.append(line(2), at: 2) == .written)
        var random = SeededRandom(1)
        disk.cutPower(&random)
        #expect(try open(disk).load()?.newest ?? 0 >= 100_000)
    }

    @Test func aTornRecordSpoilsNeitherTheOneBeforeNorTheNext() throws {
        let disk = SimulatedDisk()
        disk.overwrite(path, Array((record("lobby", 500, "boot-0") + record("tea", 900, "boot-0").dropLast(9)).utf8))
        let history = try open(disk)
        #expect(history.load()?.newest == 500)
        #expect(history.load("tea")?.newest == 0)
        let text = String(decoding: disk.contents(path) ?? [], as: UTF8.self)
        #expect(text.contains("\n" + record("lobby", 100_500, "boot-1")))
        #expect(text.contains("\n" + record("tea", 100_000, "boot-1")))
    }

    @Test func foreignLinesInTheRecordsAreNothing() throws {
        let disk = SimulatedDisk()
        let lines =
            "\n{}\n\0\0\n" + record("lobby", 70, "boot-0") + #"{"room":"lobby","seq":9999999999999999,"boot":"x"}"#
            + "\n"
            + #"{"room":"lobby","seq":80,"boot":"boot-0"} "# + "\n" + #"{"room":"lob"# + "\n"
        disk.overwrite(path, Array(lines.utf8))
        #expect(try open(disk).load()?.newest == 70)
    }

    @Test func aCleanStopForgetsTheRecordsOfTheRoomsThatWereUsed() throws {
        let disk = SimulatedDisk()
        disk.overwrite(path, Array(record("tea", 900, "boot-0").utf8))
        var history = try open(disk)
        _ = history.load()
        #expect(history.append(lines(1...3), at: 1) == .written)
        #expect(history.closeAndSync() == [])
        #expect(disk.storedContents(path) == Array(record("tea", 900, "boot-0").utf8))
        history = try open(disk)
        #expect(history.load("tea")?.newest == 900)
    }

    @Test func theRecordsDoNotGrowForEver() throws {
        let disk = SimulatedDisk()
        let history = try open(disk)
        var replacements = 0
        disk.plan = { call in
            if call.operation == .rename { replacements += 1 }
            return nil
        }
        for number in 0..<12_000 {
            _ = history.load("room-\(number)")
            history.forget(room: "room-\(number)")
        }
        #expect((disk.contents(path) ?? []).count < 300 << 10)
        #expect((1...4).contains(replacements))
    }

    @Test func manyRoomsInUseDoNotHaveTheFileWrittenAnewEachTime() throws {
        let disk = SimulatedDisk()
        let history = try open(disk)
        var replacements = 0
        disk.plan = { call in
            if call.operation == .rename { replacements += 1 }
            return nil
        }
        for number in 0..<8000 { _ = history.load("room-\(number)") }
        #expect((0...2).contains(replacements))
    }

    @Test func aSystemThatDoesNotTellItsBootIsTakenForStartedAnew() throws {
        let disk = SimulatedDisk()
        disk.tellsBoot = false
        var history = try open(disk)
        _ = history.load()
        #expect(history.append(lines(1...3), at: 1) == .written)
        disk.kill()
        history = try open(disk)
        #expect(history.load()?.newest == 100_000)
        #expect(history.closeAndSync() == [])
        history = try open(disk)
        #expect(history.load()?.newest == 100_000)
    }
}
