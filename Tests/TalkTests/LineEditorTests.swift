import Support
import Testing

@testable import Talk

/// Keys as terminals send them.
@Suite struct KeyReaderTests {
    private func keys(_ text: String) -> [Key] {
        var reader = KeyReader()
        return reader.take(Array(text.utf8))
    }

    @Test(
        arguments: [
            ("aé€😀", [.text("a"), .text("é"), .text("€"), .text("😀")]), ("\r", [.enter]), ("\n", [.enter]),
            ("\t", [.tab]),
            ("\u{7F}\u{8}", [.backspace, .backspace]), ("\u{1B}[A\u{1B}OA\u{10}", [.up, .up, .up]),
            ("\u{1B}[B\u{1B}OB\u{E}", [.down, .down, .down]), ("\u{1B}[C\u{1B}[D", [.right, .left]),
            ("\u{1B}[H\u{1B}[1~\u{1B}[7~\u{1B}OH\u{1}", [.home, .home, .home, .home, .home]),
            ("\u{1B}[F\u{1B}[4~\u{1B}[8~\u{5}", [.end, .end, .end, .end]), ("\u{1B}[3~\u{4}", [.delete, .endOfInput]),
            ("\u{1B}[1;5D\u{1B}[1;3C\u{1B}b\u{1B}f", [.wordLeft, .wordRight, .wordLeft, .wordRight]),
            ("\u{B}\u{15}\u{17}\u{1B}\u{7F}\u{C}", [.killToEnd, .killToStart, .killWord, .killWord, .clearScreen]),
            ("\u{1B}[99~x", [.text("x")]), ("\u{1B}[?25hx", [.text("x")]), ("\u{1B}qx", [.text("x")]),
            ("\u{0}\u{1C}", []),
            ("\u{1B}[200~a\r\tb\u{3}\u{1B}[201~\r", [.text("a"), .text("\n"), .text("\t"), .text("b"), .enter]),
            // CR LF is one line break, CR CR LF LF are three.
            ("\u{1B}[200~a\r\nb\u{1B}[201~", [.text("a"), .text("\n"), .text("b")]),
            ("\u{1B}[200~\r\r\n\n\u{1B}[201~", [.text("\n"), .text("\n"), .text("\n")]),
            ("\u{1B}[200~a\r\u{1B}[201~\u{1B}[200~\nb\u{1B}[201~", [.text("a"), .text("\n"), .text("\n"), .text("b")]),
            ("\u{3}\u{19}", [.interrupt, .yank]),
            // Function keys of the Linux console; Alt with a cursor key as some terminals send it.
            ("\u{1B}[[Ax", [.text("x")]), ("\u{1B}\u{1B}[D\u{1B}\u{1B}[Cx", [.wordLeft, .wordRight, .text("x")]),
            // Strings: OSC until BEL or ST, DCS, APC, PM, SOS; and one that Enter breaks off.
            ("\u{1B}]0;title\u{7}x", [.text("x")]), ("\u{1B}]11;rgb:0/0/0\u{1B}\\x", [.text("x")]),
            (
                "\u{1B}P1$r0m\u{1B}\\x\u{1B}_q\u{1B}\\y\u{1B}^q\u{1B}\\z\u{1B}Xq\u{1B}\\",
                [.text("x"), .text("y"), .text("z")]
            ),
            ("\u{1B}]abc\rx", [.enter, .text("x")]), ("\u{1B}NAx\u{1B}OPy", [.text("x"), .text("y")]),
            // Long and strange ones, and one that is broken off by another.
            ("\u{1B}[27;5;13~\u{1B}[1;2;3;4;5;6;7;8;9;10;11mx", [.text("x")]), ("\u{1B}[<0;33;12Mx", [.text("x")]),
            ("\u{1B}[12\u{1B}[Ax", [.up, .text("x")]), ("\u{1B}[1é", [.text("é")]),
            ("\u{1B}\rx", [.enter, .text("x")]),
            ("a\u{9B}\u{85}b", [.text("a"), .text("b")]),
        ] as [(String, [Key])])
    func keys_areReadFromSequences(text: String, expected: [Key]) {
        #expect(keys(text) == expected)
        // However they are cut into reads.
        var reader = KeyReader()
        #expect(Array(text.utf8).flatMap { reader.take([$0]) } == expected)
    }

