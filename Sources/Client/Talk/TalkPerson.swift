import Chat
import Sockets

/// The person's side of a conversation, or the pipe's: what is typed becomes what is said and asked for, and what is new
/// becomes lines.
final class TalkPerson {
    /// Whether somebody types, and can be asked.
    let isPresent: Bool
    /// Whether the terminal is drawn on, with the line that is typed below the chat.
    private let isDrawn: Bool
    private var keyboard: KeyByKey?
    private var editor = LineEditor()
    private var input = LineInput()
    private var screen = Screen()
    private var transcript: Transcript

    /// Whether what is typed next is a name.
    private var isNaming: Bool
    private let givenName: String?
    private var guestTries = 0
    private var isAtEnd = false
    /// Lines that were read and not looked at yet.
    private var waiting: ArraySlice<String> = []
    /// What was being typed, and what waited, when another name was asked for: that is no name.
    private var aside: (typed: String, waiting: ArraySlice<String>) = ("", [])
    /// Whether they want to leave, and when they do so although something they said has not arrived (ms).
    private(set) var leavesAt: Int64?
    /// Lines that the chat has refused.
    private(set) var refusedLines = 0
    private let output: PatientOutput
    private let errors: PatientOutput
    /// Whether the terminal is as it was, and nothing is drawn.
    private var isTerminalGivenBack = false

    private static let guestTriesAtMost = 20
    /// So many of the messages on their way are shown.
    private static let shownMessages = 5

    init(_ options: TalkOptions, output: PatientOutput, errors: PatientOutput) {
        (self.output, self.errors) = (output, errors)
        let readsTerminal = Terminal.isTerminal(SharedStream.input)
        let showsTerminal = Terminal.isTerminal(SharedStream.output)
        isPresent = readsTerminal
        isDrawn = readsTerminal && showsTerminal && !options.isDumb
        transcript = Transcript(
            isForTerminal: showsTerminal, hasColours: showsTerminal && options.allowsColours && !options.isDumb)
        givenName = options.username
        isNaming = options.username == nil && readsTerminal
        resize()
        if isDrawn {
            keyboard = KeyByKey(SharedStream.input)
            // Pasted text comes in brackets.
            output.write("\u{1B}[?2004h")
        } else if isNaming {
            complain("What is your name?")
        }
    }

    /// The name to begin with; nil if it is asked for.
    var firstName: String? { givenName ?? (isNaming ? nil : guestName()) }

