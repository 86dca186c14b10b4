import Client
import Sockets

/// How the chat reads as text.
struct Transcript: Sendable {
    /// Whether a person watches: times are short, days are told when they change, messages keep their lines. Otherwise each
    /// event is one line with its day in it, for other programs to read.
    let isForTerminal: Bool
    let hasColours: Bool
    /// Of the terminal.
    var columns = 80
    /// The day of the last event, as it was told.
    private var day = ""

    /// As wide as a time and a space.
    private static let indentation = 6
    /// Of a message that something refers to, as much is repeated (columns).
    private static let excerptColumns = 30

    init(isForTerminal: Bool, hasColours: Bool) {
        self.isForTerminal = isForTerminal
        self.hasColours = hasColours
    }

    /// An event as one or more lines.
    ///
    /// - Parameters:
    ///   - recent: the messages before it, which it may refer to.
    ///   - mentioning: a name that is highlighted where the text mentions it.
    mutating func lines(
        for event: ChatEvent, recent: RecentMessages = RecentMessages(), mentioning name: String? = nil
    ) -> [String] {
        let moment = Clock.local(event.time)
        let text = text(of: event, recent, name)
        guard isForTerminal else { return ["\(moment.date) \(moment.clock) \(text)"] }
        let line = wrapped("\(faint(moment.clock)) \(text)")
        defer { day = moment.date }
        return moment.date == day ? [line] : [faint(wrapped("— \(moment.date) —")), line]
    }

    /// A line as it has room on the terminal. Every row but the first is indented, so that what somebody says cannot look
    /// like the line of somebody else: no name begins with a space.
    private func wrapped(_ line: String) -> String {
        isForTerminal ? LineWrapper.wrap(line, columns: columns, indentation: Self.indentation) : line
    }

    private func text(of event: ChatEvent, _ recent: RecentMessages, _ mentioned: String?) -> String {
        let who = name(event.username)
        switch event.kind {
        case .message(let text, _): return message(text, event, recent, mentioned)
        case .join:
            let note = event.isSomeoneElse ? " (not the one who had this name before)" : ""
            return "* \(who) \(faint("joined\(note)"))"
        case .leave: return "* \(who) \(faint("left"))"
        case .rename(let to): return "* \(who) \(faint("is now")) \(name(to))"
        case .edit(let target, let text, _):
            let old = excerpt(of: target, recent)
            guard let text else { return "* \(who) \(faint("edited \(old)"))" }
            return "* \(who) \(faint("edited \(old):")) \(visible(text, mentioned))"
        case .delete(let target, _): return "* \(who) \(faint("deleted \(reference(to: target, recent))"))"
        case .react(let target, let emoji, true, _):
            return
                "* \(who) \(faint("reacted with")) \(TerminalText.visible(emoji)) \(faint("to \(excerpt(of: target, recent))"))"
        case .react(let target, let emoji, false, _):
            return
                "* \(who) \(faint("took back")) \(TerminalText.visible(emoji)) \(faint("from \(excerpt(of: target, recent))"))"
        case .moderation(let moderation, _): return "* \(who) \(faint(text(of: moderation)))"
        }
    }

    private func message(
        _ text: String, _ event: ChatEvent, _ recent: RecentMessages, _ mentioned: String?
    ) -> String {
        var notes: [String] = []
        if event.isEdited { notes.append("edited") }
        notes += event.reactions.map { "\(TerminalText.visible($0.emoji)) \($0.count)" }
        let end = notes.isEmpty ? "" : " " + faint("[\(notes.joined(separator: ", "))]")
        let who = name(event.username) + (event.isBot ? faint(" [bot]") : "")
        let reply = event.reply.map { faint(" (to \(excerpt(of: $0, recent)))") } ?? ""
        if event.isDeleted { return "\(who)\(reply): " + faint("(deleted)") }
        // What its author does. Not with the star of the notices: nobody can say that somebody has joined.
        if text.hasPrefix("/me ") { return "~ \(who)\(reply) \(visible(String(text.dropFirst(4)), mentioned))\(end)" }
        return "\(who)\(reply): \(visible(text, mentioned))\(end)"
    }

