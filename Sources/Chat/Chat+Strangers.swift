import Bytes

/// Strangers, two by two: those who wait for somebody are brought together in a room of their own.
extension Chat {
    /// Somebody wants to meet a stranger.
    mutating func seekStranger(
        _ command: Command, _ range: Range<Int>, _ id: ConnectionID, _ inputs: borrowing TickInputs
    ) throws(Refusal) {
        let slot = Int(id.slot)
        let key = try key(command, inputs.bytes.span.extracting(range))
        let given = try credentials(command, inputs.bytes.span.extracting(range)).password
        guard !peers[slot].waitsForStranger else { throw Refusal(.alreadyJoined, "You are waiting already.") }
        let (user, address) = (secret.user(ofKey: key.span), peers[slot].address)
        try judge(password: given, from: address)
        if let ban = ban(ofStranger: user, at: address) { throw .banned(ban) }
        let wait = pairingRates.take(for: address, of: limits.pairings, now: moment.now)
        guard wait == 0 else { throw .tooFast(wait) }
        peers[slot].user = user
        peers[slot].waitsForStranger = true
        strangers.add(id, user)
    }

    /// The ban of an operator's that keeps a user from waiting here.
    private func ban(ofStranger user: UserID, at address: UInt64) -> Sanction? {
        guard !facts.operators.contains(user) else { return nil }
        if let ban = facts.bans[user]?.sanction, ban.holds(at: moment.time) { return ban }
        let ban = facts.addressBans.last { $0.keepsOut(user, at: address, time: moment.time) }
        return ban.map { Sanction(until: $0.until) }
    }

    /// An operator has decided something: those who wait and may not any more are put out.
    mutating func putOutBannedStrangers(into output: inout TickOutput) {
        for waiter in strangers.waiting where isHeard(waiter.id) {
            guard let ban = facts.bans[waiter.user]?.sanction, ban.holds(at: moment.time) else { continue }
            end(waiter.id, .putOut, into: &output)
        }
    }

    /// Brings those together who wait, and tells the others that they do.
    mutating func bringStrangersTogether(into output: inout TickOutput) {
        guard strangers.hasNews else { return }
        // A local copy, since its closure reads the chat.
        var strangers = Strangers()
        swap(&strangers, &self.strangers)
        let new = strangers.takeNews { waits($0) }
        let count = strangers.count
        for waiter in new {
            output.waiting.append(waiter.id)
            tell(waiter.id, into: &output) { text in
                text.append("{\"type\":\"waiting\",\"count\":")
                text.append(decimal: UInt64(count))
            }
        }
        for (one, other) in strangers.takePairs() { bringTogether(one, other, into: &output) }
        swap(&strangers, &self.strangers)
    }

    private func waits(_ waiter: Strangers.Waiter) -> Bool {
        isHeard(waiter.id) && peers[Int(waiter.id.slot)].waitsForStranger
    }

    private mutating func bringTogether(
        _ one: Strangers.Waiter, _ other: Strangers.Waiter, into output: inout TickOutput
    ) {
        let drawn = peers[Int(other.id.slot)].newSecret
        nonces += 2
        let name = RoomName.ofPair(secret.nonce(from: drawn, nonces - 1))
        let invitation = secret.invitation(to: name, nonce: secret.nonce(from: drawn, nonces))
        let pair = Pair(one.user, other.user, invitation: CodeHash.of(invitation.span))
        let room = intern(name)
        work.append(Work(room: room, input: .paired(pair)))
        for waiter in [one, other] {
            tell(waiter.id, into: &output) { text in
                text.append("{\"type\":\"paired\",\"room\":\"")
                text.append(contentsOf: name.utf8)
                text.append("\",\"invite\":\"")
                text.append(contentsOf: invitation)
                text.append("\"")
            }
            end(waiter.id, .paired, into: &output)
        }
    }

    /// Tells a connection that has come to no room something; such texts are never compressed.
    private func tell(_ id: ConnectionID, into output: inout TickOutput, _ body: (inout [UInt8]) -> Void) {
        let start = output.bytes.count
        body(&output.bytes)
        output.answers.append((id, start..<output.bytes.count))
    }
}
