import Sockets
import Support
import Testing

@testable import Client

/// What a line means.
@Suite struct TypedLineTests {
    @Test(
        arguments: [
            ("hello", .say("hello")), ("  hello ", .say("  hello ")), ("", .nothing), (" \t ", .nothing),
            ("/who", .who),
            ("/who ", .who), ("/quit", .quit), ("/help", .help), ("/rename  Eve Ada ", .rename("Eve Ada ")),
            ("//who", .say("/who")), ("//", .say("/")), ("a/b", .say("a/b")), (" /who", .say(" /who")),
        ] as [(String, TypedLine)])
    func commandsAreTold(line: String, meaning: TypedLine) {
        for isTyped in [true, false] { #expect(TypedLine(line, isTyped: isTyped) == meaning) }
    }

    @Test func slipsAreOnlyThoseOfPeople() {
        for line in ["/wo", "/", "/who is it", "/usr/bin/env", "/quit now"] {
            guard case .incomplete = TypedLine(line, isTyped: true) else {
                Issue.record("\(line) is taken for something")
                return
            }
            #expect(TypedLine(line, isTyped: false) == .say(line))
        }
        #expect(TypedLine("/rename", isTyped: false) == .incomplete("Write /rename and the new name."))
    }
}

/// Lines out of a pipe.
@Suite struct LineInputTests {
    @Test func linesAreWholeHoweverTheyCome() {
        let bytes = Array("one\ntwo\r\n\nünïcode\nrest".utf8)
        for size in 1...bytes.count {
            var input = LineInput()
            var lines: [String] = []
            for start in stride(from: 0, to: bytes.count, by: size) {
                lines += input.take(bytes[start..<min(bytes.count, start + size)])
            }
            #expect(lines == ["one", "two", "", "ünïcode"])
            #expect(input.takeRest() == "rest")
            #expect(input.takeRest() == nil)
        }
    }

    @Test func whatIsNoUTF8IsReplacedAndWhatHasNoEndIsCut() {
        var input = LineInput()
        #expect(input.take([0xFF, 0x61, 0x0A]) == ["\u{FFFD}a"])
        let lines = input.take([UInt8](repeating: 0x78, count: 200_000)[...])
        #expect(lines.count == 3 && lines.allSatisfy { $0.utf8.count == 65536 })
    }
}

/// How the chat reads.
@Suite struct TranscriptTests {
    private func event(_ kind: ChatEvent.Kind, time: Int64 = 1_700_000_000_000) -> ChatEvent {
        ChatEvent(seq: 1, time: time, username: "Ada", kind: kind)
    }

    @Test func inAPipeEachEventIsOneLineWithItsDay() {
        var transcript = Transcript(isForTerminal: false, hasColours: false)
        let moment = Clock.local(1_700_000_000_000)
        let stamp = "\(moment.year)-\(moment.month)-\(moment.day)"
        let kinds: [(ChatEvent.Kind, String)] = [
            (.message(text: "a\nb\u{1B}", id: nil), "Ada: a ⏎ b␛"), (.join, "* Ada joined"), (.leave, "* Ada left"),
            (.rename(to: "Eve"), "* Ada is now Eve"),
        ]
        for (kind, text) in kinds {
            let lines = transcript.lines(for: event(kind))
            #expect(lines.count == 1 && lines[0].hasPrefix(stamp) && lines[0].hasSuffix(text))
            #expect(lines[0].count == "2023-11-14 22:13 ".count + text.count)
        }
    }

    @Test func onATerminalTheDayIsToldWhenItChanges() {
        var transcript = Transcript(isForTerminal: true, hasColours: false)
        #expect(transcript.lines(for: event(.join)).count == 2)
        #expect(transcript.lines(for: event(.leave)).count == 1)
        #expect(transcript.lines(for: event(.join, time: 1_700_000_000_000 + 86_400_000)).count == 2)
        // What follows a line break is indented, so that nobody else can be taken to have said it.
        let lines = transcript.lines(for: event(.message(text: "a\nBo: b", id: nil), time: 1_700_086_400_000))
        #expect(lines.last?.hasSuffix(" Ada: a\n      Bo: b") == true)
    }

