import Foundation
import History
import Simulation
import Testing

/// Random lives of a history on a disk that fails, is killed and loses its power, against a model that only remembers what
/// people were shown.
///
/// Some seeds are always the same, some are new each time; CHATLOOP_SEEDS says how many new ones. A failure prints its seed,
/// and CHATLOOP_SEED=N lives that life alone.
struct ModelTests {
    @Test(arguments: FsyncPolicy.allCases)
    func nothingShownIsLostOnAHealthyDisk(policy: FsyncPolicy) throws {
        for seed in seeds { try live(seed, policy, faults: 0, powerCuts: false) }
    }

    @Test(arguments: FsyncPolicy.allCases)
    func nothingShownIsLostThoughTheDiskFails(policy: FsyncPolicy) throws {
        for seed in seeds { try live(seed, policy, faults: 20, powerCuts: false) }
    }

    @Test(arguments: FsyncPolicy.allCases)
    func noSeqIsUsedTwiceThoughThePowerIsCut(policy: FsyncPolicy) throws {
        for seed in seeds { try live(seed, policy, faults: 0, powerCuts: true) }
    }

    @Test(arguments: FsyncPolicy.allCases)
    func noSeqIsUsedTwiceThoughEverythingFails(policy: FsyncPolicy) throws {
        for seed in seeds { try live(seed, policy, faults: 20, powerCuts: true) }
    }

    private var seeds: [UInt64] {
        let environment = ProcessInfo.processInfo.environment
        if let seed = environment["CHATLOOP_SEED"].flatMap(UInt64.init) { return [seed] }
        let count = environment["CHATLOOP_SEEDS"].flatMap(Int.init) ?? 8
        return [302, 307, 345, 506, 515, 523] + (0..<count).map { _ in UInt64.random(in: 1000...9_999_999) }
    }

    private func live(_ seed: UInt64, _ policy: FsyncPolicy, faults: UInt64, powerCuts: Bool) throws {
        let life = Life(seed: seed, policy: policy, faults: faults, powerCuts: powerCuts)
        life.run(steps: 250)
        try #require(
            life.violations.isEmpty,
            "seed \(seed), \(policy): \(life.violations.prefix(3))\n\(life.trace.suffix(25).joined(separator: "\n"))")
    }
}

/// One random life.
private final class Life {
    struct Room {
        /// What people were shown, by seq.
        var shown: [UInt64: [UInt8]] = [:]
        /// When each was shown.
        var times: [UInt64: UInt64] = [:]
        /// Everything that was ever tried to be written under a seq.
        var tried: [UInt64: [[UInt8]]] = [:]
        var newest: UInt64 = 0
        var greatestShown: UInt64 = 0
        var isLoaded = false
        /// A crash has come since it was loaded: it may hold what was written and not shown; and nobody has synced what it
        /// holds since.
        var hasCrashed = false
        /// With `never`, one after whose crash nobody can tell what was synced.
        var isUncertain = false
    }

    let policy: FsyncPolicy
    let faults: UInt64
    let powerCuts: Bool
    let disk = SimulatedDisk()
    var history: History
    var random: SeededRandom
    var now: UInt64 = 1_000_000_000
    var rooms: [String: Room] = ["lobby": Room(), "tea": Room(), "x-1": Room()]
    /// What the journal may hold: after a rewrite in the background, either the old lines or the new ones.
    var journals: [[String]] = [[]]
    var journalTried: Set<String> = []
    var nextJournalLine = 0
    var violations: [String] = []
    var trace: [String] = []

    init(seed: UInt64, policy: FsyncPolicy, faults: UInt64, powerCuts: Bool) {
        self.policy = policy
        self.faults = faults
        self.powerCuts = powerCuts
        random = SeededRandom(seed)
        history = History(disk: disk, directory: "/data", fsync: policy, segmentBytes: 700, openFiles: 2)
    }

    func chance(_ percent: UInt64) -> Bool { random.next() % 100 < percent }
    func note(_ text: String) { trace.append(text) }
    func violate(_ text: String) {
        violations.append(text)
        note("VIOLATION " + text)
    }

