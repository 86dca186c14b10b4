import Foundation
import Log
import Synchronization
import Testing

@testable import Chat

/// The real disk, as far as a test may go with one, and the two threads that sync and read.
struct FileStorageTests {
    private func error(_ body: () throws -> Void) -> StorageError? {
        do {
            try body()
            return nil
        } catch {
            return error as? StorageError
        }
    }

    private func rig(_ folder: TemporaryFolder, _ name: String = "data", fsync: FsyncPolicy = .everySecond) throws
        -> Rig
    {
        let storage = FileStorage()
        let started = DiskThreads(disk: storage, wake: {})
        let threads = try #require(started)
        return try Rig(storage, disk: threads, path: folder.path + "/" + name, fsync: fsync)
    }

    @Test func filesAndFolders_areTheOwnersAlone() throws {
        let folder = try TemporaryFolder()
        let rig = try rig(folder, "a/b/data")
        rig.load()
        #expect(rig.say(1...2))
        #expect(rig.stop() == [])
        for name in ["a", "a/b", "a/b/data", "a/b/data/rooms", "a/b/data/rooms/lobby"] {
            #expect(try folder.permissions(name) == 0o700, "\(name)")
        }
        for name in ["lock", "state.json", "secret", "rooms/lobby/00000000000000000002.jsonl"] {
            #expect(try folder.permissions("a/b/data/" + name) == 0o600, "\(name)")
        }
        #expect(try folder.names("a/b/data") == ["lock", "rooms", "secret", "state.json"])
    }

    @Test func secondServer_isRefused() throws {
        let folder = try TemporaryFolder()
        let first = try rig(folder)
        let refusal = try #require(error { _ = try rig(folder) })
        #expect(refusal.isLocked)
        #expect(refusal.description.contains("another Chatloop") && refusal.description.contains("--data"))
        #expect(first.stop() == [])
        #expect(error { _ = try rig(folder) } == nil)
    }

    @Test(arguments: FsyncPolicy.allCases)
    func whatWasSaid_isReadAfterARestart(policy: FsyncPolicy) throws {
        let folder = try TemporaryFolder()
        var secret: [UInt8] = []
        for round in 0..<3 {
            let rig = try rig(folder, fsync: policy)
            if round > 0 { #expect(rig.log.folder.secret == secret) }
            secret = rig.log.folder.secret
            #expect(rig.load()?.seq == UInt64(round == 0 ? 0 : round * 10 + 1))
            #expect(rig.say(round * 10 + 1...round * 10 + 10))
            if policy == .always {
                let ticket = try #require(rig.log.commit(now: rig.now))
                for _ in 0..<5000 where rig.released < ticket {
                    rig.turn()
                    usleep(1000)
                }
                #expect(rig.released >= ticket)
            }
            #expect(rig.texts() == (1...round * 10 + 10).map { "text \($0)" })
            #expect(rig.log.folder.uncleanStops == 0)
            #expect(rig.stop() == [])
        }
    }

    @Test func replacedAndDeletedFiles_areNoticed() throws {
        let folder = try TemporaryFolder()
        let rig = try rig(folder)
        rig.load()
        #expect(rig.say(1...3))
        let path = folder.path + "/data/rooms/lobby/00000000000000000002.jsonl"
        try FileManager.default.removeItem(atPath: folder.path + "/data/rooms/lobby")
        #expect(rig.say(4...4))
        for _ in 0..<500 where rig.incidents.isEmpty {
            rig.turn(by: 10_000_000)
            usleep(1000)
        }
        #expect(rig.incidents == [.replaced(path: path, isGone: true, savedLines: 4)])
        #expect(rig.say(5...5))
        #expect(rig.stop() == [])
        let again = try self.rig(folder)
        again.load()
        #expect(again.texts() == (1...5).map { "text \($0)" })
    }

    @Test func errors_sayWhatAndWhereAndWhy() throws {
        let folder = try TemporaryFolder()
        let disk = FileStorage()
        try folder.write([1, 2, 3], to: "file")
        let missing = try #require(error { _ = try disk.open(folder.path + "/none", .append) })
        #expect(missing.isMissing && missing.operation == .open && missing.path == folder.path + "/none")
        #expect(missing.description == "cannot open \(folder.path)/none: No such file or directory")
        #expect(error { _ = try disk.makeDirectory(folder.path + "/file") }?.code == ENOTDIR)
        #expect(error { _ = try disk.makeDirectory(folder.path + "/none/below") }?.isMissing == true)
        #expect(error { _ = try disk.open(folder.path + "/file", .create) }?.isPresent == true)
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
        #expect(error { _ = try disk.sync(closed) }?.operation == .sync)
        #expect(error { try disk.truncate(closed, to: 0) }?.code == EBADF)
    }

    @Test func linksAndPipesInTheWay_areNotFollowed() throws {
        let folder = try TemporaryFolder()
        let disk = FileStorage()
        try folder.write([1], to: "target")
        let link = folder.path + "/link"
        try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: folder.path + "/target")
        for mode in [OpenMode.append, .replace, .appendOrCreate, .read] {
            #expect(error { _ = try disk.open(link, mode) }?.code == ELOOP)
        }
        #expect(error { _ = try disk.sync(link) }?.code == ELOOP)
        #expect(try disk.identity(at: link) != disk.identity(at: folder.path + "/target"))
        #expect(mkfifo(folder.path + "/pipe", 0o600) == 0)
        #expect(try #require(try disk.list(folder.path)).map(\.name) == ["target"])
    }