    @Test func whatIsNoUTF8IsReplaced() {
        var reader = KeyReader()
        #expect(
            reader.take([0xC3, 0x28, 0xFF, 0xE2, 0x82, 0x61])
                == ["\u{FFFD}", "(", "\u{FFFD}", "\u{FFFD}", "a"].map { .text($0) })
        #expect(reader.take([0x80]) == [.text("\u{FFFD}")])
    }

    @Test func aLongSequence_isSwallowedUpToItsEnd() {
        #expect(keys("\u{1B}[" + String(repeating: "1;", count: 100_000) + "Ax") == [.text("x")])
    }

    /// Escape by itself, and later a bracket: two keys of somebody who types, and no beginning of a sequence.
    @Test func aPause_endsWhatWasBegun() {
        var reader = KeyReader()
        #expect(reader.take([0x1B], now: 1_000) == [])
        #expect(reader.take(Array("]hello".utf8), now: 2_000) == "]hello".unicodeScalars.map { .text($0) })
        #expect(reader.take([0x1B], now: 3_000) == [] && reader.take(Array("[A".utf8), now: 3_100) == [.up])
    }

    @Test func keys_takeAnyBytesWithoutATrap() {
        var random = SeededGenerator(seed: 5)
        var reader = KeyReader()
        var editor = LineEditor()
        for _ in 0..<200_000 {
            let byte =
                random.below(3) == 0 ? [0x1B, 0x5B, 0x7F, 0x17, 0x0D][random.below(5)] : UInt8(random.below(256))
            for key in reader.take([byte]) { _ = editor.take(key) }
        }
        #expect(editor.text.utf8.count < 20_000)
    }
}

/// The line that is typed.
@Suite struct LineEditorTests {
    /// The editor after these keys, and the lines that were entered.
    private func type(_ text: String, into editor: inout LineEditor) -> [LineEditor.Outcome] {
        editor.keys(Array(text.utf8)).compactMap { editor.take($0) }
    }

    @Test(
        arguments: [
            ("hello", "hello", ""), ("hello\u{1}", "", "hello"), ("hello\u{1}\u{5}", "hello", ""),
            ("helo\u{1B}[Dl", "hell", "o"), ("ab\u{1B}[D\u{1B}[D\u{1B}[D", "", "ab"),
            ("ab\u{1B}[D\u{1B}[C\u{1B}[C", "ab", ""),
            ("héllo\u{7F}\u{7F}", "hél", ""), ("\u{7F}", "", ""), ("👩🏽‍🚀x\u{7F}\u{7F}", "", ""),
            ("e\u{301}\u{7F}", "", ""),
            ("abc\u{1}\u{4}\u{1B}[3~", "", "c"), ("abc\u{1B}[D\u{B}", "ab", ""), ("abc\u{1B}[D\u{15}", "", "c"),
            ("one two  three\u{17}", "one two  ", ""), ("one two  \u{17}", "one ", ""),
            ("one two\u{1B}b", "one ", "two"), ("one two\u{1B}b\u{1B}b\u{1B}f", "one", " two"),
            (" a\u{1B}b\u{1B}b", "", " a"),
        ])
    func keysEditTheLine(keys: String, before: String, after: String) {
        var editor = LineEditor()
        #expect(type(keys, into: &editor).isEmpty)
        #expect(editor.before == before && editor.after == after)
    }

    @Test func enter_givesTheLineAndBeginsAnew() {
        var editor = LineEditor()
        #expect(type("hello\u{1B}[D\rx", into: &editor) == [.line("hello")])
        #expect(editor.text == "x")
        #expect(type("\u{4}", into: &editor).isEmpty)
        #expect(type("\u{7F}\u{4}\u{C}\t\u{3}", into: &editor) == [.endOfInput, .clearScreen, .complete, .interrupt])
    }