    @Test(arguments: [20, 40, 80])
    func whereTheTerminalWouldBreakALineItIsBrokenAndIndented(columns: Int) {
        var transcript = Transcript(isForTerminal: true, hasColours: true)
        transcript.columns = columns
        let pieces = ["x", " ", "漢", "é", "👨‍👩‍👧", "❤️", "\u{AD}", "\n", "Bo: "]
        var random = SeededGenerator(seed: UInt64(columns))
        for _ in 0..<200 {
            let text = (0..<random.below(200)).map { _ in pieces[random.below(pieces.count)] }.joined()
            let rows = (transcript.lines(for: event(.message(text: text, id: nil))).last ?? "")
                .replacing(#/\x1B\[[0-9;]*m/#, with: "").split(separator: "\n", omittingEmptySubsequences: false)
            #expect(rows[0].contains(" Ada: ") && rows.dropFirst().allSatisfy { $0.hasPrefix("      ") })
            // Some terminals show the parts of an emoji one by one, and soft hyphens.
            let widths = rows.map { row in
                row.unicodeScalars.reduce(0) {
                    $0 + ($1 == "\u{AD}" ? 1 : TerminalText.width(of: Character($1)))
                }
            }
            #expect(widths.allSatisfy { $0 <= columns })
            let said = rows.enumerated().map { $1.dropFirst($0 == 0 ? 11 : 6) }.joined()
            #expect(said == text.replacing("\n", with: ""))
        }
        for line in [transcript.notice(String(repeating: "n", count: 97)), transcript.complaint("\(Array(0..<40))")] {
            let rows = line.replacing(#/\x1B\[[0-9;]*m/#, with: "").split(separator: "\n")
            #expect(rows.count > 1 && rows.allSatisfy { $0.count <= columns })
            #expect(rows.dropFirst().allSatisfy { $0.hasPrefix("      ") })
        }
    }

    @Test func coloursComeAndGoWithTheName() {
        var transcript = Transcript(isForTerminal: true, hasColours: true)
        let line = transcript.lines(for: event(.message(text: "hi", id: nil))).last ?? ""
        #expect(line.contains("mAda\u{1B}[0m: hi"))
        #expect(transcript.name("Ada") == transcript.name("Ada") && transcript.name("a") != transcript.name("b"))
    }
}

/// The rows below the chat, and the chat above them.
@Suite struct ScreenTests {
    private func plain(_ text: String) -> String { text }

    @Test func newLinesGoInAboveTheFooter() {
        var screen = Screen()
        let footer = Screen.Footer(rows: ["… sending"], prompt: "Ada> ", before: "ab", after: "cd")
        #expect(screen.update(footer, faint: plain) == "… sending\nAda> abcd\u{1B}[2D")
        #expect(screen.update(footer, faint: plain) == "")
        screen.add("12:00 Bo: hi")
        // One row up, to the beginning, everything below erased; then the line, then the footer again.
        #expect(screen.update(footer, faint: plain) == "\u{1B}[1A\r\u{1B}[J12:00 Bo: hi\n… sending\nAda> abcd\u{1B}[2D")
        #expect(screen.erase() == "\u{1B}[1A\r\u{1B}[J")
        #expect(screen.erase() == "")
    }

    @Test func rowsAreCutToTheTerminalAndCountedAfterItBecameNarrower() {
        var screen = Screen()
        screen.columns = 20
        let footer = Screen.Footer(rows: [String(repeating: "x", count: 50)], prompt: "> ", before: "abc")
        #expect(screen.update(footer, faint: plain) == String(repeating: "x", count: 18) + "…\n> abc")
        screen.columns = 10
        #expect(screen.erase().hasPrefix("\u{1B}[2A"))
    }

    @Test func clearingBeginsAtTheTop() {
        var screen = Screen()
        _ = screen.update(Screen.Footer(prompt: "> "), faint: plain)
        #expect(screen.clear() == "\u{1B}[H\u{1B}[2J")
        #expect(screen.update(Screen.Footer(prompt: "> "), faint: plain) == "> ")
    }
}
