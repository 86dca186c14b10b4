import Foundation
import History
import Simulation
import Testing

/// A room with more events than anyone will say, on a real disk: what a start and a page cost must not grow with it.
///
/// 200,000 events by default; ten million (about a gigabyte) with CHATLOOP_LARGE=1, which is worth it in release only.
struct LargeRoomTests {
    private static let isLarge = ProcessInfo.processInfo.environment["CHATLOOP_LARGE"] == "1"

    @Test func aRoomOfTwoHundredThousandEventsIsReadInParts() throws {
        try check(events: 200_000, segmentBytes: 1 << 20)
    }

    @Test(.enabled(if: isLarge, "skipped: ten million events take a gigabyte; CHATLOOP_LARGE=1 runs it"))
    func aRoomOfTenMillionEventsIsReadInParts() throws {
        try check(events: 10_000_000, segmentBytes: 16 << 20)
    }

    private func check(events: UInt64, segmentBytes: Int) throws {
        let folder = try TemporaryFolder()
        var history = History(disk: FileStorage(), directory: folder.path, fsync: .never, segmentBytes: segmentBytes)
        _ = try history.open()
        _ = history.load()
        let start = ContinuousClock.now
        try fill(history, events)
        let written = ContinuousClock.now - start
        let size = try #require(history.bytesOnDisk(room: "lobby"))

        history = History(disk: FileStorage(), directory: folder.path, segmentBytes: segmentBytes)
        _ = try history.open()
        let (loadTime, loaded) = measure { history.load() }
        #expect(loaded?.newest == events)
        #expect(loaded?.events.count == 1000)
        // The whole point: what was read does not depend on how much there is.
        #expect(history.metrics.bytesRead < 4 << 20)

        let before = history.metrics.bytesRead
        let (pageTime, page) = measure { history.messages(before: events / 2, limit: 200) }
        #expect(page?.seqs == Array((1..<events / 2).suffix(400).filter { $0 % 2 == 1 }.suffix(200)))
        #expect(history.metrics.bytesRead - before < 1 << 20)
        let (eventTime, event) = measure { history.event(events / 3) }
        #expect(seqs(event ?? []) == [events / 3])
        print(
            "\(events) events, \(size) bytes: written in \(written), loaded in \(loadTime), page from the middle \(pageTime), "
                + "one event \(eventTime), resident \(residentKilobytes()) KiB")
    }

    private func measure<Result>(_ body: () -> Result) -> (Duration, Result) {
        let start = ContinuousClock.now
        let result = body()
        return (ContinuousClock.now - start, result)
    }

    /// Every second event is a message.
    private func fill(_ history: History, _ events: UInt64) throws {
        let join: [UInt8] = Array(#","time":1700000000000,"username":"Ada Lovelace"}"#.utf8) + [0x0A]
        let message: [UInt8] =
            Array(#","time":1700000000000,"username":"Ada Lovelace","text":"What is said here, and goes on"}"#.utf8) + [
                0x0A
            ]
        var block: [UInt8] = []
        var first: UInt64 = 1
        for seq in 1...events {
            block += seq % 2 == 1 ? #"{"type":"message","seq":"#.utf8 : #"{"type":"join","seq":"#.utf8
            block += String(seq).utf8
            block += seq % 2 == 1 ? message : join
            if seq % 1000 == 0 || seq == events {
                try #require(history.append(block, at: first) == .written)
                block.removeAll(keepingCapacity: true)
                first = seq + 1
            }
        }
    }

    private func residentKilobytes() -> Int {
        let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let line = status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") }
        return line.flatMap { Int($0.filter(\.isNumber)) } ?? -1
    }
}
