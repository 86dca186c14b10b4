/// Characters that look like others: the part of Unicode's confusables (UTS #39) for Latin, Greek and Cyrillic, with the
/// few letters of other scripts that are most often borrowed, and the forms of letters that are only a matter of style.
enum Lookalikes {
    /// Each Latin prototype with what looks like it. Case matters here: a Greek Η looks like H, its small η like n.
    private static let table: [(prototype: String, likes: String)] = [
        ("A", "ΑАᎪ"), ("B", "ΒВᏴ"), ("C", "ϹСᏟ"), ("D", "Ꭰ"), ("E", "ΕЕᎬ"), ("F", "Ϝ"), ("G", "Ԍ"),
        ("H", "ΗНᎻ"), ("J", "ЈͿ"), ("K", "ΚКᏦ"), ("M", "ΜМᎷϺ"), ("N", "Ν"), ("O", "0ΟОՕ"), ("P", "ΡРᏢ"),
        ("Q", "Ԛ"), ("S", "ЅՏᏚ"), ("T", "ΤТᎢ"), ("U", "Սᑌ"), ("V", "ѴᏙ"), ("W", "ԜᎳ"), ("X", "ΧХ"),
        ("Y", "ΥҮУ"), ("Z", "ΖᏃ"),
        ("a", "ɑαа"), ("b", "Ььƅ"), ("c", "ϲсᴄ"), ("d", "ԁɗ"), ("e", "еҽεє"), ("f", "ſẝ"), ("g", "ɡց"), ("h", "һհ"),
        ("i", "ıιіɩ"), ("j", "јϳ"), ("k", "κкᴋ"), ("l", "I1|ΙІӀӏǀɭ"), ("n", "ηոп"), ("o", "οоσօᴏ"),
        ("p", "ρрϱ"), ("q", "ԛգ"), ("r", "гᴦɾ"), ("rn", "mмᴍ"), ("s", "ѕꜱ"), ("t", "τтᴛ"), ("u", "υսʋ"),
        ("v", "νѵᴠ"), ("w", "ωԝѡɯ"), ("x", "χх×"), ("y", "γуүʏ"), ("z", "ᴢ"), ("h", "н"), ("b", "вβ"),
        ("3", "ЗзӠƷȜ"), ("6", "б"), ("4", "Ч"), ("'", "’‘ʼʹ`´′"), ("-", "‐‑‒–−"), (".", "․ꓸ"), (",", "‚"),
    ]

    private static let prototypes: [Unicode.Scalar: [Unicode.Scalar]] = table.reduce(into: [:]) { result, row in
        for like in row.likes.unicodeScalars { result[like] = Array(row.prototype.unicodeScalars) }
    }

    /// The ASCII characters among them: a name without these and without others than ASCII is its own prototype.
    static let ascii: Set<UInt8> = Set(table.flatMap { $0.likes.utf8.filter { $0 < 0x80 } })

    /// What stands for all that look like `scalar`.
    static func prototype(of scalar: Unicode.Scalar) -> [Unicode.Scalar] { prototypes[scalar] ?? [scalar] }

    /// The plain letter or digit where `scalar` is a styled form of one: full-width, circled, mathematical.
    static func plainForm(of scalar: Unicode.Scalar) -> Unicode.Scalar {
        func ascii(_ first: Character, _ offset: UInt32) -> Unicode.Scalar {
            Unicode.Scalar(UInt8(truncatingIfNeeded: UInt32(first.asciiValue ?? 0) + offset))
        }
        let value = scalar.value
        switch value {
        case 0xFF01...0xFF5E: return ascii("!", value - 0xFF01)  // full-width forms
        case 0x3000: return " "
        case 0x24B6...0x24CF: return ascii("A", value - 0x24B6)  // circled letters
        case 0x24D0...0x24E9: return ascii("a", value - 0x24D0)
        case 0x1F130...0x1F149: return ascii("A", value - 0x1F130)  // squared letters
        case 0x1F150...0x1F169: return ascii("A", value - 0x1F150)
        case 0x1F170...0x1F189: return ascii("A", value - 0x1F170)
        case 0x1D400...0x1D6A3:  // mathematical alphabets: bold, italic, script ..., 26 capitals and 26 small letters each
            let letter = (value - 0x1D400) % 52
            return letter < 26 ? ascii("A", letter) : ascii("a", letter - 26)
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
        default: return scalar
        }
    }
}
