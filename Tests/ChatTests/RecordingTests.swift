import Support
import Testing

@testable import Chat

@Suite struct RecordingTests {
    /// With little in memory, so that a little is much.
    private static var limits: Limits {
        var limits = ChatHarness.unlimited(isDurable: true)
        limits.recentBytes = 600
        return limits
    }

    /// A recording with everything in it that there is: all kinds of items, failures, a journal.
    private func recording() -> [UInt8] {
        var world = ChatHarness(limits: Self.limits)
        let (ada, bo) = (world.join("Ada"), world.join("Bo", room: "other"))
        let session = world.session(ada)
        world.say(ada, "before", messageID: "0")
        for i in 0..<60 { world.say(bo, "\(i)", messageID: "\(i)") }
        world.tick()
        world.restart()
        world.isRecording = true
        Recording.appendSettings(Self.limits, to: &world.recording)
        let (journal, now) = (world.disk.journal, world.inputs.now)
        Recording.appendJournal(journal.span, now: now, to: &world.recording)
        let back = world.comeBack(session, since: 0)
        world.say(back, "before", messageID: "0")
        world.send(back, "{\"type\":\"typing\"}")
        world.tick()
        world.disk.failing = ["lobby"]
        world.say(back, "lost", messageID: "1")
        let cy = world.arrive("Cy")
        world.tick(after: 2_000)
        world.disk.journalFails = true
        world.say(back, "lost", messageID: "1")
        world.tick()
        (world.disk.failing, world.disk.journalFails) = ([], false)
        let dee = world.join("Dee", room: "other", more: ",\"since\":3")
        world.send(dee, "{\"type\":\"history\",\"before\":50,\"limit\":3}")
        world.tick()
        world.tick()
        world.answersReads = false
        world.send(dee, "{\"type\":\"history\",\"before\":50,\"limit\":3}")
        _ = world.arrive("Eve", room: "third")
        world.tick()
        world.answerReads(failing: true)
        world.close(cy, .wentAway)
        world.close(back, .left)
        world.close(dee, .lost)
        world.tick()
        world.tick(after: 40_000)
        return world.recording
    }

    /// Runs a recording as `replay` does.
    ///
    /// - Returns: how many ticks agreed, how many did not, and how the recording ended.
    private func replay(_ bytes: [UInt8]) -> (agreed: Int, differed: Int, end: String) {
        var reader = RecordingReader(bytes)
        var chat = Chat(limits: Self.limits)
        var output = TickOutput()
        var (agreed, differed) = (0, 0)
        while let record = reader.next() {
            switch record {
            case .settings: break
            case .journal(let journal, let now): _ = chat.restore(journal: journal.span, now: now, into: &output)
            case .inputs(let inputs):
                output.removeAll()
                chat.update(inputs, into: &output)
            case .outcome(let outcome):
                chat.settle(failed: outcome.failed, journalWritten: outcome.journalWritten, into: &output)
                if output.digest(chat) == outcome.digest { agreed += 1 } else { differed += 1 }
                chat.endTick(output)
            case .cut: return (agreed, differed, "cut")
            case .damaged: return (agreed, differed, "damaged")
            }
        }
        return (agreed, differed, "")
    }

    @Test func whatWasRecordedComesOutTheSame() {
        let recording = recording()
        let result = replay(recording)
        #expect(result.agreed == 11)
        #expect(result.differed == 0)
        #expect(result.end == "")
    }

    @Test(arguments: ["Cy", "before", "typing", "seq"]) func aChangeShows(text: String) {
        let recording = recording()
        let word = Array(text.utf8)
        let places = recording.indices.dropLast(word.count).filter { Array(recording[$0..<$0 + word.count]) == word }
        #expect(!places.isEmpty)
        // Not in the journal: what it says of those who do not come back need not show.
        for at in places.suffix(1) {
            var changed = recording
            changed[at] ^= 1
            #expect(replay(changed).differed > 0, "\(at)")
        }
    }

    @Test func cutAnywhereItIsReadAsFarAsItGoes() {
        let recording = recording()
        var previous = 0
        for end in 0...recording.count {
            var reader = RecordingReader(Array(recording[..<end]))
            var count = 0
            var isCut = false
            while let record = reader.next() {
                switch record {
                case .cut: isCut = true
                case .damaged: Issue.record("damaged at \(end)")
                default: count += 1
                }
            }
            #expect(count >= previous)
            #expect(isCut || count > previous || end == 0)
            previous = count
        }
        #expect(previous == 24)
    }

    @Test func damagedAnywhereItDoesNotTrap() {
        let recording = recording()
        var random = SeededGenerator(seed: 4)
        for _ in 0..<300 {
            var changed = recording
            for _ in 0...random.below(3) {
                let at = random.below(changed.count)
                changed[at] = random.once(in: 3) ? 0xFF : UInt8(truncatingIfNeeded: random.next())
            }
            _ = replay(changed)
        }
    }

