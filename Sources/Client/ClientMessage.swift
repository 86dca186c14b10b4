import Chat

/// What a client says, as the JSON of the protocol.
package enum ClientMessage {
    /// - Parameters:
    ///   - session: from an earlier welcome.
    ///   - since: the newest event that is known.
    package static func join(username: String, session: String? = nil, since: UInt64? = nil) -> [UInt8] {
        var bytes = begin("{\"type\":\"join\",\"username\":", username)
        if let session {
            bytes.append(",\"session\":")
            bytes.append(quoting: session)
        }
        if let since {
            bytes.append(",\"since\":")
            bytes.append(decimal: since)
        }
        return end(bytes)
    }

    /// - Parameter id: the client's name for it, 1 to 64 characters: the server does not say a message twice that has one.
    package static func message(text: String, id: String? = nil) -> [UInt8] {
        var bytes = begin("{\"type\":\"message\",\"text\":", text)
        if let id {
            bytes.append(",\"id\":")
            bytes.append(quoting: id)
        }
        return end(bytes)
    }

    /// Asks for another name.
    package static func rename(to username: String) -> [UInt8] {
        end(begin("{\"type\":\"rename\",\"username\":", username))
    }

    /// Tells the others that this user is typing.
    package static let typing = Array("{\"type\":\"typing\"}".utf8)

    /// - Parameters:
    ///   - before: the seq before which messages are wanted.
    ///   - limit: how many at most, 1 to 200.
    package static func history(before: UInt64, limit: Int) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append("{\"type\":\"history\",\"before\":")
        bytes.append(decimal: before)
        bytes.append(",\"limit\":")
        bytes.append(decimal: UInt64(max(0, limit)))
        return end(bytes)
    }

    private static func begin(_ opening: StaticString, _ text: String) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(opening)
        bytes.append(quoting: text)
        return bytes
    }

    private static func end(_ bytes: [UInt8]) -> [UInt8] { bytes + [UInt8(ascii: "}")] }
}
