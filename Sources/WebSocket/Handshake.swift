import Bytes
import HTTP

/// The opening handshake (RFC 6455, section 4).
package enum Handshake {
    /// The answer to a request's Sec-WebSocket-Key: 28 ASCII bytes (section 4.2.2, step 5.4).
    ///
    /// - Parameter key: without white space around it.
    /// - Returns: nil unless the key is the base64 of 16 bytes.
    package static func acceptKey(for key: Span<UInt8>) -> [UInt8]? {
        guard Base64.decode(key)?.count == 16 else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(60)
        bytes.append(copying: key)
        bytes.append(contentsOf: "258EAFA5-E914-47DA-95CA-C5AB0DC85B11".utf8)
        return Base64.encode(SHA1.digest(of: bytes.span).span)
    }

    /// What a server answers an upgrade with: status 101, `Upgrade: websocket`, `Connection: Upgrade`, and this.
    package struct Answer: Equatable, Sendable {
        /// Sec-WebSocket-Accept, in ASCII.
        package var acceptKey: [UInt8]
        /// Whether permessage-deflate is in use: for the ``MessageReader``.
        package var deflate: Bool
        /// Whether the peer may be sent what ``Deflater`` compresses. False without `deflate`, and for a peer that asked for
        /// a smaller window than that has.
        package var compress: Bool
        /// Sec-WebSocket-Extensions; nil for none.
        package var extensionHeader: String?
        /// Sec-WebSocket-Protocol; nil for none.
        package var subprotocol: String?
    }

    /// What a server is to do with a request.
    package enum Verdict: Equatable, Sendable {
        case accept(Answer)
        /// 426, with `Sec-WebSocket-Version: 13` (section 4.4).
        case wrongVersion
        /// 400, and why.
        case malformed(String)
        /// The request does not ask for a WebSocket.
        case notAnUpgrade
    }

    /// Judges a request as a server (section 4.2.1). That it is a GET by HTTP/1.1 with one Host is for HTTP to see to.
    ///
    /// - Parameters:
    ///   - fields: the request's.
    ///   - deflate: whether to accept permessage-deflate.
    ///   - subprotocols: those spoken here. The first of the client's that is among them is chosen; that there is none does
    ///     not matter.
    package static func judge(_ fields: HTTPFields, deflate: Bool, subprotocols: [String]) -> Verdict {
        guard fields.has("upgrade", token: "websocket") else { return .notAnUpgrade }
        guard fields.has("connection", token: "upgrade") else { return .malformed("Connection does not name Upgrade") }
        let version = fields.values(of: "sec-websocket-version")
        guard version.count == 1 else { return .malformed("there must be one Sec-WebSocket-Version") }
        guard version == ["13"] else { return .wrongVersion }
        guard fields.count(of: "sec-websocket-key") == 1 else {
            return .malformed("there must be one Sec-WebSocket-Key")
        }
        guard let acceptKey = acceptKey(for: fields.list(of: "sec-websocket-key").span) else {
            return .malformed("Sec-WebSocket-Key is not the base64 of 16 bytes")
        }
        guard let wanted = FieldScanner.tokens(fields.list(of: "sec-websocket-protocol")) else {
            return .malformed("Sec-WebSocket-Protocol is not a list of tokens")
        }
        var answer = Answer(
            acceptKey: acceptKey, deflate: false, compress: false, extensionHeader: nil,
            subprotocol: wanted.first(where: subprotocols.contains))
        switch PermessageDeflate.negotiate(fields.list(of: "sec-websocket-extensions")) {
        case .malformed: return .malformed("Sec-WebSocket-Extensions is not a list of extensions")
        case .declined: break
        case .accepted(let header, let compress):
            guard deflate else { break }
            answer.deflate = true
            answer.compress = compress
            answer.extensionHeader = header
        }
        return .accept(answer)
    }
}
