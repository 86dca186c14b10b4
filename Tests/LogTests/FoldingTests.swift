import Bytes
import Log
import Simulation
import Testing

@testable import Chat

/// What was done to messages gets into their own lines, and what was deleted out of all files.
struct FoldingTests {
    static var sizes: LogSizes {
        var sizes = LogSizes()
        sizes.segment = 2000
        return sizes
    }

    /// A room with forty messages in some files; "text N" has the seq N + 1, as Ada's join comes first and is not kept.
    func rig(_ disk: SimulatedDisk, seed: UInt64? = nil) throws -> Rig {
        let rig = try Rig(disk, sizes: Self.sizes, seed: seed)
        rig.load()
        #expect(rig.say(1...40))
        return rig
    }

    func line(_ disk: SimulatedDisk, _ seq: UInt64) -> String? {
        for segment in segments(disk) {
            for line in segment.text.split(separator: "\n") {
                let bytes = Array(line.utf8)
                if let event = EventLine(bytes.span), event.seq == seq { return String(line) }
            }
        }
        return nil
    }

    /// Whether a text stands in any file of the data folder.
    func stands(_ text: String, in disk: SimulatedDisk) -> [String] {
        disk.files.keys.filter { String(decoding: disk.contents($0) ?? [], as: UTF8.self).contains(text) }.sorted()
    }

    @Test func fold_putsWhatWasDoneIntoTheLines() throws {
        let disk = SimulatedDisk()
        let rig = try rig(disk)
        #expect(segments(disk).count > 2)
        let (first, second, third) = (line(disk, 3), line(disk, 4), line(disk, 5))
        #expect(rig.edit(2, "edited") == .written)
        #expect(rig.react(3, "👍") == .written)
        #expect(rig.delete(4) == .written)
        #expect(rig.fold(erases: true))
        #expect(line(disk, 2)?.contains(#""text":"edited","edited":17"#) == true)
        #expect(line(disk, 3)?.hasPrefix(first?.dropLast() ?? "?") == true)
        #expect(line(disk, 3)?.contains(#""_":{"reactions":[["👍",["#) == true)
        #expect(line(disk, 4)?.contains("text 3") == false)
        #expect(line(disk, 4)?.contains(#""deleted":true"#) == true)
        #expect(second != line(disk, 4))
        #expect(line(disk, 5) == third)
        // Nothing is left to be told of them, and no file is left over.
        #expect(rig.rooms["lobby"]?.untold.isEmpty == true)
        #expect(disk.files.keys.allSatisfy { !$0.hasSuffix(".new") })
        #expect(rig.stop() == [])
        // A second fold on top of the first keeps what that one has told.
        let again = try Rig(disk, sizes: Self.sizes)
        again.load()
        #expect(again.react(3, "🎉") == .written)
        #expect(again.edit(3, "text two") == .written)
        #expect(again.fold())
        #expect(line(disk, 3)?.contains(#"[["👍",["#) == true)
        #expect(line(disk, 3)?.contains(#""🎉""#) == true)
        #expect(line(disk, 3)?.contains("text two") == true)
        #expect(again.texts().count == 39)
    }

    @Test func fold_leavesTheNewestFileAlone() throws {
        let disk = SimulatedDisk()
        let rig = try rig(disk)
        #expect(rig.edit(41, "newest") == .written)
        #expect(rig.fold())
        #expect(line(disk, 41)?.contains("text 40") == true)
        #expect(rig.rooms["lobby"]?.untold.isEmpty == false)
        // When that is full, it is told.
        #expect(rig.say(41...60))
        #expect(rig.log.takeBegun().contains("lobby"))
        #expect(rig.fold())
        #expect(line(disk, 41)?.contains("newest") == true)
    }

    @Test func erase_takesTheTextOutOfAllFiles() throws {
        let disk = SimulatedDisk()
        let rig = try rig(disk)
        #expect(rig.edit(2, "secret one") == .written)
        #expect(rig.say(41...60))
        #expect(rig.edit(2, "secret two") == .written)
        #expect(rig.edit(50, "secret three") == .written)
        #expect(rig.fold())
        disk.overwrite(
            "/data/rooms/lobby/half-written-lines.txt",
            Array((line(disk, 2) ?? "").dropLast(10).utf8)
                + Array("\n{\"type\":\"mess\u{0}\u{0}\u{0},\"text\":\"secret one\"\nsomebody's own\n".utf8))
        #expect(stands("secret", in: disk).count > 2)
        #expect(rig.delete(2) == .written)
        #expect(rig.delete(50) == .written)
        #expect(disk.files.keys.contains("/data/erasing/lobby"))
        #expect(rig.fold(erases: true))
        #expect(stands("secret", in: disk) == [])
        #expect(stands("somebody's own", in: disk).count == 1)
        #expect(!disk.files.keys.contains("/data/erasing/lobby"))
        #expect(rig.rooms["lobby"]?.unerased == 0)
        #expect(rig.texts().count == 58)
        #expect(rig.say("goes on") == .written)
        #expect(rig.stop() == [])
        let again = try Rig(disk)
        again.load()
        #expect(again.texts().count == 59)
    }

