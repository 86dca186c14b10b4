/// What the chat holds at a moment, in number; for whoever watches that it stays within its bounds.
package struct ChatHoldings: Sendable {
    /// Rooms in memory, and places for them.
    package var rooms = 0
    package var roomPlaces = 0
    /// Connections that count, and places for them.
    package var peers = 0
    package var peerPlaces = 0
    package var members = 0
    package var people = 0
    /// Times of grace that are running, or mean nobody any more.
    package var graces = 0
    /// Joins that wait for a room to be loaded, and reads that the disk has not answered.
    package var waiting = 0
    package var reads = 0
    package var waitingAnswers = 0
    /// Rooms with entries that wait.
    package var touched = 0
    package var emptied = 0
    package var recentBytes = 0
    package var parkedBytes = 0
    package var usedIDs = 0
    /// Users and addresses whose haste is kept in mind.
    package var rates = 0
    /// Connections that wait for a stranger, and users of whom it is known whom they met last.
    package var strangers = 0
    package var acquaintances = 0

    package init() {}
}

/// A look at what the chat holds.
extension Chat {
    package var holdings: ChatHoldings {
        var holdings = ChatHoldings()
        for room in rooms where !room.name.isEmpty {
            holdings.rooms += 1
            holdings.members += room.memberCount
            holdings.people += room.people.count
            holdings.waiting += room.waiting.count
            room.people.forEach { holdings.usedIDs += $1.used.count }
        }
        holdings.roomPlaces = rooms.count
        holdings.peers = peers.count { isHere($0.id) }
        holdings.peerPlaces = peers.count
        holdings.waitingAnswers = peers.reduce(0) { $0 + $1.answers.count }
        holdings.graces = graces.count
        holdings.reads = reads.count
        holdings.touched = touched.count
        holdings.emptied = emptied.count
        holdings.recentBytes = recentBytes
        holdings.parkedBytes = parkedBytes
        holdings.strangers = strangers.waiting.count
        holdings.acquaintances = strangers.acquaintances
        holdings.rates = userRates.count + addressRates.count + readingRates.count + dailyText.count + dailyRooms.count
        return holdings
    }

    /// Compares every sum that is kept along the way with what it is the sum of; between two ticks.
    ///
    /// - Returns: the first that is wrong.
    package var bookkeepingError: String? {
        let here = peers.filter { isHere($0.id) }
        let sums: [(name: String, kept: Int, real: Int)] = [
            ("recent bytes", recentBytes, rooms.reduce(0) { $0 + $1.recent.byteCount }),
            (
                "parked bytes", parkedBytes,
                peers.reduce(0) { $0 + $1.parked.reduce(0) { $0 + Limits.parkedBytes(of: $1.count) } }
            ),
            ("visitors of rooms", rooms.reduce(0) { $0 + $1.visitors }, here.count { $0.room != nil }),
            ("rooms by name", roomsByName.count, rooms.count { !$0.name.isEmpty }),
            ("vacant rooms", vacantRooms.count, rooms.count { $0.name.isEmpty }),
        ]
        if let wrong = sums.first(where: { $0.kept != $0.real }) {
            return "\(wrong.name) are counted as \(wrong.kept), and are \(wrong.real)"
        }
        return rooms.lazy.compactMap(\.bookkeepingError).first
    }
}

extension Room {
    /// The first of its tables that is out of step with the others.
    fileprivate var bookkeepingError: String? {
        var (connected, known, isPersonThere) = (0, 0, true)
        var membersOfPerson: [UInt64: Int] = [:]
        members.forEach { number, member in
            if let connection = member.connection {
                connected += 1
                if inside[connection] == number, present[member.place] == connection { known += 1 }
            }
            if sessions[member.session] != number || names[member.username.folded] != number { known -= 1 }
            isPersonThere = isPersonThere && people[member.person] != nil
            membersOfPerson[member.person, default: 0] += 1
        }
        var areCounted = true
        people.forEach { number, person in
            areCounted = areCounted && person.members == membersOfPerson[number] ?? 0
            areCounted = areCounted && peopleByUser[person.user] == number
        }
        let sums: [(name: String, holds: Bool)] = [
            ("connections of members", connected == known && connected == present.count && connected == inside.count),
            ("sessions", sessions.count == members.count), ("people of members", isPersonThere),
            ("members of people", areCounted && peopleByUser.count == people.count),
        ]
        return sums.first { !$0.holds }.map { "the \($0.name) of \(name) are wrong" }
    }
}
