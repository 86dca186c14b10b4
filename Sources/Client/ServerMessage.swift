import Bytes
import Chat

/// A person in the room.
package struct RoomMember: Equatable, Sendable {
    package var username: String
    package var user: String
    package var role: String?

    package init(username: String, user: String, role: String? = nil) {
        (self.username, self.user, self.role) = (username, user, role)
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
    package var user: String?
    /// `host` or `operator`.
    package var role: String?
    package var topic = ""
    package var isLocked = false
    /// The seconds between two messages of one user.
    package var slow: UInt64 = 0
    /// Whether the server keeps what is said.
    package var isKeeping = true
    /// The same as `users`, with what is known of them.
    package var people: [RoomMember] = []

    package init(
        username: String, room: String, users: [String], userCount: Int, session: String, seq: UInt64,
        history: [ChatEvent], gap: Bool
    ) {
        self.username = username
        self.room = room
        self.users = users
        self.userCount = userCount
        self.session = session
        self.seq = seq
        self.history = history
        self.gap = gap
    }
}

/// That a request was refused.
package struct ServerError: Error, Equatable, Sendable {
    package var code: String
    /// For a person to read.
    package var message: String
    /// Of the request that was refused, where it had one.
    package var id: String?
    /// Milliseconds after which the same would be accepted.
    package var retryAfter: Int64?
    /// Until when a ban or a mute holds (ms since the Unix epoch); without: for ever.
    package var until: Int64?

    package init(code: String, message: String, id: String? = nil, retryAfter: Int64? = nil, until: Int64? = nil) {
        self.code = code
        self.message = message
        self.id = id
        self.retryAfter = retryAfter
        self.until = until
    }
}

/// Somebody who may not come in.
package struct Ban: Equatable, Sendable {
    package var username: String
    package var user: String
    /// Milliseconds since the Unix epoch; without: for ever.
    package var until: Int64?
    package var reason: String?
}

/// What the server knows of a person.
package struct Whois: Equatable, Sendable {
    package var username: String
    package var user: String
    package var role: String?
    /// Since when (ms since the Unix epoch).
    package var since: Int64?
    /// For operators.
    package var addresses: [String] = []
}

/// What the server says, as the protocol has it. Fields that are not known are passed over.
package enum ServerMessage: Equatable, Sendable {
    case welcome(Welcome)
    case event(ChatEvent)
    case typing(username: String)
    case history([ChatEvent], more: Bool)
    case found([ChatEvent], before: UInt64?)
    /// A request was carried out before, or changes nothing.
    case done(id: String)
    case unread(room: String, seq: UInt64)
    case invite(String)
    case bans([Ban])
    case whois(Whois)
    case state(isKeeping: Bool)
    case error(ServerError)
    /// Of a type that is not known: a newer server's. It is to be passed over, too.
    case other

    /// Reads a message; nil where it is no JSON object with a type, or lacks a field that its type must have.
    ///
    /// - Parameters:
    ///   - text: valid UTF-8.
    ///   - keepsJSON: whether the events of a welcome are to hold the text that they were read from.
    package init?(_ text: Span<UInt8>, keepsJSON: Bool = false) {
        var at = 0
        JSONScanner.skipSpace(text, &at)
        guard let fields = ServerFields(text, &at) else { return nil }
        JSONScanner.skipSpace(text, &at)
        guard at == text.count, let type = fields.string("type", text) else { return nil }
        let message: ServerMessage?
        switch type {
        case "welcome": message = Welcome(fields, text, keepsJSON).map { .welcome($0) }
        case "typing": message = fields.string("username", text).map { .typing(username: $0) }
        case "history":
            message = Self.events("events", fields, text, false).map {
                .history($0, more: fields.flag("more", text) ?? false)
            }
        case "found":
            message = Self.events("events", fields, text, false).map {
                .found($0, before: fields.whole("before", text))
            }
        case "done": message = fields.string("id", text).map { .done(id: $0) }
        case "unread":
            guard let room = fields.string("room", text), let seq = fields.whole("seq", text) else { return nil }
            message = .unread(room: room, seq: seq)
        case "invite": message = fields.string("invite", text).map { .invite($0) }
        case "bans":
            message = fields.objects("bans", text).map { .bans($0.compactMap { Ban($0, text) }) }
        case "whois": message = Whois(fields, text).map { .whois($0) }
        case "state": message = fields.flag("keeping", text).map { .state(isKeeping: $0) }
        case "error": message = ServerError(fields, text).map { .error($0) }
        case _ where ChatEvent.types.contains(type): message = ChatEvent(fields, type, text).map { .event($0) }
        default: message = .other
        }
        guard let message else { return nil }
        self = message
    }

    /// A list of events. Those of a kind that is not known are passed over.
    fileprivate static func events(
        _ name: String, _ fields: ServerFields, _ text: Span<UInt8>, _ keepsJSON: Bool
    ) -> [ChatEvent]? {
        guard let places = fields.elements(name, text) else { return nil }
        var events: [ChatEvent] = []
        events.reserveCapacity(places.count)
        for place in places {
            guard let fields = ServerFields(place, text), let type = fields.string("type", text) else { return nil }
            guard ChatEvent.types.contains(type) else { continue }
            guard var event = ChatEvent(fields, type, text) else { return nil }
            if keepsJSON { event.json = JSONLine.copy(text.extracting(place.range)) }
            events.append(event)
        }
        return events
    }
}

// MARK: Reading the parts

extension Welcome {
    fileprivate init?(_ fields: ServerFields, _ text: Span<UInt8>, _ keepsJSON: Bool) {
        guard let username = fields.string("username", text), let room = fields.string("room", text),
            let users = fields.strings("users", text), let userCount = fields.whole("userCount", text),
            let session = fields.string("session", text), let seq = fields.whole("seq", text),
            let history = ServerMessage.events("history", fields, text, keepsJSON),
            let people = fields.objects("people", text)
        else { return nil }
        self.init(
            username: username, room: room, users: users, userCount: Int(clamping: userCount), session: session,
            seq: seq, history: history, gap: fields.flag("gap", text) ?? false)
        user = fields.string("user", text)
        role = fields.string("role", text)
        topic = fields.string("topic", text) ?? ""
        isLocked = fields.flag("locked", text) ?? false
        slow = fields.whole("slow", text) ?? 0
        isKeeping = fields.flag("keeping", text) ?? true
        self.people = people.compactMap { RoomMember($0, text) }
    }
}

extension RoomMember {
    fileprivate init?(_ fields: ServerFields, _ text: Span<UInt8>) {
        guard let username = fields.string("username", text), let user = fields.string("user", text) else { return nil }
        self.init(username: username, user: user, role: fields.string("role", text))
    }
}

extension ServerError {
    fileprivate init?(_ fields: ServerFields, _ text: Span<UInt8>) {
        guard let code = fields.string("code", text) else { return nil }
        self.init(
            code: code, message: fields.string("message", text) ?? "", id: fields.string("id", text),
            retryAfter: fields.time("retryAfter", text), until: fields.time("until", text))
    }
}

extension Ban {
    fileprivate init?(_ fields: ServerFields, _ text: Span<UInt8>) {
        guard let user = fields.string("user", text) ?? fields.string("toUser", text) else { return nil }
        self.init(
            username: fields.string("username", text) ?? fields.string("to", text) ?? user, user: user,
            until: fields.time("until", text),
            reason: fields.string("reason", text))
    }
}

extension Whois {
    fileprivate init?(_ fields: ServerFields, _ text: Span<UInt8>) {
        guard let username = fields.string("username", text), let user = fields.string("user", text) else { return nil }
        self.init(
            username: username, user: user, role: fields.string("role", text), since: fields.time("since", text),
            addresses: fields.strings("addresses", text) ?? [])
    }
}

extension ChatEvent {
    /// The types that are kept in a room's history.
    fileprivate static let types: Set = [
        "join", "leave", "message", "rename", "edit", "delete", "react", "moderation",
    ]

    fileprivate init?(_ fields: ServerFields, _ type: String, _ text: Span<UInt8>) {
        guard let seq = fields.whole("seq", text), let time = fields.time("time", text),
            let username = fields.string("username", text), let kind = Kind(fields, type, text)
        else { return nil }
        self.init(seq: seq, time: time, username: username, kind: kind)
        user = fields.string("user", text)
        role = fields.string("role", text)
        reply = fields.whole("reply", text)
        isBot = fields.flag("bot", text) ?? false
        isEdited = fields.whole("edited", text) != nil
        isDeleted = fields.flag("deleted", text) ?? false
        isSomeoneElse = fields.flag("changed", text) ?? false
        reactions = fields.named("reactions", text).map { emoji, fields in
            Reaction(
                emoji: emoji, count: Int(clamping: fields.whole("count", text) ?? 0),
                isMine: fields.flag("mine", text) ?? false)
        }
    }
}

extension ChatEvent.Kind {
    fileprivate init?(_ fields: ServerFields, _ type: String, _ text: Span<UInt8>) {
        let id = fields.string("id", text)
        switch type {
        case "join": self = .join
        case "leave": self = .leave
        case "message":
            // Of a deleted message the text is gone.
            let isDeleted = fields.flag("deleted", text) ?? false
            guard let said = fields.string("text", text) ?? (isDeleted ? "" : nil) else { return nil }
            self = .message(text: said, id: id)
        case "rename":
            guard let to = fields.string("to", text) else { return nil }
            self = .rename(to: to)
        case "moderation":
            guard let action = fields.string("action", text) else { return nil }
            var moderation = Moderation(
                action: action, to: fields.string("to", text), toUser: fields.string("toUser", text))
            moderation.until = fields.time("until", text)
            moderation.reason = fields.string("reason", text)
            moderation.seconds = fields.whole("seconds", text)
            moderation.text = fields.string("text", text)
            moderation.from = fields.time("from", text)
            self = .moderation(moderation, id: id)
        default:
            guard let target = fields.whole("target", text) else { return nil }
            switch type {
            case "edit": self = .edit(target: target, text: fields.string("text", text), id: id)
            case "delete": self = .delete(target: target, id: id)
            default:
                guard let emoji = fields.string("emoji", text) else { return nil }
                self = .react(target: target, emoji: emoji, isOn: fields.flag("on", text) ?? true, id: id)
            }
        }
    }
}
