import Foundation

/// A message of the chat protocol, in either direction, with the fields that the checker reads. Others are ignored.
package struct Message: Decodable, Equatable, Sendable {
    package var type: String
    // Of events.
    package var seq: UInt64?
    package var time: Int64?
    package var username: String?
    package var user: String?
    package var role: String?
    package var text: String?
    package var id: String?
    package var reply: UInt64?
    package var bot: Bool?
    package var changed: Bool?
    package var to: String?
    package var toUser: String?
    package var target: UInt64?
    package var emoji: String?
    package var on: Bool?
    package var action: String?
    package var until: Int64?
    package var from: Int64?
    package var reason: String?
    package var seconds: Int64?
    // Of messages as they are now.
    package var edited: Int64?
    package var deleted: Bool?
    package var reactions: [String: Reaction]?
    // Of welcomes.
    package var room: String?
    package var users: [String]?
    package var people: [Member]?
    package var userCount: Int?
    package var session: String?
    package var gap: Bool?
    package var history: [Message]?
    // Of other answers.
    package var events: [Message]?
    package var more: Bool?
    package var ref: String?
    package var code: String?
    // Of requests; the invitation of an answer, too.
    package var invite: String?
    package var since: UInt64?
    package var before: UInt64?
    package var after: UInt64?
    /// In the output of `chatloop talk --json`: from before the first join.
    package var past: Bool?

    package struct Reaction: Decodable, Equatable, Sendable {
        package var count: Int
        package var users: [String]?
        package var mine: Bool?
    }

    package struct Member: Decodable, Equatable, Sendable {
        package var username: String
        package var user: String?
    }

    /// The kinds of messages that are events: what a room keeps.
    static let eventTypes: Set = ["join", "leave", "message", "rename", "edit", "delete", "react", "moderation"]
    var isEvent: Bool { Self.eventTypes.contains(type) && seq != nil }
    /// Whether a room with such an event is kept: until then, its seqs live in the server's memory.
    var isSpoken: Bool { isEvent && !["join", "leave", "rename"].contains(type) }

    /// What of an event can never change.
    var lasting: Message {
        var event = self
        event.text = type == "message" || type == "edit" ? nil : text
        (event.edited, event.deleted, event.reactions, event.past) = (nil, nil, nil, nil)
        return event
    }

    /// The text that the message was said with, as far as it can be told from this.
    var firstText: String? { type == "message" && (edited != nil || deleted == true) ? nil : text }
    /// Whose it is: the user, or, in messages from before there were users, the name.
    var author: String { user ?? username ?? "" }
}

extension UInt64 {
    /// How many unclean stops of the machine are counted in a seq.
    var epoch: UInt64 { self >> 32 }

    /// Whether there is nothing between two seqs: they are neighbours, or this is the first one after an unclean stop.
    func follows(_ last: UInt64) -> Bool {
        self == last + 1 || epoch > last.epoch && UInt32(truncatingIfNeeded: self) == 1
    }
}
