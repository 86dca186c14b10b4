import Bytes
import Checker
import Client
import Simulation
import Sockets
import Support

/// People who chat over real sockets with the shipped client, in one loop. Their clocks run fast, so that their patience,
/// which is made for networks, does not make a test slow.
final class Crowd {
    /// One of them, and what it has heard.
    final class Person {
        fileprivate var session: ClientSession
        fileprivate var socket: ClientSocket?
        let name: String
        /// What it has said, in order.
        fileprivate(set) var said: [String] = []
        /// What its client has shown, in order.
        fileprivate(set) var heard: [ChatEvent] = []
        /// What a client must not have to tell: a gap, a refusal, an end.
        fileprivate(set) var complaints: [String] = []
        /// How long each message took to come back to it, in milliseconds.
        fileprivate(set) var delays: [Int64] = []
        fileprivate var saidAt: [String: Int64] = [:]
        /// What goes over its connections, read without its client's help.
        fileprivate var recorder: TranscriptRecorder
        private var (sent, received) = (Ear(.server), Ear(.client))

        fileprivate init?(_ name: String, _ url: ClientURL, seed: UInt64, random: @escaping () -> UInt64) {
            self.name = name
            recorder = TranscriptRecorder(client: name)
            let client = ChatClient(username: name, seed: seed)
            guard let session = ClientSession(client: client, url: url, random: random) else { return nil }
            self.session = session
        }

        fileprivate func connected() { (sent, received) = (Ear(.server), Ear(.client)) }

        fileprivate func send(_ bytes: [UInt8]) {
            guard let socket, !bytes.isEmpty else { return }
            sent.take(bytes) { record(.sent, $0, socket) }
            socket.send(bytes)
        }

        fileprivate func receive(_ bytes: [UInt8]) {
            guard let socket else { return }
            received.take(bytes) { record(.got, $0, socket) }
        }

        private func record(_ direction: TranscriptRecorder.Direction, _ text: [UInt8], _ socket: ClientSocket) {
            recorder.add(
                direction, String(decoding: text, as: UTF8.self), on: Int(socket.token), at: Clock.monotonic)
        }

        /// Whether it is in the room and nothing of its own waits.
        fileprivate var isSettled: Bool { session.client.phase == .joined && session.client.isSettled }
    }

    private(set) var people: [Person] = []
    private let poller: any Poller
    /// The servers', of which any will do.
    private let addresses: [SocketAddress]
    private var nextToken: UInt64 = 0
    private var buffer = [UInt8](repeating: 0, count: 64 * 1024)
    private(set) var random: SeededRandom
    /// How much faster their clocks run.
    private static let haste: Int64 = 10

    /// - Parameters:
    ///   - ports: of the servers that serve the same rooms: each connection is made to one of them, or to the next where that
    ///     does not answer.
    ///   - seed: of all that they do by chance.
    init(_ names: [String], ports: [UInt16], seed: UInt64) throws {
        poller = try PollerKind.poll.makePoller()
        addresses = try ports.flatMap { port in try SocketAddress.resolve(host: "127.0.0.1", port: port) }
        random = SeededRandom(seed)
        let url = try ClientURL("ws://127.0.0.1:\(ports[0])/")
        for name in names {
            guard let person = Person(name, url, seed: random.next(), random: { [unowned self] in roll() })
            else { throw Failure("no memory") }
            people.append(person)
        }
        for person in people { act(person) { $0.start(now: $1, into: &$2) } }
    }

    private var now: Int64 { Clock.monotonic / 1_000_000 * Self.haste }

    // MARK: What they do

    /// Someone says something that nobody has said before.
    /// Everyone comes in, and a first word is said: from then on the room is kept.
    func begin() throws {
        try run { isSettled }
        say()
        try run { isTogether }
    }

    func say() {
        let person = people[random.number(0...people.count - 1)]
        let text = newText(person)
        person.saidAt[text] = now
        _ = person.session.say(text, now: now)
        settle(person)
    }

    /// What all of them have sent and received.
    func transcripts() throws -> [Transcript] {
        var known: [String: Message] = [:]
        return try people.map { try $0.recorder.transcript(&known) }
    }

