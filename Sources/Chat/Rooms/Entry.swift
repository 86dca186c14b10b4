/// One of a room's outputs, and for whom it is. They go out in the order in which they were made.
package struct Entry: Sendable {
    package enum Audience: Sendable, Equatable {
        case everyone
        case everyoneBut(ConnectionID)
        case one(ConnectionID)
        /// One who hears all from here on, and nothing before.
        case newcomer(ConnectionID)
    }

    package enum Kind: Sendable, Equatable {
        /// An event, which is in the history.
        case event(EventKind)
        /// A sign of typing, which is not.
        case typing
        /// Something about the server that is no event either.
        case notice
        /// An answer to what one connection has asked; `request` is the read from the disk that it needed, or 0. Some ask for
        /// another join: then there is time for one again.
        case answer(request: UInt64, renewsJoin: Bool)
        /// An answer that is completed by whoever sends it, as the session in a welcome is: a room knows no secret and no address.
        case completed(Addition)
        /// The answer to an HTTP request.
        case response(WebOutcome)
        /// The answer that follows here has to come from the disk first.
        case awaits(DiskRead)
        /// The welcome. The session's secret is put in by whoever sends it: the room does not know it.
        case welcome
        /// The connection ends here.
        case end(Ending)
    }

    /// What is added to an answer.
    package enum Addition: Sendable, Equatable {
        case nothing
        /// The invitation that follows from this and the server's secret.
        case invitation(nonce: UInt128)
        /// The addresses of these connections.
        case addresses(of: [ConnectionID])
    }

    package let kind: Kind
    package let audience: Audience
    /// Its JSON text up to the closing bracket: of an event in `Room.lines`, else in `Room.texts`.
    package internal(set) var range: Range<Int>
    /// Its place among all that the room has put out.
    package let number: UInt64

    /// Whether it goes to more than one.
    package var isShared: Bool {
        switch audience {
        case .everyone, .everyoneBut: true
        case .one, .newcomer: false
        }
    }

    /// Whether its text is that of an event.
    package var isEvent: Bool { if case .event = kind { true } else { false } }

    /// Joins and leaves may wait a little while others come (see `Room.holdTime`).
    var mayWait: Bool {
        switch kind {
        case .event(.join), .event(.leave): true
        default: false
        }
    }
}

/// The kinds of events. The raw value is what stands in the protocol and in the log.
package enum EventKind: String, Sendable, CaseIterable {
    case join, leave, message, rename, edit, delete, react, moderation

    /// Whether an event of this kind makes a room worth a file.
    var isSpoken: Bool {
        switch self {
        case .join, .leave, .rename: false
        case .message, .edit, .delete, .react, .moderation: true
        }
    }
}

/// Why the chat ends a connection.
package enum Ending: UInt8, Sendable {
    /// Another connection has joined with the same session.
    case takenOver = 0
    /// Errors without end.
    case tooManyErrors = 1
    /// More was sent than can be held while a room is being loaded.
    case tooEager = 2
    /// A host has put this person out.
    case putOut = 3
    /// A stranger was found.
    case paired = 4
    /// The other one of a pair has left, or has not come.
    case strangerGone = 5
    /// The room has to be taken from the engine anew.
    case serverRestarts = 6

    /// Whether the connection does not count any more already. Any other counts until the chat is told that it is closed.
    package var isDone: Bool { self == .takenOver || self == .putOut || self == .serverRestarts }
}
