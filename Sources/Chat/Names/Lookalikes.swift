/// Characters that look like others: the part of Unicode's confusables (UTS #39) that looks like Latin letters and digits,
/// and the forms of letters that are only a matter of style, which Unicode's own names for them tell.
enum Lookalikes {
    /// Each prototype with what looks like it. Case matters here: a Greek Η looks like H, its small η like n.
    ///
    /// The prototype of I, l and 1 is no letter, so that Ian is not taken for Lan when case is disregarded afterwards; and
    /// M has that of m, so that it is the same in both cases. In Lisu, Cherokee, Coptic and the old alphabets of Italy and Asia
    /// Minor a letter has the shape of a Latin capital.
    private static let table: [(prototype: String, likes: String)] = [
        ("A", "ΑАᎪᗅꓮⲀ𐊠𐌀𖽀"), ("B", "ΒВᏴᗷꓐꞴⲂ𐊂𐊡𐌁"), ("C", "ϹСᏟⅭⲤꓚ𐊢𐌂𐐕𐔜𑣩𑣲🝌"), ("D", "ᎠᗞᗪⅮꓓ"), ("E", "ΕЕᎬ⋿ⴹꓰ𐊆𑢦𑢮"),
        ("F", "ϜᖴꓝꞘ𐊇𐊥𐔥𑢢𑣂"), ("G", "ԌᏀᏳꓖ"), ("H", "ΗНᎻᕼⲎꓧ𐋏"), ("J", "ЈͿᎫᒍꓙꞲ"), ("K", "ΚКᏦᛕⲔꓗ𐔘"), ("L", "ᏞᒪⅬⳐꓡ𐐛𐔦𑢣𑢲𖼖"),
        ("N", "ΝⲚꓠ𐔓"), ("O", "0ΟОՕⲞⵔ〇ꓳ০ଠ୦ዐ𐊒𐊫𐐄𐓂𐔖𑓐𑢵𑣠"), ("P", "ΡРᏢᑭⲢꓑ𐊕"), ("Q", "Ԛⵕ"), ("R", "ƦᎡᏒᖇꓣ𐒴𖼵"),
        ("S", "ЅՏᏕᏚꓢ𐊖𐐠𖼺"), ("T", "ΤТᎢ⊤⟙ⲦꓔƬ𐊗𐊱𐌕𑢼𖼊"), ("U", "Սሀᑌ∪⋃ꓴ𐓎𑢸𖽂"), ("V", "Ѵ۷ᏙᐯⅤⴸꓦꛟ𐔝𑢠𖼈"), ("W", "ԜᎳᏔꓪ𑣦𑣯"),
        ("X", "ΧХ᙭ᚷⅩ╳ⲬⵝꓫꞳ𐊐𐊴𐌗𐌢𐔧𑣬"), ("Y", "ΥϒУҮᎩᎽⲨꓬ𐊲𑢤𖽃"), ("Z", "ΖᏃꓜ𐋵𑢩𑣥"),
        ("a", "ɑαа⍺ª"), ("b", "ƄЬьƅвβᏏᑲᖯ"), ("c", "ϲсⅽⲥ𐐽"), ("d", "ԁɗᏧᑯⅾ"), ("e", "еҽεє℮"), ("f", "ſẝքꞙꬵ"),
        ("g", "ƍցᶃ"),
        ("h", "һհнᏂℎ"), ("i", "ıιіɩɪ˛ℹⅰ⍳ꙇᎥ\u{1FBE}\u{37A}"), ("ii", "ⅱ"), ("iii", "ⅲ"), ("iv", "ⅳ"), ("ij", "ĳĲ"),
        ("j", "јϳ"), ("k", "κк"), ("|j", "Ǉǈǉ"), ("n", "ηոпռ"), ("nj", "Ǌǋǌ"),
        ("o", "οоσօº०੦૦௦౦೦൦ํ๐໐၀ഠဝჿᴑⲟꬽ𐐬𐓪𑣈𑣗"), ("p", "ρрϱ⍴ⲣ"), ("q", "ԛգզ"), ("r", "гᴦɾⲅꭇꭈ"), ("rn", "mмMΜМᎷᗰᛖⅯⅿⲘϺꓟ𐊰𐌑"),
        ("s", "ѕƽꮪ𐑈𑣁"), ("t", "τт"), ("u", "υսʋꞟꭎꭒ𐓶𑣘"), ("v", "νѵⅴ∨⋁𑜆𑣀"), ("vi", "ⅵ"), ("w", "ωԝѡɯա𑜊𑜎𑜏"),
        ("x", "χх×ⅹᕁᕽ᙮⤫⤬⨯"),
        ("y", "γуүʏɣყᶌỿꭚ𑣜"), ("z", "𑣄"),
        ("|", "lI1ΙІӀӏǀɭꓲƖ∣ا١۱וןⵏᛁⅠⅼ⏽Ⲓⲓ￨𐊊𐌉𐌠𖼨"), ("||", "Ⅱǁ"), ("|||", "Ⅲ"), ("|V", "Ⅳ"), ("V|", "Ⅵ"),
        ("2", "ƧϨᒿꙄꛯꝚ"), ("3", "ЗзӠƷȜⳌꝪꞫ𑣊𖼻"), ("4", "ЧᏎ𑢯"), ("5", "Ƽ𑢻"), ("6", "бᏮⳒ𑣕"), ("7", "𐓒𑣆"), ("8", "Ȣȣ৪੪ଃ𐌚"),
        ("9", "৭੧୨൭ⳊꝮ𑢬𑣌𑣖"),
        ("'", "’‘ʼʹ`´′\u{374}\u{1FEF}\u{1FFD}"), ("-", "‐‑‒–−"), (".", "․ꓸ"), (",", "‚"), (";", "\u{37E}"),
        ("カ", "力"), ("ロ", "口"), ("ニ", "二"), ("エ", "工"), ("ハ", "八"), ("ト", "卜"), ("ヘ", "へ"), ("ベ", "べ"), ("ペ", "ぺ"),
        ("一", "ー―"),
    ]

