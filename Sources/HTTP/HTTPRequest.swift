/// A request's method (RFC 9110, 9). Methods are case-sensitive: `get` is not GET.
package enum HTTPMethod: Sendable, Equatable {
    case get
    case head
    case post
    /// Any other token: nothing here serves it.
    case other(String)

    /// The method as it was sent.
    package var name: String {
        switch self {
        case .get: "GET"
        case .head: "HEAD"
        case .post: "POST"
        case .other(let name): name
        }
    }
}

/// One request. The bytes of its head are kept once, as they came; everything else is ranges into them.
package struct HTTPRequest: Sendable, Equatable {
    package let method: HTTPMethod
    /// 0 or 1. A higher minor version is taken as 1 (RFC 9110, 2.5).
    package let minorVersion: Int
    /// The content, with its framing undone; empty where there is none.
    package internal(set) var content: [UInt8] = []

    package let fields: HTTPFields
    private let targetRange: Range<Int>

    init(_ line: RequestLine, fields: HTTPFields) {
        method = line.method
        minorVersion = line.minorVersion
        targetRange = line.target
        self.fields = fields
    }

    /// The request target as it was sent: visible ASCII in one of the forms of RFC 9112, 3.2. `HTTPTarget` takes it apart.
    package var target: String { fields.text(targetRange) }

    /// The value of a field, several lines of it joined by `", "`; see `HTTPFields`.
    package func value(of name: String) -> String? { fields.value(of: name) }

    /// The value of each line of that name by itself.
    package func values(of name: String) -> [String] { fields.values(of: name) }

    /// How many lines have that name.
    package func count(of name: String) -> Int { fields.count(of: name) }

    /// Whether the comma-separated list of that name has `token` among its members, case aside.
    package func has(_ name: String, token: String) -> Bool { fields.has(name, token: token) }

    /// Whether the connection may serve another request after this one (RFC 9112, 9.3).
    package var keepAlive: Bool {
        if has("connection", token: "close") { return false }
        return minorVersion >= 1 || has("connection", token: "keep-alive")
    }
}
