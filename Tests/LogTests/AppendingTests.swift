import Log
import Simulation
import Testing

@testable import Chat

struct AppendingTests {
    private let first = segment(2)

    @Test func segment_beginsWithSnapshot_thenEventsOfTheTick() throws {
        let disk = SimulatedDisk()
        let rig = try Rig(disk)
        rig.load()
        #expect(rig.say("hello") == .written)
        // Nothing is kept before something is said: the join has no line of its own, the snapshot tells of it.
        let text = String(decoding: disk.contents(first) ?? [], as: UTF8.self).split(separator: "\n")
        #expect(text.count == 2)
        #expect(text.first?.hasPrefix(#"{"type":"snapshot","seq":2,"#) == true)
        #expect(text.last?.contains(#""text":"hello""#) == true)
        #expect(rig.say("again") == .written)
        #expect(seqs(disk.contents(first) ?? []) == [2, 2, 3])
        #expect(rig.log.metrics.appends == 2)
        #expect(rig.log.metrics.bytesWritten > 0)
    }

    @Test func room_withNothingSaid_hasNoFile() throws {
        let disk = SimulatedDisk()
        let rig = try Rig(disk)
        rig.load()
        #expect(rig.enter("Ada") != nil)
        #expect(rig.write() == .written)
        #expect(rig.stop() == [])
        #expect(!disk.folders.contains("/data/rooms/lobby"))
    }

    @Test func refusedAppend_leavesNothing_andIsWrittenLater() throws {
        for fault in [SimulatedDisk.Fault.fail(28), .short(0), .short(1), .short(60)] {
            let disk = SimulatedDisk()
            let rig = try Rig(disk)
            rig.load()
            #expect(rig.say("one") == .written)
            let before = disk.contents(first)
            var count = 0
            disk.plan = { call in
                guard call.operation == .append else { return nil }
                count += 1
                return count == 1 ? fault : .fail(28)
            }
            guard case .refused(let error) = rig.say("two") else {
                Issue.record("written")
                continue
            }
            #expect(error.operation == .append)
            #expect(disk.contents(first) == before)
            #expect(rig.log.metrics.refusedAppends == 1)
            disk.plan = nil
            #expect(rig.say("two again") == .written)
            #expect(rig.texts() == ["one", "two again"])
            #expect(seqs(disk.contents(first) ?? []) == [2, 2, 3])
        }
    }

    @Test func append_inShortWrites_writesAll() throws {
        let disk = SimulatedDisk()
        let rig = try Rig(disk)
        rig.load()
        disk.plan = { $0.operation == .append ? .short(7) : nil }
        #expect(rig.say(1...3))
        #expect(rig.texts() == ["text 1", "text 2", "text 3"])
    }

    /// What was refused and could not be cut off is cut off before anything follows it, though nothing more is said.
    @Test func refusedLines_thatCannotBeCutOff_areCutOffLater() throws {
        let disk = SimulatedDisk()
        let rig = try Rig(disk)
        rig.load()
        #expect(rig.say("one") == .written)
        let before = disk.contents(first)
        var count = 0
        disk.plan = { call in
            if call.operation == .truncate { return .fail(5) }
            guard call.operation == .append else { return nil }
            count += 1
            return count == 1 ? .short(60) : .fail(28)
        }
        #expect(rig.say("two") != .written)
        #expect(disk.contents(first) != before)
        #expect(rig.say("three") != .written, "nothing is written behind it")
        disk.plan = nil
        rig.run(seconds: 2)
        #expect(disk.contents(first) == before)
        #expect(rig.say("four") == .written)
        #expect(rig.texts() == ["one", "four"])
    }

    /// A room is forgotten and loaded again, while its file has refused lines in it.
    @Test func refusedLines_areNotLoaded_afterForgetting() throws {
        let disk = SimulatedDisk()
        let rig = try Rig(disk)
        rig.load()
        #expect(rig.say("one") == .written)
        var count = 0
        disk.plan = { call in
            if call.operation == .truncate { return .fail(5) }
            guard call.operation == .append else { return nil }
            count += 1
            return count == 1 ? .short(95) : .fail(28)
        }
        guard let ada = rig.rooms["lobby"]?.present.first else { return }
        rig.post("two", by: ada)
        rig.post("three", by: ada)
        #expect(rig.write() != .written)
        rig.run(seconds: 1.5)
        rig.forget("lobby")
        let room = try #require(rig.load())
        #expect(room.seq == 2)
        disk.plan = nil
        #expect(rig.say("four") == .written)
        #expect(rig.texts() == ["one", "four"])
    }