    func run(steps: Int) {
        disk.syncDelay = Int(random.next() % 4)
        let box = Box(SeededRandom(random.next()))
        disk.writesBack = { box.random.next() % 8 == 0 }
        reopen()
        for _ in 0..<steps where violations.isEmpty {
            switch random.next() % 100 {
            case 0..<70: tick(crash: false)
            case 70..<72: tick(crash: true)
            case 72..<78: loadSome()
            case 78..<82: forgetSome()
            case 82..<85: crash(power: false)
            case 85..<87: crash(power: powerCuts)
            case 87..<89: stop()
            case 89..<91: rewriteJournal()
            default: read()
            }
        }
        disk.plan = nil
        stop()
        for name in rooms.keys.sorted() { load(name) }
    }

    private func setFaults() {
        guard faults > 0, chance(40) else {
            disk.plan = nil
            return
        }
        let generator = SeededRandom(random.next())
        let box = Box(generator)
        let rate = faults
        disk.plan = { call in
            guard box.random.next() % 1000 < rate * 5 else { return nil }
            if call.operation == .append || call.operation == .read, box.random.next() % 2 == 0 {
                return .short(Int(box.random.next() % 60) + 1)
            }
            return .fail([5, 28, 24, 30][Int(box.random.next() % 4)])
        }
    }

    private final class Box {
        var random: SeededRandom
        init(_ random: SeededRandom) { self.random = random }
    }

    // MARK: What a server does

    func reopen() {
        disk.plan = nil
        for name in rooms.keys { rooms[name]?.isLoaded = false }
        history = History(disk: disk, directory: "/data", fsync: policy, segmentBytes: 700, openFiles: 2)
        do {
            let opened = try history.open()
            checkJournal(String(decoding: opened.journal, as: UTF8.self).split(separator: "\n").map(String.init))
        } catch {
            violate("does not open: \(error)")
        }
    }

    func load(_ name: String) {
        disk.plan = nil
        history.request(ReadRequest(.load, room: name, tag: 1))
        for _ in 0..<100_000 {
            for result in history.advance(byteBudget: 1 << 16) {
                guard result.request.kind == .load, result.request.room == name else { continue }
                guard case .loaded(let loaded) = result.outcome else {
                    return violate("load of \(name): \(result.outcome)")
                }
                rooms[name]?.isLoaded = true
                took(loaded, name)
                return
            }
            now += 20_000_000
            history.tick(now: now)
        }
        violate("load of \(name) never ends")
    }

    func took(_ loaded: LoadedRoom, _ name: String) {
        guard var room = rooms[name] else { return }
        note(
            "loaded \(name) newest \(loaded.newest) torn \(loaded.repair.tornBytes) skipped \(loaded.repair.skippedSeqs)"
        )
        if loaded.newest < room.greatestShown {
            violate("\(name) goes on after \(loaded.newest), but \(room.greatestShown) was shown")
        }
        room.newest = loaded.newest
        rooms[name] = room
        compare(name)
    }

    /// Everything in the room's log against everything that was shown.
    func compare(_ name: String) {
        guard var room = rooms[name], room.isLoaded else { return }
        var present: [UInt64: [UInt8]] = [:]
        for line in wholeRoom(name) { present[seqs(line).first ?? 0] = line }
        for (seq, line) in present {
            if let shown = room.shown[seq], shown != line { violate("\(name) \(seq) is another event than was shown") }
            if room.tried[seq]?.contains(line) != true { violate("\(name) \(seq) was never written") }
        }
        for (seq, _) in room.shown where present[seq] == nil { violate("\(name) \(seq) was shown and is gone") }
        // What was written but not shown before a crash is there for everyone now.
        if !room.hasCrashed, !room.isUncertain, room.shown != present { violate("\(name) holds what nobody was shown") }
        if room.hasCrashed { room.times = present.mapValues { _ in now } }
        room.shown = present
        room.hasCrashed = false
        room.greatestShown = max(room.greatestShown, present.keys.max() ?? 0)
        rooms[name] = room
    }

