import Checker
import Client
import WebSocket

/// Someone who chats with the shipped client, over one node after the other.
final class Traveller: Person {
    let index: Int
    unowned let world: SeveralNodes
    let name: String
    private let key: String
    /// Where it is, and to which node it is connected.
    private(set) var room = ""
    private(set) var node: Int
    var session: ClientSession?
    private var link: Link?
    /// All connections that it has ever made, for those who compare transcripts.
    private var connection = 0
    private var ears = (sent: Ear(.server), received: Ear(.client))
    private(set) var recorders: [String: TranscriptRecorder] = [:]
    /// When to do something next (ns).
    var nextDeed: Int64 = 0
    private var version: UInt64 = 0
    private(set) var isCalm = false
    /// It reaches nobody until then (ns).
    private var isAwayUntil: Int64 = 0
    /// It stays at its node, and reads all there is.
    let isAuditor: Bool
    /// What an auditor has read, newest page first; and whether that is all.
    private(set) var pages: [[UInt8]] = []
    private(set) var hasReadAll = false

    // What it does, and knows.

    var lastAsked: (id: String, request: ChatRequest, isHeard: Bool)?
    var known: [(seq: UInt64, isOwn: Bool)] = []
    var isHost = false

    init(_ index: Int, _ world: SeveralNodes, auditorAt node: Int? = nil) {
        (self.index, self.world) = (index, world)
        self.node = node ?? 0
        isAuditor = node != nil
        name = node == nil ? "guest\(index)" : "auditor\(index)"
        key = "the key of \(name), and more"
    }

    var now: Int64 { world.now / 1_000_000 }

    var hope: Hope? {
        guard let client = session?.client else {
            return Hope(room: room, username: name, isSettled: false, people: [], seq: 0, state: "outside")
        }
        return Hope(
            room: room, username: client.username, isSettled: client.phase == .joined && client.isSettled,
            people: client.people.names.sorted(), seq: client.seq,
            state: "\(client.phase) at node \(node), \(client.outgoing.prefix(2))")
    }

    // MARK: The network

    func connected(_ link: Link) {
        guard link === self.link else { return }
        session?.connected()
        settle()
    }

    func refused(_ link: Link) { lost(link) }
    func ended(_ link: Link, inOrder: Bool) { lost(link) }

    func readable(_ link: Link) {
        guard link === self.link else { return }
        let bytes = world.nodes[node].network.receive(link)
        ears.received.take(bytes) { text in
            record(.got, text)
            hear(text)
        }
        if let (code, reason) = ears.received.dismissal {
            recorders[room]?.addEnd(Int(code), of: connection, at: world.now)
            world.judge.dismissed(self, link, code: code, reason: reason)
            ears.received.dismissal = nil
        }
        session?.received(bytes.span, now: now)
        settle()
    }

    private func hear(_ text: [UInt8]) {
        let heard = Heard(text)
        world.judge.heard(self, heard, text)
        if isAuditor, heard.type == "history" {
            pages.append(text)
            if heard.hasMore, let first = heard.history.first {
                askForPage(before: Heard(first).seq)
            } else {
                hasReadAll = true
            }
        }
    }

    private func record(_ direction: TranscriptRecorder.Direction, _ text: [UInt8]) {
        recorders[room, default: TranscriptRecorder(client: name)].add(
            direction, String(decoding: text, as: UTF8.self), on: connection, at: world.now)
    }

    private func lost(_ link: Link) {
        guard link === self.link else { return }
        self.link = nil
        session?.disconnected(now: now)
        settle()
    }

    private func transmit(_ bytes: [UInt8]) {
        guard let link else { return }
        ears.sent.take(bytes) { text in
            record(.sent, text)
            if Heard(text).type == "join" { world.judge.joins(self) }
        }
        world.nodes[node].network.send(link, bytes)
    }

    // MARK: Coming and going

