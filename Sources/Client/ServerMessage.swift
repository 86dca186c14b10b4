import Chat

/// Something that happened in a room, with its place in the room's history.
package struct ChatEvent: Equatable, Sendable {
    package enum Kind: Equatable, Sendable {
        case join
        case leave
        case message(text: String, id: String?)
        case rename(to: String)
    }

    package var seq: UInt64
    /// Milliseconds since the Unix epoch.
    package var time: Int64
    /// Whose doing it is; of a rename, the old name.
    package var username: String
    package var kind: Kind

    package init(seq: UInt64, time: Int64, username: String, kind: Kind) {
        self.seq = seq
        self.time = time
        self.username = username
        self.kind = kind
    }

    /// The `id` that the sender gave a message.
    package var messageID: String? {
        if case .message(_, let id) = kind { return id }
        return nil
    }
}

/// The answer to a join.
package struct Welcome: Equatable, Sendable {
    package var username: String
    package var room: String
    /// Some of those who are here, this one included; in a crowd not all.
    package var users: [String]
    package var userCount: Int
    package var session: String
    /// The newest event's.
    package var seq: UInt64
    package var history: [ChatEvent]
    /// Whether events are left out between those that were known and `history`.
    package var gap: Bool
}

/// That a request was refused.
package struct ServerError: Error, Equatable, Sendable {
    package var code: String
    /// For a person to read.
    package var message: String
    /// Of the message that was refused, where it had one.
    package var id: String?
    /// Milliseconds after which the same would be accepted.
    package var retryAfter: Int64?

    package init(code: String, message: String, id: String? = nil, retryAfter: Int64? = nil) {
        self.code = code
        self.message = message
        self.id = id
        self.retryAfter = retryAfter
    }
}

/// What the server says, as the protocol has it. Fields that are not known are passed over.
package enum ServerMessage: Equatable, Sendable {
    case welcome(Welcome)
    case event(ChatEvent)
    case typing(username: String)
    case history([ChatEvent], more: Bool)
    case error(ServerError)
    /// Of a type that is not known: a newer server's. It is to be passed over, too.
    case other

    /// Reads a message; nil where it is no JSON object with a type, or lacks a field that its type must have.
    ///
    /// - Parameter text: valid UTF-8.
    package init?(_ text: Span<UInt8>) {
        var at = 0
        JSONScanner.skipSpace(text, &at)
        guard let fields = ServerFields(text, &at) else { return nil }
        JSONScanner.skipSpace(text, &at)
        guard at == text.count, let type = fields.string(fields.type, text) else { return nil }
        let message: ServerMessage?
        switch type {
        case "welcome": message = Self.welcome(fields, text)
        case "join", "leave", "message", "rename": message = Self.event(fields, type, text).map { .event($0) }
        case "typing": message = fields.string(fields.username, text).map { .typing(username: $0) }
        case "history": message = Self.history(fields, text)
        case "error": message = Self.error(fields, text)
        default: message = .other
        }
        guard let message else { return nil }
        self = message
    }

    private static func welcome(_ fields: ServerFields, _ text: Span<UInt8>) -> ServerMessage? {
        guard let username = fields.string(fields.username, text), let room = fields.string(fields.room, text),
            let users = fields.strings(fields.users, text), let userCount = fields.whole(fields.userCount, text),
            let session = fields.string(fields.session, text), let seq = fields.whole(fields.seq, text),
            let history = events(fields.history, text)
        else { return nil }
        return .welcome(
            Welcome(
                username: username, room: room, users: users, userCount: Int(clamping: userCount), session: session,
                seq: seq, history: history, gap: fields.isTrue(fields.gap, text)))
    }

    private static func event(_ fields: ServerFields, _ type: String, _ text: Span<UInt8>) -> ChatEvent? {
        guard let seq = fields.whole(fields.seq, text), let time = fields.whole(fields.time, text),
            let username = fields.string(fields.username, text)
        else { return nil }
        let kind: ChatEvent.Kind
        switch type {
        case "join": kind = .join
        case "leave": kind = .leave
        case "message":
            guard let said = fields.string(fields.text, text) else { return nil }
            kind = .message(text: said, id: fields.string(fields.id, text))
        default:
            guard let to = fields.string(fields.to, text) else { return nil }
            kind = .rename(to: to)
        }
        return ChatEvent(seq: seq, time: Int64(clamping: time), username: username, kind: kind)
    }

    private static func history(_ fields: ServerFields, _ text: Span<UInt8>) -> ServerMessage? {
        events(fields.events, text).map { .history($0, more: fields.isTrue(fields.more, text)) }
    }

    private static func error(_ fields: ServerFields, _ text: Span<UInt8>) -> ServerMessage? {
        guard let code = fields.string(fields.code, text) else { return nil }
        return .error(
            ServerError(
                code: code, message: fields.string(fields.message, text) ?? "", id: fields.string(fields.id, text),
                retryAfter: fields.whole(fields.retryAfter, text).map { Int64(clamping: $0) }))
    }

    /// A list of events. Those of a kind that is not known are passed over.
    private static func events(_ token: JSONToken, _ text: Span<UInt8>) -> [ChatEvent]? {
        guard token.kind == .array else { return nil }
        var places: [JSONToken] = []
        var at = token.range.lowerBound
        guard JSONScanner.elements(text, &at, onElement: { places.append($0) }) else { return nil }
        var events: [ChatEvent] = []
        events.reserveCapacity(places.count)
        for place in places {
            var at = place.range.lowerBound
            guard place.kind == .object, let fields = ServerFields(text, &at),
                let type = fields.string(fields.type, text)
            else { return nil }
            guard ["join", "leave", "message", "rename"].contains(type) else { continue }
            guard let event = event(fields, type, text) else { return nil }
            events.append(event)
        }
        return events
    }
}
