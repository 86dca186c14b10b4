/// Something that happened in a room, with its place in the room's history.
package struct ChatEvent: Equatable, Sendable {
    package enum Kind: Equatable, Sendable {
        case join
        case leave
        case message(text: String, id: String?)
        case rename(to: String)
        /// Without a text where the message was deleted or edited again later.
        case edit(target: UInt64, text: String?, id: String?)
        case delete(target: UInt64, id: String?)
        case react(target: UInt64, emoji: String, isOn: Bool, id: String?)
        case moderation(Moderation, id: String?)
    }

    package var seq: UInt64
    /// Milliseconds since the Unix epoch.
    package var time: Int64
    /// Whose doing it is; of a rename, the old name.
    package var username: String
    package var kind: Kind
    /// The 11 characters by which the server knows this client in all rooms; nil from before there were users.
    package var user: String?
    /// `host` or `operator`.
    package var role: String?
    /// Of a message: the seq of the one that it answers.
    package var reply: UInt64?
    /// Of a message: whether a token said it.
    package var isBot = false
    /// Of a message: whether it was edited since.
    package var isEdited = false
    /// Of a message: whether it was deleted since.
    package var isDeleted = false
    /// Of a message.
    package var reactions: [Reaction] = []
    /// Of a join: whether somebody else had this name last.
    package var isSomeoneElse = false
    /// The event as it came, where that is kept.
    var json: [UInt8]?

    package init(seq: UInt64, time: Int64, username: String, kind: Kind) {
        self.seq = seq
        self.time = time
        self.username = username
        self.kind = kind
    }

    /// The `id` that the client gave the request that made this event.
    package var requestID: String? {
        switch kind {
        case .message(_, let id), .edit(_, _, let id), .delete(_, let id), .react(_, _, _, let id),
            .moderation(_, let id):
            id
        case .join, .leave, .rename: nil
        }
    }
}

/// How often a message was answered with an emoji.
package struct Reaction: Equatable, Sendable {
    package var emoji: String
    package var count: Int
    /// Whether this client is among them.
    package var isMine: Bool

    package init(emoji: String, count: Int, isMine: Bool) {
        (self.emoji, self.count, self.isMine) = (emoji, count, isMine)
    }
}

/// What a host did. Of the fields only those are there that the action has.
package struct Moderation: Equatable, Sendable {
    package var action: String
    /// The name of the person it was done to, and their `user`.
    package var to: String?
    package var toUser: String?
    /// Until when it holds (ms since the Unix epoch); without: for ever.
    package var until: Int64?
    package var reason: String?
    /// Of `slow`.
    package var seconds: UInt64?
    /// The topic.
    package var text: String?
    /// Of `purge`: since when that person's messages are gone (ms since the Unix epoch).
    package var from: Int64?

    package init(action: String, to: String? = nil, toUser: String? = nil) {
        (self.action, self.to, self.toUser) = (action, to, toUser)
    }
}
