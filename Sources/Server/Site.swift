import Bytes
import Chat
import HTTP

/// The static files: those built into the binary, or those of a folder.
package struct Site {
    /// A file as it is served.
    struct Asset {
        var type: String
        /// A hash of the content, in quotation marks (RFC 9110 section 8.8.3).
        var etag: String
        var body: [UInt8]

        init(name: String, body: [UInt8]) {
            type = ContentType.of(fileName: name)
            var digest: [UInt8] = []
            for byte in SHA1.digest(of: body.span).prefix(12) {
                digest += Array((byte < 16 ? "0" : "").utf8) + Array(String(byte, radix: 16).utf8)
            }
            etag = "\"\(String(decoding: digest, as: UTF8.self))\""
            self.body = body
        }
    }

    private enum Source {
        case embedded([String: Asset])
        case folder(SiteFolder)
    }

    private let source: Source

    /// Serves files that are in memory, by their names.
    package init(files: [String: [UInt8]]) {
        var assets: [String: Asset] = [:]
        for (name, body) in files { assets[name] = Asset(name: name, body: body) }
        if let page = files["index.html"] {
            assets["r/index.html"] = Asset(name: "index.html", body: Self.oneDeeper(page))
        }
        source = .embedded(assets)
    }

    /// Serves files from a folder, each as it is when it is asked for.
    package init(folder: SiteFolder) { source = .folder(folder) }

    /// The page as it is for `/r/ROOM`, one level deeper than `/`: every address in it that begins with `./` is relative to
    /// the page, so it begins with `../` there. No address is absolute: so all of it works under a proxy's sub-path.
    private static func oneDeeper(_ page: [UInt8]) -> [UInt8] {
        let pattern = Array("\"./".utf8)
        var result: [UInt8] = []
        var at = 0
        while at < page.count {
            if page[at...].starts(with: pattern) {
                result += Array("\"../".utf8)
                at += pattern.count
            } else {
                result.append(page[at])
                at += 1
            }
        }
        return result
    }

    /// Answers a request for a path.
    ///
    /// - Parameters:
    ///   - path: its segments, decoded.
    ///   - ifNoneMatch: what the client has, as it says.
    func response(to path: [String], ifNoneMatch: String?) -> Response {
        let name: String
        if path.isEmpty || path == [""] {
            name = "index.html"
        } else if path.first == "r" {
            guard path.count <= 2 else { return Self.notFound }
            guard let room = path.dropFirst().first, RoomName.isValid(Array(room.utf8).span) else {
                return Self.noRoom(named: path.dropFirst().first ?? "")
            }
            name = "r/index.html"
        } else {
            name = path.joined(separator: "/")
        }
        guard let asset = asset(name, path) else { return Self.notFound }
        let fields = [("ETag", asset.etag), ("Cache-Control", "no-cache")]
        if let ifNoneMatch, Conditional.matches(ifNoneMatch: ifNoneMatch, etag: asset.etag) {
            return Response(status: .notModified, fields: fields)
        }
        return Response(status: .ok, type: asset.type, fields: fields, body: asset.body)
    }

    private func asset(_ name: String, _ path: [String]) -> Asset? {
        switch source {
        case .embedded(let assets): return assets[name]
        case .folder(let folder):
            if name == "r/index.html" {
                return folder.read(["index.html"]).map { Asset(name: "index.html", body: Self.oneDeeper($0)) }
            }
            let segments = name == "index.html" ? [name] : path
            return folder.read(segments).map { Asset(name: name, body: $0) }
        }
    }

    /// The page for a room's address with a name that no room can have: it offers the room that may be meant.
    static func noRoom(named name: String) -> Response {
        let guess = guess(name)
        let offer = guess.isEmpty ? "" : "<p>Did you mean <a href=\"./\(guess)\">\(guess)</a>?</p>\n"
        let page = """
            <!doctype html>
            <html lang="en">
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width">
            <meta name="color-scheme" content="light dark">
            <title>No such room</title>
            <h1>There is no room of this name</h1>
            <p>A room's name has 1 to 32 characters: small letters from a to z, digits and hyphens.</p>
            \(offer)<p><a href="../">To the lobby</a></p>

            """
        return Response(status: .notFound, type: "text/html; charset=utf-8", body: Array(page.utf8))
    }

    /// The name that somebody may have meant: in small letters, with a hyphen for all else that stands between them. It may
    /// be empty.
    private static func guess(_ name: String) -> String {
        let words = name.lowercased().split { !$0.isASCII || !($0.isLetter || $0.isNumber) }
        let guess = words.joined(separator: "-").prefix(32)
        return String(guess.last == "-" ? guess.dropLast() : guess)
    }

    static let notFound = Response.plain(.notFound, "There is nothing here.")
}
