import Cluster
import Simulation
import Testing

/// The simulated engine understands what nodes send, and is understood.
@Suite struct EngineTalkTests {
    private static let someone = Incarnation(bits: 7)
    private static let record = RoomRecord(
        position: 3, stamp: 1_790_000_000_000, writes: 9, incarnation: someone, number: 2,
        content: .inputs(
            RoomRecord.Inputs(base: 2, digest: 5, items: [.input([1, 2, 3]), .due(Due(kind: 1, generation: 2))])))
    private static let stored: EngineAnswer.StoredRoom = {
        var stored = EngineAnswer.StoredRoom()
        (stored.epoch, stored.writes, stored.last, stored.snapshotPosition) = (2, 9, 3, 1)
        (stored.snapshot, stored.number, stored.isLost) = ([1, 0, 13, 10], 2, true)
        (stored.incarnations, stored.lapsed, stored.records) = ([someone], [someone], [record])
        return stored
    }()

    /// Each request, and what may be answered.
    private static let talks: [(EngineRequest, [EngineAnswer])] = [
        (
            .attach(
                EngineRequest.Attachment(
                    incarnation: someone, name: "a node", line: "l:1", previousLine: "", writes: 8, epoch: 2)),
            [.attached(epoch: 2, writes: 9, hasLostTail: true), .refused(.nameTaken)]
        ),
        (.leave(someone, name: "a node"), [.done]),
        (.findLapsed([someone, Incarnation(bits: 8)]), [.lapsed([Incarnation(bits: 8)]), .lapsed([])]),
        (
            .append(
                room: "main",
                EngineRequest.Append(
                    epoch: 2, incarnation: someone, name: "a node", number: 3, base: 2, body: [0, 13, 10, 255])),
            [.appended(4), .repeated(3), .behind(last: 1), .lost, .epoch(3), .refused(.full)]
        ),
        (.declareLost(room: "main", epoch: 2, someone), [.appended(4), .repeated(0), .alive, .epoch(3)]),
        (.load(room: "main", someone), [.loaded(stored)]),
        (.read(room: "main", after: 2), [.records([record], last: 3, epoch: 2), .trimmed(last: 9), .behind(last: 1)]),
        (
            .store(
                room: "main",
                EngineRequest.Store(
                    epoch: 2, position: 3, snapshot: [1, 2],
                    history: [HistoryLine(seq: 5, time: 6, line: [7]), HistoryLine(seq: 6, time: 7, line: [])],
                    expiredThrough: 4)),
            [.stored(3), .older(4), .behind(last: 1), .epoch(3)]
        ),
        (
            .history(room: "main", from: 3, descending: true, blocks: 16),
            [
                .history(
                    HistoryAnswer(blocks: [HistoryBlock(number: 3, lines: [.init(seq: 769, line: [1])])], more: true))
            ]
        ),
        (.historySizes(room: "main"), [.historySizes([HistorySize(block: 3, bytes: 1, time: 6)])]),
    ]

    @Test func requests_areUnderstood() {
        let names = EngineNames(database: 0)
        for (request, _) in Self.talks {
            #expect(EngineTalk().act(names.command(for: request).words, line: "") == .perform(request))
        }
    }

    @Test func answers_areUnderstood() throws {
        for (request, answers) in Self.talks {
            for answer in answers {
                var bytes: [UInt8] = []
                bytes.append(RESPValue(answer, to: request))
                var reader = RESPReader()
                reader.receive(bytes.span)
                let value = try #require(try reader.next())
                #expect(EngineAnswer(value, to: request) == answer)
            }
        }
    }

    @Test func commandsInAnyPieces_areAnsweredInOrder() {
        let commands = [RESPCommand("PING"), RESPCommand("CLIENT", "SETNAME", "x"), RESPCommand("PING")]
        var bytes: [UInt8] = []
        for command in commands { command.append(to: &bytes) }
        var talk = EngineTalk()
        var answers: [UInt8] = []
        for byte in bytes { answers += talk.take([byte].span, line: "") { _ in .done } ?? [] }
        #expect(answers == Array("+PONG\r\n+OK\r\n+PONG\r\n".utf8))
    }

    @Test func whatIsNoCommand_isNotAnswered() {
        var talk = EngineTalk()
        #expect(talk.take(Array("+OK\r\n".utf8).span, line: "") { _ in .done } == nil)
        #expect(talk.take(Array("*1\r\n$3\r\nWHO\r\n".utf8).span, line: "") { _ in .done } == nil)
    }
}
