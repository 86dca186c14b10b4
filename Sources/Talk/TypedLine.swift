import Client

/// What a line means that somebody types: a text to be said, or a slash command.
enum TypedLine: Equatable, Sendable {
    case nothing
    case say(String)
    case who, help, quit
    case rename(String)
    /// Without a text: removes the topic.
    case topic(String?)
    case search(String)
    /// Goes to another room.
    case join(String)
    /// Without a target: the newest message of somebody else. Without a text: has its number in the line.
    case reply(to: UInt64?, String?)
    /// Without a target: one's own newest message. Without a text: has it in the line, to be edited there.
    case edit(UInt64?, String?)
    case delete(UInt64?)
    case react(UInt64?, String)
    /// What hosts do, once for each time it is asked.
    case moderate(ModerationRequest)
    /// What is asked of the server without changing anything: `bans`, `invite`, `whois`.
    case query(ModerationRequest)
    /// A command that lacks something, or is none, for this reason.
    case incomplete(String)

    /// - Parameter names: of the people in the room, so that a name with spaces in it is known as one.
    init(_ line: String, names: some Collection<String> = []) {
        guard line.contains(where: { !$0.isWhitespace }) else {
            self = .nothing
            return
        }
        guard line.hasPrefix("/"), !line.hasPrefix("/me ") else {
            self = .say(line)
            return
        }
        guard !line.hasPrefix("//") else {
            self = .say(String(line.dropFirst()))
            return
        }
        var arguments = CommandArguments(line, names: Array(names))
        let name = arguments.word() ?? ""
        guard let command = Self.command(name, &arguments) else {
            let usage = Self.usages.first { $0.usage.split(separator: " ").first == name[...] }
            self = .incomplete(
                usage.map { "It is \($0.usage) (\($0.explanation))." }
                    ?? "There is no command \(TerminalText.visible(name)); /help shows all. To say it, write // at the start."
            )
            return
        }
        self = command
    }

    /// Nil where there is no such command, or it lacks an argument, or has one too many.
    private static func command(_ name: String, _ arguments: inout CommandArguments) -> TypedLine? {
        switch name {
        case "/who": return arguments.isEmpty ? .who : nil
        case "/help": return arguments.isEmpty ? .help : nil
        case "/quit": return arguments.isEmpty ? .quit : nil
        case "/rename", "/nick": return arguments.text().map { .rename($0) }
        case "/topic": return .topic(arguments.text())
        case "/search": return arguments.text().map { .search($0) }
        case "/join": return arguments.lastWord().map { .join($0.hasPrefix("#") ? String($0.dropFirst()) : $0) }
        case "/reply":
            let target = arguments.target()
            return .reply(to: target, arguments.text())
        case "/edit":
            let target = arguments.target()
            return .edit(target, arguments.text())
        case "/delete":
            let target = arguments.target()
            return arguments.isEmpty ? .delete(target) : nil
        case "/react":
            let target = arguments.target()
            return arguments.lastWord().map { .react(target, $0) }
        default: return moderation(name, &arguments)
        }
    }

    private static func moderation(_ name: String, _ arguments: inout CommandArguments) -> TypedLine? {
        var request = ModerationRequest(String(name.dropFirst()))
        switch name {
        case "/lock", "/unlock": return arguments.isEmpty ? .moderate(request) : nil
        case "/invite", "/bans": return arguments.isEmpty ? .query(request) : nil
        case "/slow":
            request.seconds = arguments.number()
            return request.seconds != nil && arguments.isEmpty ? .moderate(request) : nil
        case "/whois", "/unban", "/unmute", "/host", "/unhost", "/kick", "/ban", "/mute", "/purge":
            request.person = arguments.person()
            guard request.person != nil else { return nil }
        default: return nil
        }
        switch name {
        case "/kick": request.reason = arguments.text()
        case "/ban":
            request.minutes = arguments.number()
            request.hasAddress = arguments.take("+address")
            request.reason = arguments.text()
        case "/mute", "/purge": request.minutes = arguments.number()
        default: break
        }
        guard arguments.isEmpty else { return nil }
        return name == "/whois" ? .query(request) : .moderate(request)
    }

    // MARK: Help

