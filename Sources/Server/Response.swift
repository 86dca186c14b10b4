import HTTP

/// An answer to a request.
struct Response {
    var status: HTTPStatus
    var type = "text/plain; charset=utf-8"
    var fields: [(String, String)] = []
    var body: [UInt8] = []

    /// An answer of one line.
    static func plain(_ status: HTTPStatus, _ text: String, _ fields: [(String, String)] = []) -> Response {
        Response(status: status, fields: fields, body: Array(text.utf8) + [0x0A])
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

/// Whether a web page may open the chat.
///
/// Browsers let every page open a WebSocket to every server, with the visitor's cookies and from the visitor's network.
/// They say whose page it is (RFC 6455 section 10.2), so the server can tell its own from others. Programs that are no
/// browsers send no Origin, and are let in: they could say anything.
package enum OriginCheck {
    /// A web origin as browsers write it: in lower case, and without the port if it is the scheme's own.
    ///
    /// - Returns: nil for what is no origin of `http` or `https`: another scheme, a path, a pattern.
    package static func canonical(_ origin: String) -> String? {
        guard let (scheme, authority) = split(origin), HTTPTarget.parse("\(scheme)://\(authority)")?.path == [],
            authority.utf8.allSatisfy({ !"/?*".utf8.contains($0) })
        else { return nil }
        return "\(scheme)://\(canonical(authority, scheme))"
    }

    /// - Parameter origins: further ones that may, in their canonical form; `*` is all.
    static func allows(_ request: HTTPRequest, also origins: [String]) -> Bool {
        let values = request.values(of: "origin")
        guard let origin = values.first else { return true }
        if origins.contains("*") { return true }
        guard values.count == 1, origin != "null" else { return false }
        if let canonical = canonical(origin), origins.contains(canonical) { return true }
        // The scheme is not compared: behind a proxy that speaks TLS the page's is https, and ours is not.
        guard let (scheme, authority) = split(origin), let host = request.value(of: "host") else { return false }
        return canonical(authority, scheme) == canonical(host.lowercased(), scheme)
    }

    private static func split(_ origin: String) -> (scheme: String, authority: String)? {
        let lower = origin.lowercased()
        for scheme in ["http", "https"] where lower.hasPrefix(scheme + "://") {
            return (scheme, String(lower.dropFirst(scheme.count + 3)))
        }
        return nil
    }

    /// Without the port if it is the scheme's own: browsers leave it out in both places, others may not.
    private static func canonical(_ authority: String, _ scheme: String) -> String {
        let suffix = scheme == "https" ? ":443" : ":80"
        return authority.hasSuffix(suffix) ? String(authority.dropLast(suffix.count)) : authority
    }
}
