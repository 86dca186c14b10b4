import Bytes
import Chat
import Log

/// What the nodes of a cluster share beside their rooms: who is an operator and who is banned, the link that makes an operator, and the
/// tokens of programs. It is kept as a room is, in records of its own; commands write there, too.
package struct SharedServer: Sendable, Equatable {
    /// No room has such a name.
    package static let name = "*server"

    package enum Change: Equatable, Sendable {
        /// What a node's operators have decided: what is new, and who is no operator or not banned any more.
        case facts(added: ServerFacts, operatorsRemoved: [UserID], bansRemoved: [UserID])
        case link(OperatorLink?)
        /// A program's tokens end; and there is a new one.
        case token(Username, digest: UInt128?, made: Int64)
        /// By which secrets of others are kept: the first that is told holds.
        case secret([UInt8])
    }

    package private(set) var facts = ServerFacts()
    package private(set) var link: OperatorLink?
    package private(set) var tokens: [TokenFile.Token] = []
    package private(set) var secret: [UInt8] = []

    package init() {}

    package static func == (a: Self, b: Self) -> Bool { a.json == b.json }

    package mutating func take(_ change: Change) {
        switch change {
        case .facts(let added, let operatorsRemoved, let bansRemoved):
            facts.operators.formUnion(added.operators)
            facts.operators.subtract(operatorsRemoved)
            for user in bansRemoved { facts.bans[user] = nil }
            for (user, ban) in added.bans { facts.bans[user] = ban }
            let changed = Set(added.bans.keys).union(bansRemoved)
            facts.addressBans.removeAll { changed.contains($0.user) }
            facts.addressBans += added.addressBans
            facts.addressBans.removeFirst(max(0, facts.addressBans.count - RoomRules.addressBans))
        case .link(let link):
            self.link = link
            if link?.endsOthers == true { facts.operators = [] }
            self.link?.endsOthers = false
        case .secret(let secret): if self.secret.isEmpty { self.secret = secret }
        case .token(let name, let digest, let made):
            tokens.removeAll { $0.username.isSame(as: name) }
            if let digest { tokens.append(TokenFile.Token(username: name, digest: digest, made: made)) }
        }
    }

    /// What has been decided since.
    func change(to new: ServerFacts) -> Change {
        var added = ServerFacts(operators: new.operators.subtracting(facts.operators))
        added.bans = new.bans.filter { facts.bans[$0.key] != $0.value }
        let users = Set(added.bans.keys)
        added.addressBans = new.addressBans.filter { users.contains($0.user) }
        return .facts(
            added: added,
            operatorsRemoved: facts.sortedOperators.filter { !new.operators.contains($0) },
            bansRemoved: facts.sortedBans.map(\.user).filter { new.bans[$0] == nil })
    }

    /// The same on all nodes that have come to the same.
    var digest: UInt64 {
        var digest = Digest()
        digest.add(json.span)
        return digest.value
    }
}

// MARK: Bytes

extension SharedServer {
    /// A JSON object, with the parts' own spellings in it.
    package var json: [UInt8] {
        var text: [UInt8] = []
        text.append("{\"secret\":\"")
        text.append(digits: secret)
        text.append("\",\"facts\":")
        text.append(contentsOf: facts.json.dropLast())
        if let link {
            text.append(",\"link\":")
            text.append(contentsOf: link.json.dropLast())
        }
        text.append(",\"tokens\":[")
        for (index, token) in tokens.enumerated() {
            if index > 0 { text.append(",") }
            text.append(token)
        }
        text.append("]}")
        return text
    }

    package init?(json text: Span<UInt8>) {
        guard let fields = JSONFields(text), fields["facts"].kind == .object,
            let facts = ServerFacts(json: text.extracting(fields["facts"].range))
        else { return nil }
        self.facts = facts
        guard let secret = readBytes(hexadecimal: text.extracting(fields["secret"].range)) else { return nil }
        self.secret = secret
        if fields["link"].kind == .object { link = OperatorLink(json: text.extracting(fields["link"].range)) }
        guard fields["tokens"].kind == .array else { return nil }
        var at = fields["tokens"].range.lowerBound
        _ = JSONScanner.elements(text, &at) { value in
            if let token = TokenFile.Token(text.extracting(value.range)) { tokens.append(token) }
        }
    }
}

extension SharedServer.Change {
    package var bytes: [UInt8] {
        var text: [UInt8] = []
        switch self {
        case .facts(let added, let operators, let bans):
            text.append("{\"facts\":")
            text.append(contentsOf: added.json.dropLast())
            text.append(",\"operatorsRemoved\":", users: operators)
            text.append(",\"bansRemoved\":", users: bans)
        case .link(let link):
            text.append("{\"link\":")
            text.append(contentsOf: link?.json.dropLast() ?? Array("null".utf8)[...])
        case .token(let name, let digest, let made):
            text.append("{\"token\":")
            if let digest {
                text.append(TokenFile.Token(username: name, digest: digest, made: made))
            } else {
                text.append(quoting: name.text)
            }
        case .secret(let secret):
            text.append("{\"secret\":\"")
            text.append(digits: secret)
            text.append("\"")
        }
        text.append("}")
        return text
    }

    /// Reads `bytes`; nil where they are something else.
    package init?(_ text: Span<UInt8>) {
        guard let fields = JSONFields(text) else { return nil }
        if fields["facts"].kind == .object {
            guard let added = ServerFacts(json: text.extracting(fields["facts"].range)) else { return nil }
            self = .facts(
                added: added, operatorsRemoved: users(fields["operatorsRemoved"], of: text),
                bansRemoved: users(fields["bansRemoved"], of: text))
        } else if fields["token"].kind == .string {
            self = .token(
                Username(kept: String(unescaping: fields["token"], of: text)), digest: nil, made: 0)
        } else if fields["token"].kind == .object {
            guard let token = TokenFile.Token(text.extracting(fields["token"].range)) else { return nil }
            self = .token(token.username, digest: token.digest, made: token.made)
        } else if fields["secret"].kind == .string {
            guard let secret = readBytes(hexadecimal: text.extracting(fields["secret"].range)) else { return nil }
            self = .secret(secret)
        } else {
            let isThere = fields["link"].kind == .object
            self = .link(isThere ? OperatorLink(json: text.extracting(fields["link"].range)) : nil)
        }
    }
}

/// Nil where the text is something else.
private func readBytes(hexadecimal text: Span<UInt8>) -> [UInt8]? {
    guard text.count % 2 == 0 else { return nil }
    var bytes: [UInt8] = []
    for at in stride(from: 0, to: text.count, by: 2) {
        guard let byte = UInt8(String(utf8: text.extracting(at..<at + 2)), radix: 16) else { return nil }
        bytes.append(byte)
    }
    return bytes
}

private func users(_ list: JSONToken, of text: Span<UInt8>) -> [UserID] {
    guard list.kind == .array else { return [] }
    var (users, at) = ([UserID](), list.range.lowerBound)
    _ = JSONScanner.elements(text, &at) { value in
        if let user = UserID(text.extracting(value.range)) { users.append(user) }
    }
    return users
}

extension [UInt8] {
    fileprivate mutating func append(digits bytes: [UInt8]) {
        for byte in bytes { append(contentsOf: ((byte < 16 ? "0" : "") + String(byte, radix: 16)).utf8) }
    }

    fileprivate mutating func append(_ name: StaticString, users: [UserID]) {
        append(name)
        append("[")
        for (index, user) in users.enumerated() {
            append(index > 0 ? ",\"" : "\"")
            user.append(to: &self)
            append("\"")
        }
        append("]")
    }
}