    @Test func aPastedLineBreakAtTheEnd_isNoEmptyLine() {
        var editor = LineEditor()
        #expect(type("\u{1B}[200~one\r\ntwo\r\n\r\n\u{1B}[201~\r", into: &editor) == [.line("one\ntwo")])
        #expect(type("\u{1B}[200~\n\u{1B}[201~\r", into: &editor) == [.line("")])
    }

    @Test func whatWasCutOut_isPutBackByControlY() {
        for (keys, text) in [
            ("one two\u{17}\u{1}\u{19}", "twoone "), ("one\u{15}\u{19}\u{19}", "oneone"),
            ("one\u{1}\u{B}\u{B}\u{19}", "one"), ("\u{19}", ""),
        ] {
            var editor = LineEditor()
            _ = type(keys, into: &editor)
            #expect(editor.text == text)
        }
    }

    @Test func aClearedLine_isNotLost() {
        var editor = LineEditor()
        _ = type("one\rlong text", into: &editor)
        editor.clear()
        #expect(editor.isEmpty)
        _ = type("\u{19}", into: &editor)
        #expect(editor.text == "long text")
        editor.clear()
        _ = type("\u{1B}[A", into: &editor)
        #expect(editor.text == "long text")
        _ = type("\u{1B}[A", into: &editor)
        #expect(editor.text == "one")
    }

    @Test func aSecret_isShownAsDotsAndNotKept() {
        var editor = LineEditor()
        editor.isSecret = true
        _ = type("pässword\u{1B}[D\u{17}", into: &editor)
        #expect(editor.window(columns: 20).before == "" && editor.window(columns: 20).after == "•")
        #expect(type("\r", into: &editor) == [.line("d")])
        editor.isSecret = false
        _ = type("\u{19}\u{1B}[A", into: &editor)
        #expect(editor.isEmpty)
    }

    @Test func history_bringsEarlierLinesBack_andKeepsTheDraft() {
        var editor = LineEditor()
        _ = type("one\rtwo\rtwo\rdraft", into: &editor)
        let (up, down) = ("\u{1B}[A", "\u{1B}[B")
        let steps = [up, up, up, down, down, down].map { key in
            _ = type(key, into: &editor)
            return editor.text
        }
        #expect(steps == ["two", "one", "one", "two", "draft", "draft"])
        for index in 0..<300 { editor.remember("\(index)") }
        for _ in 0..<500 { _ = type(up, into: &editor) }
        #expect(editor.text == "200")
    }

    @Test func completion_endsNamesAndCommands() {
        func completed(_ text: String) -> String {
            var editor = LineEditor()
            _ = type(text, into: &editor)
            editor.complete(with: ["bob", "Adelheid", "Ada", "/who"])
            return editor.text
        }
        #expect(completed("ad") == "Ada: ")
        #expect(completed("/w") == "/who ")
        #expect(completed("hello ADE") == "hello Adelheid ")
        #expect(completed("x") == "x" && completed("") == "" && completed("bob ") == "bob ")
    }

    @Test(
        arguments: [
            ("short", "", 20, "short", ""), ("abcdefghij", "", 5, "ghij", ""), ("abcdefghij", "k", 5, "hij", "k"),
            ("", "abcdefghij", 5, "", "abcd"), ("abcdefgh", "ijklmnop", 8, "defgh", "ij"), ("日本語日本語", "", 6, "本語", ""),
            ("a\nb", "", 9, "a⏎b", ""), ("abc", "", 1, "", ""), ("abc", "def", 0, "", ""),
        ])
    func window_showsWhatFitsAroundTheCursor(before: String, after: String, columns: Int, left: String, right: String) {
        var editor = LineEditor()
        editor.replace(with: before + after)
        for _ in after { _ = editor.take(.left) }
        let window = editor.window(columns: columns)
        #expect(window.before == left && window.after == right)
    }

    @Test func typedLine_isBounded() {
        var editor = LineEditor()
        _ = type(String(repeating: "x", count: 50_000), into: &editor)
        #expect(editor.text.count == 16_000)
    }
}
