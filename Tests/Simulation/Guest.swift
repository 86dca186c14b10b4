import Client
import WebSocket

/// Someone who behaves: chats with the shipped client, comes and goes, is sometimes slow, and now and then loses everything but
/// what a client keeps.
final class Guest: Person {
    let index: Int
    unowned let world: Simulator
    var room = ""
    let name: String
    var session: ClientSession?
    var link: Link?
    private var ear = Ear(.client)
    /// The server has said on this connection why it ends.
    private var hasGoodbye = false
    /// When to do something next (ns).
    var nextDeed: Int64 = 0
    /// What was arranged with the world last; what was arranged before does not count.
    private var version: UInt64 = 0
    var isDeafUntil: Int64 = 0
    var isCalm = false
    /// By which the server knows it, whatever it is called and however often it comes and goes.
    private let key: String
    /// The identifiers of all that it has asked for since it came in.
    var own: Set<String> = []
    /// The newest thing it has asked for, in which session that was, and whether it was answered.
    var lastAsked: (id: String, request: ChatRequest, session: String?, isHeard: Bool)?
    /// The newest messages that it knows in its room, and whether each is its own.
    var known: [(seq: UInt64, isOwn: Bool)] = []
    /// The newest reaction that it has given.
    var lastReaction: (target: UInt64, emoji: String)?
    /// Whether it is a host of its room, as far as it knows.
    var isHost = false
    /// The room that it may not enter until then (the wall clock's ms), and waits for.
    var exile: (room: String, until: Int64)?
    /// It reaches nobody until then (ns).
    var isAwayUntil: Int64 = 0

    init(_ index: Int, _ world: Simulator) {
        self.index = index
        self.world = world
        name = "guest\(index)"
        key = "the key of guest \(index)"
    }

    var now: Int64 { world.now / 1_000_000 }

    var hope: Hope? {
        guard let client = session?.client else {
            return Hope(room: room, username: name, isSettled: false, people: [], seq: 0)
        }
        return Hope(
            room: room, username: client.username, isSettled: client.phase == .joined && client.isSettled,
            people: client.people.names.sorted(), seq: client.seq,
            state: "\(client.phase), \(client.outgoing.prefix(2))")
    }

    // MARK: The network

    func connected(_ link: Link) {
        guard link === self.link else { return world.network.close(link, withReset: false) }
        session?.connected()
        settle()
    }

    func refused(_ link: Link) { lost(link) }

    func readable(_ link: Link) {
        guard link === self.link else {
            _ = world.network.receive(link)  // the last of a connection that was let go
            return
        }
        guard world.now >= isDeafUntil else { return }
        let bytes = world.network.receive(link)
        let since = session?.client.session == nil ? nil : session?.client.seq
        ear.take(bytes) { text in world.judge.heard(index, link, room: room, since: since, text) }
        if let (code, reason) = ear.dismissal {
            world.judge.dismissed(index, from: room, link, code: code, reason: reason)
            ear.dismissal = nil
            hasGoodbye = true
        }
        session?.received(bytes.span, now: now)
        settle()
    }

    func ended(_ link: Link, inOrder: Bool) { lost(link) }

    private func lost(_ link: Link) {
        guard link === self.link else { return }
        if !hasGoodbye, ear.isOpen { world.judge.dropped(index, link) }
        forgetLink()
        session?.disconnected(now: now)
        settle()
    }

    private func forgetLink() {
        if let link { world.judge.forget(link) }
        link = nil
    }

    // MARK: Deeds

    func wake(_ version: UInt64) {
        guard version == self.version || version == 0 else { return }
        if session == nil, world.now >= nextDeed { begin() }
        if isDeafUntil > 0, world.now >= isDeafUntil {
            isDeafUntil = 0
            if let link { readable(link) }
        }
        session?.act { $0.advance(to: now, into: &$1) }
        if session != nil, world.now >= nextDeed {
            nextDeed = isCalm ? .max : world.now + world.random.time(mean: world.plan.deedEvery)
            if session?.client.isOut == true { comeBack() } else if !isCalm { act() }
        }
        settle()
    }

