import Foundation
import History
import Simulation
import Testing

/// The real disk, as far as a test may go with one.
struct FileStorageTests {
    private func error(_ body: () throws -> Void) -> StorageError? {
        do {
            try body()
            return nil
        } catch {
            return error as? StorageError
        }
    }

    @Test func filesAndFoldersAreTheOwnersAlone() throws {
        let folder = try TemporaryFolder()
        let history = History(disk: FileStorage(), directory: folder.path + "/a/b/data", fsync: .everySecond)
        _ = try history.open()
        _ = history.load()
        #expect(history.append(lines(1...2), at: 1) == .written)
        #expect(history.closeAndSync() == [])
        for name in ["a", "a/b", "a/b/data", "a/b/data/rooms", "a/b/data/rooms/lobby"] {
            #expect(try folder.permissions(name) == 0o700, "\(name)")
        }
        for name in ["lock", "journal", "rooms/lobby/00000000000000000001.jsonl"] {
            #expect(try folder.permissions("a/b/data/" + name) == 0o600, "\(name)")
        }
    }

    @Test func aSecondServerIsRefused() throws {
        let folder = try TemporaryFolder()
        let first = History(disk: FileStorage(), directory: folder.path)
        _ = try first.open()
        let second = History(disk: FileStorage(), directory: folder.path)
        let refusal = try #require(error { _ = try second.open() })
        #expect(refusal.isLocked)
        #expect(refusal.description.contains("another Chatloop"))
        #expect(refusal.description.contains("--data"))
        _ = first.closeAndSync()
        #expect(error { _ = try second.open() } == nil)
    }

    @Test func aStartThatFailedCanBeTriedAgain() throws {
        let folder = try TemporaryFolder()
        try FileManager.default.createDirectory(atPath: folder.path + "/journal", withIntermediateDirectories: false)
        let history = History(disk: FileStorage(), directory: folder.path)
        let refusal = try #require(error { _ = try history.open() })
        #expect(refusal.operation == .open && refusal.code == EISDIR)
        try FileManager.default.removeItem(atPath: folder.path + "/journal")
        #expect(error { _ = try history.open() } == nil)
    }

    @Test func errorsSayWhatAndWhereAndWhy() throws {
        let folder = try TemporaryFolder()
        let disk = FileStorage()
        try folder.write([1, 2, 3], to: "file")
        let missing = try #require(error { _ = try disk.open(folder.path + "/none", .append) })
        #expect(missing.isMissing && missing.operation == .open && missing.path == folder.path + "/none")
        #expect(missing.description == "cannot open \(folder.path)/none: No such file or directory")
        #expect(error { _ = try disk.makeDirectory(folder.path + "/file") }?.code == ENOTDIR)
        #expect(error { _ = try disk.makeDirectory(folder.path + "/file/below") }?.operation == .makeDirectory)
        #expect(error { _ = try disk.makeDirectory(folder.path + "/none/below") }?.isMissing == true)
        #expect(error { _ = try disk.open(folder.path + "/file", .create) }?.code == EEXIST)
        #expect(error { try disk.remove(folder.path + "/none") }?.operation == .remove)
        #expect(error { try disk.rename(folder.path + "/none", to: folder.path + "/x") }?.operation == .rename)
        #expect(error { _ = try disk.sync(folder.path + "/none") }?.operation == .open)
        #expect(error { _ = try disk.list(folder.path + "/file") }?.operation == .list)
        #expect(try disk.list(folder.path + "/none") == nil)
        #expect(StorageError(.append, "x", code: ENOSPC).isFull)
        #expect(StorageError(.append, "x", code: ENOSPC).description.contains("free some space"))
        #expect(StorageError(.open, "x", code: EROFS).isPermission)
        let closed = OpenFile(number: 4_000)
        #expect(error { _ = try disk.size(of: closed) }?.code == EBADF)
        #expect(error { try disk.truncate(closed, to: 0) }?.code == EBADF)
    }

    @Test func linksAndPipesInTheWayAreNotFollowed() throws {
        let folder = try TemporaryFolder()
        let disk = FileStorage()
        try folder.write([1], to: "target")
        try FileManager.default.createSymbolicLink(
            atPath: folder.path + "/link", withDestinationPath: folder.path + "/target")
        #expect(error { _ = try disk.open(folder.path + "/link", .append) }?.code == ELOOP)
        #expect(error { _ = try disk.open(folder.path + "/link", .replace) }?.code == ELOOP)
        #expect(mkfifo(folder.path + "/pipe", 0o600) == 0)
        let names = try #require(try disk.list(folder.path)).map(\.name)
        #expect(names == ["target"])
    }

    /// A data folder may be a symbolic link, as systemd makes one for a service with a user of its own, or lie in one.
    @Test(arguments: ["link", "link/", "link/data", "link//a//b//"], FsyncPolicy.allCases)
    func aLinkedDataFolderIsAsGoodAsAnother(name: String, policy: FsyncPolicy) throws {
        let folder = try TemporaryFolder()
        let files = FileManager.default
        try files.createDirectory(atPath: folder.path + "/real", withIntermediateDirectories: false)
        try files.createSymbolicLink(atPath: folder.path + "/link", withDestinationPath: "real")
        for seq in UInt64(1)...2 {
            let history = History(disk: FileStorage(), directory: folder.path + "/" + name, fsync: policy)
            _ = try history.open()
            #expect(history.load()?.newest == seq - 1)
            #expect(history.append(line(seq), at: seq) == .written)
            #expect(history.commit().isGood)
            #expect(history.closeAndSync() == [])
        }
        #expect(try folder.bytes(name + "/rooms/lobby/00000000000000000001.jsonl") == lines(1...2))
    }

