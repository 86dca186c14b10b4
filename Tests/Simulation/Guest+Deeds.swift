import Client
import WebSocket

/// What a person does of its own accord, and what it makes of the answers.
extension Guest {
    func act() {
        if world.random.happens(0.1) { return askAgain() }
        if world.plan.emphasis == .absences, world.random.happens(0.4) {
            isAwayUntil = world.now + world.random.time(mean: 8_000_000_000)
            return drop()
        }
        let moderates = world.plan.emphasis == .doors ? 0.4 : isHost ? 0.12 : 0.02
        if world.random.happens(moderates), world.plan.hasChanges { return moderate() }
        switch world.random.number(0...99) {
        case 0..<38:
            say(length: world.random.happens(0.1) ? world.random.number(200...3900) : world.random.number(1...80))
        case 38..<55: change()
        case 55..<62: for _ in 0..<world.random.number(2...40) { say(length: 10) }
        case 62..<67: session?.act { $0.typing(now: now, into: &$1) }
        case 67..<71: session?.act { _ = $0.rename(to: "\(name)-\(world.random.number(0...9))", into: &$1) }
        case 71..<74: session?.act { _ = $0.requestHistory(before: $0.seq, limit: 50, into: &$1) }
        case 74..<78: page()
        case 78..<80: session?.act { _ = $0.search("w\(world.random.number(0...9))", limit: 20, into: &$1) }
        case 80..<86:
            isDeafUntil = world.now + world.random.time(mean: 20_000_000_000)
            link?.isHindered = true
        case 86..<94: drop()
        default: leave()
        }
    }

    // MARK: Requests

    /// A text that begins with a word which stands nowhere else.
    private func text(length: Int) -> String {
        let alphabet = ["a", "b", "é", "漢", "🙂", " ", "\"", "\\", "\n"]
        return world.judge.newWord(person: index)
            + (0..<length - 1).map { _ in world.random.pick(alphabet) }.joined() + "."
    }

    private func say(length: Int) {
        let reply =
            world.plan.hasChanges && world.random.happens(0.1) ? known.randomElement(using: &world.random)?.seq : nil
        ask(.message(text: text(length: length), reply: reply))
    }

    /// Does something to a message: mostly to one of its own.
    private func change() {
        guard world.plan.hasChanges else { return say(length: 20) }
        let kind = world.random.number(0...9)
        let own = known.filter(\.isOwn)
        let targets = kind < 6 && !own.isEmpty && world.random.happens(0.9) ? own : known
        guard let target = targets.randomElement(using: &world.random)?.seq else { return say(length: 5) }
        switch kind {
        case 0..<3: ask(.edit(target: target, text: text(length: world.random.number(1...60))))
        case 3..<6: ask(.delete(target: target))
        default:
            // Some give the same once more.
            let again = world.random.happens(0.3) ? lastReaction : nil
            let reaction = again ?? (target, world.random.pick(["👍", "🎉", "❤️", "👩‍🚀"]))
            lastReaction = reaction
            ask(.react(target: reaction.target, emoji: reaction.emoji, isOn: world.random.happens(0.7)))
        }
    }

    private func moderate() {
        let others = (session?.client.people.names ?? []).filter { $0 != session?.client.username }.sorted()
        let all = [
            "kick", "ban", "ban", "unban", "mute", "mute", "unmute", "slow", "topic", "topic", "purge", "lock",
            "invite", "unlock", "host", "unhost",
        ]
        let doors = ["lock", "lock", "invite", "invite", "invite", "unlock", "host", "host", "unhost", "kick"]
        let action = world.random.pick(world.plan.emphasis == .doors ? doors : all)
        var request = ModerationRequest(action)
        switch action {
        case "slow": request.seconds = UInt64(world.random.number(0...1))
        case "topic": request.text = "topic \(world.random.number(0...2))"
        case "lock", "invite", "unlock": break
        default:
            guard let other = others.randomElement(using: &world.random) else { return }
            let user = session?.client.people.users[other]
            request.person = user.flatMap { world.random.happens(0.5) ? .user($0) : nil } ?? .username(other)
            if action == "ban" || action == "mute" || action == "purge" {
                request.minutes = UInt64(world.random.number(1...2))
            }
        }
        // What changes nothing has no receipt.
        if action == "invite" { session?.act { _ = $0.query(request, into: &$1) } } else { ask(.moderate(request)) }
    }

    private func ask(_ request: ChatRequest) {
        guard session?.request(request, now: now) == true, let id = session?.client.outgoing.last?.id else { return }
        own.insert(id)
        world.judge.asks(id, request, room: room, person: index)
        lastAsked = (id, request, session?.client.session, false)
    }

