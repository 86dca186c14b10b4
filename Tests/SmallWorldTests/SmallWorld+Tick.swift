import Bytes

@testable import Chat

/// The tick: what is on its way goes in, the log is written, and all that comes out is judged and heard in its order.
extension SmallWorld {
    mutating func tick(_ fate: Fate) {
        var inputs = TickInputs()
        inputs.moment = Moment(now: now, time: 1_700_000_000_000 + now)
        if fate == .unread { bounds.refusals -= 1 }
        judge.beginTick(now: now, mayFail: fate == .unread)
        disk.answer(&inputs, Self.limits.rules, fails: fate == .unread, flaw: flaw)
        if let folded { inputs.items.append(.folded(room: 0, folded)) }
        add(followUps + parcels, to: &inputs)
        (followUps, parcels, folded) = ([], [], nil)
        var output = TickOutput()
        chat.admit(&inputs, into: &output)
        let bytes = inputs.bytes
        let before = fate == .refused ? chat.rooms.first?.snapshot : nil
        chat.update(bytes.span, into: &output)
        let isRefused = fate == .refused && !output.written.isEmpty
        if isRefused {
            bounds.refusals -= 1
            judge.noteRefusal()
        } else if !output.written.isEmpty, let room = chat.rooms.first {
            disk.write(room)
        }
        let failed = isRefused && flaw != .hidesRefusals ? output.written : []
        chat.settle(failed: failed, ticket: nil, bytes.span, into: &output)
        if !failed.isEmpty, chat.rooms.first?.snapshot != before {
            judge.fail("what was refused has changed the room")
        }
        deliver(output, isHeard: fate != .killed)
        chat.endTick(output)
        guard fate == .killed else { return finish(output) }
        bounds.kills -= 1
        kill()
    }

    private mutating func add(_ parcels: [Parcel], to inputs: inout TickInputs) {
        for parcel in parcels {
            switch parcel {
            case .opened(let id, let secret):
                let room = inputs.append(Array(SmallDisk.room.utf8).span)
                inputs.items.append(.opened(id, room: room, secret: UInt128(secret), address: 1))
            case .text(let id, let text):
                inputs.items.append(.text(id, inputs.append(Array(text.utf8).span)))
            case .closed(let id, let departure):
                judge.closing[id] = departure
                inputs.items.append(.closed(id, departure))
            }
        }
    }

    private mutating func finish(_ output: TickOutput) {
        disk.reads += output.reads
        for id in judge.closing.keys { joins[id] = nil }
        if !chat.takeDropped().isEmpty, disk.lines.isEmpty { judge.forget() }
        if !output.erasures.isEmpty, let room = chat.rooms.first { folded = disk.fold(room) }
        for number in people.indices {
            let person = people[number]
            if let old = person.old, !person.isJoining {
                // The server has not ended it: its client has.
                if judge.closing[old] == nil { followUps.append(.closed(old, .lost)) }
                people[number].old = nil
            }
            if person.isIn, person.cursor != judge.newest {
                judge.fail("\(person.name) has not heard all")
            }
        }
        if let room = chat.rooms.first, !room.pending.isEmpty { judge.fail("something is not sent") }
        if let error = chat.bookkeepingError { judge.fail("the books: \(error)") }
    }

    /// Looks at what must hold in a state that was not there before.
    mutating func check() {
        guard let room = chat.rooms.first, room.isReady else { return }
        if Set(room.usernames) != Set(judge.members.keys) {
            judge.fail("the room has \(room.usernames)")
        }
        // (Planted bugs are to be found by what people hear.)
        if flaw == nil, !disk.lines.isEmpty {
            let (loaded, live) = (disk.load(Self.limits.rules).snapshot, room.snapshot)
            let same = zip(loaded, live).prefix { $0 == $1 }.count
            if loaded != live {
                judge.fail("the log says \(text(loaded[same...])), the room \(text(live[same...]))")
            }
        }
        guard !hasWork else { return }
        for person in people where person.isJoining || !person.open.isEmpty {
            judge.fail("\(person.name) has no answer")
        }
        if chat.nextDeadline == nil, judge.members.values.contains(where: { $0.connection == nil }) {
            judge.fail("somebody who is away never leaves")
        }
    }

    private func text(_ bytes: ArraySlice<UInt8>) -> String {
        String(decoding: bytes.prefix(200), as: UTF8.self)
    }