    private static let usages: [(usage: String, explanation: String)] = [
        ("/who", "shows who is here, and the topic"),
        ("/rename NAME", "changes your name; also /nick"),
        ("/me TEXT", "says what you do"),
        ("/topic [TEXT]", "changes the topic, or removes it"),
        ("/search TEXT", "looks for it in the room's messages, and shows their numbers"),
        ("/join ROOM", "goes to another room"),
        ("/reply [#NUMBER] [TEXT]", "answers a message, or the newest one"),
        ("/edit [#NUMBER] [TEXT]", "replaces the text of a message of yours, or of your newest one"),
        ("/delete [#NUMBER]", "deletes a message, or your newest one"),
        ("/react [#NUMBER] EMOJI", "reacts to a message, or the newest one; once more takes it back"),
        ("/whois NAME", "shows what is known of somebody"),
        ("/quit", "leaves; so does Control-D"),
        ("/help", "shows this"),
        ("/kick NAME [REASON]", "for hosts, like all that follow: puts somebody out for a minute"),
        ("/ban NAME [MINUTES] [+address] [REASON]", "keeps somebody out, for ever or so long"),
        ("/unban NAME", "ends a ban"),
        ("/bans", "lists the bans"),
        ("/mute NAME [MINUTES]", "lets somebody only read"),
        ("/unmute NAME", "ends that"),
        ("/slow SECONDS", "so long between two messages of one person; 0 ends it"),
        ("/lock", "locks the room: it takes an invitation then"),
        ("/invite", "shows the invitation"),
        ("/unlock", "unlocks the room"),
        ("/purge NAME [MINUTES]", "deletes what somebody has said in the last 60 minutes, or so many"),
        ("/host NAME", "makes somebody a host"),
        ("/unhost NAME", "ends that"),
    ]

    /// The commands' names, for completion.
    static let names = usages.compactMap { $0.usage.split(separator: " ").first.map(String.init) } + ["/nick"]

    /// What `/help` shows.
    static let explanation =
        [
            "Enter sends what is typed. Tab completes a name or a command, Up brings back what was typed before, Control-Y "
                + "what was cut out. Control-C clears the line, twice it leaves.",
            "To say something that begins with a slash, write two. A name with spaces may stand in \"quotation marks\".",
        ] + usages.map { "\($0.usage): \($0.explanation)" }
}

/// The arguments of a command, taken one after the other.
struct CommandArguments {
    private var rest: Substring
    private let names: [String]

    init(_ line: String, names: [String]) {
        rest = line[...]
        self.names = names
        skipSpace()
    }

    private mutating func skipSpace() {
        rest = rest.drop(while: \.isWhitespace)
        while rest.last?.isWhitespace == true { rest.removeLast() }
    }

    var isEmpty: Bool { rest.isEmpty }

    mutating func word() -> String? {
        guard !rest.isEmpty else { return nil }
        let word = rest.prefix { !$0.isWhitespace }
        rest = rest[word.endIndex...]
        skipSpace()
        return String(word)
    }

    /// All that is left; nil if nothing is.
    mutating func text() -> String? {
        defer { rest = rest.suffix(0) }
        return rest.isEmpty ? nil : String(rest)
    }

    /// The next word, if it is the last; else nil.
    mutating func lastWord() -> String? {
        guard let word = word(), isEmpty else { return nil }
        return word
    }

    /// A word, if it comes next.
    mutating func take(_ wanted: String) -> Bool {
        var other = self
        guard other.word() == wanted else { return false }
        self = other
        return true
    }

    /// A whole number, if one comes next.
    mutating func number() -> UInt64? {
        var other = self
        guard let word = other.word(), word.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let number = UInt64(word)
        else { return nil }
        self = other
        return number
    }

    /// `#NUMBER`, if it comes next.
    mutating func target() -> UInt64? {
        guard rest.hasPrefix("#") else { return nil }
        var other = self
        other.rest = rest.dropFirst()
        guard let number = other.number() else { return nil }
        self = other
        return number
    }

    /// Who is meant: a name in quotation marks, `user:` and the 11 characters that the server knows somebody by, the longest name
    /// of those who are here, or else a word. An `@` before it is no part of it.
    mutating func person() -> PersonReference? {
        if rest.hasPrefix("\"") {
            let quoted = rest.dropFirst().prefix { $0 != "\"" }
            guard !quoted.isEmpty, quoted.endIndex < rest.endIndex else { return nil }
            rest = rest[rest.index(after: quoted.endIndex)...]
            skipSpace()
            return .username(String(quoted))
        }
        if let name = known(rest) ?? (rest.hasPrefix("@") ? known(rest.dropFirst()) : nil) {
            rest = name.end
            skipSpace()
            return .username(name.name)
        }
        guard var word = word() else { return nil }
        if word.hasPrefix("user:") { return .user(String(word.dropFirst(5))) }
        if word.hasPrefix("@"), word.count > 1 { word.removeFirst() }
        return .username(word)
    }

    /// The longest name that a text begins with.
    private func known(_ text: Substring) -> (name: String, end: Substring)? {
        let lower = text.lowercased()
        for name in names.sorted(by: { $0.count > $1.count }) where lower.hasPrefix(name.lowercased()) {
            let end = text.dropFirst(name.count)
            if end.first?.isWhitespace ?? true { return (name, end) }
        }
        return nil
    }
}
