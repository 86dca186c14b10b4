/// Something that is asked of the chat once and takes effect once, however often it is sent.
package enum ChatRequest: Equatable, Sendable {
    /// - `reply`: the seq of the message that it answers.
    case message(text: String, reply: UInt64? = nil)
    /// Replaces the text of one's own message.
    case edit(target: UInt64, text: String)
    case delete(target: UInt64)
    /// Adds a reaction, or takes it back.
    case react(target: UInt64, emoji: String, isOn: Bool)
    case moderate(ModerationRequest)

    /// Whether it says something, which every server knows.
    var isMessage: Bool {
        if case .message = self { return true }
        return false
    }
}

/// A person who is or was in the room: by name, or by the 11 characters that stay the same.
package enum PersonReference: Equatable, Sendable {
    case username(String)
    case user(String)
}

/// What a host wants done.
package struct ModerationRequest: Equatable, Sendable {
    package var action: String
    package var person: PersonReference?
    package var minutes: UInt64?
    package var seconds: UInt64?
    package var reason: String?
    package var text: String?
    /// Of `ban`: whether it holds for the addresses, too.
    package var hasAddress = false

    package init(_ action: String, _ person: PersonReference? = nil) { (self.action, self.person) = (action, person) }
}
