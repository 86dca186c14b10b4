import Bytes

/// What the server as a whole has decided, as it stands in the data folder.
extension ServerFacts {
    package var json: [UInt8] {
        var text: [UInt8] = []
        text.append("{\"operators\":[")
        for (index, user) in sortedOperators.enumerated() {
            text.append(index > 0 ? ",\"" : "\"")
            user.append(to: &text)
            text.append("\"")
        }
        text.append("],\"bans\":[")
        for (index, entry) in sortedBans.enumerated() {
            text.append(index > 0 ? ",{\"user\":\"" : "{\"user\":\"")
            entry.user.append(to: &text)
            text.append("\",\"username\":")
            text.append(contentsOf: entry.ban.username.isEmpty ? Array("\"\"".utf8) : entry.ban.username)
            text.append(",\"ban\":", entry.ban.sanction)
            text.append("}")
        }
        text.append("]")
        text.append(addressBans: addressBans)
        if version > 0 {
            text.append(",\"version\":")
            text.append(decimal: version)
        }
        text.append("}\n")
        return text
    }

    /// Nil where the text is not that.
    package init?(json text: Span<UInt8>) {
        guard UTF8Validator.isValid(text), let fields = JSONFields(text), fields["operators"].kind == .array,
            fields["bans"].kind == .array
        else { return nil }
        var at = fields["operators"].range.lowerBound
        var operators: Set<UserID> = []
        _ = JSONScanner.elements(text, &at) { value in
            if let user = UserID(text.extracting(value.range)) { operators.insert(user) }
        }
        self.init(operators: operators)
        var bans: [UserID: ServerBan] = [:]
        forEachElement(of: fields["bans"], in: text) { inner in
            guard let fields = JSONFields(inner), let user = UserID(inner.extracting(fields["user"].range)),
                let sanction = Sanction(fields["ban"], of: inner)
            else { return }
            var name: [UInt8] = []
            if fields["username"].kind == .string {
                name.append(copying: inner.extracting(fields["username"].quotedRange))
            }
            bans[user] = ServerBan(sanction: sanction, username: name)
        }
        self.bans = bans
        addressBans = AddressBan.list(fields["addressBans"], of: text)
        version = JSONScanner.whole(text, fields["version"]) ?? 0
    }
}
