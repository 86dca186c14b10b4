import Bytes

@testable import Chat

/// Whether two states are the same: they go on alike, as far as is known.
extension SmallWorld {
    /// Notes what tells the server of this state from others.
    mutating func noteChatKey() {
        var hasher = Hasher()
        for room in chat.rooms { hasher.add(room.image) }
        for peer in chat.peers {
            hasher.combine("\(peer.phase)")
            hasher.combine(peer.id)
            hasher.combine(peer.claims)
            hasher.combine(peer.isEnding)
            hasher.combine(peer.parked)
            hasher.combine(peer.answers.map(\.request))
            hasher.combine(peer.answers.map(\.text))
        }
        var graces = chat.graces
        while let grace = graces.removeFirst(before: .max) {
            hasher.combine(grace.end)
            hasher.combine(grace.member)
            hasher.combine(grace.grace)
        }
        hasher.combine(chat.erasures.next)
        for (request, read) in chat.reads.sorted(by: { $0.key < $1.key }) {
            hasher.combine("\(request) \(read)")
        }
        chatKey = hasher.finalize()
    }

    /// What tells this state from others.
    var key: Int {
        var hasher = Hasher()
        hasher.combine(chatKey)
        hasher.combine(folded?.targets)
        hasher.combine(disk.trace)
        judge.hash(into: &hasher)
        hasher.combine(people)
        hasher.combine(joins)
        hasher.combine(bounds)
        hasher.combine(now)
        hasher.combine(parcels)
        hasher.combine(followUps)
        return hasher.finalize()
    }
}

extension Room {
    /// All that the room goes on by, between two ticks.
    var image: [UInt8] {
        var bytes: [UInt8] = []
        appendState(to: &bytes) { SharedConnection(node: 0, number: $0.number) }
        for number in [
            firstKept, recent.droppedThrough, recent.missingBefore, isErasing ? 1 : 0, isReady ? 1 : 0,
        ] {
            bytes.append(number: number)
        }
        return bytes
    }

    /// What a log must tell of it: people, members, settings, and messages with what was done to them.
    var snapshot: [UInt8] {
        var bytes: [UInt8] = []
        var cursor = SnapshotCursor()
        // What was done to messages stands there until the room is told that it stands in their lines.
        var room = self
        room.facts = [:]
        while !cursor.isDone { room.appendSnapshot(from: &cursor, limit: 1 << 20, to: &bytes) }
        appendMessages(to: &bytes)
        return bytes
    }
}

extension Hasher {
    mutating func add(_ bytes: [UInt8]) { bytes.withUnsafeBytes { combine(bytes: $0) } }
}
