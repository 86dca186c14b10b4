import Client

/// The newest messages, as they are now: what an answer, an edit or a reaction refers to, and what a command means that names
/// no message.
struct RecentMessages: Sendable {
    struct Message: Sendable {
        var seq: UInt64
        var time: Int64
        var username: String
        var user: String?
        var text: String
        /// The emoji that this client has reacted with.
        var ownReactions: Set<String> = []
        var isOwn: Bool
    }

    /// In order of their seqs, as the room's events are.
    private var messages: [Message] = []

    /// More than a person scrolls back to.
    private static let most = 1_000

    mutating func removeAll() { messages = [] }

    private func index(of seq: UInt64) -> Int? { messages.lastIndex { $0.seq == seq } }

    subscript(seq: UInt64) -> Message? { index(of: seq).map { messages[$0] } }

    /// The newest message of this client, or of somebody else.
    func newest(isOwn: Bool) -> Message? { messages.last { $0.isOwn == isOwn } }

    /// - Parameter isOwn: whether the event is this client's doing.
    mutating func apply(_ event: ChatEvent, isOwn: Bool) {
        switch event.kind {
        case .message(let text, _):
            guard !event.isDeleted else { return }
            messages.append(
                Message(
                    seq: event.seq, time: event.time, username: event.username, user: event.user, text: text,
                    ownReactions: Set(event.reactions.filter(\.isMine).map(\.emoji)), isOwn: isOwn))
            // In pieces, so that not each message moves all others.
            if messages.count > Self.most * 2 { messages.removeFirst(Self.most) }
        case .edit(let target, let text?, _): if let index = index(of: target) { messages[index].text = text }
        case .delete(let target, _): if let index = index(of: target) { messages.remove(at: index) }
        case .react(let target, let emoji, let isOn, _):
            guard isOwn, let index = index(of: target) else { return }
            if isOn { messages[index].ownReactions.insert(emoji) } else { messages[index].ownReactions.remove(emoji) }
        case .moderation(let moderation, _):
            guard moderation.action == "purge", let user = moderation.toUser else { return }
            messages.removeAll { $0.user == user && $0.time >= moderation.from ?? 0 && $0.seq < event.seq }
        case .join, .leave, .rename, .edit: break
        }
    }
}
