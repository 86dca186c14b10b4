/// An answer of the engine (Redis or Valkey), in version 2 of its protocol, RESP.
package enum RESPValue: Equatable, Sendable {
    /// A short text without line breaks, such as `OK`.
    case simple(String)
    case error(RESPError)
    case integer(Int64)
    /// Any bytes.
    case bulk([UInt8])
    /// There is nothing: a missing key, an array that does not exist.
    case null
    indirect case array([RESPValue])
}

/// A refusal by the engine.
package struct RESPError: Error, Equatable, Sendable {
    /// The whole line, such as `WRONGPASS invalid username-password pair`.
    package var message: String

    package init(_ message: String) { self.message = message }

    /// The first word, which programs go by.
    package var code: String { String(message.prefix { $0 != " " }) }
}

extension RESPValue {
    package var integer: Int64? { if case .integer(let number) = self { number } else { nil } }
    package var array: [RESPValue]? { if case .array(let elements) = self { elements } else { nil } }

    /// The bytes of a simple or a bulk string.
    package var bytes: [UInt8]? {
        switch self {
        case .simple(let text): Array(text.utf8)
        case .bulk(let bytes): bytes
        default: nil
        }
    }

    /// The same as text; nil where it is no UTF-8.
    package var text: String? {
        switch self {
        case .simple(let text): text
        case .bulk(let bytes): String(validating: bytes, as: UTF8.self)
        default: nil
        }
    }

    /// A count or a position: never negative.
    package var count: UInt64? { integer.flatMap { UInt64(exactly: $0) } }
}
