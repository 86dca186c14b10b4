import Log
import Simulation
import Testing

@testable import Chat

/// Deletions that come between other things: their texts are erased all the same.
extension FoldingTests {
    /// A file is full between a deletion and its erasure: what that folds does not make anyone forget what is still to be erased.
    @Test func erase_afterAnotherFold_takesTheTextOutOfAllFiles() throws {
        let disk = SimulatedDisk()
        let rig = try rig(disk)
        #expect(rig.edit(2, "secret one") == .written)
        // The snapshots of the files that begin now tell the edit.
        #expect(rig.say(41...60))
        #expect(rig.delete(2) == .written)
        #expect(rig.react(3, "👍") == .written)
        #expect(rig.say(61...80))
        #expect(rig.fold())
        #expect(line(disk, 3)?.contains("👍") == true)
        #expect(rig.rooms["lobby"]?.untold.facts.keys.sorted() == [2])
        #expect(stands("secret", in: disk).count > 1)
        #expect(rig.fold(erases: true))
        #expect(stands("secret", in: disk) == [])
        #expect(rig.rooms["lobby"]?.untold.isEmpty == true)
        #expect(rig.stop() == [])
    }

    /// The edit is told by the message's own line alone when the message is deleted, and the process is killed when that line is
    /// written anew and the edit's is not.
    @Test func erase_cutOffBetweenTwoFiles_isFinishedAfterwards() throws {
        let disk = SimulatedDisk()
        var rig = try rig(disk)
        #expect(rig.edit(2, "secret one") == .written)
        #expect(rig.say(41...60))
        #expect(rig.fold())
        #expect(rig.say(61...80))
        #expect(rig.stop() == [])
        rig = try Rig(disk, fsync: .always, sizes: Self.sizes)
        rig.load()
        #expect(rig.delete(2) == .written)
        var renames = 0
        disk.plan = { call in
            if call.operation == .rename { renames += 1 }
            return renames > 1 ? .fail(5) : nil
        }
        #expect(!rig.fold(erases: true))
        #expect(line(disk, 2)?.contains("deleted") == true)
        #expect(stands("secret", in: disk).count > 1)
        disk.plan = nil
        disk.kill()
        rig = try Rig(disk, fsync: .always, sizes: Self.sizes)
        #expect(rig.log.unfinishedErasures == ["lobby"])
        rig.load()
        #expect(rig.fold(erases: true))
        #expect(stands("secret", in: disk) == [])
    }

    /// The clock has gone back since something was said: an older file has the later times.
    @Test func erase_ofAPurge_findsOlderFilesWithLaterTimes() throws {
        let disk = SimulatedDisk()
        let rig = try Rig(disk, sizes: Self.sizes)
        rig.load()
        #expect(rig.say("welcome") == .written)
        let bo = try #require(rig.enter("Bo", session: 8))
        rig.write()
        rig.now += 7_200_000_000_000
        rig.post("secret", by: bo)
        #expect(rig.write() == .written)
        rig.now -= 7_200_000_000_000
        #expect(rig.say(1...40))
        #expect(segments(disk).count > 2)
        let ada = try #require(rig.rooms["lobby"]?.present.first { $0 != bo })
        rig.rooms["lobby"]?.makeHost(1, by: 2)
        var purge = Moderation(.purge)
        (purge.person, purge.minutes) = (.user(UserID(bits: 8)), 5)
        rig.apply(.moderation(ada, purge), [], "lobby")
        #expect(rig.write() == .written)
        #expect(rig.rooms["lobby"]?.purges.count == 1)
        #expect(rig.fold(erases: true))
        #expect(stands("secret", in: disk) == [])
        #expect(rig.texts().count == 41)
    }