    // MARK: What comes out

    private mutating func deliver(_ output: TickOutput, isHeard: Bool) {
        guard let room = chat.rooms.first else { return }
        let asked = people
        var heard: [(connection: ConnectionID, seq: UInt64)] = []
        for entry in room.pending {
            var text = Array((entry.isEvent ? room.lines : room.texts)[entry.range])
            switch (entry.kind, entry.audience) {
            case (.event, _):
                judge.take(text)
                for id in room.present where room.hearsFrom(id) <= entry.number {
                    heard.append((id, judge.newest))
                }
            case (.welcome, .newcomer(let id)):
                var session: [UInt8] = []
                session.append(hexadecimal: chat.sessionSecret(of: id))
                text += Array(",\"session\":\"".utf8) + session + Array("\"".utf8)
                welcome(id, Told(text))
            case (.end(let ending), .one(let id)): end(id, ending)
            case (_, .one(let id)): answer(id, Told(text))
            default: judge.fail("nobody asked for \(self.text(text[...]))")
            }
            if entry.number < room.nextEntry - 1, flaw?.holdsBack(heard.map(\.seq)) == true { continue }
            for (id, seq) in flaw?.change(heard, judge) ?? heard { hear(seq, id) }
            heard = []
        }
        judge.noteDepartures()
        guard !isHeard else { return }
        // Nothing of it has come to anybody.
        people = asked
    }

    /// Somebody hears an event.
    private mutating func hear(_ seq: UInt64, _ id: ConnectionID) {
        guard let number = people.firstIndex(where: { $0.connection == id }) else {
            if !people.contains(where: { $0.old == id }) {
                judge.fail("somebody who is gone hears event \(seq)")
            }
            return
        }
        if !judge.isInside(id) { judge.fail("p\(number) is not in the room, and hears event \(seq)") }
        if people[number].cursor != seq - 1 {
            judge.fail("p\(number) hears event \(seq) after \(people[number].cursor ?? 0)")
        }
        people[number].cursor = seq
        if let place = people[number].open.firstIndex(where: { $0.id == judge.event(seq)?["id"] }) {
            people[number].open.remove(at: place)
        }
    }

    private mutating func welcome(_ id: ConnectionID, _ told: Told) {
        guard let person = joins.removeValue(forKey: id) else {
            return judge.fail("\(told) is for nobody")
        }
        judge.welcome(id, told, to: person)
        // Of one that has hung up meanwhile it is only noted.
        guard let number = people.firstIndex(where: { $0.connection == id }) else { return }
        (people[number].isJoining, people[number].isIn) = (false, true)
        (people[number].cursor, people[number].life) = (judge.newest, judge.life)
        (people[number].session, people[number].user) = (told["session"], told["user"] ?? "")
        people[number].wanted = told["username"] ?? ""
    }

    private mutating func answer(_ id: ConnectionID, _ told: Told) {
        guard let number = people.firstIndex(where: { $0.connection == id }) else { return }
        let person = people[number]
        let place = told["id"].flatMap { id in person.open.firstIndex { $0.id == id } }
        if told["id"] != nil, place == nil {
            return judge.fail("p\(number) is answered \(told), and did not ask")
        }
        judge.answer(id, told, to: person, place.map { person.open[$0] })
        if let place { people[number].open.remove(at: place) }
        guard told["type"] == "error" else { return }
        if person.isJoining {
            // It hangs up.
            followUps.append(.closed(id, .left))
            people[number].forgetConnection()
            if person.claimed != nil, told["code"] != "storage_failed" { people[number].session = nil }
        } else if place == nil {
            people[number].wanted = judge.name(of: id) ?? person.name
        }
    }

    private mutating func end(_ id: ConnectionID, _ ending: Ending) {
        for number in people.indices where people[number].old == id {
            people[number].old = nil
            let isRight = ending == .takenOver || ending == .putOut && judge.isBanned(people[number].user)
            if !isRight { judge.fail("p\(number)'s old connection ends by \(ending)") }
            return
        }
        guard let number = people.firstIndex(where: { $0.connection == id }) else { return }
        if ending != .putOut || !judge.isBanned(people[number].user) {
            judge.fail("p\(number) is ended by \(ending)")
        }
        people[number].forgetConnection()
    }
}
