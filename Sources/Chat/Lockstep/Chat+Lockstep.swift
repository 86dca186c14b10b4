import Bytes

/// Rooms that this node serves together with others. What can change such a room is not handed to it, but proposed; all nodes get it
/// back in the same records, in the same order, and come to the same state. What changes nothing is answered here.
extension Chat {
    /// The node begins, or goes on, as this incarnation.
    package mutating func begin(as node: UInt128) { self.node = node }

    /// Proposes the tick's decisive inputs, and holds back the answers behind them; the rest of the work stays.
    ///
    /// - Parameters:
    ///   - bytes: those of the tick's inputs, after `admit`.
    ///   - propose: is given a room's name and an input; false where that cannot be kept.
    package mutating func share(
        _ bytes: [UInt8], into output: inout TickOutput, propose: (String, [UInt8]) -> Bool
    ) {
        guard limits.rules.isShared else { return }
        let all = unclosed + work
        (work, unclosed) = ([], [])
        // Messages that were read in this tick, for the requests that are about them.
        var read: [UInt32: [UInt64: [UInt8]]] = [:]
        for item in all {
            guard shared[item.room] != nil else {
                work.append(item)
                continue
            }
            if case .messageRead(let seq, _) = item.input {
                var line: [UInt8] = []
                item.input.append(of: bytes.span, to: &line)
                read[item.room, default: [:]][seq] = line
            } else if item.input.isDecisive {
                var encoded = item.input.target.flatMap { read[item.room]?[$0] } ?? []
                item.input.append(of: bytes.span, to: &encoded)
                if propose(rooms[Int(item.room)].name, encoded) {
                    noteProposed(item)
                } else {
                    refuse(item, into: &output)
                }
            } else if item.input.isAnswer, shared[item.room]?.steps.first != nil {
                shared[item.room]?.steps.append(.local(item.input, bytes: bytes))
            } else {
                work.append(item)
            }
        }
    }

    private mutating func noteProposed(_ item: Work) {
        shared[item.room]?.steps.append(.proposed)
        guard case .join(let id, let join) = item.input else { return }
        if isHere(id) { peers[Int(id.slot)].isJoining = true }
        shared[item.room]?.joins[id] = join
    }

    /// An input cannot be kept now. That a connection has closed is said later.
    private mutating func refuse(_ item: Work, into output: inout TickOutput) {
        if case .closed = item.input { return unclosed.append(item) }
        guard let id = item.input.connection, isHere(id) else { return }
        if peers[Int(id.slot)].request != nil { return respond(id, .storageFailed, into: &output) }
        let reference = item.input.reference
        work.append(Work(room: item.room, input: .refused(id, .storageFailed, reference: reference)))
        countRefusal(of: id, .storageFailed, into: &output)
    }

    // MARK: Records

    /// Gives a room its next record.
    mutating func apply(_ record: SharedRecord, to index: UInt32, into output: inout TickOutput) {
        guard shared[index] != nil, record.position == (shared[index]?.position ?? 0) + 1 else { return }
        let (room, time) = (Int(index), Moment(now: moment.now, time: record.time))
        shared[index]?.position = record.position
        var isOwn = false
        switch record.content {
        case .nothing: break
        case .lost(let node):
            for id in connections(of: node, in: index) {
                rooms[room].apply(.closed(id, .lost), of: Span(), at: time)
                shared[index]?.forget(id)
            }
        case .epoch(let epoch):
            // A room that begins is in the first.
            let base = (epoch &- 1) << 32
            if epoch > 0, epoch <= Limits.largestSeq >> 32 {
                rooms[room].apply(.jumped(to: base), of: Span(), at: time)
            }
        case .items(let items, let node):
            isOwn = node == self.node
            for item in items { apply(item, of: node, to: index, at: time, into: &output) }
        }
        finish(record.position, of: index, isOwn: isOwn, into: &output)
    }

    private mutating func apply(
        _ item: SharedRecord.Item, of node: UInt128, to index: UInt32, at time: Moment, into output: inout TickOutput
    ) {
        switch item {
        case .graceOver(let member, let grace):
            let input = RoomInput.graceOver(member: member, grace: UInt32(truncatingIfNeeded: grace))
            rooms[Int(index)].apply(input, of: Span(), at: time)
        case .input(let encoded):
            var reader = BodyReader(bytes: encoded, at: 0, end: encoded.count)
            while reader.at < encoded.count {
                var arena: [UInt8] = []
                guard let input = read(&reader, of: node, in: index, &arena) else { break }
                let before = rooms[Int(index)].recent.byteCount
                rooms[Int(index)].apply(input, of: arena.span, at: time)
                recentBytes += rooms[Int(index)].recent.byteCount - before
                if case .closed(let id, _) = input { shared[index]?.forget(id) }
                if case .join(let id, let join) = input { joined(id, join, index) }
            }
            if node == self.node { takeStep(of: index, into: &output) }
        }
    }

