/// All that can happen to a room. Its state and its outputs follow from these, in their order, and from nothing else.
///
/// No input holds a secret. Ranges are places in the bytes that come along; of an `id` or a text they are a JSON string with
/// its quotation marks, as it is written into the event.
package enum RoomInput: Sendable {
    indirect case join(ConnectionID, Join)
    case message(ConnectionID, text: Range<Int>, id: Range<Int>, reply: UInt64?)
    /// Something is done to a message.
    indirect case change(ConnectionID, MessageChange)
    /// The stored line of a message that a request of this tick is about; empty where there is none.
    case messageRead(UInt64, line: Range<Int>)
    /// A program says something, over HTTP.
    indirect case post(ConnectionID, Post)
    case typing(ConnectionID)
    indirect case rename(ConnectionID, Username)
    indirect case moderation(ConnectionID, Moderation)
    /// The connection is no more, or will send nothing more that counts.
    case closed(ConnectionID, Departure)
    /// The time of grace of a member is over.
    case graceOver(member: UInt64, grace: UInt32)
    /// Somebody with this session is on the way back: the time of grace begins anew.
    case returning(session: UInt128)
    /// The room was loaded after a restart: nobody has a connection, and everyone has the time of grace to come back.
    case restarted
    /// What the room must know of the server has changed.
    indirect case server(ServerFacts)
    /// The room is that of two strangers: the first that it hears of them.
    indirect case paired(Pair)

    // What follows changes nothing.

    /// Whether what is said can be kept has changed.
    case keeping(Bool)
    /// The request that was refused at the door.
    indirect case refused(ConnectionID, Refusal, reference: Reference?)
    /// A page of messages.
    indirect case page(ConnectionID, PageRequest)
    /// What was read for a page: stored messages.
    indirect case pageRead(ConnectionID, PageRequest, lines: Range<Int>, more: Bool)
    /// The event of an `id` that was used before, as it was read, or nothing.
    indirect case repeatRead(ConnectionID, seq: UInt64, id: Range<Int>, lines: Range<Int>, request: UInt64)
    /// What was done to messages is in their lines now.
    indirect case folded(Folded)
    /// Events up to a seq are not kept any longer.
    case expired(through: UInt64)
    /// Seqs go on from here: what came before may have been used, and was lost.
    case jumped(to: UInt64)
    /// A search in all that was said.
    indirect case search(ConnectionID, SearchRequest)
    /// What was found: stored messages; and where to go on, where there is more.
    indirect case searchRead(ConnectionID, SearchRequest, lines: Range<Int>, next: UInt64?)
    /// A read has failed.
    indirect case readFailed(ConnectionID, reference: Reference?, request: UInt64)

    /// Whether it may change the room, so that it belongs into a recording.
    package var isDecisive: Bool {
        switch self {
        case .join, .message, .change, .messageRead, .post, .typing, .rename, .closed, .graceOver, .returning,
            .restarted, .server, .paired, .moderation, .expired, .jumped:
            true
        case .keeping, .refused, .page, .pageRead, .repeatRead, .folded, .search, .searchRead, .readFailed: false
        }
    }
}

/// A join, with all secrets turned into what a room may know.
package struct Join: Sendable {
    package var username: Username
    package var user: UserID
    package var isKeyed: Bool
    /// The digest of the session that the client claims.
    package var session: UInt128?
    /// The digest of the secret that becomes the session's of someone new.
    package var newSession: UInt128
    /// The seq of the last event that the client knows; nil for one who knows nothing.
    package var since: UInt64?
    /// What was read from the disk of the events after `since`.
    package var fetched: FetchedEvents?
    /// The digest of the invitation that comes along.
    package var invitation: UInt128?
    /// The digest of the client's address; and whether it is that of the client alone, as far as the door knows, so that a ban may
    /// be of it.
    package var address: UInt64 = 0
    package var isOwnAddress = false
    /// Which of the session's attachments it is to end, as its node was asked: of several nodes' joins the last is not the newest.
    package var confirmed: UInt32 = 0

    package init(
        username: Username, user: UserID, isKeyed: Bool, session: UInt128?, newSession: UInt128, since: UInt64?,
        fetched: FetchedEvents? = nil
    ) {
        self.username = username
        self.user = user
        self.isKeyed = isKeyed
        self.session = session
        self.newSession = newSession
        self.since = since
        self.fetched = fetched
    }
}

