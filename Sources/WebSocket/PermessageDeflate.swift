import HTTP

/// The negotiation of permessage-deflate (RFC 7692, sections 5 and 7.1).
///
/// Both ends are told to compress each message by itself (no context takeover): so no connection keeps a compressor's or
/// a decompressor's memory, and what is sent to many is compressed once.
package enum PermessageDeflate {
    /// The window that ``Deflater`` compresses with, as a power of two of bytes.
    package static let windowBits = 12

    /// What a server makes of a request's Sec-WebSocket-Extensions.
    package enum Negotiation: Equatable, Sendable {
        /// - Parameters:
        ///   - header: the answer's Sec-WebSocket-Extensions.
        ///   - compress: false where the peer's window is too small for ``Deflater``: it gets its messages uncompressed,
        ///     which is anyone's choice for each message (section 6).
        case accepted(header: String, compress: Bool)
        /// No offer can be accepted: the connection goes without.
        case declined
        /// Not what a list of extensions looks like; the handshake is to fail (RFC 6455, section 9.1).
        case malformed
    }

    /// What a client writes into Sec-WebSocket-Extensions. It insists that messages come without context takeover, and says
    /// that its own do.
    package static let offer = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"

    /// Accepts the first offer that can be accepted, in the client's order (section 5.1).
    package static func negotiate(_ value: [UInt8]) -> Negotiation {
        guard let offers = Extension.list(value) else { return .malformed }
        for offer in offers where offer.name == name {
            guard let parameters = Parameters(offer.parameters, in: .offer) else { continue }
            var header = self.offer
            if let bits = parameters.serverMaxWindowBits { header += "; server_max_window_bits=\(bits)" }
            return .accepted(header: header, compress: parameters.serverMaxWindowBits ?? 15 >= windowBits)
        }
        return .declined
    }

    /// Why a client refuses the extensions that a server answers with.
    package enum AnswerFault: Hashable, Sendable {
        case malformed
        case notOffered(String)
        case repeated
        /// A parameter that is unknown, repeated, out of its range, or not for an answer to ``offer``.
        case illegalParameters
        /// The server would go on from one message's window to the next, in spite of the offer (section 7.1.1.1).
        case contextTakeover
    }

    /// What a client makes of an answer's Sec-WebSocket-Extensions.
    ///
    /// - Parameter offered: whether the request carried ``offer``.
    /// - Returns: whether the extension is in use.
    package static func verify(_ value: [UInt8], offered: Bool) -> Result<Bool, AnswerFault> {
        guard let answers = Extension.list(value) else { return .failure(.malformed) }
        guard let answer = answers.first else { return .success(false) }
        if let other = answers.first(where: { !offered || $0.name != name }) {
            return .failure(.notOffered(other.name))
        }
        guard answers.count == 1 else { return .failure(.repeated) }
        guard let parameters = Parameters(answer.parameters, in: .answer) else { return .failure(.illegalParameters) }
        return parameters.serverNoContextTakeover ? .success(true) : .failure(.contextTakeover)
    }

    private static let name = "permessage-deflate"
}

extension PermessageDeflate.AnswerFault: Error {}

/// One element of Sec-WebSocket-Extensions (RFC 6455, section 9.1).
private struct Extension {
    let name: String
    let parameters: [(name: String, value: String?)]

    static func list(_ value: [UInt8]) -> [Extension]? {
        var scanner = FieldScanner(value)
        return scanner.list { scanner in Extension(&scanner) }
    }

    private init?(_ scanner: inout FieldScanner) {
        guard let name = scanner.token() else { return nil }
        var parameters: [(name: String, value: String?)] = []
        scanner.skipWhitespace()
        while scanner.take(";") {
            scanner.skipWhitespace()
            guard let name = scanner.token() else { return nil }
            scanner.skipWhitespace()
            var value: String?
            if scanner.take("=") {
                scanner.skipWhitespace()
                value = scanner.tokenOrQuotedToken()
                if value == nil { return nil }
                scanner.skipWhitespace()
            }
            parameters.append((name, value))
        }
        self.name = name
        self.parameters = parameters
    }
}

/// The parameters of permessage-deflate (RFC 7692, section 7.1).
private struct Parameters {
    private(set) var serverNoContextTakeover = false
    private(set) var serverMaxWindowBits: Int?

    enum Side { case offer, answer }

    /// Nil where there is one that is unknown, repeated, or has a value that it must not have (section 7).
    init?(_ parameters: [(name: String, value: String?)], in side: Side) {
        var seen: Set<String> = []
        for (name, value) in parameters {
            guard seen.insert(name).inserted else { return nil }
            switch (name, value) {
            case ("server_no_context_takeover", nil): serverNoContextTakeover = true
            case ("client_no_context_takeover", nil): break
            case ("server_max_window_bits", let value?):
                guard let bits = Self.windowBits(value) else { return nil }
                serverMaxWindowBits = bits
            // A hint that the client could take an answer with this; it then uses 15, which ours does without.
            case ("client_max_window_bits", nil) where side == .offer: break
            case ("client_max_window_bits", let value?) where side == .offer:
                guard Self.windowBits(value) != nil else { return nil }
            default: return nil
            }
        }
    }

    /// A decimal number from 8 to 15 without leading zeros (section 7.1.2.1).
    private static func windowBits(_ value: String) -> Int? { (8...15).first { String($0) == value } }
}
