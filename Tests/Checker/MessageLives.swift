/// What has become of each message, event by event.
struct MessageLives {
    /// A message from one seq on.
    private struct Version {
        var from: UInt64
        /// Nil where nobody has seen it.
        var text: String?
        var edited: Int64?
        /// The event that has given it its text.
        var textSeq: UInt64
        var isDeleted = false
        /// Whether all that was done to it up to then is known.
        var isKnown = true
        /// Who has reacted, by emoji.
        var reactions: [String: Set<String>] = [:]
    }

    private struct Life {
        var author: String
        var time: Int64
        var versions: [Version]
    }

    private var lives: [UInt64: Life] = [:]
    private var byAuthor: [String: [UInt64]] = [:]
    /// Seqs that nobody has seen an event with, or the first of a row of such.
    private var missing: [UInt64] = []
    private var last: UInt64 = 0
    private let mayLoseEvents: Bool

    /// - Parameter mayLoseEvents: whether what was done before an unclean stop of the machine may have been undone by it.
    init(mayLoseEvents: Bool) { self.mayLoseEvents = mayLoseEvents }

    // MARK: Events

    mutating func take(_ known: Evidence.Event, _ seq: UInt64, _ report: inout Checker.Report) {
        let event = known.event
        if last > 0, seq != last + 1 { missing.append(last + 1) }
        last = seq
        switch event.type {
        case "message":
            lives[seq] = Life(
                author: event.author, time: event.time ?? 0,
                versions: [Version(from: seq, text: known.text, edited: nil, textSeq: seq)])
            byAuthor[event.author, default: []].append(seq)
        case "edit", "delete", "react":
            guard let target = event.target, let reason = change(target, known, seq) else { return }
            report.add(.effect, known.client, "event \(seq) (\(event.brief)) \(reason)")
        case "moderation" where event.action == "purge":
            for target in byAuthor[event.toUser ?? ""] ?? [] where (lives[target]?.time ?? 0) >= event.from ?? 0 {
                if lives[target]?.versions.last?.isDeleted == false { delete(target, seq) }
            }
        default: break
        }
    }

    /// All events were taken: those behind the last are missing.
    mutating func finish() { missing.append(last + 1) }

    /// - Returns: what is wrong with the event.
    private mutating func change(_ target: UInt64, _ known: Evidence.Event, _ seq: UInt64) -> String? {
        let event = known.event
        guard let life = lives[target], var version = life.versions.last else { return nil }
        if version.isDeleted, mayLoseEvents, seq.epoch > version.from.epoch {
            // An unclean stop has undone the deletion, or nothing could be done to the message any more.
            (version.isDeleted, version.isKnown) = (false, false)
        }
        let isCertain = version.isKnown && (missing.last ?? 0) <= version.from
        version.isKnown = isCertain
        version.from = seq
        var mistake: String?
        if version.isDeleted, isCertain { mistake = "is at a message that was deleted" }
        switch event.type {
        case "edit":
            if event.author != life.author { mistake = "is not by the message's author" }
            version.text = known.text
            version.edited = event.time
            version.textSeq = seq
            if version.isDeleted { return mistake }
        case "delete":
            delete(target, seq)
            return mistake
        default:
            let isOn = event.on ?? true
            let emoji = event.emoji ?? ""
            let changes =
                isOn
                ? version.reactions[emoji, default: []].insert(event.author).inserted
                : version.reactions[emoji]?.remove(event.author) != nil
            if !changes, isCertain { mistake = "changes nothing" }
            if version.reactions[emoji]?.isEmpty == true { version.reactions[emoji] = nil }
        }
        lives[target]?.versions.append(version)
        return mistake
    }

    private mutating func delete(_ target: UInt64, _ seq: UInt64) {
        guard var version = lives[target]?.versions.last else { return }
        version.from = seq
        version.isDeleted = true
        lives[target]?.versions.append(version)
    }

    // MARK: Showings

    /// What is wrong with how a message, or an edit, was shown.
    func mistake(in showing: Evidence.Showing) -> (Checker.Rule, String)? {
        let message = showing.message
        guard let seq = message.seq, let life = lives[message.type == "edit" ? message.target ?? 0 : seq],
            let first = life.versions.first, first.from <= showing.high
        else { return nil }
        let versions = life.versions
        let low = max(showing.low, first.from)
        let place = versions.partitioningIndex { $0.from > low } - 1
        let end = versions.partitioningIndex { $0.from > showing.high }
        let now = versions[place]
        let mayBeUndone = mayLoseEvents && low.epoch > now.from.epoch
        if now.isDeleted, message.text != nil, !mayBeUndone {
            return (.deleted, "\(message.type) \(seq) is shown, and was deleted")
        }
        guard now.isKnown, isCertain(from: now.from, to: low) else { return nil }
        if message.type == "edit" {
            let isNewest = now.textSeq == seq && !now.isDeleted
            return isNewest == (message.text != nil)
                ? nil : (.asItIsNow, "edit \(seq) is shown \(isNewest ? "without" : "with") its text")
        }
        let isRight = versions[place..<end].contains { isShown($0, by: message, to: showing.user) }
        return isRight ? nil : (.asItIsNow, "message \(seq) is not shown as it was at \(low)…\(showing.high)")
    }

    private func isCertain(from: UInt64, to low: UInt64) -> Bool {
        let next = missing.partitioningIndex { $0 > from }
        return next == missing.count || missing[next] > low
    }

    private func isShown(_ version: Version, by message: Message, to user: String) -> Bool {
        if version.isDeleted { return message.deleted == true && message.text == nil }
        guard message.deleted != true, message.edited == version.edited else { return false }
        if let text = version.text, text != message.text { return false }
        let shown = message.reactions ?? [:]
        guard shown.count == version.reactions.count else { return false }
        return version.reactions.allSatisfy { emoji, users in
            guard let reaction = shown[emoji], reaction.count == users.count else { return false }
            return (reaction.mine ?? false) == users.contains(user) && users.isSuperset(of: reaction.users ?? [])
        }
    }
}
