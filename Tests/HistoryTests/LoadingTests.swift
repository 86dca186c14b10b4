import History
import Simulation
import Testing

/// What a start makes of the files that it finds, however they were left.
struct LoadingTests {
    private let first = "/data/rooms/lobby/00000000000000000001.jsonl"

    /// A history on a disk that holds these files.
    private func history(_ files: [String: [UInt8]], _ disk: SimulatedDisk = SimulatedDisk()) throws -> (
        History, SimulatedDisk
    ) {
        for (name, bytes) in files { disk.overwrite("/data/rooms/lobby/" + name, bytes) }
        let history = History(disk: disk, directory: "/data")
        _ = try history.open()
        return (history, disk)
    }

    private func name(_ first: UInt64) -> String {
        let digits = String(first)
        return String(repeating: "0", count: 20 - digits.count) + digits + ".jsonl"
    }

    @Test func theTornEndIsCutOffWhereverItIsTorn() throws {
        let whole = lines(1...3)
        let kept = lines(1...2)
        for end in kept.count...whole.count {
            let (history, disk) = try history([name(1): Array(whole[..<end])])
            let loaded = try #require(history.load())
            let isWhole = end == whole.count
            #expect(loaded.newest == (isWhole ? 3 : 2))
            #expect(loaded.events.bytes == (isWhole ? whole : kept))
            #expect(loaded.repair.tornBytes == (isWhole ? 0 : Int64(end - kept.count)))
            #expect(loaded.repair.damagedLines == 0)
            #expect(disk.contents(first) == loaded.events.bytes)
            let next = loaded.newest + 1
            #expect(history.append(line(next), at: next) == .written)
            #expect(disk.contents(first) == loaded.events.bytes + line(next))
        }
    }

    /// A first try finds a torn end, can neither cut it off nor go on; the second can. What the first wanted to cut off must
    /// not be cut off later, when there is something else in its place.
    @Test func aRepairIsForgottenWithTheLoadThatFailed() throws {
        let disk = SimulatedDisk()
        disk.overwrite(first, lines(1...2) + line(3).dropLast())
        let history = History(disk: disk, directory: "/data", fsync: .always)
        _ = try history.open()
        disk.plan = { $0.operation == .truncate || $0.operation == .sync ? .fail(5) : nil }
        #expect(history.load() == nil)
        disk.plan = nil
        #expect(history.load()?.newest == 2)
        #expect(history.append(line(3, "again"), at: 3) == .written)
        #expect(history.commit().isGood)
        history.tick(now: 10_000_000_000)
        #expect(disk.contents(first) == lines(1...2) + line(3, "again"))
    }

