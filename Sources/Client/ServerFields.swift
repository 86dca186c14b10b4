import Chat

/// Where the fields of a server's message stand. Of a field that is there twice the last counts, as in JavaScript.
struct ServerFields {
    var type = JSONToken.absent
    var seq = JSONToken.absent
    var time = JSONToken.absent
    var username = JSONToken.absent
    var text = JSONToken.absent
    var id = JSONToken.absent
    var to = JSONToken.absent
    var room = JSONToken.absent
    var users = JSONToken.absent
    var userCount = JSONToken.absent
    var session = JSONToken.absent
    var history = JSONToken.absent
    var gap = JSONToken.absent
    var events = JSONToken.absent
    var more = JSONToken.absent
    var code = JSONToken.absent
    var message = JSONToken.absent
    var retryAfter = JSONToken.absent

    /// Reads the object at `at`, and moves past it; nil where there is none.
    init?(_ text: Span<UInt8>, _ at: inout Int) {
        guard JSONScanner.members(text, &at, onMember: { take($0, $1, of: text) }) else { return nil }
    }

    private mutating func take(_ name: JSONToken, _ value: JSONToken, of text: Span<UInt8>) {
        guard !name.isPlain else { return take(text.extracting(name.range), value) }
        var plain: [UInt8] = []
        plain.append(unescaping: name, of: text)
        take(plain.span, value)
    }

    private mutating func take(_ name: Span<UInt8>, _ value: JSONToken) {
        switch name.count {
        case 2 where name.isEqual(to: "id"): id = value
        case 2 where name.isEqual(to: "to"): to = value
        case 3 where name.isEqual(to: "seq"): seq = value
        case 3 where name.isEqual(to: "gap"): gap = value
        case 4 where name.isEqual(to: "type"): type = value
        case 4 where name.isEqual(to: "time"): time = value
        case 4 where name.isEqual(to: "text"): text = value
        case 4 where name.isEqual(to: "room"): room = value
        case 4 where name.isEqual(to: "more"): more = value
        case 4 where name.isEqual(to: "code"): code = value
        case 5 where name.isEqual(to: "users"): users = value
        case 6 where name.isEqual(to: "events"): events = value
        case 7 where name.isEqual(to: "message"): message = value
        case 7 where name.isEqual(to: "session"): session = value
        case 7 where name.isEqual(to: "history"): history = value
        case 8 where name.isEqual(to: "username"): username = value
        case 9 where name.isEqual(to: "userCount"): userCount = value
        case 10 where name.isEqual(to: "retryAfter"): retryAfter = value
        default: break
        }
    }

    // MARK: Values

    /// A string's text; nil for anything else.
    func string(_ token: JSONToken, _ text: Span<UInt8>) -> String? {
        guard token.kind == .string else { return nil }
        var bytes: [UInt8] = []
        bytes.append(unescaping: token, of: text)
        return String(decoding: bytes, as: UTF8.self)
    }

    func strings(_ token: JSONToken, _ text: Span<UInt8>) -> [String]? {
        guard token.kind == .array else { return nil }
        var strings: [String?] = []
        var at = token.range.lowerBound
        guard JSONScanner.elements(text, &at, onElement: { strings.append(string($0, text)) }) else { return nil }
        let known = strings.compactMap(\.self)
        return known.count == strings.count ? known : nil
    }

    func whole(_ token: JSONToken, _ text: Span<UInt8>) -> UInt64? { JSONScanner.whole(text, token) }

    func isTrue(_ token: JSONToken, _ text: Span<UInt8>) -> Bool {
        token.kind == .boolean && text.extracting(token.range).isEqual(to: "true")
    }
}
