import Bytes
import Log
import Simulation
import Testing

@testable import Chat

/// What a start makes of the files that it finds, however they were left.
struct LoadingTests {
    private let first = segment(1)

    private func rig(_ files: [UInt64: [UInt8]], _ disk: SimulatedDisk = SimulatedDisk()) throws -> (Rig, SimulatedDisk)
    {
        for (name, bytes) in files { disk.overwrite(segment(name), bytes) }
        disk.overwrite("/data/state.json", Array(#"{"clean":true,"uncleanStops":0}"#.utf8))
        return (try Rig(disk), disk)
    }

    @Test func halfLine_whereverItEnds_isMovedBeside() throws {
        let whole = lines(1...3)
        let kept = lines(1...2)
        for end in kept.count...whole.count {
            let (rig, disk) = try rig([1: Array(whole[..<end])])
            let isWhole = end == whole.count
            #expect(rig.load()?.seq == (isWhole ? 3 : 2))
            let half = Array(whole[kept.count..<end])
            let beside = disk.contents("/data/rooms/lobby/half-written-lines.txt")
            #expect(disk.contents(first) == (isWhole ? whole : kept))
            if isWhole || half.isEmpty {
                #expect(beside == nil && rig.incidents == [])
            } else {
                #expect(beside == half + [0x0A])
                let path = "/data/rooms/lobby/half-written-lines.txt"
                #expect(rig.incidents == [.halfLine(path: first, bytes: half.count, movedTo: path)])
            }
            #expect(rig.say("next") == .written)
            #expect(rig.texts().last == "next")
        }
    }

    /// At no point of the move is the half line nowhere.
    @Test func halfLine_isNeverLost_byPowerCuts() throws {
        let half = Array(line(3).dropLast(5))
        for point in 0..<60 {
            for seed in UInt64(1)...4 {
                let (rig, disk) = try rig([1: lines(1...2) + half])
                let start = disk.calls
                disk.plan = { $0.number >= start + point ? .fail(5) : nil }
                rig.load()
                disk.plan = nil
                var random = SeededRandom(seed)
                disk.cutPower(&random)
                let all = disk.files.values.flatMap { $0.cached }
                #expect(
                    String(decoding: all, as: UTF8.self).contains(String(decoding: half, as: UTF8.self)),
                    "\(point) \(seed)")
            }
        }
    }

    @Test func fullDisk_keepsNobodyOut_andDestroysNothing() throws {
        let (rig, disk) = try rig([1: lines(1...3) + Array("{\"type".utf8)])
        disk.plan = { $0.operation == .truncate || $0.operation == .append ? .fail(28) : nil }
        #expect(rig.load()?.seq == 3)
        #expect(rig.say("no") != .written)
        disk.plan = nil
        #expect(rig.say("yes") == .written)
        #expect(disk.contents(first) == lines(1...3) + Array("{\"type".utf8))
        #expect(rig.texts() == ["text 1", "text 2", "text 3", "yes"])
    }

    /// A half line that could not be moved is not written behind, also where a new file cannot be begun at once.
    @Test func halfLine_thatStays_isNotWrittenBehind_whenANewFileIsRefused() throws {
        let found = lines(1...3) + Array("{\"type".utf8)
        let (rig, disk) = try rig([1: found])
        disk.plan = { $0.operation == .append ? .fail(28) : nil }
        #expect(rig.load()?.seq == 3)
        disk.plan = { $0.operation == .open && $0.path != self.first ? .fail(5) : nil }
        #expect(rig.say("no") != .written)
        disk.plan = nil
        #expect(rig.say("yes") == .written)
        #expect(disk.contents(first) == found)
        #expect(rig.texts() == ["text 1", "text 2", "text 3", "yes"])
    }

    @Test func longGarbageWithoutLineBreaks_isSetAside() throws {
        let garbage = [UInt8](repeating: 0x41, count: 3 << 20)
        let (rig, disk) = try rig([1: lines(1...5) + garbage])
        #expect(rig.load()?.seq == 5)
        #expect(disk.contents(first) == lines(1...5))
        #expect(disk.contents("/data/rooms/lobby/half-written-lines.txt") == garbage + [0x0A])
        #expect(disk.largestBuffer <= 1 << 20)
    }

    // MARK: Files that a person has edited

    /// As `jq -cS` and JSON libraries write them: the same lines in other words.
    @Test(arguments: [
        (#"{"seq":2,"text":"b","time":1700000000000,"type":"message","username":"Ada"}"#, "\n"),
        (#"{ "type": "message", "seq": 2, "time": 1700000000000, "username": "Ada", "text": "b" }"#, "\n"),
        (#"  {"type":"message","seq":2,"time":1700000000000,"username":"\u0041da","text":"b"}  "#, "\n"),
        (#"{"type":"message","seq":2,"time":1700000000000,"username":"Ada","text":"b","_":{},"note":1}"#, "\n"),
        (#"{"type":"message","seq":2,"time":1700000000000,"username":"Ada","text":"b"}"#, "\r\n"),
    ])
    func lineInAnotherSpelling_counts(spelling: String, ending: String) throws {
        let text = line(1, "a") + Array((spelling + ending).utf8)
        let (rig, disk) = try rig([1: text])
        #expect(rig.load()?.seq == 2)
        #expect(rig.incidents == [])
        #expect(disk.contents(first) == text)
        #expect(rig.say("c") == .written)
        #expect(disk.contents(first) == text)
        guard case .lines(let bytes, _) = rig.read(.messagesAfter(0, limit: 10)) else { return }
        #expect(bytes.count { $0 == 0x0A } == 3)
    }

    @Test func linesThatAreNoEvents_areLeftOut_kept_andReportedOnce() throws {
        let pretty = "{\n  \"type\": \"message\",\n  \"seq\": 3\n}\n"
        let damaged: [[UInt8]] = [
            Array("not JSON\n".utf8), Array(pretty.utf8), Array("\n".utf8), Array("{}\n".utf8),
            [0xFF, 0xFE, 0x00, 0x0A],
            Array(#"{"type":"message","seq":3,"time":1,"username":"Ada"}"#.utf8) + [0x0A],
            Array(#"{"type":"message","seq":0,"time":1,"username":"Ada","text":"x"}"#.utf8) + [0x0A],
            Array(#"{"type":"message","seq":-3,"time":1,"username":"Ada","text":"x"}"#.utf8) + [0x0A],
            Array(#"{"type":"message","seq":9007199254740993,"time":1,"username":"Ada","text":"x"}"#.utf8) + [0x0A],
            Array(#"{"type":"message","seq":3,"time":1,"username":"Ada","text":""#.utf8) + [0xC3, 0x28]
                + Array("\"}\n".utf8),
            Array(String(repeating: "[", count: 100_000).utf8) + [0x0A],
        ]
        for bytes in damaged {
            let text = lines(1...2) + bytes + lines(4...5)
            let (rig, disk) = try rig([1: text])
            let room = try #require(rig.load())
            #expect(room.seq == 5)
            let count = bytes.count { $0 == 0x0A }
            #expect(rig.incidents == [.unreadable(room: "lobby", lines: count, path: first)])
            #expect(disk.contents(first) == text)
            #expect(rig.texts() == ["text 1", "text 2", "text 4", "text 5"])
            rig.forget("lobby")
            rig.load()
            #expect(rig.incidents.count == 1, "it is said once")
            #expect(rig.say("six") == .written)
            #expect(disk.contents(first) == text)
        }
    }

    @Test func randomBytes_trapNothing_andStay() throws {
        var random = SeededRandom(7)
        for round in 0..<60 {
            var text = lines(1...4)
            for _ in 0..<(1 + round % 5) {
                let at = random.number(0...text.count - 1)
                switch random.number(0...3) {
                case 0: text[at] = UInt8(truncatingIfNeeded: random.next())
                case 1:
                    text.insert(
                        contentsOf: (0..<random.number(1...300)).map { _ in UInt8.random(in: 0...255, using: &random) },
                        at: at)
                case 2: text.removeSubrange(at..<min(text.count, at + random.number(1...30)))
                default:
                    text.insert(contentsOf: text[at..<min(text.count, at + 90)], at: random.number(0...text.count - 1))
                }
                if text.isEmpty { text = [0x0A] }
            }
            let (rig, disk) = try rig([1: text])
            #expect(rig.load() != nil)
            let rest = disk.contents("/data/rooms/lobby/half-written-lines.txt").map { $0.dropLast() } ?? []
            #expect((disk.contents(first) ?? []) + rest == text)
            let newest = rig.rooms["lobby"]?.seq ?? 0
            #expect(rig.say("on") == .written)
            #expect(rig.rooms["lobby"]?.seq ?? 0 > newest)
            #expect(rig.texts().last == "on")
        }
    }

    @Test func linesOutOfOrder_areLeftOut_kept_andReported() throws {
        let text = lines(1...9) + line(5, "again") + line(9, "again") + lines(10...12)
        let (rig, disk) = try rig([1: text])
        #expect(rig.load()?.seq == 12)
        #expect(rig.incidents == [.outOfOrder(room: "lobby", lines: 2, path: first)])
        #expect(rig.texts() == (1...12).map { "text \($0)" })
        #expect(rig.lines(.messagesBefore(12, limit: 20))?.seqs == Array(1...11))
        #expect(rig.lines(.since(3, limit: 20))?.seqs == Array(4...12))
        #expect(disk.contents(first) == text)
    }

    @Test func foreignFiles_areLeftAlone() throws {
        let names = [
            "notes.txt", "1.jsonl", "00000000000000000000.jsonl", "99999999999999999999.jsonl",
            "0000000000000000000x.jsonl",
        ]
        let (rig, disk) = try rig([1: lines(1...2)])
        for name in names { disk.overwrite("/data/rooms/lobby/" + name, Array("not ours\n".utf8)) }
        #expect(rig.load()?.seq == 2)
        #expect(rig.say(3...10))
        #expect(rig.stop() == [])
        for name in names { #expect(disk.contents("/data/rooms/lobby/" + name) == Array("not ours\n".utf8)) }
    }

    // MARK: Snapshots

    /// A kill between a snapshot and the lines behind it, within one write.
    @Test func snapshotAlone_tellsTheSeq_andOlderMessagesAreFound() throws {
        let disk = SimulatedDisk()
        var sizes = LogSizes()
        sizes.segment = 3000
        var rig = try Rig(disk, sizes: sizes)
        rig.load()
        #expect(rig.say(1...40))
        let last = try #require(segments(disk).last)
        rig.run(seconds: 2)
        disk.kill()
        let snapshot = last.text.split(separator: "\n")[0]
        disk.overwrite(last.path, Array((snapshot + "\n").utf8))
        rig = try Rig(disk, sizes: sizes)
        let room = try #require(rig.load())
        let seq = try #require(seqs(Array(last.text.utf8)).first)
        #expect(room.seq == seq)
        #expect(room.usernames == ["Ada"])
        #expect(room.messages(before: seq + 1, limit: 10, bytes: 1 << 20).lines.count == 10)
        #expect(rig.say("on") == .written)
        #expect(rig.rooms["lobby"]?.seq == seq + 1)
    }

    /// A large room's snapshot is written in pieces; whoever is killed before the last falls back on the segment before.
    @Test func snapshotInPieces_killedAtAnyPiece_losesNobody() throws {
        var sizes = LogSizes()
        sizes.segment = 20_000
        sizes.snapshotPiece = 600
        for ticks in 0..<14 {
            let disk = SimulatedDisk()
            var rig = try Rig(disk, sizes: sizes)
            rig.load()
            for number in 0..<20 { #expect(rig.enter("user-\(number)", session: UInt128(number) + 100) != nil) }
            #expect(rig.say("begun", messageID: "id-0") == .written)
            while segments(disk).count < 2 {
                #expect(rig.say("filling " + String(repeating: "x", count: 500)) == .written)
            }
            for tick in 0..<ticks {
                if tick == 3, let id = rig.rooms["lobby"]?.present[5] { rig.apply(.closed(id, .left), [], "lobby") }
                if tick == 4 { #expect(rig.enter("late", session: 900) != nil) }
                #expect(rig.say("tick \(tick)", messageID: "id-\(tick + 1)") == .written)
            }
            let names = Set(rig.rooms["lobby"]?.usernames ?? [])
            let seq = rig.rooms["lobby"]?.seq
            disk.kill()
            rig = try Rig(disk, sizes: sizes)
            let room = try #require(rig.load())
            #expect(room.seq == seq)
            #expect(Set(room.usernames) == names, "after \(ticks) ticks")
            #expect(room.memberCount == names.count)
            // The ids of all ticks are known: said again, they make no event.
            guard let id = rig.enter("user-0", session: 100) else { continue }
            #expect(rig.write() == .written)
            let before = rig.rooms["lobby"]?.seq
            for tick in 0...ticks { rig.post("again", by: id, messageID: "id-\(tick)") }
            #expect(rig.rooms["lobby"]?.seq == before, "after \(ticks) ticks")
            #expect(rig.write() == .written)
            #expect(rig.say("on") == .written)
            rig.forget("lobby")
            #expect(Set(rig.load()?.usernames ?? []) == names)
        }
    }

    /// However many of the newest files a power cut has left without a line, what is older is found, and no seq is used twice.
    @Test(arguments: 1...10) func filesWithoutALine_hideNoOlderOnes(count: UInt64) throws {
        var files: [UInt64: [UInt8]] = [1: lines(1...3), 4: lines(4...5)]
        for name in 6..<6 + count { files[name] = name % 2 == 0 ? [] : Array("\u{0}\u{0}\n".utf8) }
        let (rig, disk) = try rig(files)
        #expect(rig.load()?.seq == 5)
        #expect(Set(rig.incidents).count == rig.incidents.count)
        #expect(rig.say("next") == .written)
        #expect(rig.texts() == ["text 1", "text 2", "text 3", "text 4", "text 5", "next"])
        #expect(segments(disk).filter { $0.text.contains("next") }.count == 1)
    }

    /// A power cut has left a file's snapshot, and not the event behind it, of which it tells: whoever has seen that is told of a gap.
    @Test func snapshotWhoseEventIsLost_isFollowedByAGap() throws {
        let disk = SimulatedDisk()
        var sizes = LogSizes()
        sizes.segment = 2000
        var rig = try Rig(disk, sizes: sizes)
        rig.load()
        #expect(rig.say(1...40))
        rig.run(seconds: 3)
        let newest = try #require(segments(disk).last)
        let first = try #require(seqs(Array(newest.text.utf8)).dropFirst().first)
        #expect(newest.path == segment(first) && first > 4)
        disk.overwrite(newest.path, Array((newest.text.split(separator: "\n").first ?? "").utf8) + [0x0A])
        var random = SeededRandom(1)
        disk.cutPower(&random)
        rig = try Rig(disk)
        let room = try #require(rig.load())
        #expect(room.seq == 1 << 32)
        #expect(room.jumps.map(\.from) == [first - 1] && room.jumps.map(\.to) == [1 << 32])
        // What is said from there on goes to the same file, and does not hide it.
        #expect(rig.say("on") == .written)
        rig.run(seconds: 3)
        disk.cutPower(&random)
        rig = try Rig(disk)
        #expect(rig.load()?.jumps.first?.from == first - 1)
    }

    @Test func load_thatFails_canBeAskedForAgain() throws {
        let (rig, disk) = try rig([1: lines(1...3)])
        for operation in [StorageError.Operation.list, .open, .read] {
            disk.plan = { $0.operation == operation && $0.path.hasPrefix("/data/rooms/") ? .fail(5) : nil }
            guard case .failed(let error) = rig.read(.load) else {
                Issue.record("loaded")
                return
            }
            #expect(error.operation == operation && error.code == 5)
            #expect(disk.openFiles == 0)
        }
        disk.plan = nil
        #expect(rig.load()?.seq == 3)
        #expect(rig.log.pendingReads == 0)
    }

    @Test func start_readsNoRoom() throws {
        let disk = SimulatedDisk()
        disk.overwrite(first, lines(1...100))
        disk.overwrite("/data/state.json", Array(#"{"clean":true,"uncleanStops":0}"#.utf8))
        var touched: [String] = []
        disk.plan = { call in
            if call.path.hasPrefix("/data/rooms/") { touched.append(call.path) }
            return nil
        }
        let rig = try Rig(disk)
        #expect(touched == [])
        #expect(rig.load()?.seq == 100)
        #expect(touched != [])
    }

    @Test func welcome_hasTheNewestMessages_thoughNoticesCrowd() throws {
        var bytes = lines(1...150)
        for seq in UInt64(151)...1250 { bytes += line(seq, type: seq % 110 == 0 ? "message" : "leave") }
        let (rig, _) = try rig([1: bytes])
        let room = try #require(rig.load())
        let found = room.messages(before: 1251, limit: 100, bytes: 1 << 20)
        #expect(found.lines.count == 100)
        #expect(room.recent.lines(after: 250).count == 1000)
    }

    /// What old events alone tell of people, without sessions: they leave.
    @Test func ghosts_ofOldEvents_leave() throws {
        let (rig, _) = try rig([1: line(1, type: "join") + line(2, "hello")])
        #expect(rig.load()?.usernames == ["Ada"])
        rig.apply(.restarted, [], "lobby")
        #expect(rig.write() == .written)
        #expect(rig.rooms["lobby"]?.usernames == [])
        #expect(rig.rooms["lobby"]?.seq == 3)
    }

    /// A power cut has left a segment's snapshot, and not the message behind it, of whose id the snapshot tells.
    @Test func idOfTheFirstMessage_thatWasLost_canBeUsedAgain() throws {
        let disk = SimulatedDisk()
        var rig = try Rig(disk)
        rig.load()
        #expect(rig.say("one", messageID: "m-1") == .written)
        let text = try #require(disk.contents(segment(2)))
        let end = try #require(text.firstIndex(of: 0x0A))
        disk.kill()
        disk.overwrite(segment(2), Array(text[...end]))
        rig = try Rig(disk)
        rig.load()
        let ada = try #require(rig.enter("Ada"))
        #expect(rig.write() == .written)
        let seq = try #require(rig.rooms["lobby"]?.seq)
        rig.post("one", by: ada, messageID: "m-1")
        #expect(rig.rooms["lobby"]?.seq == seq + 1)
        #expect(rig.write() == .written)
        #expect(rig.texts() == ["one"])
    }
}
