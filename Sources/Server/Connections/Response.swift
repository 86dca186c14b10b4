import HTTP

/// An answer to a request.
struct Response: Sendable {
    var status: HTTPStatus
    var type = "text/plain; charset=utf-8"
    var fields: [(String, String)] = []
    var content = Content.bytes([])

    enum Content: Sendable {
        case bytes([UInt8])
        /// Bytes that are in memory anyway: they are not copied for each connection.
        case kept([UInt8])
        /// Bytes of a file, to be read piece by piece.
        case file(LargeFile)

        var count: Int {
            switch self {
            case .bytes(let bytes), .kept(let bytes): bytes.count
            case .file(let file): file.size
            }
        }
    }

    /// An answer of one line.
    static func plain(_ status: HTTPStatus, _ text: String, _ fields: [(String, String)] = []) -> Response {
        Response(status: status, fields: fields, content: .bytes(Array(text.utf8) + [0x0A]))
    }

    /// What browsers may do with anything that comes from here. The page consists of its own files, talks to its own server
    /// over its own WebSocket (`'self'` means that, too, by CSP level 3), and is shown in nobody's frame.
    private static let security: [(String, String)] = [
        (
            "Content-Security-Policy",
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
                + "manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        ),
        ("X-Content-Type-Options", "nosniff"),
        ("Referrer-Policy", "no-referrer"),
        ("Cross-Origin-Opener-Policy", "same-origin"),
        ("Cross-Origin-Resource-Policy", "same-origin"),
    ]

    /// All fields but those that HTTP itself needs.
    ///
    /// - Parameter type: the type of the content; nil where there is none.
    func allFields(type: String?) -> [(String, String)] {
        (type.map { [("Content-Type", $0)] } ?? []) + fields + Self.security
    }
}
