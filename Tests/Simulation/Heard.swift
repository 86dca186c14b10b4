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
    /// Of a welcome.
    var room = ""
    var users: [String] = []
    /// Of a snapshot in the log: the names of those who were there.
    var members: [String] = []
    var userCount: UInt64 = 0
    var hasGap = false
    /// The events in a welcome or a page of history.
    var history: [[UInt8]] = []

    init(_ text: [UInt8]) {
        let span = text.span
        var at = 0
        let isObject = JSONScanner.members(span, &at) { name, value in
            switch Heard.string(name, span) {
            case "type": type = Heard.string(value, span)
            case "seq": seq = JSONScanner.whole(span, value) ?? 0
            case "id": id = Heard.string(value, span)
            case "username": username = Heard.string(value, span)
            case "to": to = Heard.string(value, span)
            case "text": self.text = Heard.string(value, span)
            case "room": room = Heard.string(value, span)
            case "users":
                var element = value.range.lowerBound
                _ = JSONScanner.elements(span, &element) { users.append(Heard.string($0, span)) }
            case "members":
                var element = value.range.lowerBound
                _ = JSONScanner.elements(span, &element) { members.append(Heard(Array(text[$0.range])).username) }
            case "userCount": userCount = JSONScanner.whole(span, value) ?? 0
            case "gap": hasGap = span.extracting(value.range).isEqual(to: "true")
            case "history", "events":
                var element = value.range.lowerBound
                _ = JSONScanner.elements(span, &element) { history.append(Array(text[$0.range])) }
            default: break
            }
        }
        if !isObject { type = "" }
    }

    private static func string(_ token: JSONToken, _ text: Span<UInt8>) -> String {
        guard token.kind == .string else { return "" }
        var bytes: [UInt8] = []
        bytes.append(unescaping: token, of: text)
        return String(decoding: bytes, as: UTF8.self)
    }
}
