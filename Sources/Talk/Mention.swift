/// Where a text mentions a name.
enum Mention {
    /// The places in `text` where `name` stands as a word of its own, without regard to case.
    ///
    /// Characters are compared whole, with their marks, and as Unicode's canonical equivalence has it: `Jose` is not in `José`,
    /// however that is spelled, and `राम` is not in `रामा`. Where a script puts no spaces between words, the name's
    /// neighbours do not matter.
    static func places(of name: String, in text: String) -> [Range<String.Index>] {
        let name = name.map(folded)
        guard !name.isEmpty else { return [] }
        let indices = Array(text.indices)
        let characters = text.map(folded)
        var places: [Range<String.Index>] = []
        var start = 0
        while start + name.count <= characters.count {
            let end = start + name.count
            let isHere = characters[start..<end].elementsEqual(name)
            let before = start > 0 ? characters[start - 1] : nil
            let after = end < characters.count ? characters[end] : nil
            guard isHere, !joins(before, characters[start]), !joins(after, characters[end - 1]) else {
                start += 1
                continue
            }
            places.append(indices[start]..<(end < indices.count ? indices[end] : text.endIndex))
            start = end
        }
        return places
    }

    private static func folded(_ character: Character) -> String { character.lowercased() }

    /// Whether a neighbour belongs to the same word as the name's first or last character.
    private static func joins(_ neighbour: String?, _ edge: String) -> Bool {
        guard let neighbour, isOfWord(neighbour), isOfWord(edge) else { return false }
        return !hasNoSpaces(neighbour) || !hasNoSpaces(edge)
    }

    private static func isOfWord(_ character: String) -> Bool {
        guard let scalar = character.unicodeScalars.first else { return false }
        if scalar == "_" || scalar.properties.isAlphabetic { return true }
        switch scalar.properties.generalCategory {
        case .decimalNumber, .letterNumber, .otherNumber, .nonspacingMark, .spacingMark: return true
        default: return false
        }
    }

    /// Han, Kana, Thai, Lao, Khmer, Burmese and Tibetan.
    private static func hasNoSpaces(_ character: String) -> Bool {
        switch character.unicodeScalars.first?.value ?? 0 {
        case 0x0E00...0x0EFF, 0x0F00...0x0FFF, 0x1000...0x109F, 0x1780...0x17FF, 0x3040...0x30FF, 0x3400...0x4DBF,
            0x4E00...0x9FFF, 0xF900...0xFAFF, 0x20000...0x3FFFD:
            true
        default: false
        }
    }
}
