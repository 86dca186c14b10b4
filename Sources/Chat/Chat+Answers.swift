import Bytes

/// Answers to one connection come in the order in which it asked: an answer that is
/// ready waits behind an earlier one that has to come from the disk.
extension Chat {
    /// Puts a room's answers of this tick into the order of their requests, and requests the disk reads that some of them need.
    mutating func sortAnswers(of index: UInt32, into output: inout TickOutput) {
        let room = Int(index)
        let first = rooms[room].firstNew
        guard rooms[room].pending[first...].contains(where: { !$0.isShared }) else { return }
        let entries = rooms[room].pending[first...]
        rooms[room].pending.removeLast(entries.count)
        for entry in entries {
            guard case .one(let id) = entry.audience else {
                rooms[room].pending.append(entry)
                if case .newcomer(let id) = entry.audience { noteUser(of: id, in: room) }
                continue
            }
            // Nobody is told anything after the end.
            guard isHere(id) else { continue }
            let waiting = peers[Int(id.slot)].answers
            switch entry.kind {
            case .awaits(let read): readFor(read, entry, id, index, into: &output)
            case .answer where peers[Int(id.slot)].request != nil:
                respond(id, .ok, entry, index)
            case .response(let outcome): respond(id, outcome, entry, index)
            case .answer(let request, let renewsJoin):
                if request != 0, let place = waiting.firstIndex(where: { $0.request == request }) {
                    peers[Int(id.slot)].answers[place].text = Array(rooms[room].texts[entry.range])
                    flush(id, entry, index)
                } else if waiting.isEmpty {
                    rooms[room].pending.append(entry)
                } else if waiting.count >= Limits.waitingAnswers {
                    end(id, .tooEager, into: &output)
                } else {
                    let text = Array(rooms[room].texts[entry.range])
                    peers[Int(id.slot)].answers.append(
                        WaitingAnswer(request: 0, text: text, renewsJoin: renewsJoin))
                }
            case .completed(let addition):
                if waiting.isEmpty {
                    rooms[room].pending.append(entry)
                } else if waiting.count >= Limits.waitingAnswers {
                    end(id, .tooEager, into: &output)
                } else {
                    let text = Array(rooms[room].texts[entry.range])
                    peers[Int(id.slot)].answers.append(WaitingAnswer(request: 0, text: text, addition: addition))
                }
            case .end(let ending):
                rooms[room].pending.append(entry)
                output.endings.append((id, ending))
                if ending.isDone { retire(id) } else { peers[Int(id.slot)].isEnding = true }
            case .event, .typing, .notice, .welcome: rooms[room].pending.append(entry)
            }
        }
    }

    /// The room says who a newcomer is: by its session perhaps somebody else than its secrets tell.
    private mutating func noteUser(of id: ConnectionID, in room: Int) {
        guard isHere(id), let member = rooms[room].inside[id], let user = rooms[room].members[member]?.user else {
            return
        }
        peers[Int(id.slot)].user = user
    }

    /// An HTTP request has its answer, and is over.
    private mutating func respond(_ id: ConnectionID, _ outcome: WebOutcome, _ entry: Entry, _ room: UInt32) {
        rooms[Int(room)].pending.append(
            Entry(kind: .response(outcome), audience: entry.audience, range: entry.range, number: entry.number))
        retire(id)
    }

    /// A long page counts as several requests.
    mutating func chargePage(_ byteCount: Int, to id: ConnectionID) {
        guard isHere(id) else { return }
        let count = byteCount / Limits.chargedPageBytes
        if peers[Int(id.slot)].request != nil {
            let address = peers[Int(id.slot)].address
            return readingRates.charge(count, for: address, of: limits.readingFromAddress, now: moment.now)
        }
        peers[Int(id.slot)].history.charge(count, of: limits.history, now: moment.now)
    }

    /// An answer has to come from the disk first.
    private mutating func readFor(
        _ wanted: DiskRead, _ entry: Entry, _ id: ConnectionID, _ room: UInt32, into output: inout TickOutput
    ) {
        guard peers[Int(id.slot)].answers.count < Limits.waitingAnswers else {
            return end(id, .tooEager, into: &output)
        }
        let name = Array(rooms[Int(room)].texts[entry.range])
        let purpose: PendingRead.Purpose
        switch wanted.want {
        case .messagesBefore(let seq, let limit): purpose = .page(.before(seq), limit: limit, ref: name)
        case .messagesAfter(let seq, let limit): purpose = .page(.after(seq), limit: limit, ref: name)
        case .event(let seq): purpose = .repeatEvent(seq: seq, id: name)
        case .search(let text, let before, let limit):
            purpose = .search(text, before: before, limit: limit, ref: name)
        case .load, .since: return assertionFailure("a room asks for what only the door asks for")
        }
        read(wanted.want, purpose, room, for: id, into: &output)
        peers[Int(id.slot)].answers.append(WaitingAnswer(request: lastRequest))
    }

    /// Hands on the answers that wait for nothing any more, in the place of an entry.
    private mutating func flush(_ id: ConnectionID, _ entry: Entry, _ room: UInt32) {
        while let next = peers[Int(id.slot)].answers.first, let text = next.text {
            peers[Int(id.slot)].answers.removeFirst()
            let start = rooms[Int(room)].texts.count
            rooms[Int(room)].texts.append(copying: text.span)
            let kind = next.addition.map { Entry.Kind.completed($0) }
            rooms[Int(room)].pending.append(
                Entry(
                    kind: kind ?? .answer(request: 0, renewsJoin: next.renewsJoin), audience: .one(id),
                    range: start..<rooms[Int(room)].texts.count, number: entry.number))
        }
    }
}