    @Test func everyItemIsReadAsItWasWritten() {
        var inputs = TickInputs()
        inputs.now = -5
        inputs.time = .max
        let id = ConnectionID(slot: 1 << 22 - 1, generation: .max)
        inputs.items = [
            .opened(id, room: inputs.append("room"), secret: Bits128(high: .max, low: 1)),
            .text(id, inputs.append("téxt")),
            .closed(id, .left), .closed(id, .wentAway), .closed(id, .lost),
            .roomLoaded(room: .max, newestSeq: .max, olderMessages: inputs.append("a\n"), events: inputs.append("")),
            .roomFailed(room: 127), .lines(request: 128, inputs.append("b\n"), more: true),
            .lines(request: 16_384, 0..<0, more: false), .readFailed(request: 1 << 63),
        ]
        var bytes: [UInt8] = []
        Recording.appendInputs(inputs, to: &bytes)
        let outcome = Recording.Outcome(failed: [0, 300, .max], journalWritten: false, digest: .max)
        Recording.appendOutcome(outcome, to: &bytes)
        var limits = Limits(messagesPerSecond: 2.5, isDurable: true)
        limits.typing = nil
        limits.recentBytes = 600
        Recording.appendSettings(limits, to: &bytes)
        Recording.appendJournal(Array("{}\n".utf8).span, now: -1, to: &bytes)

        var reader = RecordingReader(bytes)
        guard case .inputs(let read)? = reader.next() else { return #expect(Bool(false)) }
        #expect(read.now == -5)
        #expect(read.time == .max)
        #expect(read.items.map { describe($0, read) } == inputs.items.map { describe($0, inputs) })
        guard case .outcome(outcome)? = reader.next() else { return #expect(Bool(false)) }
        guard case .settings(let readLimits)? = reader.next() else { return #expect(Bool(false)) }
        #expect("\(readLimits)" == "\(limits)")
        guard case .journal(let journal, let now)? = reader.next() else { return #expect(Bool(false)) }
        #expect(journal == Array("{}\n".utf8))
        #expect(now == -1)
        #expect(reader.next() == nil)
    }

    /// An item with its bytes in place of their ranges.
    private func describe(_ item: TickInputs.Item, _ inputs: TickInputs) -> String {
        func text(_ range: Range<Int>) -> String { String(decoding: inputs.bytes[range], as: UTF8.self) }
        switch item {
        case .opened(let id, let room, let secret): return "opened \(id) \(text(room)) \(secret)"
        case .text(let id, let range): return "text \(id) \(text(range))"
        case .roomLoaded(let room, let seq, let older, let events):
            return "loaded \(room) \(seq) \(text(older)) \(text(events))"
        case .lines(let request, let range, let more): return "lines \(request) \(text(range)) \(more)"
        default: return "\(item)"
        }
    }

    @Test(arguments: [
        [0, 0, 0, 0, 0], [9, 0, 0, 0, 0], [1, 0, 0, 0, 0], [1, 1, 0, 0, 0, 2], [3, 3, 0, 0, 0, 0, 0, 1],
        [3, 4, 0, 0, 0, 0, 0, 1, 7], [3, 4, 0, 0, 0, 0, 0, 0, 0], [4, 3, 0, 0, 0, 0, 1, 1],
        [3, 12, 0, 0, 0, 0, 0, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80],
        // A connection in a place that would make the table endless.
        [3, 9, 0, 0, 0, 0, 0, 1, 2, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0],
    ])
    func whatIsNoRecordIsDamaged(bytes: [UInt8]) {
        var reader = RecordingReader(bytes)
        guard case .damaged? = reader.next() else { return #expect(Bool(false)) }
        #expect(reader.next() == nil)
    }
}

@Suite struct DigestTests {
    private func digest(_ words: [UInt64]) -> UInt64 {
        var digest = Digest()
        for word in words { digest.add(word) }
        return digest.value
    }

    @Test func orderAndEveryBitCount() {
        #expect(digest([1, 2]) != digest([2, 1]))
        #expect(digest([]) != digest([0]))
        var all: Set<UInt64> = []
        for bit in 0..<64 { all.insert(digest([1 << UInt64(bit)])) }
        #expect(all.count == 64)
    }

    @Test func bytesCountWithTheirLength() {
        var all: Set<UInt64> = []
        for count in 0..<20 {
            for at in -1..<count {
                var bytes = [UInt8](repeating: 0, count: count)
                if at >= 0 { bytes[at] = 1 }
                var digest = Digest()
                digest.add(bytes.span)
                all.insert(digest.value)
            }
        }
        #expect(all.count == 20 + 190)
    }

    /// Each part of a tick's output is in its digest.
    @Test func everythingThatComesOutCounts() {
        let chat = Chat(limits: Limits())
        let id = ConnectionID(slot: 1, generation: 1)
        let read = DiskRead(room: 1, want: .event(5), request: 1)
        let changes: [(inout TickOutput) -> Void] = [
            { _ in }, { $0.reply(to: id, after: 1) { $0.append(1) } }, { $0.reply(to: id, after: 1) { $0.append(2) } },
            { $0.reply(to: id, after: 2) { $0.append(1) } }, { $0.reply(to: id, after: 1, resume: 2) { $0.append(1) } },
            { $0.endings.append((id, .takenOver)) }, { $0.endings.append((id, .tooEager)) }, { $0.reads.append(read) },
            { $0.reads.append(DiskRead(room: 1, want: .event(6), request: 1)) }, { $0.journal.append(1) },
            { $0.reads.append(DiskRead(room: 1, want: .since(6, limit: 1000), request: 2)) },
            { $0.reads.append(DiskRead(room: 1, want: .messages(before: 6, limit: 3), request: 2)) },
            { $0.reads.append(DiskRead(room: 1, want: .messages(before: 6, limit: 4), request: 2)) },
        ]
        let digests = changes.map { change in
            var output = TickOutput()
            change(&output)
            return output.digest(chat)
        }
        #expect(Set(digests).count == digests.count)
    }
}
