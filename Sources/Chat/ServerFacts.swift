/// A user whom an operator has banned, from all rooms.
package struct ServerBan: Sendable, Equatable {
    package var sanction: Sanction
    /// The name that the user had then, as a JSON string.
    package var username: [UInt8]
}

/// What the server as a whole has decided: its operators, and whom they have banned. It is the same in all rooms, reaches each
/// as an input, and is kept in the data folder.
package struct ServerFacts: Sendable, Equatable {
    package var operators: Set<UserID> = []
    package var bans: [UserID: ServerBan] = [:]
    /// Addresses that let in nobody new for a while.
    package var addressBans: [AddressBan] = []
    /// Which state of several nodes' it is: none replaces a newer one. 0 where there is one node.
    package var version: UInt64 = 0

    package init(operators: Set<UserID> = []) { self.operators = operators }

    package var isEmpty: Bool { operators.isEmpty && bans.isEmpty && addressBans.isEmpty }

    /// In an order that does not follow a table's.
    package var sortedOperators: [UserID] { operators.sorted { $0.bits < $1.bits } }
    package var sortedBans: [(user: UserID, ban: ServerBan)] {
        bans.map { (user: $0.key, ban: $0.value) }.sorted { $0.user.bits < $1.user.bits }
    }

    /// Takes in what an operator has decided.
    ///
    /// - Parameter known: who has been seen at an address, and passes all the same.
    mutating func take(_ change: ServerChange, time: Int64, known: (UInt64) -> [UserID]) {
        switch change {
        case .ban(let ban, let user, let addresses):
            bans = bans.filter { $0.value.sanction.holds(at: time) }
            bans[user] = ban
            addressBans.removeAll { $0.until <= time || $0.user == user }
            for address in addresses {
                let until = min(ban.sanction.until, time + RoomRules.day)
                var addressBan = AddressBan(address: address, until: until, user: user)
                addressBan.known = known(address)
                addressBans.append(addressBan)
            }
            addressBans.removeFirst(max(0, addressBans.count - RoomRules.addressBans))
        case .unban(let user):
            bans[user] = nil
            addressBans.removeAll { $0.user == user }
        }
    }
}

/// A link that makes whoever opens it first an operator.
package struct OperatorLink: Sendable, Equatable {
    /// The digest of its code.
    package var code: UInt128
    /// When it ends, in milliseconds since the Unix epoch.
    package var until: Int64
    /// Whether it ends all operators there are.
    package var endsOthers: Bool

    package init(code: UInt128, until: Int64, endsOthers: Bool) {
        (self.code, self.until, self.endsOthers) = (code, until, endsOthers)
    }
}
