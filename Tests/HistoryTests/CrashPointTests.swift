import History
import Simulation
import Testing

/// One short life, stopped at every single call to the disk, by a power cut and by a kill.
struct CrashPointTests {
    private struct Life {
        let disk = SimulatedDisk()
        var shown: [String: [UInt8]] = ["lobby": [], "tea": []]
        var newest: [String: UInt64] = ["lobby": 0, "tea": 0]
        var tried: [String: Set<[UInt8]>] = ["lobby": [], "tea": []]

        func open(_ policy: FsyncPolicy) -> History? {
            let history = History(disk: disk, directory: "/data", fsync: policy, segmentBytes: 400, openFiles: 1)
            do {
                _ = try history.open()
                return history
            } catch {
                return nil
            }
        }

        /// Eight ticks in two rooms, with everything that a server does.
        mutating func live(_ policy: FsyncPolicy) {
            guard let history = open(policy) else { return }
            for room in ["lobby", "tea"] where history.load(room) == nil { return }
            var now: UInt64 = 0
            for tick in 0..<8 {
                guard history.appendJournal("{\"tick\":\(tick)}\n") == .written else { continue }
                var written: [(room: String, block: [UInt8], last: UInt64)] = []
                for room in ["lobby", "tea"] {
                    let first = (newest[room] ?? 0) + 1
                    let block = (first...first + 2).map { line($0, "in tick \(tick)") }
                    for line in block { tried[room]?.insert(line) }
                    let bytes = Array(block.joined())
                    if history.append(bytes, at: first, room: room) == .written {
                        written.append((room, bytes, first + 2))
                    }
                }
                let refused = history.commit().rooms.map(\.room)
                for (room, block, last) in written where !refused.contains(room) {
                    shown[room]? += block
                    newest[room] = last
                }
                if tick == 4 { _ = history.rewriteJournal(Array("{\"snapshot\":1}\n".utf8).span) }
                now += 500_000_000
                history.tick(now: now)
            }
            _ = history.closeAndSync()
        }
    }

    @Test(arguments: FsyncPolicy.allCases, [true, false])
    func nothingShownIsLostAtAnyPoint(policy: FsyncPolicy, power: Bool) throws {
        var whole = Life()
        whole.live(policy)
        #expect(whole.newest == ["lobby": 24, "tea": 24])
        let calls = whole.disk.calls
        for point in 0...calls {
            var life = Life()
            // From here on the disk answers no more: whatever the server believes then, nobody is told.
            life.disk.plan = { $0.number >= point ? .fail(5) : nil }
            life.live(policy)
            life.disk.plan = nil
            var random = SeededRandom(UInt64(point))
            if power { life.disk.cutPower(&random) } else { life.disk.kill() }
            let history = try #require(life.open(policy))
            for room in ["lobby", "tea"] {
                let loaded = try #require(history.load(room))
                let found = loaded.events.bytes
                let shown = life.shown[room] ?? []
                if policy == .always || !power {
                    #expect(found.starts(with: shown), "\(room), stopped at call \(point) of \(calls)")
                }
                #expect(loaded.newest >= life.newest[room] ?? 0, "\(room), stopped at call \(point) of \(calls)")
                for line in found.split(separator: 0x0A) {
                    #expect(life.tried[room]?.contains(Array(line) + [0x0A]) == true)
                }
                let next = loaded.newest + 1
                #expect(history.append(line(next), at: next, room: room) == .written)
            }
            #expect(history.commit().isGood)
            #expect(history.closeAndSync() == [])
        }
    }
}
