import Client

/// What a typed line does.
extension TalkConsole {
    /// - Parameter line: as it was typed, to be given back where it cannot be done.
    func perform(_ command: TypedLine, typed line: String, in loop: TalkLoop) {
        switch command {
        case .nothing: break
        case .say(let text): request(.message(text: text), line, in: loop)
        case .who: tell(loop.session.client.people)
        case .help: for line in TypedLine.explanation { notice(line) }
        case .quit: quit(in: loop)
        case .rename(let name): ask(in: loop) { $0.rename(to: name, into: &$1) }
        case .topic(let text):
            var moderation = ModerationRequest("topic")
            moderation.text = text ?? ""
            request(.moderate(moderation), line, in: loop)
        case .search(let text): ask(in: loop) { $0.search(text, limit: Self.foundAtMost, into: &$1) }
        case .join(let room): join(room, in: loop)
        case .reply(let seq, let text):
            guard let target = seq ?? recent.newest(isOwn: false)?.seq else {
                return complain("There is nothing to answer.")
            }
            guard let text else { return editor.replace(with: "/reply #\(target) ") }
            request(.message(text: text, reply: target), line, in: loop)
        case .edit(let seq, let text):
            guard let target = own(seq) else { return }
            guard let text else { return editor.replace(with: "/edit #\(target) \(recent[target]?.text ?? "")") }
            request(.edit(target: target, text: text), line, in: loop)
        case .delete(let seq):
            guard let target = own(seq) else { return }
            request(.delete(target: target), line, in: loop)
        case .react(let seq, let emoji):
            guard let target = seq ?? recent.newest(isOwn: false)?.seq else {
                return complain("There is nothing to react to.")
            }
            let isOn = recent[target]?.ownReactions.contains(emoji) != true
            request(.react(target: target, emoji: emoji, isOn: isOn), line, in: loop)
        case .moderate(let moderation): request(.moderate(known(moderation, in: loop)), line, in: loop)
        case .query(let moderation):
            let known = known(moderation, in: loop)
            ask(in: loop) { $0.query(known, into: &$1) }
        case .incomplete(let reason): complain(reason)
        }
    }

    private static let foundAtMost = 20

    /// Asks for something that waits for the connection if it must.
    private func request(_ request: ChatRequest, _ line: String, in loop: TalkLoop) {
        guard !loop.session.request(request, now: loop.now) else { return }
        complain("Not sent: too much is waiting already.")
        editor.replace(with: line)
    }

    /// Asks for something that makes no sense later.
    private func ask(in loop: TalkLoop, _ body: (inout ChatClient, inout [ClientAction]) -> Bool) {
        if !loop.session.act(body) { complain("That works once you are connected again.") }
    }

    /// The message that a command means: the one that it names, or the newest of one's own.
    private func own(_ seq: UInt64?) -> UInt64? {
        if let target = seq ?? recent.newest(isOwn: true)?.seq { return target }
        complain("There is no message of yours here.")
        return nil
    }

    /// The same with the person by `user`, where somebody who is here is named: a name may change hands meanwhile.
    private func known(_ moderation: ModerationRequest, in loop: TalkLoop) -> ModerationRequest {
        let people = loop.session.client.people
        guard case .username(let name) = moderation.person, people.names.contains(name), let user = people.users[name]
        else { return moderation }
        var moderation = moderation
        moderation.person = .user(user)
        return moderation
    }

    private func join(_ room: String, in loop: TalkLoop) {
        guard let url = loop.url.inRoom(room.lowercased()) else {
            return complain("A room's name is 1 to 32 of a-z, 0-9 and -.")
        }
        guard loop.session.client.isSettled else {
            return complain("Something is still on its way. Try again in a moment.")
        }
        loop.move(to: url)
    }

    private func tell(_ people: People) {
        let names = people.names.sorted().map(transcript.name)
        let others = people.count - names.count
        notice("\(people.count) here: \(names.joined(separator: ", "))\(others > 0 ? " and \(others) more" : "")")
        if !topic.isEmpty { notice("Topic: \(TerminalText.visible(topic))") }
    }

    /// What a request says, as somebody would type it.
    static func line(for request: ChatRequest) -> String {
        switch request {
        case .message(let text, nil): return text.hasPrefix("/") && !text.hasPrefix("/me ") ? "/\(text)" : text
        case .message(let text, let reply?): return "/reply #\(reply) \(text)"
        case .edit(let target, let text): return "/edit #\(target) \(text)"
        case .delete(let target): return "/delete #\(target)"
        case .react(let target, let emoji, _): return "/react #\(target) \(emoji)"
        case .moderate(let moderation):
            var line = "/\(moderation.action)"
            switch moderation.person {
            case .username(let name): line += name.contains(where: \.isWhitespace) ? " \"\(name)\"" : " \(name)"
            case .user(let user): line += " user:\(user)"
            case nil: break
            }
            if let number = moderation.minutes ?? moderation.seconds { line += " \(number)" }
            if moderation.hasAddress { line += " +address" }
            for text in [moderation.reason, moderation.text] { if let text { line += " \(text)" } }
            return line
        }
    }
}
