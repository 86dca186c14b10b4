/// What the chat holds at a moment, in number; for whoever watches that it stays within its bounds.
package struct ChatHoldings: Sendable {
    /// Rooms in memory, and places for them.
    package var rooms = 0
    package var roomPlaces = 0
    /// Connections that count, and places for them.
    package var visitors = 0
    package var visitorPlaces = 0
    package var members = 0
    /// Sessions that can come back, or are there.
    package var sessions = 0
    /// Sessions from before a restart whose room is not loaded yet.
    package var dormant = 0
    /// Times of grace that are running, or mean nobody any more.
    package var graces = 0
    /// Joins that wait for a room to be loaded, and reads that the disk has not answered.
    package var waiting = 0
    package var reads = 0
    /// Rooms with notices that are held back.
    package var touched = 0
    package var emptied = 0
    package var recentBytes = 0
    package var parkedBytes = 0
    package var usedIDs = 0

    package init() {}
}

/// A look at what the chat holds.
extension Chat {
    package var holdings: ChatHoldings {
        var holdings = ChatHoldings()
        for room in rooms where !room.name.isEmpty {
            holdings.rooms += 1
            holdings.members += room.memberCount
            holdings.dormant += room.dormant.count
            holdings.waiting += room.waiting.count
        }
        holdings.roomPlaces = rooms.count
        holdings.visitors = visitors.count { isHere($0.id) }
        holdings.visitorPlaces = visitors.count
        holdings.sessions = sessions.count
        holdings.graces = graces.count
        holdings.reads = reads.count
        holdings.touched = touched.count
        holdings.emptied = emptied.count
        holdings.recentBytes = recentBytes
        holdings.parkedBytes = parkedBytes
        holdings.usedIDs = usedIDs
        return holdings
    }

    /// Compares every sum that is kept along the way with what it is the sum of; between two ticks.
    ///
    /// - Returns: the first that is wrong.
    package var bookkeepingError: String? {
        let members = rooms.flatMap { $0.members.compactMap(\.self) }
        let isHere = visitors.filter { self.isHere($0.id) }
        let sums: [(name: String, kept: Int, real: Int)] = [
            // Ghosts have none, but one whose leave could not be written.
            ("sessions", sessions.keys.count { $0.high != .max }, members.count { $0.session.high != .max }),
            ("recent bytes", recentBytes, rooms.reduce(0) { $0 + $1.recent.byteCount }),
            ("used identifiers", usedIDs, members.reduce(0) { $0 + $1.used.count }),
            (
                "parked bytes", parkedBytes,
                visitors.reduce(0) { $0 + $1.parked.reduce(0) { $0 + Limits.parkedBytes(of: $1.count) } }
            ),
            ("members", rooms.reduce(0) { $0 + $1.memberCount }, members.count),
            ("members present", rooms.reduce(0) { $0 + $1.present.count }, members.count { $0.connection != nil }),
            ("visitors of rooms", rooms.reduce(0) { $0 + $1.visitors }, isHere.count { $0.room != nil }),
            ("rooms by name", roomsByName.count, rooms.count { !$0.name.isEmpty }),
            ("vacant rooms", vacantRooms.count, rooms.count { $0.name.isEmpty }),
        ]
        let wrong = sums.first { $0.kept != $0.real }
        return wrong.map { "\($0.name) are counted as \($0.kept), and are \($0.real)" }
    }
}

extension Room {
    /// The names of everyone in the room, those in their time of grace included.
    package var usernames: [String] { members.compactMap { $0?.username.text } }
}
