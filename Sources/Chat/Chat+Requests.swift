import Bytes

/// Clients' requests: their form, their haste, and what rooms may know of them.
extension Chat {
    /// Makes a client's message an input of its room.
    ///
    /// - Parameter text: its place in the inputs' bytes.
    mutating func request(
        _ text: Range<Int>, from id: ConnectionID, fetched: FetchedEvents? = nil, isRead: Bool = false,
        _ inputs: inout TickInputs, into output: inout TickOutput
    ) {
        guard let command = Command(inputs.bytes.span.extracting(text)) else {
            return refuse(id, .badJSON, of: inputs, into: &output)
        }
        guard command.type.kind == .string else {
            let reference = reference(command, text, &inputs)
            return refuse(
                id, Refusal(.badField, "The field type must be a string."), of: inputs, reference, into: &output)
        }
        guard let type = CommandType(command.type, of: inputs.bytes.span.extracting(text)) else {
            let reference = reference(command, text, &inputs)
            return refuse(
                id, Refusal(.unknownType, "There is no message of this type."), of: inputs, reference, into: &output)
        }
        do throws(Refusal) {
            switch type {
            case .join where peers[Int(id.slot)].seeksStranger: try seekStranger(command, text, id, inputs)
            case .join: try join(command, text, id, fetched: fetched, &inputs, into: &output)
            case .message: try say(command, text, id, isRead: isRead, &inputs, into: &output)
            case .edit, .delete, .react: try change(type, command, text, id, isRead: isRead, &inputs, into: &output)
            case .search: try search(command, text, id, &inputs)
            case .typing: try showTyping(id)
            case .rename: try rename(command, text, id, inputs)
            case .history: try page(command, text, id, &inputs)
            case .moderate: try moderate(command, text, id, &inputs)
            case .watch: try watch(command, text, id, inputs, into: &output)
            case .pace: try pace(command, text, id, inputs, into: &output)
            }
        } catch {
            let reference = reference(command, text, &inputs)
            refuse(id, error, of: inputs, reference, into: &output)
        }
    }

    /// The room to whose address a connection has come.
    private func room(of id: ConnectionID) throws(Refusal) -> UInt32 {
        guard let room = peers[Int(id.slot)].room else { throw .notJoined }
        return room
    }

    /// The same for requests that only a member can make. A connection whose join is in this tick may become one, so the room
    /// decides. Any other is refused here, before its rate is looked at.
    ///
    /// - Returns: the member, too, where it is one already.
    func roomInside(_ id: ConnectionID) throws(Refusal) -> (room: UInt32, member: UInt64?) {
        let room = try room(of: id)
        if let member = rooms[Int(room)].member(of: id) { return (room, member) }
        if peers[Int(id.slot)].isJoining { return (room, nil) }
        let place = peers[Int(id.slot)].joinPlace
        guard place < work.count, case .join(id, _) = work[place].input else { throw .notJoined }
        return (room, nil)
    }

    /// Has the room judge a request before its rate is charged. The room asks again when it decides: more may have happened
    /// until then. One whose join is in this tick is judged only there, and so is a request that was made before.
    mutating func judge(
        _ deed: Deed, _ id: ConnectionID, _ room: UInt32, _ requestID: Range<Int>, _ inputs: borrowing TickInputs
    ) throws(Refusal) {
        let request = inputs.bytes.span.extracting(requestID)
        if let refusal = rooms[Int(room)].refusal(of: deed, by: id, unless: request, time: moment.time) {
            throw refusal
        }
    }

    // MARK: Joining

