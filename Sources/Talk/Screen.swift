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
    ///
    /// Terminals disagree on the width of emoji and the like, so nothing of what is drawn relies on it: a row that is too long
    /// ends at the margin (DECAWM off) and never becomes two, and the cursor's place is saved while what follows it is drawn
    /// (DECSC, DECRC) instead of being counted.
    mutating func update(_ footer: Footer, faint: (String) -> String) -> String {
        var footer = footer
        footer.rows = footer.rows.map { TerminalText.fitting($0, columns: columns - 1) }
        guard !lines.isEmpty || footer != drawn else { return "" }
        var output = erase()
        for line in lines { output += line + "\n" }
        lines = []
        output += Self.keepInRow
        for row in footer.rows { output += faint(row) + "\n" }
        output += footer.prompt + footer.before
        if !footer.after.isEmpty { output += Self.saveCursor + footer.after + Self.restoreCursor }
        output += Self.wrapAgain
        drawn = footer
        return output
    }

    private static let (keepInRow, wrapAgain) = ("\u{1B}[?7l", "\u{1B}[?7h")
    private static let (saveCursor, restoreCursor) = ("\u{1B}7", "\u{1B}8")

    /// What must be written to have the footer gone, and the cursor where it began.
    mutating func erase() -> String {
        guard let footer = drawn else { return "" }
        drawn = nil
        // After the terminal has become narrower a row may have become several.
        func rows(_ width: Int) -> Int { max(1, (width + columns - 1) / max(1, columns)) }
        let cursor = TerminalText.width(of: footer.prompt + footer.before)
        let up = footer.rows.reduce(rows(cursor) - 1) { $0 + rows(TerminalText.width(of: $1)) }
        return (up > 0 ? "\u{1B}[\(up)A" : "") + "\r\u{1B}[J"
    }

    /// Clears the terminal; what is drawn next begins at its top.
    mutating func clear() -> String {
        drawn = nil
        return "\u{1B}[H\u{1B}[2J"
    }
}
