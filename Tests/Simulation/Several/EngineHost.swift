import Cluster
import Server

/// The engine's process, and the nodes' connections to it.
final class EngineHost {
    /// A connection, in both directions.
    private final class Line {
        let node: SimulatedNode
        let role: EngineConnection.Role
        var talk = EngineTalk()
        var up = Link.Pipe()
        var down = Link.Pipe()
        var isOpenAtEngine = true
        var isOpenAtNode = true

        init(_ node: SimulatedNode, _ role: EngineConnection.Role) { (self.node, self.role) = (node, role) }
    }

    private(set) var engine = SimulatedEngine()
    private var lines: [Line] = []
    private var restarts = 0
    /// It is not there.
    private(set) var isGone = false
    /// It does nothing before this time (ns).
    var stoppedUntil: Int64 = 0
    /// What its clock is ahead of the world's (ms).
    var clockOffset: Int64 = 0
    /// What it had some time ago, oldest first.
    private var copies: [SimulatedEngine.Contents] = []
    private unowned let world: SeveralNodes

    init(_ world: SeveralNodes) { self.world = world }

    var isFull: Bool {
        get { engine.isFull }
        set { engine.isFull = newValue }
    }

    // MARK: Connections

    /// A node opens its two connections; those that it had are closed.
    func connect(_ node: SimulatedNode) {
        disconnect(node)
        node.engineAttempt += 1
        let attempt = node.engineAttempt
        // Whoever is out of reach is given up after a while, as `EngineSockets` does it.
        let end = world.now + EngineSockets.patience * 1_000_000
        world.after(delay()) { [self] in open(node, attempt, until: end) }
    }

    private func open(_ node: SimulatedNode, _ attempt: Int, until end: Int64) {
        guard node.engineAttempt == attempt else { return }
        if world.now < node.cutOffUntil, world.now < end {
            let time = min(node.cutOffUntil, end)
            return world.after(max(1, time - world.now)) { [self] in open(node, attempt, until: end) }
        }
        guard !isGone, world.now < end else {
            return node.take(.closed(world.now < end ? "connection refused" : "the engine does not answer"))
        }
        var roles: [EngineConnection.Role] = [.commands, .subscriptions]
        if world.random.happens(0.5) { roles.reverse() }
        for role in roles {
            lines.append(Line(node, role))
            node.take(.opened(role))
        }
    }

    /// A node closes its connections: what it has sent arrives, and what is on its way to it does not.
    func disconnect(_ node: SimulatedNode) {
        node.engineAttempt += 1
        for line in lines where line.node === node { line.isOpenAtNode = false }
    }