/// What a client wants to have done to a message.
package struct MessageChange: Sendable, Equatable {
    package enum Kind: Sendable, Equatable {
        /// A new text, as a JSON string.
        case edit(text: Range<Int>)
        case delete
        /// A reaction, given or taken back.
        case react(emoji: String, on: Bool)
    }

    package var kind: Kind
    package var target: UInt64
    /// What the client calls the request; empty where it has no name.
    package var id: Range<Int>
}

/// What a program says. The ranges are as in `RoomInput.message`.
package struct Post: Sendable {
    package var bot: Bot
    package var text: Range<Int>
    package var id: Range<Int>
    package var reply: UInt64?

    package init(bot: Bot, text: Range<Int>, id: Range<Int>, reply: UInt64?) {
        self.bot = bot
        self.text = text
        self.id = id
        self.reply = reply
    }
}

/// What a client looks for in all that was said.
package struct SearchRequest: Sendable, Equatable {
    /// The text, as a JSON string.
    package var text: Range<Int>
    /// Only messages before this seq.
    package var before: UInt64
    package var limit: Int
    package var ref: Range<Int>
    /// The read that it took, or 0.
    package var request: UInt64 = 0

    var reference: Reference? { ref.isEmpty ? nil : Reference(name: .ref, range: ref) }
}

/// How a connection ended, as far as the chat cares: it decides how long the name stays in the room.
package enum Departure: UInt8, Sendable {
    /// The client said good-bye (close code 1000): it leaves at once.
    case left = 0
    /// The page was closed or reloaded (1001): it may be back in a moment.
    case wentAway = 1
    /// Anything else: the network may come back.
    case lost = 2
}

/// What a client calls a request, so that it knows the answer.
package struct Reference: Sendable, Equatable {
    package enum Name: Sendable { case id, ref }
    package var name: Name
    /// Where it stands, with its quotation marks.
    package var range: Range<Int>
}

/// What a client asks of the past.
package struct PageRequest: Sendable, Equatable {
    package enum Direction: Sendable, Equatable {
        /// The newest messages before a seq.
        case before(UInt64)
        /// The oldest messages after a seq.
        case after(UInt64)
    }

    package var direction: Direction
    package var limit: Int
    package var ref: Range<Int>
    /// The read that it took, or 0.
    package var request: UInt64 = 0
    /// Whether a member asks; otherwise it is a request over HTTP.
    package var isByMember = true
}

/// What the chat wants from the disk. The answer comes back as an item of a later tick.
package struct DiskRead: Sendable, Equatable {
    package enum Want: Sendable, Equatable {
        /// The room, before anyone enters.
        case load
        /// The newest `limit` messages before a seq, at most so many bytes of them.
        case messagesBefore(UInt64, limit: Int)
        /// The oldest `limit` messages after a seq.
        case messagesAfter(UInt64, limit: Int)
        /// The event with this seq.
        case event(UInt64)
        /// The newest `limit` events after this seq.
        case since(UInt64, limit: Int)
        /// The newest `limit` messages before a seq that have a text in them, given as a JSON string.
        case search([UInt8], before: UInt64, limit: Int)

        package var isSearch: Bool { if case .search = self { true } else { false } }
    }

    /// The room's place in the chat's table.
    package var room: UInt32
    package var want: Want
    /// The number that comes back with the answer. Of no meaning for `load`, whose answer names the room.
    package var request: UInt64
}
