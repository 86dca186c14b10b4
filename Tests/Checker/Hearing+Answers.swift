/// Welcomes and pages: answers that must leave nothing out.
extension Hearing {
    mutating func welcome(
        _ welcome: Message, _ at: Int64?, _ line: Int, _ connection: inout Connection, _ evidence: inout Evidence
    ) {
        let client = client
        func fail(_ rule: Checker.Rule, _ reason: String) {
            evidence.report.add(rule, client, "line \(line): the welcome \(reason)")
        }
        let (seq, history) = (welcome.seq ?? 0, welcome.history ?? [])
        let username = welcome.username ?? ""
        connection.user = welcome.user ?? username
        connection.next = seq + 1
        connection.welcomeSeq = seq
        noteWelcome(welcome, at, &connection, &evidence)

        let users = welcome.users ?? []
        if !users.contains(username) { fail(.presence, "does not name \(username)") }
        if Set(users.map(Order.folded)).count != users.count { fail(.uniqueNames, "has a name twice: \(users)") }
        let seqs = history.compactMap(\.seq)
        if zip(seqs, seqs.dropFirst()).contains(where: { $0 >= $1 }) { fail(.noGap, "has its history out of order") }
        if let last = seqs.last, last > seq { fail(.noGap, "has event \(last) after its own seq \(seq)") }

        let since = connection.since.flatMap { $0 <= seq && welcome.gap != true ? $0 : nil }
        if let since {
            checkResume(since, seqs, seq, line, connection, &evidence)
        } else if connection.since == nil || connection.since.map({ $0 > seq }) == true {
            if history.contains(where: { $0.type != "message" }) { fail(.form, "has more than messages") }
            if (welcome.gap == true) != (connection.since != nil) { fail(.noGap, "tells a gap wrongly") }
            notePage(seqs, low: seqs.first ?? 0, high: seq, connection, &evidence)
        }
        for event in history {
            see(event, at, &connection, &evidence)
            show(event, from: seq, to: seq, connection, &evidence)
        }
        guard connection.isKept else { return }
        evidence.attendances.append(
            Evidence.Attendance(
                seq: seq, users: users, count: welcome.userCount ?? users.count, username: username,
                user: welcome.user,
                people: Dictionary(
                    (welcome.people ?? []).compactMap { person in person.user.map { (person.username, $0) } },
                    uniquingKeysWith: { $1 }),
                client: client))
    }

    /// Whoever comes back gets every event since.
    private func checkResume(
        _ since: UInt64, _ seqs: [UInt64], _ seq: UInt64, _ line: Int, _ connection: Connection,
        _ evidence: inout Evidence
    ) {
        var last = since
        for next in seqs {
            if !next.follows(last) {
                evidence.report.add(
                    .noGap, client,
                    "line \(line): the welcome goes from \(last) to \(next), since \(since), without a gap")
            }
            if next != last + 1 { skip(last, next, connection, &evidence) }
            last = max(last, next)
        }
        guard last != seq else { return }
        // After an unclean stop a room's seq is ahead of its newest event.
        if seq.epoch > last.epoch, UInt32(truncatingIfNeeded: seq) == 0 {
            skip(last, seq, connection, &evidence)
        } else {
            evidence.report.add(
                .noGap, client, "line \(line): the welcome ends with \(last), and its seq is \(seq), without a gap")
        }
    }

    /// A resume has gone from one seq to another with nothing between.
    private func skip(_ low: UInt64, _ high: UInt64, _ connection: Connection, _ evidence: inout Evidence) {
        guard connection.isKept, !options.mayLoseEvents else { return }
        evidence.pages.append(
            Evidence.Page(
                shown: [], low: low + 1, high: high - 1, asOf: connection.welcomeSeq, isEmpty: true, client: client))
    }

    private func notePage(
        _ seqs: [UInt64], low: UInt64, high: UInt64, _ connection: Connection, _ evidence: inout Evidence
    ) {
        guard connection.isKept, low <= high, !seqs.isEmpty || options.keepsAll else { return }
        evidence.pages.append(
            Evidence.Page(shown: Set(seqs), low: low, high: high, asOf: connection.welcomeSeq, client: client))
    }

    /// Older or newer messages, or those that were looked for.
    mutating func page(
        _ answer: Message, _ at: Int64?, _ line: Int, _ cursor: UInt64, _ connection: inout Connection,
        _ evidence: inout Evidence
    ) {
        let events = answer.events ?? []
        let seqs = events.compactMap(\.seq)
        if zip(seqs, seqs.dropFirst()).contains(where: { $0 >= $1 }) {
            evidence.report.add(.noGap, client, "line \(line): \(answer.type) out of order")
        }
        if events.contains(where: { $0.type != "message" }) {
            evidence.report.add(.form, client, "line \(line): \(answer.type) has more than messages")
        }
        let asked = answer.ref.flatMap { self.answer($0, line, &connection, &evidence) }
        for event in events {
            see(event, at, &connection, &evidence)
            show(event, from: asked?.known ?? connection.welcomeSeq, to: cursor, connection, &evidence)
        }
        guard answer.type == "history", let asked else { return }
        if let before = asked.request.before {
            if let last = seqs.last, last >= before {
                evidence.report.add(.noGap, client, "line \(line): message \(last), which is not before \(before)")
            }
            let high = min(before - min(before, 1), asked.known)
            let low = answer.more == true ? seqs.first ?? high : options.keepsAll ? 0 : seqs.first ?? high
            notePage(seqs, low: low, high: high, connection, &evidence)
        } else if let after = asked.request.after {
            if let first = seqs.first, first <= after {
                evidence.report.add(.noGap, client, "line \(line): message \(first), which is not after \(after)")
            }
            let high = answer.more == true ? seqs.last ?? after : asked.known
            // Where the past ends later than that, nobody is told.
            notePage(seqs, low: options.keepsAll ? after + 1 : seqs.first ?? high, high: high, connection, &evidence)
        }
    }
}
