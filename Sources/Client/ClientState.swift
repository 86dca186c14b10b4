import Bytes
import Chat

/// What a client keeps so that a later run of the program is the same client: one object of JSON.
package struct ClientState: Equatable, Sendable {
    /// By which the server knows the user.
    package var key: String
    package var username: String?
    /// What the session and the seq are worth something for.
    package var room: String?
    package var session: String?
    /// The newest event that was seen.
    package var seq: UInt64 = 0

    package init(key: String) { self.key = key }

    /// A new key.
    ///
    /// - Parameter random: gives 64 bits that nobody can guess. The key has 192 of them.
    package static func newKey(_ random: () -> UInt64) -> String {
        (0..<3).map { _ in
            let digits = String(random(), radix: 36)
            return String(repeating: "0", count: 13 - digits.count) + digits
        }.joined()
    }

    /// Reads what `json` has written; nil for anything else.
    package init?(_ text: Span<UInt8>) {
        guard UTF8Validator.isValid(text) else { return nil }
        var at = 0
        JSONScanner.skipSpace(text, &at)
        guard let fields = ServerFields(text, &at) else { return nil }
        JSONScanner.skipSpace(text, &at)
        guard at == text.count, let key = fields.string("key", text), (16...128).contains(key.unicodeScalars.count)
        else { return nil }
        self.key = key
        username = fields.string("username", text)
        room = fields.string("room", text)
        session = fields.string("session", text)
        seq = fields.whole("seq", text) ?? 0
    }

    package var json: [UInt8] {
        var bytes: [UInt8] = []
        bytes.append("{\"key\":")
        bytes.append(quoting: key)
        for (name, value) in [("username", username), ("room", room), ("session", session)] {
            guard let value else { continue }
            bytes.append(",")
            bytes.append(quoting: name)
            bytes.append(":")
            bytes.append(quoting: value)
        }
        bytes.append(",\"seq\":")
        bytes.append(decimal: seq)
        bytes.append("}\n")
        return bytes
    }
}
