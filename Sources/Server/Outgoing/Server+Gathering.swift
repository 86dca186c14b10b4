import Chat
import Sockets

/// Pages that nobody looks at cost little: what their connections are to hear is gathered.
extension Server where W: ~Copyable {
    /// Takes note of which connections may be sent their events late from now on, and which may not any more.
    ///
    /// Of a connection's wishes in one tick the last counts: what was gathered would go out behind what comes in this tick if it were
    /// taken out of the gathering and put in again.
    mutating func setPaces() {
        guard !output.paces.isEmpty else { return }
        var last: [ConnectionID: Int] = [:]
        for (index, pace) in output.paces.enumerated() { last[pace.connection] = index }
        for (index, (id, room, isSlow)) in output.paces.enumerated() where last[id] == index {
            guard let slot = connections.slot(of: id), connections[slot].isChat else { continue }
            if !isSlow {
                turnFast(slot)
            } else if !connections[slot].isSlow, chat.rooms[Int(room)].hearsFrom(id) != .max {
                connections[slot].isSlow = true
                outgoing.slow.insert(slot, room: room, deflates: connections[slot].deflates)
            }
        }
    }

    /// A connection is sent everything at once again, what was gathered for it first.
    mutating func turnFast(_ slot: Int) {
        guard connections[slot].isSlow else { return }
        connections[slot].isSlow = false
        sendFirst(outgoing.slow.remove(slot), slot)
    }

    /// What was gathered for a connection goes out before anything else of its own.
    mutating func sendGathered(_ slot: Int) {
        if connections[slot].isSlow { sendFirst(outgoing.slow.take(slot), slot) }
    }

    private mutating func sendFirst(_ bytes: [UInt8], _ slot: Int) {
        guard !bytes.isEmpty else { return }
        connections[slot].own.insert(contentsOf: bytes, at: 0)
        outgoing.markDirty(slot)
    }

    /// Gathers a room's frames for the slow ones among its members.
    ///
    /// - Parameter individuals: those who are sent them by themselves, having been sent what was gathered before.
    mutating func gather(_ index: Int, except individuals: [UInt32]) {
        let room = UInt32(truncatingIfNeeded: index)
        let wanted = outgoing.slow.variants(of: room)
        guard wanted.plain || wanted.compressed, !outgoing.frames.entries.isEmpty else { return }
        if wanted.compressed { compressFrames(index) }
        outgoing.slow.append(
            wanted.plain ? outgoing.frames.plain.bytes : [],
            compressed: wanted.compressed ? outgoing.frames.compressed.bytes : [], of: room, now: now,
            limit: options.maxQueue)
        for slot in individuals where connections[Int(slot)].isSlow { outgoing.slow.skip(Int(slot)) }
    }

    /// Sends what has been gathered long enough, or is as much as may wait.
    mutating func sendGathered() {
        guard !outgoing.slow.hasNothing else { return }
        for room in outgoing.slow.takeDue(now: now, all: memory.isHigh) {
            guard let gathering = outgoing.slow.takeAll(of: room) else { continue }
            send(gathering)
        }
    }

    private mutating func send(_ gathering: SlowConnections.Gathering) {
        var (plain, compressed): (SharedBytes?, SharedBytes?) = (nil, nil)
        for member in gathering.members {
            let (slot, bytes) = (member.slot, gathering.bytes(for: member))
            guard member.next < bytes.count, connections[slot].isChat else { continue }
            guard connections[slot].own.isEmpty else {
                sendFirst(Array(bytes[member.next...]), slot)
                continue
            }
            var (sent, isExhausted) = (0, false)
            if connections[slot].backlog == nil {
                switch world.send(connections[slot].stream, bytes.span.extracting(member.next...)) {
                case .sent(let count): sent = count
                case .wouldBlock: break
                case .exhausted: isExhausted = true
                case .failed:
                    lose(slot, .reset)
                    continue
                }
                metrics.bytesSent += UInt64(sent)
            }
            guard member.next + sent < bytes.count else { continue }
            let shared = (member.deflates ? compressed : plain) ?? SharedBytes(bytes, memory.ledger)
            if member.deflates { compressed = shared } else { plain = shared }
            enqueue(slot, shared, member.next + sent..<bytes.count, start: member.next)
            if isExhausted { retrySend(slot) }
        }
    }
}
