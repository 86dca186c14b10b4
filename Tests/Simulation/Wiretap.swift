import Bytes

/// Writes down what the people who behave send and receive, for a judge that knows nothing of this world, and notes which
/// milestones are reached and how long messages take.
package final class Wiretap {
    /// A message on the wire, or the end of a connection.
    package struct Word: Sendable {
        package enum Kind: Sendable { case sent, received, closed }
        package var kind: Kind
        package var person: Int
        /// Where nothing is kept, another process has another room.
        package var room: String
        package var connection: Int
        /// Nanoseconds.
        package var time: Int64
        /// The message, or the close code.
        package var text: String
    }

    private struct Line {
        var sent = Ear(.server)
        var received = Ear(.client)
        var room = ""
        var join: [String: String] = [:]
        /// The newest seq that it knows.
        var cursor: UInt64 = 0
    }

    /// A session, and where it was used last.
    private struct Use {
        var session: String
        var start: Int
        var powerCuts: Int
        weak var link: Link?
    }

    package private(set) var words: [Word] = []
    package private(set) var reached: [Milestone: Int] = [:]
    /// How long it took from sending a message to receiving it (ns), by whom and where.
    package private(set) var delays: [(person: Int, room: String, time: Int64)] = []
    private var lines: [Int: Line] = [:]
    private var uses: [Int: Use] = [:]
    /// When each message was sent first, and how often the server had started by then.
    private var sent: [String: (time: Int64, start: Int, person: Int)] = [:]
    private var unheard: Set<String> = []
    private var powerCuts = 0
    private unowned let world: Simulator

    init(world: Simulator) { self.world = world }

    private func reach(_ milestone: Milestone) { reached[milestone, default: 0] += 1 }

    func send(_ bytes: [UInt8], on link: Link) {
        guard world.people[link.person] is Guest else { return }
        var line = lines.removeValue(forKey: link.number) ?? Line()
        var texts: [[UInt8]] = []
        line.sent.take(bytes) { texts.append($0) }
        if line.room.isEmpty { line.room = room(line.sent.firstLine) }
        for text in texts {
            note(.sent, String(decoding: text, as: UTF8.self), link, line)
            let fields = Self.fields(text)
            if fields["type"] == "join" { line.join = fields }
            if let id = fields["id"], sent[id] == nil {
                sent[id] = (world.now, world.statistics.starts, link.person)
                unheard.insert(id)
            }
        }
        lines[link.number] = line
    }

    func receive(_ bytes: [UInt8], on link: Link) {
        guard world.people[link.person] is Guest else { return }
        var line = lines.removeValue(forKey: link.number) ?? Line()
        var texts: [[UInt8]] = []
        line.received.take(bytes) { texts.append($0) }
        for text in texts {
            note(.received, String(decoding: text, as: UTF8.self), link, line)
            hear(text, link, &line)
        }
        if let (code, _) = line.received.dismissal {
            note(.closed, "\(code)", link, line)
            if code == 1001 { reach(.sentAwayAtStop) }
            if code == 1013 { reach(.sentAwayWhenFull) }
            line.received.dismissal = nil
        }
        lines[link.number] = line
    }

    private func note(_ kind: Word.Kind, _ text: String, _ link: Link, _ line: Line) {
        words.append(
            Word(
                kind: kind, person: link.person, room: line.room, connection: link.number, time: world.now, text: text))
    }

    private func room(_ request: String) -> String {
        let name = request.split(separator: "room=").last?.prefix { $0 != " " && $0 != "&" } ?? "lobby"
        return world.plan.options.isEphemeral ? "\(name) of life \(world.statistics.starts)" : String(name)
    }

    /// The server's process has ended.
    func serverIsGone(lostPower: Bool, hasFailed: Bool) {
        if lostPower { powerCuts += 1 }
        if hasFailed { reach(.failedSync) }
        lines = [:]
    }

    // MARK: Milestones

    private func hear(_ text: [UInt8], _ link: Link, _ line: inout Line) {
        let fields = Self.fields(text)
        switch fields["type"] {
        case "welcome":
            line.cursor = fields["seq"].flatMap { UInt64($0) } ?? 0
            welcome(fields, link, line)
        case "message":
            let seq = fields["seq"].flatMap { UInt64($0) } ?? 0
            guard let id = fields["id"], let first = sent[id] else { break }
            if seq <= line.cursor {
                reach(.repeatedID)
                if first.start < world.statistics.starts { reach(.repeatedIDAfterRestart) }
            } else if first.person == link.person, unheard.remove(id) != nil {
                delays.append((link.person, line.room, world.now - first.time))
            }
            line.cursor = max(line.cursor, seq)
        case "join", "leave", "rename":
            line.cursor = fields["seq"].flatMap { UInt64($0) } ?? line.cursor
            if fields["type"] == "leave" { reach(.leave) }
        case "done": reach(.done)
        case "history": reach(.page)
        case "error":
            switch fields["code"] {
            case "storage_failed": reach(.storageFailed)
            case "rate_limited": reach(.rateLimited)
            case "username_taken": reach(.nameTaken)
            default: break
            }
        default: break
        }
    }

    private func welcome(_ fields: [String: String], _ link: Link, _ line: Line) {
        if fields["gap"] == "true" { reach(.gap) }
        let session = fields["session"] ?? ""
        defer {
            uses[link.person] = Use(
                session: session, start: world.statistics.starts, powerCuts: powerCuts, link: link)
        }
        guard let claimed = line.join["session"] else { return }
        guard claimed == session, let last = uses[link.person], last.session == session else {
            return reach(.resumeInVain)
        }
        if fields["gap"] == "false", (fields["history"] ?? "").count > 2 { reach(.missedEvents) }
        if last.powerCuts < powerCuts {
            reach(.resumeAfterPowerCut)
        } else if last.start < world.statistics.starts {
            reach(.resumeAfterRestart)
        } else {
            reach(last.link?.isOpenAtServer == true ? .takeover : .resumeInGrace)
        }
    }

    /// The run is over.
    func finish() {
        if world.judge.rooms.values.contains(where: { !$0.lost.isEmpty }) { reach(.eventsLost) }
        let paths = world.disk.files.keys
        if paths.contains(where: { $0.contains("half-written-lines") }) { reach(.halfWrittenLine) }
        let segments = paths.filter { $0.hasSuffix(".jsonl") }.map {
            $0.prefix { $0 != "." }.split(separator: "/").dropLast()
        }
        if Set(segments).count < segments.count { reach(.severalSegments) }
    }

    /// The members of an object: strings as they read, and anything else as it stands.
    private static func fields(_ text: [UInt8]) -> [String: String] {
        let span = text.span
        var fields: [String: String] = [:]
        var at = 0
        _ = JSONScanner.members(span, &at) { name, value in
            fields[string(name, span)] =
                value.kind == .string ? string(value, span) : String(decoding: text[value.range], as: UTF8.self)
        }
        return fields
    }

    private static func string(_ token: JSONToken, _ text: Span<UInt8>) -> String {
        var bytes: [UInt8] = []
        bytes.append(unescaping: token, of: text)
        return String(decoding: bytes, as: UTF8.self)
    }
}
