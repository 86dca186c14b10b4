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

    init(isForTerminal: Bool, hasColours: Bool) {
        self.isForTerminal = isForTerminal
        self.hasColours = hasColours
    }

    /// An event as one or more lines.
    mutating func lines(for event: ChatEvent) -> [String] {
        let moment = Clock.local(event.time)
        let date = "\(moment.year)-\(Self.twoDigits(moment.month))-\(Self.twoDigits(moment.day))"
        let time = "\(Self.twoDigits(moment.hour)):\(Self.twoDigits(moment.minute))"
        guard isForTerminal else { return ["\(date) \(time) \(text(of: event, lineBreak: " ⏎ "))"] }
        let line = broken("\(faint(time)) \(text(of: event, lineBreak: "\n"))")
        defer { day = date }
        return date == day ? [line] : [faint("— \(date) —"), line]
    }

    /// A line as it has room on the terminal. What is indented is said by whoever stands above it, as no name begins with a
    /// space; a line that the terminal itself breaks could look as if somebody else had said its end.
    private func broken(_ line: String) -> String {
        isForTerminal ? TerminalText.broken(line, columns: columns, indentation: Self.indentation) : line
    }

    private func text(of event: ChatEvent, lineBreak: String) -> String {
        let who = name(event.username)
        switch event.kind {
        case .message(let text, _): return "\(who): \(TerminalText.visible(text, lineBreak: lineBreak))"
        case .join: return "* \(who) \(faint("joined"))"
        case .leave: return "* \(who) \(faint("left"))"
        case .rename(let to): return "* \(who) \(faint("is now")) \(name(to))"
        }
    }

    /// A name as it is shown.
    func name(_ name: String) -> String {
        let shown = TerminalText.visible(name)
        guard hasColours else { return shown }
        // One of the six colours that can be read on dark and on light ground.
        let colour = name.unicodeScalars.reduce(UInt32(7)) { ($0 &* 31) &+ $1.value } % 6 + 31
        return "\u{1B}[1;\(colour)m\(shown)\u{1B}[0m"
    }

    /// What the program itself says.
    func notice(_ text: String) -> String { faint(broken("-- \(text)")) }

    func complaint(_ text: String) -> String {
        let line = broken("!! \(text)")
        return hasColours ? "\u{1B}[31m\(line)\u{1B}[0m" : line
    }

    func faint(_ text: String) -> String { hasColours ? "\u{1B}[2m\(text)\u{1B}[0m" : text }

    private static func twoDigits(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
