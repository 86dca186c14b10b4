/// Characters that look like others: the part of Unicode's confusables (UTS #39) for Latin, Greek and Cyrillic, with the
/// letters of other scripts that are most often borrowed (Cherokee, Armenian, and Lisu, whose letters are Latin capitals),
/// and the forms of letters that are only a matter of style.
enum Lookalikes {
    /// Each prototype with what looks like it. Case matters here: a Greek Η looks like H, its small η like n.
    ///
    /// The prototype of I, l and 1 is no letter, so that Ian is not taken for Lan when case is disregarded afterwards; and
    /// M has that of m, so that it is the same in both cases.
    private static let table: [(prototype: String, likes: String)] = [
        ("A", "ΑАᎪꓮ"), ("B", "ΒВᏴℬꓐ"), ("C", "ϹСᏟℂℭꓚ"), ("D", "Ꭰꓓ"), ("E", "ΕЕᎬℰꓰ"), ("F", "Ϝℱꓝ"), ("G", "Ԍꓖ"),
        ("H", "ΗНᎻℋℌℍꓧ"), ("J", "ЈͿꓙ"), ("K", "ΚКᏦꓗ"), ("L", "ℒꓡ"), ("N", "Νℕꓠ"), ("O", "0ΟОՕꓳ"), ("P", "ΡРᏢℙꓑ"),
        ("Q", "Ԛℚ"), ("R", "ℛℜℝꓣ"), ("S", "ЅՏᏚꓢ"), ("T", "ΤТᎢꓔ"), ("U", "Սᑌꓴ"), ("V", "ѴᏙꓦ"), ("W", "ԜᎳꓪ"),
        ("X", "ΧХꓫ"),
        ("Y", "ΥҮУꓬ"), ("Z", "ΖᏃℤℨꓜ"),
        ("a", "ɑαа"), ("b", "Ььƅвβ"), ("c", "ϲсᴄ"), ("d", "ԁɗ"), ("e", "еҽεєℯ"), ("f", "ſẝ"), ("g", "ɡցℊ"),
        ("h", "һհнℎ"), ("i", "ıιіɩ\u{1FBE}"), ("j", "јϳ"), ("k", "κкᴋ"), ("n", "ηոп"), ("o", "οоσօᴏℴ"), ("p", "ρрϱ"),
        ("q", "ԛգ"), ("r", "гᴦɾ"), ("rn", "mмᴍMΜМᎷϺℳꓟ"), ("s", "ѕꜱ"), ("t", "τтᴛ"), ("u", "υսʋ"), ("v", "νѵᴠ"),
        ("w", "ωԝѡɯ"), ("x", "χх×"), ("y", "γуүʏ"), ("z", "ᴢ"), ("|", "lI1ΙІӀӏǀɭℐℑꓲƖ∣ا١۱וןⵏ"),
        ("3", "ЗзӠƷȜ"), ("4", "Ч"), ("6", "б"), ("'", "’‘ʼʹ`´′\u{374}\u{1FEF}\u{1FFD}"), ("-", "‐‑‒–−"), (".", "․ꓸ"),
        (",", "‚"),
    ]

    private static let prototypes: [Unicode.Scalar: [Unicode.Scalar]] = table.reduce(into: [:]) { result, row in
        for like in row.likes.unicodeScalars { result[like] = Array(row.prototype.unicodeScalars) }
    }

    /// What stands for all texts that look like `text`, without regard to case.
    static func skeleton(of text: String) -> String {
        var plain = String.UnicodeScalarView()
        var previous: Unicode.Scalar = " "
        for scalar in text.unicodeScalars.flatMap(takenApart) {
            let shown = plainForm(of: scalar)
            // The dot is on the i already; and several spaces look like one.
            if shown.value == 0x307, previous == "i" || previous == "j" { continue }
            if shown == " ", previous == " " { continue }
            previous = shown
            if let prototype = prototypes[shown] { plain.append(contentsOf: prototype) } else { plain.append(shown) }
        }
        return String(plain).caseFolded
    }

    // MARK: Marks on letters

