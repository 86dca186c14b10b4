/// Breaks a line between words before a terminal would break it anywhere, and indents each row but the first.
struct LineWrapper {
    private let columns: Int
    private let indentation: Int
    private var result = ""
    /// The columns that the present row has used.
    private var used = 0
    /// A word that is being read, and its columns. What does not fit behind the row's other words begins the next row.
    private var word: [(character: Character, columns: Int)] = []
    private var wordColumns = 0

    private init(columns: Int, indentation: Int) { (self.columns, self.indentation) = (max(1, columns), indentation) }

    /// - Parameters:
    ///   - text: may have line breaks, and escape sequences for colours, which take no room.
    ///   - columns: of the terminal.
    ///   - indentation: where there is room; on a very narrow terminal it is less.
    static func wrap(_ text: String, columns: Int, indentation: Int) -> String {
        let least = columns >= 20 ? indentation : columns >= 10 ? 2 : columns > 2 ? 1 : 0
        var wrapper = LineWrapper(columns: columns, indentation: min(indentation, least))
        var isColour = false
        for character in text {
            if character == "\u{1B}" { isColour = true }
            if isColour {
                wrapper.word.append((character, 0))
                // A mark that belongs to the text may have joined the sequence's end.
                if character.unicodeScalars.first == "m" { isColour = false }
                continue
            }
            wrapper.take(character)
        }
        wrapper.endWord()
        return wrapper.result
    }

    private mutating func take(_ character: Character) {
        switch character {
        case "\n":
            endWord()
            breakRow()
        case " ":
            endWord()
            // At the end of a row it needs no place.
            if used < columns { append(" ", 1) }
        default:
            let width = TerminalText.mostColumns(of: character)
            // Where words have no spaces between them, a row may end behind each character.
            let isWordByItself = character.unicodeScalars.first.map(TerminalText.isWide) ?? false
            if isWordByItself { endWord() }
            word.append((character, width))
            wordColumns += width
            if isWordByItself { endWord() }
        }
    }

    private mutating func endWord() {
        let fitsRow = wordColumns <= columns - indentation
        if used + wordColumns > columns, used > indentation, fitsRow { breakRow() }
        for (character, width) in word {
            // What is longer than a whole row is divided.
            if used + width > columns, used > indentation { breakRow() }
            append(character, width)
        }
        (word, wordColumns) = ([], 0)
    }

    private mutating func append(_ character: Character, _ width: Int) {
        result.append(character)
        used += width
    }

    private mutating func breakRow() {
        result += "\n" + String(repeating: " ", count: indentation)
        used = indentation
    }
}
