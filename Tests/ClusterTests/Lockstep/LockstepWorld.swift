import Simulation
import Support

@testable import Cluster

/// Several nodes around a simulated engine, in a time of their own. Messages take a while, in an order that holds for each
/// connection; connections break; the engine is slow, away, full, begun anew, and may have lost something.
struct LockstepWorld {
    /// A node, its rooms, and its connections.
    struct Node {
        var lockstep: Lockstep
        var rooms: [String: ModelRoom] = [:]
        var name: String
        var isAlive = true
        var pausedUntil: Int64 = 0
        /// Whether it has connections; and when it tries again to have some.
        var isConnected = false
        var connectAt: Int64 = 0
        var subscriptions: Set<String> = []
        /// On their way to the engine, and back.
        var requests: [(at: Int64, number: UInt64, EngineRequest)] = []
        var answers: [(at: Int64, number: UInt64, EngineAnswer)] = []
        /// On their way on the connection for subscriptions.
        var notices: [(at: Int64, Told)] = []
        /// All that was put out and is of interest to a test, newest last.
        var log: [Lockstep.Output] = []
        /// What was proposed and has not come back, by room; and who is in a room through this node.
        var proposed: [String: [String]] = [:]
        var people: [String: [String]] = [:]
        var ended: Lockstep.EndReason?
        var seqs: [String: UInt64] = [:]
        /// What each room has brought to its history and no snapshot is known to hold.
        var lines: [String: [(position: UInt64, HistoryLine)]] = [:]
        /// Reads of the history that have no answer yet.
        var reads: Set<UInt64> = []
    }

    enum Told: Equatable {
        case subscribed(String)
        case published(SimulatedEngine.Published)
    }

    var engine = SimulatedEngine()
    var nodes: [Node] = []
    var now: Int64 = 0
    var judge = LockstepJudge()
    var random: SeededGenerator
    /// Milliseconds that a message takes, at most.
    var delay: Int64 = 0
    var isEngineAway = false
    /// One of so many published messages is lost; 0 is none.
    var losesOneOf = 0
    let rules: [UInt8] = Array("rules 1".utf8)
    /// How long someone without a connection stays.
    let grace: Int64 = 3_000
    private var lastIncarnation: UInt128 = 0
    private var lastRead: UInt64 = 0

    init(seed: UInt64 = 0) { random = SeededGenerator(seed: seed) }

    mutating func newIncarnation() -> Incarnation {
        lastIncarnation += 1
        return Incarnation(bits: lastIncarnation << 64 | UInt128(lastIncarnation &* 0x9E37_79B9))
    }

    // MARK: Nodes

    @discardableResult mutating func addNode(_ name: String? = nil, rules: [UInt8]? = nil) -> Int {
        let name = name ?? "n\(nodes.count)"
        let lockstep = Lockstep(as: newIncarnation(), name: name, rules: rules ?? self.rules, now: now)
        nodes.append(Node(lockstep: lockstep, name: name))
        nodes[nodes.count - 1].connectAt = now
        return nodes.count - 1
    }

    mutating func open(_ room: String, at node: Int) {
        nodes[node].lockstep.open(room)
        carryOut(node)
    }

    @discardableResult mutating func propose(_ text: String, in room: String, at node: Int) -> Bool {
        let isTaken = nodes[node].lockstep.propose(.input(Array(text.utf8)), in: room)
        if isTaken { nodes[node].proposed[room, default: []].append(text) }
        carryOut(node)
        return isTaken
    }

    /// Reads the newest blocks of a room's history, or how large all are.
    mutating func read(_ room: String, at node: Int) {
        lastRead += 1
        nodes[node].reads.insert(lastRead)
        if random.once(in: 2) {
            nodes[node].lockstep.readHistory(of: room, from: .max, descending: true, blocks: 2, tag: lastRead)
        } else {
            nodes[node].lockstep.readHistorySizes(of: room, tag: lastRead)
        }
        carryOut(node)
    }

    private mutating func wasRead(_ tag: UInt64, _ index: Int) {
        if nodes[index].reads.remove(tag) == nil { judge.find("read \(tag) is answered twice") }
    }

    /// The node's process is gone.
    mutating func kill(_ node: Int) {
        cut(node)
        nodes[node].isAlive = false
    }

    /// A node's connections break. What was on its way to the engine arrives in part.
    mutating func cut(_ node: Int) {
        guard nodes[node].isConnected else { return }
        let arriving = random.below(nodes[node].requests.count + 1)
        for request in nodes[node].requests.prefix(arriving) where !isEngineAway { _ = perform(request.2) }
        nodes[node].requests = []
        nodes[node].answers = []
        nodes[node].notices = []
        nodes[node].subscriptions = []
        nodes[node].isConnected = false
        nodes[node].connectAt = now + Int64(random.below(500))
        if nodes[node].isAlive {
            nodes[node].lockstep.disconnected(now: now)
            carryOut(node)
        }
    }