    /// Letters of the table with the marks that Latin letters have, too: each is followed by the letter without its mark.
    /// They have to be taken apart, for a Cyrillic ё to be seen as one with an e in it. Others need not: strings are compared
    /// by canonical equivalence anyway.
    private static let marks: [(mark: Unicode.Scalar, pairs: String)] = [
        ("\u{300}", "ЀЕѐеὰαὲεὴηὶιὸοὺυὼωᾺΑῈΕῊΗῚΙῸΟῪΥῒϊῢϋ"),
        ("\u{301}", "ѓгЌКќкΆΑΈΕΉΗΊΙΌΟΎΥάαέεήηίιόούυώωΐϊΰϋ"),
        ("\u{301}", "\u{1F71}α\u{1F73}ε\u{1F75}η\u{1F77}ι\u{1F79}ο\u{1F7B}υ\u{1F7D}ω\u{1FD3}ϊ\u{1FE3}ϋ"),
        ("\u{301}", "\u{1FBB}Α\u{1FC9}Ε\u{1FCB}Η\u{1FDB}Ι\u{1FF9}Ο\u{1FEB}Υ"),
        ("\u{303}", "ᾶαῆηῖιῦυῶω"),
        ("\u{304}", "ӮУӯуᾹΑᾱαῙΙῑιῩΥῡυ"),
        ("\u{306}", "ЎУўуӐАӑаӖЕӗеᾸΑᾰαῘΙῐιῨΥῠυ"),
        ("\u{308}", "ЁЕёеЇІїіӒАӓаӞЗӟзӦОӧоӰУӱуӴЧΪΙΫΥϊιϋυ"),
        ("\u{30B}", "ӲУӳу"), ("\u{30F}", "ѶѴѷѵ"),
    ]

    private static let withoutMark: [Unicode.Scalar: [Unicode.Scalar]] = marks.reduce(into: [:]) { result, row in
        let scalars = Array(row.pairs.unicodeScalars)
        for i in stride(from: 0, to: scalars.count - 1, by: 2) { result[scalars[i]] = [scalars[i + 1], row.mark] }
    }

    /// The letter and the marks that `scalar` is, as far as that is of interest here.
    private static func takenApart(_ scalar: Unicode.Scalar) -> [Unicode.Scalar] {
        guard let parts = withoutMark[scalar] else { return [scalar] }
        return takenApart(parts[0]) + parts.dropFirst()
    }

    // MARK: Styles

    /// The plain letter or digit where `scalar` is a styled form of one: full-width, circled, mathematical.
    static func plainForm(of scalar: Unicode.Scalar) -> Unicode.Scalar {
        func ascii(_ first: Character, _ offset: UInt32) -> Unicode.Scalar {
            Unicode.Scalar(UInt8(truncatingIfNeeded: UInt32(first.asciiValue ?? 0) + offset))
        }
        let value = scalar.value
        switch value {
        case 0xFF01...0xFF5E: return ascii("!", value - 0xFF01)  // full-width forms
        case 0x1F1E6...0x1F1FF: return ascii("A", value - 0x1F1E6)  // the letters that flags are made of
        case 0x24B6...0x24CF: return ascii("A", value - 0x24B6)  // circled letters
        case 0x24D0...0x24E9: return ascii("a", value - 0x24D0)
        case 0x1F130...0x1F149: return ascii("A", value - 0x1F130)  // squared letters
        case 0x1F150...0x1F169: return ascii("A", value - 0x1F150)
        case 0x1F170...0x1F189: return ascii("A", value - 0x1F170)
        case 0x1D400...0x1D6A3:  // mathematical alphabets: 26 capitals and 26 small letters in each style
            let letter = (value - 0x1D400) % 52
            return letter < 26 ? ascii("A", letter) : ascii("a", letter - 26)
        case 0x1D6A8...0x1D7CB:  // the same in Greek: 58 each, from 26 on the small ones, and some symbols that stay
            let letter = (value - 0x1D6A8) % 58
            let plain =
                letter < 25 && letter != 17 ? 0x391 + letter : (26...50).contains(letter) ? 0x397 + letter : value
            return Unicode.Scalar(plain) ?? scalar
        case 0x1D7CE...0x1D7FF: return ascii("0", (value - 0x1D7CE) % 10)  // mathematical digits
        case 0x2160: return "I"  // Roman numerals of one letter
        case 0x2164: return "V"
        case 0x2169: return "X"
        case 0x216C...0x216F: return ["L", "C", "D", "M"][Int(value - 0x216C)]
        case 0x2170: return "i"
        case 0x2174: return "v"
        case 0x2179: return "x"
        case 0x217C...0x217F: return ["l", "c", "d", "m"][Int(value - 0x217C)]
        case 0x212A: return "K"  // the Kelvin sign
        default: return scalar.properties.isWhitespace ? " " : scalar
        }
    }
}
