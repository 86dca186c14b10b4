import Log
import Simulation
import Testing

@testable import Chat

/// One short life, stopped at every single call to the disk, by a power cut and by a kill.
struct CrashPointTests {
    private struct Life {
        let disk = SimulatedDisk()
        /// What people were shown, by room.
        var shown: [String: [String]] = ["lobby": [], "tea": []]
        var said: [String: [String]] = ["lobby": [], "tea": []]
        var greatest: [String: UInt64] = ["lobby": 0, "tea": 0]

        private static var sizes: LogSizes {
            var sizes = LogSizes()
            (sizes.segment, sizes.openFiles) = (500, 1)
            return sizes
        }

        func open(_ policy: FsyncPolicy) throws -> Rig { try Rig(disk, fsync: policy, sizes: Life.sizes) }

        /// Eight ticks in two rooms, with everything that a server does.
        mutating func live(_ policy: FsyncPolicy) {
            guard let rig = try? open(policy) else { return }
            for name in ["lobby", "tea"] where rig.load(name) == nil { return }
            for tick in 0..<8 {
                var written: [(room: String, text: String)] = []
                for name in ["lobby", "tea"] {
                    let text = "\(name) \(tick)"
                    said[name]?.append(text)
                    if rig.say(text, name) == .written { written.append((name, text)) }
                }
                let ticket = rig.log.commit(now: rig.now)
                for _ in 0..<6 { rig.turn(by: 100_000_000) }
                if rig.failure != nil { return }
                for (name, text) in written where ticket.map({ $0 <= rig.released }) ?? (policy != .always) {
                    shown[name]?.append(text)
                    greatest[name] = rig.rooms[name]?.seq
                }
            }
            _ = rig.stop()
        }
    }

    @Test(arguments: FsyncPolicy.allCases, [true, false])
    func crash_atAnyCall_losesNothingShown_andUsesNoSeqTwice(policy: FsyncPolicy, power: Bool) throws {
        var whole = Life()
        whole.live(policy)
        #expect(whole.shown["tea"]?.count == 8)
        for point in 0...whole.disk.calls {
            var life = Life()
            life.disk.plan = { $0.number >= point ? .fail(5) : nil }
            life.live(policy)
            life.disk.plan = nil
            var random = SeededRandom(UInt64(point))
            if power { life.disk.cutPower(&random) } else { life.disk.kill() }
            let rig = try life.open(policy)
            for name in ["lobby", "tea"] {
                let room = try #require(rig.load(name), "point \(point)")
                let texts = rig.texts(name)
                let context = "\(name), point \(point)"
                #expect(room.seq >= life.greatest[name] ?? 0, "\(context)")
                #expect(
                    life.said[name]?.starts(with: texts) == true
                        || texts.allSatisfy { life.said[name]?.contains($0) == true }, "\(context)")
                if !power || policy == .always {
                    let lost = Set(life.shown[name] ?? []).subtracting(texts)
                    #expect(lost == [], "\(context)")
                }
                #expect(rig.say("on", name) == .written)
                #expect(rig.texts(name) == texts + ["on"], "\(context)")
            }
            #expect(rig.stop() == [])
        }
    }
}
