import Bytes

/// An event as it stands in a room's log: one line, one JSON object, however it is spelled.
///
/// What clients never see stands in a member of its own, which the server writes last: `"_":{…}`.
package struct EventLine {
    package let kind: EventKind
    package let seq: UInt64
    package let time: Int64
    package private(set) var username = JSONToken.absent
    package private(set) var user = JSONToken.absent
    package private(set) var to = JSONToken.absent
    package private(set) var text = JSONToken.absent
    package private(set) var id = JSONToken.absent
    package private(set) var target = JSONToken.absent
    /// What only the server needs: an object.
    package private(set) var hidden = JSONToken.absent
    /// Whether the line is just as the server writes it, with what is hidden at its end if there is any; and where the part
    /// ends that clients see, without the closing bracket.
    private(set) var plainEnd: Int?

    /// Reads a line, given without its line break; nil where it is no event.
    package init?(_ line: Span<UInt8>) {
        // Anything may stand in a file, and clients are told nothing but UTF-8.
        guard UTF8Validator.isValid(line) else { return nil }
        var type = JSONToken.absent
        var number = JSONToken.absent
        var moment = JSONToken.absent
        var (username, user, to, text) = (JSONToken.absent, JSONToken.absent, JSONToken.absent, JSONToken.absent)
        var (id, target, hidden) = (JSONToken.absent, JSONToken.absent, JSONToken.absent)
        var hiddenName = JSONToken.absent
        var isLast = false
        var at = 0
        JSONScanner.skipSpace(line, &at)
        let start = at
        guard
            JSONScanner.members(
                line, &at,
                onMember: { name, value in
                    let isFirst = hidden.kind == .absent
                    isLast = false
                    switch name.range.count {
                    case 1 where line[name.range.lowerBound] == UInt8(ascii: "_"):
                        (hiddenName, hidden, isLast) = (name, value, isFirst)
                    case 2 where line.extracting(name.range).isEqual(to: "id"): id = value
                    case 2 where line.extracting(name.range).isEqual(to: "to"): to = value
                    case 3 where line.extracting(name.range).isEqual(to: "seq"): number = value
                    case 4 where line.extracting(name.range).isEqual(to: "type"): type = value
                    case 4 where line.extracting(name.range).isEqual(to: "time"): moment = value
                    case 4 where line.extracting(name.range).isEqual(to: "text"): text = value
                    case 4 where line.extracting(name.range).isEqual(to: "user"): user = value
                    case 6 where line.extracting(name.range).isEqual(to: "target"): target = value
                    case 8 where line.extracting(name.range).isEqual(to: "username"): username = value
                    default: break
                    }
                })
        else { return nil }
        let end = at
        JSONScanner.skipSpace(line, &at)
        guard at == line.count, type.kind == .string, username.kind == .string,
            let kind = EventKind(line.extracting(type.range)),
            let seq = JSONScanner.whole(line, number), seq > 0, seq <= Limits.largestSeq,
            kind != .message || text.kind == .string, kind != .rename || to.kind == .string,
            // Whatever stands in a file: what clients are sent is UTF-8.
            UTF8Validator.isValid(line)
        else { return nil }
        self.kind = kind
        self.seq = seq
        time = Int64(clamping: JSONScanner.whole(line, moment) ?? 0)
        (self.username, self.user, self.to, self.text) = (username, user, to, text)
        (self.id, self.target, self.hidden) = (id, target, hidden)
        if start == 0, end == line.count {
            if hidden.kind == .absent {
                plainEnd = end - 1
            } else if isLast, hidden.kind == .object, hidden.range.upperBound == end - 1,
                hiddenName.range.lowerBound >= 2, line[hiddenName.range.lowerBound - 2] == UInt8(ascii: ",")
            {
                plainEnd = hiddenName.range.lowerBound - 2
            }
        }
    }

    /// Whose event it is; nobody's where it is from before there were users.
    package func user(in line: Span<UInt8>) -> UserID {
        user.kind == .string ? UserID(line.extracting(user.range)) ?? .nobody : .nobody
    }

    /// Appends what clients see of it, up to the closing bracket.
    package func appendVisible(of line: Span<UInt8>, to bytes: inout [UInt8]) {
        if let plainEnd { return bytes.append(copying: line.extracting(0..<plainEnd)) }
        bytes.append(UInt8(ascii: "{"))
        var isFirst = true
        var at = 0
        JSONScanner.skipSpace(line, &at)
        _ = JSONScanner.members(line, &at) { name, value in
            guard !line.extracting(name.range).isEqual(to: "_") else { return }
            if !isFirst { bytes.append(UInt8(ascii: ",")) }
            isFirst = false
            bytes.append(copying: line.extracting(name.quotedRange))
            bytes.append(UInt8(ascii: ":"))
            bytes.append(copying: line.extracting(value.kind == .string ? value.quotedRange : value.range))
        }
    }

    /// Walks the lines of `bytes`, each given as its place without the line break. What follows the last line break is none.
    package static func forEachLine(in bytes: Span<UInt8>, _ body: (Range<Int>) -> Void) {
        var start = 0
        for i in bytes.indices where bytes[i] == UInt8(ascii: "\n") {
            body(start..<i)
            start = i + 1
        }
    }

    /// The same for those that are events.
    package static func forEach(in bytes: Span<UInt8>, _ body: (_ event: EventLine, _ range: Range<Int>) -> Void) {
        forEachLine(in: bytes) { range in
            if let event = EventLine(bytes.extracting(range)) { body(event, range) }
        }
    }
}

extension EventKind {
    init?(_ name: Span<UInt8>) {
        switch name.count {
        case 4 where name.isEqual(to: "join"): self = .join
        case 4 where name.isEqual(to: "edit"): self = .edit
        case 5 where name.isEqual(to: "leave"): self = .leave
        case 5 where name.isEqual(to: "react"): self = .react
        case 6 where name.isEqual(to: "rename"): self = .rename
        case 6 where name.isEqual(to: "delete"): self = .delete
        case 7 where name.isEqual(to: "message"): self = .message
        case 10 where name.isEqual(to: "moderation"): self = .moderation
        default: return nil
        }
    }

    /// How its JSON text begins.
    var opening: StaticString {
        switch self {
        case .join: "{\"type\":\"join\",\"seq\":"
        case .leave: "{\"type\":\"leave\",\"seq\":"
        case .message: "{\"type\":\"message\",\"seq\":"
        case .rename: "{\"type\":\"rename\",\"seq\":"
        case .edit: "{\"type\":\"edit\",\"seq\":"
        case .delete: "{\"type\":\"delete\",\"seq\":"
        case .react: "{\"type\":\"react\",\"seq\":"
        case .moderation: "{\"type\":\"moderation\",\"seq\":"
        }
    }
}
