/// Text from others, made safe for a terminal, and the room that text takes on one.
package enum TerminalText {
    /// The text with everything that could steer a terminal, or turn the reading direction of what stands around it,
    /// replaced by something that can be seen: the pictures of Unicode's Control Pictures block, or a number.
    ///
    /// - Parameter lineBreak: what stands for the end of a line, of whichever kind. A tab becomes four spaces.
    package static func visible(_ text: String, lineBreak: String = "⏎") -> String {
        var result = String.UnicodeScalarView()
        var afterReturn = false
        for scalar in text.unicodeScalars {
            defer { afterReturn = scalar == "\r" }
            switch scalar.value {
            case 0x0A where afterReturn: break  // one break, like CR LF
            case 0x0A, 0x0B, 0x0C, 0x0D, 0x85, 0x2028, 0x2029: result.append(contentsOf: lineBreak.unicodeScalars)
            case 0x09: result.append(contentsOf: "    ".unicodeScalars)
            case ..<0x20: result.append(Unicode.Scalar(0x2400 + scalar.value) ?? "?")
            case 0x7F: result.append("\u{2421}")
            case _ where steers(scalar):
                result.append(contentsOf: "<U+\(String(scalar.value, radix: 16, uppercase: true))>".unicodeScalars)
            default: result.append(scalar)
            }
        }
        return String(result)
    }

    /// C1 controls, which some terminals obey like escape sequences; marks, embeddings, overrides and isolates of the
    /// bidirectional algorithm (UAX #9, section 2); deprecated format characters and annotations.
    private static func steers(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x80...0x9F, 0x061C, 0x200E, 0x200F, 0x202A...0x202E, 0x2066...0x206F, 0xFFF9...0xFFFB: true
        default: false
        }
    }

    // MARK: Width

    /// The columns that a text takes.
    static func width(of text: String) -> Int { text.reduce(0) { $0 + width(of: $1) } }

    /// The columns that a character takes, as terminals have it: those of its first scalar; two if it is to be shown as an
    /// emoji.
    static func width(of character: Character) -> Int {
        guard let first = character.unicodeScalars.first else { return 0 }
        if first.isASCII { return first.value < 0x20 || first.value == 0x7F ? 0 : 1 }
        if character.unicodeScalars.contains("\u{FE0F}") { return 2 }
        switch first.properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format, .control: return 0
        default: return first.properties.isEmojiPresentation || isWide(first) ? 2 : 1
        }
    }

    /// East Asian wide and fullwidth characters (UAX #11), as whole blocks.
    static func isWide(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x33FF, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xA000...0xA4CF,
            0xA960...0xA97F, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF01...0xFF60, 0xFFE0...0xFFE6,
            0x20000...0x3FFFD:
            true
        default: false
        }
    }

    /// The most columns that some terminal gives a character: not all join emoji, or hide what steers the layout.
    static func mostColumns(of character: Character) -> Int {
        let apart = character.unicodeScalars.reduce(0) { columns, scalar in
            columns + (scalar.properties.generalCategory == .format ? 1 : width(of: Character(scalar)))
        }
        return max(apart, width(of: character))
    }

    /// As much of a text as fits, with an ellipsis where something is left out.
    static func fitting(_ text: String, columns: Int) -> String {
        guard width(of: text) > columns else { return text }
        var (result, used) = ("", 0)
        for character in text {
            used += width(of: character)
            guard used < columns else { break }
            result.append(character)
        }
        return columns > 0 ? result + "…" : ""
    }
}