    /// Someone's connection is cut in the middle of what it has to say: of its bytes, some leave.
    func cutWhileTalking() {
        let person = people[random.number(0...people.count - 1)]
        let text = newText(person)
        _ = person.session.say(text, now: now)
        if let socket = person.socket, socket.isConnected {
            let output = person.session.takeOutput()
            person.send(Array(output.prefix(random.number(0...output.count))))
            lost(person)
        }
        settle(person)
    }

    private func newText(_ person: Person) -> String {
        let text = "\(person.name) \(person.said.count)" + String(repeating: ".", count: random.number(0...200))
        person.said.append(text)
        return text
    }

    // MARK: The loop

    /// Goes on until something holds.
    func run(within seconds: Double = Deadline.standard, until condition: () -> Bool) throws {
        let deadline = Deadline(seconds: seconds)
        while !condition() {
            guard !deadline.isOver else { throw Failure("the people do not get there: \(states)") }
            turn()
        }
    }

    /// Waits for the network a moment, and takes in what there is.
    func turn() {
        poller.wait(milliseconds: 2)
        for readiness in poller.ready {
            if let person = people.first(where: { $0.socket?.token == readiness.token }) { receive(person, readiness) }
        }
        for person in people { act(person) { $0.advance(to: $1, into: &$2) } }
    }

    /// Whether all are in the room, and nobody waits for anything.
    var isSettled: Bool { people.allSatisfy(\.isSettled) }

    /// Whether everyone has heard the same newest event.
    var isTogether: Bool { isSettled && Set(people.map { $0.heard.last?.seq }).count == 1 }

    private var states: String {
        people.map { "\($0.name): \($0.session.client.phase), \($0.session.client.outgoing.count) waiting" }
            .joined(separator: "; ")
    }

    private func receive(_ person: Person, _ readiness: Readiness) {
        guard let socket = person.socket else { return }
        switch socket.becameReady(readiness, now: now) {
        case .connecting: return
        case .failed, .insecure: return lost(person)
        case .connected:
            person.session.connected()
            person.connected()
            return settle(person)
        case nil: break
        }
        guard readiness.isReadable else { return }
        switch socket.receive(into: &buffer) {
        case .received(let count):
            person.receive(Array(buffer[0..<count]))
            person.session.received(buffer.span.extracting(0..<count), now: now)
            settle(person)
        case .wouldBlock: break
        case .end, .failed: lost(person)
        }
    }

    private func lost(_ person: Person) {
        person.socket = nil
        person.session.disconnected(now: now)
        settle(person)
    }

    private func act(_ person: Person, _ deed: (inout ChatClient, Int64, inout [ClientAction]) -> Void) {
        let now = now
        person.session.act { deed(&$0, now, &$1) }
        settle(person)
    }

    /// Does what a client asks for, sends what it says, and notes what it shows.
    private func settle(_ person: Person) {
        while !person.session.requests.isEmpty {
            let requests = person.session.requests
            person.session.requests = []
            for request in requests { perform(request, person) }
        }
        person.send(person.session.takeOutput())
        for event in person.session.events { note(event, person) }
        person.session.events = []
    }

    private func perform(_ request: ClientSession.Request, _ person: Person) {
        switch request {
        case .connect:
            let first = random.number(0...addresses.count - 1)
            let turned = Array(addresses[first...] + addresses[..<first])
            let socket = ClientSocket(poller: poller, token: nextToken, addresses: turned)
            nextToken += 1
            person.socket = socket
            if case .failed = socket.connect(now: now) { lost(person) }
        case .disconnect:
            person.send(person.session.takeOutput())
            person.socket = nil
        }
    }

    private func note(_ event: ClientEvent, _ person: Person) {
        switch event {
        case .event(let event, _):
            person.heard.append(event)
            if case .message(let text, _) = event.kind, let time = person.saidAt.removeValue(forKey: text) {
                person.delays.append((now - time) / Self.haste)
            }
        case .joined, .lost, .history: break
        default: person.complaints.append("\(event)")
        }
    }

    private func roll() -> UInt64 { random.next() }
}
