import Bytes

/// Requests over HTTP: of programs that say something with a token, and of whoever reads without joining.
///
/// Such a request is a peer for as long as it takes, which is longer than a tick where its room has to be loaded, or an
/// answer comes from the disk.
extension Chat {
    mutating func ask(
        _ id: ConnectionID, _ request: WebRequest, _ inputs: inout TickInputs, into output: inout TickOutput
    ) {
        do throws(Refusal) {
            guard isRoom(inputs.bytes.span.extracting(request.room)) else { throw noRoom }
            // What two strangers say is for them alone.
            let isOfPair = limits.rules.isOfPair(String(utf8: inputs.bytes.span.extracting(request.room)))
            switch request.kind {
            case .post where isOfPair, .messages where isOfPair: throw noRoom
            case .post(let bot, let content):
                try judge(content, of: bot, request, id, &inputs, into: &output)
            case .messages(let before, let limit, let bot):
                try takeReading(from: request.address)
                begin(.page(before: before, limit: limit, bot), request, id, [], &inputs, into: &output)
            case .about:
                try takeReading(from: request.address)
                begin(.about, request, id, [], &inputs, into: &output)
            }
        } catch {
            respond(id, error, into: &output)
        }
    }

    /// Judges what a program says, as a member's message is judged.
    private mutating func judge(
        _ content: Range<Int>, of bot: Bot, _ request: WebRequest, _ id: ConnectionID, _ inputs: inout TickInputs,
        into output: inout TickOutput
    ) throws(Refusal) {
        guard let command = Command(inputs.bytes.span.extracting(content)) else { throw .badJSON }
        let messageID = try reference(
            command.id, "The field id must be a string of 1 to 64 characters.", content, &inputs)
        let reply = try seq(command.reply, "The field reply must be the seq of a message.", content, inputs)
        let text = try judgedText(command.text, content, &inputs)
        var said = Array(copying: inputs.bytes.span.extracting(text))
        said.append(copying: inputs.bytes.span.extracting(messageID))
        begin(.post(bot, textLength: text.count, reply: reply), request, id, said, &inputs, into: &output)
    }

    /// The programs that have a token now.
    package mutating func setPrograms(_ names: [Username]) {
        programNames = Set(names.flatMap { [$0.folded, $0.skeleton] })
    }

    /// Whether a name, or one that looks like it, belongs to a program.
    func isOfProgram(_ username: Username) -> Bool {
        programNames.contains(username.folded) || programNames.contains(username.skeleton)
    }

    /// Reading without joining has a rate of its own for each address.
    private mutating func takeReading(from address: UInt64) throws(Refusal) {
        let wait = readingRates.take(for: address, of: limits.readingFromAddress, now: moment.now)
        guard wait == 0 else { throw .tooFast(wait) }
    }

    /// Makes a peer of the request, and does what it asks now or when its room is loaded.
    private mutating func begin(
        _ asked: WaitingRequest, _ request: WebRequest, _ id: ConnectionID, _ said: [UInt8], _ inputs: inout TickInputs,
        into output: inout TickOutput
    ) {
        let room = intern(String(utf8: inputs.bytes.span.extracting(request.room)))
        place(Peer(id: id, phase: .connected, room: room, secret: 0, address: request.address))
        peers[Int(id.slot)].request = asked
        let range = inputs.append(said.span)
        guard load(room, for: id, range, &inputs, into: &output) else { return }
        answer(asked, range, of: id, in: room, isRead: false, &inputs, into: &output)
    }

