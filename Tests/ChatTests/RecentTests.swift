import Support
import Testing

// What is held in memory is the room's own business.
@testable import Chat

@Suite struct LineQueueTests {
    @Test func queue_findsLinesByTheirSeq() {
        for seed in 0..<20 as Range<UInt64> {
            var random = SeededGenerator(seed: seed)
            var queue = LineQueue()
            var model: [(seq: UInt64, text: [UInt8], isMessage: Bool)] = []
            var seq: UInt64 = 0
            for _ in 0..<600 {
                if random.below(5) < 3 {
                    seq += UInt64(random.below(3) + 1)
                    let text = [UInt8](repeating: UInt8(truncatingIfNeeded: seq), count: random.below(50))
                    let isMessage = random.once(in: 2)
                    queue.append(seq: seq, text.span, isMessage ? .message : .join)
                    model.append((seq, text, isMessage))
                } else {
                    queue.removeFirst()
                    if !model.isEmpty { model.removeFirst() }
                }
                #expect(queue.count == model.count)
                #expect(queue.byteCount == model.reduce(0) { $0 + $1.text.count })
                #expect(queue.first?.seq == model.first?.seq)
                let wanted = UInt64(random.below(Int(seq) + 3))
                #expect(
                    queue.entries[queue.position(ofSeq: wanted)...].map(\.seq)
                        == model.map(\.seq).filter { $0 >= wanted })
                let entry = queue.entry(wanted)
                #expect(entry.map { Array(queue.bytes[$0.range]) } == model.first { $0.seq == wanted }?.text)
            }
            for (entry, line) in zip(queue.entries, model) {
                #expect(Array(queue.bytes[entry.range]) == line.text)
                #expect(entry.isMessage == line.isMessage)
            }
        }
    }

    @Test func queue_keepsNoMemoryOfDroppedLines() {
        var queue = LineQueue()
        let long = [UInt8](repeating: 1, count: 1000)
        for seq in 1...10_000 as ClosedRange<UInt64> {
            queue.append(seq: seq, seq % 100 == 0 ? long.span : long.span.extracting(0..<1), .message)
            while queue.byteCount > 5000 { queue.removeFirst() }
            #expect(queue.bytes.count <= 2 * queue.byteCount + 1000)
        }
    }
}

@Suite struct RecentTests {
    /// All that ever was, as lines.
    private struct Model {
        var lines: [(seq: UInt64, isMessage: Bool, text: String)] = []
        var messages: [UInt64] { lines.filter(\.isMessage).map(\.seq) }
    }

    private func text(_ recent: Recent, _ references: [LineReference]) -> [String] {
        references.map { reference in
            var bytes: [UInt8] = []
            recent.append(reference, to: &bytes)
            return String(decoding: bytes, as: UTF8.self)
        }
    }

    private func rules(messages: Int, bytes: Int) -> RoomRules {
        var rules = RoomRules(isDurable: true)
        (rules.recentMessages, rules.recentBytes) = (messages, bytes)
        return rules
    }

    /// Compares with what there is in all: of what is held nothing may be missing, and what is missing must be owned to.
    private func check(_ recent: Recent, _ model: Model, _ random: inout SeededGenerator) {
        let newest = model.lines.last?.seq ?? 0
        let since = UInt64(random.below(Int(newest) + 1))
        let after = model.lines.filter { $0.seq > max(since, recent.droppedThrough) }.map(\.text)
        #expect(text(recent, recent.lines(after: since)) == after)
        let before = UInt64(random.below(Int(newest) + 10))
        let limit = random.below(20) + 1
        var lines: [LineReference] = []
        recent.collectMessages(before: before, count: limit, into: &lines)
        let held = model.lines.filter { $0.isMessage && $0.seq < before && $0.seq > recent.messagesDroppedThrough }
        #expect(text(recent, lines) == held.suffix(limit).reversed().map(\.text))
        for line in model.lines.suffix(3) where line.seq > recent.droppedThrough {
            #expect(recent.line(line.seq).map { text(recent, [$0]) } == [line.text])
        }
        #expect(recent.messagesDroppedThrough <= recent.droppedThrough)
    }

    @Test(arguments: [(1 << 20, 100), (3000, 10), (500, 1000), (1, 0)])
    func recent_holdsNewestEventsAndMessagesBeforeThem(bytes: Int, messages: Int) {
        for seed in 0..<4 as Range<UInt64> {
            var random = SeededGenerator(seed: seed)
            var recent = Recent()
            var model = Model()
            let rules = rules(messages: messages, bytes: bytes)
            for seq in 1...2500 as ClosedRange<UInt64> {
                let isMessage = random.once(in: 3)
                let text = "\(seq) " + String(repeating: "x", count: random.below(40))
                let line = Array("__\(text)__".utf8)
                recent.append(seq: seq, text: 2..<line.count - 2, of: line.span, isMessage ? .message : .join, rules)
                model.lines.append((seq, isMessage, text))
                if seq % 50 == 0 { check(recent, model, &random) }
            }
            #expect(recent.byteCount <= 2 * bytes + 50)
            #expect(recent.isFull == (bytes == 1 << 20))
            if bytes == 1 << 20 {
                #expect(recent.droppedThrough == 1500)
                // The newest hundred messages before the newest thousand events.
                let older = model.messages.filter { $0 <= 1500 }
                #expect(recent.messagesDroppedThrough == older[older.count - 101])
            }
        }
    }

    @Test func recent_loaded_isAsIfAdded() {
        var random = SeededGenerator(seed: 9)
        for (olderCount, eventCount) in [(0, 0), (0, 5), (3, 5), (100, 1000), (150, 1200)] {
            var model = Model()
            var older = ""
            var seq: UInt64 = 100
            for i in 0..<olderCount + eventCount {
                seq += i < olderCount ? 2 : 1
                let isMessage = i < olderCount || random.once(in: 2)
                let text = "{\"type\":\"\(isMessage ? "message" : "join")\",\"seq\":\(seq),\"username\":\"x\"}"
                model.lines.append((seq, isMessage, String(text.dropLast())))
                if i < olderCount { older += text + "\n" }
            }
            var recent = Recent()
            let rules = rules(messages: 100, bytes: 1 << 20)
            for line in model.lines.dropFirst(olderCount) {
                let text = Array(line.text.utf8)
                recent.append(
                    seq: line.seq, text: 0..<text.count, of: text.span, line.isMessage ? .message : .join, rules)
            }
            let through = UInt64(100 + 2 * olderCount)
            recent.load(olderMessages: Array(older.utf8).span, isWhole: false, droppedThrough: through, rules)
            #expect(recent.droppedThrough >= through)
            #expect(recent.messagesDroppedThrough >= 100)
            for _ in 0..<50 { check(recent, model, &random) }
        }
    }
}
