import Bytes
import Foundation
import Support
import Testing

@testable import Chat

@Suite struct UsernameRuleTests {
    @Test(arguments: [
        "A", "Ada", "Ada Lovelace", "O'Brien", "名前", "Ångström", "José", "🦊", "عمر", "नमस्ते", "x_1", "<b>",
        String(repeating: "a", count: 32), String(repeating: "🦊", count: 32), "e\u{301}", "server2",
    ])
    func namesThatPeopleHaveAreTaken(name: String) { #expect(Username(name)?.text == name) }

    @Test(arguments: [" Ada", "Ada ", "\t\n Ada\u{A0}\u{3000}\r\n", "\u{2028}Ada\u{85}"])
    func whiteSpaceAroundANameIsTrimmed(name: String) { #expect(Username(name)?.text == "Ada") }

    @Test func theLengthIsCountedInScalarsAfterTrimming() {
        #expect(Username(String(repeating: "x", count: 33)) == nil)
        #expect(Username("  " + String(repeating: "é", count: 32) + "  ") != nil)
        // Sixteen letters with a mark each are thirty-two scalars.
        #expect(Username(String(repeating: "e\u{301}", count: 16)) != nil)
        #expect(Username(String(repeating: "e\u{301}", count: 16) + "x") == nil)
        #expect(Username("") == nil)
        #expect(Username(" \t\u{3000} ") == nil)
    }

    /// Controls, line breaks, what changes the direction of the text around it, and what cannot be seen.
    static let forbidden: [Unicode.Scalar] = [
        "\u{0}", "\u{7}", "\t", "\n", "\r", "\u{1B}", "\u{7F}", "\u{80}", "\u{85}", "\u{9F}", "\u{AD}", "\u{34F}",
        "\u{61C}",
        "\u{115F}", "\u{1160}", "\u{17B4}", "\u{180E}", "\u{200B}", "\u{200C}", "\u{200D}", "\u{200E}", "\u{200F}",
        "\u{2028}", "\u{2029}", "\u{202A}", "\u{202B}", "\u{202C}", "\u{202D}", "\u{202E}", "\u{2060}", "\u{2064}",
        "\u{2066}", "\u{2067}", "\u{2068}", "\u{2069}", "\u{2800}", "\u{3164}", "\u{FE00}", "\u{FEFF}", "\u{FFA0}",
        "\u{1D173}", "\u{E0001}", "\u{E0041}", "\u{E0100}", "\u{FE0E}", "\u{FFF9}", "\u{FFFB}", "\u{13430}",
        "\u{1D159}",
        // Private use, unassigned, no characters.
        "\u{E000}", "\u{F8FF}", "\u{10FFFD}", "\u{378}", "\u{2FE0}", "\u{E0FFF}", "\u{FFFE}", "\u{1FFFF}",
    ]

    @Test(arguments: forbidden)
    func whatCannotBeSeenOrMisleadsIsForbidden(scalar: Unicode.Scalar) {
        #expect(Username("A\(Character(scalar))b") == nil)
    }

    /// U+FE0F is sent by some keyboards and not by others: it is not part of a name.
    @Test(arguments: [
        ("❤\u{FE0F}", "❤"), ("1\u{FE0F}\u{20E3}", "1\u{20E3}"), ("\u{FE0F} Ada \u{FE0F}", "Ada"),
        ("A\u{FE0F}da", "Ada"),
        ("🏳\u{FE0F}\u{200D}🌈", "🏳\u{200D}🌈"),
    ])
    func theEmojiSelectorIsDropped(typed: String, name: String) {
        #expect(Array(Username(typed)?.text.unicodeScalars ?? "".unicodeScalars) == Array(name.unicodeScalars))
    }

    @Test func theEmojiSelectorCountsForNothing() {
        #expect(Username("\u{FE0F}") == nil)
        #expect(Username(String(repeating: "❤\u{FE0F}", count: 32))?.text == String(repeating: "❤", count: 32))
        #expect(Username(String(repeating: "❤\u{FE0F}", count: 33)) == nil)
    }

    /// Joiners where something is joined: parts of an emoji, conjuncts of Indic scripts, letters of Arabic.
    static let joined = [
        "👩\u{200D}🚒", "👩🏽\u{200D}🚒", "👨\u{200D}👩\u{200D}👧", "❤\u{200D}🔥", "🧔\u{200D}♂", "🏴\u{200D}☠",
        "ක\u{DCA}\u{200D}ෂ", "ශ\u{DCA}\u{200D}රී", "र\u{94D}\u{200D}य", "क\u{94D}\u{200C}ष", "ന\u{D4D}\u{200D}",
        "র\u{200D}\u{9CD}যাচেল", "علی\u{200C}رضا", "خانهٔ\u{200C}ما", "ئه\u{200C}", "ᠠ\u{200C}ᠠ",
    ]

    @Test(arguments: joined) func joinersAreAllowedWhereTheyJoin(name: String) throws {
        let username = try #require(Username(name))
        #expect(username.text == name)
        let without = try #require(
            Username(String(String.UnicodeScalarView(name.unicodeScalars.filter { $0.value | 1 != 0x200D }))))
        #expect(username.folded == without.folded)
        #expect(username.skeleton == without.skeleton)
    }

    @Test(arguments: [
        "A\u{200D}da", "A\u{200C}da", "\u{200D}👩", "👩\u{200D}", "👩\u{200D}a", "a\u{200D}👩", "👩\u{200C}🚒", "1\u{200D}2",
        "👩\u{200D}\u{200D}🚒", "क\u{94D}\u{200D}\u{200D}ष", "علی\u{200C}\u{200C}رضا", "\u{200C}علی", "क\u{200D}ष",
        "я\u{200C}я",
        "1\u{200C}", "a\u{301}\u{200C}b", "\u{200D}", "\u{200C}", "名\u{200D}前",
    ])
    func joinersThatJoinNothingAreForbidden(name: String) { #expect(Username(name) == nil) }

    @Test(arguments: [
        "a\u{301}", "ệ", "e\u{323}\u{302}", "ที่", "ผู้", "שָּׁ", "ṩ\u{304}\u{323}", "རྐྱེ",
        "n\u{303}\u{303}\u{303}\u{303}o\u{303}",
    ])
    func marksThatPeopleWriteAreAllowed(name: String) { #expect(Username(name)?.text == name) }

    @Test(arguments: ["\u{301}", "\u{E34}", "\u{20DD}", "\u{93E}", "\u{610}"]) func atMostFourMarksAreOnOneLetter(
        mark: String
    ) {
        for (count, isAllowed) in [(4, true), (5, false), (31, false), (35, false), (400, false)] {
            let stack = String(repeating: mark, count: count)
            #expect((Username("ก" + stack) != nil) == isAllowed, "\(count)")
            #expect((Username("Ada " + stack + "b") != nil) == isAllowed, "\(count)")
        }
        // A joiner is no letter for marks to start anew on.
        #expect(Username("ا\u{610}\u{610}\u{610}\u{200C}\u{610}") != nil)
        #expect(Username("ا\u{610}\u{610}\u{610}\u{200C}\u{610}\u{610}") == nil)
    }

    @Test func aNameOfMarksOrBlanksAloneIsNone() {
        #expect(Username("\u{301}") == nil)
        #expect(Username("\u{301} \u{20DD}") == nil)
        #expect(Username("\u{301}a") != nil)
    }

    @Test func aNameOfAMillionScalarsIsRefusedWithoutCountingThem() {
        #expect(Username(String(repeating: "x", count: 1_000_000)) == nil)
        #expect(Username(String(repeating: " ", count: 1_000_000) + "x")?.text == "x")
        #expect(Username("x" + String(repeating: "\u{FE0F}", count: 1_000_000))?.text == "x")
        #expect(Username("a" + String(repeating: "\u{301}", count: 1_000_000)) == nil)
    }
}

/// ASCII takes a shorter way than other text, to the same end.
@Suite struct ASCIINameTests {
    private func names(_ count: Int) -> [String] {
        var random = SeededGenerator(seed: 7)
        return (0..<count).map { _ in
            let bytes = (0..<random.below(36)).map { _ in
                UInt8(random.once(in: 40) ? random.below(0x80) : 0x20 + random.below(0x5F))
            }
            return String(decoding: bytes, as: UTF8.self)
        }
    }

    @Test func aNameIsTheSameWithACharacterThatIsDropped() {
        for name in names(2000) { #expect(Username(name) == Username(name + "\u{FE0F}"), "\(name.debugDescription)") }
    }

    @Test func whatANameLooksLikeIsTheSameBehindAnotherScript() {
        for name in names(2000) where name.first.map({ !$0.isWhitespace }) ?? true {
            let other = Lookalikes.skeleton(of: "中" + name)
            #expect("中" + Lookalikes.skeleton(of: name) == other, "\(name.debugDescription)")
        }
    }
}

@Suite struct UsernameComparisonTests {
    /// Whether someone can come in with a name while another has one.
    private func collide(_ name: String, _ other: String) -> Bool {
        guard let name = Username(name), let other = Username(other) else { return false }
        var room = Room(name: "r", rules: RoomRules(isDurable: false), isLoaded: true)
        _ = room.add(Member(username: name, user: .nobody, isKeyed: false, session: 0, person: 1, since: 0))
        return room.isTaken(other)
    }

    @Test(arguments: [
        ("Ada", "ADA"), ("straße", "STRASSE"), ("STRAẞE", "straße"), ("Σίσυφος", "ΣΊΣΥΦΟΣ"), ("ǅ", "ǆ"), ("ﬁx", "FIX"),
        ("é", "e\u{301}"), ("É", "e\u{301}"), ("\u{212B}", "å"), ("한", "\u{1112}\u{1161}\u{11AB}"),
        ("\u{1FB4}", "\u{3B1}\u{345}\u{301}"), ("a\u{323}\u{307}", "a\u{307}\u{323}"),
    ])
    func caseAndCanonicalFormDoNotMatter(one: String, other: String) {
        #expect(collide(one, other))
        #expect(collide(other, one))
    }

    @Test(arguments: [
        ("paypal", "pаypаl"), ("Alice", "AIice"), ("alice", "a1ice"), ("Bob", "B0b"), ("Tom", "Torn"), ("Tom", "Том"),
        ("Nikos", "Νikοs"), ("ёлка", "ëлка"), ("ópera", "όpera"), ("Ida", "Їda".replacing("Ї", with: "І")),
        ("Ada", "Ａｄａ"), ("Ada", "𝐀𝐝𝐚"), ("Ada", "𝕬𝖉𝖆"), ("Ada", "ⒶⓓⒶ"), ("Ada", "🄰🅓🅰"), ("7", "𝟟"), ("Ada", "🇦🇩🇦"),
        ("Rex", "ℛex"), ("XL", "ⅩⅬ"), ("Kim", "\u{212A}im"), ("O'Hara", "O’Hara"), ("a-b", "a‑b"), ("a b", "a  b"),
        ("a b", "a\u{A0}\u{3000}b"), ("inn", "ınn"), ("i\u{307}", "i"), ("MIM", "МІМ"), ("mix", "мix"),
        ("ann", "ᴀɴɴ"), ("ann", "ₐₙₙ"), ("ann", "ªnn"), ("ann", "ᵃⁿⁿ"), ("ann", "𝓪𝓷𝓷"), ("ann", "⒜⒩⒩"), ("bob", "ᵇºᵇ"),
        ("emma", "ᴱᴹᴹᴬ"), ("ada2", "ada²"), ("ada2", "ada₂"), ("ada2", "ada②"), ("ada2", "ada➁"),
        ("ada2", "ada𝟸"),
        ("liv", "ʟɪᴠ"), ("leo", "ℓeo"), ("VI", "Ⅵ"), ("vi", "ⅵ"), ("Iris", "ɪris"), ("x;", "x\u{37E}"),
        ("XIV", "ⅪⅤ".replacing("Ⅺ", with: "ⅩⅠ")),
        ("Анна", "𞀰нна"),
        ("дед", "𞀴ед"), ("ハナ", "ﾊﾅ"), ("ア", "㋐"), ("ロボ", "口ボ"), ("αλφα", "𝛼𝜆𝜑𝛼"),
        ("JACK", "ᎫᎪᏟᏦ"),
        ("jack", "ꭻꭺꮯꮶ"), ("cook", "ⲥⲟⲟⲕ"), ("AHA", "𐊠𐋏𐊠"), ("ann", "ａｎｎ"), ("a:b", "a꞉b"), ("o'b", "oʼb"), ("x", "ˣ"),
        ("ὦ", "ω\u{313}\u{342}"),
        ("ADA", "ꓮꓓꓮ"), ("LISU", "ꓡꓲꓢꓴ"), ("Ana", "𝛢nа"), ("Nikos", "𝜨ikοs"), ("nov", "𝜂οᴠ"), ("Il", "ƖI"),
    ])
    func namesThatLookAlikeCollide(one: String, other: String) {
        #expect(collide(one, other))
        #expect(collide(other, one))
    }

    @Test(arguments: [
        ("Ian", "Lan"), ("Ali", "All"), ("Иван", "Ivan"), ("Анна", "Anna"), ("Νίκος", "Nikos"), ("José", "Jose"),
        ("Ada", "Eda"), ("Ada", "Ada2"), ("Bo", "Bob"), ("a b", "ab"), ("user5", "userS"), ("名", "明"), ("é", "è"),
        ("ё", "е"), ("🦊", "🐻"), ("o", "ø"), ("mm", "nn"), ("vv", "w"), ("γ", "v"), ("Straße", "Strase"),
        ("ann", "ɐnn"), ("Ɔ", "C"), ("ᴎ", "N"), ("ｱ", "ｲ"), ("①", "②"), ("علی", "عمر"), ("👩🚒", "👨🚒"), ("ᴚ", "R"),
        ("Ð", "D"),
    ])
    func namesThatCanBeToldApartDoNot(one: String, other: String) {
        #expect(!collide(one, other))
        #expect(!collide(other, one))
    }

    @Test(arguments: [
        "server", "SERVER", "Sеrvеr", "ｓｙｓｔｅｍ", "System", "Chatloop", "chatIoop", "chat1oop", "sуstem", "ꜱᴇʀᴠᴇʀ",
        "ˢᵉʳᵛᵉʳ", "ₛₑᵣᵥₑᵣ", "ⓢⓔⓡⓥⓔⓡ", "🅂🅈🅂🅃🄴🄼", "ꮪуꮪᴛᴇᴍ", "ᴄʜᴀᴛʟᴏᴏᴘ", "ᶜʰᵃᵗˡᵒᵒᵖ", "𝚜𝚎𝚛𝚟𝚎𝚛",
    ])
    func nobodyCanPoseAsTheServer(name: String) throws { #expect(try #require(Username(name)).isReserved) }

    @Test(arguments: ["observer", "serve", "systems", "chat"])
    func otherNamesAreNotReserved(name: String) throws { #expect(try !#require(Username(name)).isReserved) }

    /// The keys of all characters there are: the same in every case, and the same for canonically equivalent spellings.
    @Test func noCharacterHasTwoKeys() throws {
        for value in UInt32(0x21)...0x1FFFF {
            guard let scalar = Unicode.Scalar(value), let name = Username(String(scalar)) else { continue }
            for other in [name.text.uppercased(), name.text.lowercased()] {
                guard let other = Username(other) else { continue }
                #expect(name.folded == other.folded, "\(name.text)")
            }
        }
    }

    @Test func howALetterWithMarksIsSpelledDoesNotMatter() {
        for block in [0xC0...0x24F, 0x370...0x52F, 0x1E00...0x1FFF] as [ClosedRange<UInt32>] {
            for whole in block.compactMap({ Unicode.Scalar($0) }).map(String.init(_:)) {
                let parts = Array(whole.decomposedStringWithCanonicalMapping.unicodeScalars)
                guard let name = Username(whole), let letter = parts.first else { continue }
                // The marks in the other order, too: as many of them are on different sides of the letter.
                let classes = parts.dropFirst().map { $0.properties.canonicalCombiningClass }
                let canSwap = Set(classes).count == classes.count
                for marks in [Array(parts.dropFirst()), canSwap ? parts.dropFirst().reversed() : []] where marks != [] {
                    let spelled = String(String.UnicodeScalarView([letter] + marks))
                    #expect(name.folded == Username(spelled)?.folded, "\(whole)")
                }
            }
        }
    }

    /// Foundation's compatibility decomposition, which the server is not linked with, as the judge: a character that is one ASCII
    /// letter or digit in another style looks like it.
    @Test func everyStyledLetterLooksLikeThePlainOne() throws {
        let others: Set<Unicode.Scalar> = ["ſ"]  // looks more like f
        for value in UInt32(0xA1)...0x1FFFF {
            guard let scalar = Unicode.Scalar(value), let name = Username(String(scalar)), !others.contains(scalar)
            else { continue }
            let plain = name.text.decomposedStringWithCompatibilityMapping
            guard plain.utf8.count == 1, let letter = plain.first, letter.isLetter || letter.isNumber else { continue }
            #expect(name.skeleton == Username(plain)?.skeleton, "\(scalar) \(String(value, radix: 16))")
        }
    }

    @Test func aLetterWithAMarkLooksLikeTheOneThatItsLetterLooksLikeWithThatMark() {
        let marks: Set<UInt32> = [0x300, 0x301, 0x342, 0x304, 0x306, 0x308, 0x30B, 0x30F]
        for block in [0x370...0x52F, 0x1F70...0x1FFF] as [ClosedRange<UInt32>] {
            for whole in block.compactMap({ Unicode.Scalar($0) }).map(String.init(_:)) {
                let apart = whole.decomposedStringWithCanonicalMapping
                guard apart.unicodeScalars.first?.properties.isAlphabetic == true else { continue }
                guard apart.unicodeScalars.dropFirst().allSatisfy({ marks.contains($0.value) }) else { continue }
                #expect(Username(whole)?.skeleton == Username(apart)?.skeleton, "\(whole)")
            }
        }
    }

    @Test func aNameIsFreeAgainInAllItsFormsWhenItsOwnerLeavesOrIsRenamed() throws {
        var room = Room(name: "r", rules: RoomRules(isDurable: false), isLoaded: true)
        let names = try ["Ilya", "lIya", "Max", "МАХ", "max", "Bо"].map { try #require(Username($0)) }
        for name in names {
            let member = room.add(
                Member(username: name, user: .nobody, isKeyed: false, session: 0, person: 1, since: 0))
            #expect(room.isTaken(name))
            #expect(!room.isTaken(name, exceptBy: member))
            for next in names {
                room.setName(of: member, to: next)
                #expect(room.isTaken(next))
            }
            room.remove(member)
            for other in names { #expect(!room.isTaken(other)) }
        }
    }
}