    /// The room is there: hands it what was asked.
    ///
    /// - Parameter isRead: whether a message that is answered has been read, where only the disk knew it.
    private mutating func answer(
        _ asked: WaitingRequest, _ said: Range<Int>, of id: ConnectionID, in room: UInt32, isRead: Bool,
        _ inputs: inout TickInputs, into output: inout TickOutput
    ) {
        switch asked {
        case .post(let bot, let length, let reply):
            if let reply, !isRead, read(message: reply, of: room, for: id, said, &inputs, into: &output) { return }
            let (start, middle) = (said.lowerBound, said.lowerBound + length)
            let post = Post(bot: bot, text: start..<middle, id: middle..<said.upperBound, reply: reply)
            do throws(Refusal) {
                try judge(post, in: room, inputs)
                try takeTurn(of: bot.user, from: peers[Int(id.slot)].address, in: room, bytes: length)
            } catch {
                return respond(id, error, into: &output)
            }
            work.append(Work(room: room, input: .post(id, post)))
        case .page(let before, let limit, let bot):
            if let refusal = refusal(toRead: room, by: bot, from: peers[Int(id.slot)].address) {
                return respond(id, refusal, into: &output)
            }
            let page = PageRequest(direction: .before(before), limit: limit, ref: 0..<0, isByMember: false)
            work.append(Work(room: room, input: .page(id, page)))
        case .about:
            let start = output.bytes.count
            appendAbout(room, to: &output.bytes)
            output.responses.append((id, .ok, start..<output.bytes.count))
            retire(id)
        }
    }

    /// Has the room judge a post before its rate is charged, unless it was made before; see `judge` for members.
    private func judge(_ post: Post, in room: UInt32, _ inputs: borrowing TickInputs) throws(Refusal) {
        let user = post.bot.user
        guard let refusal = rooms[Int(room)].refusal(of: .message, byProgram: user, time: moment.time),
            !rooms[Int(room)].hasUsed(inputs.bytes.span.extracting(post.id), by: user)
        else { return }
        throw refusal
    }

    /// Why a room may not be read without joining; nil where it may.
    ///
    /// - Parameter bot: the program that asks, if it has brought its token.
    private func refusal(toRead room: UInt32, by bot: Bot?, from address: UInt64) -> Refusal? {
        if let bot { return rooms[Int(room)].ban(of: bot.user, time: moment.time).map { .banned($0) } }
        if let ban = rooms[Int(room)].addressBan(at: address, time: moment.time) { return .banned(ban) }
        if password != nil { return .passwordRequired }
        return rooms[Int(room)].settings.lock == nil ? nil : .inviteRequired
    }

    /// The wait of a request is over.
    ///
    /// - Parameter refusal: why it cannot be answered, if it cannot.
    mutating func resume(
        _ asked: WaitingRequest, of id: ConnectionID, isRead: Bool, refusal: Refusal?, _ inputs: inout TickInputs,
        into output: inout TickOutput
    ) {
        let said = takeParked(id).first ?? []
        if let refusal { return respond(id, refusal, into: &output) }
        guard let room = peers[Int(id.slot)].room else { return }
        let range = inputs.append(said.span)
        answer(asked, range, of: id, in: room, isRead: isRead, &inputs, into: &output)
    }

    /// Refuses a request without asking its room.
    mutating func respond(_ id: ConnectionID, _ refusal: Refusal, into output: inout TickOutput) {
        let start = output.bytes.count
        output.bytes.append(error: refusal, nil, Span())
        let outcome = WebOutcome.refused(refusal.code, retryAfter: refusal.retryAfter)
        output.responses.append((id, outcome, start..<output.bytes.count))
        counters.refusals[refusal.code, default: 0] += 1
        if isHere(id) { retire(id) }
    }

    /// What anyone may know of a room; never a name.
    private func appendAbout(_ room: UInt32, to bytes: inout [UInt8]) {
        let room = Int(room)
        let isLocked = rooms[room].settings.lock != nil || rooms[room].isOfPair
        bytes.append("{\"room\":\"")
        bytes.append(contentsOf: rooms[room].name.utf8)
        bytes.append(isLocked ? "\",\"locked\":true" : "\",\"locked\":false")
        bytes.append(password != nil ? ",\"password\":true" : ",\"password\":false")
        // What was said, and how many are here, is behind the door.
        guard !isLocked, password == nil else { return }
        bytes.append(",\"topic\":")
        let topic = rooms[room].settings.topic
        if topic.isEmpty { bytes.append("\"\"") } else { bytes.append(contentsOf: topic) }
        bytes.append(",\"userCount\":")
        bytes.append(decimal: UInt64(rooms[room].memberCount))
        bytes.append(",\"keepDays\":")
        if let days = limits.keepDays { bytes.append(decimal: days) } else { bytes.append("null") }
        bytes.append(",\"seq\":")
        bytes.append(decimal: rooms[room].seq)
    }
}
