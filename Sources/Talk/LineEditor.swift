/// The line that is being typed: what stands before the cursor and after it, and the lines that were entered before.
struct LineEditor: Sendable {
    enum Outcome: Equatable, Sendable {
        /// A line was entered; the editor is empty again.
        case line(String)
        /// There is something to be completed before the cursor.
        case complete
        case clearScreen
        /// ^C
        case interrupt
        case endOfInput
    }

    private(set) var before = ""
    private(set) var after = ""
    private var keyReader = KeyReader()

    /// Lines that were entered, oldest first, and which of them is shown.
    private var history: [String] = []
    private var shown: Int?
    /// What was being typed when the history was gone into.
    private var draft = ""
    /// What was cut out last, which ^Y puts back.
    private var cut = ""
    /// Whether the line is a secret: shown as dots, and not kept.
    var isSecret = false

    private static let historySize = 100
    /// A message has at most 4000 scalars; what is longer is cut when it is typed or pasted.
    private static let longest = 16_000

    init() {}

    var text: String { before + after }
    var isEmpty: Bool { before.isEmpty && after.isEmpty }

    /// Puts a text in the line, in place of what is there, with the cursor behind it.
    mutating func replace(with text: String) { (before, after) = (text, "") }

    /// Adds a line to those that can be brought back.
    mutating func remember(_ line: String) {
        guard history.last != line, !line.isEmpty, !isSecret else { return }
        history.append(line)
        if history.count > Self.historySize { history.removeFirst() }
    }

    // MARK: Keys

    /// Takes bytes of the terminal apart into keys, each of which is to be taken in turn.
    ///
    /// - Parameter now: the time (ms) of a clock that does not go back.
    mutating func keys(_ bytes: some Sequence<UInt8>, now: Int64 = 0) -> [Key] { keyReader.take(bytes, now: now) }

    /// - Returns: what is to be done about it, if that is more than the editor can do.
    mutating func take(_ key: Key) -> Outcome? {
        switch key {
        case .enter:
            // A line break that was pasted along with the last line is no empty line after it.
            var line = text
            while line.last?.isNewline == true { line.removeLast() }
            remember(line)
            replace(with: "")
            shown = nil
            return .line(line)
        case .tab: return .complete
        case .clearScreen: return .clearScreen
        case .interrupt: return .interrupt
        case .endOfInput:
            if isEmpty { return .endOfInput }
            deleteForward()
        default: edit(key)
        }
        return nil
    }

    private mutating func edit(_ key: Key) {
        switch key {
        case .text(let scalar):
            if before.utf8.count + after.utf8.count < Self.longest { before.unicodeScalars.append(scalar) }
        case .backspace: _ = before.popLast()
        case .delete: deleteForward()
        case .left: if let character = before.popLast() { after.insert(character, at: after.startIndex) }
        case .right: if let character = after.first { before.append(character); after.removeFirst() }
        case .home: (before, after) = ("", text)
        case .end: (before, after) = (text, "")
        case .wordLeft: moveWordLeft()
        case .wordRight: moveWordRight()
        case .killToEnd:
            keep(after)
            after = ""
        case .killToStart:
            keep(before)
            before = ""
        case .killWord:
            let word = before.dropFirst(Self.startOfLastWord(before))
            keep(String(word))
            before.removeLast(word.count)
        case .yank: before += cut
        case .up: recall(-1)
        case .down: recall(1)
        case .enter, .tab, .clearScreen, .interrupt, .endOfInput: break
        }
    }

    private mutating func keep(_ text: String) { if !text.isEmpty, !isSecret { cut = text } }

    /// Empties the line. What stood there is not lost: it can be brought back like lines that were entered, or by ^Y.
    mutating func clear() {
        remember(text)
        keep(text)
        shown = nil
        replace(with: "")
    }

    private mutating func deleteForward() { if !after.isEmpty { after.removeFirst() } }

    /// How many characters come before the last word, and the spaces after it.
    private static func startOfLastWord(_ text: String) -> Int {
        var characters = Array(text)
        while let last = characters.last, last.isWhitespace { characters.removeLast() }
        while let last = characters.last, !last.isWhitespace { characters.removeLast() }
        return characters.count
    }

    private mutating func moveWordLeft() {
        let start = before.index(before.startIndex, offsetBy: Self.startOfLastWord(before))
        after = before[start...] + after
        before = String(before[..<start])
    }

    private mutating func moveWordRight() {
        let word = after.prefix(while: \.isWhitespace)
        let end = after[word.endIndex...].prefix { !$0.isWhitespace }.endIndex
        before += after[..<end]
        after = String(after[end...])
    }

    private mutating func recall(_ step: Int) {
        let next = (shown ?? history.count) + step
        guard history.indices.contains(next) || next == history.count else { return }
        if shown == nil { draft = text }
        shown = next == history.count ? nil : next
        replace(with: next == history.count ? draft : history[next])
    }

    // MARK: Completion

    /// Completes the word before the cursor to the first of `words` that begins with it, upper and lower case being the
    /// same. At the start of the line a colon follows a name: that person is spoken to.
    mutating func complete(with words: [String]) {
        let start = before.lastIndex(where: \.isWhitespace).map { before.index(after: $0) } ?? before.startIndex
        let begun = before[start...].lowercased()
        guard !begun.isEmpty, let word = words.sorted().first(where: { $0.lowercased().hasPrefix(begun) }) else {
            return
        }
        let isFirst = start == before.startIndex
        before = before[..<start] + word + (isFirst && !word.hasPrefix("/") ? ": " : " ")
    }

    // MARK: Drawing

    /// The part of the line that is shown in so many columns, with the cursor in it.
    ///
    /// - Returns: what is shown before the cursor, and after it.
    func window(columns: Int) -> (before: String, after: String) {
        var (left, right): ([Character], [Character]) = ([], [])
        var used = 1  // the cursor behind the last character
        let after = displayed(after)
        // The nearest to the cursor first; what comes after the cursor has the last quarter, if it needs it.
        let room = max(columns * 3 / 4, columns - TerminalText.width(of: after))
        for character in displayed(before).reversed() {
            let width = TerminalText.width(of: character)
            guard used + width <= room else { break }
            used += width
            left.append(character)
        }
        for character in after {
            let width = TerminalText.width(of: character)
            guard used + width <= columns else { break }
            used += width
            right.append(character)
        }
        return (String(left.reversed()), String(right))
    }

    private func displayed(_ part: String) -> String {
        isSecret ? String(repeating: "•", count: part.count) : TerminalText.visible(part)
    }
}
