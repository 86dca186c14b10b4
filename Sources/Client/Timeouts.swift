import WebSocket

/// How long a client waits (ms), and how much it keeps.
enum Timeouts {
    /// For a connection to open, and for the welcome.
    static let opening: Int64 = 10_000
    /// For a message's event, or for the answer to a ping; after that the connection is taken for dead.
    static let answer: Int64 = 10_000
    /// Without anything from the server, before it is pinged. The server's own pings come every 30 seconds.
    static let silence: Int64 = 45_000
    /// In the room, before the next loss counts as the first.
    static let settledAfter: Int64 = 10_000
    static let betweenTyping: Int64 = 3_000
    static let typingShown: Int64 = 5_000
    /// After a refusal that does not say how long.
    static let afterRefusal: Int64 = 1_000
    static let longestAfterRefusal: Int64 = 10_000
    /// How long the server keeps the name of a connection that it has lost (30 s), and the time until it notices.
    static let nameHeld: Int64 = 60_000
    /// How long a program whose name is taken waits for it: it may have been killed a moment ago, and then the server
    /// keeps the name for 30 s.
    static let nameAwaited: Int64 = 36_000
    static let betweenJoins: Int64 = 3_000
    /// Requests that may wait: nobody types more, and a pipe that brings more is to wait.
    static let outboxSize = 1_000
}

extension CloseCode {
    /// Chatloop's own: the client has given up a connection that did not answer. It counts as lost, so that the name is kept.
    static let unanswered = CloseCode(rawValue: 4000)
}
