/// Every number that bounds what the chat keeps or allows, in one place.
package struct Limits: Sendable {
    // MARK: What the protocol says

    /// Unicode scalars in a username, after trimming.
    package static let usernameScalars = 1...32
    /// Unicode scalars in a message's text.
    package static let textScalars = 1...4000
    /// Unicode scalars in the `id` that a client gives a message.
    package static let idScalars = 1...64
    /// Messages in one answer to `history`.
    package static let historyLimit: ClosedRange<UInt64> = 1...200
    /// Names in a welcome.
    package static let welcomeUsers = 500
    /// Messages in a welcome without `since`.
    package static let welcomeMessages = 100
    /// Events in a welcome with `since`.
    package static let welcomeEvents = 1000
    /// The largest seq that a room's newest event may have when it is loaded: the largest whole number that JavaScript
    /// holds exactly.
    package static let largestSeq: UInt64 = 1 << 53 - 1

    // MARK: Time, in milliseconds

    /// How long the name of someone whose page was closed or reloaded stays in the room (close code 1001).
    package static let graceAfterGoingAway: Int64 = 5_000
    /// How long the name of someone whose connection was lost stays in the room.
    package static let graceAfterLoss: Int64 = 30_000
    /// How long after it could not be written a leave is tried again.
    package static let leaveRetry: Int64 = 5_000

    // MARK: Rates of one connection

    /// Messages a second in the long run, and how many may come at once; nil is no limit.
    package var messages: Rate?
    /// Signs of typing. The page sends one every three seconds.
    package var typing = Limits.rate(1, seconds: 5)
    /// Changes of name: everyone sees them.
    package var renames = Limits.rate(0.2, seconds: 100)
    /// Requests for older messages. Someone who scrolls fast asks for a page every few hundred milliseconds.
    package var history = Limits.rate(5, seconds: 4)
    /// Bytes of messages of any kind. 4000 scalars can be 24 KB of escapes; at the default message rate an honest client
    /// stays below.
    package var bytes: Rate?
    /// Refused requests, by their weight. Who goes on regardless is disconnected.
    package var errors = Limits.errorRate(1)
    /// What a refused request counts for.
    static let errorWeight = 10
    /// The same for one that came too fast: many at once are no rarity, and cost little.
    static let hasteWeight = 1

    // MARK: Memory

    /// Bytes of a room's newest events that are held in memory, at most, and of the messages before them. A thousand of the
    /// longest messages would be 17 MB a room; past this the oldest are left to the disk.
    package var recentBytes = 4 << 20
    /// The same for a room that gets new events while all rooms together hold more than `recentBytesInAll`.
    package var scarceRecentBytes = 64 << 10
    package var recentBytesInAll = 256 << 20
    /// Messages that are held beyond the newest events; without a disk they are all the history there is.
    package var recentMessages = Limits.welcomeMessages
    /// Rooms that nobody is in are kept in memory up to this number, so that leaving and coming back costs no loading.
    package var emptyRooms = 256

    /// Identifiers of messages that a session is known to have used: the newest that many, at least, and at most twice
    /// as many. At ten messages a second this reaches back for an hour and three quarters.
    package var rememberedIDs = 65_536
    /// The same for a session that uses new ones while all together have more than `rememberedIDsInAll`, which are some
    /// 200 MB.
    package var scarceRememberedIDs = 1024
    package var rememberedIDsInAll = 4 << 20

    /// Texts of one connection that may wait while its join waits for the disk, and the memory that they take.
    package var parkedTexts = 1024
    package var parkedBytes = 256 << 10
    /// The same for all texts that wait.
    package var parkedBytesInAll = 64 << 20

    /// The memory that a text takes while it waits: an array has a head of its own.
    static func parkedBytes(of count: Int) -> Int { count + 48 }

    /// Bytes of history in one welcome or one page, as much as one read from the disk brings. What does not fit is left
    /// out as if the limit in events had been lower, and the answer says so (`gap`, `more`).
    package static let answerBytes = 2 << 20
    /// The same for welcomes in a tick whose answers have come to more than `answerBytesInAll`; pages have to wait then.
    package static let scarceAnswerBytes = 64 << 10
    package static let answerBytesInAll = 64 << 20
    /// So many bytes of a page of history count as one request more.
    package static let pageBytes = 256 << 10

    /// Whether rooms are loaded from a disk, and sessions journaled.
    package var isDurable: Bool

    /// All that differs from chat to chat, for a recording.
    static var rates: [WritableKeyPath<Limits, Rate?>] {
        [\.messages, \.typing, \.renames, \.history, \.bytes, \.errors]
    }
    static var sizes: [WritableKeyPath<Limits, Int>] {
        [
            \.recentBytes, \.scarceRecentBytes, \.recentBytesInAll, \.recentMessages, \.emptyRooms, \.rememberedIDs,
            \.scarceRememberedIDs, \.rememberedIDsInAll, \.parkedTexts, \.parkedBytes, \.parkedBytesInAll,
        ]
    }

    /// A rate that may run ahead by some seconds' worth; 0 a second is no limit.
    package static func rate(_ perSecond: Double, seconds: Double) -> Rate? {
        perSecond > 0 ? Rate(perSecond: perSecond, burst: max(1, perSecond * seconds)) : nil
    }

    /// The rate of refused requests, a hundred seconds' worth of which may come at once; 0 a second is no limit.
    package static func errorRate(_ perSecond: Double) -> Rate? {
        rate(perSecond * Double(errorWeight), seconds: 100)
    }

    /// - Parameters:
    ///   - messagesPerSecond: of one connection, in the long run; 0 is no limit.
    ///   - isDurable: whether there is a disk.
    package init(messagesPerSecond: Double = 10, isDurable: Bool = false) {
        self.isDurable = isDurable
        messages = Limits.rate(messagesPerSecond, seconds: 3)
        bytes = Limits.rate(messagesPerSecond * 26_000, seconds: 3)
        if !isDurable { recentMessages = 2000 }
    }
}