    /// What others have written, harmless, with the mentions of a name highlighted.
    private func visible(_ text: String, _ mentioned: String?) -> String {
        let lineBreak = isForTerminal ? "\n" : " ⏎ "
        // A line break at the very end makes no empty row.
        var text = text[...]
        while text.last?.isNewline == true { text.removeLast() }
        let whole = String(text)
        guard hasColours, let mentioned else { return TerminalText.visible(whole, lineBreak: lineBreak) }
        var (result, start) = ("", whole.startIndex)
        for place in Mention.places(of: mentioned, in: whole) {
            result += TerminalText.visible(String(whole[start..<place.lowerBound]), lineBreak: lineBreak)
            result += "\u{1B}[1;7m\(TerminalText.visible(String(whole[place])))\u{1B}[0m"
            start = place.upperBound
        }
        return result + TerminalText.visible(String(whole[start...]), lineBreak: lineBreak)
    }

    // MARK: References

    /// A message that something refers to: whose it is, and how it begins.
    private func excerpt(of seq: UInt64, _ recent: RecentMessages) -> String {
        guard let message = recent[seq] else { return "#\(seq)" }
        let text = TerminalText.fitting(TerminalText.visible(message.text), columns: Self.excerptColumns)
        return "\(TerminalText.visible(message.username)): “\(text)”"
    }

    /// A message that is gone: whose it was, and when, but not what it said.
    private func reference(to seq: UInt64, _ recent: RecentMessages) -> String {
        guard let message = recent[seq] else { return "#\(seq)" }
        return "a message of \(TerminalText.visible(message.username)) from \(Clock.local(message.time).clock)"
    }

    /// A message that was searched for, with the number by which commands can name it.
    func found(_ event: ChatEvent) -> String {
        guard case .message(let text, _) = event.kind else { return "" }
        let moment = Clock.local(event.time)
        let line = "#\(event.seq) \(moment.date) \(moment.clock) \(name(event.username)): "
        return wrapped(line + (event.isDeleted ? faint("(deleted)") : TerminalText.visible(text)))
    }

    // MARK: Moderation

    /// What a host has done, after the host's name.
    private func text(of moderation: Moderation) -> String {
        let whom =
            moderation.to.map { TerminalText.visible($0) } ?? moderation.toUser.map { TerminalText.visible($0) }
            ?? "somebody"
        let reason = moderation.reason.map { ": \(TerminalText.visible($0))" } ?? ""
        let until = moderation.until.map { " until \(Self.moment($0))" } ?? ""
        switch moderation.action {
        case "kick": return "put \(whom) out\(reason)"
        case "ban": return "banned \(whom)\(until)\(reason)"
        case "unban": return "let \(whom) come back"
        case "mute": return "muted \(whom)\(until)\(reason)"
        case "unmute": return "let \(whom) speak again"
        case "slow":
            let seconds = moderation.seconds ?? 0
            return seconds == 0 ? "ended slow mode" : "turned on slow mode: one message in \(seconds) s"
        case "lock": return "locked the room: it takes an invitation now"
        case "unlock": return "unlocked the room"
        case "topic":
            let topic = TerminalText.visible(moderation.text ?? "")
            return topic.isEmpty ? "removed the topic" : "changed the topic: \(topic)"
        case "purge":
            return "deleted the messages of \(whom)" + (moderation.from.map { " since \(Self.moment($0))" } ?? "")
        case "host": return "made \(whom) a host"
        case "unhost": return "made \(whom) a host no more"
        default: return TerminalText.visible("did \(moderation.action) to \(whom)")
        }
    }

    /// A date and a time.
    static func moment(_ time: Int64) -> String {
        let moment = Clock.local(time)
        return "\(moment.date) \(moment.clock)"
    }

    // MARK: Parts

    /// A name as it is shown.
    func name(_ name: String) -> String {
        let shown = TerminalText.visible(name)
        guard hasColours else { return shown }
        // One of the six colours that can be read on dark and on light ground.
        let colour = name.unicodeScalars.reduce(UInt32(7)) { ($0 &* 31) &+ $1.value } % 6 + 31
        return "\u{1B}[1;\(colour)m\(shown)\u{1B}[0m"
    }

    /// What the program itself says.
    func notice(_ text: String) -> String { faint(wrapped("-- \(text)")) }

    func complaint(_ text: String) -> String {
        let line = wrapped("!! \(text)")
        return hasColours ? "\u{1B}[31m\(line)\u{1B}[0m" : line
    }

    func faint(_ text: String) -> String { hasColours ? "\u{1B}[2m\(text)\u{1B}[0m" : text }
}

extension Clock.Local {
    /// `2026-11-30`
    fileprivate var date: String { "\(year)-\(twoDigits(month))-\(twoDigits(day))" }
    /// `09:05`
    fileprivate var clock: String { "\(twoDigits(hour)):\(twoDigits(minute))" }

    private func twoDigits(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
