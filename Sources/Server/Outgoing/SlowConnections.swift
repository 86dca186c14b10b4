import Bytes

/// Why a connection is passed over where a room's frames go to everyone.
struct PassedOver: OptionSet {
    let rawValue: UInt8

    /// It gets something else than everyone does; while they are sent.
    static let individual = PassedOver(rawValue: 1)
    /// Nobody looks at its page: what is for it is gathered.
    static let slow = PassedOver(rawValue: 2)
}

/// Connections whose events may come late, since nobody looks at their pages, and what they have yet to be sent: one buffer for
/// all of a room's, sent with one write each, at most a second late. Each is somewhere in it, nearly all of them at its beginning.
struct SlowConnections {
    struct Member {
        let slot: Int
        let deflates: Bool
        /// Where in its variant of the bytes it is.
        var next = 0
    }

    /// What the slow connections of one room are to be sent.
    struct Gathering {
        fileprivate(set) var plain: [UInt8] = []
        fileprivate(set) var compressed: [UInt8] = []
        fileprivate(set) var members: [Member] = []
        fileprivate var deflating = 0
        /// When the first of it was put in.
        fileprivate var began: Int64?

        func bytes(for member: Member) -> [UInt8] { member.deflates ? compressed : plain }
        fileprivate var byteCount: Int { plain.count + compressed.count }
    }

    private var gatherings: [UInt32: Gathering] = [:]
    /// Where each connection is found, by its place in the table.
    private var places: [Int: (room: UInt32, index: Int)] = [:]
    /// The rooms in the order in which their gatherings began; one may have been sent, and another begun, since.
    private var line = Queue<(began: Int64, room: UInt32)>()
    /// Rooms with more than may wait.
    private var full: [UInt32] = []

    private let ledger: Ledger

    init(_ ledger: Ledger) { self.ledger = ledger }

    /// Whether there is none.
    var isEmpty: Bool { places.isEmpty }

    /// When the next are to be sent what was gathered (ms). It stands ready, since every tick asks for it.
    private(set) var nextDue: Int64?
    /// Whether nothing is gathered.
    var hasNothing: Bool { nextDue == nil && full.isEmpty }

    // MARK: Coming and going

    mutating func insert(_ slot: Int, room: UInt32, deflates: Bool) {
        _ = remove(slot)
        var gathering = Gathering()
        swap(&gathering, &gatherings[room, default: Gathering()])
        places[slot] = (room, gathering.members.count)
        let next = deflates ? gathering.compressed.count : gathering.plain.count
        gathering.members.append(Member(slot: slot, deflates: deflates, next: next))
        if deflates { gathering.deflating += 1 }
        gatherings[room] = gathering
    }

    /// Takes a connection out.
    ///
    /// - Returns: what it has yet to be sent.
    mutating func remove(_ slot: Int) -> [UInt8] {
        let bytes = take(slot)
        guard let (room, index) = places.removeValue(forKey: slot), let last = gatherings[room]?.members.popLast()
        else {
            return []
        }
        if last.slot != slot {
            if gatherings[room]?.members[index].deflates == true { gatherings[room]?.deflating -= 1 }
            gatherings[room]?.members[index] = last
            places[last.slot]?.index = index
        } else if last.deflates {
            gatherings[room]?.deflating -= 1
        }
        if gatherings[room]?.members.isEmpty == true {
            ledger.change(by: -(gatherings.removeValue(forKey: room)?.byteCount ?? 0))
        }
        return bytes
    }

    // MARK: One connection

    /// What a connection has yet to be sent; it is sent now.
    mutating func take(_ slot: Int) -> [UInt8] {
        guard let (room, index) = places[slot], let member = gatherings[room]?.members[index],
            let bytes = member.deflates ? gatherings[room]?.compressed : gatherings[room]?.plain,
            member.next < bytes.count
        else { return [] }
        gatherings[room]?.members[index].next = bytes.count
        return Array(bytes[member.next...])
    }

    /// A connection has been sent the newest by itself.
    mutating func skip(_ slot: Int) {
        guard let (room, index) = places[slot], let member = gatherings[room]?.members[index] else { return }
        let end = member.deflates ? gatherings[room]?.compressed.count : gatherings[room]?.plain.count
        gatherings[room]?.members[index].next = end ?? 0
    }

    // MARK: One room

    /// Which variants of a room's frames are to be gathered.
    func variants(of room: UInt32) -> (plain: Bool, compressed: Bool) {
        guard let gathering = gatherings[room] else { return (false, false) }
        return (gathering.members.count > gathering.deflating, gathering.deflating > 0)
    }

    /// Adds a tick's frames.
    ///
    /// - Parameters:
    ///   - compressed: the same frames compressed; empty where nobody gets them so.
    ///   - limit: bytes that may wait for one connection.
    mutating func append(_ plain: [UInt8], compressed: [UInt8], of room: UInt32, now: Int64, limit: Int) {
        guard gatherings[room] != nil else { return }
        gatherings[room]?.plain += plain
        gatherings[room]?.compressed += compressed
        ledger.change(by: plain.count + compressed.count)
        if gatherings[room]?.began == nil {
            gatherings[room]?.began = now
            line.append((now, room))
            nextDue = nextDue ?? now + Timing.gathering
        }
        let longest = max(gatherings[room]?.plain.count ?? 0, gatherings[room]?.compressed.count ?? 0)
        if longest > min(limit, Sizes.gathering) { full.append(room) }
    }

    /// Takes out a room's gathering, whose members stay.
    mutating func takeAll(of room: UInt32) -> Gathering? {
        guard let gathering = gatherings[room], gathering.began != nil else { return nil }
        ledger.change(by: -gathering.byteCount)
        var next = gathering
        (next.plain, next.compressed, next.began) = ([], [], nil)
        for index in next.members.indices { next.members[index].next = 0 }
        gatherings[room] = next
        return gathering
    }

    /// The rooms whose gathering is to be sent now; all of them where memory is scarce.
    mutating func takeDue(now: Int64, all: Bool) -> [UInt32] {
        var rooms = full
        full = []
        while let first = line.first, all || first.began + Timing.gathering <= now {
            _ = line.removeFirst()
            // It may have been sent since, and begun anew.
            if gatherings[first.room]?.began == first.began { rooms.append(first.room) }
        }
        nextDue = line.first.map { $0.began + Timing.gathering }
        return rooms
    }
}
