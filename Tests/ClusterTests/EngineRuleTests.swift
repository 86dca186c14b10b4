import Cluster
import Simulation
import Support
import Testing

/// What every engine must obey; each test runs on both.
@Suite struct EngineRuleTests {
    enum Kind: String, CaseIterable, CustomStringConvertible, Sendable {
        case simulated, real
        var description: String { rawValue }

        static var there: [Kind] { RealEngine.isInstalled ? allCases : [.simulated] }
    }

    @Test(.enabled(if: RealEngine.isInstalled, "\(RealEngine.isMissing)")) func theRealEngine_isAmongThem() {
        #expect(Kind.there.contains(.real))
    }

    func onEngine(_ kind: Kind, _ body: @escaping @Sendable (inout Rules) throws -> Void) async throws {
        try await onThread {
            var rules = Rules(engine: kind == .real ? try RealRuledEngine() : SimulatedRuledEngine())
            try body(&rules)
        }
    }

    // MARK: Records

    @Test(arguments: Kind.there) func records_areNumberedStampedStoredAndPublished(kind: Kind) async throws {
        try await onEngine(kind) { rules in
            try rules.attach(1)
            try rules.attach(2)
            #expect(try rules.append("a", 1, number: 1, [.input([1])]) == .appended(1))
            #expect(try rules.append("a", 2, number: 1, base: 1, [.input([2])]) == .appended(2))
            #expect(try rules.append("b", 1, number: 1, [.input([3])]) == .appended(1))
            #expect(try rules.append("a", 1, number: 2, base: 2, []) == .appended(3))
            let stored = try rules.read("a", after: 0)
            #expect(stored.map(\.position) == [1, 2, 3])
            #expect(stored.map(\.writes) == [1, 2, 4])
            #expect(stored.map(\.incarnation.bits) == [1, 2, 1])
            #expect(stored.map(\.number) == [1, 1, 2])
            #expect(zip(stored, stored.dropFirst()).allSatisfy { $0.stamp <= $1.stamp })
            #expect(stored[0].stamp > 1_700_000_000_000)
            #expect(stored[1].content == rules.content(base: 1, [.input([2])]))
            let published = try rules.engine.takePublished()
            #expect(published.count == 4)
            #expect(published.contains(SimulatedEngine.Published(room: "a", notice: .record(stored[2]))))
            #expect(try rules.read("a", after: 2) == [stored[2]])
            #expect(try rules.read("a", after: 3) == [])
            #expect(try rules.read("c", after: 0) == [])
        }
    }

    @Test(arguments: Kind.there) func recordThatIsSentAgain_isThereOnce(kind: Kind) async throws {
        try await onEngine(kind) { rules in
            try rules.attach(1)
            _ = try rules.append("a", 1, number: 1, [.input([1])])
            _ = try rules.append("a", 1, number: 2, [.input([2])])
            #expect(try rules.append("a", 1, number: 2, [.input([2])]) == .repeated(2))
            #expect(try rules.append("a", 1, number: 1, [.input([1])]) == .repeated(2))
            #expect(try rules.read("a", after: 0).count == 2)
            #expect(try rules.engine.takePublished().count == 2)
        }
    }

    @Test(arguments: Kind.there) func stamps_neverGoBack(kind: Kind) async throws {
        try await onEngine(kind) { rules in
            try rules.attach(1)
            _ = try rules.append("a", 1, number: 1, [])
            let first = try #require(try rules.read("a", after: 0).last).stamp
            try rules.engine.setClockBack()
            _ = try rules.append("a", 1, number: 2, [])
            let second = try #require(try rules.read("a", after: 1).last).stamp
            // The real clock goes on; it is the room that is ahead of it.
            #expect(second == (kind == .real ? first + 60_000 : first))
        }
    }

    @Test(arguments: Kind.there) func recordOfAWriterThatKnowsMore_isRefused(kind: Kind) async throws {
        try await onEngine(kind) { rules in
            try rules.attach(1)
            #expect(try rules.append("a", 1, number: 2, []) == .behind(last: 0))
            #expect(try rules.append("a", 1, number: 1, base: 1, []) == .behind(last: 0))
            #expect(try rules.engine.ask(.read(room: "a", after: 1)) == .behind(last: 0))
            #expect(try rules.engine.takePublished() == [])
        }
    }

