@testable import Chat

/// A bug that somebody might write, put in between a world's chat and its people or its disk: what the judge must find.
enum Flaw: String, CaseIterable {
    /// The second person is not told of messages, or twice, or of two events of a tick in the wrong order.
    case losesMessages, doublesMessages, swapsEvents
    /// A kill takes the last line that was written.
    case losesLines
    /// What the disk has refused is told as if it had been written.
    case hidesRefusals
    /// After a restart nobody knows which identifiers were used, or who is banned.
    case forgetsIdentifiers, forgetsBans

    /// Whether what is to be heard waits for the next event.
    func holdsBack(_ seqs: [UInt64]) -> Bool { self == .swapsEvents && Set(seqs).count == 1 }

    func change(
        _ heard: [(connection: ConnectionID, seq: UInt64)], _ judge: SmallJudge
    ) -> [(connection: ConnectionID, seq: UInt64)] {
        switch self {
        case .losesMessages:
            return heard.filter {
                $0.connection.slot / 2 != 1 || judge.event($0.seq)?["type"] != "message"
            }
        case .doublesMessages:
            return heard.flatMap { judge.event($0.seq)?["type"] == "message" ? [$0, $0] : [$0] }
        case .swapsEvents: return heard.reversed()
        default: return heard
        }
    }

    func damage(_ disk: inout SmallDisk) { if self == .losesLines { disk.removeLastLine() } }

    func damage(_ room: inout Room) {
        guard self == .forgetsIdentifiers || self == .forgetsBans else { return }
        for user in room.peopleByUser.keys {
            guard let number = room.peopleByUser[user] else { continue }
            if self == .forgetsBans { room.people[number]?.standing.ban = nil }
            if self == .forgetsIdentifiers { room.people[number]?.used = UsedIDs() }
        }
    }
}
