import Chat
import HTTP

/// Where a chat is: an address that is typed, or copied from a browser, taken apart.
///
/// `ws://host/chat?room=garden`, `http://host:8080/r/garden`, `https://host/under/a/path/?room=garden` and `host:8080` all
/// name one. A link from the chat may carry an invitation or an operator's code: `https://host/r/garden#invite=…`.
package struct ClientURL: Sendable, Equatable {
    /// Whether the chat is reached over TLS: `https` and `wss`.
    package let isSecure: Bool
    /// A name or an address, without brackets.
    package let host: String
    package let port: UInt16
    /// The path that the chat's own addresses stand below; it begins and ends with a slash.
    package let base: String
    package private(set) var room: String
    /// From `#invite=`: opens a locked room.
    package private(set) var invite: String?
    /// From `#operator=`: makes its first user an operator.
    package private(set) var operatorCode: String?

    /// The port of an address that is no URL and names none: `serve`'s own. A URL without a port means its scheme's.
    package static let barePort: UInt16 = 8080

    private static func standardPort(isSecure: Bool) -> UInt16 { isSecure ? 443 : 80 }

    /// The chat's path and query, for the request.
    package var target: String { "\(base)chat?room=\(room)" }

    /// The path of the WebSocket echo that `serve --echo` offers.
    package var echoTarget: String { "\(base)echo" }

    /// Host and port as Host has them (RFC 9110, 7.2).
    package var authority: String {
        let name = host.contains(":") ? "[\(host)]" : host
        return port == Self.standardPort(isSecure: isSecure) ? name : "\(name):\(port)"
    }

    /// The room's page.
    package var page: String {
        "\(isSecure ? "https" : "http")://\(authority)\(base)" + (room == RoomName.standard ? "" : "r/\(room)")
    }

    /// Another room of the same chat; nil where that is no name of a room.
    package func inRoom(_ name: String) -> ClientURL? {
        guard RoomName.isValid(Array(name.utf8).span) else { return nil }
        var url = self
        (url.room, url.invite, url.operatorCode) = (name, nil, nil)
        return url
    }

    /// Why an address is none.
    package enum Fault: Error, Equatable, Sendable {
        case unknownScheme(String)
        /// It has `user:password@` in it.
        case userInfo
        case malformed
        case invalidPort
        case invalidRoom
    }

    package init(_ text: String) throws(Fault) {
        let address = text.prefix { $0 != "#" }
        var (rest, isSecure, bare) = (address, false, true)
        if let scheme = Self.scheme(of: address) {
            switch scheme {
            case "ws", "http": break
            case "wss", "https": isSecure = true
            default: throw .unknownScheme(scheme)
            }
            bare = false
            rest = address.dropFirst(scheme.count + 3)
        }
        guard !rest.prefix(while: { !"/?".contains($0) }).contains("@") else { throw .userInfo }
        guard let target = HTTPTarget.parse("http://\(rest)"), let authority = target.authority else {
            throw .malformed
        }
        let standard = bare ? Self.barePort : Self.standardPort(isSecure: isSecure)
        (host, port) = try Self.split(authority, defaultPort: standard, mayLackPort: !bare)
        let path = rest.drop { $0 != "/" && $0 != "?" }.prefix { $0 != "?" }
        (base, room) = try Self.split(path, target)
        self.isSecure = isSecure
        // What follows the # is written like a query; the page's link to the message field leaves a word there.
        if let fragment = HTTPTarget.parse("/?\(text.dropFirst(address.count + 1))") {
            invite = fragment.query("invite")
            operatorCode = fragment.query("operator")
        }
    }

    /// What stands before `://`, in lower case.
    private static func scheme(of text: Substring) -> String? {
        let scheme = text.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || "+-.".contains($0)) }
        return !scheme.isEmpty && text.dropFirst(scheme.count).hasPrefix("://") ? scheme.lowercased() : nil
    }

    /// Host and port of an authority that follows the syntax of HTTP.
    private static func split(
        _ authority: String, defaultPort: UInt16, mayLackPort: Bool
    ) throws(Fault) -> (String, UInt16) {
        // What may be escaped in a host's name is no name that could be looked up.
        guard !authority.contains("%") else { throw .malformed }
        var (host, port) = (authority[...], authority[...].suffix(0))
        if authority.hasPrefix("["), let end = authority.firstIndex(of: "]") {
            host = authority[..<end].dropFirst()
            port = authority[end...].dropFirst()
        } else if let colon = authority.firstIndex(of: ":") {
            host = authority[..<colon]
            port = authority[colon...]
        }
        // A URL may have a colon without a port (RFC 3986, 3.2.3). Elsewhere it is a slip: `http:/host`.
        guard port != ":" || mayLackPort else { throw .malformed }
        guard port.count > 1 else { return (String(host), defaultPort) }
        guard let number = UInt16(port.dropFirst()), number > 0 else { throw .invalidPort }
        return (String(host), number)
    }

    /// The base and the room, by the last segments of a path: the page's, a room's page's, or the chat's own.
    private static func split(_ path: Substring, _ target: HTTPTarget) throws(Fault) -> (base: String, room: String) {
        var raw = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)[...]
        let decoded = target.path
        var room = target.query("room") ?? RoomName.standard
        switch decoded.last {
        case nil: raw = []
        case "chat": raw.removeLast()
        case let last? where decoded.dropLast().last == "r":
            room = last
            raw.removeLast(2)
        case "", "index.html": raw.removeLast()
        default: break  // a folder, named without the slash at its end
        }
        guard raw.allSatisfy({ !$0.isEmpty }) else { throw .malformed }
        guard RoomName.isValid(Array(room.utf8).span) else { throw .invalidRoom }
        return (raw.reduce(into: "/") { $0 += "\($1)/" }, room)
    }
}

extension ClientURL.Fault: CustomStringConvertible {
    package var description: String {
        switch self {
        case .unknownScheme(let scheme):
            "there is no chat under \(scheme):; an address begins with http:, https:, ws: or wss:"
        case .userInfo:
            "a chat's address has no user:password@ in it; the chat's password goes into a file, for --password-file"
        case .malformed: "this is no address; one looks like http://127.0.0.1:8080/ or http://127.0.0.1:8080/r/ROOM"
        case .invalidPort: "a port is a number from 1 to 65535"
        case .invalidRoom: "a room's name is 1 to 32 of a-z, 0-9 and -"
        }
    }
}
