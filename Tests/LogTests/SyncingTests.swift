import Log
import Simulation
import Testing

@testable import Chat

/// When what was said is on the disk itself.
struct SyncingTests {
    private let first = segment(2)

    private func rig(_ policy: FsyncPolicy, _ disk: SimulatedDisk) throws -> (Rig, SimulatedDiskWork) {
        let work = SimulatedDiskWork(disk: disk)
        let rig = try Rig(disk, disk: work, fsync: policy)
        rig.load()
        return (rig, work)
    }

    // MARK: Always

    @Test func always_releasesNothing_beforeTheSyncThatCoversIt() throws {
        let disk = SimulatedDisk()
        let (rig, work) = try rig(.always, disk)
        work.syncPace = { 0 }
        #expect(rig.say("one") == .written)
        let one = try #require(rig.log.commit(now: rig.now))
        // At work, but not done; what is said meanwhile waits for the next one.
        #expect(rig.say("two") == .written)
        let two = try #require(rig.log.commit(now: rig.now))
        #expect(two > one)
        for _ in 0..<3 { rig.turn(by: 1_000_000) }
        #expect(rig.released == 0)
        #expect(disk.storedContents(first) == nil)
        var turns = 0
        while rig.released < two {
            work.syncPace = { 1 }
            rig.turn()
            turns += 1
            if rig.released >= one { #expect(disk.storedContents(first) != nil) }
            try #require(turns < 50)
        }
        #expect(textsOf(disk.storedContents(first) ?? []) == ["one", "two"])
    }

    /// Power cuts at any pace of the disk: whatever was released is there.
    @Test func always_whatWasReleased_survivesPowerCuts() throws {
        for seed in UInt64(1)...60 {
            let disk = SimulatedDisk()
            var sizes = LogSizes()
            sizes.segment = 500
            var random = SeededRandom(seed)
            var rig = try Rig(disk, fsync: .always, sizes: sizes, seed: seed)
            rig.load()
            var tickets: [(ticket: UInt64, text: String)] = []
            for number in 0..<(10 + random.number(0...20)) {
                #expect(rig.say("text \(number)") == .written)
                if let ticket = rig.log.commit(now: rig.now) { tickets.append((ticket, "text \(number)")) }
                for _ in 0..<random.number(0...2) { rig.turn(by: 1_000_000) }
            }
            let shown = tickets.filter { $0.ticket <= rig.released }.map(\.text)
            disk.cutPower(&random)
            rig = try Rig(disk, fsync: .always, sizes: sizes)
            rig.load()
            #expect(rig.texts().starts(with: shown), "seed \(seed)")
        }
    }

    @Test(arguments: [FsyncPolicy.always, .everySecond], [segment(2), "/data/rooms/lobby", "/data/rooms"])
    func failedSync_isSaid(policy: FsyncPolicy, path: String) throws {
        let disk = SimulatedDisk()
        let (rig, _) = try rig(policy, disk)
        #expect(rig.say("one") == .written)
        disk.plan = { $0.operation == .sync && $0.path == path ? .fail(5) : nil }
        rig.run(seconds: 2)
        #expect(rig.failure?.operation == .sync)
        #expect(rig.failure?.path == path)
        #expect(rig.released == 0)
    }

    /// A look that fails says nothing about the sync, and must not replace it.
    @Test func lookThatFails_doesNotKeepAFileFromBeingSynced() throws {
        let disk = SimulatedDisk()
        let (rig, _) = try rig(.always, disk)
        #expect(rig.say("one") == .written)
        let path = first
        disk.plan = { $0.operation == .size && $0.path == path ? .fail(13) : nil }
        let ticket = try #require(rig.log.commit(now: rig.now))
        rig.run(seconds: 0.1)
        #expect(rig.released >= ticket)
        #expect(textsOf(disk.storedContents(first) ?? []) == ["one"])
    }

    /// Too many open files: the name cannot be brought to the disk, and so nobody may see what is in the file.
    @Test func folderThatCannotBeOpened_holdsBackWhatIsInIt() throws {
        let disk = SimulatedDisk()
        let (rig, _) = try rig(.always, disk)
        #expect(rig.say("one") == .written)
        disk.plan = { $0.operation == .open && $0.path == "/data/rooms/lobby" ? .fail(24) : nil }
        let ticket = try #require(rig.log.commit(now: rig.now))
        rig.run(seconds: 1)
        #expect(rig.released < ticket)
        #expect(rig.failure == nil)
        #expect(rig.log.nextDeadline ?? 0 > rig.now, "it is tried again, and not without a pause")
        disk.plan = nil
        rig.run(seconds: 1)
        #expect(rig.released >= ticket)
        #expect(textsOf(disk.storedContents(first) ?? []) == ["one"])
    }

    /// What a killed process has written is there, but not on the disk itself: nobody is told before it is.
    @Test func always_afterAKill_roomIsSyncedBeforeItIsTold() throws {
        let disk = SimulatedDisk()
        var (rig, work) = try rig(.always, disk)
        work.syncPace = { 0 }
        #expect(rig.say("one") == .written)
        rig.turn()
        disk.kill()
        rig = try Rig(disk, fsync: .always)
        #expect(rig.load()?.seq == 2)
        #expect(textsOf(disk.storedContents(first) ?? []) == ["one"])
        disk.kill()
        disk.plan = { $0.operation == .sync && $0.path.hasSuffix(".jsonl") ? .fail(5) : nil }
        rig = try Rig(disk, fsync: .always)
        rig.log.request(ReadRequest(.load, room: "lobby", tag: 1))
        rig.run(seconds: 0.1)
        #expect(rig.failure?.operation == .sync)
    }

    // MARK: Every second

    @Test func everySecond_syncsWithinASecond() throws {
        let disk = SimulatedDisk()
        let (rig, _) = try rig(.everySecond, disk)
        #expect(rig.log.nextDeadline == nil, "nothing to do, nothing to wake up for")
        #expect(rig.say("one") == .written)
        #expect(rig.log.commit(now: rig.now) == nil, "nobody waits for it")
        let deadline = try #require(rig.log.nextDeadline)
        #expect(deadline > rig.now && deadline < rig.now + 1_000_000_000)
        rig.turn(by: deadline - rig.now - 1)
        #expect(disk.storedContents(first) == nil)
        rig.turn(by: 1)
        #expect(textsOf(disk.storedContents(first) ?? []) == ["one"])
        rig.turn()
        #expect(rig.log.nextDeadline == nil)
    }

    @Test func everySecond_aSteadyStream_isSyncedAboutOnceASecond() throws {
        let disk = SimulatedDisk()
        let (rig, _) = try rig(.everySecond, disk)
        for number in 0..<500 {
            #expect(rig.say("\(number)") == .written)
            rig.turn(by: 20_000_000)
        }
        let count = disk.syncedPaths.count { $0 == first }
        #expect((9...12).contains(count))
    }

    @Test func everySecond_aSlowSync_holdsNothingUp() throws {
        let disk = SimulatedDisk()
        let (rig, work) = try rig(.everySecond, disk)
        work.syncPace = { 0 }
        #expect(rig.say("one") == .written)
        rig.run(seconds: 3)
        #expect(rig.say("two") == .written)
        rig.run(seconds: 3)
        #expect(rig.log.nextDeadline == nil, "no deadline lies in the past, or the loop would spin")
        #expect(rig.texts() == ["one", "two"])
        #expect(rig.stop() == [])
        #expect(textsOf(disk.storedContents(first) ?? []) == ["one", "two"])
    }

    @Test func everySecond_afterAKill_loadedRoomIsSyncedWithinASecond() throws {
        let disk = SimulatedDisk()
        var (rig, _) = try rig(.everySecond, disk)
        #expect(rig.say("one") == .written)
        rig.turn()
        disk.kill()
        rig = try Rig(disk)
        rig.load()
        #expect(disk.storedContents(first) == nil)
        rig.run(seconds: 1)
        #expect(textsOf(disk.storedContents(first) ?? []) == ["one"])
    }

    // MARK: Never, and the end

    @Test func never_leavesItToTheSystem_untilTheEnd() throws {
        let disk = SimulatedDisk()
        var sizes = LogSizes()
        sizes.segment = 500
        let rig = try Rig(disk, fsync: .never, sizes: sizes)
        rig.load()
        let before = disk.syncedPaths
        #expect(rig.say(1...30))
        rig.run(seconds: 20)
        #expect(disk.syncedPaths == before)
        #expect(rig.log.nextDeadline == nil)
        rig.forget("lobby")
        #expect(rig.stop() == [])
        for (path, text) in segments(disk) { #expect(disk.storedContents(path) == Array(text.utf8), "\(path)") }
    }

    @Test func manyOpenFiles_areSyncedAtOnce() throws {
        let disk = SimulatedDisk()
        var sizes = LogSizes()
        sizes.openFiles = 5
        let rig = try Rig(disk, sizes: sizes)
        for number in 0..<20 { rig.load("room-\(number)") }
        for number in 0..<20 { #expect(rig.say("hello", "room-\(number)") == .written) }
        rig.turn()
        rig.turn()
        for number in 0..<20 { #expect(disk.storedContents(segment(2, "room-\(number)")) != nil) }
        #expect(rig.say("again", "room-1") == .written)
        #expect(disk.openFiles <= 6)
    }

    /// A sync that hangs keeps what it has open; everything else takes turns within what is left.
    @Test(arguments: FsyncPolicy.allCases, [2, 3, 8])
    func openFiles_areBounded_whileASyncHangs(policy: FsyncPolicy, openFiles: Int) throws {
        let disk = SimulatedDisk()
        var sizes = LogSizes()
        (sizes.openFiles, sizes.segment) = (openFiles, 700)
        let work = SimulatedDiskWork(disk: disk)
        let rig = try Rig(disk, disk: work, fsync: policy, sizes: sizes)
        let names = (0..<20).map { "room-\($0)" }
        for name in names { rig.load(name) }
        work.syncPace = { 0 }
        for round in 0..<12 {
            for name in names {
                #expect(rig.say("round \(round)", name) == .written)
                #expect(disk.openFiles <= openFiles)
                rig.turn(by: 100_000_000)
            }
        }
        work.syncPace = nil
        rig.run(seconds: 3)
        #expect(rig.failure == nil)
        if policy != .never {
            for name in names {
                for (path, text) in segments(disk, name) { #expect(disk.storedContents(path) == Array(text.utf8)) }
            }
        }
        for name in names { #expect(rig.texts(name) == (0..<12).map { "round \($0)" }) }
        #expect(rig.stop() == [])
        #expect(rig.incidents == [])
        #expect(disk.openFiles == 0)
    }

    /// It was closed before it was looked after, as too many were open: that it has gone is said, and the room goes on.
    @Test(arguments: [true, false])
    func closedFile_thatHasGone_isSaid(isReplaced: Bool) throws {
        let disk = SimulatedDisk()
        var sizes = LogSizes()
        sizes.openFiles = 2
        let work = SimulatedDiskWork(disk: disk)
        let rig = try Rig(disk, disk: work, sizes: sizes)
        for number in 0..<4 {
            rig.load("room-\(number)")
            #expect(rig.say("one", "room-\(number)") == .written)
        }
        work.syncPace = { 0 }
        rig.turn()
        let path = segment(2, "room-3")
        if isReplaced { disk.replace(path, Array("a note\n".utf8)) } else { disk.delete(path) }
        work.syncPace = nil
        rig.run(seconds: 2)
        #expect(rig.failure == nil)
        #expect(rig.incidents == [.replaced(path: path, isGone: !isReplaced, savedLines: 0)])
        for number in 0..<4 { #expect(rig.say("two", "room-\(number)") == .written) }
        rig.run(seconds: 2)
        #expect(rig.incidents.count == 1)
        for number in 0..<3 { #expect(rig.texts("room-\(number)") == ["one", "two"]) }
        #expect(rig.texts("room-3") == ["two"])
        #expect(rig.stop() == [])
    }

    /// A closed file that cannot be opened for its sync, as descriptors have run out, is synced later.
    @Test func closedFile_thatCannotBeOpened_isSyncedLater() throws {
        let disk = SimulatedDisk()
        var sizes = LogSizes()
        sizes.openFiles = 2
        let rig = try Rig(disk, fsync: .always, sizes: sizes)
        for number in 0..<4 { rig.load("room-\(number)") }
        for number in 0..<4 { #expect(rig.say("one", "room-\(number)") == .written) }
        let path = segment(2, "room-3")
        disk.plan = { $0.operation == .open && $0.path == path ? .fail(24) : nil }
        let ticket = try #require(rig.log.commit(now: rig.now))
        rig.run(seconds: 1)
        #expect(rig.released < ticket)
        disk.plan = nil
        rig.run(seconds: 1)
        #expect(rig.failure == nil)
        #expect(rig.released >= ticket)
        #expect(textsOf(disk.storedContents(path) ?? []) == ["one"])
    }
}