    func wholeRoom(_ name: String) -> [[UInt8]] {
        var found: [[UInt8]] = []
        guard
            case .since(let block, let leftOut) = history.answer(.since(after: 0, limit: 1000), room: name, from: &now)?
                .outcome
        else {
            violate("\(name) can't be read")
            return []
        }
        if leftOut { note("too many events for one answer") }
        for line in block.bytes.split(separator: 0x0A) { found.append(Array(line) + [0x0A]) }
        return found
    }

    func tick(crash crashes: Bool) {
        setFaults()
        now += random.next() % 300_000_000
        let text = #"{"n":\#(nextJournalLine)}"#
        nextJournalLine += 1
        let journalLines = chance(70)
        if journalLines {
            journalTried.insert(text)
            guard history.appendJournal(text + "\n") == .written else {
                note("journal refused")
                return history.tick(now: now)
            }
        }
        var written: [(name: String, lines: [(UInt64, [UInt8])])] = []
        for name in rooms.keys.sorted() where rooms[name]?.isLoaded == true && chance(60) {
            guard var room = rooms[name] else { continue }
            let lines = (1...(1 + random.next() % 4)).map { offset -> (UInt64, [UInt8]) in
                let seq = room.newest + offset
                return (seq, line(seq, "\(random.next() % 1000) of \(seq)", type: chance(70) ? "message" : "join"))
            }
            for (seq, bytes) in lines { room.tried[seq, default: []].append(bytes) }
            rooms[name] = room
            let outcome = history.append(lines.flatMap { $0.1 }, at: room.newest + 1, room: name)
            note("append \(name) \(room.newest + 1)...\(room.newest + UInt64(lines.count)): \(outcome)")
            if outcome == .written { written.append((name, lines)) }
        }
        if crashes { return crash(power: powerCuts && chance(50)) }
        let outcome = history.commit()
        if !outcome.isGood { note("commit: \(outcome)") }
        if journalLines, outcome.journal == nil { for index in journals.indices { journals[index].append(text) } }
        for (name, lines) in written where !outcome.rooms.contains(where: { $0.room == name }) { show(name, lines) }
        history.tick(now: now)
        for result in history.advance(byteBudget: 4096) { check(result) }
        if disk.openFiles > 40 { violate("\(disk.openFiles) files are open") }
    }

    func show(_ name: String, _ lines: [(UInt64, [UInt8])]) {
        for (seq, bytes) in lines {
            rooms[name]?.shown[seq] = bytes
            rooms[name]?.times[seq] = now
            rooms[name]?.newest = seq
            rooms[name]?.greatestShown = seq
        }
    }

    func loadSome() {
        for name in rooms.keys.sorted() where rooms[name]?.isLoaded == false && chance(60) { load(name) }
    }

    func forgetSome() {
        for name in rooms.keys.sorted() where rooms[name]?.isLoaded == true && chance(30) {
            note("forget \(name)")
            rooms[name]?.isLoaded = false
            // With `never`, only the rooms in use are synced at the end.
            if policy == .never { rooms[name]?.hasCrashed = true }
            history.forget(room: name)
        }
    }

    func rewriteJournal() {
        setFaults()
        let kept = (journals.last ?? []).suffix(3)
        let bytes = Array(kept.map { $0 + "\n" }.joined().utf8)
        let outcome = history.rewriteJournal(bytes.span)
        note("rewrite the journal: \(outcome)")
        if outcome == .written {
            journals.append(Array(kept))
            if policy != .everySecond, !powerCuts { journals = [Array(kept)] }
        }
    }

    // MARK: What happens to it

    func stop() {
        disk.plan = nil
        let errors = history.closeAndSync()
        note("stopped \(errors)")
        if disk.openFiles > 0 { violate("\(disk.openFiles) files are open after the end") }
        if powerCuts, errors.isEmpty, chance(50) {
            note("power cut after a clean stop")
            disk.cutPower(&random)
            forgetWhatMayBeLost(rooms.keys.filter { rooms[$0]?.hasCrashed == true || rooms[$0]?.isUncertain == true })
        }
        reopen()
    }