    private static let prototypes: [Unicode.Scalar: [Unicode.Scalar]] = table.reduce(into: [:]) { result, row in
        for like in row.likes.unicodeScalars { result[like] = Array(row.prototype.unicodeScalars) }
    }

    /// What each character of ASCII looks like, in lower case: one character, or two.
    private static let plainASCII: [(first: UInt8, second: UInt8?)] = (0..<128).map { (byte: UInt8) in
        let shown = prototypes[Unicode.Scalar(byte)] ?? [Unicode.Scalar(byte)]
        let bytes = Array(String(String.UnicodeScalarView(shown)).lowercased().utf8)
        return (bytes[0], bytes.count > 1 ? bytes[1] : nil)
    }

    /// What stands for all texts that look like `text`, without regard to case.
    static func skeleton(of text: String) -> String {
        text.utf8.allSatisfy { $0 < 0x80 } ? skeleton(ofASCII: text) : skeleton(ofUnicode: text)
    }

    /// The same for ASCII, in which there are no marks and no styles.
    private static func skeleton(ofASCII text: String) -> String {
        let looksOfASCII = plainASCII
        var plain: [UInt8] = []
        plain.reserveCapacity(2 * text.utf8.count)
        var previous = UInt8(ascii: " ")
        for byte in text.utf8 {
            let shown = byte == 0x20 || (0x09...0x0D).contains(byte) ? UInt8(ascii: " ") : byte
            if shown == UInt8(ascii: " "), previous == shown { continue }
            previous = shown
            let looks = looksOfASCII[Int(shown)]
            plain.append(looks.first)
            if let second = looks.second { plain.append(second) }
        }
        return String(decoding: plain, as: UTF8.self)
    }

    private static func skeleton(ofUnicode text: String) -> String {
        var plain = String.UnicodeScalarView()
        var previous: Unicode.Scalar = " "
        for scalar in text.unicodeScalars.flatMap(takenApart) {
            let shown = plainForm(of: scalar)
            // The dot is on the i already; and several spaces look like one.
            if shown.value == 0x307, previous == "i" || previous == "j" { continue }
            if shown == " ", previous == " " { continue }
            previous = shown
            if let prototype = prototype(of: scalar) ?? prototype(of: shown) {
                plain.append(contentsOf: prototype)
            } else {
                plain.append(shown)
            }
        }
        return String(plain).caseFolded
    }

    private static func prototype(of scalar: Unicode.Scalar) -> [Unicode.Scalar]? {
        if let prototype = prototypes[scalar] { return prototype }
        // The small letters of Coptic, Cherokee and the scripts behind them are their capitals, written smaller.
        guard scalar.value >= 0x2C80, let upper = scalar.properties.uppercaseMapping.unicodeScalars.first else {
            return nil
        }
        return prototypes[upper]
    }

    // MARK: Marks on letters

