import Chat
import Client
import Sockets

/// The user's side of a conversation, be it a person or a program: what is typed becomes what is asked of the chat, and what
/// is new becomes lines.
final class TalkConsole {
    /// What is asked on the terminal, so that the next line is the answer and nothing to be said.
    enum Question: Equatable { case name, password }

    /// Whether somebody types, and can be asked.
    let isPresent: Bool
    /// Whether the terminal is drawn on, with the line that is typed below the chat.
    let isDrawn: Bool
    let isJSON: Bool
    private var rawMode: RawMode?
    var editor = LineEditor()
    private var input = LineInput()
    var screen = Screen()
    var transcript: Transcript
    var recent = RecentMessages()
    /// The room's topic.
    var topic = ""

    var question: Question?
    let givenName: String?
    var guestTries = 0
    private var isAtEnd = false
    /// Lines that were read and not looked at yet.
    var waiting: ArraySlice<String> = []
    /// What was being typed, and what waited, when something else was asked: that is no answer.
    var aside: (typed: String, waiting: ArraySlice<String>) = ("", [])
    /// Whether the last key was ^C: once more leaves.
    private var isInterrupted = false
    /// Whether the user wants to leave, and when that happens although something said before has not arrived (ms).
    private(set) var leavesAt: Int64?
    /// Lines that the chat has refused.
    var refusedLines = 0
    let output: BufferedOutput
    private let errors: BufferedOutput
    /// Whether the terminal is as it was, and nothing is drawn.
    private(set) var isTerminalGivenBack = false

    static let guestTriesAtMost = 20

    init(_ options: TalkOptions, username: String?, output: BufferedOutput, errors: BufferedOutput) {
        (self.output, self.errors) = (output, errors)
        let showsTerminal = Terminal.isTerminal(SharedStream.output)
        isJSON = options.isJSON
        isPresent = !options.onlyListens && Terminal.isTerminal(SharedStream.input)
        isDrawn = isPresent && showsTerminal && !options.isDumb && !isJSON
        transcript = Transcript(
            isForTerminal: showsTerminal, hasColours: showsTerminal && options.allowsColours && !options.isDumb)
        givenName = username
        if username == nil, isPresent { question = .name }
        resize()
        if isDrawn {
            rawMode = RawMode(SharedStream.input)
            // Pasted text comes in brackets.
            output.write("\u{1B}[?2004h")
        } else if question != nil {
            complain("What is your name?")
        }
    }

    /// The name to begin with; nil if it is asked for.
    var firstName: String? { givenName ?? (question == nil ? guestName() : nil) }

    /// Like the page's guests.
    func guestName() -> String { "Guest \(Int.random(in: 1000...9999))" }

    /// Whether the input has come to its end, and all of it has been looked at.
    var hasNothingMoreToSay: Bool { leavesAt != nil || isAtEnd && waiting.isEmpty }

    /// How many lines wait.
    var waitingLines: Int { waiting.count }

    // MARK: Typing

    func typed(_ bytes: ArraySlice<UInt8>, in loop: TalkLoop) {
        guard isDrawn else {
            waiting += input.take(bytes)
            return
        }
        for key in editor.keys(bytes, now: loop.now) {
            let wasInterrupted = isInterrupted
            isInterrupted = false
            switch editor.take(key) {
            case nil: break
            case .line(let line): entered(line, in: loop)
            case .complete: editor.complete(with: Array(loop.session.client.people.names) + TypedLine.names)
            case .clearScreen: output.write(screen.clear())
            case .interrupt: interrupt(again: wasInterrupted, in: loop)
            case .endOfInput: quit(in: loop)
            }
        }
        if question == nil, !editor.isEmpty, !editor.before.hasPrefix("/") {
            let now = loop.now
            loop.session.act { $0.typing(now: now, into: &$1) }
        }
    }

    /// There is no more input.
    func typedLast(in loop: TalkLoop) {
        if let line = input.takeRest() { waiting.append(line) }
        isAtEnd = true
        // The terminal is gone; or an answer will not be given any more.
        if isDrawn || question != nil && waiting.isEmpty { loop.leave() }
    }