    /// A join has come back. Where the room wants it confirmed, and the connection is still there, it is proposed once more.
    private mutating func joined(_ id: ConnectionID, _ join: Join, _ index: UInt32) {
        let unconfirmed = rooms[Int(index)].unconfirmed
        rooms[Int(index)].unconfirmed = nil
        guard isHere(id) else { return }
        peers[Int(id.slot)].isJoining = false
        guard let unconfirmed, isHeard(id) else { return }
        var join = join
        join.confirmed = unconfirmed.attachment
        work.append(Work(room: index, input: .join(id, join)))
    }

    /// Reads the next input, with the connection as it is called here.
    private mutating func read(
        _ reader: inout BodyReader, of node: UInt128, in index: UInt32, _ arena: inout [UInt8]
    ) -> RoomInput? {
        let start = reader.at
        reader.alias = nil
        guard let told = reader.input(&arena) else { return nil }
        guard let id = told.connection, node != self.node || !isOwn(id, in: index) else {
            guard case .join(let id, var join) = told else { return told }
            join.fetched = shared[index]?.joins.removeValue(forKey: id)?.fetched
            return .join(id, join)
        }
        arena.removeAll()
        reader.at = start
        reader.alias = name(SharedConnection(node: node, number: id.number), in: index)
        return reader.input(&arena)
    }

    /// Whether a connection of this node is still there.
    private func isOwn(_ id: ConnectionID, in index: UInt32) -> Bool {
        isHere(id) || rooms[Int(index)].member(of: id) != nil
    }

    /// A connection of this node does not count any more. Until the room has been told so by a record, it is nobody's to send to.
    mutating func release(_ id: ConnectionID, in index: UInt32) {
        guard shared[index] != nil, rooms[Int(index)].member(of: id) != nil else { return }
        rooms[Int(index)].rename(id, to: name(SharedConnection(node: node, number: id.number), in: index))
    }

    /// What a connection is called here that this node has nothing to send to.
    private mutating func name(_ connection: SharedConnection, in index: UInt32) -> ConnectionID {
        if let id = shared[index]?.names[connection] { return id }
        lastElsewhere += 1
        let id = ConnectionID(elsewhere: lastElsewhere)
        shared[index]?.name(connection, id)
        return id
    }

    /// An input of this node has come back: gives the answers held back behind it.
    private mutating func takeStep(of index: UInt32, into output: inout TickOutput) {
        _ = shared[index]?.steps.removeFirst()
        while case .local(let input, let bytes) = shared[index]?.steps.first {
            _ = shared[index]?.steps.removeFirst()
            _ = apply(Work(room: index, input: input), of: bytes.span, isScarce: false, into: &output)
        }
    }

    /// A record is applied: what it has brought is history.
    private mutating func finish(
        _ position: UInt64, of index: UInt32, isOwn: Bool, into output: inout TickOutput
    ) {
        let room = Int(index)
        let lines = rooms[room].lines
        shared[index]?.tail.append(lines.span.extracting(rooms[room].unwritten))
        shared[index]?.tail.mark(position, seq: rooms[room].seq)
        addOutcome(of: index)
        if !isOwn { rooms[room].dropServerChanges() }
        commit(index, into: &output)
        touch(index)
        output.applied.append((index, position, shared[index]?.digest.value ?? 0))
    }

    /// Adds to a room's digest what a record has come to; to be called before `commit`.
    private mutating func addOutcome(of index: UInt32) {
        let room = Int(index)
        guard var digest = shared[index]?.digest else { return }
        let lines = rooms[room].lines
        for entry in rooms[room].pending[rooms[room].firstNew...] where entry.isEvent {
            digest.add(lines.span.extracting(entry.range))
        }
        digest.add(rooms[room].seq)
        digest.add(rooms[room].memberCount)
        digest.add(rooms[room].people.next)
        shared[index]?.digest = digest
    }

    /// The connections in a room that are a node's, in an order that is the same on all nodes.
    private func connections(of node: UInt128, in index: UInt32) -> [ConnectionID] {
        guard let shared = shared[index] else { return [] }
        let all = rooms[Int(index)].present.compactMap { id in shared.connections[id].map { ($0, id) } }
        return all.filter { $0.0.node == node }.sorted { $0.0.number < $1.0.number }.map(\.1)
    }

    // MARK: A room's life

    /// The room begins, or begins anew, from a state; nil is one in which nothing has happened.
    mutating func begin(_ index: UInt32, state: [UInt8]?, position: UInt64, into output: inout TickOutput) {
        guard Int(index) < rooms.count, shared[index] != nil, case .loading = rooms[Int(index)].phase else { return }
        var served = SharedRoom()
        served.position = position
        shared[index] = served
        let (name, rules) = (rooms[Int(index)].name, rooms[Int(index)].rules)
        var room = Room(name: name, rules: rules, isLoaded: true)
        if let state {
            // Going on with nothing would be the end of what there is.
            guard let restored = restore(index, name, rules, state) else { return output.unreadable = name }
            room = restored
        }
        room.phase = .loading
        shared[index]?.storedThrough = room.seq
        recentBytes += room.recent.byteCount - rooms[Int(index)].recent.byteCount
        rooms[Int(index)].become(room)
    }