    /// Asks for the newest thing once more, as someone does who has not looked at what came back: the shipped client finds its own
    /// event in the welcome after nearly every loss, and would never try it.
    private func askAgain() {
        guard let last = lastAsked, let client = session?.client, client.isSettled, last.isHeard,
            client.session == last.session || !world.plan.options.isEphemeral, !world.judge.mayHaveLostEvents
        else { return }
        send(ClientMessage.request(last.request, id: last.id))
    }

    /// Asks for a page as the shipped client does not: by a name, or forwards.
    private func page() {
        guard let seq = session?.client.seq, seq > 0 else { return }
        let from = UInt64(world.random.number(0...Int(min(seq, 200))))
        let direction = world.random.pick(["before", "after"])
        let limit = world.random.number(1...60)
        send(
            Array(
                #"{"type":"history","\#(direction)":\#(seq - from),"limit":\#(limit),"ref":"p\#(world.now)"}"#.utf8))
    }

    private func send(_ text: [UInt8]) {
        guard let link, session?.client.phase == .joined else { return }
        var frame: [UInt8] = []
        Frame.appendMasked(
            to: &frame, opcode: .text, payload: text.span, key: UInt32(truncatingIfNeeded: roll()))
        world.network.send(link, frame)
    }

    // MARK: Answers

    func note(_ event: ClientEvent) {
        switch event {
        case .joined(let welcome, _):
            isHost = welcome.role != nil
            if let exile, exile.room == room { world.reach(.banLapsed) }
            exile = nil
        case .event(let event, _): note(event)
        case .requestDone(let request):
            if request.id == lastAsked?.id { lastAsked?.isHeard = true }
            if case .message = request.request, !world.plan.options.isEphemeral,
                !world.judge.lostMessages.contains(request.id)
            {
                world.judge.toldDone[request.id] = room
            }
        case .joinRefused(let error): notLetIn(error)
        case .putOut: nextDeed = world.now + world.random.time(mean: isCalm ? 1_000_000_000 : 20_000_000_000)
        case .invite(let invite):
            world.invitations[room, default: []].append(invite)
            session?.act { client, _ in client.credentials.invite = invite }
        case .noChat: world.judge.fail("guest \(index) took the server for no chat")
        case .takenOver: world.judge.fail("guest \(index) was taken over, by nobody")
        case .requestDelayed(_, let error):
            // There is not so much time to say it all.
            guard isCalm, error.code == "slow_mode" else { break }
            for request in session?.client.outgoing ?? [] {
                session?.act { $0.drop(request.id, now: now, into: &$1) }
            }
        case .requestRefused(let request, let error):
            world.judge.refused(request, error, person: index)
            session?.act { $0.drop(request.id, now: now, into: &$1) }
        default: break
        }
    }

    private func note(_ event: ChatEvent) {
        if let id = event.requestID, own.contains(id) {
            if id == lastAsked?.id { lastAsked?.isHeard = true }
            world.judge.acknowledge(id, room: room, seq: event.seq)
        }
        let isOwn = event.user != nil && event.user == session?.client.user
        switch event.kind {
        case .message:
            known.append((event.seq, isOwn))
            if known.count > 30 { known.removeFirst() }
            if isOwn { isHost = event.role != nil }
        case .moderation(let moderation, _) where moderation.toUser == session?.client.user:
            if moderation.action == "host" { isHost = true }
            if moderation.action == "unhost" { isHost = false }
        default: break
        }
    }

    /// It goes somewhere else, or waits for the end of its ban.
    private func notLetIn(_ error: ServerError) {
        world.trace("guest \(index) was refused: \(error.code)")
        switch error.code {
        case "banned":
            world.judge.keptOut(index, room, until: error.until)
            let wait = ((error.until ?? .max / 2_000_000) - world.wall) * 1_000_000
            let patience: Int64 = isCalm ? 60_000_000_000 : 150_000_000_000 * world.plan.pace
            guard wait < patience, isCalm || world.random.happens(0.7) else { return goElsewhere() }
            exile = error.until.map { (room, $0) }
            retire(for: max(0, wait) + world.random.time(mean: 1_000_000_000))
        case "invite_required":
            let invite = world.invitations[room]?.last
            world.reach(.keptOutByLock)
            guard invite != session?.client.credentials.invite else { return goElsewhere() }
            session?.act { client, _ in client.credentials.invite = invite }
            nextDeed = world.now + 1_000_000_000
        default:
            // Its own ghost may have the name: the client tries again by itself, or the person does.
            if session?.client.phase == .out { nextDeed = world.now + 3_000_000_000 }
        }
    }

    private func goElsewhere() {
        exile = nil
        retire(for: world.random.time(mean: 5_000_000_000))
    }

    /// Tries once more after it was not let in, or was put out.
    func comeBack() {
        if session?.client.phase == .out {
            session?.act { $0.join(as: name, now: now, into: &$1) }
        } else {
            session?.act { $0.start(now: now, into: &$1) }
        }
    }
}
