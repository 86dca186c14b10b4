import Bytes

/// What hosts have decided, as a room's snapshot tells it.
extension [UInt8] {
    /// Appends the members of a person's standing, those that say something.
    mutating func append(_ standing: Standing) {
        if standing.isHost { append(",\"host\":true") }
        append(",\"ban\":", standing.ban)
        append(",\"mute\":", standing.mute)
        append(",\"admittedBy\":", standing.admittedBy)
        append(",\"decidedBy\":", standing.decidedBy)
    }

    mutating func append(_ name: StaticString, _ sanction: Sanction?) {
        guard let sanction else { return }
        append(name)
        append("{\"until\":")
        append(decimal: UInt64(clamping: sanction.until))
        if !sanction.reason.isEmpty {
            append(",\"reason\":")
            append(contentsOf: sanction.reason)
        }
        append("}")
    }

    /// Appends a member with digests of addresses.
    mutating func append(addresses: [UInt64]) {
        guard !addresses.isEmpty else { return }
        append(",\"addresses\":[")
        for (index, address) in addresses.enumerated() {
            if index > 0 { append(",") }
            append(decimal: address)
        }
        append("]")
    }

    mutating func append(addressBans: [AddressBan]) {
        guard !addressBans.isEmpty else { return }
        append(",\"addressBans\":[")
        for (index, ban) in addressBans.enumerated() {
            append(index > 0 ? ",{\"address\":" : "{\"address\":")
            append(decimal: ban.address)
            append(",\"until\":")
            append(decimal: UInt64(clamping: ban.until))
            append(",\"user\":\"")
            ban.user.append(to: &self)
            append("\",\"known\":[")
            for (place, user) in ban.known.enumerated() {
                append(place > 0 ? ",\"" : "\"")
                user.append(to: &self)
                append("\"")
            }
            append("]}")
        }
        append("]")
    }

    private mutating func append(_ name: StaticString, _ seq: UInt64) {
        guard seq > 0 else { return }
        append(name)
        append(decimal: seq)
    }

    /// Appends a member with what is set for a room as a whole.
    mutating func append(_ settings: RoomSettings) {
        append(",\"settings\":{\"slow\":")
        append(decimal: settings.slow)
        if !settings.topic.isEmpty {
            append(",\"topic\":")
            append(contentsOf: settings.topic)
        }
        append(addressBans: settings.addressBans)
        append(",\"slowBy\":", settings.slowBy)
        append(",\"topicBy\":", settings.topicBy)
        append(",\"lockBy\":", settings.lockBy)
        if let lock = settings.lock {
            append(",\"lock\":{\"nonce\":\"")
            append(hexadecimal: lock.nonce)
            append("\",\"invitation\":\"")
            append(hexadecimal: lock.invitation)
            append("\",\"seq\":")
            append(decimal: lock.seq)
            append(",\"membersBelow\":")
            append(decimal: lock.membersBelow)
            append("}")
        }
        append("}")
    }
}

extension Standing {
    /// Reads it out of a person of a snapshot.
    init(_ fields: JSONFields, of text: Span<UInt8>) {
        isHost = fields["host"].kind == .boolean
        ban = Sanction(fields["ban"], of: text)
        mute = Sanction(fields["mute"], of: text)
        admittedBy = JSONScanner.whole(text, fields["admittedBy"]) ?? 0
        decidedBy = JSONScanner.whole(text, fields["decidedBy"]) ?? 0
    }
}

extension Sanction {
    init?(_ token: JSONToken, of text: Span<UInt8>) {
        guard token.kind == .object else { return nil }
        let inner = text.extracting(token.range)
        guard let fields = JSONFields(inner), let until = JSONScanner.whole(inner, fields["until"]) else { return nil }
        self.until = Int64(clamping: until)
        if fields["reason"].kind == .string {
            reason.append(copying: inner.extracting(fields["reason"].quotedRange))
        }
    }
}

extension RoomSettings {
    /// Reads them out of the first piece of a snapshot.
    init(_ token: JSONToken, of text: Span<UInt8>) {
        guard token.kind == .object else { return }
        let inner = text.extracting(token.range)
        guard let fields = JSONFields(inner) else { return }
        slow = min(JSONScanner.whole(inner, fields["slow"]) ?? 0, Limits.slowSeconds.upperBound)
        if fields["topic"].kind == .string { topic.append(copying: inner.extracting(fields["topic"].quotedRange)) }
        addressBans = AddressBan.list(fields["addressBans"], of: inner)
        slowBy = JSONScanner.whole(inner, fields["slowBy"]) ?? 0
        topicBy = JSONScanner.whole(inner, fields["topicBy"]) ?? 0
        lockBy = JSONScanner.whole(inner, fields["lockBy"]) ?? 0
        if fields["lock"].kind == .object { lock = Lock(inner.extracting(fields["lock"].range)) }
    }
}

extension RoomSettings.Lock {
    /// Reads it out of a snapshot, or out of what is hidden in its event.
    init?(_ text: Span<UInt8>) {
        guard let fields = JSONFields(text), let nonce = UInt128(hexadecimal: text.extracting(fields["nonce"].range)),
            let invitation = UInt128(hexadecimal: text.extracting(fields["invitation"].range)),
            let below = JSONScanner.whole(text, fields["membersBelow"])
        else { return nil }
        self.init(
            nonce: nonce, invitation: invitation, seq: JSONScanner.whole(text, fields["seq"]) ?? 0,
            membersBelow: below)
    }
}

extension AddressBan {
    /// Reads a list of them.
    static func list(_ token: JSONToken, of text: Span<UInt8>) -> [AddressBan] {
        var bans: [AddressBan] = []
        forEachElement(of: token, in: text) { inner in
            guard let fields = JSONFields(inner), let address = JSONScanner.whole(inner, fields["address"]),
                let until = JSONScanner.whole(inner, fields["until"]),
                let user = UserID(inner.extracting(fields["user"].range))
            else { return }
            var ban = AddressBan(address: address, until: Int64(clamping: until), user: user)
            if fields["known"].kind == .array {
                var at = fields["known"].range.lowerBound
                _ = JSONScanner.elements(inner, &at) { value in
                    if let user = UserID(inner.extracting(value.range)) { ban.known.append(user) }
                }
            }
            bans.append(ban)
        }
        return bans
    }
}

/// Walks the elements of a list of JSON; there are none where it is no list.
func forEachElement(of token: JSONToken, in text: Span<UInt8>, _ body: (Span<UInt8>) -> Void) {
    guard token.kind == .array else { return }
    var at = token.range.lowerBound
    _ = JSONScanner.elements(text, &at) { body(text.extracting($0.range)) }
}

/// The whole numbers of a list of JSON.
func wholeNumbers(_ token: JSONToken, in text: Span<UInt8>) -> [UInt64] {
    guard token.kind == .array else { return [] }
    var (numbers, at) = ([UInt64](), token.range.lowerBound)
    _ = JSONScanner.elements(text, &at) { numbers.append(JSONScanner.whole(text, $0) ?? 0) }
    return numbers
}
