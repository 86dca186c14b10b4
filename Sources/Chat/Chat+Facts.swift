import Bytes

/// What the server as a whole decides: who its operators are, and whom they have banned.
extension Chat {
    /// Takes in what was kept; before the first tick.
    package mutating func begin(with facts: ServerFacts) {
        self.facts = facts
        hasFactsToTell = !facts.isEmpty
    }

    /// Takes in what all nodes have come to.
    package mutating func take(_ facts: ServerFacts) {
        self.facts = facts
        hasFactsToTell = true
    }

    /// What is to be kept, if it has changed since it was asked for last.
    package mutating func takeFacts() -> ServerFacts? {
        guard hasFactsToKeep else { return nil }
        hasFactsToKeep = false
        return facts
    }

    /// They could not be kept: it is tried again.
    package mutating func keepFactsLater() { hasFactsToKeep = true }

    /// Whether anybody is an operator.
    package var hasOperators: Bool { !facts.operators.isEmpty }

    private mutating func changeFacts(_ change: (inout ServerFacts) -> Void) {
        let before = facts
        change(&facts)
        guard facts != before else { return }
        hasFactsToTell = true
        hasFactsToKeep = true
    }

    /// An operator has decided something in a room.
    mutating func take(_ change: ServerChange) {
        var known: [UInt64: [UserID]] = [:]
        if case .ban(_, _, let addresses) = change {
            for address in addresses { known[address] = users(seenAt: address) }
        }
        let time = moment.time
        changeFacts { $0.take(change, time: time) { address in known[address] ?? [] } }
    }

    /// The users seen at an address in any room. (Read in place: a loop over the rooms would copy them.)
    private func users(seenAt address: UInt64) -> [UserID] {
        var users: [UserID] = []
        for room in rooms.indices {
            for place in rooms[room].people.elements.indices {
                guard rooms[room].people.elements[place]?.addresses.contains(address) == true,
                    let user = rooms[room].people.elements[place]?.user
                else { continue }
                users.append(user)
            }
        }
        return users
    }

    /// Tells all rooms in memory what has changed.
    mutating func tellFacts() {
        guard hasFactsToTell else { return }
        hasFactsToTell = false
        for index in rooms.indices { tellFacts(to: UInt32(truncatingIfNeeded: index)) }
    }

    /// Whether a room is in memory.
    private func isReady(_ index: UInt32) -> Bool {
        if case .ready = rooms[Int(index)].phase { !rooms[Int(index)].name.isEmpty } else { false }
    }

    /// Tells one room, if it is in memory.
    mutating func tellFacts(to index: UInt32) {
        guard isReady(index) else { return }
        // All nodes tell the rooms that they share.
        if rooms[Int(index)].rules.isShared, rooms[Int(index)].server == facts { return }
        work.append(Work(room: index, input: .server(facts)))
    }

    // MARK: Becoming an operator

    /// Has a join wait until its code can be compared with the link that there is.
    ///
    /// - Returns: whether it waits.
    mutating func waitForLink(
        _ id: ConnectionID, _ join: Range<Int>, _ inputs: inout TickInputs, into output: inout TickOutput
    ) -> Bool {
        guard !peers[Int(id.slot)].hasOfferedCode else { return false }
        if wait(id, join, &inputs, into: &output) {
            waitingForLink.append(id)
            output.wantsOperatorLink = true
        }
        return true
    }

    /// The link is there, or there is none: the joins that wait for it go on.
    mutating func take(_ link: OperatorLink?, _ inputs: inout TickInputs, into output: inout TickOutput) {
        operatorLink = link
        if link?.endsOthers == true {
            changeFacts { $0.operators = [] }
            output.operatorLinkUse = .endedOthers
        }
        let waiting = waitingForLink
        waitingForLink = []
        for id in waiting where isHere(id) {
            peers[Int(id.slot)].hasOfferedCode = true
            resume(id, &inputs, into: &output)
        }
        if operatorLink == nil, link != nil { output.operatorLinkUse = .opened }
        operatorLink = nil
    }

    /// Makes the user of a join an operator, if its code is that of the link.
    mutating func offer(_ code: UInt128, by user: UserID, in room: UInt32) {
        guard let link = operatorLink, link.code == code, moment.time < link.until else { return }
        operatorLink = nil
        changeFacts {
            $0.operators.insert(user)
            $0.bans[user] = nil
        }
        tellFacts(to: room)
    }

    // MARK: The password

    /// Judges the password that a join brings.
    ///
    /// - Parameter given: nil where it brings none.
    mutating func judge(password given: String?, from address: UInt64) throws(Refusal) {
        guard let password else { return }
        guard let given else { throw .passwordRequired }
        let digest = secret.password(given)
        // All of both, so that how long it takes tells nothing.
        var difference: UInt8 = 0
        for (one, other) in zip(digest, password) { difference |= one ^ other }
        guard difference != 0 || digest.count != password.count else { return }
        let wait = guessRates.take(for: address, of: Limits.guesses, now: moment.now)
        throw wait > 0 ? .tooFast(wait) : .passwordWrong
    }
}