    @Test func syncsGoThroughLinksToFoldersAlone() throws {
        let folder = try TemporaryFolder()
        let disk = FileStorage()
        try folder.write([1], to: "target")
        let link = folder.path + "/link"
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: folder.path + "/target")
        #expect(error { _ = try disk.sync(link) }?.code == ELOOP)
        try FileManager.default.removeItem(atPath: link)
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: folder.path)
        disk.beginSync([link])
        #expect(disk.waitForSync().map(\.error) == [nil])
    }

    #if os(Linux)
        /// In /proc nothing can be synced.
        @Test func aFolderOfAFileSystemWithoutSyncsCountsAsSynced() throws {
            let disk = FileStorage()
            #expect(error { _ = try disk.sync("/proc") } == nil)
            let refusal = try #require(error { _ = try disk.sync("/proc/version") })
            #expect(refusal.operation == .sync && refusal.code == EINVAL)
        }
    #endif

    @Test func bytesGoToTheEndAndComeFromAnywhere() throws {
        let folder = try TemporaryFolder()
        let disk = FileStorage()
        let file = try disk.open(folder.path + "/file", .create)
        #expect(try disk.append(Array(0..<100).span, to: file) == 100)
        try disk.truncate(file, to: 10)
        #expect(try disk.append(([200, 201] as [UInt8]).span, to: file) == 2)
        #expect(try disk.size(of: file) == 12)
        var buffer = [UInt8](repeating: 9, count: 6)
        #expect(try disk.read(file, at: 8, into: &buffer, range: 1..<6) == 4)
        #expect(buffer == [9, 8, 9, 200, 201, 9])
        #expect(try disk.read(file, at: 12, into: &buffer, range: 0..<6) == 0)
        #expect(error { _ = try disk.read(file, at: 0, into: &buffer, range: 0..<7) }?.code == EINVAL)
        disk.close(file)
        disk.close(file)
        let empty = try disk.open(folder.path + "/file", .replace)
        #expect(try disk.size(of: empty) == 0)
        try disk.rename(folder.path + "/file", to: folder.path + "/other")
        #expect(try folder.names("") == ["other"])
    }

    @Test func aBatchIsSyncedInTheBackground() throws {
        let folder = try TemporaryFolder()
        let disk = FileStorage()
        try folder.write([1], to: "file")
        #expect(disk.finishedSync() == nil)
        #expect(disk.waitForSync().isEmpty)
        for collect in [true, false] {
            disk.beginSync([folder.path, folder.path + "/file", folder.path + "/none"])
            var results: [SyncResult]?
            if collect {
                for _ in 0..<10_000 where results == nil {
                    results = disk.finishedSync()
                    usleep(1000)
                }
            } else {
                results = disk.waitForSync()
            }
            let found = try #require(results)
            #expect(found.map(\.path) == [folder.path, folder.path + "/file", folder.path + "/none"])
            #expect(found.map { $0.error?.operation } == [nil, nil, .open])
            #expect(disk.finishedSync() == nil)
        }
    }

    @Test func theMachineTellsItsBoot() {
        let disk = FileStorage()
        #expect(disk.bootIdentifier()?.isEmpty == false)
        #expect(disk.bootIdentifier() == FileStorage().bootIdentifier())
    }

    #if os(Linux)
        /// On a small file system of its own, where the test may mount one.
        @Test(.enabled(if: geteuid() == 0, "skipped: only root may mount a small file system"))
        func aFullDiskIsSaidAndGoesAway() throws {
            let folder = try TemporaryFolder()
            guard mount("tmpfs", folder.path, "tmpfs", 0, "size=256k") == 0 else {
                return print("skipped: no small file system may be mounted here (errno \(errno))")
            }
            defer { umount(folder.path) }
            try folder.write([UInt8](repeating: 0, count: 128 << 10), to: "ballast")
            let history = History(disk: FileStorage(), directory: folder.path + "/data", fsync: .always)
            _ = try history.open()
            _ = history.load()
            var seq: UInt64 = 1
            var refusals: [StorageError] = []
            while refusals.count < 3, seq < 10_000 {
                // Several pages: the last one is written in part.
                switch history.append(lines(seq...seq + 99), at: seq) {
                case .refused(let error): refusals.append(error)
                case .written: seq += 100
                }
                #expect(history.commit().isGood)
            }
            #expect(refusals.count == 3 && refusals.allSatisfy(\.isFull))
            let file = "data/rooms/lobby/00000000000000000001.jsonl"
            #expect(try folder.bytes(file) == lines(1...seq - 1))
            // Space is freed: the chat goes on by itself, with the very seqs that were refused.
            try FileManager.default.removeItem(atPath: folder.path + "/ballast")
            #expect(history.append(lines(seq...seq + 99), at: seq) == .written)
            #expect(history.commit().isGood)
            #expect(try folder.bytes(file) == lines(1...seq + 99))
            #expect(history.closeAndSync() == [])
        }
    #endif
}
