import Bytes

/// What hosts and operators ask for: its form, and its haste.
extension Chat {
    mutating func moderate(
        _ command: Command, _ range: Range<Int>, _ id: ConnectionID, _ inputs: inout TickInputs
    ) throws(Refusal) {
        var request = try moderation(command, range, &inputs)
        let (room, member) = try roomInside(id)
        let user = rooms[Int(room)].user(behind: id) ?? peers[Int(id.slot)].user
        if member != nil, !rooms[Int(room)].hasUsed(inputs.bytes.span.extracting(request.id), by: user),
            let refusal = rooms[Int(room)].refusal(
                of: .moderation, by: id, time: moment.time,
                target: { rooms[Int(room)].refusal(of: request, by: $0, $1) })
        {
            throw refusal
        }
        let wait = userRates.take(for: user, of: limits.messages, now: moment.now)
        guard wait == 0 else { throw .tooFast(wait) }
        try allow(request.text.count, in: room, from: peers[Int(id.slot)].address)
        if request.action == .lock {
            nonces += 1
            request.nonce = secret.nonce(from: peers[Int(id.slot)].newSecret, nonces)
            request.invitation = CodeHash.of(
                secret.invitation(to: rooms[Int(room)].name, nonce: request.nonce).span)
        }
        work.append(Work(room: room, input: .moderation(id, request)))
    }

    /// Reads the fields that an action takes.
    private func moderation(
        _ command: Command, _ range: Range<Int>, _ inputs: inout TickInputs
    ) throws(Refusal) -> Moderation {
        let text = Array(copying: inputs.bytes.span.extracting(range))
        guard command.action.kind == .string,
            let action = Moderation.Action(rawValue: String(unescaping: command.action, of: text.span))
        else { throw Refusal(.badField, "The field action must be one of the protocol's.") }
        var request = Moderation(action)
        request.id = try reference(
            command.id, "The field id must be a string of 1 to 64 characters.", range, &inputs)
        if action.takesPerson { request.person = try person(command, text.span) }
        switch action {
        case .ban, .mute: request.minutes = try minutes(command, text.span, Limits.sanctionMinutes)
        case .purge: request.minutes = try minutes(command, text.span, Limits.purgeMinutes)
        case .slow:
            guard let seconds = JSONScanner.whole(text.span, command.seconds), Limits.slowSeconds.contains(seconds)
            else { throw Refusal(.badField, "The field seconds must be a whole number from 0 to 3600.") }
            request.seconds = seconds
        case .topic:
            request.text = try shortText(
                command.text, "The field text must be a string of up to 300 characters.", range, &inputs)
        default: break
        }
        if action == .kick || action == .ban {
            request.text = try shortText(
                command.reason, "The field reason must be a string of up to 300 characters.", range, &inputs)
        }
        if action == .ban, !command.address.isMissing {
            try check(command.address.kind == .boolean, "The field address must be true or false.")
            request.coversAddresses = text[command.address.range.lowerBound] == UInt8(ascii: "t")
        }
        return request
    }

    private func person(_ command: Command, _ text: Span<UInt8>) throws(Refusal) -> Moderation.Person {
        try check(
            command.user.isMissing != command.username.isMissing, "One of the fields user and username must be there.")
        if command.user.isMissing {
            try check(command.username.kind == .string, "The field username must be a string.")
            // What can be nobody's name is the name of nobody.
            return .name(Username(String(unescaping: command.username, of: text)) ?? Username(kept: ""))
        }
        try check(command.user.kind == .string, "The field user must be a string.")
        var plain: [UInt8] = []
        plain.append(unescaping: command.user, of: text)
        guard let user = UserID(plain.span) else { throw Refusal(.badField, "The field user must be a user.") }
        return .user(user)
    }

    private func minutes(
        _ command: Command, _ text: Span<UInt8>, _ range: ClosedRange<UInt64>
    ) throws(Refusal) -> UInt64? {
        if command.minutes.isMissing { return nil }
        guard let minutes = JSONScanner.whole(text, command.minutes), range.contains(minutes) else {
            throw Refusal(.badField, "The field minutes is out of its range.")
        }
        return minutes
    }

    /// Judges a topic or a reason.
    ///
    /// - Returns: where it stands as a JSON string; empty where there is none.
    private func shortText(
        _ token: JSONToken, _ message: StaticString, _ range: Range<Int>, _ inputs: inout TickInputs
    ) throws(Refusal) -> Range<Int> {
        if token.isMissing { return 0..<0 }
        try check(token.kind == .string, message)
        var plain: [UInt8] = []
        plain.append(unescaping: token, of: inputs.bytes.span.extracting(range))
        if plain.isEmpty { return 0..<0 }
        switch MessageText.judge(plain.span, isASCII: false) {
        case .controlCharacter: throw Refusal(.badField, "The text has a control character in it.")
        case .tooLong: throw Refusal(.badField, message)
        case .empty: return 0..<0
        case .fine: break
        }
        let scalars = plain.count { $0 & 0xC0 != 0x80 }
        try check(Limits.topicScalars.contains(scalars), message)
        return quoted(token, range, &inputs)
    }
}