    /// Like the page's guests.
    private func guestName() -> String { "Guest \(Int.random(in: 1000...9999))" }

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
        for key in editor.keys(bytes) {
            switch editor.take(key) {
            case nil: break
            case .line(let line): entered(line, in: loop)
            case .complete: editor.complete(with: Array(loop.chatter.client.people.names))
            case .clearScreen: output.write(screen.clear())
            case .endOfInput: quit(in: loop)
            }
        }
        if !isNaming, !editor.isEmpty, !editor.before.hasPrefix("/") {
            let now = loop.now
            loop.chatter.act { $0.typing(now: now, into: &$1) }
        }
    }

    /// There is no more input.
    func typedLast(in loop: TalkLoop) {
        if let line = input.takeRest() { waiting.append(line) }
        isAtEnd = true
        // The terminal is gone; or a name will not be given any more.
        if isDrawn || isNaming && waiting.isEmpty { loop.leave() }
    }

    /// Looks at the lines that wait: one after the other, each when what was said before has arrived, so that a command in
    /// their midst comes at its place.
    func sayWaiting(in loop: TalkLoop) {
        while isNaming || loop.chatter.client.phase == .joined && loop.chatter.client.isSettled {
            guard let line = waiting.popFirst() else { return }
            entered(line, in: loop)
        }
    }

    /// Leaves when what was said has arrived, or after a while, or when asked again.
    private func quit(in loop: TalkLoop) {
        if leavesAt != nil || loop.chatter.client.isSettled { return loop.leave() }
        leavesAt = loop.now + TalkPatience.farewell
        status("Leaving once all of it is sent.")
    }

    private func entered(_ line: String, in loop: TalkLoop) {
        if isNaming { return named(line, in: loop) }
        switch TypedLine(line, isTyped: isPresent) {
        case .nothing: break
        case .say(let text):
            // Only somebody who types comes so far: what is piped waits until all before it has been said.
            guard !loop.chatter.say(text, now: loop.now) else { break }
            complain("Not sent: too much is waiting already.")
            editor.replace(with: line)
        case .who: tell(loop.chatter.client.people)
        case .rename(let name):
            let isAsked = loop.chatter.act { $0.rename(to: name, into: &$1) }
            if !isAsked { complain("You can rename yourself once you are connected again.") }
        case .quit: quit(in: loop)
        case .help: for line in TypedLine.explanation { notice(line) }
        case .incomplete(let reason): complain(reason)
        }
    }

    private func named(_ line: String, in loop: TalkLoop) {
        let name = line.isEmpty ? guestName() : line
        guard Username(name) != nil else {
            return complain("A name has 1 to 32 characters, all of them visible. Which shall it be?")
        }
        isNaming = false
        editor.replace(with: aside.typed)
        waiting = aside.waiting + waiting
        aside = ("", [])
        loop.chatter.join(as: name, now: loop.now)
    }

    private func tell(_ people: People) {
        let names = people.names.sorted().map(transcript.name)
        let others = people.count - names.count
        notice("\(people.count) here: \(names.joined(separator: ", "))\(others > 0 ? " and \(others) more" : "")")
    }

    // MARK: News

    func show(_ news: News, in loop: TalkLoop) {
        switch news {
        case .event(let event): for line in transcript.lines(for: event) { add(line) }
        case .joined(isBack: true): status("Connected again.")
        case .joined: if isPresent { status("Connected to \(loop.options.url.authority).") }
        case .gap: notice("Here is a gap: what happened meanwhile cannot be had any more.")
        case .lost: status("The connection is lost. Trying to come back.")
        case .takenOver: loop.stop(.takenOver)
        case .noChat: loop.stop(.noChat("what it says is not the chat's protocol"))
        case .joinRefused(let error): refused(error, in: loop)
        case .refused(let error): complain(TerminalText.visible(error.message))
        case .messageRefused(let message, let error): refused(message, error, in: loop)
        case .history: break  // nothing here asks for it
        }
    }

    private func refused(_ error: ServerError, in loop: TalkLoop) {
        let reason = TerminalText.visible(error.message)
        if isPresent {
            isNaming = true
            aside = (editor.text, waiting)
            editor.replace(with: "")
            waiting = []
            return complain("\(reason) Which name shall it be?")
        }
        guestTries += 1
        guard givenName == nil, guestTries < Self.guestTriesAtMost else { return loop.stop(.nameRefused(reason)) }
        loop.chatter.join(as: guestName(), now: loop.now)
    }

    /// A refused message is never lost: it stands in the chat with the reason, and can be brought back to be edited.
    private func refused(_ message: OutgoingMessage, _ error: ServerError, in loop: TalkLoop) {
        refusedLines += 1
        let text = TerminalText.visible(TerminalText.fitting(message.text, columns: 200))
        complain("Not sent: \(text) (\(TerminalText.visible(error.message)))")
        if isDrawn, editor.isEmpty { editor.replace(with: message.text) }
        let now = loop.now
        loop.chatter.act { $0.drop(message.id, now: now, into: &$1) }
    }

    // MARK: Lines

    /// Part of the chat, on standard output.
    private func add(_ line: String) {
        if isDrawn { screen.add(line) } else { output.write(line + "\n") }
    }

    /// An answer to the person.
    private func notice(_ text: String) { add(transcript.notice(text)) }

    /// About the connection: not a part of the chat, so on standard error where that is another place.
    private func status(_ text: String) {
        if isDrawn {
            screen.add(transcript.notice(text))
        } else {
            errors.write("-- \(text)\n")
        }
    }

    private func complain(_ text: String) {
        if isDrawn {
            screen.add(transcript.complaint(text))
        } else {
            errors.write("!! \(text)\n")
        }
    }

    // MARK: The terminal

    func resize() {
        screen.columns = max(20, Terminal.columns(of: SharedStream.output) ?? 80)
        transcript.columns = screen.columns
    }

    /// The process goes on after it was stopped, and after others have used the terminal.
    func comeBack() {
        guard isDrawn else { return }
        isTerminalGivenBack = false
        keyboard?.enter()
        resize()
        output.write("\u{1B}[?2004h" + screen.erase())
    }

    /// Draws what has changed.
    func refresh(_ client: ChatClient, failure: String, now: Int64) {
        guard isDrawn, !isTerminalGivenBack else { return }
        var footer = Screen.Footer()
        if !isNaming { footer.rows = rows(client, failure, now) }
        let prompt = isNaming ? "Your name: " : "\(TerminalText.visible(client.username))> "
        footer.prompt = TerminalText.fitting(prompt, columns: screen.columns / 2)
        (footer.before, footer.after) = editor.window(columns: screen.columns - TerminalText.width(of: footer.prompt))
        output.write(screen.update(footer, faint: transcript.faint))
    }

    /// What stands between the chat and the line that is typed.
    private func rows(_ client: ChatClient, _ failure: String, _ now: Int64) -> [String] {
        var rows = client.outgoing.prefix(Self.shownMessages).map { "… \(TerminalText.visible($0.text))" }
        if client.outgoing.count > rows.count { rows.append("… and \(client.outgoing.count - rows.count) more") }
        switch client.phase {
        case .waiting(let until):
            rows.append("Reconnecting in \(max(1, (until - now + 999) / 1000)) s. \(TerminalText.visible(failure))")
        case .connecting, .joining: rows.append(client.session == nil ? "Connecting…" : "Reconnecting…")
        case .joined:
            let names = client.typists.keys.sorted().map { TerminalText.visible($0) }
            if let name = names.first {
                rows.append(names.count > 1 ? "Several people are typing…" : "\(name) is typing…")
            }
        case .out, .ended: break
        }
        return rows
    }

    /// Leaves the terminal as it was, for good or until `comeBack`.
    func giveTerminalBack() {
        guard isDrawn, !isTerminalGivenBack else { return }
        isTerminalGivenBack = true
        output.write(screen.erase() + "\u{1B}[?2004l")
        keyboard?.leave()
    }
}
