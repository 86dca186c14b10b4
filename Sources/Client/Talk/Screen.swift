/// What is on a terminal: the chat, which scrolls, and below it a few rows that are drawn anew when they change, with the
/// line that is being typed as the last of them. New lines of the chat go in above: nothing ever runs over what is typed.
struct Screen: Sendable {
    /// The rows below the chat.
    struct Footer: Equatable, Sendable {
        /// What is on its way, and how the connection is.
        var rows: [String] = []
        var prompt = ""
        /// The typed line before and after the cursor, as far as it is shown.
        var before = ""
        var after = ""
    }

    var columns = 80
    /// Lines of the chat that are to be written next.
    private var lines: [String] = []
    private var drawn: Footer?

    init() {}

    mutating func add(_ line: String) { lines.append(line) }

    /// What must be written to show the new lines and this footer. Empty if nothing has changed.
    mutating func update(_ footer: Footer, faint: (String) -> String) -> String {
        var footer = footer
        footer.rows = footer.rows.map { TerminalText.fitting($0, columns: columns - 1) }
        guard !lines.isEmpty || footer != drawn else { return "" }
        var output = erase()
        for line in lines { output += line + "\n" }
        lines = []
        for row in footer.rows { output += faint(row) + "\n" }
        output += footer.prompt + footer.before + footer.after
        let back = TerminalText.width(of: footer.after)
        if back > 0 { output += "\u{1B}[\(back)D" }
        drawn = footer
        return output
    }

    /// What must be written to have the footer gone, and the cursor where it began.
    mutating func erase() -> String {
        guard let footer = drawn else { return "" }
        drawn = nil
        // After the terminal has become narrower a row may have become several.
        func rows(_ width: Int) -> Int { max(1, (width + columns - 1) / max(1, columns)) }
        let cursor = TerminalText.width(of: footer.prompt + footer.before)
        let up = footer.rows.reduce(0) { $0 + rows(TerminalText.width(of: $1)) } + cursor / max(1, columns)
        return (up > 0 ? "\u{1B}[\(up)A" : "") + "\r\u{1B}[J"
    }

    /// Clears the terminal; what is drawn next begins at its top.
    mutating func clear() -> String {
        drawn = nil
        return "\u{1B}[H\u{1B}[2J"
    }
}