    /// The kernel may have brought to the medium what was refused and cut off again: the cut has to get there as well.
    @Test(arguments: [FsyncPolicy.always, .everySecond])
    func refusedLines_doNotComeBackByPowerCut(policy: FsyncPolicy) throws {
        for seed in UInt64(1)...20 {
            let disk = SimulatedDisk()
            disk.writesBack = { true }
            var rig = try Rig(disk, fsync: policy)
            rig.load()
            #expect(rig.say("one") == .written)
            guard let ada = rig.rooms["lobby"]?.present.first else { return }
            var calls = 0
            disk.plan = { call in
                guard call.operation == .append else { return nil }
                calls += 1
                return calls == 1 ? .short(140) : .fail(28)
            }
            rig.post("two", by: ada)
            rig.post("three", by: ada)
            #expect(rig.write() != .written)
            disk.plan = nil
            rig.run(seconds: 3)
            var random = SeededRandom(seed)
            disk.cutPower(&random)
            rig = try Rig(disk, fsync: policy)
            rig.load()
            #expect(rig.texts() == ["one"])
        }
    }

    @Test func segments_followOneAnother_eachWithSnapshot() throws {
        let disk = SimulatedDisk()
        var sizes = LogSizes()
        sizes.segment = 700
        let rig = try Rig(disk, sizes: sizes)
        rig.load()
        #expect(rig.say(1...40))
        let files = segments(disk)
        #expect(files.count > 3)
        for (path, text) in files {
            let lines = text.split(separator: "\n")
            #expect(lines.first?.contains("\"type\":\"snapshot\"") == true, "\(path)")
            #expect(path == segment(seqs(Array(text.utf8))[1]))
        }
        #expect(rig.texts() == (1...40).map { "text \($0)" })
        #expect(rig.load()?.seq == 41)
    }

    /// A segment that is full is synced with its successor, though its file is closed to appends.
    @Test func fullSegment_isSynced_whileASyncIsAtWork() throws {
        let disk = SimulatedDisk()
        var sizes = LogSizes()
        sizes.segment = 400
        let work = SimulatedDiskWork(disk: disk)
        let rig = try Rig(disk, disk: work, fsync: .always, sizes: sizes)
        rig.load()
        work.syncPace = { 0 }
        #expect(rig.say(1...2))
        rig.turn()
        // The sync has the first file in its hands; the next lines begin other files.
        #expect(rig.say(3...50))
        #expect(segments(disk).count > 2)
        rig.turn()
        work.syncPace = nil
        for _ in 0..<5 { rig.turn() }
        #expect(rig.failure == nil)
        for (path, text) in segments(disk) { #expect(disk.storedContents(path) == Array(text.utf8), "\(path)") }
        #expect(rig.stop() == [])
        #expect(disk.openFiles == 0)
    }

    @Test func openFiles_areBounded() throws {
        let disk = SimulatedDisk()
        var sizes = LogSizes()
        sizes.openFiles = 4
        let rig = try Rig(disk, sizes: sizes)
        let names = (0..<40).map { "room-\($0)" }
        for round in 0..<3 {
            for name in names {
                if round == 0 { rig.load(name) }
                #expect(rig.say("round \(round)", name) == .written)
                rig.turn(by: 1_000_000)
                rig.turn()
                #expect(disk.openFiles <= 6)
            }
        }
        for name in names { #expect(rig.texts(name) == ["round 0", "round 1", "round 2"]) }
        #expect(rig.stop() == [])
        #expect(disk.openFiles == 0)
    }

    @Test(arguments: ["", "..", "a/b", "Lobby", "lobby ", "a\0b", String(repeating: "a", count: 33), "é"])
    func nameOfNoRoom_isNoFolder(name: String) throws {
        let disk = SimulatedDisk()
        let rig = try Rig(disk)
        guard case .failed(let error) = rig.read(.load, name) else {
            Issue.record("loaded")
            return
        }
        #expect(error.code == 22)
        rig.rooms[name] = Room(name: name, rules: RoomRules(isDurable: true), isLoaded: true)
        #expect(rig.say("hello", name) != .written)
        #expect(disk.folders == ["/data", "/data/rooms"])
    }

    @Test func append_toARoomThatWasNotLoaded_isRefused() throws {
        let rig = try Rig(SimulatedDisk())
        rig.rooms["lobby"] = Room(name: "lobby", rules: RoomRules(isDurable: true), isLoaded: true)
        #expect(rig.say("hello") != .written)
    }

    @Test func forgottenRoom_isLoadedAgain_asItWas() throws {
        let disk = SimulatedDisk()
        let rig = try Rig(disk)
        rig.load()
        #expect(rig.say(1...20))
        rig.forget("lobby")
        #expect(rig.load()?.seq == 21)
        #expect(rig.rooms["lobby"]?.usernames == ["Ada"])
        rig.run(seconds: 2)
        rig.forget("lobby")
        #expect(rig.log.bytesOnDisk == 0)
        #expect(rig.load()?.seq == 21)
        #expect(rig.texts() == (1...20).map { "text \($0)" })
    }
}
