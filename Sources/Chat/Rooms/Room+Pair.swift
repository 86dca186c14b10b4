import Bytes

/// Two strangers who have a room of their own.
package struct Pair: Sendable, Equatable {
    let one: UserID
    let other: UserID
    /// The digest of the invitation that both were given.
    let invitation: UInt128
    /// Whether one of them has left, or has not come. Nobody comes in any more.
    var isOver = false

    /// Stands for no member where a time of grace is that of the pair's arrival: members' numbers begin with 1.
    static let noMember: UInt64 = 0

    package init(_ one: UserID, _ other: UserID, invitation: UInt128) {
        (self.one, self.other, self.invitation) = (one, other, invitation)
    }

    func letsIn(_ user: UserID, _ invitation: UInt128?) -> Bool {
        !isOver && invitation == self.invitation && (user == one || user == other)
    }
}

/// A room for two strangers. It keeps nothing, has neither hosts nor operators, and ends when one of them leaves. (Nothing in it is
/// ever taken back, since nothing of it is written.)
extension Room {
    /// Two have been brought together, and are on their way.
    mutating func begin(_ pair: Pair) {
        guard isOfPair, self.pair == nil else { return }
        self.pair = pair
        graces.append(GraceRequest(member: Pair.noMember, grace: 0, duration: RoomRules.pairArrival))
    }

    /// Whether a user is one of the two, and inside: each comes in once.
    func isPairedAndHere(_ user: UserID) -> Bool {
        guard isOfPair, let person = peopleByUser[user] else { return false }
        return people[person]?.members ?? 0 > 0
    }

    /// Both should be here by now.
    mutating func pairArrivalIsOver() {
        guard let pair, peopleByUser[pair.one] == nil || peopleByUser[pair.other] == nil else { return }
        endPair()
    }

    /// One is gone: so is the room for the other.
    mutating func endPair() {
        guard pair?.isOver == false else { return }
        pair?.isOver = true
        for id in present { append(.end(.strangerGone), to: .one(id)) }
    }
}

/// The two in a room's snapshot.
extension Pair {
    init?(_ token: JSONToken, of line: Span<UInt8>) {
        guard token.kind == .object else { return nil }
        let text = line.extracting(token.range)
        guard let fields = JSONFields(text), let one = UserID(text.extracting(fields["one"].range)),
            let other = UserID(text.extracting(fields["other"].range)),
            let invitation = UInt128(hexadecimal: text.extracting(fields["invitation"].range))
        else { return nil }
        self.init(one, other, invitation: invitation)
        isOver = fields["over"].kind == .boolean
    }
}

extension [UInt8] {
    mutating func append(_ pair: Pair) {
        append(",\"pair\":{\"one\":\"")
        pair.one.append(to: &self)
        append("\",\"other\":\"")
        pair.other.append(to: &self)
        append("\",\"invitation\":\"")
        append(hexadecimal: pair.invitation)
        append(pair.isOver ? "\",\"over\":true}" : "\"}")
    }
}