    /// Where an empty file or a snapshot alone had a name, the next file has a higher one than its first event.
    @Test func file_withAHigherNameThanItsFirstEvent_isFoldedAndErased() throws {
        let disk = SimulatedDisk()
        var rig = try Rig(disk)
        rig.load()
        #expect(rig.say("text 1") == .written && rig.say("text 2") == .written)
        #expect(rig.stop() == [])
        let text = try #require(disk.contents(segment(2)))
        disk.delete(segment(2))
        disk.overwrite(segment(9), text)
        rig = try Rig(disk)
        rig.load()
        #expect(rig.edit(2, "secret") == .written)
        #expect(rig.fold())
        // The newest file is left alone: the edit is told by memory and snapshots.
        #expect(rig.rooms["lobby"]?.untold.facts.keys.sorted() == [2])
        #expect(rig.delete(2) == .written)
        #expect(rig.fold(erases: true))
        #expect(stands("text 1", in: disk) == [] && stands("secret", in: disk) == [])
        #expect(rig.rooms["lobby"]?.untold.isEmpty == true)
        #expect(rig.texts() == ["text 2"])
    }

    /// A fold that failed has given a file its new name; the next one finds nothing to do, and a power cut comes.
    @Test func erase_afterOneThatFailed_isOnTheDisk() throws {
        let disk = SimulatedDisk()
        let rig = try rig(disk)
        #expect(rig.delete(2) == .written)
        let path = "/data/rooms/lobby"
        disk.plan = { $0.operation == .open && $0.path == path ? .fail(5) : nil }
        #expect(!rig.fold(erases: true))
        #expect(stands("text 1\"", in: disk) == [])
        disk.plan = nil
        #expect(rig.fold(erases: true))
        let stored = try #require(disk.storedContents(segment(2)))
        #expect(!String(decoding: stored, as: UTF8.self).contains("text 1\""))
    }

    // MARK: Marks

    /// Whoever is shown a deletion after a kill can rely on its mark.
    @Test func mark_ofAKilledRun_isOnTheDiskAfterTheNextStart() throws {
        let disk = SimulatedDisk()
        var rig = try rig(disk)
        #expect(rig.delete(2) == .written)
        let mark = "/data/erasing/lobby"
        #expect(disk.contents(mark) != nil && disk.storedContents(mark) == nil)
        disk.kill()
        rig = try Rig(disk, sizes: Self.sizes)
        #expect(disk.storedContents(mark) != nil)
        #expect(rig.log.unfinishedErasures == ["lobby"])
    }

    /// A room in which a text was deleted, and whose mark is gone.
    private func unmarkedDeletion(_ disk: SimulatedDisk) throws -> Rig {
        let rig = try rig(disk)
        #expect(rig.say("secret") == .written)
        #expect(rig.delete(42) == .written)
        rig.run(seconds: 3)
        disk.delete("/data/erasing/lobby")
        return rig
    }

    /// A power cut has taken the mark and left the deletion.
    @Test func deletionWithoutAMark_isErasedOnceTheRoomIsLoaded() throws {
        let disk = SimulatedDisk()
        var rig = try unmarkedDeletion(disk)
        var random = SeededRandom(1)
        disk.cutPower(&random)
        rig = try Rig(disk, sizes: Self.sizes)
        #expect(rig.log.unfinishedErasures == [])
        rig.load()
        #expect(rig.rooms["lobby"]?.unerased == rig.rooms["lobby"]?.seq)
        #expect(rig.fold(erases: true))
        #expect(rig.rooms["lobby"]?.unerased == 0)
        #expect(stands("secret", in: disk) == [])
    }

    /// Starts after power cuts have left many short files whose snapshots are not whole: the deletion is before them all.
    @Test func deletionBeforeManyFilesWithoutASnapshot_isErased() throws {
        let disk = SimulatedDisk()
        var rig = try unmarkedDeletion(disk)
        let seq = try #require(rig.rooms["lobby"]?.seq)
        disk.kill()
        for next in seq + 1...seq + 10 { disk.overwrite(segment(next), lines(next...next)) }
        rig = try Rig(disk, sizes: Self.sizes)
        rig.load()
        #expect(rig.fold(erases: true))
        #expect(stands("secret", in: disk) == [])
        #expect(rig.texts().suffix(2) == ["text \(seq + 9)", "text \(seq + 10)"])
    }
}