    private mutating func join(
        _ command: Command, _ range: Range<Int>, _ id: ConnectionID, fetched: FetchedEvents?,
        _ inputs: inout TickInputs, into output: inout TickOutput
    ) throws(Refusal) {
        let slot = Int(id.slot)
        guard let room = peers[slot].room else {
            throw noRoom
        }
        let (username, since, claimed, key) = try joinFields(command, inputs.bytes.span.extracting(range))
        let (given, invitation, code) = try credentials(command, inputs.bytes.span.extracting(range))
        if rooms[Int(room)].member(of: id) == nil { try judge(password: given, from: peers[slot].address) }
        if let code, !key.isEmpty {
            if waitForLink(id, range, &inputs, into: &output) { return }
            offer(code, by: secret.user(ofKey: key.span), in: room)
        }
        guard load(room, for: id, range, &inputs, into: &output) else { return }
        let session = claimed.map { SessionHash.of($0) }
        if let since, fetched == nil, rooms[Int(room)].needsDisk(since: since) {
            guard wait(id, range, &inputs, into: &output) else { return }
            // Whoever comes back in time is in time, however long the disk takes.
            if let session { work.append(Work(room: room, input: .returning(session: session))) }
            return read(.since(since, limit: Limits.welcomeEvents), .rejoin, room, for: id, into: &output)
        }
        let newSession = SessionHash.of(peers[slot].newSecret)
        let user = key.isEmpty ? secret.user(ofSession: newSession) : secret.user(ofKey: key.span)
        // Whoever is in already is who it was when it came in.
        if rooms[Int(room)].member(of: id) == nil {
            peers[slot].user = user
            if let claimed { peers[slot].claim(claimed) }
        }
        var join = Join(
            username: username, user: user, isKeyed: !key.isEmpty, session: session, newSession: newSession,
            since: since,
            fetched: fetched)
        join.invitation = invitation
        (join.address, join.isOwnAddress) = (peers[slot].address, peers[slot].isOwnAddress)
        peers[slot].joinPlace = work.count
        work.append(Work(room: room, input: .join(id, join)))
    }

    /// What a join asks for; the key is empty where there is none.
    private func joinFields(
        _ command: Command, _ text: Span<UInt8>
    ) throws(Refusal) -> (username: Username, since: UInt64?, claimed: UInt128?, key: [UInt8]) {
        try check(command.username.kind == .string, "The field username must be a string.")
        try check(command.session.isMissing || command.session.kind == .string, "The field session must be a string.")
        let since = JSONScanner.whole(text, command.since)
        try check(command.since.isMissing || since != nil, "The field since must be a whole number, 0 or more.")
        let key = command.key.isMissing ? [] : try key(command, text)
        let claimed =
            command.session.kind == .string ? UInt128(hexadecimal: text.extracting(command.session.range)) : nil
        return (try username(command, text), since, claimed, key)
    }

    func key(_ command: Command, _ text: Span<UInt8>) throws(Refusal) -> [UInt8] {
        let hasKey = command.key.kind == .string && command.key.hasScalars(Limits.keyScalars, in: text)
        try check(hasKey, "The field key must be a string of 16 to 128 characters.")
        var key: [UInt8] = []
        key.append(unescaping: command.key, of: text)
        return key
    }

    /// What a join brings to be let in: the password, and the digests of an invitation and of an operator's code.
    func credentials(
        _ command: Command, _ text: Span<UInt8>
    ) throws(Refusal) -> (password: String?, invitation: UInt128?, code: UInt128?) {
        func string(_ token: JSONToken, _ message: StaticString) throws(Refusal) -> String? {
            try check(token.isMissing || token.kind == .string, message)
            return token.kind == .string ? String(unescaping: token, of: text) : nil
        }
        let password = try string(command.password, "The field password must be a string.")
        let invite = try string(command.invite, "The field invite must be a string.")
        let code = try string(command.operatorCode, "The field operator must be a string.")
        return (
            password, invite.map { CodeHash.of(Array($0.utf8).span) }, code.map { CodeHash.of(Array($0.utf8).span) }
        )
    }

