import Client
import WebSocket

/// Someone who behaves: chats with the shipped client, comes and goes, is sometimes slow, and now and then loses everything but
/// what a client keeps.
final class Guest: Person {
    private let index: Int
    private unowned let world: Simulator
    private var room = ""
    private let name: String
    private var session: ClientSession?
    private var link: Link?
    private var ear = Ear()
    /// The server has said on this connection why it ends.
    private var hasGoodbye = false
    /// When to do something next (ns).
    private var nextDeed: Int64 = 0
    /// What was arranged with the world last; what was arranged before does not count.
    private var version: UInt64 = 0
    private var isDeafUntil: Int64 = 0
    private var isCalm = false
    /// The identifiers of all that it has said since it came in.
    private var own: Set<String> = []
    /// Its newest message, in which session it was said, and whether it has come back.
    private var lastSaid: (id: String, text: String, session: String?, isHeard: Bool)?
    /// It reaches nobody until then (ns).
    private var isAwayUntil: Int64 = 0

    init(_ index: Int, _ world: Simulator) {
        self.index = index
        self.world = world
        name = "guest\(index)"
    }

    private var now: Int64 { world.now / 1_000_000 }

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
            world.judge.dismissed(index, link, code: code, reason: reason)
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
        if session == nil { begin() }
        if isDeafUntil > 0, world.now >= isDeafUntil {
            isDeafUntil = 0
            if let link { readable(link) }
        }
        session?.act { $0.advance(to: now, into: &$1) }
        if world.now >= nextDeed {
            nextDeed = isCalm ? .max : world.now + world.random.time(mean: world.plan.deedEvery)
            act()
        }
        settle()
    }

    func calmDown() {
        isCalm = true
        isDeafUntil = 0
        isAwayUntil = 0
        nextDeed = session?.client.phase == .out ? world.now : .max
        if let link { readable(link) }
        wake(0)
    }

    /// Comes in as someone new.
    private func begin() {
        room = "room\(world.random.number(0...world.plan.rooms - 1))"
        guard let url = try? ClientURL("ws://chat/r/\(room)") else {
            return world.judge.fail("an address was not understood")
        }
        let client = ChatClient(username: name, seed: world.random.next())
        session = ClientSession(
            client: client, url: url, deflate: world.random.happens(0.5), random: { [unowned self] in roll() })
        own = []
        session?.act { $0.start(now: now, into: &$1) }
        if !isCalm { nextDeed = world.now + world.random.time(mean: 10_000_000_000 * world.plan.pace) }
    }

    private func act() {
        if session?.client.phase == .out {
            session?.act { $0.join(as: name, now: now, into: &$1) }
            return
        }
        guard !isCalm else { return }
        if world.random.happens(0.1) { return sayAgain() }
        if world.plan.emphasis == .absences, world.random.happens(0.4) {
            isAwayUntil = world.now + world.random.time(mean: 8_000_000_000)
            return drop()
        }
        switch world.random.number(0...99) {
        case 0..<55:
            say(length: world.random.happens(0.1) ? world.random.number(200...4000) : world.random.number(1...80))
        case 55..<65: for _ in 0..<world.random.number(2...40) { say(length: 10) }
        case 65..<72: session?.act { $0.typing(now: now, into: &$1) }
        case 72..<76: session?.act { _ = $0.rename(to: "\(name)-\(world.random.number(0...9))", into: &$1) }
        case 76..<80: session?.act { _ = $0.requestHistory(before: $0.seq, limit: 50, into: &$1) }
        case 80..<86:
            isDeafUntil = world.now + world.random.time(mean: 20_000_000_000)
            link?.isHindered = true
        case 86..<94: drop()
        default: leave()
        }
    }

    private func say(length: Int) {
        let alphabet = ["a", "b", "é", "漢", "🙂", " ", "\"", "\\", "\n"]
        let text = "x" + (0..<length - 1).map { _ in world.random.pick(alphabet) }.joined()
        guard session?.say(text, now: now) == true else { return }
        guard let message = session?.client.outgoing.last else { return }
        own.insert(message.id)
        world.judge.says(message.id, text, person: index)
        lastSaid = (message.id, text, session?.client.session, false)
    }

    /// Says the newest message once more, as someone does who has not looked at what came back: the shipped client finds its
    /// own message in the welcome after nearly every loss, and would never try it.
    private func sayAgain() {
        guard let last = lastSaid, let link, let client = session?.client, client.phase == .joined, client.isSettled,
            last.isHeard, client.session == last.session, !world.judge.mayHaveLostEvents
        else { return }
        var frame: [UInt8] = []
        Frame.appendMasked(
            to: &frame, opcode: .text, payload: ClientMessage.message(text: last.text, id: last.id).span,
            key: UInt32(truncatingIfNeeded: roll()))
        world.network.send(link, frame)
    }

    /// The connection is gone without a word.
    private func drop() {
        guard let link else { return }
        world.trace("guest \(index) drops its connection")
        forgetLink()
        world.network.close(link, withReset: world.random.happens(0.5))
        session?.disconnected(now: now)
    }

    /// Leaves for good once all is said, and comes back as someone new.
    private func leave() {
        guard let client = session?.client, client.phase == .joined, client.isSettled else { return }
        world.trace("guest \(index) leaves")
        world.judge.leaves(index)
        session?.act { $0.leave(into: &$1) }
        settle()
        session = nil
        nextDeed = world.now + world.random.time(mean: 20_000_000_000 * world.plan.pace)
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
                ear = Ear()
                hasGoodbye = false
                link = world.network.connect(index, isUnreachable: world.now < isAwayUntil)
            case .disconnect:
                flush()
                if let link { world.network.close(link, withReset: false) }
                forgetLink()
            }
        }
        flush()
        for event in session?.events ?? [] { note(event) }
        session?.events = []
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

    private func note(_ event: ClientEvent) {
        switch event {
        case .event(let event, _):
            if case .message(_, let id?) = event.kind, own.contains(id) {
                if id == lastSaid?.id { lastSaid?.isHeard = true }
                world.judge.acknowledge(id, room: room, seq: event.seq)
            }
        case .joinRefused(let error):
            // Its own ghost may have the name: the client tries again by itself, or the person does.
            world.trace("guest \(index) was refused: \(error.code)")
            if session?.client.phase == .out { nextDeed = world.now + 3_000_000_000 }
        case .noChat: world.judge.fail("guest \(index) took the server for no chat")
        case .takenOver: world.judge.fail("guest \(index) was taken over, by nobody")
        case .requestRefused(_, let error):
            if error.code != "storage_failed", error.code != "rate_limited" {
                world.judge.fail("a message of guest \(index) was refused: \(error.code)")
            }
        default: break
        }
    }

    private func arrange() {
        var next = nextDeed
        if let deadline = session?.client.deadline { next = min(next, deadline * 1_000_000) }
        if isDeafUntil > 0 { next = min(next, isDeafUntil) }
        guard next < .max else { return }
        version += 1
        world.wake(index, in: next - world.now, version: version)
    }

    private func roll() -> UInt64 { world.random.next() }
}

