/// A response's status: the code and its phrase (RFC 9110, 15).
package struct HTTPStatus: Sendable, Equatable {
    package let code: Int
    package let phrase: String

    package init(code: Int, phrase: String) {
        self.code = code
        self.phrase = phrase
    }

    package static let switchingProtocols = HTTPStatus(code: 101, phrase: "Switching Protocols")
    package static let ok = HTTPStatus(code: 200, phrase: "OK")
    package static let created = HTTPStatus(code: 201, phrase: "Created")
    package static let notModified = HTTPStatus(code: 304, phrase: "Not Modified")
    package static let permanentRedirect = HTTPStatus(code: 308, phrase: "Permanent Redirect")
    package static let badRequest = HTTPStatus(code: 400, phrase: "Bad Request")
    package static let unauthorized = HTTPStatus(code: 401, phrase: "Unauthorized")
    package static let forbidden = HTTPStatus(code: 403, phrase: "Forbidden")
    package static let notFound = HTTPStatus(code: 404, phrase: "Not Found")
    package static let methodNotAllowed = HTTPStatus(code: 405, phrase: "Method Not Allowed")
    package static let requestTimeout = HTTPStatus(code: 408, phrase: "Request Timeout")
    package static let contentTooLarge = HTTPStatus(code: 413, phrase: "Content Too Large")
    package static let uriTooLong = HTTPStatus(code: 414, phrase: "URI Too Long")
    package static let unsupportedMediaType = HTTPStatus(code: 415, phrase: "Unsupported Media Type")
    package static let misdirectedRequest = HTTPStatus(code: 421, phrase: "Misdirected Request")
    package static let unprocessableContent = HTTPStatus(code: 422, phrase: "Unprocessable Content")
    package static let upgradeRequired = HTTPStatus(code: 426, phrase: "Upgrade Required")
    package static let tooManyRequests = HTTPStatus(code: 429, phrase: "Too Many Requests")
    package static let headerFieldsTooLarge = HTTPStatus(code: 431, phrase: "Request Header Fields Too Large")
    package static let notImplemented = HTTPStatus(code: 501, phrase: "Not Implemented")
    package static let serviceUnavailable = HTTPStatus(code: 503, phrase: "Service Unavailable")
    package static let versionNotSupported = HTTPStatus(code: 505, phrase: "HTTP Version Not Supported")

    /// Whether a response of this status can carry content at all (RFC 9110, 6.4.1).
    package var allowsContent: Bool { code >= 200 && code != 204 && code != 304 }
}
