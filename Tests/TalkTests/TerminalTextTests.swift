import Testing

@testable import Talk

/// What others type, made safe for a terminal.
@Suite struct TerminalTextTests {
    @Test(
        arguments: [
            ("plain", "plain"), ("", ""), ("é 日本 😀 👩🏽‍🚀", "é 日本 😀 👩🏽‍🚀"), ("\u{1B}[31mred", "␛[31mred"), ("\u{7}", "␇"),
            ("\u{0}", "␀"), ("\u{7F}", "␡"), ("a\tb", "a    b"), ("\u{9B}2J", "<U+9B>2J"),
            ("\u{90}x\u{9C}", "<U+90>x<U+9C>"),
            ("\u{202E}abc\u{202C}", "<U+202E>abc<U+202C>"), ("\u{200E}\u{200F}\u{61C}", "<U+200E><U+200F><U+61C>"),
            ("\u{2066}\u{2069}\u{206F}", "<U+2066><U+2069><U+206F>"), ("a\nb", "a⏎b"), ("a\r\nb", "a⏎b"),
            ("a\rb", "a⏎b"),
            ("a\n\nb\r", "a⏎⏎b⏎"), ("a\u{2028}b\u{2029}\u{85}\u{B}\u{C}", "a⏎b⏎⏎⏎⏎"), ("\u{8}\u{8}", "␈␈"),
        ])
    func visibleText_showsWhatSteers(text: String, shown: String) {
        #expect(TerminalText.visible(text) == shown)
    }

    @Test func visibleText_holdsNothingThatSteers() {
        var everything = String.UnicodeScalarView()
        for value in UInt32(0)...0x10FFFF { if let scalar = Unicode.Scalar(value) { everything.append(scalar) } }
        for scalar in TerminalText.visible(String(everything)).unicodeScalars {
            if scalar.value < 0xA0 { #expect((0x20...0x7E).contains(scalar.value)) }
            let isBidi = scalar.properties.generalCategory == .format && (0x2000...0x206F).contains(scalar.value)
            if isBidi {
                #expect([0x200B, 0x200C, 0x200D, 0x2060, 0x2061, 0x2062, 0x2063, 0x2064].contains(scalar.value))
            }
            if scalar.properties.generalCategory == .control || scalar.properties.generalCategory == .lineSeparator {
                Issue.record("\(scalar.value)")
            }
        }
    }

    @Test(
        arguments: [
            ("abc", 3), ("é", 1), ("e\u{301}", 1), ("日本", 4), ("한글", 4), ("ｆｕｌｌ", 8), ("😀", 2), ("👩🏽‍🚀", 2), ("❤️", 2),
            ("❤", 1),
            ("\u{200B}", 0), ("", 0), ("⏎…", 2), ("🇩🇪", 2),
        ])
    func width_isTheColumnsOfText(text: String, width: Int) {
        #expect(TerminalText.width(of: text) == width)
    }

    @Test func fitting_cutsToTheColumns() {
        #expect(TerminalText.fitting("hello", columns: 5) == "hello")
        #expect(TerminalText.fitting("hello!", columns: 5) == "hell…")
        #expect(TerminalText.fitting("日本語", columns: 5) == "日本…")
        #expect(TerminalText.fitting("日本語", columns: 4) == "日…")
        #expect(TerminalText.fitting("hello", columns: 1) == "…")
        #expect(TerminalText.fitting("hello", columns: 0) == "")
    }
}