    /// After a sync that failed the kernel may hold bytes for clean that the disk has not got, and a second sync succeeds
    /// without them. So what a load could not sync is written anew by the one that follows.
    @Test func whatAFailedSyncMayHaveLostIsWrittenAnew() throws {
        let disk = SimulatedDisk()
        // What a server has written that was killed then.
        for path in ["/data", "/data/rooms", "/data/rooms/lobby"] { #expect(try disk.makeDirectory(path)) }
        let file = try disk.open(first, .create)
        #expect(try disk.append(lines(1...3).span, to: file) == lines(1...3).count)
        disk.close(file)
        let history = History(disk: disk, directory: "/data", fsync: .always)
        _ = try history.open()
        for failing in [StorageError.Operation.sync, .rename] {
            disk.plan = { [first] in $0.operation == failing && $0.path.hasPrefix(first.dropLast(26)) ? .fail(5) : nil }
            #expect(history.load() == nil)
        }
        disk.plan = nil
        #expect(history.load()?.newest == 3)
        #expect(disk.storedContents(first) == lines(1...3))
        #expect(history.append(line(4), at: 4) == .written)
        #expect(history.commit().isGood)
        #expect(disk.storedContents(first) == lines(1...4))
    }

    @Test func aTornFirstLineLeavesAnEmptyRoom() throws {
        for end in 0..<line(1).count {
            let (history, disk) = try history([name(1): Array(line(1)[..<end])])
            #expect(history.load()?.newest == 0)
            #expect(history.append(line(1, "again"), at: 1) == .written)
            #expect(disk.contents(first) == line(1, "again"))
        }
    }

    @Test func garbageAtTheEndIsCutOffHoweverLongItIs() throws {
        for garbage in [
            [UInt8](repeating: 0, count: 5000), Array("xx\nyy\n".utf8), [0xFF, 0x0A, 0x00, 0x0A, 0x41],
            [UInt8](repeating: 0x41, count: 3 << 20), [UInt8](repeating: 0x0A, count: 200_000),
        ] {
            let (history, disk) = try history([name(1): lines(1...5) + garbage])
            let loaded = try #require(history.load())
            #expect(loaded.newest == 5)
            #expect(loaded.repair.tornBytes == Int64(garbage.count))
            #expect(disk.contents(first) == lines(1...5))
            #expect(history.takeIncidents() == [.tornTail(room: "lobby", bytes: Int64(garbage.count))])
        }
    }

    @Test func aDamagedLastEventHasUsedItsSeqAndStays() throws {
        var last = line(6)
        last[last.count - 10] = 0
        for cut in [[], Array("{\"ty".utf8)] {
            let (history, disk) = try history([name(1): lines(1...5) + last + cut])
            let loaded = try #require(history.load())
            #expect(loaded.newest == 6)
            #expect(seqs(loaded.events.bytes) == [1, 2, 3, 4, 5])
            #expect(loaded.repair.damagedLines == 1)
            #expect(loaded.repair.tornBytes == Int64(cut.count))
            #expect(disk.contents(first) == lines(1...5) + last)
            #expect(history.append(line(7), at: 7) == .written)
            #expect(history.since(0).map(\.seqs) == [1, 2, 3, 4, 5, 7])
        }
    }

    @Test func theSeqGoesOnBehindAnyNumberOfDamagedLines() throws {
        var damaged: [UInt8] = []
        for seq in UInt64(4)...2000 {
            var bytes = line(seq)
            bytes[20 + Int(seq % 4)] = 0x3F
            damaged += bytes
        }
        let (history, _) = try history([name(1): lines(1...3), name(4): damaged])
        let loaded = try #require(history.load())
        #expect(loaded.newest == 2000)
        #expect(seqs(loaded.events.bytes) == [1, 2, 3])
        #expect(loaded.repair.damagedLines == 1997)
    }

    /// Any byte of any line overwritten: the others are read, and no seq comes again.
    @Test func anyDamagedByteCostsItsLineAlone() throws {
        let whole = lines(1...4)
        let length = line(1).count
        for index in whole.indices {
            for byte in [0x00, 0x0A, 0x22, 0x39, 0xFF] as [UInt8] where whole[index] != byte {
                var bytes = whole
                bytes[index] = byte
                let (history, _) = try history([name(1): bytes])
                let loaded = try #require(history.load())
                let found = seqs(loaded.events.bytes)
                // Where its newline is gone, two lines have become one.
                let hit = [UInt64(index / length) + 1] + (whole[index] == 0x0A ? [UInt64(index / length) + 2] : [])
                let others = [1, 2, 3, 4].filter { !hit.contains($0) }
                let context = "byte \(index) is \(byte)"
                #expect(found.filter { others.contains($0) } == others, "\(context)")
                #expect(loaded.newest >= others.max() ?? 0, "\(context)")
                if !hit.contains(4) || whole[index] != 0x0A {
                    #expect(loaded.newest >= 4 || index >= 3 * length, "\(context)")
                }
                #expect(history.append(line(loaded.newest + 1), at: loaded.newest + 1) == .written, "\(context)")
            }
        }
    }

    @Test func anEmptyLastSegmentTellsTheSeqByItsName() throws {
        let (history, disk) = try history([name(1): lines(1...3), name(9): []])
        let loaded = try #require(history.load())
        #expect(loaded.newest == 8)
        #expect(seqs(loaded.events.bytes) == [1, 2, 3])
        #expect(history.append(line(9), at: 9) == .written)
        #expect(disk.contents("/data/rooms/lobby/" + name(9)) == line(9))
    }

    @Test func aSegmentWhoseNameLiesIsReadAsFarAsItCan() throws {
        // Too low a name: nothing is lost.
        var (log, _) = try history([name(1): lines(500...600)])
        #expect(log.load()?.newest == 600)
        #expect(log.event(550) == line(550))
        // Too high a name: its lines contradict it, and no seq comes again.
        (log, _) = try history([name(1): lines(1...5), name(500): lines(6...10)])
        let loaded = try #require(log.load())
        #expect(loaded.newest >= 499)
        #expect(seqs(loaded.events.bytes) == [1, 2, 3, 4, 5])
        #expect(loaded.repair.damagedLines == 5)
    }

    @Test func whatTheNextSegmentHoldsAnewDoesNotCountInTheOldOne() throws {
        let (history, _) = try history([name(1): lines(1...9), name(6): line(6, "new") + line(7, "new")])
        let loaded = try #require(history.load())
        #expect(loaded.events.bytes == lines(1...5) + line(6, "new") + line(7, "new"))
        #expect(history.event(6) == line(6, "new"))
        #expect(history.event(9) == nil)
    }

    @Test func foreignFilesAreLeftAlone() throws {
        let foreign = [
            "notes.txt", "1.jsonl", "00000000000000000001.json", "000000000000000000001.jsonl",
            "00000000000000000000.jsonl",
            "99999999999999999999.jsonl", "09999999999999999999.jsonl", "0000000000000000000x.jsonl",
        ]
        var files = [name(1): lines(1...2)]
        for file in foreign { files[file] = Array("not ours\n".utf8) }
        let (history, disk) = try history(files)
        #expect(history.load()?.newest == 2)
        for seq in UInt64(3)...10 { #expect(history.append(line(seq), at: seq) == .written) }
        for file in foreign { #expect(disk.contents("/data/rooms/lobby/" + file) == Array("not ours\n".utf8)) }
    }

    @Test func aRoomWithoutSegmentsIsNew() throws {
        let (history, _) = try history(["notes.txt": [1]])
        #expect(history.load()?.newest == 0)
        #expect(history.append(line(1), at: 1) == .written)
        #expect(history.since(0).map(\.seqs) == [1])
    }

    @Test(arguments: ["", "..", "a/b", "Lobby", "lobby ", "a\0b", String(repeating: "a", count: 33), "é"])
    func whatIsNoRoomsNameIsNoFolder(name: String) throws {
        let (history, disk) = try history([:])
        guard case .failed(let error) = history.answer(.load, room: name)?.outcome else {
            Issue.record("loaded")
            return
        }
        #expect(error.code == 22)
        #expect(history.append(line(1), at: 1, room: name) != .written)
        #expect(disk.folders == ["/data", "/data/rooms"])
    }

    @Test func aStartReadsNoRoom() throws {
        let disk = SimulatedDisk()
        disk.overwrite(first, lines(1...100))
        var touched: [String] = []
        disk.plan = { call in
            if call.path.hasPrefix("/data/rooms/") { touched.append(call.path) }
            return nil
        }
        let history = History(disk: disk, directory: "/data")
        _ = try history.open()
        #expect(touched == [])
        #expect(history.load()?.newest == 100)
        #expect(touched != [])
    }

    @Test func theNewestThousandEventsAndHundredMessages() throws {
        // 150 messages, then 1100 notices with ten messages among them.
        var bytes = lines(1...150)
        for seq in UInt64(151)...1250 { bytes += line(seq, type: seq % 110 == 0 ? "message" : "leave") }
        let (history, _) = try history([name(1): bytes])
        let loaded = try #require(history.load())
        #expect(seqs(loaded.events.bytes) == Array(251...1250))
        #expect(loaded.events.count == 1000)
        let messages = seqs(bytes).filter { $0 <= 150 || $0 % 110 == 0 }
        #expect(seqs(loaded.olderMessages.bytes) == Array(messages.suffix(100).filter { $0 <= 250 }))
        #expect(loaded.olderMessages.count == messages.suffix(100).filter { $0 <= 250 }.count)
    }

    @Test func onAFullDiskARoomIsReadAndRepairedLater() throws {
        let disk = SimulatedDisk()
        disk.overwrite(first, lines(1...3) + Array("{\"type".utf8))
        let (history, _) = try history([:], disk)
        disk.plan = { $0.operation == .truncate || $0.operation == .append ? .fail(28) : nil }
        #expect(seqs(history.load()?.events.bytes ?? []) == [1, 2, 3])
        #expect(history.append(line(4), at: 4) != .written)
        disk.plan = nil
        #expect(history.append(line(4), at: 4) == .written)
        #expect(disk.contents(first) == lines(1...4))
    }

    @Test func aLoadThatFailsCanBeAskedForAgain() throws {
        let disk = SimulatedDisk()
        disk.overwrite(first, lines(1...3))
        let (history, _) = try history([:], disk)
        for operation in [StorageError.Operation.list, .open, .read] {
            disk.plan = { $0.operation == operation && $0.path.hasPrefix("/data/rooms/") ? .fail(5) : nil }
            guard case .failed(let error) = history.answer(.load)?.outcome else {
                Issue.record("loaded")
                return
            }
            #expect(error.operation == operation && error.code == 5)
            #expect(disk.openFiles == 1, "only the journal stays open")
        }
        disk.plan = nil
        #expect(history.load()?.newest == 3)
    }

    @Test func twoLoadsAtOnceAreBothAnswered() throws {
        let (history, _) = try history([name(1): lines(1...3)])
        history.request(ReadRequest(.load, room: "lobby", tag: 1))
        history.request(ReadRequest(.load, room: "lobby", tag: 2))
        var found: [UInt64] = []
        for now in UInt64(1)...50 where found.count < 2 {
            for result in history.advance(byteBudget: 1) {
                guard case .loaded(let loaded) = result.outcome, loaded.newest == 3 else { continue }
                found.append(result.request.tag)
            }
            history.tick(now: now)
        }
        #expect(found == [1, 2])
        #expect(!history.hasWork)
    }
}