    private mutating func restore(
        _ index: UInt32, _ name: String, _ rules: RoomRules, _ state: [UInt8]
    ) -> Room? {
        var reader = BodyReader(bytes: state, at: 0, end: state.count)
        guard reader.number() == SharedSnapshot.format, let digest = reader.number() else { return nil }
        var named: [(SharedConnection, ConnectionID)] = []
        var last = lastElsewhere
        let room = Room(name: name, rules: rules, state: &reader) { connection in
            last += 1
            named.append((connection, ConnectionID(elsewhere: last)))
            return ConnectionID(elsewhere: last)
        }
        lastElsewhere = last
        for (connection, id) in named { shared[index]?.name(connection, id) }
        shared[index]?.digest = Digest(value: digest)
        return room
    }

    /// The room is up to date: people may come in.
    mutating func begun(_ index: UInt32, _ inputs: inout TickInputs, into output: inout TickOutput) {
        guard Int(index) < rooms.count, shared[index] != nil, case .loading = rooms[Int(index)].phase else { return }
        rooms[Int(index)].phase = .ready
        rooms[Int(index)].renewGraces()
        // Connections that this node has lost without being able to say so.
        for id in connections(of: node, in: index) {
            guard let number = shared[index]?.connections[id]?.number else { continue }
            work.append(Work(room: index, input: .closed(ConnectionID(number: number), .lost)))
        }
        tellFacts(to: index)
        touch(index)
        for id in takeWaiting(index) { resume(id, &inputs, into: &output) }
    }

    /// What this node has of a room is worth nothing: its connections end, and it is loaded anew.
    mutating func drop(shared index: UInt32, into output: inout TickOutput) {
        guard Int(index) < rooms.count, shared[index] != nil else { return }
        for slot in peers.indices where peers[slot].room == index && isHere(peers[slot].id) {
            let id = peers[slot].id
            // Those whose join waits for the room have seen nothing of it.
            if case .waiting = peers[slot].phase, rooms[Int(index)].waiting.contains(id) { continue }
            if peers[slot].request != nil {
                respond(id, .storageFailed, into: &output)
            } else {
                output.endings.append((id, .serverRestarts))
                retire(id)
            }
        }
        var room = Room(name: rooms[Int(index)].name, rules: limits.rules, isLoaded: false)
        room.serial = nextSerial()
        room.phase = .loading
        room.isKeeping = isKeeping
        room.visitors = rooms[Int(index)].visitors
        room.waiting = rooms[Int(index)].waiting
        room.isTouched = rooms[Int(index)].isTouched
        room.isEmptied = rooms[Int(index)].isEmptied
        recentBytes -= rooms[Int(index)].recent.byteCount
        rooms[Int(index)] = room
        shared[index] = SharedRoom()
        unclosed.removeAll { $0.room == index }
    }

    /// The rooms that are up to date here, by name.
    package var sharedRooms: [String] {
        shared.keys.map { rooms[Int($0)] }.filter { $0.isReady && !$0.name.isEmpty }.map(\.name).sorted()
    }

    // MARK: Snapshots

    /// A room as it is now, with what its history lacks.
    package func snapshot(of index: UInt32) -> SharedSnapshot? {
        guard Int(index) < rooms.count, let shared = shared[index] else { return nil }
        let room = rooms[Int(index)]
        var state: [UInt8] = []
        state.append(number: SharedSnapshot.format)
        state.append(number: shared.digest.value)
        room.appendState(to: &state) { id in
            shared.connections[id] ?? SharedConnection(node: node, number: id.number)
        }
        var fold = room.fold(erases: true)
        fold.facts = fold.facts.filter { $0.value.newest > shared.storedThrough }
        fold.purges.removeAll { $0.seq <= shared.storedThrough }
        return SharedSnapshot(
            position: shared.position, state: state, lines: shared.tail.lines, fold: fold,
            expiredThrough: room.expiredThrough)
    }

    /// The engine has a snapshot, and the history up to it. Of what was done to messages that is forgotten which the history before
    /// it had already: a message's line may be on its way that was read before this.
    mutating func stored(_ index: UInt32, position: UInt64) {
        guard Int(index) < rooms.count, let seq = shared[index]?.tail.drop(through: position) else { return }
        let before = shared[index]?.storedThrough ?? 0
        shared[index]?.storedThrough = seq
        var fold = rooms[Int(index)].fold(erases: true)
        fold.facts = fold.facts.filter { $0.value.newest <= before }
        fold.purges.removeAll { $0.seq > before }
        fold.through = seq
        let told = Folded(fold) { _ in false }
        work.append(Work(room: index, input: .folded(told)))
    }

    /// The events of a room that its history in the engine does not have yet.
    package func tail(of index: UInt32) -> [HistoryTail.Line] { shared[index]?.tail.lines ?? [] }
}

extension Room {
    /// Another node tells the server what operators have decided in this record.
    fileprivate mutating func dropServerChanges() { serverChanges.removeAll() }
}
