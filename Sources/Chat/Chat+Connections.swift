import Bytes

/// Connections, and what comes in from them.
extension Chat {
    mutating func open(
        _ id: ConnectionID, room name: Span<UInt8>, secret: UInt128, address: UInt64, isOwnAddress: Bool
    ) {
        let room = isRoom(name) ? intern(String(utf8: name)) : nil
        place(
            Peer(
                id: id, phase: .connected, room: room, secret: secret, address: address, isOwnAddress: isOwnAddress))
    }

    /// Whether there can be a room of this name.
    func isRoom(_ name: Span<UInt8>) -> Bool {
        guard RoomName.isValid(name) else { return false }
        let named = limits.rules.namedRooms
        guard !named.isEmpty || limits.rules.pairsStrangers else { return true }
        let text = String(utf8: name)
        return named.isEmpty || named.contains(text) || limits.rules.isOfPair(text)
    }

    /// What is said where there is none.
    var noRoom: Refusal {
        limits.rules.namedRooms.isEmpty ? .roomInvalid : Refusal(.roomInvalid, "There is no such room here.")
    }

    /// Gives a peer the place of its connection, and counts it for its room.
    mutating func place(_ peer: Peer) {
        let slot = Int(peer.id.slot)
        while peers.count <= slot { peers.append(.nobody) }
        close(peers[slot].id, .lost)
        if let room = peer.room { rooms[Int(room)].visitors += 1 }
        peers[slot] = peer
    }

    /// Whether the identifier stands for a connection that counts.
    func isHere(_ id: ConnectionID) -> Bool {
        guard Int(id.slot) < peers.count, peers[Int(id.slot)].id == id else { return false }
        if case .gone = peers[Int(id.slot)].phase { return false }
        return true
    }

    /// Whether a connection's join waits for the disk, and all that it has said since.
    package func isWaiting(_ id: ConnectionID) -> Bool {
        guard isHere(id), case .waiting = peers[Int(id.slot)].phase else { return false }
        return true
    }

    /// The secret of the session that a connection has in its room, for its welcome.
    package func sessionSecret(of id: ConnectionID) -> UInt128 {
        let peer = peers[Int(id.slot)]
        guard let room = peer.room else { return peer.newSecret }
        return peer.claims.first { rooms[Int(room)].hasSession(SessionHash.of($0), id) } ?? peer.newSecret
    }

    /// A connection has ended.
    mutating func close(_ id: ConnectionID, _ departure: Departure) {
        guard isHere(id) else { return }
        retire(id)
        // A request that nobody waits for any more is none of its room's business.
        guard let room = peers[Int(id.slot)].room, peers[Int(id.slot)].request == nil else { return }
        work.append(Work(room: room, input: .closed(id, departure)))
    }

    /// The connection does not count any more.
    mutating func retire(_ id: ConnectionID) {
        let slot = Int(id.slot)
        peers[slot].phase = .gone
        if !peers[slot].answers.isEmpty { peers[slot].answers = [] }
        peers[slot].waitsForStranger = false
        setWatched([], id)
        _ = takeParked(id)
        if let room = peers[slot].room {
            release(id, in: room)
            rooms[Int(room)].visitors -= 1
            touch(room)
        }
    }

    /// Ends a connection from this side. It still gets what this tick has for it; when it is closed, the next tick is told.
    mutating func end(_ id: ConnectionID, _ ending: Ending, into output: inout TickOutput) {
        guard isHere(id), !peers[Int(id.slot)].isEnding else { return }
        peers[Int(id.slot)].isEnding = true
        output.endings.append((id, ending))
    }

    /// Whether requests of a connection are still taken.
    func isHeard(_ id: ConnectionID) -> Bool { isHere(id) && !peers[Int(id.slot)].isEnding }

    /// Whether a connection has asked to come in, and waits for the disk or the other nodes.
    package func isJoinUnderWay(_ id: ConnectionID) -> Bool {
        isWaiting(id) || isHere(id) && peers[Int(id.slot)].isJoining
    }

    // MARK: What they say

    mutating func receive(
        _ text: Range<Int>, from id: ConnectionID, _ inputs: inout TickInputs, into output: inout TickOutput
    ) {
        guard isHeard(id) else { return }
        let slot = Int(id.slot)
        let wait = peers[slot].bytes.take(text.count, of: limits.bytes, now: moment.now)
        if wait > 0 {
            refuseAsTooFast(id, wait, text, &inputs, into: &output)
        } else if case .waiting = peers[slot].phase {
            _ = park(text, of: id, &inputs, into: &output)
        } else {
            request(text, from: id, &inputs, into: &output)
        }
    }

    /// Refuses a text that was not read. Its `id` is still told, so that the client knows which message to say again.
    mutating func refuseAsTooFast(
        _ id: ConnectionID, _ wait: Int64, _ text: Range<Int>, _ inputs: inout TickInputs,
        into output: inout TickOutput
    ) {
        var reference: Reference?
        if let command = Command(inputs.bytes.span.extracting(text)) {
            reference = self.reference(command, text, &inputs)
        }
        refuse(id, .tooFast(wait), of: inputs, reference, into: &output)
    }

    /// Tells a connection that a request is refused, in its turn.
    mutating func refuse(
        _ id: ConnectionID, _ refusal: Refusal, of inputs: TickInputs, _ reference: Reference? = nil,
        into output: inout TickOutput
    ) {
        if let room = peers[Int(id.slot)].room {
            work.append(Work(room: room, input: .refused(id, refusal, reference: reference)))
        } else {
            let start = output.bytes.count
            output.bytes.append(error: refusal, reference, inputs.bytes.span)
            output.answers.append((id, start..<output.bytes.count))
        }
        countRefusal(of: id, refusal.code, into: &output)
    }

    /// A request was refused. A connection that gets errors without end is ended.
    mutating func countRefusal(of id: ConnectionID, _ code: ErrorCode, into output: inout TickOutput) {
        counters.refusals[code, default: 0] += 1
        guard isHere(id) else { return }
        let weight = code == .rateLimited ? Limits.hasteWeight : Limits.errorWeight
        if peers[Int(id.slot)].errors.take(weight, of: limits.errors, now: moment.now) > 0 {
            end(id, .tooManyErrors, into: &output)
        }
    }
}