    private func username(_ command: Command, _ text: Span<UInt8>) throws(Refusal) -> Username {
        try check(command.username.kind == .string, "The field username must be a string.")
        guard let username = Username(String(unescaping: command.username, of: text)) else { throw .usernameInvalid }
        guard !username.isReserved else { throw .usernameReserved }
        guard !isOfProgram(username) else { throw .usernameOfProgram }
        return username
    }

    // MARK: Inside

    private mutating func say(
        _ command: Command, _ range: Range<Int>, _ id: ConnectionID, isRead: Bool, _ inputs: inout TickInputs,
        into output: inout TickOutput
    ) throws(Refusal) {
        let messageID = try reference(
            command.id, "The field id must be a string of 1 to 64 characters.", range, &inputs)
        let text = try judgedText(command.text, range, &inputs)
        let reply = try seq(command.reply, "The field reply must be the seq of a message.", range, inputs)
        let room = try roomInside(id).room
        if let reply, !isRead, read(message: reply, of: room, for: id, range, &inputs, into: &output) { return }
        try judge(.message, id, room, messageID, inputs)
        try chargeMessage(of: id, in: room, bytes: text.count)
        work.append(Work(room: room, input: .message(id, text: text, id: messageID, reply: reply)))
    }

    /// Counts what everyone in the room is sent.
    ///
    /// - Parameter bytes: of text.
    mutating func chargeMessage(of id: ConnectionID, in room: UInt32, bytes: Int = 0) throws(Refusal) {
        let (user, address) = (peers[Int(id.slot)].user, peers[Int(id.slot)].address)
        try takeTurn(of: user, from: address, in: room, bytes: bytes)
    }

    /// A message counts for who says it, and for the address that it comes from.
    mutating func takeTurn(
        of user: UserID, from address: UInt64, in room: UInt32, bytes: Int
    ) throws(Refusal) {
        let wait = userRates.take(for: user, of: limits.messages, now: moment.now)
        guard wait == 0 else { throw .tooFast(wait) }
        let longWait = addressRates.take(for: address, of: limits.messagesFromAddress, now: moment.now)
        guard longWait == 0 else {
            userRates.giveBack(for: user, of: limits.messages)
            throw .tooFast(longWait)
        }
        try allow(bytes, in: room, from: address)
    }

    /// Judges a message's text.
    ///
    /// - Returns: where it stands as a JSON string, as the server writes it.
    func judgedText(
        _ token: JSONToken, _ range: Range<Int>, _ inputs: inout TickInputs
    ) throws(Refusal) -> Range<Int> {
        try check(token.kind == .string, "The field text must be a string.")
        let place = quoted(token, range, &inputs)
        let verdict: MessageText.Verdict
        if token.isPlain {
            verdict = MessageText.judge(
                inputs.bytes.span.extracting(place.lowerBound + 1..<place.upperBound - 1), isASCII: token.isASCII)
        } else {
            var plain: [UInt8] = []
            plain.append(unescaping: token, of: inputs.bytes.span.extracting(range))
            verdict = MessageText.judge(plain.span, isASCII: false)
        }
        switch verdict {
        case .fine: return place
        case .empty: throw Refusal(.textEmpty, "The text is empty.")
        case .tooLong: throw Refusal(.textTooLong, "The text is longer than 4000 characters.")
        case .controlCharacter: throw Refusal(.badField, "The text has a control character in it.")
        }
    }

    private mutating func showTyping(_ id: ConnectionID) throws(Refusal) {
        let room = try roomInside(id).room
        try judge(.typing, id, room, 0..<0, TickInputs())
        let wait = peers[Int(id.slot)].typing.take(of: limits.typing, now: moment.now)
        guard wait == 0 else { throw .tooFast(wait) }
        work.append(Work(room: room, input: .typing(id)))
    }

