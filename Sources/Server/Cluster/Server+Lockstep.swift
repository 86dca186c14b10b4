import Chat
import Cluster
import Log
import Platform

/// A node of a cluster: the loop between the rooms and the engine.
extension Server where W: ~Copyable {
    /// Takes in what the engine has said; a part of the first step.
    mutating func receiveFromEngine() {
        guard let link = cluster else { return }
        for event in world.takeEngineEvents() {
            switch event {
            case .opened(let role): link.node.opened(role, now: now)
            case .received(let role, let bytes): link.node.received(role, bytes.span, now: now)
            case .closed(let reason): link.node.closed(because: reason, now: now)
            }
            carryOut(link)
        }
        for (request, outcome) in link.found {
            switch outcome {
            case .lines(let lines, let more):
                inputs.items.append(.lines(request: request, inputs.append(lines.span), more: more))
            case .found(let lines, let next):
                inputs.items.append(.found(request: request, inputs.append(lines.span), next: next))
            default: inputs.items.append(.readFailed(request: request))
            }
        }
        link.found = []
    }

    /// Proposes what the rooms of the cluster are to be given.
    mutating func proposeInputs() {
        guard let link = cluster else { return }
        chat.share(inputs.bytes, into: &output) { room, input in link.node.propose(.input(input), in: room) }
    }

    /// Tells the engine what the tick has come to.
    mutating func tellEngine() {
        guard let link = cluster else { return }
        if let room = output.unreadable {
            let reason = "another version of chatloop has written the room \(room). Start all nodes with the newest"
            endAtOnce(because: StartFailure(.unavailable, "Cannot go on: \(reason)."))
        }
        for (room, position, digest) in output.applied {
            link.node.applied(chat.rooms[Int(room)].name, at: position, digest: digest)
        }
        for deadline in output.deadlines {
            let due = Due(kind: deadline.member, generation: UInt64(deadline.grace))
            link.node.arm(due, at: deadline.end, in: chat.rooms[Int(deadline.room)].name)
        }
        for read in output.reads { begin(read, link) }
        for room in output.erasures { link.node.wantSnapshot(of: chat.rooms[Int(room)].name) }
        for room in chat.takeDropped() { link.close(room) }
        link.lookForExpiry(of: chat.sharedRooms, now: now)
        link.closeRooms()
        takeSnapshots(link)
        link.node.tick(now: now)
        carryOut(link)
        for role in [EngineConnection.Role.commands, .subscriptions] {
            let bytes = link.node.takeBytes(role)
            if !bytes.isEmpty { world.sendToEngine(role, bytes) }
        }
    }

    private mutating func begin(_ read: DiskRead, _ link: ClusterLink) {
        let name = chat.rooms[Int(read.room)].name
        guard let kind = ReadRequest.Kind(read.want) else { return link.open(name) }
        let fold = read.want.isSearch ? chat.rooms[Int(read.room)].untold : nil
        link.read(kind, of: name, request: read.request, tail: chat.tail(of: read.room), fold: fold)
    }

    private mutating func takeSnapshots(_ link: ClusterLink) {
        let names = link.wantedSnapshots
        link.wantedSnapshots = []
        for name in names {
            guard let index = chat.roomsByName[name], let snapshot = chat.snapshot(of: index) else { continue }
            link.write(snapshot, of: name)
        }
    }

    /// The last words: others need not wait until this node's life lapses.
    mutating func leaveCluster() {
        guard let link = cluster else { return }
        link.node.leave()
        carryOut(link)
        world.sendToEngine(.commands, link.node.takeBytes(.commands))
    }

    // MARK: What the node says

    private mutating func carryOut(_ link: ClusterLink) {
        // Carrying out some may bring others.
        var outputs = link.node.takeOutputs()[...]
        while let output = outputs.popFirst() {
            defer { outputs += link.node.takeOutputs() }
            switch output {
            case .connect: world.connectToEngine()
            case .disconnect: world.disconnectFromEngine()
            case .trouble(let fault): engineFailed(fault, link)
            case .end(let reason): endAtOnce(because: StartFailure(.unavailable, reason.description))
            case .room(let output): if !takeServer(output, link) { carryOut(output, link) }
            }
        }
    }

    private mutating func engineFailed(_ fault: EngineFault, _ link: ClusterLink) {
        metrics.storageFailures += 1
        let now = now
        guard link.faultLog.admits(now: now) else { return }
        log(.error, "engine-failed", "reason", fault)
    }

