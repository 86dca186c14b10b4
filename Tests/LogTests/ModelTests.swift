import Foundation
import Log
import Simulation
import Testing

@testable import Chat

/// Random lives of a log on a disk that refuses, is killed and loses its power, against a model that only remembers what people
/// were shown.
///
/// Some seeds are always the same, some are new each time; CHATLOOP_SEEDS says how many new ones. A failure prints its seed,
/// and CHATLOOP_SEED=N lives that life alone.
struct ModelTests {
    @Test(arguments: FsyncPolicy.allCases)
    func healthyDisk_losesNothing(policy: FsyncPolicy) throws {
        for seed in seeds { try live(seed, policy, faults: false, powerCuts: false) }
    }

    @Test(arguments: FsyncPolicy.allCases)
    func refusingDisk_losesNothingShown(policy: FsyncPolicy) throws {
        for seed in seeds { try live(seed, policy, faults: true, powerCuts: false) }
    }

    @Test(arguments: FsyncPolicy.allCases)
    func powerCuts_useNoSeqTwice(policy: FsyncPolicy) throws {
        for seed in seeds { try live(seed, policy, faults: false, powerCuts: true) }
    }

    @Test(arguments: FsyncPolicy.allCases)
    func everythingAtOnce_usesNoSeqTwice(policy: FsyncPolicy) throws {
        for seed in seeds { try live(seed, policy, faults: true, powerCuts: true) }
    }

    private var seeds: [UInt64] {
        let environment = ProcessInfo.processInfo.environment
        if let seed = environment["CHATLOOP_SEED"].flatMap(UInt64.init) { return [seed] }
        let count = environment["CHATLOOP_SEEDS"].flatMap(Int.init) ?? 3
        return [302, 345, 506] + (0..<count).map { _ in UInt64.random(in: 1000...9_999_999) }
    }

    private func live(_ seed: UInt64, _ policy: FsyncPolicy, faults: Bool, powerCuts: Bool) throws {
        let life = Life(seed: seed, policy: policy, faults: faults, powerCuts: powerCuts)
        try life.run(steps: 150)
        try #require(
            life.violations.isEmpty,
            "seed \(seed), \(policy): \(life.violations.prefix(3))\n\(life.trace.suffix(25).joined(separator: "\n"))")
    }
}

/// One random life.
private final class Life {
    /// What is known of a room.
    struct Shown {
        /// What was said under a seq and shown, and when.
        var texts: [UInt64: (text: String, time: Int64)] = [:]
        /// What was written and not shown yet (with `always`), with its ticket.
        var waiting: [(seq: UInt64, text: String, ticket: UInt64)] = []
        var greatest: UInt64 = 0
        /// Everything that was ever tried.
        var tried: Set<String> = []
    }

    let policy: FsyncPolicy
    let faults: Bool
    let powerCuts: Bool
    let disk = SimulatedDisk()
    private var random: SeededRandom
    private var rig: Rig?
    private var model: [String: Shown] = ["lobby": Shown(), "tea": Shown(), "x-1": Shown()]
    private var names: [String] { model.keys.sorted() }
    private var clock: Int64 = 0
    private var number = 0
    private(set) var violations: [String] = []
    private(set) var trace: [String] = []

    init(seed: UInt64, policy: FsyncPolicy, faults: Bool, powerCuts: Bool) {
        (self.policy, self.faults, self.powerCuts) = (policy, faults, powerCuts)
        random = SeededRandom(seed)
    }

    private func violate(_ text: String) {
        violations.append(text)
        trace.append("VIOLATION " + text)
    }

    func run(steps: Int) throws {
        let box = Box(random.next())
        disk.writesBack = { box.random.happens(0.1) }
        try reopen()
        for _ in 0..<steps where violations.isEmpty {
            switch random.number(0...99) {
            case 0..<75: tick()
            case 75..<82: if let name = names.randomElement(using: &random) { load(name) }
            case 82..<87: if let name = names.randomElement(using: &random) { forget(name) }
            case 87..<90: try crash(power: false)
            case 90..<93: try crash(power: powerCuts)
            case 93..<95: try stop()
            default: check(names[random.number(0...2)])
            }
        }
        disk.plan = nil
        try stop()
        for name in names {
            load(name)
            check(name)
        }
    }

    private final class Box {
        var random: SeededRandom
        init(_ seed: UInt64) { random = SeededRandom(seed) }
    }

    private func setFaults() {
        guard faults, random.happens(0.4) else {
            disk.plan = nil
            return
        }
        let box = Box(random.next())
        disk.plan = { call in
            // A sync that fails ends the process; that is tested by itself.
            guard call.operation != .sync, box.random.happens(0.1) else { return nil }
            if call.operation == .append || call.operation == .read, box.random.happens(0.5) {
                return .short(box.random.number(1...60))
            }
            return .fail([5, 28, 24, 30][box.random.number(0...3)])
        }
    }

    // MARK: What a server does

    private func reopen() throws {
        disk.plan = nil
        var sizes = LogSizes()
        (sizes.segment, sizes.openFiles, sizes.snapshotPiece) = (900, 2, 200)
        let rig = try Rig(disk, fsync: policy, sizes: sizes, seed: random.next())
        rig.now = clock
        self.rig = rig
    }

