/// What a room decides by: the same for all rooms of a server, and part of every recording.
package struct RoomRules: Sendable, Equatable {
    /// Whether rooms are kept on a disk.
    package var isDurable: Bool
    /// Whether other nodes serve the same rooms: then all of them give a room the same inputs in the same order.
    package var isShared = false
    /// Bytes of a room's newest events that are held in memory, at most, and of the messages before them. A thousand of the
    /// longest messages would be 17 MB a room; past this the oldest are left to the disk.
    package var recentBytes = 4 << 20
    /// Messages that are held beyond the newest events; without a disk they are all the history there is.
    package var recentMessages = Limits.welcomeMessages

    /// The rooms that `--rooms` names: nobody becomes their host by being the first to speak.
    package var namedRooms: [String] = []

    /// Whether strangers are brought together: a name of the form of their rooms' is that of no other room then.
    package var pairsStrangers = false

    package init(isDurable: Bool) {
        self.isDurable = isDurable
        if !isDurable { recentMessages = 2000 }
    }

    /// Whether a name is that of the room of two strangers.
    func isOfPair(_ name: String) -> Bool { pairsStrangers && RoomName.isOfPair(name) }

    /// What the room of two strangers decides by: it keeps nothing.
    var ofPair: RoomRules {
        var rules = self
        rules.isDurable = false
        rules.isShared = false
        rules.recentBytes = RoomRules.recentBytesOfPair
        rules.recentMessages = Limits.welcomeMessages
        return rules
    }

    // MARK: Time, in milliseconds

    /// How long the name of someone whose page was closed or reloaded stays in the room (close code 1001).
    package static let graceAfterGoingAway: Int64 = 5_000
    /// How long the name of someone whose connection was lost stays in the room.
    package static let graceAfterLoss: Int64 = 30_000
    /// How long after it could not be written a leave is tried again.
    static let leaveRetry: Int64 = 5_000
    static let day: Int64 = 86_400_000
    /// How long it is known who was the last to use a name.
    static let nameMemory: Int64 = 30 * day

    /// How long someone who was kicked stays out.
    static let kickTime: Int64 = 60_000
    /// How long two strangers have to come into their room.
    static let pairArrival = graceAfterLoss

    // MARK: Memory

    /// Bytes of the newest events of two strangers, for whoever comes back: there may be very many such rooms.
    static let recentBytesOfPair = 256 << 10

    /// Addresses of a person that are known, as digests; and addresses in a room, and on the server, that let in nobody new.
    static let addressesOfPerson = 4
    package static let addressBans = 256

    /// Identifiers that a user is known to have used: at least the newest that many, for a day.
    package static let rememberedIDs = 1024
    /// Names that a user is known to have used.
    static let namesOfPerson = 8
    /// People that a room remembers beside those who are in it: some 2 MB of them.
    package static let rememberedPeople = 10_000
    /// After so many new people it is looked which are to be forgotten.
    static let peopleBetweenLooks: UInt64 = 256
    /// Kinds of reactions to one message.
    static let reactionsOfMessage = 20
    /// After so many messages have left memory, what was done to them is forgotten.
    static let messagesBetweenLooks: UInt64 = 64
    /// Unclean stops whose lost tails are still known.
    static let rememberedJumps = 16
}
