@_spi(_Unicode) import Swift

/// A username that follows the rules, and the keys by which it is compared with others.
package struct Username: Sendable, Equatable {
    /// As it is shown: trimmed, otherwise as it was typed.
    package let text: String

    /// Takes a name that someone typed.
    ///
    /// - Returns: nil for a name that is no name: not 1 to 32 scalars long after trimming, or with a character that is
    ///   a control, breaks lines, cannot be seen, or changes the direction of what stands around it; or with nothing in
    ///   it that could be read.
    package init?(_ typed: String) {
        var scalars = Substring(typed).unicodeScalars
        while let first = scalars.first, first.properties.isWhitespace { scalars.removeFirst() }
        while let last = scalars.last, last.properties.isWhitespace { scalars.removeLast() }
        // `count` walks the whole text, which may be long: so no further than needed.
        guard !scalars.isEmpty, scalars.prefix(Limits.usernameScalars.upperBound + 1).count <= Limits.usernameScalars.upperBound
        else { return nil }
        guard !scalars.contains(where: Self.isForbidden), scalars.contains(where: Self.isVisible) else { return nil }
        text = String(scalars)
    }

    private static func isForbidden(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.isASCII { return scalar.value < 0x20 || scalar.value == 0x7F }
        switch scalar.properties.generalCategory {
        // Controls (and with them U+0085), format characters (bidirectional overrides, joiners), line breaks.
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate: return true
        default: break
        }
        // Variation selectors, fillers and the like; and the blank of Braille, which Unicode calls a symbol.
        return scalar.properties.isDefaultIgnorableCodePoint || scalar.value == 0x2800
    }

    /// Something to be read, as opposed to a space or a mark on nothing.
    private static func isVisible(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .spaceSeparator, .nonspacingMark, .enclosingMark, .spacingMark: return false
        default: return true
        }
    }

    // MARK: Comparing

    /// The name without regard to case. Strings compare by canonical equivalence, so that é is é however it is spelled.
    var folded: String { text.uppercased().lowercased() }

    /// What the name looks like: two names with the same skeleton cannot be told apart by a reader (after UTS #39,
    /// section 4). Names are few and short, and this happens once a join.
    var skeleton: String {
        if text.utf8.allSatisfy({ $0 < 0x80 && !Lookalikes.ascii.contains($0) }) { return text.lowercased() }
        var plain = String.UnicodeScalarView()
        var afterSpace = false
        for scalar in text._nfd {
            let shown = Lookalikes.plainForm(of: scalar)
            let isSpace = shown.properties.isWhitespace
            // Several spaces look like one.
            if !(isSpace && afterSpace) { plain.append(contentsOf: Lookalikes.prototype(of: isSpace ? " " : shown)) }
            afterSpace = isSpace
        }
        return String(plain).uppercased().lowercased()
    }

    /// Names that nobody may have, since whoever had them would seem to speak for the server.
    static let reserved: Set<String> = ["server", "system", "chatloop"]

    /// Whether the name would pose as the server.
    var isReserved: Bool {
        Self.reserved.contains(folded) || Self.reserved.contains { Username($0)?.skeleton == skeleton }
    }
}