    @Test func erase_atTheEnd_isDoneBeforeTheProcessEnds() throws {
        let disk = SimulatedDisk()
        let rig = try rig(disk)
        #expect(rig.say("secret") == .written)
        #expect(rig.delete(42) == .written)
        guard let room = rig.rooms["lobby"], case .begun = rig.log.fold(room, erases: true) else {
            return #expect(Bool(false), "the fold is not begun")
        }
        #expect(rig.stop() == [])
        #expect(stands("secret", in: disk) == [])
    }

    /// A file that is written anew is read by those who asked before, with what memory says on top of it.
    @Test func pages_acrossAFold_missNothing() throws {
        let disk = SimulatedDisk()
        for seed in 0..<20 as Range<UInt64> {
            let rig = try rig(SimulatedDisk(), seed: seed)
            for target in 2...20 as ClosedRange<UInt64> {
                #expect(rig.edit(target, String(repeating: "longer ", count: 20)) == .written)
            }
            guard let room = rig.rooms["lobby"], case .begun = rig.log.fold(room, erases: false) else { continue }
            for _ in 0..<5 { #expect(rig.lines(.messagesAfter(0, limit: .max))?.seqs == Array(2...41)) }
            #expect(rig.lines(.messagesBefore(100, limit: .max))?.seqs == Array(2...41))
        }
        _ = disk
    }

    /// Somebody has changed a file so that it has what no server writes: all of it stays.
    @Test func fold_ofAFileWithOtherLines_keepsThem() throws {
        let disk = SimulatedDisk()
        let rig = try rig(disk)
        let path = segments(disk)[0].path
        #expect(rig.stop() == [])
        let junk = "no JSON\n\n" + String(repeating: "x", count: 3 << 20) + "\nmore\r\n"
        disk.overwrite(path, Array(junk.utf8) + (disk.contents(path) ?? []))
        let again = try Rig(disk, sizes: Self.sizes)
        again.load()
        #expect(again.edit(2, "edited") == .written)
        #expect(again.fold())
        #expect(segments(disk)[0].text.hasPrefix(junk))
        #expect(line(disk, 2)?.contains("edited") == true)
    }

    @Test func fold_whoseWriteFails_changesNothing_andIsTriedAgain() throws {
        let disk = SimulatedDisk()
        let rig = try rig(disk)
        #expect(rig.edit(2, "edited") == .written)
        disk.plan = { $0.path.hasSuffix(".new") ? .fail(28) : nil }
        #expect(!rig.fold())
        #expect(line(disk, 2)?.contains("text 1") == true)
        disk.plan = nil
        #expect(rig.fold())
        #expect(line(disk, 2)?.contains("edited") == true)
    }

    /// A deletion and what it takes to erase it, stopped at every call to the disk.
    @Test(arguments: [true, false]) func crash_atAnyCall_losesNoOtherMessage_andErasesAllTheSame(power: Bool) throws {
        func live(_ disk: SimulatedDisk) -> Bool {
            guard let rig = try? Rig(disk, fsync: .always, sizes: Self.sizes), rig.load() != nil else { return false }
            for number in 1...30 where rig.say("text \(number)") != .written { return false }
            guard rig.say("secret") == .written, rig.edit(32, "secret, too") == .written, rig.say(31...40) else {
                return false
            }
            guard rig.delete(32) == .written else { return false }
            let ticket = rig.log.commit(now: rig.now)
            for _ in 0..<20 { rig.turn(by: 100_000_000) }
            guard rig.failure == nil, ticket ?? 0 <= rig.released else { return false }
            _ = rig.fold(erases: true)
            return true
        }
        let whole = SimulatedDisk()
        #expect(live(whole))
        #expect(stands("secret", in: whole) == [])
        for point in 0...whole.calls {
            let disk = SimulatedDisk()
            disk.plan = { $0.number >= point ? .fail(5) : nil }
            let isDeleted = live(disk)
            disk.plan = nil
            var random = SeededRandom(UInt64(point))
            if power { disk.cutPower(&random) } else { disk.kill() }
            let rig = try Rig(disk, fsync: .always, sizes: Self.sizes)
            let unfinished = rig.log.unfinishedErasures
            rig.load()
            guard isDeleted else { continue }
            // The door erases what is marked once the room is loaded.
            if unfinished == ["lobby"] { #expect(rig.fold(erases: true), "point \(point)") }
            #expect(stands("secret", in: disk) == [], "point \(point)")
            #expect(rig.texts() == (1...40).map { "text \($0)" }, "point \(point)")
            #expect(rig.stop() == [])
        }
    }

    // MARK: Searching

    @Test func search_findsNewestFirst_inPages() throws {
        let rig = try rig(SimulatedDisk())
        let first = try #require(rig.search("TEXT 1", limit: 5))
        #expect(first.texts == ["text 15", "text 16", "text 17", "text 18", "text 19"])
        let next = try #require(first.next)
        let second = try #require(rig.search("text 1", before: next, limit: 50))
        #expect(second.texts == ["text 1", "text 10", "text 11", "text 12", "text 13", "text 14"])
        #expect(second.next == nil)
        #expect(try #require(rig.search("nowhere")).texts == [])
        // Exactly as many as asked for: there is no more.
        #expect(try #require(rig.search("text 4", limit: 2)).next == nil)
    }

    @Test func search_knowsWhatWasDoneSince() throws {
        let rig = try rig(SimulatedDisk())
        #expect(rig.edit(2, "needle") == .written)
        #expect(rig.edit(41, "needle, too") == .written)
        #expect(rig.delete(31) == .written)
        // A line that is found by an edit is told as it stands: the room puts in what it knows.
        #expect(try #require(rig.search("needle")).texts == ["text 1", "text 40"])
        #expect(try #require(rig.search("text 30")).texts == [])
        #expect(try #require(rig.search("text 40")).texts == [])
    }

    @Test(arguments: [
        ("CAFÉ", "un café"), ("cafe\u{301}", "un café"), ("café", "un CAFE\u{301}"), ("straße", "STRASSE"),
        ("ss", "Maß"), ("find", "ﬁnd"), ("kelvin", "\u{212A}elvin"), ("привет", "ПРИВЕТ, мир"), ("你好", "说你好吗"),
        ("a\"b", "xa\"by"), ("a\\b", "A\\B"), ("👍", "gut 👍"), ("क", "कि"), ("two\nlines", "TWO\nLINES"), ("  ", "a  b"),
    ]) func search_isWithoutRegardToCaseAndForm(wanted: String, text: String) throws {
        let rig = try rig(SimulatedDisk())
        #expect(rig.say(text) == .written)
        #expect(rig.say("something else") == .written)
        #expect(try #require(rig.search(wanted)).texts.count == 1)
    }

    @Test(arguments: [
        ("cafe", "café"), ("cafe", "cafe\u{301}"), ("message", "other"), ("ada", "other"), ("lobby", "x"),
    ])
    func search_findsNoOther(wanted: String, text: String) throws {
        let rig = try rig(SimulatedDisk())
        #expect(rig.say(text) == .written)
        #expect(try #require(rig.search(wanted)).texts == [])
    }

    /// A line that somebody has written with escapes is found, too.
    @Test func search_findsWhatIsEscaped() throws {
        let disk = SimulatedDisk()
        disk.overwrite(
            segment(1),
            LogTests.line(1) + Array(#"{"type":"message","seq":2,"username":"Ada","text":"\u0048ello\u0021"}"#.utf8) + [
                10
            ])
        let rig = try Rig(disk)
        rig.load()
        #expect(try #require(rig.search("hello!")).texts.count == 1)
    }

    /// A search looks at 64 MiB, and says where to go on.
    @Test func search_ofMuch_endsAndGoesOn() throws {
        let disk = SimulatedDisk()
        let rig = try Rig(disk)
        rig.load()
        #expect(rig.say("needle") == .written)
        let filler = String(repeating: "filler ", count: 500)
        var id = 2 as UInt64
        while disk.files.keys.count < 25 {
            #expect(rig.say(filler) == .written)
            id += 1
        }
        let first = try #require(rig.search("needle"))
        #expect(first.texts == [])
        let next = try #require(first.next)
        #expect(next > 2 && next < id)
        #expect(try #require(rig.search("needle", before: next)).texts == ["needle"])
    }

    // MARK: The parts

    @Test func finder_findsWhatAPlainSearchFinds() {
        var random = SeededRandom(1)
        let alphabet = Array("abAB\\u\"n ".utf8)
        for _ in 0..<2000 {
            let text = (0..<random.number(0...120)).map { _ in alphabet[random.number(0...alphabet.count - 1)] }
            let wanted = (0..<random.number(1...4)).map { _ in Array("abAB ".utf8)[random.number(0...4)] }
            let cases = String(decoding: wanted, as: UTF8.self)
            guard
                let finder = PairFinder(lower: Array(cases.lowercased().utf8), upper: Array(cases.uppercased().utf8))
            else { continue }
            let start = random.number(0...5)
            let lowered = { (bytes: ArraySlice<UInt8>) in String(decoding: bytes, as: UTF8.self).lowercased() }
            var expected: Int?
            for place in start..<max(start, text.count) where expected == nil {
                let isEscape = text[place] == UInt8(ascii: "\\")
                let isThere = lowered(text[place...].prefix(wanted.count)) == lowered(wanted[...])
                if isEscape || isThere { expected = place }
            }
            #expect(finder.next(in: text.span, from: start) == expected)
        }
    }
}
