import Client

/// What is new, as the user sees it.
extension TalkConsole {
    func show(_ event: ClientEvent, in loop: TalkLoop) {
        switch event {
        case .json(let line): output.write(line + [UInt8(ascii: "\n")])
        case .event(let event, let isPast): show(event, isPast: isPast, loop.session.client)
        case .joined(let welcome, let isBack): joined(welcome, isBack: isBack, in: loop)
        case .gap:
            recent.removeAll()
            if !isJSON { notice("Here is a gap: what happened meanwhile cannot be had any more.") }
        case .lost: status("The connection is lost. Trying to come back.")
        case .takenOver: loop.stop(.takenOver)
        case .putOut(let reason):
            let words = TerminalText.visible(reason)
            loop.stop(.refused(words.isEmpty ? "A host has put you out of the room." : words))
        case .noChat: loop.stop(.noChat("what it says is not the chat's protocol"))
        case .nameAwaited(let error):
            status("\(TerminalText.visible(error.message)) Waiting for it to become free, up to half a minute.")
        case .joinRefused(let error): joinRefused(error, in: loop)
        case .refused(let error): complain(Self.text(error))
        case .requestRefused(let request, let error): requestRefused(request, error, in: loop)
        case .requestDelayed(_, let error):
            let wait = error.retryAfter.map { " It is sent in \(max(1, ($0 + 999) / 1000)) s." } ?? " It is sent again."
            status("\(TerminalText.visible(error.message))\(wait)")
        case .requestDone: notice("That was so already.")
        case .history: break  // nothing here asks for it
        case .found(let events, let before): found(events, before)
        case .unread(let room, _): notice("There are new messages in \(TerminalText.visible(room)).")
        case .invite(let invite): notice("Invitation: \(TerminalText.visible("\(loop.url.page)#invite=\(invite)"))")
        case .bans(let bans):
            notice(bans.isEmpty ? "Nobody is banned." : "Banned:")
            for ban in bans { notice(Self.text(ban)) }
        case .whois(let whois): notice(Self.text(whois))
        case .keeping(true): status("The server keeps what is said again.")
        case .keeping(false): status("The server cannot keep what is said at the moment.")
        }
    }

    // MARK: Events of the room

    private func show(_ event: ChatEvent, isPast: Bool, _ client: ChatClient) {
        let isOwn = event.user.map { $0 == client.user } ?? (event.username == client.username)
        defer { recent.apply(event, isOwn: isOwn) }
        if case .moderation(let moderation, _) = event.kind, moderation.action == "topic" {
            topic = moderation.text ?? ""
        }
        guard !isJSON else { return }
        let mentioned = isOwn ? nil : client.username
        for line in transcript.lines(for: event, recent: recent, mentioning: mentioned) { add(line) }
        guard isDrawn, !isPast, let mentioned, case .message(let text, _) = event.kind else { return }
        let isAnswer = event.reply.flatMap { recent[$0] }?.isOwn == true
        if isAnswer || !Mention.places(of: mentioned, in: text).isEmpty { output.write("\u{07}") }
    }

    private func joined(_ welcome: Welcome, isBack: Bool, in loop: TalkLoop) {
        topic = welcome.topic
        if isBack {
            status("Connected again.")
        } else if isPresent {
            status("Connected to \(loop.url.authority), room \(TerminalText.visible(welcome.room)).")
        }
        if !welcome.isKeeping { status("The server cannot keep what is said at the moment.") }
        guard isPresent, !isBack, !isJSON else { return }
        if !topic.isEmpty { notice("Topic: \(TerminalText.visible(topic))") }
        if let role = welcome.role { notice("You are \(role == "host" ? "a host of this room" : "an operator").") }
        if welcome.isLocked { notice("The room is locked.") }
        if welcome.slow > 0 { notice("Slow mode: one message in \(welcome.slow) s.") }
    }

    private func found(_ events: [ChatEvent], _ before: UInt64?) {
        guard !isJSON else { return }
        if events.isEmpty { notice("Nothing was found.") }
        for event in events { add(transcript.found(event)) }
        if before != nil { notice("There may be more in older messages.") }
    }

    // MARK: Refusals

    private static func text(_ error: ServerError) -> String {
        let until = error.until.map { " (until \(Transcript.moment($0)))" } ?? ""
        return TerminalText.visible(error.message.isEmpty ? error.code : error.message) + until
    }

    private func joinRefused(_ error: ServerError, in loop: TalkLoop) {
        let reason = Self.text(error)
        if loop.goBack() { return complain(reason) }
        switch error.code {
        case "username_taken", "username_invalid": nameRefused(reason, in: loop)
        case "password_required" where isDrawn, "password_wrong" where isDrawn:
            complain(reason)
            ask(.password)
        default: loop.stop(.refused(reason))
        }
    }

    private func nameRefused(_ reason: String, in loop: TalkLoop) {
        if isPresent {
            ask(.name)
            return complain("\(reason) Which name shall it be?")
        }
        guestTries += 1
        guard givenName == nil, guestTries < Self.guestTriesAtMost else { return loop.stop(.nameRefused(reason)) }
        loop.join(as: guestName())
    }

    /// What was refused is never lost: it stands in the chat with the reason, and can be brought back to be edited.
    private func requestRefused(_ request: OutgoingRequest, _ error: ServerError, in loop: TalkLoop) {
        refusedLines += 1
        let line = Self.line(for: request.request)
        complain("Not sent: \(TerminalText.visible(TerminalText.fitting(line, columns: 200))) (\(Self.text(error)))")
        if isDrawn, editor.isEmpty, question == nil { editor.replace(with: line) }
        let now = loop.now
        loop.session.act { $0.drop(request.id, now: now, into: &$1) }
    }

    // MARK: Answers

    private static func text(_ ban: Ban) -> String {
        let until = ban.until.map { "until \(Transcript.moment($0))" } ?? "for ever"
        let reason = ban.reason.map { ": \($0)" } ?? ""
        return TerminalText.visible("\(ban.username) (user:\(ban.user)) \(until)\(reason)")
    }

    private static func text(_ whois: Whois) -> String {
        let role = whois.role.map { ", \($0)" } ?? ""
        let since = whois.since.map { ", here since \(Transcript.moment($0))" } ?? ""
        let addresses = whois.addresses.isEmpty ? "" : ", from \(whois.addresses.joined(separator: ", "))"
        return TerminalText.visible("\(whois.username) is user:\(whois.user)\(role)\(since)\(addresses)")
    }
}