    @Test(arguments: Kind.there) func manyRecords_areReadInPages(kind: Kind) async throws {
        try await onEngine(kind) { rules in
            try rules.attach(1)
            let large = RecordItem.input([UInt8](repeating: 7, count: 100_000))
            for number in 1...70 { _ = try rules.append("a", 1, number: UInt64(number), [large]) }
            let page = try rules.read("a", after: 0)
            #expect(page.count == 64)
            #expect(try rules.read("a", after: 64).map(\.position) == Array(65...70))
            #expect(try rules.load("a", 1).records == page)
        }
    }

    // MARK: Loading and snapshots

    @Test(arguments: Kind.there) func load_givesSnapshotAndRecordsAfterIt(kind: Kind) async throws {
        try await onEngine(kind) { rules in
            try rules.attach(1)
            #expect(try rules.load("a", 1) == rules.emptyRoom)
            for number in 1...5 { _ = try rules.append("a", 1, number: UInt64(number), []) }
            _ = try rules.engine.takePublished()
            #expect(try rules.store("a", position: 3, [9, 9]) == .stored(3))
            let stored = SimulatedEngine.Published(room: "a", notice: .snapshot(position: 3, size: 2))
            #expect(try rules.engine.takePublished() == [stored])
            let loaded = try rules.load("a", 1)
            #expect(loaded.snapshot == [9, 9] && loaded.snapshotPosition == 3 && loaded.last == 5)
            #expect(loaded.records.map(\.position) == [4, 5])
            #expect(loaded.number == 5 && loaded.writes == 5 && loaded.epoch == 1 && !loaded.isLost)
            #expect(loaded.incarnations == [Incarnation(bits: 1)] && loaded.lapsed == [])
            #expect(try rules.load("a", 2).number == 0)
            // The records that it stands for are gone.
            #expect(try rules.engine.ask(.read(room: "a", after: 2)) == .trimmed(last: 5))
            #expect(try rules.read("a", after: 3).map(\.position) == [4, 5])
            #expect(try rules.store("a", position: 5, [8]) == .stored(5))
            #expect(try rules.engine.ask(.read(room: "a", after: 4)) == .trimmed(last: 5))
            #expect(try rules.read("a", after: 5) == [])
            #expect(try rules.append("a", 1, number: 6, []) == .appended(6))
        }
    }

    @Test(arguments: Kind.there) func olderSnapshot_isRefused(kind: Kind) async throws {
        try await onEngine(kind) { rules in
            try rules.attach(1)
            for number in 1...3 { _ = try rules.append("a", 1, number: UInt64(number), []) }
            #expect(try rules.store("a", position: 2, [2]) == .stored(2))
            #expect(try rules.store("a", position: 2, [3]) == .older(2))
            #expect(try rules.store("a", position: 1, [3]) == .older(2))
            #expect(try rules.store("a", position: 4, [3]) == .behind(last: 3))
            #expect(try rules.load("a", 1).snapshot == [2])
        }
    }

    // MARK: Lives

    @Test(arguments: Kind.there) func lapsedIncarnation_isDeclaredLostOnce(kind: Kind) async throws {
        try await onEngine(kind) { rules in
            try rules.attach(1)
            try rules.attach(2)
            _ = try rules.append("a", 1, number: 1, [])
            let (one, two) = (Incarnation(bits: 1), Incarnation(bits: 2))
            #expect(try rules.lose("a", 1) == .alive)
            #expect(try rules.engine.ask(.findLapsed([one, two])) == .lapsed([]))
            try rules.engine.lapse(one)
            #expect(try rules.engine.ask(.findLapsed([two, one])) == .lapsed([one]))
            #expect(try rules.load("a", 2).lapsed == [one])
            #expect(try rules.lose("a", 1) == .appended(2))
            #expect(try rules.lose("a", 1) == .repeated(0))
            #expect(try rules.lose("b", 1) == .repeated(0))
            let record = try #require(try rules.read("a", after: 1).first)
            #expect(record.content == .lost(one) && record.incarnation == .none && record.number == 0)
            #expect(record.writes == 2)
            // It has no say in that room any more, even where it lives again.
            try rules.attach(1)
            #expect(try rules.append("a", 1, number: 2, []) == .lost)
            #expect(try rules.append("a", 1, number: 1, []) == .lost)
            #expect(try rules.append("b", 1, number: 1, []) == .appended(1))
            let loaded = try rules.load("a", 1)
            #expect(loaded.isLost && loaded.incarnations == [] && loaded.lapsed == [])
            #expect(try rules.load("a", 2).isLost == false)
        }
    }