    func send(_ bytes: [UInt8], from node: SimulatedNode, _ role: EngineConnection.Role) {
        guard let line = lines.last(where: { $0.node === node && $0.role == role && $0.isOpenAtNode }) else { return }
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = world.random.happens(0.1) ? world.random.number(1...rest.count) : rest.count
            let arrival = max(world.now + delay(), line.up.earliestArrival)
            line.up.put(Link.Pipe.Segment(arrival: arrival, bytes: Array(rest.prefix(count))))
            world.after(arrival - world.now) { [self] in arriveAtEngine(line) }
            rest = rest.dropFirst(count)
        }
    }

    /// A node's connections break. Of what it has sent a part is done; the answers are lost.
    func cut(_ node: SimulatedNode) {
        let own = lines.filter { $0.node === node && $0.isOpenAtNode }
        guard !own.isEmpty else { return }
        for line in own where world.random.happens(0.7) { perform(line, upTo: .max) }
        for line in own { (line.isOpenAtEngine, line.isOpenAtNode) = (false, false) }
        tellEnd(node, "connection reset")
    }

    private func tellEnd(_ node: SimulatedNode, _ reason: String) {
        let attempt = node.engineAttempt
        world.after(delay()) { [self] in
            guard node.engineAttempt == attempt else { return }
            for line in lines where line.node === node { line.isOpenAtNode = false }
            node.engineAttempt += 1
            node.take(.closed(reason))
        }
    }

    private func delay() -> Int64 { world.random.time(mean: world.engineLatency) }

    // MARK: Bytes

    private func arriveAtEngine(_ line: Line) {
        guard line.isOpenAtEngine else { return }
        let hindered = max(stoppedUntil, line.node.cutOffUntil)
        guard world.now >= hindered else {
            return world.after(hindered - world.now) { [self] in arriveAtEngine(line) }
        }
        perform(line, upTo: world.now)
        if !line.isOpenAtNode, line.up.nextArrival == nil { lines.removeAll { $0 === line } }
    }

    /// Does what has arrived by a time, publishes what follows, and answers.
    private func perform(_ line: Line, upTo time: Int64) {
        guard line.up.advance(to: time) else { return }
        let bytes = line.up.arrived
        line.up.arrived = []
        (engine.time, engine.monotonic) = (world.wall + clockOffset, world.now / 1_000_000)
        var published: [SimulatedEngine.Published] = []
        let answers = line.talk.take(bytes.span, line: "engine-\(restarts)") { request in
            let answer = engine.perform(request)
            published += engine.takePublished()
            return answer
        }
        for published in published {
            world.judge.kept(published)
            for other in lines where other.role == .subscriptions && other.talk.rooms.contains(published.room) {
                if world.now < other.node.losesNoticesUntil, world.random.happens(0.5) { continue }
                send(other.talk.message(published), to: other)
            }
        }
        guard let answers else {
            return world.judge.fail("node \(line.node.index) sends the engine what is no command")
        }
        send(answers, to: line)
    }

    private func send(_ bytes: [UInt8], to line: Line) {
        guard line.isOpenAtEngine, !bytes.isEmpty else { return }
        // Its disk takes its time for each.
        let arrival = max(world.now + delay() + world.random.time(mean: world.engineLatency), line.down.earliestArrival)
        line.down.put(Link.Pipe.Segment(arrival: arrival, bytes: bytes))
        world.after(arrival - world.now) { [self] in arriveAtNode(line) }
    }

    private func arriveAtNode(_ line: Line) {
        guard line.isOpenAtNode else { return }
        guard world.now >= line.node.cutOffUntil else {
            return world.after(line.node.cutOffUntil - world.now) { [self] in arriveAtNode(line) }
        }
        guard line.down.advance(to: world.now) else { return }
        line.node.take(.received(line.role, line.down.arrived))
        line.down.arrived = []
    }

    // MARK: Its life

    /// The process is killed. What was answered and not received may be lost.
    func kill() {
        isGone = true
        for line in lines where line.isOpenAtEngine {
            line.isOpenAtEngine = false
            if world.random.happens(0.5) { line.down.removeAll() }
        }
        for node in world.nodes where lines.contains(where: { $0.node === node && $0.isOpenAtNode }) {
            tellEnd(node, "the engine has ended it")
        }
        lines.removeAll { !$0.isOpenAtNode }
    }

    /// It begins again, with what it has on its disk.
    func start() {
        guard isGone else { return }
        isGone = false
        stoppedUntil = 0
        restarts += 1
    }

    /// Keeps what it has, for a tail that is lost later.
    func keepCopy() {
        guard copies.last?.writes != engine.contents.writes else { return }
        copies.append(engine.contents)
        if copies.count > 12 { copies.removeFirst() }
    }

    /// It is killed, and what comes back is what it had some time ago: in the same epoch, since a node that begins anew, and is the first
    /// to find an engine that has forgotten an epoch, cannot know of it, and uses its seqs again.
    func loseTail() {
        kill()
        copies.removeAll { $0.epoch != engine.contents.epoch }
        guard !copies.isEmpty else { return }
        let place = world.random.number(0...copies.count - 1)
        let copy = copies[place]
        copies.removeSubrange(place...)
        world.judge.tailIsLost(after: copy.rooms.mapValues(\.last))
        engine.contents = copy
    }
}
