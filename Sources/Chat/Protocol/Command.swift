import Bytes

/// What a client can ask for.
enum CommandType: Sendable {
    case join, message, edit, delete, react, typing, rename, history, search, moderate, watch, pace

    init?(_ token: JSONToken, of text: Span<UInt8>) {
        if token.isPlain {
            self.init(text.extracting(token.range))
        } else {
            var name: [UInt8] = []
            name.append(unescaping: token, of: text)
            self.init(name.span)
        }
    }

    private init?(_ name: Span<UInt8>) {
        switch name.count {
        case 4 where name.isEqual(to: "join"): self = .join
        case 4 where name.isEqual(to: "edit"): self = .edit
        case 5 where name.isEqual(to: "react"): self = .react
        case 6 where name.isEqual(to: "delete"): self = .delete
        case 6 where name.isEqual(to: "search"): self = .search
        case 4 where name.isEqual(to: "pace"): self = .pace
        case 5 where name.isEqual(to: "watch"): self = .watch
        case 6 where name.isEqual(to: "typing"): self = .typing
        case 6 where name.isEqual(to: "rename"): self = .rename
        case 7 where name.isEqual(to: "message"): self = .message
        case 7 where name.isEqual(to: "history"): self = .history
        case 8 where name.isEqual(to: "moderate"): self = .moderate
        default: return nil
        }
    }
}

/// A client's message, taken apart: where its fields stand. Unknown fields are passed over; of a field that is there
/// twice the last counts, as in JavaScript.
struct Command {
    var type = JSONToken.absent
    var username = JSONToken.absent
    var since = JSONToken.absent
    var session = JSONToken.absent
    var key = JSONToken.absent
    var text = JSONToken.absent
    var id = JSONToken.absent
    var ref = JSONToken.absent
    var reply = JSONToken.absent
    var before = JSONToken.absent
    var after = JSONToken.absent
    var limit = JSONToken.absent
    var target = JSONToken.absent
    var emoji = JSONToken.absent
    var on = JSONToken.absent
    var rooms = JSONToken.absent
    var slow = JSONToken.absent
    var password = JSONToken.absent
    var invite = JSONToken.absent
    var operatorCode = JSONToken.absent
    var action = JSONToken.absent
    var user = JSONToken.absent
    var minutes = JSONToken.absent
    var seconds = JSONToken.absent
    var reason = JSONToken.absent
    var address = JSONToken.absent

    /// Reads one JSON object; nil if the text is not that and nothing else.
    init?(_ text: Span<UInt8>) {
        var at = 0
        JSONScanner.skipSpace(text, &at)
        guard JSONScanner.members(text, &at, onMember: { take($0, $1, of: text) }) else { return nil }
        JSONScanner.skipSpace(text, &at)
        guard at == text.count else { return nil }
    }

    private mutating func take(_ name: JSONToken, _ value: JSONToken, of text: Span<UInt8>) {
        if name.isPlain {
            take(text.extracting(name.range), value)
        } else {
            var plain: [UInt8] = []
            plain.append(unescaping: name, of: text)
            take(plain.span, value)
        }
    }

    private mutating func take(_ name: Span<UInt8>, _ value: JSONToken) {
        switch name.count {
        case 2 where name.isEqual(to: "id"): id = value
        case 2 where name.isEqual(to: "on"): on = value
        case 3 where name.isEqual(to: "key"): key = value
        case 3 where name.isEqual(to: "ref"): ref = value
        case 4 where name.isEqual(to: "type"): type = value
        case 4 where name.isEqual(to: "text"): text = value
        case 5 where name.isEqual(to: "since"): since = value
        case 5 where name.isEqual(to: "reply"): reply = value
        case 5 where name.isEqual(to: "limit"): limit = value
        case 5 where name.isEqual(to: "emoji"): emoji = value
        case 5 where name.isEqual(to: "after"): after = value
        case 6 where name.isEqual(to: "before"): before = value
        case 6 where name.isEqual(to: "target"): target = value
        case 7 where name.isEqual(to: "session"): session = value
        case 8 where name.isEqual(to: "username"): username = value
        case 4 where name.isEqual(to: "user"): user = value
        case 4 where name.isEqual(to: "slow"): slow = value
        case 5 where name.isEqual(to: "rooms"): rooms = value
        case 6 where name.isEqual(to: "action"): action = value
        case 6 where name.isEqual(to: "reason"): reason = value
        case 6 where name.isEqual(to: "invite"): invite = value
        case 7 where name.isEqual(to: "minutes"): minutes = value
        case 7 where name.isEqual(to: "seconds"): seconds = value
        case 7 where name.isEqual(to: "address"): address = value
        case 8 where name.isEqual(to: "operator"): operatorCode = value
        case 8 where name.isEqual(to: "password"): password = value
        default: break
        }
    }
}
