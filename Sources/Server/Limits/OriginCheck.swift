import HTTP

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

    /// - Parameters:
    ///   - origins: further ones that may, in their canonical form; `*` is all.
    ///   - isSecure: whether this server speaks TLS itself.
    static func allows(_ request: HTTPRequest, also origins: [String], isSecure: Bool) -> Bool {
        let values = request.values(of: "origin")
        guard let origin = values.first else { return true }
        if origins.contains("*") { return true }
        guard values.count == 1, origin != "null" else { return false }
        if let canonical = canonical(origin), origins.contains(canonical) { return true }
        // Without TLS of our own the scheme is not compared: behind a proxy that speaks TLS the page's is https. With it, a page that
        // came by http may be anyone's who sits on the line.
        guard let (scheme, authority) = split(origin), let host = request.value(of: "host") else { return false }
        if isSecure, scheme != "https" { return false }
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

/// Whether a request was sent to a name that this server goes by, where it listens on loopback alone.
///
/// Any web page can give its own name the address 127.0.0.1 for a moment, and the browser then takes what is served there
/// for that page's own (DNS rebinding). Such a request still names the page's host, so that it can be told from others.
struct HostCheck {
    /// The hosts of further origins, in lower case.
    private let hosts: Set<String>

    /// - Parameter origins: further web origins that may open the chat, in their canonical form.
    /// - Returns: nil where all of them may: then there is nothing to check.
    init?(origins: [String]) {
        if origins.contains("*") { return nil }
        hosts = Set(origins.compactMap { HTTPTarget.parse($0)?.authority.map(Authority.host) })
    }

    /// The name that a request was sent to, if it is none of this server's. A target in absolute form counts instead of
    /// Host (RFC 9112, 3.2.2).
    func foreignHost(_ request: HTTPRequest, _ target: HTTPTarget?) -> String? {
        guard let authority = target?.authority ?? request.value(of: "host") else { return nil }
        let host = Authority.host(of: authority)
        let isOwn =
            host == "localhost" || host.hasSuffix(".localhost") || Authority.isAddress(host) || hosts.contains(host)
        return isOwn ? nil : authority
    }
}