    func crash(power: Bool) {
        note(power ? "power cut" : "kill")
        if power {
            disk.cutPower(&random)
            forgetWhatMayBeLost(Array(rooms.keys))
            if policy != .always { journals = [] }
        } else {
            disk.kill()
            // The next server can't know that a sync failed if this one had no time to repair it.
            disk.forgiveFailedSyncs()
        }
        for name in rooms.keys {
            rooms[name]?.hasCrashed = true
            rooms[name]?.isUncertain = policy == .never
        }
        reopen()
    }

    /// With `always` nothing; otherwise what was shown within the last second, or longer ago where syncs fail.
    func forgetWhatMayBeLost(_ names: [String]) {
        guard policy != .always else { return }
        for name in names {
            guard let room = rooms[name] else { continue }
            for (seq, _) in room.shown {
                // What is still in the log must be what was shown: kept in `tried` alone, where it was shown.
                if let shown = room.shown[seq] { rooms[name]?.tried[seq] = [shown] }
                // A tick comes every 0.3 s at the most here: one to notice the bytes, one more until the batch is due.
                let age = now - (room.times[seq] ?? 0)
                if policy == .everySecond, faults == 0, disk.syncDelay == 0, age > 1_600_000_000, !room.hasCrashed {
                    continue
                }
                rooms[name]?.shown[seq] = nil
            }
        }
    }

    func checkJournal(_ lines: [String]) {
        if journals.isEmpty {
            for line in lines where !journalTried.contains(line) { violate("the journal says \(line)") }
        } else if !journals.contains(where: { lines.starts(with: $0) || isSubsequence($0, of: lines) }) {
            violate("the journal is \(lines), should be one of \(journals)")
        }
        journals = [lines]
    }

    /// Lines that were refused, or written before a crash, may be in between.
    private func isSubsequence(_ part: [String], of whole: [String]) -> Bool {
        var rest = whole[...]
        for line in part {
            guard let index = rest.firstIndex(of: line) else { return false }
            rest = rest[(index + 1)...]
        }
        return true
    }

    // MARK: Reading

    func read() {
        guard let name = rooms.keys.sorted().randomElement(using: &random), let room = rooms[name], room.isLoaded else {
            return
        }
        setFaults()
        let seq = random.next() % (room.newest + 2)
        let limit = Int(random.next() % 12) + 1
        let kind: ReadRequest.Kind =
            switch random.next() % 4 {
            case 0: .messages(before: seq, limit: limit)
            case 1: .event(seq: seq)
            case 2: .since(after: seq, limit: limit)
            default: .load
            }
        guard let result = history.answer(kind, room: name, budget: 1, from: &now) else {
            return violate("no answer to \(kind)")
        }
        check(result)
    }

    /// No room changes between a question and its answer here.
    func check(_ result: ReadResult) {
        guard let room = rooms[result.request.room], room.isLoaded else { return }
        let shown = room.shown.keys.sorted()
        switch (result.request.kind, result.outcome) {
        case (.messages(let before, let limit), .messages(let block, let more)):
            let all = shown.filter {
                $0 < before && (room.shown[$0] ?? []).starts(with: Array(#"{"type":"message""#.utf8))
            }
            if seqs(block.bytes) != Array(all.suffix(limit)) || more != (all.count > limit) {
                violate("\(result.request): \(seqs(block.bytes)) \(more), should be \(all.suffix(limit))")
            }
        case (.event(let seq), .event(let bytes)):
            if bytes != room.shown[seq] { violate("\(result.request): \(bytes.map { seqs($0) } ?? [])") }
        case (.since(let after, let limit), .since(let block, let leftOut)):
            let all = shown.filter { $0 > after }
            if seqs(block.bytes) != Array(all.suffix(limit)) || leftOut != (all.count > limit) {
                violate("\(result.request): \(seqs(block.bytes)) \(leftOut), should be \(all.suffix(limit))")
            }
        case (.load, .loaded(let loaded)):
            if seqs(loaded.events.bytes) != Array(shown.suffix(1000)) || loaded.newest != room.newest {
                violate("\(result.request): newest \(loaded.newest), should be \(room.newest)")
            }
        case (_, .failed(let error)):
            if disk.plan == nil { violate("\(result.request): \(error)") }
        default:
            violate("\(result.request): \(result.outcome)")
        }
    }
}
