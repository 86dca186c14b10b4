import Log
import Simulation
import Testing

@testable import Chat

/// What somebody does to the files while the server runs: it is noticed, said, and nothing is lost.
struct ChangedFilesTests {
    private let first = segment(2)

    private func rig(
        _ disk: SimulatedDisk, _ policy: FsyncPolicy = .everySecond, segment: Int64 = 4 << 20, seed: UInt64? = nil
    ) throws -> Rig {
        var sizes = LogSizes()
        sizes.segment = segment
        let rig = try Rig(disk, fsync: policy, sizes: sizes, seed: seed)
        rig.load()
        #expect(rig.say(1...10))
        rig.run(seconds: 2)
        return rig
    }

    private func restart(_ disk: SimulatedDisk, _ rig: Rig) throws -> [String] {
        #expect(rig.stop() == [])
        let again = try Rig(disk)
        #expect(again.load() != nil)
        #expect(again.incidents == [])
        return again.texts()
    }

    @Test(arguments: FsyncPolicy.allCases, [true, false])
    func deletedFile_isNoticed_andNothingIsLost(policy: FsyncPolicy, wholeFolder: Bool) throws {
        let disk = SimulatedDisk()
        let rig = try rig(disk, policy)
        if wholeFolder { disk.deleteFolder("/data/rooms/lobby") } else { disk.delete(first) }
        #expect(rig.say(11...12))
        let ticket = rig.log.commit(now: rig.now)
        rig.run(seconds: 1)
        #expect(rig.incidents == [.replaced(path: first, isGone: true, savedLines: 12)])
        rig.run(seconds: 1)
        if let ticket { #expect(rig.released >= ticket) }
        #expect(rig.say(13...14))
        rig.run(seconds: 2)
        #expect(rig.incidents.count == 1)
        #expect(rig.texts() == (1...14).map { "text \($0)" })
        #expect(try restart(disk, rig) == (1...14).map { "text \($0)" })
    }

    /// As `sed -i` does it: the lines of before are what the new file says, what came since is kept.
    @Test func replacedFile_isNoticed_andWhatItLacksIsKept() throws {
        let disk = SimulatedDisk()
        let rig = try rig(disk)
        let edited = String(decoding: disk.contents(first) ?? [], as: UTF8.self).replacing("text 3", with: "TEXT 3")
        #expect(rig.say(11...11))
        disk.replace(first, Array(edited.utf8))
        #expect(rig.say(12...12))
        rig.run(seconds: 1)
        #expect(rig.incidents == [.replaced(path: first, isGone: false, savedLines: 2)])
        #expect(disk.contents(first) == Array(edited.utf8))
        #expect(rig.say(13...13))
        let expected = (1...13).map { $0 == 3 ? "TEXT 3" : "text \($0)" }
        #expect(rig.texts() == expected)
        #expect(try restart(disk, rig) == expected)
    }

    /// Changed in place, as by an editor: what is said next goes to a new file, and the edited one stays as it is.
    @Test(arguments: [true, false])
    func fileEditedInPlace_staysAsItIs(isOpen: Bool) throws {
        let disk = SimulatedDisk()
        let rig = try rig(disk)
        if !isOpen {
            rig.forget("lobby")
            rig.load()
        }
        let edited = (disk.contents(first) ?? []) + Array("a note of mine\n".utf8)
        disk.overwrite(first, edited)
        #expect(rig.say(11...12))
        #expect(disk.contents(first) == edited)
        rig.turn()
        if isOpen { #expect(rig.incidents == [.replaced(path: first, isGone: false, savedLines: 0)]) }
        #expect(rig.texts() == (1...12).map { "text \($0)" })
    }

    @Test func garbageInThePlaceOfAFile_staysThere() throws {
        let disk = SimulatedDisk()
        let rig = try rig(disk, .always)
        disk.replace(first, Array("nothing of yours\n".utf8))
        #expect(rig.say(11...12))
        rig.run(seconds: 2)
        #expect(rig.incidents.count == 1)
        #expect(rig.say(13...13))
        #expect(disk.contents(first) == Array("nothing of yours\n".utf8))
        #expect(rig.texts() == (1...13).map { "text \($0)" })
        #expect(rig.lines(.messagesBefore(8, limit: 3))?.seqs == [5, 6, 7])
    }

    /// The room is not in memory any more when it is noticed: its people, names and ids are kept, too.
    @Test(arguments: [true, false])
    func deletedFile_ofAForgottenRoom_losesNothing(wholeFolder: Bool) throws {
        let disk = SimulatedDisk()
        let rig = try rig(disk)
        #expect(rig.say("with an id", messageID: "m-1") == .written)
        if wholeFolder { disk.deleteFolder("/data/rooms/lobby") } else { disk.delete(first) }
        rig.forget("lobby")
        rig.run(seconds: 2)
        #expect(rig.incidents == [.replaced(path: first, isGone: true, savedLines: 11)])
        #expect(rig.log.bytesOnDisk == 0, "then it is let go")
        let room = try #require(rig.load())
        #expect(room.usernames == ["Ada"])
        #expect(rig.texts() == (1...10).map { "text \($0)" } + ["with an id"])
        guard let ada = rig.enter("Ada") else { return }
        let seq = rig.rooms["lobby"]?.seq
        rig.post("with an id", by: ada, messageID: "m-1")
        #expect(rig.rooms["lobby"]?.seq == seq, "its ids are known")
        #expect(rig.write() == .written)
        #expect(rig.say("on") == .written)
        #expect(try restart(disk, rig).last == "on")
    }

    /// The disk is full when the lines are to be written again: it is tried until there is room, and nobody is told before.
    @Test func savedLines_areWritten_onceThereIsRoom() throws {
        let disk = SimulatedDisk()
        let rig = try rig(disk, .always)
        disk.delete(first)
        #expect(rig.say("eleven") == .written)
        disk.plan = { $0.operation == .append ? .fail(28) : nil }
        let ticket = rig.log.commit(now: rig.now) ?? .max
        rig.run(seconds: 3)
        #expect(rig.released < ticket)
        #expect(rig.log.unsavedRooms == ["lobby"])
        disk.plan = nil
        rig.run(seconds: 1)
        #expect(rig.log.unsavedRooms == [])
        #expect(rig.released >= ticket)
        #expect(try restart(disk, rig).count == 11)
    }

    /// In the last second before a stop.
    @Test(arguments: FsyncPolicy.allCases)
    func deletedFile_justBeforeTheStop_isWrittenAgain(policy: FsyncPolicy) throws {
        let disk = SimulatedDisk()
        let rig = try rig(disk, policy)
        #expect(rig.say("last words") == .written)
        disk.deleteFolder("/data/rooms/lobby")
        #expect(try restart(disk, rig).last == "last words")
        var random = SeededRandom(1)
        disk.cutPower(&random)
        let again = try Rig(disk)
        again.load()
        #expect(again.texts().count == 11)
    }

    /// A full segment that has not been synced yet goes, while its successor is written to.
    @Test(arguments: [true, false])
    func fullSegment_deletedBeforeItWasLookedAfter_isPutBack(isReplaced: Bool) throws {
        let disk = SimulatedDisk()
        let rig = try rig(disk, .everySecond, segment: 2500)
        let before = segments(disk).count
        var number = 11
        while segments(disk).count == before {
            #expect(rig.say(number...number))
            number += 1
        }
        let full = segments(disk)[before - 1]
        if isReplaced {
            disk.replace(full.path, Array(full.text.split(separator: "\n").prefix(4).joined(separator: "\n").utf8))
        } else {
            disk.delete(full.path)
        }
        rig.run(seconds: 2)
        #expect(rig.incidents.count == 1)
        #expect(rig.texts() == (1..<number).map { "text \($0)" })
        #expect(try restart(disk, rig) == (1..<number).map { "text \($0)" })
    }

    @Test func pages_passOverASegmentThatHasGone() throws {
        let disk = SimulatedDisk()
        let rig = try rig(disk, segment: 500)
        #expect(rig.say(11...60))
        rig.run(seconds: 2)
        let gone = segments(disk)[2]
        let lost = textsOf(Array(gone.text.utf8))
        disk.delete(gone.path)
        let left = (1...60).map { "text \($0)" }.filter { !lost.contains($0) }
        #expect(rig.texts() == left)
        #expect(rig.lines(.messagesBefore(100, limit: 100))?.seqs.count == left.count)
        #expect(rig.lines(.event(seqs(Array(gone.text.utf8))[1]))?.seqs == [])
    }

    /// Whatever goes, at whatever pace of the disk: what was said after the last look is there after a restart.
    @Test(arguments: FsyncPolicy.allCases)
    func deletions_atAnyTime_loseNothingThatWasSaid(policy: FsyncPolicy) throws {
        for seed in UInt64(1)...25 {
            let disk = SimulatedDisk()
            var random = SeededRandom(seed)
            let rig = try rig(disk, policy, segment: 1500, seed: seed)
            var said = 10
            for _ in 0..<30 {
                for _ in 0..<random.number(0...3) {
                    said += 1
                    #expect(rig.say(said...said))
                }
                // Right after something was said: what somebody takes away that has been looked after is theirs to take.
                said += 1
                #expect(rig.say(said...said))
                if random.happens(0.2), let last = segments(disk).last, last.text.contains("text \(said)\"") {
                    if random.happens(0.5) {
                        disk.delete(last.path)
                    } else {
                        disk.replace(last.path, Array(last.text.utf8))
                    }
                }
                for _ in 0..<random.number(1...4) { rig.turn(by: Int64(random.number(1...400)) * 1_000_000) }
            }
            #expect(rig.failure == nil)
            let missing = Set((1...said).map { "text \($0)" }).subtracting(try restart(disk, rig))
            #expect(missing == [], "seed \(seed)")
        }
    }
}