    func calmDown() {
        isCalm = true
        isDeafUntil = 0
        isAwayUntil = 0
        // Most bans lapse soon enough to be waited for.
        let waits = session == nil && exile != nil && nextDeed < world.now + 60_000_000_000
        if !waits { nextDeed = session?.client.isOut == false ? .max : world.now }
        if session == nil, !waits { exile = nil }
        if let link { readable(link) }
        wake(0)
    }

    /// Comes in as someone new.
    func begin() {
        // Where nobody is a host, nobody is put out or kept out.
        let before = room
        room = exile?.room ?? (isCalm ? "lobby" : "room\(world.random.number(0...world.plan.rooms - 1))")
        guard let url = try? ClientURL("ws://chat/r/\(room)") else {
            return world.judge.fail("an address was not understood")
        }
        var client = ChatClient(username: name, seed: world.random.next())
        client.credentials.key = key
        client.credentials.invite = invitation()
        session = ClientSession(
            client: client, url: url, deflate: world.random.happens(0.5), random: { [unowned self] in roll() })
        // What was asked for elsewhere is not known here.
        if room != before { lastAsked = nil }
        own = []
        known = []
        lastReaction = nil
        isHost = false
        session?.act { $0.start(now: now, into: &$1) }
        if !isCalm { nextDeed = world.now + world.random.time(mean: 10_000_000_000 * world.plan.pace) }
    }

    /// What it has been handed to come in with: mostly the newest.
    private func invitation() -> String? {
        guard let all = world.invitations[room], let newest = all.last else { return nil }
        if world.random.happens(0.7) { return newest }
        return world.random.happens(0.5) ? nil : world.random.pick(all)
    }

    /// The connection is gone without a word.
    func drop() {
        guard let link else { return }
        world.trace("guest \(index) drops its connection")
        forgetLink()
        world.network.close(link, withReset: world.random.happens(0.5))
        session?.disconnected(now: now)
    }

    /// Leaves for good once all is said, and comes back as someone new.
    func leave() {
        guard let client = session?.client, client.phase == .joined, client.isSettled else { return }
        world.trace("guest \(index) leaves")
        world.judge.leaves(index)
        retire(for: world.random.time(mean: 20_000_000_000 * world.plan.pace))
    }

    /// Ends its connection in good order, and comes in again after some time (ns), as someone new with the same key.
    func retire(for time: Int64) {
        session?.act { $0.leave(into: &$1) }
        settle()
        session = nil
        nextDeed = world.now + time
        arrange()
    }

    // MARK: The client's wishes

    /// Sees to what the client asks for, and arranges to be woken.
    private func settle() {
        flush()
        for request in takeRequests() {
            switch request {
            case .connect:
                if let link { world.network.close(link, withReset: false) }
                forgetLink()
                ear = Ear(.client)
                hasGoodbye = false
                link = world.network.connect(index, isUnreachable: world.now < isAwayUntil)
            case .disconnect:
                flush()
                if let link { world.network.close(link, withReset: false) }
                forgetLink()
            }
        }
        flush()
        let events = session?.events ?? []
        session?.events = []
        for event in events { note(event) }
        arrange()
    }

    private func takeRequests() -> [ClientSession.Request] {
        defer { session?.requests = [] }
        return session?.requests ?? []
    }

    private func flush() {
        guard let bytes = session?.takeOutput(), !bytes.isEmpty, let link else { return }
        world.network.send(link, bytes)
    }

    func arrange() {
        var next = nextDeed
        if let deadline = session?.client.deadline { next = min(next, deadline * 1_000_000) }
        if isDeafUntil > 0 { next = min(next, isDeafUntil) }
        guard next < .max else { return }
        version += 1
        world.wake(index, in: next - world.now, version: version)
    }

    func roll() -> UInt64 { world.random.next() }
}

extension ChatClient {
    /// Whether it waits for somebody to have it come in again.
    var isOut: Bool { phase == .out || phase == .ended(.putOut) }
}
