/// What a line means.
enum TypedLine: Equatable, Sendable {
    case nothing
    case say(String)
    case who
    case rename(String)
    case quit
    case help
    /// Looks like a command, and is none, for this reason.
    case incomplete(String)

    /// - Parameter isTyped: whether a person types it, who may slip. From a pipe, what is no command is said.
    init(_ line: String, isTyped: Bool) {
        let trimmed = line.drop(while: \.isWhitespace)
        guard trimmed.contains(where: { !$0.isWhitespace }) else {
            self = .nothing
            return
        }
        guard line.hasPrefix("/") else {
            self = .say(line)
            return
        }
        let parts = line.split(maxSplits: 1, whereSeparator: \.isWhitespace)
        let rest = parts.count > 1 ? String(parts[1].drop(while: \.isWhitespace)) : ""
        switch (parts[0], rest.isEmpty) {
        case ("/who", true): self = .who
        case ("/quit", true): self = .quit
        case ("/help", true): self = .help
        case ("/rename", false): self = .rename(rest)
        case ("/rename", true): self = .incomplete("Write /rename and the new name.")
        default:
            if line.hasPrefix("//") {
                self = .say(String(line.dropFirst()))
            } else if isTyped {
                self = .incomplete("There is no command \(TerminalText.visible(String(parts[0]))); /help shows all.")
            } else {
                self = .say(line)
            }
        }
    }

    static let explanation = [
        "Enter sends what is typed. Tab completes a name, Up brings back what was typed before.",
        "/who             who is here",
        "/rename NAME     change your name",
        "/quit            leave (so does Control-D)",
        "/help            this",
        "To say something that begins with a slash, write two.",
    ]
}
