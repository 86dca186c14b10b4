import Bytes
import Chat
import Support
import Testing

/// Several nodes that serve a room together: what they propose is put in one order, which each of them is given at its own pace.
struct SharedWorld {
    struct Node {
        var bits: UInt128
        var world: ChatHarness
        /// What it has proposed that is in no record yet.
        var proposed: [SharedRecord.Item] = []
        /// The newest record that it was given; nil before it has asked for the room.
        var position: Int?
        var isReady = false
        var graces: [(end: Int64, member: UInt64, grace: UInt64)] = []
        var people: [ConnectionID] = []
        /// What people's sessions are that were lost with an earlier life.
        var sessions: [String] = []
    }

    static let room = "lobby"
    var random: SeededGenerator
    var nodes: [Node] = []
    var records: [SharedRecord] = []
    /// What each record has come to, by whoever was first.
    var digests: [UInt64: UInt64] = [:]
    /// The newest snapshot, and where it stands.
    var snapshot: (position: Int, state: [UInt8])?
    var nextNode: UInt128 = 1
    var epoch: UInt64 = 1
    var time: Int64 = 1_700_000_000_000
    let limits: Limits
    private var hasDiffered = false
    /// All events that any node has made, as lines of the history.
    var history: [UInt64: [UInt8]] = [:]

    init(nodes count: Int, seed: UInt64) {
        random = SeededGenerator(seed: seed)
        var limits = ChatHarness.unlimited(isDurable: true)
        limits.rules.isShared = true
        (limits.rules.recentBytes, limits.rules.recentMessages) = (3000, 6)
        self.limits = limits
        for _ in 0..<count { nodes.append(makeNode()) }
    }

    private mutating func makeNode() -> Node {
        nextNode += 1
        let world = ChatHarness(limits: limits, firstSlot: UInt32(nextNode) * 1000)
        var node = Node(bits: nextNode << 70 | nextNode, world: world)
        // Somebody has to be able to do what hosts do, and the lobby has none.
        node.world.appoint("a")
        node.world.inputs.items.append(.begins(as: node.bits))
        return node
    }

    // MARK: The engine

    /// Puts what a node has proposed into the next record.
    mutating func append(_ index: Int) {
        guard !nodes[index].proposed.isEmpty else { return }
        let count = 1 + random.below(nodes[index].proposed.count)
        let items = Array(nodes[index].proposed.prefix(count))
        nodes[index].proposed.removeFirst(count)
        add(.items(items, by: nodes[index].bits))
    }

    mutating func add(_ content: SharedRecord.Content) {
        time += Int64(random.below(50))
        records.append(SharedRecord(position: UInt64(records.count + 1), time: time, content))
    }

    /// Gives a node some of the records that it does not have.
    mutating func give(_ index: Int, _ count: Int) {
        guard let position = nodes[index].position else { return }
        let end = min(records.count, position + count)
        for record in records[position..<end] { nodes[index].world.inputs.items.append(.record(room: 0, record)) }
        nodes[index].position = end
        guard end == records.count, !nodes[index].isReady else { return }
        nodes[index].isReady = true
        nodes[index].world.inputs.items.append(.sharedReady(room: 0))
    }

    mutating func tick(_ index: Int, after milliseconds: Int64 = 1) {
        nodes[index].world.tick(after: milliseconds)
        let (output, now) = (nodes[index].world.output, nodes[index].world.inputs.now)
        for (_, position, digest) in output.applied {
            if let other = digests[position], other != digest, !hasDiffered {
                hasDiffered = true
                let record = records[Int(position) - 1].content
                Issue.record("node \(index) has come to something else at \(position): \(record)")
            }
            digests[position] = digest
        }
        nodes[index].proposed += nodes[index].world.proposals.map { .input($0.input) }
        nodes[index].world.proposals = []
        nodes[index].graces += output.deadlines.map { ($0.end, $0.member, UInt64($0.grace)) }
        for grace in nodes[index].graces where grace.end <= now {
            nodes[index].proposed.append(.graceOver(member: grace.member, grace: grace.grace))
        }
        nodes[index].graces.removeAll { $0.end <= now }
        answerReads(of: index)
        let ended = Set(output.endings.map(\.connection))
        nodes[index].people.removeAll { ended.contains($0) }
    }

    private mutating func answerReads(of index: Int) {
        let reads = nodes[index].world.sharedReads
        for line in nodes[index].world.chat.tail(of: 0) { history[line.seq] = line.text }
        if !reads.isEmpty {
            nodes[index].world.disk.rooms[Self.room] = history.sorted { $0.key < $1.key }.map {
                String(decoding: $0.value, as: UTF8.self)
            }
        }
        nodes[index].world.sharedReads = []
        for read in reads {
            guard read.want != .load else {
                nodes[index].position = snapshot?.position ?? 0
                nodes[index].isReady = false
                nodes[index].world.inputs.items.append(
                    .sharedBegins(
                        room: read.room, state: snapshot?.state, position: UInt64(snapshot?.position ?? 0)))
                continue
            }
            nodes[index].world.disk.answer(
                read, of: nodes[index].world.chat.rooms[Int(read.room)], to: &nodes[index].world.inputs)
        }
    }

    /// Until nothing is on its way, all nodes get all.
    mutating func settle() {
        for _ in 0..<200 {
            for index in nodes.indices {
                append(index)
                give(index, .max - records.count)
                tick(index)
            }
            let isQuiet = nodes.allSatisfy { node in
                node.proposed.isEmpty && node.world.inputs.items.isEmpty
                    && (node.position ?? records.count) == records.count
            }
            if isQuiet { return }
        }
        Issue.record("the nodes do not come to rest")
    }

    // MARK: People

    mutating func arrive(_ index: Int, _ name: String, more: String = "") -> ConnectionID {
        let id = nodes[index].world.arrive(name, room: Self.room, more: more)
        nodes[index].people.append(id)
        return id
    }

    /// A node dies, and all its people with it; the others are told; another begins in its place.
    mutating func kill(_ index: Int) {
        let bits = nodes[index].bits
        for id in nodes[index].people { nodes[index].sessions.append(ChatHarness.newSession(of: id)) }
        let (sessions, moment) = (nodes[index].sessions, nodes[index].world.inputs.moment)
        nodes[index] = makeNode()
        nodes[index].sessions = sessions
        nodes[index].world.inputs.moment = moment
        add(.lost(node: bits))
    }

    /// A node takes a snapshot, which whoever comes later begins with.
    mutating func takeSnapshot(_ index: Int) {
        guard nodes[index].isReady, let taken = nodes[index].world.chat.snapshot(of: 0) else { return }
        guard Int(taken.position) > snapshot?.position ?? 0 else { return }
        snapshot = (Int(taken.position), taken.state)
    }
}
