import Client

/// What `chatloop talk` is told.
package struct TalkOptions: Sendable {
    package var url: ClientURL
    /// Nil: asks for one on a terminal, else makes one up.
    package var username: String?
    /// Whether standard output gets the protocol's messages as lines of JSON.
    package var isJSON = false
    /// Whether nothing is read, and the conversation lasts until it is stopped.
    package var onlyListens = false
    /// Where key and session are kept.
    package var statePath: String?
    package var password: String?
    /// Certificates, as PEM, that are trusted in place of the system's.
    package var authoritiesPath: String?
    /// Whether the server's certificate is taken whatever it is.
    package var isInsecure = false
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
    /// The server does not speak the chat's protocol.
    case noChat(String)
    /// The chat does not take this name, and nobody can be asked for another.
    case nameRefused(String)
    /// The chat does not let this client in, or has put it out.
    case refused(String)
    /// Another connection goes on with this session.
    case takenOver
    /// Standard output, or the state, cannot be written.
    case notWritten(String)
}

/// Why a conversation cannot begin, or go on: how it ends, or what is wrong with the command line.
package struct TalkFailure: Error {
    package var outcome: TalkOutcome
    /// What is wrong with the command line, if that is it.
    package var usage: String?

    init(_ outcome: TalkOutcome) { self.outcome = outcome }

    init(usage: String) { (outcome, self.usage) = (.refused(usage), usage) }
}

/// How long a conversation without a person waits (ms), and for how many lines.
enum TalkTimeouts {
    /// For a server, the first time. That it is not there then is most likely a wrong address.
    static let start: Int64 = 5_000
    /// For a server later. A restart is over within seconds, and after half a minute the name is anyone's again.
    static let absence: Int64 = 60_000
    /// For what was said just before leaving.
    static let farewell: Int64 = 5_000
    /// Between two writes of the state.
    static let betweenSaves: Int64 = 1_000
    /// Of lines read from a pipe, so many wait at most until those before them have been said.
    static let waitingLines = 100
}
