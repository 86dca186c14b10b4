import Bytes
import HTTP

/// The client's side of an opening handshake (RFC 6455, section 4.1).
package struct ClientHandshake: Sendable {
    private let key: [UInt8]
    private let subprotocols: [String]
    private let deflate: Bool

    /// - Parameters:
    ///   - nonce: 16 random bytes, fresh for each connection.
    ///   - subprotocols: those to offer, the dearest first.
    ///   - deflate: whether to offer permessage-deflate.
    package init(nonce: SIMD16<UInt8>, subprotocols: [String], deflate: Bool) {
        var bytes: [UInt8] = []
        for index in nonce.indices { bytes.append(nonce[index]) }
        key = Base64.encode(bytes.span)
        self.subprotocols = subprotocols
        self.deflate = deflate
    }

    /// The header fields of the request: a GET by HTTP/1.1, to which the caller adds Host.
    package var requestFields: [(name: String, value: String)] {
        var fields = [
            (name: "Upgrade", value: "websocket"),
            (name: "Connection", value: "Upgrade"),
            (name: "Sec-WebSocket-Key", value: String(decoding: key, as: UTF8.self)),
            (name: "Sec-WebSocket-Version", value: "13"),
        ]
        if !subprotocols.isEmpty {
            fields.append((name: "Sec-WebSocket-Protocol", value: subprotocols.joined(separator: ", ")))
        }
        if deflate { fields.append((name: "Sec-WebSocket-Extensions", value: PermessageDeflate.offer)) }
        return fields
    }

    /// What both ends have agreed on.
    package struct Agreement: Equatable, Sendable {
        /// Whether permessage-deflate is in use, both ways; what ``Deflater`` makes may be sent.
        package var deflate: Bool
        package var subprotocol: String?
    }

    /// Why an answer is not taken for a WebSocket's.
    package enum Refusal: Error, Hashable, Sendable {
        case status(Int)
        case upgradeMissing
        case upgradeWrong
        case connectionMissing
        case connectionWrong
        case acceptMissing
        case acceptRepeated
        case acceptWrong
        case subprotocolRepeated
        case subprotocolNotOffered(String)
        case extensionsRepeated
        case extensions(PermessageDeflate.AnswerFault)
    }

    /// Judges the server's answer: only one that proves that it read the request, and adds nothing to it, will do.
    package func verify(status: Int, _ fields: HTTPFields) -> Result<Agreement, Refusal> {
        guard status == 101 else { return .failure(.status(status)) }
        let upgrade = fields.values(of: "upgrade")
        guard !upgrade.isEmpty else { return .failure(.upgradeMissing) }
        guard upgrade.count == 1, upgrade[0].lowercased() == "websocket" else { return .failure(.upgradeWrong) }
        guard fields.count(of: "connection") > 0 else { return .failure(.connectionMissing) }
        guard fields.has("connection", token: "upgrade") else { return .failure(.connectionWrong) }

        let accept = fields.count(of: "sec-websocket-accept")
        guard accept > 0 else { return .failure(.acceptMissing) }
        guard accept == 1 else { return .failure(.acceptRepeated) }
        guard fields.list(of: "sec-websocket-accept") == Handshake.acceptKey(for: key.span) else {
            return .failure(.acceptWrong)
        }

        var agreement = Agreement(deflate: false, subprotocol: nil)
        let chosen = fields.values(of: "sec-websocket-protocol")
        if let first = chosen.first {
            guard chosen.count == 1 else { return .failure(.subprotocolRepeated) }
            guard subprotocols.contains(first) else { return .failure(.subprotocolNotOffered(first)) }
            agreement.subprotocol = first
        }
        guard fields.count(of: "sec-websocket-extensions") <= 1 else { return .failure(.extensionsRepeated) }
        switch PermessageDeflate.verify(fields.list(of: "sec-websocket-extensions"), offered: deflate) {
        case .success(let inUse): agreement.deflate = inUse
        case .failure(let fault): return .failure(.extensions(fault))
        }
        return .success(agreement)
    }
}

extension ClientHandshake.Refusal: CustomStringConvertible {
    package var description: String {
        switch self {
        case .status(let status): "the server answered with status \(status), not with 101"
        case .upgradeMissing: "the answer has no Upgrade"
        case .upgradeWrong: "the answer upgrades to something else than a WebSocket"
        case .connectionMissing: "the answer has no Connection"
        case .connectionWrong: "the answer's Connection does not name Upgrade"
        case .acceptMissing: "the answer has no Sec-WebSocket-Accept"
        case .acceptRepeated: "the answer has several Sec-WebSocket-Accept"
        case .acceptWrong: "the answer's Sec-WebSocket-Accept does not fit the request"
        case .subprotocolRepeated: "the answer has several Sec-WebSocket-Protocol"
        case .subprotocolNotOffered(let name): "the server chose subprotocol \(name), which was not offered"
        case .extensionsRepeated: "the answer has several Sec-WebSocket-Extensions"
        case .extensions(let fault): fault.description
        }
    }
}

extension PermessageDeflate.AnswerFault: CustomStringConvertible {
    package var description: String {
        switch self {
        case .malformed: "the answer's Sec-WebSocket-Extensions is malformed"
        case .notOffered(let name): "the server uses extension \(name), which was not offered"
        case .repeated: "the server uses permessage-deflate twice"
        case .illegalParameters: "the server uses permessage-deflate with illegal parameters"
        case .contextTakeover: "the server insists on context takeover"
        }
    }
}
