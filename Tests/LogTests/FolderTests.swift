import Bytes
import Log
import Simulation
import Testing

@testable import Chat

/// The data folder as a whole: how the last run ended, its secret, its names.
struct FolderTests {
    private let state = "/data/state.json"

    private func text(_ disk: SimulatedDisk, _ path: String) -> String {
        String(decoding: disk.contents(path) ?? [], as: UTF8.self)
    }

    private func stops(_ rig: Rig) -> UInt64 { rig.log.folder.uncleanStops }

    @Test func uncleanStops_countPowerCuts_notKillsNorCleanStops() throws {
        let disk = SimulatedDisk()
        var random = SeededRandom(3)
        var rig = try Rig(disk)
        #expect(stops(rig) == 0)
        #expect(text(disk, state).contains(#""clean":false"#))
        disk.kill()
        rig = try Rig(disk)
        #expect(stops(rig) == 0, "all that a killed process has written is there")
        #expect(rig.stop() == [])
        #expect(text(disk, state).contains(#""clean":true"#))
        disk.cutPower(&random)
        rig = try Rig(disk)
        #expect(stops(rig) == 0, "it had stopped cleanly")
        disk.cutPower(&random)
        rig = try Rig(disk)
        #expect(stops(rig) == 1)
        disk.cutPower(&random)
        rig = try Rig(disk)
        #expect(stops(rig) == 2)
        disk.kill()
        rig = try Rig(disk)
        #expect(stops(rig) == 2)
    }

    @Test func uncleanStops_countKills_whereTheMachineDoesNotTellItsBoot() throws {
        let disk = SimulatedDisk()
        disk.tellsBoot = false
        _ = try Rig(disk)
        disk.kill()
        #expect(stops(try Rig(disk)) == 1)
    }

    @Test func seqs_goOnFromAnotherPower_afterAPowerCut() throws {
        let disk = SimulatedDisk()
        var random = SeededRandom(1)
        var rig = try Rig(disk)
        rig.load()
        #expect(rig.say(1...10))
        rig.run(seconds: 2)
        #expect(rig.say(11...20))
        disk.cutPower(&random)
        rig = try Rig(disk)
        let room = try #require(rig.load())
        #expect(room.seq == 1 << 32)
        #expect(room.jumps.map(\.to) == [1 << 32])
        #expect((11...21).contains(room.jumps[0].from))
        #expect(rig.say("on") == .written)
        #expect(rig.rooms["lobby"]?.seq == 1 << 32 + 1)
        rig.forget("lobby")
        rig.run(seconds: 2)
        #expect(rig.load()?.jumps.map(\.to) == [1 << 32], "the jump is told by the lines, too")
    }

    /// Nothing may be lost where all has been synced, and no seq left out.
    @Test(arguments: FsyncPolicy.allCases)
    func powerCut_afterACleanStop_takesNothing(policy: FsyncPolicy) throws {
        for seed in UInt64(1)...20 {
            let disk = SimulatedDisk()
            var sizes = LogSizes()
            sizes.segment = 600
            var rig = try Rig(disk, fsync: policy, sizes: sizes, seed: seed)
            for room in ["lobby", "tea"] {
                rig.load(room)
                #expect(rig.say(1...20, room))
                rig.run(seconds: 0.3)
            }
            rig.forget("tea")
            #expect(rig.stop() == [])
            #expect(disk.openFiles == 0)
            var random = SeededRandom(seed)
            disk.cutPower(&random)
            rig = try Rig(disk, fsync: policy, sizes: sizes)
            for room in ["lobby", "tea"] {
                #expect(rig.load(room)?.seq == 21)
                #expect(rig.texts(room) == (1...20).map { "text \($0)" })
            }
        }
    }

    /// The word that a stop was clean is the last to be written, and only where it is true.
    @Test func stop_whoseSyncFails_isNotClean() throws {
        for (operation, path) in [
            (StorageError.Operation.sync, "/data/rooms/lobby/"), (.sync, "/data/rooms"), (.open, "/data/rooms"),
        ] {
            let disk = SimulatedDisk()
            let rig = try Rig(disk)
            rig.load()
            #expect(rig.say(1...2))
            disk.plan = { $0.operation == operation && $0.path.hasPrefix(path) ? .fail(5) : nil }
            #expect(rig.stop() != [])
            #expect(text(disk, state).contains(#""clean":false"#))
            #expect(disk.openFiles == 0)
            disk.plan = nil
            #expect(try Rig(disk).stop() == [], "the folder is free again")
        }
    }

