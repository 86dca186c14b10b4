/// One client's transcript, read from its beginning: what a connection alone can tell.
struct Hearing {
    /// A connection of the client.
    struct Connection {
        var number: Int
        /// The join that was sent.
        var since: UInt64?
        var invitation: String?
        var user = ""
        var room = ""
        /// The seq of the next event; nil before the welcome.
        var next: UInt64?
        var welcomeSeq: UInt64 = 0
        /// Whether what it hears is kept: until a room's first message its seqs are only in the server's memory, and a
        /// restart begins anew.
        var isKept = false
        /// What it has heard while that was not known.
        var unkept: [(event: Message, at: Int64?)] = []
        var isClosed = false
        /// The event that has put this client out.
        var putOutAt: UInt64?
        /// What was asked under each `id` or `ref` and was not answered, oldest first: as the how-manieth, and what was known
        /// then.
        var asked: [String: [(place: Int, request: Message, known: UInt64)]] = [:]
        var askedCount = 0
        var lastAnswered = -1
    }

    let client: String
    let options: Checker.Options
    var connections: [Int: Connection] = [:]
    /// The newest seq that the client knows.
    private var newest: UInt64 = 0
    private var isKept = false
    /// Places in `Evidence.requests`.
    private var requests: [String: Int] = [:]
    /// Of events in bare lines: the next one's seq, where it is known.
    private var nextBare: UInt64?

    init(_ client: String, _ options: Checker.Options) {
        self.client = client
        self.options = options
    }

    mutating func take(_ line: Transcript.Line, number: Int, _ evidence: inout Evidence) {
        evidence.report.lines += 1
        if line.isBare {
            if case .got(let message) = line.step { takeBare(message, number, &evidence) }
            return
        }
        let name = line.connection
        var connection: Connection
        if let known = connections.removeValue(forKey: name) {
            connection = known
        } else {
            connection = Connection(number: name)
            evidence.report.connections += 1
        }
        switch line.step {
        case .sent(let message): send(message, line.at, &connection, &evidence)
        case .got(let message):
            if connection.isClosed {
                evidence.report.add(.form, client, "line \(number): \(message.type) after the end")
            }
            hear(message, line.at, number, &connection, &evidence)
        case .closed: connection.isClosed = true
        }
        connections[name] = connection
    }

    // MARK: Requests

    private mutating func send(
        _ message: Message, _ at: Int64?, _ connection: inout Connection, _ evidence: inout Evidence
    ) {
        if message.type == "join" {
            (connection.since, connection.invitation) = (message.since, message.invite)
            return
        }
        if let name = message.id ?? message.ref {
            let known = connection.next.map { $0 - 1 } ?? 0
            connection.asked[name, default: []].append((connection.askedCount, message, known))
            connection.askedCount += 1
        }
        guard let id = message.id, ["message", "edit", "delete", "react", "moderate"].contains(message.type) else {
            return
        }
        if let place = requests[id], evidence.requests[place].user == connection.user {
            evidence.requests[place].isRepeated = true
            return
        }
        requests[id] = evidence.requests.count
        evidence.requests.append(
            Evidence.Request(
                user: connection.user, message: message, client: client, at: at, known: isKept ? newest : 0,
                connection: connection.number))
    }

    // MARK: What is heard

    private mutating func hear(
        _ message: Message, _ at: Int64?, _ line: Int, _ connection: inout Connection, _ evidence: inout Evidence
    ) {
        func fail(_ rule: Checker.Rule, _ reason: String) {
            evidence.report.add(rule, client, "line \(line): \(reason)")
        }
        if message.type == "welcome" {
            if connection.next != nil { fail(.form, "a second welcome") }
            return welcome(message, at, line, &connection, &evidence)
        }
        if message.type == "error" {
            if let name = message.id ?? message.ref { _ = answer(name, line, &connection, &evidence) }
            if let id = message.id, let place = requests[id] { evidence.requests[place].isRepeated = true }
            return
        }
        guard let next = connection.next else { return fail(.form, "\(message.type) before the welcome") }
        let cursor = next - 1
        if message.isEvent, let seq = message.seq {
            if seq < next, let id = message.id, let asked = answer(id, line, &connection, &evidence) {
                // What was said before comes again, as it is now.
                see(message, at, &connection, &evidence)
                show(message, from: asked.known, to: cursor, connection, &evidence)
                return
            }
            if seq == connection.welcomeSeq + 1, message.type == "join", message.user == connection.user {
                evidence.entrances[seq] = Evidence.Entrance(invitation: connection.invitation, client: client)
            }
            // One's own event is told to all, and so is in nobody's order.
            if let id = message.id, connection.asked[id]?.isEmpty == false { connection.asked[id]?.removeFirst() }
            if !seq.follows(next - 1) { fail(.noGap, "seq \(seq), and not \(next)") }
            connection.next = max(next, seq + 1)
            checkPutOut(message, seq, line, &connection, &evidence)
            see(message, at, &connection, &evidence)
            return
        }
        switch message.type {
        case "typing":
            if connection.isKept, let username = message.username { evidence.typing.append((cursor, username, client)) }
        case "invite":
            if connection.isKept, let invitation = message.invite { evidence.invitations.append((cursor, invitation)) }
        case "history", "found": page(message, at, line, cursor, &connection, &evidence)
        case "done":
            if let id = message.id { _ = answer(id, line, &connection, &evidence) }
            if let seq = message.seq, seq > cursor { fail(.noGap, "done by event \(seq), which has not come yet") }
            guard let id = message.id, let place = requests[id], connection.isKept, let seq = message.seq else {
                return
            }
            evidence.done.append((place, seq, cursor))
        default: break
        }
    }

