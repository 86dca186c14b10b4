import WebSocket

/// What a chat client wants done.
package enum ClientAction: Equatable, Sendable {
    /// Open a connection.
    case connect
    /// Send a text message on the open connection.
    case send([UInt8])
    /// Send a text message that holds a secret: uncompressed, as the length of compressed text tells something of it.
    case sendSecret([UInt8])
    /// Send a ping on it: only what comes back shows that the other end is still there.
    case ping
    /// Close the connection as politely as its state allows, and forget it: nothing of it counts any more.
    case close(CloseCode)
    /// Show something to the user.
    case show(ClientEvent)
}

/// What is new for the user.
package enum ClientEvent: Equatable, Sendable {
    /// In the room: for the first time, or back after the connection was lost.
    case joined(Welcome, isBack: Bool)
    /// An event, each exactly once, in the order of the room's history.
    ///
    /// - `isPast`: it was in the room's history before this client joined for the first time.
    case event(ChatEvent, isPast: Bool)
    /// Events were missed here that are not to be had any more.
    case gap
    /// The connection is lost; another is being tried.
    case lost(CloseCode)
    /// Another connection goes on with this session, and this client does not.
    case takenOver
    /// A host has put this client out, and it does not come back by itself; the reason is the server's, and may be empty.
    case putOut(String)
    /// The server does not speak the chat's protocol.
    case noChat
    /// The join was refused: it takes another name, a password, or another time.
    case joinRefused(ServerError)
    /// The name is taken, perhaps by this client's own earlier connection: it is waited for.
    case nameAwaited(ServerError)
    /// A request was refused; it is kept in the outbox.
    case requestRefused(OutgoingRequest, ServerError)
    /// A request is kept back and sent again later: the room is in slow mode, or the server's disk does not take it.
    case requestDelayed(OutgoingRequest, ServerError)
    /// A request was carried out already, or changes nothing.
    case requestDone(OutgoingRequest)
    /// Something else was refused.
    case refused(ServerError)
    /// Older messages that were asked for, and whether there are more.
    case history([ChatEvent], more: Bool)
    /// Messages that were searched for; `before` is where to go on.
    case found([ChatEvent], before: UInt64?)
    /// A watched room has a new message.
    case unread(room: String, seq: UInt64)
    /// The invitation to this room.
    case invite(String)
    case bans([Ban])
    case whois(Whois)
    /// Whether the server keeps what is said.
    case keeping(Bool)
    /// A message of the server's as a line of JSON, for programs; before the event that says the same.
    case json([UInt8])
}