/// Hears what a connection says, without the client's help: for the judge.
private struct Ear {
    private var reader: MessageReader?
    private var head: [UInt8] = []
    private var arena: [UInt8] = []
    private let inflater = Inflater()
    var dismissal: (UInt16, String)?
    /// Whether the handshake is over.
    var isOpen: Bool { reader != nil }

    mutating func take(_ bytes: [UInt8], _ hear: ([UInt8]) -> Void) {
        var offset = 0
        if reader == nil {
            head += bytes
            guard let end = Self.end(of: head) else { return }
            offset = bytes.count - (head.count - end)
            let text = String(decoding: head[..<end], as: UTF8.self)
            guard text.hasPrefix("HTTP/1.1 101") else { return }
            reader = MessageReader(role: .client, deflate: text.contains("permessage-deflate"))
        }
        guard let inflater else { return }
        while let event = reader?.next(
            in: bytes.span, at: &offset, into: &arena, maxMessage: 1 << 26, inflater: inflater)
        {
            switch event {
            case .text(let range): hear(Array(arena[range]))
            case .close(let code, let reason):
                dismissal = (code?.rawValue ?? 1005, String(decoding: arena[reason], as: UTF8.self))
            default: break
            }
            arena.removeAll(keepingCapacity: true)
        }
    }

    private static func end(of head: [UInt8]) -> Int? {
        guard head.count >= 4 else { return nil }
        return (4...head.count).first { head[$0 - 4..<$0].elementsEqual([13, 10, 13, 10]) }
    }
}