    /// Answers come in the order of the questions.
    ///
    /// - Returns: the question; nil where nothing like it waits for an answer.
    func answer(
        _ name: String, _ line: Int, _ connection: inout Connection, _ evidence: inout Evidence
    ) -> (place: Int, request: Message, known: UInt64)? {
        guard connection.asked[name]?.isEmpty == false, let asked = connection.asked[name]?.removeFirst() else {
            return nil
        }
        let place = asked.place
        if place < connection.lastAnswered {
            evidence.report.add(.askedOrder, client, "line \(line): \(name) is answered behind what was asked later")
        }
        connection.lastAnswered = max(connection.lastAnswered, place)
        return asked
    }

    /// Whoever is put out sees that, and perhaps the leaves that follow from it.
    private func checkPutOut(
        _ event: Message, _ seq: UInt64, _ line: Int, _ connection: inout Connection, _ evidence: inout Evidence
    ) {
        if let end = connection.putOutAt, !(event.type == "leave" && event.user == connection.user) {
            evidence.report.add(.putOut, client, "line \(line): event \(seq), after having been put out by \(end)")
        }
        if event.type == "moderation", ["kick", "ban"].contains(event.action), event.toUser == connection.user {
            connection.putOutAt = connection.putOutAt ?? seq
        }
    }

    /// An event was heard. As long as it may not be kept, it waits.
    mutating func see(
        _ event: Message, _ at: Int64?, _ connection: inout Connection, _ evidence: inout Evidence
    ) {
        connection.unkept.append((event, at))
        if event.isSpoken { connection.isKept = true }
        guard connection.isKept else { return }
        isKept = true
        for (event, at) in connection.unkept {
            evidence.see(event, by: client)
            let seq = event.seq ?? 0
            newest = max(newest, seq)
            if let at { evidence.sightings.append((at, seq)) }
        }
        connection.unkept = []
    }

    /// A room that is kept stays so, whether or not this connection has heard anything that is.
    mutating func noteWelcome(
        _ welcome: Message, _ at: Int64?, _ connection: inout Connection, _ evidence: inout Evidence
    ) {
        let mayHaveBegunAnew = options.mayLoseEvents && (connection.since == nil || welcome.gap == true)
        let isSpokenIn = welcome.history?.contains(where: \.isSpoken) == true
        if mayHaveBegunAnew, !isSpokenIn { isKept = false }
        if isKept || isSpokenIn { connection.isKept = true }
        guard connection.isKept, let seq = welcome.seq else { return }
        isKept = true
        newest = max(newest, seq)
        if let at { evidence.sightings.append((at, seq)) }
    }

    func show(
        _ message: Message, from low: UInt64, to high: UInt64, _ connection: Connection, _ evidence: inout Evidence
    ) {
        guard message.type == "message" || message.type == "edit" else { return }
        evidence.showings.append(
            Evidence.Showing(message: message, low: low, high: high, user: connection.user, client: client))
    }

    // MARK: Bare lines

    /// A line of `chatloop talk --json`: it may leave welcomes out, so events themselves must tell that none is missing.
    private mutating func takeBare(_ message: Message, _ line: Int, _ evidence: inout Evidence) {
        if message.type == "welcome" {
            if message.gap == true { nextBare = nil }
            return
        }
        guard message.isEvent, let seq = message.seq else { return }
        evidence.see(message, by: client)
        guard message.past != true else { return }
        defer { nextBare = max(nextBare ?? 0, seq + 1) }
        // What was said before under the same `id` comes again.
        guard let next = nextBare, !(seq < next && message.id != nil) else { return }
        if !seq.follows(next - 1) { evidence.report.add(.noGap, client, "line \(line): seq \(seq), and not \(next)") }
    }
}
