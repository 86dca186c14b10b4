import Support
import Testing

@testable import Chat

@Suite struct JournalTests {
    private func read(_ lines: String...) -> JournalReader {
        JournalReader(Array(lines.map { $0 + "\n" }.joined().utf8).span)
    }

    private let join =
        "{\"join\":17,\"room\":\"lobby\",\"session\":\"000102030405060708090a0b0c0d0e0f\",\"username\":\"A\\\"da\",\"seq\":12}"
    private let id = "{\"id\":17,\"hash\":\"ffffffffffffffffffffffffffffffff\",\"seq\":13}"
    private let name = "{\"name\":17,\"username\":\"Bo\",\"seq\":14}"
    private let leave = "{\"leave\":17,\"seq\":15}"

    @Test func whatIsWrittenIsRead() {
        var journal = Journal()
        let session = Bits128(high: 0x0001_0203_0405_0607, low: 0x0809_0A0B_0C0D_0E0F)
        journal.reserve(through: 16)
        let number = journal.nextNumber()
        journal.joined(number, room: "lobby", session, "A\"da", seq: 12)
        journal.used(number, Bits128(high: .max, low: .max), seq: 13)
        journal.renamed(number, "Bo", seq: 14)
        journal.left(number, seq: 15)
        var bytes: [UInt8] = []
        journal.flush(into: &bytes)
        #expect(String(decoding: bytes, as: UTF8.self) == [join, id, name, leave].map { $0 + "\n" }.joined())
        let reader = JournalReader(bytes.span)
        #expect(reader.damagedLines == 0)
        #expect(reader.lastNumber == 17)
        let read = reader.sessions[17]
        #expect(read?.room == "lobby")
        #expect(read?.session == session)
        #expect(read?.names.map(\.value) == ["A\"da", "Bo"])
        #expect(read?.names.map(\.seq) == [12, 14])
        #expect(read?.ids.map(\.seq) == [13])
        #expect(read?.left?.seq == 15)
        #expect(read?.isAlive == false)
    }

    @Test func anUndoConcernsTheLinesBeforeItInItsRoom() {
        let undone = read(join, id, name, leave, "{\"undo\":\"lobby\",\"seq\":14}", leave.replacing("15", with: "14"))
        #expect(undone.sessions[17]?.names.count == 1)
        #expect(undone.sessions[17]?.ids.count == 1)
        #expect(undone.sessions[17]?.left?.seq == 14)
        let other = read(join, id, name, leave, "{\"undo\":\"other\",\"seq\":1}")
        #expect(other.sessions[17]?.names.count == 2)
        let all = read(join, id, name, leave, "{\"undo\":\"lobby\",\"seq\":12}")
        #expect(all.sessions[17]?.isAlive == false)
        #expect(all.sessions[17]?.newestSeq == 0)
    }

    /// The reader looks at all undo lines at once; one after the other is the plain way.
    @Test func manyUndosMeanWhatEachOfThemMeansInTurn() {
        var random = SeededGenerator(seed: 7)
        for _ in 0..<300 {
            var lines: [String] = []
            var ids: [Int] = []
            lines.append(join.replacing("12}", with: "0}"))
            for _ in 0..<30 {
                let seq = random.below(12) + 1
                if random.below(3) == 0 {
                    lines.append("{\"undo\":\"lobby\",\"seq\":\(seq)}")
                    ids.removeAll { $0 >= seq }
                } else {
                    lines.append(id.replacing("13}", with: "\(seq)}"))
                    ids.append(seq)
                }
            }
            let reader = JournalReader(Array(lines.map { $0 + "\n" }.joined().utf8).span)
            #expect(reader.sessions[17]?.ids.map { Int($0.seq) } == ids)
        }
    }

    @Test(arguments: [
        "", "x", "{}", "[]", "{\"join\":17}", "{\"join\":-1,\"seq\":1}", "{\"dance\":1,\"seq\":1}", "{\"leave\":17}",
        "{\"undo\":5,\"seq\":1}", "{\"leave\":17,\"seq\":15} ", "{\"id\":17,\"hash\":\"ff\",\"seq\":13}",
        "{\"name\":17,\"username\":5,\"seq\":14}", "{\"leave\":\"17\",\"seq\":15}",
        "{\"join\":17,\"room\":5,\"session\":\"000102030405060708090a0b0c0d0e0f\",\"username\":\"A\",\"seq\":12}",
        "{\"join\":17,\"room\":\"lobby\",\"session\":\"000102030405060708090a0b0c0d0e0f\",\"seq\":12}",
    ])
    func linesThatMakeNoSenseAreCountedAndPassedOver(line: String) {
        let reader = read(join, line, name)
        #expect(reader.damagedLines == 1)
        #expect(reader.sessions[17]?.names.count == 2)
        #expect(reader.sessions[17]?.isAlive == true)
    }

    @Test func linesAboutAnUnknownSessionAreHarmless() {
        let reader = read(id, name, leave)
        #expect(reader.damagedLines == 0)
        #expect(reader.sessions.isEmpty)
        #expect(reader.lastNumber == 17)
    }

    @Test func aHostileJournalDoesNotTrap() {
        var chat = Chat(limits: ChatHarness.unlimited(isDurable: true))
        var output = TickOutput()
        let huge = "99999999999999999999999"
        let lines = [
            join.replacing("17", with: huge), join.replacing("12}", with: huge + "}"),
            id.replacing("13}", with: huge + "}"),
            join.replacing("lobby", with: "../etc"), join.replacing("A\\\"da", with: "\u{202E}"),
            "{\"undo\":\"lobby\",\"seq\":\(huge)}", "{\"undo\":\"lobby\",\"seq\":0}",
        ]
        let bytes = Array(lines.map { $0 + "\n" }.joined().utf8)
        for end in 0...bytes.count {
            chat = Chat(limits: ChatHarness.unlimited(isDurable: true))
            output.removeAll()
            let journal = Array(bytes[..<end])
            _ = chat.restore(journal: journal.span, now: .max, into: &output)
            var inputs = TickInputs()
            inputs.now = .max
            for read in output.reads {
                inputs.items.append(
                    .roomLoaded(room: read.room, newestSeq: .max, olderMessages: 0..<0, events: 0..<0))
            }
            chat.update(inputs, into: &output)
            chat.settle(failed: [], journalWritten: true, into: &output)
            chat.endTick(output)
            _ = chat.snapshotJournal()
        }
    }
}
