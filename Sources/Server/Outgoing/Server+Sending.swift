import Bytes
import Chat
import Sockets
import WebSocket

/// The third step of a tick: everyone gets what is for them.
extension Server where W: ~Copyable {
    /// Sends what of the rooms' entries is due to those it is for: one write for each connection.
    mutating func send() {
        setPaces()
        for (id, range) in output.answers {
            guard let slot = connections.slot(of: id) else { continue }
            Compression.append(output.bytes, range, to: &connections[slot].own, nil)
            outgoing.markDirty(slot)
        }
        for slot in output.waiting.compactMap({ connections.slot(of: $0) }) {
            connections[slot].chat?.hasJoined = true
            setWebSocketTimer(slot)
        }
        for (id, outcome, range) in output.responses { answer(id, outcome, output.bytes[range]) }
        for due in output.due { broadcast(due) }
        deliverDirty()
        endConnections()
        sendGathered()
        relieveMemory()
        deliverDirty()
        chat.endTick(output)
        connections.endTick()
        metrics.endTick(events: inputs.items.count, nanoseconds: world.monotonic - thisTick.nanoseconds)
    }

    private mutating func deliverDirty() {
        // Some are added on the way: a connection that has taken all that waited may go on with its next request.
        while let slot = outgoing.nextDirty() { deliver(slot, []) }
    }

    // MARK: One room

    /// Sends what of a room's entries is due. Nearly always all of it is for everyone: then one buffer serves all members, with
    /// one write each. Members that get something of their own, or not all, walk the list.
    private mutating func broadcast(_ due: TickOutput.Due) {
        let index = Int(due.room)
        let end = chat.rooms[index].pending.firstIndex { $0.number >= due.below } ?? chat.rooms[index].pending.count
        let entries = chat.rooms[index].pending[..<end]
        let individuals = markIndividuals(index, entries, due)
        if !outgoing.slow.isEmpty { for slot in individuals { sendGathered(Int(slot)) } }
        if due.includesShared {
            outgoing.frames.encode(entries, lines: chat.rooms[index].lines, texts: chat.rooms[index].texts)
            sendToAll(index)
            if !outgoing.slow.isEmpty { gather(index, except: individuals) }
        } else {
            outgoing.frames.encode([], lines: [], texts: [])
        }
        for slot in individuals { deliverOnly(Int(slot), entries, of: index) }
    }

    /// Sends a connection that was marked what it gets.
    ///
    /// Not inlined: the optimizer of Swift 6.3.1 crashes on the loop that calls it if it is.
    @inline(never)
    private mutating func deliverOnly(_ slot: Int, _ entries: ArraySlice<Entry>, of index: Int) {
        guard connections[slot].isIndividual else { return }
        connections[slot].isIndividual = false
        if connections[slot].deflates { compressFrames(index) }
        deliver(slot, entries, of: index)
    }

    /// Marks the connections that do not get just what everyone gets.
    private mutating func markIndividuals(
        _ index: Int, _ entries: ArraySlice<Entry>, _ due: TickOutput.Due
    ) -> [UInt32] {
        var marked: [UInt32] = []
        func mark(_ id: ConnectionID) {
            guard let slot = connections.slot(of: id), !connections[slot].isIndividual else { return }
            connections[slot].isIndividual = true
            marked.append(id.slot)
        }
        for entry in entries {
            switch entry.audience {
            case .everyone: break
            case .everyoneBut(let id): if due.includesShared { mark(id) }
            case .one(let id), .newcomer(let id):
                if case .response(let outcome) = entry.kind {
                    answer(id, outcome, chat.rooms[index].texts[entry.range])
                } else {
                    mark(id)
                }
            }
        }
        // Numbers only grow: whoever has come before the oldest entry that waits hears all.
        if due.includesShared, let first = entries.first?.number, chat.rooms[index].newestHearing > first {
            for id in chat.rooms[index].hearingLate(than: first) { mark(id) }
        }
        return marked
    }

    /// Sends the frames to all members that get them all, and nothing else.
    private mutating func sendToAll(_ index: Int) {
        // Held here by name, so that nothing is counted for each of the members.
        let plain = outgoing.frames.plain.bytes
        var compressed: [UInt8] = []
        for id in chat.rooms[index].present where !id.isElsewhere {
            let slot = Int(id.slot)
            guard connections[slot].passedOver.isEmpty else { continue }
            let deflates = connections[slot].deflates
            if deflates, !outgoing.frames.compressed.isMade {
                compressFrames(index)
                compressed = outgoing.frames.compressed.bytes
            }
            guard connections[slot].isPlainReceiver else {
                deliver(slot, [], of: index, sharesAll: true)
                continue
            }
            // Nearly always: the frames as they are, and nothing else.
            let stream = connections[slot].stream
            let size = deflates ? compressed.count : plain.count
            switch deflates ? world.send(stream, compressed.span) : world.send(stream, plain.span) {
            case .sent(let count):
                metrics.bytesSent += UInt64(count)
                if count < size {
                    enqueue(slot, outgoing.frames.shared(deflates: deflates, memory.ledger), count..<size, start: 0)
                }
            case .wouldBlock:
                enqueue(slot, outgoing.frames.shared(deflates: deflates, memory.ledger), 0..<size, start: 0)
            case .exhausted:
                enqueue(slot, outgoing.frames.shared(deflates: deflates, memory.ledger), 0..<size, start: 0)
                retrySend(slot)
            case .failed: lose(slot, .reset)
            }
        }
    }

    mutating func compressFrames(_ index: Int) {
        outgoing.frames.compress(
            lines: chat.rooms[index].lines, texts: chat.rooms[index].texts, with: outgoing.deflater)
    }

    // MARK: One connection

