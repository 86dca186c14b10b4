import Bytes
import Chat

/// What a client proves with its join.
package struct Credentials: Equatable, Sendable {
    /// 16 to 128 characters that this client has made up and keeps: by them the server knows its user again.
    package var key: String?
    package var password: String?
    /// Into a locked room.
    package var invite: String?
    /// Makes this user an operator. It works once, so it is sent until the first welcome.
    package var operatorCode: String?

    package init() {}
}

/// What a client says, as the JSON of the protocol.
package enum ClientMessage {
    /// - Parameters:
    ///   - session: from an earlier welcome.
    ///   - since: the newest event that is known.
    package static func join(
        username: String, session: String? = nil, since: UInt64? = nil, credentials: Credentials = Credentials()
    ) -> [UInt8] {
        var object = ObjectWriter("join")
        object.add("username", username)
        object.add("session", session)
        object.add("since", since)
        object.add("key", credentials.key)
        object.add("password", credentials.password)
        object.add("invite", credentials.invite)
        object.add("operator", credentials.operatorCode)
        return object.end()
    }

    /// - Parameter id: the client's name for it, 1 to 64 characters: the server does nothing twice that has one.
    package static func request(_ request: ChatRequest, id: String?) -> [UInt8] {
        var object: ObjectWriter
        switch request {
        case .message(let text, let reply):
            object = ObjectWriter("message")
            object.add("text", text)
            object.add("reply", reply)
        case .edit(let target, let text):
            object = ObjectWriter("edit")
            object.add("target", target)
            object.add("text", text)
        case .delete(let target):
            object = ObjectWriter("delete")
            object.add("target", target)
        case .react(let target, let emoji, let isOn):
            object = ObjectWriter("react")
            object.add("target", target)
            object.add("emoji", emoji)
            if !isOn { object.add("on", false) }
        case .moderate(let moderation): object = writer(moderation)
        }
        object.add("id", id)
        return object.end()
    }

    package static func message(text: String, id: String? = nil) -> [UInt8] {
        request(.message(text: text), id: id)
    }

    /// Asks for something of a host's that changes nothing in the room.
    static func query(_ moderation: ModerationRequest) -> [UInt8] { writer(moderation).end() }

    private static func writer(_ moderation: ModerationRequest) -> ObjectWriter {
        var object = ObjectWriter("moderate")
        object.add("action", moderation.action)
        switch moderation.person {
        case .username(let name): object.add("username", name)
        case .user(let user): object.add("user", user)
        case nil: break
        }
        object.add("minutes", moderation.minutes)
        object.add("seconds", moderation.seconds)
        object.add("reason", moderation.reason)
        object.add("text", moderation.text)
        if moderation.hasAddress { object.add("address", true) }
        return object
    }

    /// Asks for another name.
    package static func rename(to username: String) -> [UInt8] {
        var object = ObjectWriter("rename")
        object.add("username", username)
        return object.end()
    }

    /// Tells the others that this user is typing.
    package static let typing = ObjectWriter("typing").end()

    /// - Parameters:
    ///   - before: the seq before which messages are wanted.
    ///   - limit: how many at most, 1 to 200.
    package static func history(before: UInt64, limit: Int) -> [UInt8] {
        var object = ObjectWriter("history")
        object.add("before", before)
        object.add("limit", UInt64(max(0, limit)))
        return object.end()
    }

    /// - Parameters:
    ///   - text: what is looked for, 2 to 100 characters.
    ///   - before: where an earlier answer said to go on.
    package static func search(_ text: String, before: UInt64? = nil, limit: Int) -> [UInt8] {
        var object = ObjectWriter("search")
        object.add("text", text)
        object.add("before", before)
        object.add("limit", UInt64(max(0, limit)))
        return object.end()
    }
}

/// An object of the protocol in the making. What is nil is left out.
private struct ObjectWriter {
    private var bytes: [UInt8] = []

    init(_ type: StaticString) {
        bytes.append("{\"type\":\"")
        bytes.append(type)
        bytes.append("\"")
    }

    mutating func add(_ name: StaticString, _ text: String?) {
        guard let text else { return }
        add(name)
        bytes.append(quoting: text)
    }

    mutating func add(_ name: StaticString, _ number: UInt64?) {
        guard let number else { return }
        add(name)
        bytes.append(decimal: number)
    }

    mutating func add(_ name: StaticString, _ flag: Bool) {
        add(name)
        bytes.append(flag ? "true" : "false")
    }

    private mutating func add(_ name: StaticString) {
        bytes.append(",\"")
        bytes.append(name)
        bytes.append("\":")
    }

    func end() -> [UInt8] { bytes + [UInt8(ascii: "}")] }
}