    /// The marks that Latin letters have, too; of Greek's two forms of a tilde the one that Latin has.
    private static let marks: [(written: Unicode.Scalar, shown: Unicode.Scalar)] = [
        ("\u{300}", "\u{300}"), ("\u{301}", "\u{301}"), ("\u{342}", "\u{303}"), ("\u{304}", "\u{304}"),
        ("\u{306}", "\u{306}"), ("\u{308}", "\u{308}"), ("\u{30B}", "\u{30B}"), ("\u{30F}", "\u{30F}"),
    ]

    /// The Greek and Cyrillic letters with such marks: each with the letter and the marks that it is. They have to be taken
    /// apart, for a Cyrillic ё to be seen as one with an e in it; Latin ones need not, since strings are compared by
    /// canonical equivalence. That is also how they are found here: a character is equal to its parts.
    private static let parts: [Character: [Unicode.Scalar]] = {
        let letters = (0x391...0x4FF).compactMap { Unicode.Scalar($0 as UInt32) }.filter(\.properties.isAlphabetic)
        let twoMarks = marks.prefix(3).map { [(written: "\u{308}", shown: "\u{308}"), $0] }
        var result: [Character: [Unicode.Scalar]] = [:]
        for letter in letters {
            for marks in marks.map({ [$0] }) + twoMarks {
                let whole = Character(String(String.UnicodeScalarView([letter] + marks.map(\.written))))
                // The letter itself comes before the letter with a mark that has one more.
                if result[whole] == nil { result[whole] = [letter] + marks.map(\.shown) }
            }
        }
        return result
    }()

    /// The letter and the marks that `scalar` is, as far as that is of interest here.
    private static func takenApart(_ scalar: Unicode.Scalar) -> [Unicode.Scalar] {
        switch scalar.value {
        case 0x342: ["\u{303}"]
        case 0x386...0x4FF, 0x1F70...0x1FFF: parts[Character(scalar)] ?? [scalar]
        default: [scalar]
        }
    }

    // MARK: Styles

    /// Words in Unicode's names that tell how a letter is drawn, or only that it is one.
    private static let styles: Set<Substring> = [
        "LATIN", "GREEK", "LETTER", "DIGIT", "FULLWIDTH", "HALFWIDTH", "MODIFIER", "SUPERSCRIPT", "SUBSCRIPT",
        "MATHEMATICAL",
        "BOLD", "ITALIC", "SCRIPT", "FRAKTUR", "BLACK-LETTER", "BLACKLETTER", "DOUBLE-STRUCK", "SANS-SERIF",
        "MONOSPACE",
        "OUTLINED", "SEGMENTED", "CIRCLED", "DOUBLE", "PARENTHESIZED", "SQUARED", "NEGATIVE", "CROSSED", "DINGBAT",
        "DOTLESS",
        "TORTOISE", "SHELL", "BRACKETED", "REGIONAL", "INDICATOR",
    ]

    /// What is left of a scalar's name without the style: "CAPITAL A" of the mathematical, the circled and the small capital.
    private static func nameWithoutStyle(_ scalar: Unicode.Scalar) -> String? {
        guard let name = scalar.properties.name else { return nil }
        let words = name.split(separator: " ").filter { !styles.contains($0) }
        return words.starts(with: ["SMALL", "CAPITAL"])
            ? words.dropFirst().joined(separator: " ") : words.joined(separator: " ")
    }

    /// The characters that have styled forms: ASCII, Greek, Cyrillic, Katakana and Hangul.
    private static let plainForms: [String: Unicode.Scalar] = {
        let blocks: [ClosedRange<UInt32>] = [
            0x21...0x7E, 0x391...0x3F5, 0x410...0x4FF, 0x30A1...0x30FC, 0x3131...0x318E,
        ]
        let scalars = blocks.joined().compactMap { Unicode.Scalar($0) }
        return scalars.reduce(into: [:]) { result, scalar in
            if let name = nameWithoutStyle(scalar) { result[name] = result[name] ?? scalar }
        }
    }()

    /// The plain letter or digit where `scalar` is a styled form of one.
    static func plainForm(of scalar: Unicode.Scalar) -> Unicode.Scalar {
        if scalar.properties.isWhitespace { return " " }
        if scalar.isASCII { return scalar }
        if (0x1F1E6...0x1F1FF).contains(scalar.value) { return Unicode.Scalar(UInt8(scalar.value - 0x1F1E6) + 0x41) }
        return nameWithoutStyle(scalar).flatMap { plainForms[$0] } ?? scalar
    }
}
