/// Every number that bounds what the chat keeps or allows at the door, in one place. (What a room decides by is in
/// `RoomRules`.)
package struct Limits: Sendable {
    // MARK: What the protocol says

    /// Unicode scalars in a username, after trimming.
    package static let usernameScalars = 1...32
    /// Unicode scalars in a message's text.
    package static let textScalars = 1...4000
    /// Unicode scalars in the `id` or `ref` that a client gives a request.
    package static let idScalars = 1...64
    /// Unicode scalars in the `key` that a client keeps.
    package static let keyScalars = 16...128
    /// Unicode scalars in a room's topic, and in a reason.
    package static let topicScalars = 0...300
    /// Seconds between two messages in slow mode.
    package static let slowSeconds: ClosedRange<UInt64> = 0...3600
    /// Minutes for which a ban or a mute may hold, and of a purge.
    package static let sanctionMinutes: ClosedRange<UInt64> = 1...525_600
    package static let purgeMinutes: ClosedRange<UInt64> = 1...1440
    /// Messages in one answer to `history`.
    package static let historyLimit: ClosedRange<UInt64> = 1...200
    /// Messages in one answer to `search`, and how many there are where the client does not say.
    package static let searchLimit: ClosedRange<UInt64> = 1...50
    static let usualSearchLimit: UInt64 = 20
    /// Unicode scalars in a text that is looked for.
    package static let searchScalars = 2...100
    /// Unicode scalars in one emoji: a family of four with four shades of skin has eleven.
    static let emojiScalars = 1...16
    /// Names with each kind of reactions to a message.
    static let reactionNames = 20
    /// Rooms that one connection may watch.
    package static let watchedRooms = 20
    /// How long there is between two tellings of new messages in a watched room (ms).
    static let watchInterval: Int64 = 1000
    /// Names in a welcome.
    package static let welcomeUsers = 500
    /// Messages in a welcome without `since`.
    package static let welcomeMessages = 100
    /// Events in a welcome with `since`.
    package static let welcomeEvents = 1000
    /// The largest seq that an event may have: the largest whole number that JavaScript holds exactly.
    package static let largestSeq: UInt64 = 1 << 53 - 1

    // MARK: Rates of one connection

    /// Signs of typing. The page sends one every three seconds.
    package var typing = Limits.rate(1, seconds: 5)
    /// Changes of name: everyone sees them.
    package var renames = Limits.rate(0.2, seconds: 100)
    /// Requests for older messages. Someone who scrolls fast asks for a page every few hundred milliseconds.
    package var history = Limits.rate(5, seconds: 4)
    /// Bytes of messages of any kind. 4000 scalars can be 24 KB of escapes; at the default message rate an honest client
    /// stays below.
    package var bytes: Rate?
    /// Refused requests, by their weight. A client that goes on regardless is disconnected.
    package var errors = Limits.errorRate(1)
    /// What a refused request counts for.
    static let errorWeight = 10
    /// The same for one that came too fast: many at once are no rarity, and cost little.
    static let hasteWeight = 1

    /// Wrong passwords from one address: ten a minute.
    static let guesses = Rate(perSecond: 1.0 / 6, burst: 10)

    // MARK: Rates of one user, and of one address

    /// Messages a second in the long run, and how many may come at once; nil is no limit.
    package var messages: Rate?
    /// The same from one address, behind which there may be a class of thirty.
    package var messagesFromAddress: Rate?
    /// Requests over HTTP to read a room, from one address: a class of thirty opens its pages at once.
    package var readingFromAddress = Limits.rate(10, seconds: 10)

    /// Times that a stranger may be waited for from one address. Behind each there may be a class of thirty, too.
    package var pairings = Limits.rate(2, seconds: 60)

    /// Days for which a room's history is kept; nil is for ever.
    package var keepDays: UInt64?
    /// The same in milliseconds.
    var keptTime: Int64? { keepDays.map { Int64(clamping: $0) * RoomRules.day } }

    /// New rooms from one address, counted when their file begins, in an hour and in a day; and bytes of text in a day. Nil is no
    /// limit.
    package var newRoomsInAnHour: Allowance? = Allowance(20, in: 3_600_000)
    package var newRoomsInADay: Allowance? = Allowance(100, in: RoomRules.day)
    package var textInADay: Allowance? = Allowance(64 << 20, in: RoomRules.day)
    /// Rooms that may have a file.
    package var rooms = 10_000

    // MARK: Memory

    /// Rooms that nobody is in are kept in memory up to this number, so that leaving and coming back costs no loading.
    package var emptyRooms = 256
    /// Bytes of newest events in all rooms together, above which rooms that nobody is in are dropped.
    package var recentBytesInAll = 256 << 20

    /// Texts of one connection that may wait while its join waits for the disk, and the memory that they take.
    package var parkedTexts = 1024
    package var parkedBytes = 256 << 10
    /// The same for all texts that wait.
    package var parkedBytesInAll = 64 << 20

    /// The memory that a text takes while it waits: an array has a head of its own.
    static func parkedBytes(of count: Int) -> Int { count + 48 }

    /// How long deletions are gathered before texts are erased from the log, in milliseconds; and how long after a failure that is
    /// tried again.
    static let erasureDelay: Int64 = 30_000
    static let erasureRetry: Int64 = 5_000
    /// How often it is looked, without a disk, what is older than it may be.
    static let expiryInterval: Int64 = 60_000

    /// Answers of one connection that may wait behind one that comes from the disk.
    package static let waitingAnswers = 256

    /// Bytes of history in one welcome. What does not fit is left out as if the limit in events had been lower, and the
    /// welcome says so (`gap`).
    package static let welcomeBytes = 2 << 20
    /// The same in a tick whose answers have come to more than `answerBytesInAll`.
    package static let scarceWelcomeBytes = 64 << 10
    /// The same for a page, which says so with `more`.
    package static let pageBytes = 1 << 20
    /// So many bytes of a page of history count as one request more.
    package static let chargedPageBytes = 256 << 10
    /// Bytes of answers in one tick, above which pages have to wait.
    package static let answerBytesInAll = 64 << 20

    /// What the rooms decide by.
    package var rules: RoomRules

    /// A rate that may run ahead by some seconds' worth; 0 a second is no limit.
    package static func rate(_ perSecond: Double, seconds: Double) -> Rate? {
        perSecond > 0 ? Rate(perSecond: perSecond, burst: max(1, perSecond * seconds)) : nil
    }

    /// The rate of refused requests, a hundred seconds' worth of which may come at once; 0 a second is no limit.
    package static func errorRate(_ perSecond: Double) -> Rate? {
        rate(perSecond * Double(errorWeight), seconds: 100)
    }

    /// - Parameters:
    ///   - messagesPerSecond: of one user, in the long run; 0 is no limit.
    ///   - isDurable: whether there is a disk.
    package init(messagesPerSecond: Double = 10, isDurable: Bool = false) {
        rules = RoomRules(isDurable: isDurable)
        messages = Limits.rate(messagesPerSecond, seconds: 3)
        messagesFromAddress = Limits.rate(messagesPerSecond * 30, seconds: 3)
        bytes = Limits.rate(messagesPerSecond * 26_000, seconds: 3)
        if messagesPerSecond == 0 { (newRoomsInAnHour, newRoomsInADay, textInADay, pairings) = (nil, nil, nil, nil) }
    }
}
