import Chat
import Support
import Testing

/// Runs a recording as `replay` does.
///
/// - Returns: how many ticks agreed, in what the others differed, and how the recording ended.
func replay(_ bytes: [UInt8]) -> (agreed: Int, differences: [[String]], end: String) {
    var reader = RecordingReader(bytes)
    var replay = ReplayedRooms(rules: RoomRules(isDurable: true))
    var (agreed, differences): (Int, [[String]]) = (0, [])
    while let record = reader.next() {
        switch record {
        case .settings(let rules): replay = ReplayedRooms(rules: rules)
        case .room(let index, let name, let lines): replay.begin(index, name: name, lines: lines)
        case .inputs(let work, let bytes, let moment): replay.update(work, bytes, at: moment)
        case .outcome(let outcome):
            let different = replay.settle(failed: outcome.failed).differences(from: outcome.digest)
            if different.isEmpty { agreed += 1 } else { differences.append(different) }
        case .cut: return (agreed, differences, "cut")
        case .damaged: return (agreed, differences, "damaged")
        }
    }
    return (agreed, differences, "")
}

@Suite struct RecordingTests {
    /// A recording with everything in it that there is: rooms loaded and fresh, refused writes, reads that fail.
    private func recording(of seed: UInt64? = nil) -> (bytes: [UInt8], ticks: Int) {
        var limits = ChatHarness.unlimited(isDurable: true)
        limits.rules.recentBytes = 600
        var world = ChatHarness(limits: limits)
        let (ada, bo) = (world.join("Ada"), world.join("Bo", room: "other"))
        let session = world.session(ada)
        world.say(ada, "before", messageID: "0")
        for i in 0..<60 { world.say(bo, "\(i)", messageID: "\(i)") }
        world.tick()
        world.restart()
        world.isRecording = true
        Recording.appendSettings(limits.rules, to: &world.recording)
        let begin = world.inputs.now
        if let seed {
            var crowd = Crowd(seed: seed, world: world)
            for _ in 0..<60 {
                crowd.act()
                crowd.world.disk.failing = crowd.random.once(in: 4) ? ["lobby"] : []
                crowd.world.tick(after: 1000)
            }
            return (crowd.world.recording, ticks(crowd.world.recording))
        }
        let back = world.comeBack(session, since: 0)
        world.say(back, "before", messageID: "0")
        world.send(back, "{\"type\":\"typing\"}")
        world.tick()
        world.disk.failing = ["lobby"]
        world.say(back, "lost", messageID: "1")
        let cy = world.arrive("Cy")
        world.tick(after: 2_000)
        world.disk.failing = []
        let dee = world.join("Dee", room: "other", more: ",\"since\":3,\"key\":\"0123456789abcdef\"")
        world.send(dee, "{\"type\":\"history\",\"before\":50,\"limit\":3}")
        world.rename(dee, "Dora")
        world.tick()
        world.answersReads = false
        _ = world.arrive("Eve", room: "third")
        world.tick()
        world.answerReads(failing: true)
        world.close(cy, .wentAway)
        world.close(back, .left)
        world.close(dee, .lost)
        world.tick()
        world.tick(after: 40_000)
        #expect(world.inputs.now > begin)
        return (world.recording, ticks(world.recording))
    }

    private func ticks(_ bytes: [UInt8]) -> Int {
        var (reader, count) = (RecordingReader(bytes), 0)
        while let record = reader.next() { if case .outcome = record { count += 1 } }
        return count
    }

    @Test func replay_agreesWithTheRecording() {
        let (recording, ticks) = recording()
        let result = replay(recording)
        #expect(ticks >= 10)
        #expect(result.agreed == ticks)
        #expect(result.differences == [])
        #expect(result.end == "")
    }

    @Test(arguments: 0..<4 as Range<UInt64>) func replay_ofACrowd_agrees(seed: UInt64) {
        let (recording, ticks) = recording(of: seed)
        let result = replay(recording)
        #expect(result.agreed == ticks)
        #expect(result.differences == [])
    }

    @Test func replay_ofChangesToMessages_agrees() {
        var world = ChatHarness.durable()
        world.isRecording = true
        Recording.appendSettings(world.chat.limits.rules, to: &world.recording)
        let ada = world.join("Ada", key: "a")
        for number in 0..<1300 { world.say(ada, "\(number)") }
        world.tick()
        // The first ones are on the disk alone: what is read of them is a part of the recording.
        for request in [
            "{\"type\":\"edit\",\"target\":2,\"text\":\"zero\",\"id\":\"e\"}",
            "{\"type\":\"react\",\"target\":2,\"emoji\":\"👍\"}",
            "{\"type\":\"react\",\"target\":2,\"emoji\":\"👍\",\"on\":false}", "{\"type\":\"delete\",\"target\":3}",
            "{\"type\":\"message\",\"text\":\"x\",\"reply\":4}",
        ] {
            world.send(ada, request)
            for _ in 0..<3 { world.tick() }
        }
        #expect(world.take(ada).suffix(5).map(\.type) == ["edit", "react", "react", "delete", "message"])
        let result = replay(world.recording)
        #expect(result.differences.isEmpty)
        #expect(result.agreed > 10)
    }

