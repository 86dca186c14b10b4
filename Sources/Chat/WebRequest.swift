/// What a program asks of the chat in one HTTP request. Unlike a connection that joins, it is answered once and forgotten.
package struct WebRequest: Sendable {
    package enum Kind: Sendable {
        /// Says something: `content` is a JSON object with `text`, and perhaps `id` and `reply`.
        case post(by: Bot, content: Range<Int>)
        /// The newest messages before a seq; for a program, if it has brought its token.
        case messages(before: UInt64, limit: Int, by: Bot?)
        /// What anyone may know of a room.
        case about
    }

    package var kind: Kind
    /// The room's name as it was asked for.
    package var room: Range<Int>
    /// The digest of the client's address (`ServerSecret.address`).
    package var address: UInt64

    package init(_ kind: Kind, room: Range<Int>, address: UInt64) {
        self.kind = kind
        self.room = room
        self.address = address
    }
}

/// Who posts with a token.
package struct Bot: Sendable, Equatable {
    package let username: Username
    package let user: UserID

    package init(_ username: Username, _ secret: ServerSecret) {
        self.username = username
        user = secret.user(ofToken: username.text)
    }

    init(username: Username, user: UserID) {
        self.username = username
        self.user = user
    }
}

/// How an HTTP request came out.
package enum WebOutcome: Sendable, Equatable {
    case ok
    /// Something was said that is an event now.
    case created
    /// The text is that of an error.
    ///
    /// - Parameter retryAfter: in milliseconds.
    case refused(ErrorCode, retryAfter: Int64?)
}

/// A request that waits for its room to be loaded. What it says has been judged; it lies, as it will be written, in the
/// peer's parked text.
enum WaitingRequest: Sendable {
    indirect case post(Bot, textLength: Int, reply: UInt64?)
    indirect case page(before: UInt64, limit: Int, Bot?)
    case about
}