    @Test(arguments: Kind.there) func whoWasLostLongAgo_isForgottenWithASnapshot(kind: Kind) async throws {
        try await onEngine(kind) { rules in
            try rules.attach(2)
            _ = try rules.append("a", 1, number: 1, [])
            try rules.engine.lapse(Incarnation(bits: 1))
            #expect(try rules.lose("a", 1) == .appended(2))
            #expect(try rules.store("a", position: 1, []) == .stored(1))
            #expect(try rules.load("a", 1).isLost)
            try rules.engine.passDays(2)
            _ = try rules.append("a", 2, number: 1, [])
            #expect(try rules.store("a", position: 2, []) == .stored(2))
            #expect(try !rules.load("a", 1).isLost)
        }
    }

    @Test(arguments: Kind.there) func record_keepsItsWriterAlive(kind: Kind) async throws {
        try await onEngine(kind) { rules in
            try rules.attach(1)
            try rules.engine.lapse(Incarnation(bits: 1))
            _ = try rules.append("a", 1, number: 1, [])
            #expect(try rules.lose("a", 1) == .alive)
        }
    }

    @Test(arguments: Kind.there) func nameOfALiveNode_isTaken(kind: Kind) async throws {
        try await onEngine(kind) { rules in
            try rules.attach(1, name: "x")
            try rules.attach(1, name: "x")
            #expect(try rules.attaching(2, name: "x") == .refused(.nameTaken))
            try rules.engine.lapse(Incarnation(bits: 1))
            try rules.attach(2, name: "x")
            #expect(try rules.attaching(1, name: "x") == .refused(.nameTaken))
            #expect(try rules.engine.ask(.leave(Incarnation(bits: 2), name: "x")) == .done)
            try rules.attach(1, name: "x")
            // Whoever has lost the name takes it from nobody by leaving.
            #expect(try rules.engine.ask(.leave(Incarnation(bits: 2), name: "x")) == .done)
            #expect(try rules.attaching(3, name: "x") == .refused(.nameTaken))
        }
    }

    // MARK: Restarts and epochs

    /// What attaching came to.
    private static func attached(_ epoch: UInt64, _ writes: UInt64, lost: Bool = false) -> EngineAnswer {
        .attached(epoch: epoch, writes: writes, hasLostTail: lost)
    }

    @Test(arguments: Kind.there) func restart_losesNothingAndBeginsAnEpoch(kind: Kind) async throws {
        try await onEngine(kind) { rules in
            #expect(try rules.attaching(1) == Self.attached(1, 0))
            for number in 1...3 { _ = try rules.append("a", 1, number: UInt64(number), []) }
            let before = rules.engine.line
            try rules.engine.restart()
            #expect(rules.engine.line != before)
            #expect(try rules.append("a", 1, number: 4, base: 3, []) == .appended(4))
            #expect(try rules.attaching(1, from: before, writes: 4, epoch: 1) == Self.attached(2, 4))
            #expect(try rules.attaching(2) == Self.attached(2, 4))
            // The old epoch has no say any more.
            #expect(try rules.append("a", 1, number: 4, []) == .epoch(2))
            #expect(try rules.lose("a", 3) == .epoch(2))
            #expect(try rules.store("a", position: 1, []) == .epoch(2))
            rules.epoch = 2
            #expect(try rules.append("a", 1, number: 4, []) == .repeated(4))
            #expect(try rules.append("a", 1, number: 5, base: 4, []) == .appended(6))
            #expect(try rules.append("a", 1, number: 6, base: 4, []) == .appended(7))
            #expect(try rules.append("b", 1, number: 1, []) == .appended(2))
            let records = try rules.read("a", after: 4)
            #expect(records.first?.content == .epoch(2) && records.first?.incarnation == Incarnation.none)
            #expect(records.map(\.writes) == [5, 6, 7])
            #expect(try rules.read("b", after: 0).first?.content == .epoch(2))
            #expect(try rules.load("b", 1).writes == 9)
        }
    }