    @Test(arguments: ["", "{", "{}\n", "[1]", "\0\0\0\0", #"{"uncleanStops":-1}"#])
    func stateThatMakesNoSense_isSetAside_andSeqsGoOn(damaged: String) throws {
        let disk = SimulatedDisk()
        var random = SeededRandom(5)
        var rig = try Rig(disk)
        for _ in 0..<2 {
            rig.load()
            #expect(rig.say(1...3))
            rig.run(seconds: 2)
            disk.cutPower(&random)
            rig = try Rig(disk)
        }
        rig.load()
        #expect(rig.say("newest") == .written)
        let newest = try #require(rig.rooms["lobby"]?.seq)
        #expect(newest == 2 << 32 + 1)
        rig.run(seconds: 2)
        disk.kill()
        disk.overwrite(state, Array(damaged.utf8))
        rig = try Rig(disk)
        #expect(stops(rig) == 3)
        #expect(rig.incidents == [.unreadableFile(path: state, movedTo: state + ".unreadable")])
        #expect(text(disk, state + ".unreadable") == damaged)
        #expect(try #require(rig.load()).seq == 3 << 32)
        rig = try {
            disk.kill(); return try Rig(disk)
        }()
        #expect(stops(rig) == 3)
        disk.kill()
        disk.delete(state)
        #expect(stops(try Rig(disk)) == 3 || stops(rig) == 4, "as the rooms' seqs tell")
    }

    @Test func secret_staysTheSame_andADamagedOneIsKept() throws {
        let disk = SimulatedDisk()
        let secret = try Rig(disk).log.folder.secret
        #expect(secret == [UInt8](1...32))
        disk.kill()
        let again = try DataFolder.open("/data", disk, random: [UInt8](repeating: 9, count: 32))
        #expect(again.secret == secret)
        disk.kill()
        disk.overwrite("/data/secret", Array("what is this\n".utf8))
        let new = try DataFolder.open("/data/", disk, random: [UInt8](repeating: 9, count: 32))
        #expect(new.secret == [UInt8](repeating: 9, count: 32))
        #expect(new.incidents == [.unreadableFile(path: "/data/secret", movedTo: "/data/secret.unreadable")])
        #expect(text(disk, "/data/secret.unreadable") == "what is this\n")
    }

    /// A folder that nobody has used is used, whatever power cuts do to its names, and what was synced in it is there.
    @Test(arguments: ["/data", "/n/a/b/data/"])
    func foldersNames_areOnTheDisk_beforeAnythingIsShown(path: String) throws {
        for seed in UInt64(1)...20 {
            let disk = SimulatedDisk()
            var rig = try Rig(disk, disk: SimulatedDiskWork(disk: disk, seed: seed), path: path, fsync: .always)
            rig.load()
            #expect(rig.say(1...3))
            let ticket = rig.log.commit(now: rig.now) ?? 0
            rig.run(seconds: 1)
            #expect(rig.released >= ticket)
            var random = SeededRandom(seed)
            disk.cutPower(&random)
            rig = try Rig(disk, disk: SimulatedDiskWork(disk: disk), path: path, fsync: .always)
            rig.load()
            #expect(rig.texts() == ["text 1", "text 2", "text 3"])
        }
    }

    /// A folder above that may not be read hinders nothing.
    @Test func folderAboveThatCannotBeSynced_isTheSystemsBusiness() throws {
        let disk = SimulatedDisk()
        disk.plan = { $0.operation == .sync && $0.path == "/" ? .fail(13) : nil }
        #expect(try Rig(disk).load() != nil)
    }

    @Test func start_thatFails_canBeTriedAgain() throws {
        for operation in [StorageError.Operation.makeDirectory, .lock, .open, .append, .sync, .rename] {
            let disk = SimulatedDisk()
            disk.plan = { $0.operation == operation ? .fail(5) : nil }
            #expect(throws: StorageError.self) { try Rig(disk) }
            disk.plan = nil
            #expect(try Rig(disk).load() != nil)
        }
    }

    @Test func filesOfAPerson_areNotRemovedByACleanStop() throws {
        let disk = SimulatedDisk()
        let rig = try Rig(disk)
        disk.overwrite("/data/notes.old", [1])
        disk.overwrite("/data/journal.old", [1])
        #expect(rig.stop() == [])
        #expect(disk.contents("/data/notes.old") == [1])
        #expect(disk.contents("/data/journal.old") == nil)
    }
}