    private mutating func carryOut(_ output: Lockstep.Output, _ link: ClusterLink) {
        switch output {
        case .load(let room, let state, let position):
            tell(room) { .sharedBegins(room: $0, state: state, position: position) }
        case .apply(let room, let record): tell(room) { .record(room: $0, SharedRecord(record)) }
        case .ready(let room): tell(room) { .sharedReady(room: $0) }
        case .stored(let room, let position): tell(room) { .stored(room: $0, position: position) }
        case .drop(let room, let reason):
            log(.error, "room-dropped", "room", room, "reason", reason)
            tell(room) { .sharedDropped(room: $0) }
        case .takeSnapshot(let room): link.wantedSnapshots.append(room)
        case .history(let room, let tag, let answer): link.take(answer, tag: tag, of: room)
        case .keeping(let isKeeping): tellKeeping(isKeeping)
        case .lost:
            log(.error, "node-lost", "reason", "the others took this node for lost")
            begin(link)
        case .historySizes(let room, _, let sizes):
            let time = inputs.moment.time
            guard let sizes, let seq = ClusterLink.expired(sizes, options.retention, time: time) else { return }
            tell(room) { .expired(room: $0, through: seq) }
            link.node.wantSnapshot(of: room)
        case .request, .subscribe, .unsubscribe, .reconnect, .trouble, .end: break
        }
    }

    // MARK: The server itself

    /// Takes in what is said of the records of the server itself.
    ///
    /// - Returns: whether it is of those.
    private mutating func takeServer(_ output: Lockstep.Output, _ link: ClusterLink) -> Bool {
        guard let position = link.server.take(output, &link.node) else { return output.isOfServer }
        var facts = link.server.facts
        facts.version = position
        chat.take(facts)
        tokens = ProgramTokens(link.server.tokens, secret: chat.secret)
        chat.setPrograms(tokens?.names ?? [])
        return true
    }

    /// Tells the other nodes what operators have decided here.
    mutating func shareFacts(_ facts: ServerFacts) {
        guard let change = cluster?.server.change(to: facts) else { return }
        if cluster?.node.propose(.input(change.bytes), in: SharedServer.name) != true { chat.keepFactsLater() }
    }

    mutating func shareLink(_ link: OperatorLink?) {
        _ = cluster?.node.propose(.input(SharedServer.Change.link(link).bytes), in: SharedServer.name)
    }

    /// Has the chat told something of a room, if it has that.
    private mutating func tell(_ room: String, _ item: (UInt32) -> TickInputs.Item) {
        if let index = chat.roomsByName[room] { tell(item(index)) }
    }

    /// The node goes on as another incarnation.
    private mutating func begin(_ link: ClusterLink) {
        let incarnation = Incarnation(bits: UInt128(world.random()) << 64 | UInt128(world.random()))
        link.node.begin(as: incarnation, now: now)
        tell(.begins(as: incarnation.bits))
    }
}

extension ServeOptions {
    /// This node's name: one that was given, or one that no other has.
    var nodeName: String { node ?? "\(hostName)-\(getpid())" }

    /// The secret that the nodes of the cluster share; nil without a cluster. That the cluster can be used is found out here.
    func findClusterSecret() throws(StartFailure) -> [UInt8]? {
        guard let cluster else { return nil }
        var session = try ClusterSession(to: cluster, name: nodeName, rules: clusterRules)
        let secret = try session.secret()
        try session.leave()
        return secret
    }
}

extension Server where W: ~Copyable {
    /// The node begins; before the first tick.
    package mutating func joinCluster() {
        guard let address = options.cluster else { return }
        let incarnation = Incarnation(bits: UInt128(world.random()) << 64 | UInt128(world.random()))
        var node = ClusterNode(
            at: address, as: incarnation, name: options.nodeName, rules: options.clusterRules, now: now)
        node.open(SharedServer.name)
        chat.begin(as: incarnation.bits)
        cluster = ClusterLink(node)
    }
}

extension SharedRecord {
    init(_ record: RoomRecord) {
        let content: Content =
            switch record.content {
            case .rules: .nothing
            case .lost(let incarnation): .lost(node: incarnation.bits)
            case .epoch(let epoch): .epoch(epoch)
            case .inputs(let inputs):
                .items(
                    inputs.items.map { item in
                        switch item {
                        case .input(let bytes): .input(bytes)
                        case .due(let due): .graceOver(member: due.kind, grace: due.generation)
                        }
                    }, by: record.incarnation.bits)
            }
        self.init(position: record.position, time: record.stamp, content)
    }
}

extension ReadRequest.Kind {
    /// Nil is a load.
    init?(_ want: DiskRead.Want) {
        switch want {
        case .load: return nil
        case .messagesBefore(let seq, let limit): self = .messagesBefore(seq, limit: limit)
        case .messagesAfter(let seq, let limit): self = .messagesAfter(seq, limit: limit)
        case .event(let seq): self = .event(seq)
        case .since(let seq, let limit): self = .since(seq, limit: limit)
        case .search(let text, let before, let limit): self = .search(text, before: before, limit: limit)
        }
    }
}
