import WebSocket

/// What `chatloop talk` is told.
package struct TalkOptions: Sendable {
    package var url: ClientURL
    /// Nil: asks for one on a terminal, else makes one up.
    package var username: String?
    /// Whether colours may be used, on a terminal.
    package var allowsColours: Bool
    /// Whether the terminal is one that can do nothing but show text.
    package var isDumb: Bool

    package init(url: ClientURL, username: String?, allowsColours: Bool = true, isDumb: Bool = false) {
        self.url = url
        self.username = username
        self.allowsColours = allowsColours
        self.isDumb = isDumb
    }
}

/// How a conversation has ended.
package enum TalkOutcome: Equatable, Sendable {
    /// Left, with all that was said in the history; or, from a pipe, all but so many lines that were refused.
    case left(refused: Int)
    /// There is no server, or it has been away for too long.
    case unreachable(String)
    /// Whoever answers is no chat.
    case noChat(String)
    /// The chat does not take this name, and nobody can be asked for another.
    case nameRefused(String)
    /// Another connection goes on with this session.
    case takenOver
}

/// How long a conversation without a person waits for a server (ms).
enum TalkPatience {
    /// The first time. That a server is not there then is most likely a wrong address.
    static let start: Int64 = 5_000
    /// Later. A restart is over within seconds, and after half a minute the name is anyone's again.
    static let absence: Int64 = 60_000
    /// For what was said just before leaving.
    static let farewell: Int64 = 5_000
    /// Of lines read from a pipe, so many wait at most until those before them have been said.
    static let waitingLines = 100
}
