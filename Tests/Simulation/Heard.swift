import Bytes
import Chat

/// A message of the server, read by eyes of their own: not with the decoder of the client that is under test.
struct Heard {
    var type = ""
    var seq: UInt64 = 0
    var id: String?
    var username = ""
    var to = ""
    var text = ""
    var time: UInt64 = 0
    var user = ""
    var toUser = ""
    var action = ""
    var target: UInt64 = 0
    var from: UInt64 = 0
    var isEdited = false
    var isDeleted = false
    /// Of what can never change in an event: of all but the text of a message or an edit, and what was done to it.
    var digest: UInt64 = 0
    /// Of a welcome.
    var room = ""
    var users: [String] = []
    /// Of a snapshot in the log: the names of those who were there.
    var members: [String] = []
    var userCount: UInt64 = 0
    var hasGap = false
    /// Of a page of history.
    var hasMore = false
    /// The events in a welcome or a page of history.
    var history: [[UInt8]] = []

    init(_ text: [UInt8]) {
        let span = text.span
        var at = 0
        var (lasting, content) = (Digest(), Digest())
        let isObject = JSONScanner.members(span, &at) { name, value in
            let name = Heard.string(name, span)
            switch name {
            case "_", "edited", "deleted", "reactions": break
            case "text": content.add(span.extracting(value.range))
            default:
                lasting.add(Array(name.utf8).span)
                lasting.add(span.extracting(value.range))
            }
            switch name {
            case "type": type = Heard.string(value, span)
            case "seq": seq = JSONScanner.whole(span, value) ?? 0
            case "id": id = Heard.string(value, span)
            case "username": username = Heard.string(value, span)
            case "to": to = Heard.string(value, span)
            case "text": self.text = Heard.string(value, span)
            case "time": time = JSONScanner.whole(span, value) ?? 0
            case "user": user = Heard.string(value, span)
            case "toUser": toUser = Heard.string(value, span)
            case "action": action = Heard.string(value, span)
            case "target": target = JSONScanner.whole(span, value) ?? 0
            case "from": from = JSONScanner.whole(span, value) ?? 0
            case "edited": isEdited = true
            case "deleted": isDeleted = true
            case "room": room = Heard.string(value, span)
            case "users":
                var element = value.range.lowerBound
                _ = JSONScanner.elements(span, &element) { users.append(Heard.string($0, span)) }
            case "members":
                var element = value.range.lowerBound
                _ = JSONScanner.elements(span, &element) { members.append(Heard(Array(text[$0.range])).username) }
            case "userCount": userCount = JSONScanner.whole(span, value) ?? 0
            case "gap": hasGap = span.extracting(value.range).isEqual(to: "true")
            case "more": hasMore = span.extracting(value.range).isEqual(to: "true")
            case "history", "events":
                var element = value.range.lowerBound
                _ = JSONScanner.elements(span, &element) { history.append(Array(text[$0.range])) }
            default: break
            }
        }
        if !isObject { type = "" }
        if type != "message", type != "edit" { lasting.add(content.value) }
        digest = lasting.value
    }

    private static func string(_ token: JSONToken, _ text: Span<UInt8>) -> String {
        guard token.kind == .string else { return "" }
        var bytes: [UInt8] = []
        bytes.append(unescaping: token, of: text)
        return String(decoding: bytes, as: UTF8.self)
    }
}