    /// The engine is gone. What was not answered may have been done.
    mutating func stopEngine() {
        for node in nodes.indices { cut(node) }
        isEngineAway = true
    }

    /// The engine is there again, with what it has on its disk.
    mutating func startEngine(with contents: SimulatedEngine.Contents? = nil) {
        if let contents {
            judge.tailMayBeLost()
            engine.contents = contents
        }
        engine.line = "line-\(now)-\(random.next())"
        isEngineAway = false
    }

    // MARK: Time

    /// Lets time go by.
    mutating func run(_ milliseconds: Int64) {
        let end = now + milliseconds
        while now < end {
            step()
            // Milliseconds in which nothing happens are passed over.
            let next = min(end, max(now + 1, nextTime))
            engine.time += next - now
            engine.monotonic += next - now
            now = next
        }
    }

    private var nextTime: Int64 {
        var next = Int64.max
        for node in nodes where node.isAlive || !node.requests.isEmpty {
            next = min(next, node.requests.first?.at ?? .max)
            guard node.isAlive, node.pausedUntil <= now else {
                next = min(next, node.isAlive ? node.pausedUntil : .max)
                continue
            }
            next = min(next, node.answers.first?.at ?? .max, node.notices.first?.at ?? .max)
            next = min(next, node.lockstep.nextDeadline ?? .max)
            if !node.isConnected, !isEngineAway, node.ended == nil { next = min(next, node.connectAt) }
        }
        return next
    }

    /// All that happens in this millisecond.
    private mutating func step() {
        for index in nodes.indices where nodes[index].isAlive && nodes[index].pausedUntil <= now {
            connect(index)
            deliverToEngine(index)
            deliver(index)
            nodes[index].lockstep.tick(now: now)
            carryOut(index)
        }
        // What a paused or dead node has sent arrives all the same.
        for index in nodes.indices where nodes[index].pausedUntil > now { deliverToEngine(index) }
    }

    private mutating func connect(_ index: Int) {
        guard !nodes[index].isConnected, !isEngineAway, now >= nodes[index].connectAt, nodes[index].ended == nil else {
            return
        }
        nodes[index].isConnected = true
        nodes[index].lockstep.connected(line: engine.line, now: now)
        carryOut(index)
    }

    private func arrival(after last: Int64?, _ delay: Int64) -> Int64 { max(last ?? 0, now + delay) }
    private mutating func draw() -> Int64 { delay == 0 ? 0 : Int64(random.below(Int(delay) + 1)) }

    private mutating func perform(_ request: EngineRequest) -> EngineAnswer {
        let answer = engine.perform(request)
        for published in engine.takePublished() {
            for index in nodes.indices where nodes[index].subscriptions.contains(published.room) {
                if losesOneOf > 0, random.once(in: losesOneOf) { continue }
                let at = arrival(after: nodes[index].notices.last?.at, draw())
                nodes[index].notices.append((at, .published(published)))
            }
        }
        return answer
    }

    private mutating func deliverToEngine(_ index: Int) {
        while let (at, number, request) = nodes[index].requests.first, at <= now, nodes[index].isConnected {
            nodes[index].requests.removeFirst()
            let answer = perform(request)
            let back = arrival(after: nodes[index].answers.last?.at, draw())
            nodes[index].answers.append((back, number, answer))
        }
    }

    private mutating func deliver(_ index: Int) {
        while let (at, number, answer) = nodes[index].answers.first, at <= now {
            nodes[index].answers.removeFirst()
            nodes[index].lockstep.answered(number, answer, now: now)
            carryOut(index)
        }
        while let (at, told) = nodes[index].notices.first, at <= now {
            nodes[index].notices.removeFirst()
            switch told {
            case .subscribed(let room): nodes[index].lockstep.subscribed(room, now: now)
            case .published(let published):
                nodes[index].lockstep.published(published.notice, in: published.room, now: now)
            }
            carryOut(index)
        }
    }

    // MARK: Outputs

    private mutating func carryOut(_ index: Int) {
        var outputs = nodes[index].lockstep.takeOutputs()
        while !outputs.isEmpty {
            for output in outputs { carryOut(output, index) }
            outputs = nodes[index].lockstep.takeOutputs()
        }
    }