    /// What was said before the recording began is there when something is done to it, with what had been done before.
    @Test func replay_ofChangesToMessagesFromBefore_agrees() {
        var world = ChatHarness.durable()
        let ada = world.join("Ada", key: "a")
        for number in 0..<9 { world.say(ada, "\(number)") }
        world.send(ada, "{\"type\":\"react\",\"target\":3,\"emoji\":\"👍\"}")
        world.send(ada, "{\"type\":\"delete\",\"target\":4}")
        world.tick()
        world.restart()
        world.isRecording = true
        Recording.appendSettings(world.chat.limits.rules, to: &world.recording)
        let back = world.join("Ann", key: "a")
        for request in [
            "{\"type\":\"edit\",\"target\":2,\"text\":\"zero\"}",
            "{\"type\":\"react\",\"target\":3,\"emoji\":\"👍\",\"on\":false}",
            "{\"type\":\"react\",\"target\":4,\"emoji\":\"👍\"}", "{\"type\":\"delete\",\"target\":5}",
            "{\"type\":\"message\",\"text\":\"x\",\"reply\":6}",
        ] {
            world.send(back, request)
            world.tick()
        }
        #expect(world.take(back).suffix(5).map(\.type) == ["edit", "react", "error", "delete", "message"])
        let result = replay(world.recording)
        #expect(result.differences.isEmpty)
        #expect(result.agreed > 4)
    }

    @Test func replay_ofAChange_namesWhatDiffers() {
        let (recording, _) = recording()
        func change(_ text: String) -> [[String]] {
            let word = Array(text.utf8)
            guard
                let at = recording.indices.dropLast(word.count).last(where: {
                    Array(recording[$0..<$0 + word.count]) == word
                })
            else { return [["not found"]] }
            var changed = recording
            changed[at] ^= 1
            return replay(changed).differences
        }
        #expect(change("Dora").flatMap(\.self).contains("events"))
        #expect(change("Dee").flatMap(\.self).contains("events"))
    }

    @Test func differences_nameEachPart() {
        var (one, other) = (TickDigest(), TickDigest())
        #expect(one.differences(from: other) == [])
        one.state = 1
        #expect(one.differences(from: other) == ["state"])
        (other.events, other.typing, one.answers) = (1, 1, 1)
        #expect(one.differences(from: other) == ["state", "events", "typing", "answers"])
    }

    @Test func recording_holdsNoSecret() {
        let text = String(decoding: recording().bytes, as: UTF8.self)
        #expect(!text.contains("0123456789abcdef"))
        #expect(!text.contains("abcd000000000000"))
    }

    @Test func reader_ofCutRecording_readsAsFarAsItGoes() {
        let recording = recording().bytes
        var previous = 0
        for end in 0...recording.count {
            var reader = RecordingReader(Array(recording[..<end]))
            var (count, isCut) = (0, false)
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
    }

    @Test func replay_ofDamagedRecording_doesNotTrap() {
        let recording = recording().bytes
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

    /// Records in no order that a server writes.
    @Test func replay_ofRecordsOutOfOrder_doesNotTrap() {
        let recording = recording().bytes
        var records: [[UInt8]] = []
        var at = 0
        while at + 5 <= recording.count {
            let length = (0..<4).reduce(0) { $0 | Int(recording[at + 1 + $1]) << (8 * $1) }
            records.append(Array(recording[at..<at + 5 + length]))
            at += 5 + length
        }
        var random = SeededGenerator(seed: 5)
        for _ in 0..<50 {
            _ = replay((0..<records.count).flatMap { _ in random.pick(records) })
        }
        // A room is named twice among those that were refused.
        var bytes = recording
        Recording.appendOutcome(Recording.Outcome(failed: [0, 0, 1, 1, 900], digest: TickDigest()), to: &bytes)
        _ = replay(records[0] + records[1] + records[2] + bytes)
    }

    @Test func settings_areReadAsTheyWereWritten() {
        var rules = RoomRules(isDurable: true)
        (rules.recentBytes, rules.recentMessages) = (600, 70_000)
        var bytes: [UInt8] = []
        Recording.appendSettings(rules, to: &bytes)
        var reader = RecordingReader(bytes)
        guard case .settings(rules)? = reader.next() else { return #expect(Bool(false)) }
        #expect(reader.next() == nil)
    }

    @Test(arguments: [
        [0, 0, 0, 0, 0], [9, 0, 0, 0, 0], [1, 0, 0, 0, 0], [1, 1, 0, 0, 0, 2], [2, 1, 0, 0, 0, 1],
        [3, 3, 0, 0, 0, 0, 0, 1], [3, 5, 0, 0, 0, 0, 0, 1, 0, 9], [3, 4, 0, 0, 0, 0, 0, 0, 0],
        [4, 3, 0, 0, 0, 0, 1, 1],
        [3, 12, 0, 0, 0, 0, 0, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80],
        // A place that would make the table endless.
        [2, 6, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0],
    ])
    func reader_ofWhatIsNoRecord_saysDamaged(bytes: [UInt8]) {
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

    @Test func digest_countsOrderAndEveryBit() {
        #expect(digest([1, 2]) != digest([2, 1]))
        #expect(digest([]) != digest([0]))
        var all: Set<UInt64> = []
        for bit in 0..<64 { all.insert(digest([1 << UInt64(bit)])) }
        #expect(all.count == 64)
    }

    @Test func digest_ofBytes_countsTheirLength() {
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
}