    /// A data folder may be a symbolic link, as systemd makes one for a service with a user of its own, or lie in one.
    @Test(arguments: ["link", "link/", "link/data", "link//a//b//"])
    func linkedDataFolder_isAsGoodAsAnother(name: String) throws {
        let folder = try TemporaryFolder()
        try FileManager.default.createDirectory(atPath: folder.path + "/real", withIntermediateDirectories: false)
        try FileManager.default.createSymbolicLink(atPath: folder.path + "/link", withDestinationPath: "real")
        for round in 1...2 {
            let rig = try rig(folder, name, fsync: .always)
            rig.load()
            #expect(rig.say(round...round))
            #expect(rig.stop() == [])
        }
        let rig = try rig(folder, name)
        rig.load()
        #expect(rig.texts() == ["text 1", "text 2"])
    }

    #if os(Linux)
        /// In /proc nothing can be synced.
        @Test func folderOfAFileSystemWithoutSyncs_countsAsSynced() throws {
            let disk = FileStorage()
            #expect(error { _ = try disk.sync("/proc") } == nil)
            #expect(error { _ = try disk.sync("/proc/version") }?.operation == .sync)
        }
    #endif

    @Test func bytes_goToTheEnd_andComeFromAnywhere() throws {
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
        #expect(try disk.identity(of: file) == disk.identity(at: folder.path + "/file"))
        try disk.rename(folder.path + "/file", to: folder.path + "/other")
        #expect(try disk.identity(at: folder.path + "/file") == nil)
        #expect(try disk.identity(of: file) == disk.identity(at: folder.path + "/other"))
        disk.close(file)
        disk.close(file)
        let empty = try disk.open(folder.path + "/other", .replace)
        #expect(try disk.size(of: empty) == 0)
        let more = try disk.open(folder.path + "/more", .appendOrCreate)
        #expect(try disk.size(of: more) == 0)
        #expect(disk.freeBytes(at: folder.path) ?? 0 > 0)
        #expect(disk.freeBytes(at: folder.path + "/none") == nil)
    }

    @Test func machine_tellsItsBoot() {
        #expect(FileStorage().bootIdentifier()?.isEmpty == false)
        #expect(FileStorage().bootIdentifier() == FileStorage().bootIdentifier())
    }

    // MARK: The threads

    /// Results come without being waited for, each wakes the loop, and the end leaves nothing undone.
    @Test func threads_doWhatTheyAreHanded_andWake() throws {
        let folder = try TemporaryFolder()
        let wakes = WakeCount()
        let storage = FileStorage()
        let started = DiskThreads(disk: storage, wake: { wakes.count.withLock { $0 += 1 } })
        let threads = try #require(started)
        let rig = try Rig(storage, disk: threads, path: folder.path, fsync: .always)
        rig.load()
        #expect(wakes.count.withLock { $0 } > 0)
        #expect(rig.say(1...50))
        for round in 0..<20 {
            rig.log.request(
                ReadRequest(.messagesBefore(UInt64(round) + 2, limit: 5), room: "lobby", tag: UInt64(round)))
        }
        var tags: Set<UInt64> = []
        let ticket = try #require(rig.log.commit(now: 0))
        var isSynced = false
        for _ in 0..<5000 where tags.count < 20 || !isSynced {
            for event in rig.log.takeResults(now: 0) {
                switch event {
                case .read(let result): tags.insert(result.request.tag)
                case .synced(let number): isSynced = isSynced || number >= ticket
                case .syncFailed: Issue.record("a sync failed")
                }
            }
            usleep(1000)
        }
        #expect(tags.count == 20 && isSynced)
        #expect(wakes.count.withLock { $0 } >= 22)
        #expect(rig.say(51...60))
        rig.log.request(ReadRequest(.messagesBefore(9, limit: 5), room: "lobby", tag: 99))
        _ = rig.log.commit(now: 0)
        #expect(rig.stop() == [])
    }

    private final class WakeCount: Sendable {
        let count = Mutex(0)
    }

    #if os(Linux)
        /// On a small file system of its own, where the test may mount one.
        @Test(.enabled(if: geteuid() == 0, "skipped: only root may mount a small file system"))
        func fullDisk_isSaid_andGoesAway() throws {
            let folder = try TemporaryFolder()
            guard mount("tmpfs", folder.path, "tmpfs", 0, "size=256k") == 0 else {
                return print("skipped: no small file system may be mounted here (errno \(errno))")
            }
            defer { umount(folder.path) }
            try folder.write([UInt8](repeating: 0, count: 128 << 10), to: "ballast")
            let rig = try rig(folder)
            rig.load()
            var (number, refusals): (Int, [StorageError]) = (0, [])
            while refusals.count < 3, number < 10_000 {
                number += 1
                if case .refused(let error) = rig.say("text \(number) " + String(repeating: "x", count: 900)) {
                    refusals.append(error)
                    number -= 1
                }
            }
            #expect(refusals.count == 3 && refusals.allSatisfy(\.isFull))
            try FileManager.default.removeItem(atPath: folder.path + "/ballast")
            #expect(rig.say(number + 1...number + 1))
            #expect(rig.texts().count == number + 1)
            #expect(rig.stop() == [])
        }
    #endif
}