    private func load(_ name: String) {
        guard let rig, rig.rooms[name] == nil else { return }
        setFaults()
        let room = rig.load(name)
        disk.plan = nil
        release()
        guard let room else { return trace.append("load of \(name) failed") }
        trace.append("loaded \(name) at \(room.seq)")
        for (seq, said) in model[name]?.texts ?? [:] where said.time > clock { model[name]?.texts[seq]?.time = clock }
        if room.seq < model[name]?.greatest ?? 0 { violate("\(name) goes on after \(room.seq)") }
        check(name)
    }

    private func forget(_ name: String) {
        trace.append("forget \(name)")
        rig?.forget(name)
    }

    private func tick() {
        guard let rig else { return }
        setFaults()
        var written: [(name: String, said: [(UInt64, String)])] = []
        for name in names where rig.rooms[name] != nil && random.happens(0.6) {
            guard
                let id = rig.rooms[name]?.present.first
                    ?? rig.enter("user-\(number)", name, session: UInt128(number) + 1)
            else {
                continue
            }
            let before = rig.rooms[name]?.seq ?? 0
            var texts: [String] = []
            for _ in 0..<random.number(1...3) {
                number += 1
                texts.append("text \(number)")
                rig.post("text \(number)", by: id, name)
            }
            let last = rig.rooms[name]?.seq ?? 0
            model[name]?.tried.formUnion(texts)
            let outcome = rig.write(name)
            trace.append("write \(name) \(before + 1)...\(last): \(outcome)")
            guard outcome == .written else { continue }
            written.append((name, zip(last - UInt64(texts.count) + 1...last, texts).map { ($0, $1) }))
        }
        let ticket = rig.log.commit(now: rig.now)
        for (name, said) in written {
            for (seq, text) in said {
                if policy == .always, let ticket {
                    model[name]?.waiting.append((seq, text, ticket))
                } else {
                    show(name, seq, text)
                }
            }
        }
        rig.turn(by: Int64(random.number(0...300)) * 1_000_000)
        clock = rig.now
        disk.plan = nil
        release()
        if rig.failure != nil { violate("a sync failed") }
        if disk.openFiles > 20 { violate("\(disk.openFiles) files are open") }
    }

    private func show(_ name: String, _ seq: UInt64, _ text: String) {
        guard var shown = model[name] else { return }
        if let other = shown.texts[seq], other.text != text { violate("\(name) \(seq) was used twice") }
        shown.texts[seq] = (text, clock)
        shown.greatest = max(shown.greatest, seq)
        model[name] = shown
    }

    private func release() {
        let released = rig?.released ?? 0
        for name in names {
            let waiting = model[name]?.waiting ?? []
            for (seq, text, ticket) in waiting where ticket <= released { show(name, seq, text) }
            model[name]?.waiting = waiting.filter { $0.ticket > released }
        }
    }

    // MARK: What happens to it

    private func stop() throws {
        disk.plan = nil
        let errors = rig?.stop() ?? []
        trace.append("stop: \(errors)")
        if errors != [] { violate("the stop fails: \(errors)") }
        if disk.openFiles > 0 { violate("\(disk.openFiles) files are open after the end") }
        for name in names { model[name]?.waiting = [] }
        if powerCuts, random.happens(0.5) { disk.cutPower(&random) }
        try reopen()
    }

    private func crash(power: Bool) throws {
        trace.append(power ? "power cut" : "kill")
        if power { disk.cutPower(&random) } else { disk.kill() }
        for name in names {
            model[name]?.waiting = []
            // With `always` nothing that was shown is lost; with `everysecond` at most what was shown in the last second, and
            // the disk's own time: two ticks of 0.3 s to begin the sync, and some for the end.
            guard policy != .always else { continue }
            for (seq, said) in model[name]?.texts ?? [:] where policy == .never || clock - said.time < 6_000_000_000 {
                // What a killed process has written last is left to the system until its room is loaded.
                model[name]?.texts[seq] = power ? nil : (said.text, .max / 2)
            }
        }
        try reopen()
    }

    // MARK: What must be so

    /// Everything in the room's log against everything that was shown.
    private func check(_ name: String) {
        guard let rig, rig.rooms[name] != nil else { return }
        disk.plan = nil
        guard case .lines(let bytes, false) = rig.read(.since(0, limit: .max), name) else {
            return violate("\(name) cannot be read")
        }
        release()
        var present: [UInt64: String] = [:]
        for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") {
            let bytes = Array(line.utf8)
            guard let seq = seqs(bytes).first, let text = textsOf(bytes).first else { continue }
            if present[seq] != nil { violate("\(name) \(seq) is there twice") }
            present[seq] = text
            if model[name]?.tried.contains(text) != true { violate("\(name) \(seq) was never said") }
        }
        for (seq, said) in model[name]?.texts ?? [:] where present[seq] != said.text {
            violate("\(name) \(seq) was shown and is \(present[seq] ?? "gone")")
        }
    }
}
