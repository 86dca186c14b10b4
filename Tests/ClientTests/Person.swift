import Testing
import WebSocket

@testable import Client

/// Someone who chats in virtual time, and the server's part played by hand.
struct Person {
    var client: ChatClient
    var now: Int64 = 1_000_000
    var actions: [ClientAction] = []
    /// Of the messages it has said.
    private var count = 0
    /// The newest welcome it has had.
    private(set) var lastWelcome = Welcome(
        username: "", room: "", users: [], userCount: 0, session: "", seq: 0, history: [], gap: false)

    init(_ username: String = "Ada", seed: UInt64 = 1) { client = ChatClient(username: username, seed: seed) }

    /// The same, joined, with everything so far forgotten.
    static func joined(_ username: String = "Ada", seq: UInt64 = 10, seed: UInt64 = 1) -> Person {
        var person = Person(username, seed: seed)
        person.start()
        person.connected()
        person.welcome(seq: seq)
        person.actions = []
        return person
    }

    // MARK: What happens

    mutating func start() { client.start(now: now, into: &actions) }
    mutating func connected() { client.connected(now: now, into: &actions) }
    mutating func lose(_ code: CloseCode = .abnormal) { client.disconnected(code, now: now, into: &actions) }
    mutating func leave() { client.leave(into: &actions) }

    /// - Returns: whether the outbox had room.
    @discardableResult
    mutating func say(_ text: String) -> Bool {
        count += 1
        return request(.message(text: text), id: "\(client.username)-\(count)")
    }

    /// - Returns: whether the outbox had room.
    @discardableResult
    mutating func request(_ request: ChatRequest, id: String) -> Bool {
        client.request(request, id: id, now: now, into: &actions)
    }

    mutating func hear(_ message: ServerMessage) { client.received(message, now: now, into: &actions) }

    mutating func hear(_ seq: UInt64, _ username: String, _ kind: ChatEvent.Kind) {
        hear(.event(ChatEvent(seq: seq, time: 0, username: username, kind: kind)))
    }

    /// The event of one of its own messages.
    mutating func receipt(_ seq: UInt64, _ id: String, text: String = "") {
        hear(seq, client.username, .message(text: text, id: id))
    }

    mutating func refuse(_ code: String, id: String? = nil, retryAfter: Int64? = nil) {
        hear(.error(ServerError(code: code, message: "No.", id: id, retryAfter: retryAfter)))
    }

    mutating func welcome(
        seq: UInt64, session: String = "5e55", users: [String] = ["Ada", "Bo"], history: [ChatEvent] = [],
        gap: Bool = false
    ) {
        lastWelcome = Welcome(
            username: client.username, room: "lobby", users: users, userCount: users.count, session: session, seq: seq,
            history: history, gap: gap)
        hear(.welcome(lastWelcome))
    }

    /// Lets time pass, with everything done when it is due.
    mutating func pass(_ milliseconds: Int64) {
        let end = now + milliseconds
        while let deadline = client.deadline, deadline <= end {
            now = max(now, deadline)
            client.advance(to: now, into: &actions)
        }
        now = end
        client.advance(to: now, into: &actions)
    }

    /// Lets time pass until something is done; gives how long that was, or an hour if nothing is.
    mutating func passUntilAction() -> Int64 {
        let start = now
        while actions.isEmpty {
            guard let deadline = client.deadline, deadline - start <= 3_600_000 else { return 3_600_000 }
            now = max(now, deadline)
            client.advance(to: now, into: &actions)
        }
        return now - start
    }

    // MARK: What came of it

    /// Takes out what it has done so far.
    mutating func take() -> [ClientAction] {
        defer { actions = [] }
        return actions
    }

    /// Takes out what it has sent so far, as text.
    mutating func sent() -> [String] {
        take().compactMap { action in
            switch action {
            case .send(let bytes), .sendSecret(let bytes): return String(decoding: bytes, as: UTF8.self)
            default: return nil
            }
        }
    }

    /// Takes out the events it has shown so far.
    mutating func shown() -> [UInt64] {
        take().compactMap { action in
            if case .show(.event(let event, _)) = action { return event.seq }
            return nil
        }
    }
}

/// A message in a history.
func said(_ seq: UInt64, _ username: String = "Bo", _ text: String = "x", id: String? = nil) -> ChatEvent {
    ChatEvent(seq: seq, time: 0, username: username, kind: .message(text: text, id: id))
}

func messageJSON(_ text: String, _ id: String) -> String { #"{"type":"message","text":"\#(text)","id":"\#(id)"}"# }

extension OutgoingRequest {
    /// What a message says.
    var text: String? {
        if case .message(let text, _) = request { return text }
        return nil
    }
}
