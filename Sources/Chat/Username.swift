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
        guard Limits.usernameScalars.contains(scalars.prefix(Limits.usernameScalars.upperBound + 1).count) else {
            return nil
        }
        guard !scalars.contains(where: Self.isForbidden), scalars.contains(where: Self.isVisible) else { return nil }
        text = String(scalars)
        folded = text.caseFolded
        skeleton = Lookalikes.skeleton(of: text)
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

    /// The name without regard to case: Unicode's full case folding, which no single conversion is. Strings compare by
    /// canonical equivalence, so that é is é however it is spelled.
    let folded: String
    /// What the name looks like: two names with the same skeleton cannot be told apart by a reader (after UTS #39,
    /// section 4).
    let skeleton: String

    /// Names that nobody may have, since whoever had them would seem to speak for the server; as folded and as skeletons.
    private static let reserved: Set<String> = Set(
        ["server", "system", "chatloop"].flatMap { [$0, Lookalikes.skeleton(of: $0)] })

    /// Whether the name would pose as the server.
    var isReserved: Bool { Self.reserved.contains(folded) || Self.reserved.contains(skeleton) }
}

extension String {
    /// The text without regard to case, as in Unicode's full case folding: ẞ, ß and ss are the same, and so are Σ, σ and ς.
    var caseFolded: String {
        if utf8.allSatisfy({ $0 < 0x80 }) { return lowercased() }
        return withIotaLast.lowercased().uppercased().lowercased()
    }

    /// Where an iota is written below a Greek letter: with the letter iota behind the letter and all its marks, as it is in
    /// upper case. Otherwise the order of marks, which is of no meaning, would show when the case is changed.
    private var withIotaLast: String {
        var result = String.UnicodeScalarView()
        var hasIota = false
        for scalar in unicodeScalars {
            if hasIota, scalar.properties.canonicalCombiningClass == .notReordered {
                result.append("ι")
                hasIota = false
            }
            let upper = scalar.properties.uppercaseMapping.unicodeScalars
            if scalar.value == 0x345 {
                hasIota = true
            } else if (0x1F80...0x1FFC).contains(scalar.value), upper.count > 1, upper.last == "Ι" {
                hasIota = true
                result.append(contentsOf: upper.dropLast())
            } else {
                result.append(scalar)
            }
        }
        if hasIota { result.append("ι") }
        return String(result)
    }
}
