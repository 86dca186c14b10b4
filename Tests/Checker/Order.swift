/// The room's one order, walked by seq: who is there, what has become of each message, who may do what.
struct Order {
    struct Present {
        var username: String
        var user: String?
    }

    let evidence: Evidence
    let options: Checker.Options
    var report: Checker.Report
    /// Who is there, by folded name; nil where that is not known.
    private var present: [String: Present]?
    /// The seq up to which that is so.
    private var position: UInt64 = 0
    /// A welcome has named somebody who must join with this seq.
    private var expectedJoin: (seq: UInt64, username: String, client: String)?
    var sanctions = Sanctions()
    /// The newest event under each author's `id`, and how many the author had used by then.
    private(set) var ids: [Evidence.RequestName: (seq: UInt64, time: Int64, count: Int)] = [:]
    private var idCounts: [String: Int] = [:]
    var messages: MessageLives
    /// The events that lock the room.
    let locks: [UInt64]

    init(_ evidence: Evidence, _ options: Checker.Options) {
        self.evidence = evidence
        self.options = options
        messages = MessageLives(mayLoseEvents: options.mayLoseEvents)
        report = evidence.report
        locks = evidence.events.filter { $0.value.event.action == "lock" }.keys.sorted()
        report.events = evidence.events.count
    }

    /// A name as it counts where names are compared: without regard to case; Swift compares canonical forms.
    static func folded(_ name: String) -> String { name.lowercased() }

    mutating func walk() {
        let attendances = evidence.attendances.sorted { $0.seq < $1.seq }
        let typing = evidence.typing.sorted { $0.seq < $1.seq }
        var (nextAttendance, nextTyping) = (0, 0)
        var epoch: UInt64 = 0
        // What was told at a seq is so when the event with that seq has happened.
        func tellOfPresence(below seq: UInt64) {
            while nextAttendance < attendances.count, attendances[nextAttendance].seq < seq {
                while nextTyping < typing.count, typing[nextTyping].seq < attendances[nextAttendance].seq {
                    check(typing[nextTyping])
                    nextTyping += 1
                }
                check(attendances[nextAttendance])
                nextAttendance += 1
            }
            while nextTyping < typing.count, typing[nextTyping].seq < seq {
                check(typing[nextTyping])
                nextTyping += 1
            }
        }
        for seq in evidence.events.keys.sorted() {
            tellOfPresence(below: seq)
            guard let known = evidence.events[seq] else { continue }
            advance(to: seq - 1)
            if options.mayLoseEvents, seq.epoch > epoch { sanctions = Sanctions() }
            epoch = seq.epoch
            judgeRights(of: known.event, seq, known.client, present: present.map { Array($0.values) })
            apply(known.event, seq, known.client)
            note(known.event, seq, known.client)
            messages.take(known, seq, &report)
            position = seq
        }
        tellOfPresence(below: .max)
        messages.finish()
        checkShowings()
        checkPages()
        checkRequests()
    }

    // MARK: Presence

    /// Nothing is known of who was there where events were seen by nobody.
    private mutating func advance(to seq: UInt64) {
        guard position != seq else { return }
        present = nil
        position = seq
    }

    private mutating func check(_ told: Evidence.Attendance) {
        advance(to: told.seq)
        let isWhole = told.users.count == told.count
        let own = Self.folded(told.username)
        if let present {
            if present[own] == nil { expectedJoin = (told.seq + 1, told.username, told.client) }
            var names = Set(present.values.map(\.username))
            names.insert(told.username)
            let unknown = Set(told.users).subtracting(names)
            let missing = isWhole ? names.subtracting(told.users) : []
            if !unknown.isEmpty || !missing.isEmpty {
                report.add(
                    .presence, told.client,
                    "the welcome at \(told.seq) names \(unknown.sorted()), who are not there, and not \(missing.sorted())"
                )
            }
            if present[own] != nil, present[own]?.user ?? told.user != told.user {
                report.add(.identity, told.client, "\(told.username) is another user at \(told.seq)")
            }
            if names.count != told.count, unknown.isEmpty, missing.isEmpty {
                report.add(
                    .presence, told.client, "the welcome at \(told.seq) counts \(told.count), and not \(names.count)")
            }
        } else if isWhole {
            var all = Dictionary(
                told.users.map { (Self.folded($0), Present(username: $0, user: told.people[$0])) },
                uniquingKeysWith: { $1 })
            let next = evidence.events[told.seq + 1]?.event
            if next?.type == "join", next?.username == told.username { all[own] = nil }
            present = all
        }
    }

    private mutating func check(_ told: (seq: UInt64, username: String, client: String)) {
        guard position == told.seq, let present, present[Self.folded(told.username)]?.username != told.username else {
            return
        }
        report.add(.presence, told.client, "\(told.username) types behind \(told.seq), and is not there")
    }

    private mutating func apply(_ event: Message, _ seq: UInt64, _ client: String) {
        if let expected = expectedJoin, expected.seq <= seq {
            if expected.seq == seq, event.type != "join" || event.username != expected.username {
                report.add(
                    .presence, expected.client, "\(expected.username) was welcomed, and event \(seq) is \(event.brief)")
            }
            expectedJoin = nil
        }
        let username = event.username ?? ""
        let name = Self.folded(username)
        guard let there = present else { return }
        func fail(_ rule: Checker.Rule, _ reason: String) {
            report.add(rule, client, "event \(seq): \(username) \(reason)")
        }
        let known = there[name]
        if event.type == "join" {
            if known != nil { fail(.uniqueNames, "joined, and was there") }
            present?[name] = Present(username: username, user: event.user)
            return
        }
        guard event.bot != true else { return }
        guard let known, known.username == username else { return fail(.presence, "is not there: \(event.brief)") }
        if let user = known.user, user != event.user {
            fail(.identity, "is \(user), and not \(event.user ?? "nobody")")
        }
        present?[name]?.user = event.user
        switch event.type {
        case "leave": present?[name] = nil
        case "rename":
            let to = event.to ?? ""
            if Self.folded(to) != name, there[Self.folded(to)] != nil { fail(.uniqueNames, "took the name of \(to)") }
            present?[name] = nil
            present?[Self.folded(to)] = Present(username: to, user: event.user)
        default: break
        }
    }

    // MARK: Identifiers

    private mutating func note(_ event: Message, _ seq: UInt64, _ client: String) {
        func fail(_ rule: Checker.Rule, _ reason: String) { report.add(rule, client, "event \(seq): \(reason)") }
        let author = event.author
        if let id = event.id {
            let name = Evidence.RequestName(author: author, id: id)
            let count = idCounts[author, default: 0] + 1
            idCounts[author] = count
            if let other = ids[name], isRemembered(other, at: seq, event.time ?? 0, count) {
                fail(.onceOnly, "\(id) of \(event.username ?? "") was used for event \(other.seq)")
            }
            ids[name] = (seq, event.time ?? 0, count)
        }
    }

    /// Of each author the newest 1,024 identifiers are remembered, for 24 hours.
    private func isRemembered(
        _ other: (seq: UInt64, time: Int64, count: Int), at seq: UInt64, _ time: Int64, _ count: Int
    ) -> Bool {
        if options.mayLoseEvents, other.seq.epoch < seq.epoch { return false }
        return time - other.time < 86_400_000 && count - other.count < 1024
    }
}
