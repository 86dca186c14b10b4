import Client
import Sockets
import Support
import Testing

@testable import Talk

/// Lines out of a pipe.
@Suite struct LineInputTests {
    @Test func lines_areWholeHoweverTheyCome() {
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

    @Test func aByteOrderMark_isNoPartOfTheFirstLine() {
        var input = LineInput()
        #expect(input.take(Array("\u{FEFF}one\n\u{FEFF}two\n".utf8)[...]) == ["one", "\u{FEFF}two"])
        var last = LineInput()
        #expect(last.take(Array("\u{FEFF}one".utf8)[...]) == [] && last.takeRest() == "one")
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
    private func message(_ seq: UInt64, _ username: String, _ text: String) -> ChatEvent {
        ChatEvent(seq: seq, time: 1_700_000_000_000, username: username, kind: .message(text: text, id: nil))
    }

    private func event(_ kind: ChatEvent.Kind, time: Int64 = 1_700_000_000_000) -> ChatEvent {
        ChatEvent(seq: 1, time: time, username: "Ada", kind: kind)
    }

    @Test func transcript_inAPipe_isOneLineAnEventWithItsDay() {
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

    @Test func transcript_onATerminal_tellsTheDayWhenItChanges() {
        var transcript = Transcript(isForTerminal: true, hasColours: false)
        #expect(transcript.lines(for: event(.join)).count == 2)
        #expect(transcript.lines(for: event(.leave)).count == 1)
        #expect(transcript.lines(for: event(.join, time: 1_700_000_000_000 + 86_400_000)).count == 2)
        // What follows a line break is indented, so that nobody else can be taken to have said it.
        let lines = transcript.lines(for: event(.message(text: "a\nBo: b", id: nil), time: 1_700_086_400_000))
        #expect(lines.last?.hasSuffix(" Ada: a\n      Bo: b") == true)
    }

    @Test(arguments: [1, 2, 3, 5, 8, 12, 20, 40, 80])
    func wrap_breaksBeforeTheTerminalWould_andIndents(columns: Int) {
        var transcript = Transcript(isForTerminal: true, hasColours: true)
        transcript.columns = columns
        let indentation = columns >= 20 ? 6 : columns >= 10 ? 2 : columns > 2 ? 1 : 0
        let pieces = ["x", " ", "漢", "é", "👨‍👩‍👧", "❤️", "\u{AD}", "\n", "Bo: "]
        var random = SeededGenerator(seed: UInt64(columns))
        for _ in 0..<200 {
            let text = (0..<random.below(200)).map { _ in pieces[random.below(pieces.count)] }.joined()
            let rows = (transcript.lines(for: event(.message(text: text, id: nil))).last ?? "")
                .replacing(#/\x1B\[[0-9;]*m/#, with: "").split(separator: "\n", omittingEmptySubsequences: false)
            let indent = String(repeating: " ", count: indentation)
            #expect(rows.dropFirst().allSatisfy { $0.hasPrefix(indent) })
            // Some terminals show the parts of an emoji one by one, and soft hyphens. One character is not divided.
            for row in rows where row.count > indentation + 1 {
                let width = row.unicodeScalars.reduce(0) {
                    $0 + ($1 == "\u{AD}" ? 1 : TerminalText.width(of: Character($1)))
                }
                #expect(width <= columns)
            }
            // Nothing but white space is lost.
            let said = rows.joined().filter { !$0.isWhitespace }
            #expect(said.hasSuffix("Ada:" + text.filter { !$0.isWhitespace }))
        }
        for line in [transcript.notice(String(repeating: "n", count: 97)), transcript.complaint("\(Array(0..<40))")] {
            let rows = line.replacing(#/\x1B\[[0-9;]*m/#, with: "").split(separator: "\n")
            #expect(rows.count > 1 && rows.allSatisfy { $0.count <= max(columns, indentation + 1) })
        }
    }

    @Test(
        arguments: [
            ("the quick brown fox jumps", 12, "the quick \n  brown fox \n  jumps"),
            ("abc averyveryverylongword d", 12, "abc averyver\n  yverylongw\n  ord d"),
            ("one     two", 12, "one     two"), ("exactly 12 c then", 12, "exactly 12 c\n  then"),
            ("日本語日本語日本", 12, "日本語日本語\n  日本"), ("a\n\nb", 12, "a\n  \n  b"),
            ("a \u{1B}[1mbold words\u{1B}[0m c", 12, "a \u{1B}[1mbold words\u{1B}[0m\n  c"), ("", 12, ""),
        ])
    func wrap_breaksBetweenWords(text: String, columns: Int, rows: String) {
        #expect(LineWrapper.wrap(text, columns: columns, indentation: 6) == rows)
    }

    private func text(_ event: ChatEvent, _ recent: RecentMessages = RecentMessages()) -> String {
        var transcript = Transcript(isForTerminal: false, hasColours: false)
        return String(transcript.lines(for: event, recent: recent)[0].dropFirst("2023-11-14 22:13 ".count))
    }

    @Test func changes_areToldWithWhatTheyReferTo() {
        var recent = RecentMessages()
        recent.apply(message(5, "Bo", "the old text"), isOwn: false)
        let long = message(6, "Bo", String(repeating: "x", count: 200))
        recent.apply(long, isOwn: false)
        #expect(
            text(event(.edit(target: 5, text: "new\u{1B}", id: nil)), recent) == "* Ada edited Bo: “the old text”: new␛"
        )
        #expect(text(event(.edit(target: 5, text: nil, id: nil)), recent) == "* Ada edited Bo: “the old text”")
        #expect(text(event(.edit(target: 9, text: "new", id: nil)), recent) == "* Ada edited #9: new")
        // What was deleted is not said once more.
        #expect(text(event(.delete(target: 5, id: nil)), recent).hasPrefix("* Ada deleted a message of Bo from "))
        #expect(!text(event(.delete(target: 5, id: nil)), recent).contains("old"))
        #expect(text(event(.delete(target: 9, id: nil)), recent) == "* Ada deleted #9")
        let reaction = ChatEvent.Kind.react(target: 5, emoji: "👍", isOn: true, id: nil)
        #expect(text(event(reaction), recent) == "* Ada reacted with 👍 to Bo: “the old text”")
        let noReaction = ChatEvent.Kind.react(target: 5, emoji: "👍", isOn: false, id: nil)
        #expect(text(event(noReaction), recent) == "* Ada took back 👍 from Bo: “the old text”")
        var reply = event(.message(text: "yes", id: nil))
        reply.reply = 6
        #expect(text(reply, recent) == "Ada (to Bo: “\(String(repeating: "x", count: 29))…”): yes")
    }

    @Test func messages_areShownWithWhatBecameOfThem() {
        var message = event(.message(text: "hi\n", id: nil))
        (message.isEdited, message.isBot) = (true, true)
        message.reactions = [Reaction(emoji: "👍", count: 2, isMine: false)]
        #expect(text(message) == "Ada [bot]: hi [edited, 👍 2]")
        message.isDeleted = true
        #expect(text(message) == "Ada [bot]: (deleted)")
        #expect(text(event(.message(text: "/me waves", id: nil))) == "~ Ada waves")
        // Nobody can say that somebody has come or gone.
        #expect(text(event(.message(text: "/me joined", id: nil))) != text(event(.join)))
        #expect(text(event(.message(text: "/metoo", id: nil))) == "Ada: /metoo")
        var join = event(.join)
        join.isSomeoneElse = true
        #expect(text(join) == "* Ada joined (not the one who had this name before)")
    }

    @Test func moderation_isTold() {
        func told(_ action: String, _ change: (inout Moderation) -> Void = { _ in }) -> String {
            var moderation = Moderation(action: action, to: "Eve", toUser: "u-e")
            change(&moderation)
            return String(text(event(.moderation(moderation, id: nil))).dropFirst("* Ada ".count))
        }
        let until = Transcript.moment(1_700_000_000_000)
        #expect(told("kick") == "put Eve out" && told("kick") { $0.reason = "spam\u{1B}" } == "put Eve out: spam␛")
        #expect(
            told("ban") == "banned Eve" && told("ban") { $0.until = 1_700_000_000_000 } == "banned Eve until \(until)")
        #expect(told("unban") == "let Eve come back" && told("mute") == "muted Eve")
        #expect(told("unmute") == "let Eve speak again")
        #expect(told("slow") { $0.seconds = 5 } == "turned on slow mode: one message in 5 s")
        #expect(told("slow") { $0.seconds = 0 } == "ended slow mode" && told("unlock") == "unlocked the room")
        #expect(told("lock") == "locked the room: it takes an invitation now")
        #expect(told("topic") { $0.text = "news" } == "changed the topic: news" && told("topic") == "removed the topic")
        #expect(told("purge") { $0.from = 1_700_000_000_000 } == "deleted the messages of Eve since \(until)")
        #expect(told("host") == "made Eve a host" && told("unhost") == "made Eve a host no more")
        #expect(told("new") == "did new to Eve" && told("kick") { $0.to = nil } == "put u-e out")
    }

    @Test func mentions_areHighlightedWhereThereAreColours() {
        var transcript = Transcript(isForTerminal: true, hasColours: true)
        let line = transcript.lines(for: event(.message(text: "hi bo, Bob", id: nil)), mentioning: "Bo").last ?? ""
        #expect(line.hasSuffix("hi \u{1B}[1;7mbo\u{1B}[0m, Bob"))
    }

    @Test func colours_goWithTheName() {
        var transcript = Transcript(isForTerminal: true, hasColours: true)
        let line = transcript.lines(for: event(.message(text: "hi", id: nil))).last ?? ""
        #expect(line.contains("mAda\u{1B}[0m: hi"))
        #expect(transcript.name("Ada") == transcript.name("Ada") && transcript.name("a") != transcript.name("b"))
    }
}

/// The rows below the chat, and the chat above them.
@Suite struct ScreenTests {
    private func plain(_ text: String) -> String { text }

    @Test func screen_newLinesGoInAboveTheFooter() {
        var screen = Screen()
        let footer = Screen.Footer(rows: ["… sending"], prompt: "Ada> ", before: "ab", after: "cd")
        #expect(screen.update(footer, faint: plain) == "\u{1B}[?7l… sending\nAda> ab\u{1B}7cd\u{1B}8\u{1B}[?7h")
        #expect(screen.update(footer, faint: plain) == "")
        screen.add("12:00 Bo: hi")
        // One row up, to the beginning, everything below erased; then the line, then the footer again.
        #expect(
            screen.update(footer, faint: plain)
                == "\u{1B}[1A\r\u{1B}[J12:00 Bo: hi\n\u{1B}[?7l… sending\nAda> ab\u{1B}7cd\u{1B}8\u{1B}[?7h")
        #expect(screen.erase() == "\u{1B}[1A\r\u{1B}[J")
        #expect(screen.erase() == "")
    }

    @Test func screen_rowsAreCut_andCountedOnANarrowerTerminal() {
        var screen = Screen()
        screen.columns = 20
        let footer = Screen.Footer(rows: [String(repeating: "x", count: 50)], prompt: "> ", before: "abc")
        #expect(
            screen.update(footer, faint: plain) == "\u{1B}[?7l" + String(repeating: "x", count: 18)
                + "…\n> abc\u{1B}[?7h")
        screen.columns = 10
        #expect(screen.erase().hasPrefix("\u{1B}[2A"))
    }

    @Test func clear_beginsAtTheTop() {
        var screen = Screen()
        _ = screen.update(Screen.Footer(prompt: "> "), faint: plain)
        #expect(screen.clear() == "\u{1B}[H\u{1B}[2J")
        #expect(screen.update(Screen.Footer(prompt: "> "), faint: plain) == "\u{1B}[?7l> \u{1B}[?7h")
    }
}
