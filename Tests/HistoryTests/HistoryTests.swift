import History
import Simulation
import Testing

struct HistoryTests {
    /// A start makes the data folder, and is refused or killed before the folder's own name is on the disk: the next one sees
    /// to that, or a power cut would take the folder with everything in it.
    @Test func theFoldersOwnNameIsSyncedByWhicheverStartComesToIt() throws {
        var random = SeededRandom(1)
        for _ in 0..<20 {
            let disk = SimulatedDisk()
            disk.plan = { $0.operation == .sync && $0.path == "/" ? .fail(5) : nil }
            #expect(throws: StorageError.self) { try History(disk: disk, directory: "/data", fsync: .always).open() }
            disk.plan = nil
            let history = History(disk: disk, directory: "/data", fsync: .always)
            _ = try history.open()
            #expect(history.load() == LoadedRoom())
            #expect(history.append(lines(1...3), at: 1) == .written)
            #expect(history.commit().isGood)
            disk.cutPower(&random)
            #expect(disk.contents("/data/rooms/lobby/00000000000000000001.jsonl") == lines(1...3))
        }
    }

    /// The same for every folder above that had to be made, however its name is written; and a start may have been killed
    /// after any of them.
    @Test(arguments: ["/data/", "/data//", "/n/data", "/n/a/data", "/n/a/b/data/"], ["", "/", "/n", "/n/a"])
    func theNamesOfTheFoldersAboveAreSyncedToo(directory: String, failing: String) throws {
        var random = SeededRandom(1)
        for _ in 0..<20 {
            let disk = SimulatedDisk()
            disk.plan = { $0.operation == .sync && $0.path == failing ? .fail(5) : nil }
            _ = try? History(disk: disk, directory: directory, fsync: .always).open()
            disk.plan = nil
            disk.kill()
            let history = History(disk: disk, directory: directory, fsync: .always)
            _ = try history.open()
            #expect(history.load() == LoadedRoom())
            #expect(history.append(lines(1...3), at: 1) == .written)
            #expect(history.commit().isGood)
            disk.cutPower(&random)
            let again = History(disk: disk, directory: directory, fsync: .always)
            _ = try again.open()
            try #require(again.load()?.newest == 3)
        }
    }

    @Test func foldersAreSyncedFromTheOutermostOn() throws {
        let disk = SimulatedDisk()
        _ = try History(disk: disk, directory: "/n/a/b/data/", fsync: .always).open()
        #expect(disk.syncedPaths.prefix(5) == ["", "/n", "/n/a", "/n/a/b", "/n/a/b/data/journal"])
    }

    /// A folder above that may not be read hinders nothing.
    @Test func whereTheFolderAboveCannotBeSyncedItIsLeftToTheSystem() throws {
        let disk = SimulatedDisk()
        disk.plan = { $0.operation == .sync && $0.path == "/" ? .fail(13) : nil }
        let history = History(disk: disk, directory: "/data", fsync: .always)
        _ = try history.open()
        #expect(history.load() == LoadedRoom())
    }

    @Test func whatWasAppendedIsReadAfterARestart() throws {
        let folder = try TemporaryFolder()
        var history = History(disk: FileStorage(), directory: folder.path + "/data", fsync: .always)
        #expect(try history.open().journal == [])
        #expect(history.load() == LoadedRoom())
        #expect(history.appendJournal("{\"session\":1}\n") == .written)
        #expect(history.append(lines(1...3), at: 1) == .written)
        #expect(history.commit().isGood)
        #expect(history.append(line(4, type: "leave"), at: 4) == .written)
        #expect(history.commit().isGood)
        #expect(history.closeAndSync() == [])

        history = History(disk: FileStorage(), directory: folder.path + "/data")
        #expect(try history.open().journal == Array("{\"session\":1}\n".utf8))
        let loaded = try #require(history.load())
        #expect(loaded.newest == 4)
        #expect(loaded.events == LineBlock(bytes: lines(1...3) + line(4, type: "leave"), count: 4))
        #expect(loaded.repair.isEmpty)
        #expect(try folder.bytes("data/rooms/lobby/00000000000000000001.jsonl") == loaded.events.bytes)
        #expect(history.event(2) == line(2))
        #expect(history.messages(before: 4, limit: 2).map { $0.seqs } == [2, 3])
        #expect(history.messages(before: 4, limit: 2).map { $0.more } == true)
        #expect(history.messages(before: 3, limit: 2).map { $0.more } == false)
        #expect(history.since(2).map { $0.seqs } == [3, 4])
    }

    @Test func manySegmentsReadLikeOne() throws {
        let folder = try TemporaryFolder()
        var history = History(disk: FileStorage(), directory: folder.path, segmentBytes: 300)
        _ = try history.open()
        _ = history.load()
        for seq in UInt64(1)...1500 {
            #expect(history.append(line(seq, type: seq % 3 == 0 ? "message" : "join"), at: seq) == .written)
        }
        #expect(history.closeAndSync() == [])
        history = History(disk: FileStorage(), directory: folder.path, segmentBytes: 300)
        _ = try history.open()
        let loaded = try #require(history.load())
        #expect(loaded.newest == 1500)
        #expect(seqs(loaded.events.bytes) == Array(501...1500))
        #expect(loaded.olderMessages.count == 0)
        for before in [UInt64(1), 2, 3, 4, 5, 300, 301, 302, 1499, 1500, 1501, 9999] {
            let page = try #require(history.messages(before: before, limit: 10))
            let all = (1..<min(before, 1501)).filter { $0 % 3 == 0 }
            #expect(page.seqs == Array(all.suffix(10)))
            #expect(page.more == (all.count > 10))
        }
        for seq in UInt64(1)...1500 where seq % 7 == 0 { #expect(seqs(history.event(seq) ?? []) == [seq]) }
    }
}
