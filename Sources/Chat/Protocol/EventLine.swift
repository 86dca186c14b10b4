import Bytes

/// An event as it stands in a room's log: one line, one JSON object, however it is spelled.
///
/// What clients never see stands in a member of its own, which the server writes last: `"_":{…}`.
package struct EventLine {
    package let kind: EventKind
    package let seq: UInt64
    package let time: Int64
    private let members: Members
    /// Whether the line is just as the server writes it, with what is hidden at its end if there is any; and where the part
    /// ends that clients see, without the closing bracket.
    private(set) var plainEnd: Int?

    /// Reads a line, given without its line break; nil where it is no event.
    package init?(_ line: Span<UInt8>) {
        // Anything may stand in a file, and clients are told nothing but UTF-8.
        guard UTF8Validator.isValid(line) else { return nil }
        var found = Members()
        var hiddenName = JSONToken.absent
        var isLast = false
        var at = 0
        JSONScanner.skipSpace(line, &at)
        let start = at
        guard
            JSONScanner.members(
                line, &at,
                onMember: { name, value in
                    let isFirst = found.hidden.kind == .absent
                    isLast = false
                    if name.range.count == 1, line[name.range.lowerBound] == UInt8(ascii: "_") {
                        (hiddenName, found.hidden, isLast) = (name, value, isFirst)
                    } else {
                        found.take(line.extracting(name.range), value)
                    }
                })
        else { return nil }
        let end = at
        JSONScanner.skipSpace(line, &at)
        guard at == line.count, found.type.kind == .string, found.username.kind == .string,
            let kind = EventKind(line.extracting(found.type.range)),
            let seq = JSONScanner.whole(line, found.seq), seq > 0, seq <= Limits.largestSeq,
            kind != .rename || found.to.kind == .string
        else { return nil }
        self.kind = kind
        self.seq = seq
        time = Int64(clamping: JSONScanner.whole(line, found.time) ?? 0)
        members = found
        guard kind != .message || text.kind == .string || isDeleted(in: line) else { return nil }
        let hidden = found.hidden
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

    package var username: JSONToken { members.username }
    package var user: JSONToken { members.user }
    package var to: JSONToken { members.to }
    package var text: JSONToken { members.text }
    package var id: JSONToken { members.id }
    package var target: JSONToken { members.target }
    var emoji: JSONToken { members.emoji }
    var role: JSONToken { members.role }
    /// What only the server needs: an object.
    package var hidden: JSONToken { members.hidden }

    /// Whether its text was deleted.
    package func isDeleted(in line: Span<UInt8>) -> Bool { isTrue(members.deleted, line) }

    /// Whether its text is not the first one.
    package var isEdited: Bool { members.edited.kind == .number }

    /// Whether a reaction is given, not taken back.
    func isOn(in line: Span<UInt8>) -> Bool { isTrue(members.on, line) }

    private func isTrue(_ token: JSONToken, _ line: Span<UInt8>) -> Bool {
        token.kind == .boolean && line[token.range.lowerBound] == UInt8(ascii: "t")
    }

    /// Whose event it is; nobody's where it is from before there were users.
    package func user(in line: Span<UInt8>) -> UserID {
        user.kind == .string ? UserID(line.extracting(user.range)) ?? .nobody : .nobody
    }

    /// Whether a program has said it, with a token.
    func isBot(in line: Span<UInt8>) -> Bool { isTrue(members.bot, line) }

    /// Appends what clients see of it, up to the closing bracket.
    package func appendVisible(of line: Span<UInt8>, to bytes: inout [UInt8]) {
        if let plainEnd { return bytes.append(copying: line.extracting(0..<plainEnd)) }
        appendVisible(of: line, to: &bytes) { _ in true }
    }

    /// Appends those of its members that clients see and that are wanted, up to the closing bracket.
    ///
    /// - Parameter text: what stands in the place of the text, a JSON string; nil for the text itself.
    func appendVisible(
        of line: Span<UInt8>, text: [UInt8]? = nil, to bytes: inout [UInt8], where isWanted: (Span<UInt8>) -> Bool
    ) {
        bytes.append(UInt8(ascii: "{"))
        var isFirst = true
        var at = 0
        JSONScanner.skipSpace(line, &at)
        _ = JSONScanner.members(line, &at) { name, value in
            let key = line.extracting(name.range)
            guard !key.isEqual(to: "_"), isWanted(key) else { return }
            if !isFirst { bytes.append(UInt8(ascii: ",")) }
            isFirst = false
            bytes.append(copying: line.extracting(name.quotedRange))
            bytes.append(UInt8(ascii: ":"))
            if let text, key.isEqual(to: "text") {
                bytes.append(copying: text.span)
            } else {
                bytes.append(copying: line.extracting(value.kind == .string ? value.quotedRange : value.range))
            }
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

/// Where the members of an event stand that mean something.
private struct Members {
    var type = JSONToken.absent
    var seq = JSONToken.absent
    var time = JSONToken.absent
    var username = JSONToken.absent
    var user = JSONToken.absent
    var to = JSONToken.absent
    var text = JSONToken.absent
    var id = JSONToken.absent
    var target = JSONToken.absent
    var edited = JSONToken.absent
    var deleted = JSONToken.absent
    var emoji = JSONToken.absent
    var on = JSONToken.absent
    var role = JSONToken.absent
    var bot = JSONToken.absent
    var hidden = JSONToken.absent

    mutating func take(_ name: Span<UInt8>, _ value: JSONToken) {
        switch name.count {
        case 2 where name.isEqual(to: "id"): id = value
        case 2 where name.isEqual(to: "to"): to = value
        case 2 where name.isEqual(to: "on"): on = value
        case 3 where name.isEqual(to: "seq"): seq = value
        case 3 where name.isEqual(to: "bot"): bot = value
        case 4 where name.isEqual(to: "type"): type = value
        case 4 where name.isEqual(to: "time"): time = value
        case 4 where name.isEqual(to: "text"): text = value
        case 4 where name.isEqual(to: "user"): user = value
        case 4 where name.isEqual(to: "role"): role = value
        case 5 where name.isEqual(to: "emoji"): emoji = value
        case 6 where name.isEqual(to: "target"): target = value
        case 6 where name.isEqual(to: "edited"): edited = value
        case 7 where name.isEqual(to: "deleted"): deleted = value
        case 8 where name.isEqual(to: "username"): username = value
        default: break
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