    /// Sends a connection what it has of its own, and what of the entries is for it, in their order.
    ///
    /// - Parameter sharesAll: it gets all the frames that everyone gets.
    private mutating func deliver(
        _ slot: Int, _ entries: ArraySlice<Entry>, of room: Int? = nil, sharesAll: Bool = false
    ) {
        guard !connections[slot].isVacant else { return outgoing.clearDirty(slot) }
        sendGathered(slot)
        outgoing.clearDirty(slot)
        // Others read in the outbox while it is sent: it is taken out for that time.
        var outbox: [UInt8] = []
        swap(&outbox, &outgoing.buffer)
        outbox.append(contentsOf: connections[slot].own)
        // Echoes come one after the other; for others it is seldom, and an idle connection has nothing to spare.
        connections[slot].own.removeAll(keepingCapacity: connections[slot].isEcho)
        var allowance = 0
        // After a close frame nothing follows.
        if connections[slot].isChat, let room {
            if sharesAll { append(frames: 0..<outgoing.frames.entries.count, slot, to: &outbox) }
            allowance = putTogether(slot, entries, of: room, in: &outbox)
        }
        transmit(slot, &outbox, allowance: allowance)
        outbox.removeAll(keepingCapacity: outbox.capacity <= Sizes.outbox)
        swap(&outbox, &outgoing.buffer)
        guard !connections[slot].isVacant else { return }
        if !connections[slot].isChat { noteHeldBytes(slot) }
        if connections[slot].backlog == nil { hasSentAll(slot) }
    }

    /// Adds to the outbox what of a room's entries is for a connection.
    ///
    /// - Returns: how many bytes of it are answers to what it has asked.
    private mutating func putTogether(
        _ slot: Int, _ entries: ArraySlice<Entry>, of room: Int, in outbox: inout [UInt8]
    ) -> Int {
        let id = connections.id(slot)
        let hearsFrom = chat.rooms[room].hearsFrom(id)
        var size = 0
        var shared = 0
        // By their places: everyone who has come in this tick goes through all of them, and an entry takes time to be copied.
        for place in entries.indices {
            switch entries[place].audience {
            case .everyone, .everyoneBut:
                let isFor = entries[place].number >= hearsFrom && entries[place].audience != .everyoneBut(id)
                if isFor { append(frames: shared..<shared + 1, slot, to: &outbox) }
                shared += 1
            case .one(let other), .newcomer(let other):
                if other == id { size += append(entries[place], slot, id, of: room, to: &outbox) }
            }
        }
        return size
    }

    /// Adds an entry that is for one connection alone.
    ///
    /// - Returns: how long its text is.
    private mutating func append(
        _ entry: Entry, _ slot: Int, _ id: ConnectionID, of room: Int, to outbox: inout [UInt8]
    ) -> Int {
        switch entry.kind {
        case .welcome:
            // With the session's secret, which is compressed nowhere.
            var end: [UInt8] = []
            end.append(",\"session\":\"")
            end.append(hexadecimal: chat.sessionSecret(of: id))
            end.append("\"}")
            Frame.appendHeader(to: &outbox, opcode: .text, payloadCount: entry.range.count + end.count)
            let texts = chat.rooms[room].texts
            outbox.append(copying: texts.span.extracting(entry.range))
            outbox.append(copying: end.span)
            connections[slot].chat?.hasJoined = true
            setWebSocketTimer(slot)
        case .answer(_, let renewsJoin):
            let compressor = connections[slot].deflates ? outgoing.deflater : nil
            Compression.append(chat.rooms[room].texts, entry.range, to: &outbox, compressor)
            if renewsJoin, connections[slot].chat?.hasJoined == false {
                connections[slot].stateStart = now
                setWebSocketTimer(slot)
            }
        case .completed(let addition):
            var text = Array(chat.rooms[room].texts[entry.range])
            append(addition, of: room, to: &text)
            Compression.append(text, 0..<text.count, to: &outbox, nil)
        case .event, .typing, .notice, .response, .awaits, .end: break
        }
        return entry.range.count
    }

    /// Adds to an answer what the room does not know.
    private func append(_ addition: Entry.Addition, of room: Int, to text: inout [UInt8]) {
        switch addition {
        case .nothing: break
        case .invitation(let nonce):
            text.append(",\"invite\":\"")
            text.append(contentsOf: chat.secret.invitation(to: chat.rooms[room].name, nonce: nonce))
            text.append("\"")
        case .addresses(let ids):
            var addresses: [String] = []
            for slot in ids.compactMap({ connections.slot(of: $0) }) {
                let address = connections[slot].address.description
                if !addresses.contains(address) { addresses.append(address) }
            }
            text.append(",\"addresses\":[")
            for (index, address) in addresses.enumerated() {
                if index > 0 { text.append(",") }
                text.append(quoting: address)
            }
            text.append("]")
        }
    }

    /// Adds some of the room's frames: to the outbox, or by reference to what waits already.
    private mutating func append(frames range: Range<Int>, _ slot: Int, to outbox: inout [UInt8]) {
        let deflates = connections[slot].deflates
        let bytes = deflates ? outgoing.frames.compressed.range(range) : outgoing.frames.plain.range(range)
        if connections[slot].backlog == nil {
            outbox.append(contentsOf: (deflates ? outgoing.frames.compressed : outgoing.frames.plain).bytes[bytes])
        } else {
            enqueue(slot, &outbox)
            enqueue(slot, outgoing.frames.shared(deflates: deflates, memory.ledger), bytes)
        }
    }
}

extension Connection {
    /// Whether it gets the room's frames as they are: nothing of its own is to be sent, and nothing waits.
    fileprivate var isPlainReceiver: Bool {
        isChat && own.isEmpty && backlog == nil
    }
}