    private mutating func rename(
        _ command: Command, _ range: Range<Int>, _ id: ConnectionID, _ inputs: TickInputs
    ) throws(Refusal) {
        let username = try username(command, inputs.bytes.span.extracting(range))
        let (room, member) = try roomInside(id)
        try judge(.rename, id, room, 0..<0, inputs)
        // Only if it can be had: names are tried until one is free.
        if !rooms[Int(room)].isTaken(username, exceptBy: member) {
            let wait = peers[Int(id.slot)].renames.take(of: limits.renames, now: moment.now)
            guard wait == 0 else { throw .tooFast(wait) }
        }
        work.append(Work(room: room, input: .rename(id, username)))
    }

    private mutating func page(
        _ command: Command, _ range: Range<Int>, _ id: ConnectionID, _ inputs: inout TickInputs
    ) throws(Refusal) {
        let before = JSONScanner.whole(inputs.bytes.span.extracting(range), command.before)
        let after = JSONScanner.whole(inputs.bytes.span.extracting(range), command.after)
        let isOne = command.before.isMissing != command.after.isMissing
        try check(isOne && (before != nil || after != nil), "One of the fields before and after must be a seq.")
        let limit = JSONScanner.whole(inputs.bytes.span.extracting(range), command.limit)
        guard let limit, Limits.historyLimit.contains(limit) else {
            throw Refusal(.badField, "The field limit must be a whole number from 1 to 200.")
        }
        let ref = try reference(command.ref, "The field ref must be a string of 1 to 64 characters.", range, &inputs)
        let room = try roomInside(id).room
        let wait = peers[Int(id.slot)].history.take(of: limits.history, now: moment.now)
        guard wait == 0 else { throw .tooFast(wait) }
        let direction: PageRequest.Direction = before.map { .before($0) } ?? .after(after ?? 0)
        let page = PageRequest(direction: direction, limit: Int(limit), ref: ref)
        work.append(Work(room: room, input: .page(id, page)))
    }

    // MARK: Fields

    /// A seq that may be missing.
    func seq(
        _ token: JSONToken, _ message: StaticString, _ range: Range<Int>, _ inputs: TickInputs
    ) throws(Refusal) -> UInt64? {
        if token.isMissing { return nil }
        guard let seq = JSONScanner.whole(inputs.bytes.span.extracting(range), token) else {
            throw Refusal(.badField, message)
        }
        return seq
    }

    func check(_ holds: Bool, _ message: StaticString) throws(Refusal) {
        if !holds { throw Refusal(.badField, message) }
    }

    /// Where a JSON string of a client's message stands as the server writes it: with its quotation marks, and with no escape
    /// that need not be.
    func quoted(_ token: JSONToken, _ range: Range<Int>, _ inputs: inout TickInputs) -> Range<Int> {
        let start = range.lowerBound
        if token.isPlain {
            return start + token.quotedRange.lowerBound..<start + token.quotedRange.upperBound
        }
        var plain: [UInt8] = []
        plain.append(unescaping: token, of: inputs.bytes.span.extracting(range))
        let end = inputs.bytes.count
        inputs.bytes.append(quoting: plain.span)
        return end..<inputs.bytes.count
    }

    /// Where a client's own name for its request stands; empty where it has none.
    func reference(
        _ token: JSONToken, _ message: StaticString, _ range: Range<Int>, _ inputs: inout TickInputs
    ) throws(Refusal) -> Range<Int> {
        if token.isMissing { return 0..<0 }
        guard token.kind == .string, token.hasScalars(Limits.idScalars, in: inputs.bytes.span.extracting(range)) else {
            throw Refusal(.badField, message)
        }
        return quoted(token, range, &inputs)
    }

    /// What a client calls a request that is refused, if it is a valid name.
    func reference(_ command: Command, _ range: Range<Int>, _ inputs: inout TickInputs) -> Reference? {
        for (token, name) in [(command.id, Reference.Name.id), (command.ref, .ref)] {
            if let place = try? reference(token, "", range, &inputs), !place.isEmpty {
                return Reference(name: name, range: place)
            }
        }
        return nil
    }
}
