import History
import Simulation
import Testing

struct JournalTests {
    private let path = "/data/journal"

    private func open(
        _ disk: SimulatedDisk, _ policy: FsyncPolicy = .everySecond
    ) throws -> (History, journal: String, Repair) {
        let history = History(disk: disk, directory: "/data", fsync: policy)
        let (journal, repair) = try history.open()
        return (history, String(decoding: journal, as: UTF8.self), repair)
    }

    private func rewrite(_ history: History, _ text: String) -> AppendOutcome {
        let bytes = Array(text.utf8)
        return history.rewriteJournal(bytes.span)
    }

    private func tick(_ history: History, seconds: ClosedRange<UInt64>) {
        for tenth in seconds.lowerBound * 10...seconds.upperBound * 10 { history.tick(now: tenth * 100_000_000) }
    }

    @Test func aTornEndIsCutOffAndDamagedLinesAreLeftOut() throws {
        let whole = "{\"n\":1}\n{\"n\":2}\n"
        for end in 8...whole.utf8.count {
            let disk = SimulatedDisk()
            disk.overwrite(path, Array(whole.utf8.prefix(end)))
            let (history, journal, repair) = try open(disk)
            #expect(journal == (end == 16 ? whole : "{\"n\":1}\n"))
            #expect(repair.tornBytes == (end == 16 ? 0 : Int64(end - 8)))
            #expect(history.appendJournal("{\"n\":3}\n") == .written)
            #expect(disk.contents(path) == Array((journal + "{\"n\":3}\n").utf8))
        }
        let disk = SimulatedDisk()
        disk.overwrite(path, Array("{\"n\":1}\n\0\0\0\n[]\n{\"n\":2\n\n{\"n\":3}\n".utf8))
        let (_, journal, repair) = try open(disk)
        #expect(journal == "{\"n\":1}\n{\"n\":3}\n")
        #expect(repair.damagedLines == 4)
    }

    @Test(arguments: FsyncPolicy.allCases)
    func aRewriteReplacesEverything(policy: FsyncPolicy) throws {
        let disk = SimulatedDisk()
        let (history, _, _) = try open(disk, policy)
        for _ in 0..<10 { #expect(history.appendJournal("{\"old\":1}\n") == .written) }
        #expect(history.commit().isGood)
        #expect(rewrite(history, "{\"new\":1}\n") == .written)
        // Lines that come before it has taken the name are in both.
        #expect(history.appendJournal("{\"n\":2}\n") == .written)
        #expect(history.commit().isGood)
        tick(history, seconds: 1...3)
        #expect(history.journalBytes == 18)
        #expect(history.appendJournal("{\"n\":3}\n") == .written)
        #expect(history.closeAndSync() == [])
        #expect(disk.files.keys.sorted() == ["/data/journal", "/data/lock"])
        #expect(try open(disk).journal == "{\"new\":1}\n{\"n\":2}\n{\"n\":3}\n")
    }

    /// At every single call to the disk the power may go: the journal is the old one or the new one, with all that was synced.
    @Test(arguments: FsyncPolicy.allCases)
    func aRewriteIsAllOrNothing(policy: FsyncPolicy) throws {
        for stop in 0..<25 {
            for seed in UInt64(1)...8 {
                let disk = SimulatedDisk()
                let (history, _, _) = try open(disk, policy)
                for n in 1...3 { #expect(history.appendJournal("{\"old\":\(n)}\n") == .written) }
                #expect(history.commit().isGood)
                tick(history, seconds: 1...3)
                let begin = disk.calls
                disk.plan = { $0.number >= begin + stop ? .fail(5) : nil }
                _ = rewrite(history, "{\"new\":1}\n")
                _ = history.commit()
                tick(history, seconds: 4...5)
                disk.plan = nil
                var random = SeededRandom(seed)
                disk.cutPower(&random)
                let (_, journal, _) = try open(disk, policy)
                if policy == .never { continue }
                #expect(
                    ["{\"old\":1}\n{\"old\":2}\n{\"old\":3}\n", "{\"new\":1}\n"].contains(journal), "\(stop) \(seed)")
            }
        }
    }

    @Test func aRewriteThatFailsLeavesTheOldOne() throws {
        for operation in [StorageError.Operation.open, .append, .sync, .rename] {
            for policy in [FsyncPolicy.always, .everySecond] {
                let disk = SimulatedDisk()
                let (history, _, _) = try open(disk, policy)
                #expect(history.appendJournal("{\"old\":1}\n") == .written)
                #expect(history.commit().isGood)
                disk.plan = { $0.operation == operation && $0.path == "/data/journal.new" ? .fail(28) : nil }
                let outcome = rewrite(history, "{\"new\":1}\n")
                if policy == .always || operation == .open || operation == .append { #expect(outcome != .written) }
                tick(history, seconds: 1...3)
                #expect(history.appendJournal("{\"n\":2}\n") == .written)
                disk.plan = nil
                tick(history, seconds: 4...6)
                #expect(history.closeAndSync() == [])
                #expect(disk.contents("/data/journal.new") == nil)
                #expect(try open(disk).journal == "{\"old\":1}\n{\"n\":2}\n", "\(operation) \(policy)")
            }
        }
    }

    @Test func aSecondRewriteOvertakesTheFirst() throws {
        let disk = SimulatedDisk()
        disk.syncDelay = 3
        let (history, _, _) = try open(disk)
        #expect(history.appendJournal("{\"old\":1}\n") == .written)
        #expect(rewrite(history, "{\"new\":1}\n") == .written)
        history.tick(now: 1_000_000_000)
        #expect(rewrite(history, "{\"new\":2}\n") == .written)
        tick(history, seconds: 2...6)
        #expect(history.closeAndSync() == [])
        #expect(try open(disk).journal == "{\"new\":2}\n")
    }

    @Test func aFailedAppendLeavesNothing() throws {
        let disk = SimulatedDisk()
        let (history, _, _) = try open(disk)
        #expect(history.appendJournal("{\"n\":1}\n") == .written)
        var calls = 0
        disk.plan = { call in
            if call.operation == .append { calls += 1 }
            if call.operation == .append, calls == 1 { return .short(5) }
            return call.operation == .append || call.operation == .truncate ? .fail(28) : nil
        }
        guard case .refused(let error) = history.appendJournal("{\"n\":2}\n") else {
            Issue.record("written")
            return
        }
        #expect(error.isFull)
        #expect(history.appendJournal("{\"n\":3}\n") != .written)
        disk.plan = nil
        #expect(history.appendJournal("{\"n\":4}\n") == .written)
        #expect(disk.contents(path) == Array("{\"n\":1}\n{\"n\":4}\n".utf8))
    }

    @Test func aStartThatFailsSaysSo() {
        for operation in [StorageError.Operation.makeDirectory, .lock, .open, .read, .sync] {
            let disk = SimulatedDisk()
            disk.overwrite(path, Array("{}\n".utf8))
            disk.plan = { $0.operation == operation ? .fail(13) : nil }
            do {
                _ = try History(disk: disk, directory: "/data", fsync: .always).open()
                Issue.record("opened without \(operation)")
            } catch {
                #expect(error.operation == operation)
                #expect(error.isPermission)
            }
        }
    }
}