    private mutating func carryOut(_ output: Lockstep.Output, _ index: Int) {
        switch output {
        case .request(let number, let request):
            judge.sent(request, by: index)
            let at = arrival(after: nodes[index].requests.last?.at, draw())
            nodes[index].requests.append((at, number, request))
        case .subscribe(let room):
            // The engine takes it when it arrives; here that is at once.
            nodes[index].subscriptions.insert(room)
            nodes[index].notices.append((arrival(after: nodes[index].notices.last?.at, draw()), .subscribed(room)))
        case .unsubscribe(let room): nodes[index].subscriptions.remove(room)
        case .reconnect:
            nodes[index].log.append(output)
            cut(index)
        case .load(let room, let snapshot, let position): load(room, snapshot, position, index)
        case .apply(let room, let record): apply(record, room, index)
        case .takeSnapshot(let room):
            guard let model = nodes[index].rooms[room], let position = nodes[index].lockstep.position(of: room) else {
                return
            }
            nodes[index].log.append(output)
            let lines = nodes[index].lines[room]?.filter { $0.position <= position }.map(\.1) ?? []
            nodes[index].lockstep.store(
                model.snapshot, of: room, at: position, history: lines, expiredThrough: 0)
        case .drop(let room, _):
            nodes[index].log.append(output)
            nodes[index].rooms[room] = nil
            nodes[index].lines[room] = []
            nodes[index].proposed[room] = []
        case .lost:
            nodes[index].log.append(output)
            nodes[index].people = [:]
            nodes[index].lockstep.begin(as: newIncarnation(), now: now)
        case .end(let reason):
            nodes[index].ended = reason
            cut(index)
        case .stored(let room, let position):
            nodes[index].log.append(output)
            nodes[index].lines[room]?.removeAll { $0.position <= position }
        case .history(_, let tag, _), .historySizes(_, let tag, _):
            nodes[index].log.append(output)
            wasRead(tag, index)
        case .ready, .keeping, .trouble: nodes[index].log.append(output)
        }
    }

    private mutating func load(_ room: String, _ snapshot: [UInt8]?, _ position: UInt64, _ index: Int) {
        nodes[index].log.append(.load(room: room, snapshot: nil, position: position))
        let model = snapshot.map { try? ModelRoom(snapshot: $0) } ?? ModelRoom()
        guard let model else { return judge.find("a snapshot of \(room) cannot be read") }
        nodes[index].rooms[room] = model
        nodes[index].seqs[room] = model.seq
        nodes[index].lines[room] = []
        nodes[index].lockstep.applied(room, at: position, digest: model.digest)
        for due in model.deadlines { nodes[index].lockstep.arm(due, at: now + grace, in: room) }
    }

    private mutating func apply(_ record: RoomRecord, _ room: String, _ index: Int) {
        guard nodes[index].rooms[room] != nil else { return }
        let own = record.incarnation == nodes[index].lockstep.incarnation
        if own, case .inputs(let inputs) = record.content {
            for case .input(let bytes) in inputs.items {
                let text = String(decoding: bytes, as: UTF8.self)
                nodes[index].proposed[room]?.removeAll { $0 == text }
            }
        }
        let deadlines = nodes[index].rooms[room]?.apply(record) ?? []
        for due in deadlines { nodes[index].lockstep.arm(due, at: now + grace, in: room) }
        for event in nodes[index].rooms[room]?.takeEvents() ?? [] {
            judge.shown(event, in: room, by: nodes[index].name, after: nodes[index].seqs[room] ?? 0)
            nodes[index].seqs[room] = event.seq
            let line = HistoryLine(seq: event.seq, time: record.stamp, line: Array(event.text.utf8))
            nodes[index].lines[room, default: []].append((record.position, line))
        }
        nodes[index].log.append(.apply(room: room, record))
        if nodes[index].log.count > 4000 { nodes[index].log.removeFirst(2000) }
        if let digest = nodes[index].rooms[room]?.digest {
            nodes[index].lockstep.applied(room, at: record.position, digest: digest)
        }
    }
}

// MARK: What tests look at

extension LockstepWorld {
    /// So many nodes that serve room `a`.
    static func serving(_ count: Int, delay: Int64 = 0) -> LockstepWorld {
        var world = LockstepWorld()
        world.delay = delay
        for _ in 0..<count { world.open("a", at: world.addNode()) }
        world.run(50 + 10 * delay)
        return world
    }

    /// The records of room `a` that have inputs, as the texts in each.
    var records: [[String]] {
        let records = engine.contents.rooms["a"]?.records ?? []
        return records.compactMap { record in
            guard case .inputs(let inputs) = record.content else { return nil }
            return inputs.items.map { item in
                switch item {
                case .input(let bytes): String(decoding: bytes, as: UTF8.self)
                case .due(let due): "due \(due.kind) \(due.generation)"
                }
            }
        }
    }

    /// Why a node has dropped rooms.
    func drops(_ node: Int) -> [Lockstep.DropReason] {
        nodes[node].log.compactMap { if case .drop(_, let reason) = $0 { reason } else { nil } }
    }

    /// The node that comes first in room `a`, and the others in their order.
    var byRank: [Int] {
        nodes.indices.sorted { first, second in
            func weight(_ node: Int) -> UInt64 { ServedRoom.weight(nodes[node].lockstep.incarnation, "a") }
            return weight(first) < weight(second)
        }
    }
}
