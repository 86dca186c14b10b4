import Client

/// What a traveller does of its own accord, and what it makes of the answers.
extension Traveller {
    func act() {
        if world.random.happens(isHost ? 0.1 : 0.01) { return moderate() }
        switch world.random.number(0...99) {
        case 0..<42: ask(.message(text: text(), reply: nil))
        case 42..<48: for _ in 0..<world.random.number(2...15) { ask(.message(text: text(), reply: nil)) }
        case 48..<62: change()
        case 62..<66: rename()
        case 66..<68: session?.act { $0.typing(now: now, into: &$1) }
        case 68..<72: session?.act { _ = $0.requestHistory(before: $0.seq, limit: 50, into: &$1) }
        case 72..<74: session?.act { _ = $0.search("w\(world.random.number(0...9))", limit: 20, into: &$1) }
        case 74..<80: askAgain()
        case 80..<94: drop()
        case 94..<97: drop(awayFor: world.random.time(mean: 15_000_000_000))
        default: leave()
        }
    }

    /// A text with a mark that stands in no other.
    private func text() -> String {
        let count = world.random.happens(0.1) ? world.random.number(100...900) : world.random.number(1...8)
        let words = (0..<count).map { _ in "w\(world.random.number(0...9))" }
        return "~\(world.judge.newMark())~ " + words.joined(separator: " ")
    }

    /// Does something to a message: mostly to one of its own.
    private func change() {
        let kind = world.random.number(0...9)
        let own = known.filter(\.isOwn)
        let targets = kind < 6 && !own.isEmpty && world.random.happens(0.9) ? own : known
        guard let target = targets.randomElement(using: &world.random)?.seq else { return }
        switch kind {
        case 0..<3: ask(.edit(target: target, text: text()))
        case 3..<5: ask(.delete(target: target))
        default:
            ask(.react(target: target, emoji: world.random.pick(["👍", "🎉"]), isOn: world.random.happens(0.7)))
        }
    }

    /// Takes another name, for which others may ask at the same time.
    private func rename() {
        let name = world.random.happens(0.5) ? "\(name)-\(world.random.number(0...3))" : "wanted"
        session?.act { _ = $0.rename(to: name, into: &$1) }
    }

    private func moderate() {
        let others = (session?.client.people.names ?? []).filter { $0 != session?.client.username }.sorted()
        let action = world.random.pick(["kick", "ban", "unban", "mute", "unmute", "slow", "topic", "purge", "host"])
        var request = ModerationRequest(action)
        switch action {
        case "slow": request.seconds = UInt64(world.random.number(0...1))
        case "topic": request.text = "topic \(world.random.number(0...2))"
        default:
            guard let other = others.randomElement(using: &world.random) else { return }
            request.person = .username(other)
            if action == "ban" || action == "mute" || action == "purge" { request.minutes = 1 }
        }
        ask(.moderate(request))
    }

    private func ask(_ request: ChatRequest) {
        guard session?.request(request, now: now) == true, let id = session?.client.outgoing.last?.id else { return }
        lastAsked = (id, request, false)
    }

    /// Asks for the newest thing once more, wherever it is connected now, as someone does who has not looked at what came back.
    private func askAgain() {
        guard let last = lastAsked, session?.client.isSettled == true, last.isHeard, !world.judge.hasLostTail else {
            return
        }
        send(ClientMessage.request(last.request, id: last.id))
    }

    func react(to event: ClientEvent) {
        switch event {
        case .joined(let welcome, _): isHost = welcome.role != nil
        case .event(let event, _): note(event)
        case .requestDone(let request): if request.id == lastAsked?.id { lastAsked?.isHeard = true }
        case .noChat: world.judge.fail("\(name) took the server for no chat")
        case .takenOver: world.judge.fail("\(name) was taken over, by nobody")
        case .requestRefused(let request, let error):
            world.trace("\(name) is refused: \(error.code)")
            session?.act { $0.drop(request.id, now: now, into: &$1) }
        case .requestDelayed(_, let error):
            guard isCalm, error.code == "slow_mode" || error.code == "muted" else { break }
            for request in session?.client.outgoing ?? [] {
                session?.act { $0.drop(request.id, now: now, into: &$1) }
            }
        default: break
        }
    }

    private func note(_ event: ChatEvent) {
        if let id = event.requestID, id == lastAsked?.id { lastAsked?.isHeard = true }
        guard case .message = event.kind else { return }
        let isOwn = event.user != nil && event.user == session?.client.user
        known.append((event.seq, isOwn))
        if known.count > 30 { known.removeFirst() }
        if isOwn { isHost = event.role != nil }
    }
}