    /// Looks at the lines that wait: one after the other, each when what was said before has arrived, so that a command in
    /// their midst comes at its place.
    func sayWaiting(in loop: TalkLoop) {
        while question != nil || loop.session.client.phase == .joined && loop.session.client.isSettled {
            guard let line = waiting.popFirst() else { return }
            entered(line, in: loop)
        }
    }

    private func interrupt(again: Bool, in loop: TalkLoop) {
        if again { return loop.leave() }
        editor.clear()
        isInterrupted = true
        status("Control-C once more leaves.")
    }

    /// Leaves when what was said has arrived, or after a while, or when asked again.
    func quit(in loop: TalkLoop) {
        if leavesAt != nil || loop.session.client.isSettled { return loop.leave() }
        leavesAt = loop.now + TalkTimeouts.farewell
        status("Leaving once all of it is sent.")
    }

    private func entered(_ line: String, in loop: TalkLoop) {
        if let question { return answered(question, line, in: loop) }
        if case .waiting = loop.session.client.phase, isDrawn, line.isEmpty {
            // Enter alone: try now.
            let now = loop.now
            return loop.session.act { $0.start(now: now, into: &$1) }
        }
        guard isPresent else {
            guard line.contains(where: { !$0.isWhitespace }) else { return }
            // A pipe's lines come one by one, so there is room.
            _ = loop.session.say(line, now: loop.now)
            return
        }
        perform(TypedLine(line, names: loop.session.client.people.names), typed: line, in: loop)
    }

    // MARK: Questions

    /// Asks for something before anything else is read; what was being typed is put aside.
    func ask(_ question: Question) {
        if self.question == nil { aside = (editor.text, waiting) }
        self.question = question
        editor.replace(with: "")
        editor.isSecret = question == .password
        waiting = []
    }

    private func answered(_ question: Question, _ line: String, in loop: TalkLoop) {
        let name = line.isEmpty ? guestName() : line
        if question == .name, Username(name) == nil {
            return complain("A name has 1 to 32 characters, all of them visible. Which shall it be?")
        }
        self.question = nil
        editor.isSecret = false
        editor.replace(with: aside.typed)
        waiting = aside.waiting + waiting
        aside = ("", [])
        switch question {
        case .name: loop.join(as: name)
        case .password: loop.join(as: loop.session.client.username, password: line)
        }
    }

    // MARK: Lines

    /// Part of the chat, on standard output.
    func add(_ line: String) {
        if isDrawn { screen.add(line) } else { output.write(line + "\n") }
    }

    /// An answer to the user. Where standard output is for a program, it goes to standard error.
    func notice(_ text: String) { isJSON ? status(text) : add(transcript.notice(text)) }

    /// About the connection: not a part of the chat, so on standard error where that is another place.
    func status(_ text: String) {
        if isDrawn {
            screen.add(transcript.notice(text))
        } else {
            errors.write("-- \(text)\n")
        }
    }

    func complain(_ text: String) {
        if isDrawn {
            screen.add(transcript.complaint(text))
        } else {
            errors.write("!! \(text)\n")
        }
    }

    // MARK: The terminal

    func resize() {
        screen.columns = max(1, Terminal.columns(of: SharedStream.output) ?? 80)
        transcript.columns = screen.columns
    }

    /// The process goes on after it was stopped, and after others have used the terminal.
    func comeBack() {
        guard isDrawn else { return }
        isTerminalGivenBack = false
        rawMode?.enter()
        resize()
        output.write("\u{1B}[?2004h" + screen.erase())
    }

    /// Leaves the terminal as it was, for good or until `comeBack`.
    func giveTerminalBack() {
        guard isDrawn, !isTerminalGivenBack else { return }
        isTerminalGivenBack = true
        output.write(screen.erase() + "\u{1B}[?2004l")
        rawMode?.leave()
    }
}