    @Test(arguments: Kind.there) func lostTail_isFoundByWhoeverHasSeenIt(kind: Kind) async throws {
        try await onEngine(kind) { rules in
            try rules.attach(1)
            try rules.attach(2)
            for number in 1...3 { _ = try rules.append("a", 1, number: UInt64(number), []) }
            try rules.engine.keepCopy()
            for number in 4...6 { _ = try rules.append("a", 1, number: UInt64(number), []) }
            let first = rules.engine.line
            try rules.engine.restartFromCopy()
            // One that has not seen it goes on, and more than what was lost is written: in another epoch.
            #expect(try rules.attaching(2, from: first, writes: 3, epoch: 1) == Self.attached(2, 3))
            rules.epoch = 2
            for number in 1...5 { _ = try rules.append("a", 2, number: UInt64(number), []) }
            let second = rules.engine.line
            try rules.engine.restart()
            #expect(try rules.attaching(1, from: first, writes: 6, epoch: 1) == Self.attached(3, 9, lost: true))
            #expect(try rules.attaching(1, from: first, writes: 3, epoch: 1) == Self.attached(3, 9))
            #expect(try rules.attaching(2, from: second, writes: 9, epoch: 2) == Self.attached(3, 9))
            // A line that the engine does not know was lost itself.
            #expect(try rules.attaching(2, from: "other", writes: 0) == Self.attached(3, 9, lost: true))
        }
    }

    @Test(arguments: Kind.there) func engineThatWasEmptied_hasLostATail(kind: Kind) async throws {
        try await onEngine(kind) { rules in
            try rules.engine.keepCopy()
            try rules.attach(1)
            for number in 1...3 { _ = try rules.append("a", 1, number: UInt64(number), []) }
            let line = rules.engine.line
            try rules.engine.empty()
            #expect(rules.engine.line == line)
            #expect(try rules.append("a", 1, number: 4, base: 3, []) == .epoch(0))
            #expect(try rules.attaching(1, from: line, writes: 3, epoch: 1) == Self.attached(2, 0, lost: true))
            // An epoch that the engine has forgotten does not come again.
            #expect(try rules.attaching(2, from: line, epoch: 5) == Self.attached(6, 0))
        }
    }
}

/// Requests in short.
struct Rules {
    let engine: any RuledEngine
    var epoch: UInt64 = 1

    init(engine: any RuledEngine) { self.engine = engine }

    var emptyRoom: EngineAnswer.StoredRoom {
        var room = EngineAnswer.StoredRoom()
        room.epoch = 1
        return room
    }

    func attaching(
        _ node: UInt128, name: String? = nil, from line: String = "", writes: UInt64 = 0, epoch: UInt64 = 0
    ) throws -> EngineAnswer {
        try engine.ask(
            .attach(
                EngineRequest.Attachment(
                    incarnation: Incarnation(bits: node), name: name ?? "node \(node)", line: engine.line,
                    previousLine: line, writes: writes, epoch: epoch)))
    }

    func attach(_ node: UInt128, name: String? = nil) throws {
        guard case .attached = try attaching(node, name: name) else { throw Failure("not attached") }
    }

    func content(base: UInt64, _ items: [RecordItem]) -> RoomRecord.Content {
        .inputs(RoomRecord.Inputs(base: base, digest: 0, items: items))
    }

    func append(
        _ room: String, _ node: UInt128, number: UInt64, base: UInt64 = 0, _ items: [RecordItem]
    ) throws -> EngineAnswer {
        try engine.ask(
            .append(
                room: room,
                EngineRequest.Append(
                    epoch: epoch, incarnation: Incarnation(bits: node), name: "node \(node)", number: number,
                    base: base, body: content(base: base, items).bytes)))
    }

    func lose(_ room: String, _ node: UInt128) throws -> EngineAnswer {
        try engine.ask(.declareLost(room: room, epoch: epoch, Incarnation(bits: node)))
    }

    func store(
        _ room: String, position: UInt64, _ snapshot: [UInt8], _ history: [HistoryLine] = [], expired: UInt64 = 0
    ) throws -> EngineAnswer {
        try engine.ask(
            .store(
                room: room,
                EngineRequest.Store(
                    epoch: epoch, position: position, snapshot: snapshot, history: history, expiredThrough: expired)))
    }

    func read(_ room: String, after position: UInt64) throws -> [RoomRecord] {
        let answer = try engine.ask(.read(room: room, after: position))
        guard case .records(let records, _, _) = answer else { throw Failure("\(answer)") }
        return records
    }

    func load(_ room: String, _ node: UInt128) throws -> EngineAnswer.StoredRoom {
        let answer = try engine.ask(.load(room: room, Incarnation(bits: node)))
        guard case .loaded(let stored) = answer else { throw Failure("\(answer)") }
        return stored
    }
}