    func wake(_ version: UInt64) {
        guard version == self.version else { return }
        if session == nil, world.now >= nextDeed { begin() }
        session?.act { $0.advance(to: now, into: &$1) }
        if session != nil, world.now >= nextDeed {
            nextDeed = isCalm ? world.now + 5_000_000_000 : world.now + world.random.time(mean: world.plan.deedEvery)
            let phase = session?.client.phase
            if phase == .out || phase == .ended(.putOut) {
                comeBack()
            } else if !isCalm {
                act()
            }
        }
        settle()
    }

    func calmDown() {
        isCalm = true
        isAwayUntil = 0
        nextDeed = world.now
        arrange()
    }

    /// Comes in as someone new.
    private func begin() {
        let before = room
        room = !isCalm && world.random.happens(0.1) ? "beside" : "main"
        guard let url = try? ClientURL("ws://chat/r/\(room)") else { return }
        var client = ChatClient(username: name, seed: world.random.next())
        client.credentials.key = key
        session = ClientSession(
            client: client, url: url, deflate: world.random.happens(0.3), random: { [unowned self] in roll() })
        if room != before { (lastAsked, known) = (nil, []) }
        isHost = false
        session?.act { $0.start(now: now, into: &$1) }
        nextDeed = world.now + world.random.time(mean: world.plan.deedEvery)
    }

    private func comeBack() {
        if session?.client.phase == .out {
            session?.act { $0.join(as: name, now: now, into: &$1) }
        } else {
            session?.act { $0.start(now: now, into: &$1) }
        }
    }

    /// The connection is gone without a word, and perhaps it takes a while until there is another.
    func drop(awayFor time: Int64 = 0) {
        isAwayUntil = world.now + time
        guard let link else { return }
        world.trace("\(name) drops its connection to node \(node)")
        self.link = nil
        world.nodes[node].network.close(link, withReset: world.random.happens(0.5))
        session?.disconnected(now: now)
    }

    /// Leaves in good order, and comes in again after a while.
    func leave() {
        guard let client = session?.client, client.phase == .joined, client.isSettled else { return }
        world.trace("\(name) leaves")
        session?.act { $0.leave(into: &$1) }
        settle()
        session = nil
        nextDeed = world.now + world.random.time(mean: 8_000_000_000)
    }

    /// Asks for something that its client would not ask for.
    func send(_ text: [UInt8]) {
        guard link != nil, session?.client.phase == .joined else { return }
        flush()
        var frame: [UInt8] = []
        Frame.appendMasked(
            to: &frame, opcode: .text, payload: text.span, key: UInt32(truncatingIfNeeded: roll()))
        transmit(frame)
    }

    // MARK: The client's wishes

    private func settle() {
        flush()
        let requests = session?.requests ?? []
        session?.requests = []
        for request in requests {
            if request == .disconnect { flush() }
            if let link { world.nodes[node].network.close(link, withReset: false) }
            link = nil
            if request == .connect { connect() }
        }
        flush()
        let events = session?.events ?? []
        session?.events = []
        for event in events { note(event) }
        arrange()
    }

    private func connect() {
        if !isAuditor, world.random.happens(0.5) { node = world.random.number(0...world.nodes.count - 1) }
        connection += 1
        ears = (Ear(.server), Ear(.client))
        link = world.nodes[node].network.connect(index, isUnreachable: world.now < isAwayUntil)
    }

    private func flush() {
        guard let bytes = session?.takeOutput(), !bytes.isEmpty else { return }
        transmit(bytes)
    }

    func arrange() {
        var next = nextDeed
        if let deadline = session?.client.deadline { next = min(next, deadline * 1_000_000) }
        version += 1
        let version = version
        world.after(max(1, next - world.now)) { [unowned self] in wake(version) }
    }

    func roll() -> UInt64 { world.random.next() }

    private func askForPage(before seq: UInt64) {
        session?.act { _ = $0.requestHistory(before: seq, limit: 200, into: &$1) }
    }

    private func note(_ event: ClientEvent) {
        if case .joined = event, isAuditor { askForPage(before: UInt64.max >> 11) }
        react(to: event)
        flush()
    }
}
