/// A username that follows the rules, and the keys by which it is compared with others.
package struct Username: Sendable, Equatable {
    /// As it is shown: as it was typed, without white space around it and without U+FE0F.
    package let text: String

    /// Takes a name that someone typed.
    ///
    /// - Returns: nil for a name that breaks a rule: not 1 to 32 scalars long after trimming; a character that is a control,
    ///   breaks lines, cannot be seen, changes the direction of the text around it, or means nothing that everyone
    ///   agrees on (unassigned, private use); a joiner where nothing is joined; more than 4 marks on one letter; nothing
    ///   that could be read.
    package init?(_ typed: String) {
        if typed.utf8.allSatisfy({ $0 < 0x80 }) {
            guard let text = Self.trimmedASCII(typed) else { return nil }
            self.init(kept: text)
            return
        }
        var trimmed = Substring(typed).unicodeScalars
        while let first = trimmed.first, first.isTrimmed { trimmed.removeFirst() }
        while let last = trimmed.last, last.isTrimmed { trimmed.removeLast() }
        // The text may be long: no more of it is kept than is needed to see that it is too long.
        let most = Limits.usernameScalars.upperBound
        let scalars = Array(trimmed.lazy.filter { $0 != .emojiStyle }.prefix(most + 1))
        guard Limits.usernameScalars.contains(scalars.count), Self.isWellFormed(scalars) else { return nil }
        self.init(kept: String(String.UnicodeScalarView(scalars)))
    }

    /// Takes a name that was let in before, by the rules of its time.
    package init(kept text: String) {
        self.text = text
        let compared = Self.compared(text)
        folded = compared.caseFolded
        skeleton = Lookalikes.skeleton(of: compared)
    }

    /// What of a name is compared: all but its joiners.
    private static func compared(_ text: String) -> String {
        if text.utf8.allSatisfy({ $0 < 0x80 }) { return text }
        return String(String.UnicodeScalarView(text.unicodeScalars.filter { !$0.isJoiner }))
    }

    /// The folded form of a name that was let in before.
    static func folded(kept text: String) -> String { compared(text).caseFolded }

    /// The same for ASCII, of which no table of Unicode need be asked; nil for a name that breaks a rule.
    private static func trimmedASCII(_ typed: String) -> String? {
        var trimmed = Substring(typed).utf8
        func isSpace(_ byte: UInt8?) -> Bool { byte == 0x20 || byte.map { (0x09...0x0D).contains($0) } ?? false }
        while isSpace(trimmed.first) { trimmed.removeFirst() }
        while isSpace(trimmed.last) { trimmed.removeLast() }
        guard Limits.usernameScalars.contains(trimmed.count), trimmed.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) else {
            return nil
        }
        return String(Substring(trimmed))
    }

    // MARK: Rules

    /// As many as any orthography needs (Vietnamese two, pointed Hebrew and Tibetan three or four), and not enough to
    /// paint over the lines above and below.
    private static let marksOnALetter = 4

    private static func isWellFormed(_ scalars: [Unicode.Scalar]) -> Bool {
        var isReadable = false
        var marks = 0
        for (i, scalar) in scalars.enumerated() {
            if scalar.isJoiner {
                guard isJoinerInPlace(scalars, i) else { return false }
                continue
            }
            guard !isForbidden(scalar) else { return false }
            marks = scalar.isMark ? marks + 1 : 0
            guard marks <= marksOnALetter else { return false }
            // Something to be read, as opposed to a space or a mark on nothing.
            if !scalar.isMark, scalar.properties.generalCategory != .spaceSeparator { isReadable = true }
        }
        return isReadable
    }

    private static func isForbidden(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .unassigned, .privateUse: true
        default: scalar.isInvisible
        }
    }

    /// Whether a script or an emoji needs the joiner at `i` (after UAX #31, section 2.3): U+200D between the parts of one emoji;
    /// either behind a virama, or U+200D in front of one; U+200C behind a letter of a script whose letters are joined.
    private static func isJoinerInPlace(_ scalars: [Unicode.Scalar], _ i: Int) -> Bool {
        guard i > 0 else { return false }
        let before = scalars[i - 1]
        if before.properties.canonicalCombiningClass == .virama { return true }
        if scalars[i] == .nonJoiner { return scalars[..<i].last { !$0.isMark }?.isJoinedLetter ?? false }
        guard i + 1 < scalars.count else { return false }
        let after = scalars[i + 1]
        if after.properties.canonicalCombiningClass == .virama { return before.properties.isAlphabetic }
        return before.isPictograph && after.isPictograph
    }

    // MARK: Comparing

    /// The name without regard to case: Unicode's full case folding, which no single conversion is. Strings compare by
    /// canonical equivalence, so that é is é however it is spelled.
    let folded: String
    /// What the name looks like: two names with the same skeleton cannot be told apart by a reader (after UTS #39,
    /// section 4).
    let skeleton: String

    /// Whether two names are the same to whoever compares them; and whether they look the same.
    package func isSame(as other: Username) -> Bool { folded == other.folded }
    package func looksLike(_ other: Username) -> Bool { skeleton == other.skeleton }

    /// Names that nobody may have, since whoever had them would seem to speak for the server; as folded and as skeletons.
    private static let reserved: Set<String> = Set(
        ["server", "system", "chatloop"].flatMap { [$0, Lookalikes.skeleton(of: $0)] })

    /// Whether the name would pose as the server.
    package var isReserved: Bool { Self.reserved.contains(folded) || Self.reserved.contains(skeleton) }
}

extension Unicode.Scalar {
    /// Variation selector 16 asks for the coloured form of a symbol, which keyboards add to some emoji and not to others.
    fileprivate static let emojiStyle: Unicode.Scalar = "\u{FE0F}"
    fileprivate static let nonJoiner: Unicode.Scalar = "\u{200C}"

    fileprivate var isTrimmed: Bool { self == .emojiStyle || properties.isWhitespace }
    fileprivate var isJoiner: Bool { self == .nonJoiner || self == "\u{200D}" }
    fileprivate var isPictograph: Bool { value > 0xFF && properties.isEmoji }

    fileprivate var isMark: Bool {
        switch properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .spacingMark: true
        default: false
        }
    }

    /// A letter of Arabic, Syriac, N’Ko, Mandaic, Mongolian or Adlam: the joining type is not in the standard library.
    fileprivate var isJoinedLetter: Bool {
        switch value {
        case 0x620...0x77F, 0x7C0...0x8FF, 0x1820...0x18AA, 0x1E900...0x1E943: properties.isAlphabetic
        default: false
        }
    }
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
