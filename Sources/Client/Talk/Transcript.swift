import Sockets

/// How the chat reads as text.
struct Transcript: Sendable {
    /// Whether a person watches: times are short, days are told when they change, messages keep their lines. Otherwise each
    /// event is one line with its day in it, for other programs to read.
    let isForTerminal: Bool
    let hasColours: Bool
    /// The day of the last event, as it was told.
    private var day = ""

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
        // What is indented is said by whoever stands above it: no name begins with a space.
        let indentation = String(repeating: " ", count: time.count + 1)
        let line = "\(faint(time)) \(text(of: event, lineBreak: "\n\(indentation)"))"
        defer { day = date }
        return date == day ? [line] : [faint("— \(date) —"), line]
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
    func notice(_ text: String) -> String { faint("-- \(text)") }

    func complaint(_ text: String) -> String { hasColours ? "\u{1B}[31m!! \(text)\u{1B}[0m" : "!! \(text)" }

    func faint(_ text: String) -> String { hasColours ? "\u{1B}[2m\(text)\u{1B}[0m" : text }

    private static func twoDigits(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
