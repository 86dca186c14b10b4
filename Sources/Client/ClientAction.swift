import WebSocket

/// What a chat client wants done.
package enum ClientAction: Equatable, Sendable {
    /// Open a connection.
    case connect
    /// Send a text message on the open connection.
    case send([UInt8])
    /// Send a ping on it: only what comes back shows that the other end is still there.
    case ping
    /// Say good-bye as far as that is possible, and forget the connection: nothing of it counts any more.
    case close(CloseCode)
    /// Show something to the person.
    case show(News)
}

/// What is new for the person.
package enum News: Equatable, Sendable {
    /// In the room: for the first time, or back after the connection was lost.
    case joined(isBack: Bool)
    /// An event, each exactly once, in the order of the room's history.
    case event(ChatEvent)
    /// Here events were missed that are not to be had any more.
    case gap
    /// The connection is lost; another is being tried.
    case lost(CloseCode)
    /// Another connection goes on with this session, and this client does not.
    case takenOver
    /// Whoever answers is no chat.
    case noChat
    /// The join was refused: it takes another name, or another time.
    case joinRefused(ServerError)
    /// A message was refused; it is kept in the outbox.
    case messageRefused(OutgoingMessage, ServerError)
    /// Something else was refused.
    case refused(ServerError)
    /// Older messages that were asked for, and whether there are more.
    case history([ChatEvent], more: Bool)
}
